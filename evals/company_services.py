"""The demo company's order and energy services in this process, as sick as a script wants them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from copy import deepcopy
from datetime import date
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import httpx
from litestar import Litestar

from bots.actions import HttpActions
from gateway.demo.energy import energy_routes, read_contracts
from gateway.demo.orders import PATH, order_routes, read_orders

API = f"http://company.test{PATH}"
SLOW_S = 2.0
"""What a slow service takes: flows wait for three seconds, and longer."""
Delay = Callable[[float], Awaitable[None]]
READS = frozenset({"GET", "HEAD"})


class CompanyServices(httpx.AsyncBaseTransport):
    """The real routes over books of ``today``; ``renew`` gives the next customer fresh ones.

    ``changes`` is what was done in the books, in order, as ``METHOD path``.
    """

    def __init__(self, today: Callable[[], date]) -> None:
        self._fresh = read_orders(today=today), read_contracts(today=today)
        self.orders, self.energy = read_orders(today=today), read_contracts(today=today)
        self.changes: list[str] = []
        self._service = "works"
        self._delay: Delay = _at_once
        app: Any = Litestar([order_routes(self.orders), energy_routes(self.energy)])
        self._app = httpx.ASGITransport(app)  # each has its own words for ASGI's types
        self._actions = HttpActions(httpx.AsyncClient(transport=self, trust_env=False))

    def renew(self, service: str = "works", delay: Delay | None = None) -> None:
        """Forget what was done. ``service`` is ``works``, ``down``, or ``slow`` by ``delay``."""
        # The routes keep their books: what is in them is replaced.
        for book, fresh in zip((self.orders, self.energy), self._fresh, strict=True):
            vars(book).update(deepcopy(vars(fresh)))
        self.changes = []
        self._service, self._delay = service, delay or _at_once

    async def call(
        self,
        method: str,
        url: str,
        body: Mapping[str, Any] | None,
        timeout_s: float,
        headers: Mapping[str, str] | None = None,
        retries: int = 1,
    ) -> tuple[int, Any]:
        """As ``bots.ports.Actions``."""
        if self._service == "slow":
            await self._delay(SLOW_S)
        status, answer = await self._actions.call(method, url, body, timeout_s, headers, retries)
        if method not in READS and status < HTTPStatus.MULTIPLE_CHOICES:
            self.changes.append(f"{method} {urlsplit(url).path.removeprefix(PATH)}")
        return status, answer

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """As ``httpx.AsyncBaseTransport``."""
        if self._service == "down":
            raise httpx.ConnectError("nobody listens")
        return await self._app.handle_async_request(request)


async def _at_once(seconds: float) -> None:
    """In writing nobody notices two seconds."""
