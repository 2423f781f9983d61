"""What a language model may make of words that were not understood, and what never."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from bots.advice.consequences import changes_something
from bots.advice.second_opinion import SecondOpinion
from bots.conversation import Conversation, Heard, Tools, Turn
from bots.engines.llm import ApiModel
from bots.flow.memory import fresh
from bots.flow.model import Flow
from bots.flow.outcome import Context, Understood
from bots.flow.schema import parse_flow
from router.clock import VirtualClock
from tests.fakes.fake_language_model import FakeLanguageModel, ModelRequest, ModelTrouble
from tests.talking import NOW, Bench, interaction_on

FLOW = parse_flow(
    """
flow: advised
start: hello
languages: [en]
slots:
  number: {type: digits, length: 6, confirm: unsure}
  doomed: {type: digits, length: 6}
  size:
    type: choice
    choices: {small: {phrases: {en: [small]}}, large: {phrases: {en: [large, big]}}}
intents:
  where:
    label: to know where a parcel is
    about: {en: a parcel}
    go: ask_number
    examples: {en: [where is my parcel, track my parcel]}
  cancel:
    label: to cancel an order
    about: {en: cancelling an order}
    go: ask_doomed
    examples: {en: [cancel my order, call off the order]}
  everything:
    label: to have everything deleted
    go: guarded
    examples: {en: [delete everything you have]}
  box:
    label: to choose a box
    go: ask_size
    examples: {en: [which box sizes are there, order a box]}
steps:
  hello: {ask: "How can I help?", otherwise: lost}
  lost: {ask: "I did not get that. What is it about?", otherwise: person}
  ask_number: {ask: "Which parcel?", slot: number, next: looked}
  looked: {do: {method: GET, url: "http://x.test/{{ number }}"}, next: bye, on_error: person}
  ask_doomed: {ask: "Which order?", slot: doomed, next: gone}
  gone: {do: {method: DELETE, url: "http://x.test/{{ doomed }}"}, next: bye, on_error: person}
  guarded:
    do: {method: DELETE, url: "http://x.test/all"}
    confirm: "I delete everything now. Shall I?"
    declined: bye
    next: bye
    on_error: person
  ask_size: {ask: "Small or large?", slot: size, next: bye}
  person: {handoff: no-answer}
  bye: {end: resolved}
