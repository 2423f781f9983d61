"""How people join a customer's call and leave it: browsers, telephones outside, the record.

1. The record (state and parties) decides who is on a call; a fact or an order only makes us
   look. Looks at one call are serial, so that an old one never undoes a newer one.
2. An agent's browser gets a seat when its sound stands; until then the customer hears what
   it heard before. A second browser of the same agent takes the place of the first.
3. Somebody outside is dialled for a party or a transfer, and the outcome is typed.
4. Who has no part in the record any more is hung up.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, Protocol

from bots.campaign.calls import NotAnswered
from channels.errors import BadOffer
from channels.media.leg import Leg
from channels.media.recording import Recording
from gateway.party_line import PartyLine
from router.acts.parties import Party, TransferOutcome
from router.commands import (
    ConnectAgent,
    DialParty,
    DialResult,
    Done,
    DropParty,
    Order,
    Refused,
    SdpAnswer,
    TransferInteraction,
)
from router.errors import ParleyError
from router.model import Interaction, InteractionState
from router.ports import Store

USER_BUSY, CALL_REJECTED = 17, 21
NO_ANSWER = frozenset({16, 18, 19, 102})
"""Q.850 causes of a call that rang in vain or was given up by us."""

log = logging.getLogger(__name__)

Dial = Callable[[str, float], Awaitable[Leg]]
"""Calls an address for so many seconds; raises a ``ParleyError`` when nobody answers."""
Spawn = Callable[[Coroutine[Any, Any, None], str], asyncio.Task[None]]


class BrowserLine(Protocol):
    """Answers a browser's SDP offer with a leg."""

    async def answer(self, sdp: str, *, address: str, name: str = "") -> tuple[Leg, str]:
        """The leg and our SDP. Raises ``BadOffer``."""
        ...


class Talks(Protocol):
    """What the record must hear from a call; ``router.acts.consults.Consults``."""

    async def outside_left(self, interaction_id: str, party_id: str) -> None:
        """Somebody outside has hung up."""
        ...


@dataclass(slots=True)
class Call:
    """One customer's call.

    ``bot`` has the leg for itself (a bot, the taking of a message), ``waiting`` accompanies
    who waits. ``with_people`` since the bot gave it away, joined by somebody or not.
    ``joining`` are browsers whose sound does not stand yet, ``dialling`` the calls to
    somebody outside.
    """

    interaction_id: str
    leg: Leg
    recording: Recording
    line: PartyLine
    bot: asyncio.Task[None] | None = None
    waiting: asyncio.Task[None] | None = None
    with_people: bool = False
    closing: bool = False
    joining: dict[str, Leg] = field(default_factory=dict)
    dialling: dict[str, asyncio.Future[Leg]] = field(default_factory=dict)
    looking: asyncio.Lock = field(default_factory=asyncio.Lock)
    taken: bool = False
    """A person has accepted it, joined already or not: nothing is announced any more."""
    announcing: set[asyncio.Task[bool]] = field(default_factory=set)

    def hush(self) -> None:
        """Cut off what is being announced, and let nothing more be."""
        self.taken = True
        if self.announcing:
            for task in self.announcing:
                task.cancel()
            self.leg.flush()


