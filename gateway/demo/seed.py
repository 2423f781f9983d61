"""Fills an empty store with the demo company's customers and their past.

Rules:
1. Customers and their history are written once; a document in the store says so.
2. History is told in days before the first start, so that it is never stale, and
   its facts are marked as sent: nobody is asked to rate a talk of last month.
3. Everything is one transaction: a start that is killed seeds nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import yaml

from router import events
from router.errors import BadConfiguration
from router.events import Fact
from router.model import (
    Author,
    Channel,
    Customer,
    Direction,
    EndedBy,
    Handoff,
    Identity,
    IdentityKind,
    Interaction,
    InteractionState,
    NewMessage,
    SlotValue,
    new_id,
)
from router.ports import Store, Transaction

CUSTOMERS_FILE = Path(__file__).parent / "customers.yaml"
DONE = "demo-seed"
"""Name of the document that says that customers and history are there."""
VERSION = 1
LINE_S = 25
"""Seconds between two lines of a past conversation."""
WAIT_S = 14.0
WRAP_UP_S = 40
SENT_PAGE = 500
SERVICE_ADDRESS: Mapping[Channel, str] = {
    Channel.VOICE: "+37160000100",
    Channel.CHAT: "web",
    Channel.EMAIL: "care@harbourline.example",
    Channel.SMS: "+37160000200",
}


@dataclass(frozen=True, slots=True)
class Seeded:
    """What was added by this start."""

    customers: int = 0
    interactions: int = 0
    messages: int = 0


@dataclass(frozen=True, slots=True)
class _Past:
    """One interaction of the past with its lines and facts, ready to be stored."""

    interaction: Interaction
    lines: tuple[tuple[NewMessage, datetime], ...]
    facts: tuple[Fact, ...]


async def seed(store: Store, customers_file: Path, now: datetime | None = None) -> Seeded:
    """Add what is missing; calling it again changes nothing.

    Raises ``BadConfiguration`` naming the customer whose entry is wrong.
    """
    moment = now or datetime.now(UTC)
    async with store.transaction() as tx:
        if await tx.log.document(DONE) is not None:
            return Seeded()
    customers = await asyncio.to_thread(read_customers, customers_file, moment)
    async with store.transaction() as tx:
        written = [await _put_customer(tx, customer, past) for customer, past in customers]
        await tx.log.put_document(DONE, {"version": VERSION, "at": moment.isoformat()})
    added = [count for count in written if count is not None]
    return Seeded(
        customers=len(added),
        interactions=sum(count[0] for count in added),
        messages=sum(count[1] for count in added),
    )


def read_customers(path: Path, now: datetime) -> list[tuple[Customer, list[_Past]]]:
    """The customers of a file with their past before ``now``."""
    raw = yaml.safe_load(path.read_text("utf-8"))
    zone = ZoneInfo(raw.get("timezone", "UTC"))
    found = []
    for row in raw["customers"]:
        try:
            customer = _customer(row, str(zone), now)
            past = [_past(item, customer, raw["stories"], zone, now) for item in row["history"]]
        except (KeyError, ValueError, TypeError) as error:
            raise BadConfiguration(f"{path}: customer {row.get('id')!r}: {error!r}") from error
        found.append((customer, past))
    return found


async def _put_customer(
    tx: Transaction, customer: Customer, past: Sequence[_Past]
) -> tuple[int, int] | None:
    """Interactions and messages written; None when somebody has one of the identities."""
    for identity in customer.identities:
        if await tx.people.find_customer(identity) is not None:
            return None
    await tx.people.add_customer(customer)
    for item in past:
        await tx.interactions.add(item.interaction)
        for line, at in item.lines:
            await tx.interactions.add_message(item.interaction.id, line, at)
    facts = sorted((fact for item in past for fact in item.facts), key=lambda fact: fact.at)
    await tx.log.append(facts)
    ids = [fact.id for fact in facts]
    for start in range(0, len(ids), SENT_PAGE):
        await tx.log.sent(ids[start : start + SENT_PAGE])
    return len(past), sum(len(item.lines) for item in past)


def _customer(row: Mapping[str, Any], timezone: str, now: datetime) -> Customer:
    identities = [
        Identity(IdentityKind.PHONE, row["phone"]),
        Identity(IdentityKind.EMAIL, row["mail"]),
    ]
    if "login" in row:
        identities.append(Identity(IdentityKind.LOGIN, row["login"]))
    first = max((item["days"] for item in row["history"]), default=0)
    return Customer(
        id=f"demo-{row['id']}",
        name=row["name"],
        identities=tuple(identities),
        language=row.get("language", "en"),
        vip=row.get("vip", False),
        dedicated_agent=row.get("dedicated_agent"),
        timezone=timezone,
        notes=row.get("notes", ""),
        created_at=now - timedelta(days=first + 1),
    )


def _past(
    item: Mapping[str, Any],
    customer: Customer,
    stories: Mapping[str, Any],
    zone: ZoneInfo,
    now: datetime,
) -> _Past:
    story = stories[item["story"]]
    channel = Channel(item["channel"])
    day = (now.astimezone(zone) - timedelta(days=item["days"])).date()
    begun = datetime.combine(day, time.fromisoformat(item["at"]), zone).astimezone(UTC)
    words = {"order": item["order"], "name": customer.name}
    lines = _lines(story, words, customer, item.get("agent", ""), begun)
    ended = lines[-1][1] + timedelta(seconds=LINE_S)
    met = _met(lines)
    interaction = Interaction(
        id=new_id(),
        channel=channel,
        direction=Direction.INBOUND,
        customer_id=customer.id,
        conversation_id=new_id(),
        address=_address(customer, channel),
        service_address=SERVICE_ADDRESS[channel],
        state=InteractionState.ENDED,
        created_at=begun,
        language=customer.language,
        subject=story.get("subject", ""),
        queue=story.get("queue"),
        joined_at=met,
        agent_id=item.get("agent"),
        accepted_at=met + timedelta(seconds=WAIT_S) if met else None,
        left_at=ended,
        ended_at=ended + timedelta(seconds=WRAP_UP_S) if met else ended,
        ended_by=EndedBy.AGENT if met else EndedBy.CUSTOMER,
        end_reason="done",
        disposition=story.get("disposition"),
        handoff=_handoff(story, item, lines) if met else None,
    )
    return _Past(interaction, lines, _facts(interaction, story, item))


def _lines(
    story: Mapping[str, Any],
    words: Mapping[str, str],
    customer: Customer,
    agent: str,
    begun: datetime,
) -> tuple[tuple[NewMessage, datetime], ...]:
    ids = {Author.CUSTOMER: customer.id, Author.AGENT: agent, Author.BOT: "front-desk"}
    found = []
    for number, line in enumerate(story["lines"]):
        [(who, text)] = line.items()
        author = Author(who)
        told = NewMessage(author, text.format_map(words), ids[author])
        found.append((told, begun + timedelta(seconds=LINE_S * number)))
    return tuple(found)


def _met(lines: Sequence[tuple[NewMessage, datetime]]) -> datetime | None:
    """When the customer joined the queue: just before the agent's first line."""
    for line, at in lines:
        if line.author is Author.AGENT:
            return at - timedelta(seconds=WAIT_S + 1)
    return None


