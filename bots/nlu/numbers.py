"""Digits as people say them, one by one or in groups: English, 中文 and latviešu. Pure.

For codes: "four eight two", "double nine", "forty-eight". Counts and amounts are read by
:mod:`bots.nlu.values.numerals`.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

EN_DIGITS = {
    "zero": "0", "oh": "0", "o": "0", "nought": "0", "nil": "0",
    "one": "1", "two": "2", "three": "3", "four": "4", "five": "5",
    "six": "6", "seven": "7", "eight": "8", "nine": "9",
    "to": "2", "too": "2", "for": "4", "won": "1", "ate": "8", "niner": "9",
}  # fmt: skip
EN_LOOSE = frozenset({"to", "too", "for", "won", "ate", "o", "oh"})
"""Words that are digits only between other digits."""
EN_TEENS = {
    "ten": 10, "eleven": 11, "twelve": 12, "thirteen": 13, "fourteen": 14, "fifteen": 15,
    "sixteen": 16, "seventeen": 17, "eighteen": 18, "nineteen": 19,
}  # fmt: skip
EN_TENS = {
    "twenty": 20, "thirty": 30, "forty": 40, "fourty": 40, "fifty": 50,
    "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90,
}  # fmt: skip
EN_TIMES = {"double": 2, "triple": 3, "treble": 3}
LV_DIGITS = {
    "nulle": "0", "viens": "1", "viena": "1", "vienu": "1", "divi": "2", "divas": "2",
    "tris": "3", "cetri": "4", "cetras": "4", "pieci": "5", "piecas": "5", "sesi": "6",
    "sesas": "6", "septini": "7", "septinas": "7", "astoni": "8", "astonas": "8",
    "devini": "9", "devinas": "9",
}  # fmt: skip
LV_TEENS = {
    "desmit": 10, "vienpadsmit": 11, "divpadsmit": 12, "trispadsmit": 13, "cetrpadsmit": 14,
    "piecpadsmit": 15, "sespadsmit": 16, "septinpadsmit": 17, "astonpadsmit": 18,
    "devinpadsmit": 19,
}  # fmt: skip
LV_TENS = {
    "divdesmit": 20, "trisdesmit": 30, "cetrdesmit": 40, "piecdesmit": 50, "sesdesmit": 60,
    "septindesmit": 70, "astondesmit": 80, "devindesmit": 90,
}  # fmt: skip
ZH_DIGITS = dict(zip("零〇一二三四五六七八九两幺么", "00123456789211", strict=True))

WORD = re.compile(r"(?<!')[a-z]+|\d+")


def fold(text: str) -> str:
    """Lower case, without diacritics and full-width forms (NFKD)."""
    plain = unicodedata.normalize("NFKD", text).lower()
    return "".join(char for char in plain if not unicodedata.combining(char))


@dataclass(frozen=True, slots=True)
class Run:
    """Digits that belong together, at ``text[start:end]`` of the folded text."""

    digits: str
    start: int
    end: int


def digit_string(text: str) -> list[str]:
    """The runs of digits in the text, said or written; other words break a run.

    ``"it's four eight double two, then 13"`` gives ``["482213"]``, as
    people mean it: numbers next to each other belong together.
    """
    return [run.digits for run in digit_runs(fold(text))]


def digit_runs(plain: str) -> list[Run]:
    """The same of folded text, each with its place."""
    tokens = _tokens(plain)
    words = [token.group() for token in tokens]
    runs: list[Run] = []
    run = loose = ""
    start = end = i = 0
    while i < len(words):
        piece, used = _piece(words, i)
        if run and "+" in plain[tokens[i - 1].end() : tokens[i].start()]:
            # A telephone number begins.
            runs.append(Run(run + _ending(loose), start, end))
            run, loose = "", ""
        if piece:
            start = start if run else tokens[i].start()
            run, loose, end = run + loose + piece, "", tokens[i + used - 1].end()
        elif words[i] in EN_LOOSE and not (run and _paused(plain, tokens, i)):
            # "to" and "oh" count only when digits follow as well.
            if run:
                loose += EN_DIGITS[words[i]]
                end = tokens[i].end() if _ending(loose) else end
            elif words[i] in ("oh", "o") and i + 1 < len(words) and _piece(words, i + 1)[0]:
                run, start, end = "0", tokens[i].start(), tokens[i].end()
            used = 1
        elif words[i] in ("and", "dash", "then", "un", "hundred"):
            used = 1
        else:
            if run:
                runs.append(Run(run + _ending(loose), start, end))
            run, loose, used = "", "", 1
        i += used
    if run:
        runs.append(Run(run + _ending(loose), start, end))
    return runs


def _paused(plain: str, tokens: list[re.Match[str]], i: int) -> bool:
    """Whether "…, for two people" begins something else."""
    between = plain[tokens[i - 1].end() : tokens[i].start()]
    return tokens[i].group() not in ("oh", "o") and "," in between


def _ending(loose: str) -> str:
    """A trailing "oh" is a zero; a trailing "to" is a word."""
    return loose if loose and set(loose) == {"0"} else ""


def _tokens(plain: str) -> list[re.Match[str]]:
    # 么 is a one only beside other digits: 什么 has none.
    plain = re.sub("[什怎这那多要]么", "不不", plain)
    for char, digit in ZH_DIGITS.items():
        plain = plain.replace(char, digit)
    # 4-8-2, 482 913 and 482.913 are one number for a code; an apostrophe ends a word.
    return list(WORD.finditer(plain))


def _piece(words: list[str], i: int) -> tuple[str, int]:
    """The digits said at ``words[i]`` and how many words they took; ``""`` for none."""
    word = words[i]
    following = words[i + 1] if i + 1 < len(words) else ""
    if word.isdigit():
        return word, 1
    if word in EN_TIMES:
        digit = (
            following if len(following) == 1 and following.isdigit() else EN_DIGITS.get(following)
        )
        return (digit * EN_TIMES[word], 2) if digit else ("", 1)
    tens = EN_TENS.get(word) or LV_TENS.get(word)
    unit = EN_DIGITS.get(following) or LV_DIGITS.get(following)
    if tens:
        joins = unit is not None and unit != "0" and following not in EN_LOOSE
        return (str(tens + int(unit or 0)), 2) if joins else (str(tens), 1)
    teen = EN_TEENS.get(word) or LV_TEENS.get(word)
    if teen:
        return str(teen), 1
    if word in EN_LOOSE:
        return "", 1
    digit = EN_DIGITS.get(word) or LV_DIGITS.get(word)
    if digit and following == "hundred":
        return _hundreds(words, i, digit)
    return (digit, 1) if digit else ("", 1)


def _hundreds(words: list[str], i: int, digit: str) -> tuple[str, int]:
    """ "four hundred (and) eighty two" → 482."""
    used = 2
    rest = i + 2
    if rest < len(words) and words[rest] == "and":
        rest, used = rest + 1, used + 1
    if rest < len(words) and not words[rest].isdigit() and words[rest] not in EN_TIMES:
        piece, taken = _piece(words, rest)
        if piece and len(piece) <= 2:
            return digit + piece.zfill(2), used + taken
    return digit + "00", 2
