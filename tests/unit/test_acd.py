"""The routing decision: order, skills, tiers, preferences, capacity, and nobody forgotten."""

from __future__ import annotations

import pytest

from router.model import Channel, Presence
from router.rules import ALL_SKILLS, Evaluation, Membership, Rules, Step, TierOpening
from tests.acd_floor import NOW, Floor, agent, person, queue

AWAY, OFFLINE, AVAILABLE = Presence.AWAY, Presence.OFFLINE, Presence.AVAILABLE
VOICE, CHAT, EMAIL = Channel.VOICE, Channel.CHAT, Channel.EMAIL
ONE_CHAT = {CHAT: 1}

# -- the order of those who wait


def test_longest_waiting_goes_to_longest_idle() -> None:
    floor = Floor.of(agent("ana", 10), agent("ben", 99))
    floor.join(person("young", 5), person("old", 9))
    assert floor.match() == ("old", "ben")


def test_head_start_moves_ahead_by_exactly_its_seconds() -> None:
    for other_ago_s, first in ((64, "vip"), (66, "other")):
        floor = Floor.of(agent("ana"))
        floor.join(person("vip", 5, head_start_s=60), person("other", other_ago_s))
        assert floor.match() == (first, "ana")


def test_same_place_is_settled_by_id_whatever_came_first() -> None:
    floor = Floor.of(agent("ana", capacity=ONE_CHAT))
    floor.join(person("b"), person("a"))
    assert floor.matches() == {"a": "ana"}


def test_who_joins_late_with_a_head_start_overtakes_who_waits_in_line() -> None:
    floor = Floor.of(agent("ana", capacity=ONE_CHAT, presence=AWAY))
    floor.join(person("first", 30))
    assert floor.matches() == {}
    floor.join(person("urgent", 0, head_start_s=31))
    floor.change("ana", presence=AVAILABLE)
    assert floor.match() == ("urgent", "ana")


def test_nobody_starves_behind_a_stream_of_priority_customers() -> None:
    floor = Floor.of(agent("ana", capacity=ONE_CHAT))
    floor.join(person("patient"))
    served: list[str] = []
    for minute in range(5):
        floor.now = NOW + 60 * minute
        floor.join(*(person(f"vip-{minute}-{n}", -60 * minute, head_start_s=100) for n in "ab"))
        served += floor.matches()
        floor.acd.lay_down(served[-1])
    assert served == ["vip-0-a", "vip-0-b", "vip-1-a", "vip-1-b", "patient"]
    assert floor.acd.waiting() == 6


def test_order_holds_across_queues() -> None:
    floor = Floor({"orders": queue(), "billing": queue("billing")})
    floor.staff(agent("ana", queues=("orders", "billing"), capacity=ONE_CHAT))
    floor.join(person("late", 5), person("early", 6, queues=("billing",)))
    assert floor.match() == ("early", "ana")


def test_backlog_is_served_when_somebody_comes_free() -> None:
    floor = Floor.of(agent("ana", capacity=ONE_CHAT))
    floor.join(*(person(name, ago) for name, ago in (("a", 9), ("b", 8), ("c", 7))))
    assert floor.matches() == {"a": "ana"}
    floor.acd.lay_down("a")
    assert floor.matches() == {"b": "ana"}
    floor.acd.lay_down("b")
    assert floor.matches() == {"c": "ana"}


def test_who_comes_back_from_an_agent_has_the_old_place() -> None:
    floor = Floor.of(agent("ana", capacity=ONE_CHAT))
    back = person("back", 50)
    floor.join(back, person("next", 40))
    assert floor.match() == ("back", "ana")
    floor.acd.lay_down("back")
    floor.join(back)
    assert floor.acd.position("back") == 1
    assert floor.match() == ("back", "ana")


# -- skills and steps


