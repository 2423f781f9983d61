"""Rows to domain objects and back. No SQL here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any

from sqlalchemy import RowMapping

from router.handoff import pack_handoff, unpack_handoff
from router.model import (
    Account,
    Agent,
    Attempt,
    AttemptState,
    Author,
    Campaign,
    Channel,
    Citation,
    Contact,
    Customer,
    Direction,
    Disposition,
    EndedBy,
    Identity,
    Interaction,
    InteractionState,
    Limits,
    Message,
    Offer,
    OfferState,
    Presence,
    Role,
)
from router.rules import Membership, WorkDay
from router.store.schema import agents

Row = RowMapping | Mapping[str, Any]


INTERACTION = tuple(f.name for f in fields(Interaction))
OFFER = tuple(f.name for f in fields(Offer))


def pack_interaction(item: Interaction) -> dict[str, Any]:
    """The columns of an interaction."""
    row = {name: getattr(item, name) for name in INTERACTION}
    row["handoff"] = pack_handoff(item.handoff)
    for name in ("skills", "bot_state", "meta"):
        row[name] = dict(row[name])
    row["also_queues"] = list(item.also_queues)
    return row


def unpack_interaction(row: Row) -> Interaction:
    """The interaction in a row."""
    values = {name: row[name] for name in INTERACTION}
    values["channel"] = Channel(row["channel"])
    values["direction"] = Direction(row["direction"])
    values["state"] = InteractionState(row["state"])
    values["ended_by"] = EndedBy(row["ended_by"]) if row["ended_by"] else None
    values["handoff"] = unpack_handoff(row["handoff"])
    values["also_queues"] = tuple(row["also_queues"])
    return Interaction(**values)


def unpack_citations(raw: Any) -> tuple[Citation, ...]:
    """Citations of plain JSON data."""
    return tuple(Citation(**item) for item in raw)


def unpack_message(row: Row) -> Message:
    """The message in a row."""
    values = {f.name: row[f.name] for f in fields(Message)}
    values["author"] = Author(row["author"])
    values["citations"] = unpack_citations(row["citations"])
    return Message(**values)


def pack_offer(offer: Offer) -> dict[str, Any]:
    """The columns of an offer."""
    return {name: getattr(offer, name) for name in OFFER}


def unpack_offer(row: Row) -> Offer:
    """The offer in a row."""
    values = {name: row[name] for name in OFFER}
    values["state"] = OfferState(row["state"])
    return Offer(**values)


def unpack_customer(row: Row, identities: tuple[Identity, ...]) -> Customer:
    """The customer in a row, with the identities of another table."""
    values = {f.name: row[f.name] for f in fields(Customer) if f.name != "identities"}
    return Customer(**values, identities=identities)


def pack_agent(agent: Agent) -> dict[str, Any]:
    """The columns of an agent."""
    row = {f.name: getattr(agent, f.name) for f in fields(agent) if f.name in agents.c}
    row["queues"] = list(agent.queues)
    row["skills"] = dict(agent.skills)
    row["capacity"] = {str(channel): number for channel, number in agent.capacity.items()}
    row["standing"] = {queue: asdict(standing) for queue, standing in agent.standing.items()}
    row["limits"] = {
        "total": agent.limits.total,
        "beside_voice": sorted(agent.limits.beside_voice),
        "interruptible": sorted(agent.limits.interruptible),
    }
    return row | pack_work_day(agent.work_day)


def unpack_agent(row: Row) -> Agent:
    """The agent in a row."""
    values = {f.name: row[f.name] for f in fields(Agent) if f.name in agents.c}
    values["queues"] = tuple(row["queues"])
    values["capacity"] = {Channel(name): number for name, number in row["capacity"].items()}
    values["presence"] = Presence(row["presence"])
    values["standing"] = {queue: Membership(**raw) for queue, raw in row["standing"].items()}
    values["limits"] = unpack_limits(row["limits"])
    return Agent(**values, work_day=unpack_work_day(row))


def unpack_limits(raw: Mapping[str, Any]) -> Limits:
    """The limits of plain JSON data; what it does not name has its default."""
    values: dict[str, Any] = dict(raw)
    for name in ("beside_voice", "interruptible"):
        if name in values:
            values[name] = frozenset(Channel(channel) for channel in values[name])
    return Limits(**values)


def pack_work_day(day: WorkDay) -> dict[str, Any]:
    """The columns of the day's figures: ``day`` and ``day_…``."""
    return {
        "day" if f.name == "day" else f"day_{f.name}": getattr(day, f.name) for f in fields(day)
    }


def unpack_work_day(row: Row) -> WorkDay:
    """The day's figures in an agent's row."""
    names = [f.name for f in fields(WorkDay)]
    return WorkDay(**{name: row["day" if name == "day" else f"day_{name}"] for name in names})


def unpack_account(row: Row) -> Account:
    """The sign-in in a row."""
    values = {f.name: row[f.name] for f in fields(Account)}
    values["role"] = Role(row["role"])
    return Account(**values)


def pack_campaign(campaign: Campaign) -> dict[str, Any]:
    """The columns of a campaign."""
    row = {f.name: getattr(campaign, f.name) for f in fields(campaign)}
    row["retry_after_s"] = dict(campaign.retry_after_s)
    return row


def unpack_campaign(row: Row) -> Campaign:
    """The campaign in a row."""
    values = {f.name: row[f.name] for f in fields(Campaign)}
    values["channel"] = Channel(row["channel"])
    return Campaign(**values)


def pack_contact(contact: Contact) -> dict[str, Any]:
    """The columns of a contact, except its position in the list."""
    row = {f.name: getattr(contact, f.name) for f in fields(contact)}
    row["fields"] = dict(contact.fields)
    return row


def unpack_contact(row: Row) -> Contact:
    """The contact in a row."""
    return Contact(**{f.name: row[f.name] for f in fields(Contact)})


def pack_attempt(attempt: Attempt) -> dict[str, Any]:
    """The columns of an attempt."""
    row = {f.name: getattr(attempt, f.name) for f in fields(attempt)}
    row["answers"] = dict(attempt.answers)
    return row


def unpack_attempt(row: Row) -> Attempt:
    """The attempt in a row."""
    values = {f.name: row[f.name] for f in fields(Attempt)}
    values["state"] = AttemptState(row["state"])
    values["disposition"] = Disposition(row["disposition"]) if row["disposition"] else None
    return Attempt(**values)
