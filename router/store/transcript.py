"""Lines that join a transcript, in SQL.

Two statements however many lines they are, save on SQLite, where each line is inserted alone:
the interaction's counter gives their numbers unless one of them is stored already, then they go
in. Only of a line that comes twice is asked which ones are known.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict
from datetime import datetime

from sqlalchemy import exists, select, update

from router.errors import NoSuchInteraction
from router.model import Message, NewMessage, new_id
from router.store.bulk import add_or_skip, among
from router.store.schema import interactions, messages
from router.store.steady import Connection

COUNT_UP = """
    UPDATE interactions SET last_seq = last_seq + $2 WHERE id = $1
    AND NOT EXISTS (SELECT 1 FROM messages WHERE external_id = ANY($3::text[]))
    RETURNING last_seq
"""


async def append(
    db: Connection, interaction_id: str, new: Sequence[NewMessage], at: datetime
) -> list[Message | None]:
    """The lines as stored, None for one whose external id is stored already.

    Raises ``NoSuchInteraction``.
    """
    known: Collection[str] = ()
    fresh = list(new)
    last = await _count_up(db, interaction_id, fresh)
    if last is None:
        known = await _known(db, new)
        fresh = [message for message in new if message.external_id not in known]
        last = await _count_up(db, interaction_id, fresh) if known else None
        if last is None:
            raise NoSuchInteraction(f"no interaction {interaction_id!r}")
    seqs = iter(range(last - len(fresh) + 1, last + 1))
    lines = [
        None if message.external_id in known else _line(interaction_id, next(seqs), message, at)
        for message in new
    ]
    rows = [{**asdict(line), "citations": list(line.citations)} for line in lines if line]
    added = await add_or_skip(db, messages, rows)
    return [line if line and (line.id,) in added else None for line in lines]


async def _count_up(db: Connection, interaction_id: str, new: Sequence[NewMessage]) -> int | None:
    """The last number of so many; None without the interaction, or when a line is known."""
    ids = _ids(new)
    if db.direct:
        rows = await db.fetch(COUNT_UP, interaction_id, len(new), ids)
        number: int | None = rows[0]["last_seq"] if rows else None
        return number
    counter = update(interactions).where(interactions.c.id == interaction_id)
    if ids:
        counter = counter.where(~exists().where(messages.c.external_id.in_(ids)))
    counter = counter.values(last_seq=interactions.c.last_seq + len(new))
    counted = await db.execute(counter.returning(interactions.c.last_seq))
    last: int | None = counted.scalar_one_or_none()
    return last


async def _known(db: Connection, new: Sequence[NewMessage]) -> set[str]:
    query = select(messages.c.external_id)
    rows = await db.execute(query.where(among(db, messages.c.external_id, _ids(new))))
    return set(rows.scalars())


def _ids(new: Sequence[NewMessage]) -> list[str]:
    return [message.external_id for message in new if message.external_id is not None]


def _line(interaction_id: str, seq: int, message: NewMessage, at: datetime) -> Message:
    return Message(
        id=new_id(),
        interaction_id=interaction_id,
        seq=seq,
        author=message.author,
        text=message.text,
        at=at,
        author_id=message.author_id,
        external_id=message.external_id,
        html=message.html,
        quoted=message.quoted,
        citations=message.citations,
        meta=dict(message.meta),
    )
