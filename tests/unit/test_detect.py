"""The speech gate on rendered speech, noise and our own echo."""

from __future__ import annotations

import random
import struct

import pytest

from bots.detect import SpeechDetector, level_db, levels_db
from evals.render import Utterance, load
from tests.scripted import SILENCE, tone

FRAME_BYTES = 320


def frames(pcm: bytes) -> list[bytes]:
    return [pcm[i : i + FRAME_BYTES] for i in range(0, len(pcm) - FRAME_BYTES + 1, FRAME_BYTES)]


def noise(level_dbfs: float, seconds: float, seed: int = 1) -> bytes:
    chance = random.Random(seed)
    sigma = 32768 * 10 ** (level_dbfs / 20)
    count = int(8000 * seconds)
    return struct.pack(f"<{count}h", *(int(chance.gauss(0, sigma)) for _ in range(count)))


def added(one: bytes, other: bytes) -> bytes:
    a, b = memoryview(one).cast("h"), memoryview(other).cast("h")
    return struct.pack(
        f"<{len(a)}h", *(max(-32768, min(32767, x + y)) for x, y in zip(a, b, strict=False))
    )


def test_level_of_silence_and_of_a_full_scale_sine() -> None:
    assert level_db(SILENCE) == -75
    assert level_db(tone(1.0)) == pytest.approx(-3.01, abs=0.1)
    assert levels_db(tone(1.0, samples=200), 8000)[0] == pytest.approx(-3.01, abs=0.1)


@pytest.mark.parametrize("utterance", load()[::4], ids=lambda item: item.file)
def test_rendered_speech_is_found_with_its_beginning_and_its_end(utterance: Utterance) -> None:
    detector = SpeechDetector()
    quiet = frames(noise(-60, 1.0))
    assert not any(detector.frame(frame) for frame in quiet)
    gate = [detector.frame(frame) for frame in frames(utterance.pcm())]
    after = [detector.frame(frame) for frame in frames(noise(-60, 1.0))]
    assert gate.index(True) <= 8
    assert sum(gate) >= 0.5 * len(gate)
    assert not any(after[6:])


def test_steady_noise_closes_the_gate_within_seconds_and_speech_still_opens_it() -> None:
    detector = SpeechDetector()
    line = [detector.frame(frame) for frame in frames(noise(-40, 14))]
    assert not any(line[-50:])
    loud = load()[0].pcm()
    assert sum(detector.frame(frame) for frame in frames(added(loud, noise(-40, 4)))) > 25


def test_our_own_echo_is_not_speech_but_the_caller_over_it_is() -> None:
    detector = SpeechDetector()
    ours = level_db(tone(0.1))
    echo = tone(0.1 * 10 ** (-20 / 20))
    assert not any(detector.frame(echo, ours) for _ in range(100))
    assert detector.frame(tone(0.08, hz=300), ours)


def test_echo_that_comes_late_is_still_ours() -> None:
    detector = SpeechDetector()
    ours = level_db(tone(0.1))
    echo = tone(0.1 * 10 ** (-20 / 20))
    for _ in range(50):
        detector.frame(echo, ours)
    assert not any(detector.frame(echo) for _ in range(10))
