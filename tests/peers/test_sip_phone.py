"""Our phone and our caller on real sockets: what is refused, what fails, what is left behind."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from channels.errors import BadAddress
from channels.media.recording import Recording
from channels.media.rtp import RtpPacket, serialize
from channels.phone import Admit, IncomingCall, OnCall, Phone, PhoneSettings
from channels.sip.caller import CallerCall, SipCaller
from channels.sip.causes import CallOutcome, Outcome
from channels.sip.leg import SipLeg
from tests.callers import level, tone

SETTINGS = PhoneSettings(sip_port=0, rtp_ports=(0, 0), ring_s=5)
CLEAR = 3000


class Stage:
    """Phones and callers that are stopped at the end."""

    def __init__(self, stack: AsyncExitStack) -> None:
        self._stack = stack

    async def phone(
        self,
        on_call: OnCall | None,
        settings: PhoneSettings = SETTINGS,
        admit: Admit | None = None,
        ready: asyncio.Event | None = None,
    ) -> Phone:
        phone = Phone(settings, on_call, admit=admit, ready=ready)
        await phone.start()
        self._stack.push_async_callback(phone.stop)
        return phone

    async def call(self, phone: Phone) -> CallerCall | CallOutcome:
        caller = SipCaller()
        await caller.start()
        self._stack.push_async_callback(caller.stop)
        return await caller.call(f"sip:help@127.0.0.1:{phone.address[1]}", caller="+37120000009")


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    async with AsyncExitStack() as stack:
        yield Stage(stack)


async def wait(leg: SipLeg, _call: IncomingCall) -> None:
    await leg.closed.wait()


def refused(result: CallerCall | CallOutcome) -> tuple[Outcome, int]:
    assert isinstance(result, CallOutcome)
    return result.outcome, result.status


async def test_phone_that_only_dials_is_busy(stage: Stage) -> None:
    phone = await stage.phone(None)
    assert refused(await stage.call(phone)) == (Outcome.BUSY, 486)
    assert phone.counts.refused == 1


async def test_more_calls_than_it_takes_get_503(stage: Stage) -> None:
    phone = await stage.phone(wait, replace(SETTINGS, max_calls=1))
    assert isinstance(await stage.call(phone), CallerCall)
    assert refused(await stage.call(phone)) == (Outcome.FAILED, 503)


async def test_no_free_rtp_port_gets_503(stage: Stage) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        odd = (port, port + 1) if port % 2 == 0 else (port, port)
        phone = await stage.phone(wait, replace(SETTINGS, rtp_ports=odd))
        assert refused(await stage.call(phone)) == (Outcome.FAILED, 503)


async def test_admit_refuses_with_its_cause(stage: Stage) -> None:
    phone = await stage.phone(wait, admit=lambda call: 21 if call.caller.endswith("9") else 0)
    assert refused(await stage.call(phone)) == (Outcome.DECLINED, 603)


async def test_call_rings_until_those_who_answer_are_ready(stage: Stage) -> None:
    ready = asyncio.Event()
    phone = await stage.phone(wait, ready=ready)
    early, impatient = (
        asyncio.create_task(stage.call(phone)),
        await stage.phone(None, replace(SETTINGS, ring_s=0.5)),
    )
    given_up = await impatient.place(f"sip:help@127.0.0.1:{phone.address[1]}")
    assert isinstance(given_up, CallOutcome)
    assert (given_up.outcome, given_up.rang) == (Outcome.NO_ANSWER, True)
    assert not early.done()
    ready.set()
    async with asyncio.timeout(30):
        assert isinstance(await early, CallerCall)
        while not phone.counts.answered:  # until its ACK
            await asyncio.sleep(0.01)
    assert phone.counts.answered == 1


async def test_nothing_in_common_gets_488(stage: Stage) -> None:
    phone = await stage.phone(wait, replace(SETTINGS, codecs=("PCMA",)))
    caller = await stage.phone(None, replace(SETTINGS, codecs=("PCMU",)))
    result = await caller.place(f"sip:help@127.0.0.1:{phone.address[1]}")
    assert isinstance(result, CallOutcome)
    assert (result.status, result.cause) == (488, 65)


async def test_handler_that_fails_hangs_up(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    async def fails(_leg: SipLeg, _call: IncomingCall) -> None:
        raise ValueError("bot trouble")

    phone = await stage.phone(fails)
    call = await stage.call(phone)
    assert isinstance(call, CallerCall)
    async with asyncio.timeout(5):
        assert await call.ended() == 41
    assert "bot trouble" in caplog.text
    assert phone.legs == {}


async def test_listener_that_fails_ends_its_call_and_no_other(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    class Fails:
        def heard(self, pcm: bytes) -> None:
            raise ValueError("ear trouble")

        def pressed(self, digit: str) -> None: ...

        def hung_up(self, cause: int) -> None: ...

    async def first_fails(leg: SipLeg, call: IncomingCall) -> None:
        if phone.counts.answered == 1:
            leg.listen(Fails())
        await wait(leg, call)

    phone = await stage.phone(first_fails)
    bad = await stage.call(phone)
    good = await stage.call(phone)
    assert isinstance(bad, CallerCall)
    assert isinstance(good, CallerCall)
    async with asyncio.timeout(5):
        assert await bad.ended() == 41
    await good.hear(100)
    assert not good.over
    assert "ear trouble" in caplog.text


async def test_no_rtp_for_too_long_ends_the_call(stage: Stage) -> None:
    phone = await stage.phone(wait, replace(SETTINGS, media_timeout_s=0.5))
    call = await stage.call(phone)
    assert isinstance(call, CallerCall)
    call.leg._clock.remove(call.leg._tick)
    async with asyncio.timeout(5):
        assert await call.ended() == 102


async def test_foreign_and_broken_rtp_changes_nothing(stage: Stage) -> None:
    legs: list[SipLeg] = []

    async def on_call(leg: SipLeg, _call: IncomingCall) -> None:
        legs.append(leg)
        leg.play(tone(600, 5))

    phone = await stage.phone(on_call)
    call = await stage.call(phone)
    assert isinstance(call, CallerCall)
    await call.hear(200)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        port = legs[0]._socket.port
        for data in (b"", b"\x00" * 40, b"\x80", serialize(RtpPacket(0, 1, 1, 1, b"x" * 160))):
            stranger.sendto(data, ("127.0.0.1", port))
    await call.hear(300)
    assert legs[0].counts["foreign"] == 1
    assert legs[0].counts["bad"] >= 2
    assert level(call.audio(200), 600) > CLEAR


async def test_recording_of_a_call_has_both_sides(stage: Stage, tmp_path: Path) -> None:
    async def on_call(leg: SipLeg, call: IncomingCall) -> None:
        recordings.append(phone.record(leg, tmp_path / f"{call.leg_id}.wav"))
        await leg.play(tone(600, 0.5)).done()

    recordings: list[Recording] = []
    phone = await stage.phone(on_call)
    call = await stage.call(phone)
    assert isinstance(call, CallerCall)
    await call.say(tone(900, 0.6))
    await call.hear(200)
    await call.hang_up()
    async with asyncio.timeout(5):
        recorded = await recordings[0].finished()
    assert 0.6 < recorded.duration_s < 3
    assert recorded.path.stat().st_size == 44 + round(recorded.duration_s * 8000) * 4


async def test_music_plays_until_it_is_turned_off(stage: Stage) -> None:
    legs: list[SipLeg] = []

    async def on_call(leg: SipLeg, _call: IncomingCall) -> None:
        legs.append(leg)
        phone.music(leg)

    phone = await stage.phone(on_call)
    call = await stage.call(phone)
    assert isinstance(call, CallerCall)
    await call.hear(300)
    assert any(await call.hear(400))
    phone.music(legs[0], False)
    await call.hear(300)
    assert len(set(await call.hear(200))) <= 2


async def test_stop_hangs_up_and_frees_the_port(stage: Stage) -> None:
    phone = await stage.phone(wait)
    call = await stage.call(phone)
    assert isinstance(call, CallerCall)
    port = phone.address[1]
    await phone.stop()
    async with asyncio.timeout(5):
        assert await call.ended() == 16
    again = await stage.phone(wait, replace(SETTINGS, sip_port=port))
    assert isinstance(await stage.call(again), CallerCall)


async def test_taken_sip_port_stops_the_start(stage: Stage) -> None:
    phone = await stage.phone(wait)
    second = Phone(replace(SETTINGS, sip_port=phone.address[1]), wait)
    with pytest.raises(OSError, match="in use"):
        await second.start()
    await second.stop()


async def test_placing_is_cancelled_nothing_is_left(stage: Stage) -> None:
    phone = await stage.phone(None)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        target = f"sip:a@127.0.0.1:{silent.getsockname()[1]}"
        placing = asyncio.ensure_future(phone.place(target))
        await asyncio.sleep(0.1)
        placing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await placing
    assert phone._calls == {}
    with pytest.raises(BadAddress):
        await phone.place("not an address")
