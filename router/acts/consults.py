"""Asking a third one, joining all, and supervisors who join: the acts over ``router.acts.parties``.

1. An agent or a queue is asked by an internal interaction that the distributor offers like
   any other, so that capacity, presence and skills hold for it too. About a call it is a
   call in the same process; about written work it is an internal chat.
2. An agent who is asked by name must be available, and is asked alone: no answer, a
   rejection or the end of the time ends the question with that outcome.
3. Somebody outside is dialled by the process that owns the call.
4. The machine in ``router.acts.parties`` decides; media and desks follow ``TalkArranged``.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta

from router.acts import talks
from router.acts.act import Act, Acts, HandoffPlan
from router.acts.parties import (
    Arrangement,
    Change,
    JoinMode,
    Party,
    PartyRole,
    PartyState,
    Step,
    Talk,
    TransferOutcome,
    after,
    supervised,
)
from router.acts.talks import PARTIES, Ending
from router.acts.transfers import (
    TRANSFERRED,
    ToAgent,
    ToNumber,
    ToQueue,
    briefed,
    dial,
    must_be_there,
    queue_for,
)
from router.commands import DialParty, DropParty
from router.company import Company
from router.errors import CannotTransfer, IllegalMove, IllegalStep, ParleyError
from router.events import InteractionArrived, InteractionTransferred
from router.model import (
    Author,
    Channel,
    Direction,
    EndedBy,
    Interaction,
    InteractionState,
    Message,
    NewMessage,
    new_id,
)
from router.ports import Bus, Clock, Store
from router.relay import Relay

CONSULTATION = "consultation"
ASKED = "asked"
"""In ``meta`` of an internal interaction: the agent who alone is asked."""
ASKED_BY = "asked_by"
"""In ``meta`` of an internal interaction: the agent who asks, to whom it is never offered."""

Asked = ToAgent | ToQueue | ToNumber


class Consults:
    """Consultation, conference and supervision of what agents handle.

    Every act raises ``IllegalMove`` when the interaction is not the agent's, ``IllegalStep``
    when the talk is not in a state for it, and ``Conflict`` when somebody was faster.
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

    async def talk(self, interaction_id: str) -> Talk:
        """Who takes part in what an agent handles; nobody when nobody handles it."""
        async with self._store.transaction() as tx:
            interaction = await tx.interactions.get(interaction_id)
            if interaction.state is not InteractionState.AGENT:
                return Talk(interaction_id, ())
            return await talks.load(tx, interaction, self._clock.now())

    # -- the handler asks ------------------------------------------------------------

    async def consult(
        self, interaction_id: str, agent_id: str, target: Asked, question: str = ""
    ) -> Talk:
        """Put the customer on hold and ask somebody.

        Returns at once for an agent or a queue (``ConsultAnswered`` or ``ConsultEnded``
        follows), and when dialling has ended for a number. Raises ``CannotTransfer`` when
        the agent is not available, the queue is closed, or only a call can do that.
        """
        now = self._clock.now()
        async with self._acts.act() as act:
            parent, talk = await self._mine(act, interaction_id, agent_id)
            if talk.arrangement not in (Arrangement.TALKING, Arrangement.HELD):
                raise IllegalStep(f"a talk that is {talk.arrangement} cannot {Step.CONSULT}")
            parent = await self._with_parties(act, parent)
            third = await self._third(act, parent, target, question)
            await talks.store(act, talk)
            change = after(talk, Step.CONSULT, now)
            asking = replace(change.talk, parties=(*change.talk.parties, third))
            act.facts.append(talks.started(third, agent_id, *_way(target), now))
            await talks.keep(act, talk, replace(change, talk=asking), now)
        if isinstance(target, ToNumber):
            return await self._dial(parent, third, target)
        return asking

    async def cancel(self, interaction_id: str, agent_id: str) -> Talk:
        """The handler ends the question, answered or not, and talks to the customer again."""
        async with self._acts.act() as act:
            parent, talk = await self._mine(act, interaction_id, agent_id)
            third = _third_of(talk)
            outcome = TransferOutcome.ANSWERED
            if third.state is PartyState.ASKED:
                outcome = TransferOutcome.CANCELLED
            await self._end_question_of(act, third, "the handler ended the question")
            ending = Ending(outcome, "the handler ended it")
            kept = await talks.close_question(act, talk, Step.CANCEL, ending, self._clock.now())
        await self._drop_leg(parent, third)
        return kept

    async def swap(self, interaction_id: str, agent_id: str) -> Talk:
        """From the third one to the customer, and back."""
        return await self._step(interaction_id, agent_id, Step.SWAP)

    async def conference(self, interaction_id: str, agent_id: str) -> Talk:
        """All three talk."""
        return await self._step(interaction_id, agent_id, Step.CONFERENCE)

    async def hold(self, interaction_id: str, agent_id: str) -> Talk:
        """The customer on hold, while a supervisor is in it or nobody."""
        return await self._step(interaction_id, agent_id, Step.HOLD)

    async def resume(self, interaction_id: str, agent_id: str) -> Talk:
        """The customer off hold."""
        return await self._step(interaction_id, agent_id, Step.RESUME)

    async def complete(self, interaction_id: str, agent_id: str, note: str = "") -> Interaction:
        """The handler leaves, the third one goes on with the customer (warm transfer).

        An agent becomes the handler, with the packet and ``note``; with somebody outside
        the two go on without us and our part ends.
        """
        now = self._clock.now()
        async with self._acts.act() as act:
            parent, talk = await self._mine(act, interaction_id, agent_id)
            third = _third_of(talk)
            step = Step.COMPLETE if third.agent_id else Step.RELEASE
            change = after(talk, step, now, successor=third.id)
            return await self._hand_over(act, parent, talk, change, third, note)

    async def leave(self, interaction_id: str, agent_id: str) -> None:
        """Leave a talk in which more than two are: the rest goes on.

        The handler leaves as in :meth:`complete`; a third one or a supervisor just leaves.
        Raises ``IllegalStep`` for who is not in it.
        """
        async with self._acts.act() as act:
            parent, talk = await self._any(act, interaction_id)
            if parent.agent_id != agent_id:
                await self._other_leaves(act, talk, agent_id)
                return
        await self.complete(interaction_id, agent_id)

    # -- supervisors -----------------------------------------------------------------

    async def supervise(self, interaction_id: str, supervisor_id: str, mode: JoinMode) -> Talk:
        """Listen, whisper or step in; the same act changes the mode.

        Who may supervise is checked by the caller (roles are the gateway's).
        """
        now = self._clock.now()
        async with self._acts.act() as act:
            parent, talk = await self._any(act, interaction_id)
            if parent.agent_id == supervisor_id:
                raise IllegalStep("who handles it cannot supervise it")
            await self._with_parties(act, parent)
            await talks.store(act, talk)
            change = supervised(talk, supervisor_id, mode, now, party_id=new_id())
            return await talks.keep(act, talk, change, now)

    async def stop_supervising(self, interaction_id: str, supervisor_id: str) -> Talk:
        """The supervisor leaves."""
        async with self._acts.act() as act:
            _, talk = await self._any(act, interaction_id)
            change = supervised(talk, supervisor_id, None, self._clock.now())
            kept = await talks.keep(act, talk, change, self._clock.now())
            await talks.forget_if_two(act, kept)
            return kept

    async def take_over(
        self, interaction_id: str, supervisor_id: str, note: str = ""
    ) -> Interaction:
        """The supervisor becomes the handler. Raises ``NoSuchAgent`` when not an agent too."""
        now = self._clock.now()
        async with self._acts.act() as act:
            parent, talk = await self._any(act, interaction_id)
            await act.tx.people.agent(supervisor_id)
            await talks.store(act, talk)
            joined = talk
            if talk.supervisor(supervisor_id) is None:
                barge = supervised(talk, supervisor_id, JoinMode.BARGE, now, party_id=new_id())
                joined = barge.talk
            taker = joined.supervisor(supervisor_id)
            assert taker is not None
            change = after(joined, Step.TAKE_OVER, now, successor=taker.id)
            return await self._hand_over(act, parent, talk, change, taker, note)

    # -- words -----------------------------------------------------------------------

    async def say(
        self, interaction_id: str, agent_id: str, text: str, external_id: str | None = None
    ) -> Message | None:
        """A line of somebody who takes part beside the handler.

        ``interaction_id`` is an internal one (who asked and who was asked may write), or a
        customer's in which this agent takes part as third one or has stepped in.
        None when sent before. Raises ``IllegalStep`` for anybody else.
        """
        async with self._acts.act() as act:
            interaction = await act.tx.interactions.get(interaction_id)
            if not await self._may_say(act, interaction, agent_id):
                raise IllegalStep("this agent does not take part in this talk")
            line = NewMessage(Author.AGENT, text, author_id=agent_id, external_id=external_id)
            return await self._acts.add_line(act, interaction, line)

    async def _may_say(self, act: Act, interaction: Interaction, agent_id: str) -> bool:
        if interaction.parent_id:
            between = (interaction.agent_id, interaction.meta.get(ASKED_BY))
            return agent_id in between and interaction.state is not InteractionState.ENDED
        here = await act.tx.parties.of(interaction.id)
        return any(
            party.agent_id == agent_id
            and (party.state is PartyState.CONFERENCE or party.mode is JoinMode.BARGE)
            for party in here
        )

    # -- parts -----------------------------------------------------------------------

    async def _mine(self, act: Act, interaction_id: str, agent_id: str) -> tuple[Interaction, Talk]:
        """What the agent handles now (wrap-up is too late), with its talk."""
        parent, talk = await self._any(act, interaction_id)
        if parent.agent_id != agent_id:
            raise IllegalMove(f"interaction {interaction_id} is not with agent {agent_id!r}")
        return parent, talk

    async def _any(self, act: Act, interaction_id: str) -> tuple[Interaction, Talk]:
        # Steps of one talk are serial: the lock is taken before any row is touched.
        await act.tx.interactions.lock(f"talk:{interaction_id}")
        parent = await act.tx.interactions.get(interaction_id)
        if parent.state is not InteractionState.AGENT or parent.parent_id:
            raise IllegalMove(f"no agent is talking to the customer of {interaction_id}")
        return parent, await talks.load(act.tx, parent, self._clock.now())

    async def _step(self, interaction_id: str, agent_id: str, step: Step) -> Talk:
        now = self._clock.now()
        async with self._acts.act() as act:
            _, talk = await self._mine(act, interaction_id, agent_id)
            change = after(talk, step, now)
            if await act.tx.parties.of(interaction_id):
                return await talks.keep(act, talk, change, now)
            act.facts += talks.facts_of(change, talk, agent_id, now)
            return change.talk

    async def _with_parties(self, act: Act, parent: Interaction) -> Interaction:
        """Let whoever ends or moves the interaction know that parties are to be told."""
        if PARTIES in parent.meta:
            return parent
        return await act.save(replace(parent, meta={**parent.meta, PARTIES: True}))

    async def _hand_over(
        self,
        act: Act,
        parent: Interaction,
        talk: Talk,
        change: Change,
        successor: Party,
        note: str,
    ) -> Interaction:
        """The successor goes on with the customer; the handler is out of it."""
        now, sender = self._clock.now(), parent.agent_id or ""
        gone = InteractionTransferred(
            at=now,
            interaction_id=parent.id,
            from_agent_id=sender,
            way=_way_of(successor),
            target=successor.agent_id or successor.address,
            queue=parent.queue or "",
            to_agent_id=successor.agent_id,
            outcome=TransferOutcome.ANSWERED,
            note=note,
        )
        if successor.agent_id:
            packet = briefed(parent.handoff, TRANSFERRED, note)
            moved = replace(parent, agent_id=successor.agent_id, accepted_at=now, handoff=packet)
            await act.talk_ended(parent, now)
            saved = await act.save(moved, gone)
        else:
            act.facts.append(gone)
            meta = {name: value for name, value in parent.meta.items() if name != PARTIES}
            reason = f"went on with {successor.address}"
            saved = await self._acts.close(act, replace(parent, meta=meta), EndedBy.AGENT, reason)
        await self._end_question_in(act, talk, sender)
        kept = await talks.keep(act, talk, change, now)
        if successor.agent_id:
            await talks.forget_if_two(act, kept)
        else:
            await act.tx.parties.drop(parent.id)
        return saved

    async def _end_question_in(self, act: Act, talk: Talk, sender: str) -> None:
        third = talk.find(PartyRole.CONSULTED)
        if third is None:
            return
        await self._end_question_of(act, third, "the talk goes on without a question")
        came = third.state is not PartyState.ASKED
        outcome = TransferOutcome.ANSWERED if came else TransferOutcome.CANCELLED
        act.facts.append(talks.ended(talk, third, sender, Ending(outcome), self._clock.now()))

    async def _end_question_of(self, act: Act, third: Party, reason: str) -> None:
        if third.consult_id:
            internal = await act.tx.interactions.get(third.consult_id)
            await talks.end_internal(act, internal, self._clock.now(), reason)

    async def _other_leaves(self, act: Act, talk: Talk, agent_id: str) -> None:
        """A supervisor, or the agent who was asked, leaves."""
        now = self._clock.now()
        third = talk.find(PartyRole.CONSULTED)
        if third is not None and third.agent_id == agent_id:
            await self._end_question_of(act, third, "the agent asked has left")
            ending = Ending(TransferOutcome.ANSWERED, "the agent asked has left")
            await talks.close_question(act, talk, Step.CONSULTED_LEFT, ending, now)
            return
        kept = await talks.keep(act, talk, supervised(talk, agent_id, None, now), now)
        await talks.forget_if_two(act, kept)

    async def _third(self, act: Act, parent: Interaction, target: Asked, question: str) -> Party:
        """Ask: an internal interaction for an agent or queue, nothing yet for a number."""
        now, asker = self._clock.now(), parent.agent_id or ""
        if isinstance(target, ToNumber):
            if parent.channel is not Channel.VOICE or self._bus is None:
                raise CannotTransfer("only from a call somebody outside can be asked")
            return talks.asked(parent.id, now, address=target.address)
        if isinstance(target, ToAgent):
            other = await act.tx.people.agent(target.agent_id)
            must_be_there(other, asker)
            queue = self._company.queue(queue_for(other, parent, self._company))
            until = now + timedelta(seconds=target.wait_s)
            plan = HandoffPlan(queue.id, briefed(parent.handoff, CONSULTATION, question))
            return await self._ask(act, parent, plan, other.id, until)
        queue = self._company.queue(target.queue)
        if not queue.hours.open_at(now):
            raise CannotTransfer(f"{queue.name} is closed now")
        packet = briefed(parent.handoff, CONSULTATION, question)
        plan = HandoffPlan(queue.id, packet, target.skills, queue.rules.boosts.transfer_s)
        return await self._ask(act, parent, plan, None, None)

    async def _ask(
        self,
        act: Act,
        parent: Interaction,
        plan: HandoffPlan,
        only: str | None,
        until: datetime | None,
    ) -> Party:
        internal = await self._begin(act, parent, only or "", plan.packet.summary)
        waiting = await self._acts.queue(act, internal, plan, from_agent=parent.agent_id or "")
        await act.save(replace(waiting, prefer_agent=only, prefer_until=until, also_queues=()))
        third = talks.asked(parent.id, self._clock.now(), agent_id=only or "")
        return replace(third, consult_id=internal.id)

    async def _begin(self, act: Act, parent: Interaction, asked: str, question: str) -> Interaction:
        calls = parent.channel is Channel.VOICE
        asker = parent.agent_id or ""
        internal = Interaction(
            id=new_id(),
            channel=Channel.VOICE if calls else Channel.CHAT,
            direction=Direction.INTERNAL,
            customer_id=parent.customer_id,
            conversation_id=parent.conversation_id,
            # Not the customer's address: nothing of this may ever reach the customer.
            address=f"agent:{asker}",
            service_address="",
            state=InteractionState.NEW,
            created_at=self._clock.now(),
            home=parent.home if calls else "",
            language=parent.language,
            subject=question,
            meta={ASKED_BY: asker, ASKED: asked},
            parent_id=parent.id,
        )
        await act.tx.interactions.add(internal)
        act.facts.append(
            InteractionArrived(
                at=internal.created_at,
                interaction_id=internal.id,
                channel=internal.channel,
                direction=internal.direction,
                customer_id=internal.customer_id,
                conversation_id=internal.conversation_id,
                address=internal.address,
                home=internal.home,
            )
        )
        return internal

    async def _dial(self, parent: Interaction, third: Party, target: ToNumber) -> Talk:
        assert self._bus is not None
        order = DialParty(
            interaction_id=parent.id,
            party_id=third.id,
            address=target.address,
            ring_s=target.ring_s,
        )
        dialled = await dial(self._bus, parent.home, order, target.ring_s)
        now = self._clock.now()
        async with self._acts.act() as act:
            await act.tx.interactions.lock(f"talk:{parent.id}")
            talk = Talk(parent.id, tuple(await act.tx.parties.of(parent.id)))
            still = talk.find(PartyRole.CONSULTED)
            waiting = still is not None and still.id == third.id
            if waiting and dialled.outcome is TransferOutcome.ANSWERED:
                return await self._outside_answered(act, talk, third)
            if waiting:
                ending = Ending(dialled.outcome, dialled.detail, dialled.cause)
                return await talks.close_question(act, talk, Step.FAILED, ending, now)
        if dialled.outcome is TransferOutcome.ANSWERED:
            await self._drop_leg(parent, third)  # taken back while it was being answered
        return talk

    async def _outside_answered(self, act: Act, talk: Talk, third: Party) -> Talk:
        now = self._clock.now()
        change = after(talk, Step.ANSWERED, now)
        joined = next(party for party in change.talk.parties if party.id == third.id)
        act.facts += talks.came(talk, joined, now)
        return await talks.keep(act, talk, change, now)

    async def _drop_leg(self, parent: Interaction, third: Party) -> None:
        """Hang up on somebody outside, or stop dialling; who is gone already is fine."""
        if third.address and self._bus is not None and parent.home:
            order = DropParty(interaction_id=parent.id, party_id=third.id)
            with suppress(ParleyError):
                await self._bus.ask(order, parent.home)

    async def outside_left(self, interaction_id: str, party_id: str) -> None:
        """The process that owns the call says that somebody outside has hung up."""
        async with self._acts.act() as act:
            await act.tx.interactions.lock(f"talk:{interaction_id}")
            talk = Talk(interaction_id, tuple(await act.tx.parties.of(interaction_id)))
            third = talk.find(PartyRole.CONSULTED)
            if third is None or third.id != party_id or third.state is PartyState.ASKED:
                return
            ending = Ending(TransferOutcome.ANSWERED, "hung up")
            now = self._clock.now()
            await talks.close_question(act, talk, Step.CONSULTED_LEFT, ending, now)


def _third_of(talk: Talk) -> Party:
    third = talk.find(PartyRole.CONSULTED)
    if third is None:
        raise IllegalStep("nobody else takes part in this talk")
    return third


def _way_of(successor: Party) -> str:
    if successor.role is PartyRole.SUPERVISOR:
        return "supervisor"
    return "agent" if successor.agent_id else "outside"


def _way(target: Asked) -> tuple[str, str]:
    match target:
        case ToAgent():
            return "agent", target.agent_id
        case ToQueue():
            return "queue", target.queue
        case ToNumber():
            return "outside", target.address
