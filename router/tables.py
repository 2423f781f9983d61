"""The tables of a transaction, which ``router.ports.Transaction`` has.

The docstrings are the contract; ``tests/contract`` runs it against every store.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from router.acts.parties import Party
from router.company import CompanyVersion
from router.events import Fact
from router.model import (
    Account,
    Agent,
    Attempt,
    AttemptState,
    Author,
    Campaign,
    Channel,
    Contact,
    Customer,
    Identity,
    Interaction,
    InteractionState,
    Message,
    NewMessage,
    Offer,
    OfferState,
    Presence,
    Session,
)
from router.rings import Ring
from router.workday import DayStep


class InteractionTable(Protocol):
    """Interactions, their offers and their transcripts.

    Methods over many do the same in one statement; what is missing is left out.
    """

    async def lock(self, key: str) -> None:
        """Serialise all transactions that name the same key, until this one ends."""
        ...

    async def lock_all(self, keys: Iterable[str]) -> None:
        """As ``lock``, in one order for everybody."""
        ...

    async def get(self, interaction_id: str) -> Interaction:
        """Raises ``router.errors.NoSuchInteraction``."""
        ...

    async def get_many(self, interaction_ids: Collection[str]) -> dict[str, Interaction]: ...

    async def take(self, interaction_id: str) -> Interaction:
        """As ``get``; nobody else changes it until this transaction ends."""
        ...

    async def take_many(self, interaction_ids: Collection[str]) -> dict[str, Interaction]: ...

    async def add(self, interaction: Interaction, external_id: str | None = None) -> None: ...

    async def add_many(self, new: Sequence[tuple[Interaction, str | None]]) -> None: ...

    async def by_external_id(self, channel: Channel, external_id: str) -> Interaction | None:
        """The interaction whose arrival carried this id."""
        ...

    async def save(self, interaction: Interaction) -> Interaction:
        """Write it if its ``version`` is still the stored one, and raise the version.

        Raises ``router.errors.Conflict`` when somebody else wrote first.
        """
        ...

    async def save_many(self, items: Sequence[Interaction]) -> list[Interaction | None]:
        """Each as ``save``, None in the place of one that somebody else wrote first."""
        ...

    async def ring(self, rings: Sequence[Ring]) -> set[str]:
        """Move waiting ones to offered; the ids of those that were as named."""
        ...

    async def in_states(self, states: Iterable[InteractionState]) -> list[Interaction]:
        """All in these states, oldest ``joined_at`` (else ``created_at``) first."""
        ...

    async def versions(self, states: Iterable[InteractionState]) -> dict[str, int]:
        """The versions of all in these states by id, which costs much less than the rows."""
        ...

    async def homes(self) -> set[str]:
        """The processes that own the lines of calls that are not over."""
        ...

    async def at_homes(self, homes: Collection[str]) -> list[Interaction]:
        """The calls that are not over whose lines these processes own."""
        ...

    async def open_for_customer(
        self, customer_id: str, channel: Channel, address: str | None = None
    ) -> Interaction | None:
        """The customer's newest interaction on that channel that has not ended.

        With ``address`` only one that is held with that address of theirs.
        """
        ...

    async def for_customer(self, customer_id: str, limit: int = 20) -> list[Interaction]:
        """The customer's interactions, newest first."""
        ...

    async def held_at(
        self, identity: Identity, channel: Channel, limit: int = 20
    ) -> list[Interaction]:
        """Those that the customer with this identity has had at that very address, newest first."""
        ...

    async def for_agent(self, agent_id: str) -> list[Interaction]:
        """What the agent is handling or wrapping up, oldest first."""
        ...

    async def recent(self, limit: int = 50) -> list[Interaction]:
        """The newest interactions of all."""
        ...

    async def add_message(
        self, interaction_id: str, message: NewMessage, at: datetime
    ) -> Message | None:
        """Append to the transcript; None when ``external_id`` is already there."""
        ...

    async def add_messages(
        self, interaction_id: str, new: Sequence[NewMessage], at: datetime
    ) -> list[Message | None]:
        """Each as ``add_message``, in this order. Raises ``NoSuchInteraction``."""
        ...

    async def messages(self, interaction_id: str, after_seq: int = 0) -> list[Message]: ...

    async def reword(self, message_id: str, text: str) -> None:
        """Give a line another text, and take its HTML and quotation away: they held the old one."""
        ...

    async def count_lines(
        self, customer_id: str, since: Mapping[Author, datetime]
    ) -> Mapping[Author, int]:
        """Written lines by kind of author in all of the customer's interactions, from then on."""
        ...

    async def message(self, message_id: str) -> Message | None: ...

    async def thread_of(self, external_ids: Sequence[str]) -> str | None:
        """The interaction of the newest message with one of these external ids."""
        ...

    async def claim_delivery(self, message_id: str, at: datetime) -> bool:
        """True for exactly one caller: that one sends this message to its peer."""
        ...

    async def release_delivery(self, message_id: str) -> None:
        """Give the claim back so that the sending can be tried again."""
        ...

    async def left_lately(
        self, customer_ids: Collection[str], since: datetime
    ) -> list[Interaction]:
        """Engagements of these customers that ended (``left_at``) since then, newest first."""
        ...

    async def served_lately(self, customer_id: str, since: datetime) -> list[Interaction]:
        """What agents accepted for this customer since then, newest first."""
        ...

    async def add_offer(self, offer: Offer) -> None: ...
    async def add_offers(self, new: Sequence[Offer]) -> None: ...

    async def offer(self, offer_id: str) -> Offer:
        """Raises ``router.errors.NoSuchOffer``."""
        ...

    async def offers(self, offer_ids: Collection[str]) -> dict[str, Offer]: ...

    async def settle_offer(self, offer_id: str, state: OfferState) -> bool:
        """Move it out of ringing; True for exactly one caller."""
        ...

    async def settle_offers(self, offer_ids: Collection[str], state: OfferState) -> set[str]:
        """Move them out of ringing; the ids of those that rang until now."""
        ...

    async def ringing_offers(self, agent_id: str | None = None) -> list[Offer]: ...

    async def ringing_for(self, interaction_ids: Collection[str]) -> list[Offer]:
        """The offers of these interactions that ring now."""
        ...

    async def accepted_by(self, interaction_id: str) -> set[str]:
        """The agents who accepted it so far."""
        ...


