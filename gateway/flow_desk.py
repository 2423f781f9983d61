"""Everything by which people look after the bots' flows, joined: pages, API, drafts, trials."""

from __future__ import annotations

from typing import Any

from bots.conversation import Tools
from bots.flow.model import Flow
from bots.nlu.understanding import IntentUnderstanding
from bots.shelf import FlowShelf
from gateway.api.flow_drafts import draft_routes
from gateway.api.flows import flow_routes
from gateway.flow_drafts import FlowDrafts
from gateway.flow_trials import FlowTrials
from gateway.pages.flows import flow_pages
from gateway.pages.render import Pages
from gateway.services import Services


def flow_desk(services: Services, pages: Pages, shelf: FlowShelf, tools: Tools) -> list[Any]:
    """Its routes. ``tools`` are those of this process's conversations."""

    def forget(flow: Flow) -> None:
        # What customers may run stays learned.
        learned = tools.understanding
        if isinstance(learned, IntentUnderstanding) and not shelf.knows(flow.name, flow.version):
            learned.forget(flow)

    sign_in = services.sign_in
    drafts = FlowDrafts(shelf)
    trials = FlowTrials(tools, services.clock, forget)
    return [
        *flow_pages(services, pages, shelf),
        *flow_routes(sign_in, shelf, drafts),
        *draft_routes(sign_in, shelf, drafts, trials),
    ]
