"""Moonshine tiny: a small recogniser of English whose model comes inside a Python package.

An encoder and a decoder (27 million parameters) as described in "Moonshine: Speech Recognition for
Live Transcription and Voice Commands" (Jeffries et al., 2024, arXiv:2410.15608). There is no window
of fixed length, so that a second of speech costs a second's work and no more.

The package's own library hands out texts only. Here its ONNX files are run with onnxruntime, since
what is wanted are probabilities: of the best few readings, and of readings that somebody else
proposes (``bots.engines.second_hearing``). Blocks; one thread.

The model was made for clear recordings. ``moonshine_line.npz`` has other weights for its encoder,
which has learned to make of a telephone line what it makes of a clear recording
(``python -m evals.line_encoder``).
"""

from __future__ import annotations

import hashlib
import importlib.util
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime

PACKAGE = "moonshine_voice"
FOLDER = "assets/tiny-en"
ENCODER, DECODER, TOKENS = "encoder_model.ort", "decoder_model_merged.ort", "tokenizer.bin"
LEARNED = Path(__file__).with_name("moonshine_line.npz")
MADE_FOR = "made_for"
"""In that file: the fingerprint of the encoder whose weights it replaces."""
RATE = 16000
START, END = 1, 2
BYTES_FROM = 3
"""The first of 256 tokens for single bytes; the same letters have tokens of their own behind."""
TOKENS_PER_S = 6.5
"""More than this nobody says; a decoder that repeats itself ends there (as the authors have it)."""
TOKENS_MORE = 4
OF_SOUND = ".encoder."
"""In the names of what the decoder keeps of the sound: the same in all rows of one utterance."""
SHORTEST_S = 0.2
"""The encoder needs some sound to look at."""
LOUDEST = 0.5
"""The model has learned from recordings as loud as this, at their peaks."""
SPACE = "\u2581"

Floats = npt.NDArray[np.float32]
Cache = dict[str, Floats]
Stretch = tuple[float, tuple[int, ...]]
"""Log probability and tokens of a beginning."""
Allowed = Callable[[tuple[int, ...]], Iterable[int]]
"""What may follow these tokens, ``END`` for that they may be all."""

log = logging.getLogger(__name__)


def find_model() -> Path | None:
    """The folder with the three files; None where the package is not installed."""
    # find_spec runs no code of the package, which would want a microphone.
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        return None
    folder = Path(spec.origin).parent / FOLDER
    return folder if all((folder / name).is_file() for name in (ENCODER, DECODER, TOKENS)) else None


def fingerprint(path: Path) -> str:
    """By which a file is known again."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def learned(model: Path, path: Path = LEARNED) -> dict[str, npt.NDArray[Any]]:
    """Weights for telephone lines by name; none where they are for another encoder."""
    if not path.is_file():
        log.warning("%s is missing: Moonshine hears telephone lines worse", path)
        return {}
    with np.load(path) as kept:
        if str(kept[MADE_FOR]) != fingerprint(model):
            log.warning("%s is for another model than %s and is not used", path.name, model)
            return {}
        found = {name: kept[name] for name in kept.files if name != MADE_FOR}
    return {
        name: each.astype(np.float32) if each.dtype == np.float16 else each
        for name, each in found.items()
    }


@dataclass(frozen=True, slots=True)
class Reading:
    """A text, and the natural logarithm of its probability given the sound."""

    text: str
    log_prob: float


@dataclass(frozen=True, slots=True)
class Sound:
    """What the encoder made of an utterance: ``hidden`` is (1, frames, width)."""

    hidden: Floats
    seconds: float


class Moonshine:
    """The model. Raises ``OSError`` or onnxruntime's errors when its files do not work."""

    def __init__(self, folder: Path, weights: Path = LEARNED) -> None:
        """``weights`` takes the place of what ``folder`` has, where it was made for it."""
        others = learned(folder / ENCODER, weights)
        # onnxruntime uses these arrays where they lie, as long as the session lives.
        self._weights = {
            name: onnxruntime.OrtValue.ortvalue_from_numpy(np.ascontiguousarray(each))
            for name, each in others.items()
        }
        self._encoder = _session(folder / ENCODER, self._weights)
        self._decoder = _session(folder / DECODER, {})
        self.tokens = Tokens(folder / TOKENS)
        past = [one for one in self._decoder.get_inputs() if one.name.startswith("past")]
        self._all = {one.name: one.name.replace("past_key_values", "present") for one in past}
        self._fresh = {name: new for name, new in self._all.items() if OF_SOUND not in name}
        heads, size = past[0].shape[1], past[0].shape[3]
        self._nothing = (heads, 0, size)

    def hear(self, samples: Floats) -> Sound:
        """Mono samples -1..1 at 16 kHz; brought to the loudness that the model knows."""
        least = round(SHORTEST_S * RATE)
        samples = np.pad(samples, (0, max(0, least - len(samples))))
        peak = float(np.abs(samples).max())
        wave = (samples * (LOUDEST / peak) if peak > 0 else samples).astype(np.float32)[None]
        mask = np.ones(wave.shape, np.int64)
        (hidden,) = self._encoder.run(None, {"input_values": wave, "attention_mask": mask})
        return Sound(hidden, wave.shape[1] / RATE)

    def readings(self, sound: Sound, width: int, allowed: Allowed | None = None) -> list[Reading]:
        """The best texts that a beam of ``width`` finds, most probable first.

        With ``allowed`` only those that it lets through, token by token.
        """
        beam = _Beam(width, allowed)
        past: Cache | None = None
        for _ in range(int(sound.seconds * TOKENS_PER_S) + TOKENS_MORE):
            logits, past = self._step(sound, beam.last, past)
            rows = beam.grow(_log_softmax(logits[:, -1]))
            if rows is None:
                break
            past = {
                name: kept[: len(rows)]
                if OF_SOUND in name and len(kept) >= len(rows)
                else kept[rows]
                for name, kept in past.items()
            }
        found: dict[str, float] = {}
        for score, ids in beam.found():
            found.setdefault(self.tokens.text(ids), score)
        return [Reading(text, score) for text, score in found.items()]

    def log_probs(self, sound: Sound, texts: Sequence[str]) -> list[float]:
        """Of each of these texts, as written, given the sound."""
        ids = [[*self.tokens.ids(text), END] for text in texts]
        longest = max(map(len, ids))
        said = np.array([[START, *each, *[END] * (longest - len(each))] for each in ids])
        logits, _ = self._step(sound, said[:, :-1], None)
        log_probs = _log_softmax(logits)
        return [
            float(sum(log_probs[row, at, token] for at, token in enumerate(each)))
            for row, each in enumerate(ids)
        ]

    def _step(
        self, sound: Sound, ids: npt.NDArray[Any], past: Cache | None
    ) -> tuple[Floats, Cache]:
        rows, frames = len(ids), sound.hidden.shape[1]
        given: dict[str, Any] = {
            "input_ids": ids,
            "encoder_hidden_states": np.repeat(sound.hidden, rows, 0),
            "encoder_attention_mask": np.ones((rows, frames), np.int64),
            "use_cache_branch": np.array([past is not None]),
        }
        empty = np.zeros((rows, *self._nothing), np.float32)
        given |= dict.fromkeys(self._all, empty) if past is None else past
        # What the decoder keeps of the sound is computed once and handed on: it is large.
        wanted = self._fresh if past is not None else self._all
        logits, *present = self._decoder.run(["logits", *wanted.values()], given)
        kept = (past or {}) | dict(zip(wanted, present, strict=True))
        return logits, kept


