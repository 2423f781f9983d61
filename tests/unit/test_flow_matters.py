"""Matters: one left for another, two that are as likely, one that makes angry, and called flows."""

from __future__ import annotations

from pathlib import Path

import pytest

from bots.errors import BadFlow
from bots.flow.interpreter import resume, start
from bots.flow.outcome import (
    Answered,
    Ask,
    Context,
    End,
    HandOff,
    NeedAnswer,
    NeedScore,
    Outcome,
    Say,
    Understood,
)
from bots.flow.schema import parse_flow, read_flow

SOURCE = """\
flow: desk
start: help
languages: [en, lv]
queue: desk
always: {angry: sorry}
slots:
  number: {type: digits, length: 4}
  reading: {type: integer}
  person: {type: yes-no}
intents:
  order: {about: {en: an order, lv: pasūtījumu}, go: number, queue: orders, examples: {en: [x]}}
  meter: {about: {en: your meter, lv: skaitītāju}, go: reading, examples: {en: [x]}}
  bill: {about: {en: a bill}, examples: {en: [x]}}
steps:
  help: {ask: "What is it?", otherwise: know}
  number: {ask: "Which number?", again: "So, which number?", slot: number, next: told}
  told: {say: "{{ number }} is on its way.", next: more}
  reading: {ask: "What does it show?", slot: reading, next: noted}
  noted: {say: "{{ reading }} it is.", next: more}
  know: {answer: "{{ question }}", next: more, unknown: more}
  more: {ask: "Anything else?", routes: {"no": bye}, otherwise: know, resumes: true}
  sorry: {ask: "I am sorry. Shall I get a colleague?", slot: person, next: which}
  which: {branch: [{when: "person == 'yes'", go: human}], otherwise: more}
  human: {handoff: angry}
  bye: {end: done}
"""
FLOW = parse_flow(SOURCE, "desk.yaml")


def begun(channel: str = "chat", language: str = "en") -> Outcome:
    return start(FLOW, Context(channel, language))


def said(outcome: Outcome, text: str = "", **given: object) -> Outcome:
    return resume(FLOW, outcome.memory, Understood(text, **given))  # type: ignore[arg-type]


def words(outcome: Outcome) -> list[str]:
    return [action.text for action in outcome.actions if isinstance(action, Say | Ask)]


def test_matter_that_was_left_is_taken_up_again() -> None:
    number = said(begun(), "my order", intent="order")
    meter = said(number, "I have a reading for you", intent="meter")
    assert words(meter) == ["What does it show?"]
    assert meter.memory["intent"] == "meter"
    back = said(meter, "it shows 4711")
    assert words(back) == ["4711 it is.", "Now back to an order.", "So, which number?"]
    assert (back.memory["intent"], back.memory["queue"]) == ("order", "orders")
    assert words(said(back, "4821")) == ["4821 is on its way.", "Anything else?"]


def test_stop_gives_up_everything_that_waits() -> None:
    number = said(begun(), "my order", intent="order")
    meter = said(number, "a reading", intent="meter")
    stopped = said(meter, "never mind", intent="stop", sure=True)
    assert words(stopped) == ["All right, I leave it there.", "Thank you and goodbye."]
    assert stopped.actions[-1] == End("customer-left")


def unsure(outcome: Outcome, text: str = "the thing at my door") -> Outcome:
    return said(outcome, text, intent="order", between=("order", "meter"), confidence=0.3)


@pytest.mark.parametrize(
    ("answer", "step"),
    [
        ("the first", "number"),
        ("the second one", "reading"),
        ("my meter please", "reading"),
        ("the latter", "reading"),
        ("one", "number"),
    ],
)
def test_two_likely_matters_are_asked_about(answer: str, step: str) -> None:
    asked = unsure(begun())
    assert words(asked) == ["Is it about an order, or about your meter?"]
    chosen = said(asked, answer)
    assert chosen.memory["step"] == step
    assert chosen.memory["question"] == "the thing at my door"


@pytest.mark.parametrize(("key", "step"), [("1", "number"), ("2", "reading")])
def test_keys_choose_on_the_telephone(key: str, step: str) -> None:
    asked = unsure(begun("voice"))
    last = asked.actions[-1]
    assert isinstance(last, Ask)
    assert (last.kind, last.max_digits) == ("choice", 1)
    assert resume(FLOW, asked.memory, Understood(digits=key)).memory["step"] == step


