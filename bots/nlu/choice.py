"""Which of two things a customer means who was asked "is it about …, or about …?" Pure."""

from __future__ import annotations

import re

from bots.nlu.numbers import fold

FIRST, SECOND, BOTH, NEITHER = "first", "second", "both", "neither"

_FIRST = re.compile(
    r"\b(?:first|former|1st|one|number one|1|pirm(?:ais|a|o|aja|ajam)|viens)\b|第一|前者|前面"
)
_SECOND = re.compile(
    r"\b(?:second|latter|2nd|two|number two|2|last one|other one|otr(?:ais|a|o|aja|ajam)|divi|"
    r"pedej(?:ais|a|o))\b|第二|后者|后面"
)
_BOTH = re.compile(r"\b(?:both|abi|abas|abus|abiem|abam)\b|两个都|都是(?!不)|两者")
_NEITHER = re.compile(
    r"\b(?:neither|none|no|nope|not (?:that|those|them|either)|nothing|something else|"
    r"neviens|neviena|nevienu|neko|ne|nav|kaut kas cits|cits)\b|都不|不是|别的|其他|没有"
)
_WORD = re.compile(r"[^\W_]{3,}")
_STEM = 5
"""So many letters of a word are compared: languages bend the ends."""


def which(text: str, first: str, second: str) -> str:
    """``first``, ``second``, ``both`` or ``neither``; empty when that is not clear.

    ``first`` and ``second`` are the names of the things, as the question said them.
    """
    plain = fold(text)
    if _BOTH.search(plain):
        return BOTH
    named = _named(plain, first, second)
    if named:
        return named
    hits = [name for name, words in ((FIRST, _FIRST), (SECOND, _SECOND)) if words.search(plain)]
    # "The second one": the bare "one" is only a word there.
    if hits == [FIRST, SECOND] and re.search(r"\bone\b", plain):
        return SECOND
    if len(hits) == 1:
        return hits[0]
    return NEITHER if not hits and _NEITHER.search(plain) else ""


def _named(plain: str, first: str, second: str) -> str:
    """The one whose own words are in the text, and the other's are not."""
    of_first, of_second = _stems(first), _stems(second)
    said = _stems(plain)
    hits = bool(said & (of_first - of_second)), bool(said & (of_second - of_first))
    if hits == (False, False) and first and second:
        hits = fold(first) in plain, fold(second) in plain
    return {(True, False): FIRST, (False, True): SECOND}.get(hits, "")


def _stems(text: str) -> set[str]:
    plain = fold(text)
    if re.search(r"[\u4e00-\u9fff]", plain):
        return {plain[i : i + 2] for i in range(len(plain) - 1)}
    return {word[:_STEM] for word in _WORD.findall(plain)}
