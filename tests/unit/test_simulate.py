"""The simulator: the real distributor in virtual time, event by event."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

from router.simulate.demand import Demand, chance_of, draw
from router.simulate.run import Outcome, Record, simulate
from router.simulate.scenario import Scenario, parse_scenario
from router.simulate.tally import ALL, tally


def scenario(**changes: Any) -> Scenario:
    """One queue, two agents, one call an hour unless changed."""
    base: dict[str, Any] = {
        "hours": 2,
        "queues": [{"id": "q", "wrap_up": {"mode": "optional"}}],
        "people": [{"login": "ann", "queues": ["q"]}, {"login": "bob", "queues": ["q"]}],
        "demand": [calls()],
    }
    return parse_scenario({**base, **changes})


def calls(*at: float, **changes: Any) -> dict[str, Any]:
    """Calls at these seconds, a minute each."""
    return {"queue": "q", "arrivals_s": list(at) or [0], "talk_s": 60, **changes}


def play(found: Scenario, run: int = 0) -> tuple[Demand, Record]:
    """One run of it."""
    chance = chance_of(found.seed, run)
    demand = draw(found.streams, found.duration_s, chance)
    return demand, simulate(found, demand, chance)


def test_same_seed_same_day_other_seed_another() -> None:
    found = scenario(demand=[calls_per_hour(40)])
    first, again, other = play(found)[1], play(found)[1], play(found, run=1)[1]
    assert np.array_equal(first.wait_s, again.wait_s)
    assert not np.array_equal(first.wait_s, other.wait_s)


def calls_per_hour(rate: float, **changes: Any) -> dict[str, Any]:
    """Poisson calls of two minutes on average."""
    return {"queue": "q", "per_hour": rate, "talk_s": {"exponential": 120}, **changes}


def test_calls_wait_their_turn_and_keep_the_order() -> None:
    _, record = play(scenario(demand=[calls(0, 1, 2, 3)]))
    assert record.wait_s == pytest.approx([0, 0, 58, 58], abs=1e-3)
    assert record.queued.tolist() == [False, False, True, True]
    assert record.outcome.tolist() == [Outcome.ANSWERED] * 4


def test_the_impatient_leave_when_their_patience_ends() -> None:
    found = scenario(
        people=[{"login": "ann", "queues": ["q"]}], demand=[calls(0, 1, 2, patience_s=30)]
    )
    _, record = play(found)
    assert record.outcome.tolist() == [Outcome.ANSWERED, Outcome.ABANDONED, Outcome.ABANDONED]
    assert record.wait_s == pytest.approx([0, 30, 30], abs=1e-3)


def test_wrap_up_keeps_the_agent_busy_up_to_the_queue_s_limit() -> None:
    queue = {"id": "q", "wrap_up": {"mode": "limited", "limit_s": 20}}
    one = [{"login": "ann", "queues": ["q"]}]
    found = scenario(queues=[queue], people=one, demand=[calls(0, 1, wrap_up_s=45)])
    _, record = play(found)
    assert record.wait_s[1] == pytest.approx(79, abs=1e-3)
    assert record.handle_s.tolist() == [80, 80]


@pytest.mark.parametrize(
    ("mode", "wait_s"), [("optional", 0), ("none", 0), ("mandatory", 55), ("limited", 25)]
)
def test_a_chat_s_wrap_up_keeps_from_everything_unless_it_is_optional(
    mode: str, wait_s: float
) -> None:
    # The second chat would fit beside the first, but comes during its wrap-up.
    queue = {"id": "q", "wrap_up": {"mode": mode, "limit_s": 30}}
    one = [{"login": "ann", "queues": ["q"]}]
    chats = [
        calls(0, name="first", channel="chat", talk_s=20, wrap_up_s=60),
        calls(25, name="second", channel="chat"),
    ]
    _, record = play(scenario(queues=[queue], people=one, demand=chats))
    assert record.wait_s[1] == pytest.approx(wait_s, abs=1e-3)


def test_ringing_counts_as_waiting_and_the_first_to_answer_wins() -> None:
    queue = {"id": "q", "wrap_up": {"mode": "none"}, "strategy": "ring-all"}
    found = scenario(
        queues=[queue],
        staff={"ann": {"answer_s": 9}, "bob": {"answer_s": 4}},
        demand=[calls(0, 10)],
    )
    _, record = play(found)
    assert record.wait_s == pytest.approx([4, 9], abs=1e-3)
    assert [record.agents[i] for i in record.agent] == ["bob", "ann"]


def test_a_missed_offer_sends_the_agent_away_and_the_call_to_the_next() -> None:
    found = scenario(
        staff={"ann": {"missed": 1.0, "back_after_s": 3600}}, demand=[calls(0, 100, 200)]
    )
    _, record = play(found)
    # Rings 15 s at ann, who is away from then on.
    assert record.wait_s == pytest.approx([15, 0, 0], abs=1e-3)
    assert {record.agents[i] for i in record.agent} == {"bob"}


def test_shifts_end_with_the_work_in_hand_and_later_calls_stay_unserved() -> None:
    found = scenario(
        start="2026-06-01T08:00",
        people=[{"login": "ann", "queues": ["q"]}],
        staff={"ann": {"shifts": ["08:10-09:00"]}},
        demand=[calls(0, 3590, 3600)],
    )
    demand, record = play(found)
    assert record.outcome.tolist() == [Outcome.ANSWERED, Outcome.ANSWERED, Outcome.UNSERVED]
    assert record.wait_s[0] == pytest.approx(600, abs=1e-3)
    assert (record.duty.begin.tolist(), record.duty.end.tolist()) == ([600], [3650])
    sums = tally(found, demand, record).scopes[ALL]["abandonment"]
    assert (sums.part[0], sums.whole[0]) == (1, 3)


def test_an_offer_that_rings_past_the_shift_does_not_count_duty_twice() -> None:
    found = scenario(
        start="2026-06-01T08:00",
        people=[{"login": "ann", "queues": ["q"]}],
        staff={"ann": {"shifts": ["08:00-09:00"], "answer_s": 5}},
        demand=[calls(3598)],
    )
    _, record = play(found)
    assert sorted(zip(record.duty.begin.tolist(), record.duty.end.tolist(), strict=True)) == [
        (0, pytest.approx(3600)),
        (pytest.approx(3603), pytest.approx(3663)),
    ]


def test_steps_let_others_take_it_when_their_time_has_come() -> None:
    queue = {"id": "q", "steps": [{"after_s": 30, "waive": ["lv"]}]}
    people = [
        {"login": "ann", "queues": ["q"], "skills": {"lv": 4}},
        {"login": "bob", "queues": ["q"]},
    ]
    found = scenario(
        queues=[queue], people=people, demand=[calls(0, 1, talk_s=300, skills={"lv": 3})]
    )
    _, record = play(found)
    assert record.wait_s == pytest.approx([0, 30], abs=1e-3)


def test_chats_are_taken_together_and_calls_are_not() -> None:
    one = [{"login": "ann", "queues": ["q"], "capacity": {"chat": 2}}]
    _, chats = play(scenario(people=one, demand=[calls(0, 1, 2, channel="chat")]))
    assert chats.wait_s == pytest.approx([0, 0, 58], abs=1e-3)
    assert chats.busy.end - chats.busy.begin == pytest.approx([120], abs=1e-3)
    _, voice = play(scenario(people=one, demand=[calls(0, 1)]))
    assert voice.wait_s[1] == pytest.approx(59, abs=1e-3)


def test_a_priority_customer_goes_ahead_by_the_boost() -> None:
    queue = {"id": "q", "boosts": {"vip_s": 300}, "wrap_up": {"mode": "none"}}
    found = scenario(
        queues=[queue],
        people=[{"login": "ann", "queues": ["q"]}],
        demand=[calls(0, 1, name="usual"), calls(2, name="vip", vip=1.0)],
    )
    _, record = play(found)
    assert record.wait_s == pytest.approx([0, 119, 58], abs=1e-3)


@pytest.mark.parametrize(
    ("rule", "outcome", "wait_s"),
    [
        ({"when": "waited", "over_s": 20, "to": {"queue": "spare"}}, Outcome.ANSWERED, 20),
        ({"when": "waited", "over_s": 20, "to": {"voicemail": True}}, Outcome.ELSEWHERE, 20),
        ({"when": "unstaffed", "to": {"queue": "spare"}}, Outcome.ANSWERED, 59),
        ({"when": "full", "to": {"end": True}}, Outcome.ELSEWHERE, 0),
    ],
    ids=["to another queue", "to voicemail", "staffed", "full"],
)
def test_overflow_rules_are_those_of_production(
    rule: Mapping[str, Any], outcome: Outcome, wait_s: float
) -> None:
    most = {"most_waiting": 1} if rule["when"] == "full" else {}
    queues = [{"id": "q", "overflow": [rule], "wrap_up": {"mode": "none"}, **most}, {"id": "spare"}]
    people = [{"login": "ann", "queues": ["q"]}, {"login": "bob", "queues": ["spare"]}]
    arrivals = [0, 0.5, 1] if most else [0, 1]
    _, record = play(scenario(queues=queues, people=people, demand=[calls(*arrivals)]))
    assert record.outcome[-1] == outcome
    assert record.wait_s[-1] == pytest.approx(wait_s, abs=1e-3)


def test_a_closed_queue_s_calls_go_to_the_default_queue() -> None:
    weekly = {"mon": ["09:00-10:00"]}
    queues = [{"id": "q", "hours": {"weekly": weekly}}, {"id": "night"}]
    people = [{"login": "ann", "queues": ["q"]}, {"login": "bob", "queues": ["night"]}]
    found = scenario(
        start="2026-06-01T08:00",
        queues=queues,
        default_queue="night",
        people=people,
        demand=[calls(0, 3700)],
    )
    _, record = play(found)
    assert [record.agents[i] for i in record.agent] == ["bob", "ann"]


@pytest.mark.parametrize(
    ("strategy", "check"),
    [
        ("top-down", lambda busy: busy[0] > 2 * busy[3]),
        ("longest-idle", lambda busy: max(busy) < 1.2 * min(busy)),
        ("least-occupied", lambda busy: max(busy) < 1.05 * min(busy)),
        ("least-talk-time", lambda busy: max(busy) < 1.05 * min(busy)),
    ],
)
def test_strategies_share_work_as_they_promise(
    strategy: str, check: Callable[[list[float]], bool]
) -> None:
    found = scenario(
        hours=24,
        queues=[{"id": "q", "strategy": strategy, "wrap_up": {"mode": "none"}}],
        people=[{"login": f"a{i}", "queues": [{"id": "q", "order": i}]} for i in range(1, 5)],
        demand=[calls_per_hour(45)],
    )
    _, record = play(found)
    seconds = np.bincount(record.agent, record.handle_s, minlength=4).tolist()
    assert check(seconds), seconds


def test_tally_divides_the_day_and_leaves_the_warm_up_out() -> None:
    found = scenario(
        hours=2, warm_up_min=60, interval_min=30, demand=[calls(10, 3700, 6000, 6001, 6002)]
    )
    demand, record = play(found)
    sums = tally(found, demand, record).scopes[ALL]
    assert sums["arrived"].part.tolist() == [4, 1, 3]
    assert sums["waited"].part.tolist() == [1, 0, 1]
    assert sums["occupancy"].part[1:] == pytest.approx([60, 60 * 3], abs=0.01)
    assert sums["occupancy"].whole.tolist() == [7200, 3600, 3600]


def test_service_level_is_kpi_s_own_form() -> None:
    # Of two who wait one gives up within 5 s and does not count.
    found = scenario(
        people=[{"login": "ann", "queues": ["q"]}],
        demand=[calls(0, name="a"), calls(1, name="b", patience_s=3), calls(2, name="c")],
    )
    demand, record = play(found)
    sums = tally(found, demand, record).scopes[ALL]
    level = sums["service_level"]
    assert (level.part[0], level.whole[0]) == (1, 2)
    assert (sums["all_level"].part[0], sums["all_level"].whole[0]) == (1, 3)


def test_a_queue_that_nobody_serves_comes_to_an_end() -> None:
    """Endless patience and one agent for a minute: one is answered, the run still ends."""
    found = scenario(
        start="2026-06-01T08:00",
        staff={"ann": {"shifts": ["09:30-09:31"]}, "bob": {"count": 0}},
        demand=[calls_per_hour(500)],
    )
    demand, record = play(found)
    assert (record.outcome == Outcome.ANSWERED).sum() == 1
    assert (record.outcome == Outcome.UNSERVED).sum() == len(demand) - 1
    assert np.isfinite(record.wait_s).all()
