"""Speech to text by faster-whisper: one model per process, shared by all calls.

Decoding happens on one thread that lets Python go on (CTranslate2 releases its lock), in
rounds for all calls together (``bots.engines.whisper_rounds``).
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from bots.engines.endings import Endings, plain, words_of
from bots.engines.local import Hardware
from bots.engines.pauses import Pause
from bots.engines.whisper_model import Model, load
from bots.engines.whisper_rounds import Look, Rounds, Utterance
from bots.engines.whisper_text import NOTHING
from bots.engines.whole import RATE, SHORTEST_S
from bots.engines.worker import Worker
from bots.errors import LanguageNotHeard, RecognitionFailed
from bots.ports import Expectation, Hypothesis, Partial

FINISH_TIMEOUT_S = 20.0
PAUSE_LOOK_S = 0.26
"""Of a pause until the model looks at what was said: a pause of 0.35 s may end the turn."""
LOOK_EVERY_S = 0.6
"""Of audio between two looks where no pause can be told from speech, for noise."""
FIRST_LOOK_S = 0.6
"""The audio before speech was noticed, and a short word."""


class WhisperTranscriber:
    """faster-whisper. Implements ``bots.ports.Transcriber``; start it first."""

    name = "whisper"
    sample_rate = RATE

    def __init__(
        self, folder: Path, hardware: Hardware | None = None, endings: Endings | None = None
    ) -> None:
        """``folder`` holds the model; ``endings`` tell where a sentence may end."""
        self._folder = folder
        self._hardware = hardware or Hardware()
        self.endings = endings or Endings()
        self._worker = Worker("whisper")
        self._model: Model | None = None
        self.rounds = Rounds(self._worker)

    async def start(self) -> None:
        """Load the model and try it. Raises ``EngineUnavailable``."""
        self._worker.start()
        self._model = await self._worker.run(load, self._folder, self._hardware)
        self.rounds.start(self._model)

    async def stop(self) -> None:
        """Let the model go; utterances that wait for it fail. Safe to call twice."""
        self._model = None
        self.rounds.stop()
        self._worker.stop()

    @property
    def wait_s(self) -> float:
        """How long an utterance that ends now would wait for its turn."""
        return self.rounds.wait_s

    def prepare(self, expect: Expectation) -> None:
        """Nothing to prepare: the phrases go along with each utterance."""

    def open(self, expect: Expectation) -> WhisperRecognition:
        """Begin an utterance.

        Raises ``RecognitionFailed`` before ``start`` and for a language the model has not.
        """
        if self._model is None:
            raise RecognitionFailed("the Whisper model is not loaded; await start() first")
        languages = self._model.languages
        if expect.language not in languages:
            has = "English only" if languages == {"en"} else f"{len(languages)} others"
            raise LanguageNotHeard(f"this Whisper model hears {has}, not {expect.language!r}")
        return WhisperRecognition(self, expect)


class WhisperRecognition:
    """One utterance. Implements ``bots.ports.Recognition``."""

    def __init__(self, owner: WhisperTranscriber, expect: Expectation) -> None:
        self._owner = owner
        self._expect = expect
        self._pcm = bytearray()
        self._next_look = _bytes(FIRST_LOOK_S)
        self._pause = Pause()
        self._look = Look(0, NOTHING)
        self._over = False
        self._utterance: Utterance | None = None

    def feed(self, pcm: bytes) -> None:
        """s16le at 16 kHz."""
        if self._over:
            return
        self._pcm += pcm
        before = self._pause.bytes
        self._pause.hear(pcm)
        pauses = before < _bytes(PAUSE_LOOK_S) <= self._pause.bytes
        speaks = not self._pause.bytes and len(self._pcm) >= self._next_look
        if len(self._pcm) >= _bytes(FIRST_LOOK_S) and (pauses or speaks):
            self._next_look = len(self._pcm) + _bytes(LOOK_EVERY_S)
            self._owner.rounds.look_at(self)

    def so_far(self) -> Utterance | None:
        """The audio until now; None when nobody wants to know any more."""
        return None if self._over else Utterance(bytes(self._pcm), self._expect)

    def looked(self, look: Look) -> None:
        """The model had a look."""
        self._look = look

    def partial(self) -> Partial:
        """The text of the last look, as a flow's phrases are written; empty without one."""
        text = self._look.heard.text
        return Partial(plain(text), self._owner.endings.likely(words_of(text)))

    async def finish(self) -> Hypothesis:
        """The final text; empty after ``cancel``. Raises ``RecognitionFailed``."""
        if self._over or len(self._pcm) < _bytes(SHORTEST_S):
            self._over = True
            return NOTHING
        self._over = True
        utterance = Utterance(bytes(self._pcm), self._expect, self._look)
        self._utterance = utterance
        self._owner.rounds.add(utterance)
        try:
            async with asyncio.timeout(FINISH_TIMEOUT_S):
                return await utterance.result
        except TimeoutError:
            raise RecognitionFailed(f"Whisper took longer than {FINISH_TIMEOUT_S} s") from None
        finally:
            utterance.dropped = True

    def cancel(self) -> None:
        """Drop it; the model does no more for it. Safe to call twice."""
        self._over = True
        self._pcm.clear()
        if self._utterance is not None:
            self._utterance.settle(NOTHING)


def _bytes(seconds: float) -> int:
    return 2 * int(RATE * seconds)
