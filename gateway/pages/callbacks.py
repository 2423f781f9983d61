"""The supervisors' list of promised calls."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler

from gateway.api.callbacks import promises
from gateway.auth.guards import needs, person_of
from gateway.pages.render import Pages
from gateway.services import Services
from router.model import Role


def callback_pages(services: Services, pages: Pages) -> list[HTTPRouteHandler]:
    """``/callbacks``."""

    @get("/callbacks", guards=[needs(services.sign_in, Role.SUPERVISOR)], include_in_schema=False)
    async def callbacks(request: Request[Any, Any, Any]) -> Response[str]:
        async with services.store.transaction() as tx:
            found = await promises(tx)
            names = {agent.id: agent.name for agent in await tx.people.agents()}
        context = {
            "promises": found,
            "names": names,
            "queues": services.company.queues,
            "now": services.clock.now(),
        }
        return pages.page(request, "callbacks", person_of(request), context)

    return [callbacks]