def _address(customer: Customer, channel: Channel) -> str:
    kind = IdentityKind.EMAIL if channel is Channel.EMAIL else IdentityKind.PHONE
    if channel is Channel.CHAT:
        return f"visitor-{customer.id}"
    return next(item.value for item in customer.identities if item.kind is kind)


def _handoff(
    story: Mapping[str, Any],
    item: Mapping[str, Any],
    lines: Sequence[tuple[NewMessage, datetime]],
) -> Handoff:
    asked = [line.text for line, _ in lines if line.author is Author.CUSTOMER]
    about_order = "{order}" in " ".join(text for line in story["lines"] for text in line.values())
    slots = (SlotValue("order_number", item["order"], 1.0, True),) if about_order else ()
    return Handoff(
        reason=story["reason"],
        summary=f"The customer asked: {asked[0]}",
        slots=slots,
        last_utterance=asked[min(1, len(asked) - 1)],
    )


def _facts(
    done: Interaction, story: Mapping[str, Any], item: Mapping[str, Any]
) -> tuple[Fact, ...]:
    """What the event log would hold, had it been running then."""
    channel, about = str(done.channel), done.id
    ended = done.left_at or done.created_at
    found: list[Fact] = [
        events.InteractionArrived(
            at=done.created_at,
            interaction_id=about,
            channel=channel,
            direction=str(done.direction),
            customer_id=done.customer_id,
            conversation_id=done.conversation_id,
            address=done.address,
        ),
        events.BotStarted(
            at=done.created_at, interaction_id=about, channel=channel, flow="front-desk"
        ),
    ]
    if done.joined_at is not None:
        found.extend(_agent_facts(done, story, item, done.joined_at))
    found.append(
        events.InteractionEnded(
            at=ended,
            interaction_id=about,
            channel=channel,
            ended_by=str(done.ended_by),
            reason=done.end_reason,
            was=str(InteractionState.AGENT if done.agent_id else InteractionState.BOT),
            queue=done.queue or "",
            agent_id=done.agent_id or "",
        )
    )
    return tuple(sorted(found, key=lambda fact: fact.at))


def _agent_facts(
    done: Interaction, story: Mapping[str, Any], item: Mapping[str, Any], joined: datetime
) -> list[Fact]:
    accepted = joined + timedelta(seconds=WAIT_S)
    filed = done.ended_at or accepted
    channel, queue, agent = str(done.channel), done.queue or "", done.agent_id or ""
    offer = new_id()
    found: list[Fact] = [
        events.HandoffRequested(
            at=joined, interaction_id=done.id, reason=story["reason"], queue=queue
        ),
        events.InteractionQueued(at=joined, interaction_id=done.id, queue=queue, channel=channel),
        events.OfferMade(
            at=accepted - timedelta(seconds=4),
            interaction_id=done.id,
            offer_id=offer,
            agent_id=agent,
            queue=queue,
            channel=channel,
            expires_at=accepted + timedelta(seconds=11),
        ),
        events.OfferAccepted(
            at=accepted,
            interaction_id=done.id,
            offer_id=offer,
            agent_id=agent,
            queue=queue,
            channel=channel,
            waited_s=WAIT_S,
        ),
        events.WrapUpCompleted(
            at=filed,
            interaction_id=done.id,
            agent_id=agent,
            queue=queue,
            disposition=story["disposition"],
            note=story["note"],
        ),
    ]
    if "score" in item:
        found.append(
            events.SurveyAnswered(
                at=filed + timedelta(minutes=2),
                interaction_id=done.id,
                channel=channel,
                agent_id=agent,
                queue=queue,
                score=item["score"],
                scale=5,
            )
        )
    return found
