"""Which speech engines this process uses, from ``PARLEY_SPEECH…`` and what is on disk.

The best comes first and the next stand by (``bots.engines.fallback``): a speech server, the
models, and the engines that need neither. Models lie in ``<models_dir>/whisper/`` (a
CTranslate2 Whisper model) and ``<models_dir>/piper/*.onnx`` (one voice per language), unless
others are named; what is named and missing is fetched.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from bots.engines import piper, whisper_model
from bots.engines.endings import Endings, words_of
from bots.engines.errors import EngineUnavailable
from bots.engines.espeak import EspeakVoice
from bots.engines.fallback import FallbackTranscriber, FallbackVoice, Tier
from bots.engines.local import LocalModels, VoiceModel, whisper_place
from bots.engines.moonshine import find_model
from bots.engines.offline import WORKERS, PocketsphinxTranscriber
from bots.engines.phrases import Corpus, callers
from bots.engines.piper import PiperVoice
from bots.engines.remote import Patience, RemoteSpeech
from bots.engines.remote import Protocol as Wire
from bots.engines.remote_api import ApiTranscriber, ApiVoice
from bots.engines.remote_wyoming import WyomingTranscriber, WyomingVoice
from bots.engines.silero import Silero, model_file
from bots.engines.twice import TwiceTranscriber
from bots.engines.whisper import WhisperTranscriber
from bots.ports import Transcriber, Voice, VoiceActivity

SPEECH_CHOICES = ("auto", "offline", "whisper")
WHISPER_MODEL = "Systran/faster-whisper-base"
PIPER_VOICES = ("en_GB-alba-medium", "zh_CN-huayan-medium", "lv_LV-aivars-medium")
STANDBY_WORKERS = 1
"""Of the offline recogniser behind another one: each takes some 80 MB."""
MARGIN_S = 0.5
"""A speech server's own time-outs come first: they say more."""
MODEL_PATIENCE_S = 8.0
"""From the end of speech to Whisper's text, those who wait before included; then offline."""
OFFLINE_PATIENCE_S = 10.0
VOICE_PATIENCE_S = 5.0
"""For one sentence by a local voice, those who wait before included."""

log = logging.getLogger(__name__)


class Startable(Protocol):
    """An engine with something to load."""

    async def start(self) -> None:
        """Raises ``EngineUnavailable`` or ``RecognitionFailed``."""
        ...

    async def stop(self) -> None:
        """Safe to call twice."""
        ...


@dataclass(frozen=True, slots=True)
class Engines:
    """The engines in use and those of them to be started and stopped."""

    transcriber: Transcriber
    voice: Voice
    parts: tuple[Startable, ...] = ()
    activity: VoiceActivity | None = None
    """Tells voices from other sounds; without it a call's gate decides alone."""

    async def start(self) -> None:
        """Load what has to be loaded; when one cannot be, none is left running.

        Raises ``EngineUnavailable`` or ``RecognitionFailed``.
        """
        starts = (part.start() for part in self.parts)
        results = await asyncio.gather(*starts, return_exceptions=True)
        if failed := [result for result in results if isinstance(result, BaseException)]:
            await self.stop()
            raise failed[0]
        log.info("speech engines: hears with %s, speaks with %s", *self.names)

    async def stop(self) -> None:
        """Let go of it. Safe to call twice."""
        for part in self.parts:
            await part.stop()

    @property
    def names(self) -> tuple[str, str]:
        """Of the transcriber and the voice."""
        return self.transcriber.name, self.voice.name


def choose_engines(
    speech: str,
    models: Path | LocalModels,
    corpus: Corpus,
    remote: RemoteSpeech | None = None,
) -> Engines:
    """The engines for ``speech``: auto, offline or whisper.

    Fetches what ``models`` names and, for whisper, what is missing; blocks while it does.
    ``remote`` names speech servers, which come before them. Raises ``EngineUnavailable``,
    saying what to put where.
    """
    if speech not in SPEECH_CHOICES:
        raise EngineUnavailable(
            f"PARLEY_SPEECH={speech!r} is not one of {', '.join(SPEECH_CHOICES)}"
        )
    local = models if isinstance(models, LocalModels) else LocalModels(models)
    servers = remote or RemoteSpeech()
    if speech == "offline":
        whisper_dir, voices = None, {}
    else:
        whisper_dir = _whisper(local, fetch=speech == "whisper")
        voices = _piper(local, fetch=speech == "whisper")
    endings = _endings(corpus)
    model = None
    if whisper_dir is not None:
        model = WhisperTranscriber(whisper_dir, local.hardware, endings)
    ears, ear_parts = _ears(_listening(servers, endings), model, corpus, servers.patience)
    mouths, voice_parts = _voices(servers, voices)
    return Engines(ears, mouths, (*ear_parts, *voice_parts), _activity())


