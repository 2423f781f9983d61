"""An OpenAI-compatible audio API on loopback, down to HTTP/1.1 and multipart by hand.

It hears ``text`` in whatever is not silent and says a tone of ``MS_PER_CHAR`` per character
as a WAV that is streamed, so that its length fields say nothing. ``trouble`` makes it fail.
"""

from __future__ import annotations

import asyncio
import io
import json
import struct
import wave
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

UNKNOWN_LENGTH = 0xFFFFFFFF
PIECE_BYTES = 3001
"""Odd, so that pieces end within a sample."""


@dataclass
class ApiRequest:
    """One request as it came."""

    path: str
    headers: dict[str, str]
    fields: dict[str, Any] = field(default_factory=dict)
    rate: int = 0
    pcm: bytes = b""


def wav_stream(pcm: bytes, rate: int) -> bytes:
    """A WAV whose writer did not know how long it gets, with a chunk nobody knows."""
    shape = struct.pack("<HHIIHH", 1, 1, rate, 2 * rate, 2, 16)
    chunks = b"fmt " + struct.pack("<I", len(shape)) + shape + b"LIST" + struct.pack("<I", 3)
    head = b"RIFF" + struct.pack("<I", UNKNOWN_LENGTH) + b"WAVE"
    return head + chunks + b"abc\0" + b"data" + struct.pack("<I", UNKNOWN_LENGTH) + pcm


@dataclass(kw_only=True)
class FakeSpeechApi(FakeSpeechServer):
    """``requests`` are in order; a ``key`` makes it refuse others; ``status`` all of them."""

    log_probability: float | None = -0.2
    """What ``verbose_json`` tells; None refuses that format."""
    key: str = ""
    status: int = 200
    content_type: str = "audio/wav"
    requests: list[ApiRequest] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await self._serve(reader, writer):
            await writer.drain()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """One request; False closes the connection."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        method, path, version = head[0].split(" ")
        assert (method, version) == ("POST", "HTTP/1.1")
        pairs = (line.partition(":") for line in head[1:] if line)
        headers = {name.lower(): value.strip() for name, _, value in pairs}
        body = await reader.readexactly(int(headers["content-length"]))
        request = ApiRequest(path, headers)
        self.requests.append(request)
        if self.trouble is Trouble.HANGS:
            await reader.read()
            return False
        if self.trouble is Trouble.GARBAGE:
            writer.write(b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n")
            return False
        if self.key and headers.get("authorization") != f"Bearer {self.key}":
            return _answer(writer, 401, {"error": {"message": "Incorrect API key provided"}})
        if self.status != 200:
            return _answer(writer, self.status, {"error": {"message": "try again later"}})
        if path == "/v1/audio/transcriptions":
            _read_form(request, headers["content-type"], body)
            return self._hear(request, writer)
        assert path == "/v1/audio/speech", path
        request.fields = json.loads(body)
        return await self._speak(request, writer)

    def _hear(self, request: ApiRequest, writer: asyncio.StreamWriter) -> bool:
        if self.trouble is Trouble.CLOSES:
            return False
        if self.trouble is Trouble.SAYS_ERROR:
            return _answer(writer, 200, {"detail": "model is loading"})
        said: dict[str, Any] = {"text": f" {self.text}" if is_loud(request.pcm) else ""}
        if request.fields["response_format"] == "verbose_json":
            if self.log_probability is None:
                return _answer(writer, 400, {"error": {"message": "response_format: json only"}})
            said["segments"] = [{"text": said["text"], "avg_logprob": self.log_probability}]
        return _answer(writer, 200, said)

    async def _speak(self, request: ApiRequest, writer: asyncio.StreamWriter) -> bool:
        head = f"HTTP/1.1 200 OK\r\nContent-Type: {self.content_type}\r\n"
        writer.write(f"{head}Transfer-Encoding: chunked\r\n\r\n".encode())
        pcm = tone(len(request.fields["input"]) * MS_PER_CHAR / 1000, VOICE_RATE)
        if self.trouble is Trouble.NO_SOUND:
            pcm = b""
        sound = wav_stream(pcm, VOICE_RATE) if self.content_type == "audio/wav" else pcm
        for start in range(0, len(sound), PIECE_BYTES):
            piece = sound[start : start + PIECE_BYTES]
            writer.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
            await writer.drain()
            if self.trouble is Trouble.CLOSES:
                return False
            if self.trouble is Trouble.STALLS:
                await asyncio.sleep(3600)
        writer.write(b"0\r\n\r\n")
        return True


def _answer(writer: asyncio.StreamWriter, status: int, said: dict[str, Any]) -> bool:
    body = json.dumps(said).encode()
    head = f"HTTP/1.1 {status} Any\r\nContent-Type: application/json\r\n"
    writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
    return True


def _read_form(request: ApiRequest, content_type: str, body: bytes) -> None:
    """multipart/form-data (RFC 7578)."""
    kind, _, boundary = content_type.partition("; boundary=")
    assert kind == "multipart/form-data"
    parts = body.split(b"--" + boundary.encode())
    assert parts[-1] == b"--\r\n"
    for part in parts[1:-1]:
        head, _, value = part.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        value = value.removesuffix(b"\r\n")
        name = head.decode().split('name="')[1].split('"')[0]
        if name == "file":
            assert b'filename="speech.wav"' in head
            with wave.open(io.BytesIO(value)) as file:
                assert (file.getnchannels(), file.getsampwidth()) == (1, 2)
                request.rate, request.pcm = file.getframerate(), file.readframes(10**9)
        else:
            request.fields[name] = value.decode()
