"""What a bot gives to a person together with the customer: typed, versioned, plain data.

1. ``Handoff`` is what the bot knows when it gives the customer away. It is kept with the
   interaction; what the store knows anyway (transcript, customer, wait) is joined to it
   where it is read (``router.packet``).
2. A document of an earlier version is read as one of this version: ``UPCASTS`` leads from
   each to the next.
3. What a newer writer has added is kept in ``more`` and written back as it came, so that
   two versions may run beside each other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields
from enum import StrEnum
from typing import Any

HANDOFF_VERSION = 2
"""Version of the hand-over document below."""


class Cause(StrEnum):
    """Why a person is needed; a flow's own reasons are a ``RULE`` of it."""

    ASKED = "asked"
    NOT_UNDERSTOOD = "not-understood"
    SILENT = "silent"
    NO_ANSWER = "no-answer"
    ACTION_FAILED = "action-failed"
    UPSET = "upset"
    RULE = "rule"
    FAULT = "fault"
    PASSED_ON = "passed-on"
    WAITING = "waiting"
    NO_BOT = "no-bot"


CAUSES: Mapping[str, Cause] = {
    "asked": Cause.ASKED,
    "asked-for-person": Cause.ASKED,
    "not-understood": Cause.NOT_UNDERSTOOD,
    "no-input": Cause.SILENT,
    "no-answer": Cause.NO_ANSWER,
    "action-failed": Cause.ACTION_FAILED,
    "not-found": Cause.ACTION_FAILED,
    "upset": Cause.UPSET,
    "angry": Cause.UPSET,
    "speech-failed": Cause.FAULT,
    "voice-failed": Cause.FAULT,
    "flow-error": Cause.FAULT,
    "bot-failed": Cause.FAULT,
    "the bot failed": Cause.FAULT,
    "transfer": Cause.PASSED_ON,
    "consultation": Cause.PASSED_ON,
    "callback": Cause.WAITING,
    "overflow": Cause.WAITING,
    "voicemail": Cause.WAITING,
    "no bot on this channel": Cause.NO_BOT,
}
"""What the reasons mean that are not a flow's own."""


@dataclass(frozen=True, slots=True)
class Citation:
    """Where an answer comes from: an article and the words that support it."""

    article_id: str
    title: str
    url: str
    quote: str = ""
    score: float = 0.0


@dataclass(frozen=True, slots=True)
class SlotValue:
    """A value that was collected. ``confidence`` is 0..1; ``confirmed`` by the customer.

    ``type`` is the slot's in its flow. ``by`` is who gave it: empty for the customer, else
    the agent who corrected it.
    """

    name: str
    value: str
    confidence: float = 1.0
    confirmed: bool = False
    type: str = ""
    by: str = ""


@dataclass(frozen=True, slots=True)
class Utterance:
    """What the customer did in one turn: words, keys, or neither (silence).

    ``confidence`` is the recogniser's 0..1, 1 for typed text and keys.
    """

    text: str = ""
    digits: str = ""
    confidence: float = 1.0

    @property
    def silent(self) -> bool:
        """Whether nothing came."""
        return not (self.text or self.digits)


@dataclass(frozen=True, slots=True)
class Authentication:
    """How the customer proved who they are: ``level`` 0 is not at all.

    ``method`` is the way ("knowledge", "sms-code"), ``at`` when, ISO 8601 in UTC.
    """

    method: str = ""
    level: int = 0
    at: str = ""


@dataclass(frozen=True, slots=True)
class Mood:
    """How the customer feels: ``value`` -1 (bad) .. 1 (good), ``anger`` 0..1.

    ``trend`` is the change per turn over the last ones; below zero it gets worse.
    """

    value: float = 0.0
    anger: float = 0.0
    trend: float = 0.0
    worsening: bool = False


