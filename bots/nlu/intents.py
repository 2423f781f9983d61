"""Intents from example phrases: features, a trained head, and a way to say "none of these".

1. English phrases become sentence embeddings; 中文 and latviešu, which the default
   encoder does not know, become character n-grams.
2. A logistic head (balanced classes) is trained per flow version and language.
3. Out of scope when probability × cosine to the nearest example is below the
   threshold of the feature kind. The thresholds were chosen on sentences of our own
   (``tests/data/front_desk_phrases.yaml``) and checked on others (``docs/flows.md``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

C = 30.0
"""Inverse regularisation of the head."""
ACCEPT_EMBEDDED = 0.17
ACCEPT_NGRAMS = 0.17
RELATED = 0.6
"""Cosine from which an intent counts as the matter of a sentence classified as a wish."""
GRAMS = (1, 3)

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Scored:
    """One intent's case: ``score`` is probability × cosine to its nearest example."""

    intent: str
    probability: float
    cosine: float

    @property
    def score(self) -> float:
        """Probability × cosine, 0..1."""
        return self.probability * self.cosine


@dataclass(frozen=True, slots=True)
class Head:
    """A trained logistic head as plain arrays; prediction is one product."""

    labels: tuple[str, ...]
    weights: Floats
    bias: Floats
    examples: Floats
    owners: npt.NDArray[np.int64]

    def rank(self, vector: Floats) -> list[Scored]:
        """All intents, most probable first. ``vector`` has unit length."""
        logits = self.weights @ vector + self.bias
        weights = np.exp(logits - logits.max())
        probabilities = weights / weights.sum()
        cosines = self.examples @ vector
        nearest = np.zeros(len(self.labels))
        np.maximum.at(nearest, self.owners, cosines)
        order = np.argsort(-probabilities)
        return [Scored(self.labels[i], float(probabilities[i]), float(nearest[i])) for i in order]


def train(phrases: Mapping[str, Sequence[str]], vectors: Floats) -> Head:
    """Fit a head on unit-length ``vectors``, one row per phrase in the mapping's order."""
    labels = tuple(phrases)
    owners = np.repeat(np.arange(len(labels)), [len(phrases[label]) for label in labels])
    if len(labels) == 1:
        width = vectors.shape[1]
        return Head(labels, np.zeros((1, width)), np.zeros(1), vectors, owners)
    # Imported where it trains, on a thread: it takes more than a second.
    from sklearn.linear_model import LogisticRegression

    fitted: Any = LogisticRegression(C=C, class_weight="balanced", max_iter=500)
    fitted.fit(vectors, owners)
    weights, bias = np.asarray(fitted.coef_), np.asarray(fitted.intercept_)
    if len(labels) == 2:
        # Two classes give one row; both rows make the product uniform.
        weights, bias = np.vstack([-weights, weights]) / 2, np.concatenate([-bias, bias]) / 2
    return Head(labels, weights, bias, vectors, owners)


class NGrams:
    """Character n-grams weighted by rarity, for languages the encoder does not know."""

    def __init__(self, phrases: Sequence[str]) -> None:
        from sklearn.feature_extraction.text import TfidfVectorizer

        self._grams: Any = TfidfVectorizer(
            analyzer="char_wb", ngram_range=GRAMS, sublinear_tf=True, strip_accents="unicode"
        )
        self.vectors: Floats = self._grams.fit_transform(phrases).toarray()

    def vector(self, text: str) -> Floats:
        """Unit length, or zeros when nothing of the text is known."""
        row: Floats = self._grams.transform([text]).toarray()[0]
        return row
