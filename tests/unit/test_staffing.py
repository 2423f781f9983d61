"""The staffing formulas: published figures to their printed digits, and an independent sum."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from router.staffing import (
    ImpossibleStaffing,
    Target,
    Traffic,
    abandoned_within,
    erlang_b,
    erlang_c,
    expect,
    required,
)

FIRST = Traffic(per_hour=200, aht_s=180)
IMPATIENT = Traffic(per_hour=200, aht_s=180, patience_s=300)


def printed(value: float, digits: int) -> str:
    """As a table prints it."""
    return f"{value:.{digits}f}"


class TestPublishedFigures:
    """Every row of the table, to the digits printed there."""

    @pytest.mark.parametrize(("agents", "percent"), [(11, "38.96"), (12, "64.02"), (13, "79.56")])
    def test_hundred_in_half_an_hour(self, agents: int, percent: str) -> None:
        assert printed(100 * expect(FIRST, agents).service_level, 2) == percent

    def test_fourteen_agents_are_the_first_that_suffice(self) -> None:
        found = required(FIRST, Target(0.8, 20), shrinkage=0.30)
        assert (found.agents, found.people) == (14, 20)
        assert printed(found.figures.wait_probability, 6) == "0.174132"
        assert printed(found.figures.service_level, 6) == "0.888350"
        assert printed(found.figures.occupancy, 6) == "0.714286"
        assert printed(found.figures.asa_s, 3) == "7.836"

    def test_an_occupancy_cap_asks_for_one_more(self) -> None:
        found = required(FIRST, Target(0.8, 20, max_occupancy=0.70), shrinkage=0.30)
        assert (found.agents, found.people) == (15, 22)
        assert printed(found.figures.service_level, 3) == "0.941"
        assert printed(found.figures.wait_probability, 3) == "0.102"

    def test_a_larger_group(self) -> None:
        found = expect(Traffic(720, 240), 55, within_s=15)
        assert printed(found.wait_probability, 4) == "0.2387"
        assert printed(found.service_level, 4) == "0.8459"
        assert printed(found.asa_s, 2) == "8.18"

    @pytest.mark.parametrize(
        ("per_hour", "agents", "level"), [(1000, 91, "0.8144"), (60, 8, "0.8631")]
    )
    def test_eighty_in_twenty(self, per_hour: float, agents: int, level: str) -> None:
        found = required(Traffic(per_hour, 300), Target(0.8, 20))
        assert found.agents == agents
        assert printed(found.figures.service_level, 4) == level

    def test_erlang_b(self) -> None:
        assert (erlang_b(1, 1), erlang_b(1, 2)) == (0.5, 0.2)

    def test_erlang_a_fourteen(self) -> None:
        found = expect(IMPATIENT, 14)
        assert printed(found.wait_probability, 5) == "0.14526"
        assert printed(found.abandonment, 6) == "0.013984"
        assert printed(found.service_level, 6) == "0.916792"

    def test_erlang_a_thirteen(self) -> None:
        found = expect(IMPATIENT, 13)
        assert printed(found.service_level, 3) == "0.858"
        assert printed(found.abandonment, 3) == "0.025"

    def test_garnett_mandelbaum_reiman(self) -> None:
        found = expect(Traffic(48 * 60, 60, patience_s=120), 50)
        assert printed(100 * found.abandonment, 2) == "3.09"
        assert printed(found.mean_wait_s, 2) == "3.71"
        assert printed(100 * found.occupancy, 1) == "93.0"
        assert printed(expect(Traffic(48 * 60, 60), 50).mean_wait_s, 2) == "20.83"


def chain(traffic: Traffic, agents: int, within_s: float) -> dict[str, float]:
    """Erlang A by brute force: the chain's states one by one, each wait by its own equations."""
    assert traffic.patience_s is not None
    arrive, serve, leave = traffic.per_hour / 3600, 1 / traffic.aht_s, 1 / traffic.patience_s
    weights = [1.0]
    for k in range(1, agents + 400):
        gone = min(k, agents) * serve + max(0, k - agents) * leave
        weights.append(weights[-1] * arrive / gone)
    total = sum(weights)
    shares = [weight / total for weight in weights]
    waiting = sum((k - agents) * p for k, p in enumerate(shares) if k > agents)
    early = 0.0
    ahead = [0.0] * 60
    # Behind n others: how many are ahead follows a pure death process; Euler steps of it.
    steps = 20000
    dt = within_s / steps
    for n in range(60):
        ahead[n] = shares[agents + n]
    for _ in range(steps):
        early += ahead[0] * agents * serve * dt
        rates = [agents * serve + n * leave for n in range(60)]
        flow = [ahead[n] * rates[n] * dt for n in range(60)]
        mine = [ahead[n] * leave * dt for n in range(60)]
        for n in range(60):
            ahead[n] += (flow[n + 1] if n < 59 else 0.0) - flow[n] - mine[n]
    return {
        "waits": sum(shares[agents:]),
        "abandons": waiting * leave / arrive,
        "in_time": sum(shares[:agents]) + early,
    }


