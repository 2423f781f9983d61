"""Tables, one for SQLite and PostgreSQL. Alembic's migrations create them.

Times are UTC: SQLite keeps them as ISO text and forgets the zone, so
:class:`UtcTime` puts it back (and refuses a naive one).
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    false,
)


class UtcTime(TypeDecorator[datetime]):
    """A timestamp that goes in and comes out UTC-aware. Naive ones raise ``ValueError``."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse naive times, store the rest in UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"expected a UTC-aware datetime, got the naive {value!r}")
        return value.astimezone(UTC)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """Give the zone back that SQLite forgot."""
        if value is None:
            return None
        found: datetime = value
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


metadata = MetaData()

interactions = Table(
    "interactions",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("channel", String(16), nullable=False),
    Column("direction", String(16), nullable=False),
    Column("customer_id", String(32), nullable=False, index=True),
    Column("conversation_id", String(32), nullable=False),
    Column("address", Text, nullable=False),
    Column("service_address", Text, nullable=False),
    Column("state", String(16), nullable=False, index=True),
    Column("created_at", UtcTime, nullable=False, index=True),
    Column("home", Text, nullable=False, default=""),
    Column("language", String(16), nullable=False, default="en"),
    Column("subject", Text, nullable=False, default=""),
    Column("queue", String(64)),
    Column("skills", JSON, nullable=False),
    Column("head_start_s", Integer, nullable=False, default=0),
    Column("joined_at", UtcTime),
    Column("agent_id", String(64)),
    Column("offer_id", String(32)),
    Column("accepted_at", UtcTime),
    Column("left_at", UtcTime),
    Column("wrap_up_until", UtcTime),
    Column("ended_at", UtcTime),
    Column("ended_by", String(16)),
    Column("end_reason", Text, nullable=False, default=""),
    Column("disposition", String(64)),
    Column("handoff", JSON),
    Column("bot_state", JSON, nullable=False),
    Column("meta", JSON, nullable=False),
    Column("also_queues", JSON, nullable=False, default=list, server_default="[]"),
    Column("vip", Boolean, nullable=False, default=False, server_default=false()),
    Column("prefer_agent", String(64)),
    Column("prefer_until", UtcTime),
    Column("due_at", UtcTime),
    Column("parent_id", String(32), index=True),
    Column("version", Integer, nullable=False),
    Column("external_id", Text),
    Column("last_seq", Integer, nullable=False, default=0),
    UniqueConstraint("channel", "external_id", name="one_interaction_per_arrival"),
    Index("work_of_agents", "agent_id", "state"),
)

