"""Talks in the store: each step is loaded, applied, saved and logged in the act's transaction.

1. An interaction has rows in ``parties`` only while somebody beside customer and handler
   takes part; ``meta`` says so, so that nobody else has to look.
2. Acts touch the parent interaction first, then the internal one, then the parties.
   Always in this order, so that two of them never wait for each other.
3. An internal interaction has no wrap-up and is no customer's work in the figures.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from router.acts.parties import (
    STATES,
    Arrangement,
    Change,
    Do,
    Party,
    PartyRole,
    PartyState,
    Step,
    Talk,
    TransferOutcome,
    after,
)
from router.events import (
    ConsultAnswered,
    ConsultEnded,
    ConsultStarted,
    Fact,
    HoldEnded,
    HoldStarted,
    InteractionEnded,
    OfferAccepted,
    OfferWithdrawn,
    PartyJoined,
    PartyLeft,
    TalkArranged,
)
from router.machines import move
from router.model import EndedBy, Interaction, InteractionState, OfferState, new_id
from router.ports import Transaction

if TYPE_CHECKING:
    from router.acts.act import Act

PARTIES = "parties"
"""In ``meta``: somebody beside customer and handler takes part."""


async def load(tx: Transaction, interaction: Interaction, now: datetime) -> Talk:
    """The talk about an interaction that an agent handles; not stored yet, it has two."""
    known = await tx.parties.of(interaction.id)
    if known:
        return Talk(interaction.id, tuple(known))
    held = await _on_hold(tx, interaction)
    arrangement = Arrangement.HELD if held else Arrangement.TALKING
    parties = (
        _party(interaction, PartyRole.CUSTOMER, arrangement, now, address=interaction.address),
        _party(interaction, PartyRole.HANDLER, arrangement, now, agent_id=interaction.agent_id),
    )
    return Talk(interaction.id, parties)


@dataclass(frozen=True, slots=True)
class Ending:
    """How a question ended, with what proves it (``cause`` is Q.850)."""

    outcome: TransferOutcome
    detail: str = ""
    cause: int | None = None


def asked(interaction_id: str, now: datetime, agent_id: str = "", address: str = "") -> Party:
    """Somebody who is being asked to join as the third one."""
    return Party(
        id=new_id(),
        interaction_id=interaction_id,
        role=PartyRole.CONSULTED,
        state=PartyState.ASKED,
        joined_at=now,
        agent_id=agent_id,
        address=address,
    )


async def store(act: Act, talk: Talk) -> None:
    """Begin to keep the talk's parties, if that has not begun."""
    if not await act.tx.parties.of(talk.interaction_id):
        for party in talk.parties:
            await act.tx.parties.put(party, None)


async def keep(act: Act, was: Talk, change: Change, now: datetime) -> Talk:
    """Save a change and log who joined, who left, hold, and the new arrangement.

    Raises ``Conflict`` when somebody else changed the talk first.
    """
    known = {party.id: party for party in was.parties}
    for party in change.talk.parties:
        before = known.get(party.id)
        await act.tx.parties.put(party, before)
        if before is None or before.mode != party.mode:
            act.facts += _joined(party, now)
    for party in change.left:
        await act.tx.parties.put(party, known.get(party.id))
        act.facts.append(_left(party, now))
    handler = was.find(PartyRole.HANDLER)
    act.facts += facts_of(change, was, handler.agent_id if handler else "", now)
    return change.talk


async def forget_if_two(act: Act, talk: Talk) -> None:
    """Without anybody beside customer and handler no rows are kept (rule 1)."""
    beside = {PartyRole.CONSULTED, PartyRole.SUPERVISOR}
    if not any(party.role in beside for party in talk.parties):
        await act.tx.parties.drop(talk.interaction_id)


async def answered(act: Act, internal: Interaction, fact: OfferAccepted) -> None:
    """The one who was asked is there now."""
    talk, third = await _asked_by(act.tx, internal)
    if talk is None or third is None or third.state is not PartyState.ASKED:
        return
    there = replace(third, agent_id=fact.agent_id)
    named = replace(talk, parties=tuple(there if p is third else p for p in talk.parties))
    change = after(named, Step.ANSWERED, fact.at)
    joined = next(party for party in change.talk.parties if party.id == third.id)
    act.facts += came(talk, joined, fact.at)
    await keep(act, talk, change, fact.at)


