"""What an agent is shown beside a conversation: plain typed data.

Nothing here is ever sent by itself: a person reads it, takes it or leaves it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from router.model import Citation


class Answered(Protocol):
    """What the articles say to a question; ``knowledge.model.Answer``."""

    @property
    def known(self) -> bool:
        """False below the threshold: then nothing is suggested."""
        ...

    @property
    def text(self) -> str:
        """In a few sentences of the articles."""
        ...

    @property
    def spoken(self) -> str:
        """The same for the ear."""
        ...

    @property
    def citations(self) -> Sequence[Citation]:
        """The article answered from, then the nearest others."""
        ...

    @property
    def score(self) -> float:
        """The confidence 0..1 that the articles know."""
        ...


class Kind(StrEnum):
    """What a draft is: an answer of the articles, the flow's next question, or an offer."""

    ANSWER = "answer"
    QUESTION = "question"
    OFFER = "offer"


@dataclass(frozen=True, slots=True)
class Draft:
    """Words the agent may take over. ``score`` is the confidence 0..1 of an answer, else 1.

    ``title`` says in a few words what it is; ``sources`` are what an answer was taken from.
    """

    id: str
    kind: Kind
    title: str
    text: str
    sources: tuple[Citation, ...] = ()
    score: float = 1.0


def draft_id(kind: Kind, text: str) -> str:
    """The same words have the same id, so that what was put aside stays there."""
    return hashlib.sha256(f"{kind}\n{text}".encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Known:
    """A value of the customer's that nobody need ask for again."""

    name: str
    value: str
    confirmed: bool = False


@dataclass(frozen=True, slots=True)
class Gist:
    """The conversation so far, short enough to be read in ten seconds.

    ``wants`` completes "the customer wants …" when ``labelled``, else it quotes the customer.
    ``done`` are our own words about what we did or promised, oldest first, and ``whole`` the
    same uncut, for a note. ``asks`` is the customer's question that nobody has answered yet.
    """

    wants: str = ""
    labelled: bool = False
    known: tuple[Known, ...] = ()
    done: tuple[str, ...] = ()
    whole: tuple[str, ...] = ()
    asks: str = ""


@dataclass(frozen=True, slots=True)
class Next:
    """What the flow would ask now, and the values it still needs after that."""

    text: str
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Guess:
    """How it may be filed. ``share`` 0..1 of the evidence speaks for ``code``.

    The reason: ``alike`` of the ``compared`` most similar conversations ended so, with
    ``example`` as the note of the nearest; or ``cue``, what was said that suggests it.
    """

    code: str
    share: float
    alike: int = 0
    compared: int = 0
    example: str = ""
    cue: str = ""


@dataclass(frozen=True, slots=True)
class Suggestions:
    """Everything for one moment of one conversation, up to its line ``seq``.

    ``thinking``: the articles are still being asked, so a draft may follow.
    """

    seq: int
    language: str
    gist: Gist = Gist()
    drafts: tuple[Draft, ...] = ()
    articles: tuple[Citation, ...] = ()
    next: Next | None = None
    filing: tuple[Guess, ...] = ()
    thinking: bool = False
