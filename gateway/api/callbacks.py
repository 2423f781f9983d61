"""Who is to be called back: the list for supervisors, and taking one off it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from litestar import get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from gateway.auth.guards import needs
from gateway.desk.views import View, customer_of, iso
from gateway.services import Services
from router.acts.callbacks import CALL_BACK, FOR_AGENT, OPEN, TRIED
from router.model import Customer, EndedBy, Interaction, Role
from router.ports import Transaction


@dataclass(frozen=True, slots=True)
class Promise:
    """A promised call. ``due_at`` is None when it is made as soon as it is its turn."""

    item: Interaction
    customer: Customer
    due_at: datetime | None
    agent_id: str
    tried: int


def callback_routes(services: Services) -> list[HTTPRouteHandler]:
    """``/api/callbacks`` and below."""
    guard = needs(services.sign_in, Role.SUPERVISOR)

    @get("/api/callbacks", guards=[guard], tags=["interactions"])
    async def callbacks() -> list[View]:
        """Every open one: those whose turn it is first, then the soonest."""
        async with services.store.transaction() as tx:
            found = await promises(tx)
        return [promise_view(each) for each in found]

    @post("/api/callbacks/{interaction_id:str}/cancel", guards=[guard], status_code=200)
    async def cancel(interaction_id: FromPath[str]) -> View:
        """The customer need not be called."""
        await services.callbacks.cancel(interaction_id, EndedBy.AGENT)
        return {"cancelled": interaction_id}

    return [callbacks, cancel]


async def promises(tx: Transaction) -> Sequence[Promise]:
    """All open callbacks, in the order in which they will be made."""
    items = [one for one in await tx.interactions.in_states(OPEN) if one.meta.get(CALL_BACK)]
    found = [
        Promise(
            item,
            await customer_of(tx, item.customer_id),
            item.due_at,
            str(item.meta.get(FOR_AGENT) or ""),
            int(item.meta.get(TRIED, 0)),
        )
        for item in items
    ]
    return sorted(found, key=_turn)


def _turn(promise: Promise) -> tuple[bool, datetime]:
    item = promise.item
    return promise.due_at is not None, promise.due_at or item.joined_at or item.created_at


def promise_view(promise: Promise) -> View:
    """A promised call as JSON."""
    item = promise.item
    return {
        "interaction_id": item.id,
        "customer": promise.customer.name or item.address,
        "number": item.address,
        "queue": item.queue,
        "state": item.state,
        "due_at": iso(promise.due_at),
        "waiting_since": iso(item.joined_at) if promise.due_at is None else None,
        "agent_id": promise.agent_id,
        "tried": promise.tried,
    }
