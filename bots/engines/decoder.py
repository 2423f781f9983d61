"""The worker process of the offline recogniser: `python -m bots.engines.decoder`.

pocketsphinx holds Python's lock while it decodes, so it runs in processes of its own,
each with several decoders that are made once and used again. Messages on standard input
and output: length (u32 of what follows the kind), kind (one byte), utterance (u32), body.

To the worker: ``M`` a model (JSON), ``O`` open (JSON), ``F`` audio (s16le 8 kHz),
``E`` end, ``C`` cancel. From it: ``R`` ready, ``P`` partial text (JSON), ``H`` hypothesis (JSON),
``X`` why it failed. A worker ends when its input does, or when nobody reads its answers.
"""

from __future__ import annotations

import io
import json
import os
import struct
import tempfile
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
import pocketsphinx
import soxr

from bots.engines.espeak import ipa
from bots.engines.language import arpa_above, everyday
from bots.engines.lexicon import Lexicon, arpa, read_dictionary
from bots.engines.loudness import Loudness
from bots.engines.phrases import FEW_WORDS
from bots.engines.telephone_band import Network, TelephoneBand

HEADER = struct.Struct(">IcI")
LINE_RATE = 8000
MODEL_RATE = 16000
MAX_DECODERS = 24
SPARE_DECODERS = 2
"""Made before the first call needs them."""
MAX_SEARCHES = 4
"""Models kept ready in one decoder; adding one takes about 15 ms."""
PARTIAL_EVERY = 2
"""Audio messages between two looks at the partial text: a pause of 0.35 s may end the turn."""
SENTENCE_END, CONTEXT = "</s>", 2
"""The word of the models behind the last, and how many before it they look at."""
ALTERNATIVES = 3
WARM_UP_MS = 400
FRAMES_AT_ONCE = 6
"""pocketsphinx 5.1 loses what is more than its small buffer in one call of ``process_cep``."""
MIXTURES = 8
"""Gaussians of each codebook that count (the model's authors used 4)."""
BASE, ANY_DIGITS = "base", "digits-any"
COMMON_WORDS = 1500
"""Everyday words that may be said whether or not some line has them."""
SLIPS = 1
"""Digits that the open model may miss, or hear too many, in an answer of the right length."""
LONE_POSTERIOR, SCRAP_POSTERIOR = 0.72, 0.3
"""Of a single digit that both models heard, or only the grammar: 89 and 80 % of them were right on
good lines, 80 and 43 % on bad ones, and ``bots.engines.offline.calibrated`` makes 0.85 and 0.55."""
Cepstra = npt.NDArray[np.float32]
DIGIT_WORDS = frozenset(
    {"zero", "oh", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"}
)


def pack(kind: bytes, utterance: int, body: bytes = b"") -> bytes:
    """One message."""
    return HEADER.pack(len(body), kind, utterance) + body


def read_message(file: BinaryIO) -> tuple[bytes, int, bytes] | None:
    """The next message; None at the end of the input."""
    head = file.read(HEADER.size)
    if len(head) < HEADER.size:
        return None
    size, kind, utterance = HEADER.unpack(head)
    body = file.read(size)
    return (kind, utterance, body) if len(body) == size else None


@dataclass(slots=True)
class Model:
    """A language model (ARPA file) or a grammar (JSGF text) by name."""

    name: str
    path: str = ""
    grammar: str = ""
    length: int = 0
    """Of a grammar: the digits of its answer, 0 for any number."""
    beside: frozenset[str] = frozenset()
    """Of a grammar for one digit: what else is believed, of so few words."""


class Models:
    """Everything a decoder can be set to, and the pronunciations for it."""

    def __init__(self, lexicon: Lexicon, folder: str) -> None:
        self._lexicon = lexicon
        self._folder = folder
        self._base: list[list[str]] = []
        self._known: dict[str, list[str]] = {}
        self.by_name: dict[str, Model] = {}
        self.dictionary = os.path.join(folder, "words.dict")

    def add(self, raw: dict[str, Any]) -> None:
        """Make the model that the message describes."""
        name = raw["name"]
        if "grammar" in raw:
            self._learn(raw["words"])
            beside = frozenset(raw["beside"])
            self.by_name[name] = Model(name, "", raw["grammar"], raw["length"], beside)
        else:
            lines: list[list[str]] = raw["lines"]
            if name == BASE:
                self._base = lines
            elif raw["with_base"]:
                lines = self._base + lines
            self._learn(word for line in lines for word in line)
            path = os.path.join(self._folder, f"{len(self.by_name)}.lm")
            with open(path, "w", encoding="utf-8") as file:
                file.write(self._model(lines, is_open=name == BASE or raw["with_base"]))
            self.by_name[name] = Model(name, path=path)
        self._write_dictionary()

    def _model(self, lines: list[list[str]], *, is_open: bool) -> str:
        """In a closed question's model, everyday English would only make room for what is rare."""
        known = [[word for word in line if word in self._known] for line in lines]
        usable = [line for line in known if line]
        if not is_open:
            return arpa(usable)
        common = everyday().frequent(COMMON_WORDS)
        self._learn(common)
        return arpa_above(usable, everyday(), [word for word in common if word in self._known])

    def phones(self, word: str) -> list[str]:
        """Every pronunciation of a word that some model uses."""
        return self._known[word]

    @property
    def words(self) -> frozenset[str]:
        """Every word that some model uses."""
        return frozenset(self._known)

    def _learn(self, words: Any) -> None:
        for word in words:
            if word not in self._known:
                phones = self._lexicon.phones(word)
                if phones:
                    self._known[word] = phones

    def _write_dictionary(self) -> None:
        with open(self.dictionary, "w", encoding="utf-8") as file:
            for word, ways in sorted(self._known.items()):
                for number, phones in enumerate(ways, 1):
                    file.write(f"{word}{f'({number})' if number > 1 else ''} {phones}\n")


class Decoder:
    """One pocketsphinx decoder with the few models it was last used with."""

    def __init__(self, models: Models, network: Network) -> None:
        self._models = models
        self._words = set(models.words)
        self._searches: OrderedDict[str, None] = OrderedDict()
        self._mean = ",".join(f"{value:.2f}" for value in network.cepstral_mean)
        self._engine = pocketsphinx.Decoder(
            hmm=pocketsphinx.get_model_path("en-us/en-us"),
            dict=models.dictionary,
            lm=None,
            samprate=MODEL_RATE,
            # The second pass costs up to 300 ms after the last word and mends one in a hundred.
            fwdflat=False,
            lw=9.0,
            wip=0.2,
            topn=MIXTURES,
            loglevel="FATAL",
        )
        self._log = self._engine.get_logmath()
        # A fresh decoder takes the first sound it ever hears for noise and puts a word there.
        self.start(BASE)
        self.hear(TelephoneBand(network).hear(_line_noise(), last=True))
        self.abandon()

    def start(self, name: str) -> None:
        """Begin an utterance with that model."""
        self._select(self._models.by_name[name])
        self._engine.set_cmn(self._mean)
        self._engine.start_utt()

    def hear(self, cepstra: Cepstra) -> None:
        """``(frames, CEPSTRA)`` of ``bots.engines.telephone_band``."""
        for first in range(0, len(cepstra), FRAMES_AT_ONCE):
            piece = cepstra[first : first + FRAMES_AT_ONCE]
            self._engine.process_cep(piece.tobytes(), False, False)

    def partial(self) -> tuple[str, float]:
        """The best words so far, and how likely a sentence of the model ends with them."""
        best = self._engine.hyp()
        text = best.hypstr if best is not None else ""
        return text, self._ending(text.split()) if text else 0.0

    def _ending(self, words: list[str]) -> float:
        model = self._engine.get_lm(self._engine.current_search())
        history = list(reversed(words[-CONTEXT:]))
        ending: float = self._log.exp(model.prob([SENTENCE_END, *history]))
        return round(min(1.0, ending), 3)

    def finish(self) -> tuple[str, float, list[str]]:
        """Text, posterior 0..1, other texts."""
        self._engine.end_utt()
        best = self._engine.hyp()
        if best is None or not best.hypstr:
            return "", 0.0, []
        return best.hypstr, best.prob, self._others(best.hypstr)

    def abandon(self) -> None:
        """End the utterance without a result."""
        self._engine.end_utt()

    def _others(self, text: str) -> list[str]:
        others: list[str] = []
        for number, other in enumerate(self._engine.nbest()):
            if len(others) >= ALTERNATIVES or number >= ALTERNATIVES * 5:
                break
            if other is not None and other.hypstr and other.hypstr not in (text, *others):
                others.append(other.hypstr)
        return others

    def _select(self, model: Model) -> None:
        for word in self._models.words - self._words:
            for number, phones in enumerate(self._models.phones(word), 1):
                self._engine.add_word(f"{word}({number})" if number > 1 else word, phones, False)
            self._words.add(word)
        if model.name not in self._searches:
            if model.grammar:
                # The search for the best path through a grammar's lattice often finds none.
                self._engine.config["bestpath"] = False
                self._engine.add_jsgf_string(model.name, model.grammar)
                self._engine.config["bestpath"] = True
            else:
                self._engine.add_lm_file(model.name, model.path)
        self._searches[model.name] = None
        self._searches.move_to_end(model.name)
        self._engine.activate_search(model.name)
        while len(self._searches) > MAX_SEARCHES:
            self._engine.remove_search(self._searches.popitem(last=False)[0])


def _line_noise() -> npt.NDArray[np.int16]:
    noise = np.random.default_rng(1).normal(0, 6, MODEL_RATE * WARM_UP_MS // 1000)
    quiet: npt.NDArray[np.int16] = noise.astype(np.int16)
    return quiet


@dataclass(slots=True)
class Utterance:
    """One utterance under way: the open decoder and, for digits, what the grammar needs."""

    decoder: Decoder
    band: TelephoneBand
    grammar: str = ""
    heard: list[Cepstra] = field(default_factory=list)
    pieces: int = 0
    partial: str = ""
    loudness: Loudness = field(default_factory=Loudness)
    resampler: Any = field(
        default_factory=lambda: soxr.ResampleStream(LINE_RATE, MODEL_RATE, 1, dtype="int16")
    )

    def hear(self, pcm: bytes, *, last: bool = False) -> None:
        """8 kHz audio in."""
        samples = np.frombuffer(pcm[: len(pcm) & ~1], dtype="<i2")
        louder = self.loudness.hear(samples, last=last)
        wide = self.resampler.resample_chunk(louder, last=last)
        cepstra = self.band.hear(wide, last=last)
        self.decoder.hear(cepstra)
        if self.grammar:
            self.heard.append(cepstra)


class Worker:
    """Reads messages, decodes, answers; one thing after the other."""

    def __init__(self, models: Models, out: BinaryIO) -> None:
        self._models = models
        self._network = Network.load()
        self._out = out
        self._idle: list[Decoder] = []
        self._made = 0
        self._open: dict[int, Utterance] = {}

    def handle(self, kind: bytes, number: int, body: bytes) -> None:
        """One message in."""
        if kind == b"M":
            self._models.add(json.loads(body))
            self._answer(b"R", number)
            while BASE in self._models.by_name and self._made < SPARE_DECODERS:
                self._made += 1
                self._idle.append(Decoder(self._models, self._network))
        elif kind == b"O":
            self._begin(number, json.loads(body))
        elif number in self._open:
            utterance = self._open[number]
            if kind == b"F":
                self._feed(number, utterance, body)
            elif kind == b"E":
                self._finish(number, self._open.pop(number))
            else:
                self._open.pop(number).decoder.abandon()
                self._idle.append(utterance.decoder)

    def _begin(self, number: int, raw: dict[str, str]) -> None:
        if not self._idle and self._made >= MAX_DECODERS:
            self._answer(b"X", number, f"{MAX_DECODERS} utterances at once".encode())
            return
        decoder = self._take()
        decoder.start(raw["model"])
        band = TelephoneBand(self._network)
        self._open[number] = Utterance(decoder, band, raw.get("grammar", ""))

    def _feed(self, number: int, utterance: Utterance, pcm: bytes) -> None:
        utterance.hear(pcm)
        utterance.pieces += 1
        if utterance.pieces % PARTIAL_EVERY == 0:
            text, ending = utterance.decoder.partial()
            if text != utterance.partial:
                utterance.partial = text
                body = json.dumps({"text": text, "ending": ending})
                self._answer(b"P", number, body.encode())

    def _finish(self, number: int, utterance: Utterance) -> None:
        utterance.hear(b"", last=True)
        text, posterior, others = utterance.decoder.finish()
        self._idle.append(utterance.decoder)
        if utterance.grammar:
            text, posterior, others = self._digits(utterance, text, posterior, others)
        found = {"text": text, "posterior": posterior, "alternatives": others}
        self._answer(b"H", number, json.dumps(found).encode())

    def _digits(
        self, utterance: Utterance, text: str, posterior: float, others: list[str]
    ) -> tuple[str, float, list[str]]:
        """The grammar's reading when most of what the open model heard were digits.

        Where one digit is asked for, also when it heard a scrap that means nothing there.
        """
        words = text.split()
        digits = sum(word in DIGIT_WORDS for word in words)
        asked = self._models.by_name[utterance.grammar]
        scrap = bool(asked.beside) and len(words) <= FEW_WORDS and text not in asked.beside
        if not words or (digits * 2 < len(words) and not scrap):
            return text, posterior, others
        decoder = self._take()
        decoder.start(self._grammar_for(utterance.grammar, digits))
        decoder.hear(np.concatenate(utterance.heard))
        closed, _, _ = decoder.finish()
        self._idle.append(decoder)
        if not closed:
            return text, posterior, others
        others = [text] if text != closed else others
        agreement = _agreement(closed.split(), words) or SCRAP_POSTERIOR
        return closed, min(agreement, LONE_POSTERIOR) if asked.length == 1 else agreement, others

    def _grammar_for(self, wanted: str, digits: int) -> str:
        """That of the number that is asked for, unless clearly more or fewer were said."""
        length = self._models.by_name[wanted].length
        near = not length or abs(digits - length) <= SLIPS
        return wanted if near else ANY_DIGITS

    def _take(self) -> Decoder:
        if self._idle:
            return self._idle.pop()
        self._made += 1
        return Decoder(self._models, self._network)

    def _answer(self, kind: bytes, number: int, body: bytes = b"") -> None:
        self._out.write(pack(kind, number, body))
        self._out.flush()


def _agreement(closed: list[str], words: list[str]) -> float:
    """How far two readings agree, as a posterior of so many words would look."""
    same = sum(a == b for a, b in zip(reversed(closed), reversed(words), strict=False))
    share = same / max(len(closed), len(words))
    return float(share ** (2 * len(closed)))


def main() -> None:
    """Serve until the input ends."""
    source = io.BufferedReader(io.FileIO(0), 1 << 16)
    out = io.FileIO(os.dup(1), "w")
    # Whatever a library prints must not end up between our messages.
    os.dup2(2, 1)
    entries = read_dictionary(pocketsphinx.get_model_path("en-us/cmudict-en-us.dict"))
    with tempfile.TemporaryDirectory(prefix="parley-decoder-") as folder:
        worker = Worker(Models(Lexicon(entries, ipa), folder), out)
        while (message := read_message(source)) is not None:
            kind, number, body = message
            try:
                worker.handle(kind, number, body)
            except BrokenPipeError:
                return
            except Exception as error:
                # One utterance fails; the others of this process go on.
                out.write(pack(b"X", number, f"{type(error).__name__}: {error}".encode()))


if __name__ == "__main__":
    main()
