"""Who is to be called back: the list for supervisors, putting one on it, taking one off it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

import msgspec
from litestar import get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, JSONBody

from gateway.auth.guards import needs
from gateway.desk.calling_back import called_number, local_time
from gateway.desk.views import View, customer_of, iso
from gateway.services import Services
from router.acts.callbacks import CALL_BACK, FOR_AGENT, OPEN, TRIED
from router.errors import CallbackRefused
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


class CallbackRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whom to call: somebody who waits on the phone, or a customer at a time to come.

    Without ``at`` the caller of ``interaction_id`` may hang up and keeps the place. ``at`` is
    ISO 8601, local in the queue's zone where it has no offset. ``queue`` is the interaction's
    (else the default one) where it is not named; ``agent`` (a login) is asked first.
    """

    interaction_id: Annotated[str, msgspec.Meta(max_length=64)] = ""
    customer_id: Annotated[str, msgspec.Meta(max_length=64)] = ""
    at: Annotated[str, msgspec.Meta(max_length=40)] = ""
    queue: Annotated[str, msgspec.Meta(max_length=64)] = ""
    number: Annotated[str, msgspec.Meta(max_length=40)] = ""
    agent: Annotated[str, msgspec.Meta(max_length=64)] = ""


def callback_routes(services: Services) -> list[HTTPRouteHandler]:
    """``/api/callbacks`` and below."""
    guard = needs(services.sign_in, Role.SUPERVISOR)

    @get("/api/callbacks", guards=[guard], tags=["interactions"])
    async def callbacks() -> list[View]:
        """Every open one: those whose turn it is first, then the soonest."""
        async with services.store.transaction() as tx:
            found = await promises(tx)
        return [promise_view(each) for each in found]

    @post("/api/callbacks", guards=[guard], tags=["interactions"], status_code=201)
    async def ask(data: JSONBody[CallbackRequest]) -> View:
        """Promise a call: now in their place, or at a time within the queue's hours."""
        planned = await _promised(services, data)
        async with services.store.transaction() as tx:
            return promise_view(await _promise(tx, planned))

    @post("/api/callbacks/{interaction_id:str}/cancel", guards=[guard], status_code=200)
    async def cancel(interaction_id: FromPath[str]) -> View:
        """The customer need not be called."""
        await services.callbacks.cancel(interaction_id, EndedBy.AGENT)
        return {"cancelled": interaction_id}

    return [callbacks, ask, cancel]


async def _promised(services: Services, data: CallbackRequest) -> Interaction:
    """Raises ``CallbackRefused``, ``CallbackExists``, ``OutsideHours``, ``IllegalMove``."""
    if bool(data.interaction_id) == bool(data.customer_id):
        raise CallbackRefused("expected interaction_id or customer_id, one of them")
    number = called_number(data.number)
    if not data.at:
        if not data.interaction_id or data.queue or data.agent:
            raise CallbackRefused("at is missing; without it only who waits can be called back")
        return await services.callbacks.keep_place(data.interaction_id, number)
    about: Interaction | Customer
    async with services.store.transaction() as tx:
        if data.interaction_id:
            about = await tx.interactions.get(data.interaction_id)
        else:
            about = await tx.people.customer(data.customer_id)
        if data.agent and not await tx.people.agents_among([data.agent]):
            raise CallbackRefused(f"agent: nobody who takes work has the login {data.agent!r}")
    company = services.company
    theirs = about.queue if isinstance(about, Interaction) else None
    queue = company.queue(data.queue or theirs or company.default_queue)
    due = local_time(data.at, queue.hours.timezone)
    return await services.callbacks.schedule(about, queue.id, due, number, data.agent or None)


async def promises(tx: Transaction) -> Sequence[Promise]:
    """All open callbacks, in the order in which they will be made."""
    items = [one for one in await tx.interactions.in_states(OPEN) if one.meta.get(CALL_BACK)]
    return sorted([await _promise(tx, item) for item in items], key=_turn)


async def _promise(tx: Transaction, item: Interaction) -> Promise:
    return Promise(
        item,
        await customer_of(tx, item.customer_id),
        item.due_at,
        str(item.meta.get(FOR_AGENT) or ""),
        int(item.meta.get(TRIED, 0)),
    )


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
