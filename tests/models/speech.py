"""Callers who never lived: digits and short commands by espeak-ng and flite, by telephone.

``Speaker.say`` gives 8 kHz audio through the telephone's band and µ-law (ITU-T G.711).
``Callers`` say texts at once, or digit after digit, so that it is known where each word
lies. ``on_the_line`` puts such audio into silence and noise at some loudness and pace,
which is what makes a few speakers go a long way in training.
"""

from __future__ import annotations

import subprocess
import tempfile
import wave
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import soxr

from evals.render import compress, expand
from tests.models.espeak import Espeak

LINE_RATE = 8000
MODEL_RATE = 16000
LOWEST_HZ, HIGHEST_HZ = 200, 3400
"""The telephone's band (ITU-T G.712), roughly; each call's line differs a little."""

DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
MOST_DIGITS = 4
COMMANDS = (
    "yes", "no", "yes please", "no thank you", "agent", "speak to an agent", "help", "repeat",
    "say that again", "stop", "cancel", "billing", "orders", "my order", "where is my order",
    "technical", "technical support", "opening hours", "main menu", "a person please",
    "thank you", "goodbye",
)  # fmt: skip

Samples = npt.NDArray[np.float32]
Chance = np.random.Generator


@dataclass(frozen=True, slots=True)
class Speaker:
    """A voice of ``espeak`` or ``flite``."""

    engine: str
    voice: str

    def say(self, text: str, pace: float, pitch: int, chance: Chance) -> Samples:
        """``text`` at 8 kHz, -1..1; above 1 ``pace`` is faster, ``pitch`` is 0..99 (espeak)."""
        if self.engine == "flite":
            samples, rate = _flite(text, self.voice, pace)
        else:
            spoken = _espeak().speak(text, self.voice, rate=round(155 * pace), pitch=pitch)
            samples, rate = spoken.samples, _espeak().sample_rate
        return _telephone(_trimmed(np.asarray(soxr.resample(samples, rate, LINE_RATE))), chance)


