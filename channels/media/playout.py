"""What waits to be played on a leg, and how much of it has really gone out.

1. Pieces queue one behind the other without a gap, whatever their length.
2. ``take`` is called once per frame that goes on the wire; only that counts as played.
3. ``flush`` ends everything that waits as cleared; what went out stays counted.
4. A closed leg clears what is left, so that nobody waits for ever.
"""

from __future__ import annotations

import asyncio
from collections import deque

BYTES_PER_SAMPLE = 2


class Playback:
    """A piece of audio on its way to the far end."""

    __slots__ = ("_bytes_per_ms", "_cleared", "_finished", "_pcm", "_position")

    def __init__(self, pcm: bytes, sample_rate: int) -> None:
        self._pcm = pcm
        self._bytes_per_ms = sample_rate * BYTES_PER_SAMPLE / 1000
        self._position = 0
        self._cleared = False
        self._finished = asyncio.Event()

    @property
    def total_ms(self) -> int:
        """Its whole length."""
        return round(len(self._pcm) / self._bytes_per_ms)

    @property
    def played_ms(self) -> int:
        """How much has gone out on the wire so far."""
        return round(self._position / self._bytes_per_ms)

    @property
    def cleared(self) -> bool:
        """True when it was flushed before its end."""
        return self._cleared

    async def done(self) -> None:
        """Return when it was played to its end, cleared, or the leg is over."""
        await self._finished.wait()

    def take(self, size: int) -> bytes:
        """The next ``size`` bytes at most, counted as played."""
        piece = self._pcm[self._position : self._position + size]
        self._position += len(piece)
        if self._position >= len(self._pcm):
            self._finished.set()
        return piece

    def clear(self) -> None:
        """End it where it is. Does nothing when it was played to its end."""
        if not self._finished.is_set():
            self._cleared = True
            self._finished.set()

    @property
    def finished(self) -> bool:
        """Played to its end or cleared."""
        return self._finished.is_set()


class Playout:
    """The queue of one leg; frames are ``frame_bytes`` long."""

    def __init__(self, sample_rate: int, frame_bytes: int) -> None:
        self._sample_rate = sample_rate
        self._frame_bytes = frame_bytes
        self._queue: deque[Playback] = deque()
        self._closed = False

    def __bool__(self) -> bool:
        return bool(self._queue)

    def add(self, pcm: bytes) -> Playback:
        """Queue PCM s16le; an odd last byte is dropped. Nothing to play is done at once."""
        playback = Playback(pcm[: len(pcm) & ~1], self._sample_rate)
        if self._closed:
            playback.clear()
        elif playback.total_ms == 0 and len(pcm) < BYTES_PER_SAMPLE:
            playback.take(0)
        else:
            self._queue.append(playback)
        return playback

    def take(self) -> bytes | None:
        """One frame for the wire, filled up with silence at the end; None when idle."""
        queue = self._queue
        if not queue:
            return None
        frame = queue[0].take(self._frame_bytes)
        if queue[0].finished:
            queue.popleft()
            while queue and len(frame) < self._frame_bytes:
                frame += queue[0].take(self._frame_bytes - len(frame))
                if queue[0].finished:
                    queue.popleft()
            frame = frame.ljust(self._frame_bytes, b"\0")
        return frame

    def flush(self) -> None:
        """Clear everything that waits."""
        for playback in self._queue:
            playback.clear()
        self._queue.clear()

    def close(self) -> None:
        """Clear, and clear at once whatever is added later."""
        self._closed = True
        self.flush()
