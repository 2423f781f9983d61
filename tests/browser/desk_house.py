"""The desk on a real server in the test's own loop: SQLite, the memory bus, the dispatcher."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uvicorn
import yaml
from aiortc import RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import AudioStreamTrack
from litestar import Litestar

from bots.campaign.service import Campaigns
from gateway.auth.passwords import PASSWORDS, hash_password
from gateway.auth.sessions import SignIn
from gateway.desk.hub import DeskHub, DeskTimes
from gateway.pages.render import Pages
from gateway.problems import exception_handlers
from gateway.routes import desk_pages, desk_routes
from gateway.services import Services
from gateway.waiting_room import WaitingRoom
from knowledge.model import Answer
from router.acts.act import HandoffPlan
from router.acts.callbacks import Callbacks
from router.acts.consults import Consults
from router.acts.customers import Customers
from router.acts.lifecycle import Lifecycle
from router.acts.transfers import Transfers
from router.bus.memory import MemoryBus
from router.clock import SystemClock
from router.commands import (
    ConnectAgent,
    ConnectVisitor,
    Done,
    Order,
    Refused,
    SdpAnswer,
)
from router.company import Company, parse_company
from router.configuration.versions import Versions
from router.dispatch.dispatcher import Dispatcher
from router.handoff import Authentication, Mood, Utterance
from router.model import (
    Account,
    Arrival,
    Author,
    Channel,
    Citation,
    Handoff,
    Identity,
    IdentityKind,
    Interaction,
    NewMessage,
    SlotValue,
)
from router.ports import Bus
from router.relay import Relay
from router.store.sql import SqlStore

COMPANY = Path("gateway/demo/company.yaml")
PASSWORD = "correct horse battery"
VOICE_HOME = "voice.test"
QUICK = DeskTimes(beat_s=1.0, away_after_s=3.0)
ARTICLE = Citation(
    article_id="late-parcel",
    title="When a parcel is late",
    url="/help/en/late-parcel",
    quote="A parcel that has not moved for three working days is searched for at once.",
    score=0.82,
)


class ShelfSearch:
    """A knowledge base of one article, found by any of its words."""

    async def search(self, words: str, language: str, limit: int) -> Sequence[Citation]:
        """The article when a word of it is asked for."""
        text = f"{ARTICLE.title} {ARTICLE.quote}".lower()
        return [ARTICLE] if any(word in text for word in words.lower().split()) else []

    async def answer(self, question: str, language: str = "en") -> Answer:
        """The article's sentence when the question is about late parcels."""
        known = any(word in question.lower() for word in ("late", "parcel", "search"))
        if not known:
            return Answer(known=False, citations=(ARTICLE,))
        return Answer(True, ARTICLE.quote, ARTICLE.quote, (ARTICLE,), ARTICLE.score)


@dataclass
class VoiceDouble:
    """Stands where a voice process does: notes orders, answers browsers with real WebRTC."""

    orders: list[Order] = field(default_factory=list)
    refuse: str = ""
    peers: list[RTCPeerConnection] = field(default_factory=list)

    async def handle(self, order: Order) -> Order:
        """Answer as the real one would."""
        self.orders.append(order)
        if self.refuse:
            return Refused(reason=self.refuse)
        if isinstance(order, ConnectAgent | ConnectVisitor):
            return SdpAnswer(sdp=await self._answer(order.sdp), interaction_id="made-by-voice")
        return Done()

    async def _answer(self, offer: str) -> str:
        peer = RTCPeerConnection()
        self.peers.append(peer)
        await peer.setRemoteDescription(RTCSessionDescription(offer, "offer"))
        peer.addTrack(AudioStreamTrack())
        await peer.setLocalDescription(await peer.createAnswer())
        return str(peer.localDescription.sdp)

    async def stop(self) -> None:
        """Close what is still connected."""
        for peer in self.peers:
            await peer.close()

    def kinds(self) -> list[str]:
        """What was ordered, in order."""
        return [type(order).__name__ for order in self.orders]


@dataclass
class DeskHouse:
    """The parts that tests drive."""

    url: str
    store: SqlStore
    lifecycle: Lifecycle
    bus: Bus
    company: Company
    services: Services
    voice: VoiceDouble

    async def contact(
        self,
        channel: Channel,
        value: str,
        lines: Sequence[tuple[Author, str]],
        *,
        name: str = "",
        queue: str = "orders",
        packet: Handoff | None = None,
        skills: Mapping[str, int] | None = None,
    ) -> Interaction:
        """A customer turns up, talks with the bot and is handed to ``queue``."""
        kind = {
            Channel.EMAIL: IdentityKind.EMAIL,
            Channel.CHAT: IdentityKind.LOGIN,
        }.get(channel, IdentityKind.PHONE)
        home = VOICE_HOME if channel is Channel.VOICE else ""
        arrival = Arrival(channel, Identity(kind, value), "+37160000100", name=name, home=home)
        received = await self.lifecycle.receive(arrival)
        item = received.interaction
        for author, text in lines:
            cites = (ARTICLE,) if author is Author.BOT and "three working days" in text else ()
            await self.lifecycle.add_message(item.id, NewMessage(author, text, citations=cites))
        plan = HandoffPlan(queue, packet or packet_for(lines), skills or {})
        async with self.store.transaction() as tx:
            item = await tx.interactions.get(item.id)
        return await self.lifecycle.save_bot_turn(item, {}, handoff=plan)

    async def interaction(self, interaction_id: str) -> Interaction:
        """How it stands in the store."""
        async with self.store.transaction() as tx:
            return await tx.interactions.get(interaction_id)