def test_erlang_a_agrees_with_the_chain_solved_state_by_state() -> None:
    found = expect(IMPATIENT, 12, within_s=20)
    brute = chain(IMPATIENT, 12, within_s=20)
    assert found.wait_probability == pytest.approx(brute["waits"], rel=1e-9)
    assert found.abandonment == pytest.approx(brute["abandons"], rel=1e-9)
    assert found.service_level == pytest.approx(brute["in_time"], abs=2e-5)


def test_service_level_forms_fit_together() -> None:
    found = expect(IMPATIENT, 13, within_s=20)
    gone = abandoned_within(IMPATIENT, 13, 20)
    assert 0 < gone < found.abandonment
    # Who is neither answered nor gone by then still waits, and some do.
    assert found.service_level + gone < 1
    assert abandoned_within(IMPATIENT, 13, 1e9) == pytest.approx(found.abandonment)
    assert abandoned_within(FIRST, 13, 20) == 0


@pytest.mark.parametrize("agents", [4_800, 5_000, 5_200])
def test_thousands_of_agents_give_sane_figures(agents: int) -> None:
    found = expect(Traffic(60_000, 300, patience_s=120), agents)
    assert 0 <= found.wait_probability <= 1
    assert found.occupancy <= 1
    # What is not abandoned is served: load in equals work done.
    assert 5_000 * (1 - found.abandonment) == pytest.approx(found.occupancy * agents, rel=1e-9)
    assert required(Traffic(60_000, 300), Target()).agents == 5_019


def test_very_patient_people_are_erlang_c() -> None:
    patient, endless = expect(Traffic(200, 180, 1e9), 13), expect(FIRST, 13)
    assert patient.service_level == pytest.approx(endless.service_level, rel=1e-5)
    assert patient.asa_s == pytest.approx(endless.asa_s, rel=1e-5)


def test_a_flood_of_patient_people_meets_its_limit() -> None:
    """Where the exact sum hands over to the limit, both say the same."""
    exact, limit = (expect(Traffic(12_000, 300, p), 800) for p in (299_000, 301_000))
    assert exact.asa_s / 299_000 == pytest.approx(limit.asa_s / 301_000, rel=1e-5)
    assert exact.abandonment == pytest.approx(limit.abandonment, rel=1e-5)
    assert limit.occupancy == pytest.approx(1)


def test_too_few_agents_for_patient_people_means_an_endless_queue() -> None:
    found = expect(FIRST, 10)
    assert (found.wait_probability, found.service_level) == (1, 0)
    assert math.isinf(found.asa_s)
    assert erlang_c(10, 9) == 1


def test_no_traffic_needs_nobody() -> None:
    found = required(Traffic(0, 180), Target(), shrinkage=0.3)
    assert (found.agents, found.people, found.figures.service_level) == (0, 0, 1)
    assert expect(Traffic(0, 180, 60), 2).wait_probability == 0


