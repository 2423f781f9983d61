"""Is the caller speaking? A cheap gate, and a network where the gate is not enough.

1. Loudness of a 20 ms frame in dB below full scale, without its mean.
2. The floor is the line's noise: it falls at once with quieter frames and rises slowly,
   so that speech does not lift it but a new steady noise does within seconds.
3. A sound opens the gate ``OPEN_DB`` above the floor and holds it ``HOLD_DB`` above it.
4. While we play, the gate is at least our own level minus ``ECHO_LOSS_DB``, for as long
   as an echo may take; a louder sound that is a copy of ours (``bots.echo``) is our echo
   too. So the bot does not hear itself (telephony.md, A turn). A line that stayed silent for
   ``NO_ECHO_S`` of our speech has no echo, until one is found: there a caller's soft sounds
   count over a prompt as well.
5. Only while the gate is open a network is asked whether the sound is a voice: a cough,
   a knock, keys, music, tones and noise are not. It agrees up to ``AGREES_LATE`` frames
   after a voice began; so with each frame of voice one of those before it counts as well.
6. The network can end speech before the gate does, never keep it going: in noise the gate
   may stay open. Without a network the gate alone decides.

Pure. The gate takes a few microseconds of numpy per frame; all of it is inline, no thread.
"""

from __future__ import annotations

import math
from collections import deque
from typing import Protocol

import numpy as np

from bots.echo import EchoFinder

FRAME_MS = 20
QUIETEST_DB = -75.0
FLOOR_START_DB = -55.0
FLOOR_MIN_DB = -62.0
FLOOR_MAX_DB = -30.0
RISE_DB_PER_S = 2.0
OPEN_DB = 12.0
HOLD_DB = 8.0
ECHO_LOSS_DB = 16.0
"""So much a telephone line usually weakens our own sound before it comes back."""
ECHO_MS = 240
AUDIBLE_DB = -40.0
"""Our sound is at least so loud where its echo would be heard."""
NO_ECHO_S = 0.5
"""Longer than the longest echo takes to come."""
VOICE, STILL_VOICE = 0.5, 0.35
"""How likely a sound must be a voice to begin, and to go on, as speech. Voices through G.711
with noise 10 dB below them had 0.6 and more, the other sounds 0.3 at most."""
AGREES_LATE, AGREES_AT_LEAST = 8, 5
"""Frames."""


class Likelihood(Protocol):
    """What the detector asks; ``bots.ports.VoiceStream``."""

    def skip(self, pcm: bytes) -> None:
        """20 ms without a sound."""
        ...

    def hear(self, pcm: bytes) -> float:
        """20 ms with a sound: how likely it is a voice, 0..1."""
        ...


def level_db(pcm: bytes) -> float:
    """RMS of s16le samples in dB below full scale, ``QUIETEST_DB`` at the least."""
    samples = np.frombuffer(pcm[: len(pcm) & ~1], dtype="<i2").astype(np.float32)
    if not samples.size:
        return QUIETEST_DB
    power = float(samples.var()) / 32768.0**2
    return max(QUIETEST_DB, 10 * math.log10(power)) if power > 0 else QUIETEST_DB


def levels_db(pcm: bytes, sample_rate: int) -> list[float]:
    """The level of each 20 ms of a longer piece of s16le audio."""
    size = sample_rate * FRAME_MS // 1000
    samples = np.frombuffer(pcm[: len(pcm) & ~1], dtype="<i2").astype(np.float32)
    samples = np.pad(samples, (0, -len(samples) % size)).reshape(-1, size)
    power = samples.var(axis=1) / 32768.0**2
    levels: list[float] = (10 * np.log10(np.maximum(power, 10 ** (QUIETEST_DB / 10)))).tolist()
    return levels


class SpeechDetector:
    """One call's detector."""

    def __init__(self, voice: Likelihood | None = None, sample_rate: int = 8000) -> None:
        """``voice`` tells a voice from another sound; without it every sound is speech."""
        self.floor_db = FLOOR_START_DB
        self.open = False
        """The gate."""
        self.speech = False
        self.earlier_s = 0.0
        """So much before this frame was speech too, and was not told so (rule 5)."""
        self._voice = voice
        self._echo = EchoFinder(sample_rate)
        self._silent_s = 0.0
        """So long the line was silent under our sound; back to none with each echo."""
        self._ours = deque([QUIETEST_DB] * (ECHO_MS // FRAME_MS), maxlen=ECHO_MS // FRAME_MS)
        self._unsure = 0
        """How many frames of sound in a row the network has taken for no voice."""
        self._owed = 0
        """How many of those were speech after all."""

    def frame(self, pcm: bytes, ours: bytes = b"") -> bool:
        """Whether this frame of the caller is speech. ``ours`` is what we play now."""
        self._ours.append(level_db(ours))
        self._echo.note(pcm, ours)
        self._gate(level_db(pcm))
        self.earlier_s = 0.0
        self.speech = self._is_voice(pcm)
        return self.speech

    def _gate(self, level: float) -> None:
        """Rules 1 to 4."""
        loudest = max(self._ours)
        above_noise = level > self.floor_db + (HOLD_DB if self.open else OPEN_DB)
        maybe_echo = self._silent_s < NO_ECHO_S and level <= loudest - ECHO_LOSS_DB
        sound = above_noise and not maybe_echo
        echo = sound and loudest > QUIETEST_DB and self._echo.is_echo()
        if echo:
            self._silent_s = 0.0
        elif not above_noise and loudest > AUDIBLE_DB:
            self._silent_s += FRAME_MS / 1000
        self.open = sound and not echo
        self._follow(level)

    def _is_voice(self, pcm: bytes) -> bool:
        """Rules 5 and 6."""
        if self._voice is None:
            return self.open
        if not self.open:
            self._voice.skip(pcm)
            self._unsure = self._owed = 0
            return False
        likely = self._voice.hear(pcm)
        if likely < (STILL_VOICE if self.speech else VOICE):
            self._unsure += 1
            return False
        # A sound that has been there for longer was not the beginning of this voice.
        self._owed += self._unsure if self._unsure <= AGREES_LATE else AGREES_AT_LEAST
        self._unsure = 0
        if self._owed:
            self._owed -= 1
            self.earlier_s = FRAME_MS / 1000
        return True

    def _follow(self, level: float) -> None:
        if level < self.floor_db:
            self.floor_db += (level - self.floor_db) * 0.5
        else:
            self.floor_db += RISE_DB_PER_S * FRAME_MS / 1000
        self.floor_db = min(FLOOR_MAX_DB, max(FLOOR_MIN_DB, self.floor_db))
