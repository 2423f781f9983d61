"""A CTranslate2 Whisper model: its files, where they come from, and what it does with speech.

1. ``cut``: a small detector (Silero, part of faster-whisper) finds who speaks when, and the
   speech goes into pieces that fit the model's window. Silence gives none, and no words.
2. ``decode``: one call of the model for pieces of many callers. What one of them must be told
   before, its hints, may differ; its language as well.
3. The window is the model's own (``chunk_length`` in ``preprocessor_config.json``, 30 s where
   it does not say). A model that was trained on a shorter one costs so much less.
"""

from __future__ import annotations

import contextlib
import importlib
import logging
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bots.engines.errors import EngineUnavailable
from bots.engines.hub import HubFailed, HubLacks, download, download_first
from bots.engines.local import Hardware
from bots.engines.whisper_text import Decoded
from bots.engines.whole import RATE
from bots.engines.worker import spare_cores
from bots.ports import Expectation

MODEL_FILES = ("model.bin", "config.json", "tokenizer.json")
VOCABULARIES = ("vocabulary.json", "vocabulary.txt")
FEATURES = "preprocessor_config.json"
"""Says how many bands the model hears, and its window; models with 80 and 30 s do without it."""
GPU_TYPE, CPU_TYPE = "float16", "int8"
SPEECH_THRESHOLD = 0.35
"""Of Silero, 0 to 1. Rendered telephone speech was above 0.38, noise below 0.22."""
SHORTEST_PAUSE_S = 0.1
AROUND_S = 0.4
"""Of the line that stays around speech: its first and last sounds are often quiet."""
HINTS = 12
"""Phrases that go along as a prompt; more push the beginning of the prompt out."""
TOKENS, TOKENS_PER_S, MOST_TOKENS = 16, 12, 200
"""An answer's tokens: some, more for each second, and what a prompt leaves room for."""

Samples = npt.NDArray[np.float32]
Span = tuple[int, int]

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


@dataclass(frozen=True, slots=True)
class Piece:
    """Speech that fits the window, and how long somebody speaks in it (seconds)."""

    samples: Samples
    expect: Expectation
    spoken_s: float

    @property
    def most_tokens(self) -> int:
        """A model that has got into a loop must not keep the other calls waiting."""
        return min(MOST_TOKENS, TOKENS + round(TOKENS_PER_S * len(self.samples) / RATE))


@dataclass(frozen=True, slots=True)
class Cut:
    """An utterance's pieces, and the sample behind the last sound of speech."""

    pieces: tuple[Piece, ...]
    speech_ends: int


class Model:
    """A loaded model. Its methods block; never two at once."""

    def __init__(self, model: Any) -> None:
        """``model`` is a ``faster_whisper.WhisperModel``."""
        self._model = model
        self._frames: int = model.feature_extractor.nb_max_frames
        self._tokenizers: dict[str, Any] = {}
        self.languages = frozenset(str(code) for code in model.supported_languages)
        self.window_s: float = float(model.feature_extractor.chunk_length)

    def cut(self, samples: Samples, expect: Expectation) -> Cut:
        """Who speaks when, in pieces that fit the window, cut in pauses where there are some."""
        spans = _speech(samples)
        window = int(self.window_s * RATE)
        pieces = []
        for group in _grouped(spans, window - int((AROUND_S + SHORTEST_PAUSE_S) * RATE)):
            begin = max(0, group[0][0] - int(AROUND_S * RATE))
            end = min(group[-1][1] + int(AROUND_S * RATE), begin + window)
            spoken_s = sum(last - first for first, last in group) / RATE
            pieces.append(Piece(samples[begin:end], expect, spoken_s))
        return Cut(tuple(pieces), spans[-1][1] if spans else 0)

    def decode(self, pieces: Sequence[Piece]) -> list[Decoded]:
        """The text of each piece. Raises ``RuntimeError`` and ``ValueError``."""
        prompts = [self._prompt(piece.expect) for piece in pieces]
        by_length: dict[int, list[int]] = defaultdict(list)
        for number, prompt in enumerate(prompts):
            by_length[len(prompt)].append(number)
        encoded = self._encoded(pieces, apart=len(by_length) > 1)
        found: dict[int, Decoded] = {}
        for length, numbers in by_length.items():
            # A batch must have its prompts' ends at the same place.
            rows = encoded if len(by_length) == 1 else self._rows(encoded, numbers)
            results = self._model.model.generate(
                rows,
                [prompts[number] for number in numbers],
                beam_size=1,
                max_length=length + max(pieces[number].most_tokens for number in numbers),
                suppress_blank=True,
                suppress_tokens=self._suppressed,
                return_scores=True,
                return_no_speech_prob=True,
            )
            for number, result in zip(numbers, results, strict=True):
                found[number] = self._decoded(pieces[number], result)
        return [found[number] for number in range(len(pieces))]

    def _encoded(self, pieces: Sequence[Piece], *, apart: bool) -> Any:
        runtime: Any = importlib.import_module("ctranslate2")
        features = np.zeros((len(pieces), self._model.model.n_mels, self._frames), np.float32)
        for row, piece in zip(features, pieces, strict=True):
            made = self._model.feature_extractor(piece.samples)[:, : self._frames]
            row[:, : made.shape[1]] = made
        storage = runtime.StorageView.from_array(features)
        encoded = self._model.model.encode(storage, to_cpu=apart)
        if apart and encoded.dtype != runtime.DataType.float32:
            encoded = encoded.to(runtime.DataType.float32)
        return encoded

    def _rows(self, encoded: Any, numbers: Sequence[int]) -> Any:
        runtime: Any = importlib.import_module("ctranslate2")
        return runtime.StorageView.from_array(np.ascontiguousarray(np.asarray(encoded)[numbers]))

    def _prompt(self, expect: Expectation) -> list[int]:
        hints = ", ".join(expect.phrases[:HINTS]) or None
        prompt: list[int] = self._model.get_prompt(
            self._tokenizer(expect.language), [], without_timestamps=True, hotwords=hints
        )
        return prompt

    def _tokenizer(self, language: str) -> Any:
        if language not in self._tokenizers:
            tokenizer: Any = importlib.import_module("faster_whisper.tokenizer")
            self._tokenizers[language] = tokenizer.Tokenizer(
                self._model.hf_tokenizer,
                self._model.model.is_multilingual,
                task="transcribe",
                language=language,
            )
        return self._tokenizers[language]

    @cached_property
    def _suppressed(self) -> list[int]:
        whisper: Any = importlib.import_module("faster_whisper.transcribe")
        return list(whisper.get_suppressed_tokens(self._tokenizer("en"), [-1]))

    def _decoded(self, piece: Piece, result: Any) -> Decoded:
        tokens: list[int] = result.sequences_ids[0]
        # CTranslate2's score is a mean over the tokens without the last, which ends the text.
        total = result.scores[0] * len(tokens)
        text = self._tokenizer(piece.expect.language).decode(tokens[: piece.most_tokens])
        return Decoded(
            text.strip(), total / (len(tokens) + 1), float(result.no_speech_prob), piece.spoken_s
        )


