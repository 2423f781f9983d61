"""A written text → pieces with what is said for each, in one of three languages. Pure.

1. Rules are tried in order, the most particular first; what one has taken no other takes.
2. Nothing written is lost: the ``written`` parts of the pieces, joined, are the text.
3. No digit is left to the voice, and what is said is never said differently when it is
   read a second time.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from bots.spoken.aligned import Piece, Pieces, spoken_of
from bots.spoken.chinese import Chinese
from bots.spoken.common import Common
from bots.spoken.english import English
from bots.spoken.latvian import Latvian
from bots.spoken.tongue import Rule

READERS = {tongue.code: Common(tongue) for tongue in (English(), Chinese(), Latvian())}
CACHED = 1024
TRIES = 4
"""Readings until nothing changes; one is nearly always enough."""

_NARROW = {ord(wide): narrow for wide, narrow in zip("％＋－：／．＠−～", "%+-:/.@-~", strict=True)}
_NARROW |= dict.fromkeys(map(ord, "\u00a0\u2009\u202f\u2007"), " ")
_HAN = re.compile(r"[\u3000-\u9fff\uff00-\uffef]")


def spoken(text: str, language: str) -> str:
    """What a voice should be given for this text; as it is in a language we do not know."""
    return spoken_of(aligned(text, language))


@lru_cache(CACHED)
def aligned(text: str, language: str) -> Pieces:
    """The same beside what is written."""
    reader = READERS.get(language)
    if reader is None:
        return (Piece(text, text),) if text else ()
    pieces = _read(text, reader.rules)
    said = spoken_of(pieces)
    for _ in range(TRIES):
        again = spoken_of(_read(said, reader.rules))
        if again == said:
            return pieces
        # Words that met when a mark between them went made something new: rare, so whole.
        pieces, said = (Piece(text, again),), again
    return pieces


def _read(text: str, rules: tuple[Rule, ...]) -> Pieces:
    taken: list[tuple[int, int, str]] = []
    free = bytearray(len(text))
    narrowed = "".join(map(_narrow, text))
    for pattern, say in rules:
        for start, end, said in _found(narrowed, pattern, say, free):
            taken.append((start, end, said))
            free[start:end] = b"\x01" * (end - start)
    return tuple(_assembled(text, sorted(taken)))


def _found(
    text: str, pattern: re.Pattern[str], say: object, taken: bytearray
) -> list[tuple[int, int, str]]:
    assert callable(say)
    found: list[tuple[int, int, str]] = []
    for match in pattern.finditer(text):
        start, end = match.span()
        if start < end and not any(taken[start:end]):
            said = say(match)
            if said is not None:
                found.append((start, end, said))
    return found


def _assembled(text: str, taken: list[tuple[int, int, str]]) -> list[Piece]:
    pieces: list[Piece] = []
    place, last = 0, ""
    for start, end, said in [*taken, (len(text), len(text), "")]:
        if start > place:
            plain = text[place:start]
            pad = " " if _collide(last, plain) else ""
            if pad:
                pieces[-1] = Piece(pieces[-1].written, pieces[-1].spoken + pad)
            pieces.append(Piece(plain, plain))
            last = plain
        if end > start:
            pad = " " if _collide(last, said) else ""
            pieces.append(Piece(text[start:end], pad + said))
            last = pad + said or last
        place = end
    return pieces


def _collide(before: str, after: str) -> bool:
    """Whether two words would run into one; Chinese has no spaces."""
    if not (before and after and before[-1].isalnum() and after[0].isalnum()):
        return False
    return not (_HAN.match(before[-1]) or _HAN.match(after[0]))


def _narrow(char: str) -> str:
    """One character in the form the rules know: full-width and foreign digits, spaces."""
    if char.isascii():
        return char
    if char.isdecimal():
        return str(unicodedata.decimal(char))
    if "Ａ" <= char <= "ｚ":
        return chr(ord(char) - 0xFEE0)
    return char.translate(_NARROW)
