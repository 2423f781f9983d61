"""Reading that gathers: what is asked for while one round runs is read in the next.

Rounds follow each other, so that an older reading never overtakes a newer one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection

Read = Callable[[Collection[str], Collection[str]], Awaitable[None]]

MOST = 500
"""Interactions in one round."""


class Rounds:
    """``read`` gets the interactions and the agents of a round."""

    def __init__(self, read: Read) -> None:
        self._read = read
        self._interactions: dict[str, None] = {}
        self._agents: dict[str, None] = {}
        self._next: asyncio.Future[None] | None = None
        self._running: asyncio.Task[None] | None = None

    async def ask(self, interactions: Collection[str], agents: Collection[str] = ()) -> None:
        """Return once they have been read. Raises what reading raised."""
        self._interactions.update(dict.fromkeys(interactions))
        self._agents.update(dict.fromkeys(agents))
        if self._next is None:
            self._next = asyncio.get_running_loop().create_future()
            # Also when everybody who asked has gone meanwhile.
            self._next.add_done_callback(_look_at)
        if self._running is None:
            self._running = asyncio.create_task(self._run(), name="rounds")
        await asyncio.shield(self._next)

    async def stop(self) -> None:
        """Let nobody wait any more."""
        if self._running is not None:
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)
        if self._next is not None:
            self._next.cancel()

    async def _run(self) -> None:
        try:
            while self._next is not None:
                round_, self._next = self._next, None
                interactions, self._interactions = tuple(self._interactions), {}
                agents, self._agents = tuple(self._agents), {}
                try:
                    await self._read_all(interactions, agents)
                except Exception as error:
                    round_.set_exception(error)
                except BaseException:
                    round_.cancel()
                    raise
                else:
                    round_.set_result(None)
        finally:
            self._running = None

    async def _read_all(self, interactions: tuple[str, ...], agents: tuple[str, ...]) -> None:
        await self._read(interactions[:MOST], agents)
        for start in range(MOST, len(interactions), MOST):
            await self._read(interactions[start : start + MOST], ())


def _look_at(round_: asyncio.Future[None]) -> None:
    if not round_.cancelled():
        round_.exception()
