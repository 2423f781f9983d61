"""What every act is made of: one transaction, its facts, and the moves that acts share.

``Lifecycle``, ``Transfers`` and ``Waiting`` are written with these; nobody else opens an act.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

from router.acts import reception, steps
from router.acts.following import concerned, follow, marked
from router.acts.nobody import Nobody
from router.acts.overflow import at_joining
from router.acts.place import Joining, asked_skills, entitled, queues_to_join
from router.acts.privacy import forgotten, private_arrival, private_line, reword
from router.acts.reopening import prefer_last, prefer_named
from router.acts.sparing import why_no_bot
from router.acts.together import Hand, Steps, Together
from router.acts.wrapup import TIMED
from router.company import Company
from router.errors import IllegalMove, OfferGone
from router.events import (
    BotStarted,
    Fact,
    HandoffRequested,
    HoldEnded,
    HoldStarted,
    InteractionEnded,
    InteractionQueued,
    MessageAdded,
    OfferExpired,
    OfferRejected,
    OfferWithdrawn,
    PresenceChanged,
)
from router.machines import move, settle
from router.model import (
    Arrival,
    Customer,
    Direction,
    EndedBy,
    Handoff,
    Interaction,
    InteractionState,
    Message,
    NewMessage,
    Offer,
    OfferState,
    Presence,
)
from router.ports import Clock, Store, Transaction
from router.presence import NO_ANSWER
from router.relay import Relay
from router.rings import Ringing
from router.rules import Overflow
from router.workday import DayStep, step_at

WAITING_STATES = frozenset({InteractionState.WAITING, InteractionState.OFFERED})
HANDLING = frozenset({InteractionState.AGENT, InteractionState.WRAP_UP})
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class HandoffPlan:
    """Where the bot's packet should go; whoever is free first of ``queue`` and ``also`` has it.

    ``agent`` (a login) alone is asked for a short while, when available. ``rules`` say what
    becomes of this one when nobody takes it; they come before the queue's.
    """

    queue: str
    packet: Handoff
    skills: Mapping[str, int] = field(default_factory=dict)
    head_start_s: int = 0
    also: tuple[str, ...] = ()
    agent: str = ""
    rules: tuple[Overflow, ...] = ()


class Act(Hand):
    """One act's handle: its steps, all tables (``tx``), and the facts that it will publish."""

    zone = "UTC"
    """Where the company's day begins."""

    async def take(self, interaction_id: str) -> Interaction:
        """Load it; nobody else changes it until this act is over. ``NoSuchInteraction``."""
        self.claim(interaction_id)
        return await self.step(steps.TAKE, interaction_id)

    async def offer(self, offer_id: str) -> Offer:
        """Load it. Raises ``NoSuchOffer``."""
        return await self.step(steps.OFFER, offer_id)

    async def ringing(self, interaction: Interaction) -> list[Offer]:
        """Its offers that ring now. Take the interaction first."""
        if interaction.offer_id is not None:
            one = await self.offer(interaction.offer_id)
            return [one] if one.state is OfferState.RINGING else []
        return await self.tx.interactions.ringing_for([interaction.id])

    async def settle(self, offer_id: str, state: OfferState) -> bool:
        """Move an offer out of ringing; True for exactly one act."""
        return await self.step(steps.SETTLE, (offer_id, state))

    async def count(self, step: DayStep) -> None:
        """Add to an agent's figures of the day."""
        await self.step(steps.COUNT, step)

    async def talk_ended(
        self, interaction: Interaction, now: datetime, *, idle: bool = True
    ) -> None:
        """Its agent has no more to do with it than perhaps the wrap-up (``idle`` false)."""
        since = interaction.accepted_at
        talk_s = max(0.0, (now - since).total_seconds()) if since else 0.0
        step = step_at(interaction.agent_id or "", now, self.zone)
        await self.count(replace(step, talk_s=talk_s, handling_s=talk_s, idle=idle))

    async def add(
        self, interaction: Interaction, external_id: str | None, *facts: Fact
    ) -> Interaction:
        """Store a new one together with the facts."""
        self.facts.extend(marked(interaction, facts))
        await self.step(steps.ADD, (interaction, external_id))
        return interaction

    async def save(self, interaction: Interaction, *facts: Fact) -> Interaction:
        """Write it (compare and set on its version) together with the facts."""
        self.facts.extend(marked(interaction, facts))
        saved = await self.step(steps.SAVE, interaction)
        return await follow(self, saved, facts) if concerned(saved) else saved


