"""The table of configuration versions, against SQLite and PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from router.company import CompanyVersion
from router.errors import Conflict
from router.model import Account, Agent, Channel, Limits, Presence, Role, Session
from router.rules import Membership, WorkDay
from router.store.sql import SqlStore

NOW = datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
FIRST = CompanyVersion(1, NOW, "adam", "the first", {"queues": [{"id": "orders"}]})


@pytest.fixture
async def store(store_url: str) -> AsyncIterator[SqlStore]:
    opened = SqlStore(store_url)
    await opened.start()
    yield opened
    await opened.stop()


async def test_versions_come_back_newest_first(store: SqlStore) -> None:
    second = replace(FIRST, number=2, note="", body={"queues": [], "name": "Māja"})
    async with store.transaction() as tx:
        assert await tx.configurations.newest() is None
        await tx.configurations.add(FIRST)
        await tx.configurations.add(second)
    async with store.transaction() as tx:
        assert await tx.configurations.newest() == second
        assert await tx.configurations.version(1) == FIRST
        assert await tx.configurations.version(3) is None
        assert await tx.configurations.history() == [second, FIRST]
        assert await tx.configurations.history(1) == [second]


async def test_number_that_is_taken_is_a_conflict_and_nothing_is_written(store: SqlStore) -> None:
    async with store.transaction() as tx:
        await tx.configurations.add(FIRST)
    with pytest.raises(Conflict, match="version 1"):
        async with store.transaction() as tx:
            await tx.configurations.add(replace(FIRST, author="eve"))
    async with store.transaction() as tx:
        assert await tx.configurations.history() == [FIRST]


async def test_editors_under_one_lock_take_turns(store: SqlStore) -> None:
    async def edit(author: str) -> int:
        async with store.transaction() as tx:
            await tx.interactions.lock("configuration")
            newest = await tx.configurations.newest()
            number = newest.number + 1 if newest else 1
            await asyncio.sleep(0.01)
            await tx.configurations.add(replace(FIRST, number=number, author=author))
            return number

    assert sorted(await asyncio.gather(*(edit(name) for name in "abcd"))) == [1, 2, 3, 4]


async def test_settings_of_an_agent_change_the_work_stays(store: SqlStore) -> None:
    agent = Agent(
        "ana",
        "Ana",
        ("orders",),
        presence=Presence.AVAILABLE,
        presence_since=NOW,
        work_day=WorkDay("2026-03-29", handled=7, talk_s=90.5),
    )
    changed = Agent(
        "ana",
        "Ana Ozola",
        ("billing",),
        {"lv": 5},
        {Channel.CHAT: 2},
        standing={"billing": Membership(tier=2)},
        limits=Limits(total=3),
    )
    async with store.transaction() as tx:
        await tx.people.put_agent(agent)
        await tx.configurations.put_settings(changed)
        await tx.configurations.put_settings(replace(changed, id="ben"))
    async with store.transaction() as tx:
        found = await tx.people.agent("ana")
        new = await tx.people.agent("ben")
    assert found == replace(
        changed, presence=Presence.AVAILABLE, presence_since=NOW, work_day=agent.work_day
    )
    assert new == replace(changed, id="ben")


async def test_dropped_sessions_are_only_those_of_the_person(store: SqlStore) -> None:
    async with store.transaction() as tx:
        for login in ("ana", "ben"):
            await tx.people.put_account(Account(login, login, login, Role.AGENT, "hash"))
            session = Session(f"token-{login}", login, "csrf", NOW + timedelta(hours=1))
            await tx.people.add_session(session)
        await tx.configurations.drop_sessions("ana")
    async with store.transaction() as tx:
        assert await tx.people.session("token-ana", NOW) is None
        assert await tx.people.session("token-ben", NOW) is not None
