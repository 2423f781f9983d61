from __future__ import annotations

import pytest

from channels.media.bridge import Bridge
from channels.media.leg import Leg
from channels.media.music import MusicLoop, hold_music
from tests.callers import level, tone


class ScriptedLeg(Leg):
    """A leg whose far end is the test: ``speak`` says something, ``sent`` is what went out."""

    def __init__(self, rate: int, name: str) -> None:
        super().__init__(name, name, rate, name)
        self.sent = b""
        self.keys = ""

    def press(self, digits: str) -> None:
        self.keys += digits

    async def hang_up(self, cause: int = 16) -> None:
        self.end(cause)

    def tick(self, pcm: bytes) -> None:
        self.incoming(pcm)
        self.sent += self.outgoing() or self.silence


def talk(one: ScriptedLeg, other: ScriptedLeg, one_hz: float, other_hz: float) -> None:
    """One second of conversation, tick by tick; ``sent`` holds this second only."""
    one.sent = other.sent = b""
    first = tone(one_hz, 1.0, one.sample_rate)
    second = tone(other_hz, 1.0, other.sample_rate)
    for tick in range(50):
        one.tick(first[tick * one.frame_bytes : (tick + 1) * one.frame_bytes])
        other.tick(second[tick * other.frame_bytes : (tick + 1) * other.frame_bytes])


@pytest.mark.parametrize("rates", [(8000, 8000), (8000, 48000), (48000, 8000)])
async def test_each_side_hears_the_other(rates: tuple[int, int]) -> None:
    one, other = ScriptedLeg(rates[0], "one"), ScriptedLeg(rates[1], "other")
    Bridge(one, other).start()
    talk(one, other, 500, 900)
    assert level(one.sent, 900, one.sample_rate) > 5000
    assert level(other.sent, 500, other.sample_rate) > 5000
    assert len(one.sent) == one.sample_rate * 2


async def test_held_leg_hears_music_and_is_not_heard() -> None:
    one, other = ScriptedLeg(8000, "one"), ScriptedLeg(8000, "other")
    bridge = Bridge(one, other)
    bridge.start()
    bridge.hold(one)
    talk(one, other, 500, 910)
    assert level(one.sent, 910) < 3000
    assert one.sent in hold_music(8000) * 2
    assert not any(other.sent)
    bridge.resume(one)
    talk(one, other, 500, 910)
    assert level(one.sent, 910) > 5000
    assert level(other.sent, 500) > 5000


async def test_muted_leg_hears_but_is_not_heard() -> None:
    one, other = ScriptedLeg(8000, "one"), ScriptedLeg(8000, "other")
    bridge = Bridge(one, other)
    bridge.start()
    bridge.mute(one, True)
    talk(one, other, 500, 900)
    assert level(one.sent, 900) > 5000
    assert not any(other.sent)


async def test_announcement_goes_before_the_other_side() -> None:
    one, other = ScriptedLeg(8000, "one"), ScriptedLeg(8000, "other")
    Bridge(one, other).start()
    one.play(tone(1500, 2.0))
    talk(one, other, 500, 900)
    assert level(one.sent, 1500) > 5000
    assert level(one.sent, 900) < 500


async def test_hang_up_of_one_side_ends_the_bridge_and_tells_who() -> None:
    one, other = ScriptedLeg(8000, "one"), ScriptedLeg(8000, "other")
    bridge = Bridge(one, other)
    bridge.start()
    await other.hang_up()
    assert await bridge.wait() is other
    assert not one.closed.is_set()
    one.tick(one.silence)
    assert not any(one.sent)


async def test_leg_that_was_over_before_ends_the_bridge_at_once() -> None:
    one, other = ScriptedLeg(8000, "one"), ScriptedLeg(8000, "other")
    await one.hang_up()
    bridge = Bridge(one, other)
    bridge.start()
    assert await bridge.wait() is one


async def test_keys_pass() -> None:
    one, other = ScriptedLeg(8000, "one"), ScriptedLeg(8000, "other")
    Bridge(one, other).start()
    one.key("5")
    assert (one.keys, other.keys) == ("", "5")


async def test_bridge_does_not_pile_up_delay() -> None:
    one, other = ScriptedLeg(8000, "one"), ScriptedLeg(8000, "other")
    Bridge(one, other).start()
    for _ in range(40):
        one.incoming(one.silence)
    one.incoming(b"\1" * one.frame_bytes)
    assert [other.outgoing() for _ in range(3)][-1] == b"\1" * one.frame_bytes
    assert other.outgoing() is None


def test_music_loops_without_a_click() -> None:
    pcm = hold_music(8000)
    loop = MusicLoop(8000)
    frames = len(pcm) // 320
    assert b"".join(loop.frame() for _ in range(frames + 2)) == (pcm + pcm)[: (frames + 2) * 320]
    first, last = (int.from_bytes(part, "little", signed=True) for part in (pcm[:2], pcm[-2:]))
    assert abs(first - last) < 800
