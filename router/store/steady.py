"""A connection whose statements finish even when their task is cancelled.

A cancelled statement makes SQLAlchemy throw its connection away while the driver's
thread still runs it: SQLite's write lock then stays taken until a time-out. So a
statement that has begun always ends; only then the cancellation goes on.

A database that has gone, or is not there yet, is ``StoreUnavailable`` wherever it shows:
on connecting, in a statement, at the commit. Who gets it may try the whole act again.

On PostgreSQL the statements that every act needs go to the driver itself (``fetch``): a
statement that SQLAlchemy builds, executes and reads takes ten times as much of our processor.
Beginning and ending are ours as well there (``direct``).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any, TypeVar

from asyncpg.exceptions import (  # type: ignore[import-untyped]
    IntegrityConstraintViolationError,
    InternalClientError,
    PostgresError,
)
from asyncpg.exceptions import InterfaceError as DriverError
from sqlalchemy import Dialect, Executable
from sqlalchemy.exc import DBAPIError, IntegrityError, InterfaceError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from router.errors import StoreUnavailable

T = TypeVar("T")

GOING_OR_COMING = ("08", "57P", "53300", "25P03")
"""How SQLSTATE begins when a connection breaks, the server stops or starts, has too many
clients, or ended one that was idle inside a transaction (PostgreSQL, appendix A)."""


class Connection:
    """What the tables use of a connection; ``driver`` is asyncpg's, None on SQLite."""

    def __init__(self, connection: AsyncConnection, driver: Any = None) -> None:
        self._connection = connection
        self._driver = driver

    @property
    def dialect(self) -> Dialect:
        """Which database it is."""
        return self._connection.dialect

    async def execute(self, statement: Executable, values: Any = None) -> Any:
        """Run one statement to its end; its ``CursorResult``."""
        with typed():
            return await finished(self._connection.execute(statement, values))

    @property
    def direct(self) -> bool:
        """Whether there is ``fetch``: on PostgreSQL."""
        return self._driver is not None

    async def fetch(self, query: str, *values: Any) -> list[Any]:
        """Run one statement of PostgreSQL's, with ``$1…`` in it, to its end; its records."""
        with typed_statement(query):
            rows: list[Any] = await finished(self._driver.fetch(query, *values))
        return rows


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


@asynccontextmanager
async def direct(engine: AsyncEngine, *, reading: bool = False) -> AsyncIterator[Connection]:
    """The same on PostgreSQL, where ``engine`` leaves beginning and ending to us (AUTOCOMMIT).

    ``reading`` has no transaction: each statement sees what is committed when it runs.
    """
    opening = asyncio.ensure_future(_opened(engine, begin=not reading))
    try:
        await finished_task(opening)
        yield Connection(*opening.result())
    except BaseException:
        # Opened, even if we were cancelled meanwhile.
        if not opening.cancelled() and opening.exception() is None:
            with suppress(StoreUnavailable, DBAPIError):
                await finished(_closed(*opening.result(), "" if reading else "ROLLBACK"))
        raise
    await finished(_closed(*opening.result(), "" if reading else "COMMIT"))


async def _opened(engine: AsyncEngine, *, begin: bool) -> tuple[AsyncConnection, Any]:
    with typed():
        while True:
            connection = engine.connect()
            await connection.start()
            driver: Any = (await connection.get_raw_connection()).driver_connection
            if not driver.is_closed():
                break
            # It was cut off while it lay in the pool.
            await connection.invalidate()
            await connection.close()
    if begin:
        try:
            with typed_statement("BEGIN"):
                await driver.execute("BEGIN")
        except BaseException:
            await _dropped(connection)
            raise
    return connection, driver


async def _closed(connection: AsyncConnection, driver: Any, word: str) -> None:
    """End the transaction with that word; a connection that cannot do so is not used again."""
    try:
        if word:
            with typed_statement(word):
                await driver.execute(word)
    except BaseException:
        await _dropped(connection)
        raise
    await connection.close()


async def _dropped(connection: AsyncConnection) -> None:
    await connection.invalidate()
    await connection.close()


@contextmanager
def typed_statement(query: str) -> Iterator[None]:
    """Turn what the driver raises into ``StoreUnavailable`` or SQLAlchemy's exceptions."""
    try:
        yield
    except PostgresError as error:
        if str(error.sqlstate or "").startswith(GOING_OR_COMING):
            raise StoreUnavailable(f"cannot use the database: {error}") from error
        broken = isinstance(error, IntegrityConstraintViolationError)
        raise (IntegrityError if broken else DBAPIError)(query, None, error) from error
    except (OSError, DriverError) as error:
        raise StoreUnavailable(f"lost the database: {error}") from error


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
    return await finished_task(asyncio.ensure_future(work))


async def finished_task(task: asyncio.Task[T]) -> T:
    """The same for what has begun."""
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
