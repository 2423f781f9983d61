"""What a simulation is made to say: intervals, real differences, the page."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evals.__main__ import main
from evals.charts import Chart, Line, shown
from evals.simulation import ALL, Comparison, Study, as_json, compare, run_study
from evals.simulation_report import html_report, summary, text_report
from evals.statistics import (
    Interval,
    controlled_ratio,
    ratio_difference,
    ratio_interval,
    t_quantile,
)
from router.errors import BadConfiguration
from router.simulate.scenario import parse_scenario


def study(agents: int, runs: int = 6, **changes: Any) -> Study:
    """Six short days of one queue."""
    return run_study(
        parse_scenario(
            {
                "name": f"{agents} agents",
                "about": "An <about> line.",
                "hours": 2,
                "runs": runs,
                "queues": [{"id": "q", "name": "Care", "wrap_up": {"mode": "none"}}],
                "people": [{"login": "ann", "queues": ["q"]}],
                "staff": {"ann": {"count": agents}},
                "demand": [
                    {
                        "queue": "q",
                        "per_hour": 60,
                        "talk_s": {"exponential": 180},
                        "patience_s": {"exponential": 120},
                        **changes,
                    }
                ],
            }
        )
    )


@pytest.fixture(scope="module")
def comparison() -> Comparison:
    return compare(study(4), study(6))


class TestStatistics:
    """Estimates over runs."""

    @pytest.mark.parametrize(
        ("confidence", "freedom", "value"),
        [
            (0.95, 1, 12.7062),
            (0.95, 4, 2.7764),
            (0.95, 19, 2.0930),
            (0.99, 10, 3.1693),
            (0.95, 300, 1.9679),
        ],
    )
    def test_student_s_table(self, confidence: float, freedom: int, value: float) -> None:
        assert t_quantile(confidence, freedom) == pytest.approx(value, abs=6e-5)

    def test_t_quantile_refuses_nonsense(self) -> None:
        with pytest.raises(ValueError, match="freedom from 1"):
            t_quantile(0.95, 0)

    def test_equal_wholes_give_the_textbook_interval(self) -> None:
        found = ratio_interval([1, 2, 3, 4], [1, 1, 1, 1])
        half = 3.182446 * np.std([1, 2, 3, 4], ddof=1) / 2
        assert found.value == 2.5
        assert found.half == pytest.approx(half, rel=1e-5)

    def test_nothing_to_divide_is_unknown_and_one_run_says_nothing(self) -> None:
        assert np.isnan(ratio_interval([0, 0], [0, 0]).value)
        assert ratio_interval([1], [2]).covers(1e9)

    @pytest.mark.parametrize("controlled", [False, True])
    def test_the_interval_covers_as_often_as_it_says(self, controlled: bool) -> None:
        generator = np.random.default_rng(5)
        covered = 0
        for _ in range(800):
            control = generator.normal(0, 1, 10)
            parts = 7 + 2 * control + generator.normal(0, 1, 10)
            wholes = np.ones(10)
            found = (
                controlled_ratio(list(parts), list(wholes), list(control))
                if controlled
                else ratio_interval(list(parts), list(wholes))
            )
            covered += found.covers(7)
        assert 0.93 < covered / 800 < 0.97

    def test_a_control_narrows_the_interval(self) -> None:
        generator = np.random.default_rng(6)
        control = generator.normal(0, 1, 12)
        parts, wholes = list(7 + 2 * control + generator.normal(0, 0.2, 12)), [1.0] * 12
        plain, better = (
            ratio_interval(parts, wholes),
            controlled_ratio(parts, wholes, list(control)),
        )
        assert better.half < 0.2 * plain.half
        assert better.covers(7)
        assert controlled_ratio(parts, wholes, [0.0] * 12) == plain

    def test_pairs_cancel_what_both_met(self) -> None:
        noise = [3.0, -8.0, 5.0, 12.0]
        first = [10 + n for n in noise]
        second = [11 + n for n in noise]
        change = ratio_difference((first, [1.0] * 4), (second, [1.0] * 4))
        assert change.value == pytest.approx(1)
        assert change.half == pytest.approx(0, abs=1e-9)


class TestComparison:
    """Which differences are real."""

    def test_two_agents_more_are_better_and_it_says_so(self, comparison: Comparison) -> None:
        verdicts = {each.measure.key: each.verdict for each in comparison.differences}
        assert verdicts["service_level"] == verdicts["abandonment"] == "better"
        assert verdicts["occupancy"] == "differs"
        assert summary(comparison)[0].startswith("Everybody: service level +")

    def test_the_same_twice_differs_in_nothing(self) -> None:
        one = study(4)
        same = compare(one, study(4))
        assert {each.verdict for each in same.differences} == {"unsure"}
        assert all(each.change.value == 0 for each in same.differences)

    def test_chance_alone_is_not_called_real(self) -> None:
        # Another stream name draws other customers: the same rates, no common days.
        found = compare(study(5, name="one"), study(5, name="two"))
        assert not any(each.real for each in found.differences)
        assert summary(found)[-1].endswith("may be chance after 6 runs.")

    def test_the_joint_interval_is_the_wider_one(self, comparison: Comparison) -> None:
        assert all(each.joint.half > each.change.half for each in comparison.differences)

    def test_unequal_numbers_of_runs_are_refused(self) -> None:
        with pytest.raises(BadConfiguration, match="same number of runs"):
            compare(study(4, runs=2), study(4, runs=3))


class TestReports:
    """The table and the page."""

    def test_text_has_the_figures_and_the_verdict(self, comparison: Comparison) -> None:
        text = text_report(comparison.first, comparison)
        level = comparison.first.figure(ALL, "service_level").value
        assert f"{100 * level:.1f} %" in text
        assert "better" in text
        assert "per second" in text

    def test_page_is_whole_by_itself_and_escapes_what_it_shows(
        self, comparison: Comparison
    ) -> None:
        page = html_report(comparison.first, comparison)
        assert "An &lt;about&gt; line." in page
        assert "<script" not in page
        assert not re.search(r'(?:src|href)="', page)
        assert "http" not in page.replace("http-equiv", "")
        for title in ("Service level", "Average speed of answer", "Occupancy", "Signed in"):
            assert page.count(f"<h3>{title}") >= 1
        assert "answered within the queue&#39;s target" in page
        assert page.count('class="zero better"') >= 2

    def test_json_has_no_infinities(self, comparison: Comparison) -> None:
        body = json.dumps(as_json(comparison.first), allow_nan=False)
        found = json.loads(body)
        assert found["figures"]["all"]["service_level"]["by_interval"][0]["value"] is not None

    def test_command_writes_what_it_was_asked_for(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        path = tmp_path / "one.yaml"
        path.write_text(
            "name: one\nhours: 1\nqueues: [{id: q}]\npeople: [{login: ann, queues: [q]}]\n"
            "demand: [{queue: q, per_hour: 20, talk_s: 60}]"
        )
        page, figures = tmp_path / "out" / "a.html", tmp_path / "out" / "a.json"
        done = main(
            ["simulate", str(path), "--runs", "3", "--report", str(page), "--json", str(figures)]
        )
        assert done == 0
        assert "3 runs" in capsys.readouterr().out
        assert json.loads(figures.read_text())["runs"] == 3
        assert "<svg" in page.read_text()

    def test_command_says_what_is_wrong(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        path = tmp_path / "one.yaml"
        path.write_text("hours: 1")
        assert main(["simulate", str(path)]) == 2
        assert "one.yaml" in capsys.readouterr().err
        assert main(["simulate"]) == 2
        assert "expected a scenario file" in capsys.readouterr().err

    def test_staff_command_prints_the_requirement(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["staff", "--per-hour", "200", "--aht", "180", "--shrinkage", "0.3"]) == 0
        out = capsys.readouterr().out
        assert "14 agents at work, 20 people (10.00 erlangs)" in out
        assert re.search(r"→\s+14\s+88\.8%", out)


class TestCharts:
    """The drawings."""

    def test_a_gap_breaks_the_line_and_bands_need_two_neighbours(self) -> None:
        hole = Interval(float("nan"), float("nan"), float("nan"))
        points = [Interval(0.5, 0.4, 0.6), Interval(0.6, 0.5, 0.7), hole, Interval(0.9, 0.8, 1.0)]
        svg = Chart("Level", "%", ["a", "b", "c", "d"], [Line("one", "first", points)]).svg
        assert svg.count('class="band first"') == 1
        (path,) = re.findall(r'class="line first" d="([^"]*)"', svg)
        assert path.count("M") == 2
        assert "50.0 % to 90.0 %" in svg

    def test_one_wild_interval_does_not_flatten_the_rest(self) -> None:
        points = [Interval(10, 9, 11), Interval(12, -400, 500)]
        svg = Chart("ASA", "s", ["a", "b"], [Line("one", "first", points)]).svg
        assert "500" not in re.findall(r'class="axis"[^>]*>([^<]*)<', svg)

    @pytest.mark.parametrize(
        ("value", "unit", "text"),
        [
            (0.8123, "%", "81.2 %"),
            (12.34, "s", "12.3 s"),
            (123.4, "s", "123 s"),
            (1724.2, "", "1,724"),
            (float("nan"), "s", "–"),
            (-3.25, "s", "−3.2 s"),
        ],
    )
    def test_values_as_people_read_them(self, value: float, unit: str, text: str) -> None:
        assert shown(value, unit) == text
