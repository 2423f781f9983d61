"""Hold music made by our own code: four soft chords that loop without a click.

The tune is ours: a slow turn through C, A minor, F and G with a plucked upper voice.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

CHORD_S: Final = 2.4
LEVEL: Final = 0.16  # of full scale: pleasant behind a G.711 earpiece
_A4 = 440.0
# Semitones from A4: bass, two inner voices, then the six notes of the upper voice.
_CHORDS: Final = (
    ((-21, -9, -5), (3, 7, 10, 7, 12, 10)),
    ((-24, -9, -5), (0, 3, 7, 3, 12, 7)),
    ((-16, -12, -4), (0, 3, 8, 3, 12, 8)),
    ((-14, -10, -7), (2, 5, 10, 5, 14, 10)),
)


def _hertz(semitone: int) -> float:
    return float(_A4 * 2 ** (semitone / 12))


def _pad(semitones: tuple[int, ...], time: NDArray[np.float64]) -> NDArray[np.float64]:
    """Held voices that swell and fade, zero at both ends so that chords join."""
    swell = np.sin(np.pi * time / CHORD_S) ** 0.6
    voices = sum(np.sin(2 * np.pi * _hertz(s) * time) for s in semitones)
    return np.asarray(voices * swell / len(semitones), np.float64)


def _plucks(semitones: tuple[int, ...], time: NDArray[np.float64]) -> NDArray[np.float64]:
    """The upper voice: short notes in equal steps, each gone before the next."""
    step = CHORD_S / len(semitones)
    index = np.minimum((time / step).astype(int), len(semitones) - 1)
    within = time - index * step
    hertz = np.array([_hertz(s) for s in semitones])[index]
    envelope = np.minimum(within / 0.01, 1.0) * np.exp(-within * 9)
    return np.asarray(np.sin(2 * np.pi * hertz * within) * envelope, np.float64)


@lru_cache(maxsize=4)
def hold_music(sample_rate: int = 8000) -> bytes:
    """One loop of about 9.6 s as PCM s16le mono; whole 20 ms frames."""
    time = np.arange(round(CHORD_S * sample_rate)) / sample_rate
    chords = [0.7 * _pad(held, time) + 0.5 * _plucks(upper, time) for held, upper in _CHORDS]
    loop = np.concatenate(chords) * LEVEL * 32767
    frame = sample_rate // 50
    return loop[: len(loop) // frame * frame].astype(np.int16).tobytes()


class MusicLoop:
    """Gives the music frame by frame, round and round."""

    def __init__(self, sample_rate: int) -> None:
        self._pcm = hold_music(sample_rate)
        self._frame_bytes = sample_rate // 50 * 2
        self._position = 0

    def frame(self) -> bytes:
        """The next 20 ms."""
        start = self._position
        self._position = (start + self._frame_bytes) % len(self._pcm)
        return self._pcm[start : start + self._frame_bytes]
