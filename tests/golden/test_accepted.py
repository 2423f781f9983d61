"""No bot speaks after a person has accepted: at no moment of its turn, whatever is under way.

A call is played again and again, and each time the person accepts a little later: while the bot
listens, recognises, thinks, waits for an action behind a filler, has its words made, says them, is
interrupted, says goodbye or hands over. From the fact on not one frame of the bot's goes out.
"""

from __future__ import annotations

from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from evals.call_script import CallScript, Speech, Step, World
from tests.golden.race import (
    ACTION,
    BARGING_IN,
    LISTENING,
    RECOGNISING,
    SPEAKING,
    SYNTHESIS,
    RaceStage,
)
from tests.golden.stage import CountingLoop, flow_of

SLOW = World(recogniser_s=0.5, service_s=2.4, voice_s=0.3)
EVERY_S = 0.31
"""No multiple of a frame's 20 ms: the moments fall everywhere."""


def says(text: str, into: float | None = None) -> Speech:
    return Speech((text,), into=into, heard=text)


CALLS: dict[str, tuple[Step, ...]] = {
    "order": (
        SLOW,
        says("where is my order", into=2.0),
        says("four eight two nine one three"),
        says("yes"),
        says("no thank you"),
    ),
    "hand-over": (SLOW, says("let me talk to a human", into=1.0)),
    "interrupted": (
        World(voice_s=0.1),
        says("are you open on Saturday", into=1.5),
        says("where is my order", into=0.6),
        says("goodbye", into=0.6),
    ),
}


MOMENTS = {
    "order": {SPEAKING, LISTENING, SYNTHESIS, RECOGNISING, ACTION},
    "hand-over": {SPEAKING, SYNTHESIS},
    "interrupted": {SPEAKING, BARGING_IN},
}
"""What has to have been tried, at least once."""


@cache
def _loop() -> CountingLoop:
    return CountingLoop()


def raced(name: str, accept_at: float, folder: Path) -> RaceStage:
    """The call with a person who accepts then; raises what the bot raises."""
    script = CallScript(name, "front-desk", CALLS[name])
    stage = RaceStage(script, _loop(), accept_at, folder)
    unseen: list[str] = []
    stage.loop.set_exception_handler(lambda _, found: unseen.append(str(found)))
    stage.loop.run_until_complete(stage.run(flow_of("front-desk")))
    assert unseen == [], f"accepted at {accept_at:.2f} s: {unseen}"
    return stage


@pytest.mark.parametrize("name", CALLS)
def test_not_one_frame_of_the_bot_goes_out_after_the_person_has_accepted(
    name: str, tmp_path: Path
) -> None:
    seen: Counter[str] = Counter()
    at = 0.0
    while True:
        stage = raced(name, at, tmp_path)
        if not stage.accepted:
            break  # the bot's part was over before
        seen[stage.moment] += 1
        assert stage.sent_after == 0, f"accepted at {at:.2f} s, {stage.moment}: {stage}"
        assert stage.heard_after > 0, f"accepted at {at:.2f} s: no music, {stage}"
        # The bot has neither ended it nor handed it over: the caller hung up on the person.
        assert stage.records.ends == ["customer: hung up"], f"accepted at {at:.2f} s"
        at += EVERY_S
    assert MOMENTS[name] <= set(seen), seen


def test_race_would_see_a_bot_that_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.switchboard.Switchboard._taken", lambda self, call: None)
    assert raced("order", 1.0, tmp_path).sent_after > 0