def packet_for(lines: Sequence[tuple[Author, str]]) -> Handoff:
    """What the bot hands over after such a conversation."""
    said = [text for author, text in lines if author is Author.CUSTOMER]
    return Handoff(
        reason="asked-for-person",
        summary="Parcel HL-482913 is three days late. The bot explained the search; "
        "the customer wants a person to start it.",
        intent="late parcel",
        slots=(SlotValue("order_number", "HL-482913", 0.97, confirmed=True),),
        articles=(ARTICLE,),
        tried=("answered from the knowledge base", "looked up the order"),
        last_utterance=said[-1] if said else "",
        intent_label="a late parcel",
        trigger=Utterance(said[-1] if said else "a person, please"),
        mood=Mood(-0.5, 0.6, -0.1, worsening=True),
        authentication=Authentication("sms-code", 2, "2026-03-02T09:00:00+00:00"),
        open_question="Should we deliver to a neighbour?",
        next_step="neighbour",
        open_slots=("neighbour", "day"),
    )


@asynccontextmanager
async def desk_house(
    folder: Path, times: DeskTimes = QUICK, bus: Bus | None = None, port: int = 0
) -> AsyncIterator[DeskHouse]:
    """Start everything on a free port; stop it afterwards. ``bus`` is not started yet."""
    company = parse_company(yaml.safe_load(COMPANY.read_text("utf-8")))
    store = SqlStore(f"sqlite+aiosqlite:///{folder / 'parley.db'}")
    await store.start()
    bus, clock, voice = bus or MemoryBus(), SystemClock(), VoiceDouble()
    await bus.start()
    relay = Relay(store, bus, clock)
    await relay.start()
    lifecycle = Lifecycle(store, company, clock, relay)
    dispatcher = Dispatcher(store, lifecycle, bus, clock, "test")
    hub = DeskHub(store, lifecycle, bus, company, clock, "test", times=times)
    versions = Versions(store, company, clock, relay, PASSWORDS)
    services = Services(
        store=store,
        lifecycle=lifecycle,
        transfers=Transfers(store, company, clock, relay, bus),
        consults=Consults(store, company, clock, relay, bus),
        callbacks=Callbacks(store, company, clock, relay),
        customers=Customers(store, company, clock, relay),
        bus=bus,
        clock=clock,
        company=company,
        versions=versions,
        hub=hub,
        sign_in=SignIn(store, clock),
        articles=ShelfSearch(),
        room=WaitingRoom(store, company, clock),
        campaigns=Campaigns(store, clock),
        campaign_flows=("appointment-reminder", "satisfaction"),
        data_dir=folder,
        node="test",
    )
    await _seed(store, company)
    await versions.seed(yaml.safe_load(COMPANY.read_text("utf-8")))
    await dispatcher.start()
    await hub.start()
    for address in (VOICE_HOME, "voice"):
        await bus.serve(address, voice.handle)
    async with _served(services, port) as url:
        yield DeskHouse(url, store, lifecycle, bus, company, services, voice)
        await hub.stop()
    await voice.stop()
    await dispatcher.stop()
    await relay.stop()
    await bus.stop()
    await store.stop()


async def _seed(store: SqlStore, company: Company) -> None:
    hashed = hash_password(PASSWORD)
    async with store.transaction() as tx:
        for person in company.people:
            if person.agent is not None:
                await tx.people.put_agent(person.agent)
            agent_id = person.agent.id if person.agent else None
            account = Account(
                person.login, person.login, person.name, person.role, hashed, agent_id
            )
            await tx.people.put_account(account)


@asynccontextmanager
async def _served(services: Services, port: int) -> AsyncIterator[str]:
    pages = desk_pages(services)
    async with served(desk_routes(services, pages), pages, port) as url:
        yield url


@asynccontextmanager
async def served(routes: Sequence[Any], pages: Pages, port: int = 0) -> AsyncIterator[str]:
    """These routes on a real server of 127.0.0.1, in this event loop."""
    app = Litestar(
        route_handlers=list(routes), exception_handlers=exception_handlers(pages.problem)
    )
    listener = socket.create_server(("127.0.0.1", port))
    port = listener.getsockname()[1]
    config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=10)
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    while not server.started:
        await asyncio.sleep(0.02)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        await serving
