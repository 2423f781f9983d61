"""What fits into a text message, and where an answer's source is read. Pure."""

from __future__ import annotations

import re

from router.model import Citation

SEGMENTS = 2
"""How long an answer by SMS may be: what is left out, its link tells."""
SEGMENT_UNITS, SEGMENT_WIDE = 153, 67
"""What one of several segments holds: GSM 7-bit units or UCS-2 characters
(3GPP TS 23.040 §9.2.3.24.1)."""
ONE_UNITS, ONE_WIDE = 160, 70
"""What a text of one segment holds."""
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


def units(text: str) -> int | None:
    """Length in GSM 7-bit units; None when a character needs UCS-2."""
    total = 0
    for char in text:
        if char not in GSM and char not in GSM_TWICE:
            return None
        total += 2 if char in GSM_TWICE else 1
    return total


def size(text: str) -> int:
    """Length in GSM 7-bit units, or in UCS-2 characters where one of them needs it."""
    counted = units(text)
    # UTF-16 code units: a character outside the first plane takes two.
    return len(text.encode("utf-16-le")) // 2 if counted is None else counted


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


def segments_of(text: str) -> int:
    """How many segments this text is sent in; 0 for none."""
    wide = units(text) is None
    length = size(text)
    if length <= (ONE_WIDE if wide else ONE_UNITS):
        return min(length, 1)
    return -(-length // (SEGMENT_WIDE if wide else SEGMENT_UNITS))
