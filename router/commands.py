"""Imperatives: what one process asks another to do, and what it answers.

A command is sent to a bus address (``voice.<node>`` for the owner of a call,
``voice`` for any voice process) and is mandatory: no listener is an error.
``ALL`` lists every class; the codec is made from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from router.acts.parties import TransferOutcome
from router.model import new_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What every command and every reply carries."""

    id: str = field(default_factory=new_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectAgent(Order):
    """Join the agent's browser to the call. ``sdp`` is the browser's offer.

    Answered with :class:`SdpAnswer` or :class:`Refused`.
    """

    interaction_id: str
    agent_id: str
    sdp: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectVisitor(Order):
    """Take a call from a visitor's browser ("Call us"). Answered as above."""

    sdp: str
    address: str
    name: str = ""
    language: str = "en"


@dataclass(frozen=True, slots=True, kw_only=True)
class SdpAnswer(Order):
    """The media process's answer to a browser's offer."""

    sdp: str
    interaction_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldCall(Order):
    """Play music to the customer and silence to the agent. Answered ``Done``."""

    interaction_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumeCall(Order):
    """Join customer and agent again. Answered ``Done``."""

    interaction_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PressKeys(Order):
    """Send DTMF to the customer's side. ``digits`` of ``0-9*#A-D``. Answered ``Done``."""

    interaction_id: str
    digits: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HangUpCall(Order):
    """End the call; ``cause`` is a Q.850 cause number. Answered ``Done``."""

    interaction_id: str
    cause: int = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceCall(Order):
    """Call somebody and run a flow when they answer.

    ``fields`` are the flow's starting slots. Answered ``Done`` once the attempt
    is in hand; how it went comes as ``AttemptFinished``.
    """

    attempt_id: str
    campaign_id: str
    contact_id: str
    address: str
    flow: str
    name: str = ""
    language: str = "en"
    ring_s: float = 25.0
    fields: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class CallBack(Order):
    """Dial a waiting customer whose leg was lost, then join the agent's browser."""

    interaction_id: str
    agent_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferInteraction(Order):
    """Give the call to a number or SIP address outside; the agent's leg goes when it answers.

    Answered with :class:`DialResult`; unless it was answered, nothing has changed.
    """

    interaction_id: str
    address: str
    ring_s: float = 25.0


@dataclass(frozen=True, slots=True, kw_only=True)
class DialParty(Order):
    """Call somebody outside for a consultation; the leg belongs to ``party_id``.

    Answered with :class:`DialResult`. Who hears whom follows ``TalkArranged``.
    """

    interaction_id: str
    party_id: str
    address: str
    ring_s: float = 25.0


@dataclass(frozen=True, slots=True, kw_only=True)
class DropParty(Order):
    """Hang up that party's leg, or stop dialling it. Answered ``Done``."""

    interaction_id: str
    party_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DialResult(Order):
    """What became of dialling: the outcome, and the evidence (Q.850 cause, words)."""

    outcome: TransferOutcome
    cause: int | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Done(Order):
    """It is done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused(Order):
    """It cannot be done; ``reason`` can be shown to the person who asked."""

    reason: str


ALL: tuple[type[Order], ...] = (
    ConnectAgent,
    ConnectVisitor,
    SdpAnswer,
    HoldCall,
    ResumeCall,
    PressKeys,
    HangUpCall,
    PlaceCall,
    CallBack,
    TransferInteraction,
    DialParty,
    DropParty,
    DialResult,
    Done,
    Refused,
)
