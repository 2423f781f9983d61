"""Figures from events, against hand-made histories."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from router import events, kpi
from router.acts.parties import TransferOutcome
from router.events import Fact

T0 = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


def queued(one: str, when: float, from_agent: str = "", queue: str = "orders") -> Fact:
    return events.InteractionQueued(
        at=at(when), interaction_id=one, queue=queue, channel="chat", from_agent_id=from_agent
    )


def accepted(one: str, when: float, waited: float, queue: str = "orders") -> Fact:
    return events.OfferAccepted(
        at=at(when),
        interaction_id=one,
        offer_id="o",
        agent_id="ana",
        queue=queue,
        channel="chat",
        waited_s=waited,
    )


def ended(
    one: str, when: float, was: str, waited: float | None = None, by: str = "customer"
) -> Fact:
    return events.InteractionEnded(
        at=at(when),
        interaction_id=one,
        channel="chat",
        ended_by=by,
        reason="",
        was=was,
        queue="orders",
        waited_s=waited,
    )


def filed(one: str, when: float) -> Fact:
    return events.WrapUpCompleted(
        at=at(when), interaction_id=one, agent_id="ana", queue="orders", disposition="resolved"
    )


def test_service_level_leaves_out_short_abandons() -> None:
    facts = [queued(str(n), 0) for n in range(4)]
    facts += [accepted("0", 10, 10), accepted("1", 30, 30)]
    facts += [ended("2", 3, "waiting", 3), ended("3", 40, "offered", 40)]
    figures = kpi.queue_figures(facts)["orders"]
    assert figures.service_level == pytest.approx(1 / 3)
    assert figures.asa_s == 20
    assert figures.abandonment == pytest.approx(0.5)


def test_service_level_matches_the_published_check_value() -> None:
    facts = [accepted(f"a{n}", 0, 10 if n < 860 else 30) for n in range(1000)]
    facts += [ended(f"b{n}", 0, "waiting", 3 if n < 10 else 50) for n in range(60)]
    level = kpi.queue_figures(facts)["orders"].service_level
    assert level == pytest.approx(0.8190, abs=5e-5)


def test_handle_time_includes_wrap_up_and_counts_once() -> None:
    facts = [queued("a", 0), accepted("a", 5, 5), ended("a", 65, "agent"), filed("a", 95)]
    assert kpi.queue_figures(facts)["orders"].aht_s == 90
    assert kpi.agent_figures(facts)["ana"].handled == 1


def test_queue_without_wrap_up_still_has_a_handle_time() -> None:
    facts = [queued("a", 0), accepted("a", 5, 5), ended("a", 65, "agent")]
    figures = kpi.queue_figures(facts)["orders"]
    assert (figures.handled, figures.aht_s) == (1, 60)


def test_transfer_counts_for_the_queue_it_left() -> None:
    facts = [queued("a", 0), accepted("a", 5, 5), queued("a", 65, "ana", "billing")]
    figures = kpi.queue_figures(facts)
    assert figures["orders"].transferred == 1
    assert figures["orders"].aht_s == 60
    assert figures["billing"].arrived == 1


def test_bot_is_not_credited_for_callers_who_gave_up() -> None:
    def started(one: str) -> Fact:
        return events.BotStarted(at=T0, interaction_id=one, channel="voice", flow="f")

    handoff = events.HandoffRequested(at=T0, interaction_id="c", reason="asked", queue="orders")
    facts = [started("a"), started("b"), started("c"), handoff]
    facts += [ended("a", 1, "bot", by="bot"), ended("b", 1, "bot"), ended("c", 9, "waiting", 8)]
    figures = kpi.bot_figures(facts)
    assert (figures.started, figures.contained, figures.abandoned) == (3, 1, 1)
    assert figures.containment == pytest.approx(1 / 3)


def test_caller_whom_the_bot_put_through_outside_is_handed_over_not_contained() -> None:
    begun = events.BotStarted(at=T0, interaction_id="a", channel="voice", flow="f")
    values: dict[str, Any] = {"from_agent_id": "", "way": "outside", "target": "installers"}
    went = events.InteractionTransferred(at=T0, interaction_id="a", **values)
    figures = kpi.bot_figures([begun, went, ended("a", 1, "bot", by="bot")])
    assert (figures.handed_off, figures.contained) == (1, 0)


def about(kind: type[Fact], one: str, moment: float, **values: Any) -> Fact:
    return kind(at=at(moment), interaction_id=one, **values)


def asks_for_a_call(one: str, when: float) -> Fact:
    return about(events.CallbackRequested, one, when, queue="orders", number="+371")


def scheduled(one: str, when: float) -> Fact:
    values: dict[str, Any] = {"queue": "orders", "number": "+371", "due_at": at(when + 60)}
    return about(events.CallbackScheduled, one, when, **values)


def overflowed(one: str, moment: float, way: str) -> Fact:
    return events.InteractionOverflowed(
        at=at(moment), interaction_id=one, queue="orders", channel="voice", when="waited", way=way
    )


def test_who_asked_to_be_called_back_has_not_given_up() -> None:
    facts = [queued("a", 0), asks_for_a_call("a", 30), ended("a", 90, "waiting", 90, by="agent")]
    figures = kpi.queue_figures(facts)["orders"]
    assert (figures.arrived, figures.abandoned, figures.callbacks) == (1, 0, 1)


def test_callback_that_waits_for_its_time_is_one_arrival_and_several_calls_one_answer() -> None:
    failed: dict[str, Any] = {"queue": "orders", "agent_id": "ana", "attempt": 1}
    missed = about(events.CallbackFailed, "a", 110, outcome=TransferOutcome.NO_ANSWER, **failed)
    facts = [queued("a", 0), scheduled("a", 30), queued("a", 90), accepted("a", 100, 10)]
    facts += [missed, scheduled("a", 110), queued("a", 170), accepted("a", 180, 10)]
    facts += [ended("a", 240, "agent")]
    figures = kpi.queue_figures(facts)["orders"]
    assert (figures.arrived, figures.answered, figures.abandoned) == (1, 1, 0)
    assert figures.handle_s == 10 + 60


def test_caller_who_hangs_up_after_a_callback_was_answered_has_given_up() -> None:
    facts = [queued("a", 0), asks_for_a_call("a", 5), accepted("a", 60, 60)]
    facts += [queued("a", 120, "ana", "billing"), ended("a", 150, "waiting", 30)]
    assert kpi.queue_figures(facts)["orders"].abandoned == 1


@pytest.mark.parametrize(
    ("way", "given_up"), [("end", 0), ("email", 0), ("queue", 1), ("number", 1), ("wait", 1)]
)
def test_end_that_the_queues_rule_made_is_no_giving_up(way: str, given_up: int) -> None:
    facts = [queued("a", 0), overflowed("a", 60, way), ended("a", 60, "waiting", 60)]
    figures = kpi.queue_figures(facts)["orders"]
    assert (figures.abandoned, figures.overflowed) == (given_up, int(way != "wait"))


def test_call_that_somebody_outside_took_from_the_queue_is_not_given_up() -> None:
    gone = about(
        events.InteractionTransferred, "a", 70, from_agent_id="", way="outside", target="+371"
    )
    facts = [queued("a", 0), overflowed("a", 60, "number"), gone]
    figures = kpi.queue_figures([*facts, ended("a", 70, "waiting", 70, by="system")])
    assert figures["orders"].abandoned == 0


def test_agent_who_goes_on_after_a_question_has_the_seconds_from_then_on() -> None:
    given = about(
        events.InteractionTransferred,
        "a",
        65,
        from_agent_id="ana",
        to_agent_id="ben",
        way="agent",
        target="ben",
    )
    facts = [queued("a", 0), accepted("a", 5, 5), given, ended("a", 95, "agent")]
    agents = kpi.agent_figures(facts)
    assert (agents["ana"].handle_s, agents["ben"].handle_s) == (60, 30)
    orders = kpi.queue_figures(facts)["orders"]
    assert (orders.handled, orders.aht_s, orders.transferred) == (1, 90, 1)


def test_voicemail_and_its_item_are_one_arrival() -> None:
    def arrived(one: str, channel: str) -> Fact:
        values = {"direction": "inbound", "customer_id": "c", "conversation_id": "d"}
        return about(events.InteractionArrived, one, 0, channel=channel, address="", **values)

    left = about(
        events.VoicemailLeft, "a", 60, queue="orders", path="x.wav", duration_s=9.0, item_id="b"
    )
    facts = [arrived("a", "voice"), arrived("b", "email"), left]
    assert kpi.channel_arrivals(facts) == {"voice": 1}
