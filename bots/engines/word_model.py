"""How likely a sentence is for this company: words given the two before them.

Counts with Witten-Bell smoothing (Witten and Bell, 1991): what was seen after the same two words,
after the last one, anywhere, and last a small chance for any word at all. Pure; made in a second,
looked up in microseconds.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence

BEGIN, END = "<s>", "</s>"
ORDER = 3
VOCABULARY = 30_000
"""Words that are never seen share their chance among so many."""


class WordModel:
    """Made from sentences as lists of lower-case words; one that is there twice counts twice."""

    def __init__(self, sentences: Iterable[Sequence[str]] = ()) -> None:
        self._seen: Counter[tuple[str, ...]] = Counter()
        """Places of a context together with the word behind it, by length 1 to ``ORDER``."""
        self._places: Counter[tuple[str, ...]] = Counter()
        self._kinds: Counter[tuple[str, ...]] = Counter()
        """Different words behind a context."""
        for words in sentences:
            self._count(words)

    def _count(self, words: Sequence[str]) -> None:
        padded = (*[BEGIN] * (ORDER - 1), *words, END)
        for end in range(ORDER, len(padded) + 1):
            for start in range(end - ORDER, end):
                run = padded[start:end]
                self._kinds[run[:-1]] += not self._seen[run]
                self._seen[run] += 1
                self._places[run[:-1]] += 1

    def log_prob(self, words: Sequence[str]) -> float:
        """Natural logarithm of the probability of the whole sentence, its end included."""
        padded = (*[BEGIN] * (ORDER - 1), *words, END)
        runs = (padded[end - ORDER : end] for end in range(ORDER, len(padded) + 1))
        return sum(math.log(self.chance(run)) for run in runs)

    def chance(self, run: tuple[str, ...]) -> float:
        """Of the last of these words given those before it, as many as ``ORDER`` looks at."""
        chance = 1.0 / VOCABULARY
        for start in range(len(run) - 1, -1, -1):
            shorter = run[start:]
            kinds = self._kinds[shorter[:-1]]
            if kinds:
                places = self._places[shorter[:-1]]
                chance = (self._seen[shorter] + kinds * chance) / (places + kinds)
        return chance
