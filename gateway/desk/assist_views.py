"""Suggestions as the JSON that the agent's page gets."""

from __future__ import annotations

from dataclasses import asdict

from bots.assist.model import Draft, Suggestions
from gateway.desk.views import View, citation_view


def suggestions_view(found: Suggestions) -> View:
    """All of one moment."""
    return {
        "seq": found.seq,
        "language": found.language,
        "thinking": found.thinking,
        "gist": asdict(found.gist),
        "drafts": [draft_view(draft) for draft in found.drafts],
        "articles": [citation_view(article) for article in found.articles],
        "next": asdict(found.next) if found.next else None,
        "filing": [asdict(guess) for guess in found.filing],
    }


def draft_view(draft: Draft) -> View:
    """A draft with its sources."""
    return {
        "id": draft.id,
        "kind": str(draft.kind),
        "title": draft.title,
        "text": draft.text,
        "sources": [citation_view(source) for source in draft.sources],
        "score": draft.score,
    }
