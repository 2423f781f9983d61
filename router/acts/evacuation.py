"""Customers of queues that are taken away: who they are, and how they move.

They keep their joining time and head start, so they keep their place in the wait.
"""

from __future__ import annotations

from collections.abc import Iterable, Set
from dataclasses import replace
from datetime import datetime

from router.errors import Flaw
from router.events import Fact, InteractionQueued
from router.model import Interaction, InteractionState
from router.ports import Transaction

OPEN = frozenset(InteractionState) - {InteractionState.ENDED}
WAITING = frozenset({InteractionState.WAITING, InteractionState.OFFERED})
PLACE = "move_waiting_to"


async def left_behind(tx: Transaction, gone: Set[str]) -> list[Flaw]:
    """One problem for each of the queues that still has somebody."""
    items = await tx.interactions.in_states(OPEN)
    found = []
    for queue in sorted(gone):
        here = [item for item in items if queue in queues_of(item)]
        waiting = sum(item.state in WAITING for item in here)
        if here:
            found.append(
                Flaw(
                    PLACE,
                    f"{queue!r} goes, but {waiting} wait in it and {len(here) - waiting} more "
                    "belong to it: say which queue takes them",
                )
            )
    return found


async def move(tx: Transaction, gone: Set[str], to: str, now: datetime) -> list[Fact]:
    """Everybody out of the queues that are gone; a fact for each who waits.

    Raises ``Conflict`` when somebody else acts on one of them at the same time.
    """
    facts: list[Fact] = []
    for item in await tx.interactions.in_states(OPEN):
        if not gone & queues_of(item):
            continue
        queue = to if item.queue in gone else item.queue
        others = tuple(each for each in item.also_queues if each not in gone and each != queue)
        await tx.interactions.save(replace(item, queue=queue, also_queues=others))
        if item.state is InteractionState.WAITING and queue:
            facts.append(
                InteractionQueued(at=now, interaction_id=item.id, queue=queue, channel=item.channel)
            )
    return facts


async def move_strays(tx: Transaction, known: Iterable[str], to: str, now: datetime) -> list[Fact]:
    """Out of every queue that is not ``known``: who was given to it in its last moment."""
    items = await tx.interactions.in_states(OPEN)
    gone = {queue for item in items for queue in queues_of(item)} - set(known)
    return await move(tx, gone, to, now) if gone else []


def queues_of(item: Interaction) -> set[str]:
    """Every queue that it waits in or belongs to."""
    return {*item.also_queues, *([item.queue] if item.queue else [])}
