"""Intents by their label alone, read by a natural-language-inference model (zero-shot).

The text is the premise, "The customer wants …" the hypothesis; the probability is entailment
against contradiction, each label for itself (Yin et al. 2019, "Benchmarking Zero-shot Text
Classification"). One label costs a sentence pair, so only what the examples leave open is asked.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from bots.errors import LabelsUnread

HYPOTHESIS = "The customer wants {}."
MAX_TOKENS = 256
MOST_LABELS = 32
"""In one pass of the model."""


class NliReader:
    """A sequence classifier trained on entailment, by Hugging Face name or folder.

    Loaded at the first question, on its own thread. Any model whose labels name entailment and
    contradiction will do (``MoritzLaurer/deberta-v3-base-zeroshot-v2.0``,
    ``facebook/bart-large-mnli``).
    """

    def __init__(self, model: str | Path) -> None:
        self._wanted = str(model)
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="labels")
        self._model: _Classifier | None = None

    async def start(self) -> None:
        """Load the model. Raises ``LabelsUnread`` saying what is wrong with it."""
        await asyncio.get_running_loop().run_in_executor(self._worker, self._load)

    async def read(self, text: str, labels: Sequence[str]) -> Mapping[str, float]:
        """For each label the probability that the text entails it. Raises ``LabelsUnread``."""
        return await asyncio.get_running_loop().run_in_executor(
            self._worker, self._read, text, tuple(labels)
        )

    async def stop(self) -> None:
        """End the thread. Safe to call twice."""
        self._worker.shutdown(wait=False, cancel_futures=True)

    def _load(self) -> _Classifier:
        if self._model is None:
            try:
                self._model = _Classifier(self._wanted)
            except (OSError, KeyError, ValueError) as error:
                raise LabelsUnread(f"{self._wanted}: {error}") from error
        return self._model

    def _read(self, text: str, labels: tuple[str, ...]) -> dict[str, float]:
        model = self._load()
        read: dict[str, float] = {}
        for start in range(0, len(labels), MOST_LABELS):
            some = labels[start : start + MOST_LABELS]
            pairs = [(text, HYPOTHESIS.format(label)) for label in some]
            try:
                read |= dict(zip(some, model.entailed(pairs), strict=True))
            except (RuntimeError, ValueError) as error:
                raise LabelsUnread(f"{self._wanted} failed: {error}") from error
        return read


class _Classifier:
    """What the worker thread runs. Raises ``ValueError`` for a model of another kind."""

    def __init__(self, name: str) -> None:
        # Imported here, on the worker thread: torch and transformers take seconds.
        from transformers import AutoModelForSequenceClassification, AutoTokenizer

        self._tokenizer: Any = AutoTokenizer.from_pretrained(name)
        self._model: Any = AutoModelForSequenceClassification.from_pretrained(name).eval()
        self._yes, self._no = _sides(self._model.config.id2label)

    def entailed(self, pairs: Sequence[tuple[str, str]]) -> list[float]:
        """How probable the second sentence of each pair is, given the first; blocks."""
        import torch

        tokens = self._tokenizer(
            [first for first, _ in pairs],
            [second for _, second in pairs],
            padding=True,
            truncation="only_first",
            max_length=MAX_TOKENS,
            return_tensors="pt",
        )
        with torch.inference_mode():
            logits = self._model(**tokens).logits[:, [self._no, self._yes]]
        chances: list[float] = logits.softmax(dim=1)[:, 1].tolist()
        return chances


def _sides(names: Mapping[int, str]) -> tuple[int, int]:
    """The places of entailment and of its opposite (contradiction, or "not entailment")."""
    places = {name.lower().replace("-", "_"): int(place) for place, name in names.items()}
    yes = places.get("entailment")
    no = places.get("contradiction", places.get("not_entailment"))
    if yes is None or no is None:
        raise ValueError(
            f"expected the labels entailment and contradiction, it has {sorted(places)}"
        )
    return yes, no
