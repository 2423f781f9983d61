"""What a caller hears and can do while waiting for a person."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from router.acts.callbacks import CALL_BACK, Callbacks
from router.events import CallbackFailed, RecordingSaved, VoicemailLeft
from router.model import Channel, EndedBy, Interaction, InteractionState
from tests.callers import read_wav, tone
from tests.fakes.board import NUMBER, Board, boards

OFFER = "press 1"
BUSY = 17
TICK_S = 0.001
"""A caller's 20 ms pass so quickly here, and still leave the store's thread its share."""


async def overflow(board: Board) -> None:
    """The rules of the queue apply: long enough has been waited."""
    waiting = await board.state(InteractionState.WAITING)
    await board.waiting.due(waiting.id, board.core.clock.now() + timedelta(hours=1))


async def ticking(board: Board, voice: bytes = b"") -> None:
    """The caller's line runs; after the first words from us the caller says something."""
    size = board.leg.frame_bytes
    while not board.leg.closed.is_set():
        frame = b""
        if board.bot.said:
            frame, voice = voice[:size], voice[size:]
        board.leg.tick(frame if len(frame) == size else board.leg.silence)
        board.leg.sent = b""
        await asyncio.sleep(TICK_S)


async def test_caller_is_told_the_place_and_how_long_it_will_take(tmp_path: Path) -> None:
    async with boards(tmp_path, announce_every_s=600) as start:
        board = await start("hand-over")
        await board.until(lambda: bool(board.bot.said))
        assert board.bot.said == ["You are next."]


async def test_nothing_is_announced_where_the_queue_does_not_ask_for_it(tmp_path: Path) -> None:
    async with boards(tmp_path) as start:
        board = await start("hand-over")
        await board.to_agent()
        await board.until(board.hears_music)
        assert board.bot.said == []


async def test_caller_who_presses_1_may_hang_up_and_keeps_the_place(tmp_path: Path) -> None:
    async with boards(tmp_path, callback={"offer_after_s": 1}) as start:
        board = await start("hand-over")
        before = await board.state(InteractionState.WAITING)
        board.leg.key("1")  # not offered yet: nothing happens
        await board.until(lambda: any(OFFER in text for text in board.bot.said))
        board.leg.key("1")
        async with asyncio.timeout(10):
            await board.leg.closed.wait()
        await board.until(lambda: "you keep your place" in board.bot.said[-1].lower())
        kept = await board.get(before.id)
        assert kept.state is InteractionState.WAITING
        assert kept.meta[CALL_BACK]
        assert (kept.joined_at, kept.home) == (before.joined_at, "")


@pytest.mark.parametrize("later", [False, True])
async def test_caller_to_whom_somebody_else_promises_the_call_is_told_and_let_go(
    tmp_path: Path, later: bool
) -> None:
    async with boards(tmp_path) as start:
        board = await start("hand-over")
        before = await board.state(InteractionState.WAITING)
        core, company = board.core, board.lifecycle.company
        places = Callbacks(core.store, company, core.clock, core.relay)
        if later:
            at = core.clock.now() + timedelta(hours=1)
            await places.schedule(before, "orders", at)
        else:
            await places.keep_place(before.id)
        async with asyncio.timeout(10):
            await board.leg.closed.wait()
        says = "at the time agreed" if later else "you keep your place"
        assert [text for text in board.bot.said if says in text.lower()] == board.bot.said[-1:]
        kept = await board.get(before.id)
        assert kept.state is (InteractionState.SCHEDULED if later else InteractionState.WAITING)


async def promised(board: Board) -> Interaction:
    """The caller asked to be called back and has hung up; Ana takes it."""
    await board.until(lambda: any(OFFER in text for text in board.bot.said))
    board.leg.key("1")
    async with asyncio.timeout(10):
        await board.leg.closed.wait()
    return await board.to_agent()


async def test_agent_who_takes_it_has_the_customer_called_and_both_talk(tmp_path: Path) -> None:
    async with boards(tmp_path, callback={"offer_after_s": 1}) as start:
        board = await start("hand-over")
        first = board.leg
        call = await promised(board)
        await board.until(lambda: bool(board.telephone.legs))
        assert board.telephone.dialled == [NUMBER]
        board.leg = board.telephone.legs[0]
        await board.until(lambda: board.leg.source is not None)
        await board.join(call)
        await board.until(board.hears_agent)
        assert first.closed.is_set()
        await board.leg.hang_up()
        saved: list[str] = []

        async def both_recorded() -> bool:
            async with board.core.store.transaction() as tx:
                facts = await tx.log.facts(interaction_id=call.id, types=[RecordingSaved])
            saved[:] = [fact.path for fact in facts if isinstance(fact, RecordingSaved)]
            return len(saved) == 2

        async with asyncio.timeout(10):
            while not await both_recorded():
                await asyncio.sleep(0.02)
        assert saved == [f"recordings/{call.id}.wav", f"recordings/{call.id}-1.wav"]


