"""Teach Moonshine's encoder the telephone: ``python -m evals.line_encoder FOLDER... --texts FILE``.

The encoder that the package brings knows clear wideband recordings. It is the teacher: what it
makes of a clear recording, a copy of it learns to make of the same recording over a telephone line
(``evals.many_lines``). The decoder stays as it is and nobody needs to know what is said, so any
voice will do: the recordings in the folders (as for ``evals.telephone_band``), and each line of
the texts said by flite and espeak-ng. Writes ``bots/engines/moonshine_line.npz``: the weights that
take the place of the package's own, in 8 bits.

The shipped weights come from ``asterisk-core-sounds-{en,es,fr,it,ru}-g722`` (CC BY-SA 3.0, five
people) and from 6,600 lines: questions to a bank (banking77's training half, CC BY 4.0), what
callers say, digits, dates, times, amounts and letters; 600 of them were said by festival, which
this script leaves out. 5.3 hours in all, and an hour on two cores. The phrases and the real digits
that ``evals.recognition_bench`` measures were not among them.
"""

from __future__ import annotations

import argparse
import math
import subprocess
import tempfile
import time
import wave
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import soxr
import torch
from transformers import MoonshineConfig
from transformers.models.moonshine.modeling_moonshine import MoonshineEncoder

from bots.engines.moonshine import (
    ENCODER,
    LEARNED,
    LOUDEST,
    MADE_FOR,
    find_model,
    fingerprint,
)
from evals.many_lines import RATE, Recording, Samples, by_some_line
from evals.ort_file import QUANTISED, SCALE, ZERO, OrtFile, read
from evals.telephone_band import recordings

FLITE = ("slt", "rms", "awb", "kal16")
ESPEAK = ("en-us", "en-gb", "en-gb-scotland", "en-gb-x-rp")
VARIANTS = ("", "+m1", "+m3", "+m5", "+m7", "+f1", "+f2", "+f4")
SHORTEST, LONGEST = 3000, 4 * RATE
BEFORE_S, BEHIND_S = (0.05, 0.5), (0.05, 0.4)
"""Silence around the speech, of which an utterance on a call has some."""
FLOOR = 2.0
"""RMS of the noise of a quiet recording."""
BATCH, MOST_RATE, WARM_UP = 8, 3e-4, 100
NORM_FROM = {"groupnorm.weight": "onnx::Mul_2080", "groupnorm.bias": "onnx::Add_2081"}
CONVOLUTION = "_add_tensor"
SEED = 5

Waves = npt.NDArray[np.float32]


def spoken(texts: Iterable[str], chance: np.random.Generator) -> Iterator[Recording]:
    """Each text in some voice, two of three by flite. Needs both programs."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "said.wav"
        for text in texts:
            if chance.random() < 2 / 3:
                pace = f"duration_stretch={chance.choice([0.8, 0.9, 1.0, 1.15])}"
                voice = str(chance.choice(FLITE))
                command = ["flite", "-voice", voice, "--setf", pace, "-t", text, "-o", str(path)]
            else:
                voice = f"{chance.choice(ESPEAK)}{chance.choice(VARIANTS)}"
                speed, pitch = str(chance.integers(135, 190)), str(chance.integers(25, 70))
                command = ["espeak-ng", "-v", voice, "-s", speed, "-p", pitch]
                command += ["-w", str(path), "--", text]
            subprocess.run(command, check=True, timeout=60)
            yield _read(path)


def _read(path: Path) -> Recording:
    with wave.open(str(path)) as file:
        raw = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2")
        wide = soxr.resample(raw.astype(np.float32), file.getframerate(), RATE)
    return in_16_bits(wide)


def in_16_bits(samples: npt.NDArray[Any]) -> Recording:
    """Samples of a recording as it is kept."""
    kept: Recording = np.clip(samples, -32768, 32767).astype(np.int16)
    return kept


@dataclass(frozen=True, slots=True)
class Lessons:
    """Recordings of speech, and what a batch of them sounds like clear and by telephone."""

    speech: Sequence[Recording]
    chance: np.random.Generator

    def batch(self) -> tuple[Waves, Waves]:
        """``(BATCH, samples)`` twice: some recordings that are about as long as each other."""
        lengths = np.array([min(each.size, LONGEST) for each in self.speech])
        like = lengths[self.chance.integers(lengths.size)]
        order = np.abs(lengths - like) + self.chance.uniform(0, RATE / 4, lengths.size)
        chosen = [self._cut(self.speech[at]) for at in np.argsort(order)[:BATCH]]
        before = [round(self.chance.uniform(*BEFORE_S) * RATE) for _ in chosen]
        behind = round(self.chance.uniform(*BEHIND_S) * RATE)
        size = behind + max(at + each.size for at, each in zip(before, chosen, strict=True))
        clear, heard = [], []
        for at, each in zip(before, chosen, strict=True):
            whole = self.chance.normal(0, FLOOR, size)
            whole[at : at + each.size] += each
            line = by_some_line(whole, self.speech, self.chance)
            clear.append(_levelled(whole))
            heard.append(_levelled(np.pad(line, (0, max(0, size - line.size)))[:size]))
        return np.stack(clear), np.stack(heard)

    def _cut(self, recording: Recording) -> Samples:
        spare = max(0, recording.size - LONGEST)
        at = self.chance.integers(spare + 1)
        return recording[at : at + LONGEST].astype(np.float64)


def _levelled(samples: Samples) -> Waves:
    return (samples * (LOUDEST / (np.abs(samples).max() or 1.0))).astype(np.float32)


def encoder(file: OrtFile) -> MoonshineEncoder:
    """The package's encoder, so that it can learn."""
    network = MoonshineEncoder(MoonshineConfig())
    names = _names(file)
    network.load_state_dict(
        {
            name: torch.tensor(
                file.weights(names[name]).T
                if name in names
                else file.arrays[_place(name)].reshape(weights.shape)
            )
            for name, weights in network.state_dict().items()
        }
    )
    return network


