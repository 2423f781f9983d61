"""The simulated public: keeps contacting the company through its real doors on loopback.

About one contact a minute: a call over SIP and RTP with recorded speech, a chat
by WebSocket, a mail by SMTP, an SMS by a signed webhook. Some are served by the
bot, some ask for a person, some lose patience. One that fails is logged and the
next one goes on; nothing here may stop its host.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random

from gateway.demo.matters import MATTERS, ORDERS, PERSON, THANKS, Matter, Words
from router.model import Channel, Customer, IdentityKind

EVERY_S = 60.0
FIRST_AFTER_S = 2.0
QUICK_START = 3
"""The first contacts come in a quarter of the time: a page opened now looks alive."""
AT_ONCE = 6
WEIGHTS: Mapping[Channel, int] = {
    Channel.VOICE: 35,
    Channel.CHAT: 35,
    Channel.EMAIL: 15,
    Channel.SMS: 15,
}
ASKS_PERSON = 0.35
IMPATIENT = 0.25
PATIENCE_S = (15.0, 240.0)
SHORT_PATIENCE_S = (8.0, 25.0)
WRITES_MORE = 0.4

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Outing:
    """Somebody about to contact us. ``patience_s`` is how long they wait for a person."""

    customer: Customer
    channel: Channel
    matter: Matter
    language: str
    opening: str
    follow: str
    asks_person: bool
    person: str
    thanks: str
    order: str
    patience_s: float
    seed: int

    def address(self, kind: IdentityKind) -> str:
        """The customer's first address of that kind, else empty."""
        found = (item.value for item in self.customer.identities if item.kind is kind)
        return next(found, "")


Door = Callable[[Outing], Awaitable[None]]
"""Lives one contact from beginning to end; raises whatever goes wrong."""

NEEDS: Mapping[Channel, IdentityKind] = {
    Channel.VOICE: IdentityKind.PHONE,
    Channel.SMS: IdentityKind.PHONE,
    Channel.EMAIL: IdentityKind.EMAIL,
}


def plan_outing(
    customers: Sequence[Customer], channels: Sequence[Channel], chance: Random
) -> Outing:
    """Who contacts us next, how and why. Pure: ``chance`` decides.

    Raises ``ValueError`` when no customer can use any of the channels.
    """
    channel = chance.choices(channels, [WEIGHTS[item] for item in channels])[0]
    kind = NEEDS.get(channel)
    able = [
        customer
        for customer in customers
        if kind is None or any(item.kind is kind for item in customer.identities)
    ]
    if channel is Channel.VOICE:
        # The recorded lines are English: who is known to speak something else rather writes.
        able = [customer for customer in able if customer.language == "en"] or able
    if not able:
        raise ValueError(f"no customer has an address for {channel}")
    customer = chance.choice(able)
    voice = channel is Channel.VOICE
    matter = chance.choice([item for item in MATTERS if item.spoken or not voice])
    language = customer.language if customer.language in matter.opening and not voice else "en"
    impatient = chance.random() < IMPATIENT
    follow = _pick(matter.follow, language, chance) if chance.random() < WRITES_MORE else ""
    return Outing(
        customer=customer,
        channel=channel,
        matter=matter,
        language=language,
        opening=_pick(matter.opening, language, chance),
        follow=follow,
        asks_person=chance.random() < ASKS_PERSON,
        person=_pick(PERSON, language, chance),
        thanks=_pick(THANKS, language, chance),
        order=chance.choice(ORDERS),
        patience_s=chance.uniform(*(SHORT_PATIENCE_S if impatient else PATIENCE_S)),
        seed=chance.getrandbits(32),
    )


def _pick(words: Words, language: str, chance: Random) -> str:
    return chance.choice(words.get(language, ("",)))


class Public:
    """Sends people to the doors, ``every_s`` apart on average, until stopped."""

    def __init__(
        self,
        customers: Sequence[Customer],
        doors: Mapping[Channel, Door],
        chance: Random,
        every_s: float = EVERY_S,
        first_after_s: float = FIRST_AFTER_S,
    ) -> None:
        self._customers = customers
        self._doors = doors
        self._chance = chance
        self._every_s = every_s
        self._first_after_s = first_after_s
        self._loop: asyncio.Task[None] | None = None
        self._out: set[asyncio.Task[None]] = set()
        self.contacts = 0
        self.failures = 0

    async def start(self) -> None:
        """Let people out."""
        self._loop = asyncio.create_task(self._run(), name="public")

    async def stop(self) -> None:
        """Call everybody home. Safe to call twice."""
        tasks = [*self._out, *([self._loop] if self._loop else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._loop = None

    async def _run(self) -> None:
        await asyncio.sleep(self._first_after_s)
        while True:
            if len(self._out) < AT_ONCE:
                self._send_somebody()
            share = 0.25 if self.contacts <= QUICK_START else 1.0
            # Arrivals of many independent people are exponential apart; a cap keeps it lively.
            gap = self._chance.expovariate(1 / (self._every_s * share))
            await asyncio.sleep(min(gap, 2 * self._every_s * share))

    def _send_somebody(self) -> None:
        try:
            outing = plan_outing(self._customers, tuple(self._doors), self._chance)
        except ValueError as error:
            log.warning("the simulated public stays at home: %s", error)
            return
        self.contacts += 1
        task = asyncio.create_task(self._live(outing), name=f"public-{outing.channel}")
        self._out.add(task)
        task.add_done_callback(self._out.discard)

    async def _live(self, outing: Outing) -> None:
        try:
            await self._doors[outing.channel](outing)
        except Exception as error:
            # Whatever it is, it is somebody's bad day and not the end of the demo.
            self.failures += 1
            log.warning("simulated %s contact failed: %r", outing.channel, error)
