"""Intents from example phrases: two readers, and one score for how sure they are.

1. *Meaning*: sentence embeddings under a logistic head; for languages the encoder knows.
2. *Spelling*: character n-grams; beside an encoder under class means, alone under a logistic head.
3. An intent's probability and its cosine to its nearest example are the means of the readers'.
   Their product is the score: it ranks the intents, and below ``accept`` a text is none of them.
4. Two intents are close when the second's score is at least ``clear`` times the first's.

``bots.nlu.fitting`` trains a model and fits ``accept`` and ``clear`` on its own examples.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from bots.nlu.logistic import Matrix, fit
from bots.nlu.spelling import Floats, Spelling

SHARPNESS = 10.0
"""Of the probabilities over class means: by it the cosines are multiplied."""

FEW = 16
"""So many sparse rows are looked at one by one: matrices cost more to make than to multiply."""

Places = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Scored:
    """One intent's case: ``cosine`` is to its nearest example, ``score`` is the product."""

    intent: str
    probability: float
    cosine: float

    @property
    def score(self) -> float:
        """Probability × cosine, 0..1."""
        return self.probability * self.cosine


@dataclass(frozen=True, slots=True)
class Evidence:
    """Of some texts: probability and cosine of each intent, one row per text."""

    probability: Floats
    cosine: Floats

    @property
    def score(self) -> Floats:
        """Probability × cosine."""
        product: Floats = self.probability * self.cosine
        return product

    def of(self, rows: Any) -> Evidence:
        """Some of the texts only."""
        return Evidence(self.probability[rows], self.cosine[rows])


@dataclass(frozen=True, slots=True)
class Head:
    """A trained linear head as plain arrays; ``examples`` stay for the cosines.

    ``owners`` has the intent's place for every example, ascending and without gaps.
    """

    weights: Floats
    bias: Floats
    examples: Matrix
    owners: Places

    def judge(self, rows: Matrix) -> Evidence:
        """What the reader thinks of these rows, which have unit length or are empty."""
        logits, cosines = self._products(rows)
        logits += self.bias
        raised = np.exp(logits - logits.max(axis=1, keepdims=True))
        starts = np.flatnonzero(np.diff(self.owners, prepend=-1))
        nearest = np.maximum.reduceat(cosines, starts, axis=1)
        return Evidence(raised / raised.sum(axis=1, keepdims=True), np.clip(nearest, 0.0, 1.0))

    def _products(self, rows: Matrix) -> tuple[Floats, Floats]:
        """The rows times the weights, and times the examples."""
        if isinstance(rows, np.ndarray):
            return rows @ self.weights.T, rows @ self.examples.T
        if rows.shape[0] > FEW:
            return np.asarray(rows @ self.weights.T), (rows @ self.examples.T).toarray()
        parts = [slice(start, end) for start, end in pairwise(rows.indptr)]
        logits = [self.weights[:, rows.indices[part]] @ rows.data[part] for part in parts]
        return np.stack(logits), np.asarray(self.examples @ rows.toarray().T).T


def logistic(rows: Matrix, owners: Places) -> Head:
    """Fit a logistic head, all intents weighing the same; deterministic."""
    if owners[-1] == 0:
        width = rows.shape[1]
        return Head(np.zeros((1, width), np.float32), np.zeros(1, np.float32), rows, owners)
    return Head(*fit(rows, owners), rows, owners)


def class_means(rows: Matrix, owners: Places) -> Head:
    """Each intent stands for the direction of its examples' mean; costs one product."""
    labels = int(owners[-1]) + 1
    belongs = np.zeros((len(owners), labels), np.float32)
    belongs[np.arange(len(owners)), owners] = 1
    means = np.asarray(rows.T @ belongs).T
    lengths = np.linalg.norm(means, axis=1, keepdims=True)
    weights = SHARPNESS * means / np.where(lengths > 0, lengths, 1)
    return Head(weights.astype(np.float32), np.zeros(labels, np.float32), rows, owners)


@dataclass(frozen=True, slots=True)
class Readers:
    """The trained readers of one language of a flow; ``meaning`` is None without an encoder."""

    labels: tuple[str, ...]
    spelling: Spelling
    spelled: Head
    meaning: Head | None = None

    def judge(self, texts: Sequence[str], vectors: Floats | None) -> Evidence:
        """What both think. ``vectors`` are the texts' embeddings, needed beside an encoder."""
        spelled = self.spelled.judge(self.spelling.rows(texts))
        return spelled if self.meaning is None else both(self.meaning.judge(vectors), spelled)

    def rank(self, text: str, vector: Floats | None) -> list[Scored]:
        """All intents, highest score first."""
        return self.rank_all([text], None if vector is None else vector[None, :])[0]

    def rank_all(self, texts: Sequence[str], vectors: Floats | None) -> list[list[Scored]]:
        """All intents for each of the texts, highest score first."""
        seen = self.judge(texts, vectors)
        return [
            [
                Scored(self.labels[place], float(chances[place]), float(cosines[place]))
                for place in np.argsort(-(chances * cosines), kind="stable")
            ]
            for chances, cosines in zip(seen.probability, seen.cosine, strict=True)
        ]


def both(meaning: Evidence, spelled: Evidence) -> Evidence:
    """The mean of two readers: one errs on synonyms, the other on typing mistakes."""
    half = np.float32(0.5)
    return Evidence(
        half * (meaning.probability + spelled.probability), half * (meaning.cosine + spelled.cosine)
    )


def train(phrases: Mapping[str, Sequence[str]], vectors: Floats | None) -> Readers:
    """Train on examples by intent; blocks.

    ``vectors`` are unit-length embeddings, one row per phrase in the mapping's order; None for a
    language that the encoder does not know.
    """
    labels = tuple(phrases)
    listed = [phrase for label in labels for phrase in phrases[label]]
    owners = np.repeat(np.arange(len(labels)), [len(phrases[label]) for label in labels])
    spelling = Spelling.of(listed)
    rows = spelling.rows(listed)
    if vectors is None:
        return Readers(labels, spelling, logistic(rows, owners))
    embedded = np.asarray(vectors, dtype=np.float32)
    return Readers(labels, spelling, class_means(rows, owners), logistic(embedded, owners))
