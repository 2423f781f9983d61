"""Gain control before recognition: callers are as loud as the acoustic model expects.

The model hears loudness, and callers differ by 20 dB. The first ``HOLD_MS`` of an utterance are
kept until the loudest of them tell the gain, which from then on only falls. Pure; no clock.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

RATE = 8000
FRAME = RATE // 50
HOLD_MS = 760
"""What a call keeps from before speech was noticed (0.4 s), and some speech."""
LOUDEST = 6
"""The loudness of speech is that of its sixth loudest frame of 20 ms."""
WANTED = 5700.0
"""RMS of the samples of that frame."""
MOST, LEAST = 6.0, 0.25
"""Gains: a line on which nobody speaks must not roar."""

Samples = npt.NDArray[np.int16]


class Loudness:
    """One utterance, 8 kHz."""

    def __init__(self) -> None:
        self._held: list[Samples] = []
        self._frames = np.zeros(0)
        self._rest = np.zeros(0, np.int16)
        self._waiting = RATE * HOLD_MS // 1000
        self.gain = MOST

    def hear(self, samples: Samples, *, last: bool = False) -> Samples:
        """The samples of which the gain is known by now; with ``last`` all that are left."""
        self._measure(samples)
        if self._waiting > 0:
            self._held.append(samples)
            self._waiting -= samples.size
            if self._waiting > 0 and not last:
                return np.zeros(0, np.int16)
            samples = np.concatenate(self._held)
            self._waiting = 0
            self._held.clear()
        louder = np.clip(np.round(samples * self.gain), -32768, 32767)
        return louder.astype(np.int16)

    def _measure(self, samples: Samples) -> None:
        whole = np.concatenate((self._rest, samples))
        count = whole.size // FRAME
        self._rest = whole[count * FRAME :]
        frames = whole[: count * FRAME].reshape(count, FRAME).astype(np.float64)
        levels = np.concatenate((self._frames, np.sqrt(np.mean(frames**2, axis=1))))
        self._frames = np.sort(levels)[-LOUDEST:]
        if self._frames.size == LOUDEST:
            wanted = WANTED / max(float(self._frames[0]), 1.0)
            self.gain = min(self.gain, max(LEAST, min(MOST, wanted)))
