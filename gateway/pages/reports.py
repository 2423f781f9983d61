"""Figures of today or the last seven days, each with its definition; the same as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler

from gateway.auth.guards import needs, person_of
from gateway.desk.ledger import Ledger
from gateway.pages.render import Pages
from gateway.services import Services
from router import kpi
from router.company import Company
from router.figures.counts import (
    AgentFigures,
    BotFigures,
    HandoffFigures,
    QueueFigures,
    added,
)
from router.figures.day import Day, together
from router.figures.terms import target_of
from router.model import Agent, Role
from router.ports import Store

PERIODS = {"today": 0, "week": 6}
REACHED = (
    "arrived",
    "answered",
    "abandoned",
    "service_level",
    "asa_s",
    "abandonment",
    "long_abandonment",
    "overflowed",
    "callbacks",
)
HANDLED = (
    "handled",
    "aht_s",
    "aht_wait_s",
    "transfer_rate",
    "first_response_s",
    "reply_s",
    "fcr",
    "csat",
    "nps",
    "response_rate",
)
OF_QUEUES = (
    *REACHED,
    "short_abandoned",
    "within_target",
    *HANDLED,
    "transferred",
    "matters",
    "responses",
    "nps_responses",
    "nps_response_rate",
)
ASSISTED = (
    "written",
    "suggested",
    "suggestion_share",
    "assisted",
    "assisted_aht_s",
    "unassisted_aht_s",
)
CONTACTS = (
    "offered",
    "answered",
    "missed",
    "rejected",
    "handled",
    "aht_s",
    "transfer_rate",
    "csat",
    "responses",
    "response_rate",
)
TIMES = (
    "signed_in_s",
    "talk_s",
    "wrap_up_s",
    "ready_s",
    "paid_away_s",
    "unpaid_away_s",
    "occupancy",
    "utilisation",
    "actual_work_rate",
    "workload_rate",
)
OF_BOTS = (
    "started",
    "contained",
    "handed_off",
    "abandoned",
    "corrected",
    "containment",
    "csat",
    "responses",
    "response_rate",
)
OF_HANDOFFS = (
    "handoffs",
    "accepted",
    "accepted_share",
    "accept_wait_s",
    "callback",
    "email",
    "voicemail",
    "outside",
    "back_to_bot",
    "left",
    "nobody",
    "unanswered",
)
AnyRequest = Request[Any, Any, Any]
Figures = QueueFigures | AgentFigures | BotFigures | HandoffFigures


@dataclass(frozen=True, slots=True)
class Report:
    """All figures of one period; rows and total are sums of the same cells."""

    since: datetime
    queues: dict[str, QueueFigures]
    channels: dict[str, QueueFigures]
    total: QueueFigures
    agents: dict[str, AgentFigures]
    bot: BotFigures
    handoffs: dict[str, HandoffFigures]
    """By the kind of the reason, the most frequent first."""
    forms: dict[str, str]
    """The formula of each queue's service level."""


def report_routes(services: Services, pages: Pages, ledger: Ledger) -> list[HTTPRouteHandler]:
    """``/reports``, ``/reports.csv`` and ``/api/handoffs``."""
    guard = needs(services.sign_in, Role.SUPERVISOR)

    @get("/reports", guards=[guard], include_in_schema=False)
    async def report_page(request: AnyRequest) -> Response[str]:
        period = _period(request)
        agents = await _agents(services.store)
        report = await make_report(ledger, services.company, agents, period)
        context = {
            "report": report,
            "period": period,
            "periods": list(PERIODS),
            "names": {agent.id: agent.name for agent in agents},
            "queue_names": {queue.id: queue.name for queue in services.company.queues.values()},
            "definitions": kpi.DEFINITIONS,
            "reached": REACHED,
            "handled": HANDLED,
            "assisted": ASSISTED,
            "contacts": CONTACTS,
            "times": TIMES,
            "of_bots": OF_BOTS,
            "of_handoffs": OF_HANDOFFS,
            "all_handoffs": added(HandoffFigures, report.handoffs.values()),
            "value": value,
        }
        return pages.page(request, "reports", person_of(request), context)

    @get("/reports.csv", guards=[guard], tags=["reports"])
    async def report_csv(request: AnyRequest) -> Response[str]:
        """Figures per queue, channel, agent and bot, one per line; ``period=today|week``."""
        period = _period(request)
        agents = await _agents(services.store)
        report = await make_report(ledger, services.company, agents, period)
        day = services.clock.now().date().isoformat()
        headers = {"Content-Disposition": f'attachment; filename="parley-{period}-{day}.csv"'}
        text = to_csv(report, {agent.id: agent.name for agent in agents})
        return Response(text, media_type="text/csv; charset=utf-8", headers=headers)

    @get("/api/handoffs", guards=[guard], tags=["reports"])
    async def handoffs(request: AnyRequest) -> dict[str, Any]:
        """What became of hand-overs, by the kind of their reason; ``period=today|week``."""
        period = _period(request)
        agents = await _agents(services.store)
        report = await make_report(ledger, services.company, agents, period)
        return {
            "since": report.since.isoformat(),
            "causes": [
                {"cause": cause, **{name: value(figures, name) for name in OF_HANDOFFS}}
                for cause, figures in report.handoffs.items()
            ],
        }

    return [report_page, report_csv, handoffs]


