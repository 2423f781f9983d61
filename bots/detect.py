"""Is the caller speaking? An energy gate that follows the line and our own sound.

1. Loudness of a 20 ms frame in dB below full scale, without its mean.
2. The floor is the line's noise: it falls at once with quieter frames and rises slowly,
   so that speech does not lift it but a new steady noise does within seconds.
3. Speech opens the gate ``OPEN_DB`` above the floor and holds it ``HOLD_DB`` above it.
4. While we play, the gate is at least our own level minus ``ECHO_LOSS_DB``, for as long
   as an echo may take, so that the bot does not hear itself (telephony.md, A turn).

Pure and cheap: a few microseconds of numpy per frame, inline, no thread.
"""

from __future__ import annotations

import math
from collections import deque

import numpy as np

FRAME_MS = 20
QUIETEST_DB = -75.0
FLOOR_START_DB = -55.0
FLOOR_MIN_DB = -62.0
FLOOR_MAX_DB = -30.0
RISE_DB_PER_S = 2.0
OPEN_DB = 12.0
HOLD_DB = 8.0
ECHO_LOSS_DB = 16.0
"""The least that a telephone line weakens our own sound before it comes back."""
ECHO_MS = 240


def level_db(pcm: bytes) -> float:
    """RMS of s16le samples in dB below full scale, ``QUIETEST_DB`` at the least."""
    samples = np.frombuffer(pcm[: len(pcm) & ~1], dtype="<i2").astype(np.float32)
    if not samples.size:
        return QUIETEST_DB
    power = float(samples.var()) / 32768.0**2
    return max(QUIETEST_DB, 10 * math.log10(power)) if power > 0 else QUIETEST_DB


def levels_db(pcm: bytes, sample_rate: int) -> list[float]:
    """The level of each 20 ms of a longer piece of s16le audio."""
    size = sample_rate * FRAME_MS // 1000
    samples = np.frombuffer(pcm[: len(pcm) & ~1], dtype="<i2").astype(np.float32)
    samples = np.pad(samples, (0, -len(samples) % size)).reshape(-1, size)
    power = samples.var(axis=1) / 32768.0**2
    levels: list[float] = (10 * np.log10(np.maximum(power, 10 ** (QUIETEST_DB / 10)))).tolist()
    return levels


class SpeechDetector:
    """One call's gate."""

    def __init__(self) -> None:
        self.floor_db = FLOOR_START_DB
        self.open = False
        self._ours = deque([QUIETEST_DB] * (ECHO_MS // FRAME_MS), maxlen=ECHO_MS // FRAME_MS)

    def frame(self, pcm: bytes, ours_db: float = QUIETEST_DB) -> bool:
        """Whether this frame of the caller is speech. ``ours_db`` is what we play now."""
        self._ours.append(ours_db)
        level = level_db(pcm)
        echo = max(self._ours) - ECHO_LOSS_DB
        margin = HOLD_DB if self.open else OPEN_DB
        self.open = level > max(self.floor_db + margin, echo)
        self._follow(level)
        return self.open

    def _follow(self, level: float) -> None:
        if level < self.floor_db:
            self.floor_db += (level - self.floor_db) * 0.5
        else:
            self.floor_db += RISE_DB_PER_S * FRAME_MS / 1000
        self.floor_db = min(FLOOR_MAX_DB, max(FLOOR_MIN_DB, self.floor_db))
