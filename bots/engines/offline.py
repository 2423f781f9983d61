"""Speech to text without a downloaded model: pocketsphinx in worker processes. English.

Its language model is built from the company's own texts and the question asked
(telephony.md, Bot speech offline). Utterances are spread over the workers; one that dies
is started again and the utterances it had fail as ``RecognitionFailed``.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import itertools
import json
import logging
import os
import sys
from dataclasses import dataclass, field

from bots.engines.decoder import BASE, HEADER, LINE_RATE, pack
from bots.engines.phrases import (
    Corpus,
    beside_one_digit,
    digits_grammar,
    grammar_name,
    grammar_words,
    is_closed,
    is_digits,
    question_lines,
)
from bots.errors import LanguageNotHeard, RecognitionFailed
from bots.ports import Expectation, Hypothesis, Partial

FEED_BYTES = 3 * 320
"""Audio goes to the worker in pieces of 60 ms."""
FINISH_TIMEOUT_S = 10.0
"""Usually it takes a fraction of a second; on a starved machine late is better than not at all."""
START_TIMEOUT_S = 60.0
WORKERS = 2

log = logging.getLogger(__name__)


def model_name(expect: Expectation) -> str:
    """The language model for an expectation: the same for the same kind and phrases."""
    if not question_lines(expect):
        return BASE
    text = json.dumps([expect.kind, expect.length, *sorted(expect.phrases)])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def calibrated(posterior: float, words: int) -> float:
    """A confidence 0..1 from the lattice posterior of ``words`` words.

    The posterior of a right sentence falls with its length, so the mean per word counts.
    """
    if posterior <= 0 or words <= 0:
        return 0.0
    return float(round(min(1.0, posterior ** (0.5 / words)), 3))


@dataclass(slots=True)
class _Worker:
    """One process and the utterances it has."""

    process: asyncio.subprocess.Process
    models: set[str] = field(default_factory=set)
    open: dict[int, PocketsphinxRecognition] = field(default_factory=dict)
    waiting: dict[int, asyncio.Future[None]] = field(default_factory=dict)
    reader: asyncio.Task[None] | None = None

    def send(self, kind: bytes, number: int, body: bytes = b"") -> None:
        """Does not block: the transport keeps what the pipe does not take."""
        if self.process.stdin is not None and not self.process.stdin.is_closing():
            self.process.stdin.write(pack(kind, number, body))


class PocketsphinxRecognition:
    """One utterance. Implements ``bots.ports.Recognition``."""

    def __init__(self, number: int, worker: _Worker) -> None:
        self._number = number
        self._worker = worker
        self._buffer = bytearray()
        self._partial = Partial()
        self._over = False
        self.result: asyncio.Future[Hypothesis] = asyncio.get_running_loop().create_future()

    def feed(self, pcm: bytes) -> None:
        """s16le at 8 kHz."""
        self._buffer += pcm
        if len(self._buffer) >= FEED_BYTES:
            self._send_audio()

    def partial(self) -> Partial:
        """The best text so far."""
        return self._partial

    async def finish(self) -> Hypothesis:
        """The final text; empty after ``cancel``. Raises ``RecognitionFailed``."""
        self._send_audio()
        self._end(b"E")
        try:
            async with asyncio.timeout(FINISH_TIMEOUT_S):
                await asyncio.wait({self.result})
            return Hypothesis("", 0.0) if self.result.cancelled() else self.result.result()
        except TimeoutError:
            raise RecognitionFailed(f"no answer within {FINISH_TIMEOUT_S} s") from None
        finally:
            self._worker.open.pop(self._number, None)

    def cancel(self) -> None:
        """Drop it. Safe to call twice."""
        self._end(b"C")
        self._worker.open.pop(self._number, None)
        self.result.cancel()

    def answered(self, kind: bytes, body: bytes) -> None:
        """A message of the worker about this utterance."""
        if kind == b"P":
            self._partial = Partial(**json.loads(body))
        elif not self.result.done():
            if kind == b"H":
                self.result.set_result(_hypothesis(json.loads(body)))
            else:
                self.fail(body.decode())

    def fail(self, reason: str) -> None:
        """It cannot be finished."""
        if not self.result.done():
            self.result.set_exception(RecognitionFailed(reason))
            # Nobody may be waiting yet; the failure is kept for ``finish``.
            self.result.exception()

    def _send_audio(self) -> None:
        if self._buffer and not self._over:
            self._worker.send(b"F", self._number, bytes(self._buffer))
        self._buffer.clear()

    def _end(self, kind: bytes) -> None:
        if not self._over:
            self._over = True
            self._worker.send(kind, self._number)


def _hypothesis(raw: dict[str, object]) -> Hypothesis:
    text = str(raw["text"])
    others = raw["alternatives"]
    assert isinstance(others, list)
    posterior = raw["posterior"]
    assert isinstance(posterior, int | float)
    return Hypothesis(text, calibrated(posterior, len(text.split())), tuple(map(str, others)))


class PocketsphinxTranscriber:
    """The offline recogniser. Implements ``bots.ports.Transcriber``; start it first."""

    name = "pocketsphinx"
    sample_rate = LINE_RATE

    def __init__(self, corpus: Corpus, workers: int = WORKERS) -> None:
        self._corpus = corpus
        self._wanted = workers
        self._workers: list[_Worker] = []
        self._numbers = itertools.count(1)
        self._prepared: dict[str, Expectation] = {}
        self._stopping = False
        self._restarts: set[asyncio.Task[None]] = set()

    @property
    def pids(self) -> tuple[int, ...]:
        """The process ids of the workers that run."""
        alive = (worker.process for worker in self._workers if worker.process.returncode is None)
        return tuple(process.pid for process in alive)

    async def start(self) -> None:
        """Start the workers and build the company's model: about two seconds.

        Raises ``RecognitionFailed`` when that fails.
        """
        self._stopping = False
        self._workers = list(
            await asyncio.gather(*(self._start_worker() for _ in range(self._wanted)))
        )

    async def stop(self) -> None:
        """End the workers. Safe to call twice."""
        self._stopping = True
        workers, self._workers = self._workers, []
        for worker in workers:
            if worker.process.stdin is not None:
                worker.process.stdin.close()
            try:
                async with asyncio.timeout(2):
                    await worker.process.wait()
            except TimeoutError:
                worker.process.kill()
                await worker.process.wait()
            if worker.reader is not None:
                await worker.reader

    def prepare(self, expect: Expectation) -> None:
        """Build the question's model in the background, once."""
        if expect.language != "en":
            return
        self._prepared[model_name(expect)] = expect
        for worker in self._workers:
            self._teach(worker, expect)

    def open(self, expect: Expectation) -> PocketsphinxRecognition:
        """Begin an utterance on the least busy worker. Raises ``RecognitionFailed``."""
        if expect.language != "en":
            raise LanguageNotHeard(f"pocketsphinx knows English only, not {expect.language!r}")
        alive = [worker for worker in self._workers if worker.process.returncode is None]
        if not alive:
            raise RecognitionFailed("no recognition worker is running; start() was not awaited?")
        worker = min(alive, key=lambda candidate: len(candidate.open))
        self._teach(worker, expect)
        number = next(self._numbers)
        recognition = PocketsphinxRecognition(number, worker)
        worker.open[number] = recognition
        wanted = {"model": model_name(expect)}
        if is_digits(expect):
            wanted["grammar"] = grammar_name(expect.length)
        worker.send(b"O", number, json.dumps(wanted).encode())
        return recognition

    # -- workers -----------------------------------------------------------------

    async def _start_worker(self) -> _Worker:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "bots.engines.decoder",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            # Ctrl-C is for us: workers end when we close their input, or are gone.
            start_new_session=True,
            env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        )
        worker = _Worker(process, models={BASE})
        worker.reader = asyncio.create_task(self._read(worker), name="recognition-worker")
        ready = asyncio.get_running_loop().create_future()
        worker.waiting[0] = ready
        self._teach_grammar(worker, 0)
        base = {"name": BASE, "lines": self._corpus.lines()}
        worker.send(b"M", 0, json.dumps(base).encode())
        for expect in self._prepared.values():
            self._teach(worker, expect)
        try:
            async with asyncio.timeout(START_TIMEOUT_S):
                await ready
        except TimeoutError:
            process.kill()
            raise RecognitionFailed(f"worker not ready within {START_TIMEOUT_S} s") from None
        return worker

    def _teach(self, worker: _Worker, expect: Expectation) -> None:
        name = model_name(expect)
        if name in worker.models:
            return
        worker.models.add(name)
        lines = question_lines(expect)
        closed = is_closed(expect)
        if closed:
            lines += self._corpus.spoken_lines()
        raw = {"name": name, "lines": lines, "with_base": not closed}
        worker.send(b"M", next(self._numbers), json.dumps(raw).encode())
        if is_digits(expect) and grammar_name(expect.length) not in worker.models:
            self._teach_grammar(worker, expect.length)

    def _teach_grammar(self, worker: _Worker, length: int) -> None:
        name = grammar_name(length)
        worker.models.add(name)
        grammar = {
            "name": name,
            "grammar": digits_grammar(length),
            "words": list(grammar_words()),
            "length": length,
            "beside": list(beside_one_digit()) if length == 1 else [],
        }
        worker.send(b"M", next(self._numbers), json.dumps(grammar).encode())

    async def _read(self, worker: _Worker) -> None:
        assert worker.process.stdout is not None
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await worker.process.stdout.readexactly(HEADER.size)
                size, kind, number = HEADER.unpack(head)
                body = await worker.process.stdout.readexactly(size)
                self._take(worker, kind, number, body)
        self._lost(worker)

    def _take(self, worker: _Worker, kind: bytes, number: int, body: bytes) -> None:
        ready = worker.waiting.pop(number, None)
        recognition = worker.open.get(number)
        if ready is not None and not ready.done():
            if kind == b"X":
                ready.set_exception(RecognitionFailed(body.decode()))
            else:
                ready.set_result(None)
        elif recognition is not None:
            recognition.answered(kind, body)
        elif kind == b"X":
            log.error("recognition worker: %s", body.decode())

    def _lost(self, worker: _Worker) -> None:
        for ready in worker.waiting.values():
            if not ready.done():
                ready.set_exception(RecognitionFailed("the recognition worker ended at once"))
        for recognition in list(worker.open.values()):
            recognition.fail("the recognition worker ended")
        worker.open.clear()
        if self._stopping or worker not in self._workers:
            return
        log.error("a recognition worker ended; starting another")
        task = asyncio.get_running_loop().create_task(self._replace(worker))
        self._restarts.add(task)
        task.add_done_callback(self._restarts.discard)

    async def _replace(self, lost: _Worker) -> None:
        fresh = await self._start_worker()
        if self._stopping:
            fresh.process.kill()
            return
        self._workers = [fresh if worker is lost else worker for worker in self._workers]
