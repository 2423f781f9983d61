"""INSERT … ON CONFLICT, which both databases have but SQLAlchemy keeps per dialect."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite

from router.store.steady import Connection


def insert_or_skip(connection: Connection, table: Table) -> Any:
    """An insert that does nothing when a unique key is taken (rowcount 0)."""
    return insert_into(connection, table).on_conflict_do_nothing()


def insert_or_replace(
    connection: Connection, table: Table, keys: list[str], row: dict[str, Any]
) -> Any:
    """An insert that overwrites the row with the same ``keys``."""
    rest = {name: value for name, value in row.items() if name not in keys}
    return insert_or_update(connection, table, keys, row, rest)


def insert_or_update(
    connection: Connection,
    table: Table,
    keys: list[str],
    row: dict[str, Any],
    changed: dict[str, Any],
) -> Any:
    """An insert of ``row`` that only sets ``changed`` when there is one with the same ``keys``."""
    statement = insert_into(connection, table).values(**row)
    return statement.on_conflict_do_update(index_elements=keys, set_=changed)


def insert_into(connection: Connection, table: Table) -> Any:
    """An insert of the database's own kind, which knows ON CONFLICT."""
    if connection.dialect.name == "postgresql":
        return postgresql.insert(table)
    return sqlite.insert(table)
