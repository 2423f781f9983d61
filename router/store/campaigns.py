"""Campaigns, contacts, attempts and the do-not-contact list in SQL."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, insert, or_, select, update

from router.errors import NoSuchCampaign
from router.model import Attempt, AttemptState, Campaign, Contact
from router.store.rows import (
    pack_attempt,
    pack_campaign,
    pack_contact,
    unpack_attempt,
    unpack_campaign,
    unpack_contact,
)
from router.store.schema import attempts, campaigns, contacts, do_not_contact
from router.store.steady import Connection
from router.store.upsert import insert_or_replace, insert_or_skip


class SqlCampaigns:
    """``router.tables.CampaignTable`` over one connection."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    async def add(self, campaign: Campaign, listed: Sequence[Contact]) -> None:
        """A campaign with its list, in the list's order."""
        await self._db.execute(insert(campaigns).values(**pack_campaign(campaign)))
        rows = [pack_contact(one) | {"position": place} for place, one in enumerate(listed)]
        if rows:
            await self._db.execute(insert(contacts), rows)

    async def get(self, campaign_id: str) -> Campaign:
        """The campaign, or ``NoSuchCampaign``."""
        rows = await self._db.execute(select(campaigns).where(campaigns.c.id == campaign_id))
        row = rows.mappings().first()
        if row is None:
            raise NoSuchCampaign(f"no campaign {campaign_id!r}")
        return unpack_campaign(row)

    async def all(self) -> list[Campaign]:
        """Newest first."""
        rows = await self._db.execute(select(campaigns).order_by(campaigns.c.created_at.desc()))
        return [unpack_campaign(row) for row in rows.mappings()]

    async def set_state(self, campaign_id: str, state: str) -> None:
        """Start, pause or finish it."""
        await self._db.execute(
            update(campaigns).where(campaigns.c.id == campaign_id).values(state=state)
        )

    async def contacts(self, campaign_id: str) -> list[Contact]:
        """The list, in its order."""
        rows = await self._db.execute(
            select(contacts)
            .where(contacts.c.campaign_id == campaign_id)
            .order_by(contacts.c.position)
        )
        return [unpack_contact(row) for row in rows.mappings()]

    async def contact(self, contact_id: str) -> Contact:
        """One line of a list."""
        rows = await self._db.execute(select(contacts).where(contacts.c.id == contact_id))
        return unpack_contact(rows.mappings().one())

    async def due_contacts(self, campaign_id: str, now: datetime, limit: int) -> list[Contact]:
        """Open, due, and with no attempt under way."""
        busy = select(attempts.c.contact_id).where(attempts.c.state != AttemptState.FINISHED)
        rows = await self._db.execute(
            select(contacts)
            .where(
                contacts.c.campaign_id == campaign_id,
                contacts.c.state == "open",
                or_(contacts.c.next_at.is_(None), contacts.c.next_at <= now),
                contacts.c.id.not_in(busy),
            )
            .order_by(contacts.c.next_at.nulls_first(), contacts.c.position)
            .limit(limit)
        )
        return [unpack_contact(row) for row in rows.mappings()]

    async def save_contact(self, contact: Contact) -> None:
        """Overwrite a line."""
        await self._db.execute(
            update(contacts).where(contacts.c.id == contact.id).values(**pack_contact(contact))
        )

    async def start_attempt(self, attempt: Attempt) -> bool:
        """True for the one caller whose row made it in."""
        done = await self._db.execute(
            insert_or_skip(self._db, attempts).values(**pack_attempt(attempt))
        )
        return bool(done.rowcount == 1)

    async def move_attempt(self, attempt_id: str, was: AttemptState, to: AttemptState) -> bool:
        """Compare and set."""
        done = await self._db.execute(
            update(attempts)
            .where(attempts.c.id == attempt_id, attempts.c.state == was)
            .values(state=to)
        )
        return bool(done.rowcount == 1)

    async def save_attempt(self, attempt: Attempt) -> None:
        """Overwrite an attempt."""
        await self._db.execute(
            update(attempts).where(attempts.c.id == attempt.id).values(**pack_attempt(attempt))
        )

    async def attempt(self, attempt_id: str) -> Attempt | None:
        """By id."""
        rows = await self._db.execute(select(attempts).where(attempts.c.id == attempt_id))
        row = rows.mappings().first()
        return unpack_attempt(row) if row else None

    async def attempts(self, campaign_id: str) -> list[Attempt]:
        """All of a campaign, oldest first."""
        rows = await self._db.execute(
            select(attempts)
            .where(attempts.c.campaign_id == campaign_id)
            .order_by(attempts.c.started_at, attempts.c.number)
        )
        return [unpack_attempt(row) for row in rows.mappings()]

    async def unfinished_attempts(self) -> list[Attempt]:
        """Those that a dead process may have left behind."""
        rows = await self._db.execute(
            select(attempts).where(attempts.c.state != AttemptState.FINISHED)
        )
        return [unpack_attempt(row) for row in rows.mappings()]

    async def do_not_contact(self, address: str) -> bool:
        """Whether this address must be left alone."""
        found = await self._db.execute(
            select(do_not_contact.c.address).where(do_not_contact.c.address == address)
        )
        return found.first() is not None

    async def set_do_not_contact(self, address: str, reason: str, at: datetime) -> None:
        """Leave this address alone from now on."""
        row = {"address": address, "reason": reason, "at": at}
        await self._db.execute(insert_or_replace(self._db, do_not_contact, ["address"], row))

    async def clear_do_not_contact(self, address: str) -> bool:
        """It may be contacted again."""
        done = await self._db.execute(
            delete(do_not_contact).where(do_not_contact.c.address == address)
        )
        return bool(done.rowcount)

    async def do_not_contact_list(self) -> list[tuple[str, str, datetime]]:
        """Address, reason and since when, newest first."""
        rows = await self._db.execute(select(do_not_contact).order_by(do_not_contact.c.at.desc()))
        return [(row["address"], row["reason"], row["at"]) for row in rows.mappings()]
