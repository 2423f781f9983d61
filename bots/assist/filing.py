"""How a conversation may be filed, from earlier ones and from what was said. Pure.

1. Earlier wrap-ups of the same queue are compared by their words (TF-IDF, cosine); the
   nearest vote, each by its likeness.
2. Turns of phrase speak for outcomes by their usual names: a promise for a follow-up, a
   content customer for "resolved", an angry one for a complaint.
3. Without evidence nothing is suggested: an agent who is guessed wrong files wrong.
"""

from __future__ import annotations

import math
from collections import OrderedDict, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from heapq import nlargest
from operator import itemgetter

from bots.assist.model import Guess
from bots.assist.thread import Thread

KEPT = 500
"""Earlier conversations kept per queue; the oldest go first."""
NEAREST = 7
ALIKE = 0.12
"""A conversation less like this one than that says nothing about it."""
LEAST_SHARE = 0.4
GUESSES = 2
CUE_WEIGHT = 0.35
"""What a turn of phrase counts, where a nearest conversation counts its likeness (0..1)."""
BY_CUE: Mapping[str, tuple[str, ...]] = {
    "promised": ("follow-up", "follow-up-needed", "pending", "callback"),
    "settled": ("resolved", "solved", "information"),
    "angry": ("complaint", "escalated"),
    "silent": ("no-one-there", "no-contact", "wrong-number"),
}
"""Usual names of outcomes by what speaks for them; a company without them goes by likeness."""


@dataclass(frozen=True, slots=True)
class Filed:
    """An earlier conversation: its words, how it was filed and with which note."""

    words: Mapping[str, int]
    code: str
    note: str = ""


class Precedents:
    """The earlier conversations of one queue; looking costs what shares words with the question."""

    def __init__(self) -> None:
        self._filed: OrderedDict[str, Filed] = OrderedDict()
        self._having: dict[str, set[str]] = defaultdict(set)
        """The conversations that have a word."""

    def __len__(self) -> int:
        return len(self._filed)

    def add(self, interaction_id: str, filed: Filed) -> None:
        """Remember one; the same again is put in its place."""
        self._drop(interaction_id)
        self._filed[interaction_id] = filed
        for word in filed.words:
            self._having[word].add(interaction_id)
        while len(self._filed) > KEPT:
            self._drop(next(iter(self._filed)))

    def _drop(self, interaction_id: str) -> None:
        filed = self._filed.pop(interaction_id, None)
        for word in filed.words if filed else ():
            having = self._having[word]
            having.discard(interaction_id)
            if not having:
                del self._having[word]

    def nearest(self, words: Mapping[str, int]) -> list[tuple[float, Filed]]:
        """The most similar ones with their likeness 0..1, the nearest first."""
        shared: dict[str, float] = defaultdict(float)
        weights = {word: self._weight(word) * (1 + math.log(n)) for word, n in words.items()}
        for word, weight in weights.items():
            for one in self._having.get(word, ()):
                other = self._filed[one].words[word]
                shared[one] += weight * self._weight(word) * (1 + math.log(other))
        mine = math.sqrt(sum(weight**2 for weight in weights.values())) or 1.0
        likest = [
            (value / (mine * self._length(self._filed[one].words)), self._filed[one])
            for one, value in nlargest(4 * NEAREST, shared.items(), key=itemgetter(1))
        ]
        likest.sort(key=lambda found: -found[0])
        return [found for found in likest[:NEAREST] if found[0] >= ALIKE]

    def _weight(self, word: str) -> float:
        """What a word tells: one that everybody says tells nothing."""
        return math.log((1 + len(self._filed)) / (0.5 + len(self._having.get(word, ()))))

    def _length(self, words: Mapping[str, int]) -> float:
        squares = ((self._weight(word) * (1 + math.log(n))) ** 2 for word, n in words.items())
        return math.sqrt(sum(squares)) or 1.0


def filing(thread: Thread, precedents: Precedents, codes: Sequence[str]) -> tuple[Guess, ...]:
    """Up to two of these outcomes, the likeliest first, each with its reason."""
    votes: dict[str, float] = defaultdict(float)
    near = [found for found in precedents.nearest(thread.words) if found[1].code in codes]
    for likeness, filed in near:
        votes[filed.code] += likeness
    cues = _cues(thread, codes)
    for code in cues:
        votes[code] += CUE_WEIGHT
    total = sum(votes.values())
    best = sorted(votes, key=lambda code: -votes[code])[:GUESSES]
    return tuple(
        _guess(code, votes[code] / total, near, cues.get(code, ""))
        for code in best
        if votes[code] / total >= LEAST_SHARE
    )


def _guess(code: str, share: float, near: Sequence[tuple[float, Filed]], cue: str) -> Guess:
    alike = [filed for _, filed in near if filed.code == code]
    notes = (filed.note for filed in alike if filed.note)
    return Guess(code, round(share, 2), len(alike), len(near), next(notes, ""), cue)


def _cues(thread: Thread, codes: Collection[str]) -> dict[str, str]:
    """Outcome → what speaks for it; at most one outcome for each cue."""
    heard = {
        "angry": thread.angry,
        "promised": thread.promised,
        "settled": thread.settled and not thread.promised,
        "silent": not thread.words,
    }
    found: dict[str, str] = {}
    for cue, names in BY_CUE.items():
        code = next((name for name in names if name in codes), "") if heard[cue] else ""
        if code:
            found.setdefault(code, cue)
    return found