messages = Table(
    "messages",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("interaction_id", String(32), ForeignKey("interactions.id"), nullable=False),
    Column("seq", Integer, nullable=False),
    Column("author", String(16), nullable=False),
    Column("author_id", String(64), nullable=False, default=""),
    Column("text", Text, nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("external_id", Text, unique=True),
    Column("html", Text),
    Column("quoted", Text, nullable=False, default=""),
    Column("citations", JSON, nullable=False),
    Column("meta", JSON, nullable=False),
    UniqueConstraint("interaction_id", "seq", name="one_line_per_place"),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("message_id", String(32), primary_key=True),
    Column("claimed_at", UtcTime, nullable=False),
)

offers = Table(
    "offers",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("interaction_id", String(32), ForeignKey("interactions.id"), nullable=False, index=True),
    Column("agent_id", String(64), nullable=False),
    Column("state", String(16), nullable=False, index=True),
    Column("made_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    Column("why", Text, nullable=False, default=""),
    Column("queue", String(64), nullable=False, default="", server_default=""),
)

customers = Table(
    "customers",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("name", Text, nullable=False, default=""),
    Column("language", String(16), nullable=False, default="en"),
    Column("vip", Boolean, nullable=False, default=False),
    Column("timezone", String(64), nullable=False, default="UTC"),
    Column("notes", Text, nullable=False, default=""),
    Column("created_at", UtcTime),
    Column("dedicated_agent", String(64)),
)

identities = Table(
    "identities",
    metadata,
    Column("kind", String(16), primary_key=True),
    Column("value", String(320), primary_key=True),
    Column("customer_id", String(32), ForeignKey("customers.id"), nullable=False, index=True),
)

agents = Table(
    "agents",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("name", Text, nullable=False),
    Column("queues", JSON, nullable=False),
    Column("skills", JSON, nullable=False),
    Column("capacity", JSON, nullable=False),
    Column("presence", String(16), nullable=False),
    Column("presence_reason", Text, nullable=False, default=""),
    Column("presence_since", UtcTime),
    Column("idle_since", UtcTime),
    Column("seen_at", UtcTime),
    Column("standing", JSON, nullable=False, default=dict, server_default="{}"),
    Column("limits", JSON, nullable=False, default=dict, server_default="{}"),
    # The figures of the day are columns, so that an act adds to them in one statement.
    Column("day", String(10), nullable=False, default="", server_default=""),
    Column("day_handled", Integer, nullable=False, default=0, server_default="0"),
    Column("day_talk_s", Float, nullable=False, default=0, server_default="0"),
    Column("day_handling_s", Float, nullable=False, default=0, server_default="0"),
    Column("day_available_s", Float, nullable=False, default=0, server_default="0"),
    Column("day_offered_at", Float, nullable=False, default=0, server_default="0"),
)

accounts = Table(
    "accounts",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("login", String(64), nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("role", String(16), nullable=False),
    Column("password_hash", Text, nullable=False),
    Column("agent_id", String(64)),
)

sessions = Table(
    "sessions",
    metadata,
    Column("token_hash", String(64), primary_key=True),
    Column("account_id", String(64), ForeignKey("accounts.id"), nullable=False),
    Column("csrf_token", String(64), nullable=False),
    Column("expires_at", UtcTime, nullable=False),
)

campaigns = Table(
    "campaigns",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("name", Text, nullable=False),
    Column("channel", String(16), nullable=False),
    Column("flow", String(64), nullable=False),
    Column("state", String(16), nullable=False),
    Column("window_start", String(5), nullable=False),
    Column("window_end", String(5), nullable=False),
    Column("max_attempts", Integer, nullable=False),
    Column("retry_after_s", JSON, nullable=False),
    Column("concurrency", Integer, nullable=False),
    Column("created_at", UtcTime),
)

contacts = Table(
    "contacts",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("campaign_id", String(32), ForeignKey("campaigns.id"), nullable=False),
    Column("position", Integer, nullable=False),
    Column("name", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("timezone", String(64), nullable=False),
    Column("fields", JSON, nullable=False),
    Column("state", String(16), nullable=False),
    Column("next_at", UtcTime),
    Column("attempts", Integer, nullable=False, default=0),
    Index("contacts_due", "campaign_id", "state", "next_at"),
)

attempts = Table(
    "attempts",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("campaign_id", String(32), ForeignKey("campaigns.id"), nullable=False, index=True),
    Column("contact_id", String(32), ForeignKey("contacts.id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("state", String(16), nullable=False, index=True),
    Column("started_at", UtcTime, nullable=False),
    Column("interaction_id", String(32)),
    Column("disposition", String(32)),
    Column("reason", Text, nullable=False, default=""),
    Column("answers", JSON, nullable=False),
    Column("finished_at", UtcTime),
    UniqueConstraint("contact_id", "number", name="one_attempt_per_number"),
)

do_not_contact = Table(
    "do_not_contact",
    metadata,
    Column("address", String(320), primary_key=True),
    Column("reason", Text, nullable=False),
    Column("at", UtcTime, nullable=False),
)

events = Table(
    "events",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    Column("id", String(32), nullable=False, unique=True),
    Column("type", String(48), nullable=False),
    Column("interaction_id", String(32), nullable=False, index=True),
    Column("at", UtcTime, nullable=False),
    Column("body", JSON, nullable=False),
    Index("events_by_time", "at", "type"),
)

# Which facts the bus has not confirmed yet; they stand in the log.
outbox = Table(
    "outbox",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("at", UtcTime, nullable=False),
)

handled = Table(
    "handled",
    metadata,
    Column("group_name", String(64), primary_key=True),
    Column("fact_id", String(32), primary_key=True),
    Column("at", UtcTime, nullable=False),
)

nodes = Table(
    "nodes",
    metadata,
    Column("node", String(128), primary_key=True),
    Column("seen_at", UtcTime, nullable=False),
)

documents = Table(
    "documents",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("body", JSON, nullable=False),
)

configurations = Table(
    "configurations",
    metadata,
    Column("version", Integer, primary_key=True, autoincrement=True),
    Column("at", UtcTime, nullable=False),
    Column("author", String(64), nullable=False),
    Column("note", Text, nullable=False, default=""),
    Column("body", JSON, nullable=False),
)

leases = Table(
    "leases",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("holder", String(128), nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("since", UtcTime, nullable=False),
)

parties = Table(
    "parties",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("interaction_id", String(32), nullable=False, index=True),
    Column("role", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column("joined_at", UtcTime, nullable=False),
    Column("agent_id", String(64), nullable=False, default=""),
    Column("address", Text, nullable=False, default=""),
    Column("consult_id", String(32), nullable=False, default=""),
    Column("mode", String(16)),
    Column("left_at", UtcTime),
)
