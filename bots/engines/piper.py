"""Text to speech by Piper (piper-tts 1.8, GPL-3): one ONNX voice per language.

A voice is ``NAME.onnx`` with ``NAME.onnx.json`` beside it; the language is in the JSON.
Synthesis runs sentence by sentence on one thread: the first is heard early, and nobody
waits for more than one sentence of somebody else.
"""

from __future__ import annotations

import importlib
import json
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bots.engines.errors import EngineUnavailable
from bots.engines.hub import HubFailed, download
from bots.engines.local import ENDING, VoiceModel
from bots.engines.piper_times import WordTimes, with_durations
from bots.engines.worker import Worker, WorkerStopped, spare_cores
from bots.errors import LanguageNotSpoken, SynthesisFailed
from bots.ports import Mark
from bots.speech import resampled

RATE = 22050
REPOSITORY = "rhasspy/piper-voices"
MOST_NAMED = 20
"""Speakers in a message."""
TRIAL_TEXT = "1."
"""Said once at the start; every language has a word for it."""

log = logging.getLogger(__name__)


def voices_in(folder: Path) -> dict[str, VoiceModel]:
    """The voice of each language; the first by name where there are several."""
    found: dict[str, VoiceModel] = {}
    for path in sorted(folder.glob(f"*{ENDING}")):
        language = language_of(path)
        if language is not None:
            found.setdefault(language, VoiceModel(path))
    return found


def language_of(model: Path) -> str | None:
    """The two-letter language in the voice's JSON; None when that is missing or broken."""
    try:
        config = json.loads(Path(f"{model}.json").read_text(encoding="utf-8"))
        code = config.get("language", {}).get("code") or config["espeak"]["voice"]
    except (OSError, ValueError, KeyError, AttributeError) as error:
        log.warning("%s is no Piper voice: %s", model, error)
        return None
    return {"cmn": "zh"}.get(short := str(code).replace("-", "_").split("_")[0], short)


def fetch(voice: str, folder: Path) -> None:
    """Get a voice, as ``en_GB-alba-medium``, from its hub. Raises ``EngineUnavailable``."""
    log.info("fetching the voice %s into %s", voice, folder)
    try:
        region, name, quality = voice.split("-")
        path = f"{region.partition('_')[0]}/{region}/{name}/{quality}/{voice}.onnx"
        # The model last: without it there is no voice.
        for ending in (".json", ""):
            download(REPOSITORY, f"{path}{ending}", folder / f"{voice}.onnx{ending}")
    except (HubFailed, ValueError) as error:
        raise EngineUnavailable(
            f"the voice {voice!r} could not be fetched ({error}). "
            f"Put {voice}.onnx and {voice}.onnx.json into {folder}, or set PARLEY_SPEECH=offline"
        ) from None


class PiperVoice:
    """Piper voices by language. Implements ``bots.ports.Voice``; start it first."""

    sample_rate = RATE

    def __init__(self, models: Mapping[str, VoiceModel], *, threads: int = 0) -> None:
        """``models`` by language. ``threads`` 0 leaves one core to the calls' audio."""
        self.name = f"piper ({', '.join(sorted(models))})"
        self._models = dict(models)
        self._threads = threads or spare_cores()
        self._voices: dict[str, _Loaded] = {}
        self._worker = Worker("piper")

    @property
    def wait_s(self) -> float:
        """How long a sentence that comes now would wait for its turn."""
        return self._worker.wait_s

    @property
    def languages(self) -> frozenset[str]:
        """What it can speak."""
        return frozenset(self._models)

    async def start(self) -> None:
        """Load the voices and try them. Raises ``EngineUnavailable``."""
        self._worker.start()
        for language, model in self._models.items():
            self._voices[language] = await self._worker.run(_load, model, self._threads)
        self._worker.forget_cost()

    async def stop(self) -> None:
        """Let the voices go; sentences that wait fail. Safe to call twice."""
        self._voices.clear()
        self._worker.stop()

    def speak(self, text: str, language: str) -> PiperSpeech:
        """PCM sentence by sentence at ``sample_rate``. Raises ``SynthesisFailed``."""
        return self.speak_at(text, language, 1.0)

    def speak_at(self, text: str, language: str, pace: float) -> PiperSpeech:
        """The same at another pace: the voice's own length scale, longer."""
        times = WordTimes(text)
        return PiperSpeech(self._speak(text, language, pace, times), times)

    async def _speak(
        self, text: str, language: str, pace: float, times: WordTimes
    ) -> AsyncGenerator[bytes, None]:
        loaded = self._voices.get(language)
        if loaded is None:
            raise LanguageNotSpoken(f"no Piper voice for {language!r}; have {sorted(self._voices)}")
        chunks = loaded.chunks(text, pace)
        try:
            while (chunk := await self._worker.run(_next_chunk, chunks)) is not None:
                samples = len(chunk.audio_float_array)
                times.add(chunk.phoneme_alignments, chunk.sample_rate, samples)
                yield resampled(chunk.audio_int16_bytes, chunk.sample_rate, RATE)
        except WorkerStopped:
            raise SynthesisFailed("Piper was stopped") from None


