"""Which of a question's examples resemble what was heard.

In noise a recogniser writes "how much is a flat hour"; an example says "how much is a kilowatt
hour". Resemblance is by pieces of words (character n-grams, weighted by rarity), so that a word
that was half heard still counts. Some milliseconds for hundreds of examples; no state.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from bots.engines.lexicon import words_of

PIECES = (2, 4)
"""Characters of a piece, at least and at most."""
ALIKE = 0.5
"""Cosine from which an example is worth a second look: with less, phrases that are in no example
are pulled towards one."""
MOST = 2


class Alike:
    """The examples of one question."""

    def __init__(self, examples: Iterable[str]) -> None:
        """Raises ``ValueError`` when there is no word in any of them."""
        from sklearn.feature_extraction.text import TfidfVectorizer

        self._examples = list(dict.fromkeys(tuple(words_of(text)) for text in examples))
        self._pieces: Any = TfidfVectorizer(
            analyzer="char_wb", ngram_range=PIECES, sublinear_tf=True
        )
        self._vectors: Any = self._pieces.fit_transform(map(" ".join, self._examples))

    def to(self, heard: Sequence[Sequence[str]]) -> list[tuple[str, ...]]:
        """The ``MOST`` examples most like any of these readings, best first, as words."""
        texts = [" ".join(words) for words in heard if words]
        if not texts:
            return []
        likeness = (self._pieces.transform(texts) @ self._vectors.T).toarray().max(axis=0)
        best = np.argsort(-likeness)[:MOST]
        return [self._examples[place] for place in best if likeness[place] >= ALIKE]
