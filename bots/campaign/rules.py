"""Who may be contacted now: the pure rules of a campaign.

1. A do-not-contact entry is asked at the moment of the attempt and is final.
2. A contact is reached only inside the campaign's window in the contact's own time zone.
   Outside it nothing is attempted; the contact becomes due when the window opens.
3. A contact has at most ``max_attempts`` attempts; a disposition that the campaign names in
   ``retry_after_s`` makes it due again after that delay, any other one is final.
4. An interrupted attempt is never repeated under its own number.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from router.errors import ParleyError
from router.model import Campaign, Channel, Contact, Disposition

BUSY_RETRY_S = 5 * 60
NO_ANSWER_RETRY_S = 60 * 60
FAILED_RETRY_S = 15 * 60
INTERRUPTED_RETRY_S = 30 * 60
RETRY_AFTER_S: Mapping[str, int] = {
    Disposition.BUSY: BUSY_RETRY_S,
    Disposition.NO_ANSWER: NO_ANSWER_RETRY_S,
    Disposition.FAILED: FAILED_RETRY_S,
    Disposition.INTERRUPTED: INTERRUPTED_RETRY_S,
}
"""The retry policy of a campaign that names none of its own."""

# Q.850 cause numbers, as the SIP side maps them from status codes (RFC 4497, 8.4.4).
CAUSE_DISPOSITIONS: Mapping[int, Disposition] = {
    17: Disposition.BUSY,
    18: Disposition.NO_ANSWER,
    19: Disposition.NO_ANSWER,
    20: Disposition.NO_ANSWER,
    21: Disposition.DECLINED,
    102: Disposition.NO_ANSWER,
}

CAMPAIGN_STATES = ("draft", "running", "paused", "done")
CAMPAIGN: Mapping[tuple[str, str], str] = {
    ("draft", "start"): "running",
    ("paused", "start"): "running",
    ("running", "pause"): "paused",
    ("running", "finish"): "done",
    ("draft", "cancel"): "done",
    ("running", "cancel"): "done",
    ("paused", "cancel"): "done",
}


class BadCampaignMove(ParleyError):
    """The campaign is not in a state in which this is possible. Reload the page."""


class BadCampaign(ParleyError):
    """A campaign's settings are wrong; the message names the field and what it may be."""


class Act(StrEnum):
    """What to do about a contact at this moment."""

    ATTEMPT = "attempt"
    WAIT = "wait"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The decision about one contact. ``at`` is when to look again, for ``WAIT``."""

    act: Act
    disposition: Disposition | None = None
    reason: str = ""
    at: datetime | None = None


def move_campaign(state: str, act: str) -> str:
    """The campaign's state after ``act``. Raises ``BadCampaignMove``."""
    try:
        return CAMPAIGN[state, act]
    except KeyError:
        raise BadCampaignMove(f"a campaign that is {state} cannot {act}") from None


def check_campaign(campaign: Campaign) -> None:
    """Raise ``BadCampaign`` when a setting makes no sense."""
    if campaign.channel not in (Channel.VOICE, Channel.SMS):
        raise BadCampaign(f"channel: {campaign.channel} cannot go out; use voice or sms")
    if not campaign.name.strip():
        raise BadCampaign("name: a campaign needs a name")
    start = _local_time(campaign.window_start, "window_start")
    end = _local_time(campaign.window_end, "window_end")
    if start >= end:
        raise BadCampaign(f"window: {start:%H:%M} is not before {end:%H:%M}")
    if campaign.max_attempts < 1:
        raise BadCampaign(f"max_attempts: {campaign.max_attempts} is less than 1")
    if campaign.concurrency < 1:
        raise BadCampaign(f"concurrency: {campaign.concurrency} is less than 1")
    for name, delay_s in campaign.retry_after_s.items():
        if name not in set(Disposition):
            raise BadCampaign(f"retry_after_s: {name!r} is not a disposition")
        if delay_s < 0:
            raise BadCampaign(f"retry_after_s.{name}: {delay_s} is less than 0 seconds")


def decide(campaign: Campaign, contact: Contact, now: datetime, *, do_not_contact: bool) -> Verdict:
    """Attempt the contact now, wait, or refuse it for good (rules 1 to 3)."""
    if do_not_contact:
        reason = f"{contact.address} is on the do-not-contact list"
        return Verdict(Act.REFUSE, Disposition.DO_NOT_CONTACT, reason)
    if contact.attempts >= campaign.max_attempts:
        reason = f"all {campaign.max_attempts} attempts are used"
        return Verdict(Act.REFUSE, None, reason)
    opens_at = next_opening(campaign, contact.timezone, now)
    if opens_at > now:
        local = now.astimezone(ZoneInfo(contact.timezone))
        reason = (
            f"{local:%H:%M} in {contact.timezone} is outside "
            f"{campaign.window_start}-{campaign.window_end}"
        )
        return Verdict(Act.WAIT, Disposition.OUTSIDE_WINDOW, reason, opens_at)
    if contact.next_at is not None and contact.next_at > now:
        return Verdict(Act.WAIT, None, "not due yet", contact.next_at)
    return Verdict(Act.ATTEMPT)


def next_opening(campaign: Campaign, timezone: str, now: datetime) -> datetime:
    """``now`` inside the window, else when it next opens, UTC.

    The window is ``[start, end)`` on the wall clock of ``timezone``, every day.
    """
    zone = ZoneInfo(timezone)
    local = now.astimezone(zone)
    start = _local_time(campaign.window_start, "window_start")
    end = _local_time(campaign.window_end, "window_end")
    if start <= local.time() < end:
        return now
    day = local.date() if local.time() < start else local.date() + timedelta(days=1)
    return datetime.combine(day, start, zone).astimezone(now.tzinfo)


def after_attempt(
    campaign: Campaign, contact: Contact, disposition: Disposition, now: datetime
) -> Contact:
    """The contact once an attempt ended so: due again, done or exhausted (rule 3)."""
    delay_s = campaign.retry_after_s.get(disposition)
    if delay_s is None:
        return replace(contact, state="done", next_at=None)
    if contact.attempts >= campaign.max_attempts:
        return replace(contact, state="exhausted", next_at=None)
    due = next_opening(campaign, contact.timezone, now + timedelta(seconds=delay_s))
    return replace(contact, state="open", next_at=due)


def disposition_of_cause(cause: int) -> Disposition:
    """How an unanswered call ended, from its Q.850 cause number."""
    return CAUSE_DISPOSITIONS.get(cause, Disposition.FAILED)


def _local_time(text: str, name: str) -> time:
    try:
        return time.fromisoformat(text)
    except ValueError:
        raise BadCampaign(f"{name}: {text!r} is not a time like 08:00") from None
