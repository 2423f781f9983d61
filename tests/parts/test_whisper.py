"""Whisper on a small model of the true format: words, files, languages, cancelling, choosing.

``tests.models.make_whisper`` has made the model from nothing: digits and short commands.
"""

from __future__ import annotations

import asyncio
import json
import logging
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio
import soxr

from bots.engines import hub, piper, whisper, whisper_model
from bots.engines.choice import PIPER_VOICES, WHISPER_MODEL, choose_engines
from bots.engines.endings import Endings
from bots.engines.errors import EngineUnavailable
from bots.engines.fallback import FallbackTranscriber, Tier
from bots.engines.local import Hardware, LocalModels
from bots.engines.phrases import Corpus
from bots.engines.twice import TwiceTranscriber
from bots.engines.whisper import WhisperRecognition, WhisperTranscriber
from bots.engines.whisper_model import Piece
from bots.engines.whisper_model import load as load_model
from bots.engines.whisper_text import invented
from bots.errors import RecognitionFailed
from bots.ports import Expectation, Hypothesis, Partial
from evals.render import Utterance, load
from tests.fakes.fake_hub import hub_with
from tests.models import PIPER, WHISPER
from tests.models.speech import COMMANDS, DIGITS, MODEL_RATE
from tests.scripted import RATE, SILENCE, ScriptedTranscriber

UNHEARD = "rms"
"""A voice of the rendered callers that training never had."""
ALONE = Hardware("cpu", threads=1)
KNOWN = {*COMMANDS, *DIGITS}


def spoken(said: Utterance) -> bytes:
    """A caller's line at 16 kHz, with silence around it."""
    return at_16_khz(SILENCE * 20 + said.pcm() + SILENCE * 30)


def speech() -> bytes:
    """A caller's order number at 16 kHz."""
    return spoken(next(item for item in load() if item.id == "number-482913"))


def at_16_khz(pcm: bytes) -> bytes:
    samples = np.frombuffer(pcm, dtype="<i2")
    louder: bytes = soxr.resample(samples, RATE, MODEL_RATE, quality="QQ").tobytes()
    return louder


def noise(seconds: float, level: float = 0.05) -> bytes:
    chance = np.random.default_rng(1)
    samples = chance.standard_normal(int(MODEL_RATE * seconds)) * 32767 * level
    return samples.astype("<i2").tobytes()


@pytest.fixture
def model() -> Path:
    """The small model, in a folder beside the test voice."""
    return WHISPER


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def ears() -> AsyncIterator[WhisperTranscriber]:
    transcriber = WhisperTranscriber(WHISPER, ALONE)
    await transcriber.start()
    yield transcriber
    await transcriber.stop()


pytestmark = pytest.mark.asyncio(loop_scope="module")


async def hear(
    ears: WhisperTranscriber, pcm: bytes, expect: Expectation | None = None
) -> Hypothesis:
    recognition = ears.open(expect or Expectation())
    recognition.feed(pcm)
    return await recognition.finish()


async def test_voice_that_was_never_in_training_is_written_down(ears: WhisperTranscriber) -> None:
    """Nearly all that "rms" says of what the model knows, on a telephone line."""
    known = [item for item in load() if item.voice == UNHEARD and item.text in KNOWN]
    assert len(known) >= 6
    heard = [await hear(ears, spoken(item)) for item in known]
    right = [one for one, item in zip(heard, known, strict=True) if one.text == item.text]
    assert len(right) >= len(known) - 1, [one.text for one in heard]
    assert all(one.confidence > 0.5 for one in right)


async def test_what_is_more_than_it_knows_is_bounded(ears: WhisperTranscriber) -> None:
    """Six digits are two more than it has learned: it gives words of its own, not a loop."""
    heard = await hear(ears, speech())
    assert 2 <= len(heard.text.split()) <= 6
    assert set(heard.text.split()) <= set(DIGITS)


async def test_phrases_of_the_question_do_not_become_words_that_nobody_said(
    ears: WhisperTranscriber,
) -> None:
    expect = Expectation("choice", ("billing", "orders", "technical support"))
    (said,) = (item for item in load() if item.voice == UNHEARD and item.id == "billing")
    assert (await hear(ears, spoken(said), expect)).text == "billing"
    assert await hear(ears, noise(2, 0.002), expect) == Hypothesis("", 0.0)


async def test_language_the_model_has_not_is_refused(ears: WhisperTranscriber) -> None:
    with pytest.raises(RecognitionFailed, match="hears English only, not 'lv'"):
        ears.open(Expectation(language="lv"))


