"""HTTP actions of a flow: JSON over httpx, with a time-out and retries where they are safe.

Safe is what can be done twice by its method, or what has a key by which the server knows it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import httpx

from bots.errors import ActionFailed
from bots.flow.render import revealed
from bots.flow.values import IDEMPOTENCY

IDEMPOTENT = frozenset({"GET", "HEAD", "PUT", "DELETE", "OPTIONS"})
"""RFC 9110 §9.2.2: doing these twice is the same as once."""
BUSY = frozenset({502, 503, 504})
"""Answers worth one more try."""
FIRST_WAIT_S = 0.05
"""Before the second try; twice as long before each further one."""
MAX_BODY_BYTES = 1_000_000


class HttpActions:
    """``bots.ports.Actions`` over one httpx client.

    ``timeout_s`` of a call covers everything: connecting, sending and reading,
    all tries together.
    """

    def __init__(self, client: httpx.AsyncClient, secrets: Mapping[str, str] | None = None) -> None:
        """``secrets`` by the names that flows use; they go into requests and nowhere else."""
        self._client = client
        self._secrets = secrets or {}

    async def call(
        self,
        method: str,
        url: str,
        body: Mapping[str, Any] | None,
        timeout_s: float,
        headers: Mapping[str, str] | None = None,
        retries: int = 1,
    ) -> tuple[int, Any]:
        """Status and parsed JSON (None for an empty body). Raises ``ActionFailed``."""
        sent = self._revealed(headers or {})
        safe = method in IDEMPOTENT or IDEMPOTENCY in sent
        try:
            request = self._client.build_request(
                method, url, json=dict(body) if body is not None else None, headers=sent
            )
            async with asyncio.timeout(timeout_s):
                response = await self._try(request, 1 + retries if safe else 1)
        except TimeoutError:
            raise ActionFailed(f"{method} {url}: no answer within {timeout_s:g} s") from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            what = str(error) or type(error).__name__
            raise ActionFailed(f"{method} {url}: {what}") from None
        return response.status_code, _parsed(response)

    def _revealed(self, headers: Mapping[str, str]) -> dict[str, str]:
        try:
            return {name: revealed(value, self._secrets) for name, value in headers.items()}
        except KeyError as error:
            raise ActionFailed(f"the secret {error} is not set; see docs/settings.md") from None

    async def _try(self, request: httpx.Request, tries: int) -> httpx.Response:
        wait_s = FIRST_WAIT_S
        while True:
            tries -= 1
            try:
                response = await self._client.send(request)
            except httpx.TransportError:
                if not tries:
                    raise
            else:
                if response.status_code not in BUSY or not tries:
                    return response
            await asyncio.sleep(wait_s)
            wait_s *= 2


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
