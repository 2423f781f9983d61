"""Where scripts of calls are played on virtual time, through the product's own parts.

The bot, its ears and mouth, the turn machine, the detector, the leg's playout, the flows and
their understanding are real; the wire, the engines, the order service and the records are
scripted. A loop that counts what is scheduled tells when everybody has done what they can, so
that 20 ms of a call cost some ten microseconds.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextvars import Context
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, TypeVarTuple

from bots.conversation import Conversation, Heard, Tools, Turn
from bots.conversations import Conversations
from bots.engines.choice import Engines
from bots.errors import ActionFailed
from bots.flow.model import Flow
from bots.flow.outcome import PutThrough
from bots.flow.schema import read_flow
from bots.nlu.understanding import IntentUnderstanding
from bots.voice import VoiceBot, VoiceOutcome
from channels.media.leg import Leg
from evals.call_script import CallScript, Keys, Speech, World, play
from evals.judges import Played
from gateway.demo.orders import NoSuchOrder, OrderBook, read_orders
from router.acts.act import HandoffPlan
from router.errors import IllegalMove
from router.events import Fact
from router.model import Customer, EndedBy, Interaction, NewMessage
from tests.golden.wire import (
    CALLER,
    VOICE_SPEED,
    WORDLESS,
    CallerVoice,
    Mark,
    WireTranscriber,
    WireVoice,
    frame,
    read,
)
from tests.scripted import FRAME_S, RATE, SILENCE, START, ScriptedRecords, voice_interaction
from tests.talking import API, BILL, FLOWS, HOURS, ScriptedKnowledge, WordEncoder

GOLDEN = Path(__file__).parent
QUIET_S = 0.4
"""So much silence and the bot waits for the caller."""
LIMIT_S = 60.0
AFTERWARDS_S = 2.0
"""How long a caller who was handed over goes on talking to a bot that must not answer."""
OUTCOMES = {
    VoiceOutcome.ENDED: "contained",
    VoiceOutcome.HANDED_OFF: "escalated",
    VoiceOutcome.CALLER_LEFT: "abandoned",
}
KNOWLEDGE = ScriptedKnowledge({"open": HOURS, "bill": BILL})

Ts = TypeVarTuple("Ts")


class CountingLoop(asyncio.SelectorEventLoop):
    """Counts the callbacks that are scheduled."""

    scheduled = 0

    def call_soon(
        self,
        callback: Callable[[*Ts], object],
        *args: *Ts,
        context: Context | None = None,
    ) -> asyncio.Handle:
        self.scheduled += 1
        return super().call_soon(callback, *args, context=context)

    async def settle(self) -> None:
        """Return when nobody else can go on."""
        mine = 1
        while self.scheduled != mine:
            mine = self.scheduled + 1
            await asyncio.sleep(0)


class VirtualLeg(Leg):
    """A leg whose clock and wire are the test's."""

    def __init__(self) -> None:
        super().__init__("leg-1", "+37120000001", RATE)
        self.hang_ups = 0

    def press(self, digits: str) -> None:
        """The bot presses no keys."""
        raise AssertionError(f"the bot pressed {digits}")

    async def hang_up(self, cause: int = 16) -> None:
        """The bot hangs up."""
        self.hang_ups += 1
        self.end(cause)


@dataclass
class StrictRecords(ScriptedRecords):
    """Refuses what the lifecycle refuses, and counts how often a call was ended."""

    ends: list[str] = field(default_factory=list)
    turns: int = 0

    async def save_bot_turn(
        self,
        interaction: Interaction,
        bot_state: Mapping[str, Any],
        replies: Sequence[NewMessage] = (),
        handoff: HandoffPlan | None = None,
        end_reason: str | None = None,
        facts: Sequence[Fact] = (),
    ) -> Interaction:
        if self.ends:
            raise IllegalMove(f"the call is over: {self.ends}")
        self.turns += 1
        if handoff is not None:
            self.ends.append(f"person: {handoff.packet.reason}")
        if end_reason is not None:
            self.ends.append(f"bot: {end_reason}")
        return await super().save_bot_turn(
            interaction, bot_state, replies, handoff, end_reason, facts
        )

    async def end(self, interaction_id: str, by: EndedBy, reason: str) -> Interaction:
        self.ends.append(f"{by}: {reason}")
        return await super().end(interaction_id, by, reason)


@dataclass
class OrderService:
    """The demo company's orders, as slow and as broken as the world is."""

    stage: Stage

    async def call(
        self,
        method: str,
        url: str,
        body: Mapping[str, Any] | None,
        timeout_s: float,
        headers: Mapping[str, str] | None = None,
        retries: int = 1,
    ) -> tuple[int, Any]:
        """As ``bots.ports.Actions``."""
        world = self.stage.world
        await self.stage.delay(min(world.service_s, timeout_s))
        if world.service == "down" or world.service_s > timeout_s:
            raise ActionFailed(f"{url}: no answer")
        try:
            return 200, asdict(_orders().order(url.rsplit("/", 1)[1]))
        except NoSuchOrder:
            return 404, None


