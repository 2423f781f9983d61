"""What agents did besides work today."""

from datetime import UTC, datetime, timedelta

from gateway.desk.pauses import OTHER, agent_days
from router.events import Fact, OfferExpired, OfferRejected, PresenceChanged
from router.model import Agent, Presence

BEGIN = datetime(2026, 3, 2, tzinfo=UTC)
NOW = BEGIN + timedelta(hours=12)


def at(hours: float) -> datetime:
    return BEGIN + timedelta(hours=hours)


def moved(hours: float, presence: str, was: str, reason: str = "") -> PresenceChanged:
    return PresenceChanged(at=at(hours), agent_id="ana", presence=presence, was=was, reason=reason)


def ana(presence: Presence = Presence.AVAILABLE, reason: str = "", since: float = 0) -> Agent:
    return Agent(
        "ana", "Ana", (), presence=presence, presence_reason=reason, presence_since=at(since)
    )


def away(facts: list[Fact], agent: Agent) -> dict[str, float]:
    return dict(agent_days(facts, [agent], BEGIN, NOW)["ana"].away_s)


def test_pauses_of_one_reason_are_added_up_and_the_running_one_counts() -> None:
    facts: list[Fact] = [
        moved(8, "available", "offline"),
        moved(9, "away", "available", "break"),
        moved(9.5, "available", "away"),
        moved(11, "away", "available", "break"),
    ]
    assert away(facts, ana(Presence.AWAY, "break", 11)) == {"break": 1.5 * 3600}


def test_pause_that_began_yesterday_counts_from_midnight() -> None:
    facts: list[Fact] = [moved(1, "available", "away")]
    assert away(facts, ana(since=1)) == {OTHER: 3600.0}
    assert away([], ana(Presence.AWAY, "no answer", -5)) == {"no answer": 12 * 3600.0}


def test_time_signed_out_is_no_pause() -> None:
    assert away([moved(8, "offline", "available")], ana(Presence.OFFLINE, "", 8)) == {}


def test_refused_and_missed_offers_are_counted() -> None:
    facts: list[Fact] = [
        OfferRejected(at=at(9), offer_id="1", agent_id="ana", queue="orders"),
        OfferRejected(at=at(9), offer_id="2", agent_id="ana", queue="orders"),
        OfferExpired(at=at(10), offer_id="3", agent_id="ana", queue="orders"),
    ]
    day = agent_days(facts, [ana()], BEGIN, NOW)["ana"]
    assert (day.rejected, day.missed) == (2, 1)