async def test_not_started_is_refused(model: Path) -> None:
    with pytest.raises(RecognitionFailed, match="start"):
        WhisperTranscriber(model).open(Expectation())


@pytest.mark.parametrize("level", [0.0, 0.002, 0.05, 0.2])
async def test_silence_and_noise_have_no_words(ears: WhisperTranscriber, level: float) -> None:
    assert await hear(ears, noise(2, level)) == Hypothesis("", 0.0)


async def test_callers_at_once_on_one_model_are_each_answered_as_alone(
    ears: WhisperTranscriber,
) -> None:
    alone = await hear(ears, speech())
    heard = await asyncio.gather(
        *(hear(ears, pcm) for pcm in (speech(), noise(2), speech(), noise(1)))
    )
    assert heard == [alone, Hypothesis("", 0.0), alone, Hypothesis("", 0.0)]


async def test_callers_who_wait_share_a_call_whatever_their_questions_are(
    ears: WhisperTranscriber,
) -> None:
    """Hints of different length, and none: each text is as if nobody else were there."""
    said = [item for item in load() if item.voice == UNHEARD and item.text in KNOWN][:3]
    asked = [
        Expectation("choice", ("billing", "orders", "technical support")),
        Expectation("choice", tuple(COMMANDS)),
        Expectation(),
    ]
    lines = [(spoken(item), expect) for item in said for expect in asked]
    alone = [await hear(ears, pcm, expect) for pcm, expect in lines]
    calls, decoded = ears.rounds.calls, ears.rounds.decoded
    together = await asyncio.gather(*(hear(ears, pcm, expect) for pcm, expect in lines))
    assert [one.text for one in together] == [one.text for one in alone]
    assert ears.rounds.decoded - decoded == len(lines)
    assert ears.rounds.calls - calls <= 3


async def test_what_is_longer_than_the_window_is_heard_to_its_end(ears: WhisperTranscriber) -> None:
    first, second = (
        next(item for item in load() if item.voice == UNHEARD and item.text == text)
        for text in ("where is my order", "billing")
    )
    decoded = ears.rounds.decoded
    heard = await hear(ears, spoken(first) + noise(2, 0.0) + spoken(second))
    assert heard.text == "where is my order billing"
    assert ears.rounds.decoded - decoded == 2


async def looked_at(recognition: WhisperRecognition, text: str) -> None:
    """Return when the model has had a look and understood ``text``."""
    async with asyncio.timeout(10):
        while recognition.partial().text != text:
            await asyncio.sleep(0.01)


async def test_words_are_known_while_the_caller_still_speaks(ears: WhisperTranscriber) -> None:
    said = next(item for item in load() if item.voice == UNHEARD and item.text == "billing")
    recognition = ears.open(Expectation())
    assert recognition.partial() == Partial()
    recognition.feed(spoken(said))
    await looked_at(recognition, "billing")
    recognition.feed(noise(3, 0.0) + spoken(said))
    assert (await recognition.finish()).text == "billing billing"


async def test_text_is_there_at_once_when_the_last_look_has_heard_it_all(
    ears: WhisperTranscriber,
) -> None:
    said = next(item for item in load() if item.voice == UNHEARD and item.text == "billing")
    recognition = ears.open(Expectation())
    recognition.feed(spoken(said))
    await looked_at(recognition, "billing")
    calls = ears.rounds.calls
    recognition.feed(bytes(320))
    assert (await recognition.finish()).text == "billing"
    assert ears.rounds.calls == calls


async def test_sentence_that_can_end_is_told_from_one_that_cannot() -> None:
    endings = Endings([["where", "is", "my", "order"], ["my", "order", "is", "late"]])
    ears = WhisperTranscriber(WHISPER, ALONE, endings)
    await ears.start()
    said = next(item for item in load() if item.voice == UNHEARD and item.id == "where-is-my-order")
    recognition = ears.open(Expectation())
    recognition.feed(spoken(said))
    await looked_at(recognition, "where is my order")
    assert recognition.partial().ending > 0.4
    recognition.cancel()
    await ears.stop()


async def test_noise_that_passes_for_speech_is_given_a_word_that_is_dropped() -> None:
    """The model's own doubts are true ones: nothing is scripted here."""
    model = await asyncio.to_thread(load_model, WHISPER, ALONE)
    samples = np.frombuffer(noise(2, 0.02), dtype="<i2").astype(np.float32) / np.float32(32768)
    (decoded,) = await asyncio.to_thread(model.decode, [Piece(samples, Expectation(), 2.0)])
    assert decoded.text
    assert invented(decoded) == "no speech"


