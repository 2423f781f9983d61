"""The store's contract for what is done to many at once, and for leases."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from router.errors import Superseded
from router.events import OfferMade
from router.model import (
    Agent,
    Channel,
    Customer,
    Handoff,
    Identity,
    IdentityKind,
    InteractionState,
    Offer,
    OfferState,
    Presence,
    SlotValue,
)
from router.rings import Ring, Ringing
from router.rules import WorkDay
from router.store.sql import SqlStore
from router.workday import DayStep, step_at
from tests.contract.test_store import MAIL, NOW, PHONE, interaction, store

__all__ = ["store"]


class TestMany:
    """On both stores."""

    async def test_many_are_read_and_taken_at_once_and_what_is_missing_is_left_out(
        self, store: SqlStore
    ) -> None:
        async with store.transaction() as tx:
            await tx.interactions.add_many([(interaction("one"), "a"), (interaction("two"), None)])
            found = await tx.interactions.get_many(["two", "nobody", "one"])
            assert set(found) == {"one", "two"}
            assert await tx.interactions.take_many(["one", "two", "x"]) == found
            assert await tx.interactions.get_many([]) == {}
            known = await tx.interactions.by_external_id(Channel.CHAT, "a")
            assert known == found["one"]

    async def test_of_many_saved_those_that_had_changed_are_told(self, store: SqlStore) -> None:
        packet = Handoff("asked", "", slots=(SlotValue("order", "1"),))
        async with store.transaction() as tx:
            await tx.interactions.add_many([(interaction(name), None) for name in "abc"])
            a, b, c = [await tx.interactions.get(name) for name in "abc"]
            await tx.interactions.save(replace(b, home="elsewhere"))
            wanted = [
                replace(one, handoff=packet, joined_at=NOW, also_queues=("x",), vip=True)
                for one in (a, b, c)
            ]
            saved = await tx.interactions.save_many(wanted)
            assert saved[1] is None
            assert await tx.interactions.get("b") == replace(b, home="elsewhere", version=2)
            fresh = await tx.interactions.get("b")
            twice = await tx.interactions.save_many([replace(fresh, home=h) for h in ("x", "y")])
            assert [one.home if one else None for one in twice] == ["x", None]
        async with store.transaction() as tx:
            for one, name in ((saved[0], "a"), (saved[2], "c")):
                assert await tx.interactions.get(name) == one
                assert one is not None
                assert (one.version, one.handoff) == (2, packet)

    async def test_only_what_waits_as_it_was_read_begins_to_ring(self, store: SqlStore) -> None:
        waits = {"state": InteractionState.WAITING}
        async with store.transaction() as tx:
            for name in ("one", "many", "changed"):
                await tx.interactions.add(interaction(name, **waits))
            await tx.interactions.add(interaction("bot", state=InteractionState.BOT))
            await tx.interactions.save(interaction("changed", **waits))
            rings = [Ring("one", 1, "ana", "offer"), Ring("many", 1)]
            rings += [Ring("changed", 1, "ana", "x"), Ring("bot", 1, "ana", "y")]
            assert await tx.interactions.ring(rings) == {"one", "many"}
            one, many = [await tx.interactions.get(name) for name in ("one", "many")]
        assert (one.state, one.agent_id, one.offer_id, one.version) == (
            InteractionState.OFFERED,
            "ana",
            "offer",
            2,
        )
        assert (many.state, many.agent_id, many.offer_id) == (InteractionState.OFFERED, None, None)

    async def test_what_rings_rings_whole_and_what_does_not_leaves_nothing(
        self, store: SqlStore
    ) -> None:
        async with store.transaction() as tx:
            for name in ("one", "gone"):
                state = InteractionState.WAITING
                await tx.interactions.add(interaction(name, state=state))
            await tx.interactions.save(interaction("gone", state=InteractionState.ENDED))
            for name in ("ana", "ben", "eva"):
                await tx.people.put_agent(Agent(name, name.title(), ("orders",)))
            epoch = await tx.leases.seize("dispatcher", "here", NOW)
        made = [
            Offer(f"o-{agent}", name, agent, OfferState.RINGING, NOW, NOW, "why", "orders")
            for name, agent in (("one", "ana"), ("one", "ben"), ("gone", "eva"))
        ]
        ringing = Ringing(
            rings=[Ring("one", 1), Ring("gone", 1, "eva", "o-eva")],
            offers=made,
            steps=[replace(step_at(each.agent_id, NOW, "UTC"), offered=True) for each in made],
            facts=[
                OfferMade(
                    at=NOW,
                    interaction_id=each.interaction_id,
                    offer_id=each.id,
                    agent_id=each.agent_id,
                    queue=each.queue,
                    channel=Channel.CHAT,
                    expires_at=NOW,
                )
                for each in made
            ],
            lease=("dispatcher", epoch),
        )
        for late in (epoch - 1, epoch + 1):
            with pytest.raises(Superseded):
                await store.ring(replace(ringing, lease=("dispatcher", late)))
        assert await store.ring(ringing) == {"one"}
        assert await store.ring(ringing) == set()
        async with store.transaction() as tx:
            assert (await tx.interactions.get("one")).state is InteractionState.OFFERED
            assert (await tx.interactions.get("gone")).state is InteractionState.ENDED
            assert await tx.interactions.ringing_for(["one", "gone"]) == made[:2]
            at = NOW.timestamp()
            agents = {each.id: each.work_day.offered_at for each in await tx.people.agents()}
            assert agents == {"ana": at, "ben": at, "eva": 0.0}
            logged = await tx.log.facts()
            assert [fact.offer_id for fact in logged if isinstance(fact, OfferMade)] == [
                *("o-ana", "o-ben")
            ]
            assert await tx.log.unsent(NOW) == logged

    async def test_several_offers_ring_for_one_and_are_settled_together(
        self, store: SqlStore
    ) -> None:
        made = [
            Offer(f"o{n}", "one", f"a{n}", OfferState.RINGING, NOW, NOW, "why", "orders")
            for n in range(3)
        ]
        async with store.transaction() as tx:
            await tx.interactions.add_many([(interaction("one"), None), (interaction("two"), None)])
            await tx.interactions.add_offers(made)
            assert await tx.interactions.offers(["o1", "nobody"]) == {"o1": made[1]}
            assert await tx.interactions.ringing_for(["one", "two"]) == made
            won = await tx.interactions.settle_offers(["o0"], OfferState.ACCEPTED)
            assert won == {"o0"}
            rest = await tx.interactions.settle_offers(["o0", "o1", "o2"], OfferState.WITHDRAWN)
            assert rest == {"o1", "o2"}
            assert await tx.interactions.ringing_for(["one"]) == []
            assert await tx.interactions.accepted_by("one") == {"a0"}
            assert await tx.interactions.accepted_by("two") == set()

    async def test_customers_are_found_and_added_many_at_once(self, store: SqlStore) -> None:
        anna = Customer("anna", "Anna", (MAIL, PHONE), created_at=NOW)
        bob = Customer("bob", "Bob", (Identity(IdentityKind.PHONE, "+372"),))
        thief = Customer("thief", "", (PHONE, Identity(IdentityKind.COOKIE, "c")))
        nobody = Identity(IdentityKind.COOKIE, PHONE.value)
        async with store.transaction() as tx:
            assert await tx.people.add_customers([anna, bob]) == {"anna", "bob"}
            assert await tx.people.find_customers([PHONE, MAIL, nobody]) == {
                PHONE: anna,
                MAIL: anna,
            }
            assert await tx.people.customers(["bob", "nobody"]) == {"bob": bob}
        with pytest.raises(RuntimeError):
            async with store.transaction() as tx:
                assert await tx.people.add_customers([thief]) == set()
                raise RuntimeError
        async with store.transaction() as tx:
            assert await tx.people.find_customer(PHONE) == anna

    async def test_figures_of_the_day_add_up_and_begin_anew_with_the_day(
        self, store: SqlStore
    ) -> None:
        step = step_at("ana", NOW, "Europe/Riga")
        async with store.transaction() as tx:
            await tx.people.put_agent(Agent("ana", "Ana", ()))
            await tx.people.put_agent(Agent("ben", "Ben", ()))
            await tx.people.count([replace(step, handled=1, talk_s=10.5, handling_s=10.5)])
            await tx.people.count(
                [
                    replace(step, handled=1, handling_s=4.0, offered=True),
                    replace(step, agent_id="ben", talk_s=1.0),
                    replace(step, handled=1),
                    replace(step, agent_id="nobody", handled=1),
                ]
            )
            ana = await tx.people.agent("ana")
            assert ana.work_day == WorkDay("2026-03-29", 3, 10.5, 14.5, 0.0, NOW.timestamp())
            assert (await tx.people.agent("ben")).work_day.talk_s == 1.0
            tomorrow = step_at("ana", NOW + timedelta(days=1), "Europe/Riga")
            await tx.people.count([replace(tomorrow, handled=1, idle=True)])
            ana = await tx.people.agent("ana")
            assert ana.work_day == WorkDay("2026-03-30", 1, 0.0, 0.0, 0.0, NOW.timestamp())
            assert ana.idle_since == tomorrow.at

    async def test_idle_time_counts_once_and_only_with_nothing_in_hand(
        self, store: SqlStore
    ) -> None:
        def after(seconds: int) -> DayStep:
            return step_at("ana", NOW + timedelta(seconds=seconds), "UTC")

        async with store.transaction() as tx:
            await tx.people.put_agent(Agent("ana", "Ana", ()))
            await tx.people.count([replace(after(5), busy=True)])
            assert (await tx.people.agent("ana")).work_day.available_s == 0.0
            await tx.people.set_presence("ana", Presence.AVAILABLE, "", NOW)
            await tx.people.count([replace(after(20), busy=True)])
            one = interaction("one", state=InteractionState.AGENT, agent_id="ana")
            await tx.interactions.add(one)
            await tx.people.count([replace(after(30), busy=True)])
            await tx.interactions.save(replace(one, state=InteractionState.ENDED))
            await tx.people.count([replace(after(50), idle=True)])
            await tx.people.count([replace(after(60), busy=True)])
            day = (await tx.people.agent("ana")).work_day
        assert day.available_s == pytest.approx(20 + 10, abs=0.01)

    async def test_lease_has_one_holder_whose_epoch_is_the_highest(self, store: SqlStore) -> None:
        async with store.transaction() as tx:
            assert await tx.leases.holder("dispatcher") is None
            first = await tx.leases.seize("dispatcher", "a", NOW)
            assert await tx.leases.holds("dispatcher", first)
            assert not await tx.leases.holds("something else", first)
        async with store.transaction() as tx:
            second = await tx.leases.seize("dispatcher", "b", NOW)
        async with store.transaction() as tx:
            assert second > first
            assert await tx.leases.holder("dispatcher") == "b"
            assert not await tx.leases.holds("dispatcher", first)
            assert await tx.leases.holds("dispatcher", second)

    async def test_lease_is_not_seized_before_its_holder_has_committed(
        self, store: SqlStore
    ) -> None:
        order: list[str] = []
        held, go = asyncio.Event(), asyncio.Event()
        async with store.transaction() as tx:
            epoch = await tx.leases.seize("dispatcher", "a", NOW)

        async def hold() -> None:
            async with store.transaction() as tx:
                assert await tx.leases.holds("dispatcher", epoch)
                held.set()
                await go.wait()
                order.append("committed")

        async def seize() -> None:
            await held.wait()
            go.set()
            async with store.transaction() as tx:
                await tx.leases.seize("dispatcher", "b", NOW)
                order.append("seized")

        async with asyncio.timeout(20):
            await asyncio.gather(hold(), seize())
        assert order == ["committed", "seized"]
