"""The bench ``recognition``: how well the offline recogniser hears callers, and what it costs.

8 kHz µ-law audio through the recogniser as calls use it (``bots.engines.twice``), with the
demo company's language model and each utterance's own question:

- ``wer_seen``, ``wer_new``: word errors per word spoken of 100 examples of the flows and of 100
  phrases in other words (``evals/utterances/phrases.txt``), each by four flite voices;
  ``…_espeak``: the same by four espeak-ng voices, which are much harder for the model;
- ``digit_accuracy``: share of single spoken digits that were right. Recordings are
  ``<digit>_<speaker>_<take>.wav``, 8 kHz, in ``digits/`` of the folder that
  ``PARLEY_SHARED_DATA`` names; without it the figure is missing;
- ``value_accuracy_date``, ``…_time``, ``…_amount``, ``…_spelling``: share of answers to such a
  question from which the flow takes the right value (``evals.typed_answers``), each by the same
  four voices;
- ``…_bad_line_points``: by how many points these get worse on ``evals.line.Line``;
- ``confidence_error``: by how much the recogniser's confidence differs from the share of words
  that are right, on average over good and bad lines (bands of 0.1 wide);
- ``cost_share``: processor time of both recognisers per second of audio.

Needs the program ``flite``.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import tempfile
import wave
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import product
from pathlib import Path

import numpy as np

from bots.engines.choice import choose_engines
from bots.engines.espeak import EspeakVoice
from bots.engines.phrases import Corpus
from bots.flow.schema import read_flow
from bots.ports import Expectation, Hypothesis, Transcriber
from bots.speech import resampled
from evals.bench import Bench
from evals.line import Line
from evals.render import RATE, compress, expand, say
from evals.statistics import word_errors
from evals.typed_answers import Answer, answers
from knowledge.answer import KnowledgeBase
from knowledge.embed import MiniLmEncoder
from knowledge.index import QdrantIndex
from knowledge.ingest import read_articles
from router.errors import ParleyError

AT_MOST = {"wer_seen": 0.05, "wer_new": 0.15, "bad_line_points": 5.0}
AT_LEAST = {"digit_accuracy": 0.90}
ROOT = Path(__file__).parents[1]
PHRASES = ROOT / "evals" / "utterances" / "phrases.txt"
DEMO = ROOT / "gateway" / "demo"
SHARED = "PARLEY_SHARED_DATA"
VOICES = ("slt", "rms", "awb", "kal16")
BEFORE_S, AFTER_S = 0.4, 0.5
"""Of the line around an utterance: what a call keeps from before it, and waits after it."""
IDLE_NOISE = 4.0
"""RMS of the samples of a line on which nobody speaks."""
SEED = 20261129
DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
AT_ONCE = 2
BANDS = 10


class NoFlite(ParleyError):
    """The program ``flite`` is missing, which speaks for the callers."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """An utterance: ``kind`` names the figure it counts for, ``text`` is what is said in it."""

    kind: str
    text: str
    pcm: bytes
    expect: Expectation
    answer: Answer | None = None
    """Where a value is wanted."""


@dataclass(frozen=True, slots=True)
class Result:
    """What was made of an utterance."""

    spoken: Spoken
    heard: Hypothesis


async def run() -> Bench:
    """Measure everything; about ten minutes."""
    if shutil.which("flite") is None:
        raise NoFlite("this bench needs the program flite (Debian: apt-get install flite)")
    corpus, examples = await demo_corpus()
    open_question = Expectation("open", examples)
    spoken = [*await rendered(open_question), *await typed(), *real_digits()]
    engines = choose_engines("offline", ROOT, corpus)
    transcriber = engines.transcriber
    await engines.start()
    try:
        clean, cost = await listen(transcriber, spoken)
        chance = np.random.default_rng(SEED)
        bad = [
            replace(item, pcm=Line().carry(item.pcm, chance))
            for item in spoken
            if item.kind != "espeak"
        ]
        worse, _ = await listen(transcriber, bad)
    finally:
        await engines.stop()
    good, rough = figures(clean), figures(worse)
    points = [
        100 * (rough[name] - good[name])
        for name in good
        if name.startswith("wer_") and name in rough
    ]
    if "digit_accuracy" in rough:
        points.append(100 * (good["digit_accuracy"] - rough["digit_accuracy"]))
    return Bench(
        "recognition",
        {
            **good,
            **{f"{name}_bad_line": value for name, value in rough.items()},
            "bad_line_points": max(points),
            "confidence_error": confidence_error([*clean, *worse]),
            "cost_share": cost,
        },
        {"audio": "8 kHz, µ-law", "voices": ", ".join(VOICES)},
        {
            "wer_new": f"{sum(item.spoken.kind == 'new' for item in clean)} utterances",
            "bad_line_points": "5 % burst loss, 60 ms jitter, noise at 15 dB; the worst of them",
            "cost_share": "processor seconds per second of audio",
        },
    )


async def demo_corpus() -> tuple[Corpus, tuple[str, ...]]:
    """The demo company's language model, and the phrases of its open question."""
    flows = [read_flow(path) for path in sorted((DEMO / "flows").glob("*.yaml"))]
    examples = [
        tuple(
            phrase for intent in flow.intents.values() for phrase in intent.examples.get("en", ())
        )
        for flow in flows
    ]
    with tempfile.TemporaryDirectory() as folder:
        knowledge = KnowledgeBase(MiniLmEncoder(), QdrantIndex(path=Path(folder)))
        articles = await asyncio.to_thread(read_articles, DEMO / "articles")
        await knowledge.shelve(articles, datetime.now(UTC).date())
        lines = tuple(knowledge.corpus())
    every = tuple(phrase for listed in examples for phrase in listed)
    return Corpus(every, lines), max(examples, key=len)


