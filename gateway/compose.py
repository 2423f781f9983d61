"""The composition root: the one place that chooses implementations and joins parts.

1. Parts start in order of need and stop in reverse; a failed start stops what ran.
2. Roles decide what a process starts; embedded, one process plays them all.
3. What several roles need (store, bus, knowledge, encoder) exists once per process.
4. The web's port opens last: whoever gets an answer finds everything there.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any

from litestar import Litestar

from bots.campaign.book import AttemptBook
from bots.campaign.calls import NotAnswered, OutboundCalls
from bots.campaign.runner import CampaignRunner
from bots.campaign.service import Campaigns
from bots.campaign.texts import FlowTexter
from bots.engines.choice import choose_engines
from bots.ports import AudioLeg
from bots.shelf import FlowShelf
from bots.survey import Surveys
from bots.text import TextBot
from bots.voice import VoiceBot
from channels.chat import chat_routes
from channels.chat_hub import ChatHub
from channels.mail.attachments import AttachmentFolder
from channels.mail.inbox import MailInbox
from channels.mail.sender import MailSender
from channels.mail.server import MailServer
from channels.media.leg import Leg
from channels.phone import IncomingCall, Phone, PhoneSettings
from channels.sip.address import Trunk
from channels.sip.causes import CallOutcome
from channels.sip.leg import SipLeg
from channels.sms import SmsInbox, SmsSender, SmsWebhook, sms_routes
from channels.twilio_api import SmsProvider, TwilioRest
from channels.webrtc import WebRtcPeer
from gateway import roles
from gateway.app import make_app, make_probe_app, readiness
from gateway.auth.passwords import PASSWORDS
from gateway.auth.sessions import SignIn
from gateway.brain import Brain, start_brain
from gateway.configuration import named_by, open_company, replace_passwords, sign_ins
from gateway.demo.energy import service_routes
from gateway.demo.seed import seed
from gateway.demo.town import Town
from gateway.desk.hub import DeskHub
from gateway.exposure import refuse_known_passwords, refuse_known_secrets
from gateway.flow_desk import flow_desk
from gateway.house import House
from gateway.overhearing import overhear
from gateway.proofs import Proofs, Send
from gateway.public_site import site_routes
from gateway.routes import desk_pages, desk_routes
from gateway.server import WebServer
from gateway.services import Services
from gateway.settings import DEMO, Settings
from gateway.switchboard import Caller, Switchboard
from gateway.turn_metrics import TurnMetrics
from gateway.waiting_line import Acts, WaitingLine
from gateway.waiting_room import WaitingRoom
from gateway.ways_out import head_of, key_of, post_of, sending, sms_provider_of
from gateway.welcome import welcome
from router.acts.callbacks import Callbacks
from router.acts.consults import Consults
from router.acts.customers import Customers
from router.acts.lifecycle import Lifecycle
from router.acts.transfers import Transfers
from router.acts.waiting import Waiting
from router.bus.memory import MemoryBus
from router.bus.rabbit import RabbitBus
from router.clock import SystemClock
from router.commands import ConnectVisitor, Order, PlaceCall
from router.company import no_company
from router.configuration.versions import Versions
from router.dispatch.dispatcher import Dispatcher
from router.errors import ParleyError
from router.model import Channel, Customer, Interaction, InteractionState, new_id
from router.ports import Bus
from router.redaction.logs import guard_logs
from router.relay import Relay
from router.store.sql import FROZEN_MS, ROUTER_FROZEN_MS, SqlStore

ALIVE_EVERY_S = 5.0
IDLE_EVERY_S = 60.0
ANY_VOICE = "voice"
TELEPHONE_HZ = 8000
"""For which prompts are made ahead."""
THINKING = {roles.WEB, roles.VOICE, roles.TEXT, roles.OUTBOUND}
"""Roles that need articles, flows and the encoder."""
TALKING = {roles.VOICE, roles.TEXT}
"""Roles whose bots are asked in words all the time."""

log = logging.getLogger(__name__)


class Installation:
    """One process of an installation, with the parts its roles need."""

    def __init__(self, settings: Settings, wanted: Sequence[str] = roles.ROLES) -> None:
        self.settings = settings
        self.roles = frozenset(wanted)
        self.node = f"{socket.gethostname()}-{os.getpid()}-{new_id()[:6]}"
        self.clock = SystemClock()
        self.company = no_company()
        alone = self.roles == {roles.ROUTER}
        self.store = SqlStore(
            settings.store_url, frozen_ms=ROUTER_FROZEN_MS if alone else FROZEN_MS
        )
        self.bus: Bus = self._bus() if settings.rabbit_url else MemoryBus()
        self.relay = Relay(self.store, self.bus, self.clock)
        self.lifecycle = Lifecycle(self.store, self.company, self.clock, self.relay)
        self.transfers = Transfers(self.store, self.company, self.clock, self.relay, self.bus)
        self.consults = Consults(self.store, self.company, self.clock, self.relay, self.bus)
        self.callbacks = Callbacks(self.store, self.company, self.clock, self.relay)
        self.customers = Customers(self.store, self.company, self.clock, self.relay)
        self.waiting = Waiting(self.store, self.company, self.clock, self.relay)
        self.versions = Versions(self.store, self.company, self.clock, self.relay, PASSWORDS)
        self.campaigns = Campaigns(self.store, self.clock)
        self.room = WaitingRoom(self.store, self.company, self.clock)
        self.brain: Brain | None = None
        self.switchboard: Switchboard | None = None
        self.phone: Phone | None = None
        self.turns = TurnMetrics()
        self.speech = ""
        self._started = False
        self._stack = AsyncExitStack()

    async def start(self) -> None:
        """Start every part of every role. Raises what stopped it, with nothing left running."""
        try:
            await self._start_core()
            if self.roles & THINKING:
                await self._start_brain()
                await self._start_shelf(self._thoughts)
            for role, start in (
                (roles.ROUTER, self._start_router),
                (roles.TEXT, self._start_text),
                (roles.MAIL, self._start_mail),
                (roles.VOICE, self._start_voice),
                (roles.OUTBOUND, self._start_outbound),
            ):
                if role in self.roles:
                    await start()
            await self._start_web()
            if self.brain is not None:
                # Last, because it keeps a core busy for some seconds: doors first.
                self.brain.load(talks=bool(self.roles & TALKING))
            self._started = True
        except BaseException:
            await self.stop()
            raise

    async def prepare(self) -> None:
        """Database, demo data and search index, so that the next start is quick."""
        try:
            await self._start_store()
            await self._start_brain()
            await self._thoughts.prepare()
        finally:
            await self.stop()

    async def stop(self) -> None:
        """Stop in reverse order. Safe to call twice."""
        await self._stack.aclose()

    def welcome(self) -> str:
        """What to tell the person who started it."""
        company = replace_passwords(self.company, sign_ins(self.settings, self.company))
        return welcome(self.settings, company, self.roles, self.speech)

    # -- every role ----------------------------------------------------------------

    def _bus(self) -> RabbitBus:
        if roles.ROUTER not in self.roles:
            return RabbitBus(self.settings.rabbit_url)
        # A router that stands still must be noticed soon: the next one takes over then.
        return RabbitBus(self.settings.rabbit_url, heartbeat_s=self.settings.router_heartbeat_s)

    async def _start_store(self) -> None:
        await asyncio.to_thread(self.settings.data.mkdir, parents=True, exist_ok=True)
        await self._run(self.store.start, self.store.stop)
        await open_company(self.versions, self.company, self.settings)
        guard_logs(self.company)
        if self.settings.demo and roles.ROUTER in self.roles:
            await seed(self.store, DEMO / "customers.yaml")

    async def _start_core(self) -> None:
        refuse_known_secrets(self.settings, takes_webhooks=roles.WEB in self.roles)
        await self._start_store()
        async with self.store.transaction() as tx:
            refuse_known_passwords(self.settings, await tx.people.accounts())
        await self._run(self.bus.start, self.bus.stop)
        await self.relay.start(sweep=roles.ROUTER in self.roles)
        self._stack.push_async_callback(self.relay.stop)
        await self.versions.start(self.bus, self.node, rescues=roles.ROUTER in self.roles)
        self._stack.push_async_callback(self.versions.stop)
        async with self.store.transaction() as tx:
            await tx.log.node_alive(self.node, self.clock.now())
        self._background(self._stay_alive(), "alive")

    async def _start_brain(self) -> None:
        folder = self.settings.data / "qdrant"
        if self.roles != frozenset(roles.ROLES):
            # Qdrant's local mode locks its folder: each set of roles gets its own.
            folder /= "-".join(sorted(self.roles))
        proofs = Proofs(self.store, self.clock, key_of(self.settings), self._sending())
        house = House(self.store, self.company, self.clock, self.callbacks, self.lifecycle, proofs)
        self.brain = await start_brain(self.settings, self.company, self.clock, folder, house)
        self.turns.beside(self.brain.models.text)
        self._stack.push_async_callback(self.brain.stop)

    async def _start_shelf(self, brain: Brain) -> None:
        """The versions of the flows; what new conversations get is loaded with the rest."""

        def named() -> None:
            self.versions.flows = named_by(talk.flow for talk in brain.conversations.values())

        brain.shelf = FlowShelf(
            self.store, self.clock, self.relay, brain.conversations, brain.converse, named
        )
        named()
        self._stack.push_async_callback(brain.shelf.stop)
        await brain.shelf.start(self.bus, self.node, self.settings.flows)

    async def _stay_alive(self) -> None:
        while True:
            await asyncio.sleep(ALIVE_EVERY_S)
            try:
                async with self.store.transaction() as tx:
                    await tx.log.node_alive(self.node, self.clock.now())
            except (ParleyError, OSError):
                log.warning("the heartbeat did not get through", exc_info=True)

    # -- router, text, mail ----------------------------------------------------------

    async def _start_router(self) -> None:
        dispatcher = Dispatcher(
            self.store, self.lifecycle, self.bus, self.clock, self.node, self.waiting
        )
        if self.settings.embedded:
            # Alone with the data: every call of an earlier process is gone by now.
            async with self.store.transaction() as tx:
                await tx.log.forget_nodes(self.node)
            await dispatcher.recover_calls()
        await self._run(dispatcher.start, dispatcher.stop)

    async def _start_text(self) -> None:
        bot = TextBot(
            self.store,
            self.lifecycle,
            self._thoughts.conversations,
            self.settings.base_url,
            lambda: self.company.customer_limits,
        )
        await bot.start(self.bus)
        self._background(self._answer_left_behind(bot), "left-behind")
        self._background(self._close_idle(bot), "idle-conversations")

    async def _answer_left_behind(self, bot: TextBot) -> None:
        """Lines that came in just before the last process died, in-process bus and all."""
        async with self.store.transaction() as tx:
            talking = await tx.interactions.in_states([InteractionState.BOT])
        for interaction in talking:
            if interaction.channel is not Channel.VOICE:
                with contextlib.suppress(ParleyError):
                    await bot.answer(interaction.id)

    async def _close_idle(self, bot: TextBot) -> None:
        while True:
            await asyncio.sleep(IDLE_EVERY_S)
            await bot.close_idle(self.clock.now())

    def _sending(self) -> Send:
        head = head_of(self.settings, self.company.name)
        return sending(self._sms_provider(), post_of(self.settings), head)

    async def _start_mail(self) -> None:
        settings = self.settings
        head = head_of(settings, self.company.name)
        attachments = AttachmentFolder(settings.data / "attachments")
        inbox = MailInbox(self.store, self.lifecycle, self.clock, attachments, head.domain)
        server = MailServer(inbox, [head.address], settings.host, settings.smtp_in_port)
        sender = MailSender(self.store, self.lifecycle, self.clock, post_of(settings), head)
        await sender.start(self.bus)
        self._stack.push_async_callback(sender.stop)
        await self._run(server.start, server.stop)
        texts = SmsSender(
            self.store, self.lifecycle, self.clock, self._sms_provider(), settings.base_url
        )
        await texts.start(self.bus)
        self._stack.push_async_callback(texts.stop)

    def _sms_provider(self) -> SmsProvider:
        provider = sms_provider_of(self.settings)
        if isinstance(provider, TwilioRest):
            self._stack.push_async_callback(provider.close)
        return provider

    # -- voice -----------------------------------------------------------------------

    async def _start_voice(self) -> None:
        settings, thoughts = self.settings, self._thoughts
        engines = await asyncio.to_thread(
            choose_engines,
            settings.speech,
            settings.local_models,
            thoughts.corpus(),
            settings.remote_speech,
        )
        await self._run(engines.start, engines.stop)
        self.speech = "hears with {}, speaks with {}".format(*engines.names)
        bot = VoiceBot(
            thoughts.conversations,
            engines,
            self.lifecycle,
            self._load,
            self.clock,
        )
        bot.timed = self.turns.observe
        self._background(self._make_prompts_ahead(bot), "prompts-ahead")
        board = Switchboard(
            self.store,
            self.lifecycle,
            self.bus,
            self.clock,
            bot,
            self.consults,
            WaitingLine(
                self.store,
                self.company,
                self.clock,
                bot,
                self.room,
                Acts(self.callbacks, self.waiting, self.lifecycle),
            ),
            node=self.node,
            company=self.company,
            data_dir=settings.data,
            overhearing=overhear(self.store, self.lifecycle, engines, on=settings.assist_calls),
        )
        phone = Phone(self._phone_settings(), self._answered, ready=thoughts.loaded)
        browser = WebRtcPeer(phone.clock, settings.media_host)
        board.connect_wires(browser, self._dial)
        self.switchboard, self.phone = board, phone
        book = AttemptBook(self.store, self.clock, self.relay, board.home)
        calls = OutboundCalls(
            self.store, self.lifecycle, book, self._dial_for_bot, self._converse, board.home
        )
        # The board stops before the wires do: it says why its calls end, and keeps their sound.
        self._stack.push_async_callback(phone.stop)
        self._stack.push_async_callback(browser.stop)
        await self._run(board.start, board.stop)
        self._stack.push_async_callback(calls.stop)
        await phone.start()

        async def any_voice(order: Order) -> Order | None:
            if isinstance(order, PlaceCall):
                return await calls.place(order)
            return await board.obey(order) if isinstance(order, ConnectVisitor) else None

        await self.bus.serve(ANY_VOICE, any_voice)

    async def _make_prompts_ahead(self, bot: VoiceBot) -> None:
        """What callers hear most often, once this process is ready and behind its calls."""
        thoughts = self._thoughts
        await thoughts.loaded.wait()
        made = await bot.prompts.warm(thoughts.conversations.frequent(), TELEPHONE_HZ)
        log.info("%d prompts were made ahead", made)

    def _phone_settings(self) -> PhoneSettings:
        settings = self.settings
        trunk = None
        if settings.sip_trunk:
            host, _, port = settings.sip_trunk.partition(":")
            trunk = Trunk(host, int(port)) if port else Trunk(host)
        return PhoneSettings(
            sip_host=settings.media_host,
            sip_port=settings.sip_port,
            media_host=settings.media_host,
            rtp_ports=settings.rtp_ports,
            trunk=trunk,
        )

    async def _load(self, interaction_id: str) -> tuple[Interaction, Customer]:
        async with self.store.transaction() as tx:
            interaction = await tx.interactions.get(interaction_id)
            return interaction, await tx.people.customer(interaction.customer_id)

    async def _answered(self, leg: SipLeg, call: IncomingCall) -> None:
        assert self.switchboard is not None
        await self.switchboard.take(leg, Caller(call.address, call.called, call.display_name))

    async def _dial(self, address: str, ring_s: float) -> SipLeg:
        assert self.phone is not None
        placed = await self.phone.place(address, ring_s)
        if isinstance(placed, CallOutcome):
            raise NotAnswered(
                placed.cause, f"{placed.outcome.value.replace('_', ' ')}: {placed.reason}"
            )
        return placed

    async def _dial_for_bot(self, address: str, ring_s: float) -> SipLeg:
        """Call somebody a bot wants to talk to, once bots can: nobody picks up to hear nothing."""
        await self._thoughts.loaded.wait()
        return await self._dial(address, ring_s)

    async def _converse(self, leg: AudioLeg, interaction: Interaction) -> None:
        assert self.switchboard is not None
        assert isinstance(leg, Leg)
        await self.switchboard.converse(leg, interaction)

    # -- outbound --------------------------------------------------------------------

    async def _start_outbound(self) -> None:
        settings = self.settings
        book = AttemptBook(self.store, self.clock, self.relay, f"outbound.{self.node}")
        texter = FlowTexter(
            self.store,
            self.lifecycle,
            self._thoughts.conversations,
            settings.twilio_from,
            settings.base_url,
        )
        runner = CampaignRunner(
            self.store,
            book,
            self.bus,
            self.clock,
            texter,
            ring_s=settings.ring_s,
            alone=settings.embedded,
        )
        await self._run(runner.start, runner.stop)
        await self._survey().start()

    def _survey(self) -> Surveys:
        return Surveys(
            self.store, self.lifecycle, self.bus, self.clock, enabled=self.company.survey
        )

    # -- web -------------------------------------------------------------------------

    async def _start_web(self) -> None:
        settings = self.settings
        if roles.WEB in self.roles:
            app = await self._web_app()
        else:
            app = make_probe_app(self._health, self._ready, self.turns.text)
        server = WebServer(app, settings.host, settings.port)
        await self._run(server.start, server.stop)
        if roles.WEB in self.roles and settings.demo:
            await self._start_demo()

    async def _web_app(self) -> Litestar:
        settings, thoughts = self.settings, self._thoughts
        hub = DeskHub(self.store, self.lifecycle, self.bus, self.company, self.clock, self.node)
        await self._run(hub.start, hub.stop)
        chat = ChatHub(self.store, self.lifecycle, self.bus, self.node, self.clock, self.room)
        await self._run(chat.start, chat.stop)
        services = Services(
            store=self.store,
            lifecycle=self.lifecycle,
            transfers=self.transfers,
            consults=self.consults,
            callbacks=self.callbacks,
            customers=self.customers,
            bus=self.bus,
            clock=self.clock,
            company=self.company,
            versions=self.versions,
            hub=hub,
            sign_in=SignIn(self.store, self.clock),
            articles=thoughts.knowledge,
            room=self.room,
            campaigns=self.campaigns,
            campaign_flows=tuple(
                name for name in thoughts.conversations if name not in self.company.entry.values()
            ),
            data_dir=settings.data,
            node=self.node,
            turns=self.turns,
            flows=thoughts.conversations,
            base_url=settings.base_url,
            secure_cookies=settings.base_url.startswith("https://"),
        )
        inbox = SmsInbox(self.store, self.lifecycle, self.clock, self._survey().take_reply)
        pages = desk_pages(services)
        routes: list[Any] = [
            *desk_routes(services, pages),
            chat_routes(chat, settings.chat_secret),
            sms_routes(inbox, SmsWebhook(settings.base_url, settings.twilio_token)),
            readiness(self._ready),
            *flow_desk(services, pages, self._shelf, thoughts.tools),
            *site_routes(thoughts.knowledge, self.company.name, settings.base_url),
        ]
        if settings.demo:
            routes += service_routes()
        return make_app(routes, pages)

    def _ready(self) -> bool:
        """Whether this process does its work as well as it ever will."""
        return self._started and (self.brain is None or self.brain.can_answer)

    async def _health(self) -> dict[str, bool]:
        async with self.store.transaction() as tx:
            await tx.log.live_nodes(self.clock.now() - timedelta(seconds=1))
        return {"store": True, "bus": self.bus.healthy()}

    # -- the demo --------------------------------------------------------------------

    async def _start_demo(self) -> None:
        await Town(self.settings, self.company, self.store, self._run, self._stack).start()

    # -- inside ----------------------------------------------------------------------

    @property
    def _shelf(self) -> FlowShelf:
        assert self._thoughts.shelf is not None
        return self._thoughts.shelf

    @property
    def _thoughts(self) -> Brain:
        assert self.brain is not None
        return self.brain

    async def _run(
        self, start: Callable[[], Awaitable[None]], stop: Callable[[], Awaitable[None]]
    ) -> None:
        self._stack.push_async_callback(stop)
        await start()

    def _background(self, work: Any, name: str) -> None:
        task = asyncio.create_task(work, name=name)

        async def end() -> None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

        self._stack.push_async_callback(end)
