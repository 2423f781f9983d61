"""Giving an interaction away for good: to a queue, an agent, a bot, somebody outside.

1. Only its handler gives it away. In a queue it stands where its whole wait up to now, in
   every queue, and the queue's boost for transfers place it.
2. Work never goes to an agent who is not there: a named agent must be available. It rings
   there alone for a limited time; when that agent says no, does not answer or stays busy,
   it rings at the one who sent it, and then at everybody of the queue it came from.
3. Somebody outside is dialled first; only when they answer is our part over.
4. What became of it is a ``TransferOutcome`` with its evidence, never a text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from router import events
from router.acts.act import WAITING_STATES, Act, Acts, HandoffPlan
from router.acts.following import give_back_to_sender
from router.acts.parties import TransferOutcome
from router.acts.sent import SentWork
from router.commands import DialResult, Order, Refused, TransferInteraction
from router.company import Company
from router.errors import CannotTransfer, IllegalMove, ReplyTimeout, Unroutable
from router.events import Fact, InteractionTransferred, TransferFailed
from router.machines import move
from router.model import (
    Agent,
    Channel,
    EndedBy,
    Handoff,
    Interaction,
    InteractionState,
    Presence,
)
from router.ports import Bus, Clock, Store, Transaction
from router.relay import Relay

AGENT_WAIT_S = 30
"""So long a named agent alone is asked."""
TRANSFERRED = "transfer"
"""The reason in the packet of what an agent has given away."""
RING_S = 25.0
REPLY_S = 10.0
"""How much longer than it rings we wait to hear how dialling ended."""


@dataclass(frozen=True, slots=True)
class ToQueue:
    """To whoever of the queue is next; ``skills`` are asked for beside the queue's own."""

    queue: str
    skills: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ToAgent:
    """To this agent, who alone is asked for ``wait_s`` seconds."""

    agent_id: str
    wait_s: int = AGENT_WAIT_S


@dataclass(frozen=True, slots=True)
class ToBot:
    """To a flow; empty for the one that spoke before, or the channel's own."""

    flow: str = ""


@dataclass(frozen=True, slots=True)
class ToNumber:
    """To a number (E.164) or SIP address outside; it rings for ``ring_s``."""

    address: str
    ring_s: float = RING_S


Target = ToQueue | ToAgent | ToBot | ToNumber


@dataclass(frozen=True, slots=True)
class TransferResult:
    """What became of a transfer.

    ``outcome`` is None while nobody has taken it and it still may be. The evidence:
    ``cause`` (Q.850) and ``detail`` where a network or an agent gave them, ``at`` when,
    ``by`` who has it now.
    """

    way: str
    target: str
    at: datetime
    outcome: TransferOutcome | None = None
    by: str = ""
    cause: int | None = None
    detail: str = ""


