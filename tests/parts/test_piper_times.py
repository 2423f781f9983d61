"""Word times of a Piper voice, from the durations within its network, by the true libraries."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from bots.detect import levels_db
from bots.engines.local import VoiceModel
from bots.engines.piper import PiperVoice
from bots.engines.piper_times import WordTimes, with_durations
from tests.models import PIPER

DURATIONS = "/Round_output_0"
"""The test voice rounds its durations, where a published one has a ``Ceil``."""


@dataclass
class Sounding:
    phoneme: str
    num_samples: int


@pytest.fixture
def timed(tmp_path: Path) -> Path:
    """The test voice with its durations as an output, as ``with_durations`` makes it."""
    made = tmp_path / PIPER.name
    made.write_bytes(with_durations(PIPER.read_bytes(), DURATIONS))
    shutil.copy(f"{PIPER}.json", f"{made}.json")
    return made


def test_durations_become_an_output_once_and_the_sound_stays_the_first(timed: Path) -> None:
    session = onnxruntime.InferenceSession(str(timed))
    assert [each.name for each in session.get_outputs()] == ["output", DURATIONS]
    again = with_durations(timed.read_bytes(), DURATIONS)
    assert again == timed.read_bytes()
    assert with_durations(PIPER.read_bytes()) == PIPER.read_bytes(), "it has no Ceil"


async def test_a_true_voice_tells_when_its_words_are_said(timed: Path) -> None:
    voice = PiperVoice({"en": VoiceModel(timed)}, threads=1)
    await voice.start()
    try:
        text = "Yes, your parcel. It comes tomorrow."
        speech = voice.speak(text, "en")
        pcm = b"".join([piece async for piece in speech])
    finally:
        await voice.stop()
    marks = speech.marks
    assert [text[: mark.upto].split()[-1] for mark in marks] == text.split()
    times = [mark.ms for mark in marks]
    assert times == sorted(times)
    assert 100 < times[0] < times[-1] <= len(pcm) * 500 / voice.sample_rate
    levels = np.array(levels_db(pcm, voice.sample_rate))
    assert levels[: int(times[0] // 20)].max() > -35


async def test_a_voice_without_durations_speaks_without_times() -> None:
    voice = PiperVoice({"en": VoiceModel(PIPER)}, threads=1)
    await voice.start()
    try:
        speech = voice.speak("Your parcel.", "en")
        assert b"".join([piece async for piece in speech])
    finally:
        await voice.stop()
    assert speech.marks == ()


def test_pauses_belong_to_no_word_and_another_count_of_words_gives_no_times() -> None:
    row = [("^", 10), ("j", 40), ("ɛ", 50), (",", 30), (" ", 20), ("n", 25), ("$", 5)]
    sounds = [Sounding(*each) for each in row]
    times = WordTimes("Yes, no.")
    times.add(sounds, 1000, 180)
    assert [(mark.upto, mark.ms) for mark in times.marks] == [(4, 100), (8, 175)]
    times.add(sounds, 1000, 180)
    assert times.marks == ()
    unknown = WordTimes("Yes.")
    unknown.add(None, 1000, 180)
    assert unknown.marks == ()
