"""The bench ``nlu``: how well customers' words are understood, and what it costs.

Models are trained as flows' are (``bots.nlu.fitting.learn``) with the default encoder:

- ``banking77_acc``: share right of 3,080 questions, trained on all 10,003 examples of 77 intents;
- ``banking77_10shot``: the same trained on ten examples of each, mean over ``SEEDS``;
- ``hint3_mcc``: Matthews' correlation over a real bot's users' messages, most out of scope, with
  the threshold that training fitted on the examples alone; ``hint3_mcc_best`` with the best
  threshold for these messages, as published comparisons give it;
- ``hint3_in_scope``, ``hint3_oos_recall``: share right of what is in scope, and refused of what is
  not, at the fitted threshold; ``hint3_oos_auroc``: how well the score tells one from the other;
- ``train_10k_s``: from 10,003 sentences to a model with thresholds, embedding included, and
  ``train_10k_cpu_s``, the processor time of it;
- ``intent_ms_p50``, ``_p95``: from one sentence to what is wanted, with the demo company's flow;
- ``entity_accuracy`` over all types of values and by group (``evals.entities``);
- ``mood_…``: how well customers' moods are told (``evals.moods``).

The data lie in ``banking77/`` (``text,category``) and ``hint3/`` (``sentence,label``) of the folder
that ``PARLEY_SHARED_DATA`` names; without a set its figures are missing.
"""

from __future__ import annotations

import csv
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bots.flow.schema import read_flow
from bots.nlu.fitting import IntentModel, learn
from bots.nlu.spelling import Floats
from bots.nlu.understanding import IntentUnderstanding
from evals.bench import Bench
from evals.entities import PER_HALF, entity_figures
from evals.moods import mood_figures
from evals.recognition_bench import DEMO, SHARED, phrases
from evals.statistics import percentile
from knowledge.embed import MiniLmEncoder

AT_MOST = {"intent_ms_p95": 15.0, "train_10k_s": 60.0}
AT_LEAST = {
    "banking77_acc": 0.930,
    "banking77_10shot": 0.851,
    "hint3_mcc": 0.64,
    "hint3_oos_auroc": 0.88,
}
SHOTS = 10
SEEDS = (0, 1, 2, 3, 4)
OUT_OF_SCOPE = "NO_NODES_DETECTED"
BLOCK = 256
WARM_UP = 10


@dataclass(frozen=True, slots=True)
class Labelled:
    """Sentences with their intents."""

    texts: tuple[str, ...]
    labels: tuple[str, ...]

    def only(self, places: Sequence[int]) -> Labelled:
        """Some of them."""
        return Labelled(
            tuple(self.texts[at] for at in places), tuple(self.labels[at] for at in places)
        )

    def by_intent(self) -> tuple[dict[str, tuple[str, ...]], list[int]]:
        """Examples as a flow has them, and the place of each in that order."""
        order = sorted(range(len(self.labels)), key=lambda at: self.labels[at])
        grouped: dict[str, tuple[str, ...]] = {}
        for at in order:
            grouped[self.labels[at]] = (*grouped.get(self.labels[at], ()), self.texts[at])
        return grouped, order


@dataclass(frozen=True, slots=True)
class Guesses:
    """For each text the best intent and its score."""

    intents: tuple[str, ...]
    scores: Floats


async def run() -> Bench:
    """Measure everything; about two minutes when nothing else runs."""
    folder = Path(os.environ.get(SHARED, ""))
    figures = {**entity_figures(), **mood_figures()}
    encoder = MiniLmEncoder()
    await encoder.start()
    try:
        figures |= await _times(encoder)
        if os.environ.get(SHARED) and (folder / "hint3").is_dir():
            figures |= await _hint3(encoder, folder / "hint3")
        if os.environ.get(SHARED) and (folder / "banking77").is_dir():
            figures |= await _banking77(encoder, folder / "banking77")
    finally:
        await encoder.stop()
    return Bench(
        "nlu",
        figures,
        {"encoder": encoder.name},
        {
            "banking77_acc": "3,080 questions",
            "banking77_10shot": f"mean of {len(SEEDS)} draws",
            "hint3_mcc": "threshold fitted on the examples",
            "hint3_mcc_best": "best threshold for the messages",
            "entity_accuracy": f"{PER_HALF} utterances of each group, held out",
            "mood_held_out_accuracy": f"{figures['mood_held_out_utterances']:.0f} utterances",
        },
    )


