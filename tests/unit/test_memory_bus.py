"""What only the embedded bus has: limits of its own, because nobody else keeps them."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from router.bus import memory
from router.bus.delivery import Lanes, Retry
from router.bus.memory import MemoryBus
from router.events import Fact, HoldStarted

NOW = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)


def hold(text: str) -> HoldStarted:
    return HoldStarted(at=NOW, interaction_id="one", agent_id=text)


async def test_backlog_over_its_limit_buries_the_oldest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "BACKLOG_LIMIT", 3)
    bus = MemoryBus()
    await bus.start()

    async def never(fact: Fact) -> None:
        raise AssertionError

    await bus.subscribe("away", never, [HoldStarted])
    await bus.stop()
    await bus.start()
    await bus.publish([hold(str(n)) for n in range(5)])
    letters = await bus.dead_letters()
    assert [letter.reason for letter in letters] == ["more than 3 facts were waiting"] * 2
    assert '"agent_id":"1"' in letters[0].body
    await bus.stop()


async def test_dead_letters_over_their_limit_lose_the_oldest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(memory, "DEAD_LIMIT", 2)
    bus = MemoryBus(retry=Retry(1, ()))
    await bus.start()
    done = asyncio.Event()

    async def refuse(fact: Fact) -> None:
        assert isinstance(fact, HoldStarted)
        if fact.agent_id == "end":
            done.set()
            return
        raise ValueError(fact.agent_id)

    await bus.subscribe("refusing", refuse, [HoldStarted])
    await bus.publish([hold("a"), hold("b"), hold("c"), hold("end")])
    await asyncio.wait_for(done.wait(), 5)
    assert [each.reason for each in await bus.dead_letters()] == ["ValueError: c", "ValueError: b"]
    await bus.stop()


async def test_handler_that_outlives_the_grace_is_cut_and_its_item_comes_back() -> None:
    begun = asyncio.Event()

    async def forever(item: str) -> None:
        begun.set()
        await asyncio.Event().wait()

    async def settle(item: str) -> None:
        raise AssertionError(item)

    async def give_up(item: str, reason: str) -> None:
        raise AssertionError(item)

    lanes: Lanes[str] = Lanes(forever, settle, give_up, Retry())
    lanes.put("one", "first")
    lanes.put("one", "second")
    await begun.wait()
    assert await lanes.stop(grace_s=0.01) == ["first", "second"]


async def test_stop_does_not_wait_for_the_pause_before_the_next_try() -> None:
    failed = asyncio.Event()

    async def fail(item: str) -> None:
        failed.set()
        raise ValueError(item)

    async def settle(item: str) -> None:
        raise AssertionError(item)

    async def give_up(item: str, reason: str) -> None:
        raise AssertionError(item)

    lanes: Lanes[str] = Lanes(fail, settle, give_up, Retry(3, (3600.0,)))
    lanes.put("one", "only")
    await failed.wait()
    assert await asyncio.wait_for(lanes.stop(), 5) == ["only"]


@pytest.mark.parametrize(("tries", "pause"), [(1, 0.1), (2, 0.5), (3, 0.5), (9, 0.5)])
def test_last_pause_repeats(tries: int, pause: float) -> None:
    assert Retry(10, (0.1, 0.5)).pause_after(tries) == pause
