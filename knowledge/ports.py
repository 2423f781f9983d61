"""What the knowledge base needs from outside: an encoder, a vector index, perhaps a writer."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Protocol

from knowledge.model import Passage


class Encoder(Protocol):
    """Sentence embeddings."""

    @property
    def name(self) -> str:
        """Which model; vectors of two names must not be mixed."""
        ...

    @property
    def dimensions(self) -> int: ...

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """Unit-length vectors, one per text, in order; runs off the event loop."""
        ...


class VectorIndex(Protocol):
    """Keeps passages with their vectors and finds the nearest ones.

    Every method may raise ``IndexUnavailable``. A passage is found as soon as
    ``put`` has returned, and no more once ``delete`` has.
    """

    async def start(self, encoder: str, dimensions: int) -> None:
        """Open or create what holds this encoder's vectors; others are not touched.

        Raises ``IndexLocked``, ``IndexMismatch``, ``IndexUnavailable``.
        """
        ...

    async def stop(self) -> None:
        """Close. Safe to call twice."""
        ...

    async def put(self, passages: Sequence[Passage], vectors: Sequence[Sequence[float]]) -> None:
        """Insert or replace by passage id. Raises ``IndexMismatch`` on a wrong length."""
        ...

    async def delete(self, passage_ids: Sequence[str]) -> None:
        """Remove; an unknown id is ignored."""
        ...

    async def digests(self) -> Mapping[str, str]:
        """Passage id → content digest of everything kept."""
        ...

    async def nearest(
        self, vector: Sequence[float], language: str, limit: int
    ) -> list[tuple[str, float]]:
        """Passage ids of that language by cosine similarity, best first."""
        ...


class Statement(Protocol):
    """One sentence of a written answer."""

    @property
    def text(self) -> str: ...

    @property
    def sources(self) -> Sequence[int]:
        """The passages it is taken from, by their place in the list that was given, from 1."""
        ...


class Signal(Protocol):
    """Something that happens once; ``asyncio.Event``."""

    async def wait(self) -> bool:
        """Return when it has."""
        ...


class EarlyListener(Protocol):
    """Who gets an answer's sentences while the rest is still being written."""

    @property
    def enough(self) -> Signal:
        """Set when nobody wants more: the writing stops, what was told is the answer."""
        ...

    def tell(self, sentence: str) -> None:
        """The next sentence; it will not be taken back."""
        ...


class Writer(Protocol):
    """Puts passages into the words of an answer. Nothing it writes is believed unchecked."""

    def write(
        self, question: str, passages: Sequence[str], language: str
    ) -> AsyncGenerator[Statement, None]:
        """Sentence by sentence; none when the passages do not answer.

        Raises ``router.errors.ParleyError`` when it cannot, in its own good time.
        """
        ...
