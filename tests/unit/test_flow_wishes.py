"""What is done at a question that fails, and wishes that work at every question."""

from __future__ import annotations

import pytest

from bots.flow.interpreter import resume, start
from bots.flow.outcome import (
    Ask,
    Context,
    End,
    Fetched,
    HandOff,
    NeedHttp,
    Outcome,
    Say,
    Understood,
)
from bots.flow.schema import parse_flow

FLOW = parse_flow(
    """\
flow: visit
start: which
languages: [en, zh, lv]
queue: desk
slots:
  kind:
    type: choice
    choices:
      meter: {key: "1", phrases: {en: [the meter], zh: [电表], lv: [skaitītājs]}}
      bill: {key: "2", phrases: {en: [the bill], zh: [账单], lv: [rēķins]}}
  number: {type: digits, length: 4, confirm: voice}
  sure: {type: yes-no}
  name: {type: text}
steps:
  which:
    ask: {en: "What is it about?", zh: "关于什么？", lv: "Par ko ir runa?"}
    slot: kind
    next: number
    no_match:
      - {en: "Say meter or bill.", zh: "请说电表或账单。", lv: "Sakiet: skaitītājs vai rēķins."}
  number:
    ask: {en: "Which number?", zh: "号码是多少？", lv: "Kāds numurs?"}
    slot: number
    next: sure
  sure:
    ask: {en: "Shall I book it?", zh: "要预约吗？", lv: "Vai pieteikt?"}
    slot: sure
    next: book
    keys: {en: "One books it, two does not.", zh: "按一预约。", lv: "Viens piesaka."}
  book:
    do: {method: POST, url: "http://api.test/visits"}
    next: name
    on_error: name
  name: {ask: {en: "Your name?", zh: "您的姓名？", lv: "Jūsu vārds?"}, slot: name, next: bye}
  bye: {end: done}
""",
    "visit.yaml",
)


def begun(channel: str = "voice", language: str = "en") -> Outcome:
    return start(FLOW, Context(channel, language))


def said(outcome: Outcome, text: str = "", digits: str = "", wish: str | None = None) -> Outcome:
    given = Understood(text or wish or "", digits, intent=wish, sure=wish is not None)
    return resume(FLOW, outcome.memory, given)


def words(outcome: Outcome) -> str:
    return " ".join(a.text for a in outcome.actions if isinstance(a, Say | Ask))


def at_number(language: str = "en") -> Outcome:
    return said(begun(language=language), digits="1")


def at_sure() -> Outcome:
    return said(at_number(), digits="4821")


# -- the ladder ------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["en", "zh", "lv"])
@pytest.mark.parametrize("what", ["mumble mumble", ""])
def test_each_try_is_put_differently_then_by_keys_then_a_person(language: str, what: str) -> None:
    heard = [words(begun(language=language))]
    outcome = begun(language=language)
    for _ in range(3):
        outcome = said(outcome, what)
        heard.append(words(outcome))
    assert len(set(heard)) == 4
    assert isinstance(outcome.actions[-1], Ask)
    over = said(outcome, what)
    assert over.actions[-1] == HandOff("not-understood" if what else "no-input", "desk", {})


def test_own_text_comes_first_then_the_general_one_then_the_choices_by_key() -> None:
    first = said(begun(), "mumble")
    assert words(first) == "Say meter or bill."
    second = said(first, "mumble")
    assert words(second).startswith("I still did not understand.")
    assert words(second).endswith("What is it about?")
    third = said(second, "mumble")
    assert words(third).endswith(
        "Press 1 for the meter, press 2 for the bill, or zero for a person."
    )
    assert words(said(third, digits="2")) == "Which number?"


def test_silence_after_mumbling_goes_on_where_the_help_had_come_to() -> None:
    outcome = said(said(at_number(), "mumble"))
    assert words(outcome).startswith("I still cannot hear you.")


def test_digits_are_asked_for_by_keys() -> None:
    outcome = at_number()
    for _ in range(3):
        outcome = said(outcome, "mumble")
    assert outcome.actions[-1] == Ask(
        "Let us try it with the keys of your telephone: please type the number, "
        "or press zero for a person.",
        "digits",
        (),
        max_digits=4,
        length=4,
    )


def test_step_may_ask_for_its_keys_in_its_own_words() -> None:
    outcome = at_sure()
    for _ in range(3):
        outcome = said(outcome, "mumble")
    assert words(outcome) == "One books it, two does not."


def test_value_read_back_is_settled_by_keys() -> None:
    outcome = said(at_number(), "four eight two one")
    for _ in range(3):
        outcome = said(outcome, "mumble")
    assert words(outcome).startswith("I have 4 8 2 1. Is that right? Please use")
    assert words(said(outcome, digits="1")) == "Shall I book it?"


