"""What became of hand-overs, from facts."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from router import events
from router.events import Fact
from router.figures.handoffs import HandoffOutcome, Handoffs, results_of
from router.handoff import Cause

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
LATER = NOW + timedelta(seconds=30)
ASKED = events.HandoffRequested(at=NOW, interaction_id="i", reason="no-answer", queue="orders")
ABOUT: dict[str, Any] = {"at": LATER, "interaction_id": "i"}
OFFER: dict[str, Any] = {**ABOUT, "offer_id": "o", "agent_id": "ana", "queue": "orders"}


def ended(by: str) -> Fact:
    return events.InteractionEnded(
        at=LATER, interaction_id="i", channel="chat", ended_by=by, reason="left", was="waiting"
    )


@pytest.mark.parametrize(
    ("fact", "outcome", "evidence"),
    [
        (
            events.OfferAccepted(**OFFER, channel="chat", waited_s=30),
            HandoffOutcome.ACCEPTED,
            {"by": "ana"},
        ),
        (
            events.CallbackRequested(**ABOUT, queue="orders", number="+371"),
            HandoffOutcome.CALLBACK,
            {"by": "+371"},
        ),
        (
            events.VoicemailLeft(**ABOUT, queue="orders", path="x", duration_s=3, item_id="mail"),
            HandoffOutcome.VOICEMAIL,
            {"item_id": "mail"},
        ),
        (
            events.InteractionOverflowed(
                **ABOUT, queue="orders", channel="chat", when="waited", way="email", item_id="m"
            ),
            HandoffOutcome.EMAIL,
            {"item_id": "m"},
        ),
        (
            events.BotStarted(**ABOUT, channel="chat", flow="desk"),
            HandoffOutcome.BACK_TO_BOT,
            {"by": "desk"},
        ),
        (ended("customer"), HandoffOutcome.LEFT, {"detail": "left"}),
        (ended("system"), HandoffOutcome.NOBODY, {"detail": "left"}),
    ],
)
def test_every_outcome_is_typed_and_has_its_evidence(
    fact: Fact, outcome: HandoffOutcome, evidence: dict[str, str]
) -> None:
    [result] = results_of([ASKED, fact])
    assert (result.outcome, result.cause) == (outcome, Cause.NO_ANSWER)
    assert (result.waited_s, result.settled_by) == (30.0, fact.id)
    assert {name: getattr(result, name) for name in evidence} == evidence


def test_offer_that_nobody_answered_settles_nothing_and_is_counted() -> None:
    [result] = results_of([ASKED, events.OfferExpired(**OFFER), events.OfferExpired(**OFFER)])
    assert (result.outcome, result.unanswered, result.waited_s) == (None, 2, None)


def test_who_came_back_and_asks_again_is_a_hand_over_of_its_own() -> None:
    accepted = events.OfferAccepted(**OFFER, channel="chat", waited_s=30)
    again = replace(ASKED, id="again", at=LATER, reason="asked-for-person")
    taken = Handoffs()
    for fact in (accepted, ASKED, accepted, again, ended("customer")):
        taken.take(fact)
    assert taken.counts() == {
        (Cause.NO_ANSWER, HandoffOutcome.ACCEPTED): 1,
        (Cause.ASKED, HandoffOutcome.LEFT): 1,
    }
