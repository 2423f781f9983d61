"""All routes of the desk, its pages and the API, for ``gateway.app`` to mount."""

from __future__ import annotations

from typing import Any

from litestar.datastructures import CacheControlHeader
from litestar.static_files import create_static_files_router

from gateway.api.callbacks import callback_routes
from gateway.api.calls import call_route
from gateway.api.company_parts import part_routes
from gateway.api.configuration import configuration_routes
from gateway.api.customers import customer_routes
from gateway.api.letters import letter_routes
from gateway.api.reading import reading_routes
from gateway.desk.actions import DeskActions
from gateway.desk.floor import Floor
from gateway.desk.socket import desk_socket
from gateway.pages.callbacks import callback_pages
from gateway.pages.campaigns import campaign_routes
from gateway.pages.configuration import configuration_pages
from gateway.pages.customers import customer_pages
from gateway.pages.interactions import interaction_routes
from gateway.pages.render import STATIC, STATIC_PATH, Pages
from gateway.pages.reports import report_routes
from gateway.pages.sign_in import sign_in_routes
from gateway.pages.system import system_routes
from gateway.pages.work import work_routes
from gateway.services import Services


def desk_pages(services: Services) -> Pages:
    """The renderer, in the company's name and time zone."""
    company = services.company
    zone = company.queue(company.default_queue).hours.timezone
    return Pages(company.name, zone)


def desk_routes(services: Services, pages: Pages) -> list[Any]:
    """Handlers for ``Litestar(route_handlers=[*desk_routes(services, pages), …])``."""
    floor = Floor(services.store, services.company, services.clock, services.room)
    actions = DeskActions(services)
    static = create_static_files_router(
        path=STATIC_PATH,
        directories=[STATIC],
        name="desk-static",
        cache_control=CacheControlHeader(no_cache=True),
    )
    return [
        static,
        *sign_in_routes(services, pages),
        *work_routes(services, pages, floor),
        *interaction_routes(services, pages),
        *report_routes(services, pages, floor.ledger),
        *callback_pages(services, pages),
        *customer_pages(services, pages),
        *campaign_routes(services, pages),
        *configuration_pages(services, pages),
        *system_routes(services, pages),
        desk_socket(services.sign_in, services.hub, actions),
        call_route(services.bus, services.clock),
        *reading_routes(services, floor),
        *letter_routes(services),
        *callback_routes(services),
        *customer_routes(services),
        *configuration_routes(services),
        *part_routes(services),
    ]
