"""What the event loop and the SIP stack's thread tell each other about a call.

``ref`` is our own name of the call; bodies are session descriptions or empty.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Attempt:
    """A call to place: ``target`` is numeric; credentials are for digest authentication."""

    ref: str
    target: tuple[str, int]
    user: str
    caller: str
    body: str
    username: str | None = None
    password: str | None = None


@dataclass(frozen=True, slots=True)
class Invited:
    """Somebody calls us."""

    ref: str
    sip_call_id: str
    caller: str
    caller_host: str
    called: str
    display_name: str
    body: str


@dataclass(frozen=True, slots=True)
class Rang:
    """The called side says that it rings (or sends early media, which nobody hears)."""

    ref: str
    status: int


@dataclass(frozen=True, slots=True)
class Connected:
    """The call stands: our 200 was acknowledged, or the called side answered."""

    ref: str
    body: str


@dataclass(frozen=True, slots=True)
class Failed:
    """The call we placed was not taken."""

    ref: str
    status: int
    reason: str


@dataclass(frozen=True, slots=True)
class Reoffered:
    """The far end wants other terms: hold, resume, a new address."""

    ref: str
    body: str


@dataclass(frozen=True, slots=True)
class Informed:
    """An INFO within the call, with its content type."""

    ref: str
    content_type: str
    body: str


@dataclass(frozen=True, slots=True)
class Ended:
    """The far end cancelled or hung up, or the call timed out; a Q.850 cause."""

    ref: str
    cause: int


Signal = Invited | Rang | Connected | Failed | Reoffered | Informed | Ended
