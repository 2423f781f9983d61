"""What a caller says, as sound, in a voice that no bot has.

1. A line that is recorded in that voice (``evals/utterances``) is played.
2. Other English lines are spoken by flite where it is installed, else, as other languages are,
   by another speaker of espeak-ng than the bot's.
"""

from __future__ import annotations

import shutil
import subprocess

import numpy as np

from bots.engines.espeak import EspeakVoice
from channels.media.codecs import PCMU, SAMPLE_RATE
from evals.render import say, telephone
from gateway.demo.recordings import Recordings
from router.errors import ParleyError

ESPEAK = "espeak-ng+f3"
FLITE_VOICES = ("slt", "rms", "awb", "kal16", "kal")
USUAL = "rms"
KEY_HERTZ = {
    key: (low, high)
    for low, row in ((697, "123A"), (770, "456B"), (852, "789C"), (941, "*0#D"))
    for high, key in zip((1209, 1336, 1477, 1633), row, strict=True)
}
"""The two tones of a key (ITU-T Q.23)."""


class NoVoice(ParleyError):
    """The caller's line cannot be spoken. Install flite, or name a voice that is there."""


class CallerVoice:
    """One caller's voice. ``name`` is a flite voice, or ``espeak-ng+f3``."""

    def __init__(self, recordings: Recordings, name: str = "", language: str = "en") -> None:
        """Raises ``NoVoice`` for a voice that is not there."""
        self._recordings = recordings
        self._language = language
        self._recorded = {
            recordings.find(line, name or USUAL).text: line for line in recordings.names
        }
        flite = language == "en" and shutil.which("flite") is not None
        self.name = name or (USUAL if language == "en" else ESPEAK)
        if self.name not in (*FLITE_VOICES, ESPEAK):
            have = ", ".join((*FLITE_VOICES, ESPEAK))
            raise NoVoice(f"no caller's voice {self.name!r}; have {have}")
        self._flite = flite and self.name in FLITE_VOICES
        self._made: dict[str, bytes] = {}

    async def pcm(self, text: str) -> bytes:
        """The line as s16le at 8 kHz, made once. Raises ``NoVoice``."""
        if text not in self._made:
            self._made[text] = await self._make(text)
        return self._made[text]

    async def _make(self, text: str) -> bytes:
        line = self._recorded.get(text.lower())
        if line is not None and self._recordings.find(line, self.name).voice == self.name:
            return self._recordings.pcm(line, self.name)
        if not self._flite:
            return await self._espeak(text)
        try:
            return PCMU.decode(say(text, self.name))
        except (OSError, subprocess.SubprocessError) as error:
            raise NoVoice(f"flite does not say {text!r} as {self.name}: {error}") from None

    async def _espeak(self, text: str) -> bytes:
        voice = EspeakVoice(SAMPLE_RATE, ESPEAK.removeprefix("espeak-ng"))
        made = b"".join([pcm async for pcm in voice.speak(text, self._language)])
        samples = np.frombuffer(made, dtype="<i2") / 32768.0
        return PCMU.decode(telephone(samples, SAMPLE_RATE))


def cough(seconds: float) -> bytes:
    """A burst of noise, quick to come and slow to go, as s16le at 8 kHz."""
    chance = np.random.default_rng(1)
    length = round(seconds * SAMPLE_RATE)
    rising = np.minimum(np.arange(length) / 80, 1)
    falling = np.exp(-np.arange(length) / (0.3 * length))
    burst: bytes = (chance.normal(size=length) * rising * falling * 8000).astype("<i2").tobytes()
    return burst


def key_tone(key: str, seconds: float) -> bytes:
    """How a key sounds, as s16le at 8 kHz."""
    time = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    both = sum(np.sin(2 * np.pi * hertz * time) for hertz in KEY_HERTZ[key])
    tone: bytes = (np.asarray(both) * 4000).astype("<i2").tobytes()
    return tone
