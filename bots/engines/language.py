"""A company's own trigrams with everyday English below them, for the offline recogniser. English.

A company has a few thousand lines, so most pairs of words that callers use are in none of them.
What the lines do not know is therefore taken from how often words follow each other in everyday
English (``everyday_en.npz``, made by ``evals.everyday`` from the general model that pocketsphinx
carries), not from how frequent each word is alone.

1. Each order is interpolated with the one below (Witten and Bell 1991): the more different words
   followed a history, the more is left for words that did not.
2. Below the pairs lie everyday pairs and single words, half and half.
3. Everyday pairs that change little are left out, so a model stays small enough to be read anew
   for each question.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

PAIRS = Path(__file__).parent / "everyday_en.npz"
START, END = "<s>", "</s>"
STEPS_PER_DECADE = 25
"""Chances in the file are whole numbers: minus their decimal logarithm in these steps."""
EVERYDAY_WORDS = 200.0
"""Words of everyday English that are added to those of the lines."""
SPREAD = 3.0
"""How much each word that followed a history leaves for others; likeliest on examples held out."""
EVERYDAY_SHARE = 0.5
LEAST_GAIN = 1e-7
"""What a pair adds to the likelihood of a word of text, at least."""
RARE = 1e-7
"""Chance of a word that everyday English does not know."""
LEFT = 1e-5

Array = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Everyday:
    """``chances`` of ``words`` alone; ``pairs`` of numbers of words, the second given the first.

    ``other`` is by how much the chance of a word is changed behind a first word when there is no
    pair for both. The last two of ``words`` are :data:`START` and :data:`END`.
    """

    words: tuple[str, ...]
    chances: Array
    first: Numbers
    second: Numbers
    given: Array
    other: Array

    @classmethod
    def load(cls, path: Path = PAIRS) -> Everyday:
        """From the file of ``evals.everyday``."""
        with np.load(path) as kept:
            words = tuple(bytes(kept["words"]).decode().split("\n"))
            chances = _chances(kept["chances"])
            first = np.repeat(np.arange(len(words)), kept["lengths"])
            second = kept["second"].astype(np.int64)
            given = _chances(kept["given"])
        paired = np.bincount(first, given, len(words))
        alone = np.bincount(first, chances[second], len(words))
        other = np.maximum(1 - paired, LEFT) / np.maximum(1 - alone, LEFT)
        return cls(words, chances, first, second, given, other)

    def frequent(self, count: int) -> list[str]:
        """So many words, the most frequent first."""
        ranked = [self.words[number] for number in np.argsort(-self.chances, kind="stable")]
        return [word for word in ranked if word not in (START, END)][:count]


@cache
def everyday() -> Everyday:
    """The shipped one, read once."""
    return Everyday.load()


def _chances(steps: npt.NDArray[np.generic]) -> Array:
    chances: Array = 10.0 ** (-steps.astype(np.float64) / STEPS_PER_DECADE)
    return chances


class _Below:
    """Everyday English inside the words of one model."""

    def __init__(self, words: Sequence[str], below: Everyday) -> None:
        self.size = len(words)
        place = {word: number for number, word in enumerate(words)}
        here = np.array([place.get(word, -1) for word in below.words])
        known = np.flatnonzero(here >= 0)
        raw = np.full(self.size, RARE)
        raw[here[known]] = below.chances[known]
        raw[place[START]] = 0.0
        total = raw.sum()
        self.alone: Array = raw / total
        first, second = here[below.first], here[below.second]
        inside = (first >= 0) & (second >= 0)
        first, second, given = first[inside], second[inside], below.given[inside]
        other = np.ones(self.size)
        other[here[known]] = below.other[known]
        paired = np.bincount(first, given, self.size)
        alone = np.bincount(first, raw[second], self.size)
        # Behind each word, everything that can follow inside the model has the chance one.
        scale = paired + other * (total - alone)
        self.other: Array = other * total / scale
        order = np.argsort(first * self.size + second)
        self.pairs: Numbers = (first * self.size + second)[order]
        self.given: Array = (given / scale[first])[order]

    def behind(self, pairs: Numbers) -> Array:
        """The everyday chance of each pair's second word behind its first."""
        first, second = np.divmod(pairs, self.size)
        chance: Array = self.other[first] * self.alone[second]
        found = _places(self.pairs, pairs)
        chance[found >= 0] = self.given[found[found >= 0]]
        return chance


def _places(sorted_keys: Numbers, wanted: Numbers) -> Numbers:
    """Where each wanted key is, -1 for nowhere."""
    if not sorted_keys.size:
        return np.full(wanted.size, -1)
    places = np.minimum(np.searchsorted(sorted_keys, wanted), sorted_keys.size - 1)
    found: Numbers = np.where(sorted_keys[places] == wanted, places, -1)
    return found


