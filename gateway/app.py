"""The Litestar applications: the whole web, or just health and metrics for other roles."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from litestar import Litestar, Response, get
from litestar.openapi.config import OpenAPIConfig
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from gateway.pages.render import Pages
from gateway.problems import exception_handlers

MAX_BODY = 6 * 1024 * 1024

Health = Callable[[], Awaitable[dict[str, bool]]]


def make_app(routes: Sequence[Any], pages: Pages) -> Litestar:
    """Everything that a browser or a provider may ask of us."""
    return Litestar(
        list(routes),
        exception_handlers=exception_handlers(pages.problem),
        openapi_config=OpenAPIConfig(title="Parley", version="0.1.0"),
        request_max_body_size=MAX_BODY,
        logging_config=None,
    )


def readiness(ready: Callable[[], bool]) -> Any:
    """``/readyz``: 200 once everything was started and the process' bots can answer."""

    @get("/readyz", tags=["operation"], sync_to_thread=False)
    def readyz() -> Response[dict[str, Any]]:
        """200 when this process can do its work, 503 while it loads or when it cannot."""
        fine = ready()
        return Response({"ready": fine}, status_code=200 if fine else 503)

    return readyz


def make_probe_app(
    health: Health, ready: Callable[[], bool], figures: Callable[[], bytes]
) -> Litestar:
    """``/healthz``, ``/readyz`` and ``/metrics`` for a process without pages.

    ``figures`` gives the metrics of the process' own bots.
    """

    @get("/healthz")
    async def healthz() -> Response[dict[str, Any]]:
        parts = await health()
        fine = all(parts.values())
        body = {"status": "ok" if fine else "failing", **parts}
        return Response(body, status_code=200 if fine else 503)

    @get("/metrics", media_type="text/plain", sync_to_thread=False)
    def metrics() -> Response[bytes]:
        body = figures() + generate_latest()
        return Response(body, headers={"Content-Type": CONTENT_TYPE_LATEST})

    return Litestar([healthz, readiness(ready), metrics], openapi_config=None, logging_config=None)
