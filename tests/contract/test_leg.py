"""The contract of ``bots.ports.AudioLeg``, run against every wire, two real ends each."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass

import pytest

from bots.ports import AudioLeg
from channels.errors import BadDtmf
from channels.media.leg import Leg
from channels.media.pacing import MediaClock
from channels.phone import IncomingCall, Phone, PhoneSettings
from channels.sip.leg import SipLeg
from channels.webrtc import WebRtcPeer
from tests.callers import level, tone

CLEAR = 3000
SETTINGS = PhoneSettings(sip_port=0, rtp_ports=(0, 0))


class Ear:
    """A listener that remembers."""

    def __init__(self, leg: AudioLeg) -> None:
        self.frames: list[bytes] = []
        self.digits = ""
        self.causes: list[int] = []
        self._news = asyncio.Event()
        leg.listen(self)

    def heard(self, pcm: bytes) -> None:
        self.frames.append(pcm)
        self._news.set()

    def pressed(self, digit: str) -> None:
        self.digits += digit
        self._news.set()

    def hung_up(self, cause: int) -> None:
        self.causes.append(cause)
        self._news.set()

    @property
    def pcm(self) -> bytes:
        return b"".join(self.frames)

    async def news(self) -> None:
        self._news.clear()
        await self._news.wait()


@dataclass
class Ends:
    """Both ends of one call, seen as the bots see them."""

    near: AudioLeg
    far: AudioLeg


async def _sip_ends(stack: AsyncExitStack, wanted: str) -> Ends:
    """Our phone calls our phone; ``wanted`` says which end is under test."""
    came: asyncio.Future[SipLeg] = asyncio.get_running_loop().create_future()

    async def on_call(leg: SipLeg, _call: IncomingCall) -> None:
        came.set_result(leg)

    called, caller = Phone(SETTINGS, on_call), Phone(SETTINGS)
    for phone in (called, caller):
        await phone.start()
        stack.push_async_callback(phone.stop)
    leg = await caller.place(f"sip:anyone@127.0.0.1:{called.address[1]}", ring_s=5)
    assert isinstance(leg, SipLeg)
    other = await came
    return Ends(leg, other) if wanted == "placed" else Ends(other, leg)


async def _webrtc_ends(stack: AsyncExitStack) -> Ends:
    peer = WebRtcPeer(MediaClock())
    stack.push_async_callback(peer.stop)
    answered: list[Leg] = []

    async def ask(offer: str) -> str:
        leg, answer = await peer.answer(offer, "visitor")
        answered.append(leg)
        return answer

    near = await peer.call(ask, "desk")
    async with asyncio.timeout(10):
        await near.connected.wait()
    return Ends(near, answered[0])


@pytest.fixture(params=["sip answered", "sip placed", "webrtc"])
async def ends(request: pytest.FixtureRequest) -> AsyncIterator[Ends]:
    async with AsyncExitStack() as stack:
        kind, _, wanted = str(request.param).partition(" ")
        yield await (_sip_ends(stack, wanted) if kind == "sip" else _webrtc_ends(stack))


class TestAudioLeg:
    """What every wire must do."""

    async def test_says_who_and_how(self, ends: Ends) -> None:
        assert ends.near.id
        assert ends.near.address
        assert ends.near.sample_rate in (8000, 16000, 48000)
        assert not ends.near.closed.is_set()

    async def test_listener_gets_a_frame_every_20_ms_even_in_silence(self, ends: Ends) -> None:
        ear = Ear(ends.near)
        start = asyncio.get_running_loop().time()
        async with asyncio.timeout(30):
            while len(ear.frames) < 25:
                await ear.news()
        # Later on a busy machine, but never earlier: 25 frames are half a second.
        assert asyncio.get_running_loop().time() - start > 0.3
        assert {len(frame) for frame in ear.frames} == {ends.near.sample_rate // 50 * 2}

    async def test_played_audio_is_heard_at_the_far_end_and_acknowledged(self, ends: Ends) -> None:
        ear, rate = Ear(ends.far), ends.near.sample_rate
        first = ends.near.play(tone(440, 0.31, rate))
        second = ends.near.play(tone(880, 0.5, rate))
        assert first.total_ms == 310
        assert first.played_ms == 0
        await second.done()
        assert (first.played_ms, first.cleared) == (310, False)
        assert (second.played_ms, second.cleared) == (500, False)
        async with asyncio.timeout(5):
            while level(ear.pcm, 880, rate) < CLEAR:
                await ear.news()
        assert level(ear.pcm, 440, rate) > CLEAR

    async def test_flush_stops_within_a_frame_and_says_what_was_heard(self, ends: Ends) -> None:
        ear, rate = Ear(ends.near), ends.near.sample_rate
        playing, waiting = (ends.near.play(tone(440, 3, rate)) for _ in range(2))
        async with asyncio.timeout(5):
            while playing.played_ms < 200:
                await ear.news()
        ends.near.flush()
        heard = playing.played_ms
        assert playing.cleared
        assert waiting.cleared
        assert (200 <= heard < 600, waiting.played_ms) == (True, 0)
        await asyncio.gather(playing.done(), waiting.done())
        await ear.news()
        assert playing.played_ms == heard
        after = ends.near.play(tone(440, 0.04, rate))
        await after.done()
        assert not after.cleared

    async def test_keys_arrive_once_each_and_in_order(self, ends: Ends) -> None:
        ear = Ear(ends.far)
        async with asyncio.timeout(10):
            while not ear.digits:
                ends.near.press("5")
                await asyncio.sleep(0.4)
            ear.digits = ""
            ends.near.press("19#*")
            while len(ear.digits) < 4:
                await ear.news()
        await ear.news()
        assert ear.digits == "19#*"

    async def test_what_is_no_key_is_refused(self, ends: Ends) -> None:
        with pytest.raises(BadDtmf):
            ends.near.press("1x")

    async def test_hang_up_ends_both_sides_once(self, ends: Ends) -> None:
        near, far = Ear(ends.near), Ear(ends.far)
        playback = ends.near.play(tone(440, 5, ends.near.sample_rate))
        await near.news()
        await ends.near.hang_up(17)
        await ends.near.hang_up(16)
        async with asyncio.timeout(10):
            await asyncio.gather(ends.near.closed.wait(), ends.far.closed.wait())
            await playback.done()
        assert near.causes == [17]
        assert len(far.causes) == 1
        assert far.causes[0] > 0
        assert playback.cleared
        assert ends.near.play(b"\0" * 640).cleared

    async def test_nobody_listens_and_the_leg_goes_on(self, ends: Ends) -> None:
        Ear(ends.near)
        ends.near.listen(None)
        playback = ends.near.play(tone(440, 0.1, ends.near.sample_rate))
        await playback.done()
        assert playback.played_ms == 100