def test_unskilled_agent_is_passed_over_and_the_next_in_line_is_served() -> None:
    floor = Floor.of(agent("ana", skills={"lv": 2}))
    floor.join(person("needs", 90, asked={"lv": 3}), person("plain", 5))
    assert floor.matches() == {"plain": "ana"}
    floor.staff(agent("ben", skills={"lv": 3}))
    assert floor.matches() == {"needs": "ben"}


def test_agent_who_learns_the_skill_gets_who_waited_for_it() -> None:
    floor = Floor.of(agent("ana"))
    floor.join(person("needs", asked={"lv": 3}))
    assert floor.matches() == {}
    floor.change("ana", skills={"lv": 4})
    assert floor.matches() == {"needs": "ana"}


def test_queue_and_interaction_together_need_the_higher_level() -> None:
    floor = Floor.of(agent("ana", skills={"lv": 3, "en": 1}), skills={"lv": 3, "en": 1})
    floor.join(person("high", asked={"lv": 4}), person("low", asked={"lv": 1}))
    assert floor.matches() == {"low": "ana"}


def test_steps_ease_the_needs_at_their_time_and_not_before() -> None:
    steps = (Step(0, {"lv": 4}), Step(30, {"lv": 2}), Step(60, {}))
    floor = Floor.of(agent("ana", skills={"lv": 2}), rules=Rules(steps=steps))
    floor.staff(agent("ben", 1))
    floor.acd.carry("work", "ana", VOICE)
    floor.join(person("a"), person("b", asked={"lv": 1}))
    assert floor.later(29.9) == {}
    floor.acd.lay_down("work")
    assert floor.matches() == {}
    assert floor.later(0.1) == {"a": "ana", "b": "ana"}


def test_step_replaces_the_need_of_the_queue_but_not_what_the_interaction_asked_for() -> None:
    rules = Rules(steps=(Step(10, {}), Step(20, None, frozenset({"lv"}))))
    floor = Floor.of(agent("ana", skills={"en": 1}), rules=rules, skills={"vip": 1})
    floor.join(person("a", asked={"lv": 1, "en": 1}))
    assert floor.later(10) == {}
    assert floor.later(10) == {"a": "ana"}


def test_waiving_all_skills_leaves_nobody_waiting_for_a_skill_that_nobody_has() -> None:
    rules = Rules(steps=(Step(15, None, frozenset({ALL_SKILLS})),))
    floor = Floor.of(agent("ana"), rules=rules)
    floor.join(person("a", asked={"klingon": 5}))
    assert floor.later(14) == {}
    assert floor.wakes_in() == 1
    assert floor.later(1) == {"a": "ana"}


def test_step_in_force_when_woken_for_it_whatever_floats_make_of_the_difference() -> None:
    floor = Floor({"orders": queue(rules=Rules(steps=(Step(0, {"lv": 1}), Step(30, {}))))})
    floor.staff(agent("ana", capacity={CHAT: 1000}))
    for tenth in range(1, 100):
        floor.now = tenth / 10
        floor.join(person(f"p{tenth}", NOW - floor.now))
        assert floor.matches() == {}
        at = floor.acd.wake_at()
        assert at is not None
        floor.now = at
        assert floor.matches() == {f"p{tenth}": "ana"}


def test_evaluation_best_takes_the_most_proficient_and_all_takes_the_longest_idle() -> None:
    staff = (agent("ana", 90, skills={"lv": 3}), agent("ben", 10, skills={"lv": 5}))
    for evaluation, chosen in ((Evaluation.ALL, "ana"), (Evaluation.BEST, "ben")):
        rules = Rules(evaluation=evaluation)
        floor = Floor.of(*staff, rules=rules, skills={"lv": 2})
        floor.join(person("a"))
        assert floor.match() == ("a", chosen)


def test_evaluation_best_still_goes_by_the_first_needs_after_a_step() -> None:
    rules = Rules(evaluation=Evaluation.BEST, steps=(Step(10, {}),))
    staff = (agent("ana", 90), agent("ben", 10, skills={"lv": 1}))
    floor = Floor.of(*staff, rules=rules, skills={"lv": 5})
    floor.join(person("a"))
    assert floor.matches() == {}
    assert floor.later(10) == {"a": "ben"}


