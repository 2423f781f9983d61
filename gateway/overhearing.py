"""A live transcript of calls that people handle, for those who help the agent.

1. Off unless ``PARLEY_ASSIST_CALLS`` is set: it costs recognition of both sides of every call.
2. Only what customer and agents say to each other is written: nothing while the customer is on
   hold, waits, or is with a bot, and nothing that is said behind the customer's back.
3. A line is the customer's or the handler's; it says in ``meta`` that it was heard, and how surely.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from typing import Protocol

from bots.overheard import Overheard
from bots.ports import Transcriber, VoiceActivity
from gateway.joining import Call
from router.acts.lifecycle import Lifecycle
from router.errors import ParleyError
from router.model import Author, InteractionState, NewMessage
from router.ports import Store

HEARD = "heard"
"""In a line's ``meta``: how sure the recogniser was of it, 0..1."""

log = logging.getLogger(__name__)


class Ears(Protocol):
    """The speech engines; ``bots.engines.choice.Engines``."""

    @property
    def transcriber(self) -> Transcriber:
        """What hears."""
        ...

    @property
    def activity(self) -> VoiceActivity | None:
        """What tells voices from other sounds, where there is something."""
        ...


def overhear(store: Store, lifecycle: Lifecycle, ears: Ears, *, on: bool) -> Overhearing | None:
    """What follows the calls of this process; None where that is not wanted (rule 1)."""
    return Overhearing(store, lifecycle, ears.transcriber, ears.activity) if on else None


class Overhearing:
    """Follows the calls of one voice process."""

    def __init__(
        self,
        store: Store,
        lifecycle: Lifecycle,
        transcriber: Transcriber,
        activity: VoiceActivity | None,
    ) -> None:
        self._store = store
        self._lifecycle = lifecycle
        self._transcriber = transcriber
        self._activity = activity
        self._ending: set[asyncio.Task[None]] = set()

    def follow(self, call: Call, language: str) -> None:
        """Listen to a call until it is over."""
        call.leg.add_tap(_Ear(call, self._side, self._over, language))

    async def stop(self) -> None:
        """Wait for what is being written."""
        await asyncio.gather(*self._ending, return_exceptions=True)

    def _side(self, call: Call, author: Author, language: str) -> Overheard:
        side: Overheard | None = None

        async def said(text: str, confidence: float) -> None:
            spoken_in = await self._write(call.interaction_id, author, text, confidence)
            if side is not None and spoken_in:
                side.language = spoken_in

        rate = call.leg.sample_rate
        side = Overheard(self._transcriber, self._activity, rate, said, language)
        return side

    async def _write(
        self, interaction_id: str, author: Author, text: str, confidence: float
    ) -> str | None:
        """Add the line while a person handles the call; the language it is in."""
        async with self._store.reading() as tx:
            item = await tx.interactions.get(interaction_id)
        if item.state not in (InteractionState.AGENT, InteractionState.WRAP_UP):
            return None
        agent_id = item.agent_id or "" if author is Author.AGENT else ""
        line = NewMessage(author, text, agent_id, meta={HEARD: round(confidence, 2)})
        with contextlib.suppress(ParleyError):
            await self._lifecycle.add_message(interaction_id, line)
        return item.language

    def _over(self, sides: tuple[Overheard, ...]) -> None:
        for side in sides:
            task = asyncio.create_task(side.stop(), name="overheard-ends")
            self._ending.add(task)
            task.add_done_callback(self._ending.discard)


class _Ear:
    """On the customer's leg: what it hears is the customer, what is sent to it are the people."""

    def __init__(
        self,
        call: Call,
        side: Callable[[Call, Author, str], Overheard],
        over: Callable[[tuple[Overheard, ...]], None],
        language: str,
    ) -> None:
        self._call = call
        self._make = side
        self._over = over
        self._language = language
        self._sides: tuple[Overheard, ...] = ()

    def frame(self, heard: bytes, sent: bytes) -> None:
        """20 ms of both directions."""
        if not self._call.line.customer_hears_people:
            for side in self._sides:
                side.pause()
            return
        if not self._sides:
            self._sides = (
                self._make(self._call, Author.CUSTOMER, self._language),
                self._make(self._call, Author.AGENT, self._language),
            )
        customer, people = self._sides
        customer.hear(heard, sent)
        people.hear(sent)

    def closed(self) -> None:
        """The call is over."""
        self._over(self._sides)
        self._sides = ()
