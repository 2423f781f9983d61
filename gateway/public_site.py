"""The demo company's public face: its page, its help centre, and the chat widget's files.

Nobody signs in here. Texts are in English, Chinese and Latvian; the language is
the one in the address, else the browser's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import msgspec
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from litestar import Request, Response, get
from litestar.datastructures import CacheControlHeader
from litestar.exceptions import NotFoundException
from litestar.params import FromPath
from litestar.static_files import create_static_files_router
from markdown_it import MarkdownIt
from markupsafe import Markup

from knowledge.errors import NoSuchArticle
from knowledge.model import Article

PAGES = Path(__file__).parent / "pages"
TEMPLATES = PAGES / "templates"
SITE_STATIC = PAGES / "static" / "site"
WIDGET_STATIC = PAGES / "static" / "widget"
WORDS = SITE_STATIC / "words.json"
LANGUAGES: Mapping[str, str] = {"en": "English", "zh": "简体中文", "lv": "Latviešu"}
FALLBACK = "en"
TOPICS = ("parcels", "energy", "service")
"""Sections of the help centre; an article belongs to the one its first tag names, else the last."""
POPULAR = (
    "track-parcel",
    "missed-delivery",
    "parcel-lockers",
    "bill-too-high",
    "power-outage",
    "pay-bill",
)
"""What the front page lists, where the help centre has it."""

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data:; media-src 'self' blob:; "
        "style-src 'self' 'unsafe-inline'; connect-src 'self' ws: wss:; base-uri 'none'; "
        "form-action 'self'; object-src 'none'; frame-ancestors 'self'"
    ),
    "Referrer-Policy": "strict-origin-when-cross-origin",
    "X-Content-Type-Options": "nosniff",
    "Permissions-Policy": "microphone=(self)",
}

AnyRequest = Request[Any, Any, Any]


class HelpCentre(Protocol):
    """What the help centre shows."""

    def article(self, article_id: str, language: str = FALLBACK) -> Article:
        """That article. Raises ``knowledge.errors.NoSuchArticle``."""
        ...

    def articles(self, language: str = FALLBACK) -> Sequence[Article]:
        """The public ones, by title."""
        ...


class Site:
    """Renders the public pages in the company's name."""

    def __init__(self, help_centre: HelpCentre, company: str, base_url: str) -> None:
        self._help = help_centre
        self._company = company
        self._base_url = base_url
        self._words: Mapping[str, Mapping[str, str]] = msgspec.json.decode(WORDS.read_bytes())
        self._markdown = MarkdownIt("commonmark", {"html": False, "linkify": False}).enable("table")
        self._environment = Environment(
            loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined
        )

    def home(self, request: AnyRequest, language: str) -> Response[str]:
        """The company's front page."""
        listed = {one.id: one for one in self._help.articles(language)}
        popular = [listed[wanted] for wanted in POPULAR if wanted in listed]
        return self._page("home", language, "/", popular=popular)

    def help_list(self, language: str, words: str) -> Response[str]:
        """All articles by topic, or those whose title or text has all of ``words``."""
        wanted = words.casefold().split()
        found = [one for one in self._help.articles(language) if _matches(one, wanted)]
        topics = [(topic, [one for one in found if _topic(one) == topic]) for topic in TOPICS]
        shown = [(topic, listed) for topic, listed in topics if listed]
        return self._page("help", language, "/help", topics=shown, words=words[:100])

    def help_article(self, language: str, article_id: str) -> Response[str]:
        """One article. Raises ``NotFoundException``."""
        try:
            article = self._help.article(article_id, language)
        except NoSuchArticle as error:
            raise NotFoundException(str(error)) from error
        if article.audience != "public":
            raise NotFoundException(f"no article {article_id!r}")
        body = Markup(self._markdown.render(article.body))  # noqa: S704 - raw HTML is off
        near = [one for one in self._help.articles(language) if _is_near(one, article)][:5]
        return self._page(
            "article", language, f"/help/{article_id}", article=article, body=body, near=near
        )

    def _page(self, name: str, language: str, here: str, **context: Any) -> Response[str]:
        words = self._words[language]
        template = self._environment.get_template(f"site/{name}.html")
        html = template.render(
            t=lambda key: words[key],
            language=language,
            languages=LANGUAGES,
            company=self._company,
            base_url=self._base_url,
            here=here,
            year=datetime.now(UTC).year,
            **context,
        )
        return Response(html, media_type="text/html; charset=utf-8", headers=HEADERS)


