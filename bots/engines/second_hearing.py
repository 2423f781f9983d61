"""A second hearing of what the caller said: several readings of it, and which one to believe.

1. Readings come from Moonshine, from the first recogniser (what it took for best, and what it
   nearly did) and from the question: its digits, letters or choices where few answers are likely,
   of an open question the examples that resemble what was heard.
2. One measure for all: the logarithm of the probability of the text given the sound, plus
   ``PRIOR`` times that of the text for this company and question; digits are as likely as each
   other. What the first recogniser took for best gets ``FIRST`` more: it has other ears. An
   example that nobody heard gets ``UNHEARD`` less.
   Where Moonshine hears nobody, the first recogniser is believed.
3. How sure: how far the best reading is ahead of all that say something else, how well it fits
   the sound, and whether both recognisers agree, fitted on measured speech (``CONFIDENCE``).

Blocks for some ten milliseconds; no state of its own between utterances.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import soxr

from bots.engines.alike import Alike
from bots.engines.lexicon import ONES, words_of
from bots.engines.moonshine import END, RATE, Moonshine, Reading, Sound
from bots.engines.phrases import NO, YES, Corpus, is_closed, is_digits, question_lines
from bots.engines.word_model import WordModel
from bots.nlu.numbers import digit_string
from bots.ports import Expectation, Hypothesis

LINE_RATE = 8000
WIDTH = 3
"""Of the beam: wider ones find nothing better, and cost more."""
PROPOSED = 1
"""Of the first recogniser's other readings; each has to be measured, which takes its time."""
CHOICES = 16
PRIOR = 0.5
FIRST = 1.5
UNHEARD = 1.0
"""Examples are in the company's text many times, and would draw to them what is like them."""
INVENTED = frozenset({"you", "thank you", "thank you for watching", ""})
"""What the model writes where nobody speaks."""
SAID_BY_WORDS = ("i'm", "i'd", "i've", "i'll", "i")
DIGIT_S, LETTER_S = 0.15, 0.12
"""Nobody says one in less: an utterance has no more of them."""
LETTERS, SPELLING = "abcdefghijklmnopqrstuvwxyz", "spelling"
SLIP, SLIPS, OTHER, OH_LESS = -5.0, 3, -9.0, -2.0
"""Where digits are asked for: what each digit too many or too few (up to ``SLIPS``), something else
than digits, and "oh" for a zero cost. A right sentence fits the sound better than any digits by far
more than that; a single digit that is taken for "hey" or "you" does not."""
OH = "oh"
CONFIDENCE = (-1.51, 0.54, -0.14, 2.43)
"""Intercept and weights of the log odds of being right (``python -m evals.confidence``)."""
MOST_AHEAD, WORST_FIT = 5.0, -3.0
ALTERNATIVES = 3

Words = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Heard:
    """What Moonshine makes of an utterance alone."""

    sound: Sound
    readings: Sequence[Reading]

    @property
    def nobody(self) -> bool:
        """Whether there seems to be no speech at all."""
        best = self.readings[0].text if self.readings else ""
        return " ".join(words_of(best)) in INVENTED


@dataclass(frozen=True, slots=True)
class Verdict:
    """Readings, best first, and how far the best is ahead (natural logarithms), how well it fits
    the sound (the same, a word) and whether the first recogniser agrees."""

    ranked: tuple[Words, ...]
    evidence: tuple[float, float, float]

    @property
    def confidence(self) -> float:
        """How probable it is that exactly this was said, 0..1 (rule 3)."""
        if not self.ranked[0]:
            return 0.0
        intercept, *weights = CONFIDENCE
        weighed = sum(a * b for a, b in zip(weights, self.evidence, strict=True))
        return round(1 / (1 + math.exp(-intercept - weighed)), 3)


