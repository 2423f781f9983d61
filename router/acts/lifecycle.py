"""Every act on an interaction: load, apply the machine, save, publish.

1. One act is whole or not at all: state, transcript, events and outbox together. Acts
   that arrive together are committed together (``router.acts.together``).
2. Facts reach the bus only after the commit, through the relay.
3. An act that lost a race raises (``Conflict``, ``OfferGone``) and changed nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from router.acts import reception, steps
from router.acts.act import Act, Acts, HandoffPlan, check_mine, ringing_offer
from router.acts.callbacks import awaits_our_call
from router.acts.wrapup import check_skip
from router.company import OFFER_S, Company
from router.corrections import SlotCorrected, corrected
from router.errors import Conflict, IllegalMove, OfferGone
from router.events import (
    Fact,
    HoldEnded,
    HoldStarted,
    OfferAccepted,
    OfferMade,
    SurveyAnswered,
    WrapUpCompleted,
)
from router.machines import move, settle
from router.model import (
    Arrival,
    Author,
    Channel,
    EndedBy,
    Handoff,
    Interaction,
    InteractionState,
    Message,
    NewMessage,
    Offer,
    OfferState,
    Presence,
    new_id,
)
from router.ports import Clock, Store
from router.redaction.policy import Kind
from router.redaction.redact import redact
from router.relay import Relay
from router.rings import Ring, Ringing
from router.workday import together

DISPATCHER = "dispatcher"
"""The lease of the one who makes offers."""
TAKEN = "another agent was faster"
NOT_FILED = "not-filed"
"""The disposition of a wrap-up whose time ran out."""


@dataclass(frozen=True, slots=True)
class Received:
    """What became of an arrival. ``message`` is None for none or a duplicate."""

    interaction: Interaction
    message: Message | None
    new: bool


@dataclass(frozen=True, slots=True)
class OfferPlan:
    """An interaction, as of ``version``, that is to ring at agents on behalf of ``queue``."""

    interaction_id: str
    version: int
    channel: Channel
    queue: str
    agent_ids: tuple[str, ...]
    why: str
    parent_id: str = ""

    @classmethod
    def of(
        cls, interaction: Interaction, queue: str, agent_ids: tuple[str, ...], why: str
    ) -> OfferPlan:
        """For an interaction that has been loaded."""
        return cls(
            interaction.id,
            interaction.version,
            interaction.channel,
            queue,
            agent_ids,
            why,
            interaction.parent_id or "",
        )

    def ring(self, offers: Sequence[Offer]) -> Ring:
        """The claim: who rings is named only when it is one."""
        if len(offers) != 1:
            return Ring(self.interaction_id, self.version)
        return Ring(self.interaction_id, self.version, offers[0].agent_id, offers[0].id)

    def facts(self, offers: Sequence[Offer]) -> list[Fact]:
        """One for each offer."""
        return [
            OfferMade(
                at=offer.made_at,
                interaction_id=offer.interaction_id,
                offer_id=offer.id,
                agent_id=offer.agent_id,
                queue=offer.queue,
                channel=self.channel,
                expires_at=offer.expires_at,
                why=offer.why,
                parent_id=self.parent_id,
            )
            for offer in offers
        ]


class Lifecycle:
    """The acts. Safe to call from any process: claims are made in the database."""

    def __init__(self, store: Store, company: Company, clock: Clock, relay: Relay) -> None:
        self.company = company
        self._clock = clock
        self._acts = Acts(store, company, clock, relay)

    # -- customers' side -------------------------------------------------------

    async def receive(
        self,
        arrival: Arrival,
        message: NewMessage | None = None,
        *,
        thread: Sequence[str] = (),
    ) -> Received:
        """Take in a customer's contact: recognise, continue or begin, and store.

        Idempotent by ``arrival.external_id`` and ``message.external_id``.
        ``thread`` are message ids that a mail refers to. Milliseconds between
        two messages of one customer never make two interactions: transactions
        of one identity are serial.
        """
        key = f"{arrival.identity.kind}:{arrival.identity.value}"

        async def body(act: Act) -> Received:
            await act.step(steps.LOCK, key)
            customer = await reception.recognise(act, arrival, self._clock.now())
            found = await reception.already_stored(act, message)
            found = found or await reception.continued(act, arrival, message, customer, thread)
            interaction = found or await self._acts.begin(act, arrival, customer, thread)
            line = None
            if message is not None:
                line = await self._acts.add_line(act, interaction, message)
            return Received(interaction, line, new=found is None)

        return await self._acts.run(body, key)

    async def add_message(self, interaction_id: str, message: NewMessage) -> Message | None:
        """Append a line; None when its ``external_id`` is already there."""

        async def body(act: Act) -> Message | None:
            return await self._acts.add_line(act, await act.take(interaction_id), message)

        return await self._acts.run(body, interaction_id)

    async def set_home(self, interaction_id: str, home: str) -> Interaction:
        """Say which process owns the media now; empty for none."""

        async def body(act: Act) -> Interaction:
            return await act.save(replace(await act.take(interaction_id), home=home))

        return await self._acts.run(body, interaction_id)

    async def set_meta(self, interaction_id: str, **values: Any) -> Interaction:
        """Merge values into the interaction's ``meta``."""

        async def body(act: Act) -> Interaction:
            interaction = await act.take(interaction_id)
            return await act.save(replace(interaction, meta={**interaction.meta, **values}))

        return await self._acts.run(body, interaction_id)

    async def end(
        self,
        interaction_id: str,
        by: EndedBy,
        reason: str,
        *,
        only_in: InteractionState | None = None,
    ) -> Interaction:
        """The engagement is over. Ending twice is fine; after an agent, wrap-up follows.

        With ``only_in`` it stays as it is when it is in another state by now.
        """

        async def body(act: Act) -> Interaction:
            interaction = await act.take(interaction_id)
            if interaction.state in (InteractionState.ENDED, InteractionState.WRAP_UP):
                return interaction
            if only_in is not None and interaction.state is not only_in:
                return interaction
            if by is EndedBy.CUSTOMER and awaits_our_call(interaction):
                return interaction  # who is to be called back may leave the line
            return await self._acts.close(act, interaction, by, reason)

        return await self._acts.run(body, interaction_id)

    async def record_survey(
        self, interaction_id: str, score: int, scale: int, channel: str
    ) -> SurveyAnswered | None:
        """Keep the customer's score, once per interaction; None when already given."""

        async def body(act: Act) -> SurveyAnswered | None:
            interaction = await act.take(interaction_id)
            given = await act.tx.log.facts(interaction_id=interaction_id, types=[SurveyAnswered])
            if given:
                return None
            answered = SurveyAnswered(
                at=self._clock.now(),
                interaction_id=interaction_id,
                channel=channel,
                agent_id=interaction.agent_id or "",
                queue=interaction.queue or "",
                score=score,
                scale=scale,
                contact_channel=interaction.channel,
            )
            act.facts.append(answered)
            return answered

        return await self._acts.run(body, interaction_id)

    async def record(self, facts: Sequence[Fact]) -> None:
        """Log and publish facts that change no state."""

        async def body(act: Act) -> None:
            act.facts.extend(facts)

        await self._acts.run(body, facts[0].id if facts else "")

    # -- the bot's side --------------------------------------------------------

    async def save_bot_turn(
        self,
        interaction: Interaction,
        bot_state: Mapping[str, Any],
        replies: Sequence[NewMessage] = (),
        handoff: HandoffPlan | None = None,
        end_reason: str | None = None,
        facts: Sequence[Fact] = (),
    ) -> Interaction:
        """One bot turn, whole or not at all.

        Raises ``Conflict`` when the interaction changed since it was loaded and
        ``IllegalMove`` when a bot is not its handler any more: nothing is said then.
        """

        async def body(act: Act) -> Interaction:
            current = await act.take(interaction.id)
            if current.state is not InteractionState.BOT:
                raise IllegalMove(f"the bot cannot speak: interaction is {current.state}")
            saved = await act.save(replace(interaction, bot_state=dict(bot_state)), *facts)
            await self._acts.add_lines(act, saved, replies)
            if handoff is not None:
                return await self._acts.queue(act, saved, handoff)
            if end_reason is not None:
                return await self._acts.close(act, saved, EndedBy.BOT, end_reason)
            return saved

        return await self._acts.run(body, interaction.id)

    async def better_summary(
        self, interaction_id: str, packet: Handoff, words: Mapping[str, str]
    ) -> bool:
        """Put better words, by language, into the packet; False when it is another by now."""

        async def body(act: Act) -> bool:
            current = await act.take(interaction_id)
            if current.handoff != packet or current.state is InteractionState.ENDED:
                return False
            summaries = {**packet.summaries, **words}
            better = replace(packet, summary=words.get("en", packet.summary), summaries=summaries)
            await act.save(replace(current, handoff=better))
            return True

        return await self._acts.run(body, interaction_id)

    # -- the distributor's side ------------------------------------------------

    async def offer(self, interaction: Interaction, agent_id: str, why: str) -> Offer:
        """Ring at an agent. Raises ``Conflict`` or ``IllegalMove`` when it is too late."""
        move(interaction.state, "offer")
        queue = interaction.queue or self.company.default_queue
        plan = OfferPlan.of(interaction, queue, (agent_id,), why)
        made = await self.offer_all([plan])
        if interaction.id not in made:
            raise Conflict(
                f"interaction {interaction.id} changed since version {interaction.version}"
            )
        return made[interaction.id][0]

    async def offer_all(
        self, plans: Sequence[OfferPlan], epoch: int | None = None
    ) -> dict[str, tuple[Offer, ...]]:
        """Ring for many in one transaction; by interaction, without those who were too late.

        With several agents in a plan it rings at all of them, and the first to accept has
        it. Raises ``Superseded`` when ``epoch`` is not the dispatcher's latest any more.
        """
        made = {plan.interaction_id: self._offers(plan) for plan in plans}
        offers = [offer for each in made.values() for offer in each]
        steps_of_day = [self._acts.day_step(offer.agent_id) for offer in offers]
        won = await self._acts.ring(
            Ringing(
                rings=[plan.ring(made[plan.interaction_id]) for plan in plans],
                offers=offers,
                steps=together([replace(step, offered=True) for step in steps_of_day]),
                facts=[fact for plan in plans for fact in plan.facts(made[plan.interaction_id])],
                lease=None if epoch is None else (DISPATCHER, epoch),
            )
        )
        return {name: those for name, those in made.items() if name in won}

    def _offers(self, plan: OfferPlan) -> tuple[Offer, ...]:
        now = self._clock.now()
        queue = self.company.queues.get(plan.queue)
        expires = now + timedelta(seconds=(queue.offer_s if queue else OFFER_S)[plan.channel])
        return tuple(
            Offer(
                id=new_id(),
                interaction_id=plan.interaction_id,
                agent_id=agent_id,
                state=OfferState.RINGING,
                made_at=now,
                expires_at=expires,
                why=plan.why,
                queue=plan.queue,
            )
            for agent_id in plan.agent_ids
        )

    async def accept(self, offer_id: str, agent_id: str) -> Interaction:
        """The agent takes it; exactly one acceptance wins. Raises ``OfferGone``."""

        async def body(act: Act) -> Interaction:
            offer = await ringing_offer(act, offer_id, agent_id)
            interaction = await act.take(offer.interaction_id)
            again = interaction.accepted_at is not None and (
                agent_id in await act.tx.interactions.accepted_by(interaction.id)
            )
            if not await act.settle(offer_id, settle(OfferState.RINGING, "accept")):
                raise OfferGone
            if interaction.offer_id != offer_id:
                await self._acts.withdraw_others(act, interaction, TAKEN, but=offer_id)
            step = self._acts.day_step(agent_id)
            await act.count(replace(step, handled=0 if again else 1, busy=True))
            now = self._clock.now()
            joined = interaction.joined_at or interaction.created_at
            accepted = OfferAccepted(
                at=now,
                interaction_id=interaction.id,
                offer_id=offer_id,
                agent_id=agent_id,
                queue=offer.queue or interaction.queue or "",
                channel=interaction.channel,
                waited_s=(now - joined).total_seconds(),
            )
            moved = replace(
                interaction,
                state=move(interaction.state, "accept"),
                queue=offer.queue or interaction.queue,
                agent_id=agent_id,
                accepted_at=now,
                offer_id=None,
            )
            return await act.save(moved, accepted)

        return await self._acts.run(body, offer_id)

    async def reject(self, offer_id: str, agent_id: str) -> Interaction:
        """The agent says no. Raises ``OfferGone``."""
        return await self._acts.give_back(offer_id, "reject", agent_id)

    async def expire(self, offer_id: str) -> Interaction:
        """Nobody answered: back to its place, and the agent goes away. Raises ``OfferGone``."""
        return await self._acts.give_back(offer_id, "expire", None)

    async def withdraw(self, offer_id: str, reason: str) -> Interaction:
        """Stop ringing for another reason. Raises ``OfferGone``."""
        return await self._acts.give_back(offer_id, "withdraw", None, reason)

    # -- the agent's side ------------------------------------------------------

    async def reply(
        self,
        interaction_id: str,
        agent_id: str,
        text: str,
        external_id: str | None = None,
        facts: Sequence[Fact] = (),
    ) -> Message | None:
        """The agent's line; None if sent before. Raises ``IllegalMove`` when not the agent's.

        ``facts`` are about the line, and said once like the line.
        """

        async def body(act: Act) -> Message | None:
            interaction = check_mine(await act.take(interaction_id), agent_id)
            line = NewMessage(Author.AGENT, text, author_id=agent_id, external_id=external_id)
            added = await self._acts.add_line(act, interaction, line)
            act.facts.extend(facts if added else ())
            return added

        return await self._acts.run(body, interaction_id)

    async def correct_slot(
        self, interaction_id: str, agent_id: str, name: str, value: str, kind: str = ""
    ) -> Handoff:
        """The agent's value in the packet, with the fact (``router.corrections``).

        Raises ``IllegalMove`` when it is not the agent's, ``NoSuchValue``.
        """

        async def body(act: Act) -> Handoff:
            interaction = check_mine(await act.take(interaction_id), agent_id)
            packet = interaction.handoff or Handoff(reason="", summary="")
            right = redact(value, self.company.redaction.only(Kind.CARD))
            better, was = corrected(packet, name, right, agent_id, kind), packet.slot(name)
            if was is not None and was.value == right and was.confirmed:
                return packet
            fact = SlotCorrected(
                at=self._clock.now(),
                interaction_id=interaction_id,
                agent_id=agent_id,
                name=name,
                was=was.value if was else "",
                value=right,
                flow=packet.flow,
                was_confirmed=was is not None and was.confirmed,
            )
            await act.save(replace(interaction, handoff=better), fact)
            return better

        return await self._acts.run(body, interaction_id)

    async def hold(self, interaction_id: str, agent_id: str) -> None:
        """Note that the customer is on hold."""
        await self._acts.note_hold(interaction_id, agent_id, HoldStarted)

    async def unhold(self, interaction_id: str, agent_id: str) -> None:
        """Note that the customer is off hold."""
        await self._acts.note_hold(interaction_id, agent_id, HoldEnded)

    async def complete_wrap_up(
        self, interaction_id: str, agent_id: str, disposition: str, note: str = ""
    ) -> Interaction:
        """File it. Raises ``IllegalMove`` when it is not in the agent's wrap-up."""

        async def body(act: Act) -> Interaction:
            now = self._clock.now()
            interaction = check_mine(await act.take(interaction_id), agent_id)
            filed = WrapUpCompleted(
                at=now,
                interaction_id=interaction_id,
                agent_id=agent_id,
                queue=interaction.queue or "",
                disposition=disposition,
                note=redact(note, self.company.redaction.only(Kind.CARD)),
            )
            moved = replace(
                interaction,
                state=move(interaction.state, "file"),
                disposition=disposition,
                ended_at=now,
                wrap_up_until=None,
            )
            left = interaction.left_at
            wrap_up_s = max(0.0, (now - left).total_seconds()) if left else 0.0
            step = self._acts.day_step(agent_id)
            await act.count(replace(step, handling_s=wrap_up_s, idle=True))
            return await act.save(moved, filed)

        return await self._acts.run(body, interaction_id)

    async def skip_wrap_up(self, interaction_id: str, agent_id: str) -> Interaction:
        """Leave it unfiled. Raises ``MustFile`` where the queue wants it filed."""

        async def body(act: Act) -> None:
            check_skip(self.company, check_mine(await act.take(interaction_id), agent_id))

        await self._acts.run(body, interaction_id)
        return await self.complete_wrap_up(interaction_id, agent_id, NOT_FILED)

    async def set_presence(self, agent_id: str, presence: Presence, reason: str = "") -> None:
        """The agent came, went or was found missing. The same again changes nothing."""

        async def body(act: Act) -> None:
            await self._acts.change_presence(act, agent_id, presence, reason)

        await self._acts.run(body, agent_id)

    async def agent_seen(self, agent_id: str) -> None:
        """The agent's desk is still connected."""

        async def body(act: Act) -> None:
            await act.tx.people.agent_seen(agent_id, self._clock.now())

        await self._acts.run(body, agent_id)
