"""Sign-ins and agents as the configuration names them, brought into the store.

1. Whoever is named can sign in; a password that is not named stays as it is.
2. Whoever is named no longer cannot sign in again, and gets no new work. What such an agent
   has in hand is finished in the session that is open; without any, the session ends too.
3. What happened stays: presence, the figures of the day, and the rows that the past names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from router.company import Company, Person
from router.errors import NoSuchAgent
from router.events import Fact, PresenceChanged
from router.model import Account, Agent, Presence, Role
from router.ports import Transaction

CLOSED = "closed:"
"""Stands before the password's hash of somebody who is gone; no password fits such a hash."""
LEFT = "left the company"


@dataclass(frozen=True, slots=True)
class Roster:
    """Brings people into the store. ``hashes`` are those of new passwords, by login.

    ``author`` made the change and stays signed in.
    """

    tx: Transaction
    hashes: Mapping[str, str]
    now: datetime
    author: str = ""

    async def put(self, before: Company | None, after: Company) -> list[Fact]:
        """Everybody of ``after``; who is only in ``before`` leaves."""
        accounts = {each.login: each for each in await self.tx.people.accounts()}
        facts: list[Fact] = []
        for person in after.people:
            await self._put(person, accounts.get(person.login))
        named = {person.login: person for person in after.people}
        for person in before.people if before else ():
            now = named.get(person.login)
            if now is None:
                await self._close(accounts.get(person.login), person.agent)
            if person.agent and (now is None or now.agent is None):
                facts += await self._retire(person.agent)
        return facts

    async def _put(self, person: Person, known: Account | None) -> None:
        fresh = self.hashes.get(person.login)
        kept = known.password_hash.removeprefix(CLOSED) if known else ""
        account = Account(
            id=known.id if known else person.login,
            login=person.login,
            name=person.name,
            role=person.role,
            password_hash=fresh or kept,
            agent_id=person.agent.id if person.agent else None,
        )
        if account != known:
            await self.tx.people.put_account(account)
        if fresh and known and person.login != self.author:
            await self.tx.configurations.drop_sessions(known.id)
        if person.agent:
            agent = replace(person.agent, presence_since=self.now)
            await self.tx.configurations.put_settings(agent)

    async def _close(self, account: Account | None, agent: Agent | None) -> None:
        if account is None:
            return
        busy = agent is not None and await self._busy(agent.id)
        locked = CLOSED + account.password_hash.removeprefix(CLOSED)
        agent_id = account.agent_id if busy else None
        closed = replace(account, role=Role.AGENT, password_hash=locked, agent_id=agent_id)
        await self.tx.people.put_account(closed)
        if not busy:
            await self.tx.configurations.drop_sessions(account.id)

    async def _retire(self, named: Agent) -> list[Fact]:
        """No queues any more; who has nothing in hand goes offline."""
        await self.tx.configurations.put_settings(replace(named, queues=(), standing={}))
        try:
            agent = await self.tx.people.agent(named.id)
        except NoSuchAgent:
            return []
        if agent.presence is Presence.OFFLINE or await self._busy(agent.id):
            return []
        gone = replace(
            agent,
            presence=Presence.OFFLINE,
            presence_reason=LEFT,
            presence_since=self.now,
        )
        await self.tx.people.put_agent(gone)
        return [
            PresenceChanged(
                at=self.now,
                agent_id=agent.id,
                presence=Presence.OFFLINE,
                was=agent.presence,
                reason=LEFT,
            )
        ]

    async def _busy(self, agent_id: str) -> bool:
        """Whether anything rings at the agent or is in the agent's hands."""
        if await self.tx.interactions.for_agent(agent_id):
            return True
        return bool(await self.tx.interactions.ringing_offers(agent_id))