async def test_customer_who_does_not_answer_is_called_again_later(tmp_path: Path) -> None:
    async with boards(tmp_path, callback={"offer_after_s": 1, "retry_after_s": 60}) as start:
        board = await start("hand-over")
        board.telephone.cause = BUSY
        call = await promised(board)
        later = await board.state(InteractionState.SCHEDULED)
        assert later.id == call.id
        async with board.core.store.transaction() as tx:
            (failed,) = await tx.log.facts(interaction_id=call.id, types=[CallbackFailed])
        assert isinstance(failed, CallbackFailed)
        assert (failed.outcome, failed.agent_id) == ("busy", "ana")


async def test_text_of_a_rule_is_spoken_before_the_line_ends(tmp_path: Path) -> None:
    full = {"when": "waited", "over_s": 60, "to": {"end": True}, "say": "All lines are busy."}
    async with boards(tmp_path, overflow=[full]) as start:
        board = await start("hand-over")
        await overflow(board)
        async with asyncio.timeout(10):
            await board.leg.closed.wait()
        assert board.bot.said == ["All lines are busy."]
        assert (await board.interaction()).ended_by is EndedBy.SYSTEM


async def test_other_number_is_dialled_and_only_an_answer_takes_the_caller_there(
    tmp_path: Path,
) -> None:
    rule = {"when": "waited", "over_s": 60, "to": {"number": "+37120000077"}}
    async with boards(tmp_path, overflow=[rule]) as start:
        board = await start("hand-over")
        await overflow(board)
        await board.until(lambda: bool(board.telephone.legs))
        (outside,) = board.telephone.legs
        both = {"customer": {"outside"}, "outside": {"customer"}}
        await board.until(lambda: board.heard(outside=outside) == both)
        await board.state(InteractionState.ENDED)
        for _ in range(10):  # that our part is over does not cut them off
            assert board.heard(outside=outside) == both
            await asyncio.sleep(0.02)
        await outside.hang_up()
        async with asyncio.timeout(10):
            await board.leg.closed.wait()


async def test_other_number_that_is_busy_leaves_the_caller_waiting(tmp_path: Path) -> None:
    rule = {"when": "waited", "over_s": 60, "to": {"number": "+37120000077"}}
    async with boards(tmp_path, overflow=[rule]) as start:
        board = await start("hand-over")
        board.telephone.cause = BUSY
        await overflow(board)
        await board.until(lambda: bool(board.telephone.dialled))
        await board.until(board.hears_music)
        assert (await board.interaction()).state is InteractionState.WAITING


async def test_message_is_recorded_and_becomes_written_work(tmp_path: Path) -> None:
    rule = {"when": "waited", "over_s": 60, "to": {"voicemail": True}}
    async with boards(tmp_path, overflow=[rule]) as start:
        board = await start("hand-over")
        call = await board.state(InteractionState.WAITING)
        line = asyncio.create_task(ticking(board, tone(500, 4.0)))
        await overflow(board)
        async with asyncio.timeout(20):
            await board.leg.closed.wait()
        await line
        assert "message after the tone" in board.bot.said[0]
        async with board.core.store.transaction() as tx:
            (left,) = await tx.log.facts(interaction_id=call.id, types=[VoicemailLeft])
            assert isinstance(left, VoicemailLeft)
            item = await tx.interactions.get(left.item_id)
        assert (item.channel, item.queue) == (Channel.EMAIL, "orders")
        assert left.duration_s > 0.5
        assert any(read_wav(tmp_path / left.path))


async def test_caller_who_says_nothing_leaves_no_work(tmp_path: Path) -> None:
    rule = {"when": "waited", "over_s": 60, "to": {"voicemail": True}}
    async with boards(tmp_path, overflow=[rule]) as start:
        board = await start("hand-over")
        line = asyncio.create_task(ticking(board))
        await overflow(board)
        async with asyncio.timeout(20):
            await board.leg.closed.wait()
        await line
        await board.state(InteractionState.ENDED)
        assert len(await board.core.interactions()) == 1
