"""Scripts of calls: what is read, refused by place, and how a transcript is held against one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from evals.call import Called, Row, find_script, report
from evals.call_script import (
    BotLine,
    HangUp,
    Keys,
    Noise,
    Silence,
    Speech,
    World,
    judge_call,
    load_scripts,
    parse_scripts,
)
from evals.fields import BadSuite
from evals.judges import Played


def file(*steps: Any, **more: Any) -> dict[str, Any]:
    return {"flow": "front-desk", "calls": [{"name": "one", "call": list(steps), **more}]}


def test_parse_scripts_reads_every_kind_of_step() -> None:
    (script,) = parse_scripts(
        file(
            {"world": {"recogniser": "broken", "service_s": 2}},
            {"bot": "Hello …"},
            {"caller": ["four eight", "two"], "pause": 1.5, "heard": "four eight two", "into": 2},
            {"murmur": "okay", "into": 0.5},
            {"keys": "12#"},
            {"cough": None},
            "silent",
            {"silent": 3},
            {"hang up": None, "now": True},
            expect={"outcome": "abandoned"},
        )
    )
    assert script.steps == (
        World(recogniser="broken", service_s=2.0),
        BotLine("Hello …"),
        Speech(("four eight", "two"), into=2.0, pause_s=1.5, heard="four eight two"),
        Speech(("okay",), into=0.5, heard="okay", counts=False),
        Keys("12#", ("12",)),
        Noise(),
        Silence(),
        Silence(3.0),
        HangUp(now=True),
    )
    assert not script.audible
    assert [line.pattern for line in script.transcript] == [
        "bot: Hello …",
        "customer: four eight two",
        "customer: 12",
    ]


@pytest.mark.parametrize(
    ("raw", "place"),
    [
        ([], "file: expected a mapping, found list"),
        ({"flow": "f"}, "calls: expected at least one"),
        (file(), r"calls\[0\].call: expected at least one step"),
        (file("shouts"), r"calls\[0\].call\[0\]: expected one of .*'caller'.*found \['shouts'\]"),
        (file({"caller": "hi", "at": 2}), r"calls\[0\].call\[0\]: unknown \['at'\]"),
        (file({"keys": "12a"}), r"call\[0\].keys: expected keys of a telephone, found '12a'"),
        (file({"caller": "hi", "into": "soon"}), r"call\[0\].into: expected a number"),
        (file({"world": {"service": "odd"}}), r"world.service: 'odd' is not one of"),
        (file({"world": {"sky": "blue"}}), r"world: unknown \['sky'\]"),
        (file("silent", expect={"outcome": "fine"}), r"calls\[0\].expect.outcome: 'fine'"),
    ],
)
def test_mistakes_are_refused_by_place(raw: Any, place: str) -> None:
    with pytest.raises(BadSuite, match=place):
        parse_scripts(raw)


def test_two_calls_of_one_name_are_refused() -> None:
    raw = file("silent")
    raw["calls"] *= 2
    with pytest.raises(BadSuite, match=r"calls\[1\].name: 'one' is there twice"):
        parse_scripts(raw)


def test_file_that_is_not_there_is_named() -> None:
    with pytest.raises(BadSuite, match=r"nowhere\.yaml: cannot be read: No such file"):
        load_scripts(Path("nowhere.yaml"))


@pytest.mark.parametrize(
    ("pattern", "line", "fits"),
    [
        ("Hello.", "Hello.", True),
        ("Hello.", "Hello!", False),
        ("How can I … a person.", "How can I help you, or a person.", True),
        ("What is …—", "What is your —", True),
        ("What is …—", "What is your number?", False),
    ],
)
def test_line_of_the_bot_may_leave_words_open(pattern: str, line: str, fits: bool) -> None:
    assert BotLine(pattern).fits(line) is fits


@pytest.mark.parametrize(
    ("transcript", "detail"),
    [
        ((("bot", "Hello."), ("customer", "hi")), ""),
        ((("bot", "Hello."), ("customer", "HI")), ""),
        ((("bot", "Good day."),), "line 1: expected 'bot: Hello.', found 'bot: Good day.'"),
        ((("bot", "Hello."),), "line 2: expected 'customer: hi', found 'the end'"),
        (
            (("bot", "Hello."), ("customer", "hi"), ("bot", "Yes?")),
            "line 3: expected 'the end', found 'bot: Yes?'",
        ),
    ],
)
def test_first_line_that_is_otherwise_is_told(
    transcript: tuple[tuple[str, str], ...], detail: str
) -> None:
    (script,) = parse_scripts(file({"bot": "Hello."}, {"caller": "hi"}))
    check, *_ = judge_call(script, Played((), transcript=transcript))
    assert (check.passed, check.detail) == (not detail, detail)


def test_scenario_is_found_by_name_in_a_suite_or_in_a_file(tmp_path: Path) -> None:
    assert find_script("order-by-voice").voice == "rms"
    suite = find_script("call-order-status")
    assert suite.steps[0] == Speech(("where is my order",), heard="where is my order")
    path = tmp_path / "mine.yaml"
    path.write_text("flow: front-desk\ncalls: [{name: one, call: [silent]}]\n", encoding="utf-8")
    assert find_script(str(path)).name == find_script(f"{path}:one").name == "one"
    with pytest.raises(BadSuite, match="they are: one"):
        find_script(f"{path}:two")
    with pytest.raises(BadSuite, match=r"no call 'nothing'; there are: .*order-by-voice"):
        find_script("nothing")


def test_report_shows_moments_what_is_missing_and_what_went_otherwise() -> None:
    (script,) = parse_scripts(file({"bot": "Hello."}, expect={"outcome": "contained"}))
    rows = (Row(0.5, 2.0, "bot", "Hello."), Row(2.5, 3.0, "caller", "hi (understood: bye)"))
    played = Played((), outcome="abandoned", reason="left", transcript=(("bot", "Hello."),))
    text = report(Called(script, rows, (), played, 3.2, "rms"))
    assert " 0.5  2.0         –  bot     Hello." in text
    assert "abandoned: left" in text
    assert "✗ outcome is contained: expected 'contained', found 'abandoned'" in text
    assert "✓" not in text
