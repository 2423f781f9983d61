"""What a flow may ask of the contact centre: a promised call, a recorded score."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from bots.flow.outcome import CLOSED, PROMISED, REFUSED, Promised, Proven, named_queues
from bots.survey import SCALE
from channels.identity import phone
from channels.text_errors import BadAddress
from gateway.proofs import Proofs
from router.acts.callbacks import CALL_BACK, OPEN, Callbacks
from router.acts.lifecycle import Lifecycle
from router.company import Company, Queue
from router.errors import CallbackExists, CallbackRefused, IllegalMove, NoSuchQueue, OutsideHours
from router.model import Handoff, Interaction
from router.ports import Clock, Store

AT_ONCE = timedelta(seconds=1)
"""A promise lies in the time to come, also "as soon as possible"."""
RECENT = 20

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class House:
    """``bots.ports.House`` over the router's acts."""

    store: Store
    company: Company
    clock: Clock
    callbacks: Callbacks
    lifecycle: Lifecycle
    proofs: Proofs

    async def promise_call(
        self, interaction_id: str, number: str, at: str, queue: str, packet: Handoff
    ) -> Promised:
        """See ``bots.ports.House``. Whatever is in the way is told, nothing is raised."""
        async with self.store.transaction() as tx:
            interaction = await tx.interactions.get(interaction_id)
        try:
            served = self._queue(queue)
            due = self._due(served, at)
            called = phone(number).value if number else ""
        except (BadAddress, NoSuchQueue, ValueError) as error:
            log.warning("interaction %s: no callback: %s", interaction_id, error)
            return Promised(REFUSED)
        if due is None:
            return Promised(REFUSED)
        return await self._promise(interaction, served, due, called, packet)

    async def _promise(
        self, source: Interaction, queue: Queue, due: datetime, number: str, packet: Handoff
    ) -> Promised:
        try:
            await self.callbacks.schedule(source, queue.id, due, number, packet=packet)
        except OutsideHours:
            opens = queue.hours.next_opening(due)
            return Promised(CLOSED, opens=_local(queue, opens) if opens else "")
        except CallbackExists:
            promised = await self._already(source, number)
            return Promised(PROMISED, _local(queue, promised)) if promised else Promised(REFUSED)
        except (CallbackRefused, IllegalMove) as error:
            log.info("interaction %s: no callback: %s", source.id, error)
            return Promised(REFUSED)
        return Promised(PROMISED, _local(queue, due))

    async def rate(self, interaction_id: str, score: int) -> None:
        """See ``bots.ports.House``."""
        async with self.store.transaction() as tx:
            interaction = await tx.interactions.get(interaction_id)
        await self.lifecycle.record_survey(interaction_id, score, SCALE, interaction.channel)

    async def send_code(self, interaction_id: str, way: str) -> Proven:
        """See ``bots.ports.House``."""
        return await self.proofs.send_code(interaction_id, way)

    async def check_code(self, interaction_id: str, code: str) -> Proven:
        """See ``bots.ports.House``."""
        return await self.proofs.check_code(interaction_id, code)

    def _queue(self, named: str) -> Queue:
        first, *_ = named_queues(named) or (self.company.default_queue,)
        return self.company.queue(first)

    def _due(self, queue: Queue, at: str) -> datetime | None:
        """The wished time in the queue's zone, or as soon as it is open; None if never."""
        if at:
            return datetime.fromisoformat(at).replace(tzinfo=ZoneInfo(queue.hours.timezone))
        return queue.hours.next_opening(self.clock.now() + AT_ONCE)

    async def _already(self, source: Interaction, number: str) -> datetime | None:
        """When this conversation's own promise is due: a turn may be done twice."""
        async with self.store.transaction() as tx:
            for one in await tx.interactions.for_customer(source.customer_id, RECENT):
                same = one.conversation_id == source.conversation_id
                same = same and (one.address == number or not number)
                if same and one.state in OPEN and one.meta.get(CALL_BACK):
                    return one.due_at
        return None


def _local(queue: Queue, at: datetime) -> str:
    return at.astimezone(ZoneInfo(queue.hours.timezone)).isoformat(timespec="minutes")