def arpa_above(lines: Iterable[Sequence[str]], below: Everyday, extra: Iterable[str] = ()) -> str:
    """A trigram model in ARPA format from lines of words; ``extra`` words may be said as well."""
    said = [list(line) for line in lines]
    own = {word for line in said for word in line}
    words = [*sorted(own.union(extra) - {START, END}), END, START]
    size = len(words)
    place = {word: number for number, word in enumerate(words)}
    text = np.array(
        [place[word] for line in said for word in (START, *line, END)] or [0], dtype=np.int64
    )
    english = _Below(words, below)

    counts = np.bincount(text, minlength=size).astype(np.float64)
    counts[-1] = 0.0
    alone = (counts + EVERYDAY_WORDS * english.alone) / (counts.sum() + EVERYDAY_WORDS)

    pair_text = text[:-1] * size + text[1:]
    within = text[:-1] != place[END]
    pairs, chances = _pairs(pair_text[within], alone, english)
    first, second = np.divmod(pairs, size)
    left = _left(first, chances, alone[second], size)

    triple_text = (pair_text[:-1] * size + text[2:])[within[:-1] & within[1:]]
    triples, behind, three, lower = _triples(triple_text, pairs, chances, size)
    pair_left = _left(behind, three, lower, len(pairs))

    def named(numbers: Numbers) -> list[str]:
        return [words[number] for number in (numbers % size).tolist()]

    return _file(
        _rows(alone, [words], left),
        _rows(chances, [named(first), named(second)], pair_left),
        _rows(three, [named(triples // size // size), named(triples // size), named(triples)]),
    )


def _file(*orders: Sequence[str]) -> str:
    counts = [f"ngram {order}={len(rows)}" for order, rows in enumerate(orders, 1)]
    parts = [[f"\\{order}-grams:", *rows] for order, rows in enumerate(orders, 1)]
    whole = (["\\data\\", *counts], *parts, ["\\end\\", ""])
    return "\n\n".join("\n".join(part) for part in whole)


def _triples(
    text: Numbers, pairs: Numbers, chances: Array, size: int
) -> tuple[Numbers, Numbers, Array, Array]:
    """Triples of the lines, the pair each begins with, its chance and that one order below."""
    triples, times = np.unique(text, return_counts=True)
    history, third = np.divmod(triples, size)
    behind = _places(pairs, history)
    lower = chances[_places(pairs, history % size * size + third)]
    three = _interpolated(behind, times.astype(np.float64), lower, len(pairs))
    return triples, behind, three, lower


def _pairs(text: Numbers, alone: Array, english: _Below) -> tuple[Numbers, Array]:
    """The pairs worth keeping, and the chance of the second word of each behind the first."""
    own, times = np.unique(text, return_counts=True)
    pairs = np.union1d(own, english.pairs)
    seen = np.zeros(pairs.size)
    seen[_places(pairs, own)] = times
    first, second = np.divmod(pairs, english.size)
    base = EVERYDAY_SHARE * english.behind(pairs) + (1 - EVERYDAY_SHARE) * alone[second]
    chances = _interpolated(first, seen, base, english.size)
    gain = alone[first] * chances * np.log(np.maximum(chances / alone[second], 1.0))
    kept = (seen > 0) | (gain >= LEAST_GAIN)
    return pairs[kept], chances[kept]


def _interpolated(history: Numbers, times: Array, lower: Array, size: int) -> Array:
    """The chances of what followed each history ``times`` times, given those one order below."""
    total = np.bincount(history, times, size)
    spread = SPREAD * np.bincount(history, times > 0, size)
    spread[total == 0] = 1.0
    chances: Array = (times + spread[history] * lower) / (total + spread)[history]
    return chances


def _left(history: Numbers, chances: Array, lower: Array, size: int) -> Array:
    """Back-off weights: what is left behind each history, per chance one order below."""
    own = np.bincount(history, chances, size)
    below = np.bincount(history, lower, size)
    left: Array = np.maximum(1 - own, LEFT) / np.maximum(1 - below, LEFT)
    return left


def _rows(chances: Array, names: Sequence[Sequence[str]], left: Array | None = None) -> list[str]:
    """Lines of one order: logarithm, words, logarithm of the back-off weight."""
    logs = np.log10(np.maximum(chances, 1e-99)).tolist()
    ngrams = [" ".join(name) for name in zip(*names, strict=True)]
    if left is None:
        return [f"{log:.4f} {ngram}" for log, ngram in zip(logs, ngrams, strict=True)]
    weights = np.log10(left).tolist()
    return [
        f"{log:.4f} {ngram} {weight:.4f}"
        for log, ngram, weight in zip(logs, ngrams, weights, strict=True)
    ]
