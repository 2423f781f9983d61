"""Hundreds of calls that differ in one thing: when, how long, how often, and what is broken.

What exactly happens is not written down for each; the rules of ``tests/golden/rules.py`` hold in
all of them, and what a caller would notice is asserted per kind.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bots.call import BACKCHANNELS
from bots.spare import APOLOGIES, VOICE_FAILED
from bots.voice import VoiceOutcome
from evals.call_script import (
    CallScript,
    HangUp,
    Keys,
    Noise,
    Silence,
    Speech,
    Step,
    World,
    load_scripts,
)
from tests.golden.rules import check
from tests.golden.stage import GOLDEN, Stage, performed
from tests.golden.test_calls import SHARED
from tests.golden.wire import VOICE_SPEED

MENU_S = 5.1
"""About as long as a person would take to read the menu out."""
NONSENSE = "purple elephants"


def call(flow: str, *steps: Step, name: str = "variation") -> CallScript:
    return CallScript(name, flow, steps)


def says(text: str, into: float | None = None, heard: str | None = None, **_: object) -> Speech:
    return Speech((text,), into=into, heard=text if heard is None else heard)


def presses(digits: str, into: float | None = None, gap_s: float = 0.2) -> Keys:
    return Keys(digits, (digits,), into=into, gap_s=gap_s)


def checked(script: CallScript, leaves_at: float | None = None) -> Stage:
    stage = performed(script, leaves_at)
    check(stage)
    return stage


def moments(until: float, step: float) -> list[float]:
    return [round(step * place, 2) for place in range(round(until / step) + 1)]


def script_of(flow: str, name: str) -> CallScript:
    folder = GOLDEN / "calls"
    paths = [folder / f"{flow}.yaml", SHARED / f"{flow}.yaml"]
    listed = [script for path in paths if path.exists() for script in load_scripts(path)]
    return next(script for script in listed if script.name == name)


# -- interruptions ------------------------------------------------------------------


@pytest.mark.parametrize("into", moments(MENU_S + 1.0, 0.2))
def test_words_over_the_menu_at_any_moment_are_the_answer(into: float) -> None:
    stage = checked(call("menu", says("an appointment", into), presses("2")))
    assert stage.records.transcript[1:3] == [
        "customer: an appointment",
        "bot: You chose the visit.",
    ]
    assert stage.outcome is VoiceOutcome.ENDED


@pytest.mark.parametrize("into", moments(MENU_S + 1.0, 0.25)[1:])
def test_key_over_the_menu_at_any_moment_stops_it_at_once(into: float) -> None:
    stage = checked(call("menu", presses("1", into), presses("2")))
    assert stage.records.transcript[1:3] == ["customer: 1", "bot: You chose the bill."]
    menu = stage.records.lines[0]
    assert bool(menu.meta.get("interrupted")) is (into < MENU_S)


@pytest.mark.parametrize("into", moments(4.4, 0.4))
def test_yes_over_the_question_at_any_moment_agrees(into: float) -> None:
    stage = checked(call("consent", says("yes please", into)))
    assert stage.played.reason == "agreed"


@pytest.mark.parametrize(
    ("seconds", "into"), list(product((0.04, 0.1, 0.16), (0.3, 1.5, 2.7, 4.2)))
)
def test_cough_over_the_menu_changes_nothing(seconds: float, into: float) -> None:
    stage = checked(call("menu", Noise(seconds, into), presses("1"), presses("2")))
    assert not stage.records.lines[0].meta
    assert stage.records.transcript[1] == "customer: 1"


@pytest.mark.parametrize(
    ("word", "into"),
    list(product(sorted(word for word in BACKCHANNELS if word.isascii())[::2], (0.6, 2.4))),
)
def test_backchannel_over_the_menu_is_no_answer_and_loses_nothing(word: str, into: float) -> None:
    murmur = replace(says(word, into), counts=False)
    stage = checked(call("menu", murmur, presses("1"), presses("2")))
    assert not stage.records.lines[0].meta
    assert [heard.digits for heard in stage.dialogue.heard] == ["1", "2"]


@pytest.mark.parametrize("count", range(1, 6))
def test_noise_without_words_again_and_again_the_menu_is_heard_to_its_end(count: int) -> None:
    noises = [Noise(0.5, 0.5) for _ in range(count)]
    stage = checked(call("menu", *noises, presses("1"), presses("2")))
    assert not stage.records.lines[0].meta
    assert [heard.digits for heard in stage.dialogue.heard] == ["1", "2"]


# -- pauses, keys -----------------------------------------------------------------------


@pytest.mark.parametrize("pause_s", moments(1.2, 0.2)[1:])
@pytest.mark.parametrize(
    "parts", [("four eight two", "nine one three"), ("four eight", "two nine", "one three")]
)
def test_digits_with_pauses_are_one_number(pause_s: float, parts: tuple[str, ...]) -> None:
    number = Speech(parts, pause_s=pause_s, heard=" ".join(parts))
    stage = checked(call("meter", number, says("yes")))
    assert stage.played.slots == {"reading": "482913"}
    assert len(stage.dialogue.heard) == 2


@pytest.mark.parametrize("pause_s", [1.6, 2.4, 3.5])
def test_number_that_breaks_off_is_never_taken_for_a_number(pause_s: float) -> None:
    number = Speech(
        ("four eight two", "nine one three"), pause_s=pause_s, heard="four eight two nine one three"
    )
    stage = checked(call("meter", number, HangUp()))
    assert stage.played.slots == {}


@pytest.mark.parametrize("gap_s", [0.05, 0.2, 0.6, 1.2, 1.8])
@pytest.mark.parametrize("into", [0.0, 1.0, 2.0, None])
def test_keys_at_any_pace_are_one_number(gap_s: float, into: float | None) -> None:
    stage = checked(call("meter", presses("482913", into, gap_s)))
    assert stage.played.slots == {"reading": "482913"}
    assert stage.played.reason == "done"


@pytest.mark.parametrize("silence_s", moments(4.5, 0.5))
def test_who_thinks_for_a_while_is_not_asked_again(silence_s: float) -> None:
    thinks = (Silence(2.1 + silence_s), replace(says("billing"), now=True))
    stage = checked(call("menu", *thinks, presses("2")))
    assert [line for line in stage.records.transcript if "Are you there" in line] == []


@pytest.mark.parametrize("after_s", moments(3.6, 0.2)[3:])
def test_words_that_follow_at_any_moment_are_not_lost(after_s: float) -> None:
    """While the turn ends, is recognised, is bridged by a filler, is answered."""
    more = replace(says("meter reading"), now=True)
    steps = (World(recogniser_s=1.5), says("billing"), Silence(after_s), more, presses("2"))
    stage = checked(call("menu", *steps))
    assert any("meter reading" in heard.text for heard in stage.dialogue.heard)


# -- ladders ------------------------------------------------------------------------------


LADDERS = [
    *(("menu", "".join(failures)) for failures in product("sn", repeat=4)),
    *product(("consent", "meter"), ("ssss", "nnnn", "snsn", "nssn")),
]


@pytest.mark.parametrize(("flow", "failures"), LADDERS)
def test_every_ladder_is_four_different_prompts_and_a_person(flow: str, failures: str) -> None:
    stage = checked(call(flow, *(Silence() if one == "s" else says(NONSENSE) for one in failures)))
    asked = [" ".join(reply.text for reply in turn.replies) for turn in stage.dialogue.asked]
    assert len(set(asked)) == len(asked)
    assert stage.outcome is VoiceOutcome.HANDED_OFF
    assert stage.played.reason in ("no-input", "not-understood")


# -- who leaves ------------------------------------------------------------------------------


def _departures() -> Iterator[object]:
    for flow, name, step in (
        ("front-desk", "order-by-voice", 0.8),
        ("menu", "backchannels-stop-nothing-for-good", 0.3),
        ("meter", "slow-service-is-bridged-by-a-filler", 0.4),
        ("consent", "recogniser-is-slow", 0.5),
        ("menu", "keys-typed-ahead", 0.35),
    ):
        script = script_of(flow, name)
        for at in moments(15.0 if flow == "front-desk" else 7.0, step):
            yield pytest.param(script, at, id=f"{name}-{at:g}")


@pytest.mark.parametrize(("script", "at"), list(_departures()))
def test_caller_who_hangs_up_at_any_moment_ends_it_once(script: CallScript, at: float) -> None:
    stage = checked(script, at)
    assert stage.leg.closed.is_set()
    before = [tick for tick in stage.ticks if tick.at < at]
    assert not any(tick.bot for tick in stage.ticks[len(before) + 1 :])


# -- what is broken ------------------------------------------------------------------------


@pytest.mark.parametrize("slow_s", [0.02, 0.1, 0.3, 0.8, 1.5, 3.0, 6.0])
def test_slow_recogniser_delays_and_changes_nothing_but_a_filler(slow_s: float) -> None:
    answers: list[Step] = [says("billing"), Silence(slow_s + 1.5), says("no")]
    stage = checked(call("menu", World(recogniser_s=slow_s), *answers, Silence(slow_s + 1.5)))
    told = [line.text for line in stage.records.lines if not line.meta.get("filler")]
    assert told[1:] == [
        "billing",
        "You chose the bill.",
        "Would you like the menu again?",
        "no",
        "Goodbye.",
    ]
    assert len(told) == len(stage.records.lines) or slow_s > 0.3


@pytest.mark.parametrize("slow_s", [0.02, 0.1, 0.3])
def test_slow_voice_delays_and_changes_nothing(slow_s: float) -> None:
    stage = checked(call("menu", World(voice_s=slow_s), presses("1"), presses("2")))
    assert [heard.digits for heard in stage.dialogue.heard] == ["1", "2"]


@pytest.mark.parametrize("slow_s", [0.2, 0.8, 1.0, 1.4, 2.0, 2.8, 3.6, 5.0])
def test_slow_service_is_bridged_once_from_nine_tenths_of_a_second_on(slow_s: float) -> None:
    steps = (World(service_s=slow_s), presses("482913"), Silence(8.0))
    stage = checked(call("meter", *steps))
    fillers = [line for line in stage.records.lines if line.meta.get("filler")]
    assert len(fillers) == (slow_s > 0.9)


@pytest.mark.parametrize("broken", ["press one", "meter", "three", "You chose", "again", "Goodbye"])
def test_sentence_that_cannot_be_said_is_not_told_and_a_person_takes_over(broken: str) -> None:
    stage = checked(call("menu", World(unspeakable=(broken,)), presses("1"), presses("2")))
    bot = [line for line in stage.records.transcript if line.startswith("bot: ")]
    assert not any(broken in line for line in bot)
    assert bot[-1] == f"bot: {APOLOGIES['en']}"
    assert stage.played.reason == VOICE_FAILED


@pytest.mark.parametrize("turn", range(3))
def test_recogniser_that_fails_in_one_turn_costs_that_turn_only(turn: int) -> None:
    answers: list[Step] = [says("billing"), says("yes please"), says("meter reading"), says("no")]
    bad: list[Step] = [World(recogniser="broken"), says("hello there", heard=""), World()]
    answers[turn:turn] = bad if turn else [World(), *bad]
    stage = checked(call("menu", *answers))
    assert stage.played.slots["topic"] == "meter"
    assert stage.played.reason == "done"


# -- anything ------------------------------------------------------------------------------

ACTS = st.one_of(
    st.builds(
        says,
        st.sampled_from(["billing", "yes", "no", "repeat", "go back", "okay", NONSENSE, "slower"]),
        st.one_of(st.none(), st.floats(0, 6)),
    ),
    st.builds(
        presses,
        st.sampled_from(["1", "2", "12", "9", "*", "#"]),
        st.one_of(st.none(), st.floats(0, 6)),
    ),
    st.builds(Noise, st.floats(0.04, 0.6), st.one_of(st.none(), st.floats(0, 6))),
    st.builds(Silence, st.one_of(st.none(), st.floats(0, 3))),
    st.builds(
        World,
        st.sampled_from(["works", "works", "broken"]),
        st.sampled_from([0.0, 0.0, 0.5, 2.0]),
    ),
)


@given(
    st.sampled_from(["menu", "consent", "meter", "visit"]),
    st.lists(ACTS, min_size=1, max_size=6),
    st.one_of(st.none(), st.floats(0, 12)),
)
def test_whatever_a_caller_does_the_rules_hold(
    flow: str, acts: list[Step], leaves_at: float | None
) -> None:
    checked(call(flow, *acts), leaves_at)


def test_voice_speed_is_what_the_moments_of_these_tests_are_made_for() -> None:
    stage = checked(call("menu", HangUp()))
    sounded = [tick.at for tick in stage.ticks if tick.bot]
    spoken_s = (sounded[-1] - sounded[0]) * VOICE_SPEED
    assert spoken_s == pytest.approx(MENU_S, abs=0.1)
