"""Talks of more than two as JSON: who is asked, who has joined, and the words beside them."""

from __future__ import annotations

from gateway.desk.views import (
    View,
    customer_of,
    handoff_view,
    iso,
    message_view,
    shown_address,
)
from router.acts.parties import JoinMode, Party, PartyRole, Talk
from router.acts.talks import PARTIES
from router.acts.transfers import TRANSFERRED
from router.errors import NoSuchAgent, NoSuchInteraction
from router.events import InteractionTransferred
from router.model import Channel, Interaction
from router.ports import Transaction


async def talk_view(tx: Transaction, item: Interaction) -> View | None:
    """The talk that the interaction is, or is asked about; None while only two take part."""
    if PARTIES not in item.meta and item.parent_id is None:
        return None
    parent = item.parent_id or item.id
    parties = await tx.parties.of(parent)
    if not parties:
        return None
    talk = Talk(parent, tuple(parties))
    third = talk.find(PartyRole.CONSULTED)
    handler = talk.find(PartyRole.HANDLER)
    # Who only listens is not shown: that is what listening is for.
    joined = [
        party
        for party in parties
        if party.role is PartyRole.SUPERVISOR and party.mode is not JoinMode.LISTEN
    ]
    return {
        "arrangement": talk.arrangement,
        "third": await _party_view(tx, third) if third else None,
        "handler": await _name(tx, handler.agent_id) if handler else "",
        "supervisors": [await _party_view(tx, party) for party in joined],
    }


async def beside_view(tx: Transaction, item: Interaction, talk: View | None) -> View | None:
    """The other conversation of a written question: the colleague's words, or the customer's.

    For who was asked on the phone it is the customer's, to read what it is about.
    """
    if item.parent_id is not None:
        parent = await tx.interactions.get(item.parent_id)
        customer = await customer_of(tx, parent.customer_id)
        return {
            "id": parent.id,
            "kind": "customer",
            "name": customer.name or shown_address(parent.address),
            "channel": parent.channel,
            "handoff": handoff_view(parent.handoff),
            "messages": [message_view(one) for one in await tx.interactions.messages(parent.id)],
        }
    third = (talk or {}).get("third") or {}
    if not third.get("consult_id") or item.channel is Channel.VOICE:
        return None
    try:
        question = await tx.interactions.get(third["consult_id"])
    except NoSuchInteraction:
        return None
    return {
        "id": question.id,
        "kind": "question",
        "name": third["name"],
        "channel": question.channel,
        "handoff": None,
        "messages": [message_view(one) for one in await tx.interactions.messages(question.id)],
    }


async def asker_of(tx: Transaction, item: Interaction) -> str:
    """The name of the agent who asks, of an internal interaction; empty for others."""
    if item.parent_id is None:
        return ""
    return await _name(tx, item.address.removeprefix("agent:"))


async def giver_of(tx: Transaction, item: Interaction) -> str:
    """The name of the agent who transferred it; empty when its packet is not from one."""
    if item.handoff is None or item.handoff.reason != TRANSFERRED:
        return ""
    given = await tx.log.facts(interaction_id=item.id, types=[InteractionTransferred])
    last = given[-1] if given else None
    return await _name(tx, last.from_agent_id) if isinstance(last, InteractionTransferred) else ""


async def _party_view(tx: Transaction, party: Party) -> View:
    return {
        "name": await _name(tx, party.agent_id) if party.agent_id else party.address,
        "agent_id": party.agent_id,
        "state": party.state,
        "mode": party.mode,
        "consult_id": party.consult_id,
        "since": iso(party.joined_at),
    }


async def _name(tx: Transaction, agent_id: str) -> str:
    try:
        return (await tx.people.agent(agent_id)).name
    except NoSuchAgent:
        account = await tx.people.account(agent_id)
        return account.name if account else agent_id
