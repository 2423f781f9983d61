"""An answer that is said while the rest of it is still being written.

1. Each sentence is checked by who tells it before it comes here; one that fails never comes.
2. What was told is the beginning of the answer's first saying, word for word.
3. Who interrupts, or has gone, has had enough: nothing more is written.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from bots.conversation import Turn


class Early:
    """Sentences as they come; implements ``bots.ports.EarlyListener``."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self.enough = asyncio.Event()
        self._told: asyncio.Queue[str] = asyncio.Queue()

    def tell(self, sentence: str) -> None:
        """The next sentence of the answer may be said."""
        self._told.put_nowait(sentence)
        self.begun.set()

    async def next(self, answer: asyncio.Future[Any], left: asyncio.Event) -> str:
        """The next sentence; empty once the whole answer is there, or the caller has ``left``."""
        getting = asyncio.create_task(self._told.get(), name="early")
        leaving = asyncio.create_task(left.wait(), name="left")
        try:
            await asyncio.wait({getting, leaving, answer}, return_when=asyncio.FIRST_COMPLETED)
            return "" if answer.done() or left.is_set() else getting.result()
        finally:
            getting.cancel()
            leaving.cancel()


@dataclass(frozen=True, slots=True)
class Led:
    """How far an answer was said before it was whole.

    ``said`` are the sentences heard to their end, ``words`` all that was heard;
    ``first_audio_at`` is on the call's clock.
    """

    said: tuple[str, ...] = ()
    words: str = ""
    first_audio_at: float | None = None

    def rest_of(self, turn: Turn) -> Turn:
        """The turn as it is still to be said."""
        if not self.said or not turn.replies:
            return turn
        first, *others = turn.replies
        return replace(turn, replies=(replace(first, spoken=self._behind(first.spoken)), *others))

    def heard_of(self, turn: Turn, said: Sequence[str]) -> tuple[str, ...]:
        """What was heard of the whole turn, ``said`` being what was heard of the rest."""
        if not self.words or not turn.replies:
            return tuple(said)
        whole = turn.replies[0].spoken
        rest, heard = self._behind(whole), said[0]
        if self.said and heard == rest:
            return (whole, *said[1:])
        return (" ".join(part for part in (self.words, heard) if part), *said[1:])

    def _behind(self, spoken: str) -> str:
        for sentence in self.said:
            if not spoken.startswith(sentence):
                break
            spoken = spoken[len(sentence) :].lstrip()
        return spoken


NOT_LED = Led()
