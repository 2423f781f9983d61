"""Who takes part in a talk, in SQL."""

from __future__ import annotations

from dataclasses import asdict, fields

from sqlalchemy import delete, insert, select, update

from router.acts.parties import JoinMode, Party, PartyRole, PartyState
from router.errors import Conflict
from router.store.rows import Row
from router.store.schema import parties
from router.store.steady import Connection


class SqlParties:
    """``router.tables.PartyTable`` over one connection."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    async def of(self, interaction_id: str) -> list[Party]:
        """Those who take part now, in the order in which they joined."""
        rows = await self._db.execute(
            select(parties)
            .where(parties.c.interaction_id == interaction_id, parties.c.state != PartyState.LEFT)
            .order_by(parties.c.joined_at, parties.c.id)
        )
        return [_unpack(row) for row in rows.mappings()]

    async def put(self, party: Party, was: Party | None) -> None:
        """Insert, or compare and set on role, state and mode; ``Conflict`` otherwise."""
        if was is None:
            await self._db.execute(insert(parties).values(**asdict(party)))
            return
        done = await self._db.execute(
            update(parties)
            .where(
                parties.c.id == was.id,
                parties.c.role == was.role,
                parties.c.state == was.state,
                parties.c.mode.is_not_distinct_from(was.mode),
            )
            .values(**asdict(party))
        )
        if done.rowcount != 1:
            raise Conflict(f"party {was.id} of interaction {was.interaction_id} has changed")

    async def drop(self, interaction_id: str) -> None:
        """Forget all of them."""
        await self._db.execute(delete(parties).where(parties.c.interaction_id == interaction_id))


def _unpack(row: Row) -> Party:
    values = {f.name: row[f.name] for f in fields(Party)}
    values["role"] = PartyRole(row["role"])
    values["state"] = PartyState(row["state"])
    values["mode"] = JoinMode(row["mode"]) if row["mode"] else None
    return Party(**values)
