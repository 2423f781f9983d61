"""Speech engines and their files: a true Piper voice, broken and missing files, the hub."""

from __future__ import annotations

import asyncio
import json
import logging
import shutil
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import pytest_asyncio

from bots.engines import hub, piper
from bots.engines.choice import PIPER_VOICES, WHISPER_MODEL, choose_engines
from bots.engines.errors import EngineUnavailable
from bots.engines.espeak import EspeakVoice
from bots.engines.fallback import FallbackVoice, Tier
from bots.engines.local import LocalModels, VoiceModel, parse_voice
from bots.engines.phrases import Corpus
from bots.engines.piper import PiperVoice, voices_in
from bots.engines.twice import TwiceTranscriber
from bots.engines.whisper import WhisperTranscriber
from bots.engines.whisper_model import fetch
from bots.errors import SynthesisFailed
from tests.fakes.fake_hub import hub_with
from tests.models import PIPER, PIPER_SPEAKERS

SENTENCES = "Your parcel comes tomorrow. It is on the van. Is there anything else?"
Shares = npt.NDArray[np.float64]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def mouth() -> AsyncIterator[PiperVoice]:
    voice = PiperVoice({"en": VoiceModel(PIPER)}, threads=1)
    await voice.start()
    yield voice
    await voice.stop()


pytestmark = pytest.mark.asyncio(loop_scope="module")


async def said(voice: PiperVoice, text: str) -> list[bytes]:
    return [piece async for piece in voice.speak(text, "en")]


