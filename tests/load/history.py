"""Reads what a run has left: tables, event log, dead letters, what its processes noted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from router.bus.codec import unpack_fact
from router.bus.rabbit import RabbitBus
from router.store.rows import unpack_agent, unpack_interaction, unpack_offer
from router.store.schema import agents, events, interactions, messages, offers, outbox
from tests.load.customers import LINE, STORED, Ledger
from tests.load.ears import KNOWN, TOLD, read_ears
from tests.load.verdict import History


async def read_history(store_url: str, folder: Path, letters: Sequence[str] = ()) -> History:
    """Everything that ``judge`` looks at; the ledgers of senders and routers are in ``folder``."""
    promised, heard = Ledger.read(folder, STORED), read_ears(folder, KNOWN)
    told = read_ears(folder, TOLD)
    engine = create_async_engine(store_url)
    try:
        async with engine.connect() as connection:
            found = await _read(connection)
            return replace(found, promised=promised, heard=heard, told=told, dead_letters=letters)
    finally:
        await engine.dispose()


async def dead_letters(rabbit_url: str) -> list[str]:
    """What the bus gave up, in words."""
    bus = RabbitBus(rabbit_url)
    await bus.start()
    try:
        letters = await bus.dead_letters()
    finally:
        await bus.stop()
    return [f"{one.group} gave up {one.type_name}: {one.reason}" for one in letters]


async def _read(connection: AsyncConnection) -> History:
    log = await connection.execute(select(events.c.type, events.c.body).order_by(events.c.seq))
    facts = [unpack_fact(kind, body) for kind, body in log]
    rows = (await connection.execute(select(interactions))).mappings().all()
    offered = (await connection.execute(select(offers))).mappings().all()
    people = (await connection.execute(select(agents))).mappings().all()
    said = await connection.execute(select(messages.c.external_id))
    unsent = await connection.execute(select(func.count()).select_from(outbox))
    return History(
        facts=[fact for fact in facts if fact is not None],
        interactions=[unpack_interaction(row) for row in rows],
        offers=[unpack_offer(row) for row in offered],
        agents=[unpack_agent(row) for row in people],
        arrivals={row["external_id"]: row["id"] for row in rows if row["external_id"]},
        lines=Counter(
            one.removeprefix(LINE) for one in said.scalars() if one and one.startswith(LINE)
        ),
        unsent=unsent.scalar_one(),
    )
