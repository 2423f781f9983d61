"""The bad telephone line of the measurements."""

from __future__ import annotations

import numpy as np
import pytest

from evals.line import Line

RATE = 8000
TONE = (8000 * np.sin(np.arange(RATE * 20) * 2 * np.pi * 440 / RATE)).astype("<i2").tobytes()


def carried(line: Line, pcm: bytes = TONE) -> np.ndarray:
    heard = line.carry(pcm, np.random.default_rng(1))
    return np.frombuffer(heard, dtype="<i2").astype(float)


def test_good_line_brings_everything() -> None:
    heard = carried(Line(loss=0, jitter_ms=0, snr_db=90))
    sent = np.frombuffer(TONE, dtype="<i2").astype(float)
    assert heard[: sent.size] == pytest.approx(sent, abs=300)  # G.711


def test_jitter_alone_loses_next_to_nothing() -> None:
    heard = carried(Line(loss=0, jitter_ms=60, snr_db=90))
    assert abs(heard.size / RATE - 20) < 1.0


def test_lost_packets_are_as_many_as_asked_and_come_in_bursts() -> None:
    line = Line(loss=0.05, burst_ms=100)
    lost = np.array(line._lost(100_000, np.random.default_rng(2)))
    assert lost.mean() == pytest.approx(0.05, abs=0.005)
    bursts = np.flatnonzero(np.diff(lost.astype(int)) == 1).size
    assert lost.sum() / bursts == pytest.approx(5, abs=0.4)  # packets of 20 ms


def test_noise_is_so_far_below_the_speech() -> None:
    heard = carried(Line(loss=0, jitter_ms=0, snr_db=15))
    sent = np.frombuffer(TONE, dtype="<i2").astype(float)
    noise = heard[: sent.size] - sent
    ratio = 20 * np.log10(np.sqrt(np.mean(sent**2)) / np.sqrt(np.mean(noise**2)))
    assert ratio == pytest.approx(15, abs=1.5)