class WatchedConversation(Conversation):
    """A conversation, and what it was asked."""

    def __init__(self, flow: Flow, tools: Tools) -> None:
        super().__init__(flow, tools)
        self.heard: list[Heard] = []
        self.asked: list[Turn] = []

    async def begin(
        self,
        interaction: Interaction,
        *,
        customer_name: str = "",
        fields: Mapping[str, str] | None = None,
    ) -> Turn:
        turn = await super().begin(interaction, customer_name=customer_name, fields=fields)
        self.asked.append(turn)
        return turn

    async def hear(self, memory: Mapping[str, Any], heard: Heard) -> Turn:
        self.heard.append(heard)
        turn = await super().hear(memory, heard)
        self.asked.append(turn)
        return turn

    async def give_up(self, memory: Mapping[str, Any], reason: str) -> Turn:
        turn = await super().give_up(memory, reason)
        self.asked.append(turn)
        return turn


@dataclass(frozen=True, slots=True)
class Tick:
    """20 ms of the line: what each side said, and whether the bot still had the call."""

    at: float
    bot: Mark | None
    caller: Mark | None
    key: bool
    handled: bool


@dataclass
class Stage:
    """One call of one script; the handset of its caller."""

    script: CallScript
    loop: CountingLoop
    leg: VirtualLeg = field(default_factory=VirtualLeg)
    world: World = field(default_factory=World)
    ticks: list[Tick] = field(default_factory=list)
    outcome: VoiceOutcome | None = None
    leaves_at: float | None = None
    """When the caller hangs up, whatever the script says."""

    def __post_init__(self) -> None:
        self.caller = CallerVoice()
        world = lambda: self.world  # noqa: E731 - read anew each time
        self.hears = WireTranscriber(self.caller, world, self.delay)
        self.voice = WireVoice(world, self.delay)
        interaction = replace(
            voice_interaction(self.script.language),
            meta={"flow": self.script.flow, "fields": dict(self.script.fields)},
        )
        self.records = StrictRecords(interaction, Customer("c1", self.script.customer))
        self._count = self._quiet = 0
        self._first: float | None = None
        """When the bot's present words began."""
        self._key = False
        self._due: list[tuple[int, asyncio.Future[None]]] = []

    # -- time ----------------------------------------------------------------------

    def seconds(self) -> float:
        """The call's clock."""
        return self._count * FRAME_S

    def now(self) -> datetime:
        """The wall clock that goes with it."""
        return START + timedelta(seconds=self.seconds())

    async def delay(self, seconds: float) -> None:
        """Return so much later on the call's clock."""
        if seconds > 0:
            ready: asyncio.Future[None] = self.loop.create_future()
            self._due.append((self._count + round(seconds / FRAME_S), ready))
            await ready

    async def tick(self, pcm: bytes = SILENCE) -> None:
        """20 ms in both directions; then everybody who can goes on."""
        said = read(self.leg.outgoing())
        self.ticks.append(Tick(self.seconds(), said, read(pcm), self._key, not self._done))
        self._key = False
        self._quiet = 0 if said else self._quiet + 1
        if said and self._first is None:
            self._first = self.seconds()
        self._count += 1
        self._wake(self._count)
        if self.leaves_at is not None and self.seconds() >= self.leaves_at:
            self.leg.end(16)
        if not self.leg.closed.is_set():
            self.leg.incoming(pcm)
        await self.settle()

    async def settle(self) -> None:
        """Return when everybody has done what they can."""
        await self.loop.settle()

    def _wake(self, until: int) -> None:
        for due in [due for due in self._due if due[0] <= until]:
            self._due.remove(due)
            if not due[1].done():
                due[1].set_result(None)

    @property
    def _done(self) -> bool:
        return self._running.done()

    # -- evals.call_script.Handset ---------------------------------------------------

    @property
    def over(self) -> bool:
        """Whether the bot has done with it, or somebody has left."""
        return self._done or self.leg.closed.is_set()

    async def until_bot_waits(self) -> None:
        for _ in range(round(LIMIT_S / FRAME_S)):
            quiet = self._first is not None and self._quiet * FRAME_S >= QUIET_S
            if self.over or quiet:
                return
            await self.tick()
        raise AssertionError(f"{self.script.name}: the bot is silent, or does not stop: {self}")

    async def until_into(self, seconds: float) -> None:
        await self.until_bot_speaks()
        until = (self._first or 0.0) + seconds / VOICE_SPEED - FRAME_S / 2
        while not self.over and self.seconds() < until:
            await self.tick()

    async def until_bot_speaks(self) -> None:
        for _ in range(round(LIMIT_S / FRAME_S)):
            if self.over or self._first is not None:
                return
            await self.tick()
        raise AssertionError(f"{self.script.name}: the bot says nothing: {self}")

    async def speak(self, speech: Speech) -> None:
        for place, part in enumerate(self.caller.frames(speech)):
            await self.wait(speech.pause_s if place else 0.0)
            for pcm in part:
                await self.tick(pcm)
        self.begin()

    async def press(self, keys: Keys) -> None:
        for place, digit in enumerate(keys.digits):
            await self.wait(keys.gap_s if place else 0.0)
            self.leg.key(digit)
            self._key = True
            await self.loop.settle()
        self.begin()

    async def noise(self, seconds: float) -> None:
        for place in range(round(seconds / FRAME_S)):
            await self.tick(frame(WORDLESS, place, CALLER))
        self.begin()

    async def wait(self, seconds: float) -> None:
        for _ in range(round(seconds / FRAME_S)):
            await self.tick()

    async def hang_up(self) -> None:
        """Leave; whoever was handed over first talks on a while, to nobody."""
        if self._done and not self.leg.closed.is_set():
            await self.noise(AFTERWARDS_S)
        self.leg.end(16)
        await self.loop.settle()

    def change(self, world: World) -> None:
        self.world = world

    def begin(self) -> None:
        """What the bot says from now on is new to the caller."""
        self._first = None

    # -- the whole call ----------------------------------------------------------------

    def converse(self, flow: Flow) -> WatchedConversation:
        """The conversation that the bot has."""
        tools = Tools(_understanding(), KNOWLEDGE, OrderService(self), self, {"api": API})
        return WatchedConversation(flow, tools)

    async def serve(self, bot: VoiceBot) -> VoiceOutcome:
        """Have the call, to its end."""
        outcome = await bot.run(self.leg, self.records.interaction)
        assert not isinstance(outcome, PutThrough), "no golden flow calls anybody outside"
        return outcome

    async def perform(self) -> None:
        """Do what the caller does, and hang up."""
        await play(self.script, self)

    async def run(self, flow: Flow) -> Stage:
        """Play it; raises what the bot raises."""
        self.dialogue = self.converse(flow)
        await self.dialogue.prepare()
        bot = VoiceBot(
            Conversations([self.dialogue], {}),
            Engines(self.hears, self.voice),
            self.records,
            self.records.load,
            self,
            self.seconds,
        )
        await bot.prompts.keep_spare(self.script.language, RATE)
        # Not begun before the script's own world is there.
        self._running = asyncio.create_task(self.serve(bot))
        try:
            await self.perform()
            for _ in range(round(LIMIT_S / FRAME_S)):
                if self._done:
                    break
                await self.tick()
            assert self._done, f"{self.script.name}: the bot does not end: {self}"
            outcome = self._running.result()
            assert isinstance(outcome, VoiceOutcome), "these flows call nobody outside"
            self.outcome = outcome
        finally:
            self._running.cancel()
            self.leg.end(16)
            self._wake(len(self.ticks) + round(LIMIT_S / FRAME_S))
            await self.loop.settle()
        return self

    @property
    def played(self) -> Played:
        """As the judges want it."""
        memory, handoff = self.records.interaction.bot_state, self.records.handoff
        assert self.outcome is not None
        return Played(
            exchanges=(),
            outcome=OUTCOMES[self.outcome],
            queue=handoff.queue if handoff else "",
            reason=self.records.ends[-1].split(": ", 1)[1],
            intent=str(memory.get("intent") or ""),
            slots={name: str(kept["value"]) for name, kept in memory["slots"].items()},
            took_s=self.seconds(),
            transcript=tuple((str(line.author), line.text) for line in self.records.lines),
        )

    def __str__(self) -> str:
        lines = "\n  ".join(self.records.transcript)
        return f"after {self.seconds():.2f} s\n  {lines}"


@cache
def flow_of(name: str) -> Flow:
    """A flow of these tests, or else of the demo company; read once."""
    own = GOLDEN / "flows" / f"{name}.yaml"
    return read_flow(own if own.exists() else FLOWS / f"{name}.yaml")


def performed(script: CallScript, leaves_at: float | None = None) -> Stage:
    """The call, played to its end."""
    stage = Stage(script, _loop(), leaves_at=leaves_at)
    return stage.loop.run_until_complete(stage.run(flow_of(script.flow)))


@cache
def _loop() -> CountingLoop:
    return CountingLoop()


@cache
def _orders() -> OrderBook:
    return read_orders(today=START.date)


@cache
def _understanding() -> IntentUnderstanding:
    """Trained once for the whole run."""
    return IntentUnderstanding(WordEncoder())
