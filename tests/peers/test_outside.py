"""A bot's caller goes outside over real SIP: sipp is the telephone there, and it rings for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from bots.campaign.calls import NotAnswered
from channels.media.leg import Leg
from channels.media.ringback import HERTZ
from channels.phone import IncomingCall, Phone, PhoneSettings
from channels.sip.caller import CallerCall, SipCaller
from channels.sip.causes import CallOutcome
from channels.sip.leg import SipLeg
from gateway.switchboard import Caller
from router.model import InteractionState
from tests.callers import SIP_DATA, Program, level, run_sipp, tone
from tests.fakes.board import OUTSIDE, Board, boards
from tests.services import free_udp_port

pytestmark = pytest.mark.peer
CLEAR = 3000


class Line:
    """Our telephone with its board, a customer who calls it, and sipp outside."""

    def __init__(self, folder: Path, board: Board, stack: AsyncExitStack) -> None:
        self.board = board
        self._folder, self._stack = folder, stack
        self._port = free_udp_port()
        settings = PhoneSettings(sip_port=0, rtp_ports=(0, 0))
        self._phone = Phone(settings, self._answered)
        board.board.connect_wires(board.browser, self._dial)

    async def _answered(self, leg: SipLeg, call: IncomingCall) -> None:
        await self.board.board.take(leg, Caller(call.address, call.called))

    async def _dial(self, address: str, _ring_s: float) -> Leg:
        assert address == OUTSIDE
        placed = await self._phone.place(f"sip:{address}@127.0.0.1:{self._port}", 2.0)
        if isinstance(placed, CallOutcome):
            raise NotAnswered(placed.cause, placed.reason)
        return placed

    async def call(self, scenario: str, status: str = "", echo: bool = False) -> Program:
        """Have sipp ready outside, and the customer on the line; ``customer`` is theirs."""
        keys = {"status": status} if status else {}
        path = SIP_DATA / scenario
        sipp = await run_sipp(path, self._folder, port=self._port, keys=keys, echo=echo)
        await self._phone.start()
        self._stack.push_async_callback(self._phone.stop)
        caller = SipCaller()
        await caller.start()
        self._stack.push_async_callback(caller.stop)
        ours = self._phone.address[1]
        called = await caller.call(f"sip:help@127.0.0.1:{ours}", caller="+37120000009")
        assert isinstance(called, CallerCall)
        self.customer = called
        return sipp


@pytest.fixture
async def line(tmp_path: Path) -> AsyncIterator[Line]:
    async with AsyncExitStack() as stack:
        begin = await stack.enter_async_context(boards(tmp_path))
        # The board's own scripted caller only listens; the second to call is the customer.
        board = await begin("listen", "outside", "listen")
        await board.until(lambda: board.bot.runs == 1)
        yield Line(tmp_path, board, stack)


async def test_who_answers_outside_hears_the_customer_and_is_heard(line: Line) -> None:
    sipp = await line.call("answer.xml", echo=True)
    await line.board.state(InteractionState.ENDED)
    since = line.customer.heard_ms
    await line.customer.say(tone(700, 1.0))
    await line.customer.hear(300)
    assert level(line.customer.audio(since), 700) > CLEAR
    await line.customer.hang_up()
    assert (await sipp.finished()).code == 0


@pytest.mark.parametrize(
    ("scenario", "status", "outcome"),
    [("refuse.xml", "486 Busy Here", "busy"), ("never_answer.xml", "", "no-answer")],
)
async def test_nobody_there_the_customer_is_with_the_bot_again(
    line: Line, scenario: str, status: str, outcome: str
) -> None:
    sipp = await line.call(scenario, status)
    await line.board.until(lambda: line.board.bot.runs == 3)
    assert line.board.bot.afters == ["", "", outcome]
    assert not line.customer.over
    if outcome == "no-answer":
        assert level(line.customer.audio(), HERTZ) > 200
    assert (await sipp.finished()).code == 0
    await asyncio.wait_for(line.customer.hang_up(), 5)
