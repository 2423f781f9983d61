"""Customers, agents and sign-ins in SQL."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, delete, exists, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from router.errors import Conflict, NoSuchAgent, NoSuchCustomer
from router.model import Account, Agent, Customer, Identity, IdentityKind, Presence, Session
from router.store.bulk import add_or_skip, add_rows, among, rows_among
from router.store.days import add_to_days
from router.store.rows import Row, pack_agent, unpack_account, unpack_agent, unpack_customer
from router.store.schema import accounts, agents, customers, identities, interactions, sessions
from router.store.steady import Connection
from router.store.upsert import insert_or_replace, insert_or_skip
from router.workday import DayStep, together

OF_CUSTOMER = ", ".join(f'c."{column.name}"' for column in customers.c)
FIND = f"""
    SELECT {OF_CUSTOMER}, mine.kind, mine.value
    FROM customers c JOIN identities mine ON mine.customer_id = c.id
    JOIN identities theirs ON theirs.customer_id = c.id
    WHERE theirs.value = ANY($1::text[]) AND theirs.kind = ANY($2::text[])
    ORDER BY mine.kind, mine.value
"""  # noqa: S608


class SqlPeople:
    """``router.tables.PeopleTable`` over one connection."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    async def customer(self, customer_id: str) -> Customer:
        """The customer, or ``NoSuchCustomer``."""
        found = await self.customers([customer_id])
        if customer_id not in found:
            raise NoSuchCustomer(f"no customer {customer_id!r}")
        return found[customer_id]

    async def find_customer(self, identity: Identity) -> Customer | None:
        """Whose identity this is."""
        return (await self.find_customers([identity])).get(identity)

    async def find_customers(self, wanted: Collection[Identity]) -> dict[Identity, Customer]:
        """Whose identities these are; who is not known is not in it."""
        values, kinds = [each.value for each in wanted], [str(each.kind) for each in wanted]
        if self._db.direct:
            found = _grouped(await self._db.fetch(FIND, values, kinds))
        else:
            found = await self._find(values, kinds)
        by_identity = {own: each for each in found.values() for own in each.identities}
        return {each: by_identity[each] for each in wanted if each in by_identity}

    async def _find(self, values: Collection[str], kinds: Collection[str]) -> dict[str, Customer]:
        mine, theirs = identities.alias("mine"), identities.alias("theirs")
        rows = await self._db.execute(
            select(customers, mine.c.kind, mine.c.value)
            .join(mine, mine.c.customer_id == customers.c.id)
            .join(theirs, theirs.c.customer_id == customers.c.id)
            .where(theirs.c.value.in_(values), theirs.c.kind.in_(kinds))
            .order_by(mine.c.kind, mine.c.value)
        )
        return _grouped(rows.mappings().all())

    async def customers(self, customer_ids: Collection[str]) -> dict[str, Customer]:
        """Those of them that there are, by id."""
        rows = await self._db.execute(
            select(customers, identities.c.kind, identities.c.value)
            .outerjoin(identities, identities.c.customer_id == customers.c.id)
            .where(among(self._db, customers.c.id, customer_ids))
            .order_by(identities.c.kind, identities.c.value)
        )
        return _grouped(rows.mappings().all())

    async def search_customers(self, words: str, limit: int = 20) -> list[Customer]:
        """By part of the name or of an identity; by name."""
        part = words.lower()
        theirs = identities.c.customer_id == customers.c.id
        address = exists().where(theirs, identities.c.value.contains(part, autoescape=True))
        name = func.lower(customers.c.name).contains(part, autoescape=True)
        return await self._by_name(or_(name, address), limit)

    async def marked_customers(self, limit: int = 20) -> list[Customer]:
        """Those with priority or an agent of their own; by name."""
        return await self._by_name(
            or_(customers.c.vip.is_(True), customers.c.dedicated_agent.is_not(None)), limit
        )

    async def _by_name(self, which: ColumnElement[bool], limit: int) -> list[Customer]:
        order = func.lower(customers.c.name), customers.c.id
        rows = await self._db.execute(
            select(customers.c.id).where(which).order_by(*order).limit(limit)
        )
        ids = list(rows.scalars())
        found = await self.customers(ids)
        return [found[each] for each in ids]

    async def add_customer(self, customer: Customer) -> None:
        """Insert with all identities; ``Conflict`` when one is taken."""
        if not await self.add_customers([customer]):
            raise Conflict(f"an identity of customer {customer.id!r} belongs to another")

    async def add_customers(self, new: Sequence[Customer]) -> set[str]:
        """Insert with all identities; the ids of those of whom none was taken."""
        await add_rows(self._db, customers, [_columns(each) for each in new])
        rows = [
            {"kind": own.kind, "value": own.value, "customer_id": each.id}
            for each in new
            for own in each.identities
        ]
        added = await add_or_skip(self._db, identities, rows)
        taken = {row["customer_id"] for row in rows if (row["kind"], row["value"]) not in added}
        return {each.id for each in new} - taken

    async def add_identity(self, customer_id: str, identity: Identity) -> None:
        """Give the customer one more address; ``Conflict`` when another has it."""
        try:
            done = await self._db.execute(
                insert_or_skip(self._db, identities).values(
                    kind=identity.kind, value=identity.value, customer_id=customer_id
                )
            )
        except IntegrityError as error:
            raise Conflict(f"identity {identity.value!r} could not be added") from error
        if done.rowcount == 1:
            return
        owner = await self.find_customer(identity)
        if owner is None or owner.id != customer_id:
            raise Conflict(f"{identity.kind} {identity.value!r} belongs to another customer")

    async def merge_customers(self, keep_id: str, merge_id: str) -> None:
        """Move identities and interactions, then delete the emptied record."""
        for table in (identities, interactions):
            await self._db.execute(
                update(table).where(table.c.customer_id == merge_id).values(customer_id=keep_id)
            )
        await self._db.execute(delete(customers).where(customers.c.id == merge_id))

    async def save_customer(self, customer: Customer) -> None:
        """Overwrite the record (identities are added by ``add_identity``)."""
        await self._db.execute(
            update(customers).where(customers.c.id == customer.id).values(**_columns(customer))
        )

    async def agents(self) -> list[Agent]:
        """All, by name."""
        rows = await self._db.execute(select(agents).order_by(agents.c.name))
        return [unpack_agent(row) for row in rows.mappings()]

    async def agent(self, agent_id: str) -> Agent:
        """The agent, or ``NoSuchAgent``."""
        found = await self.agents_among([agent_id])
        if agent_id not in found:
            raise NoSuchAgent(f"no agent {agent_id!r}")
        return found[agent_id]

    async def agents_among(self, agent_ids: Collection[str]) -> dict[str, Agent]:
        """Those of them that there are, by id."""
        rows = await rows_among(self._db, agents.c.id, agent_ids)
        return {row["id"]: unpack_agent(row) for row in rows}

    async def put_agent(self, agent: Agent) -> None:
        """Insert or replace."""
        await self._db.execute(insert_or_replace(self._db, agents, ["id"], pack_agent(agent)))

    async def agent_seen(self, agent_id: str, at: datetime) -> None:
        """The agent's desk is still there."""
        await self._db.execute(update(agents).where(agents.c.id == agent_id).values(seen_at=at))

    async def silent(self, since: datetime) -> list[str]:
        """Available agents whose desks have not been heard of since then."""
        rows = await self._db.execute(
            select(agents.c.id).where(
                agents.c.presence == Presence.AVAILABLE,
                or_(agents.c.seen_at.is_(None), agents.c.seen_at < since),
            )
        )
        return list(rows.scalars())

    async def set_presence(
        self, agent_id: str, presence: Presence, reason: str, at: datetime
    ) -> None:
        """Only the presence; the record's other columns are others' business."""
        changes: dict[str, object] = {
            "presence": presence,
            "presence_reason": reason,
            "presence_since": at,
            "seen_at": at,
        }
        if presence is Presence.AVAILABLE:
            changes["idle_since"] = at
        await self._db.execute(update(agents).where(agents.c.id == agent_id).values(**changes))

    async def count(self, steps: Sequence[DayStep]) -> None:
        """Add to the agents' figures of the day."""
        await add_to_days(self._db, together(steps))

    async def accounts(self) -> list[Account]:
        """All, by login."""
        rows = await self._db.execute(select(accounts).order_by(accounts.c.login))
        return [unpack_account(row) for row in rows.mappings()]

    async def account_by_login(self, login: str) -> Account | None:
        """Whose sign-in name this is."""
        rows = await self._db.execute(select(accounts).where(accounts.c.login == login))
        row = rows.mappings().first()
        return unpack_account(row) if row else None

    async def account(self, account_id: str) -> Account | None:
        """By id."""
        rows = await self._db.execute(select(accounts).where(accounts.c.id == account_id))
        row = rows.mappings().first()
        return unpack_account(row) if row else None

    async def put_account(self, account: Account) -> None:
        """Insert or replace."""
        row = {name: getattr(account, name) for name in account.__dataclass_fields__}
        await self._db.execute(insert_or_replace(self._db, accounts, ["id"], row))

    async def add_session(self, session: Session) -> None:
        """Somebody signed in."""
        row = {name: getattr(session, name) for name in session.__dataclass_fields__}
        await self._db.execute(insert(sessions).values(**row))

    async def session(self, token_hash: str, now: datetime) -> Session | None:
        """The session, unless its time is over."""
        rows = await self._db.execute(
            select(sessions).where(sessions.c.token_hash == token_hash, sessions.c.expires_at > now)
        )
        row = rows.mappings().first()
        return Session(**row) if row else None

    async def drop_session(self, token_hash: str) -> None:
        """Somebody signed out."""
        await self._db.execute(delete(sessions).where(sessions.c.token_hash == token_hash))


def _grouped(rows: Sequence[Row]) -> dict[str, Customer]:
    """Customers out of rows that repeat them with each of their identities."""
    theirs: dict[str, tuple[Row, list[Identity]]] = {}
    for row in rows:
        _, known = theirs.setdefault(row["id"], (row, []))
        if row["kind"] is not None:
            known.append(Identity(IdentityKind(row["kind"]), row["value"]))
    return {
        customer_id: unpack_customer(row, tuple(dict.fromkeys(known)))
        for customer_id, (row, known) in theirs.items()
    }


def _columns(customer: Customer) -> dict[str, object]:
    names = ("id", "name", "language", "vip", "timezone", "notes", "created_at", "dedicated_agent")
    return {name: getattr(customer, name) for name in names}