@dataclass(frozen=True, slots=True)
class Handoff:
    """The packet that a bot gives to a person (product.md, 16).

    ``summary`` is for the person who takes over, ``summaries`` the same by language.
    ``trigger`` is the turn that caused it. ``channel`` is where the bot spoke. ``step`` is
    where the flow stood, ``open_question`` what it had asked and nobody had answered,
    ``next_step`` where it would have gone on and ``open_slots`` what it would still have
    asked for, in order.
    """

    reason: str
    summary: str
    intent: str | None = None
    slots: tuple[SlotValue, ...] = ()
    articles: tuple[Citation, ...] = ()
    tried: tuple[str, ...] = ()
    last_utterance: str = ""
    language: str = "en"
    version: int = HANDOFF_VERSION
    intent_label: str = ""
    summaries: Mapping[str, str] = field(default_factory=dict)
    trigger: Utterance | None = None
    authentication: Authentication = Authentication()
    mood: Mood | None = None
    channel: str = ""
    flow: str = ""
    flow_version: str = ""
    step: str = ""
    open_question: str = ""
    next_step: str = ""
    open_slots: tuple[str, ...] = ()
    more: Mapping[str, Any] = field(default_factory=dict)
    """What a newer version has said and this one does not know."""

    @property
    def cause(self) -> Cause:
        """The reason as one of a few kinds."""
        return CAUSES.get(self.reason, Cause.RULE)

    def summary_in(self, language: str) -> str:
        """The summary in a language, where there is one, else as it is."""
        return self.summaries.get(language) or self.summary

    def slot(self, name: str) -> SlotValue | None:
        """The value of that name."""
        return next((slot for slot in self.slots if slot.name == name), None)


# -- as JSON data -------------------------------------------------------------------


def pack_handoff(packet: Handoff | None) -> dict[str, Any] | None:
    """The document as plain JSON data."""
    if packet is None:
        return None
    row: dict[str, Any] = {name: getattr(packet, name) for name in _FIELDS}
    for name in ("slots", "articles"):
        row[name] = [asdict(each) for each in row[name]]
    for name in ("tried", "open_slots"):
        row[name] = list(row[name])
    for name in ("trigger", "mood"):
        row[name] = asdict(row[name]) if row[name] else None
    row["authentication"] = asdict(packet.authentication)
    row["summaries"] = dict(packet.summaries)
    return {**packet.more, **row}


def unpack_handoff(raw: Mapping[str, Any] | None) -> Handoff | None:
    """The document of plain JSON data, of this version or any other (rules 2 and 3)."""
    if raw is None:
        return None
    row = upcast(raw)
    values = {name: row[name] for name in _FIELDS if name in row}
    values["slots"] = tuple(_known(SlotValue, slot) for slot in row.get("slots", ()))
    values["articles"] = tuple(_known(Citation, article) for article in row.get("articles", ()))
    values["trigger"] = _known(Utterance, row["trigger"]) if row.get("trigger") else None
    values["mood"] = _known(Mood, row["mood"]) if row.get("mood") else None
    values["authentication"] = _known(Authentication, row.get("authentication") or {})
    for name in ("tried", "open_slots"):
        values[name] = tuple(row.get(name, ()))
    values["more"] = {name: value for name, value in row.items() if name not in _FIELDS}
    return Handoff(**values)


def upcast(raw: Mapping[str, Any]) -> Mapping[str, Any]:
    """The document as this version writes it; a newer one is left as it is."""
    row = dict(raw)
    while (step := UPCASTS.get(int(row.get("version", 1)))) is not None:
        row = step(row)
    return row


def _from_1(row: dict[str, Any]) -> dict[str, Any]:
    """Version 1 knew the last words only, and nothing of flow, step, mood, authentication."""
    words = row.get("last_utterance", "")
    return {
        "intent_label": "",
        "summaries": {},
        "trigger": asdict(Utterance(words)) if words else None,
        "authentication": asdict(Authentication()),
        "mood": None,
        "channel": "",
        "flow": "",
        "flow_version": "",
        "step": "",
        "open_question": "",
        "next_step": "",
        "open_slots": [],
        **row,
        "version": 2,
    }


UPCASTS: Mapping[int, Callable[[dict[str, Any]], dict[str, Any]]] = {1: _from_1}
"""From each earlier version to the next."""

_FIELDS = frozenset(each.name for each in fields(Handoff)) - {"more"}


def _known(kind: Any, raw: Mapping[str, Any]) -> Any:
    """A part of the document, without what only a newer version knows."""
    names = {each.name for each in fields(kind)}
    return kind(**{name: value for name, value in raw.items() if name in names})
