"""Sign-in page, sign-in, sign-out."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from litestar import Request, Response, get, post
from litestar.datastructures import Cookie
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody
from litestar.response import Redirect

from gateway.auth.guards import check_origin, needs, person_of
from gateway.auth.sessions import COOKIE, SESSION_S
from gateway.desk.views import View
from gateway.pages.render import Pages
from gateway.services import Services
from router.model import Presence, Role

HOME = {Role.AGENT: "/desk", Role.SUPERVISOR: "/floor", Role.ADMIN: "/floor"}


class Credentials(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the sign-in page sends."""

    login: Annotated[str, msgspec.Meta(max_length=100)]
    password: Annotated[str, msgspec.Meta(max_length=256)]
    next: Annotated[str, msgspec.Meta(max_length=500)] = ""


def sign_in_routes(services: Services, pages: Pages) -> list[HTTPRouteHandler]:
    """``/sign-in`` and ``/sign-out``."""
    return [_form(services, pages), _enter(services), _leave(services)]


def _form(services: Services, pages: Pages) -> HTTPRouteHandler:
    @get("/sign-in", include_in_schema=False)
    async def form(request: Request[Any, Any, Any]) -> Response[Any]:
        person = await services.sign_in.who(request.cookies.get(COOKIE, ""))
        if person is not None:
            return Redirect(HOME[person.account.role])
        target = request.query_params.get("next", "")
        return pages.page(request, "sign_in", context={"next": safe_target(target)})

    return form


def _enter(services: Services) -> HTTPRouteHandler:
    @post("/sign-in", status_code=200, tags=["sign-in"])
    async def enter(request: Request[Any, Any, Any], data: JSONBody[Credentials]) -> Response[View]:
        """Sign in with JSON; sets the session cookie, answers where to go and the CSRF token."""
        check_origin(request)
        ip = request.client.host if request.client else "unknown"
        secret, person = await services.sign_in.enter(data.login, data.password, ip)
        cookie = Cookie(
            key=COOKIE,
            value=secret,
            max_age=SESSION_S,
            httponly=True,
            samesite="lax",
            secure=services.secure_cookies,
        )
        target = safe_target(data.next) or HOME[person.account.role]
        body: View = {"next": target, "csrf": person.session.csrf_token}
        return Response(body, cookies=[cookie])

    return enter


def _leave(services: Services) -> HTTPRouteHandler:
    @post(
        "/sign-out",
        status_code=200,
        guards=[needs(services.sign_in, Role.AGENT)],
        tags=["sign-in"],
    )
    async def leave(request: Request[Any, Any, Any]) -> Response[View]:
        """End the session; an agent goes offline."""
        person = person_of(request)
        await services.sign_in.leave(request.cookies.get(COOKIE, ""))
        if person.account.agent_id is not None:
            await services.lifecycle.set_presence(
                person.account.agent_id, Presence.OFFLINE, "signed out"
            )
        return Response({"next": "/sign-in"}, cookies=[Cookie(key=COOKIE, value="", max_age=0)])

    return leave


def safe_target(target: str) -> str:
    """``target`` when it is a path on this site, else empty: no open redirects."""
    inside = target.startswith("/") and not target.startswith(("//", "/\\"))
    return target if inside and "\n" not in target else ""
