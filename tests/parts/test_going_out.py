"""A bot's caller goes outside: who hears whom, what the record says, and who stays the bot's."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import pytest

from channels.media.ringback import HERTZ
from router.acts.act import HandoffPlan
from router.events import Fact, InteractionTransferred, RecordingSaved, TransferFailed
from router.model import EndedBy, Handoff, InteractionState
from tests.callers import level
from tests.fakes.board import OUTSIDE, PARTY, Board, ScriptedTelephone, boards
from tests.fakes.fragile import FragileStore

F = TypeVar("F", bound=Fact)
Start = Callable[..., Awaitable[Board]]


@pytest.fixture
async def start(tmp_path: Path) -> AsyncIterator[Start]:
    """Starts a board whose bot follows a script, with a caller on the line."""
    async with boards(tmp_path) as begin:
        yield begin


async def facts(board: Board, interaction_id: str, kind: type[F]) -> list[F]:
    """What the record says of that kind."""
    async with board.core.store.transaction() as tx:
        found = await tx.log.facts(interaction_id=interaction_id, types=[kind])
    return [fact for fact in found if isinstance(fact, kind)]


async def ringing(board: Board) -> None:
    """Wait until the caller hears that it rings outside."""
    await board.until(lambda: board.telephone.dialled == [OUTSIDE])
    await board.until(lambda: level(board.hears(1.0), HERTZ) > 500)


async def test_caller_and_outside_hear_each_other_and_our_part_is_over(start: Start) -> None:
    board = await start("outside")
    ended = await board.state(InteractionState.ENDED)
    assert (ended.ended_by, ended.end_reason) == (EndedBy.BOT, f"went to {PARTY}")
    await board.until(lambda: bool(board.telephone.legs) and board.leg.source is not None)
    outside = board.telephone.legs[0]
    assert board.telephone.dialled == [OUTSIDE]
    heard = board.heard(outside=outside)
    assert heard == {"customer": {"outside"}, "outside": {"customer"}}
    [went] = await facts(board, ended.id, InteractionTransferred)
    assert (went.way, went.target, went.from_agent_id) == ("outside", PARTY, "")
    outside.end(16)
    await asyncio.wait_for(board.leg.closed.wait(), 5)
    async with asyncio.timeout(5):
        while not await facts(board, ended.id, RecordingSaved):
            await asyncio.sleep(0.01)


async def test_caller_who_hangs_up_lets_the_outside_go(start: Start) -> None:
    board = await start("outside")
    await board.state(InteractionState.ENDED)
    await board.until(lambda: bool(board.telephone.legs) and board.leg.source is not None)
    board.leg.end(16)
    await asyncio.wait_for(board.telephone.legs[0].closed.wait(), 5)


@pytest.mark.parametrize(("cause", "outcome"), [(17, "busy"), (19, "no-answer"), (21, "rejected")])
async def test_nobody_answers_the_bot_goes_on_with_the_outcome(
    start: Start, cause: int, outcome: str
) -> None:
    with_cause = ScriptedTelephone(cause=cause)
    board = await start("outside", "listen", telephone=with_cause)
    await board.until(lambda: board.bot.runs == 2)
    assert board.bot.afters == ["", outcome]
    call = await board.state(InteractionState.BOT)
    [failed] = await facts(board, call.id, TransferFailed)
    assert (failed.outcome, failed.cause, failed.target) == (outcome, cause, PARTY)
    assert board.leg.source is None


async def test_caller_hears_it_ring_and_who_hangs_up_stops_it(start: Start) -> None:
    rings = ScriptedTelephone(rings=True)
    board = await start("outside", telephone=rings)
    await ringing(board)
    board.leg.end(16)
    ended = await board.state(InteractionState.ENDED)
    assert ended.ended_by is EndedBy.CUSTOMER
    assert board.bot.runs == 1
    assert rings.stopped


async def test_person_who_takes_the_caller_meanwhile_keeps_them(start: Start) -> None:
    rings = ScriptedTelephone(rings=True)
    board = await start("outside", telephone=rings)
    await ringing(board)
    call = await board.state(InteractionState.BOT)
    plan = HandoffPlan("orders", Handoff("asked", "a supervisor wants it"))
    await board.lifecycle.save_bot_turn(call, {}, handoff=plan)
    taken = await board.to_agent()
    await board.until(board.hears_music)
    await board.until(lambda: rings.stopped)
    await board.join(taken)
    assert board.hears_agent()
    assert not await facts(board, call.id, InteractionTransferred)


async def test_outside_that_answers_too_late_is_hung_up(start: Start) -> None:
    slow = ScriptedTelephone(rings=True)
    board = await start("outside", telephone=slow)
    await ringing(board)
    call = await board.state(InteractionState.BOT)
    await board.lifecycle.end(call.id, EndedBy.SYSTEM, "given up elsewhere")
    slow.answered.set()
    await board.until(lambda: bool(slow.legs) and slow.legs[0].closed.is_set())
    assert not await facts(board, call.id, InteractionTransferred)


async def test_who_answers_while_the_store_is_away_is_not_left_in_silence(
    start: Start, tmp_path: Path
) -> None:
    away = FragileStore(f"sqlite+aiosqlite:///{tmp_path / 'parley.db'}")
    away.away = True
    board = await start("outside", record=away)
    await board.until(
        lambda: bool(board.telephone.legs) and board.telephone.legs[0].closed.is_set()
    )
    call = await board.state(InteractionState.WAITING)
    assert call.handoff is not None
    assert call.handoff.reason == "bot-failed"
    assert away.refused == 1
