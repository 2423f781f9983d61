"""Facts: what has happened, in the past tense, as they cross the bus.

Each carries its own ``id`` (consumers are idempotent by it), ``at`` (UTC) and
the interaction it is about, empty when it is about none. ``ALL`` lists every
class; the codec and the docs are made from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from router.acts.parties import TransferOutcome
from router.fact import Fact as Fact
from router.suggestions import SuggestionNoted as SuggestionNoted


@dataclass(frozen=True, slots=True, kw_only=True)
class InteractionArrived(Fact):
    """A customer turned up, or we reached one.

    ``reopens`` is the ended interaction whose matter goes on.
    """

    channel: str
    direction: str
    customer_id: str
    conversation_id: str
    address: str
    home: str = ""
    reopens: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BotStarted(Fact):
    """A bot became the handler, on this version of this flow."""

    channel: str
    flow: str
    flow_version: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageAdded(Fact):
    """A line joined the transcript. ``state`` is the interaction's at that moment."""

    message_id: str
    seq: int
    channel: str
    author: str
    text: str
    state: str
    author_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TypingNoticed(Fact):
    """Somebody is writing. Published straight to the bus, never stored: it is gone in seconds."""

    author: str
    author_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageSent(Fact):
    """A channel handed our message to its peer (SMTP server, SMS provider)."""

    message_id: str
    channel: str
    peer_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageDelivered(Fact):
    """The peer says that our message reached the customer's device (SMS receipt)."""

    message_id: str
    channel: str
    peer_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageFailed(Fact):
    """A channel could not send our message; ``reason`` is the peer's answer."""

    message_id: str
    channel: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoffRequested(Fact):
    """The bot asks for a person."""

    reason: str
    queue: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InteractionQueued(Fact):
    """It waits in a queue from ``at``; ``from_agent_id`` when transferred.

    ``waived`` are skills asked for that nobody of the queue has; they fell away.
    Here and below ``parent_id`` is set when it is internal: an agent asks another about it.
    """

    queue: str
    channel: str
    from_agent_id: str = ""
    parent_id: str = ""
    waived: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferMade(Fact):
    """It rings at an agent. ``why`` says in words why this one."""

    offer_id: str
    agent_id: str
    queue: str
    channel: str
    expires_at: datetime
    why: str = ""
    parent_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferRejected(Fact):
    """The agent said no; the interaction keeps its place."""

    offer_id: str
    agent_id: str
    queue: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferExpired(Fact):
    """Nobody answered in time; the interaction keeps its place."""

    offer_id: str
    agent_id: str
    queue: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferWithdrawn(Fact):
    """The offer went away by itself, for instance because the customer left."""

    offer_id: str
    agent_id: str
    queue: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferAccepted(Fact):
    """The agent is the handler now. ``waited_s`` counts from joining the queue."""

    offer_id: str
    agent_id: str
    queue: str
    channel: str
    waited_s: float
    parent_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldStarted(Fact):
    """The agent put the customer on hold."""

    agent_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldEnded(Fact):
    """The agent took the customer off hold."""

    agent_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InteractionTransferred(Fact):
    """An agent gave it away: ``way`` is queue, agent, bot or outside, ``target`` which one.

    With ``way`` supervisor it was taken over from the agent.

    ``to_agent_id`` is set when another agent has it from this moment on (after a
    consultation, or taken over by a supervisor). ``outcome`` is set where it is known
    already; for the rest ``transfers.result_of`` reads it from the facts that follow.
    """

    from_agent_id: str
    way: str
    target: str
    queue: str = ""
    to_agent_id: str = ""
    outcome: TransferOutcome | None = None
    cause: int | None = None
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferFailed(Fact):
    """Who was to get it did not take it; ``outcome`` says why, ``detail`` and ``cause`` prove it.

    It is with, or rings at, ``to_agent_id`` again; when that is empty, whoever is free.
    """

    from_agent_id: str
    way: str
    target: str
    outcome: TransferOutcome
    to_agent_id: str = ""
    cause: int | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsultStarted(Fact):
    """The handler asks somebody; the customer is on hold. ``consult_id`` is internal.

    ``way`` is agent, queue or outside; for outside ``consult_id`` is the party's id.
    """

    consult_id: str
    agent_id: str
    way: str
    target: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsultAnswered(Fact):
    """The one asked is there: an agent, or somebody outside at ``address``."""

    consult_id: str
    agent_id: str
    by_agent_id: str = ""
    address: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsultEnded(Fact):
    """The question is over. ``outcome`` says whether it was answered, else why not.

    ``cause`` is a Q.850 cause number where a network gave one.
    """

    consult_id: str
    agent_id: str
    outcome: TransferOutcome
    detail: str = ""
    cause: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PartyJoined(Fact):
    """Somebody takes part now; a supervisor with a ``mode`` (again when it changes)."""

    party_id: str
    role: str
    agent_id: str = ""
    address: str = ""
    mode: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartyLeft(Fact):
    """Somebody does not take part any more; the rest goes on."""

    party_id: str
    role: str
    agent_id: str = ""
    address: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TalkArranged(Fact):
    """Who hears whom has changed: media and desks load the parties and follow.

    ``actions`` are ``router.acts.parties.Do`` in the order in which to carry them out.
    """

    arrangement: str
    was: str
    actions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class InteractionOverflowed(Fact):
    """A rule of the queue applied, once: ``when`` it did, where it leads, ``why`` in words.

    With ``way`` queue it waits there too and keeps its place. ``say`` is for the customer.
    ``item_id`` is the interaction that goes on in its stead (e-mail).
    """

    queue: str
    channel: str
    when: str
    way: str
    target: str = ""
    say: str = ""
    why: str = ""
    item_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallbackRequested(Fact):
    """The waiting customer may hang up, keeps the place and will be called."""

    queue: str
    number: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CallbackScheduled(Fact):
    """It joins ``queue`` at ``due_at``; ``attempt`` counts from 1 after failed ones."""

    queue: str
    number: str
    due_at: datetime
    attempt: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class CallbackFailed(Fact):
    """The customer did not answer our call number ``attempt``; None: we do not try again."""

    queue: str
    agent_id: str
    attempt: int
    outcome: TransferOutcome
    retry_at: datetime | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallbackCancelled(Fact):
    """The customer need not be called any more; ``by`` says who decided."""

    queue: str
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VoicemailLeft(Fact):
    """A spoken message (``path`` relative to the data folder) is work for ``queue`` now."""

    queue: str
    path: str
    duration_s: float
    item_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InteractionEnded(Fact):
    """The engagement with the customer is over. Talk time ends here.

    ``was`` is the state it ended from; ``waiting`` or ``offered`` means that
    the customer gave up in the queue. ``waited_s`` is set in those cases.
    ``wraps_up``: the agent files it now (None: from before this was said).
    """

    channel: str
    ended_by: str
    reason: str
    was: str
    queue: str = ""
    agent_id: str = ""
    waited_s: float | None = None
    parent_id: str = ""
    wraps_up: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WrapUpCompleted(Fact):
    """The agent filed it (or the limit passed: disposition ``not-filed``)."""

    agent_id: str
    queue: str
    disposition: str
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerMarked(Fact):
    """What is due to a customer was changed by ``author`` (a login): so it is now.

    Once about the customer, and once for each of their interactions that was open.
    """

    customer_id: str
    vip: bool
    dedicated_agent: str | None
    author: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigurationChanged(Fact):
    """The company's rules have a new version; every process adopts it."""

    version: int
    author: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowChanged(Fact):
    """Which versions of a bot's flow new conversations get has changed.

    ``act``: ``published``, ``tried`` (by ``percent``), ``rolled-back``, ``saved`` (for nobody).
    """

    flow: str
    version: str
    act: str
    percent: int
    author: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetterDiscarded(Fact):
    """An operator threw away a fact that a group could not handle; ``body`` is its envelope."""

    group: str
    type_name: str
    reason: str
    body: str
    note: str
    account_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PresenceChanged(Fact):
    """An agent came, went, or was found missing."""

    agent_id: str
    presence: str
    was: str
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SurveyAnswered(Fact):
    """The customer scored us. ``interaction_id`` is the surveyed one, on ``contact_channel``."""

    channel: str
    agent_id: str
    queue: str
    score: int
    scale: int
    contact_channel: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionUnanswered(Fact):
    """The knowledge base had nothing good enough to say."""

    question: str
    language: str
    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnTimed(Fact):
    """Milliseconds per stage of one answer on a call; what was not there, or not measured, is None.

    ``endpoint_ms`` is the silence that ended the caller's turn, ``understanding_ms`` intent and
    flow, ``action_ms`` the knowledge base and HTTP actions, ``speech_ms`` synthesis to the first
    audio on the wire, ``total_ms`` all of it. An answer by ``keys`` has no silence and no
    recognition: it counts from its last key.
    """

    endpoint_ms: float | None
    recognition_ms: float | None
    understanding_ms: float | None
    action_ms: float | None = None
    speech_ms: float | None
    total_ms: float | None
    input: str = "speech"


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechFellBack(Fact):
    """What was said was heard by another engine, or asked for by keys (``DTMF``).

    ``instead_of`` names the engines that could not, each with its reason.
    """

    heard_by: str
    instead_of: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VoiceFellBack(Fact):
    """What the bot said was spoken by another voice, or a prepared sentence or a tone stood in.

    ``instead_of`` names the voices that could not, each with its reason.
    """

    spoken_by: str
    instead_of: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingSaved(Fact):
    """A call's stereo WAV is on disk, relative to the data folder."""

    path: str
    duration_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CallConnected(Fact):
    """A lost caller was called back and is on the line; ``home`` owns the media now."""

    home: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptStarted(Fact):
    """An outbound attempt left the list."""

    campaign_id: str
    contact_id: str
    attempt_id: str
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptFinished(Fact):
    """An outbound attempt has its one disposition and the reason for it."""

    campaign_id: str
    contact_id: str
    attempt_id: str
    disposition: str
    reason: str
    answers: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class RouterTicked(Fact):
    """A router process is alive. Wakes the active one; never kept in the log."""

    node: str


ALL: tuple[type[Fact], ...] = (
    InteractionArrived,
    BotStarted,
    MessageAdded,
    TypingNoticed,
    MessageSent,
    MessageDelivered,
    MessageFailed,
    HandoffRequested,
    InteractionQueued,
    OfferMade,
    OfferRejected,
    OfferExpired,
    OfferWithdrawn,
    OfferAccepted,
    HoldStarted,
    HoldEnded,
    InteractionTransferred,
    TransferFailed,
    ConsultStarted,
    ConsultAnswered,
    ConsultEnded,
    PartyJoined,
    PartyLeft,
    TalkArranged,
    InteractionOverflowed,
    CallbackRequested,
    CallbackScheduled,
    CallbackFailed,
    CallbackCancelled,
    VoicemailLeft,
    InteractionEnded,
    WrapUpCompleted,
    CustomerMarked,
    ConfigurationChanged,
    FlowChanged,
    DeadLetterDiscarded,
    PresenceChanged,
    SurveyAnswered,
    QuestionUnanswered,
    TurnTimed,
    SpeechFellBack,
    VoiceFellBack,
    RecordingSaved,
    SuggestionNoted,
    CallConnected,
    AttemptStarted,
    AttemptFinished,
    RouterTicked,
)
