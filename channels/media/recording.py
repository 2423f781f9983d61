"""A call on disk: stereo WAV, left the far end, right us.

Frames are collected on the event loop and written by one worker thread in pieces of
``CHUNK_FRAMES``, so that a slow disk never delays audio. The header is right after
every piece: a killed process leaves a file that plays up to its last second.
"""

from __future__ import annotations

import asyncio
import logging
import wave
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from channels.errors import RecordingFailed
from channels.media.leg import Leg

CHUNK_FRAMES: Final = 50  # one second

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Recorded:
    """A finished recording."""

    leg_id: str
    path: Path
    duration_s: float


def interleave(left: bytes, right: bytes) -> bytes:
    """Two mono PCM s16le streams of one length to one stereo stream."""
    both = np.empty(len(left), np.int16)
    both[0::2] = np.frombuffer(left, np.int16)
    both[1::2] = np.frombuffer(right, np.int16)
    return both.tobytes()


class Recording:
    """Taps one leg until ``stop`` or the leg's end; ``pause`` leaves the time out."""

    def __init__(self, leg: Leg, path: Path, writer: ThreadPoolExecutor) -> None:
        self._leg, self._path, self._writer = leg, path, writer
        self._loop = asyncio.get_running_loop()
        self._left: list[bytes] = []
        self._right: list[bytes] = []
        self._frames = 0
        self._paused = False
        self._file: wave.Wave_write | None = None
        self._error: OSError | None = None
        self._done: asyncio.Future[Recorded] = self._loop.create_future()
        self._done.add_done_callback(_log_failure)
        self._ending = False

    def start(self) -> None:
        """Begin. A file that cannot be opened shows in ``finished``."""
        self._submit(self._open)
        self._leg.add_tap(self)

    def pause(self) -> None:
        """Leave out what is said from now on."""
        self._paused = True

    def resume(self) -> None:
        """Record again."""
        self._paused = False

    def frame(self, heard: bytes, sent: bytes) -> None:
        """Take 20 ms of both directions."""
        if self._paused:
            return
        self._left.append(heard)
        self._right.append(sent)
        self._frames += 1
        if len(self._left) >= CHUNK_FRAMES:
            self._write_chunk()

    def closed(self) -> None:
        """The leg is over: finish the file."""
        self.stop()

    def stop(self) -> None:
        """Write what is left and close the file. Safe to call twice."""
        if self._ending:
            return
        self._ending = True
        self._leg.remove_tap(self)
        self._write_chunk()
        self._submit(self._close).add_done_callback(
            lambda _done: self._loop.call_soon_threadsafe(self._finish)
        )

    async def finished(self) -> Recorded:
        """The file when it is complete. Raises ``RecordingFailed``."""
        return await asyncio.shield(self._done)

    def _submit(self, work: Callable[[], None]) -> Future[None]:
        return self._writer.submit(self._guard, work)

    def _guard(self, work: Callable[[], None]) -> None:
        """On the writer's thread: after the first failure nothing more is tried."""
        if self._error is None:
            try:
                work()
            except OSError as error:
                self._error = error

    def _write_chunk(self) -> None:
        left, right = b"".join(self._left), b"".join(self._right)
        self._left, self._right = [], []
        if left:
            self._submit(lambda: self._write(interleave(left, right)))

    def _open(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._file = wave.open(str(self._path), "wb")  # noqa: SIM115 - closed by _close
        self._file.setnchannels(2)
        self._file.setsampwidth(2)
        self._file.setframerate(self._leg.sample_rate)

    def _write(self, stereo: bytes) -> None:
        if self._file is not None:
            self._file.writeframes(stereo)

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def _finish(self) -> None:
        if self._done.done():
            return
        if self._error is not None:
            self._done.set_exception(RecordingFailed(f"{self._path}: {self._error}"))
        else:
            seconds = self._frames * 0.020
            self._done.set_result(Recorded(self._leg.id, self._path, seconds))


def _log_failure(done: asyncio.Future[Recorded]) -> None:
    """Say it even when nobody waits for the file."""
    if not done.cancelled() and (error := done.exception()) is not None:
        _log.error("recording lost: %s", error)