def _names(file: OrtFile) -> dict[str, str]:
    """Where the weights of a matrix stand; "/layers.0/mlp/fc1/Add_output_0" is what one makes."""
    return {
        ".".join(made[1:].split("/")[:3]) + ".weight": stem for made, stem in file.products.items()
    }


def _place(name: str) -> str:
    if name.startswith("conv") and name.endswith(".weight"):
        return name + CONVOLUTION
    return NORM_FROM.get(name, name)


def teach(teacher: Any, pupil: Any, lessons: Lessons, minutes: float) -> None:
    """For so long; the rate rises at first and then falls to nothing."""
    optimizer = torch.optim.AdamW(pupil.parameters(), lr=MOST_RATE, betas=(0.9, 0.98))
    begin, step, missed = time.monotonic(), 0, 0.0
    while (done := (time.monotonic() - begin) / 60 / minutes) < 1:
        for group in optimizer.param_groups:
            rate = MOST_RATE * min(1.0, step / WARM_UP)
            group["lr"] = rate * (0.5 * (1 + math.cos(math.pi * done)) + 0.01)
        clear, heard = lessons.batch()
        with torch.no_grad():
            wanted = teacher(torch.tensor(clear)).last_hidden_state
        made = pupil(torch.tensor(heard)).last_hidden_state
        loss = ((made - wanted) ** 2).mean() / (wanted**2).mean()
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(pupil.parameters(), 1.0)
        optimizer.step()
        step += 1
        missed = 0.98 * missed + 0.02 * loss.item() if step > 1 else loss.item()
        if step % 50 == 0:
            print(f"{done:.0%}: step {step}, {missed:.1%} of the power is missed", flush=True)


def learned(file: OrtFile, state: dict[str, torch.Tensor]) -> dict[str, npt.NDArray[Any]]:
    """The weights under the names of the file, matrices in 8 bits with a scale a column."""
    names = _names(file)
    kept: dict[str, npt.NDArray[Any]] = {}
    for name, tensor in state.items():
        weights = tensor.numpy()
        if name in names:
            stem, matrix = names[name], weights.T
            low = np.minimum(matrix.min(0), 0)
            scale = ((np.maximum(matrix.max(0), 0) - low) / 255).astype(np.float32)
            zero = np.round(-low / scale).astype(np.uint8)
            whole = np.clip(np.round(matrix / scale) + zero, 0, 255).astype(np.uint8)
            kept |= {stem + QUANTISED: whole, stem + SCALE: scale, stem + ZERO: zero}
        else:
            kept[_place(name)] = weights.reshape(file.arrays[_place(name)].shape)
    return kept


def write(path: Path, model: Path, kept: dict[str, npt.NDArray[Any]]) -> None:
    """What cannot be had in 8 bits without more ado is kept in 16."""
    halves: dict[str, Any] = {
        name: array.astype(np.float16) if name.endswith(CONVOLUTION) else array
        for name, array in kept.items()
    }
    made_for: dict[str, Any] = {MADE_FOR: np.array(fingerprint(model))}
    np.savez_compressed(path, **made_for, **halves)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="*", type=Path, metavar="FOLDER")
    parser.add_argument("--texts", type=Path, help="a text a line, to be said by flite, espeak-ng")
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--out", type=Path, default=LEARNED)
    options = parser.parse_args()
    folder = find_model()
    if folder is None:
        parser.error("the package moonshine-voice is not installed")
    chance = np.random.default_rng(SEED)
    torch.manual_seed(SEED)
    texts = options.texts.read_text("utf-8").splitlines() if options.texts else []
    speech = [in_16_bits(each) for each in recordings(options.folders)]
    speech += spoken(filter(None, texts), chance)
    speech = [each for each in speech if each.size > SHORTEST]
    if len(speech) < BATCH:
        parser.error(f"{len(speech)} recordings are too few: name folders or texts")
    print(f"{sum(each.size for each in speech) / RATE / 3600:.1f} hours of speech", flush=True)
    file = read(folder / ENCODER)
    teacher, pupil = encoder(file).eval(), encoder(file)
    teach(teacher, pupil, Lessons(speech, chance), options.minutes)
    write(options.out, folder / ENCODER, learned(file, pupil.state_dict()))


if __name__ == "__main__":
    main()
