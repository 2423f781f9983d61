"""Make ``bots/engines/everyday_en.npz``: `python -m evals.everyday`, some minutes.

The words that are frequent in the general language model that pocketsphinx carries (and those of
``callers_en.txt``), how frequent each is, and which of them follow each other more often than
chance has it.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pocketsphinx

from bots.engines.language import END, PAIRS, START, STEPS_PER_DECADE
from bots.engines.lexicon import read_dictionary, words_of
from bots.engines.phrases import callers

WORDS = 6000
LEAST_GAIN = 1e-7
"""What a pair adds to the log likelihood of a word of text."""
TIMES = 1.5
"""How much likelier than alone a word must be behind another."""
STEPS = 255


def make() -> None:
    """Write the file."""
    model = pocketsphinx.NGramModel.readfile(pocketsphinx.get_model_path("en-us/en-us.lm.bin"))
    log = pocketsphinx.LogMath()
    words = [*_frequent(model), START, END]
    numbers = {word: number for number, word in enumerate(words)}
    chances = np.array([log.exp(model.prob([word])) for word in words])
    chances[numbers[START]] = chances[numbers[END]]
    lengths, seconds, given = [], [], []
    for word in words:
        second, chance = _followers(model, log, word, words, chances)
        gain = chances[numbers[word]] * chance * np.log(chance / chances[second])
        kept = gain >= LEAST_GAIN
        lengths.append(int(kept.sum()) if word != END else 0)
        if word != END:
            seconds.append(second[kept])
            given.append(chance[kept])
    np.savez_compressed(
        PAIRS,
        words=np.frombuffer("\n".join(words).encode(), np.uint8),
        chances=_steps(chances),
        lengths=np.array(lengths, np.uint16),
        second=np.concatenate(seconds).astype(np.uint16),
        given=_steps(np.concatenate(given)),
    )
    print(f"{len(words)} words, {sum(lengths)} pairs, {PAIRS.stat().st_size / 1e6:.1f} MB")


def _frequent(model: pocketsphinx.NGramModel) -> list[str]:
    known = read_dictionary(pocketsphinx.get_model_path("en-us/cmudict-en-us.dict"))
    ranked = sorted(known, key=lambda word: -model.prob([word]))[:WORDS]
    ours = {word for line in callers() for word in words_of(line)}
    return sorted({*ranked, *ours}.intersection(known))


def _followers(
    model: pocketsphinx.NGramModel,
    log: pocketsphinx.LogMath,
    word: str,
    words: list[str],
    chances: npt.NDArray[np.float64],
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """The words that are likelier behind this one, and their chances there."""
    behind = np.array([model.prob([other, word]) for other in words], dtype=np.float64)
    chance = np.exp(behind * log.log_to_ln(1_000_000) / 1_000_000)
    likelier = chance > TIMES * chances
    likelier[-2] = False
    return np.flatnonzero(likelier), chance[likelier]


def _steps(chances: npt.NDArray[np.float64]) -> npt.NDArray[np.uint8]:
    steps = np.round(-np.log10(np.maximum(chances, 1e-12)) * STEPS_PER_DECADE)
    return np.clip(steps, 0, STEPS).astype(np.uint8)


if __name__ == "__main__":
    make()
