"""What people say on a call is written down, each side by itself, and nothing else is."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from bots.errors import RecognitionFailed
from bots.overheard import LONGEST_FRAMES, Overheard
from bots.ports import Expectation, Hypothesis, Partial
from gateway.overhearing import HEARD
from router.commands import HoldCall
from router.model import Author, InteractionState
from tests.callers import tone
from tests.fakes.board import Board, boards

SPEECH = tone(300, 0.02, 8000)
SILENCE = bytes(len(SPEECH))


@dataclass
class ScriptedRecognition:
    """Understands the next words of its recogniser's script."""

    owner: ScriptedTranscriber
    fed: int = 0
    cancelled: bool = False

    def feed(self, pcm: bytes) -> None:
        self.fed += len(pcm)

    def partial(self) -> Partial:
        return Partial()

    async def finish(self) -> Hypothesis:
        self.owner.fed.append(self.fed)
        await self.owner.free.wait()
        text = self.owner.script.pop(0) if self.owner.script else ""
        if text == "!":
            raise RecognitionFailed
        return Hypothesis(text.removeprefix("?"), 0.1 if text.startswith("?") else 0.9)

    def cancel(self) -> None:
        self.cancelled = True


@dataclass
class ScriptedTranscriber:
    script: list[str]
    name: str = "scripted"
    sample_rate: int = 16000
    fed: list[int] = field(default_factory=list)
    free: asyncio.Event = field(default_factory=asyncio.Event)
    languages: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.free.set()

    def prepare(self, expect: Expectation) -> None:
        pass

    def open(self, expect: Expectation) -> ScriptedRecognition:
        self.languages.append(expect.language)
        return ScriptedRecognition(self)


async def overheard(
    script: list[str], spoken: list[tuple[int, int]]
) -> tuple[list[str], Overheard]:
    """Hear so many frames of speech, then of silence, and so on; what was written."""
    written: list[str] = []

    async def said(text: str, confidence: float) -> None:
        written.append(text)

    side = Overheard(ScriptedTranscriber(script), None, 8000, said)
    for speech, silence in spoken:
        for pcm in [SPEECH] * speech + [SILENCE] * silence:
            side.hear(pcm)
            await asyncio.sleep(0)
    await side.stop()
    return written, side


async def test_utterances_are_cut_at_pauses_and_written_in_order() -> None:
    written, _ = await overheard(["hello", "goodbye"], [(40, 60), (30, 60)])
    assert written == ["hello", "goodbye"]


async def test_short_pause_ends_nothing_and_a_click_is_no_utterance() -> None:
    assert (await overheard(["one", "two"], [(30, 20), (30, 60)]))[0] == ["one"]
    assert (await overheard(["one"], [(3, 60)]))[0] == []


async def test_endless_speech_is_written_in_pieces() -> None:
    written, _ = await overheard(["one", "two"], [(LONGEST_FRAMES + 40, 60)])
    assert written == ["one", "two"]


async def test_what_was_hardly_understood_or_not_at_all_is_left_out() -> None:
    written, side = await overheard(["?mumble", "!", "clear"], [(30, 60)] * 3)
    assert (written, side.left_out) == (["clear"], 1)


async def test_sound_is_brought_to_the_recognisers_rate() -> None:
    transcriber = ScriptedTranscriber(["hello"])
    side = Overheard(transcriber, None, 8000, lambda text, confidence: asyncio.sleep(0))
    for pcm in [SPEECH] * 50 + [SILENCE] * 40:
        side.hear(pcm)
    await side.stop()
    assert transcriber.fed[0] == pytest.approx(2 * 85 * len(SPEECH), rel=0.15)


async def test_recogniser_that_lags_is_given_no_more_work() -> None:
    transcriber = ScriptedTranscriber(["a", "b", "c", "d", "e", "f"])
    transcriber.free.clear()
    side = Overheard(transcriber, None, 8000, lambda text, confidence: asyncio.sleep(0))
    for _ in range(6):
        for pcm in [SPEECH] * 30 + [SILENCE] * 60:
            side.hear(pcm)
        await asyncio.sleep(0)
    assert (side.left_out, len(transcriber.languages)) == (3, 3)
    transcriber.free.set()
    await side.stop()


async def test_both_sides_are_in_the_transcript_and_nothing_of_hold_and_waiting(
    tmp_path: Path,
) -> None:
    transcriber = ScriptedTranscriber(["where is my parcel", "it comes today"])
    async with boards(tmp_path, transcriber=transcriber) as begin:
        board = await begin("hand-over")
        item = await board.to_agent()
        customer_talks(board)  # nobody is there yet
        await board.join(item)
        customer_talks(board)
        await lines(board, item.id, 1)
        agent_talks(board)
        written = await lines(board, item.id, 2)
        await board.board.obey(HoldCall(interaction_id=item.id))
        customer_talks(board)
        await board.leg.hang_up()
        await board.state(InteractionState.WRAP_UP)
        assert await lines(board, item.id, 2) == written
    assert written == [
        (Author.CUSTOMER, "where is my parcel", "", 0.9),
        (Author.AGENT, "it comes today", "ana", 0.9),
    ]
    assert len(transcriber.fed) == 2


def customer_talks(board: Board) -> None:
    for pcm in [SPEECH] * 40 + [SILENCE] * 60:
        board.leg.tick(pcm)


def agent_talks(board: Board) -> None:
    board.hears(1.0)
    for _ in range(60):
        board.leg.tick(board.leg.silence)


async def lines(board: Board, interaction_id: str, wanted: int) -> list[tuple[object, ...]]:
    async with asyncio.timeout(10):
        while True:
            async with board.core.store.transaction() as tx:
                found = await tx.interactions.messages(interaction_id)
            heard = [m for m in found if HEARD in m.meta]
            if len(heard) >= wanted:
                return [(m.author, m.text, m.author_id, m.meta[HEARD]) for m in heard]
            await asyncio.sleep(0.02)