def _period(request: AnyRequest) -> str:
    period = request.query_params.get("period", "today")
    return period if period in PERIODS else "today"


async def _agents(store: Store) -> list[Agent]:
    async with store.reading() as tx:
        return await tx.people.agents()


async def make_report(ledger: Ledger, company: Company, agents: list[Agent], period: str) -> Report:
    """The period's days added up; ``agents`` tell the presence of who has not moved today."""
    tally = await ledger.today()
    before = await ledger.before(PERIODS[period])
    since = ledger.begin_of(tally.begin, PERIODS[period])
    return report_of(together([*before, tally.at(ledger.now(), agents)]), company, since)


def report_of(day: Day, company: Company, since: datetime) -> Report:
    """Every queue of the company, and those that only the past knows."""
    rows = day.by_queue()
    return Report(
        since=since,
        queues={key: rows.get(key, QueueFigures()) for key in {**company.queues, **rows}},
        channels=day.by_channel(),
        total=day.total(),
        agents=day.agents,
        bot=day.bot,
        handoffs=dict(sorted(day.handoffs.items(), key=lambda one: -one[1].handoffs)),
        forms={queue.id: target_of(queue).text for queue in company.queues.values()},
    )


def value(figures: Figures, name: str) -> float | int | None:
    """A figure by name, wherever it stands: with the record, its scores or its time."""
    for place in (figures, getattr(figures, "scores", None), getattr(figures, "time", None)):
        if hasattr(place, name):
            found: float | int | None = getattr(place, name)
            return found
    raise KeyError(name)


def to_csv(report: Report, names: dict[str, str]) -> str:
    """``group,name,figure,value`` lines; ratios 0..1, times in seconds, empty for no data."""
    text = io.StringIO()
    rows = csv.writer(text)
    rows.writerow(["group", "name", "figure", "value"])
    for group, name, figures, columns in _groups(report, names):
        for figure in columns:
            rows.writerow([group, _safe(name), figure, _plain(value(figures, figure))])
        if group == "queue" and name in report.forms:
            rows.writerow([group, _safe(name), "service_level_form", _safe(report.forms[name])])
    return text.getvalue()


def _groups(
    report: Report, names: dict[str, str]
) -> Iterator[tuple[str, str, Figures, tuple[str, ...]]]:
    for queue, figures in report.queues.items():
        yield "queue", queue, figures, (*OF_QUEUES, *ASSISTED)
    for channel, figures in report.channels.items():
        yield "channel", channel, figures, (*OF_QUEUES, *ASSISTED)
    yield "total", "all", report.total, (*OF_QUEUES, *ASSISTED)
    for agent_id, agent in report.agents.items():
        yield "agent", names.get(agent_id, agent_id), agent, (*CONTACTS, *TIMES)
    yield "bot", "all", report.bot, OF_BOTS
    for cause, outcomes in report.handoffs.items():
        yield "handoff", cause, outcomes, OF_HANDOFFS


def _plain(number: float | int | None) -> str:
    if number is None:
        return ""
    return str(number) if isinstance(number, int) else f"{number:.4f}"


def _safe(name: str) -> str:
    """A spreadsheet must not read a name as a formula."""
    return f"'{name}" if name[:1] in "=+-@" else name
