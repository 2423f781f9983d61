"""Which of the free agents gets it: the nine strategies."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from random import Random

from router.acd import Acd
from router.model import Agent, Channel, Presence
from router.rules import Evaluation, Membership, Rules, Step, Strategy, TierOpening, WorkDay
from tests.acd_floor import NOW, TODAY, Floor, agent, person, queue

CALL = {Channel.VOICE: 1}
HOUR = 3600.0


def day(
    handled: int = 0, talk_s: float = 0, handling_s: float = 0, available_s: float = 0
) -> WorkDay:
    return WorkDay(TODAY, handled, talk_s, handling_s, available_s)


def calls(strategy: Strategy, *agents: Agent, count: int | None = None) -> list[str]:
    """Who gets calls that come one after another, each agent having room for one."""
    floor = Floor.of(*(replace(each, capacity=CALL) for each in agents), rules=Rules(strategy))
    served = []
    for n in range(count or len(agents)):
        floor.join(person(f"call-{n}", channel=Channel.VOICE))
        match = floor.match()
        assert match is not None
        served.append(match[1])
    return served


def test_longest_idle_by_the_end_of_the_last_work() -> None:
    staff = (agent("ana", 10), agent("ben", 300), agent("cara", 60))
    assert calls(Strategy.LONGEST_IDLE, *staff) == ["ben", "cara", "ana"]


def test_longest_idle_who_never_worked_counts_from_coming_and_has_no_time_comes_first() -> None:
    came = agent("ana", 120)
    staff = (
        replace(came, idle_since=None, presence_since=came.idle_since),
        agent("ben", 60),
        replace(agent("cara"), idle_since=None),
    )
    assert calls(Strategy.LONGEST_IDLE, *staff) == ["cara", "ana", "ben"]


def test_longest_idle_prefers_who_has_nothing_in_hand() -> None:
    floor = Floor.of(agent("ana", 500), agent("ben", 5))
    floor.acd.carry("mail", "ana", Channel.EMAIL)
    floor.join(person("a"))
    assert floor.matches() == {"a": "ben"}


def test_round_robin_goes_round_whoever_is_idle() -> None:
    floor = Floor.of(
        agent("ana", 1, work_day=WorkDay(TODAY, offered_at=NOW - 30)),
        agent("ben", 999, work_day=WorkDay(TODAY, offered_at=NOW - 10)),
        agent("cara", 50, work_day=WorkDay(TODAY, offered_at=NOW - 20)),
        rules=Rules(Strategy.ROUND_ROBIN),
    )
    served = []
    for n in range(7):
        floor.now += 1
        floor.join(person(f"p{n}"))
        match = floor.match()
        assert match is not None
        served.append(match[1])
        floor.acd.lay_down(f"p{n}")
    assert served == ["ana", "cara", "ben"] * 2 + ["ana"]


def test_round_robin_an_older_record_does_not_undo_a_newer_asking() -> None:
    floor = Floor.of(agent("ana"), agent("ben"), rules=Rules(Strategy.ROUND_ROBIN))
    floor.join(person("a"))
    assert floor.matches() == {"a": "ana"}
    floor.acd.lay_down("a")
    floor.change("ana")
    floor.join(person("b"))
    assert floor.matches() == {"b": "ben"}


def test_least_occupied_by_share_of_the_working_time() -> None:
    staff = (
        agent("ana", 0, work_day=day(handling_s=HOUR, available_s=HOUR)),
        agent("ben", 0, work_day=day(handling_s=HOUR / 10, available_s=HOUR / 20)),
        agent("cara", 0, work_day=day(handling_s=2 * HOUR, available_s=6 * HOUR)),
    )
    assert calls(Strategy.LEAST_OCCUPIED, *staff) == ["cara", "ana", "ben"]


def test_least_occupied_counts_idle_time_that_goes_on_within_a_minute_or_so() -> None:
    floor = Floor.of(
        agent("ana", 0, work_day=day(handling_s=1000, available_s=9000)),
        agent("ben", 0, work_day=day(handling_s=9, available_s=71)),
        rules=Rules(Strategy.LEAST_OCCUPIED),
    )
    assert floor.matches() == {}
    assert floor.later(61) == {}
    floor.join(person("a"))
    assert floor.matches() == {"a": "ben"}, "9 of 141 s is less than 1000 of 10061"


def test_fewest_interactions_counts_those_in_hand() -> None:
    floor = Floor.of(
        agent("ana", 5, work_day=day(handled=3)),
        agent("ben", 99, work_day=day(handled=4)),
        rules=Rules(Strategy.FEWEST_INTERACTIONS),
    )
    floor.join(*(person(f"p{n}", 9 - n) for n in range(4)))
    assert floor.matches() == {"p0": "ana", "p1": "ben", "p2": "ana", "p3": "ben"}


def test_fewest_interactions_a_call_in_two_states_is_counted_once() -> None:
    floor = Floor.of(
        agent("ana", 5, work_day=day(handled=0)),
        agent("ben", 99, work_day=day(handled=2)),
        rules=Rules(Strategy.FEWEST_INTERACTIONS),
    )
    floor.join(person("a"))
    assert floor.matches() == {"a": "ana"}
    floor.acd.carry("a", "ana", Channel.CHAT)
    floor.acd.carry("a", "ana", Channel.CHAT)
    floor.join(person("b"))
    assert floor.matches() == {"b": "ana"}


def test_figures_of_another_day_do_not_count() -> None:
    staff = (
        agent("ana", 5, work_day=WorkDay("2026-01-04", handled=80)),
        agent("ben", 99, work_day=day(handled=1)),
    )
    assert calls(Strategy.FEWEST_INTERACTIONS, *staff) == ["ana", "ben"]
    floor = Floor.of(
        agent("ana", 5, work_day=day(handled=5)),
        agent("ben", 99, work_day=day(handled=9)),
        rules=Rules(Strategy.FEWEST_INTERACTIONS),
    )
    assert floor.matches() == {}
    floor.staff(agent("cara", presence=Presence.AWAY, work_day=WorkDay("2026-01-06")))
    floor.join(person("a"))
    assert floor.matches() == {"a": "ben"}, "on the new day both have none: the longest idle"


def test_least_talk_time() -> None:
    staff = (
        agent("ana", 9, work_day=day(handled=1, talk_s=900)),
        agent("ben", 5, work_day=day(handled=9, talk_s=300)),
        agent("cara", 99, work_day=day(talk_s=600)),
    )
    assert calls(Strategy.LEAST_TALK_TIME, *staff) == ["ben", "cara", "ana"]


def test_top_down_fills_the_first_place_first() -> None:
    floor = Floor.of(
        agent("ana", 999, standing={"orders": Membership(order=2)}),
        agent("ben", 1, standing={"orders": Membership(order=1)}),
        agent("cara", 1, standing={"orders": Membership(order=2)}),
        rules=Rules(Strategy.TOP_DOWN),
    )
    floor.join(*(person(f"p{n}", 9 - n) for n in range(5)))
    assert list(floor.matches().values()) == ["ben", "ben", "ana", "cara", "ana"]


def test_ring_all_rings_at_everybody_eligible_of_the_lowest_tier() -> None:
    floor = Floor.of(
        agent("ana", skills={"lv": 1}),
        agent("ben", 90, skills={"lv": 2}),
        agent("cara"),
        agent("dora", skills={"lv": 2}, presence=Presence.AWAY),
        agent("emil", skills={"lv": 2}, standing={"orders": Membership(tier=2)}),
        rules=Rules(Strategy.RING_ALL, tiers=(TierOpening(2, 0),)),
    )
    floor.acd.carry("call", "cara", Channel.VOICE)
    floor.join(person("a", asked={"lv": 1}))
    assert floor.matches() == {"a": "ben+ana"}


def test_ring_all_the_others_are_free_again_when_one_accepts() -> None:
    floor = Floor.of(
        *(agent(name, capacity=CALL) for name in ("ana", "ben")), rules=Rules(Strategy.RING_ALL)
    )
    floor.join(person("a", 9, channel=Channel.VOICE), person("b", channel=Channel.VOICE))
    assert floor.matches() == {"a": "ana+ben"}
    floor.acd.lay_down("a", "ana")
    assert floor.matches() == {"b": "ana"}
    floor.acd.lay_down("a")
    floor.acd.lay_down("b")
    floor.join(person("c", channel=Channel.VOICE))
    assert floor.matches() == {"c": "ana+ben"}


def drawn(rules: Rules, staff: list[Agent], draws: int = 4000) -> Counter[str]:
    """How often each is chosen when all are free each time."""
    acd = Acd({"orders": queue(rules=rules)}, Random(7).random)
    for each in staff:
        acd.put_agent(each)
    found: Counter[str] = Counter()
    for n in range(draws):
        acd.join(person(f"p{n}", asked={"lv": 1}))
        match = acd.next(NOW)
        assert match is not None
        found[match.agent_ids[0]] += 1
        acd.lay_down(match.interaction_id)
    return found


def able(n: int, weight: int = 1) -> Agent:
    return agent(f"a{n:02}", n, skills={"lv": 1}, standing={"orders": Membership(weight=weight)})


def unable(n: int) -> Agent:
    return agent(f"u{n:02}", n, standing={"orders": Membership(weight=5)})


def test_random_is_fair_among_the_eligible_whether_they_are_few_or_many() -> None:
    for strangers in (0, 40):
        staff = [able(n, n + 1) for n in range(4)] + [unable(n) for n in range(strangers)]
        found = drawn(Rules(Strategy.RANDOM), staff)
        assert set(found) == {"a00", "a01", "a02", "a03"}
        assert all(900 < number < 1100 for number in found.values()), found


def test_weighted_draws_in_proportion_whether_they_are_few_or_many() -> None:
    for strangers in (0, 40):
        staff = [able(0, 1), able(1, 3)] + [unable(n) for n in range(strangers)]
        found = drawn(Rules(Strategy.WEIGHTED), staff)
        assert set(found) == {"a00", "a01"}
        assert 900 < found["a00"] < 1100, found


def test_weight_nothing_is_chosen_only_when_nobody_else_is_there() -> None:
    assert drawn(Rules(Strategy.WEIGHTED), [able(0, 0), able(1, 1)], 50) == {"a01": 50}
    assert drawn(Rules(Strategy.WEIGHTED), [able(0, 0)], 5) == {"a00": 5}


def test_best_then_the_strategy_among_equals() -> None:
    rules = Rules(Strategy.LEAST_TALK_TIME, Evaluation.BEST, steps=(Step(0, {"lv": 1, "en": 1}),))
    staff = (
        agent("ana", skills={"lv": 5, "en": 1}, work_day=day(talk_s=50)),
        agent("ben", skills={"lv": 3, "en": 3}, work_day=day(talk_s=10)),
        agent("cara", skills={"lv": 1, "en": 1}, work_day=day(talk_s=0)),
    )
    floor = Floor.of(*(replace(each, capacity=CALL) for each in staff), rules=rules)
    floor.join(*(person(f"p{n}", 9 - n, channel=Channel.VOICE) for n in range(3)))
    assert list(floor.matches().values()) == ["ben", "ana", "cara"]


def test_why_names_wait_needs_step_tier_strategy_and_figure() -> None:
    rules = Rules(
        Strategy.FEWEST_INTERACTIONS,
        steps=(Step(0, {"lv": 4}), Step(30, {"lv": 2})),
        tiers=(TierOpening(2, 20),),
    )
    second = {"orders": Membership(tier=2)}
    floor = Floor.of(
        agent("boss", presence=Presence.AWAY),
        agent("ana", skills={"lv": 2}, standing=second, work_day=day(handled=3)),
        agent("ben", skills={"lv": 3}, standing=second, work_day=day(handled=7)),
        rules=rules,
    )
    floor.join(person("a"))
    floor.now += 42
    match = floor.acd.next(floor.now)
    assert match is not None
    assert match.why == (
        "waited 42 s in orders; needs lv ≥ 2 (step 3 of 3); tier 2; "
        "fewest-interactions of 2 (3 today, with those in hand)"
    )


def test_why_of_every_strategy_names_its_figure() -> None:
    figures = {
        Strategy.LONGEST_IDLE: "idle 60 s",
        Strategy.ROUND_ROBIN: "last asked 10 min ago",
        Strategy.LEAST_OCCUPIED: "occupied 25% of today",
        Strategy.FEWEST_INTERACTIONS: "3 today, with those in hand",
        Strategy.LEAST_TALK_TIME: "talked 15 min today",
        Strategy.TOP_DOWN: "place 4",
        Strategy.RING_ALL: "who accepts first",
        Strategy.RANDOM: "by chance",
        Strategy.WEIGHTED: "by chance and weight",
    }
    worked = WorkDay(TODAY, 3, 900, 900, 2640, NOW - 600)
    for strategy, figure in figures.items():
        floor = Floor({"orders": queue(rules=Rules(strategy))}, chance=lambda: 0.5)
        floor.staff(agent("ana", work_day=worked, standing={"orders": Membership(order=4)}))
        floor.join(person("a"))
        match = floor.acd.next(NOW)
        assert match is not None
        assert match.why == f"waited 0 s in orders; needs no skill; the only one free ({figure})"


def test_why_of_a_preferred_agent() -> None:
    floor = Floor.of(agent("ana"))
    floor.join(person("a", 5, prefer_agent="ana", prefer_until=NOW + 20))
    match = floor.acd.next(NOW)
    assert match is not None
    assert match.why == "waited 5 s in orders; the agent it was kept for"
