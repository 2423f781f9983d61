"""Who may be contacted now: the rules of a campaign, in virtual time."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bots.campaign.rules import (
    Act,
    BadCampaign,
    BadCampaignMove,
    after_attempt,
    check_campaign,
    decide,
    disposition_of_cause,
    move_campaign,
    next_opening,
)
from router.model import Campaign, Channel, Contact, Disposition

NOON = datetime(2025, 3, 10, 12, 0, tzinfo=UTC)
CAMPAIGN = Campaign(
    id="c",
    name="Reminders",
    channel=Channel.VOICE,
    flow="reminder",
    state="running",
    retry_after_s={"busy": 300, "no-answer": 3600},
)
CONTACT = Contact(
    id="p", campaign_id="c", name="Ilze", address="+37120000001", timezone="Europe/Riga"
)


def test_decide_inside_the_window_attempts() -> None:
    assert decide(CAMPAIGN, CONTACT, NOON, do_not_contact=False).act is Act.ATTEMPT


def test_decide_on_the_do_not_contact_list_refuses_even_outside_the_window() -> None:
    night = NOON.replace(hour=1)
    verdict = decide(CAMPAIGN, CONTACT, night, do_not_contact=True)
    assert verdict.act is Act.REFUSE
    assert verdict.disposition is Disposition.DO_NOT_CONTACT


@pytest.mark.parametrize(
    ("zone", "opens_at"),
    [
        ("Asia/Shanghai", NOON.replace(hour=0) + timedelta(days=1)),
        ("America/Los_Angeles", NOON.replace(hour=15)),
    ],
)
def test_decide_outside_the_window_waits_for_the_local_morning(
    zone: str, opens_at: datetime
) -> None:
    contact = replace(CONTACT, timezone=zone)
    verdict = decide(CAMPAIGN, contact, NOON.replace(hour=14), do_not_contact=False)
    assert verdict.act is Act.WAIT
    assert verdict.disposition is Disposition.OUTSIDE_WINDOW
    assert verdict.at == opens_at
    assert zone in verdict.reason


def test_decide_all_attempts_used_refuses() -> None:
    tired = replace(CONTACT, attempts=3)
    assert decide(CAMPAIGN, tired, NOON, do_not_contact=False).act is Act.REFUSE


def test_next_opening_over_the_change_to_summer_time_is_eight_on_the_new_clock() -> None:
    evening = datetime(2025, 3, 29, 20, 0, tzinfo=UTC)  # 22:00 in Riga, the change follows
    assert next_opening(CAMPAIGN, "Europe/Riga", evening) == datetime(2025, 3, 30, 5, 0, tzinfo=UTC)


@given(
    st.datetimes(min_value=datetime(2024, 1, 1), max_value=datetime(2026, 12, 31)),
    st.sampled_from(["Europe/Riga", "Asia/Shanghai", "America/St_Johns", "Pacific/Apia", "UTC"]),
)
def test_next_opening_is_never_in_the_past_and_always_inside_the_window(
    moment: datetime, zone: str
) -> None:
    now = moment.replace(tzinfo=UTC)
    opening = next_opening(CAMPAIGN, zone, now)
    assert now <= opening <= now + timedelta(hours=25)
    assert next_opening(CAMPAIGN, zone, opening) == opening


def test_after_attempt_busy_comes_again_in_five_minutes() -> None:
    contact = replace(CONTACT, attempts=1)
    after = after_attempt(CAMPAIGN, contact, Disposition.BUSY, NOON)
    assert after.state == "open"
    assert after.next_at == NOON + timedelta(minutes=5)


def test_after_attempt_no_answer_late_in_the_evening_waits_for_the_morning() -> None:
    evening = NOON.replace(hour=18, minute=30)
    after = after_attempt(CAMPAIGN, replace(CONTACT, attempts=1), Disposition.NO_ANSWER, evening)
    assert after.next_at == datetime(2025, 3, 11, 6, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("disposition", "attempts", "state"),
    [
        (Disposition.COMPLETED, 1, "done"),
        (Disposition.DECLINED, 1, "done"),
        (Disposition.BUSY, 3, "exhausted"),
    ],
)
def test_after_attempt_final_outcomes_close_the_contact(
    disposition: Disposition, attempts: int, state: str
) -> None:
    after = after_attempt(CAMPAIGN, replace(CONTACT, attempts=attempts), disposition, NOON)
    assert (after.state, after.next_at) == (state, None)


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"window_start": "22:00"}, "window"),
        ({"window_end": "soon"}, "window_end"),
        ({"max_attempts": 0}, "max_attempts"),
        ({"concurrency": 0}, "concurrency"),
        ({"retry_after_s": {"bored": 5}}, "bored"),
        ({"channel": Channel.CHAT}, "channel"),
    ],
)
def test_check_campaign_names_the_wrong_field(changes: dict[str, object], place: str) -> None:
    with pytest.raises(BadCampaign, match=place):
        check_campaign(replace(CAMPAIGN, **changes))  # type: ignore[arg-type]


def test_move_campaign_from_done_cannot_start() -> None:
    assert move_campaign("draft", "start") == "running"
    with pytest.raises(BadCampaignMove):
        move_campaign("done", "start")


@pytest.mark.parametrize(
    ("cause", "disposition"),
    [(17, "busy"), (18, "no-answer"), (19, "no-answer"), (21, "declined"), (41, "failed")],
)
def test_disposition_of_cause(cause: int, disposition: str) -> None:
    assert disposition_of_cause(cause) == disposition