""",
    "advised.yaml",
)
LOST = "my granny never got what she knitted for"

COUNTED = "4 8 2 9 1 3 7 things"
"""A number behind which something is counted: seven digits to our parser."""


def says(**said: Any) -> Callable[[ModelRequest], Any]:
    """A model with this opinion."""
    shape = {"intent": None, "next": None, "quote": "", "value": "", "choice": None}
    return lambda request: shape | said


@pytest.fixture
def bench() -> Bench:
    return Bench()


@pytest.fixture
def conversation(bench: Bench, model: ApiModel) -> Conversation:
    tools = Tools(bench.understanding, bench.knowledge, bench.actions, VirtualClock(NOW))
    return Conversation(FLOW, replace(tools, adviser=SecondOpinion(model)))


async def at(conversation: Conversation, *said: str) -> Turn:
    """The turn after these words."""
    turn = await conversation.begin(interaction_on("chat"))  # type: ignore[arg-type]
    for words in said:
        turn = await conversation.hear(turn.memory, Heard.said(words))
    return turn


async def test_intent_that_the_model_names_and_quotes_is_followed(
    server: FakeLanguageModel, conversation: Conversation
) -> None:
    server.think = says(intent="where", quote="never got")
    turn = await at(conversation, LOST)
    assert turn.memory["step"] == "ask_number"
    [request] = server.requests
    assert request.data["customer"] == LOST
    assert LOST not in request.rules
    named = request.schema["properties"]["intent"]["anyOf"]
    assert {"where", "cancel", "everything", "box", "agent"} in [
        set(one.get("enum", ())) for one in named
    ]


async def test_model_is_not_asked_what_was_understood(
    server: FakeLanguageModel, conversation: Conversation
) -> None:
    await at(conversation, "where is my parcel", "482913")
    assert server.requests == []


@pytest.mark.parametrize(
    "said",
    [
        {"intent": None},
        {"intent": "where", "quote": ""},
        {"intent": "where", "quote": "where is my parcel"},
        {"intent": "refund", "quote": "never got"},
        {"intent": "where", "quote": "never got", "also": "cancel"},
    ],
)
async def test_opinion_without_the_customers_words_or_outside_the_list_is_none(
    server: FakeLanguageModel, conversation: Conversation, said: dict[str, Any]
) -> None:
    server.think = says(**said)
    turn = await at(conversation, LOST)
    assert turn.memory["step"] == "lost"
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "trouble", [ModelTrouble.HANGS, ModelTrouble.BABBLES, ModelTrouble.CUT_OFF]
)
async def test_model_that_fails_leaves_all_as_it_was_and_in_time(
    server: FakeLanguageModel, conversation: Conversation, trouble: ModelTrouble
) -> None:
    server.model_trouble = trouble
    turn = await asyncio.wait_for(at(conversation, LOST), 10.0)
    assert turn.memory["step"] == "lost"


async def test_person_is_brought_when_the_model_understands_that_one_is_wanted(
    server: FakeLanguageModel, conversation: Conversation
) -> None:
    server.think = says(intent="agent", quote="somebody with a pulse")
    turn = await at(conversation, "give me somebody with a pulse")
    assert turn.handoff is not None


async def opinion(model: ApiModel, text: str, step: str = "hello", flow: Flow = FLOW) -> Understood:
    memory = fresh(flow, Context("chat")) | {"step": step, "mode": "ask", "asked": "?"}
    return await SecondOpinion(model).on(flow, memory, Understood(text))


async def test_intent_behind_which_something_is_deleted_is_only_offered(
    server: FakeLanguageModel, model: ApiModel, bench: Bench, conversation: Conversation
) -> None:
    server.think = says(intent="cancel", next="where", quote="never got")
    given = await opinion(model, LOST)
    assert given.intent is None
    assert given.between == ("cancel", "where")
    server.think = says(intent="cancel", quote="never got")
    assert await opinion(model, LOST) == Understood(LOST)
    server.think = says(intent="cancel", next="where", quote="never got")
    turn = await at(conversation, LOST)
    assert turn.replies[-1].text == "Is it about cancelling an order, or about a parcel?"
    await conversation.hear(turn.memory, Heard.said("482913"))
    assert bench.actions.calls == []
    turn = await conversation.hear(turn.memory, Heard.said("cancelling an order"))
    assert turn.memory["step"] == "ask_doomed"


async def test_value_is_read_by_our_own_parser_from_the_words_pointed_at(
    server: FakeLanguageModel, conversation: Conversation
) -> None:
    server.think = says(value="4 8 2 9 1 3")
    turn = await at(conversation, "where is my parcel", COUNTED)
    assert turn.memory["slots"]["number"]["value"] == "482913"
    assert turn.memory["mode"] == "confirm"


@pytest.mark.parametrize("value", ["4 8 2 9 1 4", "482913", "", "4 8 2 9 1", "9 1 3 7"])
async def test_value_that_is_not_in_the_words_is_none(
    server: FakeLanguageModel, conversation: Conversation, value: str
) -> None:
    server.think = says(value=value)
    turn = await at(conversation, "where is my parcel", COUNTED)
    assert "number" not in turn.memory["slots"]


async def test_value_that_would_delete_without_being_read_back_is_not_taken(
    server: FakeLanguageModel, bench: Bench, conversation: Conversation
) -> None:
    server.think = says(value="4 8 2 9 1 3")
    turn = await at(conversation, "cancel my order", COUNTED)
    assert "doomed" not in turn.memory["slots"]
    assert bench.actions.calls == []


async def test_choice_is_one_of_the_listed_and_words_of_the_customer_stand_for_it(
    server: FakeLanguageModel, conversation: Conversation
) -> None:
    server.think = says(choice="large", value="grand pianos")
    turn = await at(conversation, "which box sizes are there", "grand pianos need plenty of room")
    assert turn.memory["slots"]["size"]["value"] == "large"
    assert turn.ended == "resolved"


async def test_choice_that_is_not_listed_or_not_quoted_is_none(
    server: FakeLanguageModel, conversation: Conversation
) -> None:
    for said in (
        {"choice": "huge", "value": "grand pianos"},
        {"choice": "large", "value": "a big one"},
    ):
        server.think = says(**said)
        turn = await at(
            conversation, "which box sizes are there", "grand pianos need plenty of room"
        )
        assert "size" not in turn.memory["slots"]


async def test_yes_or_no_is_never_asked_of_a_model(
    server: FakeLanguageModel, conversation: Conversation
) -> None:
    server.think = says(value="4 8 2 9 1 3")
    turn = await at(conversation, "where is my parcel", COUNTED)
    asked = len(server.requests)
    await conversation.hear(turn.memory, Heard.said("well the thing is as you know"))
    assert len(server.requests) == asked


async def test_consent_is_never_read_out_of_words_by_a_model(
    server: FakeLanguageModel, bench: Bench, conversation: Conversation
) -> None:
    server.think = says(value="yes", intent="everything", quote="yes")
    turn = await at(conversation, "delete everything you have")
    asked = len(server.requests)
    await conversation.hear(turn.memory, Heard.said("would granny say yes I wonder"))
    assert len(server.requests) == asked
    assert bench.actions.calls == []


def test_what_follows_an_open_question_is_the_customers_doing() -> None:
    assert changes_something(FLOW, "ask_doomed")
    assert changes_something(FLOW, "gone")
    assert not changes_something(FLOW, "ask_number")
    assert not changes_something(FLOW, "hello")
    assert not changes_something(FLOW, "guarded"), "consent is the customer's own"
    assert not changes_something(FLOW, "nowhere")
