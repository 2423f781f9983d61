"""A program at the agent's desk: signs in and speaks ``/desk/socket`` as a page does.

The demo's scripted staff and the benches use it; docs/desk.md is the protocol.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
from collections.abc import AsyncIterator
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from router.errors import ParleyError

ASK_TIMEOUT_S = 10.0
MAX_LINE = 8 * 1024 * 1024

View = dict[str, Any]


class DeskRefused(ParleyError):
    """The desk said no; the message is its problem's detail."""


class DeskClient:
    """One agent's open desk. ``views`` are what a page would show, in order.

    ``patience_s`` is how long it waits for anything, unless a call says otherwise.
    """

    def __init__(self, socket: ClientConnection, patience_s: float = ASK_TIMEOUT_S) -> None:
        self._socket = socket
        self._patience_s = patience_s
        self._refs = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[View]] = {}
        self._views: asyncio.Queue[View | None] = asyncio.Queue()
        self._reader = asyncio.create_task(self._read())

    @classmethod
    async def sign_in(
        cls, base_url: str, login: str, password: str, patience_s: float = ASK_TIMEOUT_S
    ) -> DeskClient:
        """Sign in at ``base_url`` (``http://host:port``). Raises ``DeskRefused``."""
        async with httpx.AsyncClient(base_url=base_url, timeout=patience_s) as http:
            answer = await http.post("/sign-in", json={"login": login, "password": password})
            if answer.status_code != httpx.codes.OK:
                raise DeskRefused(f"{login} cannot sign in: {answer.status_code} {answer.text}")
            csrf = answer.json()["csrf"]
            cookies = "; ".join(f"{name}={value}" for name, value in http.cookies.items())
        parts = urlsplit(base_url)
        scheme = "wss" if parts.scheme == "https" else "ws"
        socket = await connect(
            f"{scheme}://{parts.netloc}/desk/socket",
            additional_headers={"Cookie": cookies},
            max_size=MAX_LINE,
            open_timeout=patience_s,
        )
        await socket.send(json.dumps({"type": "hello", "csrf": csrf}))
        return cls(socket, patience_s)

    async def __aenter__(self) -> DeskClient:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def ask(self, kind: str, /, **values: object) -> View:
        """Send one request and return its ``done``. Raises ``DeskRefused``."""
        ref = next(self._refs)
        answer: asyncio.Future[View] = asyncio.get_running_loop().create_future()
        self._waiting[ref] = answer
        try:
            await self._socket.send(json.dumps({"type": kind, "ref": ref, **values}))
            async with asyncio.timeout(self._patience_s):
                view = await answer
        except (ConnectionClosed, TimeoutError) as error:
            raise DeskRefused(f"the desk did not answer {kind}: {error}") from error
        finally:
            self._waiting.pop(ref, None)
        if view["type"] == "problem":
            raise DeskRefused(f"{kind}: {view.get('detail') or view.get('title')}")
        return view

    async def views(self) -> AsyncIterator[View]:
        """Every view the desk sends, until it closes."""
        while (view := await self._views.get()) is not None:
            yield view

    async def next(self, kind: str, timeout_s: float | None = None) -> View:
        """The next view of that type; those before it are dropped. Raises ``TimeoutError``."""
        async with asyncio.timeout(self._patience_s if timeout_s is None else timeout_s):
            async for view in self.views():
                if view["type"] == kind:
                    return view
        raise DeskRefused(f"the desk closed before it sent {kind}")

    async def close(self) -> None:
        """Leave the desk. Safe to call twice."""
        await self._socket.close()
        self._reader.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._reader

    async def _read(self) -> None:
        try:
            async for raw in self._socket:
                view = json.loads(raw)
                answer = self._waiting.get(view.get("ref") or 0)
                if answer is None:
                    self._views.put_nowait(view)
                elif not answer.done():
                    answer.set_result(view)
        except ConnectionClosed:
            pass
        finally:
            self._views.put_nowait(None)
            for answer in self._waiting.values():
                if not answer.done():
                    answer.set_exception(DeskRefused("the desk closed"))