def _session(path: Path, weights: Mapping[str, Any]) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    for name, each in weights.items():
        options.add_initializer(name, each)
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


class Tokens:
    """Byte pair encoding: the vocabulary's order is the order in which pairs are joined."""

    def __init__(self, path: Path) -> None:
        self._names = _read_tokens(path.read_bytes())
        self._ranks = {
            name: rank for rank, name in enumerate(self._names) if rank >= BYTES_FROM + 256
        }

    def text(self, ids: Sequence[int]) -> str:
        """What these tokens say."""
        names = (self._names[one] for one in ids)
        return b"".join(names).decode("utf-8", "replace").replace(SPACE, " ").strip()

    def ids(self, text: str) -> list[int]:
        """How the model was taught to write a text."""
        parts = [each.encode() for each in SPACE + text.replace(" ", SPACE)]
        while len(parts) > 1:
            ranks = [self._ranks.get(a + b) for a, b in pairwise(parts)]
            joined = [(rank, at) for at, rank in enumerate(ranks) if rank is not None]
            if not joined:
                break
            _, at = min(joined)
            parts[at : at + 2] = [parts[at] + parts[at + 1]]
        ids: list[int] = []
        for part in parts:
            known = self._ranks.get(part)
            # What has no token of its own is written byte by byte.
            ids += [known] if known is not None else [BYTES_FROM + one for one in part]
        return ids


def _read_tokens(data: bytes) -> list[bytes]:
    """Length (one byte, or two of seven bits, low ones first) and bytes of each token."""
    names, at = [], 0
    while at < len(data):
        length = data[at]
        at += 1
        if length >= 128:
            length = length - 128 + data[at] * 128
            at += 1
        names.append(data[at : at + length])
        at += length
    return names


def _log_softmax(logits: Floats) -> Floats:
    shifted = logits - logits.max(-1, keepdims=True)
    result: Floats = shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))
    return result


class _Beam:
    """The search for the most probable sequences of tokens."""

    def __init__(self, width: int, allowed: Allowed | None) -> None:
        self._width = width
        self._allowed = allowed
        self._open: list[Stretch] = [(0.0, ())]
        self._done: list[Stretch] = []

    @property
    def last(self) -> npt.NDArray[np.int64]:
        """What the decoder is to be given next: (rows, 1)."""
        return np.array([[ids[-1] if ids else START] for _, ids in self._open])

    def grow(self, log_probs: Floats) -> list[int] | None:
        """Go on by one token; the rows that go on, None at the end of the search."""
        options = [
            (score + float(log_probs[row, token]), row, int(token))
            for row, (score, ids) in enumerate(self._open)
            for token in self._tokens(ids, log_probs[row])
        ]
        options.sort(reverse=True)
        going: list[tuple[Stretch, int]] = []
        for score, row, token in options[: 2 * self._width]:
            ids = self._open[row][1]
            if token == END:
                self._done.append((score, ids))
            elif len(going) < self._width:
                going.append(((score, (*ids, token)), row))
        self._done.sort(key=lambda one: -one[0])
        del self._done[self._width :]
        full = len(self._done) == self._width
        if not going or (full and self._done[-1][0] >= going[0][0][0]):
            return None
        self._open = [path for path, _ in going]
        return [row for _, row in going]

    def _tokens(self, ids: tuple[int, ...], log_probs: Floats) -> Iterable[int]:
        if self._allowed is not None:
            return self._allowed(ids)
        best: list[int] = np.argpartition(log_probs, -self._width - 1)[-self._width - 1 :].tolist()
        return best

    def found(self) -> list[Stretch]:
        """What came to an end, best first; what was cut short where nothing did."""
        return self._done or ([] if self._allowed else self._open)