def load(folder: Path, hardware: Hardware) -> Model:
    """Load a model and try it; blocks. Raises ``EngineUnavailable``."""
    if missing := missing_files(folder):
        raise EngineUnavailable(
            f"{folder} lacks {', '.join(missing)}: expected a CTranslate2 Whisper "
            f"model with {', '.join(MODEL_FILES)} and {VOCABULARIES[0]}"
        )
    device, number = _device(hardware.device)
    whisper: Any = importlib.import_module("faster_whisper")
    try:
        model = Model(
            whisper.WhisperModel(
                str(folder),
                device=device,
                device_index=number,
                compute_type=hardware.compute_type or (GPU_TYPE if device == "cuda" else CPU_TYPE),
                cpu_threads=hardware.threads or spare_cores(),
                local_files_only=True,
            )
        )
        # The first time is slow, and only now files that do not fit each other show.
        silence = np.zeros(RATE // 2, np.float32)
        _speech(silence)
        model.decode([Piece(silence, Expectation(), 0.5)])
    except Exception as error:
        # Its three libraries have no common error; the tokenizer's is a bare Exception.
        raise EngineUnavailable(
            f"{folder} holds no Whisper model that works on {hardware.device}: {error}. Expected "
            f"{', '.join(MODEL_FILES)} and {VOCABULARIES[0]} of one CTranslate2 model, "
            f"and {FEATURES} where it came with one"
        ) from None
    return model


def _device(wanted: str) -> tuple[str, int]:
    """As CTranslate2 names it. Raises ``EngineUnavailable`` for a GPU that is not there."""
    runtime: Any = importlib.import_module("ctranslate2")
    gpus: int = runtime.get_cuda_device_count()
    name, _, number = wanted.partition(":")
    if name == "auto":
        return ("cuda", 0) if gpus else ("cpu", 0)
    if name == "cpu":
        return name, 0
    if not (number or "0").isdigit() or int(number or 0) >= gpus:
        raise EngineUnavailable(
            f"PARLEY_WHISPER_DEVICE={wanted}: this machine has {gpus or 'no'} GPUs for "
            "CTranslate2; use cpu, or install the driver and the CUDA libraries"
        )
    return name, int(number or 0)


def _speech(samples: Samples) -> list[Span]:
    """First sample and sample behind the last of each stretch of speech."""
    detector: Any = importlib.import_module("faster_whisper.vad")
    options = detector.VadOptions(
        threshold=SPEECH_THRESHOLD,
        min_silence_duration_ms=int(SHORTEST_PAUSE_S * 1000),
        speech_pad_ms=0,
    )
    found = detector.get_speech_timestamps(samples, options)
    return [(int(span["start"]), int(span["end"])) for span in found]


def _grouped(spans: Sequence[Span], room: int) -> list[list[Span]]:
    """Those that have room together; one that is longer is cut."""
    groups: list[list[Span]] = []
    for start, end in spans:
        if groups and end - groups[-1][0][0] <= room:
            groups[-1].append((start, end))
        else:
            groups += [[(at, min(end, at + room))] for at in range(start, end, room)]
    return groups
