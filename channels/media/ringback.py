"""The tone by which a caller hears that it rings elsewhere: 425 Hz, one second in five.

As most of Europe has it (ITU-T E.180, supplement 2).
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import numpy as np

HERTZ: Final = 425.0
TONE_S: Final = 1.0
PERIOD_S: Final = 5.0
LEVEL: Final = 0.1  # of full scale
EDGE_S: Final = 0.01  # faded in and out: a tone that is cut clicks


@lru_cache(maxsize=4)
def ring_back(sample_rate: int = 8000) -> bytes:
    """One period as PCM s16le mono."""
    time = np.arange(round(TONE_S * sample_rate)) / sample_rate
    edges = np.minimum(np.minimum(time, TONE_S - time) / EDGE_S, 1.0)
    tone = np.sin(2 * np.pi * HERTZ * time) * edges * LEVEL * 32767
    pause = np.zeros(round((PERIOD_S - TONE_S) * sample_rate))
    return np.concatenate([tone, pause]).astype(np.int16).tobytes()


class RingBack:
    """Gives the tone frame by frame, period after period."""

    def __init__(self, sample_rate: int) -> None:
        self._pcm = ring_back(sample_rate)
        self._frame_bytes = sample_rate // 50 * 2
        self._position = 0

    def frame(self) -> bytes:
        """The next 20 ms."""
        start = self._position
        self._position = (start + self._frame_bytes) % len(self._pcm)
        return self._pcm[start : start + self._frame_bytes]