class SecondHearing:
    """Moonshine and what it must know of the company."""

    def __init__(self, model: Moonshine, corpus: Corpus) -> None:
        self._model = model
        self._corpus = corpus
        self._company = WordModel(corpus.lines())
        self._closed: dict[Expectation, WordModel] = {}
        self._alike: dict[Expectation, Alike] = {}
        self._digits = Series(model, (*ONES[:10], OH), ", ")
        self._letters = Series(model, LETTERS.upper(), ". ")

    def prepare(self, expect: Expectation) -> None:
        """Get ready for a question, so that its first answer need not wait."""
        if is_closed(expect) and not is_digits(expect) and expect not in self._closed:
            lines = [*question_lines(expect), *self._corpus.spoken_lines()]
            self._closed[expect] = WordModel(lines)
        examples = [text for text in expect.phrases if words_of(text)]
        if expect.kind == "open" and examples and expect not in self._alike:
            self._alike[expect] = Alike(examples)

    def hear(self, pcm: bytes) -> Heard:
        """s16le at 8 kHz, the line around the speech included."""
        samples = np.frombuffer(pcm[: len(pcm) & ~1], dtype="<i2").astype(np.float32) / 32768
        sound = self._model.hear(soxr.resample(samples, LINE_RATE, RATE, quality="HQ"))
        return Heard(sound, self._model.readings(sound, WIDTH))

    def judge(self, heard: Heard, first: Hypothesis, expect: Expectation) -> Hypothesis:
        """The reading to believe, given what the first recogniser took for best."""
        if heard.nobody:
            return first
        verdict = self.weigh(heard, first, expect)
        texts = [" ".join(words) for words in verdict.ranked if words]
        return Hypothesis(
            " ".join(verdict.ranked[0]), verdict.confidence, tuple(texts[1 : 1 + ALTERNATIVES])
        )

    def weigh(self, heard: Heard, first: Hypothesis, expect: Expectation) -> Verdict:
        """All readings by rule 2, and what rule 3 looks at."""
        self.prepare(expect)
        fits = self._fits(heard, first, expect)
        favourite = self._key(first.text, expect)
        scores = {
            words: fit + self._prior(words, expect) + FIRST * (words == favourite)
            for words, fit in fits.items()
        }
        for words, fit in self._examples(heard, first, expect, fits).items():
            fits[words] = fit
            scores[words] = fit + self._prior(words, expect) - UNHEARD
        ranked = sorted(scores, key=lambda words: -scores[words])
        best, *others = ranked
        rest = float(np.logaddexp.reduce([scores[words] for words in others] or [-np.inf]))
        ahead = min(MOST_AHEAD, max(-MOST_AHEAD, scores[best] - rest))
        fit = max(WORST_FIT, fits[best] / max(1, len(best)))
        return Verdict(tuple(ranked), (ahead, fit, float(best == favourite)))

    # -- readings ------------------------------------------------------------------

    def _fits(self, heard: Heard, first: Hypothesis, expect: Expectation) -> dict[Words, float]:
        """Log probability given the sound of everything that may have been said (rule 1)."""
        fits: dict[Words, float] = {}
        found = list(heard.readings)
        if is_digits(expect):
            found += self._digits.readings(heard.sound, expect.length, DIGIT_S)
        elif expect.kind == SPELLING:
            found += self._letters.readings(heard.sound, 0, LETTER_S)
        for reading in found:
            less = OH_LESS * words_of(reading.text).count(OH) if is_digits(expect) else 0.0
            _add(fits, self._key(reading.text, expect), reading.log_prob + less)
        new = [words for words in self._proposed(first, expect) if words not in fits]
        # A sentence or a question: as the model itself would end it.
        mark = heard.readings[0].text[-1:] if heard.readings else "."
        fits |= self._measured(heard.sound, new, "?" if mark == "?" else ".")
        return fits

    def _examples(
        self, heard: Heard, first: Hypothesis, expect: Expectation, fits: Mapping[Words, float]
    ) -> dict[Words, float]:
        """The fits of examples that nobody heard and that resemble what was heard."""
        alike = self._alike.get(expect)
        if alike is None:
            return {}
        texts = [reading.text for reading in heard.readings] + [first.text, *first.alternatives]
        near = [
            words for words in alike.to([words_of(text) for text in texts]) if words not in fits
        ]
        found: dict[Words, float] = {}
        for mark in ".?":
            for words, fit in self._measured(heard.sound, near, mark).items():
                _add(found, words, fit)
        return found

    def _measured(self, sound: Sound, new: Sequence[Words], mark: str) -> dict[Words, float]:
        written = [_written(words, mark) for words in new]
        fits = self._model.log_probs(sound, written) if written else []
        return dict(zip(new, fits, strict=True))

    def _proposed(self, first: Hypothesis, expect: Expectation) -> Iterable[Words]:
        """What was not found in the sound alone may still have been said."""
        texts = [first.text, *first.alternatives[:PROPOSED], *self._choices(expect)]
        keys = dict.fromkeys(self._key(text, expect) for text in texts if text)
        return [words for words in keys if words]

    def _choices(self, expect: Expectation) -> Iterable[str]:
        if expect.kind == "yes-no":
            return (*YES[:8], *NO[:6], *expect.phrases)[:CHOICES]
        return expect.phrases[:CHOICES] if expect.kind == "choice" else ()

    def _key(self, text: str, expect: Expectation) -> Words:
        """What was said, however it is written."""
        if is_digits(expect):
            words = words_of(text)
            digits = "".join(digit_string(text))
            if digits and len(digits) >= len(words) / 2:
                return tuple(ONES[int(one)] for one in digits if one.isascii())
            if words and all(word in (*ONES[:10], OH) for word in words):
                return tuple(ONES[0] if word == OH else word for word in words)
        return tuple(words_of(text))

    # -- what is likely ------------------------------------------------------------

    def _prior(self, words: Words, expect: Expectation) -> float:
        if is_digits(expect):
            return _cost_of_digits(words, expect.length)
        return PRIOR * self._closed.get(expect, self._company).log_prob(words)