def phrases() -> dict[str, list[str]]:
    """The parts of ``phrases.txt``: ``seen`` and ``new``."""
    parts: dict[str, list[str]] = {}
    part: list[str] = []
    for line in PHRASES.read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            part = parts.setdefault(line.strip("[]"), [])
        elif line and not line.startswith("#"):
            part.append(line)
    return parts


async def rendered(expect: Expectation) -> list[Spoken]:
    """Every phrase by every flite voice, and by the espeak-ng voice of our own bots."""
    asked = [(kind, text) for kind, texts in phrases().items() for text in texts]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        loop = asyncio.get_running_loop()
        voiced = await asyncio.gather(
            *(
                loop.run_in_executor(pool, say, text, voice)
                for (_, text), voice in product(asked, VOICES)
            )
        )
    spoken = [
        Spoken(kind, text, on_the_line(expand(ulaw)), expect)
        for ((kind, text), _), ulaw in zip(product(asked, VOICES), voiced, strict=True)
    ]
    voice = EspeakVoice()
    for _, text in asked:
        pcm = b"".join([piece async for piece in voice.speak(text, "en")])
        narrow = np.frombuffer(resampled(pcm, voice.sample_rate, RATE), dtype="<i2")
        ulaw = compress(narrow / 32768.0)
        spoken.append(Spoken("espeak", text, on_the_line(expand(ulaw)), expect))
    return spoken


async def typed() -> list[Spoken]:
    """Every answer to a typed question by every flite voice."""
    asked = [*product(answers(), VOICES)]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        loop = asyncio.get_running_loop()
        voiced = await asyncio.gather(
            *(loop.run_in_executor(pool, say, one.aloud, voice) for one, voice in asked)
        )
    return [
        Spoken(one.kind, one.text, on_the_line(expand(ulaw)), Expectation(one.kind), one)
        for (one, _), ulaw in zip(asked, voiced, strict=True)
    ]