async def test_too_late_is_a_failure_and_costs_the_model_nothing_more(
    ears: WhisperTranscriber, monkeypatch: pytest.MonkeyPatch
) -> None:
    pcm = speech()
    before = await hear(ears, pcm)
    with monkeypatch.context() as patience:
        patience.setattr(whisper, "FINISH_TIMEOUT_S", 0.0)
        results = await asyncio.gather(
            *(hear(ears, pcm) for _ in range(30)), return_exceptions=True
        )
    assert all(isinstance(result, RecognitionFailed) for result in results)
    decoded = ears.rounds.decoded
    assert await hear(ears, pcm) == before
    assert ears.rounds.decoded - decoded < 30


async def test_more_than_can_be_decoded_in_time_goes_to_the_next_engine_at_once(
    ears: WhisperTranscriber,
) -> None:
    """The story says "overloaded"; nobody waited for a failure, and nobody goes without a text."""
    pcm = speech()
    await hear(ears, pcm)
    stand_in = ScriptedTranscriber()
    stand_in.script = ["from the other"] * 40
    both = FallbackTranscriber([Tier(ears, 0.05), Tier(stand_in, 10.0)])

    async def heard() -> Hypothesis:
        recognition = both.open(Expectation())
        recognition.feed(pcm)
        return await recognition.finish()

    results = await asyncio.gather(*(heard() for _ in range(40)))
    assert all(result.text for result in results)
    assert results[-1].instead_of == "whisper: overloaded"
    assert results[-1].heard_by == stand_in.name
    async with asyncio.timeout(10):
        while ears.wait_s:
            await asyncio.sleep(0.01)


async def test_gpu_that_is_not_there_is_said(model: Path) -> None:
    with pytest.raises(EngineUnavailable, match="PARLEY_WHISPER_DEVICE=cuda:9: this machine has"):
        await WhisperTranscriber(model, Hardware("cuda:9")).start()


async def test_cancelled_while_it_waits_for_the_model_gives_nothing_and_blocks_nobody(
    ears: WhisperTranscriber,
) -> None:
    pcm = speech()
    recognitions = [ears.open(Expectation()) for _ in range(20)]
    for recognition in recognitions:
        recognition.feed(pcm)
    waiting = [asyncio.create_task(recognition.finish()) for recognition in recognitions]
    await asyncio.sleep(0)
    for recognition in recognitions:
        recognition.cancel()
        recognition.cancel()
    assert await asyncio.gather(*waiting) == [Hypothesis("", 0.0)] * 20
    assert await hear(ears, pcm) == await hear(ears, pcm)


async def test_stopped_engine_fails_who_waits_and_starts_again(model: Path) -> None:
    ears = WhisperTranscriber(model, ALONE)
    await ears.start()
    pcm = speech()
    waiting = [asyncio.create_task(hear(ears, pcm)) for _ in range(5)]
    await asyncio.sleep(0)
    await ears.stop()
    await ears.stop()
    results = await asyncio.gather(*waiting, return_exceptions=True)
    assert isinstance(results[-1], RecognitionFailed)
    await ears.start()
    assert await hear(ears, pcm) == await hear(ears, pcm)
    await ears.stop()


@pytest.mark.parametrize("name", ["model.bin", "config.json", "tokenizer.json", "vocabulary.json"])
async def test_missing_and_broken_files_of_a_model_are_named(
    model: Path, tmp_path: Path, name: str
) -> None:
    folder = tmp_path / "whisper"
    shutil.copytree(model, folder)
    whole = (folder / name).read_bytes()
    (folder / name).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(EngineUnavailable, match=r"whisper holds no Whisper model.*Expected model"):
        await WhisperTranscriber(folder).start()
    (folder / name).unlink()
    with pytest.raises(EngineUnavailable, match=f"whisper lacks {name}: expected a CTranslate2"):
        await WhisperTranscriber(folder).start()


