"""Is what comes in a copy of what we play? Our own echo, found by correlation.

1. An echo is our sound, weaker, up to ``LATEST_MS`` late, changed by G.711 and a telephone
   line. A stretch of the line is compared with all that we played just before, at every
   delay (cross-correlation by FFT).
2. A stretch is our echo when the best copy explains ``SHARE`` of its power. A caller who
   speaks over an echo is louder than it, so a copy explains less.

Pure. Half a millisecond of numpy a time; asked only while there is a sound on the line
and we play, or have just played.
"""

from __future__ import annotations

from collections import deque

import numpy as np
import numpy.typing as npt

RATE = 8000
FRAME_MS = 20
STRETCH_MS = 160
"""So much of the line is compared: less of it resembles anything."""
LATEST_MS = 320
"""The longest delay looked for: a line's (200 ms) and that of two jitter buffers."""
SHARE = 0.8
"""Echoes with delays of 20 to 200 ms, 10 to 20 dB weaker, were explained by 0.9 and more;
another voice by 0.78 at most."""
FAINT = 1e-3
"""Of the power of our loudest stretch; a fainter one explains nothing, however well it fits."""

Samples = npt.NDArray[np.float32]


class EchoFinder:
    """Remembers what was heard and played on one call."""

    def __init__(self, sample_rate: int = RATE) -> None:
        self._step = max(1, sample_rate // RATE)
        self._line: deque[bytes] = deque(maxlen=STRETCH_MS // FRAME_MS)
        self._ours: deque[bytes] = deque(maxlen=(STRETCH_MS + LATEST_MS) // FRAME_MS)

    def note(self, line: bytes, ours: bytes) -> None:
        """20 ms in each direction, s16le; nothing in ``ours`` for silence."""
        self._line.append(line)
        self._ours.append(ours[-len(line) :].rjust(len(line), b"\0"))

    def is_echo(self) -> bool:
        """Whether the last stretch of the line is our own sound come back (rule 2)."""
        return self.share() >= SHARE

    def share(self) -> float:
        """How much of the line's power in the last stretch a copy of ours explains, 0..1."""
        line, ours = self._samples(self._line), self._samples(self._ours)
        power = float(line @ line)
        if power == 0 or not ours.any():
            return 0.0
        size = len(ours) + len(line)
        spectrum = np.fft.rfft(ours, size) * np.conj(np.fft.rfft(line, size))
        products = np.fft.irfft(spectrum, size)[: len(ours) - len(line) + 1]
        sums = np.concatenate([[0.0], np.cumsum(ours.astype(np.float64) ** 2)])
        powers = sums[len(line) :] - sums[: -len(line)]
        loud = powers > powers.max() * FAINT
        return min(1.0, float((products[loud] ** 2 / powers[loud]).max()) / power)

    def _samples(self, frames: deque[bytes]) -> Samples:
        """At 8 kHz, as a telephone line has them; each the mean of its neighbours."""
        pcm = b"".join(frames)
        samples = np.frombuffer(pcm[: len(pcm) & ~1], dtype="<i2").astype(np.float32)
        whole = len(samples) // self._step * self._step
        narrow: Samples = samples[:whole].reshape(-1, self._step).mean(axis=1)
        return narrow
