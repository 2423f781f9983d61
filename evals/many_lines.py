"""Telephone lines of many kinds, for teaching: another one for each recording.

``evals.line`` is the one bad line that figures are measured on. Here band, tone, noise, loudness
and loss are drawn at random around it and beyond it on both sides, so that nobody learns one line
by heart. There is no jitter: what comes out is as long as what went in, sample for sample.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import soxr
from scipy.signal import butter, lfilter

from channels.media.codecs import FRAME_SAMPLES
from channels.media.conceal import Concealment
from evals.render import RATE as LINE_RATE
from evals.render import compress, expand

RATE = 16000
FRAME_MS = 20
NOISY, BABBLING, FILTERED, TONED, LOSSY = 0.75, 0.2, 0.4, 0.3, 0.5
"""How often: noise at all, of that people who talk; a narrow band; another tone; lost packets."""
SNR_DB = 6.0, 26.0
LOSS, BURST_MS = (0.01, 0.1), (40.0, 160.0)
LEVEL, GAIN_DB = 3000.0, (-12.0, 3.0)
AUDIBLE = 0.02
"""Share of the loudest sample below which nobody speaks."""

Samples = npt.NDArray[np.float64]
Recording = npt.NDArray[np.int16]


def by_some_line(
    wide: Samples, others: Sequence[Recording], chance: np.random.Generator
) -> Samples:
    """Speech at 16 kHz (samples of 16 bits) as some line would bring it, at 16 kHz again.

    ``others`` are recordings at 16 kHz of people who may talk in the background.
    """
    narrow = np.asarray(soxr.resample(wide, RATE, LINE_RATE), dtype=np.float64)
    if chance.random() < FILTERED:
        edges = chance.uniform(80, 300), chance.uniform(3200, 3800)
        narrow = lfilter(*butter(2, edges, "band", fs=LINE_RATE), narrow)
    if chance.random() < TONED:
        narrow = lfilter([1, chance.uniform(-0.5, 0.5)], [1], narrow)
    if chance.random() < NOISY:
        talk = chance.random() < BABBLING
        noise = _talk(narrow.size, others, chance) if talk else _colour(narrow.size, chance)
        loud = narrow[np.abs(narrow) > np.abs(narrow).max(initial=0.0) * AUDIBLE]
        speech = _rms(loud) if loud.size else 1.0
        narrow = narrow + noise * speech * 10 ** (-chance.uniform(*SNR_DB) / 20) / _rms(noise)
    narrow = narrow * LEVEL * 10 ** (chance.uniform(*GAIN_DB) / 20) / (_rms(narrow) + 1)
    coded = expand(compress(np.clip(narrow / 32768, -0.98, 0.98)))
    narrow = np.frombuffer(coded, dtype="<i2").astype(np.float64)
    if chance.random() < LOSSY:
        narrow = _lossy(narrow, chance)
    return np.asarray(soxr.resample(narrow, LINE_RATE, RATE), dtype=np.float64)


def _rms(samples: Samples) -> float:
    return float(np.sqrt(np.mean(samples**2))) + 1e-9


def _colour(size: int, chance: np.random.Generator) -> Samples:
    """From white noise to brown."""
    spectrum = np.fft.rfft(chance.normal(size=size))
    hertz = np.fft.rfftfreq(size, 1 / LINE_RATE)
    return np.fft.irfft(spectrum / np.maximum(hertz, 50.0) ** chance.uniform(0, 1), size)


def _talk(size: int, others: Sequence[Recording], chance: np.random.Generator) -> Samples:
    """One to six people, equally loud."""
    mixed = np.zeros(size)
    for _ in range(chance.integers(1, 7)):
        one = others[int(chance.integers(len(others)))].astype(np.float64)[:: RATE // LINE_RATE]
        again = np.tile(one, size // one.size + 1)
        mixed += np.roll(again, chance.integers(one.size))[:size] / (_rms(one) + 1)
    return mixed


def _lossy(samples: Samples, chance: np.random.Generator) -> Samples:
    """Bursts of lost packets (two states, Gilbert), concealed as calls do it."""
    loss, burst_ms = chance.uniform(*LOSS), chance.uniform(*BURST_MS)
    ends = FRAME_MS / burst_ms
    begins = ends * loss / (1 - loss)
    frames = samples[: samples.size // FRAME_SAMPLES * FRAME_SAMPLES].astype("<i2")
    conceal, heard, bad = Concealment(bytes(2 * FRAME_SAMPLES)), [], False
    for frame in frames.reshape(-1, FRAME_SAMPLES):
        bad = chance.random() >= ends if bad else chance.random() < begins
        heard.append(conceal.missing() if bad else conceal.good(frame.tobytes()))
    whole = np.frombuffer(b"".join(heard), dtype="<i2").astype(np.float64)
    return np.concatenate([whole, samples[whole.size :]])