def started(third: Party, agent_id: str, way: str, target: str, now: datetime) -> Fact:
    """The handler asks the third one."""
    return ConsultStarted(
        at=now,
        interaction_id=third.interaction_id,
        consult_id=third.consult_id or third.id,
        agent_id=agent_id,
        way=way,
        target=target,
    )


def came(talk: Talk, third: Party, now: datetime) -> list[Fact]:
    """The third one is there now."""
    handler = talk.find(PartyRole.HANDLER)
    answer = ConsultAnswered(
        at=now,
        interaction_id=talk.interaction_id,
        consult_id=third.consult_id or third.id,
        agent_id=handler.agent_id if handler else "",
        by_agent_id=third.agent_id,
        address=third.address,
    )
    return [answer, *_joined(third, now)]


def ended(talk: Talk, third: Party, agent_id: str, ending: Ending, now: datetime) -> Fact:
    """The question to the third one is over."""
    return ConsultEnded(
        at=now,
        interaction_id=talk.interaction_id,
        consult_id=third.consult_id or third.id,
        agent_id=agent_id,
        outcome=ending.outcome,
        detail=ending.detail,
        cause=ending.cause,
    )


async def question_ended(act: Act, internal: Interaction, fact: InteractionEnded) -> None:
    """The internal interaction ended by itself: nobody came, or who came has left."""
    talk, third = await _asked_by(act.tx, internal)
    if talk is None or third is None:
        return
    if third.state is PartyState.ASKED:
        step, outcome = Step.FAILED, TransferOutcome.UNREACHABLE
    else:
        step, outcome = Step.CONSULTED_LEFT, TransferOutcome.ANSWERED
    await close_question(act, talk, step, Ending(outcome, fact.reason), fact.at)


async def fail_question(
    act: Act, internal: Interaction, outcome: TransferOutcome, now: datetime
) -> Interaction:
    """The agent asked by name did not come; the internal interaction ends."""
    talk, third = await _asked_by(act.tx, internal)
    ended = await end_internal(act, internal, now, f"the agent asked: {outcome}")
    if talk is not None and third is not None and third.state is PartyState.ASKED:
        await close_question(act, talk, Step.FAILED, Ending(outcome), now)
    return ended


async def close_question(act: Act, talk: Talk, step: Step, ending: Ending, now: datetime) -> Talk:
    """The third one is out by ``step``; customer and handler talk again."""
    change = after(talk, step, now)  # raises before anything is written
    third, handler = talk.find(PartyRole.CONSULTED), talk.find(PartyRole.HANDLER)
    if third is not None:
        agent_id = handler.agent_id if handler else ""
        act.facts.append(ended(talk, third, agent_id, ending, now))
    kept = await keep(act, talk, change, now)
    await forget_if_two(act, kept)
    return kept


async def dissolve(act: Act, interaction: Interaction, now: datetime) -> None:
    """Nobody handles the interaction any more: questions end, everybody has left."""
    known = await act.tx.parties.of(interaction.id)
    if not known:
        return
    talk = Talk(interaction.id, tuple(known))
    third = talk.find(PartyRole.CONSULTED)
    if third is not None and third.consult_id:
        internal = await act.tx.interactions.get(third.consult_id)
        await end_internal(act, internal, now, "the interaction it was about is over")
    if third is not None:
        handler = talk.find(PartyRole.HANDLER)
        answered = third.state is not PartyState.ASKED
        ending = Ending(TransferOutcome.ANSWERED if answered else TransferOutcome.LEFT)
        agent_id = handler.agent_id if handler else ""
        act.facts.append(ended(talk, third, agent_id, ending, now))
    await keep(act, talk, after(talk, Step.CUSTOMER_LEFT, now), now)
    await act.tx.parties.drop(interaction.id)


