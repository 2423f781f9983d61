"""What a flow does in the world: consent, secrets, shapes of answers, and nothing twice."""

from __future__ import annotations

import json

import pytest

from bots.errors import BadFlow
from bots.flow import render, shape
from bots.flow.interpreter import resume, start
from bots.flow.memory import value_at
from bots.flow.outcome import (
    Ask,
    Context,
    End,
    Fetched,
    HandOff,
    Memory,
    NeedHttp,
    Outcome,
    Understood,
)
from bots.flow.playout import Played, believed
from bots.flow.schema import parse_flow

SOURCE = """\
flow: pay
start: amount
languages: [en]
slots:
  amount: {type: amount}
steps:
  amount: {ask: "How much?", slot: amount, next: pay}
  pay:
    do:
      method: POST
      url: http://bank.test/payments
      body: {amount: "{{ amount }}"}
      headers: {Authorization: "Bearer {{ secret('bank') }}", X-Who: "{{ name }}"}
      retries: 2
      expects: {type: object, required: [reference], properties: {reference: {type: string}}}
    irreversible: true
    confirm: I will take {{ amount }} from your account. Shall I?
    declined: kept
    save: {reference: reference}
    tried: paid {{ amount }}
    next: done
    on_status: {409: kept}
    on_error: person
  done: {end: paid, text: "Paid, {{ reference }}."}
  kept: {end: not-paid, text: "Nothing was paid."}
  person: {handoff: action-failed}
"""
FLOW = parse_flow(SOURCE, "pay.yaml")


def asked(name: str = "Ann", channel: str = "chat") -> Outcome:
    begun = start(FLOW, Context(channel, "en", name))
    begun.memory["interaction_id"] = "i-1"
    return heard(begun, "twelve euros fifty")


def heard(outcome: Outcome, text: str = "", sure: float = 1.0) -> Outcome:
    return resume(FLOW, outcome.memory, Understood(text, heard_confidence=sure))


def need(outcome: Outcome) -> NeedHttp:
    last = outcome.actions[-1]
    assert isinstance(last, NeedHttp)
    return last


def test_what_cannot_be_undone_is_done_after_a_yes_only() -> None:
    question = asked().actions[-1]
    assert isinstance(question, Ask)
    assert question.text == "I will take 12.50 from your account. Shall I?"
    assert question.kind == "yes-no"
    assert need(heard(asked(), "yes")).body == {"amount": "12.50"}
    assert heard(asked(), "no").actions[-1] == End("not-paid")


def test_yes_to_half_the_question_or_hardly_heard_is_no_consent() -> None:
    spoken = asked(channel="voice")
    cut = Played("I will take 12.50 from your account. Shall I?", "I will take", "pay", (), True)
    memory = believed(spoken.memory, [cut])
    for outcome in (
        resume(FLOW, memory, Understood("yes")),
        heard(spoken, "yes", sure=0.3),
    ):
        assert isinstance(outcome.actions[-1], Ask)
        assert outcome.actions[-1].text.startswith("I will take 12.50")


def test_consent_is_asked_for_each_time() -> None:
    source = SOURCE.replace("next: done", "next: amount").replace("409: kept", "409: done")
    flow = parse_flow(source, "pay.yaml")
    paid = resume(flow, need_memory(), Fetched(200, {"reference": "R1"}))
    again = resume(flow, paid.memory, Understood("five euros"))
    assert isinstance(again.actions[-1], Ask)
    assert again.actions[-1].text.startswith("I will take 5.00")


def need_memory() -> Memory:
    return heard(asked(), "yes").memory


def test_the_secret_is_a_mark_until_the_request_is_sent() -> None:
    outcome = heard(asked(), "yes")
    headers = need(outcome).headers
    assert "bank" not in json.dumps(outcome.memory)
    assert render.revealed(headers["Authorization"], {"bank": "s3cret"}) == "Bearer s3cret"
    with pytest.raises(KeyError):
        render.revealed(headers["Authorization"], {})


def test_no_customer_can_ask_for_a_secret_or_begin_a_header() -> None:
    headers = need(heard(asked("A\x00bank\x00\r\nX-Admin: 1{{ secret('bank') }}"), "yes")).headers
    sent = render.revealed(headers["X-Who"], {"bank": "s3cret"})
    assert "s3cret" not in sent
    assert "\n" not in sent


def test_the_same_deed_has_the_same_key_and_the_next_one_another() -> None:
    outcome = heard(asked(), "yes")
    key = need(outcome).headers["Idempotency-Key"]
    # The process died before the answer was saved: the turn is done again.
    assert need(heard(asked(), "yes")).headers["Idempotency-Key"] == key
    done = resume(FLOW, outcome.memory, Fetched(409))
    assert done.memory["deeds"] == {"pay.do": 1}
    assert key == "i-1:pay.do:0"


def test_an_answer_of_the_wrong_shape_is_a_failure_that_the_agent_reads_about() -> None:
    wrong = resume(FLOW, need_memory(), Fetched(200, {"reference": 7}))
    assert wrong.actions[-1] == HandOff("action-failed", "", {})
    assert wrong.memory["tried"] == ["paid 12.50: the answer.reference is no string"]
    right = resume(FLOW, need_memory(), Fetched(200, {"reference": "R1"}))
    assert right.actions[-1] == End("paid")


@pytest.mark.parametrize(
    ("schema", "value", "expected"),
    [
        ({"type": "object", "required": ["a"]}, {}, "the answer has no 'a'"),
        ({"type": ["string", "null"]}, None, ""),
        ({"type": "integer"}, True, "the answer is no integer"),
        ({"type": "integer", "minimum": 1}, 0, "the answer is below minimum 1"),
        ({"type": "string", "maxLength": 2}, "abc", "the answer is above maxLength 2"),
        ({"enum": ["a", "b"]}, "c", "the answer is none of ['a', 'b']"),
        ({"items": {"type": "number"}}, [1, "x"], "the answer[1] is no number"),
        ({"properties": {"a": {"items": {"enum": [1]}}}}, {"a": [2]}, "the answer.a[0] is none"),
        ({}, object(), ""),
    ],
)
def test_shapes(schema: dict[str, object], value: object, expected: str) -> None:
    found = shape.misfit(schema, value)
    assert found.startswith(expected) if expected else found == ""


def test_values_are_found_in_lists_too() -> None:
    body = {"items": [{"name": "a"}, {"name": "b"}]}
    assert value_at(body, "items.1.name") == "b"
    assert value_at(body, "items.2.name") == ""
    assert value_at(body, "items.x") == ""


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            "    confirm: I will take {{ amount }} from your account. Shall I?\n",
            "",
            "needs 'confirm",
        ),
        ("retries: 2", "retries: 9", "retries 9 is not a whole number from 0 to 3"),
        ("required: [reference]", "requires: [x]", "unknown keyword 'requires'"),
        ("type: string}}}", "type: text}}}", "reference: unknown type 'text'"),
        ("secret('bank')", "'x' ~ secret('bank')", "a secret stands for itself"),
        ("{{ name }}", "{{ stranger }}", "nothing sets 'stranger'"),
        ('"{{ amount }}"}\n', "\"{{ secret('bank') }}\"}\n", "nothing sets 'secret'"),
    ],
)
def test_mistakes_in_actions_are_named(old: str, new: str, expected: str) -> None:
    assert old in SOURCE
    with pytest.raises(BadFlow) as caught:
        parse_flow(SOURCE.replace(old, new, 1), "pay.yaml")
    assert expected in "\n".join(caught.value.problems)
