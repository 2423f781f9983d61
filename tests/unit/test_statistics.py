"""Shares with intervals and percentiles."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.statistics import percentile, wilson


def test_wilson_known_values() -> None:
    # Newcombe, Statistics in Medicine 17 (1998), table I: 81 of 263 and 15 of 148.
    assert (wilson(81, 263).low, wilson(81, 263).high) == pytest.approx((0.2553, 0.3662), abs=1e-4)
    assert (wilson(15, 148).low, wilson(15, 148).high) == pytest.approx((0.0624, 0.1605), abs=1e-4)


def test_wilson_all_hits_still_leaves_doubt() -> None:
    share = wilson(36, 36)
    assert share.high == 1.0
    assert share.low == pytest.approx(0.9036, abs=1e-4)
    assert str(share) == "100% (95 %: 90%–100%, n = 36)"


def test_wilson_no_observations_says_nothing() -> None:
    assert (wilson(0, 0).low, wilson(0, 0).high) == (0.0, 1.0)


def test_wilson_more_hits_than_observations_raises() -> None:
    with pytest.raises(ValueError, match="0 to 3"):
        wilson(4, 3)


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_interval_holds_the_share(pair: tuple[int, int]) -> None:
    share = wilson(*pair)
    assert 0 <= share.low <= share.value <= share.high <= 1


def test_percentile_is_linear_between_neighbours() -> None:
    assert percentile([4, 1, 3, 2], 0.5) == 2.5
    assert percentile([7], 0.95) == 7
    with pytest.raises(ValueError, match="at least one"):
        percentile([], 0.5)
