"""The supervisors' page of customers: who has priority, who has an agent of their own."""

from __future__ import annotations

from collections import Counter
from typing import Any

from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler

from gateway.api.customers import customers_like
from gateway.auth.guards import needs, person_of
from gateway.pages.render import Pages
from gateway.services import Services
from router.company import Company
from router.model import Role

LISTED = 50


def customer_pages(services: Services, pages: Pages) -> list[HTTPRouteHandler]:
    """``/customers``."""

    @get("/customers", guards=[needs(services.sign_in, Role.SUPERVISOR)], include_in_schema=False)
    async def customers(request: Request[Any, Any, Any]) -> Response[str]:
        words = request.query_params.get("q", "").strip()[:100]
        async with services.store.transaction() as tx:
            found = await customers_like(tx, words, LISTED)
        context = {"customers": found, "q": words, **due_context(services.company)}
        return pages.page(request, "customers", person_of(request), context)

    return [customers]


def due_context(company: Company) -> dict[str, Any]:
    """What the fields for priority and the own agent need: choices, and whether they count."""
    rules = [queue.rules for queue in company.queues.values()]
    return {
        "own_agents": agent_choices(company),
        "vip_counts": any(each.boosts.vip_s for each in rules) or _has_reserved(company),
        "own_agent_counts": any(each.dedicated_wait_s for each in rules),
    }


def agent_choices(company: Company) -> dict[str, str]:
    """By login, how an agent is written: the name, with the login where two share it."""
    agents = [each.agent for each in company.people if each.agent is not None]
    names = Counter(each.name for each in agents)
    written = {
        each.id: each.name if names[each.name] == 1 else f"{each.name} ({each.id})"
        for each in agents
    }
    return dict(sorted(written.items(), key=lambda pair: pair[1].casefold()))


def _has_reserved(company: Company) -> bool:
    """Whether somebody is kept for priority customers."""
    return any(
        standing.vip_only
        for each in company.people
        if each.agent is not None
        for standing in each.agent.standing.values()
    )
