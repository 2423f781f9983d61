"""The interpreter is pure: memory and input in, memory and actions out."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from bots.flow.interpreter import resume, start
from bots.flow.outcome import (
    Answered,
    Ask,
    Context,
    End,
    Fetched,
    HandOff,
    NeedAnswer,
    NeedHttp,
    Outcome,
    Say,
    Understood,
)
from bots.flow.schema import parse_flow

FLOW = parse_flow(
    """\
flow: small
start: hello
languages: [en]
queue: desk
variables: {api: "http://api.test"}
slots:
  number: {type: digits, length: 4, confirm: voice}
  note: {type: text, optional: true, answer: true}
steps:
  hello: {say: "Hello {{ name }}.", next: number}
  number:
    ask: Which number?
    slot: number
    next: fetch
  fetch:
    do: {method: POST, url: "{{ api }}/things/{{ number }}/{{ name }}", body: {who: "{{ name }}"}}
    save: {colour: thing.colour}
    tried: fetched {{ number }}
    next: which
    on_status: {404: nothing}
    on_error: person
  which:
    branch: [{when: "colour == 'red'", go: red}]
    otherwise: other
  red: {say: "It is red.", next: note}
  other: {say: "It is {{ colour }}.", next: note}
  nothing: {handoff: not-found, queue: "{{ 'vip' if name == 'Ann' else '' }}"}
  person: {handoff: action-failed}
  note: {ask: "Anything to add?", slot: note, next: bye}
  bye: {end: done, text: "Bye."}