# -- tiers and reservation

TIERED = Rules(tiers=(TierOpening(2, 30), TierOpening(3, 60)))
SECOND = {"orders": Membership(tier=2)}
THIRD = {"orders": Membership(tier=3)}


def test_tier_opens_at_its_time_while_a_lower_one_is_signed_in() -> None:
    floor = Floor.of(agent("ana", presence=AWAY), agent("ben", standing=SECOND), rules=TIERED)
    floor.join(person("a"))
    assert floor.later(29) == {}
    assert floor.wakes_in() == 1
    assert floor.later(1) == {"a": "ben"}


def test_lower_tier_comes_first_even_when_all_are_open() -> None:
    floor = Floor.of(
        agent("cara", 999, standing=THIRD),
        agent("ben", 500, standing=SECOND),
        agent("ana", 1),
        rules=TIERED,
    )
    floor.join(person("a", 90), person("b", 89), person("c", 88))
    floor.acd.carry("x", "ben", VOICE)
    assert floor.matches() == {"a": "ana", "b": "ana", "c": "cara"}


def test_tier_opens_at_once_when_the_last_of_the_lower_one_signs_out() -> None:
    floor = Floor.of(agent("ana"), agent("ben", standing=SECOND), rules=TIERED)
    floor.acd.carry("call", "ana", VOICE)
    floor.join(person("a"))
    assert floor.matches() == {}
    floor.change("ana", presence=AWAY)
    assert floor.matches() == {}, "a pause is not the end of the shift"
    floor.change("ana", presence=OFFLINE)
    assert floor.matches() == {"a": "ben"}


def test_tier_closes_again_when_somebody_of_the_lower_one_signs_in() -> None:
    floor = Floor.of(agent("ana", presence=OFFLINE), agent("ben", standing=THIRD), rules=TIERED)
    floor.change("ana", presence=AWAY)
    floor.join(person("a"))
    assert floor.matches() == {}
    floor.acd.drop_agent("ana")
    assert floor.matches() == {"a": "ben"}


def test_reserved_agent_serves_priority_customers_only() -> None:
    floor = Floor.of(agent("ana", standing={"orders": Membership(vip_only=True)}))
    floor.join(person("plain", 60), person("vip", vip=True))
    assert floor.matches() == {"vip": "ana"}


def test_reserved_agent_of_a_lower_tier_keeps_no_tier_shut_for_others() -> None:
    reserved = {"orders": Membership(tier=1, vip_only=True)}
    floor = Floor.of(agent("ana", standing=reserved), agent("ben", standing=SECOND), rules=TIERED)
    floor.acd.carry("call", "ana", VOICE)
    floor.join(person("vip", vip=True), person("plain"))
    assert floor.matches() == {"plain": "ben"}


# -- preference and refusal


def test_preferred_agent_is_waited_for_until_the_time_is_up() -> None:
    floor = Floor.of(agent("ana"), agent("ben"))
    floor.acd.carry("call", "ana", VOICE)
    floor.join(person("a", prefer_agent="ana", prefer_until=NOW + 20))
    assert floor.matches() == {}
    assert floor.wakes_in() == 20
    assert floor.later(19) == {}
    assert floor.later(1) == {"a": "ben"}


def test_preferred_agent_gets_it_when_free_in_time() -> None:
    floor = Floor.of(agent("ana"), agent("ben", 999))
    floor.acd.carry("call", "ana", VOICE)
    floor.join(person("a", prefer_agent="ana", prefer_until=NOW + 20))
    assert floor.later(5) == {}
    floor.acd.lay_down("call")
    assert floor.matches() == {"a": "ana"}


