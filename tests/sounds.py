"""Sounds of a telephone line that are not words, and what the line does to all of them.

Float samples at 8 kHz, full scale 1. Made by rule, so that nobody's recording is needed.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from channels.media.music import hold_music
from evals.render import compress, expand

RATE = 8000
FRAME_BYTES = 320

Samples = npt.NDArray[np.float64]


def _chance(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def _time(seconds: float) -> Samples:
    return np.arange(round(seconds * RATE)) / RATE


def _resonant(samples: Samples, hertz: float, width: float) -> Samples:
    """Through one resonance, as of a mouth."""
    r = np.exp(-np.pi * width / RATE)
    first, second = 2 * r * np.cos(2 * np.pi * hertz / RATE), -r * r
    out = np.zeros(len(samples) + 2)
    for i, sample in enumerate(samples):
        out[i + 2] = sample + first * out[i + 1] + second * out[i]
    return out[2:]


def noise(level_db: float, seconds: float, seed: int = 1) -> Samples:
    """White noise of this level in dB below full scale."""
    return _chance(seed).normal(size=round(seconds * RATE)) * 10 ** (level_db / 20)


def _repeated(make: Callable[[int], Samples], pause_s: float, count: int) -> Samples:
    pause = np.zeros(round(pause_s * RATE))
    return np.concatenate([part for n in range(count) for part in (make(n), pause)])


def _cough(seed: int) -> Samples:
    """A burst of breath through a throat: quick to come, slow to go."""
    burst = _resonant(_resonant(_chance(seed).normal(size=round(0.35 * RATE)), 700, 300), 1500, 400)
    time = _time(0.35)
    return np.asarray(
        burst / abs(burst).max() * 0.6 * np.minimum(time / 0.005, 1) * np.exp(-time / 0.08),
        np.float64,
    )


def _typed(seed: int) -> Samples:
    time = _time(0.008)
    return _chance(seed).normal(size=len(time)) * 0.3 * np.exp(-time / 0.0025)


def _knock(seed: int) -> Samples:
    time = _time(0.06)
    thud = np.sin(2 * np.pi * 180 * time) * np.exp(-time * 60) * 0.6
    return thud + _chance(seed).normal(size=len(time)) * 0.1 * np.exp(-time * 90)


def _breath(seed: int) -> Samples:
    time = _time(0.8)
    air = _resonant(_chance(seed).normal(size=len(time)), 1200, 1500)
    return np.asarray(air / abs(air).max() * 0.2 * np.sin(np.pi * time / 0.8), np.float64)


def _tone(*hertz: float, seconds: float = 3.0) -> Samples:
    waves = [np.sin(2 * np.pi * one * _time(seconds)) for one in hertz]
    return np.asarray(np.sum(waves, axis=0) * 0.2 / len(hertz), np.float64)


def _hum() -> Samples:
    """50 Hz with its harmonics."""
    return np.asarray(
        np.sum([np.sin(2 * np.pi * 50 * k * _time(3)) / k for k in (1, 2, 3, 5, 7)], axis=0) / 10,
        np.float64,
    )


def _crackle() -> Samples:
    line = np.zeros(3 * RATE)
    line[_chance(1).integers(0, len(line), 180)] = 0.5
    return line


NOISES: dict[str, Samples] = {
    "coughs": _repeated(_cough, 0.15, 5),
    "keyboard": _repeated(_typed, 0.12, 20),
    "knocks": _repeated(_knock, 0.15, 10),
    "breath": _repeated(_breath, 0.3, 3),
    "music": np.frombuffer(hold_music(), "<i2") / 32768,
    "dial tone": _tone(425),
    "key tone": _tone(770, 1336),
    "beeps": _repeated(lambda _: np.sign(_tone(900, seconds=0.4)) * 0.1, 0.2, 5),
    "line noise": noise(-26, 3),
    "hum": _hum(),
    "crackle": _crackle(),
}
"""Each some three seconds long, as loud as speech."""


def of_pcm(pcm: bytes) -> Samples:
    """s16le samples as floats."""
    return np.frombuffer(pcm, "<i2") / 32768


def on_line(
    sound: Samples, *, noise_db: float = -60, before_s: float = 1.0, after_s: float = 1.0
) -> list[bytes]:
    """20 ms frames of s16le as a leg hears them: noise all the time, then G.711 µ-law."""
    line = noise(noise_db, before_s + len(sound) / RATE + after_s, seed=len(sound))
    begin = round(before_s * RATE)
    line[begin : begin + len(sound)] += sound
    pcm = expand(compress(np.clip(line, -0.98, 0.98)))
    return [pcm[i : i + FRAME_BYTES] for i in range(0, len(pcm) - FRAME_BYTES + 1, FRAME_BYTES)]
