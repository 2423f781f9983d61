"""What to play instead of a lost frame: the last one, fading out over 80 ms."""

from __future__ import annotations

from typing import Final

import numpy as np

FADE: Final = (0.8, 0.5, 0.25, 0.1)  # gain of the n-th frame in a row that is missing


class Concealment:
    """Remembers the last good frame of one stream (PCM s16le)."""

    def __init__(self, silence: bytes) -> None:
        self._silence = silence
        self._last = silence
        self._missing = len(FADE)

    def good(self, pcm: bytes) -> bytes:
        """Remember a frame and give it back."""
        self._last, self._missing = pcm, 0
        return pcm

    def missing(self) -> bytes:
        """A frame for the one that did not come."""
        if self._missing >= len(FADE):
            return self._silence
        gain = FADE[self._missing]
        self._missing += 1
        samples = np.frombuffer(self._last, np.int16) * gain
        return samples.astype(np.int16).tobytes()
