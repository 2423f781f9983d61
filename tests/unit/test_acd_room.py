"""The routing decision: capacity, queues and gates, new rules, time, places, estimates, cost."""

from __future__ import annotations

import gc
import tracemalloc
from datetime import UTC, datetime, timedelta
from typing import Any

from router.acd import waiting_from
from router.model import (
    Agent,
    Channel,
    Direction,
    Interaction,
    InteractionState,
    Limits,
    Presence,
)
from router.rules import Rules, Step, Strategy, TierOpening
from tests.acd_floor import NOW, Floor, agent, person, queue

AWAY, OFFLINE, AVAILABLE = Presence.AWAY, Presence.OFFLINE, Presence.AVAILABLE
VOICE, CHAT, EMAIL, SMS = Channel.VOICE, Channel.CHAT, Channel.EMAIL, Channel.SMS
ONE_CHAT = {CHAT: 1}

# -- capacity


def fits(name: str, channel: Channel, *carried: Channel, **changes: Any) -> bool:
    floor = Floor.of(agent(name, **changes))
    for n, each in enumerate(carried):
        floor.acd.carry(f"work-{n}", name, each)
    floor.join(person("a", channel=channel))
    return floor.matches() == {"a": name}


def test_capacity_by_channel_and_presence() -> None:
    assert fits("ana", CHAT, CHAT)
    assert not fits("ana", CHAT, CHAT, CHAT)
    assert not fits("ana", SMS)
    assert not fits("ana", CHAT, presence=AWAY)
    assert not fits("ana", CHAT, presence=OFFLINE)


def test_total_limit_counts_all_channels_together() -> None:
    assert fits("ana", EMAIL, CHAT, limits=Limits(total=2))
    assert not fits("ana", EMAIL, CHAT, EMAIL, limits=Limits(total=2))
    assert not fits("ana", VOICE, EMAIL, limits=Limits(total=1))


def test_call_excludes_other_work_unless_configured() -> None:
    assert not fits("ana", CHAT, VOICE)
    assert not fits("ana", EMAIL, VOICE)
    beside = Limits(beside_voice=frozenset({CHAT}))
    assert fits("ana", CHAT, VOICE, limits=beside)
    assert not fits("ana", EMAIL, VOICE, limits=beside)


def test_call_interrupts_slow_work_only_and_never_another_call() -> None:
    assert fits("ana", VOICE, EMAIL, EMAIL)
    assert not fits("ana", VOICE, EMAIL, CHAT)
    assert fits("ana", VOICE, CHAT, limits=Limits(interruptible=frozenset({CHAT})))
    assert not fits("ana", VOICE, VOICE, capacity={VOICE: 2})


def test_carrying_is_counted_once_and_laid_down_once() -> None:
    floor = Floor.of(agent("ana", capacity=ONE_CHAT))
    floor.join(person("a"))
    assert floor.match() == ("a", "ana")
    for _ in range(3):
        floor.acd.carry("a", "ana", CHAT)
    floor.acd.lay_down("a")
    floor.acd.lay_down("a")
    floor.acd.lay_down("never-heard-of")
    floor.join(person("b"), person("c"))
    assert floor.matches() == {"b": "ana"}


def test_work_in_hand_counts_when_known_before_the_agent_and_through_every_record() -> None:
    floor = Floor()
    floor.acd.carry("old", "ana", CHAT)
    floor.staff(agent("ana", capacity=ONE_CHAT))
    floor.join(person("a"))
    floor.change("ana", presence=AWAY)
    floor.change("ana", presence=AVAILABLE)
    floor.acd.drop_agent("ana")
    floor.staff(agent("ana", capacity=ONE_CHAT))
    assert floor.matches() == {}
    floor.acd.lay_down("old", "ana")
    assert floor.matches() == {"a": "ana"}


