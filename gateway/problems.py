"""Errors on their way out: RFC 9457 problem documents, or a page for a person.

``STATUS`` says which HTTP status each error means; an error that is not named
there (nor any of its ancestors) is our own mistake and becomes a 500 whose
detail stays in the log.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException
from litestar.response import Redirect

from bots.errors import BadFlow, BadRollout, FlowMovedOn, NoSuchFlow
from gateway.auth import errors as door
from router import errors
from router.configuration.versions import NeedsBase, NoSuchVersion

log = logging.getLogger(__name__)


class NotFound(errors.ParleyError):
    """What was asked for is not here (any more). Load the list again."""


MEDIA_TYPE = "application/problem+json"
STATUS: Mapping[type[Exception], HTTPStatus] = {
    errors.NoSuchInteraction: HTTPStatus.NOT_FOUND,
    errors.NoSuchOffer: HTTPStatus.NOT_FOUND,
    errors.NoSuchAgent: HTTPStatus.NOT_FOUND,
    errors.NoSuchCustomer: HTTPStatus.NOT_FOUND,
    errors.NoSuchCampaign: HTTPStatus.NOT_FOUND,
    errors.NoSuchQueue: HTTPStatus.NOT_FOUND,
    NotFound: HTTPStatus.NOT_FOUND,
    errors.OfferGone: HTTPStatus.CONFLICT,
    errors.IllegalMove: HTTPStatus.CONFLICT,
    errors.Conflict: HTTPStatus.CONFLICT,
    errors.BadConfiguration: HTTPStatus.UNPROCESSABLE_ENTITY,
    NoSuchVersion: HTTPStatus.NOT_FOUND,
    NoSuchFlow: HTTPStatus.NOT_FOUND,
    BadRollout: HTTPStatus.CONFLICT,
    FlowMovedOn: HTTPStatus.CONFLICT,
    NeedsBase: HTTPStatus.PRECONDITION_REQUIRED,
    errors.BusUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.StoreUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.Unroutable: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.ReplyTimeout: HTTPStatus.GATEWAY_TIMEOUT,
    errors.PeerError: HTTPStatus.BAD_REQUEST,
    door.NotSignedIn: HTTPStatus.UNAUTHORIZED,
    door.NotAllowed: HTTPStatus.FORBIDDEN,
    door.WrongPassword: HTTPStatus.UNAUTHORIZED,
    door.TooManyTries: HTTPStatus.TOO_MANY_REQUESTS,
    door.TooManyRequests: HTTPStatus.TOO_MANY_REQUESTS,
    door.ForgedRequest: HTTPStatus.FORBIDDEN,
    errors.LocalError: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.ParleyError: HTTPStatus.UNPROCESSABLE_ENTITY,
}
HIDDEN = "Something went wrong here. It has been logged; try again or tell the administrator."


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem document (RFC 9457 §3.1). ``kind`` becomes the ``type`` member."""

    kind: str
    title: str
    status: int
    detail: str
    retryable: bool = False
    more: Mapping[str, Any] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """The members as they go over the wire."""
        return {
            "type": f"urn:parley:problem:{self.kind}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "retryable": self.retryable,
            **self.more,
        }


def problem_of(error: Exception) -> Problem:
    """What ``error`` means to whoever asked. Logs what is our own mistake."""
    if isinstance(error, HTTPException):
        status = HTTPStatus(error.status_code)
        return Problem("http", status.phrase, status, _http_detail(error))
    status = _status(error)
    title = _title(type(error).__name__)
    if status is HTTPStatus.INTERNAL_SERVER_ERROR:
        log.error("request failed", exc_info=error)
        return Problem("internal", "Internal error", status, HIDDEN)
    kind = title.lower().replace(" ", "-")
    return Problem(
        kind, title, status, str(error), getattr(error, "retryable", False), _more(error)
    )


def _more(error: Exception) -> dict[str, Any]:
    """Extension members (RFC 9457 §3.2): every problem of what was sent, with its place."""
    if isinstance(error, errors.BadConfiguration | errors.BadCustomer) and error.problems:
        return {"problems": [asdict(flaw) for flaw in error.problems]}
    if isinstance(error, BadFlow):
        return {"problems": list(error.problems)}
    return {}


def _status(error: Exception) -> HTTPStatus:
    for ancestor in type(error).__mro__:
        if ancestor in STATUS:
            return STATUS[ancestor]
    return HTTPStatus.INTERNAL_SERVER_ERROR


def _http_detail(error: HTTPException) -> str:
    if isinstance(error.extra, list) and error.extra:
        places = [f"{item.get('key', '?')}: {item.get('message', '')}" for item in error.extra]
        return f"{error.detail} ({'; '.join(places)})"
    return error.detail if error.status_code < HTTPStatus.INTERNAL_SERVER_ERROR else HIDDEN


def _title(name: str) -> str:
    """``NoSuchInteraction`` becomes ``No such interaction``."""
    words = "".join(f" {char.lower()}" if char.isupper() else char for char in name)
    return words.strip().capitalize()


RenderProblem = Callable[[Request[Any, Any, Any], Problem], str]


def exception_handlers(
    render: RenderProblem,
) -> dict[int | type[Exception], Callable[[Request[Any, Any, Any], Any], Response[Any]]]:
    """For ``Litestar(exception_handlers=…)``. ``render`` makes the page for a browser."""

    def handle(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
        problem = problem_of(error)
        if isinstance(error, door.NotSignedIn) and wants_page(request):
            target = quote(request.url.path, safe="/")
            return Redirect(f"/sign-in?next={target}")
        headers = _extra_headers(error)
        if wants_page(request):
            return Response(
                render(request, problem),
                media_type="text/html; charset=utf-8",
                status_code=problem.status,
                headers=headers,
            )
        return Response(
            msgspec.json.encode(problem.document()),
            media_type=MEDIA_TYPE,
            status_code=problem.status,
            headers=headers,
        )

    return {HTTPException: handle, Exception: handle}


def _extra_headers(error: Exception) -> dict[str, str]:
    wait_s = getattr(error, "wait_s", None)
    headers = {"Retry-After": str(wait_s)} if wait_s is not None else {}
    return headers | dict(getattr(error, "headers", None) or {})


def wants_page(request: Request[Any, Any, Any]) -> bool:
    """Whether a browser is opening this as a page, not a script as data."""
    if request.scope["path"].startswith(("/api/", "/metrics", "/healthz")):
        return False
    return "text/html" in request.headers.get("accept", "")
