"""Judges: what passes, and what a failure says."""

from __future__ import annotations

from dataclasses import replace

import pytest

from evals.judges import Exchange, Played, gate_failures, judge
from evals.suite import Ending, Gates, Script, ScriptTurn, TurnCheck

SCRIPT = Script(
    name="parcel",
    channel="chat",
    language="en",
    turns=(ScriptTurn(say="Where is it?", expect=TurnCheck(contains=("on its way",))),),
    ending=Ending(outcome="contained", slots={"order": "HL-1"}),
)
PLAYED = Played(
    exchanges=(
        Exchange("", ("Welcome",), answer_ms=9000),
        Exchange("Where is it?", ("It is ON ITS WAY.",), ("tracking",), 40),
    ),
    outcome="contained",
    slots={"order": "HL-1"},
)


def check(turn: TurnCheck) -> list[str]:
    script = replace(SCRIPT, turns=(ScriptTurn(say="Where is it?", expect=turn),))
    played = replace(PLAYED, exchanges=(Exchange("", ("Hi",)), PLAYED.exchanges[1]))
    return [failure.name for failure in judge(script, played).failures]


def test_judge_greeting_too_slow_fails_and_says_by_how_much() -> None:
    (failure,) = judge(SCRIPT, PLAYED).failures
    assert (failure.name, failure.detail) == ("greeting in time", "9000 ms, at most 5000 ms")


@pytest.mark.parametrize(
    ("turn", "failed"),
    [
        (TurnCheck(contains=("on its way",), cites_any=("tracking", "other")), 0),
        (TurnCheck(contains=("lost",)), 1),
        (TurnCheck(absent=("way",)), 1),
        (TurnCheck(matches=r"on\s+its"), 0),
        (TurnCheck(matches=r"^lost"), 1),
        (TurnCheck(cites_any=("refunds",)), 1),
        (TurnCheck(no_citation=True), 1),
        (TurnCheck(within_s=0.01), 1),
    ],
)
def test_judge_turn(turn: TurnCheck, failed: int) -> None:
    assert len(check(turn)) == failed


@pytest.mark.parametrize(
    "ending",
    [
        Ending(outcome="escalated"),
        Ending(slots={"order": "HL-2"}),
        Ending(intent="refund"),
        Ending(cites=("refunds",)),
        Ending(max_turns=0),
    ],
)
def test_judge_ending_that_differs_fails(ending: Ending) -> None:
    played = replace(PLAYED, exchanges=(Exchange("", ("Hi",)), PLAYED.exchanges[1]))
    verdict = judge(replace(SCRIPT, ending=ending), played)
    assert len(verdict.failures) == 1
    assert verdict.failures[0].detail


def test_judge_broken_conversation_fails_with_its_error() -> None:
    verdict = judge(SCRIPT, replace(PLAYED, error="connection refused"))
    assert not verdict.passed
    assert verdict.failures[0].detail == "connection refused"


def test_judge_missing_turn_fails() -> None:
    verdict = judge(SCRIPT, replace(PLAYED, exchanges=PLAYED.exchanges[:1]))
    assert "turn 1" in [failure.name for failure in verdict.failures]


def test_gate_failures_name_the_gate() -> None:
    good = judge(SCRIPT, replace(PLAYED, exchanges=(Exchange("", ()), PLAYED.exchanges[1])))
    bad = judge(SCRIPT, replace(PLAYED, error="boom"))
    assert gate_failures(Gates(pass_rate=0.5), [good, bad]) == []
    assert "1 of 2" in gate_failures(Gates(), [good, bad])[0]
    assert "40 ms" in gate_failures(Gates(pass_rate=0.5, chat_answer_p95_ms=20), [good, bad])[0]
