"""Data for signed-in people and operators: interactions, queues, health, metrics."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest

from gateway.auth.errors import NotAllowed
from gateway.auth.guards import needs
from gateway.auth.sessions import COOKIE
from gateway.desk.cards import card_of
from gateway.desk.floor import LIVE, Floor
from gateway.desk.ledger import zone_of
from gateway.desk.routing import routing_of, routing_view
from gateway.desk.views import View
from gateway.services import Services
from router.errors import StoreUnavailable
from router.model import Role


def reading_routes(services: Services, floor: Floor) -> list[HTTPRouteHandler]:
    """All of them."""
    return [
        _interaction(services),
        _routing(services),
        _queues(services, floor),
        _health(services),
        _metrics(services),
    ]


def _interaction(services: Services) -> HTTPRouteHandler:
    @get(
        "/api/interactions/{interaction_id:str}",
        guards=[needs(services.sign_in, Role.SUPERVISOR)],
        tags=["interactions"],
    )
    async def interaction(interaction_id: FromPath[str]) -> View:
        """One interaction with its customer, transcript and hand-over packet."""
        async with services.store.transaction() as tx:
            item = await tx.interactions.get(interaction_id)
            return await card_of(tx, item, services.company)

    return interaction


def _routing(services: Services) -> HTTPRouteHandler:
    @get(
        "/api/interactions/{interaction_id:str}/routing",
        guards=[needs(services.sign_in, Role.SUPERVISOR)],
        tags=["interactions"],
    )
    async def routing(interaction_id: FromPath[str]) -> View:
        """Every offer, step and transfer of it, and while it waits: why, its place, how long."""
        company = services.company
        async with services.store.transaction() as tx:
            item = await tx.interactions.get(interaction_id)
            now = services.clock.now()
            found = await routing_of(tx, item, company, services.room, now)
            names = {agent.id: agent.name for agent in await tx.people.agents()}
        names |= {queue.id: queue.name for queue in company.queues.values()}
        return routing_view(found, names, zone_of(company))

    return routing


def _queues(services: Services, floor: Floor) -> HTTPRouteHandler:
    @get(
        "/api/queues",
        guards=[needs(services.sign_in, Role.SUPERVISOR)],
        tags=["queues"],
    )
    async def queues() -> list[View]:
        """Every queue: who waits now, and today's figures."""
        view = await floor.view()
        found: list[View] = view["queues"]
        return found

    return queues


def _health(services: Services) -> HTTPRouteHandler:
    @get("/healthz", tags=["operation"])
    async def health() -> Response[View]:
        """200 while bus and store can be reached, else 503."""
        bus = services.bus.healthy()
        store = await _store_answers(services)
        fine = bus and store
        body: View = {"status": "ok" if fine else "failing", "bus": bus, "store": store}
        return Response({**body, "node": services.node}, status_code=200 if fine else 503)

    return health


async def _store_answers(services: Services) -> bool:
    try:
        async with services.store.transaction() as tx:
            await tx.log.document("health")
    except (StoreUnavailable, OSError):
        return False
    return True


def _metrics(services: Services) -> HTTPRouteHandler:
    @get("/metrics", tags=["operation"], media_type="text/plain")
    async def metrics(request: Request[Any, Any, Any]) -> Response[bytes]:
        """Prometheus text; from this machine, or signed in as a supervisor."""
        await _check_operator(request, services)
        body = (
            await _gauges(services)
            + services.turns.text()
            + services.assist_times.text()
            + generate_latest()
        )
        return Response(body, headers={"Content-Type": CONTENT_TYPE_LATEST})

    return metrics


async def _check_operator(request: Request[Any, Any, Any], services: Services) -> None:
    if request.client is not None and _is_loopback(request.client.host):
        return
    person = await services.sign_in.who(request.cookies.get(COOKIE, ""))
    if person is None or not person.may(Role.SUPERVISOR):
        raise NotAllowed("Metrics are for this machine and for signed-in supervisors.")


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


async def _gauges(services: Services) -> bytes:
    registry = CollectorRegistry()
    live = Gauge("parley_interactions", "Open interactions", ["state"], registry=registry)
    people = Gauge("parley_agents", "Agents by presence", ["presence"], registry=registry)
    tabs = Gauge("parley_desk_tabs", "Desk pages connected to this node", registry=registry)
    tabs.set(services.hub.connected)
    async with services.store.transaction() as tx:
        items = await tx.interactions.in_states(LIVE)
        agents = await tx.people.agents()
    for state in LIVE:
        live.labels(state).set(sum(item.state is state for item in items))
    for presence in sorted({agent.presence for agent in agents}):
        people.labels(presence).set(sum(agent.presence is presence for agent in agents))
    return generate_latest(registry)
