"""Is a sound a voice? Silero VAD, the small network that faster-whisper carries.

1. One ONNX session per process, one thread, shared by all calls; a call has the network's
   memory (h, c) and the last ``CONTEXT`` samples to itself.
2. It hears 16 kHz in windows of 32 ms. Telephone audio is widened on the way, without delay.
3. It is asked only while there is a sound. What came just before is kept and given to it
   then, so that it hears how the sound began; after a longer pause it starts anew.

About 0.5 ms of one core per window, that is 1.5 % while somebody speaks, inline: a thread
would cost more than the work. The network: github.com/snakers4/silero-vad (MIT).
"""

from __future__ import annotations

from collections import deque
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import soxr

from bots.engines.errors import EngineUnavailable

RATE = 16000
WINDOW = 512
CONTEXT = 64
MEMORY = (1, 1, 128)
KEPT_FRAMES = 6
"""Of 20 ms, from before a sound (rule 3)."""
FILES = "silero_vad*.onnx"

Samples = npt.NDArray[np.float32]


def model_file() -> Path:
    """Where faster-whisper has it. Raises ``EngineUnavailable``."""
    try:
        from faster_whisper.utils import get_assets_path
    except ImportError as error:
        raise EngineUnavailable(f"faster-whisper cannot be loaded: {error}") from error
    folder = Path(get_assets_path())
    found = sorted(folder.glob(FILES))
    if not found:
        raise EngineUnavailable(f"no {FILES} in {folder}; install faster-whisper again")
    return found[-1]


class Silero:
    """Implements ``bots.ports.VoiceActivity``."""

    def __init__(self, path: Path) -> None:
        """Load the network. Raises ``EngineUnavailable``."""
        try:
            import onnxruntime

            options = onnxruntime.SessionOptions()
            options.inter_op_num_threads = options.intra_op_num_threads = 1
            options.enable_cpu_mem_arena = False
            self._session: Any = onnxruntime.InferenceSession(
                str(path), sess_options=options, providers=["CPUExecutionProvider"]
            )
            self.run(np.zeros(CONTEXT + WINDOW, np.float32), *_no_memory())
        except Exception as error:
            # onnxruntime has no exception class of its own for a file that does not fit.
            raise EngineUnavailable(f"the voice detector {path} does not work: {error}") from error

    def open(self, sample_rate: int) -> SileroStream:
        """One call's ear."""
        return SileroStream(self, sample_rate)

    def run(self, window: Samples, h: Samples, c: Samples) -> tuple[float, Samples, Samples]:
        """How likely the window, with its context before it, is a voice; the new memory."""
        found, h, c = self._session.run(None, {"input": window[None], "h": h, "c": c})
        return float(found.reshape(-1)[-1]), h, c


class SileroStream:
    """Implements ``bots.ports.VoiceStream``."""

    def __init__(self, silero: Silero, sample_rate: int) -> None:
        self._silero = silero
        self._sample_rate = sample_rate
        self._kept: deque[bytes] = deque(maxlen=KEPT_FRAMES)
        self._skipped = 0
        self._begin()

    def skip(self, pcm: bytes) -> None:
        """20 ms without a sound: kept for a while, nothing is asked."""
        self._kept.append(pcm)
        self._skipped += 1

    def hear(self, pcm: bytes) -> float:
        """20 ms with a sound: how likely it is a voice, 0..1."""
        if self._skipped > len(self._kept):
            self._begin()
        for frame in self._kept:
            self._take(frame)
        self._kept.clear()
        self._skipped = 0
        self._take(pcm)
        return self._likely

    def _begin(self) -> None:
        self._h, self._c = _no_memory()
        self._context = np.zeros(CONTEXT, np.float32)
        self._waiting = np.zeros(0, np.float32)
        self._likely = 0.0
        self._widen: Any = None
        if self._sample_rate != RATE:
            self._widen = soxr.ResampleStream(
                self._sample_rate, RATE, 1, dtype="float32", quality="QQ"
            )

    def _take(self, pcm: bytes) -> None:
        samples = np.frombuffer(pcm, dtype="<i2").astype(np.float32) / 32768
        if self._widen is not None:
            samples = self._widen.resample_chunk(samples)
        self._waiting = np.concatenate([self._waiting, samples])
        while len(self._waiting) >= WINDOW:
            window, self._waiting = np.split(self._waiting, [WINDOW])
            whole = np.concatenate([self._context, window])
            self._likely, self._h, self._c = self._silero.run(whole, self._h, self._c)
            self._context = window[-CONTEXT:]


def _no_memory() -> tuple[Samples, Samples]:
    return np.zeros(MEMORY, np.float32), np.zeros(MEMORY, np.float32)
