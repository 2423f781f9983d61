"""Interactions, offers and transcripts in SQL."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import ColumnElement, Executable, and_, func, or_, select, update

from router.errors import Conflict, NoSuchInteraction, NoSuchOffer
from router.model import (
    Author,
    Channel,
    Identity,
    Interaction,
    InteractionState,
    Message,
    NewMessage,
    Offer,
    OfferState,
)
from router.rings import Ring
from router.store.bulk import add_rows, among, change_rows, rows_among
from router.store.rows import (
    Row,
    pack_interaction,
    pack_offer,
    unpack_interaction,
    unpack_message,
    unpack_offer,
)
from router.store.schema import deliveries, identities, interactions, messages, offers
from router.store.steady import Connection
from router.store.transcript import append
from router.store.upsert import insert_or_skip

OVER = (InteractionState.WRAP_UP, InteractionState.ENDED)
HANDLING = (InteractionState.AGENT, InteractionState.WRAP_UP)
ON_THE_LINE = (
    interactions.c.channel == Channel.VOICE,
    interactions.c.home != "",
    interactions.c.state.in_(
        [
            str(state)
            for state in InteractionState
            if state not in (*OVER, InteractionState.SCHEDULED)
        ]
    ),
)
SERVED = 20
"""Of a customer's served interactions so many are worth looking at."""
AT_ONCE = 250
"""Rows are unpacked in portions, so that a long list does not hold the process up."""
LOCK = (
    "SELECT pg_advisory_xact_lock(hashtextextended(k, 0))"
    " FROM (SELECT unnest($1::text[]) AS k) AS keys"
)
SETTLE = "UPDATE offers SET state = $1 WHERE id = ANY($2::text[]) AND state = $3 RETURNING id"
RINGS = f"state = '{OfferState.RINGING}'"


