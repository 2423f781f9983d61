"""A text as the digits and letters somebody wrote or spelled, with their places. Pure.

"four one double one", "4111", "四一一一" and "četri viens" are chains of the same digits. A chain
is broken by any other word, and by anything between two tokens that nobody puts into a number.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

# The understanding of numbers (bots.nlu) gives values; here the place of each digit counts.
# fmt: off
_DIGITS = {
    "zero": "0", "oh": "0", "o": "0", "nought": "0", "nil": "0", "null": "0",
    "one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7",
    "eight": "8", "nine": "9", "niner": "9",
    "nulle": "0", "viens": "1", "viena": "1", "divi": "2", "divas": "2", "tris": "3",
    "cetri": "4", "cetras": "4", "pieci": "5", "piecas": "5", "sesi": "6", "sesas": "6",
    "septini": "7", "septinas": "7", "astoni": "8", "astonas": "8", "devini": "9",
    "devinas": "9",
}
_LOOSE = {"to": "2", "too": "2", "for": "4", "won": "1", "ate": "8", "tree": "3", "sex": "6"}
"""What a recogniser writes for a digit; it counts only between others."""
_TEENS = {
    "ten": "10", "eleven": "11", "twelve": "12", "thirteen": "13", "fourteen": "14",
    "fifteen": "15", "sixteen": "16", "seventeen": "17", "eighteen": "18", "nineteen": "19",
    "desmit": "10", "vienpadsmit": "11", "divpadsmit": "12", "trispadsmit": "13",
    "cetrpadsmit": "14", "piecpadsmit": "15", "sespadsmit": "16", "septinpadsmit": "17",
    "astonpadsmit": "18", "devinpadsmit": "19",
}
_TENS = {
    "twenty": "2", "thirty": "3", "forty": "4", "fourty": "4", "fifty": "5", "sixty": "6",
    "seventy": "7", "eighty": "8", "ninety": "9",
    "divdesmit": "2", "trisdesmit": "3", "cetrdesmit": "4", "piecdesmit": "5",
    "sesdesmit": "6", "septindesmit": "7", "astondesmit": "8", "devindesmit": "9",
}
_TIMES = {"double": 2, "triple": 3, "treble": 3, "divreiz": 2, "trisreiz": 3}
_FILLERS = frozenset({
    "and", "then", "dash", "hyphen", "minus", "space", "uh", "um", "er", "erm", "so", "next",
    "un", "tad", "svitra", "defise",
})
"""Words between two parts of a number that are no part of it."""
# fmt: on
_CHINESE = dict(zip("零〇一二三四五六七八九两幺么", "00123456789211", strict=True))
_INVISIBLE = "\u00ad\u200b\u200c\u200d\u2060\ufeff"
_HAN = "".join(_CHINESE)
# Digits before words: a run of them is one token also when letters stand next to it.
# Latin letters and others are words apart, for Chinese has no spaces.
_LATIN = "a-zA-Z\u00c0-\u024f"
_TOKEN = re.compile(rf"\d(?:[{_INVISIBLE}]*\d)*|[{_HAN}]|[{_LATIN}]+|[^\W\d_{_LATIN}{_HAN}]+")
_WRITTEN = re.compile(rf"\d|[{_HAN}]")
_WORD = re.compile(r"[^\W\d_]+")
_SAID = frozenset({*_DIGITS, *_TEENS, *_TENS}) - {"o"}
_GAP = re.compile(rf"[\s\-‐‑‒–—−.,/·•_:;*|{_INVISIBLE}]{{0,5}}")


@dataclass(frozen=True, slots=True)
class Token:
    """Characters ``start``..``end`` of a text, and the ``digits`` or else the ``word`` there."""

    start: int
    end: int
    digits: str = ""
    word: str = ""
    said: bool = False
    """Whether the digits stand there as words."""
    loose: bool = False
    """Whether it counts as digits only between others."""


def has_digits(text: str) -> bool:
    """Whether there is any digit, written or said: a quick look at what is mostly none."""
    return bool(_WRITTEN.search(text)) or not _SAID.isdisjoint(_WORD.findall(fold(text)))


def fold(text: str) -> str:
    """Small letters without their marks; as long as the text for every Latin letter."""
    if text.isascii():
        return text.lower()
    plain = unicodedata.normalize("NFKD", text).lower()
    return "".join(char for char in plain if not unicodedata.combining(char))


def tokens(text: str) -> list[Token]:
    """Everything in it that is a number or a word, in order."""
    found = [_token(match) for match in _TOKEN.finditer(text)]
    return list(_joined(found))


def _token(match: re.Match[str]) -> Token:
    raw = match[0]
    start, end = match.span()
    if raw[0].isdecimal():
        figures = (unicodedata.decimal(char, None) for char in raw)
        return Token(start, end, "".join(str(each) for each in figures if each is not None))
    if raw in _CHINESE:
        return Token(start, end, _CHINESE[raw], said=True)
    word = fold(raw)
    if word in _LOOSE:
        return Token(start, end, _LOOSE[word], word, said=True, loose=True)
    digits = _DIGITS.get(word) or _TEENS.get(word) or ""
    return Token(start, end, digits, word, said=bool(digits))


def _joined(found: list[Token]) -> Iterator[Token]:
    """Two words that are one number: "double four", "forty one"."""
    place = 0
    while place < len(found):
        here = found[place]
        after = found[place + 1] if place + 1 < len(found) else None
        one = after is not None and len(after.digits) == 1
        place += 1
        if here.word in _TIMES and one and after is not None:
            yield Token(here.start, after.end, after.digits * _TIMES[here.word], said=True)
            place += 1
        elif here.word in _TENS and one and after is not None and after.digits != "0":
            yield Token(here.start, after.end, _TENS[here.word] + after.digits, said=True)
            place += 1
        elif here.word in _TENS:
            yield Token(here.start, here.end, _TENS[here.word] + "0", here.word, said=True)
        else:
            yield here


def chains(text: str, found: list[Token]) -> Iterator[list[Token]]:
    """Numbers that follow each other with nothing between them but what belongs to a number."""
    chain: list[Token] = []
    reached = 0
    for token in found:
        if chain and not _GAP.fullmatch(text, reached, token.start):
            yield chain
            chain = []
        if token.digits:
            chain.append(token)
            reached = token.end
        elif chain and token.word in _FILLERS:
            reached = token.end
        elif chain:
            yield chain
            chain = []
    if chain:
        yield chain
