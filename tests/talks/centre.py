"""A contact centre in one process for conversations: the demo company on embedded parts.

Real are the flows, understanding, knowledge base, encoder, text bot, store, bus, the channels'
inboxes and senders, promises and codes; the customers' ends are in memory, and the company's own
services stand in this process. One per process, on one loop: the encoder is loaded once.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from email.message import EmailMessage
from pathlib import Path

from bots.conversation import Conversation, Tools
from bots.conversations import Conversations
from bots.flow.schema import read_flow
from bots.text import TextBot
from channels.chat_hub import ChatHub
from channels.mail.attachments import AttachmentFolder
from channels.mail.compose import Letterhead
from channels.mail.inbox import MailInbox
from channels.mail.sender import MailSender
from channels.sms import SmsInbox, SmsSender
from evals.company_services import API, CompanyServices
from gateway.brain import start_brain
from gateway.company_text import read_file
from gateway.exposure import DEMO_COMPANY
from gateway.house import House
from gateway.proofs import Proofs
from gateway.settings import Settings
from router.acts.callbacks import Callbacks
from router.acts.lifecycle import Lifecycle
from router.acts.transfers import Transfers
from router.clock import VirtualClock
from router.company import Company
from router.configuration.file import read_company
from router.model import Channel, Presence
from tests.fakes.ground import Ground, ground
from tests.house import prepared
from tests.talking import NOW

BASE = "https://care.test"
HEAD = Letterhead("Harbourline", "care@harbourline.test", BASE)
FLOWS = Path(__file__).parent / "flows"
"""Flows of these tests, beside those of the demo company."""
AGENT = "ana"


class Calendar(VirtualClock):
    """Goes back for the next customer, so that everybody's Wednesday is the same."""

    def begin(self) -> None:
        """The morning again."""
        self._now = NOW


@dataclass
class Outgoing:
    """The provider of texts and the mail server: what went out, to whom."""

    texts: list[tuple[str, str]] = field(default_factory=list)
    mails: list[EmailMessage] = field(default_factory=list)
    codes: list[str] = field(default_factory=list)

    async def send_text(self, to: str, text: str) -> str:
        """A text message left."""
        self.texts.append((to, text))
        return f"SM{len(self.texts)}"

    async def send_code(self, way: str, address: str, text: str) -> None:
        """As ``gateway.proofs.Send``."""
        self.codes.append(text)


@dataclass(frozen=True)
class Provider:
    """``channels.twilio_api.SmsProvider`` into memory."""

    out: Outgoing

    async def send(self, to: str, text: str, status_url: str) -> str:
        """As there."""
        return await self.out.send_text(to, text)


@dataclass(frozen=True)
class PostOffice:
    """``channels.mail.post.Post`` into memory."""

    out: Outgoing

    async def send(self, mail: EmailMessage) -> str:
        """As there."""
        self.out.mails.append(mail)
        return str(mail["Message-ID"])


@dataclass
class Centre(Ground[Calendar]):
    """What a customer's line needs of it."""

    company: Company
    life: Lifecycle
    transfers: Transfers
    services: CompanyServices
    tools: Tools
    conversations: Conversations
    entry: dict[Channel, str]
    bot: TextBot
    hub: ChatHub
    mails: MailInbox
    texts: SmsInbox
    out: Outgoing
    customers: int = 0

    def next_customer(self) -> int:
        """A number that nobody has had, for addresses."""
        self.customers += 1
        return self.customers


@asynccontextmanager
async def centre(folder: Path) -> AsyncIterator[Centre]:
    """A started centre with its data in ``folder``."""
    made = prepared()
    for name in ("vectors", "qdrant"):
        await asyncio.to_thread(shutil.copytree, made / name, folder / name)
    company = read_company(read_file(DEMO_COMPANY).raw).company
    clock, out = Calendar(NOW), Outgoing()
    async with ground(f"sqlite+aiosqlite:///{folder / 'parley.db'}", clock) as below:
        await below.hire(company)
        base = (below.store, company, clock, below.relay)
        life, transfers = Lifecycle(*base), Transfers(*base)
        proofs = Proofs(below.store, clock, b"of these tests", out.send_code)
        house = House(below.store, company, clock, Callbacks(*base), life, proofs)
        settings = Settings(data=folder)
        brain = await start_brain(settings, company, clock, folder / "qdrant", house)
        await brain.encoder.recall()
        await brain.knowledge.catch_up()
        services = CompanyServices(lambda: clock.now().date())
        tools = replace(brain.tools, actions=services, settings={"api": API})
        flows = [brain.conversations[name].flow for name in brain.conversations]
        flows += [read_flow(path) for path in sorted(FLOWS.glob("*.yaml"))]
        entry = dict.fromkeys(Channel, "front-desk")
        talks = Conversations((Conversation(flow, tools) for flow in flows), entry)
        await brain.encoder.start()
        await talks.prepare()
        bot = TextBot(below.store, life, talks, BASE, lambda: company.customer_limits)
        hub = ChatHub(below.store, life, below.bus, "web", clock)
        sender = MailSender(below.store, life, clock, PostOffice(out), HEAD)
        texter = SmsSender(below.store, life, clock, Provider(out), BASE)
        for part in (sender, texter):
            await part.start(below.bus)
        await hub.start()
        await life.set_presence(AGENT, Presence.AVAILABLE)
        attachments = AttachmentFolder(folder / "attachments")
        mails = MailInbox(below.store, life, clock, attachments, HEAD.domain)
        texts = SmsInbox(below.store, life, clock)
        try:
            yield Centre(
                *below.parts, company, life, transfers, services, tools, talks, entry,
                bot, hub, mails, texts, out,
            )  # fmt: skip
        finally:
            await hub.stop()
            await sender.stop()
            await texter.stop()
            await brain.stop()
