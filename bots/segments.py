"""How long a text message is: GSM 7-bit units, UCS-2 characters, segments. Pure."""

from __future__ import annotations

ANSWER_SEGMENTS = 2
"""How long an answer by SMS may be."""
SEGMENT_UNITS, SEGMENT_WIDE = 153, 67
"""What one of several segments holds: GSM 7-bit units or UCS-2 characters
(3GPP TS 23.040 §9.2.3.24.1)."""
ONE_UNITS, ONE_WIDE = 160, 70
"""What a text of one segment holds."""
GSM = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡"
    "ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
"""The GSM 7-bit default alphabet (3GPP TS 23.038 §6.2.1)."""
GSM_TWICE = frozenset("^{}\\[~]|€")
"""The extension table: each of these takes two units."""
PLAIN = str.maketrans({"“": '"', "”": '"', "‘": "'", "’": "'", "–": "-", "—": "-", "…": "..."})
"""Typographic marks that would double the price of a text."""


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


def segments(text: str) -> int:
    """How many segments this text is sent in; 0 for none."""
    wide = units(text) is None
    length = size(text)
    if length <= (ONE_WIDE if wide else ONE_UNITS):
        return min(length, 1)
    return -(-length // (SEGMENT_WIDE if wide else SEGMENT_UNITS))
