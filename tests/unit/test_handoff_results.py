"""What became of hand-overs, from facts."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gateway.pages.reports import report_of, to_csv
from router import events
from router.company import parse_company
from router.events import Fact
from router.figures.day import together
from router.figures.handoffs import HandoffOutcome, Handoffs, results_of
from router.handoff import Cause
from router.kpi import day_figures

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


ARRIVED = events.InteractionArrived(
    at=NOW,
    interaction_id="i",
    channel="chat",
    direction="inbound",
    customer_id="c",
    conversation_id="talk",
    address="x",
)
ASKED_BACK = (
    events.InteractionOverflowed(
        **ABOUT, queue="orders", channel="chat", when="waited", way="bot", why="waited 120 s"
    ),
    events.BotStarted(**ABOUT, channel="chat", flow="desk"),
)


def test_bot_that_asks_because_nobody_came_settles_nothing_until_the_answer() -> None:
    waits_on = replace(ASKED, id="again", at=LATER)
    [result] = results_of([ASKED, *ASKED_BACK])
    assert (result.outcome, result.choosing, result.detail) == (None, True, "waited 120 s")
    accepted = events.OfferAccepted(**OFFER, channel="chat", waited_s=30)
    [result] = results_of([ASKED, *ASKED_BACK, waits_on, accepted])
    assert (result.outcome, result.waited_s) == (HandoffOutcome.ACCEPTED, 30.0)


def test_call_that_is_planned_beside_the_chat_is_its_outcome() -> None:
    call = replace(ARRIVED, id="call", interaction_id="call", channel="voice")
    planned = events.CallbackScheduled(
        at=LATER, interaction_id="call", queue="orders", number="+371", due_at=LATER
    )
    [result] = results_of([ARRIVED, ASKED, *ASKED_BACK, call, planned, ended("bot")])
    assert (result.interaction_id, result.outcome) == ("i", HandoffOutcome.CALLBACK)
    assert (result.item_id, result.by) == ("call", "+371")


def test_who_leaves_while_the_bot_asks_has_left() -> None:
    [result] = results_of([ASKED, *ASKED_BACK, ended("customer")])
    assert result.outcome is HandoffOutcome.LEFT


def test_reports_count_what_was_settled_by_the_kind_of_its_reason() -> None:
    accepted = events.OfferAccepted(**OFFER, channel="chat", waited_s=30)
    other = [
        replace(one, id=f"{one.id}-2", interaction_id="j")
        for one in (ARRIVED, ASKED, events.OfferExpired(**OFFER), ended("customer"))
    ]
    missed = events.OfferMade(**OFFER, channel="chat", expires_at=LATER)
    day = day_figures([ARRIVED, ASKED, missed, accepted, *other])
    figures = day.handoffs["no-answer"]
    assert (figures.handoffs, figures.accepted, figures.left, figures.unanswered) == (2, 1, 1, 1)
    assert (figures.accepted_share, figures.accept_wait_s) == (0.5, 30.0)
    report = report_of(
        together([day, day]), parse_company({"name": "T", "queues": [{"id": "orders"}]}), NOW
    )
    assert "handoff,no-answer,accepted,2" in to_csv(report, {})
