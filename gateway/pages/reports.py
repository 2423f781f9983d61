"""Figures of today or the last seven days, each with its definition; the same as CSV."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler

from gateway.auth.guards import needs, person_of
from gateway.desk.floor import COUNTED, day_start, targets
from gateway.pages.render import Pages
from gateway.services import Services
from router import kpi
from router.events import (
    Fact,
    InteractionArrived,
    InteractionEnded,
    InteractionQueued,
    OfferAccepted,
)
from router.model import Role

PERIODS = {"today": 0, "week": 6}
NAMED = (InteractionArrived, InteractionQueued, OfferAccepted, InteractionEnded)
AnyRequest = Request[Any, Any, Any]


@dataclass(frozen=True, slots=True)
class Report:
    """All figures of one period."""

    since: datetime
    queues: dict[str, kpi.QueueFigures]
    channels: dict[str, kpi.QueueFigures]
    arrivals: dict[str, int]
    agents: dict[str, kpi.AgentFigures]
    bot: kpi.BotFigures
    total: kpi.QueueFigures


def report_routes(services: Services, pages: Pages) -> list[HTTPRouteHandler]:
    """``/reports`` and ``/reports.csv``."""
    guard = needs(services.sign_in, Role.SUPERVISOR)

    @get("/reports", guards=[guard], include_in_schema=False)
    async def report_page(request: AnyRequest) -> Response[str]:
        period = _period(request)
        report = await make_report(services, period)
        context = {
            "report": report,
            "period": period,
            "periods": list(PERIODS),
            "names": await _agent_names(services),
            "queue_names": {queue.id: queue.name for queue in services.company.queues.values()},
            "definitions": kpi.DEFINITIONS,
            "now": services.clock.now(),
        }
        return pages.page(request, "reports", person_of(request), context)

    @get("/reports.csv", guards=[guard], tags=["reports"])
    async def report_csv(request: AnyRequest) -> Response[str]:
        """Figures per queue, channel, agent and bot, one per line; ``period=today|week``."""
        period = _period(request)
        report = await make_report(services, period)
        day = services.clock.now().date().isoformat()
        headers = {"Content-Disposition": f'attachment; filename="parley-{period}-{day}.csv"'}
        text = to_csv(report, await _agent_names(services))
        return Response(text, media_type="text/csv; charset=utf-8", headers=headers)

    return [report_page, report_csv]


def _period(request: AnyRequest) -> str:
    period = request.query_params.get("period", "today")
    return period if period in PERIODS else "today"


async def _agent_names(services: Services) -> dict[str, str]:
    async with services.store.transaction() as tx:
        return {agent.id: agent.name for agent in await tx.people.agents()}


async def make_report(services: Services, period: str) -> Report:
    """Read the period's facts and count."""
    begin = day_start(services.clock.now(), services.company) - timedelta(days=PERIODS[period])
    async with services.store.transaction() as tx:
        facts = await tx.log.facts(since=begin, types=COUNTED)
    by_queue = kpi.queue_figures(facts, targets=targets(services.company))
    return Report(
        since=begin,
        queues={key: by_queue.get(key, kpi.QueueFigures()) for key in services.company.queues},
        channels=kpi.queue_figures(_by_channel(facts)),
        arrivals=kpi.channel_arrivals(facts),
        agents=kpi.agent_figures(facts),
        bot=kpi.bot_figures(facts),
        total=added_up(list(by_queue.values())),
    )


def _by_channel(facts: list[Fact]) -> list[Fact]:
    """The same facts with the channel in place of the queue, so that one formula serves both."""
    channels = {fact.interaction_id: fact.channel for fact in facts if isinstance(fact, NAMED)}
    relabelled: list[Fact] = []
    for fact in facts:
        channel = channels.get(fact.interaction_id, "")
        if channel and hasattr(fact, "queue"):
            relabelled.append(replace(fact, queue=channel))  # type: ignore[call-arg]
        else:
            relabelled.append(fact)
    return relabelled


def added_up(parts: list[kpi.QueueFigures]) -> kpi.QueueFigures:
    """All queues as one; each answer counts against its own queue's target."""
    total = kpi.QueueFigures()
    for part in parts:
        total.arrived += part.arrived
        total.answered += part.answered
        total.abandoned += part.abandoned
        total.short_abandoned += part.short_abandoned
        total.within_target += part.within_target
        total.transferred += part.transferred
        total.handled += part.handled
        total.wait_s += part.wait_s
        total.handle_s += part.handle_s
    return total


def to_csv(report: Report, names: dict[str, str]) -> str:
    """``group,name,figure,value`` lines; ratios 0..1, times in seconds, empty for no data."""
    text = io.StringIO()
    rows = csv.writer(text)
    rows.writerow(["group", "name", "figure", "value"])
    for group, found in (("queue", report.queues), ("channel", report.channels)):
        for name, figures in found.items():
            for figure in QUEUE_COLUMNS:
                rows.writerow([group, name, figure, _plain(getattr(figures, figure))])
    for agent_id, agent in report.agents.items():
        for figure in AGENT_COLUMNS:
            value = _plain(getattr(agent, figure))
            rows.writerow(["agent", _safe(names.get(agent_id, agent_id)), figure, value])
    for figure in BOT_COLUMNS:
        rows.writerow(["bot", "all", figure, _plain(getattr(report.bot, figure))])
    return text.getvalue()


QUEUE_COLUMNS = (
    "arrived",
    "answered",
    "abandoned",
    "short_abandoned",
    "within_target",
    "service_level",
    "asa_s",
    "aht_s",
    "abandonment",
    "transferred",
    "handled",
)
AGENT_COLUMNS = ("offered", "answered", "missed", "rejected", "handled", "aht_s", "csat")
BOT_COLUMNS = ("started", "contained", "handed_off", "abandoned", "containment")


def _plain(value: float | int | None) -> str:
    if value is None:
        return ""
    return str(value) if isinstance(value, int) else f"{value:.4f}"


def _safe(name: str) -> str:
    """A spreadsheet must not read a name as a formula."""
    return f"'{name}" if name[:1] in "=+-@" else name
