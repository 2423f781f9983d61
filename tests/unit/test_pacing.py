from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from channels.media.pacing import CATCH_UP, MediaClock


class VirtualLoop:
    """Only what the clock asks of an event loop, on virtual time."""

    def __init__(self) -> None:
        self.now = 100.0
        self.timers: list[tuple[float, Callable[..., None], tuple[Any, ...]]] = []

    def time(self) -> float:
        return self.now

    def call_at(self, when: float, work: Callable[..., None], /, *args: Any) -> VirtualTimer:
        self.timers.append((when, work, args))
        return VirtualTimer(self)

    def run(self, seconds: float, late: float = 0.0) -> None:
        """Let time pass; each timer fires ``late`` seconds after it is due."""
        end = self.now + seconds
        while self.timers and self.timers[0][0] + late <= end:
            when, work, args = self.timers.pop(0)
            self.now = max(self.now, when + late)
            work(*args)
        self.now = end


class VirtualTimer:
    def __init__(self, loop: VirtualLoop) -> None:
        self._loop = loop

    def cancel(self) -> None:
        self._loop.timers.clear()


@pytest.fixture
def loop() -> VirtualLoop:
    return VirtualLoop()


def test_lateness_never_adds_up(loop: VirtualLoop) -> None:
    ticks: list[float] = []
    clock = MediaClock(loop)
    clock.add(lambda: ticks.append(loop.now))
    loop.run(60.001, late=0.007)
    assert 2999 <= len(ticks) <= 3000
    assert clock.counts.skipped == 0


def test_missed_ticks_follow_at_once_after_a_short_stall(loop: VirtualLoop) -> None:
    ticks: list[float] = []
    clock = MediaClock(loop)
    clock.add(lambda: ticks.append(loop.now))
    loop.run(0.0401)
    loop.now += 0.065
    loop.run(0.001)
    assert len(ticks) == 5
    loop.run(1.0)
    assert 54 <= len(ticks) <= 55
    assert clock.counts.late >= 1


def test_long_stall_starts_anew_instead_of_a_burst(loop: VirtualLoop) -> None:
    ticks: list[float] = []
    clock = MediaClock(loop)
    clock.add(lambda: ticks.append(loop.now))
    loop.run(0.0201)
    loop.now += 2.0
    loop.run(0.001)
    assert len(ticks) == 2
    assert clock.counts.skipped > CATCH_UP
    loop.run(0.2)
    assert 11 <= len(ticks) <= 13


def test_one_timer_for_all_and_none_without_listeners(loop: VirtualLoop) -> None:
    clock, counted = MediaClock(loop), [0, 0]

    def count(index: int) -> Callable[[], None]:
        def tick() -> None:
            counted[index] += 1

        return tick

    first, second = count(0), count(1)
    clock.add(first)
    clock.add(second)
    assert len(loop.timers) == 1
    loop.run(0.1001)
    assert counted == [5, 5]
    clock.remove(first)
    clock.remove(second)
    clock.remove(second)
    assert loop.timers == []
    loop.run(1)
    clock.add(first)
    loop.run(0.0401)
    assert counted == [7, 5]


def test_listener_that_fails_is_taken_out_and_the_others_go_on(
    loop: VirtualLoop, caplog: pytest.LogCaptureFixture
) -> None:
    clock, ticks = MediaClock(loop), list[float]()

    def fails() -> None:
        raise ValueError("its own trouble")

    clock.add(fails)
    clock.add(lambda: ticks.append(loop.now))
    loop.run(0.1001)
    assert len(ticks) == 5
    assert caplog.text.count("gets no more ticks") == 1
