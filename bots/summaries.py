"""Better words for a hand-over, when a language model is there; never at the customer's cost.

1. The customer waits for nothing: the packet is given away with the summary of the rules
   (``bots.summary``), and only then are better words looked for.
2. They replace the old ones while the same packet is still the interaction's; a person who
   reads it already keeps what they read once they have filed the work.
3. What fails, comes late, or cannot be read aloud in ten seconds is left out.
"""

from __future__ import annotations

import asyncio
import logging

from bots.handoff import Summariser
from bots.summary import READ_S, seconds_aloud
from router.acts.lifecycle import Lifecycle
from router.errors import NoSuchInteraction, ParleyError
from router.events import Fact, HandoffRequested
from router.handoff import Handoff
from router.model import Author
from router.ports import Bus, Store

GROUP = "summaries"
WITHIN_S = 8.0
"""For all languages together; later the person has begun to read."""
LINES = 40
"""Of the transcript's end."""
SLACK = 1.25
"""So much longer than ten seconds is still taken."""
SPEAKERS = frozenset({Author.CUSTOMER, Author.BOT, Author.AGENT})

log = logging.getLogger(__name__)


class Summaries:
    """Hears of hand-overs and improves their summaries."""

    def __init__(self, store: Store, lifecycle: Lifecycle, summariser: Summariser) -> None:
        self._store = store
        self._lifecycle = lifecycle
        self._summariser = summariser

    async def start(self, bus: Bus) -> None:
        """Hear of every hand-over."""
        await bus.subscribe(GROUP, self.handle, [HandoffRequested])

    async def handle(self, fact: Fact) -> None:
        """Improve one packet's summary; what goes wrong leaves the old one."""
        try:
            async with self._store.transaction() as tx:
                item = await tx.interactions.get(fact.interaction_id)
                lines = await tx.interactions.messages(item.id)
        except NoSuchInteraction:
            return
        packet = item.handoff
        if packet is None or not packet.flow:
            return
        said = [(str(each.author), each.text) for each in lines if each.author in SPEAKERS]
        better = await self._better(packet, said[-LINES:])
        if better:
            await self._lifecycle.better_summary(item.id, packet, better)

    async def _better(self, packet: Handoff, said: list[tuple[str, str]]) -> dict[str, str]:
        """By language; those that did not come are missing."""
        found: dict[str, str] = {}
        try:
            async with asyncio.timeout(WITHIN_S):
                for language in dict.fromkeys(("en", packet.language, *packet.summaries)):
                    text = await self._summariser.summarise(packet, said, language)
                    if text and seconds_aloud(text, language) <= READ_S * SLACK:
                        found[language] = text
        except (ParleyError, TimeoutError) as error:
            log.info("no better summary of a hand-over (%s): %r", packet.reason, error)
        return found