class Acts:
    """The transaction of an act and the moves that several acts share."""

    def __init__(self, store: Store, company: Company, clock: Clock, relay: Relay) -> None:
        self._store = store
        self._company = company
        self._clock = clock
        self._relay = relay
        self._together = Together(store, self._hand, relay.push)

    async def run(self, body: Callable[[Act], Awaitable[T]], key: str) -> T:
        """Run an act in a transaction that it may share with others (``together``).

        Acts with the same ``key`` are serial. ``body`` may run more than once.
        """
        return await self._together.run(body, key)

    @asynccontextmanager
    async def act(self) -> AsyncIterator[Act]:
        """A transaction of its own; its facts are logged with it and published after it."""
        async with self._store.transaction() as tx:
            act = self._hand(tx)
            yield act
            await tx.log.append(act.facts)
        self._relay.push(act.facts)

    async def ring(self, ringing: Ringing) -> set[str]:
        """A transaction of its own that begins offers; the interactions that ring now."""
        won = await self._store.ring(ringing)
        self._relay.push([fact for fact in ringing.facts if fact.interaction_id in won])
        return won

    def _hand(self, tx: Transaction, shared: Steps | None = None) -> Act:
        act = Act(tx, shared)
        act.zone = self._zone()
        return act

    def _zone(self) -> str:
        queue = self._company.queues.get(self._company.default_queue)
        return queue.hours.timezone if queue else Act.zone

    async def begin(
        self, act: Act, arrival: Arrival, customer: Customer, thread: Sequence[str]
    ) -> Interaction:
        """Store a new interaction and give it to its first handler: a bot, else a queue."""
        arrival = private_arrival(arrival, self._company.redaction)
        interaction, arrived = await reception.begin(
            act, arrival, customer, thread, self._clock.now()
        )
        act.facts.append(arrived)
        has_bot = arrival.direction is Direction.OUTBOUND or arrival.channel in self._company.entry
        now = self._clock.now()
        spared = has_bot and await why_no_bot(act, self._company, arrival, customer, now)
        if has_bot and not spared and not arrival.meta.get("auto"):
            moved = replace(interaction, state=move(interaction.state, "start-bot"))
            return await act.add(moved, arrival.external_id, self.bot_started(moved))
        packet = Handoff(reason=spared or "no bot on this channel", summary=arrival.subject)
        plan = HandoffPlan(self._company.default_queue, packet)
        moved, facts = await self._joining(act, interaction, plan, customer=customer)
        return await act.add(moved, arrival.external_id, *facts)

    def bot_started(self, interaction: Interaction) -> BotStarted:
        """The fact that a bot is its handler now."""
        flow = str(interaction.meta.get("flow", "")) or self._company.entry.get(
            interaction.channel, ""
        )
        return BotStarted(
            at=self._clock.now(),
            interaction_id=interaction.id,
            channel=interaction.channel,
            flow=flow,
        )

    async def add_line(
        self, act: Act, interaction: Interaction, message: NewMessage
    ) -> Message | None:
        """Append to the transcript; None when its ``external_id`` is already there.

        What must not be kept is taken out first (``router.acts.privacy``).
        """
        (line,) = await self.add_lines(act, interaction, [message])
        return line

    async def add_lines(
        self, act: Act, interaction: Interaction, new: Sequence[NewMessage]
    ) -> list[Message | None]:
        """Each as ``add_line``; of a customer's, one at a time."""
        if not new:
            return []
        policy, clean, changed = self._company.redaction, [], []
        for message in new:
            line, earlier = await private_line(act.tx, interaction.id, message, policy)
            clean.append(line)
            changed += earlier
        lines = await act.tx.interactions.add_messages(interaction.id, clean, self._clock.now())
        if changed and any(lines):
            await reword(act.tx, changed)
            memory = forgotten(interaction.bot_state, changed)
            if memory != interaction.bot_state:
                await act.save(replace(interaction, bot_state=memory))
        act.facts += [_added(interaction, line) for line in lines if line is not None]
        return lines

    async def queue(
        self, act: Act, interaction: Interaction, plan: HandoffPlan, from_agent: str = ""
    ) -> Interaction:
        """Let it wait in the plan's queue (``router.acts.place``)."""
        if interaction.state is InteractionState.AGENT:
            await act.talk_ended(interaction, self._clock.now())
        moved, facts = await self._joining(act, interaction, plan, from_agent)
        return await act.save(moved, *facts)

    async def _joining(
        self,
        act: Act,
        interaction: Interaction,
        plan: HandoffPlan,
        from_agent: str = "",
        customer: Customer | None = None,
    ) -> tuple[Interaction, list[Fact]]:
        """The interaction as it joins the plan's queue, and the facts of that."""
        now = self._clock.now()
        kept = not from_agent and Nobody.of(interaction) is not None
        queue, also = queues_to_join(self._company, (plan.queue, *plan.also), now)
        skills, waived = asked_skills(self._company, (queue, *also), plan.skills)
        moved = replace(
            interaction,
            queue=queue.id,
            skills=skills,
            head_start_s=queue.base_s + plan.head_start_s,
            joined_at=interaction.joined_at if kept else now,
            handoff=plan.packet,
            agent_id=None,
            also_queues=tuple(each.id for each in also),
        )
        moved = await entitled(act, Joining(moved, queue, from_agent, now, customer))
        if plan.agent:
            moved = await prefer_named(act.tx, moved, _agent_of(self._company, plan.agent), now)
        moved = await prefer_last(act.tx, moved, now)
        moved = replace(moved, state=move(interaction.state, "queue"))
        about: dict[str, Any] = {"at": now, "interaction_id": moved.id, "queue": queue.id}
        facts: list[Fact] = []
        if not from_agent:
            facts.append(HandoffRequested(**about, reason=plan.packet.reason))
        facts.append(
            InteractionQueued(
                **about, channel=moved.channel, from_agent_id=from_agent, waived=waived
            )
        )
        return at_joining(moved, self._company, now, plan.rules), facts

    async def close(
        self, act: Act, interaction: Interaction, by: EndedBy, reason: str
    ) -> Interaction:
        """Out of every state to its end, or to wrap-up after an agent."""
        now = self._clock.now()
        was = interaction.state
        if was is InteractionState.OFFERED:
            await self.withdraw_offer(act, interaction, reason)
        waited = None
        if was in WAITING_STATES:
            waited = (now - (interaction.joined_at or interaction.created_at)).total_seconds()
        handled_by = interaction.agent_id if was is InteractionState.AGENT else None
        ended = InteractionEnded(
            at=now,
            interaction_id=interaction.id,
            channel=interaction.channel,
            ended_by=by,
            reason=reason,
            was=was,
            queue=interaction.queue or "",
            agent_id=handled_by or "",
            waited_s=waited,
        )
        moved = replace(
            interaction, ended_by=by, end_reason=reason, left_at=now, agent_id=handled_by, home=""
        )
        wrap_up = self._company.queue(moved.queue).wrap_up if moved.queue else None
        internal = interaction.parent_id is not None
        if handled_by and wrap_up and wrap_up.mode != "none" and not internal:
            until = now + timedelta(seconds=wrap_up.limit_s) if wrap_up.mode in TIMED else None
            moved = replace(moved, state=move(was, "leave"), wrap_up_until=until)
        else:
            moved = replace(moved, state=move(was, "end"), ended_at=now)
        if handled_by:
            await act.talk_ended(interaction, now, idle=moved.state is InteractionState.ENDED)
        ended = replace(ended, wraps_up=moved.state is InteractionState.WRAP_UP)
        return await act.save(moved, ended)

    async def withdraw_offer(self, act: Act, interaction: Interaction, reason: str) -> None:
        """Stop ringing everywhere: the interaction left on its own."""
        await self.withdraw_others(act, interaction, reason)

    async def withdraw_others(
        self, act: Act, interaction: Interaction, reason: str, but: str = ""
    ) -> None:
        """Stop ringing, save for the offer ``but``."""
        for offer in await act.ringing(interaction):
            if offer.id != but and await act.settle(offer.id, OfferState.WITHDRAWN):
                act.facts.append(OfferWithdrawn(**self._about(offer), reason=reason))

    async def give_back(
        self, offer_id: str, act_name: str, agent_id: str | None, reason: str = ""
    ) -> Interaction:
        """Settle an offer that was not accepted; the interaction returns to its place.

        While it still rings at others it stays with them. Raises ``OfferGone`` when the
        offer does not ring any more.
        """
        settled = settle(OfferState.RINGING, act_name)

        async def body(act: Act) -> Interaction:
            offer = await ringing_offer(act, offer_id, agent_id)
            interaction = await act.take(offer.interaction_id)
            if not await act.settle(offer_id, settled):
                raise OfferGone
            fact: Fact
            if settled is OfferState.REJECTED:
                fact = OfferRejected(**self._about(offer))
            elif settled is OfferState.EXPIRED:
                fact = OfferExpired(**self._about(offer))
            else:
                fact = OfferWithdrawn(**self._about(offer), reason=reason)
            alone = interaction.offer_id == offer_id
            if settled is OfferState.EXPIRED and alone:
                await self.change_presence(act, offer.agent_id, Presence.AWAY, NO_ANSWER)
            if not alone and await act.ringing(interaction):
                act.facts.append(fact)
                return interaction
            moved = replace(
                interaction, state=move(interaction.state, "return"), agent_id=None, offer_id=None
            )
            return await act.save(moved, fact)

        return await self.run(body, offer_id)

    def _about(self, offer: Offer) -> dict[str, Any]:
        """What every fact about an offer says."""
        return {
            "at": self._clock.now(),
            "interaction_id": offer.interaction_id,
            "offer_id": offer.id,
            "agent_id": offer.agent_id,
            "queue": offer.queue,
        }

    def day_step(self, agent_id: str) -> DayStep:
        """An empty step of the agent's day, now (``router.workday``)."""
        return step_at(agent_id, self._clock.now(), self._zone())

    async def mine(self, tx: Transaction, interaction_id: str, agent_id: str) -> Interaction:
        """The interaction when the agent handles or wraps it up, else ``IllegalMove``."""
        return check_mine(await tx.interactions.take(interaction_id), agent_id)

    async def note_hold(
        self, interaction_id: str, agent_id: str, kind: type[HoldStarted] | type[HoldEnded]
    ) -> None:
        """Log that hold began or ended."""

        async def body(act: Act) -> None:
            check_mine(await act.take(interaction_id), agent_id)
            act.facts.append(
                kind(at=self._clock.now(), interaction_id=interaction_id, agent_id=agent_id)
            )

        await self.run(body, interaction_id)

    async def change_presence(
        self, act: Act, agent_id: str, presence: Presence, reason: str
    ) -> None:
        """Set the agent's presence; the same again only counts as a sign of life."""
        now = self._clock.now()
        agent = await act.step(steps.AGENT, agent_id)
        if agent.presence is presence and agent.presence_reason == reason:
            await act.tx.people.agent_seen(agent_id, now)
            return
        if agent.presence is Presence.AVAILABLE:
            # The idle time so far is counted before the presence hides it.
            await act.count(replace(self.day_step(agent_id), busy=True))
        await act.tx.people.set_presence(agent_id, presence, reason, now)
        act.facts.append(
            PresenceChanged(
                at=now,
                agent_id=agent_id,
                presence=presence,
                was=agent.presence,
                reason=reason,
            )
        )

    async def touch_idle(self, tx: Transaction, agent_id: str) -> None:
        """The agent's last piece of work ended now."""
        await tx.people.count([replace(self.day_step(agent_id), idle=True)])


