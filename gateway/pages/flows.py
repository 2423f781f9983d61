"""The page of the bots' flows: which versions are in force; one flow edited, drawn and tried."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery

from bots.flow.model import CHANNELS
from bots.flow.rollout import ALL
from bots.shelf import SAVED, Edition, FlowShelf, Shelved
from gateway.auth.guards import needs, person_of
from gateway.pages.render import Pages
from gateway.services import Services
from router.model import Channel, Role

AnyRequest = Request[Any, Any, Any]


@dataclass(frozen=True, slots=True)
class Listed:
    """A flow as the pages tell it. ``live`` and ``trial`` are the acts that made them so."""

    shelved: Shelved
    live: Edition | None
    trial: Edition | None
    newer: Edition | None
    """A text that was saved behind what is in force, for whoever goes on with it."""
    channels: tuple[Channel, ...]
    """Where it is the first to answer."""

    @property
    def live_share(self) -> int:
        """Of a hundred new conversations, how many get the live version."""
        return ALL - self.shelved.rollout.percent

    @property
    def can_go_back(self) -> bool:
        """Whether there is something to roll back."""
        return bool(self.shelved.rollout.trial or self.shelved.rollout.before)


def flow_pages(services: Services, pages: Pages, shelf: FlowShelf) -> list[HTTPRouteHandler]:
    """``/flows`` and ``/flows/{name}``."""
    guard = needs(services.sign_in, Role.ADMIN)

    @get("/flows", guards=[guard], include_in_schema=False)
    async def flows(request: AnyRequest) -> Response[str]:
        entry = services.company.entry
        found = [listed(await shelf.shelved(name), entry) for name in shelf.names]
        # First those that customers meet first.
        found.sort(key=lambda each: (not each.channels, each.shelved.name))
        return pages.page(request, "flows", person_of(request), {"flows": found})

    @get("/flows/{name:str}", guards=[guard], include_in_schema=False)
    async def flow(
        request: AnyRequest, name: FromPath[str], version: FromQuery[str] = ""
    ) -> Response[str]:
        shelved = await shelf.shelved(name)
        opened = version or shelved.rollout.live
        context = {
            "section": "flows",
            "flow": listed(shelved, services.company.entry),
            "version": opened,
            "text": (await shelf.texts(name, opened))[name],
            "channels": CHANNELS,
        }
        return pages.page(request, "flow", person_of(request), context)

    return [flows, flow]


def listed(shelved: Shelved, entry: Mapping[Channel, str]) -> Listed:
    """What the pages tell of a flow."""
    rollout, acts = shelved.rollout, shelved.editions
    first = acts[0]
    return Listed(
        shelved,
        _made(acts, rollout.live),
        _made(acts, rollout.trial) if rollout.trial else None,
        first if first.act == SAVED and first.version not in rollout.versions else None,
        tuple(channel for channel, name in entry.items() if name == shelved.name),
    )


def _made(acts: tuple[Edition, ...], version: str) -> Edition | None:
    """The latest act that gave this version to anybody; a version put back names who did so."""
    return next((each for each in acts if each.version == version and each.act != SAVED), None)
