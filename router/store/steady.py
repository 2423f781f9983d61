"""A connection whose statements finish even when their task is cancelled.

A cancelled statement makes SQLAlchemy throw its connection away while the driver's
thread still runs it: SQLite's write lock then stays taken until a time-out. So a
statement that has begun always ends; only then the cancellation goes on.

A database that has gone, or is not there yet, is ``StoreUnavailable`` wherever it shows:
on connecting, in a statement, at the commit. Who gets it may try the whole act again.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any, TypeVar

from asyncpg.exceptions import (  # type: ignore[import-untyped]
    InternalClientError,
    PostgresError,
)
from sqlalchemy import Dialect, Executable
from sqlalchemy.exc import DBAPIError, InterfaceError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from router.errors import StoreUnavailable

T = TypeVar("T")

GOING_OR_COMING = ("08", "57P", "53300", "25P03")
"""How SQLSTATE begins when a connection breaks, the server stops or starts, has too many
clients, or ended one that was idle inside a transaction (PostgreSQL, appendix A)."""


class Connection:
    """What the tables use of a connection."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    @property
    def dialect(self) -> Dialect:
        """Which database it is."""
        return self._connection.dialect

    async def execute(self, statement: Executable, values: Any = None) -> Any:
        """Run one statement to its end; its ``CursorResult``."""
        with typed():
            return await finished(self._connection.execute(statement, values))


@asynccontextmanager
async def steady(engine: AsyncEngine) -> AsyncIterator[Connection]:
    """A transaction: commits on leaving, rolls back when the block raises."""
    connection = engine.connect()
    try:
        with typed():
            await finished(_begun(connection))
    except BaseException:
        if connection.sync_connection is not None:  # it was opened before it failed
            await finished(connection.close())
        raise
    try:
        yield Connection(connection)
    except BaseException:
        # On a connection that is gone there is nothing to roll back.
        with suppress(DBAPIError, OSError):
            await finished(_ended(connection, commit=False))
        raise
    with typed():
        await finished(_ended(connection, commit=True))


@contextmanager
def typed() -> Iterator[None]:
    """Turn what drivers raise when the database is gone into ``StoreUnavailable``."""
    try:
        yield
    except DBAPIError as error:
        cause = error.orig.__cause__ if error.orig else None
        if error.connection_invalidated or isinstance(error, InterfaceError):
            raise StoreUnavailable(f"lost the database: {error.orig}") from error
        if isinstance(cause, InternalClientError):  # the connection closed under a statement
            raise StoreUnavailable(f"lost the database: {cause}") from error
        if str(getattr(error.orig, "sqlstate", "")).startswith(GOING_OR_COMING):
            raise StoreUnavailable(f"cannot use the database: {error.orig}") from error
        raise
    except (OSError, PostgresError) as error:  # while connecting they come as they are
        raise StoreUnavailable(f"cannot reach the database: {error}") from error


async def finished(work: Coroutine[Any, Any, T]) -> T:
    """Await ``work`` to its end even when we are cancelled meanwhile."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task})
        raise


async def _begun(connection: AsyncConnection) -> None:
    await connection.start()
    await connection.begin()


async def _ended(connection: AsyncConnection, *, commit: bool) -> None:
    try:
        await (connection.commit() if commit else connection.rollback())
    finally:
        await connection.close()
