"""Campaigns: list, new one from a CSV file, start and pause, every attempt with its reason."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, JSONBody

from bots.campaign.rules import BadCampaign
from bots.campaign.service import DEFAULT_PLAN, WINDOW, Plan
from gateway.auth.guards import needs, person_of
from gateway.desk.views import View
from gateway.pages.render import Pages
from gateway.services import Services
from router.model import Channel, Disposition, Role

AnyRequest = Request[Any, Any, Any]
MAX_CSV = 5_000_000
Clock = Annotated[str, msgspec.Meta(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]


class CampaignRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A new campaign; ``csv`` is the list's text, the window is local time of the called.

    ``timezone`` is for lines that name none, ``concurrency`` how many at once;
    ``retry_after_s`` maps a disposition to the delay before the next attempt.
    """

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    channel: Channel
    flow: str
    csv: Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_CSV)]
    window_start: Clock = WINDOW[0]
    window_end: Clock = WINDOW[1]
    timezone: str = DEFAULT_PLAN.default_timezone
    max_attempts: Annotated[int, msgspec.Meta(ge=1, le=10)] = DEFAULT_PLAN.max_attempts
    concurrency: Annotated[int, msgspec.Meta(ge=1, le=50)] = DEFAULT_PLAN.concurrency
    retry_after_s: dict[Disposition, int] | None = None

    @property
    def plan(self) -> Plan:
        """How it goes about its list."""
        plan = replace(
            DEFAULT_PLAN,
            default_timezone=self.timezone,
            max_attempts=self.max_attempts,
            concurrency=self.concurrency,
        )
        if self.retry_after_s is None:
            return plan
        return replace(plan, retry_after_s={str(k): v for k, v in self.retry_after_s.items()})


class ListRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A do-not-contact list as CSV text."""

    csv: Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_CSV)]


def campaign_routes(services: Services, pages: Pages) -> list[HTTPRouteHandler]:
    """``/campaigns`` and below."""
    return [_list(services, pages), _one(services, pages), *_acts(services)]


def _list(services: Services, pages: Pages) -> HTTPRouteHandler:
    @get("/campaigns", guards=[needs(services.sign_in, Role.SUPERVISOR)], include_in_schema=False)
    async def listed(request: AnyRequest) -> Response[str]:
        async with services.store.transaction() as tx:
            refused = await tx.campaigns.do_not_contact_list()
        context = {
            "campaigns": await services.campaigns.overview(),
            "flows": services.campaign_flows,
            "channels": [Channel.VOICE, Channel.SMS],
            "do_not_contact": refused,
        }
        return pages.page(request, "campaigns", person_of(request), context)

    return listed


def _one(services: Services, pages: Pages) -> HTTPRouteHandler:
    @get(
        "/campaigns/{campaign_id:str}",
        guards=[needs(services.sign_in, Role.SUPERVISOR)],
        include_in_schema=False,
    )
    async def one(request: AnyRequest, campaign_id: FromPath[str]) -> Response[str]:
        context = {
            "progress": await services.campaigns.progress(campaign_id),
            "lines": await services.campaigns.lines(campaign_id),
        }
        return pages.page(request, "campaign", person_of(request), context)

    return one


def _acts(services: Services) -> list[HTTPRouteHandler]:
    guard = needs(services.sign_in, Role.SUPERVISOR)

    @post("/campaigns", guards=[guard], tags=["campaigns"])
    async def create(data: JSONBody[CampaignRequest]) -> View:
        """Check the list and make a draft; a bad list is answered with line and column."""
        if data.flow not in services.campaign_flows:
            known = ", ".join(services.campaign_flows)
            raise BadCampaign(f"flow: no campaign flow {data.flow!r}; there are: {known}")
        window = (data.window_start, data.window_end)
        campaign = await services.campaigns.create(
            data.name, data.channel, data.flow, data.csv, window, data.plan
        )
        return {"id": campaign.id}

    @post("/campaigns/{campaign_id:str}/start", guards=[guard], tags=["campaigns"], status_code=200)
    async def start(campaign_id: FromPath[str]) -> View:
        """Let it run."""
        await services.campaigns.start(campaign_id)
        return {"id": campaign_id}

    @post("/campaigns/{campaign_id:str}/pause", guards=[guard], tags=["campaigns"], status_code=200)
    async def pause(campaign_id: FromPath[str]) -> View:
        """Begin no new attempts."""
        await services.campaigns.pause(campaign_id)
        return {"id": campaign_id}

    @post("/do-not-contact", guards=[guard], tags=["campaigns"])
    async def refuse(data: JSONBody[ListRequest]) -> View:
        """Add a list of addresses that no campaign may contact."""
        return {"added": await services.campaigns.import_do_not_contact(data.csv)}

    return [create, start, pause, refuse]
