"""The store on SQLite (WAL) or PostgreSQL, through SQLAlchemy Core.

One transaction per unit of work. SQLite has one writer, so its transactions
queue up inside the process instead of failing as "database is locked". Who only
reads waits for nobody (WAL).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Connection, Engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from router.errors import Conflict, LocalError, StoreUnavailable
from router.ports import Transaction
from router.rings import Ringing
from router.store.bulk import to_json
from router.store.campaigns import SqlCampaigns
from router.store.configurations import SqlConfigurations
from router.store.interactions import SqlInteractions
from router.store.leases import SqlLeases
from router.store.log import SqlLog
from router.store.parties import SqlParties
from router.store.people import SqlPeople
from router.store.ringing import ring_at_once, ring_in_steps
from router.store.steady import Connection as SteadyConnection
from router.store.steady import direct, steady

MIGRATIONS = Path(__file__).parent / "migrations"
POOL_SIZE = 10
IDLE_LIMIT = "idle_in_transaction_session_timeout"
FROZEN_MS = 5_000
"""A process that is frozen inside a transaction keeps its locks no longer than this."""
ROUTER_FROZEN_MS = 2_000
"""A router: the one that takes over would wait for its locks."""
TRY_AGAIN = frozenset({"40001", "40P01"})
"""SQLSTATE of a transaction that lost to another one: serialization failure, deadlock."""
BUSY_TIMEOUT_MS = 10_000
READING = "parley_reading"
"""The option of SQLite's connections that begin no transaction."""

_owner: ContextVar[asyncio.Task[Any] | None] = ContextVar("transaction_owner", default=None)


class SqlTransaction:
    """The tables over one open connection."""

    def __init__(self, connection: SteadyConnection) -> None:
        self.interactions = SqlInteractions(connection)
        self.people = SqlPeople(connection)
        self.campaigns = SqlCampaigns(connection)
        self.configurations = SqlConfigurations(connection)
        self.parties = SqlParties(connection)
        self.leases = SqlLeases(connection)
        self.log = SqlLog(connection)


class SqlStore:
    """``router.ports.Store`` on ``sqlite+aiosqlite:///…`` or ``postgresql+asyncpg://…``.

    PostgreSQL ends a transaction in which the process has been silent for ``frozen_ms``.
    """

    def __init__(self, url: str, *, frozen_ms: int = FROZEN_MS) -> None:
        try:
            self._url = make_url(url)
        except ArgumentError:
            raise StoreUnavailable(f"DATABASE_URL {url!r} is not a database URL") from None
        self._lite = self._url.get_backend_name() == "sqlite"
        options: dict[str, Any] = {
            "json_serializer": to_json,
            "json_deserializer": msgspec.json.decode,
            "pool_reset_on_return": None,  # all that begins is ended by ``steady``
        }
        if not self._lite:
            options["pool_size"] = POOL_SIZE
            options["connect_args"] = {"server_settings": {IDLE_LIMIT: str(frozen_ms)}}
            options["isolation_level"] = "AUTOCOMMIT"  # transactions are begun by ``direct``
        self._engine = create_async_engine(self._url, **options)
        self._turn = asyncio.Lock()
        if self._lite:
            _prepare_sqlite(self._engine.sync_engine)
        # Behind the line above: it hears the events that its engine has by now.
        self._reader = self._engine.execution_options(**{READING: True})

    async def start(self) -> None:
        """Connect and bring the schema up to date."""
        try:
            async with self._migrating().connect() as connection, connection.begin():
                if not self._lite:
                    # Several processes start at once: one migrates, the others wait.
                    await connection.execute(text("SELECT pg_advisory_xact_lock(72531)"))
                await connection.run_sync(_migrate)
        except (OperationalError, DBAPIError, OSError) as error:
            shown = self._url.render_as_string(hide_password=True)
            raise StoreUnavailable(f"cannot open the database {shown}: {error}") from error

    def _migrating(self) -> AsyncEngine:
        if self._lite:
            return self._engine
        return self._engine.execution_options(isolation_level="READ COMMITTED")

    async def stop(self) -> None:
        """Close all connections."""
        await self._engine.dispose()

    def transaction(self) -> AbstractAsyncContextManager[Transaction]:
        """One unit of work; a nested one in the same task is our bug and raises."""
        return self._transaction()

    def reading(self) -> AbstractAsyncContextManager[Transaction]:
        """Reads without a transaction around them: two statements less, and no turn to wait for."""
        return self._reading()

    async def ring(self, ringing: Ringing) -> set[str]:
        """A whole transaction (``router.store.ringing``)."""
        if self._lite:
            async with self.transaction() as tx:
                return await ring_in_steps(tx, ringing)
        self.forbid_nesting()
        with _typed_conflict():
            async with direct(self._engine, reading=True) as connection:
                return await ring_at_once(connection, ringing)

    def forbid_nesting(self) -> None:
        """Raise ``LocalError`` inside a transaction of this task."""
        task = asyncio.current_task()
        if task is not None and _owner.get() is task:
            raise LocalError("a transaction was opened inside another one of the same task")

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[Transaction]:
        self.forbid_nesting()
        token = _owner.set(asyncio.current_task())
        try:
            with _typed_conflict():
                if self._lite:
                    async with self._turn, steady(self._engine) as connection:
                        yield SqlTransaction(connection)
                else:
                    async with direct(self._engine) as connection:
                        yield SqlTransaction(connection)
        finally:
            _owner.reset(token)

    @asynccontextmanager
    async def _reading(self) -> AsyncIterator[Transaction]:
        if self._lite:
            async with steady(self._reader) as connection:
                yield SqlTransaction(connection)
        else:
            async with direct(self._engine, reading=True) as connection:
                yield SqlTransaction(connection)


@contextmanager
def _typed_conflict() -> Iterator[None]:
    """Turn what the database gave up for another one's sake into ``Conflict``."""
    try:
        yield
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) in TRY_AGAIN:
            raise Conflict(f"another transaction was in the way: {error.orig}") from error
        raise


def _prepare_sqlite(engine: Engine) -> None:
    # The driver's own implicit BEGIN is deferred: two readers that both turn
    # into writers fail at once. BEGIN IMMEDIATE waits its turn instead.
    @event.listens_for(engine, "connect")
    def _connect(connection: Any, _: Any) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.execute("PRAGMA synchronous=NORMAL")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        if not connection.get_execution_options().get(READING):
            connection.exec_driver_sql("BEGIN IMMEDIATE")


def _migrate(connection: Connection) -> None:
    # Imported late: only who starts a store needs it, and it takes half a second.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
