"""The figures of an agent's day grow in one statement (``router.workday``)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import bindparam, text

from router.model import InteractionState, Presence
from router.store.bulk import locked_first
from router.store.schema import UtcTime
from router.store.steady import Connection
from router.workday import DayStep

IN_HAND = f"'{InteractionState.AGENT}', '{InteractionState.WRAP_UP}'"
SETS = f"""
    day = v.day,
    day_handled = CASE WHEN a.day = v.day THEN a.day_handled ELSE 0 END + v.handled,
    day_talk_s = CASE WHEN a.day = v.day THEN a.day_talk_s ELSE 0 END + v.talk_s,
    day_handling_s = CASE WHEN a.day = v.day THEN a.day_handling_s ELSE 0 END + v.handling_s,
    day_available_s = CASE WHEN a.day = v.day THEN a.day_available_s ELSE 0 END
        + CASE WHEN v.busy AND a.presence = '{Presence.AVAILABLE}' AND NOT EXISTS (
            SELECT 1 FROM interactions i WHERE i.agent_id = a.id AND i.state IN ({IN_HAND})
        ) THEN %s ELSE 0 END,
    day_offered_at = CASE WHEN v.offered THEN %s ELSE a.day_offered_at END,
    idle_since = CASE WHEN v.idle THEN v.at ELSE a.idle_since END
"""  # noqa: S608
"""Idle is since the last work ended, the presence began or the day began: the latest."""

TYPES = {
    "agent_id": "text",
    "at": "timestamptz",
    "day": "text",
    "day_began": "timestamptz",
    "handled": "integer",
    "talk_s": "float8",
    "handling_s": "float8",
    "offered": "boolean",
    "busy": "boolean",
    "idle": "boolean",
}
NAMES = tuple(field.name for field in fields(DayStep))
POSTGRES_SETS = SETS % (
    "extract(epoch FROM v.at - greatest(a.idle_since, a.presence_since, v.day_began))",
    "extract(epoch FROM v.at)",
)


def steps_of(first: int) -> str:
    """The rows ``v`` of steps for ``POSTGRES_SETS``; ``first`` is the first array's number."""
    arrays = ", ".join(f"${at}::{TYPES[name]}[]" for at, name in enumerate(NAMES, first))
    return f"unnest({arrays}) AS v({', '.join(NAMES)})"


POSTGRES = (
    f"{locked_first('agents', NAMES.index('agent_id') + 1)}UPDATE agents AS a SET {POSTGRES_SETS}"  # noqa: S608
    f" FROM {steps_of(1)} JOIN locked ON locked.id = v.agent_id WHERE a.id = v.agent_id"
)
SQLITE = text(
    "UPDATE agents AS a SET"
    + SETS
    % (
        "max(0, 86400.0 * (julianday(v.at) - julianday(max(coalesce(a.idle_since, v.day_began),"
        " coalesce(a.presence_since, v.day_began), v.day_began))))",
        ":offered_at",
    )
    + "FROM (SELECT "
    + ", ".join(f":{name} AS {name}" for name in NAMES)
    + ") AS v WHERE a.id = v.agent_id"
).bindparams(bindparam("at", type_=UtcTime()), bindparam("day_began", type_=UtcTime()))


async def add_to_days(db: Connection, steps: Sequence[DayStep]) -> None:
    """Carry out steps of different agents, ordered by agent."""
    if not steps:
        return
    if db.direct:
        await db.fetch(POSTGRES, *columns_of(steps))
        return
    for step in steps:
        row = {name: getattr(step, name) for name in NAMES}
        await db.execute(SQLITE, row | {"offered_at": step.at.timestamp()})


def columns_of(steps: Sequence[DayStep]) -> list[list[Any]]:
    """The arrays of ``steps_of``."""
    return [_column(steps, name) for name in NAMES]


def _column(steps: Sequence[DayStep], name: str) -> list[Any]:
    values = [getattr(step, name) for step in steps]
    return [_utc(value) if isinstance(value, datetime) else value for value in values]


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)
