"""Shapes a bot turn for the eye: chat bubbles, one composed e-mail, one short text. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bots.conversation import Conversation, Reply
from bots.segments import PLAIN, SEGMENTS, SOURCES, absolute, fit
from router.model import Citation


def mail(
    conversation: Conversation,
    memory: Mapping[str, Any],
    replies: Sequence[Reply],
    base_url: str,
    *,
    last: bool,
) -> str:
    """One letter: opening, what the bot says, sources, and how to reach a person.

    ``last`` leaves the closing out: a person takes over, or nothing more is asked.
    """
    flow, language = conversation.flow, memory["language"]
    parts = [reply.text for reply in replies]
    sources = _sources(replies)
    if sources:
        lines = [f"- {source.title}: {absolute(source, base_url)}" for source in sources]
        parts.append("\n".join([f"{SOURCES.get(language, SOURCES['en'])}:", *lines]))
    if flow.letter:
        parts.insert(0, conversation.phrase(memory, flow.letter.opening))
        if not last:
            parts.append(conversation.phrase(memory, flow.letter.closing))
    return "\n\n".join(part for part in parts if part)


def sms(replies: Sequence[Reply], base_url: str, segments: int = SEGMENTS) -> str:
    """At most so many segments; what is too long is cut at a sentence, the link stays."""
    text = " ".join(reply.text for reply in replies).translate(PLAIN)
    sources = _sources(replies)
    link = f" {absolute(sources[0], base_url)}" if sources else ""
    return fit(text, link, segments)


def _sources(replies: Sequence[Reply]) -> list[Citation]:
    found: dict[str, Citation] = {}
    for reply in replies:
        for citation in reply.citations:
            found.setdefault(citation.article_id, citation)
    return list(found.values())
