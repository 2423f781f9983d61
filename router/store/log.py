"""The event log, the outbox, nodes and small documents in SQL."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from msgspec import Raw
from sqlalchemy import delete, select, update

from router.bus.codec import pack_body, pack_fact, unpack_fact
from router.events import Fact, MessageAdded
from router.store.bulk import add_rows, among
from router.store.schema import documents, events, handled, nodes, outbox
from router.store.steady import Connection
from router.store.upsert import insert_or_replace, insert_or_skip

SENT = "DELETE FROM outbox WHERE id = ANY($1::text[])"


class SqlLog:
    """``router.tables.LogTable`` over one connection."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    async def append(self, facts: Sequence[Fact]) -> None:
        """To the event log and the outbox alike."""
        await add_rows(self._db, events, pack_events(facts), also=outbox)

    async def facts(
        self,
        *,
        interaction_id: str | None = None,
        since: datetime | None = None,
        types: Iterable[type[Fact]] | None = None,
        limit: int | None = None,
    ) -> list[Fact]:
        """Oldest first."""
        # A sum keeps the planner from walking the whole log in order instead of its last minutes.
        order = events.c.seq if since is None else events.c.seq + 0
        query = select(events.c.type, events.c.body).order_by(order)
        if interaction_id is not None:
            query = query.where(events.c.interaction_id == interaction_id)
        if since is not None:
            query = query.where(events.c.at >= since)
        if types is not None:
            query = query.where(events.c.type.in_([kind.__name__ for kind in types]))
        if limit is not None:
            query = query.limit(limit)
        rows = await self._db.execute(query)
        found = (unpack_fact(kind, body) for kind, body in rows)
        return [fact for fact in found if fact is not None]

    async def reword(self, interaction_id: str, message_id: str, text: str) -> None:
        """The log is only added to, but for what must not be kept."""
        query = select(events.c.seq, events.c.type, events.c.body).where(
            events.c.interaction_id == interaction_id, events.c.type == MessageAdded.__name__
        )
        for seq, kind, body in (await self._db.execute(query)).all():
            fact = unpack_fact(kind, body)
            if isinstance(fact, MessageAdded) and fact.message_id == message_id:
                await self._db.execute(
                    update(events)
                    .where(events.c.seq == seq)
                    .values(body=pack_fact(replace(fact, text=text))["body"])
                )

    async def numbers(
        self,
        types: Iterable[type[Fact]],
        *,
        after: int = 0,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> list[int]:
        """Places in the log, ascending."""
        query = select(events.c.seq).where(events.c.type.in_([kind.__name__ for kind in types]))
        if after:
            query = query.where(events.c.seq > after)
        if since is not None:
            query = query.where(events.c.at >= since)
        if until is not None:
            query = query.where(events.c.at < until)
        rows = await self._db.execute(query)
        return sorted(rows.scalars())

    async def numbered(self, numbers: Collection[int]) -> list[Fact]:
        """The facts at these places, in order."""
        if not numbers:
            return []
        query = select(events.c.type, events.c.body).order_by(events.c.seq)
        rows = await self._db.execute(query.where(among(self._db, events.c.seq, numbers)))
        found = (unpack_fact(kind, body) for kind, body in rows)
        return [fact for fact in found if fact is not None]

    async def unsent(self, older_than: datetime, limit: int = 500) -> list[Fact]:
        """What the bus has not confirmed yet, oldest first."""
        rows = await self._db.execute(
            select(events.c.type, events.c.body)
            .join(outbox, outbox.c.id == events.c.id)
            .where(outbox.c.at <= older_than)
            .order_by(events.c.seq)
            .limit(limit)
        )
        found = (unpack_fact(kind, body) for kind, body in rows)
        return [fact for fact in found if fact is not None]

    async def sent(self, fact_ids: Sequence[str]) -> None:
        """The bus has taken responsibility for these."""
        if fact_ids and self._db.direct:
            await self._db.fetch(SENT, list(fact_ids))
        elif fact_ids:
            await self._db.execute(delete(outbox).where(among(self._db, outbox.c.id, fact_ids)))

    async def seen_before(self, group: str, fact_id: str, at: datetime) -> bool:
        """True when the group already had this fact."""
        done = await self._db.execute(
            insert_or_skip(self._db, handled).values(group_name=group, fact_id=fact_id, at=at)
        )
        return bool(done.rowcount == 0)

    async def node_alive(self, node: str, at: datetime) -> None:
        """A process says that it is there."""
        row = {"node": node, "seen_at": at}
        await self._db.execute(insert_or_replace(self._db, nodes, ["node"], row))

    async def live_nodes(self, since: datetime) -> set[str]:
        """Processes heard of since then."""
        rows = await self._db.execute(select(nodes.c.node).where(nodes.c.seen_at >= since))
        return set(rows.scalars())

    async def forget_nodes(self, but: str) -> None:
        """All but one are gone."""
        await self._db.execute(delete(nodes).where(nodes.c.node != but))

    async def document(self, name: str) -> Any | None:
        """A small JSON document by name."""
        found = await self._db.execute(select(documents.c.body).where(documents.c.name == name))
        return found.scalar_one_or_none()

    async def put_document(self, name: str, body: Any) -> None:
        """Insert or replace."""
        row = {"name": name, "body": body}
        await self._db.execute(insert_or_replace(self._db, documents, ["name"], row))


def pack_events(facts: Sequence[Fact]) -> list[Mapping[str, Any]]:
    """The rows of the log."""
    return [
        {
            "id": fact.id,
            "type": type(fact).__name__,
            "interaction_id": fact.interaction_id,
            "at": fact.at,
            "body": Raw(pack_body(fact)),
        }
        for fact in facts
    ]
