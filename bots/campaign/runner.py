"""The runner: looks at what is due, claims it, lets a channel try, sleeps until the next.

It sleeps until the earliest due contact or until something happens (an attempt
finished, a campaign started); ``IDLE_S`` bounds the sleep because another
process may start a campaign by writing the store. Several runners may run: the
unique row of an attempt decides which of them it belongs to.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import datetime, timedelta
from typing import Protocol

from bots.campaign.book import AttemptBook
from bots.campaign.outcome import Filed
from bots.campaign.rules import Act, move_campaign
from router.commands import Done, PlaceCall, Refused
from router.errors import ParleyError, ReplyTimeout, Unroutable
from router.events import AttemptFinished, Fact, InteractionEnded, MessageFailed
from router.model import Attempt, AttemptState, Campaign, Channel, Contact, Disposition
from router.ports import Bus, Clock, Store

IDLE_S = 5.0
RING_S = 25.0
ASK_TIMEOUT_S = 10.0
NODE_LOST_S = 30.0
TEXT_REPLY_S = 24 * 3600
VOICE_ADDRESS = "voice"
GROUP = "outbound"
FAR = timedelta(days=3650)

log = logging.getLogger(__name__)


class Texter(Protocol):
    """Starts a campaign's text conversation and tells how it went."""

    async def begin(self, campaign: Campaign, contact: Contact, attempt: Attempt) -> str:
        """Open the interaction and say the flow's first words; the interaction's id.

        Doing it twice for one attempt gives the same interaction and says nothing twice.
        """
        ...

    async def begun(self, campaign: Campaign, attempt: Attempt) -> str | None:
        """The interaction in which this attempt's first words were said, if they were."""
        ...

    async def attempt_of(self, interaction_id: str) -> str | None:
        """The attempt that this interaction belongs to, if it is a campaign's text."""
        ...

    async def outcome(self, interaction_id: str) -> Filed | None:
        """How it went, once it has ended."""
        ...

    async def give_up(self, interaction_id: str, reason: str) -> None:
        """End the interaction: nobody answered."""
        ...