class PiperSpeech:
    """The audio of one text. Implements ``bots.ports.Timed`` where the voice has durations."""

    def __init__(self, pieces: AsyncGenerator[bytes, None], times: WordTimes) -> None:
        self._pieces = pieces
        self._times = times

    @property
    def marks(self) -> tuple[Mark, ...]:
        """One per word, once all of the text was made."""
        return self._times.marks

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        return await anext(self._pieces)

    async def aclose(self) -> None:
        """Nobody wants it any more. Safe to call twice."""
        await self._pieces.aclose()


@dataclass(frozen=True, slots=True)
class _Loaded:
    """A voice that is ready."""

    voice: Any
    speaker: int | None
    length_scale: float

    def chunks(self, text: str, pace: float = 1.0) -> Iterator[Any]:
        """Audio by sentence; nothing is made before the first is asked for."""
        config: Any = importlib.import_module("piper.config")
        wish = config.SynthesisConfig(
            speaker_id=self.speaker, length_scale=self.length_scale / pace
        )
        return iter(self.voice.synthesize(text, wish, include_alignments=True))


def _next_chunk(chunks: Iterator[Any]) -> Any:
    """The next sentence; None behind the last."""
    try:
        return next(chunks, None)
    except Exception as error:
        # The phonemiser and the ONNX runtime have no common error.
        raise SynthesisFailed(f"Piper failed: {type(error).__name__}: {error}") from None


def _load(model: VoiceModel, threads: int) -> _Loaded:
    """A voice that has said something; ``piper.PiperVoice.load`` would take every core."""
    path, config = model.path, Path(f"{model.path}.json")
    missing = [str(file) for file in (path, config) if not file.is_file()]
    if missing:
        raise EngineUnavailable(f"a Piper voice needs {path} and {config}; missing: {missing}")
    piper: Any = importlib.import_module("piper")
    runtime: Any = importlib.import_module("onnxruntime")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = threads
    # Threads that wait for work must sleep: the core belongs to the calls' audio.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        described = json.loads(config.read_text(encoding="utf-8"))
        voice = piper.PiperVoice(
            config=piper.PiperConfig.from_dict(described),
            session=runtime.InferenceSession(
                with_durations(path.read_bytes()),
                sess_options=options,
                providers=["CPUExecutionProvider"],
            ),
            download_dir=path.parent,
        )
        scale = voice.config.length_scale if model.length_scale is None else model.length_scale
        loaded = _Loaded(voice, _speaker(model, voice.config), scale)
        for _ in loaded.chunks(TRIAL_TEXT):
            pass
    except EngineUnavailable:
        raise
    except Exception as error:
        # onnxruntime's errors have no common public class, and the JSON may be anything.
        raise EngineUnavailable(
            f"{path} is no Piper voice that works: {type(error).__name__}: {error}. "
            f"Put the voice's own {config.name} beside it, or take both away"
        ) from None
    return loaded


def _speaker(model: VoiceModel, config: Any) -> int | None:
    """A speaker's number; None for the only one. Raises ``EngineUnavailable``."""
    names: dict[str, int] = config.speaker_id_map or {}
    if not model.speaker:
        return None
    if model.speaker in names:
        return names[model.speaker]
    if model.speaker.isdigit() and int(model.speaker) < config.num_speakers:
        return int(model.speaker)
    has = ", ".join(sorted(names)[:MOST_NAMED]) or f"0 to {config.num_speakers - 1}"
    raise EngineUnavailable(f"{model.path} has no speaker {model.speaker!r}; it has {has}")