@dataclass(frozen=True, slots=True)
class Utterance:
    """What was said, at 8 kHz. ``spans`` are (word, first sample, last sample) if known."""

    text: str
    samples: Samples
    spans: tuple[tuple[str, int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Line:
    """An utterance in a call at 16 kHz; ``spans`` are (word, from, to) in seconds."""

    text: str
    samples: Samples
    spans: tuple[tuple[str, float, float], ...] = ()


FLITE_SHARE = 0.5
"""Of the utterances; flite has few voices but better ones."""
VARIANTS = (
    "m1", "m2", "m3", "m4", "m6", "m7", "f1", "f2", "f3", "f5", "linda", "steph", "ed", "victor",
    "max", "belinda", "travis", "paul", "michael", "zac", "Andy", "Lee", "edward",
)  # fmt: skip
TRAINED = (
    *(Speaker("flite", voice) for voice in ("slt", "awb", "kal16", "kal")),
    *(
        Speaker("espeak", f"{accent}+{variant}")
        for accent in ("en-us", "en", "en-gb-x-rp")
        for variant in VARIANTS
    ),
)
HELD_OUT = (
    Speaker("flite", "rms"),
    *(
        Speaker("espeak", voice)
        for voice in ("en-us+m5", "en+f4", "en-us+Alicia", "en-gb-x-rp+benjamin")
    ),
)
HELD_OUT_PACES = (0.95, 1.12)
"""No training utterance has a pace within ``PACE_MARGIN`` of these."""
PACE_MARGIN = 0.02
SLOWEST, FASTEST = 0.78, 1.35
WHOLE_SHARE = 0.6
"""Of the training utterances are said at once, the others digit after digit."""


def some_text(chance: Chance) -> str:
    """One to four digits, or a command."""
    if chance.random() < 0.3:
        return str(chance.choice(COMMANDS))
    return " ".join(chance.choice(DIGITS, size=int(chance.integers(1, MOST_DIGITS + 1))))


def some_pace(chance: Chance) -> float:
    """A pace for training."""
    while True:
        pace = float(chance.uniform(SLOWEST, FASTEST))
        if all(abs(pace - other) > PACE_MARGIN for other in HELD_OUT_PACES):
            return pace


class Callers:
    """Renders utterances of the training speakers, then gives them in any number."""

    def __init__(self, chance: Chance) -> None:
        self._chance = chance
        self._whole: list[Utterance] = []
        self._digits: dict[Speaker, dict[str, list[Samples]]] = {}

    def render(self, whole: int, times: int) -> None:
        """``whole`` texts said at once, and each speaker's digits ``times`` (flite) or twice."""
        self._whole = [self._say_whole() for _ in range(whole)]
        for speaker in TRAINED:
            count = times if speaker.engine == "flite" else 2
            self._digits[speaker] = {
                digit: [self._say(speaker, digit) for _ in range(count)] for digit in DIGITS
            }

    def utterance(self) -> Utterance:
        """One said at once, or digit after digit."""
        if self._chance.random() < WHOLE_SHARE:
            return self._whole[int(self._chance.integers(len(self._whole)))]
        return self._digit_by_digit()

    def _speaker(self) -> Speaker:
        engine = "flite" if self._chance.random() < FLITE_SHARE else "espeak"
        speakers = [speaker for speaker in TRAINED if speaker.engine == engine]
        return speakers[int(self._chance.integers(len(speakers)))]

    def _say(self, speaker: Speaker, text: str) -> Samples:
        pitch = int(self._chance.integers(25, 75))
        return speaker.say(text, some_pace(self._chance), pitch, self._chance)

    def _say_whole(self) -> Utterance:
        text = some_text(self._chance)
        samples = self._say(self._speaker(), text)
        spans = () if " " in text else ((text, 0, samples.size),)
        return Utterance(text, samples, spans)

    def _digit_by_digit(self) -> Utterance:
        recorded = self._digits[self._speaker()]
        digits = self._chance.choice(DIGITS, size=int(self._chance.integers(1, MOST_DIGITS + 1)))
        longest_gap = self._chance.choice((0.02, 0.15, 0.4))
        pieces: list[Samples] = []
        spans, place = [], 0
        for digit in map(str, digits):
            word = recorded[digit][int(self._chance.integers(len(recorded[digit])))]
            gap = int(LINE_RATE * self._chance.uniform(0, longest_gap))
            spans.append((digit, place, place + word.size))
            pieces += [word, np.zeros(gap, np.float32)]
            place += word.size + gap
        return Utterance(" ".join(digits), np.concatenate(pieces), tuple(spans))


def on_the_line(said: Utterance, chance: Chance, longest_s: float) -> Line:
    """The utterance in a call: with silence around, a level and noise of its own."""
    # Played a little faster or slower it is another speaker: higher and lower, too.
    pace = float(chance.uniform(0.92, 1.09))
    before, after = (int(LINE_RATE * chance.uniform(0.05, longest)) for longest in (0.7, 1.2))
    slower = np.asarray(soxr.resample(said.samples, LINE_RATE * pace, LINE_RATE, quality="LQ"))
    line = np.concatenate([np.zeros(before), slower, np.zeros(after)])
    line = line[: int(longest_s * LINE_RATE)]
    level = 10 ** (float(chance.uniform(-34, -12)) / 20)
    line *= level / max(1e-4, float(np.sqrt(np.mean(slower**2))))
    noisy = np.clip(line + noise(line.size, level, chance), -1, 1)
    spans = tuple(
        (word, (before + start / pace) / LINE_RATE, (before + end / pace) / LINE_RATE)
        for word, start, end in said.spans
    )
    return Line(said.text, up(noisy, chance), spans)


def no_speech(chance: Chance, longest_s: float) -> Line:
    """A call's silence or noise."""
    size = int(LINE_RATE * chance.uniform(0.4, longest_s))
    level = 10 ** (float(chance.uniform(-60, -20)) / 20)
    return Line("", up(noise(size, level, chance), chance))


def noise(size: int, level: float, chance: Chance) -> Samples:
    """Hiss, rumble or hum, or nothing, 12 to 45 dB below ``level``."""
    kind = int(chance.integers(5))
    if kind == 0:
        return np.zeros(size, np.float32)
    hiss = chance.standard_normal(size)
    if kind == 1:
        hiss = np.convolve(hiss, np.hanning(9) / 4, "same")
    if kind == 2:
        hiss += 6 * np.sin(2 * np.pi * float(chance.uniform(90, 420)) * np.arange(size) / LINE_RATE)
    below = 10 ** (-float(chance.uniform(12, 45)) / 20)
    loudness = float(np.sqrt(np.mean(hiss**2))) or 1.0
    made: Samples = (hiss * level * below / loudness).astype(np.float32)
    return made


def up(line: Samples, chance: Chance | None = None) -> Samples:
    """8 kHz to 16 kHz, mostly as calls do it (``bots.call``), sometimes better."""
    quality = "QQ" if chance is None or chance.random() < 0.7 else "HQ"
    made: Samples = soxr.resample(line, LINE_RATE, MODEL_RATE, quality=quality).astype(np.float32)
    return made


def _trimmed(samples: Samples) -> Samples:
    """Without the silence that the engines leave around."""
    loud = np.flatnonzero(np.abs(samples) > 0.02 * max(1e-4, float(np.abs(samples).max())))
    return samples[loud[0] : loud[-1] + 1] if loud.size else samples


def _telephone(samples: Samples, chance: Chance) -> Samples:
    low, high = LOWEST_HZ * chance.uniform(0.5, 1.5), HIGHEST_HZ * chance.uniform(0.95, 1.1)
    spectrum = np.fft.rfft(samples)
    hertz = np.fft.rfftfreq(samples.size, 1 / LINE_RATE)
    # A tilt stands for the telephones' microphones.
    tilt = (np.maximum(hertz, low) / 1000) ** chance.uniform(-0.4, 0.4)
    kept = np.clip((hertz - low * 0.7) / (low * 0.3), 0, 1) * np.clip((high - hertz) / 150, 0, 1)
    line = np.fft.irfft(spectrum * kept * tilt, samples.size)
    line *= 0.5 / max(1e-4, float(np.abs(line).max()))
    pcm = np.frombuffer(expand(compress(line)), dtype="<i2")
    made: Samples = (pcm / 32768).astype(np.float32)
    return made


def _flite(text: str, voice: str, pace: float) -> tuple[Samples, int]:
    stretched = ("--setf", f"duration_stretch={1 / pace:.3f}")
    with tempfile.NamedTemporaryFile(suffix=".wav") as file:
        subprocess.run(
            ["flite", "-voice", voice, *stretched, "-t", text, "-o", file.name],
            check=True,
            timeout=60,
        )
        with wave.open(file.name) as wav:
            pcm = np.frombuffer(wav.readframes(wav.getnframes()), dtype="<i2")
            return (pcm / 32768).astype(np.float32), wav.getframerate()


_loaded: list[Espeak] = []


def _espeak() -> Espeak:
    if not _loaded:
        _loaded.append(Espeak())
    return _loaded[0]
