"""Shapes a bot turn for the eye: chat bubbles, one composed e-mail, one short text. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from bots.conversation import Conversation, Reply
from router.model import Citation

SEGMENTS = 2
"""How long an answer by SMS may be: what is left out, its link tells."""
SEGMENT_UNITS, SEGMENT_WIDE = 153, 67
"""What one of several segments holds: GSM 7-bit units or UCS-2 characters
(3GPP TS 23.040 §9.2.3.24.1)."""
SMS_UNITS, SMS_WIDE = SEGMENTS * SEGMENT_UNITS, SEGMENTS * SEGMENT_WIDE
GSM = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡"
    "ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
"""The GSM 7-bit default alphabet (3GPP TS 23.038 §6.2.1)."""
GSM_TWICE = frozenset("^{}\\[~]|€")
"""The extension table: each of these takes two units."""
PLAIN = str.maketrans({"“": '"', "”": '"', "‘": "'", "’": "'", "–": "-", "—": "-", "…": "..."})
"""Typographic marks that would double the price of a text."""
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
    if _size(link) > limit // 2:
        link = ""
    room = limit - _size(link)
    if _size(plain) <= room:
        return plain + link
    return _cut(plain, room) + link


def units(text: str) -> int | None:
    """Length in GSM 7-bit units; None when a character needs UCS-2."""
    total = 0
    for char in text:
        if char not in GSM and char not in GSM_TWICE:
            return None
        total += 2 if char in GSM_TWICE else 1
    return total


def _size(text: str) -> int:
    counted = units(text)
    # UTF-16 code units: a character outside the first plane takes two.
    return len(text.encode("utf-16-le")) // 2 if counted is None else counted


def _cut(text: str, room: int) -> str:
    """As many whole sentences as fit, else words and three dots."""
    kept = ""
    for sentence in re.split(r"(?<=[.!?])\s+|(?<=[。！？])", text):
        longer = f"{kept} {sentence}".strip()
        if _size(longer) > room:
            break
        kept = longer
    if kept:
        return kept
    words = text
    while words and _size(words) > room - 3:
        words = words.rsplit(" ", 1)[0] if " " in words else words[:-1]
    return f"{words}..."


def _sources(replies: Sequence[Reply]) -> list[Citation]:
    found: dict[str, Citation] = {}
    for reply in replies:
        for citation in reply.citations:
            found.setdefault(citation.article_id, citation)
    return list(found.values())
