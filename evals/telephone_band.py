"""Train what the offline recogniser expects beyond the telephone band.

``python -m evals.telephone_band FOLDER...`` writes ``bots/engines/telephone_band.npz``. Each folder
holds wideband recordings (16 kHz or more, any format that PyAV reads) of one or more speakers; the
shipped weights come from the prompts of Debian's ``asterisk-core-sounds-{en,es,fr,it,ru}-g722``:
five people, two hours.

Every recording is heard twice: as it is, and as a telephone line would bring it (8 kHz, another
level, tone and noise each time, G.711). The network learns to tell the first from the second, frame
by frame. Languages do not matter: it learns how voices go on above 3.4 kHz, not words.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
import soxr
import torch
from scipy.signal import butter, lfilter

from bots.engines.telephone_band import (
    BANDS,
    LOG_FLOOR,
    RATE,
    WEIGHTS,
    MelBands,
    NoiseRemoval,
    cepstra,
)
from evals.render import RATE as LINE_RATE
from evals.render import compress, expand

AHEAD = 6
"""Frames of 10 ms to either side."""
HIDDEN = 320
EPOCHS, BATCH, MOST_RATE = 10, 512, 2e-3
PASSES = 2
"""Lines that each recording is heard over."""
LONGEST_S, SHORTEST_S = 8.0, 0.25
QUIETEST, LOUDEST = 600.0, 5000.0
"""RMS of the samples of speech."""
SEED = 0

Samples = npt.NDArray[np.float64]


def recordings(folders: Sequence[Path]) -> Iterator[Samples]:
    """Samples at 16 kHz of every file that has sound of some length."""
    for path in sorted(file for folder in folders for file in folder.rglob("*") if file.is_file()):
        try:
            samples = decode(path)
        except av.FFmpegError:
            continue
        if samples.size > SHORTEST_S * RATE:
            yield samples[: int(LONGEST_S * RATE)]


def decode(path: Path) -> Samples:
    """Mono samples at 16 kHz."""
    resampler = av.AudioResampler("s16", "mono", RATE)
    # A .g722 file has no header that would tell its format.
    raw = {"format": "g722"} if path.suffix == ".g722" else {}
    with av.open(str(path), **raw) as file:
        pieces = [
            out.to_ndarray().ravel()
            for frame in file.decode(audio=0)
            for out in resampler.resample(frame)
        ]
    return np.concatenate(pieces).astype(np.float64) if pieces else np.zeros(0)


def by_telephone(wide: Samples, chance: np.random.Generator) -> Samples:
    """The same over one of many lines, brought back to 16 kHz."""
    narrow = np.asarray(soxr.resample(wide, RATE, LINE_RATE), dtype=np.float64)
    if chance.random() < 0.5:
        edges = chance.uniform(80, 350), chance.uniform(3100, 3800)
        narrow = lfilter(*butter(2, edges, "band", fs=LINE_RATE), narrow)
    if chance.random() < 0.5:
        narrow = lfilter([1, chance.uniform(-0.5, 0.5)], [1], narrow)
    level = np.sqrt(np.mean(narrow**2)) + 1
    narrow = narrow + noise(narrow.size, chance) * level * 10 ** (-chance.uniform(12, 45) / 20)
    if chance.random() < 0.7:
        ulaw = compress(np.clip(narrow / 32768, -0.99, 0.99))
        narrow = np.frombuffer(expand(ulaw), dtype="<i2").astype(np.float64)
    return np.asarray(soxr.resample(narrow, LINE_RATE, RATE), dtype=np.float64)


def noise(size: int, chance: np.random.Generator) -> Samples:
    """White, or falling, or rising a little; RMS 1."""
    white = chance.normal(size=size)
    numerator, denominator = [([1], [1]), ([1], [1, -0.95]), ([1, 0.7], [1])][chance.integers(3)]
    coloured: Samples = lfilter(numerator, denominator, white)
    return coloured / float(np.sqrt(np.mean(coloured**2)))


def log_mel(samples: Samples) -> npt.NDArray[np.float32]:
    """``(frames, BANDS)`` as the recogniser makes them."""
    whole = np.clip(samples, -32768, 32767).astype(np.int16)
    bands = np.log(NoiseRemoval().clean(MelBands().hear(whole)) + LOG_FLOOR)
    return bands.astype(np.float32)


def pairs(
    folders: Sequence[Path], chance: np.random.Generator
) -> Iterator[tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]]:
    """Bands by telephone, and as they were."""
    for recording in recordings(folders):
        level = np.sqrt(np.mean(recording**2)) + 1
        wide = np.clip(recording * chance.uniform(QUIETEST, LOUDEST) / level, -32000, 32000)
        target = log_mel(wide + chance.normal(0, 2, wide.size))
        for _ in range(PASSES):
            heard = log_mel(by_telephone(wide, chance))
            frames = min(len(heard), len(target))
            yield heard[:frames], target[:frames]


def train(folders: Sequence[Path], out: Path) -> None:
    """Hear everything, fit the network, write it."""
    chance = np.random.default_rng(SEED)
    torch.manual_seed(SEED)
    heard, wanted = zip(*pairs(folders, chance), strict=True)
    mean, spread = np.concatenate(heard).mean(0), np.concatenate(heard).std(0)
    offset = np.concatenate(wanted).mean(0)
    inputs = torch.tensor(np.concatenate([_in_context((each - mean) / spread) for each in heard]))
    targets = torch.tensor(np.concatenate(wanted) - offset)
    print(f"{len(heard)} utterances, {len(inputs) / 6000:.0f} minutes", flush=True)
    network = torch.nn.Sequential(
        torch.nn.Linear(inputs.shape[1], HIDDEN),
        torch.nn.ReLU(),
        torch.nn.Linear(HIDDEN, HIDDEN),
        torch.nn.ReLU(),
        torch.nn.Linear(HIDDEN, BANDS),
    )
    _fit(network, inputs, targets)
    state = [parameter.detach().numpy().astype(np.float16) for parameter in network.parameters()]
    kept: dict[str, Any] = {
        "mean": mean,
        "spread": spread,
        "offset": offset,
        "cepstral_mean": cepstra(np.concatenate(wanted).astype(np.float64)).mean(0),
    }
    for number in range(3):
        kept[f"weights{number}"], kept[f"biases{number}"] = state[2 * number : 2 * number + 2]
    np.savez_compressed(out, **kept)


def _in_context(bands: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    padded = np.pad(bands, ((AHEAD, AHEAD), (0, 0)), "edge")
    views = np.lib.stride_tricks.sliding_window_view(padded, (2 * AHEAD + 1, BANDS))
    flat: npt.NDArray[np.float32] = views.reshape(len(bands), -1)
    return flat


def _fit(network: torch.nn.Module, inputs: torch.Tensor, targets: torch.Tensor) -> None:
    batches = len(inputs) // BATCH
    optimizer = torch.optim.AdamW(network.parameters())
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, MOST_RATE, total_steps=EPOCHS * batches
    )
    for epoch in range(EPOCHS):
        order, total = torch.randperm(len(inputs)), 0.0
        for number in range(batches):
            chosen = order[number * BATCH : (number + 1) * BATCH]
            loss = (network(inputs[chosen]) - targets[chosen]).abs().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.item()
        print(f"epoch {epoch + 1}: {total / batches:.3f} nepers off a band and frame", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER")
    parser.add_argument("--out", type=Path, default=WEIGHTS)
    options = parser.parse_args()
    train(options.folders, options.out)
