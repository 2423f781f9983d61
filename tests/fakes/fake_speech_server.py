"""What the speech servers of the tests have in common: sound, trouble, connections."""

from __future__ import annotations

import asyncio
import contextlib
import math
import struct
from dataclasses import dataclass, field
from enum import StrEnum

MS_PER_CHAR = 60
VOICE_RATE = 22050
LOUD = 500


class Trouble(StrEnum):
    """What a speech server may do wrong."""

    NONE = "none"
    HANGS = "hangs"
    CLOSES = "closes"
    """In the middle of an utterance, or of the sound."""
    GARBAGE = "garbage"
    SAYS_ERROR = "says error"
    NO_SOUND = "no sound"
    STALLS = "stalls"
    """After the first piece of sound."""


def tone(seconds: float, rate: int) -> bytes:
    """A sine of 300 Hz, s16le."""
    count = round(seconds * rate)
    wave = (round(8000 * math.sin(2 * math.pi * 300 * i / rate)) for i in range(count))
    return struct.pack(f"<{count}h", *wave)


def is_loud(pcm: bytes) -> bool:
    """Whether anything is in it but silence."""
    samples = memoryview(pcm[: len(pcm) & ~1]).cast("h")
    return any(abs(sample) > LOUD for sample in samples)


@dataclass(kw_only=True)
class FakeSpeechServer:
    """A TCP server on loopback; ``connections`` came, ``open`` are there. Subclasses ``talk``."""

    text: str = "where is my order"
    trouble: Trouble = Trouble.NONE
    connections: int = 0
    open: int = 0
    port: int = 0
    _server: asyncio.Server | None = None
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection to its end."""
        raise NotImplementedError

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        self.open += 1
        try:
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
                await self.talk(reader, writer)
        except asyncio.CancelledError:
            pass
        finally:
            self.open -= 1
            self._tasks.discard(task)
            writer.close()
