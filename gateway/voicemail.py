"""A spoken message: prompt, tone and recording, until silence, a key or the time ends it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bots.detect import FRAME_MS, level_db
from channels.media.leg import Leg
from channels.media.recording import Recording

LONGEST_S = 180.0
SILENCE_S = 6.0
"""So long a pause ends the message."""
LOUD_DB = -48.0
"""Louder than this is somebody speaking, or at least not nobody."""
LEAST_S = 0.4
"""Less sound than this is no message."""
TONE_HZ, TONE_S, TONE_LEVEL = 1000.0, 0.35, 6000
STOP_KEY = "#"


@dataclass(frozen=True, slots=True)
class Message:
    """What was left. ``spoken_s`` is how much of it was sound."""

    duration_s: float
    spoken_s: float

    @property
    def is_empty(self) -> bool:
        """Whether nobody said anything."""
        return self.spoken_s < LEAST_S


class _Ear:
    """Listens for the end of a message."""

    def __init__(self) -> None:
        self.over = asyncio.Event()
        self.spoken_s = 0.0
        self._quiet_s = self._all_s = 0.0

    def heard(self, pcm: bytes) -> None:
        second = FRAME_MS / 1000
        self._all_s += second
        if level_db(pcm) > LOUD_DB:
            self.spoken_s += second
            self._quiet_s = 0.0
        else:
            self._quiet_s += second
        if self._quiet_s >= SILENCE_S or self._all_s >= LONGEST_S:
            self.over.set()

    def pressed(self, digit: str) -> None:
        if digit == STOP_KEY:
            self.over.set()

    def hung_up(self, _cause: int) -> None:
        self.over.set()


async def take_message(
    leg: Leg, prompt: Callable[[], Awaitable[object]], path: Path, writer: ThreadPoolExecutor
) -> Message:
    """Say the prompt, sound the tone, record to ``path`` (WAV). The leg stays up.

    Raises ``RecordingFailed`` when the file cannot be written.
    """
    leg.listen(None)
    await prompt()
    await leg.play(_tone(leg.sample_rate)).done()
    recording = Recording(leg, path, writer)
    recording.start()
    ear = _Ear()
    leg.listen(ear, live=False)
    if leg.closed.is_set():
        ear.over.set()
    await ear.over.wait()
    leg.listen(None)
    recording.stop()
    recorded = await recording.finished()
    return Message(recorded.duration_s, ear.spoken_s)


def _tone(sample_rate: int) -> bytes:
    time = np.arange(round(TONE_S * sample_rate)) / sample_rate
    return (np.sin(2 * np.pi * TONE_HZ * time) * TONE_LEVEL).astype(np.int16).tobytes()
