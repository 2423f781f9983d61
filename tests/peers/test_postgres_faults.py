"""PostgreSQL going away and coming back: whoever acts is told so by a typed error."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from router.errors import StoreUnavailable
from router.store.sql import SqlStore
from tests import services

pytestmark = pytest.mark.peer

NOW = datetime(2026, 1, 5, 9, tzinfo=UTC)
CUT = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'client backend'"


@pytest.fixture
async def store(postgres_url: str) -> AsyncIterator[SqlStore]:
    """A started store with a connection in its pool."""
    store = SqlStore(postgres_url)
    await store.start()
    yield store
    await store.stop()


async def note(store: SqlStore, name: str) -> None:
    async with store.transaction() as tx:
        await tx.log.node_alive(name, NOW)


async def names(store: SqlStore) -> set[str]:
    async with store.transaction() as tx:
        return await tx.log.live_nodes(NOW)


async def test_cut_in_the_middle_of_an_act_nothing_is_kept_and_the_next_try_works(
    store: SqlStore, postgres_server: services.Postgres
) -> None:
    with pytest.raises(StoreUnavailable) as caught:
        async with store.transaction() as tx:
            await tx.log.node_alive("half", NOW)
            postgres_server.run(f"{CUT} AND pid <> pg_backend_pid()")
            await tx.log.node_alive("other half", NOW)
    assert caught.value.retryable
    await note(store, "whole")
    assert await names(store) == {"whole"}


async def test_down_is_said_at_once_and_back_is_noticed(
    store: SqlStore, postgres_server: services.Postgres
) -> None:
    await note(store, "before")
    await asyncio.to_thread(postgres_server.kill)
    for _ in range(2):  # with the old connection, then with none
        with pytest.raises(StoreUnavailable):
            await note(store, "lost")
    postgres_server.start()
    async with asyncio.timeout(60):
        while "after" not in await _try(store):
            await asyncio.sleep(0.1)
    assert await names(store) == {"before", "after"}


async def _try(store: SqlStore) -> set[str]:
    try:
        await note(store, "after")
        return await names(store)
    except StoreUnavailable:
        return set()
