"""Telephone calls with sipp and baresip at the other end, audio measured both ways."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from channels.phone import IncomingCall, Phone, PhoneSettings
from channels.sip.causes import CallOutcome, Outcome
from channels.sip.leg import SipLeg
from tests.callers import SIP_DATA, BaresipCaller, SippCaller, level, run_sipp, tone
from tests.services import free_udp_port

pytestmark = pytest.mark.peer

Handler = Callable[[SipLeg, IncomingCall], Awaitable[None]]
CLEAR = 3000  # an amplitude that only the tone itself has


class Ear:
    """Keeps everything that happens on a leg."""

    def __init__(self) -> None:
        self.pcm = b""
        self.digits = ""
        self.cause = 0
        self.over = asyncio.Event()

    def heard(self, pcm: bytes) -> None:
        self.pcm += pcm

    def pressed(self, digit: str) -> None:
        self.digits += digit

    def hung_up(self, cause: int) -> None:
        self.cause = cause
        self.over.set()


class Line:
    """A phone whose handler plays a tone and listens."""

    def __init__(self) -> None:
        self.ear = Ear()
        self.calls: list[IncomingCall] = []
        self.legs: list[SipLeg] = []
        self.phone = Phone(PhoneSettings(sip_port=0, rtp_ports=(0, 0), ring_s=5), self._serve)

    async def _serve(self, leg: SipLeg, call: IncomingCall) -> None:
        self.calls.append(call)
        self.legs.append(leg)
        leg.listen(self.ear)
        await leg.play(tone(600, 1.5)).done()

    async def answered(self) -> SipLeg:
        async with asyncio.timeout(10):
            while not self.legs:
                await asyncio.sleep(0.02)
        return self.legs[0]

    async def over(self) -> None:
        async with asyncio.timeout(30):
            await self.ear.over.wait()


@pytest.fixture
async def line(program: Callable[[str], str]) -> AsyncIterator[Line]:
    program("sipp")
    program("baresip")
    line = Line()
    await line.phone.start()
    yield line
    await line.phone.stop()


async def test_sipp_calls_hears_itself_echoed_and_hangs_up(line: Line, tmp_path: Path) -> None:
    sipp = await SippCaller(tmp_path, echo=True).wait(1500).call(line.phone.address)
    await line.over()
    assert (await sipp.finished()).code == 0
    assert level(line.ear.pcm, 600) > CLEAR
    assert line.ear.cause == 16
    assert line.calls[0].caller == "+37120000001"
    assert line.calls[0].display_name == "Sipp"
    assert line.phone.legs == {}


async def test_sipp_plays_a_file_and_presses_keys_each_arrives_once(
    line: Line, tmp_path: Path
) -> None:
    caller = SippCaller(tmp_path).play(tone(900, 1.0)).press("14#")
    sipp = await caller.call(line.phone.address)
    await line.over()
    assert (await sipp.finished()).code == 0
    assert level(line.ear.pcm, 900) > CLEAR
    assert line.ear.digits == "14#"


async def test_we_hang_up_sipp_gets_bye(line: Line, tmp_path: Path) -> None:
    sipp = await SippCaller(tmp_path).call(line.phone.address, hang_up=False)
    leg = await line.answered()
    await leg.hang_up(16)
    assert (await sipp.finished()).code == 0


async def test_hold_stops_our_audio_resume_brings_it_back(line: Line, tmp_path: Path) -> None:
    sipp = await run_sipp(SIP_DATA / "call_hold.xml", tmp_path, line.phone.address)
    leg = await line.answered()
    held_sent = 0
    while not line.ear.over.is_set():
        if leg.held:
            held_sent = held_sent or leg.counts["sent"]
            assert leg.counts["sent"] <= held_sent + 1
        await asyncio.sleep(0.02)
    finished = await sipp.finished()
    assert finished.code == 0, finished.output[-2000:]
    assert held_sent > 0
    assert leg.counts["sent"] > held_sent + 5
    assert line.ear.cause == 31


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        ("486 Busy Here", Outcome.BUSY),
        ("603 Decline", Outcome.DECLINED),
        ("404 Not Found", Outcome.UNREACHABLE),
        ("500 Server Internal Error", Outcome.FAILED),
    ],
)
async def test_called_side_refuses_we_know_why(
    line: Line, tmp_path: Path, status: str, outcome: Outcome
) -> None:
    port = free_udp_port()
    sipp = await run_sipp(SIP_DATA / "refuse.xml", tmp_path, port=port, keys={"status": status})
    result = await line.phone.place(f"sip:+37120000002@127.0.0.1:{port}", ring_s=8)
    assert isinstance(result, CallOutcome)
    assert (result.outcome, result.status) == (outcome, int(status[:3]))
    assert (await sipp.finished()).code == 0
    assert line.phone.legs == {}


async def test_nobody_answers_we_cancel_and_say_that_it_rang(line: Line, tmp_path: Path) -> None:
    port = free_udp_port()
    sipp = await run_sipp(SIP_DATA / "never_answer.xml", tmp_path, port=port)
    result = await line.phone.place(f"sip:anyone@127.0.0.1:{port}", ring_s=2)
    assert isinstance(result, CallOutcome)
    assert (result.outcome, result.rang) == (Outcome.NO_ANSWER, True)
    finished = await sipp.finished()
    assert finished.code == 0, finished.output[-2000:]


async def test_called_side_answers_after_early_media_tone_comes_back(
    line: Line, tmp_path: Path
) -> None:
    port = free_udp_port()
    sipp = await run_sipp(SIP_DATA / "answer.xml", tmp_path, port=port, echo=True)
    leg = await line.phone.place(f"sip:+37120000002@127.0.0.1:{port}", ring_s=8)
    assert isinstance(leg, SipLeg)
    ear = Ear()
    leg.listen(ear)
    playback = leg.play(tone(700, 1.0))
    await playback.done()
    assert (playback.played_ms, playback.cleared) == (1000, False)
    await leg.hang_up()
    assert (await sipp.finished()).code == 0
    assert level(ear.pcm, 700) > CLEAR


async def test_baresip_calls_audio_is_measured_both_ways(line: Line, tmp_path: Path) -> None:
    caller = BaresipCaller(tmp_path)
    await caller.call(line.phone.address, tone(500, 4))
    async with asyncio.timeout(20):
        while level(line.ear.pcm[-3200:], 500) < CLEAR or len(line.ear.pcm) < 24_000:
            await asyncio.sleep(0.1)
    await caller.hang_up()
    await line.over()
    assert line.calls[0].caller == "anna"
    assert level(caller.heard(), 600) > CLEAR
