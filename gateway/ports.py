"""What the desk needs from the knowledge base; ``gateway.compose`` joins them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from bots.assist.model import Answered
from router.model import Citation


class ArticleSearch(Protocol):
    """The knowledge base as an agent searches it."""

    async def search(self, words: str, language: str, limit: int) -> Sequence[Citation]:
        """The best articles first; ``quote`` is the passage to insert."""
        ...

    async def answer(self, question: str, language: str = "en") -> Answered:
        """What the articles say to a question; not ``known`` below the threshold."""
        ...
