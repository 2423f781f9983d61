"""Offers begin to ring: in one statement on PostgreSQL, since every caller waits for it.

As steps of a transaction it is seven round trips, and each costs the dispatcher, the server and
the caller a millisecond. The statement locks in the order of the acts: lease, interactions,
agents.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from router.errors import Superseded
from router.model import InteractionState
from router.ports import Transaction
from router.rings import Ringing
from router.store.bulk import arrays_of, source_of
from router.store.days import NAMES, POSTGRES_SETS, columns_of, steps_of
from router.store.log import pack_events
from router.store.rows import OFFER, pack_offer
from router.store.schema import events, interactions, offers, outbox
from router.store.steady import Connection

RING = ("id", "version", "agent_id", "offer_id")
EVENT = ("id", "type", "interaction_id", "at", "body")
SENT = tuple(name for name in EVENT if name in outbox.c)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


_OFFERS_AT = 3 + len(RING)
_STEPS_AT = _OFFERS_AT + len(OFFER)
_EVENTS_AT = _STEPS_AT + len(NAMES)
STATEMENT = f"""
WITH lease AS MATERIALIZED (
    SELECT epoch FROM leases WHERE name = $1 FOR SHARE
), asked AS MATERIALIZED (
    {source_of(interactions, RING, 3)}
), locked AS MATERIALIZED (
    SELECT id FROM interactions
    WHERE id IN (SELECT id FROM asked) AND ($2::bigint IS NULL OR $2 IN (SELECT epoch FROM lease))
    ORDER BY id FOR UPDATE
), won AS (
    UPDATE interactions AS t
    SET state = '{InteractionState.OFFERED}', agent_id = asked.agent_id,
        offer_id = asked.offer_id, version = t.version + 1
    FROM asked JOIN locked ON locked.id = asked.id
    WHERE t.id = asked.id AND t.version = asked.version
        AND t.state = '{InteractionState.WAITING}'
    RETURNING t.id
), made AS (
    INSERT INTO offers ({_listed(OFFER)})
    SELECT {_listed(OFFER)} FROM ({source_of(offers, OFFER, _OFFERS_AT)}) AS o
    WHERE interaction_id IN (SELECT id FROM won) RETURNING agent_id
), rung AS MATERIALIZED (
    SELECT id FROM agents WHERE id IN (SELECT agent_id FROM made) ORDER BY id FOR UPDATE
), counted AS (
    UPDATE agents AS a SET {POSTGRES_SETS}
    FROM {steps_of(_STEPS_AT)} JOIN rung ON rung.id = v.agent_id WHERE a.id = v.agent_id
), told AS (
    INSERT INTO events ({_listed(EVENT)})
    SELECT {_listed(EVENT)} FROM ({source_of(events, EVENT, _EVENTS_AT)}) AS e
    WHERE interaction_id IN (SELECT id FROM won) RETURNING {_listed(SENT)}
), sent AS (
    INSERT INTO outbox ({_listed(SENT)}) SELECT {_listed(SENT)} FROM told
)
SELECT (SELECT epoch FROM lease) AS epoch, ARRAY(SELECT id FROM won) AS won
"""  # noqa: S608


async def ring_at_once(db: Connection, ringing: Ringing) -> set[str]:
    """``router.ports.Store.ring`` as one statement, which is a transaction of its own."""
    name, epoch = ringing.lease or ("", None)
    claims = [
        {
            "id": each.interaction_id,
            "version": each.version,
            "agent_id": each.agent_id,
            "offer_id": each.offer_id,
        }
        for each in ringing.rings
    ]
    made = [pack_offer(offer) for offer in ringing.offers]
    told: list[Mapping[str, Any]] = pack_events(ringing.facts)
    (found,) = await db.fetch(
        STATEMENT,
        *(name, epoch),
        *arrays_of(interactions, RING, claims),
        *arrays_of(offers, OFFER, made),
        *columns_of(ringing.steps),
        *arrays_of(events, EVENT, told),
    )
    if epoch is not None and found["epoch"] != epoch:
        raise Superseded
    return set(found["won"])


async def ring_in_steps(tx: Transaction, ringing: Ringing) -> set[str]:
    """``router.ports.Store.ring`` with the tables of a transaction."""
    if ringing.lease is not None and not await tx.leases.holds(*ringing.lease):
        raise Superseded
    won = await tx.interactions.ring(ringing.rings)
    made = [offer for offer in ringing.offers if offer.interaction_id in won]
    rung = {offer.agent_id for offer in made}
    await tx.interactions.add_offers(made)
    await tx.people.count([step for step in ringing.steps if step.agent_id in rung])
    await tx.log.append([fact for fact in ringing.facts if fact.interaction_id in won])
    return won
