"""The figures of people against short histories: times, surveys, matters, replies."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router import events, kpi
from router.events import Fact
from router.figures.counts import AgentTime, QueueFigures, Scores, added
from router.figures.service_level import Target
from router.figures.tally import Tally
from router.figures.terms import Terms
from router.hours import DAYS, Hours, parse_shift
from router.model import Agent, Presence

T0 = datetime(2026, 1, 5, 9, tzinfo=UTC)
OFFICE = Hours("UTC", {day: (parse_shift("09:00-18:00"),) for day in DAYS[:5]})
OFFICE_TERMS = Terms({"orders": Target(3600)}, {"orders": OFFICE}, frozenset({"lunch"}))


def at(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


def about(kind: type[Fact], one: str, seconds: float, **values: Any) -> Fact:
    return kind(at=at(seconds), interaction_id=one, **values)


def arrived(one: str, seconds: float, customer: str = "maria", **values: Any) -> Fact:
    usual = {"channel": "chat", "direction": "inbound", "conversation_id": one, "address": ""}
    return about(events.InteractionArrived, one, seconds, **usual | values, customer_id=customer)


def queued(one: str, seconds: float, queue: str = "orders", **values: Any) -> Fact:
    usual = {"channel": "chat"} | values
    return about(events.InteractionQueued, one, seconds, queue=queue, **usual)


def accepted(one: str, seconds: float, waited_s: float = 0, **values: Any) -> Fact:
    usual = {"offer_id": "o", "agent_id": "ana", "queue": "orders", "channel": "chat"} | values
    return about(events.OfferAccepted, one, seconds, waited_s=waited_s, **usual)


def ended(one: str, seconds: float, was: str = "agent", **values: Any) -> Fact:
    usual = {"channel": "chat", "ended_by": "agent", "reason": "", "queue": "orders"} | values
    return about(events.InteractionEnded, one, seconds, was=was, **usual)


def filed(one: str, seconds: float) -> Fact:
    values = {"agent_id": "ana", "queue": "orders", "disposition": "resolved"}
    return about(events.WrapUpCompleted, one, seconds, **values)


def said(author: str, one: str, seconds: float, state: str = "agent") -> Fact:
    values = {"message_id": f"{one}{seconds}", "seq": 1, "channel": "chat", "text": "…"}
    return about(events.MessageAdded, one, seconds, author=author, state=state, **values)


def presence(seconds: float, now: str, was: str, reason: str = "") -> Fact:
    return events.PresenceChanged(
        at=at(seconds), agent_id="ana", presence=now, was=was, reason=reason
    )


def scored(score: int, scale: int, agent: str = "ana") -> Fact:
    values = {"channel": "chat", "agent_id": agent, "queue": "orders"}
    return about(events.SurveyAnswered, "s", 900, score=score, scale=scale, **values)


def served(one: str, seconds: float, customer: str = "maria", **values: Any) -> list[Fact]:
    """One contact from arrival to end, in a minute."""
    begun = [arrived(one, seconds, customer, **values), queued(one, seconds)]
    return [*begun, accepted(one, seconds + 10, 10), ended(one, seconds + 60)]


def orders(facts: list[Fact], terms: Terms | None = None) -> QueueFigures:
    return kpi.queue_figures(facts, terms)["orders"]


def time_of(facts: list[Fact], terms: Terms = OFFICE_TERMS) -> AgentTime:
    return kpi.agent_figures(facts, terms)["ana"].time


# -- handling ----------------------------------------------------------------------------


def test_handle_time_with_waiting_is_the_whole_time_of_the_customer() -> None:
    facts = [queued("a", 0), accepted("a", 30, 30), ended("a", 90, wraps_up=True), filed("a", 100)]
    assert (orders(facts).aht_s, orders(facts).aht_wait_s) == (70, 100)


def test_transfer_rate_counts_colleagues_queues_and_numbers_outside_once_each() -> None:
    away = {"from_agent_id": "ana", "target": "x"}
    given = [about(events.InteractionTransferred, "b", 60, **away, way="agent", to_agent_id="ben")]
    outside = [about(events.InteractionTransferred, "c", 60, **away, way="outside")]
    facts = [accepted(one, 0) for one in "abcd"]
    facts += [queued("a", 60, "billing", from_agent_id="ana"), *given, ended("b", 90)]
    facts += [*outside, ended("c", 60), ended("d", 60)]
    assert (orders(facts).transferred, orders(facts).handled) == (3, 4)
    assert orders(facts).transfer_rate == 0.75
    assert kpi.agent_figures(facts)["ana"].transfer_rate == 0.75


def test_mail_kept_overnight_is_not_handled_while_its_agent_is_signed_out() -> None:
    facts = [presence(0, "available", "offline"), accepted("a", 60)]
    facts += [presence(660, "offline", "available"), presence(80_000, "available", "offline")]
    facts += [ended("a", 80_300)]
    assert orders(facts).aht_s == 600 + 300
    assert kpi.agent_figures(facts)["ana"].time.talk_s == 900


# -- surveys -------------------------------------------------------------------------------


def test_satisfaction_and_recommendation_are_apart_with_their_response_rates() -> None:
    facts = [fact for one in "abcd" for fact in served(one, 0)]
    facts += [scored(5, 5), scored(3, 5), scored(9, 10), scored(10, 10), scored(6, 10)]
    figures = orders(facts)
    assert (figures.scores.csat, figures.response_rate) == (0.5, 0.5)
    assert figures.scores.nps == pytest.approx(1 / 3)
    assert figures.nps_response_rate == 0.75


def test_scores_given_to_the_bot_do_not_touch_those_of_people() -> None:
    facts = [*served("a", 0), scored(1, 5, agent=""), scored(5, 5)]
    assert orders(facts).scores == Scores(responses=1, positive=1)
    assert kpi.bot_figures(facts).scores == Scores(responses=1)


# -- agents' time --------------------------------------------------------------------------


def test_every_second_signed_in_is_in_one_part_and_the_rates_follow() -> None:
    facts = [presence(0, "available", "offline"), accepted("a", 100), accepted("b", 150)]
    facts += [ended("a", 200, wraps_up=True), ended("b", 300, wraps_up=False), filed("a", 350)]
    facts += [presence(400, "away", "available", "lunch"), presence(700, "available", "away")]
    facts += [presence(700, "away", "available", "training"), presence(800, "offline", "away")]
    time = time_of(facts)
    assert (time.ready_s, time.talk_s, time.wrap_up_s) == (150, 200, 50)
    assert (time.unpaid_away_s, time.paid_away_s) == (300, 100)
    assert time.away_s == {"lunch": 300, "training": 100}
    assert time.occupancy == 250 / 400
    assert time.utilisation == 400 / 500
    assert time.actual_work_rate == 250 / 500
    assert time.workload_rate == 250 / 800


def test_question_of_a_colleague_is_work_but_no_customers_figure() -> None:
    facts = [presence(0, "available", "offline"), accepted("q", 100, parent_id="a")]
    facts += [ended("q", 160, parent_id="a", wraps_up=False), presence(200, "offline", "available")]
    assert time_of(facts).talk_s == 60
    assert kpi.queue_figures(facts) == {}
    assert kpi.agent_figures(facts)["ana"].handled == 0


def test_time_that_still_runs_is_shown_and_not_counted_twice() -> None:
    tally = Tally(Terms(), T0)
    tally.add(presence(0, "available", "offline"))
    agent = Agent("ana", "Ana", ())
    assert tally.at(at(60), [agent]).agents["ana"].time.ready_s == 60
    assert tally.at(at(90), [agent]).agents["ana"].time.ready_s == 90


def test_agent_of_whom_no_fact_tells_stands_as_the_record_says() -> None:
    lunch = Agent("ana", "Ana", (), presence=Presence.AWAY, presence_reason="lunch")
    time = Tally(OFFICE_TERMS, T0).at(at(60), [lunch]).agents["ana"].time
    assert (time.unpaid_away_s, time.away_s) == (60, {"lunch": 60})


def test_what_an_agent_was_before_the_first_change_is_told_by_it() -> None:
    tally = Tally(OFFICE_TERMS, T0)
    tally.add(presence(60, "available", "away"))
    assert tally.at(at(60)).agents["ana"].time.away_s == {"other": 60}


def test_offers_that_came_to_nothing_are_the_agents() -> None:
    offer = {"offer_id": "o", "agent_id": "ana", "queue": "orders"}
    facts = [about(events.OfferRejected, "a", n, **offer) for n in (1, 2)]
    figures = kpi.agent_figures([*facts, about(events.OfferExpired, "a", 3, **offer)])["ana"]
    assert (figures.rejected, figures.missed) == (2, 1)


# -- matters -------------------------------------------------------------------------------

DAY = 86_400


def fcr(facts: list[Fact]) -> tuple[int, int]:
    figures = orders(facts)
    return figures.matters, figures.resolved


def later(days: float) -> Fact:
    """Something by which time passes."""
    return presence(days * DAY, "available", "offline")


def test_matter_is_solved_at_once_when_nobody_came_back_in_the_days() -> None:
    assert fcr([*served("a", 0), later(6.9)]) == (0, 0)
    assert fcr([*served("a", 0), later(7.1)]) == (1, 1)


def test_coming_back_within_the_days_is_counted_once_and_afterwards_not() -> None:
    again = [*served("b", DAY), *served("c", 2 * DAY)]
    assert fcr([*served("a", 0), *again, later(7.1)]) == (1, 0)
    assert fcr([*served("a", 0), later(7.1), *served("b", 8 * DAY), later(16)]) == (2, 2)


def test_another_customer_or_a_transfer_is_not_coming_back() -> None:
    given = [*served("a", 0)[:3], queued("a", 60, from_agent_id="ana"), accepted("a", 70, 10)]
    assert fcr([*given, ended("a", 90), *served("b", DAY, "ilze"), later(7.1)]) == (1, 1)


def test_going_on_with_the_conversation_is_coming_back_even_if_only_to_the_bot() -> None:
    back = arrived("b", DAY, conversation_id="a", reopens="a")
    assert fcr([*served("a", 0), back, later(7.1)]) == (1, 0)


# -- clocks --------------------------------------------------------------------------------


def test_wait_and_answer_are_counted_in_opening_hours() -> None:
    evening, next_morning = 8.5 * 3600, 24.25 * 3600
    night = next_morning - evening
    facts = [queued("a", evening), accepted("a", next_morning, night)]
    figures = orders([*facts, said("agent", "a", next_morning + 60)], OFFICE_TERMS)
    assert figures.asa_s == 45 * 60
    assert figures.service_level == 1.0
    assert figures.first_response_s == 46 * 60


def test_who_leaves_at_once_while_it_is_closed_is_told_from_who_waited_in_vain() -> None:
    night = 12 * 3600
    facts = [ended("a", night, "waiting", waited_s=3), ended("b", night, "waiting", waited_s=600)]
    figures = orders(facts, OFFICE_TERMS)
    assert (figures.abandoned, figures.short_abandoned) == (2, 1)


def test_first_response_is_the_first_words_of_a_person_not_of_the_bot() -> None:
    facts = [arrived("a", 0), said("bot", "a", 1, "bot"), queued("a", 60), accepted("a", 70, 10)]
    facts += [said("system", "a", 71), said("agent", "a", 100), said("agent", "a", 200)]
    figures = orders(facts)
    assert (figures.first_responses, figures.first_response_s) == (1, 40)
    assert figures.replies == 0


def test_reply_runs_from_the_first_unanswered_words() -> None:
    facts = [queued("a", 0), accepted("a", 10, 10), said("agent", "a", 20)]
    facts += [said("customer", "a", 100), said("customer", "a", 130), said("agent", "a", 160)]
    figures = orders(facts)
    assert (figures.replies, figures.reply_s, figures.first_response_s) == (1, 60, 20)


def test_on_the_telephone_the_answer_is_the_response() -> None:
    voice = {"channel": "voice"}
    assert orders([queued("a", 0, **voice), accepted("a", 12, 12, **voice)]).first_response_s == 12


def test_reply_after_reopening_runs_from_then_and_is_no_first_response() -> None:
    facts = [*served("a", 0)[:3], said("agent", "a", 20), ended("a", 60)]
    facts += [arrived("b", DAY, conversation_id="a", reopens="a"), queued("b", DAY)]
    facts += [accepted("b", DAY + 30, 30), said("agent", "b", DAY + 50)]
    figures = orders(facts)
    assert (figures.first_responses, figures.first_response_s) == (1, 20)
    assert (figures.replies, figures.reply_s) == (1, 50)


def test_nothing_runs_once_it_is_over() -> None:
    done = [*served("a", 0)[:3], said("agent", "a", 20), said("customer", "a", 30), ended("a", 60)]
    after = [said("customer", "a", 70, "ended"), said("agent", "a", 5000, "ended")]
    assert orders([*done, *after]) == orders(done)
    idle = [presence(9000, "offline", "available")]
    assert orders([*done, *after, *idle]).handle_s == 50


# -- days ----------------------------------------------------------------------------------

PIECES = st.lists(
    st.tuples(
        st.sampled_from("abcd"),
        st.sampled_from(["queue", "accept", "end", "file", "say", "ask", "away", "back"]),
        st.integers(1, 50_000),
    ),
    max_size=40,
)


def facts_of(pieces: list[tuple[str, str, int]]) -> list[Fact]:
    """Any history, possible or not, in order of time."""
    made: list[Fact] = [presence(0, "available", "offline")]
    clock = 0
    for one, what, step in pieces:
        clock += step
        made.append(
            {
                "queue": queued(one, clock, channel="email" if one == "a" else "chat"),
                "accept": accepted(one, clock, step, channel="email" if one == "a" else "chat"),
                "end": ended(one, clock, wraps_up=one in "ab"),
                "file": filed(one, clock),
                "say": said("agent", one, clock),
                "ask": said("customer", one, clock),
                "away": presence(clock, "away", "available", "lunch"),
                "back": presence(clock, "available", "away"),
            }[what]
        )
    return made


@given(PIECES, st.integers(0, 60))
def test_days_added_up_are_the_whole(pieces: list[tuple[str, str, int]], cut: int) -> None:
    """Wherever midnight falls, nothing is lost and nothing is counted twice."""
    facts = facts_of(pieces)
    whole = Tally(OFFICE_TERMS, T0)
    first = Tally(OFFICE_TERMS, T0)
    for fact in facts:
        whole.add(fact)
    for fact in facts[:cut]:
        first.add(fact)
    midnight = facts[min(cut, len(facts) - 1)].at
    second = Tally(OFFICE_TERMS, midnight, first.close(midnight))
    for fact in facts[cut:]:
        second.add(fact)
    end = facts[-1].at + timedelta(seconds=10)
    whole.close(end)
    second.close(end)
    for kind, one, parts in (
        ("queues", whole.day.queues.get("orders", {}), [first, second]),
        ("agents", whole.day.agents, [first, second]),
    ):
        for name, figures in one.items():
            days = [getattr(part.day, kind) for part in parts]
            days = [day.get("orders", {}) if kind == "queues" else day for day in days]
            found = added(type(figures), [day[name] for day in days if name in day])
            assert vars_of(found) == pytest.approx(vars_of(figures))


@given(PIECES)
def test_parts_of_an_agents_time_make_up_the_time_signed_in(
    pieces: list[tuple[str, str, int]],
) -> None:
    facts = facts_of(pieces)
    time = time_of(facts)
    assert time.signed_in_s == pytest.approx((facts[-1].at - T0).total_seconds())
    rates = (time.occupancy, time.utilisation, time.actual_work_rate, time.workload_rate)
    assert all(rate is None or 0 <= rate <= 1 for rate in rates)


def vars_of(figures: object) -> dict[str, float]:
    """All numbers by name, those of parts too."""
    found: dict[str, float] = {}
    for name in figures.__slots__:  # type: ignore[attr-defined]
        value = getattr(figures, name)
        if isinstance(value, dict):
            found |= {f"{name}.{key}": each for key, each in value.items()}
        elif isinstance(value, int | float):
            found[name] = value
        else:
            found |= {f"{name}.{key}": each for key, each in vars_of(value).items()}
    return found


def test_tally_remembers_only_what_is_open() -> None:
    tally = Tally(Terms(), T0)
    for n in range(50):
        for fact in [*served(f"i{n}", n, f"c{n}"), said("customer", f"i{n}", n + 90, "ended")]:
            tally.add(fact)
    tally.add(queued("open", 100))
    assert set(tally.close(at(200)).open) == {"open"}


def suggestion(one: str, seconds: float, how: str = "sent") -> Fact:
    return events.SuggestionNoted(
        at=at(seconds),
        interaction_id=one,
        suggestion_id="s",
        agent_id="ana",
        kind="answer",
        how=how,
    )


def test_lines_made_of_suggestions_and_handling_with_and_without_them() -> None:
    facts = [
        *(arrived("with", 0), queued("with", 0), accepted("with", 0)),
        *(said("agent", "with", 10), suggestion("with", 10), said("agent", "with", 20)),
        *(suggestion("with", 21, "shown"), suggestion("with", 22, "dismissed")),
        *(ended("with", 60), filed("with", 90)),
        *(arrived("not", 100), queued("not", 100), accepted("not", 100)),
        *(said("agent", "not", 110), suggestion("not", 111, "inserted"), ended("not", 300)),
    ]
    queue = kpi.queue_figures(facts)["orders"]
    assert (queue.written, queue.suggested, queue.suggestion_share) == (3, 1, 1 / 3)
    assert (queue.assisted_aht_s, queue.unassisted_aht_s) == (90, 200)


def test_suggestion_of_an_earlier_agent_does_not_count_for_the_next_one() -> None:
    facts = [
        *(arrived("one", 0), queued("one", 0), accepted("one", 0), suggestion("one", 5)),
        *(queued("one", 10, from_agent_id="ana"), accepted("one", 20, agent_id="ben")),
        ended("one", 50, agent_id="ben"),
    ]
    queue = kpi.queue_figures(facts)["orders"]
    assert (queue.assisted, queue.handled, queue.assisted_s) == (1, 2, 10)
