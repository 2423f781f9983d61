"""What users of other systems complain about (lessons 13 to 19), in calls where it would show."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from bots.call import Call
from bots.detect import SpeechDetector
from bots.spoken.aligned import written_of
from bots.turn import TurnMachine
from bots.voice import VoiceOutcome
from evals.call_script import Keys, Noise, Silence, Speech, Step, World
from router.events import TurnTimed
from router.model import Author
from tests.golden.rules import on_the_wire
from tests.golden.stage import AFTERWARDS_S, Stage, performed
from tests.golden.test_variations import call, checked, presses, says, script_of
from tests.scripted import FRAME_S

ANSWERED_S = 0.7
"""From the caller's last sound to the bot's first, the recogniser's tenth of a second included."""


def gaps_s(stage: Stage) -> Iterator[float]:
    """From the end of each of the caller's answers to the bot's next sound."""
    ended: float | None = None
    for tick in stage.ticks:
        if tick.caller:
            ended = tick.at + FRAME_S
        elif tick.bot and ended is not None:
            yield tick.at - ended
            ended = None


@pytest.mark.parametrize("name", ["impatient-caller", "person-at-once", "smell-of-gas"])
def test_lesson_13_bot_is_silent_after_the_hand_over_and_says_its_last_words_once(
    name: str,
) -> None:
    stage = checked(script_of("front-desk", name))
    assert stage.outcome is VoiceOutcome.HANDED_OFF
    after = [tick for tick in stage.ticks if not tick.handled]
    assert len(after) * FRAME_S >= AFTERWARDS_S - FRAME_S
    assert any(tick.caller for tick in after)
    assert not any(tick.bot for tick in after)
    last = [line.text for line in stage.records.lines if line.author is Author.BOT][-1]
    assert stage.records.transcript.count(f"bot: {last}") == 1


@pytest.mark.parametrize("into", [0.6, 1.2, 1.9, 2.6, 3.3, 4.0])
def test_lesson_14_words_already_played_are_kept_and_not_said_again(into: float) -> None:
    """The voice gives no word times; the wire tells, letter by letter."""
    stage = checked(call("menu", says("an appointment", into), presses("2")))
    asked = stage.dialogue.asked[0].replies[0].text
    menu = [one for one in on_the_wire(stage) if written_of(one.pieces) in asked and one.words]
    told = stage.records.lines[0].text.removesuffix(" —")
    assert told == " ".join(sentence.words for sentence in menu)
    assert len(menu) == len({sentence.words for sentence in menu})


@pytest.mark.parametrize("word", ["yeah", "yes", "no", "okay"])
def test_lesson_15_one_short_word_is_answered_at_once(word: str) -> None:
    stage = checked(call("consent", says(word)))
    assert max(gaps_s(stage)) <= ANSWERED_S


def test_lesson_15_numbers_and_addresses_are_not_cut_off() -> None:
    parts = ("four eight two", "nine one three")
    number = Speech(parts, pause_s=1.2, heard=" ".join(parts))
    assert checked(call("meter", number, says("yes"))).played.slots == {"reading": "482913"}


def test_lesson_15_speaking_and_thinking_are_interrupted_by_different_rules() -> None:
    """Over a prompt words stop it; while the bot thinks they belong to the turn before."""
    more = replace(says("meter reading"), now=True)
    think = (World(recogniser_s=1.5), says("billing"), Silence(0.8), more, presses("2"))
    stage = checked(call("menu", *think))
    given = [heard.text or heard.digits for heard in stage.dialogue.heard]
    assert given == ["billing meter reading", "2"]
    assert not any(line.meta.get("interrupted") for line in stage.records.lines)
    spoken = checked(call("menu", says("billing", 1.0), presses("2")))
    assert spoken.records.lines[0].meta == {"interrupted": True}


@pytest.mark.parametrize("name", ["order-by-voice", "person-at-once", "smell-of-gas"])
def test_lesson_16_every_turn_is_answered_within_seven_tenths_of_a_second(name: str) -> None:
    script = script_of("front-desk", name)
    stage = checked(replace(script, steps=(World(recogniser_s=0.1), *script.steps)))
    assert max(gaps_s(stage)) <= ANSWERED_S
    timed = [fact for fact in stage.records.facts if isinstance(fact, TurnTimed)]
    assert timed
    assert all(fact.recognition_ms == pytest.approx(100, abs=1) for fact in timed)
    assert all((fact.total_ms or 0) <= ANSWERED_S * 1000 for fact in timed)


def test_lesson_17_calls_leave_nothing_behind_however_they_end() -> None:
    gc.collect()
    script = script_of("menu", "backchannels-stop-nothing-for-good")
    for place in range(30):
        stage = performed(script, leaves_at=0.2 * place)
        loop = stage.loop
        del stage
    gc.collect()
    # By type, not isinstance: that asks every object for its class, and some of torch's complain.
    left = [one for one in gc.get_objects() if type(one) in (Call, TurnMachine)]
    assert left == []
    assert asyncio.all_tasks(loop) == set()


@pytest.mark.parametrize("dies_at", [1, 30, 110, 130, 150, 200])
def test_lesson_18_detection_of_speech_that_dies_is_replaced_and_the_call_goes_on(
    dies_at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    frames = 0
    detect = SpeechDetector.frame

    def dies(self: SpeechDetector, *heard: Any) -> bool:
        nonlocal frames
        frames += 1
        if frames == dies_at:
            raise ZeroDivisionError
        return detect(self, *heard)

    monkeypatch.setattr(SpeechDetector, "frame", dies)
    stage = checked(call("consent", says("yes please")))
    assert frames > dies_at
    assert stage.played.reason == "agreed"


@pytest.mark.parametrize("times", [1, 2, 3])
def test_lesson_19_cleared_audio_is_forgotten_and_the_call_ends_with_its_last_word(
    times: int,
) -> None:
    """Each interruption clears audio that waits; none of it keeps the bot from hanging up."""
    interruptions: list[Step] = [says("repeat", 0.8) for _ in range(times)]
    steps: tuple[Step, ...] = (
        Noise(0.5, 0.9),
        *interruptions,
        Keys("1", ("1",), 0.5),
        presses("2"),
    )
    stage = checked(call("menu", *steps))
    assert stage.outcome is VoiceOutcome.ENDED
    last = max(tick.at for tick in stage.ticks if tick.bot)
    assert stage.seconds() - last <= 3 * FRAME_S
