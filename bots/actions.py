"""HTTP actions of a flow: JSON over httpx, with a time-out and one retry where it is safe."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import httpx

from bots.errors import ActionFailed

IDEMPOTENT = frozenset({"GET", "HEAD", "PUT", "DELETE", "OPTIONS"})
"""RFC 9110 §9.2.2: doing these twice is the same as once."""
BUSY = frozenset({502, 503, 504})
"""Answers worth one more try."""
TRIES = 2
MAX_BODY_BYTES = 1_000_000


class HttpActions:
    """``bots.ports.Actions`` over one httpx client.

    ``timeout_s`` of a call covers everything: connecting, sending and reading,
    both tries together.
    """

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def call(
        self, method: str, url: str, body: Mapping[str, Any] | None, timeout_s: float
    ) -> tuple[int, Any]:
        """Status and parsed JSON (None for an empty body). Raises ``ActionFailed``."""
        try:
            async with asyncio.timeout(timeout_s):
                response = await self._try(method, url, body)
        except TimeoutError:
            raise ActionFailed(f"{method} {url}: no answer within {timeout_s:g} s") from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            what = str(error) or type(error).__name__
            raise ActionFailed(f"{method} {url}: {what}") from None
        return response.status_code, _parsed(response)

    async def _try(self, method: str, url: str, body: Mapping[str, Any] | None) -> httpx.Response:
        tries = TRIES if method in IDEMPOTENT else 1
        while True:
            tries -= 1
            try:
                response = await self._client.request(
                    method, url, json=dict(body) if body is not None else None
                )
            except httpx.TransportError:
                if not tries:
                    raise
                continue
            if response.status_code not in BUSY or not tries:
                return response


def _parsed(response: httpx.Response) -> Any:
    if not response.content:
        return None
    if len(response.content) > MAX_BODY_BYTES:
        raise ActionFailed(f"{response.url}: more than {MAX_BODY_BYTES} bytes came")
    try:
        return response.json()
    except ValueError:
        if response.is_success:
            raise ActionFailed(f"{response.url}: expected JSON, found something else") from None
        return None
