"""Puts a bot's caller through to somebody outside, in the process that owns the call.

1. Whom to call is a name; the number stands in the operator's list (``PARLEY_OUTSIDE``).
2. The caller hears it ring. Who hangs up, or is taken by a person, stops the ringing.
3. The record has it before the two hear each other; a person who was quicker keeps the caller.
4. Joined, they go on without us, recorded, until one of them hangs up.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from bots.campaign.calls import NotAnswered
from bots.flow.outcome import PutThrough
from channels.media.leg import Leg
from channels.media.ringback import RingBack
from gateway.joining import Call, Joining, outcome_of
from router.acts.outside import PuttingThrough
from router.acts.parties import TransferOutcome
from router.commands import DialResult
from router.errors import IllegalMove, ParleyError


class GoingOut:
    """Calls the outside for bots. ``numbers`` has a number or SIP address by name."""

    def __init__(self, numbers: Mapping[str, str], acts: PuttingThrough) -> None:
        self._numbers = numbers
        self._acts = acts

    async def connect(self, call: Call, wish: PutThrough, people: Joining) -> TransferOutcome:
        """Ring there and join the two; every way in which that fails is a typed outcome.

        With ``LEFT`` there is nobody to come back to: the caller has gone, or is a person's.
        """
        dialled = await self._ring(call, wish, people)
        if isinstance(dialled, DialResult):
            if dialled.outcome is not TransferOutcome.LEFT:
                await self._acts.failed(call.interaction_id, wish.party, dialled)
            return dialled.outcome
        try:
            await self._acts.answered(call.interaction_id, wish.party)
        except IllegalMove:
            await dialled.hang_up()
            return TransferOutcome.LEFT
        except BaseException:
            # The store is away, or we are to stop: nobody may be left listening to silence.
            await dialled.hang_up()
            raise
        call.line.open()
        call.line.seat(f"outside:{wish.party}", dialled, outside=True)
        people.release(call)
        return TransferOutcome.ANSWERED

    async def _ring(self, call: Call, wish: PutThrough, people: Joining) -> Leg | DialResult:
        """The leg that answered, while the caller hears it ring (rule 2)."""
        address = self._numbers.get(wish.party, "")
        if not address or people.dial is None:
            detail = f"no number for {wish.party}" if not address else "no telephone line here"
            return DialResult(outcome=TransferOutcome.UNREACHABLE, detail=detail)
        tone = call.leg.source = RingBack(call.leg.sample_rate).frame
        dialling = asyncio.ensure_future(people.dial(address, wish.ring_s))
        left = asyncio.create_task(call.leg.closed.wait(), name="caller-left")
        try:
            await asyncio.wait({dialling, left}, return_when=asyncio.FIRST_COMPLETED)
            if call.leg.closed.is_set():
                await _give_up(dialling)
                return DialResult(outcome=TransferOutcome.LEFT)
            return _result(dialling)
        except asyncio.CancelledError:
            await _give_up(dialling)
            raise
        finally:
            left.cancel()
            if call.leg.source is tone:  # else a person has the line already
                call.leg.source = None


def _result(dialling: asyncio.Future[Leg]) -> Leg | DialResult:
    try:
        return dialling.result()
    except ParleyError as error:
        cause = error.cause if isinstance(error, NotAnswered) else None
        return DialResult(outcome=outcome_of(error), cause=cause, detail=str(error))


async def _give_up(dialling: asyncio.Future[Leg]) -> None:
    """Stop ringing there; who answered in this very moment is hung up."""
    dialling.cancel()
    [answered] = await asyncio.gather(dialling, return_exceptions=True)
    if isinstance(answered, Leg):
        await answered.hang_up()
