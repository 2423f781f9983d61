"""Several people on a caller's line: asking, joining, leaving, telephones outside."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from router.acts.parties import Arrangement, JoinMode, TransferOutcome
from router.acts.transfers import ToAgent, ToNumber
from router.commands import ConnectAgent, DialResult, Refused, TransferInteraction
from router.model import Direction, EndedBy, Interaction, InteractionState, Presence
from tests.fakes.board import Board, boards
from tests.unit.test_bridge import ScriptedLeg

Start = Callable[..., Awaitable[Board]]
OUTSIDE = "+37120000077"
BUSY = 17


@pytest.fixture
async def start(tmp_path: Path) -> AsyncIterator[Start]:
    """Starts a board with a caller on the line."""
    async with boards(tmp_path) as begin:
        yield begin


async def talking(board: Board) -> tuple[Interaction, ScriptedLeg]:
    """Ana has the call and hears the caller."""
    call = await board.to_agent()
    ana = await board.join(call)
    await board.until(board.hears_agent)
    return call, ana


async def ask_boris(board: Board, call: Interaction) -> Interaction:
    """Ana asks Boris, who takes the question; gives the internal interaction."""
    await board.core.add_agent("boris", "Boris Petrov")
    await board.lifecycle.set_presence("boris", Presence.AVAILABLE)
    await board.consults.consult(call.id, "ana", ToAgent("boris"), "whose parcel is it?")
    internal = next(
        item for item in await board.core.interactions() if item.direction is Direction.INTERNAL
    )
    offer = await board.lifecycle.offer(internal, "boris", "asked by name")
    return await board.lifecycle.accept(offer.id, "boris")


async def consulting(board: Board) -> tuple[Interaction, ScriptedLeg, ScriptedLeg]:
    """Ana and Boris talk, the caller waits."""
    call, ana = await talking(board)
    internal = await ask_boris(board, call)
    boris = await board.join(internal, "boris")
    apart = {"customer": set(), "ana": {"boris"}, "boris": {"ana"}}
    await board.until(lambda: board.heard(ana=ana, boris=boris) == apart)
    return call, ana, boris


async def test_caller_hears_music_from_the_question_on_and_boris_only_when_joined(
    start: Start,
) -> None:
    board = await start("hand-over")
    call, ana = await talking(board)
    internal = await ask_boris(board, call)
    await board.until(board.hears_music)
    boris = await board.join(internal, "boris")
    await board.until(lambda: board.heard(ana=ana, boris=boris)["ana"] == {"boris"})
    assert board.hears_music()


async def test_swap_gives_the_caller_back_and_the_other_music(start: Start) -> None:
    board = await start("hand-over")
    call, ana, boris = await consulting(board)
    await board.consults.swap(call.id, "ana")
    swapped = {"customer": {"ana"}, "ana": {"customer"}, "boris": set()}
    await board.until(lambda: board.heard(ana=ana, boris=boris) == swapped)
    assert any(boris.sent)
    await board.consults.swap(call.id, "ana")
    back = {"customer": set(), "ana": {"boris"}, "boris": {"ana"}}
    await board.until(lambda: board.heard(ana=ana, boris=boris) == back)


async def test_conference_joins_all_and_who_leaves_it_leaves_the_others_together(
    start: Start,
) -> None:
    board = await start("hand-over")
    call, ana, boris = await consulting(board)
    await board.consults.conference(call.id, "ana")
    all_three = {
        "customer": {"ana", "boris"},
        "ana": {"customer", "boris"},
        "boris": {"customer", "ana"},
    }
    await board.until(lambda: board.heard(ana=ana, boris=boris) == all_three)
    await board.consults.complete(call.id, "ana")
    await board.until(ana.closed.is_set)
    await board.until(
        lambda: board.heard(boris=boris) == {"customer": {"boris"}, "boris": {"customer"}}
    )
    assert (await board.get(call.id)).agent_id == "boris"


async def test_warm_transfer_hands_the_caller_over_without_the_caller_hearing_a_gap(
    start: Start,
) -> None:
    board = await start("hand-over")
    call, ana, boris = await consulting(board)
    await board.consults.complete(call.id, "ana", note="order HL-482913 is hers")
    await board.until(ana.closed.is_set)
    await board.until(lambda: board.heard(boris=boris)["customer"] == {"boris"})
    assert not boris.closed.is_set()


async def test_question_taken_back_lets_the_other_go_and_the_caller_hears_ana(
    start: Start,
) -> None:
    board = await start("hand-over")
    call, ana, boris = await consulting(board)
    await board.consults.cancel(call.id, "ana")
    await board.until(boris.closed.is_set)
    await board.until(lambda: board.heard(ana=ana)["customer"] == {"ana"})


async def test_agent_who_was_only_asked_cannot_hear_the_call(start: Start) -> None:
    board = await start("hand-over")
    call, _ = await talking(board)
    await board.core.add_agent("boris", "Boris Petrov")
    await board.lifecycle.set_presence("boris", Presence.AVAILABLE)
    await board.consults.consult(call.id, "ana", ToAgent("boris"))
    eve = ConnectAgent(interaction_id=call.id, agent_id="eve", sdp="offer")
    assert isinstance(await board.board.obey(eve), Refused)


async def test_supervisor_listens_unheard_then_whispers_to_the_agent_alone(
    start: Start,
) -> None:
    board = await start("hand-over")
    call, ana = await talking(board)
    await board.consults.supervise(call.id, "sofia", JoinMode.LISTEN)
    sofia = await board.join(call, "sofia")
    listening = {"customer": {"ana"}, "ana": {"customer"}, "sofia": {"customer", "ana"}}
    await board.until(lambda: board.heard(ana=ana, sofia=sofia) == listening)
    await board.consults.supervise(call.id, "sofia", JoinMode.WHISPER)
    await board.until(lambda: board.heard(ana=ana, sofia=sofia)["ana"] == {"customer", "sofia"})
    assert board.heard(ana=ana, sofia=sofia)["customer"] == {"ana"}
    await board.consults.stop_supervising(call.id, "sofia")
    await board.until(sofia.closed.is_set)
    await board.until(lambda: board.heard(ana=ana)["customer"] == {"ana"})


async def test_somebody_outside_is_asked_and_goes_on_with_the_caller_without_us(
    start: Start,
) -> None:
    board = await start("hand-over")
    call, ana = await talking(board)
    talk = await board.consults.consult(call.id, "ana", ToNumber(OUTSIDE))
    assert talk.arrangement is Arrangement.CONSULTING
    (smith,) = board.telephone.legs
    await board.until(lambda: board.heard(ana=ana, smith=smith)["ana"] == {"smith"})
    assert board.hears_music()
    await board.consults.complete(call.id, "ana")
    await board.until(ana.closed.is_set)
    alone = {"customer": {"smith"}, "smith": {"customer"}}
    await board.until(lambda: board.heard(smith=smith) == alone)
    await smith.hang_up()
    async with asyncio.timeout(10):
        await board.leg.closed.wait()


async def test_somebody_outside_who_hangs_up_gives_the_caller_back(start: Start) -> None:
    board = await start("hand-over")
    call, ana = await talking(board)
    await board.consults.consult(call.id, "ana", ToNumber(OUTSIDE))
    (smith,) = board.telephone.legs
    await board.until(lambda: board.heard(ana=ana, smith=smith)["ana"] == {"smith"})
    await smith.hang_up()
    await board.until(lambda: board.heard(ana=ana)["customer"] == {"ana"})


async def test_transfer_outside_lets_the_agent_go_only_when_it_is_answered(start: Start) -> None:
    board = await start("hand-over")
    call, ana = await talking(board)
    order = TransferInteraction(interaction_id=call.id, address=OUTSIDE)
    board.telephone.cause = BUSY
    refused = await board.board.obey(order)
    assert isinstance(refused, DialResult)
    assert (refused.outcome, refused.cause) == (TransferOutcome.BUSY, BUSY)
    assert board.heard(ana=ana)["customer"] == {"ana"}
    board.telephone.cause = 0
    answered = await board.board.obey(order)
    assert isinstance(answered, DialResult)
    assert answered.outcome is TransferOutcome.ANSWERED
    await board.until(ana.closed.is_set)
    (smith,) = board.telephone.legs
    assert board.heard(smith=smith) == {"customer": {"smith"}, "smith": {"customer"}}
    await board.leg.hang_up()
    async with asyncio.timeout(10):
        await smith.closed.wait()


async def test_question_to_somebody_outside_can_be_taken_back_while_it_rings(
    start: Start,
) -> None:
    board = await start("hand-over")
    call, ana = await talking(board)
    board.telephone.rings = True
    asking = asyncio.create_task(board.consults.consult(call.id, "ana", ToNumber(OUTSIDE)))
    await board.until(lambda: bool(board.telephone.dialled))
    await board.until(board.hears_music)
    await board.consults.cancel(call.id, "ana")
    await board.until(lambda: board.heard(ana=ana)["customer"] == {"ana"})
    async with asyncio.timeout(10):
        await asking


async def test_caller_who_hangs_up_ends_it_for_all(start: Start) -> None:
    board = await start("hand-over")
    call, ana, boris = await consulting(board)
    await board.leg.hang_up()
    await board.until(lambda: ana.closed.is_set() and boris.closed.is_set())
    ended = await board.state(InteractionState.WRAP_UP, of=call)
    assert ended.ended_by == EndedBy.CUSTOMER
