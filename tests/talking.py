"""Talk to a flow in a test: scripted knowledge and actions, a word-count encoder, no I/O."""

from __future__ import annotations

import hashlib
import math
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from bots.conversation import Conversation, Heard, Tools, Turn
from bots.errors import ActionFailed
from bots.flow.model import Flow
from bots.flow.schema import read_flow
from bots.nlu.understanding import IntentUnderstanding
from router.clock import VirtualClock
from router.model import Channel, Citation, Direction, Interaction, InteractionState

FLOWS = Path(__file__).parents[1] / "gateway" / "demo" / "flows"
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
API = "http://orders.test/api"


@cache
def demo_flow(name: str) -> Flow:
    """A flow of the demo company, read once."""
    return read_flow(FLOWS / f"{name}.yaml")


class WordEncoder:
    """Counts words, hashed into a unit vector: like sentences share words, no model needed."""

    dimensions = 512

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        return [self._vector(text) for text in texts]

    def _vector(self, text: str) -> list[float]:
        row = [0.0] * self.dimensions
        for word in re.findall(r"\w+", text.lower()):
            digest = hashlib.md5(word.rstrip("s").encode(), usedforsecurity=False).digest()
            row[int.from_bytes(digest[:2], "big") % self.dimensions] += 1.0
        length = math.sqrt(sum(x * x for x in row)) or 1.0
        return [x / length for x in row]


@dataclass(frozen=True)
class ScriptedAnswer:
    known: bool
    text: str = ""
    spoken: str = ""
    citations: tuple[Citation, ...] = ()
    score: float = 0.0


@dataclass
class ScriptedKnowledge:
    """Answers a question that contains one of its words."""

    by_word: dict[str, ScriptedAnswer] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)

    async def answer(self, question: str, language: str = "en") -> ScriptedAnswer:
        self.asked.append((question, language))
        for word, answer in self.by_word.items():
            if word in question.lower():
                return answer
        return ScriptedAnswer(False, score=0.1)


@dataclass
class ScriptedActions:
    """Gives what ``answers`` holds for the URL; a missing one is 404, None is no answer."""

    answers: dict[str, tuple[int, Any] | None] = field(default_factory=dict)
    calls: list[tuple[str, str, Mapping[str, Any] | None]] = field(default_factory=list)
    headers: list[Mapping[str, str]] = field(default_factory=list)

    async def call(
        self,
        method: str,
        url: str,
        body: Mapping[str, Any] | None,
        timeout_s: float,
        headers: Mapping[str, str] | None = None,
        retries: int = 1,
    ) -> tuple[int, Any]:
        self.calls.append((method, url, body))
        self.headers.append(headers or {})
        answer = self.answers.get(url, (404, None))
        if answer is None:
            raise ActionFailed(f"{url}: no answer")
        return answer


def cited(text: str, article: str, title: str) -> ScriptedAnswer:
    """A known answer with one source."""
    citation = Citation(article, title, f"/help/en/{article}", quote=text, score=0.8)
    return ScriptedAnswer(True, text, text, (citation,), 0.8)


HOURS = cited("We answer on Saturdays from 9 to 15.", "opening-hours", "Opening hours")
BILL = cited("Compare kilowatt hours first.", "bill-too-high", "Why is my bill so high?")


_SHARED = IntentUnderstanding(WordEncoder())
"""Trained once for the whole run; understanding keeps nothing but models by version."""


@dataclass
class Bench:
    """Everything a conversation needs, scripted."""

    knowledge: ScriptedKnowledge = field(
        default_factory=lambda: ScriptedKnowledge({"open": HOURS, "bill": BILL})
    )
    actions: ScriptedActions = field(
        default_factory=lambda: ScriptedActions(
            {
                f"{API}/orders/HL-482913": (
                    200,
                    {"status": "in_transit", "expected_on": "2026-03-04", "place": ""},
                )
            }
        )
    )
    understanding: IntentUnderstanding = field(default_factory=lambda: _SHARED)

    def conversation(
        self, flow: Flow, seconds: Callable[[], float] = time.monotonic
    ) -> Conversation:
        settings = {"api": API}
        clock = VirtualClock(NOW)
        tools = Tools(self.understanding, self.knowledge, self.actions, clock, settings, seconds)
        return Conversation(flow, tools)


@dataclass
class Talk:
    """One customer talking to one flow."""

    conversation: Conversation
    turn: Turn

    @classmethod
    async def begin(
        cls,
        flow: Flow,
        channel: Channel = Channel.CHAT,
        *,
        bench: Bench | None = None,
        language: str = "en",
        name: str = "",
        fields: Mapping[str, str] | None = None,
    ) -> Talk:
        used = bench or Bench()
        conversation = used.conversation(flow)
        interaction = interaction_on(channel, language)
        return cls(
            conversation,
            await conversation.begin(interaction, customer_name=name, fields=fields),
        )

    async def say(self, text: str, confidence: float = 1.0, *alternatives: str) -> str:
        """Say it and return what comes back, joined."""
        heard = Heard.said(text, confidence, alternatives)
        return await self._hear(heard)

    async def press(self, keys: str) -> str:
        return await self._hear(Heard.pressed(keys))

    async def silent(self) -> str:
        return await self._hear(Heard.silence())

    async def _hear(self, heard: Heard) -> str:
        self.turn = await self.conversation.hear(self.turn.memory, heard)
        return self.words

    @property
    def words(self) -> str:
        return " | ".join(reply.text for reply in self.turn.replies)


def interaction_on(channel: Channel, language: str = "en") -> Interaction:
    """An interaction with the bot."""
    return Interaction(
        id="i1",
        channel=channel,
        direction=Direction.INBOUND,
        customer_id="c1",
        conversation_id="v1",
        address="+37120000001",
        service_address="+37160000100",
        state=InteractionState.BOT,
        created_at=NOW,
        language=language,
    )
