"""The domain of the distributor: plain typed data, no I/O.

Every contact is an :class:`Interaction`. It has one handler at a time, a bot
or an agent, and its state only changes through ``router.machines``.
All datetimes are UTC-aware; durations are seconds unless a name says ``_ms``.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from router.handoff import Citation as Citation
from router.handoff import Handoff as Handoff
from router.handoff import SlotValue as SlotValue
from router.rules import DEFAULT_MEMBERSHIP, NO_WORK_YET, Membership, WorkDay


def new_id() -> str:
    """A fresh identifier: a random UUID (RFC 4122 version 4) as 32 hex digits."""
    return uuid.uuid4().hex


class Channel(StrEnum):
    """How the customer reaches us."""

    VOICE = "voice"
    CHAT = "chat"
    EMAIL = "email"
    SMS = "sms"


class Direction(StrEnum):
    """Who began it: the customer (inbound), we (outbound), or an agent who asks another."""

    INBOUND = "inbound"
    OUTBOUND = "outbound"
    INTERNAL = "internal"


class InteractionState(StrEnum):
    """Where an interaction stands; the legal moves are in ``router.machines``."""

    NEW = "new"
    SCHEDULED = "scheduled"
    BOT = "bot"
    WAITING = "waiting"
    OFFERED = "offered"
    AGENT = "agent"
    WRAP_UP = "wrap-up"
    ENDED = "ended"


class OfferState(StrEnum):
    """Where an offer (an interaction ringing at one agent) stands."""

    RINGING = "ringing"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"


class Presence(StrEnum):
    """What the agent has said (or we have noticed) about being there."""

    OFFLINE = "offline"
    AVAILABLE = "available"
    AWAY = "away"


class Author(StrEnum):
    """Who said a message."""

    CUSTOMER = "customer"
    BOT = "bot"
    AGENT = "agent"
    SYSTEM = "system"


class IdentityKind(StrEnum):
    """The kinds of address by which one customer is recognised."""

    PHONE = "phone"
    EMAIL = "email"
    LOGIN = "login"
    COOKIE = "cookie"


class EndedBy(StrEnum):
    """Who closed the interaction."""

    CUSTOMER = "customer"
    BOT = "bot"
    AGENT = "agent"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Identity:
    """One address of a customer, normalised: E.164 for phones, lower case for mail."""

    kind: IdentityKind
    value: str


@dataclass(frozen=True, slots=True)
class Customer:
    """A person or firm we serve, found by any of its identities."""

    id: str
    name: str
    identities: tuple[Identity, ...] = ()
    language: str = "en"
    vip: bool = False
    timezone: str = "UTC"
    notes: str = ""
    created_at: datetime | None = None
    dedicated_agent: str | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """One line of a transcript, on any channel.

    ``seq`` counts from 1 within the interaction. ``external_id`` is the peer's
    own id (Message-ID, MessageSid, widget id); the same one is stored once.
    ``html`` is sanitised mail HTML. ``quoted`` is the part of a mail reply that
    repeats earlier mail, kept apart from ``text``.
    """

    id: str
    interaction_id: str
    seq: int
    author: Author
    text: str
    at: datetime
    author_id: str = ""
    external_id: str | None = None
    html: str | None = None
    quoted: str = ""
    citations: tuple[Citation, ...] = ()
    meta: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NewMessage:
    """A message about to be added; ids, order and time are given by the store."""

    author: Author
    text: str
    author_id: str = ""
    external_id: str | None = None
    html: str | None = None
    quoted: str = ""
    citations: tuple[Citation, ...] = ()
    meta: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Interaction:
    """One engagement on one channel.

    ``address`` is the customer's (number, mail address, visitor id),
    ``service_address`` is ours. ``home`` is the bus address of the process that
    owns the call's media, empty when no process owns anything. ``head_start_s``
    moves it forward in the queue by that many seconds (acd.md, priority score).
    ``also_queues`` are further queues in which it waits at the same time (overflow).
    ``prefer_agent`` alone may take it until ``prefer_until``. ``due_at`` is when a
    scheduled one joins its queue. ``parent_id`` is the interaction that an internal
    one is about (a consultation).
    ``bot_state`` is the flow's memory, opaque to the router. ``version`` grows
    with each write and guards against lost updates.
    """

    id: str
    channel: Channel
    direction: Direction
    customer_id: str
    conversation_id: str
    address: str
    service_address: str
    state: InteractionState
    created_at: datetime
    home: str = ""
    language: str = "en"
    subject: str = ""
    queue: str | None = None
    skills: Mapping[str, int] = field(default_factory=dict)
    head_start_s: int = 0
    joined_at: datetime | None = None
    agent_id: str | None = None
    offer_id: str | None = None
    accepted_at: datetime | None = None
    left_at: datetime | None = None
    wrap_up_until: datetime | None = None
    ended_at: datetime | None = None
    ended_by: EndedBy | None = None
    end_reason: str = ""
    disposition: str | None = None
    handoff: Handoff | None = None
    bot_state: Mapping[str, Any] = field(default_factory=dict)
    meta: Mapping[str, Any] = field(default_factory=dict)
    also_queues: tuple[str, ...] = ()
    vip: bool = False
    prefer_agent: str | None = None
    prefer_until: datetime | None = None
    due_at: datetime | None = None
    parent_id: str | None = None
    version: int = 1


@dataclass(frozen=True, slots=True)
class Offer:
    """An interaction ringing at one agent until ``expires_at``."""

    id: str
    interaction_id: str
    agent_id: str
    state: OfferState
    made_at: datetime
    expires_at: datetime
    why: str = ""
    queue: str = ""


@dataclass(frozen=True, slots=True)
class Limits:
    """What an agent may have in hand beside the capacity per channel.

    ``total`` counts all channels together (None: no further limit). ``beside_voice``
    are channels that may be offered during a call. A call may be offered during work
    on ``interruptible`` channels.
    """

    total: int | None = None
    beside_voice: frozenset[Channel] = frozenset()
    interruptible: frozenset[Channel] = frozenset({Channel.EMAIL})


@dataclass(frozen=True, slots=True)
class Agent:
    """A person who handles interactions.

    ``skills`` maps a skill to its proficiency 1..5. ``capacity`` maps a channel
    to how many interactions at once; a channel not named has capacity 0.
    ``idle_since`` is when the last piece of work ended (for longest-idle). ``standing``
    says how the agent stands in a queue; a queue not named there has the default.
    """

    id: str
    name: str
    queues: tuple[str, ...]
    skills: Mapping[str, int] = field(default_factory=dict)
    capacity: Mapping[Channel, int] = field(default_factory=dict)
    presence: Presence = Presence.OFFLINE
    presence_reason: str = ""
    presence_since: datetime | None = None
    idle_since: datetime | None = None
    seen_at: datetime | None = None
    standing: Mapping[str, Membership] = field(default_factory=dict)
    limits: Limits = Limits()
    work_day: WorkDay = NO_WORK_YET

    def membership(self, queue_id: str) -> Membership:
        """How the agent stands in that queue."""
        return self.standing.get(queue_id, DEFAULT_MEMBERSHIP)


class Role(StrEnum):
    """What a signed-in person may do; each includes the ones before it."""

    AGENT = "agent"
    SUPERVISOR = "supervisor"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Account:
    """A sign-in. ``agent_id`` is set when the person also takes work."""

    id: str
    login: str
    name: str
    role: Role
    password_hash: str
    agent_id: str | None = None


@dataclass(frozen=True, slots=True)
class Session:
    """A signed-in browser. ``token_hash`` is SHA-256 of the cookie's secret."""

    token_hash: str
    account_id: str
    csrf_token: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Arrival:
    """What a channel knows when a customer turns up.

    ``external_id`` makes arrival idempotent: the same id gives the same
    interaction. ``thread_id`` finds the open interaction it continues, if any
    (a mail thread, a visitor's chat, an SMS number).
    """

    channel: Channel
    identity: Identity
    service_address: str
    direction: Direction = Direction.INBOUND
    name: str = ""
    external_id: str | None = None
    home: str = ""
    language: str | None = None
    subject: str = ""
    meta: Mapping[str, Any] = field(default_factory=dict)


