"""An OpenAI-compatible chat server on loopback, by hand: HTTP/1.1, SSE, tool calls in deltas.

``think`` makes the answer from the data document of the request. ``trouble`` makes it fail,
``statuses`` are answered first, one a request, ``refuses`` are parameters it does not know.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from bots.engines.llm import ApiModel, ModelOptions, Patience, parse_model_server
from tests.fakes.fake_speech_server import FakeSpeechServer

PIECE = 7
"""Characters in a delta: odd, so that words, numbers and escapes are cut."""


class ModelTrouble(StrEnum):
    """What a language model's server may do wrong."""

    NONE = "none"
    HANGS = "never answers"
    STALLS = "stops after the first piece and keeps the line"
    CUT_OFF = "closes in the middle"
    NO_END = "ends without a reason"
    BAD_CHUNK = "sends what is not JSON"
    BREAKS_OFF = "reports an error in the stream"
    BABBLES = "answers in prose"
    OTHER_SHAPE = "answers JSON of another shape"
    TOO_LONG = "runs into the token limit"
    OTHER_TOOL = "calls a tool that nobody offered"
    REFUSES = "says that it will not"


@dataclass
class ModelRequest:
    """One request as it came. ``data`` is the user's document, ``rules`` the system's message."""

    headers: dict[str, str]
    body: dict[str, Any]

    @property
    def rules(self) -> str:
        return str(self.body["messages"][0]["content"])

    @property
    def data(self) -> dict[str, Any]:
        parsed: dict[str, Any] = json.loads(self.body["messages"][1]["content"])
        return parsed

    @property
    def schema(self) -> dict[str, Any]:
        """As the request binds the answer; empty when only words do."""
        if "response_format" in self.body:
            found = self.body["response_format"]["json_schema"]["schema"]
        elif "tools" in self.body:
            found = self.body["tools"][0]["function"]["parameters"]
        else:
            found = {}
        assert isinstance(found, dict)
        return found


def _nothing(request: ModelRequest) -> Any:
    return {}


