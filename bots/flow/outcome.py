"""What goes into the interpreter and what comes out of it: plain typed data.

In: :class:`Understood` (from the customer), or what came of I/O that it asked for. Out: an
:class:`Outcome` with actions in order. The last action is always one that waits or ends:
``Ask``, one of ``Need``, ``HandOff`` or ``End``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from router.handoff import Handoff
from router.model import Citation
from router.rules import Overflow

Memory = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Context:
    """What is known when a conversation begins. ``fields`` are starting values.

    ``packet`` is set when the interaction was given away before and comes back, ``person``
    says then who had it and what they did; ``nobody`` says why no person came.
    """

    channel: str
    language: str = "en"
    name: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)
    packet: Handoff | None = None
    person: Mapping[str, str] = field(default_factory=dict)
    nobody: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Understood:
    """One turn of the customer.

    Silence when neither ``text`` nor ``digits``. ``intent`` is None out of scope;
    ``sure`` means that it was a fixed phrase ("agent") and not the classifier.
    ``between`` names two intents that are about equally likely, the likelier first; empty when
    one is clear. ``intent`` is then the likelier one if it is likely enough alone, or None.
    ``related`` is the intent next to a global one ("a person about my *bill*").
    ``gist`` is the part of a long text that asks, empty when it is all of it.
    ``language`` is the detected one, empty when unsure. ``today`` anchors
    relative dates; as a ``datetime`` of the company's time zone also "in two hours".
    """

    text: str = ""
    digits: str = ""
    intent: str | None = None
    confidence: float = 1.0
    sure: bool = False
    related: str | None = None
    between: tuple[str, ...] = ()
    gist: str = ""
    language: str = ""
    heard_confidence: float = 1.0
    alternatives: tuple[str, ...] = ()
    today: date | None = None


@dataclass(frozen=True, slots=True)
class Answered:
    """What the knowledge base said to ``NeedAnswer``."""

    known: bool
    text: str = ""
    spoken: str = ""
    citations: tuple[Citation, ...] = ()
    score: float = 0.0


@dataclass(frozen=True, slots=True)
class Fetched:
    """What came back for ``NeedHttp``; ``status`` is 0 when nothing did."""

    status: int
    body: Any = None


PROMISED, CLOSED, REFUSED = "promised", "closed", "refused"


@dataclass(frozen=True, slots=True)
class Promised:
    """What became of ``NeedCallback``: ``promised``, ``closed`` or ``refused``.

    ``at`` is when the call is made, ``opens`` the next time it could be, ISO 8601 local.
    """

    outcome: str
    at: str = ""
    opens: str = ""


SENT, RIGHT, WRONG, USED_UP = "sent", "right", "wrong", "used-up"


@dataclass(frozen=True, slots=True)
class Proven:
    """What became of ``NeedCode``: ``sent``, ``right``, ``wrong``, or ``used-up`` for good."""

    outcome: str


@dataclass(frozen=True, slots=True)
class Recorded:
    """The score is kept."""


TOLD = "told"


@dataclass(frozen=True, slots=True)
class Transferred:
    """What became of ``PutThrough``: ``told`` (in writing, ``number``) or why nobody took it.

    The latter is a ``router.acts.parties.TransferOutcome``; who was reached does not come back.
    """

    outcome: str
    number: str = ""


@dataclass(frozen=True, slots=True)
class Say:
    """Say this. ``step`` is the one that says it."""

    text: str
    spoken: str
    citations: tuple[Citation, ...] = ()
    step: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Ask:
    """Say this and wait. ``kind`` is as in ``bots.ports.Expectation``, ``turn`` as in AskStep.

    ``off_record``: what is said meanwhile is neither recorded nor written down.
    """

    text: str
    kind: str
    phrases: tuple[str, ...] = ()
    max_digits: int = 0
    length: int = 0
    turn: str = ""
    step: str = field(default="", compare=False)
    off_record: bool = False


@dataclass(frozen=True, slots=True)
class NeedAnswer:
    """Ask the knowledge base and resume with :class:`Answered`."""

    question: str


@dataclass(frozen=True, slots=True)
class NeedHttp:
    """Call this and resume with :class:`Fetched`.

    ``headers`` may hold marks of secrets (``bots.flow.render.revealed``), which are put in
    only when the request is sent. Every action that changes something has an
    ``Idempotency-Key``: the same one when the same turn is tried again.
    """

    method: str
    url: str
    body: Mapping[str, Any] | None
    timeout_s: float
    headers: Mapping[str, str] = field(default_factory=dict)
    retries: int = 1

    @property
    def reads(self) -> bool:
        """Whether it changes nothing (RFC 9110 §9.2.1)."""
        return self.method in ("GET", "HEAD")


@dataclass(frozen=True, slots=True)
class NeedCallback:
    """Promise a call and resume with :class:`Promised`. ``at`` is as in CallbackStep."""

    number: str
    at: str
    queue: str


@dataclass(frozen=True, slots=True)
class NeedScore:
    """Record the survey's score, 1 to 5, and resume with :class:`Recorded`."""

    score: int


@dataclass(frozen=True, slots=True)
class NeedCode:
    """Send a one-time code, or check the ``code`` told, and resume with :class:`Proven`."""

    way: str
    code: str = ""


@dataclass(frozen=True, slots=True)
class PutThrough:
    """Call ``party`` of the operator's list for ``ring_s`` seconds and join the caller to them.

    Resume with :class:`Transferred` where nobody answered, and in writing with the number.
    """

    party: str
    ring_s: float


@dataclass(frozen=True, slots=True)
class HandOff:
    """Give the interaction to a person. An empty ``queue`` means the company's default.

    It may name several (``named_queues``). ``agent`` (a login) is asked first, if there.
    ``rules`` say what becomes of it when nobody takes it.
    """

    reason: str
    queue: str
    skills: Mapping[str, int] = field(default_factory=dict)
    agent: str = ""
    rules: tuple[Overflow, ...] = ()


@dataclass(frozen=True, slots=True)
class End:
    """Close the interaction."""

    reason: str


Need = NeedAnswer | NeedHttp | NeedCallback | NeedCode | NeedScore | PutThrough
Action = Say | Ask | Need | HandOff | End
Given = Understood | Answered | Fetched | Promised | Proven | Recorded | Transferred


@dataclass(frozen=True, slots=True)
class Outcome:
    """The new memory and what to do now."""

    memory: Memory
    actions: tuple[Action, ...]


def named_queues(text: str) -> tuple[str, ...]:
    """The queues in a flow's text, "orders, billing": whichever can serve first, serves."""
    return tuple(dict.fromkeys(name for part in text.split(",") if (name := part.strip())))
