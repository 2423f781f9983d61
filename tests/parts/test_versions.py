"""Versions of the configuration over a real store and bus: who may, what moves, what stays."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from router import events
from router.bus.memory import MemoryBroker, MemoryBus
from router.clock import VirtualClock
from router.company import Company
from router.configuration.export import serialize_company
from router.configuration.file import read_company
from router.configuration.versions import Edit, NoSuchVersion, OutdatedEdit, Passwords, Versions
from router.errors import BadConfiguration, Conflict
from router.events import Fact
from router.model import (
    Channel,
    Customer,
    Direction,
    Interaction,
    InteractionState,
    Presence,
    Role,
    Session,
)
from router.ports import Transaction
from router.relay import Relay
from router.roster import CLOSED
from router.rules import Strategy, WorkDay
from router.store.sql import SqlStore
from tests.fakes.core import until
from tests.fakes.ground import open_store

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
FILE: dict[str, Any] = {
    "queues": [{"id": "orders"}, {"id": "billing"}],
    "people": [
        {"login": "ana", "password": "pw-ana", "queues": ["orders", "billing"]},
        {"login": "ben", "password": "pw-ben", "queues": ["billing"], "skills": {"lv": 3}},
        {"login": "adam", "password": "pw-adam", "role": "admin"},
    ],
}
ADAM = Edit("adam")


QUICK = Passwords(lambda word: f"hashed {word}", lambda kept, word: kept == f"hashed {word}")


class Outbox:
    """Keeps what would be published."""

    def __init__(self) -> None:
        self.facts: list[Fact] = []

    def push(self, facts: Sequence[Fact]) -> None:
        self.facts.extend(facts)


@dataclass
class World:
    store: SqlStore
    clock: VirtualClock
    company: Company
    outbox: Outbox
    versions: Versions

    def edited(self, **queue: Any) -> dict[str, Any]:
        """What is in force, with changes in the billing queue."""
        body = serialize_company(self.company)
        body["queues"][1] |= queue
        return body

    def without(self, queue_id: str = "", login: str = "") -> dict[str, Any]:
        """What is in force without a queue or a person."""
        body = serialize_company(self.company)
        body["queues"] = [each for each in body["queues"] if each["id"] != queue_id]
        body["people"] = [each for each in body["people"] if each["login"] != login]
        for person in body["people"]:
            person["queues"] = [each for each in person.get("queues", []) if each != queue_id]
        return body

    async def add(self, name: str, state: InteractionState, **changes: Any) -> Interaction:
        item = Interaction(
            id=name,
            channel=Channel.CHAT,
            direction=Direction.INBOUND,
            customer_id="anna",
            conversation_id="matter",
            address="visitor",
            service_address="web",
            state=state,
            created_at=NOON,
            queue="billing",
        )
        async with self.store.transaction() as tx:
            await tx.interactions.add(replace(item, **changes))
        return replace(item, **changes)

    async def get(self, name: str) -> Interaction:
        async with self.store.transaction() as tx:
            return await tx.interactions.get(name)


def blank() -> Company:
    return read_company({"queues": [{"id": "nothing"}]}).company


@pytest.fixture
async def world(sqlite_url: str) -> AsyncIterator[World]:
    async with open_store(sqlite_url) as store:
        clock, company, outbox = VirtualClock(NOON), blank(), Outbox()
        versions = Versions(store, company, clock, outbox, QUICK)
        async with store.transaction() as tx:
            await tx.people.add_customer(Customer("anna", "Anna"))
        await versions.seed(FILE, "from company.yaml")
        yield World(store, clock, company, outbox, versions)
        await versions.stop()


async def test_first_start_makes_version_1_with_sign_ins_and_agents(world: World) -> None:
    async with world.store.transaction() as tx:
        accounts = {each.login: each for each in await tx.people.accounts()}
        ben = await tx.people.agent("ben")
    assert accounts["adam"].role is Role.ADMIN
    assert accounts["ben"].password_hash == "hashed pw-ben"
    assert (ben.queues, ben.skills) == (("billing",), {"lv": 3})
    current = await world.versions.current()
    assert (current.number, current.author, current.note) == (
        1,
        "company file",
        "from company.yaml",
    )
    assert "pw-" not in str(current.body)
    assert world.company.version == 1


async def test_later_start_loads_what_is_in_force_the_file_changes_nothing(world: World) -> None:
    await world.versions.apply(world.edited(strategy="random"), ADAM)
    company = blank()
    again = Versions(world.store, company, world.clock, world.outbox, QUICK)
    assert await again.load()
    assert company.version == 2
    assert company.queue("billing").rules.strategy is Strategy.RANDOM
    assert not await again.seed(FILE)
    assert company.queue("billing").rules.strategy is Strategy.RANDOM


async def test_two_processes_that_start_at_once_seed_once(sqlite_url: str) -> None:
    companies = [blank(), blank()]
    async with open_store(sqlite_url) as store:
        starts = [
            Versions(store, each, VirtualClock(NOON), Outbox(), QUICK).seed(FILE)
            for each in companies
        ]
        assert sorted(await asyncio.gather(*starts)) == [False, True]
    assert [each.version for each in companies] == [1, 1]


async def test_bad_proposal_tells_everything_and_applies_nothing(world: World) -> None:
    raw = world.edited(strategy="fair", target_s=-1)
    proposal = await world.versions.propose(raw)
    places = {flaw.place for flaw in proposal.problems}
    assert places == {"queues[1].strategy", "queues[1].target_s"}
    with pytest.raises(BadConfiguration) as failure:
        await world.versions.apply(raw, ADAM)
    assert failure.value.problems == proposal.problems
    assert (await world.versions.current()).number == 1


async def test_change_is_in_force_at_once_and_told(world: World) -> None:
    told: list[int] = []
    world.versions.on_change(lambda: told.append(world.company.version))
    proposal = await world.versions.propose(world.edited(target_s=45))
    assert [(d.place, d.was, d.now) for d in proposal.differences] == [
        ("queues.billing.target_s", 20, 45)
    ]
    version = await world.versions.apply(
        world.edited(target_s=45), Edit("adam", "quieter", base=proposal.base)
    )
    assert (version.number, version.note) == (2, "quieter")
    assert world.company.queue("billing").target_s == 45
    assert told == [2]
    [fact] = world.outbox.facts
    assert isinstance(fact, events.ConfigurationChanged)
    assert (fact.version, fact.author) == (2, "adam")


async def test_edit_without_a_difference_makes_no_version(world: World) -> None:
    version = await world.versions.apply(world.edited(), ADAM)
    assert version.number == 1
    assert world.outbox.facts == []


async def test_second_editor_does_not_overwrite_the_first(world: World) -> None:
    first, second = world.edited(target_s=45), world.edited(base_s=9)
    await world.versions.apply(first, Edit("adam", base=1))
    with pytest.raises(OutdatedEdit, match="version 2 is in force"):
        await world.versions.apply(second, Edit("eve", base=1))
    assert world.company.queue("billing").base_s == 0
    found = await asyncio.gather(
        *(
            world.versions.apply(world.edited(target_s=s), Edit("adam", base=2))
            for s in (50, 60, 70)
        ),
        return_exceptions=True,
    )
    assert sum(isinstance(each, OutdatedEdit) for each in found) == 2
    assert (await world.versions.current()).number == 3


async def test_roll_back_is_a_new_version_that_says_the_old(world: World) -> None:
    await world.versions.apply(world.edited(target_s=45), ADAM)
    version = await world.versions.roll_back(1, ADAM)
    assert (version.number, version.note) == (3, "back to version 1")
    assert world.company.queue("billing").target_s == 20
    assert [each.number for each in await world.versions.history()] == [3, 2, 1]
    with pytest.raises(NoSuchVersion):
        await world.versions.roll_back(9, ADAM)


async def test_every_process_adopts_what_one_applies(world: World) -> None:
    broker = MemoryBroker()
    here, there = MemoryBus(broker), MemoryBus(broker)
    relay = Relay(world.store, here, world.clock)
    other = blank()
    versions = Versions(world.store, world.company, world.clock, relay, QUICK)
    elsewhere = Versions(world.store, other, world.clock, Outbox(), QUICK)
    for bus in (here, there):
        await bus.start()
    await relay.start(sweep=False)
    await versions.start(here, "web")
    await elsewhere.start(there, "router")
    assert other.version == 1
    await versions.apply(world.edited(strategy="ring-all"), ADAM)
    await until(lambda: other.version == 2)
    assert other.queue("billing").rules.strategy is Strategy.RING_ALL
    for part in (versions, elsewhere, relay, here, there):
        await part.stop()


# -- people --------------------------------------------------------------------------------


async def test_missing_password_keeps_the_present_one_a_new_one_replaces_it(world: World) -> None:
    async with world.store.transaction() as tx:
        for login in ("ana", "ben"):
            await tx.people.add_session(
                Session(f"token-{login}", login, "csrf", NOON + timedelta(hours=1))
            )
    body = world.edited()
    body["people"][1] |= {"password": "fresh", "name": "Ben B"}
    await world.versions.apply(body, ADAM)
    async with world.store.transaction() as tx:
        accounts = {each.login: each for each in await tx.people.accounts()}
        assert await tx.people.session("token-ana", NOON) is not None
        assert await tx.people.session("token-ben", NOON) is None, "the old password's session"
    assert accounts["ana"].password_hash == "hashed pw-ana"
    assert accounts["ben"].password_hash == "hashed fresh"
    assert accounts["ben"].name == "Ben B"


async def test_password_that_is_the_present_one_is_no_change(world: World) -> None:
    body = world.edited()
    body["people"][1]["password"] = "pw-ben"
    assert (await world.versions.propose(body)).differences == ()
    body["people"][1]["password"] = "fresh"
    [difference] = (await world.versions.propose(body)).differences
    assert (difference.place, difference.now) == ("people.ben.password", "set anew")


async def test_new_person_needs_a_password(world: World) -> None:
    body = world.edited()
    body["people"].append({"login": "eve", "queues": ["orders"]})
    [flaw] = (await world.versions.propose(body)).problems
    assert flaw.place == "people[3].password"
    body["people"][3]["password"] = "pw-eve"
    await world.versions.apply(body, ADAM)
    async with world.store.transaction() as tx:
        assert (await tx.people.agent("eve")).queues == ("orders",)


async def test_agent_who_moves_keeps_presence_figures_and_work(world: World) -> None:
    async with world.store.transaction() as tx:
        ben = await tx.people.agent("ben")
        day = WorkDay("2026-01-05", handled=4, talk_s=200.0)
        await tx.people.put_agent(replace(ben, presence=Presence.AVAILABLE, work_day=day))
    await world.add("talk", InteractionState.AGENT, agent_id="ben", accepted_at=NOON)
    body = world.edited()
    body["people"][1] |= {"queues": [{"id": "orders", "tier": 2}], "skills": {"lv": 5}}
    body["queues"][0]["tiers"] = [{"tier": 2, "after_s": 30}]
    await world.versions.apply(body, ADAM)
    async with world.store.transaction() as tx:
        ben = await tx.people.agent("ben")
    assert (ben.queues, ben.membership("orders").tier, ben.skills) == (("orders",), 2, {"lv": 5})
    assert (ben.presence, ben.work_day) == (Presence.AVAILABLE, day)
    assert (await world.get("talk")).agent_id == "ben"


async def test_person_who_leaves_cannot_sign_in_and_gets_no_work(world: World) -> None:
    async with world.store.transaction() as tx:
        ben = await tx.people.agent("ben")
        await tx.people.put_agent(replace(ben, presence=Presence.AVAILABLE))
        await tx.people.add_session(Session("token", "ben", "csrf", NOON + timedelta(hours=1)))
    await world.versions.apply(world.without(login="ben"), ADAM)
    async with world.store.transaction() as tx:
        ben = await tx.people.agent("ben")
        account = await tx.people.account_by_login("ben")
        assert await tx.people.session("token", NOON) is None
    assert account is not None
    assert account.password_hash.startswith(CLOSED)
    assert (ben.queues, ben.presence) == ((), Presence.OFFLINE)
    assert [f.agent_id for f in world.outbox.facts if isinstance(f, events.PresenceChanged)] == [
        "ben"
    ]


async def test_person_who_leaves_in_the_middle_of_work_finishes_it(world: World) -> None:
    async with world.store.transaction() as tx:
        ben = await tx.people.agent("ben")
        await tx.people.put_agent(replace(ben, presence=Presence.AVAILABLE))
        await tx.people.add_session(Session("token", "ben", "csrf", NOON + timedelta(hours=1)))
    await world.add("talk", InteractionState.AGENT, agent_id="ben", accepted_at=NOON)
    await world.versions.apply(world.without(login="ben"), ADAM)
    async with world.store.transaction() as tx:
        assert await tx.people.session("token", NOON) is not None
        ben = await tx.people.agent("ben")
    assert (ben.queues, ben.presence) == ((), Presence.AVAILABLE)
    assert (await world.get("talk")).agent_id == "ben"


async def test_person_who_comes_back_has_the_old_password(world: World) -> None:
    await world.versions.apply(world.without(login="ben"), ADAM)
    await world.versions.roll_back(1, ADAM)
    async with world.store.transaction() as tx:
        account = await tx.people.account_by_login("ben")
        ben = await tx.people.agent("ben")
    assert account is not None
    assert (account.password_hash, account.agent_id) == ("hashed pw-ben", "ben")
    assert ben.queues == ("billing",)


async def test_last_administrator_stays(world: World) -> None:
    [flaw] = (await world.versions.propose(world.without(login="adam"))).problems
    assert (flaw.place, "no administrator" in flaw.problem) == ("people", True)


# -- queues that go --------------------------------------------------------------------------


async def test_queue_in_which_somebody_waits_does_not_go(world: World) -> None:
    await world.add("one", InteractionState.WAITING, joined_at=NOON)
    await world.add("two", InteractionState.AGENT, agent_id="ana")
    [flaw] = (await world.versions.propose(world.without("billing"))).problems
    assert flaw.place == "move_waiting_to"
    assert "1 wait in it and 1 more belong to it" in flaw.problem
    with pytest.raises(BadConfiguration):
        await world.versions.apply(world.without("billing"), ADAM)
    assert (await world.get("one")).queue == "billing"


async def test_who_waits_moves_and_keeps_the_place(world: World) -> None:
    early = await world.add("one", InteractionState.WAITING, joined_at=NOON, head_start_s=30)
    await world.add("two", InteractionState.AGENT, agent_id="ana")
    await world.add("both", InteractionState.WAITING, queue="orders", also_queues=("billing",))
    await world.add("over", InteractionState.ENDED)
    world.clock.forward(60)
    await world.versions.apply(world.without("billing"), Edit("adam", move_waiting_to="orders"))
    one, two, both = [await world.get(name) for name in ("one", "two", "both")]
    assert (one.queue, one.joined_at, one.head_start_s) == ("orders", NOON, early.head_start_s)
    assert (two.queue, two.agent_id) == ("orders", "ana")
    assert (both.queue, both.also_queues) == ("orders", ())
    assert (await world.get("over")).queue == "billing", "the past is not rewritten"
    queued = [f for f in world.outbox.facts if isinstance(f, events.InteractionQueued)]
    assert [(f.interaction_id, f.queue) for f in queued] == [("one", "orders"), ("both", "orders")]


async def test_target_must_be_a_queue_that_stays(world: World) -> None:
    for target in ("billing", "sales"):
        [flaw] = (await world.versions.propose(world.without("billing"), target)).problems
        assert flaw.place == "move_waiting_to"


async def test_empty_queue_just_goes(world: World) -> None:
    await world.versions.apply(world.without("billing"), ADAM)
    assert set(world.company.queues) == {"orders"}


async def test_customer_given_to_the_queue_in_its_last_moment_is_found(world: World) -> None:
    await world.versions.apply(world.without("billing"), ADAM)
    await world.add("late", InteractionState.WAITING, joined_at=NOON)
    assert await world.versions.rescue() == 1
    assert (await world.get("late")).queue == "orders"
    assert await world.versions.rescue() == 0


async def test_router_that_starts_finds_customers_of_queues_that_are_gone(world: World) -> None:
    await world.add("lost", InteractionState.WAITING, joined_at=NOON, queue="sales")
    bus = MemoryBus()
    await bus.start()
    await world.versions.start(bus, "web")
    assert (await world.get("lost")).queue == "sales"
    await world.versions.start(bus, "router", rescues=True)
    assert (await world.get("lost")).queue == "orders"
    await bus.stop()


class RivalledVersions(Versions):
    """Somebody acts on a customer who must move, ``rivals`` times."""

    rivals = 0

    async def _write(self, tx: Transaction, *rest: Any) -> list[Fact]:
        if self.rivals:
            self.rivals -= 1
            raise Conflict("interaction one changed since version 1")
        return await super()._write(tx, *rest)


@pytest.mark.parametrize(("rivals", "moves"), [(2, True), (3, False)])
async def test_act_on_a_customer_who_must_move_is_met_by_trying_again(
    world: World, rivals: int, moves: bool
) -> None:
    await world.add("one", InteractionState.WAITING, joined_at=NOON)
    versions = RivalledVersions(world.store, world.company, world.clock, world.outbox, QUICK)
    versions.rivals = rivals
    edit = Edit("adam", move_waiting_to="orders")
    if moves:
        await versions.apply(world.without("billing"), edit)
    else:
        with pytest.raises(Conflict):
            await versions.apply(world.without("billing"), edit)
    assert (await world.get("one")).queue == ("orders" if moves else "billing")
