"""A Wyoming speech server on loopback, written from the protocol's description.

It hears and speaks: every utterance is ``text`` (nothing when it was silent), every text a
tone of ``MS_PER_CHAR`` per character. ``trouble`` makes it fail; see ``Trouble``.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any

from tests.fakes.fake_speech_server import (
    MS_PER_CHAR,
    VOICE_RATE,
    FakeSpeechServer,
    Trouble,
    is_loud,
    tone,
)

PIECE_BYTES = 2048


@dataclass
class HeardUtterance:
    """What came for one transcript."""

    wish: dict[str, Any]
    rate: int = 0
    pcm: bytes = b""
    stopped: bool = False


@dataclass(kw_only=True)
class FakeWyoming(FakeSpeechServer):
    """``heard`` and ``said`` are what was asked of it, in order."""

    partials: tuple[str, ...] = ()
    languages: tuple[str, ...] = ("en_GB", "zh_CN", "lv")
    closes_after_transcript: bool = True
    heard: list[HeardUtterance] = field(default_factory=list)
    said: list[dict[str, Any]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"wyoming://127.0.0.1:{self.port}"

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _Visit(self, reader, writer).serve()


class _Visit:
    """One connection."""

    def __init__(
        self, fake: FakeWyoming, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.fake = fake
        self.reader = reader
        self.writer = writer
        self.utterance = HeardUtterance({})
        self.spoken = 0
        """Of the partial texts."""

    async def serve(self) -> None:
        while line := await self.reader.readline():
            head = json.loads(line)
            data = dict(head.get("data", {}))
            if size := head.get("data_length", 0):
                data |= json.loads(await self.reader.readexactly(size))
            payload = await self.reader.readexactly(head.get("payload_length", 0))
            if self.fake.trouble is Trouble.HANGS:
                continue
            if self.fake.trouble is Trouble.GARBAGE:
                self.writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                return
            if not await self.take(head["type"], data, payload):
                return

    async def take(self, kind: str, data: dict[str, Any], payload: bytes) -> bool:
        """Serve one event; False ends the connection."""
        match kind:
            case "describe":
                self.send_inline("info", self.description())
            case "transcribe":
                self.utterance = HeardUtterance(data)
                self.fake.heard.append(self.utterance)
            case "audio-start":
                assert (data["width"], data["channels"]) == (2, 1)
                self.utterance.rate = data["rate"]
            case "audio-chunk":
                self.utterance.pcm += payload
                return await self.listening()
            case "audio-stop":
                self.utterance.stopped = True
                return self.transcript()
            case "synthesize":
                self.fake.said.append(data)
                return await self.sound(data["text"])
        return True

    async def listening(self) -> bool:
        if self.fake.trouble is Trouble.CLOSES:
            return False
        while self.spoken < len(self.fake.partials) and is_loud(self.utterance.pcm):
            self.send("transcript-chunk", {"text": self.fake.partials[self.spoken]})
            self.spoken += 1
        return True

    def transcript(self) -> bool:
        if self.fake.trouble is Trouble.SAYS_ERROR:
            self.send("error", {"text": "CUDA out of memory", "code": "oom"})
            return True
        text = f" {self.fake.text}" if is_loud(self.utterance.pcm) else ""
        self.send("transcript", {"text": text, "language": "en"})
        return not self.fake.closes_after_transcript

    async def sound(self, text: str) -> bool:
        if self.fake.trouble is Trouble.SAYS_ERROR:
            self.send("error", {"text": "no such voice"})
            return True
        shape = {"rate": VOICE_RATE, "width": 2, "channels": 1}
        if self.fake.trouble is not Trouble.NO_SOUND:
            self.send("audio-start", {**shape, "timestamp": 0})
            pcm = tone(len(text) * MS_PER_CHAR / 1000, VOICE_RATE)
            for start in range(0, len(pcm), PIECE_BYTES):
                self.send("audio-chunk", shape, pcm[start : start + PIECE_BYTES])
                await self.writer.drain()
                if self.fake.trouble is Trouble.CLOSES:
                    return False
                if self.fake.trouble is Trouble.STALLS:
                    return True
        self.send("audio-stop", {"timestamp": 0})
        return True

    def description(self) -> dict[str, Any]:
        about = {"name": "fake", "installed": True, "attribution": {"name": "", "url": ""}}
        missing = {**about, "installed": False, "languages": ["de_DE"]}
        known = {**about, "languages": list(self.fake.languages)}
        return {
            "asr": [{**about, "models": [known]}],
            "tts": [{**about, "voices": [known, missing]}],
            "wake": [],
        }

    def send(self, kind: str, data: dict[str, Any], payload: bytes = b"") -> None:
        """As most servers write it: the data after the line."""
        body = json.dumps(data).encode()
        head: dict[str, Any] = {"type": kind, "version": "1.7.2", "data_length": len(body)}
        if payload:
            head["payload_length"] = len(payload)
        self.writer.write(json.dumps(head).encode() + b"\n" + body + payload)

    def send_inline(self, kind: str, data: dict[str, Any]) -> None:
        """As the protocol allows, too: the data within the line."""
        self.writer.write(json.dumps({"type": kind, "data": data}).encode() + b"\n")
