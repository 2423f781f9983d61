"""A desk after a loss of the bus: the pages learn at once what happened meanwhile."""

import asyncio
from datetime import UTC, datetime

from gateway.desk.hub import DeskHub
from router.acts.lifecycle import Lifecycle
from router.clock import VirtualClock
from router.company import parse_company
from router.model import Presence
from router.relay import Relay
from router.store.sql import SqlStore
from tests.fakes.fragile import FragileBus

MORNING = datetime(2026, 1, 5, 9, tzinfo=UTC)
PATIENCE_S = 5.0
"""Less than a beat: only the news of the restored connection comes so soon."""
COMPANY = {
    "queues": [{"id": "orders"}],
    "people": [{"login": "ana", "password": "password-1", "queues": ["orders"]}],
}


async def test_bus_is_back_pages_get_a_fresh_snapshot_at_once(sqlite_url: str) -> None:
    store, clock, bus = SqlStore(sqlite_url), VirtualClock(MORNING), FragileBus()
    await store.start()
    await bus.start()
    relay = Relay(store, bus, clock)  # not started: what happens is not heard of
    company = parse_company(COMPANY)
    ana = company.people[0].agent
    assert ana is not None
    async with store.transaction() as tx:
        await tx.people.put_agent(ana)
    life = Lifecycle(store, company, clock, relay)
    hub = DeskHub(store, life, bus, company, clock, "web-1")
    await hub.start()
    async with asyncio.timeout(PATIENCE_S):
        tab = await hub.open("ana")
        first = await tab.outbox.get()
        assert first is not None
        assert first["me"]["presence"] == Presence.OFFLINE
        await life.set_presence("ana", Presence.AVAILABLE)
        bus.be_lost_and_back()
        while (view := await tab.outbox.get()) is not None and view["type"] != "snapshot":
            pass
        assert view is not None
        assert view["me"]["presence"] == Presence.AVAILABLE
    await hub.stop()
    await bus.stop()
    await store.stop()
