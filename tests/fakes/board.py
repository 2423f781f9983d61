"""A switchboard with scripted callers, browsers and telephones, on a real store and bus."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bots.campaign.calls import NotAnswered
from bots.flow.outcome import PutThrough
from bots.ports import AudioLeg, Transcriber
from bots.voice import VoiceOutcome
from channels.media.leg import Leg
from channels.media.music import hold_music
from gateway.going_out import GoingOut
from gateway.overhearing import Overhearing
from gateway.switchboard import Caller, Switchboard
from gateway.waiting_line import Acts, WaitingLine
from gateway.waiting_room import WaitingRoom
from router.acts.act import HandoffPlan
from router.acts.callbacks import Callbacks
from router.acts.consults import Consults
from router.acts.lifecycle import Lifecycle
from router.acts.outside import PuttingThrough
from router.acts.waiting import Waiting
from router.commands import ConnectAgent, SdpAnswer
from router.company import parse_company
from router.model import Handoff, Interaction, InteractionState
from router.ports import Store
from tests.callers import level, tone
from tests.fakes.core import COMPANY, Core, running_core
from tests.unit.test_bridge import ScriptedLeg

NUMBER = "+37120000001"
AGENT_HZ = 910
PARTY, OUTSIDE = "installers", "+37167000000"


class ScriptedBot:
    """Does what its script says next: hands over, goes outside, breaks, or waits for the end."""

    def __init__(self, lifecycle: Lifecycle, *script: str) -> None:
        self._lifecycle, self._script = lifecycle, list(script)
        self.runs = 0
        self.afters: list[str] = []
        self.said: list[str] = []
        self.slow = False
        self.cut_off: list[str] = []
        self.silenced = False
        self.surveyed = asyncio.Event()

    async def run(
        self, leg: AudioLeg, interaction: Interaction, after: str = ""
    ) -> VoiceOutcome | PutThrough:
        self.runs += 1
        self.afters.append(after)
        match self._script.pop(0):
            case "hand-over":
                plan = HandoffPlan("orders", Handoff("asked", "wants a person"))
                await self._lifecycle.save_bot_turn(interaction, {}, handoff=plan)
                return VoiceOutcome.HANDED_OFF
            case "outside":
                return PutThrough(PARTY, 5.0)
            case "break":
                raise KeyError("no such step")
        try:
            await leg.closed.wait()
        except asyncio.CancelledError:
            self.silenced = True
            raise
        return VoiceOutcome.CALLER_LEFT

    async def say(self, leg: AudioLeg, text: str, language: str) -> bool:
        """``said`` keeps the words; they take no time, or when ``slow`` for ever."""
        self.said.append(text)
        if self.slow:
            try:
                await leg.closed.wait()
            except asyncio.CancelledError:
                self.cut_off.append(text)
                raise
        return True

    async def survey(self, leg: AudioLeg, interaction: Interaction) -> int | None:
        self.surveyed.set()
        await leg.hang_up()
        return None


@dataclass
class ScriptedBrowser:
    """Answers every offer with a new leg."""

    legs: list[ScriptedLeg] = field(default_factory=list)
    slow: bool = False
    """Its legs connect only when the test says so."""

    async def answer(self, sdp: str, *, address: str, name: str = "") -> tuple[Leg, str]:
        self.legs.append(ScriptedLeg(48000, address))
        if self.slow:
            self.legs[-1].connected.clear()
        return self.legs[-1], f"answer to {sdp}"


@dataclass
class ScriptedTelephone:
    """Answers what is dialled, unless ``cause`` says why not or ``rings`` is set.

    Then it rings until it is ``answered``, or ``stopped``.
    """

    cause: int = 0
    rings: bool = False
    answered: asyncio.Event = field(default_factory=asyncio.Event)
    stopped: bool = False
    legs: list[ScriptedLeg] = field(default_factory=list)
    dialled: list[str] = field(default_factory=list)

    async def dial(self, address: str, ring_s: float) -> Leg:
        """A leg, or ``NotAnswered``."""
        self.dialled.append(address)
        if self.rings:
            try:
                await self.answered.wait()
            except asyncio.CancelledError:
                self.stopped = True
                raise
        if self.cause:
            raise NotAnswered(self.cause, f"cause {self.cause}")
        self.legs.append(ScriptedLeg(8000, address))
        return self.legs[-1]


@dataclass
class Board:
    """A switchboard with one caller on it."""

    core: Core
    board: Switchboard
    bot: ScriptedBot
    browser: ScriptedBrowser
    leg: ScriptedLeg
    lifecycle: Lifecycle
    consults: Consults
    telephone: ScriptedTelephone
    waiting: Waiting

    async def get(self, interaction_id: str) -> Interaction:
        async with self.core.store.transaction() as tx:
            return await tx.interactions.get(interaction_id)

    async def interaction(self) -> Interaction:
        return (await self.core.interactions())[0]

    async def state(self, wanted: InteractionState, of: Interaction | None = None) -> Interaction:
        """The newest interaction, or that one, when it is in the state."""
        async with asyncio.timeout(10):
            while True:
                found = await self.core.interactions()
                meant = [item for item in found if of is None or item.id == of.id]
                if meant and meant[0].state is wanted:
                    return meant[0]
                await asyncio.sleep(0.01)

    async def until(self, look: Callable[[], bool]) -> None:
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(10):
            while True:
                since = loop.time()
                if look():
                    return
                # A long look at the sound must leave as much time for what it waits for.
                await asyncio.sleep(max(0.01, loop.time() - since))

    async def to_agent(self) -> Interaction:
        """Ana takes the call that waits."""
        waiting = await self.state(InteractionState.WAITING)
        await self.core.add_agent("ana")
        offer = await self.lifecycle.offer(waiting, "ana", "test")
        return await self.lifecycle.accept(offer.id, "ana")

    async def join(self, call: Interaction, agent_id: str = "ana") -> ScriptedLeg:
        """The agent's browser comes to the line."""
        order = ConnectAgent(interaction_id=call.id, agent_id=agent_id, sdp="offer")
        assert isinstance(await self.board.obey(order), SdpAnswer)
        leg = self.browser.legs[-1]
        if leg.connected.is_set():
            await self.until(lambda: leg.source is not None)
        return leg

    def heard(self, **legs: ScriptedLeg) -> dict[str, set[str]]:
        """Whom each of these hears in the next moments: ``customer`` and the named legs."""
        legs = {"customer": self.leg, **legs}
        hertz = dict(zip(legs, (500, 910, 1370, 1730), strict=False))
        said = {name: tone(hertz[name], 0.5, leg.sample_rate) for name, leg in legs.items()}
        for leg in legs.values():
            leg.sent = b""
        for tick in range(25):
            for name, leg in legs.items():
                if not leg.closed.is_set():
                    leg.tick(said[name][tick * leg.frame_bytes : (tick + 1) * leg.frame_bytes])
        return {
            name: {
                other
                for other, each in hertz.items()
                if leg.sent not in hold_music(leg.sample_rate) * 2
                and level(leg.sent, each, leg.sample_rate) > 4000
            }
            for name, leg in legs.items()
        }

    def hears(self, seconds: float = 0.5) -> bytes:
        """What the caller hears in the next moments; the agent, if any, gives a tone."""
        self.leg.sent = b""
        agent = next((leg for leg in self.browser.legs[-1:] if not leg.closed.is_set()), None)
        said = tone(AGENT_HZ, seconds, 48000)
        for tick in range(round(seconds * 50)):
            if agent is not None:
                agent.tick(said[tick * agent.frame_bytes : (tick + 1) * agent.frame_bytes])
            self.leg.tick(self.leg.silence)
        return self.leg.sent

    def hears_music(self) -> bool:
        return self.hears() in hold_music(8000) * 2

    def hears_agent(self) -> bool:
        return level(self.hears(), AGENT_HZ) > 5000


