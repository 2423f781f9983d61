"""Versions of the company's configuration, and the rows of its staff, in SQL."""

from __future__ import annotations

from sqlalchemy import RowMapping, delete, insert, select
from sqlalchemy.exc import IntegrityError

from router.company import CompanyVersion
from router.errors import Conflict
from router.model import Agent
from router.store.rows import pack_agent
from router.store.schema import agents, configurations, sessions
from router.store.steady import Connection
from router.store.upsert import insert_or_update

SET_BY_CONFIGURATION = ("name", "queues", "skills", "capacity", "standing", "limits")
"""An agent's columns that the configuration owns; presence and figures belong to the work."""


class SqlConfigurations:
    """``router.tables.ConfigurationTable`` over one connection."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    async def newest(self) -> CompanyVersion | None:
        """The one in force."""
        found = await self.history(1)
        return found[0] if found else None

    async def version(self, number: int) -> CompanyVersion | None:
        """By its number."""
        rows = await self._db.execute(
            select(configurations).where(configurations.c.version == number)
        )
        row = rows.mappings().first()
        return _unpack(row) if row else None

    async def history(self, limit: int = 100) -> list[CompanyVersion]:
        """Newest first."""
        rows = await self._db.execute(
            select(configurations).order_by(configurations.c.version.desc()).limit(limit)
        )
        return [_unpack(row) for row in rows.mappings()]

    async def add(self, version: CompanyVersion) -> None:
        """Insert; ``Conflict`` when the number is taken."""
        row = {
            "version": version.number,
            "at": version.at,
            "author": version.author,
            "note": version.note,
            "body": dict(version.body),
        }
        try:
            await self._db.execute(insert(configurations).values(**row))
        except IntegrityError as error:
            raise Conflict(f"version {version.number} is there already") from error

    async def put_settings(self, agent: Agent) -> None:
        """Insert, or overwrite only what the configuration owns."""
        row = pack_agent(agent)
        changed = {name: row[name] for name in SET_BY_CONFIGURATION}
        await self._db.execute(insert_or_update(self._db, agents, ["id"], row, changed))

    async def drop_sessions(self, account_id: str) -> None:
        """Sign the person out everywhere."""
        await self._db.execute(delete(sessions).where(sessions.c.account_id == account_id))


def _unpack(row: RowMapping) -> CompanyVersion:
    return CompanyVersion(row["version"], row["at"], row["author"], row["note"], row["body"])
