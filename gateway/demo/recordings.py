"""Recorded lines that callers play: a folder of µ-law files with an ``index.json``."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from channels.media.codecs import PCMU
from router.errors import ParleyError


class NoRecording(ParleyError):
    """No line of that name is recorded. Add it to lines.yaml and render it."""


@dataclass(frozen=True, slots=True)
class Line:
    """One recording; ``text`` is what is said, ``voice`` who says it."""

    id: str
    text: str
    voice: str
    file: str


class Recordings:
    """Lines by id and voice, read from disk when asked for."""

    def __init__(self, folder: Path) -> None:
        """Read the index in ``folder``. Raises ``NoRecording`` when there is none."""
        try:
            listed = json.loads((folder / "index.json").read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise NoRecording(f"{folder}: no index of recordings: {error}") from None
        self._folder = folder
        self._lines: dict[str, list[Line]] = {}
        for item in listed:
            line = Line(item["id"], item["text"], item["voice"], item["file"])
            self._lines.setdefault(line.id, []).append(line)

    @property
    def names(self) -> frozenset[str]:
        """The lines there are."""
        return frozenset(self._lines)

    def find(self, name: str, voice: str = "") -> Line:
        """That line in that voice, else in the first there is. Raises ``NoRecording``."""
        lines = self._lines.get(name)
        if not lines:
            raise NoRecording(f"no recorded line {name!r}")
        return next((line for line in lines if line.voice == voice), lines[0])

    def pcm(self, name: str, voice: str = "") -> bytes:
        """Its sound: s16le mono at 8 kHz. Raises ``NoRecording``."""
        return PCMU.decode((self._folder / self.find(name, voice).file).read_bytes())
