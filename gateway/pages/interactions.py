"""The list of interactions, and one interaction: transcript, events in words, recording."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from gateway.auth.guards import needs, person_of
from gateway.desk.routing import routing_of
from gateway.desk.talk_views import giver_of
from gateway.desk.views import customer_of
from gateway.pages.customers import due_context
from gateway.pages.recording import NoRecording, audio_response, inside
from gateway.pages.render import Pages, span
from gateway.pages.story import Teller
from gateway.services import Services
from router.errors import NoSuchInteraction
from router.events import RecordingSaved
from router.model import Channel, Customer, Interaction, InteractionState, Role
from router.ports import Transaction

LISTED = 100
AnyRequest = Request[Any, Any, Any]


@dataclass(frozen=True, slots=True)
class Line:
    """One row of the list."""

    item: Interaction
    customer: Customer
    length: str


def interaction_routes(services: Services, pages: Pages) -> list[HTTPRouteHandler]:
    """``/interactions``, ``/interactions/{id}``, ``/interactions/{id}/recording``."""
    return [_list(services, pages), _one(services, pages), _recording(services)]


def _list(services: Services, pages: Pages) -> HTTPRouteHandler:
    @get(
        "/interactions", guards=[needs(services.sign_in, Role.SUPERVISOR)], include_in_schema=False
    )
    async def listed(request: AnyRequest) -> Response[str]:
        words = request.query_params.get("q", "").strip()[:100]
        channel = request.query_params.get("channel", "")
        state = request.query_params.get("state", "")
        async with services.store.transaction() as tx:
            found = await _found(tx, words)
            picked = [item for item in found if _fits(item, channel, state)][:LISTED]
            lines = await _lines(tx, picked, services.clock.now())
            names = {agent.id: agent.name for agent in await tx.people.agents()}
        context = {
            "lines": lines,
            "names": names,
            "q": words,
            "channel": channel,
            "state": state,
            "channels": list(Channel),
            "states": list(InteractionState),
            "queues": services.company.queues,
        }
        return pages.page(request, "interactions", person_of(request), context)

    return listed


async def _found(tx: Transaction, words: str) -> list[Interaction]:
    """All recent ones, or those of the customers whose name or address has the words."""
    if not words:
        return await tx.interactions.recent(LISTED * 3)
    if re.fullmatch(r"[0-9a-f]{32}", words):
        try:
            return [await tx.interactions.get(words)]
        except NoSuchInteraction:
            return []
    customers = await tx.people.search_customers(words)
    found = [
        item
        for customer in customers
        for item in await tx.interactions.for_customer(customer.id, LISTED)
    ]
    return sorted(found, key=lambda item: item.created_at, reverse=True)


def _fits(item: Interaction, channel: str, state: str) -> bool:
    return (not channel or item.channel == channel) and (not state or item.state == state)


async def _lines(tx: Transaction, items: Iterable[Interaction], now: datetime) -> list[Line]:
    known: dict[str, Customer] = {}
    lines = []
    for item in items:
        if item.customer_id not in known:
            known[item.customer_id] = await customer_of(tx, item.customer_id)
        until = item.left_at or item.ended_at or now
        length = span((until - item.created_at).total_seconds())
        lines.append(Line(item, known[item.customer_id], length))
    return lines


def _one(services: Services, pages: Pages) -> HTTPRouteHandler:
    @get(
        "/interactions/{interaction_id:str}",
        guards=[needs(services.sign_in, Role.SUPERVISOR)],
        include_in_schema=False,
    )
    async def one(request: AnyRequest, interaction_id: FromPath[str]) -> Response[str]:
        now, company = services.clock.now(), services.company
        async with services.store.transaction() as tx:
            item = await tx.interactions.get(interaction_id)
            customer = await customer_of(tx, item.customer_id)
            messages = await tx.interactions.messages(item.id)
            facts = await tx.log.facts(interaction_id=item.id)
            names = {agent.id: agent.name for agent in await tx.people.agents()}
            earlier = await tx.interactions.for_customer(item.customer_id, 12)
            routing = await routing_of(tx, item, company, services.room, now)
            given_by = await giver_of(tx, item)
        queue_names = {queue.id: queue.name for queue in company.queues.values()}
        teller = Teller(pages, request, names | queue_names)
        context = {
            "item": item,
            "customer": customer,
            "messages": messages,
            "steps": teller.steps(routing.entries, facts),
            "why": routing.explanation,
            "needs": teller.needs,
            "recordings": [fact for fact in facts if isinstance(fact, RecordingSaved)],
            "given_by": given_by,
            "names": names,
            "queues": company.queues,
            "earlier": [other for other in earlier if other.id != item.id],
            **due_context(company),
        }
        return pages.page(request, "interaction", person_of(request), context)

    return one


def _recording(services: Services) -> HTTPRouteHandler:
    @get(
        "/interactions/{interaction_id:str}/recording",
        guards=[needs(services.sign_in, Role.SUPERVISOR)],
        tags=["interactions"],
    )
    async def recording(request: AnyRequest, interaction_id: FromPath[str]) -> Response[bytes]:
        """The call's stereo WAV (customer left, our side right)."""
        async with services.store.transaction() as tx:
            facts = await tx.log.facts(interaction_id=interaction_id, types=[RecordingSaved])
        saved = [fact for fact in facts if isinstance(fact, RecordingSaved)]
        if not saved:
            raise NoRecording
        path = inside(services.data_dir, saved[-1].path)
        return await audio_response(path, request.headers.get("range"))

    return recording