class Transfers:
    """The acts by which a handler gives an interaction away.

    ``bus`` carries the order to the process that owns a call; without one nothing can be
    given to a number.
    """

    def __init__(
        self,
        store: Store,
        company: Company,
        clock: Clock,
        relay: Relay,
        bus: Bus | None = None,
    ) -> None:
        self._store = store
        self._company = company
        self._clock = clock
        self._bus = bus
        self._acts = Acts(store, company, clock, relay)

    async def transfer(
        self, interaction_id: str, agent_id: str, target: Target, note: str = ""
    ) -> TransferResult:
        """Give it away for the agent who handles it. ``note`` is for whoever gets it.

        Returns at once for queue, agent and bot; for a number when dialling has ended.
        Raises ``IllegalMove`` when it is not the agent's, ``NoSuchQueue``, ``NoSuchAgent``,
        and ``CannotTransfer`` when the target cannot take it; nothing has changed then.
        """
        if isinstance(target, ToNumber):
            return await self._outside(interaction_id, agent_id, target, note)
        async with self._acts.act() as act:
            interaction = await self._acts.mine(act.tx, interaction_id, agent_id)
            match target:
                case ToQueue():
                    fact = await self._to_queue(act, interaction, target, note)
                case ToAgent():
                    fact = await self._to_agent(act, interaction, target, note)
                case ToBot():
                    fact = await self._to_bot(act, interaction, target, note)
            act.facts.append(fact)
        return TransferResult(fact.way, fact.target, fact.at, fact.outcome)

    async def recall(self, interaction_id: str, agent_id: str) -> Interaction:
        """Take back what this agent gave to another who has not answered yet.

        It rings at the one who sent it. Raises ``CannotTransfer`` when there is nothing
        to take back (any more).
        """
        async with self._acts.act() as act:
            interaction = await act.tx.interactions.get(interaction_id)
            sent = SentWork.of(interaction)
            waits = interaction.state in WAITING_STATES
            if sent is None or sent.by != agent_id or sent.back or not waits:
                raise CannotTransfer("this was taken already, or was not sent by this agent")
            if interaction.offer_id is not None:
                await self._acts.withdraw_offer(act, interaction, "taken back")
                moved = move(interaction.state, "return")
                interaction = replace(interaction, state=moved, agent_id=None, offer_id=None)
            cancelled = TransferOutcome.CANCELLED
            back, failed = await give_back_to_sender(
                act.tx, interaction, sent, cancelled, self._clock.now(), "taken back"
            )
            return await act.save(back, failed)

    async def result(self, interaction_id: str) -> TransferResult | None:
        """What became of its latest transfer; None when it was never transferred."""
        async with self._store.transaction() as tx:
            return result_of(await tx.log.facts(interaction_id=interaction_id))

    async def _to_queue(
        self, act: Act, interaction: Interaction, target: ToQueue, note: str
    ) -> InteractionTransferred:
        sender = interaction.agent_id or ""
        await self._wait_in(act, interaction, target.queue, target.skills, note)
        return self._transferred(interaction, sender, "queue", target.queue, note)

    async def _to_agent(
        self, act: Act, interaction: Interaction, target: ToAgent, note: str
    ) -> InteractionTransferred:
        sender = interaction.agent_id or ""
        other = await act.tx.people.agent(target.agent_id)
        must_be_there(other, sender)
        queue = queue_for(other, interaction, self._company)
        asked = {
            skill: level
            for skill, level in interaction.skills.items()
            if other.skills.get(skill, 0) >= level
        }
        waiting = await self._wait_in(act, interaction, queue, asked, note)
        joined = waiting.joined_at.isoformat() if waiting.joined_at else ""
        before = interaction.queue or queue, dict(interaction.skills)
        sent = SentWork(sender, other.id, *before, joined)
        await act.save(
            replace(
                waiting,
                prefer_agent=other.id,
                prefer_until=self._clock.now() + timedelta(seconds=target.wait_s),
                meta=sent.on(waiting),
            )
        )
        return self._transferred(interaction, sender, "agent", other.id, note)

    async def _to_bot(
        self, act: Act, interaction: Interaction, target: ToBot, note: str
    ) -> InteractionTransferred:
        sender = interaction.agent_id or ""
        moved = replace(interaction, state=move(interaction.state, "start-bot"), agent_id=None)
        if target.flow:
            # The old flow's memory names that flow: with it the new one would never begin.
            meta = {**moved.meta, "flow": target.flow}
            moved = replace(moved, meta=meta, bot_state={})
        await act.talk_ended(interaction, self._clock.now())
        await act.save(moved, self._acts.bot_started(moved))
        answered = TransferOutcome.ANSWERED
        return self._transferred(interaction, sender, "bot", target.flow, note, answered)

    async def _wait_in(
        self,
        act: Act,
        interaction: Interaction,
        queue_id: str,
        skills: Mapping[str, int],
        note: str,
    ) -> Interaction:
        """Let it wait at the place that its whole wait earns (rule 1)."""
        queue = self._company.queue(queue_id)
        waited = await whole_wait(act.tx, interaction.id)
        packet = briefed(interaction.handoff, TRANSFERRED, note)
        plan = HandoffPlan(queue_id, packet, skills, waited + queue.rules.boosts.transfer_s)
        moved = replace(interaction, prefer_agent=None, prefer_until=None, also_queues=())
        return await self._acts.queue(act, moved, plan, from_agent=interaction.agent_id or "")

    async def _outside(
        self, interaction_id: str, agent_id: str, target: ToNumber, note: str
    ) -> TransferResult:
        async with self._store.transaction() as tx:
            interaction = await self._talking(tx, interaction_id, agent_id)
        if interaction.channel is not Channel.VOICE:
            raise CannotTransfer("only a call can go to a number outside")
        if self._bus is None:
            raise CannotTransfer("this process has no way to reach the one that owns the call")
        order = TransferInteraction(
            interaction_id=interaction_id, address=target.address, ring_s=target.ring_s
        )
        dialled = await dial(self._bus, interaction.home, order, target.ring_s)
        return await self._after_dialling(interaction, agent_id, target, dialled, note)

    async def _talking(self, tx: Transaction, interaction_id: str, agent_id: str) -> Interaction:
        """The agent's own while the customer is there: in wrap-up it is too late."""
        interaction = await self._acts.mine(tx, interaction_id, agent_id)
        if interaction.state is not InteractionState.AGENT:
            raise IllegalMove(f"the customer of interaction {interaction_id} has left")
        return interaction

    async def _after_dialling(
        self,
        interaction: Interaction,
        agent_id: str,
        target: ToNumber,
        dialled: DialResult,
        note: str,
    ) -> TransferResult:
        async with self._acts.act() as act:
            outcome = dialled.outcome
            try:
                current = await self._talking(act.tx, interaction.id, agent_id)
            except IllegalMove:
                # The customer hung up while it rang outside.
                current, outcome = interaction, TransferOutcome.LEFT
            if outcome is TransferOutcome.ANSWERED:
                done = self._transferred(
                    current, agent_id, "outside", target.address, note, outcome
                )
                act.facts.append(replace(done, cause=dialled.cause))
                await self._acts.close(act, current, EndedBy.AGENT, f"went to {target.address}")
            else:
                act.facts.append(self._failed(current, agent_id, target, outcome, dialled))
        return TransferResult(
            "outside",
            target.address,
            self._clock.now(),
            outcome,
            cause=dialled.cause,
            detail=dialled.detail,
        )

    def _failed(
        self,
        interaction: Interaction,
        agent_id: str,
        target: ToNumber,
        outcome: TransferOutcome,
        dialled: DialResult,
    ) -> TransferFailed:
        return TransferFailed(
            at=self._clock.now(),
            interaction_id=interaction.id,
            from_agent_id=agent_id,
            way="outside",
            target=target.address,
            outcome=outcome,
            to_agent_id=agent_id,
            cause=dialled.cause,
            detail=dialled.detail,
        )

    def _transferred(
        self,
        interaction: Interaction,
        sender: str,
        way: str,
        target: str,
        note: str,
        outcome: TransferOutcome | None = None,
    ) -> InteractionTransferred:
        return InteractionTransferred(
            at=self._clock.now(),
            interaction_id=interaction.id,
            from_agent_id=sender,
            way=way,
            target=target,
            queue=interaction.queue or "",
            outcome=outcome,
            note=note,
        )