def read(path: Path) -> Labelled:
    """A file with a heading and two columns: sentence, intent."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))[1:]
    return Labelled(tuple(row[0] for row in rows), tuple(row[1] for row in rows))


async def _times(encoder: MiniLmEncoder) -> dict[str, float]:
    """One sentence after the other, none of them seen before."""
    flow = read_flow(DEMO / "flows" / "front-desk.yaml")
    understanding = IntentUnderstanding(encoder)
    await understanding.prepare(flow)
    known = set(understanding.examples(flow))
    sentences = [text for listed in phrases().values() for text in listed if text not in known]
    took: list[float] = []
    for sentence in sentences:
        began = time.perf_counter()
        await understanding.understand(flow, sentence, "en")
        took.append(1000 * (time.perf_counter() - began))
    steady = took[WARM_UP:]
    return {"intent_ms_p50": percentile(steady, 0.5), "intent_ms_p95": percentile(steady, 0.95)}


async def _hint3(encoder: MiniLmEncoder, folder: Path) -> dict[str, float]:
    from sklearn.metrics import matthews_corrcoef, roc_auc_score

    train, test = read(folder / "sofmattress_train.csv"), read(folder / "sofmattress_test.csv")
    model = _trained(train, await _embedded(encoder, train.texts))
    guesses = _guesses(model, test.texts, await _embedded(encoder, test.texts))
    truth = np.array(test.labels)
    guessed = np.array(guesses.intents)
    inside = truth != OUT_OF_SCOPE

    def answered(threshold: float) -> Any:
        return np.where(guesses.scores >= threshold, guessed, OUT_OF_SCOPE)

    fitted = answered(model.accept)
    best = max(float(matthews_corrcoef(truth, answered(at))) for at in np.unique(guesses.scores))
    return {
        "hint3_mcc": float(matthews_corrcoef(truth, fitted)),
        "hint3_mcc_best": best,
        "hint3_oos_auroc": float(roc_auc_score(inside, guesses.scores)),
        "hint3_in_scope": float((fitted == truth)[inside].mean()),
        "hint3_oos_recall": float((fitted == truth)[~inside].mean()),
    }


async def _banking77(encoder: MiniLmEncoder, folder: Path) -> dict[str, float]:
    train, test = read(folder / "train.csv"), read(folder / "test.csv")
    began, used = time.perf_counter(), time.process_time()
    vectors = await _embedded(encoder, train.texts)
    model = _trained(train, vectors)
    took, cost = time.perf_counter() - began, time.process_time() - used
    asked = await _embedded(encoder, test.texts)
    few = []
    for seed in SEEDS:
        places = _draw(train.labels, seed)
        little = _trained(train.only(places), vectors[places])
        few.append(_accuracy(little, test, asked))
    return {
        "banking77_acc": _accuracy(model, test, asked),
        "banking77_10shot": float(np.mean(few)),
        "train_10k_s": took,
        "train_10k_cpu_s": cost,
    }


def _draw(labels: Sequence[str], seed: int) -> list[int]:
    """``SHOTS`` places of every intent."""
    chance = np.random.default_rng(seed)
    every = np.array(labels)
    return [
        int(at)
        for label in sorted(set(labels))
        for at in chance.permutation(np.flatnonzero(every == label))[:SHOTS]
    ]


async def _embedded(encoder: MiniLmEncoder, texts: Sequence[str]) -> Floats:
    return np.asarray(await encoder.embed(texts), dtype=np.float32)


def _trained(labelled: Labelled, vectors: Floats) -> IntentModel:
    grouped, order = labelled.by_intent()
    return learn(grouped, vectors[order], "en")


def _guesses(model: IntentModel, texts: Sequence[str], vectors: Floats) -> Guesses:
    best: list[str] = []
    scores: list[float] = []
    for start in range(0, len(texts), BLOCK):
        block = slice(start, start + BLOCK)
        for ranked in model.readers.rank_all(texts[block], vectors[block]):
            best.append(ranked[0].intent)
            scores.append(ranked[0].score)
    return Guesses(tuple(best), np.array(scores, dtype=np.float32))


def _accuracy(model: IntentModel, test: Labelled, vectors: Floats) -> float:
    guessed = _guesses(model, test.texts, vectors).intents
    return float(np.mean([one == other for one, other in zip(guessed, test.labels, strict=True)]))
