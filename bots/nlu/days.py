"""Days of a month as people say them, to digits: "the twenty-first of March", 三月三号."""

from __future__ import annotations

import re

from bots.nlu.numbers import EN_DIGITS, EN_LOOSE, EN_TEENS, integer

LAST = 31
FIRST_NINE = (
    "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth",
)  # fmt: skip
TENS = {20: ("twenty", "twentieth"), 30: ("thirty", "thirtieth")}
TEENS_TH = {"twelve": "twelfth"}
LV_STEMS = ("pirm", "otr", "tres", "ceturt", "piekt", "sest", "septit", "astot", "devit")
LV_TEENS = ("vien", "div", "tris", "cetr", "piec", "ses", "septin", "aston", "devin")
LV_TENS = {20: "divdesmit", 30: "trisdesmit"}
LV_ENDING = "(?:ajam|ais|aja|a|o)"


def _english() -> dict[str, int]:
    """Cardinals and ordinals of 1 to 31, folded."""
    ones = {int(d): w for w, d in EN_DIGITS.items() if w not in EN_LOOSE and d != "0"}
    ones[9] = "nine"
    found = {word: day for day, word in ones.items()}
    found |= {word: day for day, word in enumerate(FIRST_NINE, 1)}
    for word, day in EN_TEENS.items():
        found |= {word: day, TEENS_TH.get(word, f"{word}th"): day}
    for ten, (cardinal, ordinal) in TENS.items():
        found |= {cardinal: ten, ordinal: ten}
        for day in range(1, 10):
            found |= {f"{cardinal} {ones[day]}": ten + day}
            found |= {f"{cardinal} {FIRST_NINE[day - 1]}": ten + day}
    return {word: day for word, day in found.items() if day <= LAST}


def _latvian() -> dict[str, int]:
    """Stems of the ordinals, folded; an ending follows."""
    found = {stem: day for day, stem in enumerate(LV_STEMS, 1)}
    found |= {"desmit": 10} | {f"{stem}padsmit": 10 + n for n, stem in enumerate(LV_TEENS, 1)}
    for ten, word in LV_TENS.items():
        found |= {word: ten}
        found |= {f"{word} {stem}": ten + day for day, stem in enumerate(LV_STEMS, 1)}
    return {stem: day for stem, day in found.items() if day <= LAST}


_EN, _LV = _english(), _latvian()


def _any_of(words: dict[str, int]) -> str:
    """The longest first."""
    return "|".join(sorted(words, key=len, reverse=True)).replace(" ", "[ -]")


_SPOKEN = re.compile(rf"\b(?:(?P<en>{_any_of(_EN)})|(?P<lv>{_any_of(_LV)}){LV_ENDING})\b")
_CHINESE = re.compile(r"[一二三四五六七八九十]{1,3}(?=[月日号])")


def days_in_digits(plain: str) -> str:
    """The folded text with the numbers of days, and of Chinese months, as digits."""
    spoken = _SPOKEN.sub(_digits, plain)
    return _CHINESE.sub(lambda found: str(integer(found.group())), spoken)


def _digits(found: re.Match[str]) -> str:
    english, latvian = found.group("en"), found.group("lv")
    if english:
        return str(_EN[english.replace("-", " ")])
    return str(_LV[latvian.replace("-", " ")])