""",
    "small.yaml",
)


def begun(channel: str = "chat", name: str = "Ann") -> Outcome:
    return start(FLOW, Context(channel, "en", name))


def heard(outcome: Outcome, text: str = "", digits: str = "") -> Outcome:
    return resume(FLOW, outcome.memory, Understood(text, digits))


def test_value_is_read_back_only_when_the_recogniser_was_unsure() -> None:
    slot = replace(FLOW.slots["number"], confirm="unsure")
    flow = replace(FLOW, slots={**FLOW.slots, "number": slot})
    for sure, read_back in ((0.95, False), (0.5, True)):
        said = Understood("four eight two one", "", heard_confidence=sure)
        outcome = resume(flow, begun("voice").memory, said)
        assert isinstance(outcome.actions[-1], Ask if read_back else NeedHttp)


def test_it_says_then_asks_and_waits() -> None:
    outcome = begun()
    assert outcome.actions == (
        Say("Hello Ann.", "Hello Ann."),
        Ask("Which number?", "digits", (), 4, 4),
    )


def test_memory_is_json_and_the_old_one_stays_as_it_was() -> None:
    outcome = begun()
    before = json.dumps(outcome.memory)
    heard(outcome, "4821")
    assert json.dumps(outcome.memory) == before


def test_what_a_customer_wrote_cannot_bend_an_address() -> None:
    outcome = heard(begun(name="../admin?x=1&y"), "4821")
    need = outcome.actions[-1]
    assert isinstance(need, NeedHttp)
    assert need.url == "http://api.test/things/4821/..%2Fadmin%3Fx%3D1%26y"
    assert need.body == {"who": "../admin?x=1&y"}


def test_a_template_in_customer_text_is_only_text() -> None:
    outcome = start(FLOW, Context("chat", "en", "{{ api }}"))
    assert outcome.actions[0] == Say("Hello {{ api }}.", "Hello {{ api }}.")


def test_the_answer_of_an_action_decides_the_way() -> None:
    asked = heard(begun(), "4821")
    red = resume(FLOW, asked.memory, Fetched(200, {"thing": {"colour": "red"}}))
    assert red.actions[0] == Say("It is red.", "It is red.")
    blue = resume(FLOW, asked.memory, Fetched(200, {"thing": {"colour": "blue"}}))
    assert blue.actions[0] == Say("It is blue.", "It is blue.")
    missing = resume(FLOW, asked.memory, Fetched(404))
    assert missing.actions[-1] == HandOff("not-found", "vip", {})
    failed = resume(FLOW, asked.memory, Fetched(0))
    assert failed.actions[-1] == HandOff("action-failed", "desk", {})
    assert failed.memory["tried"] == ["fetched 4821: no answer"]


def test_a_costly_value_is_read_back_on_the_phone_only() -> None:
    spoken = heard(begun("voice"), "four eight two one")
    assert spoken.actions == (Ask("I have 4 8 2 1. Is that right?", "yes-no", (), 1),)
    confirmed = heard(spoken, "yes")
    assert isinstance(confirmed.actions[-1], NeedHttp)
    assert confirmed.memory["slots"]["number"]["confirmed"]
    keyed = heard(begun("voice"), digits="4821")
    assert isinstance(keyed.actions[-1], NeedHttp)


def test_a_wrong_read_back_is_corrected_or_asked_again() -> None:
    spoken = heard(begun("voice"), "four eight two one")
    corrected = heard(spoken, "no, four eight two two")
    assert corrected.actions[-1].text.startswith("I have 4 8 2 2")  # type: ignore[union-attr]
    denied = heard(spoken, "no")
    assert isinstance(denied.actions[-1], Ask)
    assert denied.actions[-1].text == "Which number?"
    assert "number" not in denied.memory["slots"]


def test_two_repairs_in_other_words_then_a_person() -> None:
    first = heard(begun(), "mumble")
    second = heard(first, "mumble")
    third = heard(second, "mumble")
    said = [outcome.actions[0] for outcome in (first, second)]
    assert said[0] != said[1]
    assert isinstance(second.actions[-1], Ask)
    assert third.actions[-1] == HandOff("not-understood", "desk", {})


def test_silence_has_words_of_its_own() -> None:
    silent, unclear = heard(begun("voice")), heard(begun("voice"), "mumble")
    assert silent.actions[0] != unclear.actions[0]
    by_keys = heard(heard(silent))
    assert isinstance(by_keys.actions[-1], Ask)
    assert heard(by_keys).actions[-1] == HandOff("no-input", "desk", {})


def test_a_question_aside_is_answered_and_the_slot_asked_again() -> None:
    aside = heard(begun(), "when do you open?")
    assert aside.actions == (NeedAnswer("when do you open?"),)
    answered = resume(FLOW, aside.memory, Answered(True, "At nine.", "At nine."))
    assert answered.actions == (
        Say("At nine.", "At nine."),
        Ask("Which number?", "digits", (), 4, 4),
    )
    assert isinstance(heard(answered, "4821").actions[-1], NeedHttp)


def test_an_aside_without_an_answer_is_a_repair() -> None:
    aside = heard(begun(), "when do you open?")
    unknown = resume(FLOW, aside.memory, Answered(False))
    assert isinstance(unknown.actions[-1], Ask)
    assert unknown.memory["repairs"]["no_match"] == 1


def test_zero_is_a_person_and_a_star_repeats() -> None:
    outcome = begun("voice")
    assert heard(outcome, digits="0").actions[-1] == HandOff("asked-for-person", "desk", {})
    repeated = heard(outcome, digits="*")
    assert repeated.actions == outcome.actions


def test_an_optional_answer_may_be_left_out() -> None:
    asked = heard(begun(), "4821")
    note = resume(FLOW, asked.memory, Fetched(200, {"thing": {"colour": "red"}}))
    for nothing in (heard(note), heard(note, "no thanks"), heard(note, digits="#")):
        assert nothing.actions[-1] == End("done")
        assert nothing.memory["answers"] == {}
    assert heard(note, "very good work").memory["answers"] == {"note": "very good work"}


def test_after_the_end_nothing_is_ever_said() -> None:
    over = heard(begun("voice"), digits="0")
    for more in (Understood("hello"), Understood(), Answered(True, "x", "x"), Fetched(200)):
        assert resume(FLOW, over.memory, more).actions == ()


def test_a_circle_in_the_flow_brings_a_person() -> None:
    flow = parse_flow(
        "flow: c\nstart: a\nsteps:\n  a: {set: {x: '1'}, next: b}\n  b: {set: {x: '2'}, next: a}\n"
    )
    outcome = start(flow, Context("chat"))
    assert isinstance(outcome.actions[-1], HandOff)
    assert outcome.actions[-1].reason == "flow-error"


def test_a_template_that_fails_brings_a_person() -> None:
    flow = parse_flow("flow: c\nstart: a\nsteps:\n  a: {end: x, text: '{{ name.a.b }}'}\n")
    outcome = start(flow, Context("chat", name="Ann"))
    assert outcome.actions[-1] == HandOff("flow-error", "", {})


@pytest.mark.parametrize("evil", ["''.__class__", "name.__class__.__mro__", "().__class__"])
def test_the_sandbox_keeps_templates_in(evil: str) -> None:
    flow = parse_flow(f'flow: c\nstart: a\nsteps:\n  a: {{end: x, text: "{{{{ {evil} }}}}"}}\n')
    outcome = start(flow, Context("chat", name="Ann"))
    assert outcome.actions[-1] == HandOff("flow-error", "", {})
