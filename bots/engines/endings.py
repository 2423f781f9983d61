"""Whether a sentence can end here: by how the company's own sentences end. Pure.

For recognisers whose text comes without a language model of ours: of all places where the
last two words (or, seldom seen together, the last) stand in the corpus, the share of those
at a sentence's end.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

TRUST = 2.0
"""So many places of a pair of words count as much as what its second word does alone."""
_PUNCTUATION = " \t\n.,;:!?…。，！？、；：\"“”'"
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_HAN = re.compile(r"[\u3400-\u9fff]")


class Endings:
    """Counted once, of sentences as lists of lower-case words."""

    def __init__(self, sentences: Iterable[Sequence[str]] = ()) -> None:
        self._seen: Counter[tuple[str, ...]] = Counter()
        self._last: Counter[tuple[str, ...]] = Counter()
        for words in sentences:
            for place in range(len(words)):
                for context in _contexts(words[: place + 1]):
                    self._seen[context] += 1
                    self._last[context] += place == len(words) - 1

    def likely(self, words: Sequence[str]) -> float:
        """0 to 1; 0 for a last word that is not known, and for none."""
        if not words or not self._seen[(words[-1],)]:
            return 0.0
        one, *two = _contexts(words)
        likely = self._last[one] / self._seen[one]
        for pair in two:
            likely = (self._last[pair] + TRUST * likely) / (self._seen[pair] + TRUST)
        return round(likely, 3)


def _contexts(words: Sequence[str]) -> list[tuple[str, ...]]:
    """The last word, and the last two with a mark for a sentence's beginning."""
    before = words[-2] if len(words) > 1 else ""
    return [(words[-1],), (before, words[-1])]


def words_of(text: str) -> list[str]:
    """Lower case, without punctuation; each character where there are no spaces between words."""
    return _WORD.findall(_HAN.sub(r" \g<0> ", text.lower()))


def plain(text: str) -> str:
    """As a flow's phrases are written: lower case, no punctuation around."""
    return text.lower().strip(_PUNCTUATION)
