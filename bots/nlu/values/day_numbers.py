"""The days of a month in words: English cardinals and ordinals, latviešu ordinals, 中文. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from bots.nlu.numbers import EN_TEENS
from bots.nlu.values.numerals import EN_ONES, EN_ORDINALS, LV_STEMS, han

LAST = 31
LV_ORDINALS = ("pirm", "otr", "tres", "ceturt", "piekt", "sest", "septit", "astot", "devit")
LV_ENDING = "(?:ajam|ajai|ais|aja|ai|am|o|a)"
_TENS = {"twenty": 20, "thirty": 30, "divdesmit": 20, "trisdesmit": 30}
_TEEN_STEMS = {**LV_STEMS, "tris": 3}


def _english() -> dict[str, int]:
    ones = {word: n for word, n in EN_ONES.items() if n > 0 and word != "niner"}
    firsts = {word: n for word, n in EN_ORDINALS.items() if n < 10}
    found = {**ones, **EN_TEENS, "twenty": 20, "thirty": 30}
    found |= {word: n for word, n in EN_ORDINALS.items() if n <= LAST}
    for ten in ("twenty", "thirty"):
        found |= {f"{ten} {word}": _TENS[ten] + n for word, n in {**ones, **firsts}.items()}
    return {word: day for word, day in found.items() if day <= LAST}


def _latvian() -> dict[str, int]:
    """Stems of the ordinals, folded; an ending follows."""
    found = {stem: day for day, stem in enumerate(LV_ORDINALS, 1)}
    found |= {"desmit": 10}
    found |= {f"{stem}padsmit": 10 + n for stem, n in _TEEN_STEMS.items()}
    for ten in ("divdesmit", "trisdesmit"):
        found |= {ten: _TENS[ten]}
        found |= {f"{ten} {stem}": _TENS[ten] + n for n, stem in enumerate(LV_ORDINALS, 1)}
    return {stem: day for stem, day in found.items() if day <= LAST}


def _any_of(words: Iterable[str]) -> str:
    """The longest first; spaces may be hyphens."""
    return "|".join(sorted(words, key=len, reverse=True)).replace(" ", "[ -]")


_EN, _LV = _english(), _latvian()
_ORDINAL = {word: n for word, n in _EN.items() if word.rsplit(" ", 1)[-1] in EN_ORDINALS}
EN_DAY = rf"(?:\d{{1,2}}(?:st|nd|rd|th)?(?![\d:])|(?:{_any_of(_EN)})\b)"
EN_ORDINAL_DAY = rf"(?:\d{{1,2}}(?:st|nd|rd|th)\b|(?:{_any_of(_ORDINAL)})\b)"
LV_DAY = rf"(?:\d{{1,2}}\.?|(?:{_any_of(_LV)}){LV_ENDING}\b)"
ZH_NUMBER = r"(?:\d{1,2}|[一二三四五六七八九十]{1,3})"
_LV_WORD = re.compile(rf"(?P<stem>{_any_of(_LV)}){LV_ENDING}")
_KNOWN: Mapping[str, int] = _EN


def day_number(text: str) -> int:
    """The day that a match of one of the patterns means, 1..31 or what the digits say."""
    digits = re.match(r"\d+", text)
    if digits:
        return int(digits.group())
    if text[0] > "\u2fff":
        return int(han(text))
    words = text.replace("-", " ").strip()
    if words in _KNOWN:
        return _KNOWN[words]
    latvian = _LV_WORD.fullmatch(words)
    return _LV[latvian.group("stem")] if latvian else 0
