"""Character n-grams: what a sentence looks like, whatever language it is in.

They see through misspellings ("recieved", "emi optn") and endings ("rēķinu", "rēķina"), and need
no model; what they cannot see is that two words mean the same.

1. Case and accents are dropped; n-grams do not reach over the edge of a word.
2. A gram weighs 1 + log(count) × rarity among the examples; rows have unit length.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import chain
from typing import Any

import numpy as np
import numpy.typing as npt

LENGTHS = (2, 3, 4)
"""Of the n-grams, in letters. Words are padded by a space on either side."""
HAN_LENGTHS = (1, 2)
"""A Chinese word has one or two characters mostly, and nothing marks where it ends."""
MOST_WORDS = 4096
"""Words whose n-grams are remembered: a language's frequent ones come again and again."""
MOST_GRAMS = 20_000
"""So many of the most frequent are kept; ten thousand sentences have twice as many."""
_WORD = re.compile(r"[\u3400-\u9fff]+|[^\W\u3400-\u9fff]+")

Floats = npt.NDArray[np.float32]


def plain(text: str) -> str:
    """Lower case, without accents; compatibility forms ("ﬁ", "１") as their usual ones."""
    folded = text.casefold()
    if folded.isascii():
        return folded
    folded = unicodedata.normalize("NFKD", folded)
    return "".join(letter for letter in folded if not unicodedata.combining(letter))


def grams(text: str) -> Iterator[str]:
    """The n-grams of every word, with repetitions."""
    return chain.from_iterable(map(_of_word, _WORD.findall(plain(text))))


@lru_cache(MOST_WORDS)
def _of_word(word: str) -> tuple[str, ...]:
    han = word[0] >= "\u3400" and word[0] <= "\u9fff"
    letters = word if han else f" {word} "
    return tuple(
        letters[start : start + length]
        for length in (HAN_LENGTHS if han else LENGTHS)
        for start in range(len(letters) - length + 1)
    )


@dataclass(frozen=True)
class Spelling:
    """The n-grams of some phrases. ``rarity`` has one value for each of ``known``."""

    known: tuple[str, ...]
    rarity: Floats

    @classmethod
    def of(cls, phrases: Sequence[str]) -> Spelling:
        """Count the n-grams of ``phrases``; deterministic."""
        seen: Counter[str] = Counter()
        for phrase in phrases:
            seen.update(set(grams(phrase)))
        kept = sorted(sorted(seen), key=seen.__getitem__, reverse=True)[:MOST_GRAMS]
        counts = np.array([seen[gram] for gram in kept], dtype=np.float32)
        return cls(tuple(kept), np.log((1 + len(phrases)) / (1 + counts)).astype(np.float32) + 1)

    @cached_property
    def _places(self) -> dict[str, int]:
        return {gram: place for place, gram in enumerate(self.known)}

    def rows(self, texts: Sequence[str]) -> Any:
        """A sparse matrix (``scipy.sparse.csr_matrix``): one row per text, of unit length.

        A row is empty when nothing of its text is known.
        """
        # Imported where it is first used: nobody who only reads fixed phrases needs it.
        from scipy.sparse import csr_matrix

        places, values, ends = [], [], [0]
        for text in texts:
            counted = Counter(grams(text))
            found = {self._places[gram]: n for gram, n in counted.items() if gram in self._places}
            columns = np.fromiter(found, dtype=np.int32, count=len(found))
            row = self.rarity[columns] * (1 + np.log(np.fromiter(found.values(), np.float32)))
            places.append(columns)
            values.append(row / (np.linalg.norm(row) or 1.0))
            ends.append(ends[-1] + len(found))
        return csr_matrix(
            (
                np.concatenate([np.zeros(0, np.float32), *values]).astype(np.float32),
                np.concatenate([np.zeros(0, np.int32), *places]),
                np.array(ends, dtype=np.int32),
            ),
            shape=(len(texts), len(self.known)),
        )
