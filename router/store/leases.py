"""Who may act for everybody, in SQL."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select

from router.store.schema import leases
from router.store.steady import Connection
from router.store.upsert import insert_into

FROZEN_MS = "2000"
"""A holder that is frozen inside a transaction keeps others from seizing no longer than this."""
HOLDS = """
    SELECT epoch, set_config('idle_in_transaction_session_timeout', $2, true)
    FROM leases WHERE name = $1 FOR SHARE
"""


class SqlLeases:
    """``router.tables.LeaseTable`` over one connection."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    async def seize(self, name: str, holder: str, at: datetime) -> int:
        """A higher epoch than anybody had; whoever holds it now commits first."""
        statement = (
            insert_into(self._db, leases)
            .values(name=name, holder=holder, epoch=1, since=at)
            .on_conflict_do_update(
                index_elements=["name"],
                set_={"holder": holder, "epoch": leases.c.epoch + 1, "since": at},
            )
        )
        found = await self._db.execute(statement.returning(leases.c.epoch))
        epoch: int = found.scalar_one()
        return epoch

    async def holds(self, name: str, epoch: int) -> bool:
        """Whether this is the latest epoch. If so, nobody seizes it before our end."""
        if self._db.direct:
            rows = await self._db.fetch(HOLDS, name, FROZEN_MS)
            return [row["epoch"] for row in rows] == [epoch]
        found = await self._db.execute(select(leases.c.epoch).where(leases.c.name == name))
        return bool(found.scalar_one_or_none() == epoch)

    async def holder(self, name: str) -> str | None:
        """Who has it, None when nobody ever had."""
        found = await self._db.execute(select(leases.c.holder).where(leases.c.name == name))
        node: str | None = found.scalar_one_or_none()
        return node