@dataclass(kw_only=True)
class FakeLanguageModel(FakeSpeechServer):
    """Start it, ask it, stop it. ``requests`` are in order; ``left`` broke off while it wrote."""

    think: Callable[[ModelRequest], Any] = _nothing
    model_trouble: ModelTrouble = ModelTrouble.NONE
    statuses: list[int] = field(default_factory=list)
    retry_after: str = ""
    refuses: frozenset[str] = frozenset()
    names_refused: bool = True
    streams: bool = True
    counts: bool = True
    fenced: bool = False
    first_after_s: float = 0.0
    pause_s: float = 0.0
    """Before each delta."""
    key: str = ""
    requests: list[ModelRequest] = field(default_factory=list)
    left: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await self._serve(reader, writer):
            await writer.drain()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """One request; False closes the connection."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        assert head[0] == "POST /v1/chat/completions HTTP/1.1", head[0]
        pairs = (line.partition(":") for line in head[1:] if line)
        headers = {name.lower(): value.strip() for name, _, value in pairs}
        body = json.loads(await reader.readexactly(int(headers["content-length"])))
        request = ModelRequest(headers, body)
        self.requests.append(request)
        if self.key and headers.get("authorization") != f"Bearer {self.key}":
            return _answer(writer, 401, {"error": {"message": f"Incorrect API key: {self.key}"}})
        if self.statuses and (status := self.statuses.pop(0)) != 200:
            return _answer(writer, status, {"error": {"message": "try later"}}, self.retry_after)
        if unknown := sorted(self.refuses & body.keys()):
            named = f"Unknown parameter: '{unknown[0]}'" if self.names_refused else "bad request"
            return _answer(writer, 400, {"error": {"message": named}})
        if self.model_trouble is ModelTrouble.HANGS:
            await reader.read()
            self.left += 1
            return False
        await asyncio.sleep(self.first_after_s)
        text = self._text(request)
        if not (self.streams and body.get("stream")):
            return _answer(writer, 200, self._whole(request, text))
        return await self._stream(request, text, reader, writer)

    def _text(self, request: ModelRequest) -> str:
        match self.model_trouble:
            case ModelTrouble.BABBLES:
                return "Of course! I would be happy to help you with that."
            case ModelTrouble.OTHER_SHAPE:
                return json.dumps({"unexpected": [1, 2, 3]})
        text = json.dumps(self.think(request), ensure_ascii=False)
        return f"```json\n{text}\n```" if self.fenced else text

    def _usage(self, request: ModelRequest, text: str) -> dict[str, int]:
        read = sum(len(message["content"]) for message in request.body["messages"]) // 4
        return {"prompt_tokens": read, "completion_tokens": len(text) // 4}

    def _whole(self, request: ModelRequest, text: str) -> dict[str, Any]:
        message: dict[str, Any] = {"role": "assistant", "content": text}
        if "tools" in request.body:
            call = {"id": "call_1", "type": "function"}
            function = {"name": "answer", "arguments": text}
            message = {"role": "assistant", "tool_calls": [call | {"function": function}]}
        finish = "length" if self.model_trouble is ModelTrouble.TOO_LONG else "stop"
        choice = {"index": 0, "message": message, "finish_reason": finish}
        usage = {"usage": self._usage(request, text)} if self.counts else {}
        return {"object": "chat.completion", "choices": [choice], **usage}

    async def _stream(
        self,
        request: ModelRequest,
        text: str,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> bool:
        writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n"
        )
        tool = "tools" in request.body
        _event(writer, _delta({"role": "assistant", "content": None if tool else ""}))
        _chunk(writer, b": keep-alive\r\n\r\n")
        trouble = self.model_trouble
        if trouble is ModelTrouble.REFUSES:
            _event(writer, _delta({"refusal": "I cannot do that."}))
        for place, start in enumerate(range(0, len(text), PIECE)):
            await asyncio.sleep(self.pause_s)
            _event(writer, _delta(self._piece(place, text[start : start + PIECE], tool=tool)))
            await writer.drain()
            if trouble is ModelTrouble.STALLS:
                await reader.read()
                self.left += 1
                return False
            if trouble is ModelTrouble.CUT_OFF:
                return False
            if trouble is ModelTrouble.BAD_CHUNK:
                _chunk(writer, b'data: {"choices": [\r\n\r\n')
            if trouble is ModelTrouble.BREAKS_OFF:
                _event(writer, {"error": {"message": "out of memory"}})
        if trouble is not ModelTrouble.NO_END:
            finish = "length" if trouble is ModelTrouble.TOO_LONG else "tool_calls"
            _event(writer, _delta({}, finish if tool or finish == "length" else "stop"))
            asked = request.body.get("stream_options", {}).get("include_usage")
            if self.counts and asked:
                _event(writer, {"choices": [], "usage": self._usage(request, text)})
            _chunk(writer, b"data: [DONE]\r\n\r\n")
        writer.write(b"0\r\n\r\n")
        return True

    def _piece(self, place: int, piece: str, *, tool: bool) -> dict[str, Any]:
        if self.model_trouble is ModelTrouble.OTHER_TOOL:
            function = {"name": "transfer_money", "arguments": "{}"}
            return {"tool_calls": [{"index": 0, "id": "c", "function": function}]}
        if not tool:
            return {"content": piece}
        first = {"id": "call_1", "type": "function"} if place == 0 else {}
        function = {"arguments": piece} | ({"name": "answer"} if place == 0 else {})
        return {"tool_calls": [{"index": 0, **first, "function": function}]}


def _delta(delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return {"object": "chat.completion.chunk", "choices": [choice]}


def _event(writer: asyncio.StreamWriter, said: dict[str, Any]) -> None:
    _chunk(writer, b"data: " + json.dumps(said, ensure_ascii=False).encode() + b"\n\n")


def _chunk(writer: asyncio.StreamWriter, data: bytes) -> None:
    writer.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")


def _answer(
    writer: asyncio.StreamWriter, status: int, said: dict[str, Any], retry_after: str = ""
) -> bool:
    body = json.dumps(said, ensure_ascii=False).encode()
    head = f"HTTP/1.1 {status} Any\r\nContent-Type: application/json\r\n"
    head += "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
    head += f"Retry-After: {retry_after}\r\n" if retry_after else ""
    writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
    return True


@asynccontextmanager
async def serving(
    *, key: str = "", think: Callable[[ModelRequest], Any] = _nothing
) -> AsyncIterator[FakeLanguageModel]:
    """A started server."""
    fake = FakeLanguageModel(key=key, think=think)
    await fake.start()
    try:
        yield fake
    finally:
        await fake.stop()


@asynccontextmanager
async def reached(
    server: FakeLanguageModel, *, key: str = "", patience: Patience | None = None
) -> AsyncIterator[ApiModel]:
    """Our client of that server."""
    options = ModelOptions(
        server=parse_model_server(server.url),
        model="tiny",
        key=key,
        patience=patience or Patience(),
    )
    made = ApiModel(options)
    await made.start()
    try:
        yield made
    finally:
        await made.stop()