def test_preferred_agent_need_not_be_of_the_queue_nor_skilled() -> None:
    floor = Floor.of(agent("ben"), skills={"lv": 3})
    floor.staff(agent("dedicated", queues=()))
    floor.join(person("a", prefer_agent="dedicated", prefer_until=NOW + 20))
    assert floor.matches() == {"a": "dedicated"}


@pytest.mark.parametrize("presence", [AWAY, OFFLINE])
def test_preferred_agent_who_is_not_there_is_not_waited_for(presence: Presence) -> None:
    floor = Floor.of(agent("ana", presence=presence), agent("ben"))
    floor.join(person("a", prefer_agent="ana", prefer_until=NOW + 20))
    assert floor.matches() == {"a": "ben"}


def test_preferred_agent_who_leaves_sets_the_customer_free_and_who_returns_takes_it() -> None:
    floor = Floor.of(agent("ana", capacity=ONE_CHAT), agent("ben", capacity=ONE_CHAT))
    floor.acd.carry("x", "ana", CHAT)
    floor.acd.carry("y", "ben", CHAT)
    floor.join(person("a", prefer_agent="ana", prefer_until=NOW + 20))
    assert floor.matches() == {}
    floor.change("ana", presence=AWAY)
    assert floor.matches() == {}
    floor.change("ana", presence=AVAILABLE)
    floor.acd.lay_down("y")
    assert floor.matches() == {}, "she is back, so it is hers again"
    floor.acd.drop_agent("ana")
    assert floor.matches() == {"a": "ben"}


def test_preferred_agent_who_says_no_is_not_waited_for() -> None:
    floor = Floor.of(agent("ana"), agent("ben"))
    wish = person("a", prefer_agent="ana", prefer_until=NOW + 20)
    floor.join(wish)
    assert floor.match() == ("a", "ana")
    floor.acd.lay_down("a")
    floor.acd.bar("a", "ana", NOW + 30)
    floor.join(wish)
    assert floor.matches() == {"a": "ben"}


def test_who_waits_for_a_busy_agent_blocks_nobody_behind() -> None:
    floor = Floor.of(agent("ana", capacity=ONE_CHAT), agent("ben", capacity=ONE_CHAT))
    floor.acd.carry("x", "ana", CHAT)
    floor.join(person("picky", 60, prefer_agent="ana", prefer_until=NOW + 20), person("plain"))
    assert floor.matches() == {"plain": "ben"}


def test_refused_customer_blocks_nobody_behind_and_comes_back_in_time() -> None:
    floor = Floor.of(agent("ana"))
    floor.acd.bar("refused", "ana", NOW + 30)
    floor.join(person("refused", 60), person("behind", 5), person("last", 4, channel=EMAIL))
    assert floor.matches() == {"behind": "ana", "last": "ana"}
    assert floor.wakes_in() == 30
    assert floor.later(30) == {"refused": "ana"}


def test_refusal_while_it_stands_in_line_bars_only_that_agent() -> None:
    floor = Floor.of(agent("ana", presence=AWAY), agent("ben", presence=AWAY))
    floor.join(person("a"))
    assert floor.matches() == {}
    floor.acd.bar("a", "ana", NOW + 30)
    floor.change("ana", presence=AVAILABLE)
    assert floor.matches() == {}
    floor.change("ben", presence=AVAILABLE)
    assert floor.matches() == {"a": "ben"}


def test_agent_who_refused_many_still_gets_the_first_other_one() -> None:
    floor = Floor.of(agent("ana", presence=AWAY))
    floor.join(*(person(f"p{n}", 60 - n) for n in range(20)))
    assert floor.matches() == {}
    for n in range(0, 10):
        floor.acd.bar(f"p{n}", "ana", NOW + 30)
    floor.change("ana", presence=AVAILABLE)
    assert floor.matches() == {"p10": "ana", "p11": "ana"}
    floor.acd.lay_down("p10")
    assert floor.later(30) == {"p0": "ana"}
