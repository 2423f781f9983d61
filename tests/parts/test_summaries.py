"""Better words for a hand-over, by somebody who may fail, be late, or talk too much."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

import pytest

from bots import summaries
from bots.errors import SummaryFailed
from bots.summaries import Summaries
from router.acts.act import HandoffPlan
from router.acts.lifecycle import Lifecycle
from router.clock import VirtualClock
from router.company import parse_company
from router.events import HandoffRequested
from router.model import Arrival, Author, Channel, Handoff, Identity, IdentityKind, NewMessage
from tests.fakes.ground import Ground, ground
from tests.talking import NOW

COMPANY = {"name": "Test", "entry": {"chat": "desk"}, "queues": [{"id": "orders"}], "people": []}
PACKET = Handoff(
    "asked", "By rule.", summaries={"en": "By rule.", "lv": "Pēc likuma."}, flow="desk"
)


@dataclass
class ScriptedSummariser:
    """Says what it is told to, or fails, or never answers."""

    words: str = "Wants {}."
    fails: bool = False
    hangs: bool = False
    read: list[Sequence[tuple[str, str]]] = field(default_factory=list)

    async def summarise(
        self, packet: Handoff, transcript: Sequence[tuple[str, str]], language: str
    ) -> str:
        self.read.append(transcript)
        if self.fails:
            raise SummaryFailed("no answer")
        if self.hangs:
            await asyncio.Event().wait()
        return self.words.format(language)


@dataclass
class World(Ground[VirtualClock]):
    life: Lifecycle

    async def after(self, words: ScriptedSummariser, packet: Handoff = PACKET) -> Handoff:
        """A chat is handed over, and better words are looked for."""
        arrival = Arrival(Channel.CHAT, Identity(IdentityKind.COOKIE, "v"), "us")
        line = NewMessage(Author.CUSTOMER, "where is it?", external_id="m")
        item = (await self.life.receive(arrival, line)).interaction
        await self.life.save_bot_turn(item, {}, handoff=HandoffPlan("orders", packet))
        fact = HandoffRequested(at=NOW, interaction_id=item.id, reason="asked", queue="orders")
        await Summaries(self.store, self.life, words).handle(fact)
        found = (await self.get(item.id)).handoff
        assert found is not None
        return found


@pytest.fixture
async def world(store_url: str) -> AsyncIterator[World]:
    company = parse_company(COMPANY)
    async with ground(store_url, VirtualClock(NOW)) as below:
        life = Lifecycle(below.store, company, below.clock, below.relay)
        yield World(*below.parts, life)


async def test_better_words_take_the_place_of_the_rules_in_every_language(world: World) -> None:
    words = ScriptedSummariser()
    packet = await world.after(words)
    assert packet.summary == "Wants en."
    assert packet.summaries == {"en": "Wants en.", "lv": "Wants lv."}
    assert words.read[0] == [("customer", "where is it?")]


@pytest.mark.parametrize(
    "words",
    [
        ScriptedSummariser(fails=True),
        ScriptedSummariser(hangs=True),
        ScriptedSummariser("a very long story " * 40),
        ScriptedSummariser(""),
    ],
    ids=["fails", "hangs", "talks", "empty"],
)
async def test_what_fails_is_late_or_too_long_leaves_the_old_words(
    world: World, words: ScriptedSummariser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(summaries, "WITHIN_S", 0.05)
    assert await world.after(words) == PACKET
