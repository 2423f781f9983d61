"""What somebody who joins a queue is entitled to: a head start, an agent of their own, a place.

1. The head start is decided once, at joining (docs/acd.md): the queue's base, what the plan
   brings (waiting so far, a callback's boost), and what priority and returning earn.
2. Who was dropped or gave up and turns up again on the same channel within
   ``returning_within_s`` keeps the joining time of then in the same queue. How long the bot
   talks with them before they join does not matter; once an agent has had them it is over.
3. The customer's own agent is waited for, else the one who served them last within the
   rule's days (not one who was only asked): never one who is offline, and only for the rule's
   seconds. Nothing of this holds for what an agent transfers or asks, or for a callback:
   those name their agent.
4. A skill that was asked for and that nobody of the queues has falls away at once, unless a
   step of theirs waives it in time: nobody waits for what can never be.
5. Of several queues the first that is open is joined, and the others that are open are waited
   in beside it, as after an overflow: place, head start and rules are those of the first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from router.acts import steps
from router.acts.overflow import queue_to_join
from router.company import Company, Queue
from router.errors import NoSuchAgent, NoSuchCustomer
from router.model import Agent, Customer, EndedBy, Interaction, InteractionState, Presence
from router.rules import ALL_SKILLS

if TYPE_CHECKING:
    from router.acts.act import Act

FRESH = frozenset({InteractionState.NEW, InteractionState.BOT})
"""Who comes from these has not been with an agent in this stay."""


@dataclass(frozen=True, slots=True)
class Joining:
    """Somebody about to join ``queue``. ``customer`` is None where it is to be looked up."""

    interaction: Interaction
    queue: Queue
    from_agent: str
    now: datetime
    customer: Customer | None = None

    @property
    def fresh(self) -> bool:
        """Neither transferred nor asked by an agent, nor a callback (rule 3)."""
        item = self.interaction
        return not self.from_agent and item.parent_id is None and item.state in FRESH


def queues_to_join(
    company: Company, names: Sequence[str], now: datetime
) -> tuple[Queue, tuple[Queue, ...]]:
    """The queue to join, and those to wait in at the same time (rule 5)."""
    named = [company.queue(name or company.default_queue) for name in dict.fromkeys(names)]
    opened = [queue for queue in named if queue.hours.open_at(now)]
    joined = queue_to_join(company, (opened or named)[0], now)
    return joined, tuple(queue for queue in opened[1:] if queue.id != joined.id)


def asked_skills(
    company: Company, queues: Sequence[Queue], asked: Mapping[str, int]
) -> tuple[dict[str, int], tuple[str, ...]]:
    """The skills to wait for, and in words those that fall away at once (rule 4)."""
    attainable = {skill for each in queues for skill in company.attainable(each.id, asked)}
    waived = {skill for each in queues for step in each.rules.steps for skill in step.waive}
    kept = {
        skill: level
        for skill, level in asked.items()
        if skill in attainable or skill in waived or ALL_SKILLS in waived
    }
    gone = tuple(f"{skill} ≥ {level}" for skill, level in asked.items() if skill not in kept)
    return kept, gone


async def entitled(act: Act, joining: Joining) -> Interaction:
    """The interaction with its head start, priority, preference and joining time."""
    item, queue = joining.interaction, joining.queue
    if item.parent_id is not None:
        return item
    customer = joining.customer or await _customer(act, item.customer_id)
    if customer is None:
        return item
    boosts = queue.rules.boosts
    if customer.vip:
        item = replace(item, vip=True, head_start_s=item.head_start_s + boosts.vip_s)
    if not joining.fresh:
        return item
    if customer.created_at != joining.now:
        item = await _returning(act, item, joining)
    return await _preferring(act, item, joining, customer)


async def _customer(act: Act, customer_id: str) -> Customer | None:
    try:
        return await act.step(steps.CUSTOMER, customer_id)
    except NoSuchCustomer:
        return None


async def _returning(act: Act, item: Interaction, joining: Joining) -> Interaction:
    rules = joining.queue.rules
    if rules.returning_within_s <= 0 or item.accepted_at is not None:
        return item
    since = item.created_at - timedelta(seconds=rules.returning_within_s)
    left = await act.step(steps.LEFT_LATELY, (item.customer_id, since))
    for before in left:
        same = before.channel is item.channel and before.queue == joining.queue.id
        contact = before.id != item.id and before.parent_id is None
        earlier = contact and before.created_at <= item.created_at
        if earlier and same and before.joined_at and _came_to_nothing(before):
            head_start_s = item.head_start_s + rules.boosts.returning_s
            return replace(item, joined_at=before.joined_at, head_start_s=head_start_s)
    return item


def _came_to_nothing(before: Interaction) -> bool:
    """The customer gave up in the queue, or the line was lost."""
    gave_up = before.ended_by is EndedBy.CUSTOMER and before.agent_id is None
    return gave_up or before.ended_by is EndedBy.SYSTEM


async def _preferring(
    act: Act, item: Interaction, joining: Joining, customer: Customer
) -> Interaction:
    rules, now = joining.queue.rules, joining.now
    if customer.dedicated_agent and rules.dedicated_wait_s > 0:
        agent = await _there(act, customer.dedicated_agent)
        if agent is not None:
            until = now + timedelta(seconds=rules.dedicated_wait_s)
            return replace(item, prefer_agent=agent.id, prefer_until=until)
    if rules.last_agent is None:
        return item
    since = now - timedelta(days=rules.last_agent.within_days)
    served = await act.tx.interactions.served_lately(customer.id, since)
    others = (one for one in served if one.id != item.id and one.parent_id is None)
    last = next((one.agent_id for one in others if one.agent_id), None)
    agent = await _there(act, last) if last else None
    if agent is None or joining.queue.id not in agent.queues:
        return item
    until = now + timedelta(seconds=rules.last_agent.wait_s)
    return replace(item, prefer_agent=agent.id, prefer_until=until)


async def _there(act: Act, agent_id: str) -> Agent | None:
    """The agent, unless offline or gone."""
    try:
        agent = await act.step(steps.AGENT, agent_id)
    except NoSuchAgent:
        return None
    return None if agent.presence is Presence.OFFLINE else agent
