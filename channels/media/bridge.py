"""Two legs joined, with hold; sample rates may differ.

What one leg hears becomes the other's source. At most ``MOST_WAITING`` frames wait
between them: the two sides tick on the same clock, so more would only be delay.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final

import numpy as np
import soxr

from channels.media.leg import Leg
from channels.media.music import MusicLoop

MOST_WAITING: Final = 3  # frames
RESAMPLER_QUALITY: Final = "QQ"  # lowest delay; the telephone's 8 kHz hide the difference


class Resampler:
    """PCM s16le from one rate to another, in a stream."""

    def __init__(self, rate_in: int, rate_out: int) -> None:
        self._stream = soxr.ResampleStream(
            rate_in, rate_out, 1, dtype="int16", quality=RESAMPLER_QUALITY
        )

    def feed(self, pcm: bytes) -> bytes:
        """What is ready; the filter may hold a few samples back."""
        samples = self._stream.resample_chunk(np.frombuffer(pcm, np.int16))
        return bytes(samples.astype(np.int16, copy=False).tobytes())


class _Way:
    """One direction: a leg's listener on one side, the other's source on the other."""

    def __init__(self, ear: Leg, mouth: Leg, ended: Callable[[Leg, int], None]) -> None:
        self._ear, self._mouth, self._ended = ear, mouth, ended
        self._frames: deque[bytes] = deque(maxlen=MOST_WAITING)
        self._rest = b""
        self._resampler: Resampler | None = None
        self._same_rate = ear.sample_rate == mouth.sample_rate
        if not self._same_rate:
            self._resampler = Resampler(ear.sample_rate, mouth.sample_rate)
        self.music: MusicLoop | None = None
        self.muted = False

    def heard(self, pcm: bytes) -> None:
        if self._same_rate:
            self._frames.append(pcm)
            return
        if self._resampler is None:
            return
        self._rest += self._resampler.feed(pcm)
        size = self._mouth.frame_bytes
        while len(self._rest) >= size:
            self._frames.append(self._rest[:size])
            self._rest = self._rest[size:]

    def close(self) -> None:
        """Give back what the resampler holds."""
        self._resampler = None
        self._frames.clear()

    def pressed(self, digit: str) -> None:
        self._mouth.press(digit)

    def hung_up(self, cause: int) -> None:
        self._ended(self._ear, cause)

    def frame(self) -> bytes | None:
        """What the mouth says now."""
        if self.music is not None:
            self._frames.clear()
            return self.music.frame()
        if self.muted:
            self._frames.clear()
        return self._frames.popleft() if self._frames else None


class Bridge:
    """Two legs that hear each other until one hangs up or ``stop`` is called."""

    def __init__(self, leg_a: Leg, leg_b: Leg) -> None:
        self.legs: Final = (leg_a, leg_b)
        self.ended = asyncio.Event()
        self.hung_up_by: Leg | None = None
        self._to_b = _Way(leg_a, leg_b, self._leg_ended)
        self._to_a = _Way(leg_b, leg_a, self._leg_ended)

    def start(self) -> None:
        """Join them; whoever listened to the legs before hears nothing more."""
        leg_a, leg_b = self.legs
        leg_a.listen(self._to_b)
        leg_b.listen(self._to_a)
        leg_a.source, leg_b.source = self._to_a.frame, self._to_b.frame
        for leg in self.legs:
            if leg.closed.is_set():
                self._leg_ended(leg, leg.cause)

    def hold(self, leg: Leg) -> None:
        """Let ``leg`` hear music and nobody hear ``leg``."""
        towards, away = self._ways(leg)
        towards.music = MusicLoop(leg.sample_rate)
        away.muted = True

    def resume(self, leg: Leg) -> None:
        """Undo ``hold``."""
        towards, away = self._ways(leg)
        towards.music = None
        away.muted = False

    def mute(self, leg: Leg, muted: bool) -> None:
        """Let nobody hear ``leg``, without music."""
        self._ways(leg)[1].muted = muted

    def stop(self) -> None:
        """Part the legs; both live on in silence. Safe to call twice."""
        if self.ended.is_set():
            return
        self.ended.set()
        self._to_a.close()
        self._to_b.close()
        for leg in self.legs:
            if not leg.closed.is_set():
                leg.listen(None)
                leg.source = None

    async def wait(self) -> Leg | None:
        """Return when it is over: the leg that hung up, or None after ``stop``."""
        await self.ended.wait()
        return self.hung_up_by

    def _ways(self, leg: Leg) -> tuple[_Way, _Way]:
        """The direction towards ``leg`` and the one away from it."""
        if leg is self.legs[0]:
            return self._to_a, self._to_b
        return self._to_b, self._to_a

    def _leg_ended(self, leg: Leg, _cause: int) -> None:
        if not self.ended.is_set():
            self.hung_up_by = leg
            self.stop()
