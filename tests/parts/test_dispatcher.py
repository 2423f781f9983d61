"""The dispatcher over a real store and bus: offers, timers, restart, lost calls, fencing."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from router import events
from router.acts.act import HandoffPlan
from router.acts.lifecycle import DISPATCHER, Lifecycle, OfferPlan
from router.acts.waiting import Waiting
from router.bus.memory import MemoryBus
from router.clock import VirtualClock
from router.company import Company, parse_company
from router.dispatch.dispatcher import Dispatcher
from router.errors import OfferGone, Superseded
from router.events import Fact
from router.model import (
    Arrival,
    Author,
    Channel,
    Direction,
    EndedBy,
    Handoff,
    Identity,
    IdentityKind,
    Interaction,
    InteractionState,
    NewMessage,
    Offer,
    Presence,
)
from router.store.sql import SqlStore
from tests.fakes.ground import Ground, ground

MORNING = datetime(2026, 1, 5, 9, tzinfo=UTC)
WRAP_UP = {"wrap_up": {"mode": "limited", "limit_s": 30}}
ORDERS: dict[str, Any] = {"id": "orders", **WRAP_UP}


def company_of(*queues: dict[str, Any], **agents: dict[str, Any]) -> Company:
    """Queues with agents who serve all of them, one chat at a time unless said otherwise."""
    served = [queue["id"] for queue in queues]
    people = [
        {"login": name, "password": "password-1", "queues": served, "capacity": {"chat": 1}, **own}
        for name, own in (agents or {"ana": {}, "ben": {}}).items()
    ]
    admin = {"login": "root", "password": "password-1", "role": "admin"}
    raw = {"entry": {"chat": "front-desk", "voice": "front-desk"}, "queues": list(queues)}
    return parse_company(raw | {"people": [*people, admin]})


@dataclass
class World(Ground[VirtualClock]):
    company: Company
    life: Lifecycle
    waiting_rules: Waiting
    dispatcher: Dispatcher
    seen: list[Fact]

    async def wait_for(self, kind: type[Fact], count: int = 1) -> list[Fact]:
        return await until(lambda: [f for f in self.seen if isinstance(f, kind)], count)

    async def look_until(self, kind: type[Fact], count: int = 1) -> list[Any]:
        """Time is virtual: ticks make the dispatcher look at its timers again."""
        async with asyncio.timeout(PATIENCE_S):
            while len(found := [f for f in self.seen if isinstance(f, kind)]) < count:
                await self.tick()
        return found

    async def tick(self) -> None:
        await self.bus.publish([events.RouterTicked(at=self.clock.now(), node="test")])
        await asyncio.sleep(0.005)

    async def pass_by(self, seconds: float, *names: str) -> None:
        """Time goes by, and the desks of these agents are still there."""
        self.clock.forward(seconds)
        for name in names:
            await self.life.agent_seen(name)

    async def calm(self) -> None:
        """Long enough for whatever was going to happen."""
        for _ in range(10):
            await self.tick()

    async def come(self, *names: str) -> None:
        for name in names:
            await self.life.set_presence(name, Presence.AVAILABLE)

    async def waiting(
        self,
        visitor: str,
        channel: Channel = Channel.CHAT,
        home: str = "",
        queue: str = "orders",
    ) -> Interaction:
        identity = Identity(IdentityKind.COOKIE, visitor)
        arrival = Arrival(channel, identity, "web", home=home)
        arrived = await self.life.receive(arrival, NewMessage(Author.CUSTOMER, "person"))
        plan = HandoffPlan(queue, Handoff("asked", ""))
        return await self.life.save_bot_turn(arrived.interaction, {}, handoff=plan)

    async def ringing(self) -> list[Offer]:
        async with self.store.transaction() as tx:
            return await tx.interactions.ringing_offers()

    async def again(self) -> Dispatcher:
        """The dispatcher dies without a word, and another one starts."""
        await self.dispatcher.stop()
        await self.bus.stop()
        await self.bus.start()
        await self.bus.subscribe("test", self._note, events.ALL)
        parts = (self.store, self.life, self.bus, self.clock)
        self.dispatcher = Dispatcher(*parts, "router-2", self.waiting_rules)
        await self.dispatcher.start()
        return self.dispatcher

    async def _note(self, fact: Fact) -> None:
        self.seen.append(fact)


PATIENCE_S = 20.0


async def until(look: Callable[[], list[Fact]], count: int) -> list[Fact]:
    async with asyncio.timeout(PATIENCE_S):
        while len(found := look()) < count:
            await asyncio.sleep(0.005)
    return found


async def settled(check: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not await check():
            await asyncio.sleep(0.005)


@asynccontextmanager
async def world_of(
    company: Company, store_url: str, make: Callable[[str], SqlStore] = SqlStore
) -> AsyncIterator[World]:
    async with ground(store_url, VirtualClock(MORNING), make) as below:
        await below.hire(company)
        base = (below.store, company, below.clock, below.relay)
        life, rules = Lifecycle(*base), Waiting(*base)
        dispatcher = Dispatcher(below.store, life, below.bus, below.clock, "router-1", rules)
        made = World(*below.parts, company, life, rules, dispatcher, [])
        await made.bus.subscribe("test", made._note, events.ALL)
        try:
            yield made
        finally:
            await made.dispatcher.stop()


@pytest.fixture
async def world(sqlite_url: str) -> AsyncIterator[World]:
    async with world_of(company_of(ORDERS), sqlite_url) as made:
        yield made


async def test_waiting_customer_rings_at_the_agent_who_comes(world: World) -> None:
    await world.dispatcher.start()
    one = await world.waiting("v1")
    await world.life.set_presence("ana", Presence.AVAILABLE)
    (made,) = await world.wait_for(events.OfferMade)
    assert isinstance(made, events.OfferMade)
    assert (made.interaction_id, made.agent_id) == (one.id, "ana")
    assert "waited 0 s in orders" in made.why


async def test_burst_is_spread_and_no_agent_gets_more_than_fits(world: World) -> None:
    await world.dispatcher.start()
    await world.life.set_presence("ana", Presence.AVAILABLE)
    await world.life.set_presence("ben", Presence.AVAILABLE)
    await asyncio.gather(*(world.waiting(f"v{n}") for n in range(5)))
    await world.wait_for(events.OfferMade, 2)
    offers = await world.ringing()
    assert sorted(offer.agent_id for offer in offers) == ["ana", "ben"]


async def test_restart_rings_for_the_same_people_in_the_same_order(world: World) -> None:
    waiting = []
    for n in range(4):
        waiting.append((await world.waiting(f"v{n}")).id)
        world.clock.forward(1)
    await world.life.set_presence("ana", Presence.AVAILABLE)
    await world.life.set_presence("ben", Presence.AVAILABLE)
    await world.dispatcher.start()
    made = await world.wait_for(events.OfferMade, 2)
    assert [fact.interaction_id for fact in made] == waiting[:2]


async def test_unanswered_offer_returns_to_its_place_and_agent_goes_away(world: World) -> None:
    one = await world.waiting("v1")
    world.clock.forward(1)
    two = await world.waiting("v2")
    await world.life.set_presence("ana", Presence.AVAILABLE)
    await world.dispatcher.start()
    await world.wait_for(events.OfferMade)
    world.clock.forward(31)
    # Time is virtual: a fact makes the dispatcher look at its timers again.
    await world.life.set_presence("ben", Presence.AVAILABLE)
    await world.wait_for(events.OfferExpired)
    made = await world.wait_for(events.OfferMade, 2)
    assert [(f.interaction_id, getattr(f, "agent_id", "")) for f in made] == [
        (one.id, "ana"),
        (one.id, "ben"),
    ]
    assert (await world.get(two.id)).state is InteractionState.WAITING


async def test_wrap_up_past_its_limit_is_closed_and_agent_gets_work(world: World) -> None:
    await world.dispatcher.start()
    await world.life.set_presence("ana", Presence.AVAILABLE)
    one = await world.waiting("v1")
    (made,) = await world.wait_for(events.OfferMade)
    assert isinstance(made, events.OfferMade)
    await world.life.accept(made.offer_id, "ana")
    await world.life.end(one.id, EndedBy.CUSTOMER, "left")
    two = await world.waiting("v2")
    assert len(await world.ringing()) == 0

    world.clock.forward(31)
    filed = await world.look_until(events.WrapUpCompleted)
    assert [getattr(fact, "disposition", "") for fact in filed] == ["not-filed"]
    made_again = await world.wait_for(events.OfferMade, 2)
    assert made_again[1].interaction_id == two.id


async def test_calls_of_a_dead_process_keep_their_place_or_end_with_a_reason(world: World) -> None:
    waiting = await world.waiting("v1", Channel.VOICE, home="voice.dead")
    talking = await world.life.receive(
        Arrival(Channel.VOICE, Identity(IdentityKind.COOKIE, "v2"), "line", home="voice.dead")
    )
    await world.dispatcher.recover_calls()
    kept = await world.get(waiting.id)
    assert kept.state is InteractionState.WAITING
    assert (kept.home, kept.joined_at) == ("", waiting.joined_at)
    ended = await world.get(talking.interaction.id)
    assert ended.state is InteractionState.ENDED
    assert "process" in ended.end_reason


async def test_silent_agent_is_found_missing(world: World) -> None:
    await world.life.set_presence("ana", Presence.AVAILABLE)
    world.clock.forward(60)
    await world.dispatcher.start()

    async def missing() -> bool:
        async with world.store.transaction() as tx:
            ana = await tx.people.agent("ana")
        return ana.presence is Presence.AWAY and ana.presence_reason == "connection lost"

    await settled(missing)


# -- several at once, gates, rules that wait ---------------------------------------


RING_ALL = {**ORDERS, "strategy": "ring-all"}


async def test_ring_all_the_first_to_accept_has_it_and_the_others_stop(sqlite_url: str) -> None:
    company = company_of(RING_ALL, ana={}, ben={}, cleo={})
    async with world_of(company, sqlite_url) as world:
        await world.come("ana", "ben", "cleo")
        await world.dispatcher.start()
        one = await world.waiting("v1")
        await world.wait_for(events.OfferMade, 3)
        offers = {offer.agent_id: offer for offer in await world.ringing()}
        assert set(offers) == {"ana", "ben", "cleo"}
        accepts = (world.life.accept(offer.id, name) for name, offer in offers.items())
        results = await asyncio.gather(*accepts, return_exceptions=True)
        (winner,) = (each for each in results if isinstance(each, Interaction))
        assert sum(isinstance(each, OfferGone) for each in results) == 2
        assert await world.ringing() == []
        gone = await world.wait_for(events.OfferWithdrawn, 2)
        assert winner.agent_id not in {getattr(fact, "agent_id", "") for fact in gone}
        # The two who stopped ringing are free for the next one.
        two = await world.waiting("v2")
        await world.wait_for(events.OfferMade, 5)
        rung = {offer.agent_id for offer in await world.ringing()}
        assert rung == {"ana", "ben", "cleo"} - {winner.agent_id}
        assert (await world.get(two.id)).state is InteractionState.OFFERED
        assert one.id == winner.id


async def test_ring_all_returns_to_its_place_when_the_last_stops_and_nobody_goes_away(
    sqlite_url: str,
) -> None:
    async with world_of(company_of(RING_ALL), sqlite_url) as world:
        await world.come("ana", "ben")
        one = await world.waiting("v1")
        await world.dispatcher.start()
        await world.wait_for(events.OfferMade, 2)
        first, second = await world.ringing()
        returned = await world.life.reject(first.id, first.agent_id)
        assert returned.state is InteractionState.OFFERED
        assert [offer.id for offer in await world.ringing()] == [second.id]
        world.clock.forward(31)
        await world.look_until(events.OfferExpired)
        # The one who said no is left in peace (30 s were over: both are asked again).
        await world.look_until(events.OfferMade, 4)
        assert {(await world.agent(name)).presence for name in ("ana", "ben")} == {
            Presence.AVAILABLE
        }
        assert (await world.get(one.id)).joined_at == one.joined_at


async def test_who_said_no_is_not_asked_again_before_the_delay_even_by_a_successor(
    sqlite_url: str,
) -> None:
    queue = {**ORDERS, "reject_delay_s": 120}
    async with world_of(company_of(queue, ana={}), sqlite_url) as world:
        await world.come("ana")
        await world.dispatcher.start()
        await world.waiting("v1")
        (made,) = await world.wait_for(events.OfferMade)
        assert isinstance(made, events.OfferMade)
        await world.life.reject(made.offer_id, "ana")
        await world.calm()
        await world.pass_by(60, "ana")
        await world.again()
        await world.calm()
        assert await world.ringing() == []
        await world.pass_by(61, "ana")
        await world.look_until(events.OfferMade, 2)


BLENDED = {
    "id": "sales",
    **WRAP_UP,
    "blend": {"inbound": ["orders"], "target": 0.8, "within_s": 20, "window_s": 600},
}


async def test_outbound_work_stops_while_inbound_customers_wait_too_long(sqlite_url: str) -> None:
    company = company_of(ORDERS, BLENDED, ana={}, ben={"queues": ["sales"]})
    async with world_of(company, sqlite_url) as world:
        await world.dispatcher.start()
        await world.come("ben")
        outbound = await world.waiting("called", queue="sales")
        await world.wait_for(events.OfferMade)
        inbound = await world.waiting("v1")
        world.clock.forward(21)
        withdrawn = await world.look_until(events.OfferWithdrawn)
        assert withdrawn[0].interaction_id == outbound.id
        assert "longer than 20 s" in withdrawn[0].reason
        await world.calm()
        assert await world.ringing() == []
        # Answered late: the level is 0 of 1, so the gate stays shut until the window is over.
        await world.come("ana")
        made = await world.look_until(events.OfferMade, 2)
        assert made[1].interaction_id == inbound.id
        await world.life.accept(made[1].offer_id, "ana")
        await world.calm()
        assert await world.ringing() == []
        await world.pass_by(601, "ana", "ben")
        made = await world.look_until(events.OfferMade, 3)
        assert (made[2].interaction_id, made[2].agent_id) == (outbound.id, "ben")


async def test_gate_remembers_the_level_after_a_restart(sqlite_url: str) -> None:
    company = company_of(ORDERS, BLENDED, ana={}, ben={"queues": ["sales"]})
    async with world_of(company, sqlite_url) as world:
        await world.come("ana")
        await world.waiting("v1")
        world.clock.forward(40)
        await world.dispatcher.start()
        (made,) = await world.look_until(events.OfferMade)
        await world.life.accept(made.offer_id, "ana")
        await world.calm()
        await world.again()
        await world.come("ben")
        await world.waiting("called", queue="sales")
        await world.calm()
        assert await world.ringing() == []


async def test_overflow_happens_by_itself_and_the_other_queue_serves_it(sqlite_url: str) -> None:
    first = {**ORDERS, "overflow": [{"when": "waited", "over_s": 60, "to": {"queue": "help"}}]}
    company = company_of(first, {"id": "help"}, ana={"queues": ["help"]})
    async with world_of(company, sqlite_url) as world:
        await world.come("ana")
        await world.dispatcher.start()
        one = await world.waiting("v1")
        await world.calm()
        assert await world.ringing() == []
        await world.pass_by(61, "ana")
        await world.look_until(events.InteractionOverflowed)
        (made,) = await world.look_until(events.OfferMade)
        assert (made.interaction_id, made.queue, made.agent_id) == (one.id, "help", "ana")
        accepted = await world.life.accept(made.offer_id, "ana")
        assert (accepted.queue, accepted.joined_at) == ("help", one.joined_at)


async def test_scheduled_one_joins_its_queue_when_it_is_due(sqlite_url: str) -> None:
    async with world_of(company_of(ORDERS, ana={"capacity": {"voice": 1}}), sqlite_url) as world:
        await world.come("ana")
        planned = Interaction(
            id="planned",
            channel=Channel.VOICE,
            direction=Direction.OUTBOUND,
            customer_id="anna",
            conversation_id="matter",
            address="+37120000001",
            service_address="",
            state=InteractionState.SCHEDULED,
            created_at=MORNING,
            queue="orders",
            due_at=MORNING + timedelta(minutes=10),
        )
        async with world.store.transaction() as tx:
            await tx.interactions.add(planned)
        await world.dispatcher.start()
        await world.calm()
        assert await world.ringing() == []
        await world.pass_by(601, "ana")
        (made,) = await world.look_until(events.OfferMade)
        assert made.interaction_id == "planned"


async def test_new_rules_are_obeyed_and_everybody_keeps_the_place(sqlite_url: str) -> None:
    needs = {**ORDERS, "skills": {"lv": 3}}
    async with world_of(company_of(needs, ana={}, ben={"skills": {"lv": 3}}), sqlite_url) as world:
        await world.come("ana")
        await world.dispatcher.start()
        one = await world.waiting("v1")
        world.clock.forward(5)
        await world.waiting("v2")
        await world.calm()
        assert await world.ringing() == []
        changed = company_of(ORDERS, ana={}, ben={})
        world.company.adopt(replace(changed, version=2))
        world.clock.forward(1)
        (made,) = await world.look_until(events.OfferMade)
        assert (made.interaction_id, made.agent_id) == (one.id, "ana")


async def test_strict_wrap_up_keeps_from_every_queue_and_an_optional_one_does_not(
    sqlite_url: str,
) -> None:
    optional = {"id": "easy", "wrap_up": {"mode": "optional", "limit_s": 30}}
    company = company_of(ORDERS, optional, ana={"capacity": {"chat": 3}})
    async with world_of(company, sqlite_url) as world:
        await world.come("ana")
        await world.dispatcher.start()

        async def serve(visitor: str, queue: str, count: int) -> Interaction:
            await world.waiting(visitor, queue=queue)
            made = (await world.look_until(events.OfferMade, count))[-1]
            await world.life.accept(made.offer_id, "ana")
            return await world.life.end(made.interaction_id, EndedBy.CUSTOMER, "left")

        strict = await serve("v1", "orders", 1)
        await world.waiting("v2", queue="easy")
        await world.calm()
        assert await world.ringing() == []
        await world.life.complete_wrap_up(strict.id, "ana", "resolved")
        made = (await world.look_until(events.OfferMade, 2))[-1]
        await world.life.accept(made.offer_id, "ana")
        await world.life.end(made.interaction_id, EndedBy.CUSTOMER, "left")
        await world.waiting("v3")
        await world.look_until(events.OfferMade, 3)


# -- fencing ---------------------------------------------------------------------------


async def test_offers_of_a_dispatcher_that_was_superseded_change_nothing(store_url: str) -> None:
    async with world_of(company_of(ORDERS), store_url) as world:
        one = await world.waiting("v1")
        async with world.store.transaction() as tx:
            old = await tx.leases.seize(DISPATCHER, "slept", MORNING)
            new = await tx.leases.seize(DISPATCHER, "took over", MORNING)
        plan = OfferPlan.of(one, "orders", ("ana",), "old plans")
        with pytest.raises(Superseded):
            await world.life.offer_all([plan], old)
        assert await world.get(one.id) == one
        assert await world.ringing() == []
        assert set(await world.life.offer_all([plan], new)) == {one.id}


async def test_two_who_both_think_they_decide_never_give_an_agent_too_much(
    store_url: str,
) -> None:
    """Each has a bus of its own, so both hear everything and neither is told to wait."""
    names = {f"a{n}": {"capacity": {"chat": 2}} for n in range(4)}
    patient = {**ORDERS, "offer_s": {"chat": 600}}
    async with world_of(company_of(patient, **names), store_url) as world:
        await world.come(*names)
        second = MemoryBus()
        await second.start()

        async def pass_on(fact: Fact) -> None:
            await second.publish([fact])

        await world.bus.subscribe("second", pass_on, events.ALL)
        rival = Dispatcher(world.store, world.life, second, world.clock, "router-2")
        await world.dispatcher.start()
        await rival.start()
        try:
            for n in range(12):
                await world.waiting(f"v{n}")
                world.clock.forward(4)
                await world.tick()
            await world.look_until(events.OfferMade, 8)
            for offer in await world.ringing():
                await world.life.accept(offer.id, offer.agent_id)
            for _ in range(10):
                world.clock.forward(4)
                await world.tick()
        finally:
            await rival.stop()
            await second.stop()
        async with world.store.transaction() as tx:
            held = await tx.interactions.in_states(
                [InteractionState.OFFERED, InteractionState.AGENT]
            )
        load = Counter(item.agent_id for item in held)
        assert max(load.values()) <= 2
        assert sum(load.values()) == 8


async def test_successor_knows_what_its_predecessor_gave_out(sqlite_url: str) -> None:
    async with world_of(company_of(ORDERS, ana={"capacity": {"chat": 2}}), sqlite_url) as world:
        await world.come("ana")
        await world.dispatcher.start()
        await world.waiting("v1")
        await world.waiting("v2")
        made = await world.wait_for(events.OfferMade, 2)
        assert isinstance(made[0], events.OfferMade)
        await world.life.accept(made[0].offer_id, "ana")
        await world.again()
        three = await world.waiting("v3")
        await world.calm()
        assert (await world.get(three.id)).state is InteractionState.WAITING
        # What rang before goes on ringing, and expires in its time.
        world.clock.forward(31)
        (expired,) = await world.look_until(events.OfferExpired)
        assert expired.interaction_id == getattr(made[1], "interaction_id", "")
