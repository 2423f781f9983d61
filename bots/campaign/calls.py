"""A campaign's calls, in the process that owns their media: dial, talk, file the outcome."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from bots.campaign.book import AttemptBook
from bots.campaign.outcome import attempt_outcome
from bots.campaign.rules import disposition_of_cause
from bots.ports import AudioLeg
from router.acts.lifecycle import Lifecycle
from router.commands import Done, Order, PlaceCall, Refused
from router.errors import ParleyError
from router.model import (
    Arrival,
    Channel,
    Direction,
    Disposition,
    EndedBy,
    Identity,
    IdentityKind,
    Interaction,
    InteractionState,
)
from router.ports import Store

NORMAL_CLEARING = 16
log = logging.getLogger(__name__)

Dial = Callable[[str, float], Awaitable[AudioLeg]]
"""Calls an address, rings for so many seconds, gives the answered leg or ``NotAnswered``."""
Converse = Callable[[AudioLeg, Interaction], Awaitable[None]]
"""Runs the interaction's flow on the leg until the bot is done with it or it hung up."""


class NotAnswered(ParleyError):
    """The called side did not take the call; ``cause`` is the Q.850 cause number."""

    def __init__(self, cause: int, reason: str) -> None:
        super().__init__(reason)
        self.cause = cause


class OutboundCalls:
    """Handles ``PlaceCall``. Each attempt is dialled at most once, whoever asks how often."""

    def __init__(
        self,
        store: Store,
        lifecycle: Lifecycle,
        book: AttemptBook,
        dial: Dial,
        converse: Converse,
        home: str,
    ) -> None:
        """``home`` is this process's bus address, which owns the legs it dials."""
        self._store = store
        self._lifecycle = lifecycle
        self._book = book
        self._dial = dial
        self._converse = converse
        self._home = home
        self._calls: set[asyncio.Task[None]] = set()

    async def place(self, order: PlaceCall) -> Order:
        """Take the attempt in hand; how it went comes as ``AttemptFinished``."""
        if not await self._book.dialling(order.attempt_id):
            return Refused(reason=f"attempt {order.attempt_id} was dialled or dropped before")
        task = asyncio.create_task(self._run(order), name=f"attempt-{order.attempt_id}")
        self._calls.add(task)
        task.add_done_callback(self._calls.discard)
        return Done()

    async def stop(self) -> None:
        """End the calls under way; their attempts are filed as interrupted."""
        for task in self._calls:
            task.cancel()
        await asyncio.gather(*self._calls, return_exceptions=True)

    async def _run(self, order: PlaceCall) -> None:
        try:
            leg = await self._dial(order.address, order.ring_s)
        except NotAnswered as error:
            disposition = disposition_of_cause(error.cause)
            await self._book.finish(order.attempt_id, disposition, str(error))
            return
        except asyncio.CancelledError:
            await self._interrupted(order)
            raise
        except (ParleyError, OSError) as error:
            log.warning("attempt %s could not be dialled: %s", order.attempt_id, error)
            await self._book.finish(order.attempt_id, Disposition.FAILED, str(error))
            return
        await self._talk(order, leg)

    async def _talk(self, order: PlaceCall, leg: AudioLeg) -> None:
        try:
            received = await self._lifecycle.receive(_arrival(order, self._home))
            await self._book.live(order.attempt_id, received.interaction.id)
            await self._converse(leg, received.interaction)
            await self._file(order.attempt_id, received.interaction.id)
        except asyncio.CancelledError:
            await self._interrupted(order)
            raise
        except ParleyError as error:
            log.exception("attempt %s failed while talking", order.attempt_id)
            await self._book.finish(order.attempt_id, Disposition.FAILED, str(error))
        finally:
            if not await self._handed_over(order.attempt_id):
                await leg.hang_up(NORMAL_CLEARING)

    async def _file(self, attempt_id: str, interaction_id: str) -> None:
        async with self._store.transaction() as tx:
            interaction = await tx.interactions.get(interaction_id)
        if interaction.state is InteractionState.BOT:
            reason = "the call ended in the middle of the flow"
            interaction = await self._lifecycle.end(interaction_id, EndedBy.CUSTOMER, reason)
        filed = attempt_outcome(interaction)
        await self._book.finish(attempt_id, filed.disposition, filed.reason, filed.answers)

    async def _handed_over(self, attempt_id: str) -> bool:
        """Whether a person is to have the call now; then the leg stays."""
        async with self._store.transaction() as tx:
            attempt = await tx.campaigns.attempt(attempt_id)
            if attempt is None or attempt.interaction_id is None:
                return False
            interaction = await tx.interactions.get(attempt.interaction_id)
        return interaction.state in (
            InteractionState.WAITING,
            InteractionState.OFFERED,
            InteractionState.AGENT,
        )

    async def _interrupted(self, order: PlaceCall) -> None:
        reason = "this process was stopped during the attempt"
        await self._book.finish(order.attempt_id, Disposition.INTERRUPTED, reason)


def _arrival(order: PlaceCall, home: str) -> Arrival:
    return Arrival(
        channel=Channel.VOICE,
        identity=Identity(IdentityKind.PHONE, order.address),
        service_address=home,
        direction=Direction.OUTBOUND,
        name=order.name,
        external_id=f"attempt:{order.attempt_id}",
        home=home,
        language=order.language,
        meta={
            "flow": order.flow,
            "campaign_id": order.campaign_id,
            "attempt_id": order.attempt_id,
            "fields": dict(order.fields),
        },
    )
