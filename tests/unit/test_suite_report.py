"""The reports of a run: readable by people, by browsers and by CI servers."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree

import pytest

from evals.bench import Bench, Entry, NoSuchBench, measure, missed, table, write_json
from evals.judges import Exchange, Played, gate_failures, judge
from evals.report import Result, html_report, junit_report, text_report
from evals.suite import Suite, load_suite, parse_suite
from evals.table import layout, width

ROOT = Path(__file__).parents[2]


def result(*, good: bool) -> Result:
    suite = parse_suite(
        {
            "name": "s",
            "flow": "front-desk",
            "conversations": [
                {"name": "one", "turns": [{"say": "hi", "expect": {"contains": "welcome"}}]}
            ],
        }
    )
    reply = "Welcome" if good else "<script>alert('x')</script>\x07"
    played = Played(
        (Exchange("", ()), Exchange("hi", (reply,), ("hours",), 42.0)), "contained", took_s=0.5
    )
    verdicts = (judge(suite.scripts[0], played),)
    gates = tuple(gate_failures(suite.gates, verdicts))
    when = datetime(2025, 3, 10, 12, 0, tzinfo=UTC)
    return Result(suite, verdicts, gates, when, 1.5, {"python": "3.11"})


def test_junit_report_passed_run_has_no_failures() -> None:
    body = ElementTree.fromstring(junit_report(result(good=True)))
    suite = body.find("testsuite")
    assert suite is not None
    assert (suite.get("tests"), suite.get("failures")) == ("2", "0")


def test_junit_report_failed_run_says_why_and_is_valid_xml() -> None:
    body = ElementTree.fromstring(junit_report(result(good=False)))
    messages = [failure.get("message", "") for failure in body.iter("failure")]
    assert messages[0].startswith("turn 1 says 'welcome'")
    assert "0 of 1" in messages[1]


def test_html_report_stands_alone_and_escapes_what_was_said() -> None:
    page = html_report(result(good=False))
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "http://" not in page
    assert "https://" not in page
    assert "0 of 1 conversations passed" in page


def test_text_report_names_share_and_gates() -> None:
    assert "all gates passed" in text_report(result(good=True))
    failed = text_report(result(good=False))
    assert "turn 1 says 'welcome'" in failed
    assert "gate: 0 of 1" in failed


def test_front_desk_suite_has_enough_of_both_kinds() -> None:
    suite: Suite = load_suite(ROOT / "evals" / "suites" / "front-desk.yaml")
    channels = [script.channel for script in suite.scripts]
    assert channels.count("chat") >= 30
    assert channels.count("voice") >= 6


def test_layout_wide_characters_keep_columns_aligned() -> None:
    lines = layout(("a", "n"), [("订单", "1"), ("parcel", "22")], right=(1,))
    assert width("订单") == 4
    assert [width(line) for line in lines] == [10, 10, 10, 10]


async def test_measure_unknown_bench_lists_those_there_are() -> None:
    with pytest.raises(NoSuchBench, match="first"):
        await measure({"first": Entry(_run, {}, "")}, "second")


async def test_bench_figures_beside_targets(tmp_path: Path) -> None:
    most, least = {"slow_ms": 10.0, "gone_ms": 1.0, "quick_ms": 9.0}, {"lives_per_s": 150.0}
    entry = Entry(_run, most, "", {**least, "quick_ms": 1.0})
    bench = await measure({"b": entry}, "b")
    assert missed(bench, entry) == ["slow_ms", "gone_ms", "lives_per_s"]
    shown = table(bench, entry)
    assert "not measured" in shown
    assert "≥ 150" in shown
    assert "≥ 1, ≤ 9" in shown
    assert shown.count("✓") == 1
    write_json(bench, tmp_path / "out" / "b.json")
    assert '"slow_ms": 12.5' in (tmp_path / "out" / "b.json").read_text()


async def _run() -> Bench:
    return Bench("b", {"slow_ms": 12.5, "quick_ms": 2.0, "lives_per_s": 149.0})
