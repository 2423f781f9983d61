"""Shapes a bot turn for the eye: chat bubbles, one composed e-mail, one short text. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from bots.conversation import Conversation, Reply
from bots.segments import ANSWER_SEGMENTS, PLAIN, SEGMENT_UNITS, SEGMENT_WIDE, size, units
from router.model import Citation

SEGMENTS = ANSWER_SEGMENTS
"""How long an answer by SMS may be: what is left out, its link tells."""
SMS_UNITS, SMS_WIDE = SEGMENTS * SEGMENT_UNITS, SEGMENTS * SEGMENT_WIDE
SOURCES = {"en": "Read more", "zh": "详细内容", "lv": "Vairāk"}


def absolute(citation: Citation, base_url: str) -> str:
    """The article's full address."""
    local = citation.url.startswith("/")
    return base_url.rstrip("/") + citation.url if local else citation.url


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


def fit(text: str, link: str = "", segments: int = SEGMENTS) -> str:
    """``text`` then ``link`` within so many; the link is dropped if it alone is too long."""
    plain = " ".join(text.split())
    limit = segments * (SEGMENT_WIDE if units(plain + link) is None else SEGMENT_UNITS)
    if size(link) > limit // 2:
        link = ""
    room = limit - size(link)
    if size(plain) <= room:
        return plain + link
    return _cut(plain, room) + link


def _cut(text: str, room: int) -> str:
    """As many whole sentences as fit, else words and three dots."""
    kept = ""
    for sentence in re.split(r"(?<=[.!?])\s+|(?<=[。！？])", text):
        longer = f"{kept} {sentence}".strip()
        if size(longer) > room:
            break
        kept = longer
    if kept:
        return kept
    words = text
    while words and size(words) > room - 3:
        words = words.rsplit(" ", 1)[0] if " " in words else words[:-1]
    return f"{words}..."


def _sources(replies: Sequence[Reply]) -> list[Citation]:
    found: dict[str, Citation] = {}
    for reply in replies:
        for citation in reply.citations:
            found.setdefault(citation.article_id, citation)
    return list(found.values())
