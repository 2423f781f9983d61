"""A card: everything that an agent sees of one interaction, as JSON."""

from __future__ import annotations

from collections.abc import Iterable

from gateway.desk.talk_views import asker_of, beside_view, giver_of, talk_view
from gateway.desk.views import (
    View,
    customer_of,
    customer_view,
    interaction_view,
    iso,
    message_view,
    offer_view,
    own_agent_of,
)
from router.company import Company
from router.events import HoldEnded, HoldStarted
from router.model import Channel, Interaction, InteractionState, Offer
from router.ports import Transaction

HISTORY = 12


async def card_of(tx: Transaction, item: Interaction, company: Company) -> View:
    """Everything the agent sees of one interaction: customer, lines, packet, history."""
    customer = await customer_of(tx, item.customer_id)
    messages = await tx.interactions.messages(item.id)
    earlier = await tx.interactions.for_customer(item.customer_id, HISTORY + 1)
    talk = await talk_view(tx, item)
    return {
        **interaction_view(item, company),
        "on_hold": await _on_hold(tx, item),
        "customer": customer_view(customer, await own_agent_of(tx, customer)),
        "messages": [message_view(message) for message in messages],
        "history": history_view(earlier, item, company),
        "asked_by": await asker_of(tx, item),
        "given_by": await giver_of(tx, item),
        "talk": talk,
        "beside": await beside_view(tx, item, talk),
    }


async def _on_hold(tx: Transaction, item: Interaction) -> bool:
    if item.channel is not Channel.VOICE or item.state is not InteractionState.AGENT:
        return False
    turns = await tx.log.facts(interaction_id=item.id, types=(HoldStarted, HoldEnded))
    # A hold ends with the transfer: one from before this agent took over counts no more.
    since = item.accepted_at or item.created_at
    return bool(turns) and isinstance(turns[-1], HoldStarted) and turns[-1].at >= since


def history_view(earlier: Iterable[Interaction], but: Interaction, company: Company) -> list[View]:
    """The customer's other interactions in short, newest first; questions between us left out."""
    return [
        {
            "id": item.id,
            "channel": item.channel,
            "direction": item.direction,
            "state": item.state,
            "created_at": iso(item.created_at),
            "subject": item.subject or (item.handoff.summary if item.handoff else ""),
            "queue_name": interaction_view(item, company)["queue_name"],
            "disposition": item.disposition,
            "agent_id": item.agent_id,
            "end_reason": item.end_reason,
        }
        for item in earlier
        if item.id != but.id and item.parent_id is None
    ][:HISTORY]


async def offer_card(tx: Transaction, offer: Offer, company: Company) -> View:
    """A ringing offer with the interaction it is about."""
    item = await tx.interactions.get(offer.interaction_id)
    return {**offer_view(offer), "card": await card_of(tx, item, company)}