async def whole_wait(tx: Transaction, interaction_id: str) -> int:
    """Whole seconds for which it has waited for people so far, in every queue."""
    types = [events.OfferAccepted]
    waits = await tx.log.facts(interaction_id=interaction_id, types=types)
    return int(sum(fact.waited_s for fact in waits if isinstance(fact, events.OfferAccepted)))


def must_be_there(other: Agent, sender: str) -> None:
    """Raise ``CannotTransfer`` unless another, available agent is meant (rule 2)."""
    if other.id == sender:
        raise CannotTransfer("it is with this agent already")
    if other.presence is not Presence.AVAILABLE:
        why = other.presence_reason or str(other.presence)
        raise CannotTransfer(f"{other.name} is not available ({why}); choose somebody else")


def queue_for(other: Agent, interaction: Interaction, company: Company) -> str:
    """A queue in which the other agent can be offered it: the one it is in if possible.

    Raises ``CannotTransfer`` when there is none.
    """
    mine = interaction.queue or company.default_queue
    for queue_id in sorted(other.queues, key=lambda each: each != mine):
        needs = company.queue(queue_id).skills
        if all(other.skills.get(skill, 0) >= level for skill, level in needs.items()):
            return queue_id
    raise CannotTransfer(f"{other.name} has no queue and skills for this work")


def briefed(packet: Handoff | None, reason: str, note: str) -> Handoff:
    """The packet for whoever gets it: the note first, then what was known before."""
    if packet is None:
        return Handoff(reason=reason, summary=note)
    summaries = {language: _noted(note, text) for language, text in packet.summaries.items()}
    summary = _noted(note, packet.summary)
    return replace(packet, reason=reason, summary=summary, summaries=summaries)


def _noted(note: str, summary: str) -> str:
    return "\n".join(part for part in (note, summary) if part)


async def dial(bus: Bus, home: str, order: Order, ring_s: float) -> DialResult:
    """Have the call's owner dial; every way in which that fails is a typed outcome."""
    if not home:
        return DialResult(outcome=TransferOutcome.UNREACHABLE, detail="the call has no line")
    try:
        answer = await bus.ask(order, home, ring_s + REPLY_S)
    except Unroutable as error:
        return DialResult(outcome=TransferOutcome.UNREACHABLE, detail=str(error))
    except ReplyTimeout as error:
        return DialResult(outcome=TransferOutcome.NO_ANSWER, detail=str(error))
    if isinstance(answer, DialResult):
        return answer
    reason = answer.reason if isinstance(answer, Refused) else type(answer).__name__
    return DialResult(outcome=TransferOutcome.UNREACHABLE, detail=reason)


def result_of(facts: Sequence[Fact]) -> TransferResult | None:
    """What became of the latest transfer, from one interaction's facts, oldest first."""
    found: TransferResult | None = None
    for fact in facts:
        if isinstance(fact, InteractionTransferred):
            found = TransferResult(
                fact.way, fact.target, fact.at, fact.outcome, fact.to_agent_id, fact.cause
            )
        elif isinstance(fact, TransferFailed):
            found = TransferResult(
                fact.way, fact.target, fact.at, fact.outcome, "", fact.cause, fact.detail
            )
        elif found is not None and found.outcome is None:
            found = _settled(found, fact)
    return found


def _settled(open_one: TransferResult, fact: Fact) -> TransferResult:
    if isinstance(fact, events.OfferAccepted):
        return replace(open_one, outcome=TransferOutcome.ANSWERED, at=fact.at, by=fact.agent_id)
    if isinstance(fact, events.InteractionEnded):
        return replace(open_one, outcome=TransferOutcome.LEFT, at=fact.at, detail=fact.reason)
    return open_one
