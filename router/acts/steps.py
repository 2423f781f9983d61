"""The steps of which acts are made: each loads or writes one thing, and many at once.

In a shared transaction (``together``) the like steps of all acts are one statement. The
rank is their order, and the order in which rows are locked: keys, interactions, offers,
agents.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from router.acts.together import Step
from router.errors import Conflict, NoSuchAgent, NoSuchCustomer, NoSuchInteraction, NoSuchOffer
from router.model import Agent, Customer, Identity, Interaction, Offer, OfferState
from router.ports import Transaction
from router.workday import DayStep


async def _lock(tx: Transaction, keys: Sequence[str]) -> list[None]:
    await tx.interactions.lock_all(keys)
    return [None] * len(keys)


async def _find_customers(
    tx: Transaction, identities: Sequence[Identity]
) -> list[Customer | Exception | None]:
    found = await tx.people.find_customers(set(identities))
    return [found.get(each) for each in identities]


async def _customers(tx: Transaction, ids: Sequence[str]) -> list[Customer | Exception]:
    found = await tx.people.customers(set(ids))
    return [found.get(each) or NoSuchCustomer(f"no customer {each!r}") for each in ids]


async def _agents(tx: Transaction, ids: Sequence[str]) -> list[Agent | Exception]:
    found = await tx.people.agents_among(set(ids))
    return [found.get(each) or NoSuchAgent(f"no agent {each!r}") for each in ids]


async def _left_lately(
    tx: Transaction, asked: Sequence[tuple[str, datetime]]
) -> list[list[Interaction] | Exception]:
    since = min(moment for _, moment in asked)
    found = await tx.interactions.left_lately({customer for customer, _ in asked}, since)
    return [
        [
            each
            for each in found
            if each.customer_id == customer and each.left_at and each.left_at >= moment
        ]
        for customer, moment in asked
    ]


async def _offers(tx: Transaction, ids: Sequence[str]) -> list[Offer | Exception]:
    found = await tx.interactions.offers(set(ids))
    return [found.get(each) or NoSuchOffer(f"no offer {each!r}") for each in ids]


async def _take(tx: Transaction, ids: Sequence[str]) -> list[Interaction | Exception]:
    found = await tx.interactions.take_many(set(ids))
    return [found.get(each) or NoSuchInteraction(f"no interaction {each!r}") for each in ids]


async def _add_customers(tx: Transaction, new: Sequence[Customer]) -> list[Exception | None]:
    added = await tx.people.add_customers(new)
    return [
        None if each.id in added else Conflict("an identity belongs to another customer")
        for each in new
    ]


async def _add(
    tx: Transaction, new: Sequence[tuple[Interaction, str | None]]
) -> list[Exception | None]:
    await tx.interactions.add_many(new)
    return [None] * len(new)


async def _settle(
    tx: Transaction, asked: Sequence[tuple[str, OfferState]]
) -> list[bool | Exception]:
    settled = {
        (offer_id, state)
        for state in {state for _, state in asked}
        for offer_id in await tx.interactions.settle_offers(
            [each for each, to in asked if to is state], state
        )
    }
    # The same offer asked for twice is settled for the first of the two.
    results: list[bool | Exception] = []
    for each in asked:
        results.append(each in settled)
        settled.discard(each)
    return results


async def _count(tx: Transaction, steps: Sequence[DayStep]) -> list[Exception | None]:
    await tx.people.count(steps)
    return [None] * len(steps)


async def _save(tx: Transaction, items: Sequence[Interaction]) -> list[Interaction | Exception]:
    saved = await tx.interactions.save_many(items)
    return [
        one or Conflict(f"interaction {item.id} changed since version {item.version}")
        for one, item in zip(saved, items, strict=True)
    ]


async def _add_offers(tx: Transaction, new: Sequence[Offer]) -> list[Exception | None]:
    await tx.interactions.add_offers(new)
    return [None] * len(new)


LOCK: Step[str, None] = Step(0, _lock)
FIND_CUSTOMER: Step[Identity, Customer | None] = Step(1, _find_customers)
CUSTOMER: Step[str, Customer] = Step(1, _customers)
OFFER: Step[str, Offer] = Step(1, _offers)
AGENT: Step[str, Agent] = Step(2, _agents)
LEFT_LATELY: Step[tuple[str, datetime], list[Interaction]] = Step(2, _left_lately)
TAKE: Step[str, Interaction] = Step(3, _take)
ADD_CUSTOMER: Step[Customer, None] = Step(4, _add_customers, lambda _: True)
ADD: Step[tuple[Interaction, str | None], None] = Step(5, _add, lambda _: True)
SETTLE: Step[tuple[str, OfferState], bool] = Step(6, _settle, lambda settled: settled)
COUNT: Step[DayStep, None] = Step(7, _count, lambda _: True)
SAVE: Step[Interaction, Interaction] = Step(8, _save, lambda _: True)
ADD_OFFER: Step[Offer, None] = Step(9, _add_offers, lambda _: True)