@asynccontextmanager
async def boards(
    folder: Path, transcriber: Transcriber | None = None, **rules: Any
) -> AsyncIterator[Callable[..., Awaitable[Board]]]:
    """Gives a function that starts a board whose bot follows a script, with a caller on it.

    ``record`` is the store that hears of who went outside. ``rules`` are the queue's, as a
    company file has them. With a ``transcriber`` it writes
    down what people say.
    """
    queue = {"id": "orders", "name": "Orders", **rules}
    entry = {"voice": "front-desk"}
    company = parse_company({**COMPANY, "queues": [queue], "entry": entry, "survey": True})
    calls: list[asyncio.Task[None]] = []
    started: list[Switchboard] = []
    async with running_core(folder) as core:

        async def begin(
            *script: str, telephone: ScriptedTelephone | None = None, record: Store | None = None
        ) -> Board:
            lifecycle = Lifecycle(core.store, company, core.clock, core.relay)
            consults = Consults(core.store, company, core.clock, core.relay, core.bus)
            telephone = telephone or ScriptedTelephone()
            bot, browser, leg = (
                ScriptedBot(lifecycle, *script),
                ScriptedBrowser(),
                ScriptedLeg(8000, "sip"),
            )
            waiting = Waiting(core.store, company, core.clock, core.relay)
            line = WaitingLine(
                core.store, company, core.clock, bot, WaitingRoom(core.store, company, core.clock),
                Acts(
                    Callbacks(core.store, company, core.clock, core.relay),
                    waiting,
                    lifecycle,
                ),
                first_s=0.0,
            )  # fmt: skip
            overhearing = (
                Overhearing(core.store, lifecycle, transcriber, None) if transcriber else None
            )
            board = Switchboard(
                core.store, lifecycle, core.bus, core.clock, bot, consults, line,
                node="n1", company=company, data_dir=folder, overhearing=overhearing,
                going_out=GoingOut(
                    {PARTY: OUTSIDE},
                    PuttingThrough(record or core.store, company, core.clock, core.relay),
                ),
            )  # fmt: skip
            board.connect_wires(browser, telephone.dial)
            await board.start()
            started.append(board)
            calls.append(asyncio.create_task(board.take(leg, Caller(NUMBER, "help"))))
            return Board(core, board, bot, browser, leg, lifecycle, consults, telephone, waiting)

        yield begin
        for board in started:
            await board.stop()
        with suppress(TimeoutError):
            await asyncio.wait_for(asyncio.gather(*calls), 5)
