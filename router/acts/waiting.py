"""What happens to those who wait, besides being offered: overflow, voicemail, callbacks due.

The dispatcher keeps one timer for each by ``next_check`` and calls ``due`` when it fires, and
when it sees that a rule without a time (``watched``) applies; whoever joined a queue with rules
for joining is due at once, before it is offered.

1. The rules of ``router.acts.overflow`` decide; each step is one transaction and one fact that
   says why, so that a repeated or late timer does no harm.
2. To a queue: it waits there too and keeps its place. To a number: the process that owns
   the call dials, and only an answer ends the waiting. To voicemail: nobody is offered it
   while the caller speaks. To e-mail: a mail for the queue goes on in its stead.
3. A voicemail becomes written work for the queue, at the pace of mail: an agent hears it
   first and then writes, or calls back.
4. A transfer or question to one agent who stays busy ends when its time is over.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from router.acts import talks
from router.acts.act import Act, Acts, HandoffPlan
from router.acts.callbacks import Callbacks
from router.acts.following import give_back_to_sender
from router.acts.nobody import Nobody
from router.acts.overflow import (
    Situation,
    Stay,
    closed_action,
    first_due,
    key_of,
    next_check,
    possible,
    watched,
)
from router.acts.parties import TransferOutcome
from router.acts.sent import SentWork
from router.company import Company, Queue
from router.errors import CallbackExists, CallbackRefused, Conflict, IllegalMove
from router.events import (
    InteractionArrived,
    InteractionOverflowed,
    InteractionTransferred,
    VoicemailLeft,
)
from router.machines import move
from router.model import (
    Author,
    Channel,
    Customer,
    Direction,
    EndedBy,
    Handoff,
    IdentityKind,
    Interaction,
    InteractionState,
    NewMessage,
    new_id,
)
from router.ports import Clock, Room, Store, Transaction
from router.presence import counts_as_there
from router.relay import Relay
from router.rules import Overflow, Way, When

__all__ = ["Room", "Waiting", "closed_action", "next_check"]

STAFF_KEPT_S = 5.0
"""So long a look at who is signed in is believed."""
VOICEMAIL = "voicemail"
"""In ``meta``: of a call, that it is being recorded for a queue; of an item, the recording."""
OVER = (InteractionState.ENDED, InteractionState.WRAP_UP)


class Waiting:
    """Carries out what is due for those who wait.

    ``room`` is set by whoever knows the places; without one a place is counted in the
    store, and rules about the estimate do not apply.
    """

    def __init__(self, store: Store, company: Company, clock: Clock, relay: Relay) -> None:
        self._store = store
        self._company = company
        self._clock = clock
        self._acts = Acts(store, company, clock, relay)
        self._callbacks = Callbacks(store, company, clock, relay)
        self._staffed: dict[str, bool] = {}
        self._staffed_at: datetime | None = None
        self.room: Room | None = None

    def next_check(self, interaction: Interaction, queue: Queue, now: datetime) -> datetime | None:
        """When to call ``due`` (``router.acts.overflow.next_check``)."""
        return next_check(interaction, queue, now)

    def watched(self, interaction: Interaction, queue: Queue) -> Sequence[Overflow]:
        """What to call ``due`` for as soon as it applies (``router.acts.overflow.watched``)."""
        return watched(interaction, queue)

    async def due(self, interaction_id: str, now: datetime) -> None:
        """Do what is due. Does nothing when nothing is, or when somebody was faster."""
        try:
            async with self._acts.act() as act:
                interaction = await act.tx.interactions.get(interaction_id)
                if interaction.state is InteractionState.SCHEDULED:
                    if interaction.due_at is not None and interaction.due_at <= now:
                        await self._callbacks.join(act, interaction)
                elif interaction.state is InteractionState.WAITING:
                    await self._look(act, interaction, now)
        except (Conflict, IllegalMove):
            return  # it was offered, or left, at this very moment; its facts lead here again

    async def _look(self, act: Act, interaction: Interaction, now: datetime) -> None:
        if await self._preference_over(act, interaction, now):
            return
        stay = Stay.of(interaction)
        queue = self._company.queue(interaction.queue or self._company.default_queue)
        situation = await self._situation(act.tx, interaction, queue, now)
        found = None if interaction.parent_id else first_due(interaction, queue, situation)
        if found is None:
            if stay.joining:
                await act.save(replace(stay, joining=False).on(interaction))
            return
        rule, why = found
        taken = (*stay.taken, key_of(rule))
        # While it is joining the rules behind this one may apply to it, too: it is due again.
        await self._take(act, replace(stay, taken=taken).on(interaction), rule, why)

    async def _preference_over(self, act: Act, interaction: Interaction, now: datetime) -> bool:
        """Rule 4. The one who was to take it was busy all the time."""
        until = interaction.prefer_until
        if until is None or until > now:
            return False
        busy = TransferOutcome.BUSY
        if interaction.parent_id:
            await talks.fail_question(act, interaction, busy, now)
            return True
        sent = SentWork.of(interaction)
        if sent is None or sent.back:
            return False
        why = "busy all the time"
        back, failed = await give_back_to_sender(act.tx, interaction, sent, busy, now, why)
        await act.save(back, failed)
        return True

    # -- the rules ---------------------------------------------------------------------

    async def _situation(
        self, tx: Transaction, interaction: Interaction, queue: Queue, now: datetime
    ) -> Situation:
        stay = Stay.of(interaction)
        joining = stay.joining
        joined = interaction.joined_at or interaction.created_at
        whens = {rule.when for rule in (*stay.own, *queue.rules.overflow)}
        served = {queue.id, *(interaction.also_queues if stay.own else ())}
        limited = queue.rules.most_waiting is not None
        estimate = None
        if When.ESTIMATE in whens and self.room is not None:
            estimate = self.room.estimate_s(interaction.id, now.timestamp())
        return Situation(
            waited_s=(now - joined).total_seconds(),
            joining=joining,
            closed=joining and not queue.hours.open_at(now),
            ahead=await self._ahead(tx, interaction) if joining and limited else 0,
            staffed=When.UNSTAFFED not in whens or await self._is_staffed(tx, served, now),
            estimate_s=estimate,
        )

    async def _ahead(self, tx: Transaction, interaction: Interaction) -> int:
        """How many wait before it in its queue."""
        position = self.room.position(interaction.id) if self.room is not None else None
        if position is not None:
            return position - 1
        waiting = await tx.interactions.in_states([InteractionState.WAITING])
        mine = [one for one in waiting if one.queue == interaction.queue]
        return next(i for i, one in enumerate(mine) if one.id == interaction.id)

    async def _is_staffed(self, tx: Transaction, queues: set[str], now: datetime) -> bool:
        """Whether somebody of any of these is signed in."""
        fresh = timedelta(seconds=STAFF_KEPT_S)
        if self._staffed_at is None or abs(now - self._staffed_at) > fresh:
            there = [agent for agent in await tx.people.agents() if counts_as_there(agent)]
            self._staffed = {queue: True for agent in there for queue in agent.queues}
            self._staffed_at = now
        return any(self._staffed.get(queue_id, False) for queue_id in queues)

    async def _take(self, act: Act, interaction: Interaction, rule: Overflow, why: str) -> None:
        action = rule.action
        if not possible(action, interaction):
            await act.save(interaction)
            return
        fact = InteractionOverflowed(
            at=self._clock.now(),
            interaction_id=interaction.id,
            queue=interaction.queue or "",
            channel=interaction.channel,
            when=rule.when,
            way=action.way,
            target=action.target,
            say=action.say,
            why=why,
        )
        if action.way is Way.EMAIL:
            await self._to_email(act, interaction, fact, action.reach)
            return
        if action.way is Way.CALLBACK:
            await self._to_callback(act, interaction, fact, action.reach)
            return
        act.facts.append(fact)
        await self._say(act, interaction, action.say)
        match action.way:
            case Way.WAIT | Way.NUMBER:
                await act.save(interaction)
            case Way.QUEUE:
                self._company.queue(action.target)
                also = (*interaction.also_queues, action.target)
                await act.save(replace(interaction, also_queues=also))
            case Way.BOT:
                await self._to_bot(act, interaction, action.target, rule.when)
            case Way.VOICEMAIL:
                meta = {**interaction.meta, VOICEMAIL: {"queue": interaction.queue}}
                state = move(interaction.state, "start-bot")
                await act.save(replace(interaction, state=state, meta=meta))
            case Way.END:
                await self._acts.close(act, interaction, EndedBy.SYSTEM, why)

    async def _say(self, act: Act, interaction: Interaction, text: str) -> None:
        """Written customers read it; a caller hears it from the process with the line."""
        by_machine = bool(interaction.meta.get("auto"))  # two of them would write for ever
        if text and interaction.channel is not Channel.VOICE and not by_machine:
            line = NewMessage(Author.SYSTEM, text, meta={"send": True, "once": True})
            await self._acts.add_line(act, interaction, line)

    async def _to_bot(self, act: Act, interaction: Interaction, flow: str, why: When) -> None:
        """Its memory is left as it is: the flow goes on where it gave the customer away."""
        customer = await act.tx.people.customer(interaction.customer_id)
        meta = Nobody.found(interaction, customer, why).on(interaction)
        meta = {**meta, "flow": flow} if flow else meta
        memory = {} if flow else interaction.bot_state
        state = move(interaction.state, "start-bot")
        moved = replace(interaction, state=state, meta=meta, bot_state=memory)
        await act.save(moved, self._acts.bot_started(moved))

    async def _to_callback(
        self, act: Act, interaction: Interaction, fact: InteractionOverflowed, number: str
    ) -> None:
        saved, before = await act.save(interaction), len(act.facts)
        try:
            await self._callbacks.keep_place_of(act, saved, number)
        except (CallbackRefused, CallbackExists):
            return  # without a number to call it waits on
        # Before the promise: what is to be said comes before the line may go.
        act.facts.insert(before, fact)

    async def _to_email(
        self, act: Act, interaction: Interaction, fact: InteractionOverflowed, reach: str
    ) -> None:
        customer = await act.tx.people.customer(interaction.customer_id)
        address = reach or _mail_of(customer)
        if not address:
            await act.save(interaction)
            return
        lines = await act.tx.interactions.messages(interaction.id)
        said = "\n".join(line.text for line in lines if line.author is Author.CUSTOMER)
        await self._say(act, interaction, fact.say)
        packet = interaction.handoff or Handoff(reason="overflow", summary=fact.why)
        line = NewMessage(Author.CUSTOMER, said) if said else None
        item = await self._item(act, interaction, address, packet, line, ours=fact.target)
        act.facts.append(replace(fact, item_id=item.id))
        await self._acts.close(act, interaction, EndedBy.SYSTEM, f"{fact.why}: goes on as e-mail")

    # -- what the process with the line reports -----------------------------------------

    async def number_answered(self, interaction_id: str, address: str) -> None:
        """Somebody outside took the waiting call (``InteractionOverflowed`` to a number)."""
        async with self._acts.act() as act:
            interaction = await act.tx.interactions.get(interaction_id)
            if interaction.state in OVER:
                return
            act.facts.append(
                InteractionTransferred(
                    at=self._clock.now(),
                    interaction_id=interaction_id,
                    from_agent_id="",
                    way="outside",
                    target=address,
                    queue=interaction.queue or "",
                    outcome=TransferOutcome.ANSWERED,
                )
            )
            await self._acts.close(act, interaction, EndedBy.SYSTEM, f"went to {address}")

    async def voicemail_left(
        self, interaction_id: str, path: str, duration_s: float, text: str = ""
    ) -> Interaction:
        """A spoken message was recorded (``path`` relative to the data folder): rule 3.

        ``text`` is its transcript where there is one. The call ends, if it has not. The
        same call reported again gives the same item.
        """
        async with self._acts.act() as act:
            external_id = f"voicemail:{interaction_id}"
            known = await act.tx.interactions.by_external_id(Channel.EMAIL, external_id)
            if known is not None:
                return known
            call = await act.tx.interactions.get(interaction_id)
            queue = (call.meta.get(VOICEMAIL) or {}).get("queue") or call.queue
            call = replace(call, queue=queue)
            customer = await act.tx.people.customer(call.customer_id)
            recording = {"path": path, "duration_s": duration_s, "number": call.address}
            packet = _with_message(call.handoff, text)
            line = NewMessage(
                Author.CUSTOMER,
                text or f"Voice message of {duration_s:.0f} s",
                meta={VOICEMAIL: recording},
            )
            item = await self._item(
                act, call, _mail_of(customer) or call.address, packet, line, external_id=external_id
            )
            item = await act.save(replace(item, meta={**item.meta, VOICEMAIL: recording}))
            act.facts.append(
                VoicemailLeft(
                    at=self._clock.now(),
                    interaction_id=interaction_id,
                    queue=item.queue or "",
                    path=path,
                    duration_s=duration_s,
                    item_id=item.id,
                )
            )
            if call.state not in OVER:
                await self._acts.close(act, call, EndedBy.CUSTOMER, "left a voice message")
            return item

    async def _item(
        self,
        act: Act,
        source: Interaction,
        address: str,
        packet: Handoff,
        line: NewMessage | None,
        *,
        external_id: str | None = None,
        ours: str = "",
    ) -> Interaction:
        """Written work for the source's queue, in the same conversation.

        ``ours`` is the mail address of ours it belongs to, where the rule names one.
        """
        made = Interaction(
            id=new_id(),
            channel=Channel.EMAIL,
            direction=Direction.INBOUND,
            customer_id=source.customer_id,
            conversation_id=source.conversation_id,
            address=address,
            service_address=ours or source.service_address,
            state=InteractionState.NEW,
            created_at=self._clock.now(),
            language=source.language,
            subject=source.subject,
        )
        await act.tx.interactions.add(made, external_id)
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
        if line is not None:
            await self._acts.add_line(act, made, line)
        queue_id = source.queue or self._company.default_queue
        return await self._acts.queue(act, made, HandoffPlan(queue_id, packet, source.skills))


def _with_message(known: Handoff | None, text: str) -> Handoff:
    """The packet of a voice message: what the bot knew, where there was one, stays known."""
    packet = known or Handoff(reason="voicemail", summary="")
    summary = packet.summary or text or "A voice message."
    return replace(packet, reason="voicemail", summary=summary)


def _mail_of(customer: Customer) -> str:
    return next((each.value for each in customer.identities if each.kind is IdentityKind.EMAIL), "")
