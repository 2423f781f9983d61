"""How a view is made from the store: the same for the one who decides and for all who look on.

1. What no row says comes first: refusals, service levels and handle times of the last while.
2. Then everybody where the rows say, through ``View.place`` alone, so that whoever looks on
   sees the wrap-ups, refusals and gates by which the dispatcher decides.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import datetime, timedelta

from router.dispatch.view import View
from router.events import Fact, InteractionEnded, OfferAccepted, OfferRejected
from router.model import Interaction, InteractionState, Offer
from router.ports import Transaction

LEARN_FROM = 500
"""So many of the newest interactions tell how long handling takes."""
AT_ONCE = 250
"""Interactions that are placed without a pause: all of very many take seconds."""
WAITING_STATES = (InteractionState.WAITING, InteractionState.SCHEDULED)
WORKING = (InteractionState.OFFERED, InteractionState.AGENT, InteractionState.WRAP_UP)
OUTCOMES: tuple[type[Fact], ...] = (OfferAccepted, InteractionEnded)

Offers = dict[str, list[Offer]]
"""Those that ring, by interaction."""


async def load_past(view: View, tx: Transaction, now: datetime) -> None:
    """Refusals, service levels and handle times, which no row says."""
    await load_refusals(view, tx, now)
    await load_outcomes(view, tx, now - timedelta(seconds=view.gates.longest_window_s))
    for item in reversed(await tx.interactions.recent(LEARN_FROM)):
        view.learn(item)


async def load_refusals(view: View, tx: Transaction, now: datetime) -> None:
    """Who said no so lately that it still counts."""
    delays = (queue.rules.reject_delay_s for queue in view.company.queues.values())
    since = now - timedelta(seconds=max(delays, default=0))
    for fact in await tx.log.facts(since=since, types=[OfferRejected]):
        view.note(fact)


async def load_outcomes(view: View, tx: Transaction, since: datetime) -> None:
    """How it went for customers since then; nothing is read when no gate wants to know."""
    if view.gates.longest_window_s:
        for fact in await tx.log.facts(since=since, types=OUTCOMES):
            view.note(fact)


async def load_present(view: View, tx: Transaction) -> tuple[list[Interaction], Offers]:
    """Seat the agents; whoever is to be placed then, with what rings for them."""
    for agent in await tx.people.agents():
        view.put_agent(agent)
    offers = by_interaction(await tx.interactions.ringing_offers())
    return await tx.interactions.in_states((*WAITING_STATES, *WORKING)), offers


async def load_changes(view: View, tx: Transaction) -> None:
    """Bring the view of somebody who is told of no facts to where the store is.

    Rows are read only of interactions that have changed; of all others their versions.
    """
    versions = await tx.interactions.versions((*WAITING_STATES, *WORKING))
    for agent in await tx.people.agents():
        if view.agents.get(agent.id) != agent:
            view.put_agent(agent)
    offers = by_interaction(await tx.interactions.ringing_offers())
    changed = [each for each in view.known if each not in versions]
    changed += (
        each
        for each, version in versions.items()
        if view.differs(each, version, offers.get(each, ()))
    )
    for start in range(0, len(changed), AT_ONCE):
        rows = await tx.interactions.get_many(changed[start : start + AT_ONCE])
        for item in rows.values():
            view.place(item, offers.get(item.id, ()))
            view.join(item)
        await asyncio.sleep(0)


def by_interaction(offers: Iterable[Offer]) -> Offers:
    """The same offers, each with the others of its interaction."""
    found: Offers = {}
    for offer in offers:
        found.setdefault(offer.interaction_id, []).append(offer)
    return found
