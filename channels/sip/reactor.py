"""The thread that runs sippy's event loop, one per process.

sippy's dispatcher is a process-wide singleton that belongs to the thread which imports
it: so it is imported inside the thread, once, and the thread lives as long as the
process. Phones come and go on it. This is the one place with process-wide state, and
it is there because the library has it.
"""

from __future__ import annotations

import asyncio
import importlib
import logging
import threading
from collections.abc import Callable
from typing import Any, Final, TypeVar

T = TypeVar("T")

START_S: Final = 10.0

_log = logging.getLogger(__name__)
_lock = threading.Lock()
_running: Reactor | None = None


class Reactor:
    """Runs work on sippy's thread."""

    def __init__(self) -> None:
        self._ready = threading.Event()
        self._dispatcher: Any = None
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="sip", daemon=True)

    def start(self) -> None:
        """Start the thread and wait until sippy is loaded."""
        self._thread.start()
        if not self._ready.wait(START_S) or self._failure is not None:
            raise RuntimeError("sippy did not start") from self._failure

    def call(self, work: Callable[..., object], *args: object) -> None:
        """Run ``work`` there some time soon; what it raises is logged."""
        self._dispatcher.callFromThread(self._guard, work, args)

    async def ask(self, work: Callable[[], T]) -> T:
        """Run ``work`` there and give back what it returns or raises."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[T] = loop.create_future()

        def settle(result: T | None, error: BaseException | None) -> None:
            if answer.cancelled():
                return
            if error is not None:
                answer.set_exception(error)
            else:
                answer.set_result(result)  # type: ignore[arg-type]

        def run() -> None:
            try:
                result = work()
            except Exception as error:
                loop.call_soon_threadsafe(settle, None, error)
            else:
                loop.call_soon_threadsafe(settle, result, None)

        self.call(run)
        return await answer

    def _run(self) -> None:
        try:
            stack = importlib.import_module("channels.sip.stack")
            self._dispatcher = stack.prepare_dispatcher()
        except BaseException as error:
            self._failure = error
            raise
        finally:
            self._ready.set()
        self._dispatcher.loop()

    @staticmethod
    def _guard(work: Callable[..., object], args: tuple[object, ...]) -> None:
        try:
            work(*args)
        except Exception:
            _log.exception("work for the SIP stack failed")


def shared_reactor() -> Reactor:
    """The process's reactor, started on first use. Blocks for the import (0.2 s)."""
    global _running
    with _lock:
        if _running is None:
            reactor = Reactor()
            reactor.start()
            _running = reactor
        return _running
