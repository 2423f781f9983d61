"""Articles, passages, hits and answers: plain typed data."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date

from router.model import Citation

FALLBACK_LANGUAGE = "en"
"""Where a language has no article of its own, this one answers."""


@dataclass(frozen=True, slots=True)
class Article:
    """One help article in one language; ``body`` is Markdown without its front matter.

    ``audience`` is ``public`` or the name of a closed group; ``expires`` is the
    first day on which it is no longer shown. ``asked`` are phrasings in which
    customers ask for it: found, but never shown or quoted.
    """

    id: str
    title: str
    language: str
    body: str
    tags: tuple[str, ...] = ()
    audience: str = "public"
    expires: date | None = None
    asked: tuple[str, ...] = ()

    @property
    def url(self) -> str:
        """Where the help centre shows it."""
        return f"/help/{self.language}/{self.id}"

    def shown_on(self, day: date) -> bool:
        """Whether it has not expired."""
        return self.expires is None or day < self.expires


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of an article that is found as a whole.

    ``id`` is a UUID made of language, article and position, so that a changed
    text replaces the old one. ``sentences`` are ``text`` cut up, in order; a
    passage without any is one of the article's ``asked`` phrasings.
    """

    id: str
    article_id: str
    language: str
    title: str
    heading: str
    text: str
    position: int
    sentences: tuple[str, ...] = ()

    @property
    def indexed_text(self) -> str:
        """What is embedded and searched: the title and heading say what the text is about."""
        if not self.sentences:
            return self.text
        head = self.title if not self.heading else f"{self.title}. {self.heading}"
        return f"{head}. {self.text}" if head else self.text

    @property
    def digest(self) -> str:
        """SHA-256 of what is indexed: the same digest, the same vector."""
        return hashlib.sha256(f"{self.language}\n{self.indexed_text}".encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage of an article that was found.

    ``score`` is the passage's own similarity to the question and
    ``article_score`` the article's in this search, both about 0..1.
    """

    passage: Passage
    score: float
    article_score: float


@dataclass(frozen=True, slots=True)
class Answer:
    """What the knowledge base says. ``score`` is the confidence 0..1 that the articles know.

    ``known`` is False below the threshold; the texts are then empty, while
    ``citations`` still name the nearest articles for an agent to look at.
    """

    known: bool
    text: str = ""
    spoken: str = ""
    citations: tuple[Citation, ...] = ()
    score: float = 0.0