def test_shrinkage_rounds_up_only_real_fractions() -> None:
    # 14 / 0.7 is 20 whatever the last bit of the division says, 15 / 0.7 is 21.4.
    assert required(Traffic(200, 180), Target(), 0.3).people == 20
    assert required(Traffic(200, 180), Target(), 0.0).people == 14


def test_other_limits_are_kept() -> None:
    assert required(FIRST, Target(0.8, 20, max_asa_s=5)).agents == 15
    assert required(IMPATIENT, Target(0.5, 20, max_abandonment=0.01)).agents == 15
    assert required(IMPATIENT, Target(0.8, 20)).agents == 13


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Traffic(-1, 180), "per_hour: expected 0 or more, found -1"),
        (lambda: Traffic(math.nan, 180), "per_hour: expected 0 or more"),
        (lambda: Traffic(1, 0), "aht_s: expected seconds above 0, found 0"),
        (lambda: Traffic(1, 180, 0), "patience_s: expected seconds above 0, or None, found 0"),
        (lambda: Traffic(1e9, 1e6), "at most 1,000,000 erlangs"),
        (lambda: Target(1.0), "share: expected above 0 and below 1, found 1.0"),
        (lambda: Target(80), "share: expected above 0 and below 1, found 80"),
        (lambda: Target(0.8, -1), "within_s: expected 0 s or more, found -1"),
        (lambda: Target(max_occupancy=0), "max_occupancy: expected above 0, at most 1"),
        (lambda: Target(max_asa_s=0), "max_asa_s: expected seconds above 0"),
        (lambda: Target(max_abandonment=0), "max_abandonment: expected above 0"),
        (lambda: expect(FIRST, 0), "agents: expected a whole number from 1, found 0"),
        (lambda: expect(FIRST, 2.5), "agents: expected a whole number from 1, found 2.5"),  # type: ignore[arg-type]
        (lambda: expect(FIRST, 12, -3), "within_s: expected 0 s or more, found -3"),
        (lambda: required(FIRST, Target(), 1.0), "shrinkage: expected 0 or more and below 1"),
        (lambda: erlang_b(-1, 2), "erlangs: expected 0 or more, found -1"),
        (lambda: erlang_b(1, -2), "agents: expected a whole number from 0, found -2"),
    ],
)
def test_impossible_input_is_refused_by_name(make: Callable[[], object], says: str) -> None:
    with pytest.raises(ImpossibleStaffing) as refused:
        make()
    assert says in str(refused.value)


@settings(max_examples=30, deadline=None)
@given(
    per_hour=st.floats(1, 3000),
    aht_s=st.floats(10, 1200),
    patience_s=st.one_of(st.none(), st.floats(5, 3600)),
    agents=st.integers(1, 400),
)
def test_one_agent_more_never_makes_it_worse(
    per_hour: float, aht_s: float, patience_s: float | None, agents: int
) -> None:
    traffic = Traffic(per_hour, aht_s, patience_s)
    one, more = expect(traffic, agents), expect(traffic, agents + 1)
    slack = 1e-9
    assert more.service_level >= one.service_level - slack
    assert more.wait_probability <= one.wait_probability + slack
    assert more.abandonment <= one.abandonment + slack
    assert more.occupancy <= one.occupancy + slack
    assert more.asa_s <= one.asa_s * (1 + slack) + slack or math.isinf(one.asa_s)


@settings(max_examples=20, deadline=None)
@given(
    per_hour=st.floats(1, 3000),
    aht_s=st.floats(10, 1200),
    patience_s=st.one_of(st.none(), st.floats(5, 3600)),
    share=st.floats(0.05, 0.99),
    within_s=st.floats(0, 120),
)
def test_required_is_the_fewest(
    per_hour: float, aht_s: float, patience_s: float | None, share: float, within_s: float
) -> None:
    traffic, target = Traffic(per_hour, aht_s, patience_s), Target(share, within_s)
    found = required(traffic, target)
    assert target.met_by(found.figures)
    if found.agents > 1:
        assert not target.met_by(expect(traffic, found.agents - 1, within_s))