async def test_model_with_the_features_of_another_is_refused_before_the_first_call(
    model: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "whisper"
    shutil.copytree(model, folder)
    (folder / "preprocessor_config.json").write_text('{"feature_size": 128}')
    with pytest.raises(EngineUnavailable, match=r"and preprocessor_config\.json where"):
        await WhisperTranscriber(folder).start()


async def test_auto_uses_the_models_on_disk_and_offline_ignores_them(model: Path) -> None:
    assert choose_engines("offline", model.parent, Corpus()).names == (
        TwiceTranscriber.name,
        "espeak-ng",
    )
    engines = choose_engines("auto", model.parent, Corpus())
    assert engines.names == (f"whisper, else {TwiceTranscriber.name}", "piper (en), else espeak-ng")
    await engines.start()
    recognition = engines.transcriber.open(Expectation())
    recognition.feed(noise(1))
    assert (await recognition.finish()).text == ""
    assert [piece async for piece in engines.voice.speak("Yes.", "en")]
    assert [piece async for piece in engines.voice.speak("Labdien!", "lv")]
    await engines.stop()
    await engines.stop()


async def test_engine_that_does_not_start_leaves_none_of_the_others_running(
    model: Path, tmp_path: Path
) -> None:
    shutil.copytree(PIPER.parent, tmp_path / "piper")
    shutil.copytree(model, tmp_path / "whisper")
    (tmp_path / "piper" / PIPER.name).write_bytes(b"no onnx")
    engines = choose_engines("auto", tmp_path, Corpus())
    with pytest.raises(EngineUnavailable, match="is no Piper voice that works"):
        await engines.start()
    with pytest.raises(RecognitionFailed, match="not loaded"):
        engines.transcriber.open(Expectation())


async def test_whisper_fetches_what_is_missing_from_the_hub(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {f"{WHISPER_MODEL}/{file.name}": file.read_bytes() for file in model.iterdir()}
    for voice in PIPER_VOICES:
        region, name, quality = voice.split("-")
        path = f"{piper.REPOSITORY}/{region[:2]}/{region}/{name}/{quality}/{voice}.onnx"
        described = json.loads(Path(f"{PIPER}.json").read_text())
        described["language"]["code"] = region
        files |= {path: PIPER.read_bytes(), f"{path}.json": json.dumps(described).encode()}
    with hub_with(files) as fake:
        monkeypatch.setenv("HF_ENDPOINT", fake.url)
        fake.damaged.add(f"{WHISPER_MODEL}/model.bin")
        with pytest.raises(EngineUnavailable, match="its checksum is"):
            await asyncio.to_thread(choose_engines, "whisper", tmp_path, Corpus())
        fake.damaged.clear()
        engines = await asyncio.to_thread(choose_engines, "whisper", tmp_path, Corpus())
        count = len(fake.asked)
        await asyncio.to_thread(choose_engines, "whisper", tmp_path, Corpus())
        assert len(fake.asked) == count, "what is there is not fetched again"
    assert engines.names == (
        f"whisper, else {TwiceTranscriber.name}",
        "piper (en, lv, zh), else espeak-ng",
    )
    await engines.start()
    await engines.stop()


async def test_model_is_named_by_its_folder_or_by_its_name_at_the_hub(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    by_folder = choose_engines("auto", LocalModels(tmp_path, str(model)), Corpus())
    assert by_folder.names[0] == f"whisper, else {TwiceTranscriber.name}"
    named = {"small": "Systran/faster-whisper-small", "owner/other.en": "owner/other.en"}
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(hub, "PROGRESS_S", 0.0)
    for name, repository in named.items():
        files = {f"{repository}/{file.name}": file.read_bytes() for file in model.iterdir()}
        with hub_with(files) as fake:
            monkeypatch.setenv("HF_ENDPOINT", fake.url)
            local = LocalModels(tmp_path, name)
            engines = await asyncio.to_thread(choose_engines, "auto", local, Corpus())
        assert engines.names[0] == f"whisper, else {TwiceTranscriber.name}"
        assert whisper_model.is_model(tmp_path / repository)
    assert "model.bin: 2 of 2 MB (100%)" in caplog.text
    assert choose_engines("offline", local, Corpus()).names[0] == TwiceTranscriber.name


async def test_named_model_that_cannot_be_had_stops_the_start_and_says_what_to_put_where(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    folder = tmp_path / "Systran" / "faster-whisper-small"
    with pytest.raises(EngineUnavailable, match=rf"Put model\.bin.* into {folder}"):
        choose_engines("auto", LocalModels(tmp_path, "small"), Corpus())
    nowhere = LocalModels(tmp_path, str(tmp_path / "a" / "b"))
    engines = choose_engines("auto", nowhere, Corpus())
    with pytest.raises(EngineUnavailable, match=r"b lacks model\.bin"):
        await engines.start()
