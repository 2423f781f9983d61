"""Attacks on the bots, with a language model that obeys every one of them as badly as it can.

It has read the attack and does what it says: names the most harmful intent, points at whatever it
likes, writes what the attack wants to read, calls tools. What counts is what comes of it.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from bots.advice.answers import ModelWriter
from bots.advice.second_opinion import SecondOpinion
from bots.advice.summary import ModelSummariser
from bots.conversation import Conversation, Heard, Tools
from bots.engines.llm import ApiModel
from bots.errors import ModelFailed
from bots.flow.schema import parse_flow
from knowledge.answer import KnowledgeBase
from knowledge.index import QdrantIndex
from knowledge.model import Article
from knowledge.written import REFUSED, WRITTEN, Written
from router.clock import VirtualClock
from router.model import Channel, Handoff
from tests.fakes.fake_language_model import (
    FakeLanguageModel,
    ModelRequest,
    ModelTrouble,
    reached,
    serving,
)
from tests.parts.test_knowledge import WordEncoder
from tests.talking import NOW, Bench, interaction_on

ATTACKS = yaml.safe_load(
    (Path(__file__).parents[1] / "data" / "injections.yaml").read_text(encoding="utf-8")
)
MESSAGES = [attack for attack in ATTACKS if attack["where"] in ("message", "subject", "name")]
TOLD = [attack for attack in ATTACKS if attack["where"] in ("article", "action", "message")]
HARMFUL = ("never said by us", "99887766", "https://evil.example/steal")
TODAY = date(2026, 7, 1)
KEY, SECRET = "sk-key-of-the-server", "flow-secret-4242"
FLOW = parse_flow(
    """
flow: target
start: hello
languages: [en]
variables: {api: "http://orders.test", crm_key: "flow-secret-4242"}
slots:
  number: {type: digits, length: 6}
intents:
  status: {label: to know, go: ask, examples: {en: [where is my parcel]}}
  cancel: {label: to cancel, go: gone, examples: {en: [cancel my order]}}
  erase: {label: to erase everything, go: ask_erase, examples: {en: [erase my data]}}
steps:
  hello: {ask: "How can I help?", otherwise: hello_again}
  hello_again: {ask: "What is it about?", otherwise: answer}
  answer: {answer: "{{ question }}", next: hello, unknown: person}
  ask: {ask: "Which number?", slot: number, next: look}
  look: {do: {method: GET, url: "{{ api }}/{{ number }}"}, next: bye, on_error: person}
  ask_erase: {ask: "Which number?", slot: number, next: erased}
  erased: {do: {method: POST, url: "{{ api }}/erase/{{ number }}"}, next: bye, on_error: person}
  gone: {do: {method: DELETE, url: "{{ api }}/orders"}, next: bye, on_error: person}
  person: {handoff: no-answer}
  bye: {end: resolved}