def test_both_come_one_after_the_other() -> None:
    first = said(unsure(begun()), "both")
    assert words(first) == ["Which number?"]
    second = said(first, "4821")
    assert words(second) == ["4821 is on its way.", "Now back to your meter.", "What does it show?"]
    assert words(said(second, "12"))[-1] == "Anything else?"


def test_neither_is_asked_of_the_knowledge_base() -> None:
    neither = said(unsure(begun()), "neither")
    assert neither.actions == (NeedAnswer("the thing at my door"),)


def test_choice_that_is_not_understood_is_asked_once_more_and_never_again() -> None:
    asked = unsure(begun())
    again = said(asked, "mumble")
    assert words(again)[0].startswith("Please answer 1 for an order")
    assert said(again, "mumble").actions == (NeedAnswer("the thing at my door"),)
    assert said(said(asked), "").actions == (NeedAnswer("the thing at my door"),)


def test_choice_may_be_repeated_put_in_another_language_or_left() -> None:
    asked = unsure(begun())
    repeated = said(asked, "repeat", intent="repeat", sure=True)
    assert words(repeated) == words(asked)
    assert said(repeated, "the second").memory["step"] == "reading"
    latvian = said(asked, "latviski")
    assert words(latvian)[-1] == "Vai tas ir par pasūtījumu, vai par skaitītāju?"
    assert said(latvian, "otrais", language="lv").memory["step"] == "reading"
    person = said(asked, "agent", intent="agent", sure=True)
    assert isinstance(person.actions[-1], HandOff)
    assert said(asked, "goodbye", intent="goodbye", sure=True).actions[-1] == End("customer-left")


def test_matters_without_a_name_in_the_language_are_not_asked_about() -> None:
    outcome = resume(
        FLOW,
        begun(language="lv").memory,
        Understood("ko", intent="order", between=("order", "bill"), language="lv"),
    )
    assert outcome.memory["step"] == "number"


def test_question_of_two_matters_inside_another_question_comes_back_to_it() -> None:
    number = said(begun(), "my order", intent="order")
    asked = said(number, "that thing", intent="meter", between=("meter", "bill"), confidence=0.3)
    bill = said(asked, "the bill")
    assert bill.actions == (NeedAnswer("that thing"),)
    answered = resume(FLOW, bill.memory, Answered(True, "Once a month.", "Once a month."))
    assert words(answered) == ["Once a month.", "So, which number?"]


def test_anger_leads_where_the_flow_says_and_only_once() -> None:
    number = said(begun(), "my order", intent="order")
    angry = said(number, "this is a bloody disgrace, you are useless idiots!!!")
    assert words(angry) == ["I am sorry. Shall I get a colleague?"]
    assert angry.memory["mood"]["name"] == "angry"
    back = said(angry, "no")
    assert words(back) == ["Now back to an order.", "So, which number?"]
    still = said(back, "useless idiots!!!")
    assert "I am sorry. Shall I get a colleague?" not in words(still)


def test_value_given_in_anger_is_not_asked_for_again() -> None:
    number = said(begun(), "my order", intent="order")
    angry = said(number, "it is 4821 you useless idiots, this is a disgrace!!!")
    assert words(angry) == ["I am sorry. Shall I get a colleague?"]
    back = said(angry, "no")
    assert words(back)[-2:] == ["4821 is on its way.", "Anything else?"]


def test_who_asks_for_a_person_in_anger_gets_one() -> None:
    wanted = said(begun(), "get me a human you idiots!!!", intent="agent", sure=True)
    assert wanted.actions[-1] == HandOff("asked-for-person", "desk", {})


CALLEE = """\
flow: identify
start: pin
languages: [en, lv]
slots:
  pin: {type: digits, length: 4}
  who: {type: name}
variables: {tries: "0"}
steps:
  pin: {ask: "What is your PIN, {{ who }}?", slot: pin, next: tried}
  tried: {set: {tries: "{{ tries|int + 1 }}"}, next: right}
  right:
    branch: [{when: "pin == '1234'", go: known}, {when: "tries|int >= 2", go: locked}]
    otherwise: wrong
  wrong: {say: "That is wrong.", next: pin}
  known: {end: known, text: "Thank you."}
  locked: {end: locked}
"""
CALLER = """\
flow: bank
start: hello
languages: [en]
slots:
  pin: {type: digits, length: 6}
steps:
  hello: {ask: Hello, otherwise: check_who}
  check_who:
    call: identify
    with: {who: "{{ name }}"}
    save: {attempts: tries, code: pin}
    on_end: {locked: person}
    next: welcome
  welcome: {say: "Welcome after {{ attempts }}, {{ code }}{{ pin }}.", next: again}
  again: {ask: "And now?", otherwise: check_who, routes: {"no": bye}}
  person: {handoff: locked}
  bye: {end: done}
intents:
  other: {go: again, examples: {en: [x]}}
"""
IDENTIFY = parse_flow(CALLEE, "identify.yaml")
BANK = parse_flow(CALLER, "bank.yaml", {"identify": IDENTIFY})


