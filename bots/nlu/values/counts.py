"""Whole numbers that count or rate: "three", "a hundred and five", "one oh five". Pure."""

from __future__ import annotations

import re

from bots.nlu.values.codes import SOUNDS
from bots.nlu.values.found import GUESS, LIKELY, SURE, Found
from bots.nlu.values.numerals import Numeral, numerals

TIMES: dict[str, int] = {"once": 1, "twice": 2, "none": 0, "neither": 0}
_ALONE = re.compile(
    r"^\W*(?:(?:um|uh|er|i'd|i would|say|maybe|just|please|it's|a|the|about|only)\W+)*"
    r"(?P<word>[a-z]+)(?:\W+please)?\W*$"
)
LONGEST = 12
"""Digits of a count."""
_AFTER_POINT = re.compile(r"[a-z]\s+(?:point|komats|komata)\s+$")
_FRACTION = re.compile(r"\s+(?:point|komats|komata)\s+[a-z]")
"""Whole numbers only: "seven point five" is none."""
_OH = re.compile(r"\s+(?:oh|o)\s+")


def counts(plain: str) -> list[Found]:
    """All whole numbers, in order; ordinals are none."""
    numbers = [n for n in numerals(plain) if not n.ordinal and not _is_part(plain, n)]
    found: list[Found] = []
    i = 0
    while i < len(numbers):
        joined, used = _together(plain, numbers, i)
        if joined:
            found.append(joined)
        i += used
    return found or _alone(plain)


def _together(plain: str, numbers: list[Numeral], i: int) -> tuple[Found | None, int]:
    """Numbers said one after the other are one: "two five zero", "nineteen eighty four"."""
    first = numbers[i]
    digits, end, used = str(first.whole), first.end, 1
    while first.spoken and i + used < len(numbers) and first.whole is not None:
        following = numbers[i + used]
        between = plain[end : following.start]
        oh = _OH.fullmatch(between)
        if not following.spoken or following.whole is None or not (between in (" ", "-") or oh):
            break
        if (
            len(digits) > LONGEST
            or following.whole > 99
            or (int(digits[-3:]) > 99 and len(digits) <= 3)
        ):
            break
        digits += ("0" if oh else "") + str(following.whole)
        end, used = following.end, used + 1
    if first.whole is None:
        return None, 1
    sure = (
        SURE if used == 1 else LIKELY if all(n.value < 10 for n in numbers[i : i + used]) else GUESS
    )
    return Found(str(int(digits)), first.start, end, sure), used


def _is_part(plain: str, number: Numeral) -> bool:
    """Whether it is the whole or the fraction of "seven point five"."""
    before = _AFTER_POINT.search(plain, max(0, number.start - 12), number.start)
    return before is not None or _FRACTION.match(plain, number.end) is not None


def _alone(plain: str) -> list[Found]:
    """ "Twice", and words that sound like numbers where nothing else was said."""
    for word, value in TIMES.items():
        match = re.search(rf"\b{word}\b(?! of)", plain)
        if match and (value or _ALONE.match(plain)):
            return [Found(str(value), match.start(), match.end(), LIKELY)]
    match = _ALONE.match(plain)
    word = match.group("word") if match else ""
    if match and word in SOUNDS and word not in ("oh", "o", "free"):
        return [Found(SOUNDS[word], match.start("word"), match.end("word"), GUESS)]
    return []
