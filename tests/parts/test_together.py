"""Acts that share transactions: what one of them does, and how it fails, stays its own."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pytest

from router.acts.act import Act, Acts
from router.acts.lifecycle import Lifecycle, OfferPlan
from router.clock import VirtualClock
from router.company import parse_company
from router.errors import IllegalMove, LocalError, NoSuchInteraction, OfferGone
from router.events import HoldStarted, OfferAccepted
from router.model import (
    Agent,
    Channel,
    Direction,
    Interaction,
    InteractionState,
    Presence,
)
from router.ports import Transaction
from router.store.sql import SqlStore
from tests.fakes.ground import Ground, ground

NOW = datetime(2026, 1, 5, 9, tzinfo=UTC)
COMPANY = {"queues": [{"id": "orders"}], "people": []}
PATIENCE_S = 20.0


class CountingStore(SqlStore):
    """Counts the transactions that are opened."""

    opened = 0

    def transaction(self) -> AbstractAsyncContextManager[Transaction]:
        self.opened += 1
        return super().transaction()


@dataclass
class World(Ground[VirtualClock]):
    acts: Acts
    life: Lifecycle

    @property
    def opened(self) -> int:
        """Transactions so far."""
        assert isinstance(self.store, CountingStore)
        return self.store.opened

    async def add(self, *names: str, state: InteractionState = InteractionState.BOT) -> None:
        async with self.store.transaction() as tx:
            await tx.interactions.add_many([(interaction(name, state), None) for name in names])


def interaction(name: str, state: InteractionState = InteractionState.BOT) -> Interaction:
    return Interaction(
        id=name,
        channel=Channel.CHAT,
        direction=Direction.INBOUND,
        customer_id="anna",
        conversation_id="matter",
        address="visitor",
        service_address="web",
        state=state,
        created_at=NOW,
        queue="orders",
        joined_at=NOW,
    )


@pytest.fixture
async def world(store_url: str) -> AsyncIterator[World]:
    company = parse_company(COMPANY)
    async with ground(store_url, VirtualClock(NOW), CountingStore) as below:
        base = (below.store, company, below.clock, below.relay)
        yield World(*below.parts, Acts(*base), Lifecycle(*base))


def held(name: str) -> HoldStarted:
    return HoldStarted(at=NOW, interaction_id=name, agent_id="ana")


async def test_acts_that_arrive_together_are_committed_together(world: World) -> None:
    names = [f"i{n}" for n in range(40)]
    await world.add(*names)
    before = world.opened
    await asyncio.gather(*(world.life.set_home(name, f"voice.{name}") for name in names))
    # One takes what is there at first, and what comes meanwhile waits for the next ones.
    assert world.opened - before <= 4
    for name in names:
        assert (await world.get(name)).home == f"voice.{name}"


async def test_act_that_fails_before_it_writes_harms_nobody(world: World) -> None:
    await world.add("one", "two")
    results = await asyncio.gather(
        world.life.set_home("one", "voice.a"),
        world.life.set_home("nobody", "voice.a"),
        world.life.hold("two", "ana"),
        world.life.set_home("two", "voice.b"),
        return_exceptions=True,
    )
    assert isinstance(results[1], NoSuchInteraction)
    assert isinstance(results[2], IllegalMove)
    assert [(await world.get(name)).home for name in ("one", "two")] == ["voice.a", "voice.b"]


async def test_act_that_fails_after_it_wrote_is_undone_and_the_others_are_not(
    world: World,
) -> None:
    await world.add("one", "two", "three")

    async def half(act: Act) -> None:
        taken = await act.take("two")
        await act.save(replace(taken, home="half done"), held("two"))
        await act.tx.interactions.release_delivery("some message")
        raise RuntimeError("the second half went wrong")

    results = await asyncio.gather(
        world.life.set_home("one", "voice.a"),
        world.acts.run(half, "two"),
        world.life.set_home("three", "voice.c"),
        return_exceptions=True,
    )
    assert isinstance(results[1], RuntimeError)
    homes = [(await world.get(name)).home for name in ("one", "two", "three")]
    assert homes == ["voice.a", "", "voice.c"]
    assert await world.logged() == []


async def test_acts_with_one_key_follow_each_other(world: World) -> None:
    await world.add("one")
    inside: Counter[str] = Counter()
    most = 0

    async def visit(act: Act) -> None:
        nonlocal most
        inside["one"] += 1
        most = max(most, inside["one"])
        taken = await act.take("one")
        await act.save(replace(taken, head_start_s=taken.head_start_s + 1))
        inside["one"] -= 1

    await asyncio.gather(*(world.acts.run(visit, "one") for _ in range(8)))
    assert most == 1
    assert (await world.get("one")).head_start_s == 8


async def test_acts_on_one_interaction_under_different_keys_follow_each_other(
    world: World,
) -> None:
    await world.add("one")

    async def add(letter: str) -> None:
        async def body(act: Act) -> None:
            taken = await act.take("one")
            await act.save(replace(taken, subject=taken.subject + letter))

        await world.acts.run(body, letter)

    await asyncio.gather(*(add(letter) for letter in "abcdefgh"))
    assert sorted((await world.get("one")).subject) == list("abcdefgh")


async def test_fact_that_cannot_be_packed_fails_its_own_act_only(world: World) -> None:
    await world.add("one", "two")

    async def bad(act: Act) -> None:
        act.facts.append(HoldStarted(at=NOW, interaction_id="one", agent_id=3))  # type: ignore[arg-type]

    async def good(act: Act) -> None:
        act.facts.append(held("two"))

    results = await asyncio.gather(
        world.acts.run(bad, "one"), world.acts.run(good, "two"), return_exceptions=True
    )
    assert isinstance(results[0], LocalError)
    assert [fact.interaction_id for fact in await world.logged()] == ["two"]


async def test_act_goes_on_when_nobody_waits_for_it_any_more(world: World) -> None:
    await world.add("one")
    entered, go = asyncio.Event(), asyncio.Event()

    async def slow(act: Act) -> None:
        taken = await act.take("one")
        entered.set()
        await go.wait()
        await act.save(replace(taken, home="voice.a"))

    waiting = asyncio.create_task(world.acts.run(slow, "one"))
    async with asyncio.timeout(10):
        await entered.wait()
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    go.set()
    await world.life.set_meta("one", seen=True)
    kept = await world.get("one")
    assert (kept.home, kept.meta) == ("voice.a", {"seen": True})


async def test_act_inside_a_transaction_of_the_same_task_is_refused(world: World) -> None:
    await world.add("one")
    async with world.store.transaction():
        with pytest.raises(LocalError, match="inside another"):
            await world.life.set_home("one", "voice.a")


async def test_thousand_accept_ten_offers_and_ten_win(world: World) -> None:
    names = [f"i{n}" for n in range(10)]
    await world.add(*names, state=InteractionState.WAITING)
    async with world.store.transaction() as tx:
        for n in range(10):
            agent = Agent(f"a{n}", f"A{n}", ("orders",), presence=Presence.AVAILABLE)
            await tx.people.put_agent(agent)
    plans = [
        OfferPlan.of(await world.get(name), "orders", (f"a{n}",), "test")
        for n, name in enumerate(names)
    ]
    made = await world.life.offer_all(plans)
    offers = [made[name][0] for name in names]
    base = (world.store, world.life.company, world.clock, world.relay)
    processes = [Lifecycle(*base) for _ in range(3)]

    async def accept(n: int) -> Interaction:
        offer = offers[n % 10]
        return await processes[n % 3].accept(offer.id, offer.agent_id)

    results = await asyncio.gather(*(accept(n) for n in range(1000)), return_exceptions=True)
    won = [each for each in results if isinstance(each, Interaction)]
    refused = [each for each in results if isinstance(each, OfferGone)]
    assert sorted(each.id for each in won) == sorted(names)
    assert len(refused) == 990
    accepted = [fact for fact in await world.logged() if isinstance(fact, OfferAccepted)]
    assert Counter(fact.interaction_id for fact in accepted) == Counter(names)
    async with world.store.transaction() as tx:
        agents = await tx.people.agents()
    assert [agent.work_day.handled for agent in agents] == [1] * 10


async def test_acts_that_want_each_others_interactions_both_get_them(world: World) -> None:
    """In one transaction neither would ever give way."""
    await world.add("one", "two")

    async def both(act: Act, first: str, second: str) -> None:
        for name in (first, second):
            taken = await act.take(name)
            await act.save(replace(taken, head_start_s=taken.head_start_s + 1))

    async with asyncio.timeout(PATIENCE_S):
        await asyncio.gather(
            world.acts.run(lambda act: both(act, "one", "two"), "one"),
            world.acts.run(lambda act: both(act, "two", "one"), "two"),
        )
    assert [(await world.get(name)).head_start_s for name in ("one", "two")] == [2, 2]


async def test_act_that_comes_at_whatever_moment_another_ends_is_done(world: World) -> None:
    """The last lane may be closing just then: somebody must still serve the newcomer."""
    await world.add("one", "two", "three")

    async def later(rounds: int) -> None:
        for _ in range(rounds):
            await asyncio.sleep(0)
        await world.life.set_home("three", f"voice.{rounds}")

    async with asyncio.timeout(PATIENCE_S):
        for rounds in range(40):
            await asyncio.gather(
                world.life.set_home("one", "voice.a"),
                world.life.set_home("two", "voice.b"),
                later(rounds),
            )
    assert (await world.get("three")).home == "voice.39"


@pytest.mark.peer
async def test_act_that_stands_still_does_not_hold_up_the_others(postgres_url: str) -> None:
    company = parse_company(COMPANY)
    async with ground(postgres_url, VirtualClock(NOW), CountingStore) as below:
        base = (below.store, company, below.clock, below.relay)
        world = World(*below.parts, Acts(*base), Lifecycle(*base))
        await world.add("one", "two", "three")
        stands, goes_on = asyncio.Event(), asyncio.Event()

        async def stand_still(act: Act) -> None:
            taken = await act.take("one")
            stands.set()
            await goes_on.wait()
            await act.save(replace(taken, home="voice.late"))

        standing = asyncio.create_task(world.acts.run(stand_still, "one"))
        async with asyncio.timeout(PATIENCE_S):
            await stands.wait()
            await world.life.set_home("two", "voice.b")
            await world.life.set_home("three", "voice.c")
            assert not standing.done()
            goes_on.set()
            await standing
        assert [(await world.get(name)).home for name in ("one", "two", "three")] == [
            *("voice.late", "voice.b", "voice.c")
        ]
