"""One model for many calls: who is decoded when, by a model that waits to be told."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest
import pytest_asyncio

from bots.engines.whisper_model import Cut, Piece, Samples
from bots.engines.whisper_rounds import LOOK_S, MOST, Look, Rounds, Utterance
from bots.engines.whisper_text import Decoded
from bots.engines.whole import RATE
from bots.engines.worker import Worker
from bots.errors import RecognitionFailed
from bots.ports import Expectation, Hypothesis

SECOND = bytes(2 * RATE)
MOST_WAITING_S = 5.0


@dataclass
class ScriptedModel:
    """Hears "word" in each second, one piece each. ``go`` lets it work, ``batches`` tell how."""

    window_s: float = 1.0
    speech_ends: int | None = None
    broken: bool = False
    batches: list[int] = field(default_factory=list)
    go: threading.Event = field(default_factory=threading.Event)
    at_work: threading.Event = field(default_factory=threading.Event)

    def cut(self, samples: Samples, expect: Expectation) -> Cut:
        seconds = max(1, len(samples) // RATE)
        piece = Piece(np.zeros(RATE, np.float32), expect, 1.0)
        return Cut(
            (piece,) * seconds, len(samples) if self.speech_ends is None else self.speech_ends
        )

    def decode(self, pieces: Sequence[Piece]) -> list[Decoded]:
        self.at_work.set()
        assert self.go.wait(MOST_WAITING_S)
        self.batches.append(len(pieces))
        if self.broken:
            raise RuntimeError("out of memory")
        return [Decoded("word", -0.1, 0.0, piece.spoken_s) for piece in pieces]


@dataclass(eq=False)
class Caller:
    """Somebody who speaks."""

    pcm: bytes = SECOND
    looks: list[Look] = field(default_factory=list)

    def so_far(self) -> Utterance | None:
        return Utterance(self.pcm, Expectation()) if self.pcm else None

    def looked(self, look: Look) -> None:
        self.looks.append(look)


@dataclass
class Bench:
    model: ScriptedModel
    rounds: Rounds

    def ended(self, seconds: int = 1, looked: Look | None = None) -> Utterance:
        utterance = Utterance(SECOND * seconds, Expectation(), looked)
        self.rounds.add(utterance)
        return utterance

    async def busy(self) -> None:
        """Return when the model works on something."""
        assert await asyncio.to_thread(self.model.at_work.wait, MOST_WAITING_S)
        self.model.at_work.clear()


@pytest_asyncio.fixture
async def bench() -> AsyncIterator[Bench]:
    worker = Worker("test")
    worker.start()
    bench = Bench(ScriptedModel(), Rounds(worker))
    bench.rounds.start(bench.model)
    yield bench
    bench.model.go.set()
    bench.rounds.stop()
    worker.stop()


async def test_those_who_wait_are_decoded_together(bench: Bench) -> None:
    first = bench.ended()
    await bench.busy()
    others = [bench.ended() for _ in range(MOST + 2)]
    bench.model.go.set()
    heard = await asyncio.gather(first.result, *(one.result for one in others))
    assert {one.text for one in heard} == {"word"}
    assert bench.model.batches == [1, MOST, 2]
    assert (bench.rounds.calls, bench.rounds.decoded) == (3, MOST + 3)


async def test_long_utterance_is_one_text_and_leaves_room_for_the_others(bench: Bench) -> None:
    long = bench.ended(MOST + 1)
    short = bench.ended()
    bench.model.go.set()
    assert (await long.result).text == " ".join(["word"] * (MOST + 1))
    assert (await short.result).text == "word"
    assert bench.model.batches == [MOST, 2]


async def test_who_hangs_up_between_two_rounds_costs_nothing_more(bench: Bench) -> None:
    long = bench.ended(3 * MOST)
    await bench.busy()
    long.settle(Hypothesis("", 0.0))
    short = bench.ended()
    bench.model.go.set()
    await short.result
    assert bench.model.batches == [MOST, 1]


async def test_look_waits_for_those_who_have_ended_and_sees_what_came_meanwhile(
    bench: Bench,
) -> None:
    caller = Caller()
    first = bench.ended()
    await bench.busy()
    second = bench.ended()
    for _ in range(3):
        bench.rounds.look_at(caller)
    caller.pcm = 2 * SECOND
    bench.model.go.set()
    await asyncio.gather(first.result, second.result)
    assert not caller.looks
    await until(lambda: bool(caller.looks))
    assert caller.looks == [Look(len(2 * SECOND), Hypothesis("word word", 0.905))]
    assert bench.model.batches == [1, 1, 2], "asked three times it looks once"


async def test_who_has_ended_or_gone_is_not_looked_at(bench: Bench) -> None:
    gone, caller = Caller(b""), Caller()
    bench.rounds.look_at(gone)
    bench.rounds.look_at(caller)
    bench.model.go.set()
    await until(lambda: bool(caller.looks))
    assert not gone.looks
    assert bench.model.batches == [1]


async def test_model_that_takes_longer_than_a_look_may_takes_none(bench: Bench) -> None:
    first = bench.ended()
    await bench.busy()
    await asyncio.sleep(2 * LOOK_S)
    bench.model.go.set()
    await first.result
    caller = Caller()
    bench.rounds.look_at(caller)
    await bench.ended().result
    assert not caller.looks
    assert bench.model.batches == [1, 1]


async def test_text_is_the_last_looks_when_nothing_was_said_after_it(bench: Bench) -> None:
    bench.model.speech_ends = RATE // 2
    look = Look(len(SECOND), Hypothesis("all of it", 0.8))
    assert (await bench.ended(2, look).result).text == "all of it"
    assert bench.model.batches == []
    assert bench.rounds.by_look == 1


async def test_last_sound_after_the_look_is_decoded(bench: Bench) -> None:
    bench.model.go.set()
    bench.model.speech_ends = RATE - RATE // 10
    look = Look(len(SECOND), Hypothesis("not all of", 0.8))
    assert (await bench.ended(2, look).result).text == "word word"


async def test_model_that_fails_fails_those_in_the_round_and_serves_the_next(
    bench: Bench,
) -> None:
    bench.model.broken = True
    bench.model.go.set()
    with pytest.raises(RecognitionFailed, match="Whisper failed: out of memory"):
        await bench.ended().result
    bench.model.broken = False
    assert (await bench.ended().result).text == "word"


async def test_what_waits_is_told_by_what_pieces_cost_lately(bench: Bench) -> None:
    assert bench.rounds.wait_s == 0.0
    first = bench.ended()
    await bench.busy()
    await asyncio.sleep(0.1)
    bench.model.go.set()
    await first.result
    bench.model.go.clear()
    assert bench.rounds.wait_s == 0.0, "nobody waits"
    waiting = [bench.ended(2) for _ in range(5)]
    assert 1.0 <= bench.rounds.wait_s < 5.0
    for one in waiting:
        one.dropped = True
    assert bench.rounds.wait_s == 0.0


async def test_stopped_everybody_who_waits_is_told(bench: Bench) -> None:
    waiting = [bench.ended() for _ in range(3)]
    await bench.busy()
    bench.rounds.stop()
    bench.rounds.stop()
    for one in [*waiting, bench.ended()]:
        with pytest.raises(RecognitionFailed, match="Whisper was stopped"):
            await one.result


async def until(done: object) -> None:
    assert callable(done)
    async with asyncio.timeout(MOST_WAITING_S):
        while not done():
            await asyncio.sleep(0.005)
