"""Customers' records: look them up, and say what is due to them (supervisors)."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from litestar import Request, get, patch, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery, JSONBody

from gateway.auth.guards import needs, person_of
from gateway.customer_list import parse_customers
from gateway.desk.views import View, customer_view, own_agent_of
from gateway.services import Services
from router.acts.customers import Mark
from router.model import Customer, InteractionState, Role
from router.ports import Transaction

MOST = 100
MAX_CSV = 5_000_000
RECENT = 50
TAGS = ["customers"]


class MarkRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to change; what is not named stays. ``dedicated_agent`` null: nobody any more."""

    vip: bool | msgspec.UnsetType = msgspec.UNSET
    dedicated_agent: Annotated[str, msgspec.Meta(max_length=64)] | msgspec.UnsetType | None = (
        msgspec.UNSET
    )

    @property
    def mark(self) -> Mark:
        """The same for the act."""
        vip, agent = self.vip, self.dedicated_agent
        return Mark(
            None if isinstance(vip, msgspec.UnsetType) else vip,
            None if isinstance(agent, msgspec.UnsetType) else agent or "",
        )


class ListRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A list as CSV text (``gateway.customer_list``)."""

    csv: Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_CSV)]


def customer_routes(services: Services) -> list[HTTPRouteHandler]:
    """``/api/customers`` and below."""
    return [_search(services), _one(services), _mark(services), _take_in(services)]


def _search(services: Services) -> HTTPRouteHandler:
    @get("/api/customers", guards=[needs(services.sign_in, Role.SUPERVISOR)], tags=TAGS)
    async def customers(
        q: FromQuery[str] = "",
        limit: FromQuery[Annotated[int, msgspec.Meta(ge=1, le=MOST)]] = 20,
    ) -> list[View]:
        """By part of a name, number or address; without words those to whom something is due."""
        async with services.store.transaction() as tx:
            found = await customers_like(tx, q, limit)
            return [customer_view(each, await own_agent_of(tx, each)) for each in found]

    return customers


async def customers_like(tx: Transaction, words: str, limit: int) -> list[Customer]:
    """Who fits the words; without any, who has priority or an agent of their own. By name."""
    if words.strip():
        return await tx.people.search_customers(words.strip()[:100], limit)
    return await tx.people.marked_customers(limit)


def _one(services: Services) -> HTTPRouteHandler:
    @get(
        "/api/customers/{customer_id:str}",
        guards=[needs(services.sign_in, Role.SUPERVISOR)],
        tags=TAGS,
    )
    async def customer(customer_id: FromPath[str]) -> View:
        """One customer, and what of theirs is open now."""
        async with services.store.transaction() as tx:
            return await _view(tx, await tx.people.customer(customer_id))

    return customer


def _mark(services: Services) -> HTTPRouteHandler:
    @patch(
        "/api/customers/{customer_id:str}",
        guards=[needs(services.sign_in, Role.SUPERVISOR)],
        tags=TAGS,
    )
    async def mark(
        request: Request[Any, Any, Any], customer_id: FromPath[str], data: JSONBody[MarkRequest]
    ) -> View:
        """Priority, and an agent of their own. Priority counts at once for who waits."""
        login = person_of(request).account.login
        marked = await services.customers.mark(customer_id, data.mark, login)
        async with services.store.transaction() as tx:
            return await _view(tx, marked)

    return mark


def _take_in(services: Services) -> HTTPRouteHandler:
    @post(
        "/api/customers/import",
        guards=[needs(services.sign_in, Role.SUPERVISOR)],
        tags=TAGS,
        status_code=200,
    )
    async def take_in(request: Request[Any, Any, Any], data: JSONBody[ListRequest]) -> View:
        """Mark everybody of a list, and add who is not known; a bad list changes nothing."""
        login = person_of(request).account.login
        done = await services.customers.take_in(parse_customers(data.csv), login)
        return {"added": done.added, "changed": done.changed, "same": done.same}

    return take_in


async def _view(tx: Transaction, customer: Customer) -> View:
    items = await tx.interactions.for_customer(customer.id, RECENT)
    return {
        **customer_view(customer, await own_agent_of(tx, customer)),
        "open": [
            {"id": item.id, "channel": item.channel, "state": item.state, "queue": item.queue}
            for item in items
            if item.state is not InteractionState.ENDED and item.parent_id is None
        ],
    }
