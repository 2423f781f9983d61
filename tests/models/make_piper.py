"""Make the small Piper voice of the tests: `python -m tests.models.make_piper --out DIR`.

It has the true format (the inputs, the output and the JSON of a Piper voice) and says
English words so that they can be told apart; it is a test voice, not a good one.
Needs ``pip install onnx`` for the export; the product does not.

1. espeak-ng speaks sentences and tells where each phoneme begins.
2. Two small convolutional networks learn from that how long each phoneme lasts and how
   loud each of ``BANDS`` bands is in every 10 ms.
3. A channel vocoder, part of the graph, makes sound of it: a pulse train or noise, through
   a filter for each band.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import re
import time
import unicodedata
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import soxr
import torch
import yaml
from piper.phoneme_ids import DEFAULT_PHONEME_ID_MAP, phonemes_to_ids
from piper.phonemize_espeak import EspeakPhonemizer
from torch import nn
from torch.nn import functional

from tests.models.espeak import Espeak, Spoken

SEED = 20260302
NAME = "en_test"
ESPEAK_VOICE, TEACHER = "en-us", "en-us"
RATE, HOP, WINDOW = 16000, 160, 512
BANDS, LOWEST_HZ, HIGHEST_HZ, TAPS = 24, 60.0, 7600.0, 255
QUIETEST_DB = -80.0
SYMBOLS = 256
PITCH_HZ, FALL_HZ = 128.0, 36.0
"""The pitch at the beginning of a sentence, and how much it falls to its end."""
SPEAKERS = {"low": PITCH_HZ, "high": 190.0}
"""Of the voice of two, which is the same voice otherwise."""
HARMONICS = 40
TOGETHER = 4
"""Sentences in one step of training."""
NOISE_SCALE = 0.667
TRAILING_S = 0.12
VOICELESS = frozenset("ptkfθsʃhxçɕʂʈqχħʔ")
HALF_VOICED = frozenset("vðzʒdbɡgʤ")
MARKS = frozenset("ˈˌːˑ˞ʲʰʷ̧̩̯̪̝̺̻̃̊_^$ ")
"""What lasts no time of its own. A space does when espeak-ng makes a pause there."""
PAUSES = frozenset(",.:;?! ʲ")
ROOT = Path(__file__).parents[2]

Array = npt.NDArray[np.float32]


# -- what it learns from -----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Lesson:
    """A sentence: ids, frames per id, and decibels (frames, ``BANDS``)."""

    ids: list[int]
    frames: list[int]
    levels: Array


def texts() -> list[str]:
    """Sentences of the demo company's articles, and callers' lines."""
    lines = yaml.safe_load((ROOT / "evals/utterances/lines.yaml").read_text(encoding="utf-8"))
    made = {str(line["text"]) + "." for line in lines}
    for article in sorted((ROOT / "gateway/demo/articles/en").glob("*")):
        words = re.sub(r"(?s)^---.*?---|[*_`#>|\[\]]|\(http\S+\)", " ", article.read_text("utf-8"))
        made |= {" ".join(piece.split()) for piece in re.split(r"(?<=[.!?])\s+|\n\s*\n", words)}
    return sorted(text for text in made if 3 <= len(text) <= 110 and text[-1] in ".?!")


def lesson(text: str, espeak: Espeak, phonemizer: EspeakPhonemizer) -> Lesson | None:
    """The text spoken by the teacher; None when its phonemes and sound do not match."""
    sentences = phonemizer.phonemize(ESPEAK_VOICE, text)
    if len(sentences) != 1:
        return None
    spoken = espeak.speak(text, TEACHER, rate=150)
    starts = aligned(sentences[0], spoken)
    if starts is None:
        return None
    starts[-1] += round(TRAILING_S * espeak.sample_rate)
    samples = np.asarray(soxr.resample(spoken.samples, espeak.sample_rate, RATE))
    levels = analysed(torch.from_numpy(samples.astype(np.float32)))
    places = [min(len(levels), round(start * RATE / espeak.sample_rate / HOP)) for start in starts]
    frames = [0, 0]  # beginning and its padding
    for begin, end in itertools.pairwise(places):
        frames += [max(0, end - begin), 0]
    frames += [0]
    return Lesson(phonemes_to_ids(sentences[0]), frames, levels[: sum(frames)].numpy())


def aligned(phonemes: Sequence[str], spoken: Spoken) -> list[int] | None:
    """The sample at which each of Piper's phonemes begins, and where the last one ends."""
    starts: list[float] = []
    events = [*spoken.phonemes]
    place = 0
    for number, event in enumerate(events):
        end = events[number + 1].start if number + 1 < len(events) else event.start
        wanted = unicodedata.normalize("NFD", event.ipa)
        if not wanted:
            continue
        while place < len(phonemes) and phonemes[place] in PAUSES:
            # A pause begins where the phoneme before it ended.
            starts.append(_end_of_words(events, number))
            place += 1
        if [*phonemes[place : place + len(wanted)]] != [*wanted]:
            return None
        lasting = [char not in MARKS for char in wanted]
        share = (end - event.start) / max(1, sum(lasting))
        for before in range(len(wanted)):
            starts.append(event.start + share * sum(lasting[:before]))
        place += len(wanted)
    if not starts or any(char not in PAUSES for char in phonemes[place:]):
        return None
    last = _end_of_words(events, len(events))
    rest = [last] * (len(phonemes) - place)
    return [round(start) for start in (*starts, *rest, last)]


