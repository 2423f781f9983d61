"""What a flow's memory keeps, as plain JSON data and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bots.flow.outcome import Say
from router.model import Citation


def value_at(body: Any, path: str) -> Any:
    """The value at a dotted path of a JSON body; empty when it is not there."""
    found = body
    for key in path.split("."):
        found = found.get(key) if isinstance(found, Mapping) else None
    return "" if found is None else found


def pack_citation(citation: Citation) -> dict[str, Any]:
    """A citation as JSON data."""
    return {
        "article_id": citation.article_id,
        "title": citation.title,
        "url": citation.url,
        "quote": citation.quote,
        "score": citation.score,
    }


def unpack_say(packed: Mapping[str, Any]) -> Say:
    """Something that was said, to say it again."""
    citations = tuple(Citation(**citation) for citation in packed["citations"])
    return Say(packed["text"], packed["spoken"], citations)
