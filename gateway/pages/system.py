"""The administrator's pages: health, nodes and sign-ins; facts that a group could not handle."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta
from typing import Any

from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler

from gateway.api.letters import LISTED, letter_view
from gateway.auth.guards import needs, person_of
from gateway.desk.views import View
from gateway.pages.render import Pages
from gateway.services import Services
from router.events import DeadLetterDiscarded
from router.model import Role
from router.ports import Transaction

NODE_ALIVE_S = 30
DISCARDED_DAYS = 30
DISCARDED = 50
MANY = 1_000
"""Dead letters from which on the page says that something must be mended first."""
AnyRequest = Request[Any, Any, Any]


def system_routes(services: Services, pages: Pages) -> list[HTTPRouteHandler]:
    """``/system`` and ``/system/letters``."""
    return [_system(services, pages), _letters(services, pages)]


def _system(services: Services, pages: Pages) -> HTTPRouteHandler:
    @get("/system", guards=[needs(services.sign_in, Role.ADMIN)], include_in_schema=False)
    async def system(request: AnyRequest) -> Response[str]:
        since = services.clock.now() - timedelta(seconds=NODE_ALIVE_S)
        async with services.store.transaction() as tx:
            nodes = sorted(await tx.log.live_nodes(since))
            accounts = await tx.people.accounts()
        context = {
            "nodes": nodes,
            "accounts": accounts,
            "letters": await services.bus.count_dead_letters(),
            "bus": services.bus.healthy(),
            "tabs": services.hub.connected,
            "suggest_ms": services.assist_times.ms_p95,
            "configuration": services.company,
        }
        return pages.page(request, "system", person_of(request), context)

    return system


def _letters(services: Services, pages: Pages) -> HTTPRouteHandler:
    @get("/system/letters", guards=[needs(services.sign_in, Role.ADMIN)], include_in_schema=False)
    async def letters(request: AnyRequest) -> Response[str]:
        found = await services.bus.dead_letters(LISTED)
        groups: dict[str, list[View]] = defaultdict(list)
        for letter in found:
            groups[letter.group].append(letter_view(letter) | {"when": letter.at})
        since = services.clock.now() - timedelta(days=DISCARDED_DAYS)
        async with services.store.transaction() as tx:
            discarded = await _discarded(tx, since)
            names = {account.id: account.name for account in await tx.people.accounts()}
        context = {
            "groups": dict(sorted(groups.items())),
            "shown": len(found),
            "lying": max(len(found), await services.bus.count_dead_letters()),
            "many": MANY,
            "discarded": discarded,
            "names": names,
        }
        return pages.page(request, "letters", person_of(request), context)

    return letters


async def _discarded(tx: Transaction, since: datetime) -> list[DeadLetterDiscarded]:
    """What was thrown away lately, newest first."""
    facts = await tx.log.facts(since=since, types=[DeadLetterDiscarded])
    return [fact for fact in facts if isinstance(fact, DeadLetterDiscarded)][-DISCARDED:][::-1]
