"""How the story of an interaction is told from its facts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from gateway.desk.routing import Eased, OfferStory, Routing, entries_of, offers_of, routing_view
from router.company import Company, parse_company
from router.events import (
    Fact,
    InteractionEnded,
    InteractionQueued,
    InteractionTransferred,
    OfferAccepted,
    OfferExpired,
    OfferMade,
    OfferRejected,
)
from router.model import Channel, Direction, Interaction, InteractionState, OfferState

T0 = datetime(2026, 3, 2, 9, tzinfo=UTC)
NAMES = {"ana": "Ana Kalniņa", "boris": "Boris Petrov", "orders": "Orders"}
ITEM = Interaction(
    id="one",
    channel=Channel.VOICE,
    direction=Direction.INBOUND,
    customer_id="c",
    conversation_id="v",
    address="+37120000001",
    service_address="+37160000100",
    state=InteractionState.WAITING,
    created_at=T0,
    queue="orders",
)


def at(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


def company(**rules: Any) -> Company:
    queue = {"id": "orders", "name": "Orders", "skills": {"orders": 3}, **rules}
    return parse_company({"queues": [queue], "people": []})


def queued(seconds: float) -> InteractionQueued:
    return InteractionQueued(at=at(seconds), interaction_id="one", queue="orders", channel="voice")


def made(seconds: float, offer_id: str, agent_id: str, why: str = "") -> OfferMade:
    return OfferMade(
        at=at(seconds), interaction_id="one", offer_id=offer_id, agent_id=agent_id,
        queue="orders", channel="voice", expires_at=at(seconds + 15), why=why,
    )  # fmt: skip


def settled(kind: Any, seconds: float, offer_id: str, agent_id: str, **more: Any) -> Fact:
    fact: Fact = kind(
        at=at(seconds), interaction_id="one", offer_id=offer_id, agent_id=agent_id,
        queue="orders", **more,
    )  # fmt: skip
    return fact


def test_each_offer_is_told_once_with_why_its_outcome_and_how_long_it_rang() -> None:
    facts = [
        queued(0),
        made(2, "1", "ana", "longest idle"),
        settled(OfferRejected, 5, "1", "ana"),
        made(5, "2", "boris"),
        settled(OfferExpired, 20, "2", "boris"),
        made(20, "3", "ana"),
        settled(OfferAccepted, 24, "3", "ana", channel="voice", waited_s=24.0),
    ]
    told = [(s.agent_id, s.outcome, s.rang_s) for s in offers_of(facts)]
    assert told == [
        ("ana", OfferState.REJECTED, 3),
        ("boris", OfferState.EXPIRED, 15),
        ("ana", OfferState.ACCEPTED, 4),
    ]
    assert offers_of(facts)[0].why == "longest idle"
    assert offers_of(facts)[2].waited_s == 24.0


def test_offer_that_still_rings_has_no_end() -> None:
    (story,) = offers_of([made(2, "1", "ana")])
    assert (story.outcome, story.settled_at, story.rang_s) == (OfferState.RINGING, None, None)


def test_step_is_told_at_its_time_and_only_while_it_waited() -> None:
    rules = company(steps=[{"after_s": 30, "need": {"orders": 2}}, {"after_s": 60, "need": {}}])
    facts: list[Fact] = [queued(0), made(40, "1", "ana")]
    facts.append(settled(OfferAccepted, 45, "1", "ana", channel="voice", waited_s=45.0))
    entries = entries_of(facts, ITEM, rules, at(100))
    steps = [
        (entry.at, entry.what.stage.needs) for entry in entries if isinstance(entry.what, Eased)
    ]
    assert steps == [(at(30), (("orders", 2),))]


def test_step_that_only_opens_a_tier_is_told_with_what_held_before() -> None:
    queue = {"id": "orders", "tiers": [{"tier": 2, "after_s": 20}]}
    second = {"login": "boris", "password": "pw-boris-1", "queues": [{"id": "orders", "tier": 2}]}
    rules = parse_company({"queues": [queue], "people": [second]})
    entries = entries_of([queued(0)], ITEM, rules, at(100))
    (step,) = [entry.what for entry in entries if isinstance(entry.what, Eased)]
    assert (step.before.tier, step.stage.tier) == (1, 2)
    assert step.before.needs == step.stage.needs


def test_story_is_in_order_of_time_with_transfers_between_the_offers() -> None:
    given = InteractionTransferred(
        at=at(60), interaction_id="one", from_agent_id="ana", way="queue", target="orders"
    )
    facts = [
        queued(0),
        made(1, "1", "ana"),
        settled(OfferAccepted, 4, "1", "ana", channel="voice", waited_s=4.0),
        given,
        queued(60),
        made(61, "2", "boris"),
    ]
    entries = entries_of(facts, ITEM, company(), at(65))
    kinds = ["offer" if isinstance(e.what, OfferStory) else type(e.what).__name__ for e in entries]
    expected = [
        "InteractionQueued",
        "offer",
        "InteractionTransferred",
        "InteractionQueued",
        "offer",
    ]
    assert kinds == expected


def test_story_as_json_names_agents_and_queues_and_leaves_out_what_is_empty() -> None:
    facts = [queued(0), made(2, "1", "ana"), settled(OfferExpired, 17, "1", "ana")]
    ended = InteractionEnded(
        at=at(30), interaction_id="one", channel="voice", ended_by="customer",
        reason="hung up", was="waiting", queue="orders", waited_s=30.0,
    )  # fmt: skip
    entries = entries_of([*facts, ended], ITEM, company(), at(30))
    view = routing_view(Routing(ITEM, entries, None), NAMES, UTC)
    assert view["waiting"] is None
    offer = view["story"][1]
    assert offer["type"] == "offer"
    assert (offer["agent_name"], offer["queue_name"]) == ("Ana Kalniņa", "Orders")
    assert (offer["outcome"], offer["rang_s"]) == ("expired", 15)
    assert offer["settled_at"] == at(17).isoformat()
    assert "agent_id" not in view["story"][2]
    assert view["story"][2]["reason"] == "hung up"
