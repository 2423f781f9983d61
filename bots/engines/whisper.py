"""Speech to text by faster-whisper: one model per process, shared by all calls.

1. Audio is kept while the caller speaks and decoded at the end of the turn, on one thread
   that lets Python go on (CTranslate2 releases its lock).
2. Whisper invents words where nobody speaks, so a small detector (Silero, part of
   faster-whisper) first decides whether there is speech at all; what Whisper itself holds
   for no speech, or repeats, is dropped too.
3. An utterance may only have so many words for its length: a model that has got into a
   loop must not keep the other calls waiting.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import logging
import math
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bots.engines.errors import EngineUnavailable
from bots.engines.hub import HubFailed, HubLacks, download, download_first
from bots.engines.whole import RATE, WholeUtterance
from bots.engines.worker import Worker, WorkerStopped, spare_cores
from bots.errors import LanguageNotHeard, RecognitionFailed
from bots.ports import Expectation, Hypothesis

MODEL_FILES = ("model.bin", "config.json", "tokenizer.json")
VOCABULARIES = ("vocabulary.json", "vocabulary.txt")
FEATURES = "preprocessor_config.json"
"""Says how many bands the model hears; models with 80 do without it."""
SPEECH_THRESHOLD = 0.35
"""Of Silero, 0 to 1. Rendered telephone speech was above 0.38, noise below 0.22."""
NO_SPEECH = 0.6
LEAST_LOG_PROBABILITY = -1.0
MOST_REPETITION = 2.4
"""Compression ratio above which the text repeats itself (the value Whisper's authors use)."""
FINISH_TIMEOUT_S = 20.0
HINTS = 12
"""Phrases that go along as a prompt; more push the beginning of the prompt out."""
TOKENS, TOKENS_PER_S, MOST_TOKENS = 16, 12, 200
"""An answer's tokens: some, more for each second, and what a prompt leaves room for."""

Samples = npt.NDArray[np.float32]

log = logging.getLogger(__name__)


def missing_files(folder: Path) -> list[str]:
    """What the folder lacks for a CTranslate2 Whisper model; nothing for a model."""
    missing = [name for name in MODEL_FILES if not (folder / name).is_file()]
    if not any((folder / name).is_file() for name in VOCABULARIES):
        missing.append(VOCABULARIES[0])
    return missing


def is_model(folder: Path) -> bool:
    """Whether a CTranslate2 Whisper model lies there."""
    return not missing_files(folder)


def fetch(repository: str, folder: Path) -> None:
    """Get a model from its hub into ``folder``. Raises ``EngineUnavailable``."""
    log.info("fetching the speech model %s into %s", repository, folder)
    try:
        with contextlib.suppress(HubLacks):
            download(repository, FEATURES, folder / FEATURES)
        download_first(repository, VOCABULARIES, folder)
        # The model last: the folder counts as one only when all is there.
        for name in reversed(MODEL_FILES):
            download(repository, name, folder / name)
    except HubFailed as error:
        raise EngineUnavailable(
            f"the speech model {repository!r} could not be fetched ({error}). "
            f"Put {', '.join(MODEL_FILES)} and {VOCABULARIES[0]} of a CTranslate2 Whisper model "
            f"into {folder}, or set PARLEY_SPEECH=offline"
        ) from None


class WhisperTranscriber:
    """faster-whisper. Implements ``bots.ports.Transcriber``; start it first."""

    name = "whisper"
    sample_rate = RATE

    def __init__(self, folder: Path, *, threads: int = 0, compute_type: str = "int8") -> None:
        """``folder`` holds the model; ``threads`` 0 leaves one core to the calls' audio."""
        self._folder = folder
        self._threads = threads or spare_cores()
        self._compute_type = compute_type
        self._model: Any = None
        self._languages: frozenset[str] = frozenset()
        self._worker = Worker("whisper")

    async def start(self) -> None:
        """Load the model and try it. Raises ``EngineUnavailable``."""
        if missing := missing_files(self._folder):
            raise EngineUnavailable(
                f"{self._folder} lacks {', '.join(missing)}: expected a CTranslate2 Whisper "
                f"model with {', '.join(MODEL_FILES)} and {VOCABULARIES[0]}"
            )
        self._worker.start()
        model = await self._worker.run(self._load)
        self._languages = frozenset(model.supported_languages)
        self._model = model

    async def stop(self) -> None:
        """Let the model go; utterances that wait for it fail. Safe to call twice."""
        self._model = None
        self._worker.stop()

    def prepare(self, expect: Expectation) -> None:
        """Nothing to prepare: the phrases go along with each utterance."""

    def open(self, expect: Expectation) -> WholeUtterance:
        """Begin an utterance.

        Raises ``RecognitionFailed`` before ``start`` and for a language the model has not.
        """
        if self._model is None:
            raise RecognitionFailed("the Whisper model is not loaded; await start() first")
        if expect.language not in self._languages:
            has = "English only" if self._languages == {"en"} else f"{len(self._languages)} others"
            raise LanguageNotHeard(f"this Whisper model hears {has}, not {expect.language!r}")
        return WholeUtterance(partial(self.transcribe, expect=expect))

    async def transcribe(self, pcm: bytes, expect: Expectation) -> Hypothesis:
        """The text of a whole utterance, s16le at 16 kHz. Raises ``RecognitionFailed``."""
        model = self._model
        samples = np.frombuffer(pcm[: len(pcm) & ~1], dtype="<i2").astype(np.float32)
        samples /= np.float32(32768)
        try:
            async with asyncio.timeout(FINISH_TIMEOUT_S):
                return await self._worker.run(_transcribe, model, samples, expect)
        except TimeoutError:
            raise RecognitionFailed(f"Whisper took longer than {FINISH_TIMEOUT_S} s") from None
        except (WorkerStopped, RuntimeError, ValueError) as error:
            raise RecognitionFailed(f"Whisper failed: {error}") from None

    def _load(self) -> Any:
        whisper: Any = importlib.import_module("faster_whisper")
        try:
            model = whisper.WhisperModel(
                str(self._folder),
                device="cpu",
                compute_type=self._compute_type,
                cpu_threads=self._threads,
                local_files_only=True,
            )
            # The first time is slow, and only now files that do not fit each other show.
            _segments(model, np.zeros(RATE // 2, np.float32), Expectation(), detect=False)
        except Exception as error:
            # Its three libraries have no common error; the tokenizer's is a bare Exception.
            raise EngineUnavailable(
                f"{self._folder} holds no Whisper model that works: {error}. Expected "
                f"{', '.join(MODEL_FILES)} and {VOCABULARIES[0]} of one CTranslate2 model, "
                f"and {FEATURES} where it came with one"
            ) from None
        return model


def _transcribe(model: Any, samples: Samples, expect: Expectation) -> Hypothesis:
    segments = _segments(model, samples, expect)
    return hypothesis_of([segment for segment in segments if not is_repetition(segment)])


def _segments(
    model: Any, samples: Samples, expect: Expectation, *, detect: bool = True
) -> list[Any]:
    """faster-whisper's segments; without ``detect`` silence is decoded, too."""
    seconds = len(samples) / RATE
    segments, _ = model.transcribe(
        samples,
        language=expect.language,
        beam_size=1,
        best_of=1,
        temperature=0.0,
        without_timestamps=True,
        condition_on_previous_text=False,
        no_speech_threshold=NO_SPEECH,
        log_prob_threshold=LEAST_LOG_PROBABILITY,
        vad_filter=detect,
        vad_parameters={"threshold": SPEECH_THRESHOLD},
        max_new_tokens=min(MOST_TOKENS, TOKENS + round(TOKENS_PER_S * seconds)),
        hotwords=", ".join(expect.phrases[:HINTS]) or None,
    )
    return list(segments)


def is_repetition(segment: Any) -> bool:
    """Whether a segment's text is one thing again and again, as of a model in a loop."""
    return bool(segment.compression_ratio > MOST_REPETITION)


def hypothesis_of(segments: list[Any]) -> Hypothesis:
    """One hypothesis of all segments; confidence from their mean log probability."""
    text = " ".join(segment.text.strip() for segment in segments).strip()
    if not text:
        return Hypothesis("", 0.0)
    mean = sum(segment.avg_logprob for segment in segments) / len(segments)
    return Hypothesis(text, round(min(1.0, math.exp(mean)), 3))
