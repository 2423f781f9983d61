"""Many rows in one statement, whose text does not depend on how many there are.

PostgreSQL takes one array per column (``unnest``) and prepares the statement once; SQLite
has no network in between and gets a statement per row.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import cache
from typing import Any

import msgspec
from sqlalchemy import (
    JSON,
    ColumnElement,
    String,
    TextClause,
    any_,
    bindparam,
    insert,
    literal,
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


def among(db: Connection, column: Column, values: Collection[str]) -> ColumnElement[bool]:
    """``column`` is one of ``values``."""
    if not _postgres(db):
        return column.in_(list(values))
    return column == any_(literal(list(values), postgresql.ARRAY(column.type)))


async def add_rows(db: Connection, table: Table, rows: Rows) -> None:
    """Insert rows that all name the same columns."""
    if not rows:
        return
    if not _postgres(db):
        await db.execute(insert(table), [dict(row) for row in rows])
        return
    names = tuple(rows[0])
    await db.execute(_insert(table, names), _arrays(table, names, rows))


async def add_or_skip(db: Connection, table: Table, rows: Rows) -> set[tuple[Any, ...]]:
    """Insert what collides with nothing; the primary keys of what went in."""
    keys = [column.name for column in table.primary_key]
    if not rows:
        return set()
    if not _postgres(db):
        done = [(row, await db.execute(insert_or_skip(db, table).values(**row))) for row in rows]
        return {tuple(row[key] for key in keys) for row, result in done if result.rowcount}
    names = tuple(rows[0])
    found = await db.execute(_insert(table, names, skip=True), _arrays(table, names, rows))
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
    if not _postgres(db):
        return await _change_each(db, table, rows, names, was)
    given = ("id", *names, *(f"was_{name}" for name in was))
    statement = _update(table, names, tuple(was), ordered)
    found = await db.execute(statement, _arrays(table, given, rows))
    return set(found.scalars())


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
def _insert(table: Table, names: tuple[str, ...], skip: bool = False) -> TextClause:
    columns = ", ".join(f'"{name}"' for name in names)
    statement = f'INSERT INTO "{table.name}" ({columns}) {_source(table, names)}'
    if skip:
        keys = ", ".join(f'"{column.name}"' for column in table.primary_key)
        statement += f" ON CONFLICT DO NOTHING RETURNING {keys}"
    return text(statement)


@cache
def _update(
    table: Table, names: tuple[str, ...], was: tuple[str, ...], ordered: bool
) -> TextClause:
    given = ("id", *names, *(f"was_{name}" for name in was))
    sets = ", ".join(f'"{name}" = v."{name}"' for name in names)
    held = "".join(f' AND t."{name}" = v."was_{name}"' for name in was)
    first, then = ("", "")
    if ordered:
        first, then = locked_first(table.name, "id"), "JOIN locked ON locked.id = v.id"
    return text(
        f'{first}UPDATE "{table.name}" AS t SET {sets}'  # noqa: S608
        f" FROM ({_source(table, given)}) AS v {then}"
        f" WHERE t.id = v.id{held} RETURNING t.id"
    )


def locked_first(table: str, ids: str) -> str:
    """Begins a statement that locks the rows named by the array ``ids`` in order, as ``locked``."""
    return (
        f'WITH locked AS MATERIALIZED (SELECT id FROM "{table}"'  # noqa: S608
        f" WHERE id = ANY(CAST(:{ids} AS text[])) ORDER BY id FOR UPDATE) "
    )


def _source(table: Table, names: Sequence[str]) -> str:
    """A SELECT of the rows out of one array per column."""
    picked, arrays = [], []
    for name in names:
        kind = table.c[name.removeprefix("was_")].type
        cast = "::json" if isinstance(kind, JSON) else ""
        picked.append(f'u."{name}"{cast} AS "{name}"')
        arrays.append(f"CAST(:{name} AS {_array_of(kind)}[])")
    columns = ", ".join(f'"{name}"' for name in names)
    return f"SELECT {', '.join(picked)} FROM unnest({', '.join(arrays)}) AS u({columns})"  # noqa: S608


def _array_of(kind: TypeEngine[Any]) -> str:
    # Texts without their length: a cast would cut what is too long instead of refusing it.
    return "text" if isinstance(kind, JSON | String) else str(kind.compile(_DIALECT))


def _arrays(table: Table, names: Sequence[str], rows: Rows) -> dict[str, list[Any]]:
    arrays = {}
    for name in names:
        kind = table.c[name.removeprefix("was_")].type
        values = [row[name] for row in rows]
        if isinstance(kind, JSON):
            values = [to_json(value) for value in values]
        elif isinstance(kind, UtcTime):
            values = [kind.process_bind_param(value, _DIALECT) for value in values]
        arrays[name] = values
    return arrays


def to_json(value: Any) -> str:
    """JSON for a column; ``msgspec.Raw`` is JSON already."""
    return msgspec.json.encode(value).decode()
