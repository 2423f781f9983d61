"""Many rows in one statement, whose text does not depend on how many there are.

PostgreSQL takes one array per column (``unnest``) and prepares the statement once, straight
in the driver; SQLite has no network in between and gets a statement per row.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cache
from typing import Any

import msgspec
from sqlalchemy import (
    JSON,
    ColumnElement,
    String,
    any_,
    bindparam,
    insert,
    literal,
    select,
    text,
    update,
)
from sqlalchemy import Column as Column_
from sqlalchemy import Table as Table
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import TypeEngine

from router.store.schema import UtcTime
from router.store.steady import Connection
from router.store.upsert import insert_or_skip

Column = Column_[Any]
Rows = Sequence[Mapping[str, Any]]
_DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]


def among(
    db: Connection, column: Column, values: Collection[str] | Collection[int]
) -> ColumnElement[bool]:
    """``column`` is one of ``values``."""
    if not _postgres(db):
        return column.in_(list(values))
    return column == any_(literal(list(values), postgresql.ARRAY(column.type)))


async def rows_among(
    db: Connection,
    column: Column,
    values: Collection[str],
    *,
    where: str = "",
    order: str = "",
    lock: bool = False,
) -> Sequence[Mapping[str, Any]]:
    """Whole rows whose ``column`` is one of ``values``.

    ``where`` and ``order`` are SQL that both databases know; ``lock`` keeps the rows to us.
    """
    if db.direct:
        return await db.fetch(_select(column, where, order, lock), list(values))
    query = select(column.table).where(column.in_(list(values)))
    query = query.where(text(where)) if where else query
    query = query.order_by(text(order)) if order else query
    rows: Sequence[Mapping[str, Any]] = (await db.execute(query)).mappings().all()
    return rows


@cache
def _select(column: Column, where: str, order: str, lock: bool) -> str:
    columns, table = _listed(column.table.c.keys()), column.table.name
    query = f'SELECT {columns} FROM "{table}" WHERE "{column.name}" = ANY($1::text[])'  # noqa: S608
    query += f" AND {where}" if where else ""
    query += f" ORDER BY {order}" if order else ""
    return query + (" FOR UPDATE" if lock else "")


async def add_rows(db: Connection, table: Table, rows: Rows, *, also: Table | None = None) -> None:
    """Insert rows that all name the same columns.

    ``also`` gets of each what it has columns for, in the same statement where that is possible.
    """
    if not rows:
        return
    names = tuple(rows[0])
    if db.direct:
        await db.fetch(_insert(table, names, also=also), *arrays_of(table, names, rows))
        return
    await db.execute(insert(table), [dict(row) for row in rows])
    if also is not None:
        shared = _shared(also, names)
        await db.execute(insert(also), [{name: row[name] for name in shared} for row in rows])


async def add_or_skip(db: Connection, table: Table, rows: Rows) -> set[tuple[Any, ...]]:
    """Insert what collides with nothing; the primary keys of what went in."""
    keys = [column.name for column in table.primary_key]
    if not rows:
        return set()
    if not db.direct:
        done = [(row, await db.execute(insert_or_skip(db, table).values(**row))) for row in rows]
        return {tuple(row[key] for key in keys) for row, result in done if result.rowcount}
    names = tuple(rows[0])
    found = await db.fetch(_insert(table, names, skip=True), *arrays_of(table, names, rows))
    return {tuple(row) for row in found}


async def change_rows(
    db: Connection, table: Table, rows: Rows, was: Sequence[str], *, ordered: bool = False
) -> set[str]:
    """Write rows over those with the same ``id`` whose columns ``was`` still hold.

    A row names the columns to write and, as ``was_…``, what each of ``was`` must be.
    Returns the ids of those that were written. ``ordered`` locks them in the order of
    their ids first: for rows that have not been taken so before.
    """
    if not rows:
        return set()
    names = tuple(name for name in rows[0] if name != "id" and not name.startswith("was_"))
    if not db.direct:
        return await _change_each(db, table, rows, names, was)
    given = ("id", *names, *(f"was_{name}" for name in was))
    statement = _update(table, names, tuple(was), ordered)
    found = await db.fetch(statement, *arrays_of(table, given, rows))
    return {row["id"] for row in found}


async def _change_each(
    db: Connection, table: Table, rows: Rows, names: Sequence[str], was: Sequence[str]
) -> set[str]:
    statement = (
        update(table)
        .where(table.c.id == bindparam("b_id"))
        .where(*(table.c[name] == bindparam(f"was_{name}") for name in was))
        .values({name: bindparam(f"b_{name}") for name in names})
    )
    written = set()
    for row in rows:
        values = {f"b_{name}": row[name] for name in ("id", *names)}
        values |= {f"was_{name}": row[f"was_{name}"] for name in was}
        if (await db.execute(statement, values)).rowcount:
            written.add(row["id"])
    return written


def _postgres(db: Connection) -> bool:
    return db.dialect.name == "postgresql"


@cache
def _insert(
    table: Table, names: tuple[str, ...], skip: bool = False, also: Table | None = None
) -> str:
    columns = _listed(names)
    statement = f'INSERT INTO "{table.name}" ({columns}) {source_of(table, names)}'
    if skip:
        statement += (
            f" ON CONFLICT DO NOTHING RETURNING {_listed(table.primary_key.columns.keys())}"
        )
    if also is not None:
        shared = _listed(_shared(also, names))
        statement = (
            f"WITH added AS ({statement} RETURNING {shared})"  # noqa: S608
            f' INSERT INTO "{also.name}" ({shared}) SELECT {shared} FROM added'
        )
    return statement


def _shared(table: Table, names: Iterable[str]) -> tuple[str, ...]:
    """Those of the columns that this table has, too."""
    return tuple(name for name in names if name in table.c)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


@cache
def _update(table: Table, names: tuple[str, ...], was: tuple[str, ...], ordered: bool) -> str:
    given = ("id", *names, *(f"was_{name}" for name in was))
    sets = ", ".join(f'"{name}" = v."{name}"' for name in names)
    held = "".join(f' AND t."{name}" = v."was_{name}"' for name in was)
    first, then = ("", "")
    if ordered:
        first, then = locked_first(table.name, 1), "JOIN locked ON locked.id = v.id"
    return (
        f'{first}UPDATE "{table.name}" AS t SET {sets}'  # noqa: S608
        f" FROM ({source_of(table, given)}) AS v {then}"
        f" WHERE t.id = v.id{held} RETURNING t.id"
    )


def locked_first(table: str, ids: int) -> str:
    """Begins a statement that locks the rows named by its array number ``ids``, as ``locked``.

    In the order of their ids.
    """
    return (
        f'WITH locked AS MATERIALIZED (SELECT id FROM "{table}"'  # noqa: S608
        f" WHERE id = ANY(${ids}::text[]) ORDER BY id FOR UPDATE) "
    )


def source_of(table: Table, names: Sequence[str], first: int = 1) -> str:
    """A SELECT of rows out of one array per column; ``first`` is the first array's number."""
    picked, arrays = [], []
    for number, name in enumerate(names, first):
        kind = table.c[name.removeprefix("was_")].type
        cast = "::json" if isinstance(kind, JSON) else ""
        picked.append(f'u."{name}"{cast} AS "{name}"')
        arrays.append(f"${number}::{_array_of(kind)}[]")
    return f"SELECT {', '.join(picked)} FROM unnest({', '.join(arrays)}) AS u({_listed(names)})"  # noqa: S608


def _array_of(kind: TypeEngine[Any]) -> str:
    # Texts without their length: a cast would cut what is too long instead of refusing it.
    return "text" if isinstance(kind, JSON | String) else str(kind.compile(_DIALECT))


def arrays_of(table: Table, names: Sequence[str], rows: Rows) -> list[list[Any]]:
    """The arrays of ``source_of``."""
    arrays = []
    for name in names:
        kind = table.c[name.removeprefix("was_")].type
        values = [row[name] for row in rows]
        if isinstance(kind, JSON):
            values = [to_json(value) for value in values]
        elif isinstance(kind, UtcTime):
            values = [kind.process_bind_param(value, _DIALECT) for value in values]
        arrays.append(values)
    return arrays


def to_json(value: Any) -> str:
    """JSON for a column; ``msgspec.Raw`` is JSON already."""
    return msgspec.json.encode(value).decode()
