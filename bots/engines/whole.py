"""A recognition that keeps the caller's audio and hears it as a whole when the turn ends.

For engines that take nothing before: audio APIs, which take whole files.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from bots.ports import Hypothesis, Partial

RATE = 16000
SHORTEST_S = 0.1
"""Less than this has no words."""

Hear = Callable[[bytes], Awaitable[Hypothesis]]
"""Gets s16le at ``RATE``. Raises ``RecognitionFailed``."""


class WholeUtterance:
    """One utterance, kept until it ends. Implements ``bots.ports.Recognition``."""

    def __init__(self, hear: Hear) -> None:
        self._hear = hear
        self._pieces: list[bytes] = []
        self._cancelled = False
        self._hearing: asyncio.Future[Hypothesis] | None = None

    def feed(self, pcm: bytes) -> None:
        """s16le at 16 kHz."""
        if not self._cancelled:
            self._pieces.append(pcm)

    def partial(self) -> Partial:
        """Always empty."""
        return Partial()

    async def finish(self) -> Hypothesis:
        """The final text; empty after ``cancel``. Raises ``RecognitionFailed``."""
        pcm = b"".join(self._pieces)
        self._pieces.clear()
        if self._cancelled or len(pcm) < 2 * RATE * SHORTEST_S:
            return Hypothesis("", 0.0)
        self._hearing = asyncio.ensure_future(self._hear(pcm))
        try:
            return await self._hearing
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if not self._cancelled or (task is not None and task.cancelling()):
                raise
            return Hypothesis("", 0.0)

    def cancel(self) -> None:
        """Drop the audio, and the engine's work if it has begun. Safe to call twice."""
        self._cancelled = True
        self._pieces.clear()
        if self._hearing is not None:
            self._hearing.cancel()