def at_bank(*texts: str) -> Outcome:
    outcome = start(BANK, Context("chat", "en", "Ann"))
    for text in texts:
        outcome = resume(BANK, outcome.memory, Understood(text))
    return outcome


def test_called_flow_has_its_own_slots_and_gives_results_back() -> None:
    asked = at_bank("hi")
    assert words(asked) == ["What is your PIN, Ann?"]
    assert words(at_bank("hi", "9999")) == ["That is wrong.", "What is your PIN, Ann?"]
    done = at_bank("hi", "9999", "1234")
    assert words(done) == ["Thank you.", "Welcome after 2, 1234.", "And now?"]
    assert "pin" not in done.memory["slots"]
    assert done.memory["calls"] == []


def test_called_flow_begins_anew_each_time() -> None:
    assert words(at_bank("hi", "1234", "once more")) == ["What is your PIN, Ann?"]
    assert words(at_bank("hi", "1234", "more", "1234"))[1] == "Welcome after 1, 1234."


def test_end_of_a_called_flow_leads_by_its_reason() -> None:
    assert at_bank("hi", "9999", "9998").actions[-1] == HandOff("locked", "", {})


def test_who_leaves_a_called_flow_has_left_it() -> None:
    left = resume(BANK, at_bank("hi").memory, Understood("something else", intent="other"))
    assert words(left) == ["And now?"]
    assert left.memory["calls"] == []


def test_change_in_a_called_flow_is_a_new_version_of_its_caller() -> None:
    other = parse_flow(CALLEE.replace("Thank you.", "Thanks."), "identify.yaml")
    assert parse_flow(CALLER, "bank.yaml", {"identify": other}).version != BANK.version


def test_going_over_to_another_flow_ends_with_it() -> None:
    source = """\
flow: bank
start: hello
steps:
  hello: {ask: Hello, otherwise: check_who}
  check_who: {transfer: {flow: identify}}
"""
    flow = parse_flow(source, "bank.yaml", {"identify": IDENTIFY})
    asked = resume(flow, start(flow, Context("chat", "en")).memory, Understood("hi"))
    assert resume(flow, asked.memory, Understood("1234")).actions[-1] == End("known")


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("call: identify", "call: identfy", "no flow 'identfy' beside this one; did you mean"),
        ("with: {who", "with: {whom", "with: 'identify' has no 'whom'; did you mean 'who'?"),
        ("attempts: tries", "attempts: trys", "save: 'identify' has no 'trys'"),
        ("on_end: {locked", "on_end: {lockd", "on_end: 'identify' has no end 'lockd'"),
        ("languages: [en]", "languages: [en, zh]", "does not speak ['zh']"),
    ],
)
def test_mistakes_in_calls_are_named(old: str, new: str, expected: str) -> None:
    with pytest.raises(BadFlow) as caught:
        parse_flow(CALLER.replace(old, new, 1), "bank.yaml", {"identify": IDENTIFY})
    assert expected in "\n".join(caught.value.problems)


def test_flows_in_a_circle_are_refused(tmp_path: Path) -> None:
    for name, other in (("a", "b"), ("b", "a")):
        (tmp_path / f"{name}.yaml").write_text(
            f"flow: {name}\nstart: go\nsteps:\n  go: {{call: {other}, next: bye}}\n"
            "  bye: {end: done}\n"
        )
    with pytest.raises(BadFlow, match="in a circle: a → b → a"):
        read_flow(tmp_path / "a.yaml")


def test_survey_is_asked_and_may_be_left_out() -> None:
    flow = parse_flow(
        "flow: s\nstart: rate\nsteps:\n"
        '  rate: {survey: "How was it, from one to five?", next: bye}\n  bye: {end: done}\n'
    )
    asked = start(flow, Context("chat"))
    assert isinstance(asked.actions[-1], Ask)
    rated = resume(flow, asked.memory, Understood("five"))
    assert rated.actions == (NeedScore(5),)
    assert resume(flow, asked.memory, Understood("no thanks")).actions[-1] == End("done")