class PeopleTable(Protocol):
    """Customers, agents, sign-ins."""

    async def customer(self, customer_id: str) -> Customer: ...
    async def customers(self, customer_ids: Collection[str]) -> dict[str, Customer]: ...
    async def find_customer(self, identity: Identity) -> Customer | None: ...
    async def find_customers(self, wanted: Collection[Identity]) -> dict[Identity, Customer]: ...
    async def search_customers(self, words: str, limit: int = 20) -> list[Customer]:
        """By part of the name or of an identity; by name."""
        ...

    async def marked_customers(self, limit: int = 20) -> list[Customer]:
        """Those with priority or an agent of their own; by name."""
        ...

    async def add_customer(self, customer: Customer) -> None:
        """Raises ``router.errors.Conflict`` when an identity is taken."""
        ...

    async def add_customers(self, new: Sequence[Customer]) -> set[str]:
        """The ids of those of whom no identity was taken; roll back for the others."""
        ...

    async def add_identity(self, customer_id: str, identity: Identity) -> None: ...
    async def merge_customers(self, keep_id: str, merge_id: str) -> None:
        """Move everything of ``merge_id`` to ``keep_id``; the old record goes."""
        ...

    async def save_customer(self, customer: Customer) -> None: ...

    async def agents(self) -> list[Agent]: ...
    async def agent(self, agent_id: str) -> Agent:
        """Raises ``router.errors.NoSuchAgent``."""
        ...

    async def agents_among(self, agent_ids: Collection[str]) -> dict[str, Agent]: ...

    async def put_agent(self, agent: Agent) -> None:
        """Insert or replace, figures and all; for changes of a record there are the others."""
        ...

    async def agent_seen(self, agent_id: str, at: datetime) -> None: ...

    async def silent(self, since: datetime) -> list[str]:
        """Available agents whose desks have not been heard of since then."""
        ...

    async def set_presence(
        self, agent_id: str, presence: Presence, reason: str, at: datetime
    ) -> None:
        """Write the presence and leave everything else of the record alone."""
        ...

    async def count(self, steps: Sequence[DayStep]) -> None:
        """Add to the figures of the day, in one statement per agent at most."""
        ...

    async def accounts(self) -> list[Account]: ...
    async def account_by_login(self, login: str) -> Account | None: ...
    async def account(self, account_id: str) -> Account | None: ...
    async def put_account(self, account: Account) -> None: ...
    async def add_session(self, session: Session) -> None: ...
    async def session(self, token_hash: str, now: datetime) -> Session | None: ...
    async def drop_session(self, token_hash: str) -> None: ...


