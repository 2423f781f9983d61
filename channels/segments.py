"""How many parts an SMS takes (3GPP TS 23.038 and 23.040).

Pure. The GSM 7-bit alphabet gives 160 characters in one part or 153 in each
of several; anything outside it makes the whole text UCS-2 with 70 or 67.
"""

from __future__ import annotations

from dataclasses import dataclass

_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED = frozenset("\f^{}\\[~]|€")
"""Take two places each: an escape and the character."""

GSM_ONE, GSM_PART = 160, 153
UCS_ONE, UCS_PART = 70, 67


@dataclass(frozen=True, slots=True)
class Segments:
    """``units`` are septets (GSM-7) or 16-bit units (UCS-2); ``parts`` is at least 1."""

    encoding: str
    units: int
    parts: int


def count_segments(text: str) -> Segments:
    """How ``text`` would be cut up. A character never straddles two parts."""
    if all(char in _BASIC or char in _EXTENDED for char in text):
        sizes = [2 if char in _EXTENDED else 1 for char in text]
        return Segments("GSM-7", sum(sizes), _parts(sizes, GSM_ONE, GSM_PART))
    sizes = [2 if ord(char) > 0xFFFF else 1 for char in text]
    return Segments("UCS-2", sum(sizes), _parts(sizes, UCS_ONE, UCS_PART))


def _parts(sizes: list[int], one: int, part: int) -> int:
    if sum(sizes) <= one:
        return 1
    parts, used = 1, 0
    for size in sizes:
        if used + size > part:
            parts, used = parts + 1, 0
        used += size
    return parts
