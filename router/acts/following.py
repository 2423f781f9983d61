"""What other acts mean for transfers and consultations, in the same transaction.

1. Who was preferred and says no, or does not answer, is not preferred any more.
2. Work that was sent to one agent goes back to the one who sent it, then to everybody.
3. An agent who was asked by name and does not come ends the question with its outcome.
4. An internal interaction that is accepted or ends moves the talk it is about; a talk whose
   interaction is handled by nobody any more is over.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from router.acts import talks
from router.acts.parties import TransferOutcome
from router.acts.sent import SentWork
from router.errors import NoSuchAgent
from router.events import (
    BotStarted,
    Fact,
    InteractionEnded,
    InteractionQueued,
    OfferAccepted,
    OfferExpired,
    OfferMade,
    OfferRejected,
    TransferFailed,
)
from router.model import Interaction, InteractionState, Presence
from router.ports import Transaction

if TYPE_CHECKING:
    from router.acts.act import Act

BACK_WAIT_S = 30
"""So long the one who sent it alone is asked when it comes back."""


async def give_back_to_sender(
    tx: Transaction,
    interaction: Interaction,
    sent: SentWork,
    outcome: TransferOutcome,
    now: datetime,
    detail: str = "",
) -> tuple[Interaction, TransferFailed]:
    """The waiting interaction, for its sender if still there, else for all (rule 2)."""
    there = await _available(tx, sent.by)
    back = replace(
        interaction,
        queue=sent.queue,
        skills=dict(sent.skills),
        prefer_agent=sent.by if there else None,
        prefer_until=now + timedelta(seconds=BACK_WAIT_S) if there else None,
        meta=replace(sent, back=True).on(interaction),
    )
    failed = TransferFailed(
        at=now,
        interaction_id=interaction.id,
        from_agent_id=sent.by,
        way="agent",
        target=sent.to,
        outcome=outcome,
        to_agent_id=sent.by if there else "",
        detail=detail,
    )
    return back, failed


def concerned(interaction: Interaction) -> bool:
    """Whether a transfer or a talk may have to follow what happens to it."""
    return bool(
        interaction.parent_id or interaction.prefer_agent or talks.PARTIES in interaction.meta
    )


def marked(interaction: Interaction, facts: Sequence[Fact]) -> tuple[Fact, ...]:
    """The facts, those of an internal interaction saying which one it is about."""
    parent = interaction.parent_id
    if not parent:
        return tuple(facts)
    kinds = (InteractionQueued, OfferMade, OfferAccepted, InteractionEnded)
    return tuple(
        replace(fact, parent_id=parent) if isinstance(fact, kinds) else fact for fact in facts
    )


async def follow(act: Act, interaction: Interaction, facts: Sequence[Fact]) -> Interaction:
    """Carry out rules 1 to 4 after ``interaction`` was saved with ``facts``."""
    for fact in facts:
        match fact:
            case OfferRejected() | OfferExpired():
                interaction = await _refused(act, interaction, fact)
            case OfferAccepted() if interaction.parent_id:
                await talks.answered(act, interaction, fact)
            case InteractionEnded() if interaction.parent_id:
                await talks.question_ended(act, interaction, fact)
            case InteractionEnded() | InteractionQueued() | BotStarted():
                if talks.PARTIES in interaction.meta:
                    await talks.dissolve(act, interaction, fact.at)
    return interaction


async def _refused(
    act: Act, interaction: Interaction, fact: OfferRejected | OfferExpired
) -> Interaction:
    if interaction.prefer_agent != fact.agent_id:
        return interaction
    rejected = isinstance(fact, OfferRejected)
    outcome = TransferOutcome.REJECTED if rejected else TransferOutcome.NO_ANSWER
    if interaction.parent_id and interaction.state is InteractionState.WAITING:
        return await talks.fail_question(act, interaction, outcome, fact.at)
    sent = SentWork.of(interaction)
    if sent is not None and not sent.back and fact.agent_id == sent.to:
        back, failed = await give_back_to_sender(act.tx, interaction, sent, outcome, fact.at)
        return await act.save(back, failed)
    return await act.save(replace(interaction, prefer_agent=None, prefer_until=None))


async def _available(tx: Transaction, agent_id: str) -> bool:
    try:
        agent = await tx.people.agent(agent_id)
    except NoSuchAgent:
        return False
    return agent.presence is Presence.AVAILABLE
