"""One model for many calls: utterances that wait are decoded together, round by round.

1. A round is one call of the model, with at most ``MOST`` pieces; a long utterance may need
   several. Between two rounds whoever hung up, or waited too long, is left out: the model
   is free for the others after one round at the latest.
2. Utterances that have ended come first. Only when none waits the model looks at callers who
   still speak, at most one look per call under way, and at no more of them than fit into
   ``LOOK_S``: so long a final text may have to wait for them. Where one look takes longer, as
   with a large model on a CPU, there is none.
3. A final text whose words were all in the last look is there at once.
4. ``wait_s`` says how long the model will be busy with what waits, by what pieces have cost
   lately, so that nobody need wait for what will come too late.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from bots.engines.whisper_model import Cut, Piece, Samples
from bots.engines.whisper_text import Decoded, hypothesis_of, invented
from bots.engines.whole import RATE
from bots.engines.worker import Worker, WorkerStopped
from bots.errors import RecognitionFailed
from bots.ports import Expectation, Hypothesis

MOST = 8
LOOK_S = 0.15
SURELY_HEARD_S = 0.12
"""Of the line behind the end of speech, until a look has surely heard all of it."""
NEWEST = 0.3
"""Weight of the last round in what a piece costs."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Look:
    """What was understood of an utterance's first ``size`` bytes."""

    size: int
    heard: Hypothesis


@dataclass(eq=False, slots=True)
class Utterance:
    """Audio (s16le at ``RATE``) on its way to a text. ``dropped``: nobody wants it any more."""

    pcm: bytes
    expect: Expectation
    looked: Look | None = None
    dropped: bool = False
    heard: Hypothesis | None = None
    cut: bool = False
    left: deque[Piece] = field(default_factory=deque)
    decoded: list[Decoded] = field(default_factory=list)
    result: asyncio.Future[Hypothesis] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )

    def pieces(self, window_s: float) -> int:
        """How many are still to be decoded, by its length where nobody has looked yet."""
        if self.cut:
            return len(self.left)
        return max(1, math.ceil(len(self.pcm) / 2 / RATE / window_s))

    def settle(self, result: Hypothesis | RecognitionFailed) -> None:
        """Tell whoever waits."""
        self.dropped = True
        if self.result.done():
            return
        if isinstance(result, Hypothesis):
            self.result.set_result(result)
        else:
            self.result.set_exception(result)
            # Nobody may be waiting any more.
            self.result.exception()


class Decoder(Protocol):
    """A model: ``bots.engines.whisper_model.Model``. Its methods run on the worker's thread."""

    @property
    def window_s(self) -> float:
        """The longest piece, seconds."""
        ...

    def cut(self, samples: Samples, expect: Expectation) -> Cut:
        """An utterance in pieces; none where nobody speaks."""
        ...

    def decode(self, pieces: Sequence[Piece]) -> list[Decoded]:
        """The text of each piece, in one call of the model."""
        ...


class Speaking(Protocol):
    """A caller who still speaks, and at whose words the model may have a look."""

    def so_far(self) -> Utterance | None:
        """All of it until now; None when it is over."""
        ...

    def looked(self, look: Look) -> None:
        """What was understood of it."""
        ...


def advance(model: Decoder, utterances: Sequence[Utterance], most: int = MOST) -> int:
    """One round, on the model's thread; how many pieces were decoded."""
    for utterance in utterances:
        if not utterance.cut and not utterance.dropped:
            _cut(model, utterance)
    waiting = [
        (utterance, piece)
        for utterance in utterances
        if not utterance.dropped
        for piece in utterance.left
    ][:most]
    if waiting:
        decoded = model.decode([piece for _, piece in waiting])
        for (utterance, _), one in zip(waiting, decoded, strict=True):
            utterance.left.popleft()
            utterance.decoded.append(one)
    for utterance in utterances:
        if utterance.cut and not utterance.left and utterance.heard is None:
            utterance.heard = hypothesis_of([one for one in utterance.decoded if _meant(one)])
    return len(waiting)


def _cut(model: Decoder, utterance: Utterance) -> None:
    samples = np.frombuffer(utterance.pcm[: len(utterance.pcm) & ~1], dtype="<i2")
    found = model.cut(samples.astype(np.float32) / np.float32(32768), utterance.expect)
    utterance.cut = True
    look = utterance.looked
    if look is not None and look.heard.text:
        surely = found.speech_ends + int(SURELY_HEARD_S * RATE)
        if look.size >= 2 * surely:
            utterance.heard = look.heard
            return
    utterance.left.extend(found.pieces)