class Series:
    """Readings of nothing but names out of a short list, as the model writes a row of them:
    "Four, eight, two." and "S. M. I. T. H." """

    def __init__(self, model: Moonshine, names: Sequence[str], between: str) -> None:
        self._model = model
        ids = model.tokens.ids
        self._begin = [ids(name.capitalize()) for name in names]
        self._go_on = [ids(f"x{between}{name}")[len(ids("x")) :] for name in names]
        (self._stop,) = ids("x.")[len(ids("x")) :]

    def readings(self, sound: Sound, length: int, shortest_s: float) -> list[Reading]:
        """The best of so many names, 0 for any number; nobody says one in ``shortest_s``."""
        most = length or max(1, int(sound.seconds / shortest_s))

        def allowed(said: tuple[int, ...]) -> Iterable[int]:
            """Follows the names said so far through the tree of their spellings."""
            at, count = 0, 0
            while True:
                ways = self._go_on if count else self._begin
                whole = next((way for way in ways if said[at : at + len(way)] == tuple(way)), None)
                if whole is None:
                    break
                at, count = at + len(whole), count + 1
            rest = said[at:]
            on = {way[len(rest)] for way in ways if tuple(way[: len(rest)]) == rest}
            on = on if count < most else set()
            if count and (count == length if length else count <= most):
                # What follows a name may begin as the end does.
                on |= {self._stop} if not rest else {END} if rest == (self._stop,) else set()
            return on

        return self._model.readings(sound, WIDTH, allowed)


def _cost_of_digits(words: Words, length: int) -> float:
    if not words or not all(word in ONES[:10] for word in words):
        return OTHER
    return SLIP * min(SLIPS, abs(length - len(words))) if length else 0.0


def _add(fits: dict[Words, float], words: Words, log_prob: float) -> None:
    """Spellings of the same words are one reading: their probabilities add up."""
    fits[words] = float(np.logaddexp(fits.get(words, -np.inf), log_prob))


def _written(words: Words, mark: str) -> str:
    """As the model writes what people say."""
    fixed = [word.capitalize() if word in SAID_BY_WORDS else word for word in words]
    fixed[0] = fixed[0].capitalize()
    digits = len(words) > 1 and all(word in ONES[:10] for word in words)
    return f"{', '.join(fixed)}." if digits else f"{' '.join(fixed)}{mark}"
