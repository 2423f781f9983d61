"""Render the callers' lines to small telephone files, once: `python -m evals.render`.

Each line of ``evals/utterances/lines.yaml`` becomes ``<id>.<voice>.ulaw``: G.711
µ-law (ITU-T G.711), 8 kHz, mono, no header, spoken by a flite voice at a common
level. The file ends within ``EDGE_MS`` of the last sound, so that whoever plays
it knows when the caller stopped. ``index.json`` lists
``{id, text, voice, file, ms, seen}``.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import wave
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import soxr
import yaml

FOLDER = Path(__file__).parent / "utterances"
RATE = 8000
EDGE_MS = 40
SILENCE = 0.01
"""Share of full scale below which a sample counts as silence when trimming."""
LEVEL_DBFS = -20.0
"""Loudness given to every line: a usual level of speech on a telephone line."""

Samples = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Utterance:
    """One rendered line. ``ms`` is its length; ``seen`` as in ``lines.yaml``."""

    id: str
    text: str
    voice: str
    file: str
    ms: int
    seen: bool = True

    def ulaw(self, folder: Path = FOLDER) -> bytes:
        """The audio: one byte per sample at 8 kHz."""
        return (folder / self.file).read_bytes()

    def pcm(self, folder: Path = FOLDER) -> bytes:
        """The audio as s16le PCM at 8 kHz."""
        return expand(self.ulaw(folder))


def load(folder: Path = FOLDER) -> list[Utterance]:
    """What ``index.json`` lists."""
    raw = json.loads((folder / "index.json").read_text(encoding="utf-8"))
    return [Utterance(**item) for item in raw]


def say(text: str, voice: str) -> bytes:
    """Speak ``text`` with a flite voice: µ-law bytes. Needs the ``flite`` program."""
    with tempfile.NamedTemporaryFile(suffix=".wav") as file:
        subprocess.run(
            ["flite", "-voice", voice, "-t", text, "-o", file.name], check=True, timeout=60
        )
        with wave.open(file.name) as wav:
            raw = np.frombuffer(wav.readframes(wav.getnframes()), dtype="<i2")
            rate = wav.getframerate()
    return telephone(raw / 32768.0, rate)


def telephone(samples: Samples, rate: int) -> bytes:
    """Samples in -1..1 as µ-law bytes: trimmed, and as loud as every line."""
    resampled = np.asarray(soxr.resample(samples, rate, RATE), dtype=np.float64)
    return compress(_levelled(_trimmed(resampled)))


def _trimmed(samples: Samples) -> Samples:
    loud = np.flatnonzero(np.abs(samples) > SILENCE)
    if not loud.size:
        return samples
    edge = RATE * EDGE_MS // 1000
    return samples[max(0, int(loud[0]) - edge) : int(loud[-1]) + edge]


def _levelled(samples: Samples) -> Samples:
    level = float(np.sqrt(np.mean(samples**2))) or 1.0
    return np.clip(samples * (10 ** (LEVEL_DBFS / 20) / level), -0.98, 0.98)


def compress(samples: Samples) -> bytes:
    """Samples in -1..1 to µ-law bytes (ITU-T G.711, bias 132, clip 32635)."""
    values = np.clip(np.round(samples * 32767), -32635, 32635).astype(np.int64)
    sign = np.where(values < 0, 0x80, 0)
    biased = np.abs(values) + 132
    exponent = np.floor(np.log2(biased)).astype(np.int64) - 7
    mantissa = (biased >> (exponent + 3)) & 0x0F
    coded: bytes = (~(sign | (exponent << 4) | mantissa) & 0xFF).astype(np.uint8).tobytes()
    return coded


def expand(ulaw: bytes) -> bytes:
    """µ-law bytes to s16le PCM (ITU-T G.711)."""
    code = ~np.frombuffer(ulaw, dtype=np.uint8).astype(np.int64) & 0xFF
    magnitude = ((((code & 0x0F) << 3) + 132) << ((code >> 4) & 7)) - 132
    pcm: bytes = np.where(code & 0x80, -magnitude, magnitude).astype("<i2").tobytes()
    return pcm


def render(folder: Path = FOLDER) -> list[Utterance]:
    """Make every file and the index; files of lines that are gone are removed."""
    lines: list[dict[str, Any]] = yaml.safe_load((folder / "lines.yaml").read_text("utf-8"))
    made = []
    for line in lines:
        for voice in line["voices"]:
            name = f"{line['id']}.{voice}.ulaw"
            audio = say(line["text"], voice)
            (folder / name).write_bytes(audio)
            ms = len(audio) * 1000 // RATE
            seen = bool(line.get("seen", True))
            made.append(Utterance(line["id"], line["text"].lower(), voice, name, ms, seen))
    for stale in set(folder.glob("*.ulaw")) - {folder / item.file for item in made}:
        stale.unlink()
    index = ",\n".join(json.dumps(asdict(item)) for item in made)
    (folder / "index.json").write_text(f"[\n{index}\n]\n", encoding="utf-8")
    return made


if __name__ == "__main__":
    done = render(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
    print(f"{len(done)} utterances, {sum(item.ms for item in done) / 1000:.0f} s")
