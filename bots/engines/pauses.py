"""Where a caller pauses, for engines that look at what was said so far. Pure."""

from __future__ import annotations

import numpy as np

QUIET_DB = 25.0
"""A pause is so much below the loudest of the utterance."""


class Pause:
    """The pause at the end of an utterance that still goes on: ``bytes`` of s16le."""

    def __init__(self) -> None:
        self.bytes = 0
        self._loudest = 0.0

    def hear(self, pcm: bytes) -> None:
        """Some audio, which is no longer than the pauses looked for."""
        samples = np.frombuffer(pcm[: len(pcm) & ~1], dtype="<i2").astype(np.float32)
        power = float(np.mean(samples**2)) if samples.size else 0.0
        self._loudest = max(self._loudest, power)
        quiet = power < self._loudest / 10 ** (QUIET_DB / 10)
        self.bytes = self.bytes + len(pcm) if quiet else 0
