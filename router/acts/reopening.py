"""Who goes on with a matter that was closed: the agent who had it, when that agent is there.

1. A mail in the thread of an ended one, or a chat or SMS of the same address within a day
   of one, begins a new interaction in the same conversation.
2. The agent who handled the earlier one, or whom a bot names, alone is asked for a short
   while, when available.
   Nobody waits for an agent who has gone home, and nothing is given to one.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from router.errors import NoSuchAgent
from router.model import Channel, Customer, Identity, Interaction, InteractionState, Presence
from router.ports import Transaction

REOPENS = "reopens"
"""In ``meta``: the ended interaction whose matter goes on."""
CHATS = frozenset({Channel.CHAT, Channel.SMS})
OVER = (InteractionState.ENDED, InteractionState.WRAP_UP)
WITHIN = timedelta(days=1)
WAIT = timedelta(seconds=60)
LOOK_BACK = 5
"""So many of the customer's newest interactions, and so many links back, are looked at."""


async def earlier_chat(
    tx: Transaction, customer: Customer, channel: Channel, identity: Identity, now: datetime
) -> Interaction | None:
    """The chat that this one goes on with (rule 1)."""
    if channel not in CHATS or customer.created_at == now:
        return None
    for one in await tx.interactions.for_customer(customer.id, LOOK_BACK):
        ended = one.left_at or one.ended_at
        same = one.channel is channel and one.address == identity.value
        if same and one.state in OVER and ended is not None and now - ended <= WITHIN:
            return one
    return None


async def prefer_last(tx: Transaction, interaction: Interaction, now: datetime) -> Interaction:
    """The interaction, which joins a queue for the first time, with its preference (rule 2)."""
    if interaction.accepted_at is not None or interaction.prefer_agent is not None:
        return interaction
    return await prefer_named(tx, interaction, await _last_handler(tx, interaction) or "", now)


async def prefer_named(
    tx: Transaction, interaction: Interaction, agent_id: str, now: datetime
) -> Interaction:
    """The interaction with a preference for this agent, when available."""
    try:
        agent = await tx.people.agent(agent_id)
    except NoSuchAgent:
        return interaction
    if agent.presence is not Presence.AVAILABLE:
        return interaction
    return replace(interaction, prefer_agent=agent_id, prefer_until=now + WAIT)


async def _last_handler(tx: Transaction, interaction: Interaction) -> str | None:
    earlier = interaction
    for _ in range(LOOK_BACK):
        parent_id = earlier.meta.get(REOPENS)
        if not parent_id:
            return None
        earlier = await tx.interactions.get(parent_id)
        if earlier.agent_id:
            return earlier.agent_id
    return None