class CampaignTable(Protocol):
    """Outbound campaigns, their lists and attempts."""

    async def add(self, campaign: Campaign, contacts: Sequence[Contact]) -> None: ...
    async def get(self, campaign_id: str) -> Campaign:
        """Raises ``router.errors.NoSuchCampaign``."""
        ...

    async def all(self) -> list[Campaign]: ...
    async def set_state(self, campaign_id: str, state: str) -> None: ...
    async def contacts(self, campaign_id: str) -> list[Contact]: ...
    async def contact(self, contact_id: str) -> Contact: ...
    async def due_contacts(self, campaign_id: str, now: datetime, limit: int) -> list[Contact]:
        """Open contacts whose time has come, earliest first, with no live attempt."""
        ...

    async def save_contact(self, contact: Contact) -> None: ...
    async def start_attempt(self, attempt: Attempt) -> bool:
        """Record attempt ``number`` of the contact; True for exactly one caller."""
        ...

    async def move_attempt(self, attempt_id: str, was: AttemptState, to: AttemptState) -> bool:
        """Compare and set; True for exactly one caller."""
        ...

    async def save_attempt(self, attempt: Attempt) -> None: ...
    async def attempt(self, attempt_id: str) -> Attempt | None: ...
    async def attempts(self, campaign_id: str) -> list[Attempt]: ...
    async def unfinished_attempts(self) -> list[Attempt]: ...
    async def do_not_contact(self, address: str) -> bool: ...
    async def set_do_not_contact(self, address: str, reason: str, at: datetime) -> None: ...
    async def clear_do_not_contact(self, address: str) -> bool:
        """Take the address off the list; True when it was on it."""
        ...

    async def do_not_contact_list(self) -> list[tuple[str, str, datetime]]: ...


class PartyTable(Protocol):
    """Who takes part in a talk (``router.acts.parties``)."""

    async def of(self, interaction_id: str) -> list[Party]:
        """Those who take part now, in the order in which they joined."""
        ...

    async def put(self, party: Party, was: Party | None) -> None:
        """Insert (``was`` None), or write over ``was``.

        Raises ``router.errors.Conflict`` when the stored one is not as ``was`` any more.
        """
        ...

    async def drop(self, interaction_id: str) -> None:
        """Nobody of this interaction takes part in a talk any more."""
        ...


class LeaseTable(Protocol):
    """Who acts for everybody: one holder at a time, each with a higher epoch."""

    async def seize(self, name: str, holder: str, at: datetime) -> int:
        """Become the holder; the epoch. What the former holder has begun commits first."""
        ...

    async def holds(self, name: str, epoch: int) -> bool:
        """Whether ``epoch`` is the latest. If so nobody seizes it before this commits."""
        ...

    async def holder(self, name: str) -> str | None:
        """Who has it; None when nobody ever had."""
        ...


class ConfigurationTable(Protocol):
    """Every version of the company's configuration, and the rows of its staff."""

    async def newest(self) -> CompanyVersion | None:
        """The one in force; None before the first."""
        ...

    async def version(self, number: int) -> CompanyVersion | None: ...
    async def history(self, limit: int = 100) -> list[CompanyVersion]:
        """Newest first."""
        ...

    async def add(self, version: CompanyVersion) -> None:
        """Raises ``router.errors.Conflict`` when the number is taken."""
        ...

    async def put_settings(self, agent: Agent) -> None:
        """Insert the agent, or set what the configuration says of one who is there.

        Presence, times and the figures of the day stay as they are.
        """
        ...

    async def drop_sessions(self, account_id: str) -> None:
        """Sign the person out everywhere."""
        ...


class LogTable(Protocol):
    """Events, the outbox, nodes and small documents."""

    async def append(self, facts: Sequence[Fact]) -> None:
        """Add to the event log and the outbox."""
        ...

    async def facts(
        self,
        *,
        interaction_id: str | None = None,
        since: datetime | None = None,
        types: Iterable[type[Fact]] | None = None,
        limit: int | None = None,
    ) -> list[Fact]:
        """From the event log, oldest first."""
        ...

    async def reword(self, interaction_id: str, message_id: str, text: str) -> None:
        """Give a line another text in the fact that announced it."""
        ...

    async def numbers(
        self,
        types: Iterable[type[Fact]],
        *,
        after: int = 0,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> list[int]:
        """The places of facts in the log, ascending: after a place, ``since`` <= at < ``until``.

        A place may become visible after a higher one, when its transaction took longer.
        """
        ...

    async def numbered(self, numbers: Collection[int]) -> list[Fact]:
        """The facts at these places, in order; types that are not known any more are left out."""
        ...

    async def unsent(self, older_than: datetime, limit: int = 500) -> list[Fact]:
        """Outbox rows not yet confirmed by the bus, oldest first."""
        ...

    async def sent(self, fact_ids: Sequence[str]) -> None: ...
    async def seen_before(self, group: str, fact_id: str, at: datetime) -> bool:
        """Record that ``group`` handles this fact; True if it already had."""
        ...

    async def node_alive(self, node: str, at: datetime) -> None: ...
    async def live_nodes(self, since: datetime) -> set[str]: ...
    async def forget_nodes(self, but: str) -> None:
        """Drop every node except ``but``: for a process that knows it is alone."""
        ...

    async def document(self, name: str) -> Any | None:
        """A small JSON document kept by name (company configuration, seeds done)."""
        ...

    async def put_document(self, name: str, body: Any) -> None: ...