def test_work_that_moves_to_another_agent_frees_the_first() -> None:
    floor = Floor.of(agent("ana", capacity=ONE_CHAT), agent("ben", capacity=ONE_CHAT))
    floor.acd.carry("x", "ana", CHAT)
    floor.acd.lay_down("x", "ana")
    floor.acd.carry("x", "ben", CHAT)
    floor.join(person("a"))
    assert floor.matches() == {"a": "ana"}


# -- several queues, gates


def test_waiting_in_several_queues_takes_the_first_that_has_somebody() -> None:
    floor = Floor({"orders": queue(), "billing": queue("billing")})
    floor.staff(agent("ben", queues=("billing",)))
    both = ("orders", "billing")
    floor.join(person("a", queues=both))
    match = floor.acd.next(NOW)
    assert match is not None
    assert (match.queue, match.agent_ids) == ("billing", ("ben",))
    floor.staff(agent("ana"), agent("ben", 999, queues=("billing",)))
    floor.join(person("b", queues=both))
    match = floor.acd.next(NOW)
    assert match is not None
    assert (match.queue, match.agent_ids) == ("orders", ("ana",))


def test_served_through_one_queue_leaves_all() -> None:
    floor = Floor({"orders": queue(), "billing": queue("billing")})
    floor.join(person("a", queues=("orders", "billing")))
    assert floor.matches() == {}
    assert (floor.acd.waiting_in("orders"), floor.acd.waiting_in("billing")) == (1, 1)
    floor.staff(agent("ana"), agent("ben", queues=("billing",)))
    assert floor.matches() == {"a": "ana"}
    assert (floor.acd.waiting_in("orders"), floor.acd.waiting_in("billing")) == (0, 0)
    assert floor.matches() == {}


def test_gated_queue_offers_nothing_until_it_is_opened() -> None:
    floor = Floor({"orders": queue(), "sales": queue("sales")})
    floor.staff(agent("ana", queues=("orders", "sales")))
    floor.acd.gate("sales", True, "inbound first")
    floor.join(person("out", 60, queues=("sales",)), person("in", 5))
    assert floor.matches() == {"in": "ana"}
    floor.acd.gate("sales", False)
    assert floor.matches() == {"out": "ana"}


def test_gate_holds_for_the_preferred_agent_too() -> None:
    floor = Floor({"sales": queue("sales")})
    floor.staff(agent("ana", queues=()))
    floor.acd.gate("sales", True)
    floor.join(person("out", queues=("sales",), prefer_agent="ana", prefer_until=NOW + 99))
    assert floor.matches() == {}
    floor.acd.gate("sales", False)
    assert floor.matches() == {"out": "ana"}


# -- even load


def test_burst_spreads_evenly_over_agents_with_room_for_several() -> None:
    staff = [agent(f"a{n}", 100 * n, capacity={CHAT: 4}) for n in range(4)]
    for strategy in (s for s in Strategy if s not in {Strategy.TOP_DOWN, Strategy.RING_ALL}):
        floor = Floor({"orders": queue(rules=Rules(strategy=strategy))}, chance=lambda: 0.5)
        floor.staff(*staff)
        floor.join(*(person(f"p{n}", 9 - n) for n in range(8)))
        served = list(floor.matches().values())
        assert len(served) == 8
        if strategy not in {Strategy.RANDOM, Strategy.WEIGHTED}:
            assert {name: served.count(name) for name in served} == dict.fromkeys(
                ("a0", "a1", "a2", "a3"), 2
            ), strategy


# -- new rules, unknown queues


def test_new_rules_keep_places_work_refusals_and_gates() -> None:
    floor = Floor({"orders": queue(skills={"lv": 5}), "sales": queue("sales")})
    floor.staff(agent("ana", capacity=ONE_CHAT), agent("ben", queues=("orders", "sales")))
    floor.acd.carry("x", "ana", CHAT)
    floor.acd.bar("a", "ben", NOW + 60)
    floor.acd.gate("sales", True, "inbound first")
    floor.join(person("a", 60), person("b", 50), person("out", 99, queues=("sales",)))
    assert floor.matches() == {}
    floor.acd.configure({"orders": queue(), "sales": queue("sales")})
    assert floor.matches() == {"b": "ben"}
    assert floor.acd.position("a") == 1
    floor.acd.lay_down("x")
    assert floor.matches() == {"a": "ana"}