class SqlInteractions:
    """``router.tables.InteractionTable`` over one connection."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    async def lock(self, key: str) -> None:
        """An advisory lock; SQLite's transactions are serial already."""
        await self.lock_all([key])

    async def lock_all(self, keys: Iterable[str]) -> None:
        """One after the other in the order of the keys, so that nobody waits in a circle."""
        if self._db.direct:
            await self._db.fetch(LOCK, sorted(set(keys)))

    async def get(self, interaction_id: str) -> Interaction:
        """The interaction, or ``NoSuchInteraction``."""
        found = await self.get_many([interaction_id])
        return found_in(found, interaction_id)

    async def get_many(self, interaction_ids: Collection[str]) -> dict[str, Interaction]:
        """Those of them that there are, by id."""
        rows = await rows_among(self._db, interactions.c.id, interaction_ids)
        return {item.id: item for item in await unpacked(rows)}

    async def take(self, interaction_id: str) -> Interaction:
        """The interaction, kept from everybody else until the end of the transaction."""
        found = await self.take_many([interaction_id])
        return found_in(found, interaction_id)

    async def take_many(self, interaction_ids: Collection[str]) -> dict[str, Interaction]:
        """As ``get_many``, locked in the order of their ids."""
        rows = await rows_among(self._db, interactions.c.id, interaction_ids, order="id", lock=True)
        return {item.id: item for item in await unpacked(rows)}

    async def add(self, interaction: Interaction, external_id: str | None = None) -> None:
        """Insert a new one."""
        await self.add_many([(interaction, external_id)])

    async def add_many(self, new: Sequence[tuple[Interaction, str | None]]) -> None:
        """Insert new ones with the ids of their arrivals."""
        rows = [
            pack_interaction(each) | {"external_id": external_id, "last_seq": 0}
            for each, external_id in new
        ]
        await add_rows(self._db, interactions, rows)

    async def by_external_id(self, channel: Channel, external_id: str) -> Interaction | None:
        """The one whose arrival carried this id."""
        return await self._one(
            interactions.c.channel == channel, interactions.c.external_id == external_id
        )

    async def save(self, interaction: Interaction) -> Interaction:
        """Compare and set on ``version``."""
        (saved,) = await self.save_many([interaction])
        if saved is None:
            raise changed_since(interaction)
        return saved

    async def save_many(self, items: Sequence[Interaction]) -> list[Interaction | None]:
        """Each as ``save``; None for one whose version was not the stored one any more."""
        # Of several versions of the same one the first is faster than the others.
        saved = {item.id: replace(item, version=item.version + 1) for item in reversed(items)}
        rows = [pack_interaction(one) | {"was_version": one.version - 1} for one in saved.values()]
        written = await change_rows(self._db, interactions, rows, ["version"])
        return [saved.pop(item.id, None) if item.id in written else None for item in items]

    async def ring(self, rings: Sequence[Ring]) -> set[str]:
        """Move waiting ones to ringing, where their version is still the one named."""
        rows = [
            {
                "id": each.interaction_id,
                "state": InteractionState.OFFERED,
                "agent_id": each.agent_id,
                "offer_id": each.offer_id,
                "version": each.version + 1,
                "was_version": each.version,
                "was_state": InteractionState.WAITING,
            }
            for each in rings
        ]
        return await change_rows(self._db, interactions, rows, ["version", "state"], ordered=True)

    async def in_states(self, states: Iterable[InteractionState]) -> list[Interaction]:
        """All in these states, in waiting order."""
        query = (
            select(interactions)
            .where(interactions.c.state.in_([str(state) for state in states]))
            .order_by(func.coalesce(interactions.c.joined_at, interactions.c.created_at))
        )
        return await self._many(query)

    async def versions(self, states: Iterable[InteractionState]) -> dict[str, int]:
        """Of all in these states."""
        query = select(interactions.c.id, interactions.c.version).where(
            interactions.c.state.in_([str(state) for state in states])
        )
        return {row.id: row.version for row in await self._db.execute(query)}

    async def homes(self) -> set[str]:
        """The processes that own the lines of calls that are not over."""
        rows = await self._db.execute(select(interactions.c.home).where(*ON_THE_LINE).distinct())
        return set(rows.scalars())

    async def at_homes(self, homes: Collection[str]) -> list[Interaction]:
        """The calls whose lines these processes own."""
        return await self._many(
            select(interactions).where(*ON_THE_LINE, among(self._db, interactions.c.home, homes))
        )

    async def open_for_customer(
        self, customer_id: str, channel: Channel, address: str | None = None
    ) -> Interaction | None:
        """The newest one that the customer can still continue."""
        over = [str(InteractionState.ENDED), str(InteractionState.WRAP_UP)]
        same_address = [interactions.c.address == address] if address is not None else []
        return await self._one(
            interactions.c.customer_id == customer_id,
            interactions.c.channel == channel,
            interactions.c.state.not_in(over),
            *same_address,
        )

    async def for_customer(self, customer_id: str, limit: int = 20) -> list[Interaction]:
        """Newest first."""
        query = (
            select(interactions)
            .where(interactions.c.customer_id == customer_id)
            .order_by(interactions.c.created_at.desc())
            .limit(limit)
        )
        return await self._many(query)

    async def held_at(
        self, identity: Identity, channel: Channel, limit: int = 20
    ) -> list[Interaction]:
        """Newest first."""
        query = (
            select(interactions)
            .join(identities, identities.c.customer_id == interactions.c.customer_id)
            .where(
                identities.c.kind == identity.kind,
                identities.c.value == identity.value,
                interactions.c.channel == channel,
                interactions.c.address == identity.value,
            )
            .order_by(interactions.c.created_at.desc())
            .limit(limit)
        )
        return await self._many(query)

    async def for_agent(self, agent_id: str) -> list[Interaction]:
        """What the agent is handling or wrapping up, oldest first."""
        query = (
            select(interactions)
            .where(
                interactions.c.agent_id == agent_id,
                interactions.c.state.in_([str(state) for state in HANDLING]),
            )
            .order_by(interactions.c.accepted_at)
        )
        return await self._many(query)

    async def recent(self, limit: int = 50) -> list[Interaction]:
        """The newest of all."""
        return await self._many(
            select(interactions).order_by(interactions.c.created_at.desc()).limit(limit)
        )

    async def add_message(
        self, interaction_id: str, message: NewMessage, at: datetime
    ) -> Message | None:
        """Append one."""
        (line,) = await self.add_messages(interaction_id, [message], at)
        return line

    async def add_messages(
        self, interaction_id: str, new: Sequence[NewMessage], at: datetime
    ) -> list[Message | None]:
        """Append (``router.store.transcript``)."""
        return await append(self._db, interaction_id, new, at)

    async def messages(self, interaction_id: str, after_seq: int = 0) -> list[Message]:
        """The transcript, or what came after a line."""
        rows = await self._db.execute(
            select(messages)
            .where(messages.c.interaction_id == interaction_id, messages.c.seq > after_seq)
            .order_by(messages.c.seq)
        )
        return [unpack_message(row) for row in rows.mappings()]

    async def reword(self, message_id: str, text: str) -> None:
        """Another text, without what else held the old one."""
        changed = {"text": text, "html": None, "quoted": ""}
        await self._db.execute(
            update(messages).where(messages.c.id == message_id).values(**changed)
        )

    async def count_lines(
        self, customer_id: str, since: Mapping[Author, datetime]
    ) -> dict[Author, int]:
        """How many lines of each kind of author there are."""
        lately = [
            and_(messages.c.author == str(author), messages.c.at >= moment)
            for author, moment in since.items()
        ]
        query = (
            select(messages.c.author, func.count())
            .select_from(messages.join(interactions))
            .where(
                interactions.c.customer_id == customer_id,
                interactions.c.channel != str(Channel.VOICE),
                or_(*lately),
            )
            .group_by(messages.c.author)
        )
        found = {Author(author): count for author, count in await self._db.execute(query)}
        return {author: found.get(author, 0) for author in since}

    async def message(self, message_id: str) -> Message | None:
        """One line by id."""
        rows = await self._db.execute(select(messages).where(messages.c.id == message_id))
        row = rows.mappings().first()
        return unpack_message(row) if row else None

    async def thread_of(self, external_ids: Sequence[str]) -> str | None:
        """The interaction of the newest message with one of these ids."""
        if not external_ids:
            return None
        found = await self._db.execute(
            select(messages.c.interaction_id)
            .where(messages.c.external_id.in_(list(external_ids)))
            .order_by(messages.c.at.desc())
            .limit(1)
        )
        interaction_id: str | None = found.scalar_one_or_none()
        return interaction_id

    async def claim_delivery(self, message_id: str, at: datetime) -> bool:
        """True for exactly one caller."""
        done = await self._db.execute(
            insert_or_skip(self._db, deliveries).values(message_id=message_id, claimed_at=at)
        )
        return bool(done.rowcount == 1)

    async def release_delivery(self, message_id: str) -> None:
        """Let somebody try again."""
        await self._db.execute(deliveries.delete().where(deliveries.c.message_id == message_id))

    async def add_offer(self, offer: Offer) -> None:
        """Insert a new offer."""
        await self.add_offers([offer])

    async def add_offers(self, new: Sequence[Offer]) -> None:
        """Insert new offers."""
        await add_rows(self._db, offers, [pack_offer(offer) for offer in new])

    async def offer(self, offer_id: str) -> Offer:
        """The offer, or ``NoSuchOffer``."""
        found = await self.offers([offer_id])
        if offer_id not in found:
            raise NoSuchOffer(f"no offer {offer_id!r}")
        return found[offer_id]

    async def offers(self, offer_ids: Collection[str]) -> dict[str, Offer]:
        """Those of them that there are, by id."""
        rows = await rows_among(self._db, offers.c.id, offer_ids)
        return {row["id"]: unpack_offer(row) for row in rows}

    async def settle_offer(self, offer_id: str, state: OfferState) -> bool:
        """Out of ringing, for exactly one caller."""
        return bool(await self.settle_offers([offer_id], state))

    async def settle_offers(self, offer_ids: Collection[str], state: OfferState) -> set[str]:
        """Out of ringing; the ids of those that rang until now."""
        if self._db.direct:
            return {
                row["id"]
                for row in await self._db.fetch(SETTLE, state, list(offer_ids), OfferState.RINGING)
            }
        rows = await self._db.execute(
            update(offers)
            .where(among(self._db, offers.c.id, offer_ids), offers.c.state == OfferState.RINGING)
            .values(state=state)
            .returning(offers.c.id)
        )
        return set(rows.scalars())

    async def ringing_for(self, interaction_ids: Collection[str]) -> list[Offer]:
        """The offers of these interactions that ring now, oldest first."""
        rows = await rows_among(
            self._db, offers.c.interaction_id, interaction_ids, where=RINGS, order="made_at"
        )
        return [unpack_offer(row) for row in rows]

    async def accepted_by(self, interaction_id: str) -> set[str]:
        """The agents who accepted it so far."""
        rows = await self._db.execute(
            select(offers.c.agent_id).where(
                offers.c.interaction_id == interaction_id, offers.c.state == OfferState.ACCEPTED
            )
        )
        return set(rows.scalars())

    async def ringing_offers(self, agent_id: str | None = None) -> list[Offer]:
        """All that ring now, or those at one agent."""
        mine = [offers.c.agent_id == agent_id] if agent_id is not None else []
        return await self._offers(offers.c.state == OfferState.RINGING, *mine)

    async def left_lately(
        self, customer_ids: Collection[str], since: datetime
    ) -> list[Interaction]:
        """What these customers' engagements were that ended after ``since``, newest first."""
        query = (
            select(interactions)
            .where(
                among(self._db, interactions.c.customer_id, customer_ids),
                interactions.c.left_at >= since,
            )
            .order_by(interactions.c.left_at.desc())
        )
        return await self._many(query)

    async def served_lately(self, customer_id: str, since: datetime) -> list[Interaction]:
        """What agents accepted for this customer after ``since``, newest first."""
        query = (
            select(interactions)
            .where(
                interactions.c.customer_id == customer_id,
                interactions.c.accepted_at >= since,
                interactions.c.agent_id.is_not(None),
            )
            .order_by(interactions.c.accepted_at.desc())
            .limit(SERVED)
        )
        return await self._many(query)

    async def _offers(self, *conditions: ColumnElement[bool]) -> list[Offer]:
        query = select(offers).where(*conditions).order_by(offers.c.made_at)
        rows = await self._db.execute(query)
        return [unpack_offer(row) for row in rows.mappings()]

    async def _one(self, *conditions: object) -> Interaction | None:
        query = (
            select(interactions)
            .where(*conditions)  # type: ignore[arg-type]
            .order_by(interactions.c.created_at.desc())
            .limit(1)
        )
        found = await self._many(query)
        return found[0] if found else None

    async def _many(self, query: Executable) -> list[Interaction]:
        return await unpacked((await self._db.execute(query)).mappings().all())


async def unpacked(rows: Sequence[Row]) -> list[Interaction]:
    """The interactions in these rows."""
    found: list[Interaction] = []
    for place in range(0, len(rows), AT_ONCE):
        if place:
            await asyncio.sleep(0)
        found += [unpack_interaction(row) for row in rows[place : place + AT_ONCE]]
    return found


def found_in(found: Mapping[str, Interaction], interaction_id: str) -> Interaction:
    """The one asked for, or ``NoSuchInteraction``."""
    try:
        return found[interaction_id]
    except KeyError:
        raise NoSuchInteraction(f"no interaction {interaction_id!r}") from None


def changed_since(interaction: Interaction) -> Conflict:
    """What to raise when somebody else wrote first."""
    return Conflict(f"interaction {interaction.id} changed since version {interaction.version}")