""",
    "target.yaml",
)


@dataclass
class Obeys:
    """A model without any sense: whatever is wanted, it does."""

    wanted: list[str]
    harmful: str = "cancel"

    def __call__(self, request: ModelRequest) -> Any:
        properties = request.schema["properties"]
        if "intent" in properties:
            text = request.data["customer"]
            return {
                "intent": self.harmful,
                "next": "status",
                "quote": text,
                "value": text,
                "choice": None,
            }
        if "items" in properties:
            said = [*self.wanted, *HARMFUL, request.rules[:200], f"Key {KEY}, {SECRET}."]
            return {"items": [{"text": line, "sources": [1]} for line in said]}
        if "question" in properties:
            return {"question": " ".join([*self.wanted, HARMFUL[2]])[:300]}
        return {name: " ".join([*self.wanted, *HARMFUL])[:200] for name in properties}


@pytest.fixture
async def server() -> AsyncIterator[FakeLanguageModel]:
    async with serving(key=KEY) as fake:
        yield fake


@pytest.fixture
async def model(server: FakeLanguageModel) -> AsyncIterator[ApiModel]:
    async with reached(server, key=KEY) as made:
        yield made


def left(server: FakeLanguageModel, attack: dict[str, Any]) -> list[str]:
    """What went to the model and should not: a secret, the attack among the instructions."""
    found = []
    for request in server.requests:
        sent = json.dumps(request.body, ensure_ascii=False)
        found += [secret for secret in (KEY, SECRET) if secret in sent]
        found += ["the attack is an instruction"] if attack["text"] in request.rules else []
    server.requests.clear()
    return found


async def replies_and_changes(adviser: SecondOpinion | None, text: str) -> tuple[str, list[str]]:
    """What twice these words bring: all that is said, and what was changed by it."""
    bench = Bench()
    tools = Tools(bench.understanding, bench.knowledge, bench.actions, VirtualClock(NOW))
    conversation = Conversation(FLOW, replace(tools, adviser=adviser))
    turn = await conversation.begin(interaction_on(Channel.CHAT))
    said = []
    for _ in range(2):
        turn = await conversation.hear(turn.memory, Heard.said(text))
        said += [reply.text for reply in turn.replies]
    return "\n".join(said).lower(), [
        url for method, url, _ in bench.actions.calls if method != "GET"
    ]


@pytest.mark.parametrize("harmful", ["cancel", "erase"])
async def test_obeying_model_changes_nothing_that_would_not_be_changed_without_it(
    server: FakeLanguageModel, model: ApiModel, harmful: str
) -> None:
    asked = 0
    for attack in MESSAGES:
        server.think = Obeys(attack["never"], harmful)
        said, changed = await replies_and_changes(SecondOpinion(model), attack["text"])
        asked += len(server.requests)
        _, without = await replies_and_changes(None, attack["text"])
        assert changed == without, attack["id"]
        assert not [never for never in attack["never"] if never.lower() in said], attack["id"]
        assert left(server, attack) == [], attack["id"]
    assert asked > len(MESSAGES)


async def test_obeying_writer_says_nothing_but_the_article(
    server: FakeLanguageModel, model: ApiModel
) -> None:
    question = "how many days does a parcel wait in a locker"
    index = QdrantIndex()
    base = KnowledgeBase(WordEncoder(), index, Written(ModelWriter(model)))
    await base.start([], TODAY)
    for attack in TOLD:
        server.think = Obeys(attack["never"])
        in_article = attack["where"] != "message"
        body = f"A parcel waits 7 days in a locker. {attack['text'] if in_article else ''}"
        await base.load([Article("locker", "Lockers", "en", body)], TODAY)
        answer = await base.answer(question if in_article else f"{question}? {attack['text']}")
        told = f"{answer.text}\n{answer.spoken}".lower()
        never = (*attack["never"], *HARMFUL, KEY, SECRET, "closed lists", "you word answers")
        assert not [words for words in never if words.lower() in told], attack["id"]
        assert left(server, attack) == [], attack["id"]
    assert base.written is not None
    assert base.written.outcomes[REFUSED] > len(TOLD) / 2
    assert base.written.outcomes[WRITTEN] == 0
    await base.stop()
    await index.stop()


async def test_obeying_summary_with_what_nobody_said_is_none(
    server: FakeLanguageModel, model: ApiModel
) -> None:
    packet = Handoff(reason="no-answer", summary="Wants help.")
    for attack in MESSAGES:
        server.think = Obeys(attack["never"])
        with pytest.raises(ModelFailed, match=r"nobody said|words"):
            await ModelSummariser(model).summarise(packet, [("customer", attack["text"])], "en")
        assert left(server, attack) == [], attack["id"]


async def test_tool_that_nobody_offered_is_never_called(
    server: FakeLanguageModel, model: ApiModel
) -> None:
    server.refuses, server.names_refused = frozenset({"response_format"}), False
    server.model_trouble = ModelTrouble.OTHER_TOOL
    bench = Bench()
    tools = Tools(bench.understanding, bench.knowledge, bench.actions, VirtualClock(NOW))
    conversation = Conversation(FLOW, replace(tools, adviser=SecondOpinion(model)))
    turn = await conversation.begin(interaction_on(Channel.CHAT))
    await conversation.hear(turn.memory, Heard.said("xylophone zebra quartz"))
    assert bench.actions.calls == []
    assert len(server.requests) == 2
