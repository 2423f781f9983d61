"""Renders the desk's pages: Jinja2 with escaping on, the reader's language, strict headers."""

from __future__ import annotations

from datetime import datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from litestar import Request, Response
from markupsafe import Markup

from gateway.auth.guards import CSRF_HEADER
from gateway.auth.sessions import SignedIn
from gateway.desk.views import shown_address
from gateway.pages import words
from gateway.pages.words import Words, chosen_language
from gateway.problems import Problem
from router.model import Role

PAGES = Path(__file__).parent
TEMPLATES = PAGES / "templates"
STATIC = PAGES / "static" / "desk"
STATIC_PATH = "/static/desk"
SECURITY = {
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data:; media-src 'self' blob:; "
        "style-src 'self' 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; "
        "form-action 'self'; object-src 'none'"
    ),
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}
NAVIGATION = (
    ("desk", "/desk", Role.AGENT),
    ("floor", "/floor", Role.SUPERVISOR),
    ("interactions", "/interactions", Role.SUPERVISOR),
    ("callbacks", "/callbacks", Role.SUPERVISOR),
    ("customers", "/customers", Role.SUPERVISOR),
    ("reports", "/reports", Role.SUPERVISOR),
    ("campaigns", "/campaigns", Role.SUPERVISOR),
    ("flows", "/flows", Role.ADMIN),
    ("configuration", "/configuration", Role.ADMIN),
    ("system", "/system", Role.ADMIN),
)

AnyRequest = Request[Any, Any, Any]


class Pages:
    """Makes HTML answers for the desk's templates (``templates/desk/*.html``)."""

    def __init__(self, company_name: str, zone: str = "UTC") -> None:
        self._company_name = company_name
        self._zone = ZoneInfo(zone)
        self._words = Words()
        self._environment = Environment(
            loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined
        )
        self._environment.filters["clock"] = self.clock
        self._environment.filters["json"] = embed_json
        self._environment.filters["span"] = span
        self._environment.filters["percent"] = percent
        self._environment.filters["address"] = shown_address
        self._environment.globals["asset"] = asset

    def page(
        self,
        request: AnyRequest,
        name: str,
        person: SignedIn | None = None,
        context: dict[str, Any] | None = None,
        status: HTTPStatus = HTTPStatus.OK,
    ) -> Response[str]:
        """The page ``desk/<name>.html`` for ``person`` (None: nobody is signed in)."""
        return Response(
            self._html(request, name, person, context or {}),
            media_type="text/html; charset=utf-8",
            status_code=status,
            headers=SECURITY,
        )

    def problem(self, request: AnyRequest, problem: Problem) -> str:
        """The page that says what went wrong; for ``problems.exception_handlers``."""
        person = request.scope.get("user")
        signed_in = person if isinstance(person, SignedIn) else None
        return self._html(request, "problem", signed_in, {"problem": problem})

    def text(self, request: AnyRequest, key: str, **values: object) -> str:
        """One text in the reader's language."""
        return self._words.text(self._language(request), key, **values)

    def _language(self, request: AnyRequest) -> str:
        cookie = request.cookies.get(words.COOKIE)
        return chosen_language(cookie, request.headers.get("accept-language", ""))

    def _html(
        self, request: AnyRequest, name: str, person: SignedIn | None, context: dict[str, Any]
    ) -> str:
        language = self._language(request)

        def translate(key: str, **values: object) -> str:
            return self._words.text(language, key, **values)

        links = [
            (key, href) for key, href, role in NAVIGATION if person is not None and person.may(role)
        ]
        if person is not None and person.account.agent_id is None:
            links = [link for link in links if link[0] != "desk"]
        template = self._environment.get_template(f"desk/{name}.html")
        return template.render(
            {
                "t": translate,
                "language": language,
                "languages": words.LANGUAGES,
                "words": self._words.all(language),
                "company": self._company_name,
                "person": person,
                "csrf": person.session.csrf_token if person else "",
                "csrf_header": CSRF_HEADER,
                "links": links,
                "here": name,
                **context,
            }
        )

    def clock(self, at: datetime | None, form: str = "%Y-%m-%d %H:%M:%S") -> str:
        """A time in the company's zone; a dash for None."""
        return at.astimezone(self._zone).strftime(form) if at is not None else "–"


def embed_json(value: Any) -> Markup:
    """JSON that can stand inside ``<script type="application/json">``."""
    text = msgspec.json.encode(value).decode()
    return Markup(  # noqa: S704 - the three characters that could end the element are escaped
        text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    )


def span(seconds: float | None) -> str:
    """Seconds as m:ss (h:mm:ss from one hour); a dash for None."""
    if seconds is None:
        return "–"
    whole = round(seconds)
    hours, rest = divmod(whole, 3600)
    minutes, left = divmod(rest, 60)
    return f"{hours}:{minutes:02}:{left:02}" if hours else f"{minutes}:{left:02}"


def percent(share: float | None) -> str:
    """0..1 as whole percent; a dash for None."""
    return "–" if share is None else f"{share * 100:.0f}%"


def asset(name: str) -> str:
    """The address of a static file."""
    return f"{STATIC_PATH}/{name}"
