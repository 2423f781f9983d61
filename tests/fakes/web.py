"""A Litestar application on a real port, for tests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import uvicorn
from litestar import Litestar


@asynccontextmanager
async def serving(routes: Sequence[Any], port: int = 0) -> AsyncIterator[str]:
    """Serve ``routes`` on loopback; gives the base URL."""
    app = Litestar(list(routes), openapi_config=None)
    config = uvicorn.Config(
        app,
        host="127.0.0.1",
        port=port,
        log_level="error",
        lifespan="on",
        ws="websockets-sansio",
        timeout_graceful_shutdown=1,
    )
    server = _Quiet(config)
    task = asyncio.create_task(server.serve())
    async with asyncio.timeout(10):
        while not server.started:
            await asyncio.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        await task


class _Quiet(uvicorn.Server):
    """Leaves the signals to pytest."""

    def install_signal_handlers(self) -> None:
        """Nothing: the test run has its own."""
