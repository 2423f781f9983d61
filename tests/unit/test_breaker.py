"""The circuit breaker on virtual time."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bots.engines.breaker import Breaker, Circuit, Tolerance

QUICK = Tolerance(most_failures=3, window_s=30, rest_s=10, longest_rest_s=25)


def opened(at: float = 0.0) -> Breaker:
    breaker = Breaker(QUICK)
    for _ in range(3):
        breaker.failed(at)
    return breaker


def test_three_failures_within_the_window_open_it() -> None:
    breaker = Breaker(QUICK)
    assert [breaker.failed(now) for now in (0, 10, 30)] == [False, False, True]
    assert not breaker.allows(30)
    assert breaker.state is Circuit.OPEN


def test_failures_that_lie_further_apart_do_not_open_it() -> None:
    breaker = Breaker(QUICK)
    assert not any(breaker.failed(now) for now in (0, 10, 31, 60))
    assert breaker.allows(60)


def test_success_between_failures_forgives_them() -> None:
    breaker = Breaker(QUICK)
    breaker.failed(0)
    breaker.failed(1)
    assert not breaker.succeeded()
    assert not breaker.failed(2)
    assert breaker.allows(2)


def test_rest_over_one_may_try_and_the_others_wait_for_it() -> None:
    breaker = opened()
    assert not breaker.allows(9.9)
    assert breaker.allows(10)
    assert breaker.state is Circuit.HALF_OPEN
    assert not breaker.allows(10.1)
    assert breaker.succeeded()
    assert breaker.allows(10.2)
    assert breaker.allows(10.2)


def test_failed_try_rests_longer_each_time_up_to_the_longest() -> None:
    breaker = opened()
    rests = []
    now = 0.0
    for _ in range(4):
        rests.append(breaker.rest_s)
        now += breaker.rest_s
        assert breaker.allows(now)
        assert breaker.failed(now)
    assert rests == [10, 20, 25, 25]
    assert breaker.allows(now + 25)
    breaker.succeeded()
    assert breaker.rest_s == 10


def test_abandoned_try_lets_the_next_one_try_at_once() -> None:
    breaker = opened()
    assert breaker.allows(10)
    breaker.abandoned()
    assert breaker.allows(10.1)


def test_try_that_is_never_heard_of_again_does_not_block_for_ever() -> None:
    breaker = opened()
    assert breaker.allows(10)
    assert not breaker.allows(19)
    assert breaker.allows(20)


def test_late_failure_of_before_does_not_prolong_the_rest() -> None:
    breaker = opened()
    assert not breaker.failed(9)
    assert breaker.allows(10)


@given(st.lists(st.tuples(st.sampled_from("afsx"), st.floats(0, 20)), max_size=60))
def test_whatever_happens_somebody_may_ask_within_the_longest_rest(
    happenings: list[tuple[str, float]],
) -> None:
    breaker, now = Breaker(QUICK), 0.0
    for what, wait in happenings:
        now += wait
        match what:
            case "a":
                breaker.allows(now)
            case "f":
                breaker.failed(now)
            case "s":
                breaker.succeeded()
            case "x":
                breaker.abandoned()
    assert breaker.allows(now + QUICK.longest_rest_s)