def real_digits() -> Iterator[Spoken]:
    """The recordings in ``digits/`` of the shared data, if there are any."""
    folder = Path(os.environ.get(SHARED, ROOT.parent / "shared" / "data")) / "digits"
    for path in sorted(folder.glob("?_*_*.wav")):
        with wave.open(str(path)) as wav:
            if (wav.getframerate(), wav.getnchannels(), wav.getsampwidth()) != (RATE, 1, 2):
                raise ParleyError(f"{path}: expected 8 kHz mono 16 bit")
            pcm = wav.readframes(wav.getnframes())
        digit = DIGITS[int(path.name[0])]
        yield Spoken("digit", digit, on_the_line(pcm), Expectation("digits", length=1))


def on_the_line(pcm: bytes) -> bytes:
    """With as much of the quiet line around it as a call gives the recogniser."""
    chance = np.random.default_rng(len(pcm))
    before, after = (
        chance.normal(0, IDLE_NOISE, round(RATE * seconds)).astype("<i2").tobytes()
        for seconds in (BEFORE_S, AFTER_S)
    )
    return before + pcm + after


async def listen(transcriber: Transcriber, spoken: Sequence[Spoken]) -> tuple[list[Result], float]:
    """Recognise all, and the processor seconds that a second of it took."""
    for expect in {item.expect for item in spoken}:
        transcriber.prepare(expect)
    waiting, results = iter(spoken), []

    async def one_after_the_other() -> None:
        for item in waiting:
            recognition = transcriber.open(item.expect)
            recognition.feed(item.pcm)
            results.append(Result(item, await recognition.finish()))

    before = _worked_s()
    await asyncio.gather(*(one_after_the_other() for _ in range(AT_ONCE)))
    worked = _worked_s() - before
    audio_s = sum(len(item.pcm) for item in spoken) / (2 * RATE)
    return results, worked / audio_s


def _worked_s() -> float:
    """Processor seconds of this process and its children so far (Linux: proc(5), ``stat``)."""
    parent = str(os.getpid())
    ticks = 0
    for file in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it has just ended
            name, _, rest = file.read_text(encoding="utf-8").rpartition(")")
            fields = rest.split()
            if parent in (name.partition(" ")[0], fields[1]):
                ticks += sum(map(int, fields[11:13]))
    return ticks / os.sysconf("SC_CLK_TCK")


def figures(results: Sequence[Result]) -> dict[str, float]:
    """Word errors per word by kind, and the share of right digits."""
    found: dict[str, float] = {}
    for kind in ("seen", "new", "espeak"):
        mine = [item for item in results if item.spoken.kind == kind]
        if mine:
            wrong = sum(word_errors(item.spoken.text, item.heard.text) for item in mine)
            found[f"wer_{kind}"] = wrong / sum(len(item.spoken.text.split()) for item in mine)
    right_values: dict[str, list[bool]] = {}
    for item in results:
        if item.spoken.answer is not None:
            right = item.spoken.answer.is_right(item.heard.text)
            right_values.setdefault(f"value_accuracy_{item.spoken.kind}", []).append(right)
    found |= {name: sum(values) / len(values) for name, values in right_values.items()}
    digits = [item for item in results if item.spoken.kind == "digit"]
    if digits:
        same = sum(item.heard.text.replace("oh", "zero") == item.spoken.text for item in digits)
        found["digit_accuracy"] = same / len(digits)
    return found


def confidence_error(results: Sequence[Result]) -> float:
    """Mean distance between confidence and the share of right words, in bands of confidence."""
    bands: dict[int, list[tuple[float, float]]] = {}
    for item in results:
        said = item.spoken.text
        wrong = word_errors(said, item.heard.text) / len(said.split())
        confidence = item.heard.confidence
        band = bands.setdefault(min(BANDS - 1, int(confidence * BANDS)), [])
        band.append((confidence, 1 - min(1.0, wrong)))
    apart = 0.0
    for band in bands.values():
        confidences, shares = zip(*band, strict=True)
        apart += abs(sum(confidences) - sum(shares))
    return apart / len(results)
