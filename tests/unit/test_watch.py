"""Rules without a time: who is named at a look, and what a look costs."""

from __future__ import annotations

import time
from random import Random

from router.acts.overflow import LOOK_EVERY_S
from router.dispatch.watch import MOST, SOON_S, Watch
from router.model import Channel
from router.rules import Action, Overflow, Rules, Way, When
from tests.acd_floor import NOW, Floor, agent, person, queue

ELSEWHERE = Action(Way.QUEUE, "help")
LONG = Overflow(When.ESTIMATE, ELSEWHERE, 1_000)
GONE = Overflow(When.UNSTAFFED, ELSEWHERE)


def crowded(people: int, rule: Overflow = LONG) -> tuple[Floor, Watch]:
    """Three agents who are busy, and so many who wait under a rule; a third of them call."""
    floor = Floor({"orders": queue(rules=Rules(expected_s=240)), "help": queue("help")})
    floor.staff(agent("ana"), agent("ben"), agent("cleo", queues=("orders", "help")))
    for name in ("ana", "ben", "cleo"):
        for number in range(2):
            floor.acd.carry(f"{name}-{number}", name, Channel.CHAT)
        floor.acd.carry(f"{name}-call", name, Channel.VOICE)
    draw, watch = Random(3), Watch()
    for number in range(people):
        channel = Channel.VOICE if number % 3 == 0 else Channel.CHAT
        name = f"p{number:06}"
        floor.join(person(name, ago_s=draw.random() * 600, channel=channel))
        watch.put(name, "orders", [rule])
    floor.matches()
    return floor, watch


def staffed() -> bool:
    return True


def test_exactly_those_whose_estimate_is_too_long_are_named_in_the_order_of_their_places() -> None:
    floor, watch = crowded(90)
    floor.join(person("also here", 900, queues=("help", "orders")))
    floor.matches()
    estimates = {f"p{n:06}": floor.acd.estimate_s(f"p{n:06}", NOW) for n in range(90)}
    too_long = {name for name, left in estimates.items() if left is not None and left > 1_000}
    assert 0 < len(too_long) < 90
    named = watch.look("orders", floor.acd, staffed, NOW)
    assert set(named) == too_long
    places = [floor.acd.position(name) for name in named]
    assert places == sorted(places, key=lambda place: place or 0)
    assert watch.look("orders", floor.acd, staffed, NOW) == []  # named once, until read again


def test_nobody_is_named_while_nobody_works_there_or_the_queue_is_shut() -> None:
    floor, watch = crowded(90)
    floor.acd.gate("orders", True, "inbound first")
    assert watch.look("orders", floor.acd, staffed, NOW) == []
    floor.acd.gate("orders", False)
    for name in ("ana", "ben", "cleo"):
        floor.acd.drop_agent(name)
    assert watch.look("orders", floor.acd, staffed, NOW + 5) == []


def test_unstaffed_queue_names_those_who_wait_and_not_those_who_ring() -> None:
    floor, watch = crowded(5, GONE)
    watch.put("ringing", "orders", [GONE])
    assert watch.look("orders", floor.acd, staffed, NOW) == []
    named = watch.look("orders", floor.acd, lambda: False, NOW)
    assert named == [f"p{n:06}" for n in range(5)]


def test_a_crowd_moves_in_steps_and_a_queue_without_anybody_is_not_looked_at() -> None:
    floor, watch = crowded(MOST + 1, GONE)
    assert watch.next_after("orders", 0, NOW) == NOW + LOOK_EVERY_S
    named = watch.look("orders", floor.acd, lambda: False, NOW)
    assert len(named) == MOST
    assert watch.next_after("orders", len(named), NOW) == NOW + SOON_S
    named = watch.look("orders", floor.acd, lambda: False, NOW)
    assert len(named) == 1
    assert watch.next_after("orders", len(named), NOW) is None
    assert watch.next_look == {}


def test_who_has_been_moved_by_one_rule_still_waits_under_the_other() -> None:
    floor, watch = crowded(0)
    floor.join(person("a"))
    floor.matches()
    watch.put("a", "orders", [LONG, GONE])
    watch.put("a", "orders", [GONE])
    assert watch.look("orders", floor.acd, lambda: False, NOW) == ["a"]
    watch.put("a", "orders", [LONG])
    watch.drop("a")
    watch.drop("a")
    assert watch.next_after("orders", 0, NOW) is None


def test_a_look_at_a_crowd_that_stays_costs_what_it_costs_for_a_few() -> None:
    patient = Overflow(When.ESTIMATE, ELSEWHERE, 10_000_000)
    few, many = crowded(50, patient), crowded(8_000, patient)
    assert min(_look_s(*many) for _ in range(5)) < 10 * min(_look_s(*few) for _ in range(5))


def _look_s(floor: Floor, watch: Watch) -> float:
    """Processor seconds for 200 looks."""
    began = time.process_time()
    for _ in range(200):
        assert watch.look("orders", floor.acd, staffed, NOW) == []
    return time.process_time() - began
