"""Speech models of this machine: what may be named in the settings."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

WHISPER_OWNER = "Systran/faster-whisper-"
"""Of the models that have a short name: ``base``, ``small.en``, ``large-v3``."""
ENDING = ".onnx"
SHORTEST_SCALE, LONGEST_SCALE = 0.3, 3.0
_AT_THE_HUB = re.compile(r"[\w-][\w.-]*(/[\w-][\w.-]*)?")


@dataclass(frozen=True, slots=True)
class Hardware:
    """Where Whisper runs: ``cpu``, ``cuda``, ``cuda:1`` or ``auto``, and how it counts.

    An empty ``compute_type`` is int8 on a CPU and float16 on a GPU; ``threads`` 0 leaves one
    core to the calls' audio.
    """

    device: str = "auto"
    compute_type: str = ""
    threads: int = 0


@dataclass(frozen=True, slots=True)
class VoiceModel:
    """A Piper voice's ONNX file and how it is to speak.

    ``speaker`` is a name or a number in a voice of several, empty for its first. Above 1
    ``length_scale`` is slower; None leaves it to the voice.
    """

    path: Path
    speaker: str = ""
    length_scale: float | None = None

    def placed(self, folder: Path) -> VoiceModel:
        """The same with its file: one that is named without a folder lies in ``folder``."""
        path = self.path.expanduser()
        if len(path.parts) == 1 and path.suffix != ENDING:
            path = folder / f"{path.name}{ENDING}"
        return replace(self, path=path)


@dataclass(frozen=True, slots=True)
class LocalModels:
    """The models in use.

    ``whisper`` is a name at the hub or a folder, ``voices`` are Piper voices by language.
    What is not named is taken from ``folder``.
    """

    folder: Path
    whisper: str = ""
    voices: Mapping[str, VoiceModel] = field(default_factory=dict)
    hardware: Hardware = Hardware()


def parse_voice(text: str) -> VoiceModel:
    """``NAME``, ``NAME#SPEAKER``, ``NAME@LENGTH_SCALE`` or all of them; NAME or a file.

    Raises ``ValueError``.
    """
    rest, _, scale = text.partition("@")
    name, _, speaker = rest.partition("#")
    length_scale = float(scale) if scale else None
    if length_scale is not None and not SHORTEST_SCALE <= length_scale <= LONGEST_SCALE:
        raise ValueError(f"expected a length scale of {SHORTEST_SCALE:g} to {LONGEST_SCALE:g}")
    if not name:
        raise ValueError("expected a voice's name or file before # and @")
    return VoiceModel(Path(name), speaker, length_scale)


def whisper_place(name: str, folder: Path) -> tuple[Path, str]:
    """A Whisper model's folder and its name at the hub, empty where a folder was named.

    ``small`` is Systran's, ``owner/name`` any; all else is a folder. Models of the hub lie
    in ``folder`` under their names.
    """
    path = Path(name).expanduser()
    if path.is_dir() or not _AT_THE_HUB.fullmatch(name):
        return path, ""
    repository = name if "/" in name else f"{WHISPER_OWNER}{name}"
    return folder / repository, repository
