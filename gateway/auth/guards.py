"""Guards for routes: signed in, with the needed role, from our own page.

Every unsafe method needs the session's CSRF token in ``X-CSRF-Token`` and, when
the browser names an ``Origin``, our own one.
"""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

from litestar.connection import ASGIConnection
from litestar.handlers.base import BaseRouteHandler

from gateway.auth.errors import ForgedRequest, NotAllowed, NotSignedIn
from gateway.auth.sessions import COOKIE, SignedIn, SignIn
from router.model import Role

CSRF_HEADER = "x-csrf-token"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

Connection = ASGIConnection[Any, Any, Any, Any]
Guard = Callable[[Connection, BaseRouteHandler], Awaitable[None]]


def needs(sign_in: SignIn, role: Role) -> Guard:
    """A guard that lets in people with ``role`` (or above) and remembers who it is."""

    async def guard(connection: Connection, _: BaseRouteHandler) -> None:
        person = await sign_in.who(connection.cookies.get(COOKIE, ""))
        if person is None:
            raise NotSignedIn
        if not person.may(role):
            raise NotAllowed(
                f"This needs the role {role}; you are signed in as {person.account.role}."
            )
        if connection.scope.get("method", "GET") not in SAFE_METHODS:
            check_origin(connection)
            check_token(person, connection.headers.get(CSRF_HEADER, ""))
        connection.scope["user"] = person

    return guard


def person_of(connection: Connection) -> SignedIn:
    """Who the guard let in. Raises ``NotSignedIn`` on a route without a guard."""
    person = connection.scope.get("user")
    if not isinstance(person, SignedIn):
        raise NotSignedIn
    return person


def check_token(person: SignedIn, token: str) -> None:
    """Raises ``ForgedRequest`` unless ``token`` is the session's CSRF token."""
    if not hmac.compare_digest(person.session.csrf_token.encode(), token.encode()):
        raise ForgedRequest


def check_origin(connection: Connection) -> None:
    """Raises ``ForgedRequest`` when the browser says that another site sends this."""
    origin = connection.headers.get("origin")
    if origin is None:
        return
    if urlsplit(origin).netloc != connection.headers.get("host", ""):
        raise ForgedRequest(
            f"The request came from {origin[:100]}, which is not this site. Open the page here."
        )
