"""Why somebody still waits, told so that a supervisor can act on it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

from router.acd.explain import Explanation, Obstacle, QueueView
from router.model import Channel, Presence
from router.rules import Membership, Rules, Step, TierOpening
from tests.acd_floor import NOW, Floor, agent, person, queue

AT = datetime.fromtimestamp(NOW, UTC)
RIGA = timezone(timedelta(hours=2))
RULES = Rules(
    steps=(Step(0, {"latvian": 3}), Step(30, {"latvian": 1})), tiers=(TierOpening(2, 60),)
)
SKILLED = {"latvian": 4}


def after(seconds: float) -> datetime:
    return AT + timedelta(seconds=seconds)


def explained(floor: Floor, name: str = "a") -> Explanation:
    assert name not in floor.matches()
    explanation = floor.acd.explain(name, floor.now)
    assert explanation is not None
    return explanation


def only_view(floor: Floor) -> QueueView:
    (view,) = explained(floor).queues
    return view


def test_each_agent_has_the_obstacle_that_is_in_the_way_and_until_when() -> None:
    floor = Floor.of(
        agent("busy", skills=SKILLED),
        agent("refused", skills=SKILLED),
        agent("second", skills=SKILLED, standing={"orders": Membership(tier=2)}),
        agent("reserved", skills=SKILLED, standing={"orders": Membership(vip_only=True)}),
        agent("pause", skills=SKILLED, presence=Presence.AWAY, presence_reason="lunch"),
        agent("home", skills=SKILLED, presence=Presence.OFFLINE),
        agent("learner", skills={"latvian": 2}),
        agent("stranger"),
        rules=RULES,
    )
    floor.acd.carry("x", "busy", Channel.CHAT)
    floor.acd.carry("y", "busy", Channel.CHAT)
    floor.acd.bar("a", "refused", NOW + 45)
    floor.join(person("a"))
    view = only_view(floor)
    found = {c.agent_id: (c.obstacle, c.detail, c.until) for c in view.candidates}
    assert found == {
        "busy": (Obstacle.BUSY, "2 chat", None),
        "refused": (Obstacle.SAID_NO, "", after(45)),
        "second": (Obstacle.TIER, "tier 2", after(60)),
        "reserved": (Obstacle.RESERVED, "", None),
        "pause": (Obstacle.AWAY, "lunch", None),
        "home": (Obstacle.SIGNED_OUT, "", None),
        "learner": (Obstacle.UNSKILLED, "has latvian 2", after(30)),
        "stranger": (Obstacle.UNSKILLED, "has latvian 0", None),
    }
    assert [c.agent_id for c in view.candidates][:2] == ["busy", "refused"]
    assert view.counts == {
        Obstacle.BUSY: 1,
        Obstacle.SAID_NO: 1,
        Obstacle.TIER: 1,
        Obstacle.RESERVED: 1,
        Obstacle.AWAY: 1,
        Obstacle.SIGNED_OUT: 1,
        Obstacle.UNSKILLED: 2,
    }


def test_needs_tier_and_the_next_step_with_its_time() -> None:
    floor = Floor.of(agent("ana", presence=Presence.AWAY), rules=RULES)
    floor.join(person("a"))
    view = only_view(floor)
    assert (view.needs, view.tier) == ((("latvian", 3),), 1)
    assert (view.next_at, view.next_needs, view.next_tier) == (after(30), (("latvian", 1),), 1)
    floor.now += 31
    view = only_view(floor)
    assert (view.needs, view.next_at, view.next_tier) == ((("latvian", 1),), after(60), 2)
    floor.now += 60
    assert only_view(floor).next_at is None


def test_words_say_place_estimate_needs_step_and_who_is_in_the_way() -> None:
    floor = Floor.of(agent("ana", skills=SKILLED), agent("ben"), rules=RULES)
    floor.acd.carry("call", "ana", Channel.VOICE)
    floor.join(person("first", 9), person("a", 5))
    assert explained(floor).lines(RIGA) == [
        "Waits 5 s in Orders, place 2; about 2 min to go.",
        "needs latvian ≥ 3 until 11:00:25 (in 25 s), then latvian ≥ 1.",
        "of 2 agents: 1 busy, 1 not skilled enough.",
        "Ana: busy (1 voice).",
        "Ben: free, but not skilled enough (has latvian 0).",
    ]


def test_words_when_nobody_signed_in_has_the_skill() -> None:
    floor = Floor.of(
        agent("ana", skills=SKILLED, presence=Presence.OFFLINE), agent("ben"), rules=RULES
    )
    floor.join(person("a"))
    assert (
        "needs latvian ≥ 3 until 09:00:30 (in 30 s), then latvian ≥ 1; "
        "nobody signed in has it." in explained(floor).lines(UTC)
    )


def test_words_of_a_tier_that_opens_a_gate_and_a_preference() -> None:
    floor = Floor.of(
        agent("ana", presence=Presence.AWAY),
        agent("ben", standing={"orders": Membership(tier=2)}),
        rules=Rules(tiers=(TierOpening(2, 60),)),
    )
    floor.join(person("a"))
    assert "tier 2 opens at 09:01:00 (in 60 s)." in explained(floor).lines(UTC)
    floor.acd.gate("orders", True, "inbound is below its target")
    assert "nothing is offered now, inbound is below its target." in explained(floor).lines(UTC)
    floor.acd.gate("orders", False)
    floor.change("ana", presence=Presence.AVAILABLE)
    floor.acd.carry("call", "ana", Channel.VOICE)
    floor.join(person("b", prefer_agent="ana", prefer_until=NOW + 20))
    lines = explained(floor, "b").lines(UTC)
    assert "Only Ana is asked until 09:00:20 (in 20 s)." in lines
    assert "Ana: busy (1 voice)." in lines


def test_while_one_is_waited_for_the_others_who_could_are_kept_for_later() -> None:
    floor = Floor.of(agent("ana"), agent("ben"))
    floor.acd.carry("call", "ana", Channel.VOICE)
    floor.join(person("a", prefer_agent="ana", prefer_until=NOW + 20))
    (view,) = explained(floor).queues
    found = {c.agent_id: (c.obstacle, c.until) for c in view.candidates}
    assert found == {"ana": (Obstacle.BUSY, None), "ben": (Obstacle.PREFERENCE, after(20))}


def test_each_queue_in_which_it_waits_is_told() -> None:
    floor = Floor({"orders": queue(), "billing": queue("billing")})
    floor.staff(agent("ana", presence=Presence.AWAY), agent("ben", queues=()))
    floor.join(person("a", queues=("orders", "billing")))
    lines = explained(floor).lines(UTC)
    assert lines[0] == "Waits 0 s in Orders and Billing, place 1."
    assert "Orders: of 1 agent: 1 away." in lines
    assert "Billing: no agents." in lines


def test_who_does_not_wait_has_no_explanation() -> None:
    floor = Floor.of(agent("ana"))
    assert floor.acd.explain("nobody", NOW) is None


def test_a_crowd_is_counted_and_only_the_nearest_are_named() -> None:
    crowd = [agent(f"agent{n:02}", presence=Presence.OFFLINE) for n in range(40)]
    floor = Floor.of(*crowd, agent("zoe"))
    floor.acd.carry("call", "zoe", Channel.VOICE)
    floor.join(person("a"))
    lines = explained(floor).lines(UTC)
    assert "of 41 agents: 1 busy, 40 signed out." in lines
    assert "Zoe: busy (1 voice)." in lines
    assert len(lines) < 20


def test_who_could_take_it_now_has_no_obstacle() -> None:
    floor = Floor.of(agent("ana"))
    floor.join(person("a"))
    told = floor.acd.explain("a", floor.now)
    assert told is not None
    assert told.queues[0].candidates[0].obstacle is None
    assert told.lines(UTC)[-1] == "Ana: could take it now."


def test_who_is_free_but_may_not_is_told_with_why() -> None:
    floor = Floor.of(
        agent("ana", skills={"latvian": 2}),
        agent("ben", skills={"latvian": 2}),
        rules=RULES,
    )
    floor.acd.carry("call", "ana", Channel.VOICE)
    floor.join(person("a"))
    view = only_view(floor)
    assert [(each.agent_id, each.free) for each in view.candidates] == [
        ("ben", True),
        ("ana", False),
    ]
    lines = explained(floor).lines(UTC)
    assert "Ben: free, but not skilled enough (has latvian 2) until 09:00:30 (in 30 s)." in lines
    assert "Ana: not skilled enough (has latvian 2) until 09:00:30 (in 30 s)." in lines


def test_nobody_has_it_although_one_who_has_it_in_a_closed_tier_is_signed_out() -> None:
    second = {"orders": Membership(tier=2)}
    floor = Floor.of(
        agent("ana", skills=SKILLED, presence=Presence.OFFLINE, standing=second),
        agent("ben"),
        rules=RULES,
    )
    floor.join(person("a"))
    view = only_view(floor)
    assert view.nobody
    found = {each.agent_id: each.obstacle for each in view.candidates}
    assert found == {"ana": Obstacle.SIGNED_OUT, "ben": Obstacle.UNSKILLED}
    floor.change("ana", presence=Presence.AWAY)
    assert not only_view(floor).nobody


def test_nobody_could_take_it_now_while_the_queue_is_shut_and_nobody_knows_how_long() -> None:
    floor = Floor.of(agent("ana"))
    floor.acd.gate("orders", True, "inbound first")
    floor.join(person("a"))
    assert explained(floor).estimate_s is None
    lines = explained(floor).lines(UTC)
    assert lines[-3:] == [
        "needs no skill.",
        "of 1 agent: 1 free.",
        "Ana: free.",
    ]
    floor.acd.gate("orders", False)
    assert floor.acd.estimate_s("a", floor.now) == 0


def test_the_example_in_the_documents_is_what_is_said() -> None:
    rules = Rules(
        steps=(Step(0, {"billing": 3}), Step(30, {"billing": 2})), tiers=(TierOpening(2, 90),)
    )
    floor = Floor({"billing": queue("billing", rules=rules)})
    floor.staff(
        agent("ana", queues=("billing",), skills={"billing": 4}),
        agent("boris", queues=("billing",), skills={"billing": 2}),
        agent(
            "chen",
            queues=("billing",),
            skills={"billing": 3},
            standing={"billing": Membership(tier=2)},
        ),
        agent(
            "dace",
            queues=("billing",),
            skills={"billing": 5},
            presence=Presence.AWAY,
            presence_reason="lunch",
        ),
    )
    floor.acd.carry("call", "ana", Channel.VOICE)
    floor.join(person("a", 12, queues=("billing",)))
    document = (Path(__file__).parents[2] / "docs" / "acd.md").read_text(encoding="utf-8")
    for line in explained(floor).lines(UTC):
        assert f"> {line}" in document
