"""A customer's mood: per utterance, and how it goes over a conversation. Pure.

1. ``mood`` weighs words: a word before turns it round ("not happy") or makes it stronger, the part
   after a "but" counts most. Capitals and exclamation marks make it louder, in writing.
2. Anger is not sadness: it comes from insults, complaints, threats and the third call about one
   matter. Several signs add up, none beyond 1.
3. ``follow`` keeps an exponential mean, so that one sentence is no trend, and the slope of the
   last turns. ``worsening`` needs both: a bad mood and a falling one.

Thresholds were chosen on half of ``evals/utterances/moods.yaml``; docs/flows.md has the figures.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bots.nlu.mood_words import (
    ANGRY,
    COUNTERED,
    EN,
    LV,
    NEGATIONS,
    STRONGER,
    TOLD,
    ZH,
    ZH_NEGATION,
    ZH_STRONGER,
)
from bots.nlu.values.found import Plain

SATURATION = 8.0
"""Of the sum of weights: 3 is 0.73, 6 is 0.90."""
TURNED = -0.6
"""A word that is negated: "not good" is less bad than "bad" is."""
REACH = 3
"""Words before it that may turn it or make it stronger."""
BEFORE_BUT = 0.5
LOUD, LOUD_LETTERS = 0.4, 6
"""Anger of a sentence in capitals, and the letters it needs."""
EXCLAIMED = 0.15
SHOUTED = 0.5
"""Both: nobody writes so who is content."""
NEGATIVE, POSITIVE = -0.2, 0.2
ANGERED = 0.5
"""From here on an utterance, or a conversation, is an angry one."""
MEMORY = 0.5
"""How much of the mean every turn leaves."""
RECENT = 4
FALLING = -0.1
"""Of the slope per turn."""

_BUT = re.compile(r"\b(?:but|however|though|although|bet|tomer)\b|但是?|可是|不过")
_WORD = re.compile(r"[a-z]+(?:'[a-z]+)?|[.!?;]")
_TOLD = tuple((re.compile(pattern), weight) for pattern, weight in TOLD)
_ANGRY = tuple((re.compile(pattern), much, weight) for pattern, much, weight in ANGRY)
_LV_STEM = re.compile("|".join(sorted(LV, key=len, reverse=True)))
_ZH_WORD = re.compile("|".join(sorted(ZH, key=len, reverse=True)))
_HAN = re.compile(r"[\u4e00-\u9fff]")
_LATVIAN_LETTERS = 3


@dataclass(frozen=True, slots=True)
class Mood:
    """``value`` from -1 (bad) to 1 (good), ``anger`` from 0 to 1."""

    value: float = 0.0
    anger: float = 0.0

    @property
    def name(self) -> str:
        """``angry``, ``negative``, ``neutral`` or ``positive``."""
        if self.anger >= ANGERED:
            return "angry"
        if self.value <= NEGATIVE:
            return "negative"
        return "positive" if self.value >= POSITIVE else "neutral"


@dataclass(frozen=True, slots=True)
class Trend:
    """How the mood goes: exponential means of both, and the last values, oldest first.

    ``turns`` counts those that told a mood or not; ``lowest`` is the worst single value.
    """

    value: float = 0.0
    anger: float = 0.0
    lowest: float = 0.0
    turns: int = 0
    recent: tuple[float, ...] = ()

    @property
    def slope(self) -> float:
        """Change per turn over the last turns (least squares); 0 with fewer than three."""
        n = len(self.recent)
        if n < 3:
            return 0.0
        middle, mean = (n - 1) / 2, sum(self.recent) / n
        rise = sum((i - middle) * (v - mean) for i, v in enumerate(self.recent))
        return rise / sum((i - middle) ** 2 for i in range(n))

    @property
    def worsening(self) -> bool:
        """Whether it is bad and gets worse."""
        return self.value <= NEGATIVE and self.slope <= FALLING

    @property
    def angry(self) -> bool:
        """Whether anger lasts, or one utterance was beyond doubt."""
        return self.anger >= ANGERED

    @property
    def name(self) -> str:
        """``angry``, ``worsening``, ``negative``, ``neutral`` or ``positive``."""
        if self.angry:
            return "angry"
        return "worsening" if self.worsening else Mood(self.value).name


def mood(text: str, language: str = "en") -> Mood:
    """The mood of one utterance, spoken or written; neutral when nothing tells it."""
    plain = Plain(text).text
    cleared = COUNTERED.sub(lambda match: " " * len(match.group()), plain)
    anger, weight = _anger(cleared)
    weight += sum(_weights(cleared, language))
    weight += sum(weighs for pattern, weighs in _TOLD if pattern.search(plain))
    loud = _loudness(text)
    if loud >= SHOUTED and weight <= 0:
        weight -= 1
    if weight < 0 or anger:
        anger = 1 - (1 - anger) * (1 - loud)
    value = weight * (1 + loud / 2)
    return Mood(round(value / math.sqrt(value * value + SATURATION), 3), round(anger, 3))


def follow(trend: Trend, now: Mood) -> Trend:
    """The trend after one more utterance; a neutral one lets anger cool down."""
    anger = max(now.anger * 0.9, MEMORY * trend.anger + (1 - MEMORY) * now.anger)
    value = now.value if not trend.turns else MEMORY * trend.value + (1 - MEMORY) * now.value
    return Trend(
        value=round(value, 3),
        anger=round(anger, 3),
        lowest=min(trend.lowest, now.value),
        turns=trend.turns + 1,
        recent=(*trend.recent, now.value)[-RECENT:],
    )


def pack_trend(trend: Trend) -> dict[str, Any]:
    """Plain data for a conversation's memory."""
    return {
        "value": trend.value,
        "anger": trend.anger,
        "lowest": trend.lowest,
        "turns": trend.turns,
        "recent": list(trend.recent),
    }


