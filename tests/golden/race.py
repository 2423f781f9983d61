"""A call that a person accepts at a moment of the bot's turn, on the real switchboard.

The person comes as in production: the record says it first, so that the bot's saves are refused,
then the fact ``OfferAccepted`` comes over the bus.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from bots.voice import VoiceBot, VoiceOutcome
from evals.call_script import CallScript
from gateway.joining import Call, Talks
from gateway.switchboard import Caller, Switchboard
from gateway.waiting_line import WaitingLine
from router.acts.lifecycle import Lifecycle, Received
from router.bus.memory import MemoryBus
from router.company import no_company
from router.errors import IllegalMove
from router.events import Fact, OfferAccepted
from router.model import Arrival, Interaction, InteractionState
from router.ports import Store
from tests.golden.stage import CountingLoop, Stage, StrictRecords

LISTEN_ON_S = 1.5
"""How long the caller goes on talking to the person."""
SPEAKING, LISTENING = "speaking", "listening"
RECOGNISING, SYNTHESIS, ACTION = "recognising", "synthesis", "action"
BARGING_IN = "barging in"


@dataclass
class RaceRecords(StrictRecords):
    """The lifecycle of one call; from ``taken`` on nothing of the bot's is taken in."""

    taken: bool = False

    async def save_bot_turn(self, *given: Any, **named: Any) -> Interaction:
        """As the lifecycle: only while the bot is the handler."""
        if self.taken:
            raise IllegalMove("the call is with a person")
        return await super().save_bot_turn(*given, **named)

    async def load(self, interaction_id: str) -> tuple[Interaction, Any]:
        """With its state as it is now."""
        state = InteractionState.AGENT if self.taken else self.interaction.state
        return replace(self.interaction, state=state), self.customer

    async def receive(self, arrival: Arrival) -> Received:
        """The call came in."""
        return Received(self.interaction, new=True, message=None)

    async def record(self, facts: list[Fact]) -> None:
        """Keep what happened."""
        self.facts += facts


@dataclass
class OneCall:
    """The store of that one call, as far as a switchboard looks into it."""

    records: RaceRecords

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Any]:
        """As ``router.ports.Store``."""
        yield SimpleNamespace(interactions=self)

    async def get(self, interaction_id: str) -> Interaction:
        """The call as it is now."""
        return (await self.records.load(interaction_id))[0]


class NobodyWaits:
    """A waiting line without announcements: music is all there is."""

    async def accompany(self, call: Call) -> None:
        """Say nothing."""

    def forget(self, interaction_id: str) -> None:
        """There is nothing to forget."""


class RaceStage(Stage):
    """``accept_at`` is when a person accepts, in seconds of the call."""

    def __init__(
        self, script: CallScript, loop: CountingLoop, accept_at: float, folder: Path
    ) -> None:
        self.accept_at, self.folder = accept_at, folder
        self.under_way: list[str] = []
        self.moment = ""
        """What the bot was doing when the person accepted."""
        self.sent_after = 0
        """Frames of the bot's voice that went out since."""
        self.heard_after = 0
        """Frames of anything else: the music."""
        super().__init__(script, loop)
        held = self.records
        at_home = replace(held.interaction, home="voice.n1")
        self.records: RaceRecords = RaceRecords(at_home, held.customer)
        self.hears.delay = partial(self._doing, RECOGNISING)
        self.voice.delay = partial(self._doing, SYNTHESIS)

    @property
    def accepted(self) -> bool:
        """Whether a person has the call."""
        return bool(self.moment)

    @property
    def over(self) -> bool:
        """The caller's script ends with the bot's part."""
        return self.accepted or bool(self.records.ends) or super().over

    async def delay(self, seconds: float) -> None:
        """Only the order service asks for it under this name."""
        await self._doing(ACTION, seconds)

    async def _doing(self, what: str, seconds: float) -> None:
        with self._noted(what):
            await super().delay(seconds)

    @contextmanager
    def _noted(self, what: str) -> Iterator[None]:
        self.under_way.append(what)
        try:
            yield
        finally:
            self.under_way.remove(what)

    async def serve(self, bot: VoiceBot) -> VoiceOutcome:
        """On a switchboard, which hears of the person over the bus."""
        self.bus = MemoryBus()
        await self.bus.start()
        board = Switchboard(
            cast(Store, OneCall(self.records)), cast(Lifecycle, self.records), self.bus, self, bot,
            cast(Talks, None), cast(WaitingLine, NobodyWaits()),
            node="n1", company=no_company(), data_dir=self.folder,
        )  # fmt: skip
        await board.start()
        await board.take(self.leg, Caller("+37120000001", "help"))
        await self.bus.stop()
        return VoiceOutcome.CALLER_LEFT

    async def tick(self, pcm: bytes = b"") -> None:
        """20 ms; the person comes in between two of them."""
        if self.ticks and not self.accepted and self.seconds() >= self.accept_at:
            await self._accept()
        await super().tick(pcm) if pcm else await super().tick()
        said = self.ticks[-1].bot
        if self.accepted and said is not None:
            ours = said.source > 0
            self.sent_after += ours
            self.heard_after += not ours

    async def _accept(self) -> None:
        last = self.ticks[-1] if self.ticks else None
        speaks = last is not None and last.bot is not None
        talks = last is not None and last.caller is not None
        self.moment = (
            BARGING_IN if speaks and talks
            else SPEAKING if speaks
            else self.under_way[-1] if self.under_way
            else LISTENING
        )  # fmt: skip
        self.records.taken = True
        item = self.records.interaction
        fact = OfferAccepted(at=self.now(), interaction_id=item.id, offer_id="o1", agent_id="ana",
                             queue="orders", channel="voice", waited_s=0.0)  # fmt: skip
        await self.bus.publish([fact])
        await self.loop.settle()

    async def hang_up(self) -> None:
        """Talk to the person first."""
        if self.accepted and not self.leg.closed.is_set():
            await self.noise(LISTEN_ON_S)
        self.leg.end(16)
        await self.loop.settle()
        while not self._done:
            await asyncio.sleep(0.001)  # the recording is written on a thread
