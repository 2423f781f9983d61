"""A caller with recorded lines: listens until it is quiet, speaks, presses keys, measures.

Works on any ``bots.ports.AudioLeg`` at 8 kHz; nothing is simulated by sleeping:
speech is over when the leg says that it was played.
"""

from __future__ import annotations

import array
import asyncio
import contextlib
from dataclasses import dataclass

from bots.ports import FRAME_MS, AudioLeg

LOUD = 300.0
"""Mean absolute sample (of 32767) from which a frame counts as sound; G.711's own
idle noise and comfort noise stay below."""
QUIET_MS = 1000
"""So much silence after speech and the other side waits for us; pauses between
sentences are shorter."""
LISTEN_S = 30.0


@dataclass(frozen=True, slots=True)
class Heard:
    """What one listening brought. ``first_at`` is loop time of the first sound.

    ``quiet`` is False when the far end was still talking (or playing music) at the limit.
    """

    sound_ms: int
    first_at: float | None
    quiet: bool
    pcm: bytes = b""


class Caller:
    """The human end of a call."""

    def __init__(self, leg: AudioLeg) -> None:
        self._leg = leg
        self._loop = asyncio.get_running_loop()
        self._changed = asyncio.Event()
        self._sound_ms = 0
        self._quiet_ms = 0
        self._first_at: float | None = None
        self._pcm = bytearray()
        self.spoke_until = self._loop.time()
        self.cause: int | None = None
        leg.listen(self)

    @property
    def over(self) -> bool:
        """Whether the call has ended."""
        return self._leg.closed.is_set()

    # bots.ports.LegListener

    def heard(self, pcm: bytes) -> None:
        """Count sound and silence, 20 ms at a time."""
        if loudness(pcm) >= LOUD:
            self._sound_ms += FRAME_MS
            self._quiet_ms = 0
            if self._first_at is None:
                self._first_at = self._loop.time()
        else:
            self._quiet_ms += FRAME_MS
        if self._first_at is not None:
            self._pcm += pcm
        self._changed.set()

    def pressed(self, digit: str) -> None:
        """The far end's keys mean nothing here."""

    def hung_up(self, cause: int) -> None:
        """The far end has left."""
        self.cause = cause
        self._changed.set()

    async def say(self, pcm: bytes) -> None:
        """Speak to the end; what is heard from then on answers it."""
        playback = self._leg.play(pcm)
        await playback.done()
        self.begin()

    def press(self, digits: str) -> None:
        """Press keys."""
        self._leg.press(digits)
        self.begin()

    async def listen(self, limit_s: float = LISTEN_S, quiet_ms: int = QUIET_MS) -> Heard:
        """Listen until the far end has spoken and is quiet, hung up, or ``limit_s`` is over."""
        quiet = False
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(limit_s):
                while not (quiet or self.over or self.cause is not None):
                    self._changed.clear()
                    await self._changed.wait()
                    quiet = self._first_at is not None and self._quiet_ms >= quiet_ms
        return Heard(self._sound_ms, self._first_at, quiet, bytes(self._pcm))

    async def wait(self, seconds: float) -> None:
        """Stay on the line for so long, or until the far end hangs up."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._leg.closed.wait()

    async def hang_up(self) -> None:
        """Leave. Safe to call twice."""
        await self._leg.hang_up()

    def begin(self) -> None:
        """Forget what was heard: from now on it counts as the answer."""
        self.spoke_until = self._loop.time()
        self._sound_ms = self._quiet_ms = 0
        self._first_at = None
        self._pcm.clear()


def loudness(pcm: bytes) -> float:
    """Mean absolute value of s16le samples; 0 for none."""
    samples = array.array("h", pcm)
    return sum(map(abs, samples)) / len(samples) if samples else 0.0