def _added(interaction: Interaction, line: Message) -> MessageAdded:
    return MessageAdded(
        at=line.at,
        interaction_id=interaction.id,
        message_id=line.id,
        seq=line.seq,
        channel=interaction.channel,
        author=line.author,
        text=line.text,
        state=interaction.state,
        author_id=line.author_id,
    )


def check_mine(interaction: Interaction, agent_id: str) -> Interaction:
    """The interaction when the agent handles or wraps it up, else ``IllegalMove``."""
    if interaction.agent_id != agent_id or interaction.state not in HANDLING:
        raise IllegalMove(f"interaction {interaction.id} is not with agent {agent_id!r}")
    return interaction


async def ringing_offer(act: Act, offer_id: str, agent_id: str | None) -> Offer:
    """The offer while it rings (at that agent), else ``OfferGone``."""
    offer = await act.offer(offer_id)
    if agent_id is not None and offer.agent_id != agent_id:
        raise OfferGone("this offer rings at somebody else")
    if offer.state is not OfferState.RINGING:
        raise OfferGone
    return offer


def _agent_of(company: Company, login: str) -> str:
    """The id of the agent who signs in so; empty when there is none."""
    agents = (person.agent for person in company.people if person.login == login)
    return next((agent.id for agent in agents if agent is not None), "")
