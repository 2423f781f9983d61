"""Which speech engines this process uses, from ``PARLEY_SPEECH…`` and what is on disk.

The best comes first and the next stand by (``bots.engines.fallback``): a speech server, the
models, and the engines that need neither. Models lie in ``<models_dir>/whisper/`` (a
CTranslate2 Whisper model) and ``<models_dir>/piper/*.onnx`` (one voice per language).
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from bots.engines import piper, whisper
from bots.engines.errors import EngineUnavailable
from bots.engines.espeak import EspeakVoice
from bots.engines.fallback import FallbackTranscriber, FallbackVoice, Tier
from bots.engines.offline import WORKERS, PocketsphinxTranscriber
from bots.engines.phrases import Corpus
from bots.engines.piper import PiperVoice
from bots.engines.remote import Protocol as Wire
from bots.engines.remote import RemoteSpeech
from bots.engines.remote_api import ApiTranscriber, ApiVoice
from bots.engines.remote_wyoming import WyomingTranscriber, WyomingVoice
from bots.engines.silero import Silero, model_file
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
    models_dir: Path,
    corpus: Corpus,
    remote: RemoteSpeech | None = None,
) -> Engines:
    """The engines for ``speech``: auto, offline or whisper. Fetches models only for whisper.

    ``remote`` names speech servers, which come before them. Blocks while it fetches.
    Raises ``EngineUnavailable``, saying what to put where.
    """
    if speech not in SPEECH_CHOICES:
        raise EngineUnavailable(
            f"PARLEY_SPEECH={speech!r} is not one of {', '.join(SPEECH_CHOICES)}"
        )
    whisper_dir, piper_dir = models_dir / "whisper", models_dir / "piper"
    if speech == "whisper":
        _fetch_missing(whisper_dir, piper_dir)
    use_models = speech != "offline"
    servers = remote or RemoteSpeech()
    ears, ear_parts = _ears(servers, whisper_dir if use_models else None, corpus)
    voices, voice_parts = _voices(servers, piper_dir if use_models else None)
    return Engines(ears, voices, (*ear_parts, *voice_parts), _activity())


def _activity() -> VoiceActivity | None:
    try:
        return Silero(model_file())
    except EngineUnavailable as error:
        log.warning("any sound of a caller is taken for speech: %s", error)
        return None


def _ears(
    remote: RemoteSpeech, whisper_dir: Path | None, corpus: Corpus
) -> tuple[Transcriber, tuple[Startable, ...]]:
    tiers: list[Tier[Transcriber]] = []
    parts: list[Startable] = []
    if remote.hears is not None:
        wyoming = remote.hears.protocol is Wire.WYOMING
        kind = WyomingTranscriber if wyoming else ApiTranscriber
        server: WyomingTranscriber | ApiTranscriber = kind(remote.hears, remote)
        tiers.append(Tier(server, remote.patience.first_s + MARGIN_S))
        parts.append(server)
    if whisper_dir is not None and _is_whisper(whisper_dir):
        model = WhisperTranscriber(whisper_dir)
        tiers.append(Tier(model, MODEL_PATIENCE_S))
        parts.append(model)
    offline = PocketsphinxTranscriber(corpus, STANDBY_WORKERS if tiers else WORKERS)
    parts.append(offline)
    if not tiers:
        return offline, tuple(parts)
    tiers.append(Tier(offline, OFFLINE_PATIENCE_S))
    return FallbackTranscriber(tiers), tuple(parts)


def _voices(remote: RemoteSpeech, piper_dir: Path | None) -> tuple[Voice, tuple[Startable, ...]]:
    tiers: list[Tier[Voice]] = []
    parts: list[Startable] = []
    if remote.speaks is not None:
        wyoming = remote.speaks.protocol is Wire.WYOMING
        kind = WyomingVoice if wyoming else ApiVoice
        server: WyomingVoice | ApiVoice = kind(remote.speaks, remote)
        first_s = remote.patience.connect_s + remote.patience.first_s
        tiers.append(Tier(server, first_s + MARGIN_S))
        parts.append(server)
    models = piper.voices_in(piper_dir) if piper_dir is not None and piper_dir.is_dir() else {}
    if models:
        spoken = PiperVoice(models)
        tiers.append(Tier(spoken, VOICE_PATIENCE_S))
        parts.append(spoken)
    offline = EspeakVoice()
    if not tiers:
        return offline, tuple(parts)
    tiers.append(Tier(offline, VOICE_PATIENCE_S))
    return FallbackVoice(tiers), tuple(parts)


def _is_whisper(folder: Path) -> bool:
    missing = whisper.missing_files(folder)
    if missing and folder.is_dir() and any(folder.iterdir()):
        log.warning("no Whisper model in %s: it lacks %s", folder, ", ".join(missing))
    return not missing


def _fetch_missing(whisper_dir: Path, piper_dir: Path) -> None:
    if not whisper.is_model(whisper_dir):
        whisper.fetch(WHISPER_MODEL, whisper_dir)
    have = piper.voices_in(piper_dir) if piper_dir.is_dir() else {}
    for voice in PIPER_VOICES:
        if voice.partition("_")[0] not in have:
            piper.fetch(voice, piper_dir)
