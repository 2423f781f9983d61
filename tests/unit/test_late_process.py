"""A busy server: the process that owns a call is late, or the caller's phone is.

The wire, the media clock and time are virtual; the leg, its jitter buffer, the turn
machine and the bot's ears are the product's own.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from bots.call import PRE_ROLL_FRAMES, Call, Question
from bots.conversation import Heard
from bots.detect import level_db
from bots.speech import Prompts
from channels.media.codecs import FRAME_SAMPLES, PCMU
from channels.media.jitter import CAPACITY, DEPTH
from channels.media.pacing import MediaClock
from channels.media.ports import RtpSocket
from channels.media.rtp import RtpPacket, serialize
from channels.sip.leg import SipIdentity, SipLeg
from channels.sip.sdp import Agreement
from tests.scripted import (
    FRAME_S,
    SILENCE,
    SPEECH,
    ScriptedTranscriber,
    ScriptedVoice,
    settle,
)
from tests.unit.test_pacing import VirtualLoop

FAR_END = ("127.0.0.1", 4000)
COMFORT_NOISE = 13
EVENTS = 101


class Line:
    """A SIP leg with its far end on virtual time; packets wait in the socket until read."""

    def __init__(self) -> None:
        self.loop = VirtualLoop()
        self.socket = RtpSocket()
        self.leg = SipLeg(
            SipIdentity("call-1", "+37120000001"),
            Agreement(PCMU, PCMU.payload_type, EVENTS, FAR_END, "sendrecv"),
            self.socket,
            MediaClock(self.loop),
            lambda _ref, _cause: None,
        )
        self.leg.start()
        self._sequence = self._timestamp = 0
        self._unread: list[bytes] = []

    def send(self, pcm: bytes, payload_type: int = PCMU.payload_type) -> None:
        """One packet from the far end; it is read when our process next runs."""
        payload = PCMU.encode(pcm)
        packet = RtpPacket(payload_type, self._sequence, self._timestamp, 1, payload)
        self._sequence += 1
        self._timestamp += FRAME_SAMPLES
        self._unread.append(serialize(packet))

    def key(self, digit: str) -> None:
        """A key that was pressed and let go (RFC 4733), in one packet."""
        payload = bytes([int(digit), 0x8A, 0x03, 0x20])
        packet = RtpPacket(EVENTS, self._sequence, self._timestamp, 1, payload, True)
        self._sequence += 1
        self._timestamp += FRAME_SAMPLES
        self._unread.append(serialize(packet))

    def run(self) -> None:
        """Our process runs for a moment.

        An event loop reads one datagram of a socket per turn, so a timer that is due comes
        before the other datagrams.
        """
        self._read(1)
        self.loop.run(0)
        self._read(len(self._unread))

    def _read(self, count: int) -> None:
        for datagram in self._unread[:count]:
            self.socket.datagram_received(datagram, FAR_END)
        del self._unread[:count]

    async def talk(self, pcm: bytes, seconds: float) -> None:
        """The far end speaks while everybody keeps time."""
        for _ in range(round(seconds / FRAME_S)):
            self.send(pcm)
            self.loop.now += FRAME_S
            self.run()
            await settle()

    async def stall(self, pcm: bytes, seconds: float) -> None:
        """The far end goes on while our process does not get the processor."""
        self.away(pcm, seconds)
        self.run()
        await settle()

    def away(self, pcm: bytes, seconds: float) -> None:
        """The first part of a stall."""
        for _ in range(round(seconds / FRAME_S)):
            self.send(pcm)
            self.loop.now += FRAME_S

    async def nothing_comes(self, seconds: float) -> None:
        """The network, or the far end's process, stands still."""
        for _ in range(round(seconds / FRAME_S)):
            self.loop.now += FRAME_S
            self.run()
            await settle()


class Bot:
    """A bot that has asked an open question, and what it makes of the answer."""

    def __init__(self) -> None:
        self.line = Line()
        self.hears = ScriptedTranscriber()
        self.hears.script = ["how do i change the delivery address", "a second answer"]
        self.call = Call(self.line.leg, self.hears, Prompts(ScriptedVoice()), self.line.loop.time)
        self.answers: list[Heard] = []
        self._asking = asyncio.create_task(self._ask())

    async def _ask(self) -> None:
        while (asked := await self.call.ask(Question((), max_digits=6))).heard is not None:
            self.answers.append(asked.heard)

    def stop(self) -> None:
        self._asking.cancel()
        self.call.close()
        self.line.leg.end(16)


@pytest.fixture
async def bot() -> AsyncIterator[Bot]:
    listening = Bot()
    await settle()
    await listening.line.talk(SILENCE, 1.0)
    yield listening
    listening.stop()


def heard_ms(bot: Bot) -> int:
    """How much speech the recogniser got in all."""
    return sum(one.fed_ms - one.silent_ms for one in bot.hears.opened)


@pytest.mark.parametrize("stalled_s", [0.06, 0.2, 0.5, 0.9, 2.0])
async def test_words_spoken_while_the_process_stood_still_are_recognised_whole(
    bot: Bot, stalled_s: float
) -> None:
    await bot.line.talk(SPEECH, 0.6)
    await bot.line.stall(SPEECH, stalled_s)
    await bot.line.talk(SPEECH, 0.6)
    assert bot.answers == []
    await bot.line.talk(SILENCE, 0.9)
    assert [answer.text for answer in bot.answers] == ["how do i change the delivery address"]
    assert heard_ms(bot) == pytest.approx(1000 * (0.6 + stalled_s + 0.6), abs=1)