def test_question_without_keys_and_a_chat_go_to_a_person_after_two() -> None:
    booked = said(at_sure(), digits="1")
    name = resume(FLOW, booked.memory, Fetched(200))
    assert words(name) == "Your name?"
    silent = said(said(said(name)))
    assert silent.actions[-1] == HandOff("no-input", "desk", {})
    chat = said(said(said(begun("chat"), "mumble"), "mumble"), "mumble")
    assert chat.actions[-1] == HandOff("not-understood", "desk", {})


def test_flow_that_sees_to_an_empty_room_itself_asks_it_for_no_keys() -> None:
    flow = parse_flow(
        """\
flow: call
start: ready
always: {no_input: nobody}
slots: {ready: {type: yes-no}}
steps:
  ready: {ask: Are you there, slot: ready, next: bye}
  nobody: {end: no-input}
  bye: {end: done}
"""
    )
    outcome = start(flow, Context("voice"))
    for _ in range(3):
        outcome = resume(flow, outcome.memory, Understood())
    assert outcome.actions == (End("no-input"),)


# -- repeat and slower -----------------------------------------------------------------


def test_slower_says_the_same_again_and_stays_slow() -> None:
    asked = at_number()
    slower = said(asked, wish="slower")
    assert slower.actions == asked.actions
    assert slower.memory["pace"] == 0.8
    again = said(slower, wish="slower")
    assert again.memory["pace"] == 0.64
    assert said(again, wish="slower").memory["pace"] == 0.6
    assert said(again, digits="4821").memory["pace"] == 0.64


def test_wishes_are_no_failures() -> None:
    outcome = at_number()
    for wish in ("repeat", "slower", "repeat", "slower", "back"):
        outcome = said(outcome, wish=wish)
    assert outcome.memory["repairs_in_all"] == 0


# -- back ------------------------------------------------------------------------------


def test_back_asks_the_question_before_and_empties_its_slot() -> None:
    back = said(at_number(), wish="back")
    assert words(back) == "What is it about?"
    assert back.memory["slots"] == {}
    assert words(said(back, digits="2")) == "Which number?"
    twice = said(said(at_sure(), wish="back"), wish="back")
    assert words(twice) == "What is it about?"


def test_back_from_a_value_read_back_asks_for_it_again() -> None:
    read_back = said(at_number(), "four eight two one")
    back = said(read_back, wish="back")
    assert words(back) == "Which number?"
    assert "number" not in back.memory["slots"]
    assert words(said(back, wish="back")) == "What is it about?"


def test_back_at_the_first_question_says_so_and_asks_it_again() -> None:
    back = said(begun(), wish="back")
    assert words(back) == "I cannot go back any further. What is it about?"
    assert words(said(back, digits="1")) == "Which number?"
    assert words(said(said(back, digits="1"), wish="back")) == "What is it about?"


def test_nobody_goes_back_behind_an_action_that_changed_something() -> None:
    booked = said(at_sure(), digits="1")
    assert isinstance(booked.actions[-1], NeedHttp)
    name = resume(FLOW, booked.memory, Fetched(200))
    assert words(said(name, wish="back")) == "I cannot go back any further. Your name?"


def test_back_works_in_writing() -> None:
    asked = said(begun("chat"), "the meter")
    assert words(said(asked, wish="back")) == "What is it about?"


def test_conversation_begun_before_these_wishes_goes_on() -> None:
    old = at_number()
    del old.memory["trail"], old.memory["pace"]
    assert words(said(old, wish="slower")) == "Which number?"
    assert words(said(old, wish="back")).startswith("I cannot go back any further.")
    assert words(said(old, digits="4821")) == "Shall I book it?"


OFFER = parse_flow(
    """\
flow: offer
start: which
languages: [en]
always: {stop: left}
slots:
  what:
    type: choice
    choices:
      keep: {phrases: {en: [keep it]}}
      cancel: {phrases: {en: [cancel it]}}
steps:
  which: {ask: "Shall we keep it or cancel it?", slot: what, next: done}
  done: {end: done}
  left: {end: left}
""",
    "offer.yaml",
)


@pytest.mark.parametrize(("text", "reason"), [("cancel it please", "done"), ("never mind", "left")])
def test_stop_is_the_answer_where_it_is_one_of_those_offered(text: str, reason: str) -> None:
    begun = start(OFFER, Context("chat"))
    said = Understood(text, intent="stop", sure=True)
    ended = resume(OFFER, begun.memory, said).actions[-1]
    assert isinstance(ended, End)
    assert ended.reason == reason
