"""Scenario files: what is read, and that everything wrong is named by its place."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evals.simulation import load_scenario
from router.errors import BadConfiguration
from router.simulate.demand import (
    Demand,
    Empirical,
    Exponential,
    Lognormal,
    Poisson,
    chance_of,
    draw,
)
from router.simulate.scenario import Scenario, parse_scenario

SCENARIOS = Path(__file__).parents[2] / "evals" / "scenarios"


def raw(**changes: Any) -> dict[str, Any]:
    """A small whole scenario."""
    whole: dict[str, Any] = {
        "name": "small",
        "start": "2026-06-01T08:00",
        "timezone": "Europe/Riga",
        "hours": 4,
        "queues": [{"id": "care"}],
        "people": [{"login": "ann", "queues": ["care"], "skills": {"lv": 3}}],
        "demand": [{"queue": "care", "per_hour": 30, "talk_s": {"exponential": 120}}],
    }
    return {**whole, **changes}


def stream(**changes: Any) -> list[dict[str, Any]]:
    """The demand with something else in its only stream."""
    return [{"queue": "care", "per_hour": 30, "talk_s": 120, **changes}]


def test_a_whole_scenario_is_read() -> None:
    found = parse_scenario(
        raw(
            staff={"ann": {"count": 3, "shifts": ["08:00-10:00", "10:30-12:00"], "missed": 0.1}},
            demand=stream(patience_s={"lognormal": {"mean": 90, "cv": 0.5}}, vip=0.2),
            warm_up_min=30,
        )
    )
    (group,), (calls,) = found.staff, found.streams
    assert (group.count, group.shifts, group.missed) == (3, ((0, 7200), (9000, 14400)), 0.1)
    assert calls.arrivals == Poisson((30,), 4 * 3600)
    assert calls.patience_s == Lognormal(90, 0.5)
    assert (calls.name, calls.vip) == ("care voice", 0.2)
    assert (found.duration_s, found.warm_up_s, found.start) == (14400, 1800, 1780290000)


def test_shifts_past_midnight_and_on_every_day() -> None:
    night = raw(hours=48, staff={"ann": {"shifts": ["22:00-06:00"]}})
    hours = [(begin / 3600, end / 3600) for begin, end in parse_scenario(night).staff[0].shifts]
    assert hours == [(14, 22), (38, 46)]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"hours": 0}, "hours: expected a number above 0, found 0"),
        ({"hours": None}, "hours: expected how many hours to simulate, found nothing"),
        ({"warm_up_min": 240}, "warm_up_min: expected less than the 240 minutes simulated"),
        ({"timezone": "Mars/Base"}, "timezone: expected an IANA time zone"),
        ({"start": "soon"}, "start: expected a moment like"),
        ({"runs": 1}, "runs: expected a whole number of at least 2, found 1"),
        ({"colour": "blue"}, "colour: unknown key"),
        ({"queues": []}, "queues: expected at least one queue"),
        ({"queues": [{"id": "care", "strategy": "luck"}]}, "queues[0].strategy: expected one of"),
        ({"people": []}, "people: expected at least one agent"),
        (
            {"people": [{"login": "ann", "queues": ["nowhere"]}]},
            "people[0].queues[0]: expected a queue (care), found 'nowhere'",
        ),
        ({"staff": {"anne": {}}}, "staff.anne: expected the login of an agent in people"),
        ({"staff": {"ann": {"count": -1}}}, "staff.ann.count: expected a whole number"),
        ({"staff": {"ann": {"count": 30_000}}}, "staff: more than 20000 agents together"),
        (
            {"staff": {"ann": {"shifts": ["8 to 12"]}}},
            "staff.ann.shifts[0]: expected a shift like 08:00-12:30, found '8 to 12'",
        ),
        ({"staff": {"ann": {"shifts": ["13:00-14:00"]}}}, "staff.ann.shifts: expected at least"),
        ({"staff": {"ann": {"missed": 2}}}, "staff.ann.missed: expected a share from 0 to 1"),
        ({"demand": []}, "demand: expected at least one kind of customers"),
        ({"demand": stream(queue="cars")}, "demand[0].queue: expected a queue (care)"),
        ({"demand": stream(channel="fax")}, "demand[0].channel: expected one of"),
        ({"demand": stream(talk_s=None)}, "demand[0].talk_s: expected seconds, {exponential"),
        ({"demand": stream(talk_s=-5)}, "demand[0].talk_s: expected seconds"),
        ({"demand": stream(talk_s={"weibull": 3})}, "demand[0].talk_s: expected seconds"),
        (
            {"demand": stream(talk_s={"exponential": "long"})},
            "demand[0].talk_s.exponential: expected a number above 0, found 'long'",
        ),
        (
            {"demand": stream(talk_s={"lognormal": {"cv": 1}})},
            "demand[0].talk_s.lognormal.mean: expected seconds above 0, found nothing",
        ),
        (
            {"demand": stream(talk_s={"lognormal": {"mean": 5, "sd": 1}})},
            "demand[0].talk_s.lognormal.sd: unknown key",
        ),
        (
            {"demand": stream(patience_s={"values": [3, "x"]})},
            "demand[0].patience_s.values[1]: expected a number of at least 0, found 'x'",
        ),
        ({"demand": stream(per_hour=-1)}, "demand[0].per_hour: expected a number of at least 0"),
        (
            {"demand": stream(per_hour=[30, 40], every_min=60)},
            "demand[0].per_hour: expected 4 rates of 60 minutes, to the end, found 2",
        ),
        ({"demand": stream(arrivals_s=[1])}, "demand[0]: expected either per_hour or arrivals_s"),
        ({"demand": stream(skills={"lv": 9})}, "demand[0].skills.lv: expected a proficiency"),
        ({"demand": stream(vip=1.5)}, "demand[0].vip: expected a share from 0 to 1"),
        ({"demand": stream() + stream()}, "demand[1].name: 'care voice' is there already"),
        ({"demand": stream(speed=3)}, "demand[0].speed: unknown key"),
    ],
)
def test_what_is_wrong_is_named_by_its_place(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(BadConfiguration) as refused:
        parse_scenario(raw(**changes))
    assert any(str(flaw).startswith(says) for flaw in refused.value.problems), refused.value


def test_every_problem_is_listed_at_once() -> None:
    with pytest.raises(BadConfiguration) as refused:
        parse_scenario(raw(hours=-1, queues=[{"id": "care", "target_s": 0}], demand=stream(vip=2)))
    places = {flaw.place for flaw in refused.value.problems}
    assert places == {"hours", "queues[0].target_s", "demand[0].vip"}


class TestFiles:
    """Reading from disk."""

    @pytest.mark.parametrize("path", sorted(SCENARIOS.glob("*.yaml")), ids=lambda path: path.stem)
    def test_every_example_can_be_read(self, path: Path) -> None:
        assert load_scenario(path).streams

    def test_base_company_and_lists_come_from_other_files(self, tmp_path: Path) -> None:
        (tmp_path / "company.yaml").write_text(
            "name: Firm\nqueues: [{id: care}]\npeople: [{login: ann, queues: [care], password: x}]"
        )
        (tmp_path / "calls.txt").write_text("0.5\n90\n")
        (tmp_path / "base.yaml").write_text(
            "company: company.yaml\nhours: 1\nname: base\n"
            "demand: [{queue: care, arrivals_s: calls.txt, talk_s: 60}]"
        )
        (tmp_path / "more.yaml").write_text("base: base.yaml\nname: more\nstaff: {ann: {count: 2}}")
        found = load_scenario(tmp_path / "more.yaml")
        assert (found.name, found.staff[0].count, found.duration_s) == ("more", 2, 3600)
        assert drawn(found).at.tolist() == [0.5, 90]

    def test_a_wrong_file_is_named(self, tmp_path: Path) -> None:
        path = tmp_path / "a.yaml"
        path.write_text("hours: [")
        with pytest.raises(BadConfiguration, match=r"a\.yaml: not YAML"):
            load_scenario(path)
        path.write_text("base: gone.yaml")
        with pytest.raises(BadConfiguration, match="cannot be read"):
            load_scenario(path)
        path.write_text("demand: [{arrivals_s: gone.txt}]")
        with pytest.raises(BadConfiguration, match=r"gone\.txt: expected one number per line"):
            load_scenario(path)


def drawn(found: Scenario, run: int = 0) -> Demand:
    """Its customers."""
    return draw(found.streams, found.duration_s, chance_of(found.seed, run))


class TestDemand:
    """Who comes."""

    def test_rates_hold_for_their_intervals(self) -> None:
        found = parse_scenario(raw(demand=stream(per_hour=[0, 600, 0, 1200])))
        at = np.concatenate([drawn(found, run).at for run in range(20)]) / 3600
        counts = np.histogram(at, bins=4, range=(0, 4))[0] / 20
        assert counts[[0, 2]].tolist() == [0, 0]
        assert counts[1] == pytest.approx(600, rel=0.03)
        assert counts[3] == pytest.approx(1200, rel=0.03)

    @pytest.mark.parametrize(
        "distribution", [Exponential(180), Lognormal(180, 0.9), Empirical((60, 120, 360))]
    )
    def test_distributions_have_their_mean(self, distribution: Any) -> None:
        values = distribution.draw(np.random.default_rng(3), 200_000)
        assert values.mean() == pytest.approx(distribution.mean, rel=0.02)
        assert values.min() >= 0

    def test_lognormal_has_its_spread(self) -> None:
        values = Lognormal(200, 0.5).draw(np.random.default_rng(4), 200_000)
        assert values.std() / values.mean() == pytest.approx(0.5, rel=0.02)

    def test_another_stream_leaves_the_first_one_s_customers_as_they_were(self) -> None:
        alone = parse_scenario(raw(demand=stream(name="one")))
        both = parse_scenario(raw(demand=stream(name="one") + stream(name="two", per_hour=99)))
        first, second = drawn(alone), drawn(both)
        mine = second.stream == 0
        assert np.array_equal(second.at[mine], first.at)
        assert np.array_equal(second.talk_s[mine], first.talk_s)

    def test_a_longer_talk_stretches_the_same_draw(self) -> None:
        short = drawn(parse_scenario(raw(demand=stream(talk_s={"exponential": 100}))))
        long = drawn(parse_scenario(raw(demand=stream(talk_s={"exponential": 130}))))
        assert long.talk_s == pytest.approx(1.3 * short.talk_s)
        assert np.array_equal(long.at, short.at)

    def test_endless_patience_is_the_default(self) -> None:
        assert all(math.isinf(value) for value in drawn(parse_scenario(raw())).patience_s)
