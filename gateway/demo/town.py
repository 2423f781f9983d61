"""The life of the demo: agents who take work, customers who call and write, households.

``PARLEY_DEMO_STAFF`` lets the agents work, ``PARLEY_PUBLIC`` the customers come.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from random import Random

import httpx

from channels.phone import PhoneSettings
from channels.sip.caller import SipCaller
from gateway.configuration import sign_ins
from gateway.demo.doors import Address, ChatDoor, MailDoor, PhoneDoor, SmsDoor
from gateway.demo.households import PORT as HOUSEHOLDS_PORT
from gateway.demo.households import Households
from gateway.demo.public import Public
from gateway.demo.recordings import Recordings
from gateway.demo.staff import DemoStaff, SignInOf
from gateway.settings import Settings
from router.company import Company
from router.model import Channel
from router.ports import Store

STAFF = ("boris", "dace", "farah")
RECORDINGS = Path(__file__).parents[2] / "evals" / "utterances"

Act = Callable[[], Awaitable[None]]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Town:
    """``run`` starts a part and sees to its stop; ``stack`` is for what is only closed."""

    settings: Settings
    company: Company
    store: Store
    run: Callable[[Act, Act], Awaitable[None]]
    stack: AsyncExitStack

    async def start(self) -> None:
        """Let everybody come who is wanted."""
        settings = self.settings
        if settings.demo_staff:
            people = [
                SignInOf(login, password)
                for login, password in sign_ins(settings, self.company).items()
                if login in STAFF
            ]
            staff = DemoStaff(settings.base_url, people, Random())
            await self.run(staff.start, staff.stop)
        if settings.public:
            await self._start_public()

    async def _start_public(self) -> None:
        settings = self.settings
        caller = SipCaller(PhoneSettings(sip_port=0, rtp_ports=(0, 0)))
        await self.run(caller.start, caller.stop)
        http = httpx.AsyncClient(timeout=20)
        self.stack.push_async_callback(http.aclose)
        doors = Address(
            http_url=settings.base_url,
            sip_uri=f"sip:frontdesk@{settings.media_host}:{settings.sip_port}",
            smtp_host=settings.host,
            smtp_port=settings.smtp_in_port,
            mail=settings.mail_address,
            sms_number=settings.twilio_from,
            sms_webhook=f"{settings.base_url}/twilio/sms",
            sms_token=settings.twilio_token,
        )
        async with self.store.transaction() as tx:
            customers = await tx.people.search_customers("", limit=40)
        public = Public(
            customers,
            {
                Channel.VOICE: PhoneDoor(doors, Recordings(RECORDINGS), caller),
                Channel.CHAT: ChatDoor(doors),
                Channel.EMAIL: MailDoor(doors),
                Channel.SMS: SmsDoor(doors, http),
            },
            Random(),
            settings.public_every_s,
        )
        await self.run(public.start, public.stop)
        await self._start_households()

    async def _start_households(self) -> None:
        """The telephones that the lists in ``demo/campaigns`` name."""
        households = Households(Recordings(RECORDINGS), self.settings.media_host)
        try:
            await self.run(households.start, households.stop)
        except OSError as error:
            log.warning("nobody answers the demo's campaigns, port %d: %s", HOUSEHOLDS_PORT, error)
