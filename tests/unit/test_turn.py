"""The turn machine: its numbered rules, on virtual time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bots.turn import PROFILES, Act, Profile, State, TurnMachine, profile_for

FRAME = 0.02


class Line:
    """Feeds frames and keeps what the machine asked for, with its time."""

    def __init__(self) -> None:
        self.machine = TurnMachine()
        self.now = 100.0
        self.acts: list[tuple[Act, float]] = []

    def prompt(self, profile: Profile = PROFILES["open"], max_digits: int = 0) -> None:
        self._keep(self.machine.prompt_began(profile, self.now, max_digits=max_digits))

    def listen(self, profile: Profile = PROFILES["open"], max_digits: int = 0) -> None:
        self.prompt(profile, max_digits)
        self._keep(self.machine.prompt_ended(self.now))

    def speech(self, seconds: float) -> None:
        self.run(seconds, speech=True)

    def silence(self, seconds: float) -> None:
        self.run(seconds, speech=False)

    def run(self, seconds: float, *, speech: bool) -> None:
        for _ in range(round(seconds / FRAME)):
            self.now += FRAME
            self._keep(self.machine.frame(speech, self.now))

    def key(self, digits: str) -> None:
        for digit in digits:
            self._keep(self.machine.key(digit, self.now))

    def _keep(self, acts: list[Act]) -> None:
        self.acts += [(act, self.now) for act in acts]

    @property
    def done(self) -> list[Act]:
        return [act for act, _ in self.acts]

    def when(self, act: Act) -> float:
        return next(at for done, at in self.acts if done is act)


@pytest.mark.parametrize(
    ("kind", "silence_s"),
    [
        *[("open", 0.55), ("yes-no", 0.4), ("choice", 0.5), ("digits", 1.3), ("date", 0.8)],
        *[("order-number", 1.3), ("time", 0.8), ("amount", 0.8), ("name", 0.9), ("email", 1.6)],
        *[("spelling", 1.6), ("silence-expected", 0.8)],
    ],
)
def test_turn_ends_after_the_silence_of_its_kind(kind: str, silence_s: float) -> None:
    line = Line()
    line.listen(profile_for(kind))
    line.speech(1.0)
    stopped = line.now
    line.silence(2.0)
    assert line.done == [Act.START_RECOGNITION, Act.END_TURN]
    assert line.when(Act.END_TURN) - stopped == pytest.approx(silence_s, abs=0.021)


def test_complete_answer_ends_its_turn_earlier() -> None:
    line = Line()
    line.listen(profile_for("order-number"))
    line.speech(2.0)
    line.machine.complete()
    stopped = line.now
    line.silence(1.0)
    assert line.when(Act.END_TURN) - stopped == pytest.approx(0.5, abs=0.021)


def test_pause_shorter_than_the_silence_is_the_same_turn() -> None:
    line = Line()
    line.listen(profile_for("digits"))
    for _ in range(4):
        line.speech(0.5)
        line.silence(1.1)
    assert line.done == [Act.START_RECOGNITION]


def test_endless_speech_is_cut_at_fifteen_seconds() -> None:
    line = Line()
    line.listen()
    began = line.now
    line.speech(20)
    assert line.when(Act.END_TURN) - began == pytest.approx(15, abs=0.1)


def test_no_input_comes_five_seconds_after_the_prompt_once() -> None:
    line = Line()
    line.listen()
    ended = line.now
    line.silence(12)
    assert line.done == [Act.NO_INPUT]
    assert line.when(Act.NO_INPUT) - ended == pytest.approx(5, abs=0.03)


def test_silence_during_a_long_prompt_is_not_no_input() -> None:
    line = Line()
    line.prompt()
    line.silence(30)
    assert line.done == []


def test_speech_over_the_prompt_stops_it_within_its_threshold() -> None:
    line = Line()
    line.prompt()
    line.silence(1.0)
    began = line.now
    line.speech(1.0)
    assert line.done == [Act.START_RECOGNITION, Act.STOP_PLAYBACK]
    assert line.when(Act.STOP_PLAYBACK) - began == pytest.approx(0.35, abs=0.021)
    assert line.machine.state is State.INTERRUPTED
    line.silence(0.7)
    assert line.done[-1] is Act.END_TURN


def test_cough_over_the_prompt_changes_nothing_but_drops_its_recognition() -> None:
    line = Line()
    line.prompt()
    line.speech(0.24)
    line.silence(0.5)
    assert line.done == [Act.START_RECOGNITION, Act.DROP_RECOGNITION]
    assert line.machine.state is State.SPEAKING


def test_protected_prompt_is_not_stopped_by_speech() -> None:
    line = Line()
    line.prompt(Profile(barge_in=False))
    line.speech(2)
    assert Act.STOP_PLAYBACK not in line.done
    assert line.machine.state is State.SPEAKING


def test_who_still_speaks_behind_a_protected_part_stops_the_rest() -> None:
    line = Line()
    line.machine.protect(True)
    line.prompt()
    line.speech(1.0)
    assert line.done == [Act.START_RECOGNITION]
    line.machine.protect(False)
    line.speech(0.02)
    assert line.done == [Act.START_RECOGNITION, Act.STOP_PLAYBACK]


def test_words_that_ended_within_a_protected_part_are_no_answer() -> None:
    line = Line()
    line.machine.protect(True)
    line.prompt()
    line.speech(1.0)
    line.silence(0.4)
    assert line.done == [Act.START_RECOGNITION, Act.DROP_RECOGNITION]
    line.machine.protect(False)
    line.silence(0.4)
    line._keep(line.machine.prompt_ended(line.now))
    line.silence(2.0)
    assert Act.END_TURN not in line.done


def test_key_types_over_a_protected_part_too() -> None:
    line = Line()
    line.machine.protect(True)
    line.prompt(profile_for("choice"), max_digits=1)
    line.key("2")
    assert line.done == [Act.STOP_PLAYBACK, Act.TAKE_DIGITS]


def test_caller_who_looks_for_something_has_twenty_seconds() -> None:
    line = Line()
    line.listen(profile_for("silence-expected"))
    ended = line.now
    line.silence(25)
    assert line.done == [Act.NO_INPUT]
    assert line.when(Act.NO_INPUT) - ended == pytest.approx(20, abs=0.03)


def test_false_alarm_resumes_the_prompt_once() -> None:
    line = Line()
    line.prompt()
    line.speech(0.6)
    line.silence(0.7)
    assert line.machine.meant_nothing(line.now) == [Act.RESUME_PLAYBACK]
    assert line.machine.state is State.SPEAKING
    assert line.machine.meant_nothing(line.now) == []


def test_noise_while_listening_keeps_listening_with_a_fresh_timer() -> None:
    line = Line()
    line.listen()
    line.silence(4)
    line.speech(0.2)
    line.silence(0.7)
    assert line.machine.meant_nothing(line.now) == []
    line.silence(4.5)
    assert Act.NO_INPUT not in line.done
    line.silence(0.7)
    assert line.done[-1] is Act.NO_INPUT


def test_key_over_the_prompt_stops_it_and_answers_a_menu_at_once() -> None:
    line = Line()
    line.prompt(profile_for("choice"), max_digits=1)
    line.key("2")
    assert line.done == [Act.STOP_PLAYBACK, Act.TAKE_DIGITS]
    assert line.machine.answer == "2"


def test_keys_win_over_speech_under_way() -> None:
    line = Line()
    line.listen(profile_for("order-number"), max_digits=6)
    line.speech(0.5)
    line.key("4")
    assert line.done == [Act.START_RECOGNITION, Act.DROP_RECOGNITION]
    line.key("82913")
    assert line.done[-1] is Act.TAKE_DIGITS
    assert line.machine.answer == "482913"


def test_keys_end_two_seconds_after_the_last_or_at_hash() -> None:
    line = Line()
    line.listen(max_digits=6)
    line.key("48")
    line.silence(1.9)
    line.key("2")
    line.silence(1.9)
    assert line.done == []
    line.silence(0.2)
    assert line.machine.answer == "482"
    line.listen(max_digits=6)
    line.key("77#")
    assert line.machine.answer == "77#"


def test_keys_pressed_while_thinking_answer_the_next_prompts() -> None:
    line = Line()
    line.prompt(profile_for("choice"), max_digits=1)
    line.key("123")
    assert line.machine.answer == "1"
    line.prompt(profile_for("choice"), max_digits=1)
    assert line.machine.answer == "2"
    line.prompt(profile_for("choice"), max_digits=1)
    assert line.machine.answer == "3"
    line.prompt(profile_for("choice"), max_digits=1)
    assert line.machine.state is State.SPEAKING


def test_caller_still_talking_when_the_answer_begins_stops_it() -> None:
    line = Line()
    line.listen()
    line.speech(0.5)
    line.silence(0.6)
    line.speech(0.5)
    line.prompt()
    assert line.done[-1] is Act.STOP_PLAYBACK
    assert line.machine.state is State.INTERRUPTED


def thinking(kind: str = "open") -> Line:
    """A caller whose turn has just ended."""
    line = Line()
    line.listen(profile_for(kind))
    line.speech(0.5)
    line.silence(2.0 if kind == "digits" else 0.6)
    assert line.done[-1] is Act.END_TURN
    line.acts.clear()
    return line


def test_words_that_ended_while_thinking_are_kept_and_do_not_stop_the_answer() -> None:
    line = thinking()
    line.speech(0.5)
    line.silence(0.4)
    line.prompt()
    assert line.done == [Act.START_RECOGNITION, Act.KEEP_WORDS]
    assert line.machine.state is State.SPEAKING


def test_words_said_while_thinking_end_by_silence_and_a_cough_is_dropped() -> None:
    line = thinking()
    line.speech(0.5)
    stopped = line.now
    line.silence(1.0)
    assert line.done == [Act.START_RECOGNITION, Act.KEEP_WORDS]
    assert line.when(Act.KEEP_WORDS) - stopped == pytest.approx(0.55, abs=0.021)
    line.acts.clear()
    line.speech(0.2)
    line.silence(0.4)
    assert line.done == [Act.START_RECOGNITION, Act.DROP_RECOGNITION]
    assert line.machine.state is State.THINKING


def test_filler_stops_at_meant_speech_and_not_at_a_cough() -> None:
    line = thinking()
    line.machine.filler_began()
    line.speech(0.2)
    line.silence(0.4)
    assert Act.STOP_PLAYBACK not in line.done
    began = line.now
    line.speech(0.6)
    assert line.done.count(Act.STOP_PLAYBACK) == 1
    assert line.when(Act.STOP_PLAYBACK) - began == pytest.approx(0.35, abs=0.021)
    assert line.machine.state is State.THINKING


def test_key_stops_a_filler_at_once_and_counts_for_the_next_prompt() -> None:
    line = thinking()
    line.machine.filler_began()
    line.key("2")
    line.key("3")
    assert line.done == [Act.STOP_PLAYBACK]
    line.prompt(profile_for("choice"), max_digits=1)
    assert line.machine.answer == "2"


def test_speech_while_thinking_stops_nothing_when_nothing_is_said() -> None:
    line = thinking()
    line.speech(1.0)
    assert line.done == [Act.START_RECOGNITION]
    line.machine.filler_began()
    line.machine.filler_ended()
    line.speech(0.2)
    assert Act.STOP_PLAYBACK not in line.done


@pytest.mark.parametrize(("into_prompt_s", "continues"), [(0.1, True), (0.24, True), (0.5, False)])
def test_speech_that_begins_with_the_prompt_goes_on_with_the_turn_before(
    into_prompt_s: float, continues: bool
) -> None:
    line = thinking()
    line.prompt()
    line.silence(into_prompt_s)
    line.speech(0.5)
    assert line.machine.state is State.INTERRUPTED
    assert line.machine.continues is continues
    line.silence(0.6)
    line.prompt()
    assert line.machine.continues is False


def test_at_rest_nothing_happens() -> None:
    line = Line()
    line.listen()
    line.machine.rest()
    line.speech(3)
    line.key("12")
    line.silence(30)
    assert line.done == []


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("speech"), st.integers(1, 100)),
            st.tuples(st.just("silence"), st.integers(1, 400)),
            st.tuples(st.just("key"), st.integers(0, 9)),
            st.tuples(st.just("prompt"), st.integers(0, 6)),
            st.tuples(st.just("prompt-ended"), st.just(0)),
            st.tuples(st.just("nothing"), st.just(0)),
        ),
        max_size=30,
    )
)
def test_whatever_happens_a_turn_that_ended_waits_for_the_bot(
    happenings: list[tuple[str, int]],
) -> None:
    """Each answer is given once, and playback resumes only after it was stopped."""
    line = Line()
    stopped = False
    for what, number in happenings:
        before = len(line.acts)
        if what in ("speech", "silence"):
            line.run(number * FRAME, speech=what == "speech")
        elif what == "key":
            line.key(str(number))
        elif what == "prompt":
            stopped = False
            line.prompt(max_digits=number)
        elif what == "nothing":
            line._keep(line.machine.meant_nothing(line.now))
        else:
            line._keep(line.machine.prompt_ended(line.now))
        fresh = line.done[before:]
        answers = [a for a in fresh if a in (Act.END_TURN, Act.TAKE_DIGITS, Act.NO_INPUT)]
        assert len(answers) <= 1
        if Act.RESUME_PLAYBACK in fresh:
            assert stopped
        stopped = stopped or Act.STOP_PLAYBACK in fresh
        if answers:
            assert line.machine.state is State.THINKING