class AttemptState(StrEnum):
    """Where one attempt to reach a contact stands."""

    PLANNED = "planned"
    CLAIMED = "claimed"
    DIALLING = "dialling"
    LIVE = "live"
    FINISHED = "finished"


class Disposition(StrEnum):
    """How an outbound attempt went."""

    COMPLETED = "completed"
    BUSY = "busy"
    NO_ANSWER = "no-answer"
    FAILED = "failed"
    DECLINED = "declined"
    HUNG_UP = "hung-up"
    DO_NOT_CONTACT = "do-not-contact"
    OUTSIDE_WINDOW = "outside-window"
    INTERRUPTED = "interrupted"


@dataclass(frozen=True, slots=True)
class Campaign:
    """A list of people to reach with one flow. ``window`` is local time HH:MM.

    ``retry_after_s`` maps a disposition to the delay before the next attempt;
    a disposition not named is final.
    """

    id: str
    name: str
    channel: Channel
    flow: str
    state: str
    window_start: str = "08:00"
    window_end: str = "21:00"
    max_attempts: int = 3
    retry_after_s: Mapping[str, int] = field(default_factory=dict)
    concurrency: int = 2
    created_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Contact:
    """One line of a campaign's list. ``state`` is open, done or exhausted."""

    id: str
    campaign_id: str
    name: str
    address: str
    timezone: str
    fields: Mapping[str, str] = field(default_factory=dict)
    state: str = "open"
    next_at: datetime | None = None
    attempts: int = 0


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try to reach one contact, with its reason and what was answered."""

    id: str
    campaign_id: str
    contact_id: str
    number: int
    state: AttemptState
    started_at: datetime
    interaction_id: str | None = None
    disposition: Disposition | None = None
    reason: str = ""
    answers: Mapping[str, str] = field(default_factory=dict)
    finished_at: datetime | None = None
