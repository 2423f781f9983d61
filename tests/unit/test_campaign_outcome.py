"""How an answered attempt is filed, from the interaction that it became."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bots.campaign.outcome import attempt_outcome
from router.model import (
    Channel,
    Direction,
    EndedBy,
    Handoff,
    Interaction,
    InteractionState,
)

CALL = Interaction(
    id="i",
    channel=Channel.VOICE,
    direction=Direction.OUTBOUND,
    customer_id="c",
    conversation_id="v",
    address="+37120000001",
    service_address="voice.a",
    state=InteractionState.ENDED,
    created_at=datetime(2025, 3, 10, 12, 0, tzinfo=UTC),
)


@pytest.mark.parametrize(
    ("by", "reason", "answers", "disposition"),
    [
        (EndedBy.BOT, "confirmed", {"decision": "confirm"}, "completed"),
        (EndedBy.CUSTOMER, "hung up", {"score": "5"}, "completed"),
        (EndedBy.CUSTOMER, "hung up", {}, "hung-up"),
        (EndedBy.BOT, "declined", {}, "declined"),
        (EndedBy.CUSTOMER, "opt-out", {}, "declined"),
        (EndedBy.BOT, "no-input", {}, "no-answer"),
        (EndedBy.BOT, "not-understood", {}, "hung-up"),
        (EndedBy.SYSTEM, "no answer within 24 hours", {}, "no-answer"),
    ],
)
def test_attempt_outcome(
    by: EndedBy, reason: str, answers: dict[str, str], disposition: str
) -> None:
    ended = replace(CALL, ended_by=by, end_reason=reason, bot_state={"answers": answers})
    filed = attempt_outcome(ended)
    assert (filed.disposition, filed.reason, filed.answers) == (disposition, reason, answers)


def test_attempt_outcome_handed_to_a_person_is_completed() -> None:
    waiting = replace(
        CALL,
        state=InteractionState.WAITING,
        handoff=Handoff("move-appointment", "wants another day"),
    )
    assert attempt_outcome(waiting).disposition == "completed"