def test_people_in_a_queue_without_rules_are_still_served() -> None:
    floor = Floor({})
    floor.staff(agent("ana", queues=("gone",)))
    floor.join(person("a", queues=("gone",)))
    assert floor.matches() == {"a": "ana"}


# -- time


def test_wakes_for_the_first_step_tier_refusal_or_preference_and_else_never() -> None:
    rules = Rules(steps=(Step(0, {"lv": 1}), Step(50, {})), tiers=(TierOpening(2, 40),))
    floor = Floor.of(agent("ana"), rules=rules)
    assert floor.wakes_in() is None
    floor.join(person("a"))
    assert floor.matches() == {}
    assert floor.wakes_in() == 40
    floor.acd.bar("a", "ana", NOW + 30)
    assert floor.matches() == {}
    assert floor.wakes_in() == 30
    floor.acd.carry("call", "ana", VOICE)
    floor.join(person("b", prefer_agent="ana", prefer_until=NOW + 20))
    assert floor.matches() == {}
    assert floor.wakes_in() == 20
    floor.acd.leave("b")
    assert floor.wakes_in() == 30
    floor.acd.leave("a")
    assert floor.wakes_in() is None


# -- joining again


def test_joining_again_changes_nothing_and_with_something_new_replaces() -> None:
    floor = Floor.of(agent("ana", capacity=ONE_CHAT, presence=AWAY))
    floor.join(person("a", 9), person("b", 8), person("a", 9))
    assert floor.matches() == {}
    floor.join(person("a", 9))
    assert floor.acd.waiting() == 2
    assert (floor.acd.position("a"), floor.acd.position("b")) == (1, 2)
    floor.join(person("a", 9, asked={"lv": 1}), person("b", 8, head_start_s=60))
    assert (floor.acd.position("a"), floor.acd.position("b")) == (2, 1)
    floor.change("ana", presence=AVAILABLE)
    assert floor.matches() == {"b": "ana"}
    floor.acd.lay_down("b")
    assert floor.matches() == {}


def test_positions_count_everybody_who_waits_in_its_own_queue() -> None:
    floor = Floor({"orders": queue(), "billing": queue("billing")})
    floor.join(person("first", 9, queues=("billing", "orders")), person("a", 8, channel=VOICE))
    floor.join(person("b", 7))
    positions = [floor.acd.position(name) for name in ("first", "a", "b", "nobody")]
    assert positions == [1, 2, 3, None]
    assert "a" in floor.acd
    assert "nobody" not in floor.acd
    floor.acd.leave("first")
    assert floor.acd.position("b") == 2


# -- the estimate


def test_estimate_is_nothing_while_somebody_is_free() -> None:
    floor = Floor.of(agent("ana"))
    floor.join(person("a"))
    assert floor.acd.estimate_s("a", NOW) == 0
    assert floor.acd.estimate_s("nobody", NOW) is None


def busy_calls(*names: str, rules: Rules | None = None) -> Floor:
    floor = Floor.of(*(agent(name) for name in names), rules=rules)
    for name in names:
        floor.acd.carry(f"call-{name}", name, VOICE)
    return floor


def test_estimate_is_place_times_handle_time_by_agents() -> None:
    floor = busy_calls("ana", "ben", rules=Rules(expected_s=100))
    floor.join(*(person(f"p{n}", 60 - n, channel=VOICE) for n in range(4)))
    assert floor.matches() == {}
    estimates = [floor.acd.estimate_s(f"p{n}", NOW) for n in range(4)]
    assert estimates == [50, 100, 150, 200]


def test_estimate_learns_from_what_was_measured() -> None:
    floor = busy_calls("ana", rules=Rules(expected_s=100))
    floor.join(person("a", channel=VOICE), person("c", 9, channel=CHAT))
    before = floor.acd.estimate_s("a", NOW)
    assert before is not None
    for _ in range(100):
        floor.acd.note_handled("orders", VOICE, 300)
    after = floor.acd.estimate_s("a", NOW + 10)
    assert after is not None
    assert after > 2 * before