@pytest.mark.parametrize("late_s", [0.1, 0.4, 0.8])
async def test_words_that_come_late_are_one_answer_without_a_hole(bot: Bot, late_s: float) -> None:
    await bot.line.talk(SPEECH, 0.6)
    await bot.line.nothing_comes(late_s)
    for _ in range(round(late_s / FRAME_S)):
        bot.line.send(SPEECH)
    await bot.line.talk(SPEECH, 0.6)
    assert bot.answers == []
    (recognition,) = bot.hears.opened
    assert recognition.silent_ms == 20 * PRE_ROLL_FRAMES - 60
    await bot.line.talk(SILENCE, 0.9)
    assert len(bot.answers) == 1


async def test_turn_ends_by_the_silence_that_was_spoken_not_by_the_clock(bot: Bot) -> None:
    await bot.line.talk(SPEECH, 1.0)
    await bot.line.stall(SILENCE, 0.3)
    assert bot.answers == []
    await bot.line.stall(SILENCE, 0.5)
    await bot.line.talk(SILENCE, 0.04)
    assert len(bot.answers) == 1


async def test_caller_whose_audio_ends_for_good_has_spoken(bot: Bot) -> None:
    await bot.line.talk(SPEECH, 1.0)
    await bot.line.nothing_comes(0.9)
    assert bot.answers == []
    await bot.line.nothing_comes(1.0)
    assert len(bot.answers) == 1


async def test_phone_that_announces_its_silence_is_believed_at_once(bot: Bot) -> None:
    await bot.line.talk(SPEECH, 1.0)
    bot.line.send(SILENCE, COMFORT_NOISE)
    await bot.line.nothing_comes(0.8)
    assert len(bot.answers) == 1


async def test_keys_pressed_during_a_stall_of_seconds_are_one_number(bot: Bot) -> None:
    for digit in "482":
        bot.line.key(digit)
        await bot.line.talk(SILENCE, 0.2)
    bot.line.away(SILENCE, 1.5)
    bot.line.key("9")
    await bot.line.stall(SILENCE, 1.5)
    for digit in "13":
        bot.line.key(digit)
        await bot.line.talk(SILENCE, 0.2)
    assert [answer.digits for answer in bot.answers] == ["482913"]


async def test_bot_hears_what_is_said_in_the_tick_after_it_came(bot: Bot) -> None:
    await bot.line.talk(SPEECH, 0.04)
    assert bot.hears.opened == []
    await bot.line.talk(SPEECH, 0.02)
    assert len(bot.hears.opened) == 1


async def test_uneven_network_puts_no_holes_into_a_recording(bot: Bot) -> None:
    """Two packets at a time, every second tick: nothing is late by more than a tick."""
    tape = Tape()
    bot.line.leg.add_tap(tape)
    for _ in range(50):
        bot.line.send(SPEECH)
        bot.line.send(SPEECH)
        await bot.line.nothing_comes(0.04)
    assert tape.frames == 100
    assert tape.spoken_ms >= 1960


async def test_delay_after_a_stall_does_not_stay(bot: Bot) -> None:
    await bot.line.stall(SILENCE, 2.0)
    await bot.line.talk(SILENCE, 0.1)
    assert len(bot.line.leg.jitter) <= DEPTH + 1
    await bot.line.stall(SILENCE, 0.2)
    await bot.line.talk(SILENCE, 30.0)
    assert len(bot.line.leg.jitter) <= DEPTH + 1


async def test_person_on_the_line_hears_the_present_not_a_tape() -> None:
    """Nobody can listen faster than real time, so for people the oldest packets go."""
    line = Line()
    heard: list[bytes] = []
    line.leg.listen(Ear(heard))
    await line.talk(SILENCE, 0.5)
    before = len(heard)
    await line.stall(SPEECH, 1.0)
    await line.talk(SILENCE, 0.2)
    assert len(heard) - before <= 0.2 / FRAME_S + CAPACITY
    assert line.leg.jitter.counts.trimmed > 30
    line.leg.end(16)


async def test_recording_keeps_what_was_said_while_the_process_stood_still(bot: Bot) -> None:
    tape = Tape()
    bot.line.leg.add_tap(tape)
    await bot.line.stall(SPEECH, 1.0)
    await bot.line.talk(SILENCE, 0.3)
    assert tape.spoken_ms >= 980


class Ear:
    """Keeps what a leg hears."""

    def __init__(self, frames: list[bytes]) -> None:
        self._frames = frames

    def heard(self, pcm: bytes) -> None:
        self._frames.append(pcm)

    def pressed(self, digit: str) -> None:
        pass

    def hung_up(self, cause: int) -> None:
        pass


class Tape:
    """A recording's tap that counts the caller's speech."""

    spoken_ms = 0
    frames = 0

    def frame(self, heard: bytes, sent: bytes) -> None:
        self.frames += 1
        self.spoken_ms += 20 * (level_db(heard) > -40)

    def closed(self) -> None:
        pass
