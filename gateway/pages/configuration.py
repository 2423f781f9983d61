"""The administrator's page of the configuration: what holds, the editor, the history."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler

from gateway.api.configuration import difference_view, written
from gateway.auth.guards import needs, person_of
from gateway.company_text import write_text
from gateway.desk.views import View
from gateway.pages.company_view import queue_views
from gateway.pages.render import Pages
from gateway.services import Services
from router.company import CompanyVersion
from router.configuration.export import differences
from router.configuration.file import read_company
from router.model import Role

SHOWN = 50
"""Versions in the history; the API lists more."""
AnyRequest = Request[Any, Any, Any]


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the history and what it changed; None for the first."""

    version: CompanyVersion
    changes: list[View] | None


def configuration_pages(services: Services, pages: Pages) -> list[HTTPRouteHandler]:
    """``/configuration`` and its tabs."""
    guard = needs(services.sign_in, Role.ADMIN)

    async def page(request: AnyRequest, tab: str, context: dict[str, Any]) -> Response[str]:
        current = await services.versions.current()
        shared = {"section": "configuration", "tab": tab, "current": current}
        name = "configuration" if tab == "overview" else f"configuration_{tab}"
        return pages.page(request, name, person_of(request), shared | context)

    @get("/configuration", guards=[guard], include_in_schema=False)
    async def overview(request: AnyRequest) -> Response[str]:
        context = {
            "queues": queue_views(services.company, services.clock.now()),
            "configuration": services.company,
        }
        return await page(request, "overview", context)

    @get("/configuration/edit", guards=[guard], include_in_schema=False)
    async def edit(request: AnyRequest) -> Response[str]:
        current = await services.versions.current()
        return await page(request, "edit", {"text": write_text(written(current))})

    @get("/configuration/history", guards=[guard], include_in_schema=False)
    async def history(request: AnyRequest) -> Response[str]:
        versions = await services.versions.history(SHOWN + 1)
        return await page(request, "history", {"entries": entries(versions)[:SHOWN]})

    return [overview, edit, history]


def entries(versions: list[CompanyVersion]) -> list[Entry]:
    """Each version with what it changed; they come newest first."""
    companies = [read_company(each.body).company for each in versions]
    changed: list[list[View] | None] = [
        [difference_view(each) for each in differences(was, now)]
        for now, was in pairwise(companies)
    ]
    return [Entry(*pair) for pair in zip(versions, [*changed, None], strict=True)]
