"""Gain control before recognition."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from bots.engines.loudness import HOLD_MS, MOST, RATE, WANTED, Loudness
from evals.render import load

Samples = npt.NDArray[np.int16]
PIECE = RATE * 60 // 1000
QUIET = np.random.default_rng(1).normal(0, 4, RATE * 4 // 10).astype(np.int16)


def said(gain: float = 1.0) -> Samples:
    """A line after a moment in which nobody speaks."""
    line = next(each for each in load() if each.id == "where-is-my-order")
    speech = np.frombuffer(line.pcm(), dtype="<i2") * gain
    return np.concatenate((QUIET, speech.astype(np.int16)))


def through(samples: Samples) -> Samples:
    loudness = Loudness()
    pieces = [loudness.hear(samples[at : at + PIECE]) for at in range(0, samples.size, PIECE)]
    return np.concatenate([*pieces, loudness.hear(np.zeros(0, np.int16), last=True)])


def loudness_of(samples: Samples) -> float:
    frames = samples[: samples.size // 160 * 160].reshape(-1, 160).astype(float)
    return float(np.sort(np.sqrt(np.mean(frames**2, axis=1)))[-6])


@pytest.mark.parametrize("gain", [0.2, 0.5, 1.0, 2.0])
def test_who_is_quiet_and_who_is_loud_are_as_loud(gain: float) -> None:
    heard = through(said(gain))
    assert heard.size == said(gain).size
    assert loudness_of(heard) == pytest.approx(WANTED, rel=0.35)


def test_nothing_is_passed_on_before_the_gain_is_known_and_everything_at_the_end() -> None:
    loudness = Loudness()
    samples = said()
    held = RATE * HOLD_MS // 1000 - 1
    assert loudness.hear(samples[:held]).size == 0
    assert loudness.hear(samples[held : held + 1]).size == held + 1
    assert Loudness().hear(samples[:100], last=True).size == 100


def test_the_gain_never_rises_within_an_utterance() -> None:
    loudness, gains = Loudness(), []
    for samples in (said(0.2), said(2.0), said(0.2)):
        loudness.hear(samples)
        gains.append(loudness.gain)
    assert gains == sorted(gains, reverse=True)
    assert gains[0] > gains[1] == gains[2]


def test_a_line_on_which_nobody_speaks_does_not_roar() -> None:
    heard = through(np.tile(QUIET, 4))
    assert np.abs(heard).max() <= MOST * np.abs(QUIET).max()
