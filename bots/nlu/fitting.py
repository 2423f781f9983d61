"""How far a flow's examples carry: thresholds fitted on them, and what to mend in them.

1. The examples are tried five times. Each time a fifth of every intent's examples is kept back
   (what customers say), and a fifth of the intents altogether (what is none of our business).
2. ``accept`` refuses ``REFUSED`` of what belongs to intents never seen, as long as that costs no
   more than ``LOST`` of the examples; both are quantiles, which stand still when one phrase moves.
   What is really out of scope lies farther off than a neighbouring intent, and customers stray
   farther from the examples than these from each other: so neither share is nearer to 1 or 0.
3. ``clear`` is the ratio of second to first score from which asking pays: a question costs a third
   of what a wrong turn costs.
4. Nothing but the examples is looked at: no figure here knows a test set.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bots.nlu.intents import (
    Evidence,
    Places,
    Readers,
    both,
    class_means,
    logistic,
    train,
)
from bots.nlu.logistic import Matrix
from bots.nlu.spelling import Floats

FOLDS = 5
REFUSED = 0.70
LOST = 0.10
LEAST_TWO, LEAST_SPELLING = 0.08, 0.13
"""``accept`` never lies below: with few examples the quantiles say little. Chosen on sentences of
our own (``tests/data/front_desk_phrases.yaml``)."""
OVER_CHANCE, ENOUGH = 1.2, 0.2
"""``accept`` is at least so many times what chance gives one of the intents, or enough: among few
of them every sentence is near to some, and nothing is kept back that could tell."""
MOST_TRIED = 1500
"""Examples that are tried; more would cost more time than they tell."""
RATIOS = tuple(step / 100 for step in range(70, 100, 5))
"""What ``clear`` may be; below them a question would come too often."""
UNDECIDED = 0.90
"""``clear`` where the examples tell nothing of it: nobody can choose between such neighbours."""
QUESTION = 1 / 3
"""What a clarifying question costs, as a share of a wrong turn."""
DOUBT = 0.25
"""A phrase is doubtful when its own intent has this share of another's score, or less."""
MOST_LISTED = 20
SEED = 20261129

Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Confused:
    """Two intents taken for each other ``times`` times when examples were kept back."""

    first: str
    second: str
    times: int


@dataclass(frozen=True, slots=True)
class Doubtful:
    """An example that looks like one of another intent's; perhaps it stands in the wrong place."""

    phrase: str
    intent: str
    rather: str


@dataclass(frozen=True, slots=True)
class Report:
    """What training found out about the examples of one language.

    ``accuracy``: share of examples kept back that were told right; ``lost``: share of them that
    ``accept`` refuses; ``refused``: share refused of what belongs to intents kept back; ``tried``
    says of how many examples. All are 0 where nothing can be kept back: one intent, or one example
    of each.
    """

    language: str
    examples: Mapping[str, int]
    accept: float
    clear: float
    tried: int = 0
    accuracy: float = 0.0
    lost: float = 0.0
    refused: float = 0.0
    confused: tuple[Confused, ...] = ()
    doubtful: tuple[Doubtful, ...] = ()


@dataclass(frozen=True, slots=True)
class IntentModel:
    """One language of one flow: trained readers and their thresholds."""

    readers: Readers
    report: Report

    @property
    def accept(self) -> float:
        """The least score of an intent that is meant."""
        return self.report.accept

    @property
    def clear(self) -> float:
        """The ratio of second to first score from which two intents are close."""
        return self.report.clear


@dataclass(frozen=True, slots=True)
class _Trials:
    """Examples kept back, and examples of intents kept back; all places refer to the examples."""

    known: Evidence
    known_places: Places
    strange: Evidence


def learn(
    phrases: Mapping[str, Sequence[str]], vectors: Floats | None, language: str
) -> IntentModel:
    """Train, fit and report; blocks for half a second, or some for thousands; deterministic.

    ``vectors`` as for :func:`bots.nlu.intents.train`.
    """
    readers = train(phrases, vectors)
    listed = [phrase for examples in phrases.values() for phrase in examples]
    counts = {label: len(examples) for label, examples in phrases.items()}
    few = min(ENOUGH, OVER_CHANCE / len(counts))
    least = LEAST_SPELLING if vectors is None else max(LEAST_TWO, few)
    trivial = IntentModel(readers, Report(language, counts, least, UNDECIDED))
    if len(counts) == 1:
        return trivial
    chosen = _spread(readers.spelled.owners)
    owners = readers.spelled.owners[chosen]
    spelled = readers.spelled.examples[chosen]
    meant = None if readers.meaning is None else readers.meaning.examples[chosen]
    trials = _try_out(spelled, meant, owners)
    if not len(trials.known_places):
        return trivial
    scores, truth = trials.known.score, owners[trials.known_places]
    best = scores.argmax(axis=1)
    accept = _accept(scores.max(axis=1), trials.strange.score.max(axis=1), least)
    return IntentModel(
        readers,
        Report(
            language,
            counts,
            accept=accept,
            clear=_clear(scores, truth),
            tried=len(truth),
            accuracy=float((best == truth).mean()),
            lost=float((scores.max(axis=1) < accept).mean()),
            refused=float((trials.strange.score.max(axis=1) < accept).mean()),
            confused=_confused(readers.labels, best, truth),
            doubtful=_doubtful(
                readers.labels, [listed[chosen[at]] for at in trials.known_places], scores, truth
            ),
        ),
    )