def _matches(article: Article, wanted: Sequence[str]) -> bool:
    text = f"{article.title} {article.body}".casefold()
    return all(word in text for word in wanted)


def _topic(article: Article) -> str:
    first = article.tags[0] if article.tags else ""
    return first if first in TOPICS else TOPICS[-1]


def _is_near(one: Article, article: Article) -> bool:
    shared = set(one.tags[1:]) & set(article.tags[1:])
    return one.id != article.id and _topic(one) == _topic(article) and bool(shared)


def chosen(request: AnyRequest) -> str:
    """The language asked for by ``?lang=``, else the browser's first that we have."""
    asked = request.query_params.get("lang", "")
    accepted = request.headers.get("accept-language", "").split(",")
    for wanted in [asked, *(part.split(";")[0].strip() for part in accepted)]:
        short = wanted.split("-")[0].lower()
        if short in LANGUAGES:
            return short
    return FALLBACK


def _known(language: str) -> str:
    if language not in LANGUAGES:
        raise NotFoundException(f"no help centre in {language!r}")
    return language


def site_routes(help_centre: HelpCentre, company: str, base_url: str = "") -> list[Any]:
    """``/``, ``/help…``, ``/widget.js`` and their files, for ``Litestar(route_handlers=…)``."""
    site = Site(help_centre, company, base_url)
    loader = (WIDGET_STATIC / "widget.js").read_bytes()

    @get("/", sync_to_thread=False, include_in_schema=False)
    def home(request: AnyRequest) -> Response[str]:
        """The company's page."""
        return site.home(request, chosen(request))

    @get("/help", sync_to_thread=False, include_in_schema=False)
    def help_list(request: AnyRequest) -> Response[str]:
        """The help centre in the browser's language."""
        return site.help_list(chosen(request), request.query_params.get("q", ""))

    @get("/help/{language:str}", sync_to_thread=False, include_in_schema=False)
    def help_in(request: AnyRequest, language: FromPath[str]) -> Response[str]:
        """The help centre."""
        return site.help_list(_known(language), request.query_params.get("q", ""))

    @get("/help/{language:str}/{article_id:str}", sync_to_thread=False, include_in_schema=False)
    def help_article(language: FromPath[str], article_id: FromPath[str]) -> Response[str]:
        """One article."""
        return site.help_article(_known(language), article_id)

    @get("/widget.js", sync_to_thread=False, include_in_schema=False)
    def widget() -> Response[bytes]:
        """The one line that any site may embed."""
        headers = {
            "Access-Control-Allow-Origin": "*",
            "Cache-Control": "no-cache",
            "Cross-Origin-Resource-Policy": "cross-origin",
        }
        return Response(loader, media_type="text/javascript; charset=utf-8", headers=headers)

    return [home, help_list, help_in, help_article, widget, _files("site"), _files("widget")]


def _files(name: str) -> Any:
    """Static files. The widget's may be loaded by other sites, so they say so."""
    return create_static_files_router(
        path=f"/static/{name}",
        directories=[PAGES / "static" / name],
        name=f"public-{name}",
        cache_control=CacheControlHeader(no_cache=True),
        after_request=_open_to_all if name == "widget" else None,
    )


async def _open_to_all(response: Response[Any]) -> Response[Any]:
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response