class Joining:
    """Seats people on calls. ``browser`` and ``dial`` come with the wires; None: not possible."""

    def __init__(self, store: Store, talks: Talks, spawn: Spawn) -> None:
        self._store = store
        self._talks = talks
        self._spawn = spawn
        self.browser: BrowserLine | None = None
        self.dial: Dial | None = None

    # -- browsers ------------------------------------------------------------------

    async def connect(self, call: Call, order: ConnectAgent) -> Order:
        """An agent's browser comes to the call; answered at once, seated when it has sound."""
        if not await self._takes_part(order.interaction_id, order.agent_id):
            return Refused(reason="this call is with somebody else")
        if self.browser is None:
            return Refused(reason="this process takes no calls from browsers")
        try:
            leg, sdp = await self.browser.answer(order.sdp, address=f"agent:{order.agent_id}")
        except BadOffer as error:
            return Refused(reason=str(error))
        await self._unseat(call, order.agent_id)
        call.joining[order.agent_id] = leg
        self._spawn(self._seat(call, order.agent_id, leg), f"agent-{call.interaction_id}")
        return SdpAnswer(sdp=sdp, interaction_id=order.interaction_id)

    async def _takes_part(self, interaction_id: str, agent_id: str) -> bool:
        """Whether the record has the agent as handler, as the one asked, or as a supervisor."""
        async with self._store.transaction() as tx:
            interaction = await tx.interactions.get(interaction_id)
            if interaction.state is not InteractionState.AGENT:
                return False
            parties = await tx.parties.of(interaction_id)
        return interaction.agent_id == agent_id or any(p.agent_id == agent_id for p in parties)

    async def _seat(self, call: Call, agent_id: str, leg: Leg) -> None:
        await first_of(leg.connected, leg.closed)
        if call.joining.get(agent_id) is not leg:
            return
        del call.joining[agent_id]
        if leg.closed.is_set() or call.leg.closed.is_set() or call.closing:
            await leg.hang_up()
            return
        call.with_people = True
        call.leg.flush()
        call.line.open()
        await self.look(call, (agent_id, leg))

    async def _unseat(self, call: Call, agent_id: str) -> None:
        """Let the agent's earlier browser go."""
        for leg in (call.joining.pop(agent_id, None), call.line.dismiss(agent_id)):
            if leg is not None:
                await leg.hang_up()

    # -- the record ----------------------------------------------------------------

    async def look(self, call: Call, newcomer: tuple[str, Leg] | None = None) -> None:
        """Arrange the call as the record has it now (rule 1), with a newcomer in its seat."""
        async with call.looking:
            interaction, parties = await self._record(call.interaction_id)
            if not call.line.is_open:
                if newcomer is not None:
                    self._spawn(newcomer[1].hang_up(), f"too-late-{call.interaction_id}")
                return
            if newcomer is not None:
                call.line.seat(*newcomer)
            talking = interaction.state is InteractionState.AGENT
            handler = (interaction.agent_id or "") if talking else ""
            for leg in call.line.arrange(handler, parties):
                self._spawn(leg.hang_up(), f"left-{call.interaction_id}")

    async def _record(self, interaction_id: str) -> tuple[Interaction, list[Party]]:
        async with self._store.transaction() as tx:
            interaction = await tx.interactions.get(interaction_id)
            return interaction, await tx.parties.of(interaction_id)

    def release(self, call: Call) -> None:
        """The customer goes on with those outside; our own people are hung up."""
        for leg in (*call.line.release(), *call.joining.values()):
            self._spawn(leg.hang_up(), f"released-{call.interaction_id}")
        call.joining.clear()

    def drop_all(self, call: Call) -> None:
        """Hang up everybody but the customer, and whoever is just being brought in."""
        for task in call.dialling.values():
            task.cancel()
        legs = [*call.joining.values(), *call.line.close()]
        call.joining.clear()
        for leg in legs:
            if not leg.closed.is_set():
                self._spawn(leg.hang_up(), f"dropped-{call.interaction_id}")

    async def left(self, call: Call, name: str) -> None:
        """A seated leg is over by itself (browser closed, telephone hung up)."""
        if call.line.released:
            await call.leg.hang_up()
        elif call.line.is_outside(name):
            await self._talks.outside_left(call.interaction_id, name)

    # -- telephones outside --------------------------------------------------------

    async def bring_in(self, call: Call, order: DialParty) -> DialResult:
        """Call somebody for a consultation; who hears whom follows the record."""
        dialled = await self._call_out(call, order.party_id, order.address, order.ring_s)
        if isinstance(dialled, DialResult):
            return dialled
        call.line.seat(order.party_id, dialled, outside=True)
        return DialResult(outcome=TransferOutcome.ANSWERED)

    async def transfer_out(self, call: Call, order: TransferInteraction) -> DialResult:
        """Give the customer to somebody outside; nothing changes unless they answer."""
        name = f"outside:{order.id}"
        dialled = await self._call_out(call, name, order.address, order.ring_s)
        if isinstance(dialled, DialResult):
            return dialled
        call.line.seat(name, dialled, outside=True)
        self.release(call)
        return DialResult(outcome=TransferOutcome.ANSWERED)

    async def drop_party(self, call: Call, order: DropParty) -> Order:
        """Hang up that party, or stop calling it."""
        task = call.dialling.get(order.party_id)
        if task is not None:
            task.cancel()
        leg = call.line.dismiss(order.party_id)
        if leg is not None:
            await leg.hang_up()
        return Done()

    async def _call_out(
        self, call: Call, name: str, address: str, ring_s: float
    ) -> Leg | DialResult:
        if self.dial is None:
            return _unreachable("this process has no telephone line")
        task = asyncio.ensure_future(self.dial(address, ring_s))
        call.dialling[name] = task
        try:
            leg = await task
        except asyncio.CancelledError:
            if not task.cancelled():
                raise
            return DialResult(outcome=TransferOutcome.CANCELLED, detail="taken back")
        except ParleyError as error:
            cause = error.cause if isinstance(error, NotAnswered) else None
            return DialResult(outcome=outcome_of(error), cause=cause, detail=str(error))
        finally:
            call.dialling.pop(name, None)
        if call.leg.closed.is_set() or not call.line.is_open:
            await leg.hang_up()
            return DialResult(outcome=TransferOutcome.LEFT, detail="the customer had hung up")
        return leg


def outcome_of(error: ParleyError) -> TransferOutcome:
    """What a failed call means for who placed it, by its Q.850 cause."""
    if not isinstance(error, NotAnswered):
        return TransferOutcome.UNREACHABLE
    if error.cause == USER_BUSY:
        return TransferOutcome.BUSY
    if error.cause == CALL_REJECTED:
        return TransferOutcome.REJECTED
    return TransferOutcome.NO_ANSWER if error.cause in NO_ANSWER else TransferOutcome.UNREACHABLE


def _unreachable(detail: str) -> DialResult:
    return DialResult(outcome=TransferOutcome.UNREACHABLE, detail=detail)


async def first_of(*events: asyncio.Event) -> None:
    """Return when one of the events is set."""
    waiting = [asyncio.create_task(event.wait()) for event in events]
    try:
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in waiting:
            task.cancel()