async def end_internal(act: Act, internal: Interaction, now: datetime, reason: str) -> Interaction:
    """End an internal interaction from whatever state; who took it is free again."""
    if internal.state is InteractionState.ENDED:
        return internal
    was = internal.state
    handled_by = internal.agent_id if was is InteractionState.AGENT else None
    if was is InteractionState.OFFERED and internal.offer_id:
        await act.tx.interactions.settle_offer(internal.offer_id, OfferState.WITHDRAWN)
        act.facts.append(
            OfferWithdrawn(
                at=now,
                interaction_id=internal.id,
                offer_id=internal.offer_id,
                agent_id=internal.agent_id or "",
                queue=internal.queue or "",
                reason=reason,
            )
        )
    act.facts.append(
        InteractionEnded(
            at=now,
            interaction_id=internal.id,
            channel=internal.channel,
            ended_by=EndedBy.SYSTEM,
            reason=reason,
            was=was,
            queue=internal.queue or "",
            agent_id=handled_by or "",
            parent_id=internal.parent_id or "",
            wraps_up=False,
        )
    )
    if handled_by:
        await act.talk_ended(internal, now)
    # Past act.save: this end is a step of the talk itself and must not move it once more.
    return await act.tx.interactions.save(
        replace(
            internal,
            state=move(was, "end"),
            agent_id=handled_by,
            offer_id=None,
            home="",
            left_at=now,
            ended_at=now,
            ended_by=EndedBy.SYSTEM,
            end_reason=reason,
        )
    )


async def _asked_by(tx: Transaction, internal: Interaction) -> tuple[Talk | None, Party | None]:
    """The talk that an internal interaction is about, when it is still a part of it."""
    parent = internal.parent_id or ""
    talk = Talk(parent, tuple(await tx.parties.of(parent)))
    third = talk.find(PartyRole.CONSULTED)
    if third is None or third.consult_id != internal.id:
        return None, None
    return talk, third


async def _on_hold(tx: Transaction, interaction: Interaction) -> bool:
    """Whether the handler put the customer on hold; a hold before the handler counts no more."""
    known = await tx.log.facts(interaction_id=interaction.id, types=[HoldStarted, HoldEnded])
    since = interaction.accepted_at
    own = [fact for fact in known if since is None or fact.at >= since]
    return bool(own) and isinstance(own[-1], HoldStarted)


def _party(
    interaction: Interaction,
    role: PartyRole,
    arrangement: Arrangement,
    now: datetime,
    *,
    agent_id: str | None = "",
    address: str = "",
) -> Party:
    return Party(
        id=new_id(),
        interaction_id=interaction.id,
        role=role,
        state=STATES[arrangement][role],
        joined_at=interaction.accepted_at or now,
        agent_id=agent_id or "",
        address=address,
    )


def _joined(party: Party, now: datetime) -> list[Fact]:
    """Who has only been asked has not joined; customer and handler were there before."""
    third = party.role in (PartyRole.CONSULTED, PartyRole.SUPERVISOR)
    if not third or party.state is PartyState.ASKED:
        return []
    return [
        PartyJoined(
            at=now,
            interaction_id=party.interaction_id,
            party_id=party.id,
            role=party.role,
            agent_id=party.agent_id,
            address=party.address,
            mode=party.mode or "",
        )
    ]


def _left(party: Party, now: datetime) -> Fact:
    return PartyLeft(
        at=now,
        interaction_id=party.interaction_id,
        party_id=party.id,
        role=party.role,
        agent_id=party.agent_id,
        address=party.address,
    )


def facts_of(change: Change, was: Talk, handler_id: str, now: datetime) -> list[Fact]:
    """Hold as the reports count it, and the arrangement for those who carry the sound."""
    talk_id = was.interaction_id
    found: list[Fact] = []
    if Do.HOLD_CUSTOMER in change.actions:
        found.append(HoldStarted(at=now, interaction_id=talk_id, agent_id=handler_id))
    if Do.RESUME_CUSTOMER in change.actions:
        found.append(HoldEnded(at=now, interaction_id=talk_id, agent_id=handler_id))
    found.append(
        TalkArranged(
            at=now,
            interaction_id=talk_id,
            arrangement=change.talk.arrangement,
            was=was.arrangement,
            actions=tuple(change.actions),
        )
    )
    return found