def test_estimate_shares_agents_with_other_queues_that_have_people_waiting() -> None:
    rules = Rules(expected_s=100)
    floor = Floor({name: queue(name, rules) for name in ("orders", "billing")})
    floor.staff(agent("ana", queues=("orders", "billing")))
    floor.acd.carry("call", "ana", VOICE)
    floor.join(person("a", channel=VOICE))
    assert floor.acd.estimate_s("a", NOW) == 100
    floor.join(person("b", channel=VOICE, queues=("billing",)))
    assert floor.acd.estimate_s("a", NOW + 10) == 200


def test_estimate_is_unknown_while_nobody_works_there() -> None:
    floor = Floor.of(agent("ana", presence=AWAY))
    floor.join(person("a"))
    assert floor.acd.estimate_s("a", NOW) is None


# -- cost


class CountedSkills(dict[str, int]):
    """Proficiencies that count how often anybody looks."""

    looks = 0

    def get(self, name: str, default: int = 0) -> int:  # type: ignore[override]
        CountedSkills.looks += 1
        return super().get(name, default)


def test_decision_does_not_look_at_every_agent() -> None:
    floor = Floor.of(
        *(agent(f"a{n}", n, skills=CountedSkills({"lv": n % 5 + 1})) for n in range(300))
    )
    floor.join(person("first", asked={"lv": 3}))
    assert floor.matches() == {"first": "a299"}
    CountedSkills.looks = 0
    for n in range(20):
        floor.join(person(f"p{n}", asked={"lv": 3}))
        assert len(floor.matches()) == 1
    assert CountedSkills.looks < 20


def test_those_who_leave_leave_no_memory_behind() -> None:
    floor = Floor.of(agent("ana", presence=AWAY))
    floor.join(person("stays", 999))
    gc.disable()
    tracemalloc.start()
    try:
        for n in range(1000):
            floor.join(person(f"p{n}"))
            assert floor.matches() == {}
            floor.acd.leave(f"p{n}")
        held = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
        gc.enable()
    # Forgetting is lazy, so a few dozen may still be known; 1,000 would be half a megabyte.
    assert held < 60_000
    assert floor.acd.waiting() == 1


# -- from the store's record


def test_waiting_view_of_an_interaction() -> None:
    joined_at = datetime(2026, 1, 5, 9, 0, 0, 500_000, UTC)
    interaction = Interaction(
        id="i",
        channel=CHAT,
        direction=Direction.INBOUND,
        customer_id="c",
        conversation_id="k",
        address="",
        service_address="",
        state=InteractionState.WAITING,
        created_at=joined_at - timedelta(minutes=5),
        queue="orders",
        skills={"lv": 2},
        head_start_s=30,
        joined_at=joined_at,
        also_queues=("billing",),
        vip=True,
        prefer_agent="ana",
        prefer_until=joined_at + timedelta(seconds=20),
    )
    seen = waiting_from(interaction)
    assert seen.queues == ("orders", "billing")
    assert seen.entry == (NOW + 0.5 - 30, "i")
    assert (seen.asked, seen.vip, seen.channel) == ({"lv": 2}, True, CHAT)
    assert (seen.prefer_agent, seen.prefer_until) == ("ana", NOW + 20.5)


def test_agents_of_several_queues_are_enough_for_each_but_not_for_both() -> None:
    floor = Floor({"orders": queue(), "billing": queue("billing")})
    both: Agent = agent("ana", queues=("orders", "billing"), capacity={VOICE: 1})
    floor.staff(both)
    floor.join(person("a", 2, channel=VOICE), person("b", 1, channel=VOICE, queues=("billing",)))
    assert floor.matches() == {"a": "ana"}
    floor.acd.lay_down("a")
    assert floor.matches() == {"b": "ana"}
