"""Calling customers back: now in their place, or at a time they chose.

1. Who waits on the phone may hang up and keeps the place: the interaction goes on waiting
   without a line (``meta["call_back"]``, as after a crash), is offered like any other, and
   the agent's acceptance calls the customer.
2. A scheduled callback is ``scheduled`` until its time, which lies within the queue's hours;
   then it joins its queue with the boost for callbacks and its whole wait so far.
3. A customer has one open callback, not several.
4. When the customer does not answer, it is tried again as the queue's rules say.
5. Nobody who asked to be called counts as having given up.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from router.acts.act import Act, Acts, HandoffPlan
from router.acts.parties import TransferOutcome
from router.acts.transfers import whole_wait
from router.company import Company, Queue
from router.errors import CallbackExists, CallbackRefused, IllegalMove, OutsideHours
from router.events import (
    CallbackCancelled,
    CallbackFailed,
    CallbackRequested,
    CallbackScheduled,
    InteractionArrived,
)
from router.machines import move
from router.model import (
    Channel,
    Customer,
    Direction,
    EndedBy,
    Handoff,
    IdentityKind,
    Interaction,
    InteractionState,
    Presence,
    new_id,
)
from router.ports import Clock, Store, Transaction
from router.relay import Relay
from router.rules import Callback

CALL_BACK = "call_back"
"""In ``meta``: it waits without a line; the agent who accepts calls the customer."""
TRIED = "call_back_tried"
"""In ``meta``: how often the customer was called in vain."""
FOR_AGENT = "call_back_agent"
"""In ``meta``: the agent who is to make a scheduled call, if there then."""
AGENT_WAIT_S = 60
DEFAULT = Callback(offer_after_s=0)
OPEN = (InteractionState.SCHEDULED, InteractionState.WAITING, InteractionState.OFFERED)
RECENT = 50
"""So many of a customer's newest interactions are looked through for an open callback."""