def unpack_trend(packed: Mapping[str, Any]) -> Trend:
    """The trend that ``pack_trend`` packed; an empty mapping is a new conversation."""
    if not packed:
        return Trend()
    return Trend(
        value=float(packed["value"]),
        anger=float(packed["anger"]),
        lowest=float(packed["lowest"]),
        turns=int(packed["turns"]),
        recent=tuple(float(value) for value in packed["recent"]),
    )


def _anger(plain: str) -> tuple[float, float]:
    """Anger from 0 to 1, and what its signs weigh."""
    calm, weight = 1.0, 0.0
    for pattern, much, weighs in _ANGRY:
        if pattern.search(plain):
            calm *= 1 - much
            weight += weighs
    return 1 - calm, weight


def _weights(plain: str, language: str) -> Iterator[float]:
    if _HAN.search(plain):
        yield from _chinese(plain)
        return
    but = _BUT.search(plain)
    turn = but.start() if but else 0
    tokens = list(_WORD.finditer(plain))
    words = [token.group() for token in tokens]
    for i, token in enumerate(tokens):
        weight = _weight(words[i], language)
        if not weight:
            continue
        yield weight * _context(words, i) * (BEFORE_BUT if token.start() < turn else 1)


def _weight(word: str, language: str) -> float:
    if language == "lv":
        stem = _LV_STEM.match(word)
        if stem and len(word) >= _LATVIAN_LETTERS:
            return LV[stem.group()]
        denied = _LV_STEM.match(word[2:]) if word.startswith("ne") else None
        if denied:
            return LV[denied.group()] * TURNED
    return EN.get(word, 0.0)


def _context(words: list[str], i: int) -> float:
    """What the words before it make of a word."""
    factor = 1.0
    for word in reversed(words[max(0, i - REACH) : i]):
        if word in ".!?;":
            break
        if word in NEGATIONS:
            factor *= TURNED
        factor *= STRONGER.get(word, 1.0)
    return factor


def _chinese(plain: str) -> Iterator[float]:
    but = _BUT.search(plain)
    turn = but.start() if but else 0
    for match in _ZH_WORD.finditer(plain):
        before = plain[max(0, match.start() - 3) : match.start()]
        factor = TURNED if ZH_NEGATION.search(before) else 1.0
        factor *= 1.4 if ZH_STRONGER.search(before) else 1.0
        yield ZH[match.group()] * factor * (BEFORE_BUT if match.start() < turn else 1)


def _loudness(text: str) -> float:
    """Capitals and exclamation marks, from 0 to 1."""
    letters = [char for char in text if char.isalpha() and char.isascii()]
    capitals = sum(char.isupper() for char in letters)
    loud = LOUD if len(letters) >= LOUD_LETTERS and capitals > 0.7 * len(letters) else 0.0
    marks = text.count("!") + text.count("！")
    return min(1.0, loud + (EXCLAIMED if marks >= 2 else 0.0) + (EXCLAIMED if "?!" in text else 0))