class CampaignRunner:
    """Runs every running campaign of the installation."""

    def __init__(
        self,
        store: Store,
        book: AttemptBook,
        bus: Bus,
        clock: Clock,
        texter: Texter | None = None,
        *,
        ring_s: float = RING_S,
        alone: bool = False,
    ) -> None:
        """``ring_s`` is how long a call may ring before it counts as not answered.

        ``alone``: no other process shares the store, so every orphan at start is ours.
        """
        self._store = store
        self._book = book
        self._bus = bus
        self._clock = clock
        self._texter = texter
        self._ring_s = ring_s
        self._alone = alone
        self._wake = asyncio.Event()
        self._loop: asyncio.Task[None] | None = None
        self._trying: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Recover what a dead process left, then run until ``stop``."""
        await self.recover(everything=self._alone)
        heard = [AttemptFinished, InteractionEnded, MessageFailed]
        await self._bus.subscribe(GROUP, self._on_fact, heard)
        self._loop = asyncio.create_task(self._run(), name="campaigns")

    async def stop(self) -> None:
        """Begin nothing new and let go of what is being placed. Safe to call twice."""
        tasks = [*self._trying, *([self._loop] if self._loop else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._loop = None

    def wake(self) -> None:
        """Look at the campaigns now, for instance because one was started."""
        self._wake.set()

    async def recover(self, *, everything: bool = False) -> int:
        """Finish orphaned attempts as interrupted; how many. They are not dialled again."""
        live_nodes = await self._live_nodes()

        def gone(owner: str) -> bool:
            return everything or owner.partition(".")[2] not in live_nodes

        orphans = [item for item in await self._book.orphans(gone) if not await self._texted(item)]
        count = await self._book.interrupt(orphans)
        if count:
            log.warning("%d outbound attempts were interrupted by a process's end", count)
        return count

    async def step(self) -> datetime | None:
        """Do everything that is due; when to look again, None when nothing is planned."""
        due: list[datetime] = []
        async with self._store.transaction() as tx:
            campaigns = [item for item in await tx.campaigns.all() if item.state == "running"]
        for campaign in campaigns:
            moment = await self._advance(campaign)
            if moment is not None:
                due.append(moment)
        return min(due, default=None)

    async def settled(self) -> None:
        """Return when every attempt begun by ``step`` has been handed to its channel."""
        while self._trying:
            await asyncio.gather(*self._trying, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            self._wake.clear()
            wait_s = IDLE_S
            try:
                moment = await self.step()
                if not self._alone:
                    await self.recover()
                if moment is not None:
                    left = (moment - self._clock.now()).total_seconds()
                    wait_s = min(IDLE_S, max(0.0, left))
            except ParleyError as error:
                log.error("campaigns: %s; trying again in %.0f s", error, IDLE_S)
            try:
                async with asyncio.timeout(wait_s):
                    await self._wake.wait()
            except TimeoutError:
                continue

    async def _on_fact(self, fact: Fact) -> None:
        if isinstance(fact, InteractionEnded) and fact.channel == Channel.SMS:
            await self._file_text(fact.interaction_id)
        elif isinstance(fact, MessageFailed) and fact.channel == Channel.SMS:
            await self._file_unsent(fact)
        self.wake()

    async def _advance(self, campaign: Campaign) -> datetime | None:
        live = [item for item in await self._book.unfinished() if item.campaign_id == campaign.id]
        await self._drop_unanswered(live)
        busy = sum(_holds_a_line(campaign, item) for item in live)
        for contact in await self._due(campaign, self._clock.now(), campaign.concurrency - busy):
            claim = await self._book.claim(campaign, contact)
            if claim.verdict.act is Act.ATTEMPT and claim.attempt is not None:
                live.append(claim.attempt)
                self._begin(campaign, contact, claim.attempt)
        later = await self._due(campaign, self._clock.now() + FAR, 1)
        if not later and not live:
            async with self._store.transaction() as tx:
                await tx.campaigns.set_state(campaign.id, move_campaign(campaign.state, "finish"))
            log.info("campaign %s is done", campaign.name)
        if not later or busy >= campaign.concurrency:
            return None
        return later[0].next_at or self._clock.now()

    async def _due(self, campaign: Campaign, until: datetime, limit: int) -> list[Contact]:
        if limit <= 0:
            return []
        async with self._store.transaction() as tx:
            return await tx.campaigns.due_contacts(campaign.id, until, limit)

    def _begin(self, campaign: Campaign, contact: Contact, attempt: Attempt) -> None:
        task = asyncio.create_task(self._try(campaign, contact, attempt))
        self._trying.add(task)
        task.add_done_callback(self._trying.discard)

    async def _try(self, campaign: Campaign, contact: Contact, attempt: Attempt) -> None:
        try:
            if campaign.channel is Channel.VOICE:
                await self._call(campaign, contact, attempt)
            else:
                await self._text(campaign, contact, attempt)
        except ParleyError as error:
            log.warning("attempt %s failed: %s", attempt.id, error)
            await self._book.finish(attempt.id, Disposition.FAILED, str(error))

    async def _call(self, campaign: Campaign, contact: Contact, attempt: Attempt) -> None:
        order = PlaceCall(
            attempt_id=attempt.id,
            campaign_id=campaign.id,
            contact_id=contact.id,
            address=contact.address,
            flow=campaign.flow,
            name=contact.name,
            language=contact.fields.get("language", "en"),
            ring_s=self._ring_s,
            fields={"name": contact.name, **contact.fields},
        )
        try:
            reply = await self._bus.ask(order, VOICE_ADDRESS, ASK_TIMEOUT_S)
        except ReplyTimeout:
            # The order may have arrived: the process that took it finishes the attempt.
            # If it died, recovery does. Nobody dials under this number again.
            return
        except Unroutable as error:
            raise ParleyError(f"no voice process is running: {error}") from error
        if isinstance(reply, Refused):
            await self._book.finish(attempt.id, Disposition.FAILED, reply.reason)
        elif not isinstance(reply, Done):
            raise ParleyError(f"expected Done to PlaceCall, got {type(reply).__name__}")

    async def _text(self, campaign: Campaign, contact: Contact, attempt: Attempt) -> None:
        if self._texter is None:
            raise ParleyError("this process has no text channel for campaigns")
        if await self._book.dialling(attempt.id):
            interaction_id = await self._texter.begin(campaign, contact, attempt)
            await self._book.live(attempt.id, interaction_id)
            self.wake()  # a text that waits for its answer leaves room for the next

    async def _file_text(self, interaction_id: str) -> None:
        if self._texter is None:
            return
        attempt_id = await self._texter.attempt_of(interaction_id)
        outcome = await self._texter.outcome(interaction_id) if attempt_id else None
        if attempt_id and outcome:
            await self._book.finish(
                attempt_id, outcome.disposition, outcome.reason, outcome.answers
            )

    async def _file_unsent(self, fact: MessageFailed) -> None:
        """A text of ours did not go out, so nobody will answer it."""
        if self._texter is None:
            return
        attempt_id = await self._texter.attempt_of(fact.interaction_id)
        if attempt_id and await self._book.finish(attempt_id, Disposition.FAILED, fact.reason):
            await self._texter.give_up(fact.interaction_id, fact.reason)

    async def _drop_unanswered(self, live: list[Attempt]) -> None:
        """End text conversations that nobody answered within ``TEXT_REPLY_S``."""
        if self._texter is None:
            return
        limit = self._clock.now() - timedelta(seconds=TEXT_REPLY_S)
        for attempt in live:
            if (
                attempt.interaction_id
                and attempt.started_at < limit
                and await self._texted(attempt)
            ):
                reason = f"no answer within {TEXT_REPLY_S // 3600} hours"
                await self._book.finish(attempt.id, Disposition.NO_ANSWER, reason)
                await self._texter.give_up(attempt.interaction_id, reason)

    async def _texted(self, attempt: Attempt) -> bool:
        """Whether it is a text under way: that one lives in the store, not in a process."""
        async with self._store.transaction() as tx:
            campaign = await tx.campaigns.get(attempt.campaign_id)
        if campaign.channel is Channel.VOICE or self._texter is None:
            return False
        if attempt.state is AttemptState.DIALLING:
            # The process died between the words and the note that they were said.
            interaction_id = await self._texter.begun(campaign, attempt)
            return interaction_id is not None and await self._book.live(attempt.id, interaction_id)
        return attempt.state is AttemptState.LIVE

    async def _live_nodes(self) -> set[str]:
        since = self._clock.now() - timedelta(seconds=NODE_LOST_S)
        async with self._store.transaction() as tx:
            return await tx.log.live_nodes(since)


def _holds_a_line(campaign: Campaign, attempt: Attempt) -> bool:
    """A text that waits for an answer costs nothing; a call holds a line to its end."""
    return campaign.channel is Channel.VOICE or attempt.state is not AttemptState.LIVE
