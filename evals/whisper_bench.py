"""The bench ``whisper``: what hearing with Whisper costs, alone and for many calls at once.

Callers' lines (``evals/utterances``) in real time, 20 ms a frame, through the engine as calls use
it (``bots.engines.whisper``): each caller says one line after the other, and the turn ends
``PAUSE_S`` after the last sound.

- ``text_ms_p50``, ``text_ms_p95``: from the end of a turn to its text, of one call, and of
  ``CALLS`` at once (``…_at_once``);
- ``by_look_percent``: texts that were there already, because the model had looked in the pause;
- ``cost_percent``: processor time in percent of the audio's time, looks included;
- ``piece_ms``, ``piece_ms_together``: processor time of a piece of speech decoded alone, and of
  ``TOGETHER`` in one call of the model; ``together_gain`` is how many times cheaper that is.

The model is the one in the folder that ``PARLEY_WHISPER_MODEL`` names, else the small one of the
tests, which has a short window. The figures of another model are quite others.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import numpy as np

from bots.engines.local import Hardware
from bots.engines.whisper import WhisperTranscriber
from bots.engines.whisper_model import Model, Piece, load
from bots.engines.whole import RATE
from bots.ports import Expectation
from bots.speech import resampled
from evals.bench import Bench
from evals.render import RATE as LINE_RATE
from evals.render import load as callers_lines
from evals.statistics import percentile

AT_MOST = {"text_ms_p95": 100.0, "text_ms_p95_at_once": 250.0}
SMALL = Path(__file__).parents[1] / "tests" / "models" / "whisper"
MODEL = "PARLEY_WHISPER_MODEL"
CALLS, LINES_EACH = 10, 5
BEFORE_S, PAUSE_S = 0.4, 0.55
"""Of the line around what is said: kept from before it, and waited for after it."""
FRAME_S = 0.02
TOGETHER, REPEATED = 8, 5


async def run() -> Bench:
    """Measure everything; about half a minute with the small model."""
    folder = Path(os.environ.get(MODEL) or SMALL)
    lines = [_on_the_line(item.pcm()) for item in callers_lines()]
    ears = WhisperTranscriber(folder)
    await ears.start()
    try:
        alone = await _call(ears, lines[:LINES_EACH], 0)
        looked, worked = ears.rounds.by_look, time.process_time()
        shares = [lines[number::CALLS][:LINES_EACH] for number in range(CALLS)]
        each = await asyncio.gather(
            *(_call(ears, share, number) for number, share in enumerate(shares))
        )
        worked, looked = time.process_time() - worked, ears.rounds.by_look - looked
    finally:
        await ears.stop()
    at_once = [text_ms for text_s in each for text_ms in text_s]
    audio_s = sum(len(line) for share in shares for line in share) / 2 / RATE
    one_s, together_s = await asyncio.to_thread(_pieces, folder, lines[:TOGETHER])
    return Bench(
        "whisper",
        {
            "text_ms_p50": percentile(alone, 0.5),
            "text_ms_p95": percentile(alone, 0.95),
            "text_ms_p50_at_once": percentile(at_once, 0.5),
            "text_ms_p95_at_once": percentile(at_once, 0.95),
            "by_look_percent": 100 * looked / len(at_once),
            "cost_percent": 100 * worked / audio_s,
            "piece_ms": 1000 * one_s,
            "piece_ms_together": 1000 * together_s,
            "together_gain": one_s / together_s,
        },
        {"model": "the tests' small one" if folder == SMALL else folder.name},
        {
            "text_ms_p95": f"{len(alone)} turns",
            "text_ms_p95_at_once": f"{len(at_once)} turns of {CALLS} calls at once",
            "piece_ms_together": f"{TOGETHER} in one call of the model",
        },
    )


def _on_the_line(pcm: bytes) -> bytes:
    quiet = [bytes(2 * round(LINE_RATE * seconds)) for seconds in (BEFORE_S, PAUSE_S)]
    return resampled(quiet[0] + pcm + quiet[1], LINE_RATE, RATE)


async def _call(ears: WhisperTranscriber, lines: Sequence[bytes], number: int) -> list[float]:
    """Milliseconds from the end of each turn to its text."""
    loop = asyncio.get_running_loop()
    size = 2 * round(RATE * FRAME_S)
    text_ms = []
    # Calls do not speak in time with each other.
    await asyncio.sleep(number / CALLS)
    for line in lines:
        recognition = ears.open(Expectation())
        due = loop.time()
        for start in range(0, len(line), size):
            recognition.feed(line[start : start + size])
            due += FRAME_S
            await asyncio.sleep(max(0.0, due - loop.time()))
        ended = loop.time()
        await recognition.finish()
        text_ms.append(1000 * (loop.time() - ended))
    return text_ms


def _pieces(folder: Path, lines: Sequence[bytes]) -> tuple[float, float]:
    """Processor seconds for one piece decoded alone, and for one of several in one call."""
    model = load(folder, Hardware())
    pieces = [piece for line in lines for piece in _cut(model, line)][:TOGETHER]
    alone, together = [], []
    for _ in range(REPEATED):
        began = time.process_time()
        for piece in pieces:
            model.decode([piece])
        between = time.process_time()
        model.decode(pieces)
        alone.append((between - began) / len(pieces))
        together.append((time.process_time() - between) / len(pieces))
    return median(alone), median(together)


def _cut(model: Model, line: bytes) -> tuple[Piece, ...]:
    samples = np.frombuffer(line, dtype="<i2").astype(np.float32) / np.float32(32768)
    return model.cut(samples, Expectation()).pieces