async def test_text_is_made_sentence_by_sentence(mouth: PiperVoice) -> None:
    pieces = await said(mouth, SENTENCES)
    assert len(pieces) == 3
    assert all(len(piece) > piper.RATE // 2 for piece in pieces)


async def test_first_sentence_of_a_second_text_does_not_wait_for_the_whole_first(
    mouth: PiperVoice,
) -> None:
    order: list[str] = []

    async def tell(name: str, text: str) -> None:
        async for _ in mouth.speak(text, "en"):
            order.append(name)

    await asyncio.gather(tell("long", SENTENCES * 4), tell("short", "Yes."))
    assert order.index("short") <= 2


async def test_greater_length_scale_takes_longer() -> None:
    lengths = []
    for scale in (None, 1.0, 1.5):
        voice = PiperVoice({"en": VoiceModel(PIPER, length_scale=scale)}, threads=1)
        await voice.start()
        lengths.append(len(b"".join(await said(voice, SENTENCES))))
        await voice.stop()
    assert lengths[0] == pytest.approx(lengths[1], rel=0.05)
    assert lengths[2] == pytest.approx(1.5 * lengths[1], rel=0.1)


def pitch_hz(pcm: bytes) -> float:
    """Of the loudest part, by its likeness to itself a little later."""
    samples = np.frombuffer(pcm, dtype="<i2").astype(np.float64)
    size = piper.RATE // 10
    places = range(0, len(samples) - size, size // 2)
    loud = max((samples[at : at + size] for at in places), key=lambda part: float((part**2).sum()))
    like = np.correlate(loud, loud, "full")[size - 1 :]
    lags = slice(piper.RATE // 300, piper.RATE // 70)
    return piper.RATE / (lags.start + int(like[lags].argmax()))


async def test_speaker_of_a_voice_is_chosen_by_name_or_number() -> None:
    heard = {}
    for speaker in ("", "low", "high", "1"):
        voice = PiperVoice({"en": VoiceModel(PIPER_SPEAKERS, speaker)}, threads=1)
        await voice.start()
        heard[speaker] = pitch_hz(b"".join(await said(voice, "ah")))
        await voice.stop()
    assert heard[""] == pytest.approx(heard["low"], rel=0.1)
    assert heard["1"] == pytest.approx(heard["high"], rel=0.1)
    assert heard["high"] > 1.3 * heard["low"]


async def test_speaker_that_a_voice_has_not_stops_the_start_and_names_those_it_has() -> None:
    with pytest.raises(EngineUnavailable, match=r"no speaker 'p225'; it has high, low"):
        await PiperVoice({"en": VoiceModel(PIPER_SPEAKERS, "p225")}).start()
    with pytest.raises(EngineUnavailable, match=r"no speaker '3'; it has 0 to 0"):
        await PiperVoice({"en": VoiceModel(PIPER, "3")}).start()


async def test_each_language_has_its_own_voice_speaker_and_pace(tmp_path: Path) -> None:
    """Whatever lies in the folder, what is named is taken."""
    folder = tmp_path / "piper"
    folder.mkdir()
    for name in ("aa_first", "en_named"):
        shutil.copy(PIPER, folder / f"{name}.onnx")
        shutil.copy(f"{PIPER}.json", folder / f"{name}.onnx.json")
    named = {"en": parse_voice("en_named@1.5"), "lv": parse_voice(f"{PIPER_SPEAKERS}#high@0.8")}
    voice = choose_engines("auto", LocalModels(tmp_path, voices=named), Corpus()).voice
    assert voice.name == "piper (en, lv), else espeak-ng"
    (folder / "aa_first.onnx").write_bytes(b"broken")
    engines = choose_engines("auto", LocalModels(tmp_path, voices=named), Corpus())
    await engines.start()
    english, latvian = [
        b"".join([piece async for piece in engines.voice.speak("ah ah ah", language)])
        for language in ("en", "lv")
    ]
    await engines.stop()
    assert len(english) > 1.4 * len(latvian)
    assert pitch_hz(latvian) > 1.2 * pitch_hz(english)


async def test_voice_that_is_named_is_fetched_and_one_that_cannot_be_says_what_to_put_where(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "en_GB-vctk-medium"
    path = f"{piper.REPOSITORY}/en/en_GB/vctk/medium/{name}.onnx"
    described = Path(f"{PIPER_SPEAKERS}.json").read_bytes()
    local = LocalModels(tmp_path, voices={"en": parse_voice(f"{name}#high")})
    with hub_with({path: PIPER_SPEAKERS.read_bytes(), f"{path}.json": described}) as fake:
        monkeypatch.setenv("HF_ENDPOINT", fake.url)
        engines = await asyncio.to_thread(choose_engines, "auto", local, Corpus())
    assert engines.names[1] == "piper (en), else espeak-ng"
    await engines.start()
    await engines.stop()
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    away = LocalModels(tmp_path, voices={"lv": parse_voice("lv_LV-aivars-medium")})
    with pytest.raises(EngineUnavailable, match=r"Put lv_LV-aivars-medium\.onnx and .* into"):
        choose_engines("auto", away, Corpus())


async def test_what_a_voice_took_to_load_is_not_what_its_sentences_take() -> None:
    voice = PiperVoice({"en": VoiceModel(PIPER)}, threads=1)
    await voice.start()
    waiting = [asyncio.create_task(said(voice, "Yes.")) for _ in range(20)]
    await asyncio.sleep(0)
    assert voice.wait_s == 0.0
    await asyncio.gather(*waiting)
    await voice.stop()


async def test_what_waits_for_a_voice_is_told_by_what_sentences_cost(mouth: PiperVoice) -> None:
    await said(mouth, SENTENCES)
    assert mouth.wait_s == 0.0
    waiting = [asyncio.create_task(said(mouth, SENTENCES)) for _ in range(20)]
    await asyncio.sleep(0)
    many = mouth.wait_s
    assert many > 0
    for task in waiting[1:]:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    assert mouth.wait_s == 0.0


async def test_different_words_sound_different_and_the_same_alike(mouth: PiperVoice) -> None:
    """By the shares of 300 Hz bands: a vowel has its formants, an s is high."""
    see, saw, hiss = [shares(b"".join(await said(mouth, word))) for word in ("ee", "aw", "s s s")]
    again = shares(b"".join(await said(mouth, "ee")))
    assert distance(see, again) < 0.5 * min(distance(see, saw), distance(see, hiss))


def shares(pcm: bytes) -> Shares:
    power = np.abs(np.fft.rfft(np.frombuffer(pcm, dtype="<i2"))) ** 2
    hertz = np.fft.rfftfreq(len(pcm) // 2, 1 / piper.RATE)
    bands = [power[(hertz >= low) & (hertz < low + 300)].sum() for low in range(0, 7500, 300)]
    shared: Shares = np.asarray(bands) / sum(bands)
    return shared


def distance(
    one: Shares,
    other: Shares,
) -> float:
    return float(np.abs(one - other).sum())


async def test_left_in_the_middle_of_a_sentence_the_voice_serves_the_next() -> None:
    voice = PiperVoice({"en": VoiceModel(PIPER)}, threads=1)
    await voice.start()
    speaking = [asyncio.create_task(said(voice, SENTENCES * 3)) for _ in range(10)]
    await asyncio.sleep(0.01)
    for task in speaking:
        task.cancel()
    await asyncio.gather(*speaking, return_exceptions=True)
    abandoned = voice.speak(SENTENCES, "en")
    assert await anext(abandoned)
    assert await said(voice, "Yes.")
    await abandoned.aclose()
    await voice.stop()


async def test_voice_that_breaks_at_a_sound_fails_that_text_and_another_says_it(
    tmp_path: Path,
) -> None:
    """Its JSON names a symbol that the model has not, as that of another version may."""
    model = tmp_path / PIPER.name
    shutil.copy(PIPER, model)
    described = json.loads(Path(f"{PIPER}.json").read_text())
    described["phoneme_id_map"]["ʃ"] = [9999]
    Path(f"{model}.json").write_text(json.dumps(described))
    voice = PiperVoice({"en": VoiceModel(model)}, threads=1)
    await voice.start()
    with pytest.raises(SynthesisFailed, match="Piper failed"):
        await said(voice, "She should wash.")
    assert await said(voice, "Yes.")
    both = FallbackVoice([Tier(voice, 10.0), Tier(EspeakVoice(), 10.0)]).speak(
        "Yes. She should wash.", "en"
    )
    assert len([pcm async for pcm in both]) >= 2
    assert both.substituted
    await voice.stop()


async def test_stopped_voice_fails_who_waits() -> None:
    voice = PiperVoice({"en": VoiceModel(PIPER)}, threads=1)
    await voice.start()
    speaking = [asyncio.create_task(said(voice, SENTENCES)) for _ in range(5)]
    await asyncio.sleep(0)
    await voice.stop()
    results = await asyncio.gather(*speaking, return_exceptions=True)
    assert all(isinstance(result, SynthesisFailed) for result in results)
    with pytest.raises(SynthesisFailed, match="no Piper voice for 'en'; have"):
        await said(voice, "Yes.")


async def test_missing_and_broken_files_of_a_voice_are_named(tmp_path: Path) -> None:
    model = tmp_path / "en_test.onnx"
    with pytest.raises(EngineUnavailable, match=r"needs .*en_test\.onnx and .*\.json; missing"):
        await PiperVoice({"en": VoiceModel(model)}).start()
    shutil.copy(f"{PIPER}.json", f"{model}.json")
    model.write_bytes(PIPER.read_bytes()[:1000])
    (tmp_path / "other.onnx").write_bytes(b"")
    assert voices_in(tmp_path) == {"en": VoiceModel(model)}
    with pytest.raises(EngineUnavailable, match=r"en_test\.onnx is no Piper voice that works"):
        await PiperVoice(voices_in(tmp_path)).start()


async def test_voice_with_the_description_of_another_is_refused(tmp_path: Path) -> None:
    model = tmp_path / "en_test.onnx"
    shutil.copy(PIPER, model)
    described = json.loads(Path(f"{PIPER}.json").read_text())
    Path(f"{model}.json").write_text(json.dumps(described | {"num_speakers": 4}))
    with pytest.raises(EngineUnavailable, match=r"own en_test\.onnx\.json beside it"):
        await PiperVoice({"en": VoiceModel(model)}).start()


async def test_voice_comes_whole_from_the_hub_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "en_GB-alba-medium"
    path = f"{piper.REPOSITORY}/en/en_GB/alba/medium/{name}.onnx"
    files = {path: PIPER.read_bytes(), f"{path}.json": Path(f"{PIPER}.json").read_bytes()}
    with hub_with(files) as fake:
        monkeypatch.setenv("HF_ENDPOINT", fake.url)
        fake.damaged.add(path)
        with pytest.raises(EngineUnavailable, match="its checksum is"):
            await asyncio.to_thread(piper.fetch, name, tmp_path)
        assert voices_in(tmp_path) == {}
        fake.damaged.clear()
        await asyncio.to_thread(piper.fetch, name, tmp_path)
    engines = choose_engines("auto", tmp_path.parent, Corpus())
    assert engines.names == (TwiceTranscriber.name, "espeak-ng"), "voices lie in the folder piper"
    voice = PiperVoice(voices_in(tmp_path), threads=1)
    await voice.start()
    assert await said(voice, "Yes.")
    await voice.stop()


async def test_auto_says_what_an_incomplete_model_lacks(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "whisper").mkdir()
    (tmp_path / "whisper" / "model.bin").write_bytes(b"x")
    assert choose_engines("auto", tmp_path, Corpus()).names[0] == TwiceTranscriber.name
    assert "it lacks config.json, tokenizer.json, vocabulary.json" in caplog.text


async def test_whisper_without_its_files_says_what_to_put_where(tmp_path: Path) -> None:
    wanted = r"lacks model\.bin, config\.json, tokenizer\.json, vocabulary\.json: expected"
    with pytest.raises(EngineUnavailable, match=wanted):
        await WhisperTranscriber(tmp_path).start()
    for file in ("model.bin", "config.json", "tokenizer.json", "vocabulary.json"):
        (tmp_path / file).write_text("{}")
    with pytest.raises(EngineUnavailable, match="holds no Whisper model that works"):
        await WhisperTranscriber(tmp_path).start()


async def test_whisper_without_a_hub_says_what_to_put_where(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    wanted = r"ConnectError.*Put model\.bin.* into .*whisper, or set PARLEY_SPEECH=offline"
    with pytest.raises(EngineUnavailable, match=wanted):
        choose_engines("whisper", tmp_path, Corpus())
    with pytest.raises(EngineUnavailable, match=r"Put en_GB-alba-medium\.onnx and .* into"):
        piper.fetch(PIPER_VOICES[0], tmp_path)
    with pytest.raises(EngineUnavailable, match="'nonsense' could not be fetched"):
        piper.fetch("nonsense", tmp_path)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(EngineUnavailable, match="HF_HUB_OFFLINE forbids"):
        choose_engines("whisper", tmp_path, Corpus())


async def test_log_tells_now_and_then_how_far_a_large_file_is(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    now = 0.0
    progress = hub.Progress("https://hub/owner/name/model.bin", 100 * hub.MB, lambda: now)
    for _ in range(10):
        now += hub.PROGRESS_S / 2
        progress.came(5 * hub.MB)
    assert [record.message for record in caplog.records] == [
        f"model.bin: {came} of 100 MB ({came}%), 3.3 MB/s" for came in (10, 20, 30, 40, 50)
    ]
    caplog.clear()
    now = 0.0
    unknown = hub.Progress("https://hub/owner/name/voice.onnx", 0, lambda: now)
    now = hub.PROGRESS_S
    unknown.came(6 * hub.MB)
    assert caplog.records[0].message == "voice.onnx: 6 MB, 2.0 MB/s"


async def test_hub_that_lacks_the_model_or_never_answers_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with hub_with({}) as fake:
        monkeypatch.setenv("HF_ENDPOINT", fake.url)
        with pytest.raises(EngineUnavailable, match=r"has none of vocabulary\.json"):
            fetch(WHISPER_MODEL, tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{silent.getsockname()[1]}")
        monkeypatch.setattr(hub, "TIMEOUT_S", 0.2)
        with pytest.raises(EngineUnavailable, match="ReadTimeout"):
            fetch(WHISPER_MODEL, tmp_path)
    assert not list(tmp_path.iterdir())