def _spread(owners: Places) -> Places:
    """Places of at most ``MOST_TRIED`` examples, evenly from every intent."""
    step = -(-len(owners) // MOST_TRIED)
    within = np.arange(len(owners)) - np.searchsorted(owners, owners)
    return np.flatnonzero(within % step == 0)


def _try_out(spelled: Matrix, meant: Floats | None, owners: Places) -> _Trials:
    known, places, strange = [], [], []
    for back, away in _rounds(owners):
        kept = np.flatnonzero(~(back | away))
        present = np.unique(owners[kept])
        # An intent whose only example is kept back cannot be recognised by anybody.
        tried = np.flatnonzero(back & np.isin(owners, present))
        strangers = np.flatnonzero(away)
        asked = np.concatenate([tried, strangers])
        if not len(present) or not len(asked):
            continue
        within = np.searchsorted(present, owners[kept])
        seen = _judged(spelled, meant, within, kept, asked)
        wide = _widened(seen, present, int(owners[-1]) + 1)
        known.append(wide.of(slice(None, len(tried))))
        strange.append(wide.of(slice(len(tried), None)))
        places.append(tried)
    return _Trials(_joined(known), np.concatenate(places), _joined(strange))


def _rounds(owners: Places) -> Iterator[tuple[Bools, Bools]]:
    """Which examples are kept back in each round: of intents that stay, and of those that go."""
    chance = np.random.default_rng(SEED)
    labels = int(owners[-1]) + 1
    goes = np.empty(labels, np.int64)
    goes[chance.permutation(labels)] = np.arange(labels) % FOLDS
    fold = np.empty(len(owners), np.int64)
    for label in range(labels):
        mine = np.flatnonzero(owners == label)
        fold[chance.permutation(mine)] = (np.arange(len(mine)) + chance.integers(FOLDS)) % FOLDS
    for turn in range(FOLDS):
        away = goes[owners] == turn
        yield (fold == turn) & ~away, away


def _judged(
    spelled: Matrix, meant: Floats | None, owners: Places, kept: Places, asked: Places
) -> Evidence:
    if meant is None:
        return logistic(spelled[kept], owners).judge(spelled[asked])
    return both(
        logistic(meant[kept], owners).judge(meant[asked]),
        class_means(spelled[kept], owners).judge(spelled[asked]),
    )


def _widened(seen: Evidence, present: Places, labels: int) -> Evidence:
    """With a column for every intent; those that were away have none of the evidence."""
    probability = np.zeros((len(seen.probability), labels), np.float32)
    cosine = np.zeros_like(probability)
    probability[:, present], cosine[:, present] = seen.probability, seen.cosine
    return Evidence(probability, cosine)


def _joined(parts: Sequence[Evidence]) -> Evidence:
    return Evidence(
        np.concatenate([part.probability for part in parts]),
        np.concatenate([part.cosine for part in parts]),
    )


def _accept(known: Floats, strange: Floats, least: float) -> float:
    highest = float(np.quantile(known, LOST)) if len(known) else least
    wanted = float(np.quantile(strange, REFUSED)) if len(strange) else least
    return round(max(least, min(wanted, highest)), 4)


def _clear(scores: Floats, truth: Places) -> float:
    """The ratio that saves most; ``UNDECIDED`` when none saves anything."""
    order = np.argsort(-scores, axis=1, kind="stable")
    rows = np.arange(len(scores))
    first, second = scores[rows, order[:, 0]], scores[rows, order[:, 1]]
    ratio = second / np.maximum(first, 1e-9)
    saved = (order[:, 1] == truth) * (1 - QUESTION) - (order[:, 0] == truth) * QUESTION
    gains = [float(saved[ratio >= least].sum()) for least in RATIOS]
    best = max(range(len(RATIOS)), key=lambda place: (gains[place], place))
    return RATIOS[best] if gains[best] > 0 else UNDECIDED


def _confused(labels: tuple[str, ...], best: Places, truth: Places) -> tuple[Confused, ...]:
    pairs = Counter(
        (min(one, other), max(one, other))
        for one, other in zip(best.tolist(), truth.tolist(), strict=True)
        if one != other
    )
    return tuple(
        Confused(labels[first], labels[second], times)
        for (first, second), times in sorted(pairs.items(), key=lambda item: (-item[1], item[0]))
    )[:MOST_LISTED]


def _doubtful(
    labels: tuple[str, ...], phrases: Sequence[str], scores: Floats, truth: Places
) -> tuple[Doubtful, ...]:
    own = scores[np.arange(len(truth)), truth]
    best = scores.argmax(axis=1)
    share = own / np.maximum(scores.max(axis=1), 1e-9)
    suspects = [at for at in np.argsort(share, kind="stable") if share[at] <= DOUBT]
    return tuple(
        Doubtful(phrases[at], labels[truth[at]], labels[best[at]]) for at in suspects[:MOST_LISTED]
    )
