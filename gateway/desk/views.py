"""Domain objects as the JSON that pages get. Times are ISO 8601 in UTC."""

from __future__ import annotations

import hashlib
import re
from datetime import datetime
from typing import Any

from router.company import Company
from router.errors import NoSuchCustomer
from router.handoff import pack_handoff
from router.model import (
    Agent,
    Citation,
    Customer,
    Handoff,
    Interaction,
    InteractionState,
    Message,
    Offer,
)
from router.ports import Transaction

View = dict[str, Any]
DRAFT_PREFIX = "desk:"
"""Before the external id of a line that an agent typed; the rest is the page's draft id."""


def shown_address(address: str) -> str:
    """An address for people: of a browser's long random name only as much as tells it apart."""
    return f"#{address[:6]}" if re.fullmatch("[0-9a-f]{32}", address) else address


def iso(at: datetime | None) -> str | None:
    """ISO 8601, or None."""
    return at.isoformat() if at is not None else None


def interaction_view(item: Interaction, company: Company) -> View:
    """An interaction without its people and lines. ``colour`` tells customers apart."""
    queue = company.queues.get(item.queue or "")
    return {
        "id": item.id,
        "channel": item.channel,
        "direction": item.direction,
        "state": item.state,
        "queue": item.queue,
        "queue_name": queue.name if queue else item.queue,
        "wrap_up_mode": queue.wrap_up.mode if queue else "none",
        "dispositions": list(company.dispositions_of(item.queue or "")),
        "subject": item.subject,
        "language": item.language,
        "address": item.address,
        "from": shown_address(item.address),
        "service_address": item.service_address,
        "agent_id": item.agent_id,
        "connected": bool(item.home),
        "created_at": iso(item.created_at),
        "joined_at": iso(item.joined_at),
        "accepted_at": iso(item.accepted_at),
        "left_at": iso(item.left_at),
        "wrap_up_until": iso(item.wrap_up_until),
        "ended_at": iso(item.ended_at),
        "ended_by": item.ended_by,
        "end_reason": item.end_reason,
        "disposition": item.disposition,
        "handoff": handoff_view(item.handoff),
        "parent_id": item.parent_id,
        "due_at": iso(item.due_at),
        "call_back": bool(item.meta.get("call_back")),
        "voicemail": _voicemail_view(item),
        "version": item.version,
    }


def _voicemail_view(item: Interaction) -> View | None:
    """A voice message that is this work: where to hear it."""
    left = item.meta.get("voicemail")
    if not isinstance(left, dict) or "path" not in left:
        return None
    return {"url": f"/desk/voicemail/{item.id}", "duration_s": left["duration_s"]}


def handoff_view(packet: Handoff | None) -> View | None:
    """The packet from bot to person, whole (``router.handoff``), with the kind of its reason."""
    packed = pack_handoff(packet)
    if packet is None or packed is None:
        return None
    articles = [citation_view(article) for article in packet.articles]
    return {**packed, "articles": articles, "cause": packet.cause}


def citation_view(citation: Citation) -> View:
    """An article and the words that support an answer."""
    return {
        "article_id": citation.article_id,
        "title": citation.title,
        "url": citation.url,
        "quote": citation.quote,
        "score": citation.score,
    }


def message_view(message: Message) -> View:
    """One line of a transcript."""
    return {
        "id": message.id,
        "seq": message.seq,
        "author": message.author,
        "author_id": message.author_id,
        "text": message.text,
        "html": message.html,
        "quoted": message.quoted,
        "at": iso(message.at),
        "citations": [citation_view(citation) for citation in message.citations],
        "draft_id": _draft_id(message),
    }


def _draft_id(message: Message) -> str | None:
    external = message.external_id or ""
    return external.removeprefix(DRAFT_PREFIX) if external.startswith(DRAFT_PREFIX) else None


def customer_view(customer: Customer, own_agent: str = "") -> View:
    """Who it is; ``own_agent`` is the name of the dedicated agent, where there is one.

    ``hue`` (0..359) colours the avatar, the same on every page.
    """
    digest = hashlib.sha256(customer.id.encode()).digest()
    return {
        "id": customer.id,
        "name": customer.name,
        "identities": [
            {"kind": identity.kind, "value": shown_address(identity.value)}
            for identity in customer.identities
        ],
        "language": customer.language,
        "vip": customer.vip,
        "dedicated_agent": customer.dedicated_agent,
        "own_agent": own_agent,
        "timezone": customer.timezone,
        "notes": customer.notes,
        "hue": int.from_bytes(digest[:2], "big") % 360,
    }


def agent_view(agent: Agent) -> View:
    """An agent's name and presence."""
    return {
        "id": agent.id,
        "name": agent.name,
        "presence": agent.presence,
        "reason": agent.presence_reason,
        "since": iso(agent.presence_since),
        "queues": list(agent.queues),
    }


def offer_view(offer: Offer) -> View:
    """What rings, until when, and why here."""
    return {
        "id": offer.id,
        "interaction_id": offer.interaction_id,
        "made_at": iso(offer.made_at),
        "expires_at": iso(offer.expires_at),
        "why": offer.why,
    }


async def customer_of(tx: Transaction, customer_id: str) -> Customer:
    """The customer, or a nameless one when the record has been merged away."""
    try:
        return await tx.people.customer(customer_id)
    except NoSuchCustomer:
        return Customer(id=customer_id, name="")


async def own_agent_of(tx: Transaction, customer: Customer) -> str:
    """The name of the customer's dedicated agent; empty without one, or when that one left."""
    login = customer.dedicated_agent
    found = await tx.people.agents_among([login]) if login else {}
    return found[login].name if login in found else ""


def is_work(item: Interaction, agent_id: str) -> bool:
    """Whether this is on the agent's desk now: being handled or wrapped up."""
    busy = {InteractionState.AGENT, InteractionState.WRAP_UP}
    return item.agent_id == agent_id and item.state in busy
