"""Who a caller hears, with a scripted bot and scripted legs on a real store and bus."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from router.acts.act import HandoffPlan
from router.acts.transfers import ToBot, Transfers
from router.commands import ConnectAgent, Done, HangUpCall, HoldCall, Refused
from router.events import BotStarted, RecordingSaved
from router.model import EndedBy, Handoff, InteractionState
from tests.fakes.board import Board, boards

Start = Callable[..., Awaitable[Board]]


@pytest.fixture
async def start(tmp_path: Path) -> AsyncIterator[Start]:
    """Starts a board whose bot follows a script, with a caller on the line."""
    async with boards(tmp_path) as begin:
        yield begin


async def test_bot_that_breaks_leaves_the_caller_to_a_person(start: Start) -> None:
    board = await start("break")
    waiting = await board.state(InteractionState.WAITING)
    assert waiting.handoff is not None
    assert waiting.handoff.reason == "bot-failed"
    assert board.bot.said == [
        "I am sorry, something went wrong on our side. A colleague takes over."
    ]
    await board.until(board.hears_music)


async def test_music_until_the_agent_joins_and_again_when_the_page_goes(start: Start) -> None:
    board = await start("hand-over")
    call = await board.to_agent()
    await board.until(board.hears_music)
    agent = await board.join(call)
    assert board.hears_agent()
    agent.end(16)
    await board.until(board.hears_music)
    await board.join(call)
    assert board.hears_agent()


async def test_music_goes_on_until_the_agents_browser_is_connected(start: Start) -> None:
    board = await start("hand-over")
    call = await board.to_agent()
    await board.until(board.hears_music)
    board.browser.slow = True
    agent = await board.join(call)
    assert board.hears_music()
    agent.connected.set()
    await board.until(board.hears_agent)


async def test_browser_that_never_connects_leaves_the_music_and_another_can_join(
    start: Start,
) -> None:
    board = await start("hand-over")
    call = await board.to_agent()
    await board.until(board.hears_music)
    board.browser.slow = True
    (await board.join(call)).end(27)
    assert board.hears_music()
    board.browser.slow = False
    await board.join(call)
    assert board.hears_agent()


async def test_second_browser_of_the_agent_takes_the_call_over_without_silence(
    start: Start,
) -> None:
    board = await start("hand-over")
    call = await board.to_agent()
    first = await board.join(call)
    assert board.hears_agent()
    board.browser.slow = True
    second = await board.join(call)
    await board.until(first.closed.is_set)
    assert board.hears_music()
    second.connected.set()
    await board.until(board.hears_agent)


async def test_caller_on_hold_still_is_when_the_agents_page_is_back(start: Start) -> None:
    board = await start("hand-over")
    call = await board.to_agent()
    agent = await board.join(call)
    assert isinstance(await board.board.obey(HoldCall(interaction_id=call.id)), Done)
    assert not board.hears_agent()
    agent.end(16)
    await board.join(call)
    assert not board.hears_agent()
    assert board.hears_music()


async def test_call_given_back_goes_to_the_bot_although_no_agent_joined(start: Start) -> None:
    board = await start("hand-over", "listen")
    await board.to_agent()
    await board.until(board.hears_music)
    core, call = board.core, await board.interaction()
    give = Transfers(core.store, core.company, core.clock, core.relay)
    await give.transfer(call.id, "ana", ToBot())
    await board.until(lambda: board.bot.runs == 2)
    assert not any(board.hears())


async def test_one_call_has_one_bot_however_often_its_start_is_told(start: Start) -> None:
    board = await start("listen")
    call = await board.state(InteractionState.BOT)
    again = BotStarted(
        at=board.core.clock.now(), interaction_id=call.id, channel=call.channel, flow="front-desk"
    )
    await board.core.bus.publish([again])
    # Facts come in order: when the end has been heard, so has the start.
    await board.lifecycle.end(call.id, EndedBy.SYSTEM, "enough")
    async with asyncio.timeout(10):
        await board.leg.closed.wait()
    assert board.bot.runs == 1


async def test_somebody_else_cannot_join_the_call(start: Start) -> None:
    board = await start("hand-over")
    call = await board.to_agent()
    order = ConnectAgent(interaction_id=call.id, agent_id="boris", sdp="offer")
    assert isinstance(await board.board.obey(order), Refused)
    assert board.browser.legs == []


async def test_agent_hangs_up_the_caller_is_asked_for_a_score(start: Start) -> None:
    board = await start("hand-over")
    call = await board.to_agent()
    agent = await board.join(call)
    await board.lifecycle.end(call.id, EndedBy.AGENT, "done")
    await board.board.obey(HangUpCall(interaction_id=call.id))
    async with asyncio.timeout(10):
        await board.bot.surveyed.wait()
        await board.leg.closed.wait()
    assert agent.closed.is_set()
    assert (await board.interaction()).ended_by is EndedBy.AGENT


async def test_who_told_the_bot_the_score_is_not_asked_again(start: Start) -> None:
    board = await start("hand-over")
    call = await board.to_agent()
    await board.join(call)
    await board.lifecycle.record_survey(call.id, 5, 5, "voice")
    await board.lifecycle.end(call.id, EndedBy.AGENT, "done")
    await board.board.obey(HangUpCall(interaction_id=call.id))
    async with asyncio.timeout(10):
        await board.leg.closed.wait()
    assert not board.bot.surveyed.is_set()


async def test_stop_ends_the_call_with_its_reason_and_keeps_the_recording(start: Start) -> None:
    board = await start("listen")
    call = await board.state(InteractionState.BOT)
    await board.until(lambda: board.bot.runs == 1)
    board.hears()
    await board.board.stop()
    ended = await board.state(InteractionState.ENDED)
    assert (ended.ended_by, ended.end_reason) == (
        EndedBy.SYSTEM,
        "the voice process was stopped",
    )
    async with board.core.store.transaction() as tx:
        (saved,) = await tx.log.facts(interaction_id=call.id, types=[RecordingSaved])
    assert isinstance(saved, RecordingSaved)
    assert saved.duration_s == pytest.approx(0.5)


async def test_person_who_accepts_while_the_bot_still_speaks_silences_it(start: Start) -> None:
    board = await start("talk")
    call = await board.state(InteractionState.BOT)
    await board.until(lambda: board.bot.runs == 1)
    plan = HandoffPlan("orders", Handoff("asked", "by somebody else"))
    await board.lifecycle.save_bot_turn(call, {}, handoff=plan)
    assert not board.bot.silenced
    await board.to_agent()
    await board.until(lambda: board.bot.silenced)
    await board.until(board.hears_music)
    await board.join(call)
    assert board.hears_agent()


async def test_announcement_is_cut_off_when_a_person_accepts(tmp_path: Path) -> None:
    async with boards(tmp_path, announce_every_s=30) as begin:
        board = await begin("hand-over")
        board.bot.slow = True
        await board.state(InteractionState.WAITING)
        await board.until(lambda: bool(board.bot.said))
        assert not board.bot.cut_off
        await board.to_agent()
        await board.until(lambda: board.bot.cut_off == board.bot.said)
        await asyncio.sleep(0.05)
        assert len(board.bot.said) == 1