def _meant(piece: Decoded) -> bool:
    if reason := invented(piece):
        log.info("dropped what nobody said (%s): %r", reason, piece.text[:60])
    return not reason


class Rounds:
    """The queue of one model. Start it in the loop that uses it."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self._model: Decoder | None = None
        self._ended: list[Utterance] = []
        self._speaking: dict[Speaking, None] = {}
        self._running = 0
        """Pieces in the present round."""
        self._piece_s = 0.0
        """What a piece has cost lately; 0 for not known yet."""
        self.calls = self.decoded = self.by_look = 0
        """Of the model since the start, the pieces in them, and texts that a look had already."""
        self._something = asyncio.Event()
        self._serving: asyncio.Task[None] | None = None

    def start(self, model: Decoder) -> None:
        """Serve who asks."""
        self._model = model
        self._serving = asyncio.get_running_loop().create_task(self._serve(model), name="whisper")

    def stop(self) -> None:
        """Whoever waits gets ``RecognitionFailed``. Safe to call twice."""
        if self._serving is not None:
            self._serving.cancel()
            self._serving = None
        self._model = None
        ended, self._ended, self._running = self._ended, [], 0
        self._speaking.clear()
        for utterance in ended:
            utterance.settle(RecognitionFailed("Whisper was stopped"))

    def add(self, utterance: Utterance) -> None:
        """An utterance that has ended."""
        if self._model is None:
            utterance.settle(RecognitionFailed("Whisper was stopped"))
        self._ended.append(utterance)
        self._something.set()

    def look_at(self, speaking: Speaking) -> None:
        """Have a look when there is time; nothing happens when that is already to be done."""
        self._speaking[speaking] = None
        self._something.set()

    @property
    def at_rest(self) -> bool:
        """Whether nothing waits and nothing is being decoded."""
        return not (self._running or self._speaking or any(not one.dropped for one in self._ended))

    @property
    def wait_s(self) -> float:
        """How long what waits, and what is being decoded, will take."""
        if self._model is None:
            return 0.0
        window_s = self._model.window_s
        waiting = sum(one.pieces(window_s) for one in self._ended if not one.dropped)
        return max(waiting, self._running) * self._piece_s

    async def _serve(self, model: Decoder) -> None:
        while True:
            await self._something.wait()
            self._ended = [one for one in self._ended if not one.dropped]
            if self._ended:
                await self._round(model, self._ended[:MOST])
            elif looks := self._looks():
                await self._round(model, [utterance for _, utterance in looks])
                for speaking, utterance in looks:
                    if utterance.heard is not None:
                        speaking.looked(Look(len(utterance.pcm), utterance.heard))
            else:
                self._something.clear()

    def _looks(self) -> list[tuple[Speaking, Utterance]]:
        """Who has a look taken at; all are forgotten when there is no time for one."""
        looks: list[tuple[Speaking, Utterance]] = []
        model = self._model
        room = LOOK_S
        while self._speaking and model is not None:
            speaking = next(iter(self._speaking))
            utterance = speaking.so_far()
            cost = utterance.pieces(model.window_s) * self._piece_s if utterance else 0.0
            if cost > room and looks:
                break
            del self._speaking[speaking]
            if utterance is not None and cost <= room:
                room -= cost
                looks.append((speaking, utterance))
        return looks

    async def _round(self, model: Decoder, utterances: Sequence[Utterance]) -> None:
        self._running = sum(one.pieces(model.window_s) for one in utterances)
        began = time.monotonic()
        try:
            done = await self._worker.run(advance, model, utterances)
        except WorkerStopped:
            return
        except Exception as error:
            # The detector's, the features' and the model's errors have no common class.
            for utterance in utterances:
                utterance.settle(RecognitionFailed(f"Whisper failed: {error}"))
            return
        finally:
            self._running = 0
        if done:
            self.calls, self.decoded = self.calls + 1, self.decoded + done
            self._note_cost((time.monotonic() - began) / done)
        for utterance in utterances:
            if utterance.heard is not None:
                look = utterance.looked
                self.by_look += look is not None and utterance.heard is look.heard
                utterance.settle(utterance.heard)

    def _note_cost(self, piece_s: float) -> None:
        weight = NEWEST if self._piece_s else 1.0
        self._piece_s += weight * (piece_s - self._piece_s)
