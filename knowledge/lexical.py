"""BM25 over an inverted index, with terms per language. Pure.

Okapi BM25 as in Robertson & Zaragoza, "The Probabilistic Relevance Framework"
(2009), §3, with the idf that is never negative. Terms: English words without
their commonest endings; Latvian words without diacritics, cut to a stem by
length; Chinese single characters and pairs. No list of stop words: in questions
"where" and "how" tell articles apart, and the idf knows what is common.
"""

from __future__ import annotations

import heapq
import math
import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence

K1 = 1.2
B = 0.75
LATVIAN_STEM = 6
"""Latvian stems that agree in this many letters count as one word."""

_LATVIAN_ENDING = re.compile(r"(?<=...)(?:iem|[aeiu]m|[aeiu]s|os|[ae]i|ie|[aeiousm])$")
_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)?")
_CJK_RUN = re.compile(r"[\u3400-\u9fff]+")
_CHINESE_STOP = frozenset("的了吗呢我你您是在有和就都也吧啊请")


def terms(text: str, language: str) -> list[str]:
    """The index terms of a text, repeated as they occur."""
    lowered = text.lower()
    found: list[str] = []
    for run in _CJK_RUN.findall(lowered):
        found.extend(character for character in run if character not in _CHINESE_STOP)
        found.extend(run[i : i + 2] for i in range(len(run) - 1))
    for word in _WORD.findall(_CJK_RUN.sub(" ", lowered)):
        found.append(_latvian(word) if language == "lv" else _english(word))
    return found


class LexicalIndex:
    """Documents of one language by id. Rebuilt, not updated: it is cheap."""

    def __init__(self, documents: Mapping[str, str], language: str) -> None:
        self._language = language
        self._postings: dict[str, list[tuple[str, float]]] = {}
        counts = {key: Counter(terms(text, language)) for key, text in documents.items()}
        lengths = {key: sum(count.values()) for key, count in counts.items()}
        mean = sum(lengths.values()) / len(lengths) if lengths else 1.0
        for key, count in counts.items():
            norm = K1 * (1 - B + B * lengths[key] / (mean or 1.0))
            for term, number in count.items():
                weight = number * (K1 + 1) / (number + norm)
                self._postings.setdefault(term, []).append((key, weight))
        self._idf = {
            term: math.log(1 + (len(counts) - len(rows) + 0.5) / (len(rows) + 0.5))
            for term, rows in self._postings.items()
        }
        self._rarest = math.log(1 + (len(counts) + 0.5) / 0.5)

    def search(self, query: str, limit: int) -> list[tuple[str, float]]:
        """Document ids by BM25 score, best first; only those that share a term."""
        scores: dict[str, float] = {}
        for term in dict.fromkeys(terms(query, self._language)):
            idf = self._idf.get(term, 0.0)
            for key, weight in self._postings.get(term, ()):
                scores[key] = scores.get(key, 0.0) + idf * weight
        return heapq.nlargest(limit, scores.items(), key=lambda item: (item[1], item[0]))

    def overlap(self, query: str, text: str) -> float:
        """How much of the query's weight the text shares, 0..1; rare words weigh more."""
        wanted = set(terms(query, self._language))
        held = wanted & set(terms(text, self._language))
        total = sum(self._weight(term) for term in wanted)
        return sum(self._weight(term) for term in held) / total if total else 0.0

    def _weight(self, term: str) -> float:
        """A term nobody uses weighs as much as the rarest one."""
        return self._idf.get(term, self._rarest)


def fuse_min_max(
    first: Sequence[tuple[str, float]], second: Sequence[tuple[str, float]], weight: float
) -> list[tuple[str, float]]:
    """Two rankings as one: scores scaled to 0..1 each, ``weight`` for the first, best first.

    Lee, "Analyses of Multiple Evidence Combination" (SIGIR 1997), CombSUM.
    """
    total: dict[str, float] = {}
    for ranking, share in ((first, weight), (second, 1.0 - weight)):
        for key, score in _scaled(ranking).items():
            total[key] = total.get(key, 0.0) + share * score
    return sorted(total.items(), key=lambda item: (-item[1], item[0]))


def _scaled(ranking: Sequence[tuple[str, float]]) -> dict[str, float]:
    if not ranking:
        return {}
    low = min(score for _, score in ranking)
    span = max(score for _, score in ranking) - low
    return {key: (score - low) / span if span else 1.0 for key, score in ranking}


def _english(word: str) -> str:
    """Light stemming: plurals, -ing, -ed; enough to join question and article."""
    word = word.split("'")[0]
    if len(word) <= 3 or word.isdigit():
        return word
    for ending, rest in (("ies", "y"), ("sses", "ss"), ("ing", ""), ("ed", ""), ("es", "e")):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            word = word[: -len(ending)] + rest
            break
    else:
        if word.endswith("s") and not word.endswith(("ss", "us", "is")):
            word = word[:-1]
    if len(word) > 3 and word[-1] == word[-2] and word[-1] not in "lse":
        word = word[:-1]
    return word[:-1] if len(word) > 4 and word.endswith("e") else word


def _latvian(word: str) -> str:
    """Folded to ASCII, without its ending and cut short: Latvian inflects at the end."""
    decomposed = unicodedata.normalize("NFD", word)
    folded = "".join(letter for letter in decomposed if not unicodedata.combining(letter))
    return _LATVIAN_ENDING.sub("", folded)[:LATVIAN_STEM]
