"""Every utterance is heard twice: by pocketsphinx while it is said, by Moonshine when it is over.

1. pocketsphinx gives what is needed at once: words while the caller speaks, and whether a
   sentence may end with them. It knows the company's words and no others.
2. Moonshine (``bots.engines.moonshine``) knows English. It hears the whole utterance on a thread
   for all calls together, and begins in the first pause of ``PAUSE_S``: when the turn ends it
   has mostly done.
3. ``bots.engines.second_hearing`` decides between their readings.
4. Whichever fails, is late or has too much to do is done without: a second hearing must not make
   the caller wait longer than ``PATIENCE_S``.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from pathlib import Path

from bots.engines.moonshine import Moonshine
from bots.engines.offline import PocketsphinxRecognition, PocketsphinxTranscriber
from bots.engines.pauses import Pause
from bots.engines.phrases import Corpus
from bots.engines.second_hearing import LINE_RATE, Heard, SecondHearing
from bots.engines.worker import Worker, WorkerStopped
from bots.errors import RecognitionFailed
from bots.ports import Expectation, Hypothesis, Partial

PAUSE_S = 0.14
"""More than the gaps within a fluent sentence. What a hearing costs should fit between it and the
silence that ends a turn."""
SHORTEST_S = 0.3
PATIENCE_S = 1.5
"""From the end of the turn; a caller would notice more."""
NOTHING = Hypothesis("", 0.0)

log = logging.getLogger(__name__)


class TwiceTranscriber:
    """Both recognisers. Implements ``bots.ports.Transcriber``; start it first."""

    name = "pocketsphinx and moonshine"
    sample_rate = LINE_RATE

    def __init__(self, corpus: Corpus, workers: int, model: Path) -> None:
        """``workers`` are pocketsphinx's processes, ``model`` is Moonshine's folder."""
        self._first = PocketsphinxTranscriber(corpus, workers)
        self._corpus = corpus
        self._folder = model
        self.worker = Worker("moonshine")
        self._second: SecondHearing | None = None
        self._preparing: set[asyncio.Task[None]] = set()

    @property
    def pids(self) -> tuple[int, ...]:
        """Of pocketsphinx's processes."""
        return self._first.pids

    async def start(self) -> None:
        """Load both. Raises ``RecognitionFailed`` when pocketsphinx cannot be started."""
        self.worker.start()
        await asyncio.gather(self._first.start(), self._load())

    async def stop(self) -> None:
        """Let go of both. Safe to call twice."""
        self._second = None
        self.worker.stop()
        await self._first.stop()

    def prepare(self, expect: Expectation) -> None:
        """Build the question's models in the background."""
        self._first.prepare(expect)
        if self._second is not None and expect.language == "en":
            task = asyncio.create_task(self._prepare(self._second, expect), name="prepare")
            self._preparing.add(task)
            task.add_done_callback(self._preparing.discard)

    def open(self, expect: Expectation) -> TwiceRecognition:
        """Begin an utterance. Raises ``RecognitionFailed``."""
        return TwiceRecognition(self._first.open(expect), self, expect)

    @property
    def second(self) -> SecondHearing | None:
        """None while it is not loaded, or has more to do than can be waited for."""
        return None if self.worker.wait_s > PATIENCE_S else self._second

    async def _prepare(self, second: SecondHearing, expect: Expectation) -> None:
        with contextlib.suppress(WorkerStopped):
            await self.worker.run(second.prepare, expect)

    async def _load(self) -> None:
        try:
            self._second = await self.worker.run(_load, self._folder, self._corpus)
        except Exception:
            # What onnxruntime raises has no common class. Callers are heard once, then.
            log.exception("Moonshine in %s does not work; pocketsphinx hears alone", self._folder)


def _load(folder: Path, corpus: Corpus) -> SecondHearing:
    second = SecondHearing(Moonshine(folder), corpus)
    # What is slow the first time is not a caller's first answer.
    second.hear(bytes(2 * LINE_RATE))
    return second


class TwiceRecognition:
    """One utterance. Implements ``bots.ports.Recognition``."""

    def __init__(
        self, first: PocketsphinxRecognition, owner: TwiceTranscriber, expect: Expectation
    ) -> None:
        self._first = first
        self._owner = owner
        self._expect = expect
        self._pcm = bytearray()
        self._pause = Pause()
        self._ahead: asyncio.Task[Heard] | None = None
        """What was heard until the present pause."""
        self._cancelled = False

    def feed(self, pcm: bytes) -> None:
        """s16le at 8 kHz."""
        self._first.feed(pcm)
        self._pcm += pcm
        before = self._pause.bytes
        self._pause.hear(pcm)
        if not self._pause.bytes:
            self._forget_ahead()
        elif before < _bytes(PAUSE_S) <= self._pause.bytes and len(self._pcm) > _bytes(SHORTEST_S):
            second = self._owner.second
            if second is not None:
                hearing = self._hear(second, bytes(self._pcm))
                self._ahead = asyncio.create_task(hearing, name="second-hearing")

    def partial(self) -> Partial:
        """Of pocketsphinx."""
        return self._first.partial()

    async def finish(self) -> Hypothesis:
        """What both make of it; empty after ``cancel``.

        Raises ``RecognitionFailed`` when neither works.
        """
        second = self._owner.second
        if second is None:
            return await self._first.finish()
        first = asyncio.ensure_future(self._first.finish())
        try:
            async with asyncio.timeout(PATIENCE_S):
                if self._ahead is None:
                    self._ahead = asyncio.create_task(self._hear(second, bytes(self._pcm)))
                heard = await self._ahead
        except TimeoutError:
            log.warning("no second hearing within %g s", PATIENCE_S)
            return await first
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if self._cancelled and not (task is not None and task.cancelling()):
                # The caller has gone; whoever waits for the text has not been cancelled.
                return await first
            first.cancel()
            raise
        except Exception:
            log.exception("the second hearing failed")
            return await first
        judged = await self._judge(second, heard, first)
        return NOTHING if self._cancelled else judged

    def cancel(self) -> None:
        """Drop it and free what it holds. Safe to call twice."""
        self._cancelled = True
        self._forget_ahead()
        self._first.cancel()

    async def _judge(
        self, second: SecondHearing, heard: Heard, waiting: asyncio.Future[Hypothesis]
    ) -> Hypothesis:
        failure: RecognitionFailed | None = None
        try:
            first = await waiting
        except RecognitionFailed as error:
            first, failure = NOTHING, error
        try:
            judged = await self._owner.worker.run(second.judge, heard, first, self._expect)
        except Exception:
            log.exception("the second hearing failed")
            judged = first
        if failure is not None and not judged.text:
            raise failure
        return judged

    async def _hear(self, second: SecondHearing, pcm: bytes) -> Heard:
        return await self._owner.worker.run(second.hear, pcm)

    def _forget_ahead(self) -> None:
        if self._ahead is not None:
            self._ahead.cancel()
            self._ahead = None


def _bytes(seconds: float) -> int:
    return 2 * round(LINE_RATE * seconds)