def _end_of_words(events: Sequence[Any], number: int) -> int:
    """Where the pause before event ``number`` begins."""
    while number > 0 and not events[number - 1].ipa:
        number -= 1
    return int(events[min(number, len(events) - 1)].start)


def mel(hertz: torch.Tensor) -> torch.Tensor:
    """Hertz to mel (O'Shaughnessy)."""
    return 2595 * torch.log10(1 + hertz / 700)


def band_edges() -> torch.Tensor:
    """``BANDS`` + 1 frequencies, evenly on the mel scale."""
    low, high = (float(mel(torch.tensor(edge))) for edge in (LOWEST_HZ, HIGHEST_HZ))
    return 700 * (10 ** (torch.linspace(low, high, BANDS + 1) / 2595) - 1)


def analysed(samples: torch.Tensor) -> torch.Tensor:
    """Decibels (frames, ``BANDS``) of 16 kHz samples."""
    spectrum = torch.stft(
        samples, WINDOW, HOP, window=torch.hann_window(WINDOW), return_complex=True
    )
    edges = band_edges() / RATE * WINDOW
    bins = torch.arange(WINDOW // 2 + 1)[:, None]
    # The share of each bin that lies in each band.
    share = (torch.minimum(bins + 0.5, edges[1:]) - torch.maximum(bins - 0.5, edges[:-1])).clamp(0)
    power = (spectrum.abs() ** 2).T @ share
    return 10 * torch.log10(power + 1e-12).clamp(QUIETEST_DB / 10)


# -- the voice ---------------------------------------------------------------------------


def filters() -> torch.Tensor:
    """One band-pass FIR filter per band (``BANDS``, 1, ``TAPS``)."""
    time_axis = torch.arange(TAPS) - TAPS // 2
    edges = band_edges() / RATE

    def low_pass(edge: torch.Tensor) -> torch.Tensor:
        return 2 * edge * torch.sinc(2 * edge * time_axis)

    window = torch.hann_window(TAPS, periodic=False)
    pairs = itertools.pairwise(edges)
    return torch.stack([(low_pass(high) - low_pass(low)) * window for low, high in pairs])[:, None]


def voicing() -> torch.Tensor:
    """How much of each symbol is the voice and not breath, 0..1."""
    table = torch.ones(SYMBOLS)
    for char, ids in DEFAULT_PHONEME_ID_MAP.items():
        table[ids[0]] = 0.0 if char in VOICELESS else 0.7 if char in HALF_VOICED else 1.0
    return table


def lasting() -> torch.Tensor:
    """1 for symbols that take time, 0 for marks and padding."""
    table = torch.ones(SYMBOLS)
    for char, ids in DEFAULT_PHONEME_ID_MAP.items():
        table[ids[0]] = 0.0 if char in MARKS and char != " " else 1.0
    return table


class SmallVoice(nn.Module):
    """Phoneme ids to audio, with the inputs and the output of a Piper voice."""

    voiced: torch.Tensor
    lasts: torch.Tensor
    bank: torch.Tensor
    correction: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(SYMBOLS, 48)
        self.near = nn.Conv1d(48, 64, 11, padding=5)
        self.far = nn.Conv1d(64, 64, 7, padding=3)
        self.lengths = nn.Conv1d(64, 1, 1)
        self.first = nn.Conv1d(67, 96, 5, padding=2)
        self.second = nn.Conv1d(96, 96, 5, padding=2)
        self.last = nn.Conv1d(96, BANDS, 5, padding=2)
        for name, table in (("voiced", voicing()), ("lasts", lasting()), ("bank", filters())):
            self.register_buffer(name, table)
        self.register_buffer("correction", torch.zeros(BANDS))

    def context(self, ids: torch.Tensor) -> torch.Tensor:
        """(64, ids): each symbol as its neighbours make it."""
        hidden = functional.relu(self.near(self.embed(ids).T[None]))
        made: torch.Tensor = functional.relu(self.far(hidden))[0]
        return made

    def frames(self, context: torch.Tensor, ids: torch.Tensor) -> torch.Tensor:
        """How many frames each symbol lasts, not yet whole ones."""
        wanted: torch.Tensor = functional.softplus(self.lengths(context[None])[0, 0])
        return wanted * self.lasts[ids]

    def levels(self, context: torch.Tensor, ends: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Decibels (``BANDS``, frames) and the symbol of each frame; ``ends`` in frames."""
        frame = torch.arange(ends[-1])  # type: ignore[call-overload]
        place = (frame[:, None] >= ends[None]).sum(1)
        starts = functional.pad(ends[:-1], (1, 0))
        length = (ends - starts)[place].float()
        within = (frame - starts[place]).float() / length
        hidden = torch.cat([context[:, place], torch.stack([within, 1 - within, length / 20])])
        hidden = functional.relu(self.first(hidden[None]))
        hidden = functional.relu(self.second(hidden))
        return self.last(hidden)[0] * 10 - 40, place

    def forward(
        self, phonemes: torch.Tensor, input_lengths: torch.Tensor, scales: torch.Tensor
    ) -> torch.Tensor:
        """(1, 1, samples) of (1, ids), (1,) and noise, length and (unused) width scales."""
        return self.spoken(phonemes, input_lengths, scales, torch.tensor(PITCH_HZ))

    def spoken(
        self,
        phonemes: torch.Tensor,
        input_lengths: torch.Tensor,
        scales: torch.Tensor,
        pitch_hz: torch.Tensor,
    ) -> torch.Tensor:
        """The same at a speaker's pitch."""
        ids = phonemes[0, : input_lengths[0]]
        context = self.context(ids)
        lengths = torch.round(self.frames(context, ids) * scales[1]).long()
        # The first symbol gets a frame, so that there always is one.
        ends = torch.cumsum(functional.pad(lengths[1:], (1, 0), value=1), 0)
        levels, place = self.levels(context, ends)
        voiced = self.voiced[ids][place]
        return self.sound(levels, voiced, scales[0] / NOISE_SCALE, pitch_hz)[None, None]

    def sound(
        self,
        levels: torch.Tensor,
        voiced: torch.Tensor,
        breath: torch.Tensor,
        pitch_hz: torch.Tensor,
    ) -> torch.Tensor:
        """The channel vocoder: samples of decibels per band, voicing per frame and noise."""
        voice = smooth(voiced[None])[0]
        time_axis = torch.arange(voice.shape[0]).float() / voice.shape[0]
        pitch = pitch_hz - FALL_HZ * time_axis
        phase = torch.cumsum(pitch, 0) * (2 * torch.pi / RATE)
        tones = torch.cos(torch.arange(1, HARMONICS + 1)[:, None] * phase[None]).sum(0)
        # Tones at this level have as much power in a band as noise of variance one.
        buzz = tones * (2 * torch.sqrt(pitch / RATE))
        hiss = torch.randn_like(voice) * breath
        source = buzz * torch.sqrt(voice) + hiss * torch.sqrt(1 - voice)
        banded = functional.conv1d(source[None, None], self.bank, padding=TAPS // 2)[0]
        gains = 10 ** ((levels + self.correction[:, None]) / 20)
        made: torch.Tensor = (banded * smooth(gains)).sum(0)
        return made


class Speakers(nn.Module):
    """The voice of two, with the further input ``sid`` that such Piper voices have."""

    pitches: torch.Tensor

    def __init__(self, voice: SmallVoice) -> None:
        super().__init__()
        self.voice = voice
        self.register_buffer("pitches", torch.tensor(list(SPEAKERS.values())))

    def forward(
        self,
        phonemes: torch.Tensor,
        input_lengths: torch.Tensor,
        scales: torch.Tensor,
        sid: torch.Tensor,
    ) -> torch.Tensor:
        """As ``SmallVoice``; ``sid`` is (1,), the speaker's number."""
        return self.voice.spoken(phonemes, input_lengths, scales, self.pitches[sid])


def smooth(rows: torch.Tensor) -> torch.Tensor:
    """(n, frames) to (n, frames * ``HOP``), straight lines between the frames."""
    following = torch.cat([rows[:, 1:], rows[:, -1:]], 1)
    ramp = torch.arange(HOP) / HOP
    return (rows[:, :, None] + (following - rows)[:, :, None] * ramp).flatten(1)


# -- training ----------------------------------------------------------------------------


def loss_of(voice: SmallVoice, item: Lesson) -> tuple[torch.Tensor, torch.Tensor]:
    """Errors of the durations (log frames) and of the levels (10 dB)."""
    ids, wanted = torch.tensor(item.ids), torch.tensor(item.frames)
    context = voice.context(ids)
    kept = voice.lasts[ids] > 0
    guessed = voice.frames(context, ids)
    lengths = functional.l1_loss(torch.log1p(guessed[kept]), torch.log1p(wanted[kept].float()))
    levels, _ = voice.levels(context, torch.cumsum(wanted, 0))
    return lengths, functional.l1_loss(levels / 10, torch.from_numpy(item.levels).T / 10)


def joined(lessons: Sequence[Lesson]) -> Lesson:
    """Sentences as one: a long one takes little more time than a short one."""
    return Lesson(
        [number for item in lessons for number in item.ids],
        [count for item in lessons for count in item.frames],
        np.concatenate([item.levels for item in lessons]),
    )


def train(voice: SmallVoice, lessons: Sequence[Lesson], epochs: int) -> None:
    """Fit the two networks; every tenth lesson is held out and measured."""
    optimizer = torch.optim.Adam(voice.parameters(), lr=2e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)
    chance = np.random.default_rng(SEED)
    taught = [item for number, item in enumerate(lessons) if number % 10]
    kept = joined(lessons[::10])
    for epoch in range(epochs):
        order = chance.permutation(len(taught))
        for start in range(0, len(taught), TOGETHER):
            item = joined([taught[number] for number in order[start : start + TOGETHER]])
            lengths, levels = loss_of(voice, item)
            optimizer.zero_grad()
            torch.autograd.backward(lengths + levels)
            optimizer.step()
        schedule.step()
        if epoch % 5 == 4:
            with torch.no_grad():
                lengths, levels = loss_of(voice, kept)
            found = f"held-out: {10 * levels:.1f} dB, {lengths:.2f} log frames"
            print(f"{epoch + 1:3} {found}", flush=True)


@torch.no_grad()
def calibrate(voice: SmallVoice) -> None:
    """Make the vocoder's bands as loud as they were meant to be."""
    flat = torch.full((BANDS, 300), -40.0)
    made = analysed(voice.sound(flat, torch.ones(300), torch.tensor(1.0), torch.tensor(PITCH_HZ)))
    voice.correction -= 40.0 + 10 * torch.log10((10 ** (made[20:-20] / 10)).mean(0))


# -- the files ---------------------------------------------------------------------------


def export(voice: SmallVoice, out: Path) -> list[Path]:
    """Write ``NAME.onnx``, the voice of two in a folder of its own, and the JSON beside each."""
    one, two = out / f"{NAME}.onnx", out.with_name(f"{out.name}_speakers") / f"{NAME}.onnx"
    ids = torch.tensor([phonemes_to_ids(list("hˈɛloʊ."))])
    example = (ids, torch.tensor([ids.shape[1]]), torch.tensor([NOISE_SCALE, 1.0, 0.8]))
    names = ["input", "input_lengths", "scales"]
    _write(voice.eval(), example, names, one)
    _write(Speakers(voice).eval(), (*example, torch.tensor([0])), [*names, "sid"], two)
    speakers = {name: number for number, name in enumerate(SPEAKERS)}
    for path, extra in ((one, {}), (two, {"num_speakers": 2, "speaker_id_map": speakers})):
        text = json.dumps(described() | extra, ensure_ascii=False, indent=1)
        Path(f"{path}.json").write_text(f"{text}\n")
    return [one, two]


def _write(
    voice: nn.Module, example: tuple[torch.Tensor, ...], names: list[str], path: Path
) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter without further packages is the old one
        torch.onnx.export(
            voice,
            example,
            str(path),
            input_names=names,
            output_names=["output"],
            dynamic_axes={"input": {1: "phonemes"}, "output": {2: "time"}},
            opset_version=17,
            dynamo=False,
        )


def described() -> dict[str, Any]:
    """What a Piper voice says of itself."""
    return {
        "dataset": "parley test voice: small, made from espeak-ng; for tests only",
        "audio": {"sample_rate": RATE, "quality": "x_low"},
        "espeak": {"voice": ESPEAK_VOICE},
        "language": {"code": "en_US", "family": "en", "region": "US"},
        "inference": {"noise_scale": NOISE_SCALE, "length_scale": 1, "noise_w": 0.8},
        "phoneme_type": "espeak",
        "phoneme_id_map": DEFAULT_PHONEME_ID_MAP,
        "num_symbols": SYMBOLS,
        "num_speakers": 1,
        "speaker_id_map": {},
        "hop_length": HOP,
    }


def main() -> None:
    """Render, train, export."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="folder for the voice")
    parser.add_argument("--epochs", type=int, default=10)
    wanted = parser.parse_args()
    os.nice(10)
    torch.manual_seed(SEED)
    torch.set_num_threads(1)
    began = time.monotonic()
    espeak, phonemizer = Espeak(), EspeakPhonemizer()
    said = texts()
    lessons = [item for text in said if (item := lesson(text, espeak, phonemizer)) is not None]
    print(f"{len(lessons)} of {len(said)} sentences, {time.monotonic() - began:.0f} s", flush=True)
    voice = SmallVoice()
    train(voice, lessons, wanted.epochs)
    calibrate(voice)
    for path in export(voice, wanted.out):
        spent = time.monotonic() - began
        print(f"made in {spent:.0f} s: {path}, {path.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
