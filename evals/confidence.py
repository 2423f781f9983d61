"""``python -m evals.confidence``: how sure the offline recogniser is, fitted on speech.

Utterances of ``bench recognition`` (examples, new phrases and, where they are, real digits), on a
good line and on a bad one, are heard once each; from what the second hearing sees of them
(``Verdict.evidence``) a logistic regression learns how probable it is that its best reading is
right. Prints the weights for ``CONFIDENCE`` in ``bots/engines/second_hearing.py`` and what they are
worth on utterances that were left out.
"""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict

from bots.engines.lexicon import words_of
from bots.engines.moonshine import Moonshine, find_model
from bots.engines.offline import PocketsphinxTranscriber
from bots.engines.second_hearing import SecondHearing
from bots.ports import Expectation
from evals.line import Line
from evals.recognition_bench import AT_ONCE, SEED, Spoken, demo_corpus, real_digits, rendered
from router.errors import ParleyError

SAMPLE = 300
BINS = (0.0, 0.3, 0.5, 0.7, 0.85, 0.95, 1.001)

Floats = npt.NDArray[np.float64]


async def main() -> None:
    """Hear, fit, print."""
    folder = find_model()
    if folder is None:
        raise ParleyError("this needs the package moonshine-voice")
    corpus, examples = await demo_corpus()
    spoken = [*await rendered(Expectation("open", examples)), *real_digits()]
    spoken = random.Random(SEED).sample([one for one in spoken if one.kind != "espeak"], SAMPLE)
    chance = np.random.default_rng(SEED)
    spoken += [replace(one, pcm=Line().carry(one.pcm, chance)) for one in spoken]
    first = PocketsphinxTranscriber(corpus, AT_ONCE)
    second = await asyncio.to_thread(lambda: SecondHearing(Moonshine(folder), corpus))
    await first.start()
    found = [await _seen(first, second, one) for one in spoken]
    await first.stop()
    seen = [one for one in found if one is not None]
    features = np.array([evidence for evidence, _ in seen])
    right = np.array([good for _, good in seen])
    model = LogisticRegression(C=10.0)
    held_out = cross_val_predict(model, features, right, cv=10, method="predict_proba")[:, 1]
    model.fit(features, right)
    weights = (model.intercept_[0], *model.coef_[0])
    print(f"CONFIDENCE = ({', '.join(f'{weight:.2f}' for weight in weights)})")
    _table(held_out, right)


async def _seen(
    first: PocketsphinxTranscriber, second: SecondHearing, spoken: Spoken
) -> tuple[tuple[float, ...], bool] | None:
    first.prepare(spoken.expect)
    recognition = first.open(spoken.expect)
    recognition.feed(spoken.pcm)
    hypothesis = await recognition.finish()
    heard = await asyncio.to_thread(second.hear, spoken.pcm)
    if heard.nobody:
        return None
    verdict = second.weigh(heard, hypothesis, spoken.expect)
    return verdict.evidence, list(verdict.ranked[0]) == words_of(spoken.text)


def _table(confidence: Floats, right: npt.NDArray[np.bool_]) -> None:
    print(f"{'confidence':>12} {'utterances':>11} {'right':>6}")
    for low, high in pairwise(BINS):
        these = (confidence >= low) & (confidence < high)
        if these.any():
            print(f"{low:>5.2f} - {min(high, 1):.2f} {these.sum():>11} {right[these].mean():>6.2f}")


if __name__ == "__main__":
    asyncio.run(main())