def _endings(corpus: Corpus) -> Endings:
    """Of what callers say, not of what articles do."""
    return Endings([*corpus.spoken_lines(), *(words_of(line) for line in callers())])


def _listening(
    remote: RemoteSpeech, endings: Endings
) -> WyomingTranscriber | ApiTranscriber | None:
    """The speech server that hears; None for none."""
    if remote.hears is None:
        return None
    if remote.hears.protocol is Wire.WYOMING:
        return WyomingTranscriber(remote.hears, remote, endings)
    return ApiTranscriber(remote.hears, remote)


def _activity() -> VoiceActivity | None:
    try:
        return Silero(model_file())
    except EngineUnavailable as error:
        log.warning("any sound of a caller is taken for speech: %s", error)
        return None


def _ears(
    server: WyomingTranscriber | ApiTranscriber | None,
    model: WhisperTranscriber | None,
    corpus: Corpus,
    patience: Patience,
) -> tuple[Transcriber, tuple[Startable, ...]]:
    tiers: list[Tier[Transcriber]] = []
    parts: list[Startable] = []
    if server is not None:
        tiers.append(Tier(server, patience.first_s + MARGIN_S))
        parts.append(server)
    if model is not None:
        tiers.append(Tier(model, MODEL_PATIENCE_S))
        parts.append(model)
    offline = _offline(corpus, STANDBY_WORKERS if tiers else WORKERS)
    parts.append(offline)
    if not tiers:
        return offline, tuple(parts)
    tiers.append(Tier(offline, OFFLINE_PATIENCE_S))
    return FallbackTranscriber(tiers), tuple(parts)


def _offline(corpus: Corpus, workers: int) -> PocketsphinxTranscriber | TwiceTranscriber:
    model = find_model()
    if model is None:
        log.warning("the package moonshine-voice 0.0.59 is not installed: callers are heard once")
        return PocketsphinxTranscriber(corpus, workers)
    return TwiceTranscriber(corpus, workers, model)


def _voices(
    remote: RemoteSpeech, models: Mapping[str, VoiceModel]
) -> tuple[Voice, tuple[Startable, ...]]:
    tiers: list[Tier[Voice]] = []
    parts: list[Startable] = []
    if remote.speaks is not None:
        wyoming = remote.speaks.protocol is Wire.WYOMING
        kind = WyomingVoice if wyoming else ApiVoice
        server: WyomingVoice | ApiVoice = kind(remote.speaks, remote)
        first_s = remote.patience.connect_s + remote.patience.first_s
        tiers.append(Tier(server, first_s + MARGIN_S))
        parts.append(server)
    if models:
        spoken = PiperVoice(models)
        tiers.append(Tier(spoken, VOICE_PATIENCE_S))
        parts.append(spoken)
    offline = EspeakVoice()
    if not tiers:
        return offline, tuple(parts)
    tiers.append(Tier(offline, VOICE_PATIENCE_S))
    return FallbackVoice(tiers), tuple(parts)


def _whisper(local: LocalModels, *, fetch: bool) -> Path | None:
    """The folder of the model in use; None for none. Raises ``EngineUnavailable``."""
    folder, repository = local.folder / "whisper", WHISPER_MODEL
    if local.whisper:
        folder, repository = whisper_place(local.whisper, local.folder)
        if not repository:
            # A folder that was named must do: the start says what it lacks.
            return folder
    missing = whisper_model.missing_files(folder)
    if not missing:
        return folder
    if fetch or local.whisper:
        whisper_model.fetch(repository, folder)
        return folder
    if folder.is_dir() and any(folder.iterdir()):
        log.warning("no Whisper model in %s: it lacks %s", folder, ", ".join(missing))
    return None


def _piper(local: LocalModels, *, fetch: bool) -> dict[str, VoiceModel]:
    """The voices in use by language. Raises ``EngineUnavailable``."""
    folder = local.folder / "piper"
    named = {language: model.placed(folder) for language, model in local.voices.items()}
    for model in named.values():
        if model.path.parent == folder and not model.path.is_file():
            piper.fetch(model.path.stem, folder)
    have = (piper.voices_in(folder) if folder.is_dir() else {}) | named
    if fetch:
        missing = [voice for voice in PIPER_VOICES if voice.partition("_")[0] not in have]
        for voice in missing:
            piper.fetch(voice, folder)
        have = piper.voices_in(folder) | named if missing else have
    return have
