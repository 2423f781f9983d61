"""The desk's page and API of flows on a real server, over two or three of the demo's flows."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from bots.conversation import Tools
from bots.conversations import Conversations
from bots.flow.schema import read_flow
from bots.shelf import FlowShelf
from gateway.flow_desk import flow_desk
from gateway.routes import desk_pages, desk_routes
from router.relay import Relay
from tests.browser.desk_house import DeskHouse, desk_house, served
from tests.talking import API, FLOWS, Bench


@dataclass
class FlowHouse:
    """Where it is served, and what is behind it."""

    url: str
    house: DeskHouse
    shelf: FlowShelf
    bench: Bench


@asynccontextmanager
async def flow_house(folder: Path, names: Sequence[str]) -> AsyncIterator[FlowHouse]:
    """These flows of the demo company, with scripted articles and actions."""
    files = folder / "flows"
    files.mkdir()
    for name in names:
        text = (FLOWS / f"{name}.yaml").read_text(encoding="utf-8")
        (files / f"{name}.yaml").write_text(text, encoding="utf-8")
    async with desk_house(folder) as house:
        bench, services = Bench(), house.services
        flows = [read_flow(path) for path in sorted(files.glob("*.yaml"))]
        conversations = Conversations(map(bench.conversation, flows), {})
        relay = Relay(house.store, house.bus, services.clock)
        await relay.start()
        shelf = FlowShelf(house.store, services.clock, relay, conversations, bench.conversation)
        await shelf.start(house.bus, "test", files)
        await shelf.load()
        tools = Tools(
            bench.understanding, bench.knowledge, bench.actions, services.clock, {"api": API}
        )
        pages = desk_pages(services)
        routes = [*desk_routes(services, pages), *flow_desk(services, pages, shelf, tools)]
        async with served(routes, pages) as url:
            yield FlowHouse(url, house, shelf, bench)
        await shelf.stop()
        await relay.stop()
