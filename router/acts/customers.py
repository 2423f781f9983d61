"""What is due to a customer: priority, and an agent of their own. Supervisors say it.

1. Priority counts whenever the customer joins a queue, and at once for whatever of theirs
   waits or rings: it gains, or loses, the boost that its queue gives today.
2. The agent of their own counts when they join a queue: nobody who waits begins to wait for
   somebody.
3. Each change is a fact about the customer, and one for each of their open interactions.
4. A list is checked as a whole before anything of it is written, then taken in piece by
   piece: what has been taken in changes nothing when it comes again.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from router.acts import steps
from router.acts.act import WAITING_STATES, Act, Acts
from router.company import Company
from router.errors import BadCustomer, Flaw
from router.events import CustomerMarked
from router.model import Customer, Identity, Interaction, InteractionState, new_id
from router.ports import Clock, Store
from router.relay import Relay

RECENT = 50
"""So many of a customer's newest interactions are looked through for open ones."""
AT_ONCE = 100
"""Customers of a list in one transaction: others want to write, too."""


@dataclass(frozen=True, slots=True)
class Mark:
    """What to say of a customer; None leaves it. An empty ``dedicated_agent`` takes it away."""

    vip: bool | None = None
    dedicated_agent: str | None = None

    def on(self, customer: Customer) -> Customer:
        """The customer with it."""
        agent = self.dedicated_agent
        return replace(
            customer,
            vip=customer.vip if self.vip is None else self.vip,
            dedicated_agent=customer.dedicated_agent if agent is None else agent or None,
        )


@dataclass(frozen=True, slots=True)
class Listed:
    """One line of a list: whose ``identities`` these are; ``name`` is for who is not known yet."""

    line: int
    identities: tuple[Identity, ...]
    mark: Mark
    name: str = ""


@dataclass(frozen=True, slots=True)
class TakenIn:
    """How many customers of a list are new, were changed, and were so already."""

    added: int = 0
    changed: int = 0
    same: int = 0


class Customers:
    """The acts on customers' records."""

    def __init__(self, store: Store, company: Company, clock: Clock, relay: Relay) -> None:
        self._store = store
        self._company = company
        self._clock = clock
        self._acts = Acts(store, company, clock, relay)

    async def mark(self, customer_id: str, mark: Mark, author: str) -> Customer:
        """Say it of the customer; ``author`` is a login. The same again changes nothing.

        Raises ``NoSuchCustomer``, ``BadCustomer`` when nobody is that agent.
        """
        if flaw := self._flaw("dedicated_agent", mark):
            raise BadCustomer(problems=[flaw])

        async def body(act: Act) -> Customer:
            await act.step(steps.LOCK, f"customer:{customer_id}")
            customer = await act.step(steps.CUSTOMER, customer_id)
            return await self._mark(act, customer, mark, author)

        return await self._acts.run(body, f"customer:{customer_id}")

    async def take_in(self, listed: Sequence[Listed], author: str) -> TakenIn:
        """Take in a list: mark who is known, add who is not.

        Raises ``BadCustomer`` with every line that is wrong; nothing has been written then.
        """
        flaws = [flaw for one in listed if (flaw := self._flaw(f"line {one.line}", one.mark))]
        flaws += [flaw async for flaw in self._ambiguous(listed)]
        if flaws:
            raise BadCustomer(problems=sorted(flaws, key=lambda flaw: int(flaw.place[5:])))
        total = TakenIn()
        for some in _pieces(listed):
            async with self._acts.act() as act:
                part = await self._take_in(act, some, author)
            total = TakenIn(
                total.added + part.added, total.changed + part.changed, total.same + part.same
            )
        return total

    def _flaw(self, place: str, mark: Mark) -> Flaw | None:
        login = mark.dedicated_agent
        if not login or any(each.agent and each.agent.id == login for each in self._company.people):
            return None
        return Flaw(place, f"expected the login of somebody who takes work, found {login!r}")

    async def _ambiguous(self, listed: Sequence[Listed]) -> AsyncIterator[Flaw]:
        """Lines whose identities belong to two customers."""
        for some in _pieces(listed):
            async with self._store.transaction() as tx:
                found = await tx.people.find_customers(_identities(some))
            for one in some:
                names = {found[each].id for each in one.identities if each in found}
                if len(names) > 1:
                    yield Flaw(f"line {one.line}", "the addresses belong to two customers")

    async def _take_in(self, act: Act, some: Sequence[Listed], author: str) -> TakenIn:
        await act.tx.interactions.lock_all(
            f"{each.kind}:{each.value}" for each in _identities(some)
        )
        found = await act.tx.people.find_customers(_identities(some))
        added = changed = 0
        for one in some:
            known = next((found[each] for each in one.identities if each in found), None)
            if known is None:
                now = await self._add(act, one, author)
                added += 1
            else:
                now = await self._update(act, known, one, author)
                changed += now != known
            found |= dict.fromkeys(now.identities, now)
        return TakenIn(added, changed, len(some) - added - changed)

    async def _add(self, act: Act, one: Listed, author: str) -> Customer:
        now = self._clock.now()
        blank = Customer(new_id(), one.name, one.identities, created_at=now)
        customer = one.mark.on(blank)
        await act.tx.people.add_customer(customer)
        act.facts.append(CustomerMarked(**self._about(customer, author)))
        return customer

    async def _update(self, act: Act, known: Customer, one: Listed, author: str) -> Customer:
        new = tuple(each for each in one.identities if each not in known.identities)
        for each in new:
            await act.tx.people.add_identity(known.id, each)
        with_all = replace(known, identities=(*known.identities, *new))
        return await self._mark(act, with_all, one.mark, author)

    async def _mark(self, act: Act, customer: Customer, mark: Mark, author: str) -> Customer:
        marked = mark.on(customer)
        if marked == customer:
            return customer
        await act.tx.people.save_customer(marked)
        act.facts.append(CustomerMarked(**self._about(marked, author)))
        for item in await act.tx.interactions.for_customer(customer.id, RECENT):
            if item.state is not InteractionState.ENDED and item.parent_id is None:
                await self._follow(act, item.id, marked, author)
        return marked

    async def _follow(self, act: Act, interaction_id: str, customer: Customer, author: str) -> None:
        """Rule 1, and a fact for the desks that show it."""
        item = await act.take(interaction_id)
        marked = CustomerMarked(interaction_id=item.id, **self._about(customer, author))
        if item.state in WAITING_STATES and item.vip != customer.vip:
            await act.save(self._moved(item, customer.vip), marked)
        else:
            act.facts.append(marked)

    def _moved(self, item: Interaction, vip: bool) -> Interaction:
        boost = self._company.queue(item.queue or self._company.default_queue).rules.boosts.vip_s
        head_start_s = item.head_start_s + (boost if vip else -boost)
        return replace(item, vip=vip, head_start_s=head_start_s)

    def _about(self, customer: Customer, author: str) -> dict[str, Any]:
        return {
            "at": self._clock.now(),
            "customer_id": customer.id,
            "vip": customer.vip,
            "dedicated_agent": customer.dedicated_agent,
            "author": author,
        }


def _pieces(listed: Sequence[Listed]) -> Iterator[Sequence[Listed]]:
    for start in range(0, len(listed), AT_ONCE):
        yield listed[start : start + AT_ONCE]


def _identities(some: Sequence[Listed]) -> Collection[Identity]:
    return {each for one in some for each in one.identities}
