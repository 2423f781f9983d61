"""The encoder that has learned telephone lines, and how it learns."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest
import soxr
import torch

from bots.engines.moonshine import ENCODER, RATE, Floats, Moonshine, find_model
from evals.line import Line
from evals.line_encoder import Lessons, encoder, learned, write
from evals.many_lines import by_some_line
from evals.ort_file import read
from evals.render import RATE as LINE_RATE
from evals.render import load

MODEL_FOLDER = find_model()
assert MODEL_FOLDER is not None, "the package moonshine-voice is not installed"
FOLDER: Path = MODEL_FOLDER
MODEL = FOLDER / ENCODER


def wide(pcm: bytes) -> Floats:
    samples = np.frombuffer(pcm, dtype="<i2").astype(np.float32) / 32768
    return np.asarray(soxr.resample(samples, LINE_RATE, RATE), dtype=np.float32)


def lines(count: int) -> list[bytes]:
    return [each.pcm() for each in load()[::7]][:count]


def test_encoder_in_torch_makes_what_the_packages_file_makes() -> None:
    (pcm,) = lines(1)
    package = Moonshine(FOLDER, weights=Path("none"))
    network = encoder(read(MODEL)).eval()
    samples = wide(pcm)
    samples *= 0.5 / np.abs(samples).max()
    with torch.inference_mode():
        made = network(torch.tensor(samples[None])).last_hidden_state.numpy()
    wanted = package.hear(samples).hidden
    # The file computes in 8 bits.
    assert np.abs(made - wanted).mean() < 0.1 * np.abs(wanted).mean()


def test_on_a_bad_line_what_was_said_is_more_probable_than_with_the_packages_own() -> None:
    models = Moonshine(FOLDER, weights=Path("none")), Moonshine(FOLDER)
    chance, probable = np.random.default_rng(3), [0.0, 0.0]
    for said in load()[::12][:6]:
        noisy = wide(Line().carry(said.pcm(), chance))
        text = f"{said.text.capitalize()}."
        for number, model in enumerate(models):
            probable[number] += model.log_probs(model.hear(noisy), [text])[0]
    own, taught = probable
    assert taught > own + 6, "less than e times as probable, a sentence"


def test_what_was_learned_is_written_and_used(tmp_path: Path) -> None:
    file = read(MODEL)
    network = encoder(file)
    with torch.no_grad():
        network.layer_norm.weight *= 2
    write(tmp_path / "learned.npz", MODEL, learned(file, network.state_dict()))
    samples = wide(lines(1)[0])
    before = Moonshine(FOLDER, weights=Path("none")).hear(samples).hidden
    after = Moonshine(FOLDER, weights=tmp_path / "learned.npz").hear(samples).hidden
    assert np.abs(after - 2 * before).mean() < 0.1 * np.abs(after).mean()


def test_weights_for_another_model_are_not_used(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = read(MODEL)
    other = tmp_path / "other.ort"
    other.write_bytes(b"another model")
    write(tmp_path / "learned.npz", other, learned(file, encoder(file).state_dict()))
    with caplog.at_level(logging.WARNING):
        Moonshine(FOLDER, weights=tmp_path / "learned.npz")
    assert "is for another model" in caplog.text


def test_lessons_are_alike_and_as_long_as_each_other() -> None:
    chance = np.random.default_rng(1)
    speech = [(wide(pcm) * 32767).astype(np.int16) for pcm in lines(12)]
    clear, heard = Lessons(speech, chance).batch()
    assert clear.shape == heard.shape
    assert np.allclose(np.abs(clear).max(1), 0.5)
    assert np.allclose(np.abs(heard).max(1), 0.5)
    assert not np.allclose(clear, heard, atol=0.01)


def test_lines_of_many_kinds_keep_time() -> None:
    """Whatever the line does to it, a click stays where it was: within one packet."""
    chance = np.random.default_rng(2)
    speech = [(wide(lines(1)[0]) * 32767).astype(np.int16)]
    click = np.zeros(RATE)
    click[RATE // 2 : RATE // 2 + 80] = 20000.0
    found = 0
    for _ in range(12):
        heard = by_some_line(click, speech, chance)
        assert abs(heard.size - click.size) <= 2
        found += abs(int(np.argmax(np.abs(heard))) - RATE // 2) < RATE * 0.02
    assert found >= 9, "only a lost packet may take it"
