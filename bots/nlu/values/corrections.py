"""Values that were taken back in the same breath: "fifteen, no, fifty". Pure.

1. Between two values a word that corrects ("no", "sorry", "I mean", 不对, "nē") takes the first
   back.
2. "Not fifteen" takes fifteen back, before or after another value.
3. What no value follows is not taken back: "fifteen, sorry" is fifteen.
"""

from __future__ import annotations

import re

from bots.nlu.values.found import Found

CORRECTS = re.compile(
    r"\b(?:no+|nope|sorry|wait|hang on|hold on|rather|actually|scratch that|i mean(?:t)?|"
    r"correction|make (?:that|it)|or rather|better|oops|let me|instead|my mistake|excuse me|"
    r"pardon|should be|change (?:that|it)|change|"
    r"now (?:it'?s|it is)|it'?s now|ne|nevis|atvainojiet|piedodiet|pareizak|"
    r"precizak|drizak|labak)\b|不[对是，,]|说错|错了|应该是|改[成为]|更正|抱歉|对不起|哦不"
)
DENIED = re.compile(
    r"(?:\b(?:not|isn't|wasn't|never|nevis|instead of|rather than)\s+"
    r"(?:on |at |the |for |in |a )*[(<]*|不是|不要)$"
)
LONGEST = 40
"""Characters between a value and the one that corrects it."""


def standing(plain: str, found: list[Found]) -> list[Found]:
    """The values that were not taken back, in the order of the text."""
    ordered = sorted(found, key=lambda one: (one.start, -one.end))
    denied = [
        one for one in ordered if DENIED.search(plain, max(0, one.start - LONGEST), one.start)
    ]
    if len(denied) == len(ordered):
        return []
    gone = {id(one) for one in denied}
    ordered = [one for one in ordered if id(one) not in gone]
    kept: list[Found] = []
    for one in ordered:
        while kept and _corrected(plain, kept[-1], one):
            kept.pop()
        kept.append(one)
    return kept


def _corrected(plain: str, before: Found, after: Found) -> bool:
    between = plain[before.end : after.start]
    return len(between) <= LONGEST and CORRECTS.search(between) is not None
