"""Who hears whom in a call of several, with scripted legs of different sample rates."""

from __future__ import annotations

from itertools import permutations

import numpy as np

from channels.media.music import hold_music
from channels.media.room import Room, mixed
from tests.callers import level, tone
from tests.unit.test_bridge import ScriptedLeg

HERTZ = {"customer": 500, "agent": 910, "third": 1370, "boss": 1730}
RATES = {"customer": 8000, "agent": 48000, "third": 8000, "boss": 48000}
LOUD, QUIET = 4000, 400


class Scene:
    """A room with all four in it; each says a tone of its own."""

    def __init__(self, *names: str) -> None:
        self.gone: list[str] = []
        self.room = Room(self.gone.append)
        self.legs = {name: ScriptedLeg(RATES[name], name) for name in names}
        for name, leg in self.legs.items():
            self.room.admit(name, leg)

    def heard(self, seconds: float = 0.6) -> dict[str, set[str]]:
        """Whom each one hears in the next moments."""
        said = {
            name: tone(HERTZ[name], seconds, leg.sample_rate) for name, leg in self.legs.items()
        }
        for leg in self.legs.values():
            leg.sent = b""
        for tick in range(round(seconds * 50)):
            for name, leg in self.legs.items():
                if not leg.closed.is_set():
                    leg.tick(said[name][tick * leg.frame_bytes : (tick + 1) * leg.frame_bytes])
        return {name: self._in(leg) for name, leg in self.legs.items()}

    def _in(self, leg: ScriptedLeg) -> set[str]:
        levels = {name: level(leg.sent, hertz, leg.sample_rate) for name, hertz in HERTZ.items()}
        assert all(each > LOUD or each < QUIET for each in levels.values()), levels
        return {name for name, each in levels.items() if each > LOUD}


async def test_conference_everybody_hears_the_others_and_not_themselves() -> None:
    scene = Scene("customer", "agent", "third")
    scene.room.arrange(permutations(scene.legs, 2))
    assert scene.heard() == {
        "customer": {"agent", "third"},
        "agent": {"customer", "third"},
        "third": {"customer", "agent"},
    }


async def test_whisper_reaches_the_agent_only() -> None:
    scene = Scene("customer", "agent", "boss")
    talking = {("customer", "agent"), ("agent", "customer")}
    beside = {("customer", "boss"), ("agent", "boss"), ("boss", "agent")}
    scene.room.arrange(talking | beside)
    heard = scene.heard()
    assert heard["customer"] == {"agent"}
    assert heard["agent"] == {"customer", "boss"}
    assert heard["boss"] == {"customer", "agent"}


async def test_who_hears_nobody_hears_music_where_it_was_asked_for_else_silence() -> None:
    scene = Scene("customer", "agent", "third")
    scene.room.arrange({("agent", "third"), ("third", "agent")}, music={"customer"})
    scene.heard()
    assert scene.legs["customer"].sent in hold_music(8000) * 2
    scene.room.arrange({("customer", "third"), ("third", "customer")}, music={"customer"})
    heard = scene.heard()
    assert heard["customer"] == {"third"}
    assert not any(scene.legs["agent"].sent)


async def test_new_arrangement_does_not_cut_off_those_who_go_on_talking() -> None:
    scene = Scene("customer", "third")
    scene.room.arrange(permutations(("customer", "third"), 2))
    third = scene.legs["third"]
    scene.legs["customer"].incoming(b"\1" * third.frame_bytes)
    scene.room.admit("agent", ScriptedLeg(48000, "agent"))
    scene.room.arrange(permutations(("customer", "third", "agent"), 2))
    assert third.outgoing() == b"\1" * third.frame_bytes


async def test_who_hangs_up_leaves_the_others_together_and_is_told() -> None:
    scene = Scene("customer", "agent", "third")
    scene.room.arrange(permutations(scene.legs, 2))
    await scene.legs["agent"].hang_up()
    assert scene.gone == ["agent"]
    heard = scene.heard()
    assert (heard["customer"], heard["third"]) == ({"third"}, {"customer"})


async def test_who_is_dismissed_lives_on_in_silence() -> None:
    scene = Scene("customer", "agent")
    scene.room.arrange(permutations(scene.legs, 2))
    assert scene.room.dismiss("agent") is scene.legs["agent"]
    assert not scene.legs["agent"].closed.is_set()
    assert scene.heard() == {"customer": set(), "agent": set()}
    assert (scene.gone, list(scene.room.seats)) == ([], ["customer"])


async def test_leg_that_was_over_before_leaves_at_once() -> None:
    scene = Scene("customer")
    over = ScriptedLeg(8000, "agent")
    await over.hang_up()
    scene.room.admit("agent", over)
    assert (scene.gone, list(scene.room.seats)) == (["agent"], ["customer"])


async def test_keys_go_to_those_who_hear_the_one_that_pressed_them() -> None:
    scene = Scene("customer", "agent", "third")
    scene.room.arrange({("agent", "third"), ("third", "agent")})
    scene.legs["agent"].key("5")
    assert (scene.legs["third"].keys, scene.legs["customer"].keys) == ("5", "")


async def test_room_does_not_pile_up_delay() -> None:
    scene = Scene("customer", "third")
    scene.room.arrange(permutations(("customer", "third"), 2))
    customer, third = scene.legs["customer"], scene.legs["third"]
    for _ in range(40):
        customer.incoming(customer.silence)
    customer.incoming(b"\1" * third.frame_bytes)
    assert [third.outgoing() for _ in range(3)][-1] == b"\1" * third.frame_bytes
    assert third.outgoing() is None


def test_sum_is_cut_at_full_scale() -> None:
    high, low = np.array([30000, -5], np.int16), np.array([30000, -30000], np.int16)
    assert mixed([high.tobytes(), low.tobytes()]) == np.array([32767, -30005], np.int16).tobytes()
    assert mixed([low.tobytes(), low.tobytes()]) == np.array([32767, -32768], np.int16).tobytes()
    assert mixed([]) is None
