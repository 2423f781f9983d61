"""The web server inside our own event loop: uvicorn without its signal handlers."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from typing import Any

import uvicorn

from router.errors import ParleyError

STOP_S = 3
KEEP_ALIVE_S = 75
"""How long an idle connection stays open: longer than proxies and clients keep theirs, so that
none of them sends a request into a connection that is just being closed."""


class PortTaken(ParleyError):
    """The web port is in use. Choose another one with --port or PARLEY_PORT."""


class _Quiet(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave Ctrl-C to the command line, which stops all parts in order."""
        yield


class WebServer:
    """Serves an ASGI app until ``stop``."""

    def __init__(self, app: Any, host: str, port: int) -> None:
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=STOP_S,
            timeout_keep_alive=KEEP_ALIVE_S,
            ws_max_size=1024 * 1024,
            proxy_headers=False,
        )
        self._server = _Quiet(config)
        self._host = host
        self._port = port
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Return when it answers. Raises ``PortTaken``."""
        listener = socket.socket(socket.AF_INET6 if ":" in self._host else socket.AF_INET)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((self._host, self._port))
        except OSError as error:
            listener.close()
            raise PortTaken(f"cannot listen on {self._host}:{self._port}: {error}") from None
        self._task = asyncio.create_task(self._server.serve([listener]), name="web")
        while not self._server.started:
            if self._task.done():
                self._task.result()
            await asyncio.sleep(0.01)

    async def stop(self) -> None:
        """Close the port and what is open on it. Safe to call twice."""
        if self._task is not None:
            self._server.should_exit = True
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