class Callbacks:
    """The acts of calling back."""

    def __init__(self, store: Store, company: Company, clock: Clock, relay: Relay) -> None:
        self._store = store
        self._company = company
        self._clock = clock
        self._acts = Acts(store, company, clock, relay)

    async def keep_place(self, interaction_id: str, number: str = "") -> Interaction:
        """The waiting caller may hang up now. Asking again changes nothing.

        ``number`` (E.164) where it is not the one they call from. Raises ``IllegalMove``
        when it is no waiting call, ``CallbackRefused`` without a number, ``CallbackExists``.
        """
        async with self._acts.act() as act:
            interaction = await act.tx.interactions.get(interaction_id)
            return await self.keep_place_of(act, interaction, number)

    async def keep_place_of(
        self, act: Act, interaction: Interaction, number: str = ""
    ) -> Interaction:
        """As :meth:`keep_place`, as a part of another act."""
        waits = interaction.state in (InteractionState.WAITING, InteractionState.OFFERED)
        if interaction.channel is not Channel.VOICE or not waits or interaction.parent_id:
            raise IllegalMove("only somebody who waits on the phone can be called back")
        if interaction.meta.get(CALL_BACK):
            return interaction
        customer = await act.tx.people.customer(interaction.customer_id)
        await self._refuse_second(act.tx, customer)
        called = number or _number_of(customer, interaction)
        kept = replace(
            interaction,
            address=called,
            home="",
            meta={**interaction.meta, CALL_BACK: True, TRIED: 0},
        )
        asked = CallbackRequested(
            at=self._clock.now(),
            interaction_id=kept.id,
            queue=kept.queue or "",
            number=called,
        )
        return await act.save(kept, asked)

    async def schedule(
        self,
        about: Interaction | Customer,
        queue_id: str,
        due_at: datetime,
        number: str = "",
        agent_id: str | None = None,
        packet: Handoff | None = None,
    ) -> Interaction:
        """Call the customer at ``due_at``; a call that waits becomes that callback itself.

        Any other interaction stays as it is and gets a new one beside it in the same
        conversation. ``agent_id`` is asked first when the time comes, and gets ``packet``,
        where a bot made the promise. Raises
        ``OutsideHours`` naming the next opening, ``CallbackExists``, ``CallbackRefused``.
        """
        queue = self._company.queue(queue_id)
        self._check_time(queue, due_at)
        async with self._acts.act() as act:
            if isinstance(about, Customer):
                customer, source = about, None
            else:
                source = await act.tx.interactions.get(about.id)
                customer = await act.tx.people.customer(source.customer_id)
            await act.tx.interactions.lock(f"callback:{customer.id}")
            await self._refuse_second(act.tx, customer, but=source.id if source else "")
            called = number or _number_of(customer, source)
            waits = source is not None and source.state is InteractionState.WAITING
            if source is not None and waits and source.channel is Channel.VOICE:
                planned = source
            else:
                planned = await self._begin(act, customer, source, called)
            meta = {**planned.meta, CALL_BACK: True, TRIED: 0, FOR_AGENT: agent_id}
            planned = replace(planned, queue=queue.id, address=called, meta=meta)
            planned = planned if packet is None else replace(planned, handoff=packet)
            return await self._plan(act, planned, due_at, attempt=1)

    async def cancel(self, interaction_id: str, by: EndedBy) -> Interaction:
        """The customer need not be called. Raises ``IllegalMove`` when it is no open callback."""
        async with self._acts.act() as act:
            interaction = await act.tx.interactions.get(interaction_id)
            if interaction.state not in OPEN or not interaction.meta.get(CALL_BACK):
                raise IllegalMove("this is no open callback")
            cancelled = CallbackCancelled(
                at=self._clock.now(),
                interaction_id=interaction_id,
                queue=interaction.queue or "",
                by=by,
            )
            act.facts.append(cancelled)
            return await self._acts.close(act, interaction, by, "the callback was cancelled")

    async def failed(
        self, interaction_id: str, agent_id: str, outcome: TransferOutcome, detail: str = ""
    ) -> Interaction:
        """The customer did not answer the agent's call: try later, or give it up (rule 4).

        Raises ``IllegalMove`` when it is not the agent's (any more).
        """
        now = self._clock.now()
        async with self._acts.act() as act:
            interaction = await self._acts.mine(act.tx, interaction_id, agent_id)
            queue = self._company.queue(interaction.queue or self._company.default_queue)
            rules = queue.rules.callback or DEFAULT
            tried = int(interaction.meta.get(TRIED, 0)) + 1
            again = queue.hours.next_opening(now + timedelta(seconds=rules.retry_after_s))
            retry_at = again if tried < rules.attempts else None
            act.facts.append(
                CallbackFailed(
                    at=now,
                    interaction_id=interaction_id,
                    queue=queue.id,
                    agent_id=agent_id,
                    attempt=tried,
                    outcome=outcome,
                    retry_at=retry_at,
                    detail=detail,
                )
            )
            meta = {**interaction.meta, CALL_BACK: True, TRIED: tried}
            interaction = replace(interaction, meta=meta)
            if retry_at is None:
                reason = f"the customer did not answer {tried} calls"
                return await self._acts.close(act, interaction, EndedBy.SYSTEM, reason)
            await self._acts.touch_idle(act.tx, agent_id)
            return await self._plan(act, interaction, retry_at, attempt=tried + 1)

    async def join(self, act: Act, interaction: Interaction) -> Interaction:
        """Its time has come: it waits in its queue, or for the next opening (rule 2)."""
        now = self._clock.now()
        queue = self._company.queue(interaction.queue or self._company.default_queue)
        opens = queue.hours.next_opening(now)
        if opens is not None and opens > now:
            attempt = int(interaction.meta.get(TRIED, 0)) + 1
            return await self._plan(act, interaction, opens, attempt)
        waited = await whole_wait(act.tx, interaction.id)
        packet = interaction.handoff or Handoff(reason="callback", summary=interaction.subject)
        boost = queue.rules.boosts.callback_s
        plan = HandoffPlan(queue.id, packet, interaction.skills, waited + boost)
        waiting = await self._acts.queue(act, replace(interaction, due_at=None), plan)
        agent_id = interaction.meta.get(FOR_AGENT)
        there = await act.tx.people.agents_among([agent_id]) if agent_id else {}
        if not agent_id or agent_id not in there:
            return waiting  # nobody's, or of one who has left the company since
        if there[agent_id].presence is not Presence.AVAILABLE:
            return waiting
        until = now + timedelta(seconds=AGENT_WAIT_S)
        return await act.save(replace(waiting, prefer_agent=agent_id, prefer_until=until))

    async def _plan(
        self, act: Act, interaction: Interaction, due_at: datetime, attempt: int
    ) -> Interaction:
        state = interaction.state
        if state is not InteractionState.SCHEDULED:
            state = move(state, "schedule")
        planned = replace(interaction, state=state, due_at=due_at, agent_id=None, home="")
        scheduled = CallbackScheduled(
            at=self._clock.now(),
            interaction_id=planned.id,
            queue=planned.queue or "",
            number=planned.address,
            due_at=due_at,
            attempt=attempt,
        )
        return await act.save(planned, scheduled)

    async def _begin(
        self, act: Act, customer: Customer, source: Interaction | None, number: str
    ) -> Interaction:
        """A new call of ours, in the conversation of its source."""
        made = Interaction(
            id=new_id(),
            channel=Channel.VOICE,
            direction=Direction.OUTBOUND,
            customer_id=customer.id,
            conversation_id=source.conversation_id if source else new_id(),
            address=number,
            service_address=source.service_address if source else "",
            state=InteractionState.NEW,
            created_at=self._clock.now(),
            language=source.language if source else customer.language,
            subject=source.subject if source else "",
            skills=dict(source.skills) if source else {},
            handoff=source.handoff if source else None,
        )
        await act.tx.interactions.add(made)
        act.facts.append(
            InteractionArrived(
                at=made.created_at,
                interaction_id=made.id,
                channel=made.channel,
                direction=made.direction,
                customer_id=made.customer_id,
                conversation_id=made.conversation_id,
                address=made.address,
            )
        )
        return made

    def _check_time(self, queue: Queue, due_at: datetime) -> None:
        now = self._clock.now()
        if due_at <= now:
            raise CallbackRefused(f"{due_at.isoformat()} is over; choose a time to come")
        if queue.hours.open_at(due_at):
            return
        opens = queue.hours.next_opening(due_at)
        then = f"it opens next at {opens.isoformat()}" if opens else "it does not open again"
        raise OutsideHours(f"{queue.name} is closed at {due_at.isoformat()}; {then}")

    async def _refuse_second(self, tx: Transaction, customer: Customer, but: str = "") -> None:
        """Rule 3."""
        for one in await tx.interactions.for_customer(customer.id, RECENT):
            if one.id != but and one.state in OPEN and one.meta.get(CALL_BACK):
                when = f"at {one.due_at.isoformat()}" if one.due_at else "when it is their turn"
                raise CallbackExists(f"this customer will be called {when} already")


def awaits_our_call(interaction: Interaction) -> bool:
    """Whether the customer may be off the line without having left (rule 1)."""
    called = bool(interaction.meta.get(CALL_BACK)) and not interaction.home
    return called and interaction.state in OPEN


def _number_of(customer: Customer, source: Interaction | None) -> str:
    """Where to call: the number they called from, else one we know of them."""
    numbers = [each.value for each in customer.identities if each.kind is IdentityKind.PHONE]
    if source is not None and source.address in numbers:
        return source.address
    if not numbers:
        raise CallbackRefused("no number of this customer is known; ask for one")
    return numbers[0]
