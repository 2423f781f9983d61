"""A visitor of the web chat: speaks the widget's own protocol (docs/channels.md)."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from router.errors import ParleyError
from router.model import Author, new_id

PATH = "/chat/socket"
MAX_FRAME = 1024 * 1024


class ChatRefused(ParleyError):
    """The chat answered with an error; the message is its detail."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the chat as the visitor sees it; ``cited`` are article ids."""

    seq: int
    author: str
    text: str
    cited: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Person:
    """What a visitor says of themselves when the chat opens."""

    name: str = ""
    email: str = ""
    language: str = "en"


class Visitor:
    """One open chat window."""

    def __init__(self, socket: ClientConnection, secret: str) -> None:
        self.secret = secret
        self._socket = socket
        self._seen: dict[str, int] = {}
        self._lines: asyncio.Queue[Line | None] = asyncio.Queue()
        self._reader = asyncio.create_task(self._read())
        self.interaction_id = ""
        self.ended = False
        self.may_rate = False
        self.error = ""

    @classmethod
    async def open(cls, base_url: str, person: Person = Person(), secret: str = "") -> Visitor:
        """Open the chat of the installation at ``base_url`` as somebody new.

        With the ``secret`` of another window it is the same visitor who comes back.
        """
        secret = secret or new_id() + new_id()
        parts = urlsplit(base_url)
        scheme = "wss" if parts.scheme == "https" else "ws"
        socket = await connect(f"{scheme}://{parts.netloc}{PATH}", max_size=MAX_FRAME)
        hello: dict[str, Any] = {"type": "hello", "visitor": secret}
        given = {"name": person.name, "email": person.email, "language": person.language}
        await socket.send(json.dumps({**hello, **{k: v for k, v in given.items() if v}}))
        return cls(socket, secret)

    async def say(self, text: str) -> None:
        """Send a line."""
        await self._send({"type": "message", "client_id": new_id(), "text": text})

    async def rate(self, score: int) -> None:
        """Answer the survey for the chat that has ended, 1 to 5."""
        await self._send({"type": "survey", "interaction": self.interaction_id, "score": score})

    async def end(self) -> None:
        """Close the conversation from our side."""
        await self._send({"type": "end"})

    async def next_line(self, timeout_s: float) -> Line | None:
        """The next line of anybody else; None when none came in time. Raises ``ChatRefused``."""
        try:
            async with asyncio.timeout(timeout_s):
                line = await self._lines.get()
        except TimeoutError:
            line = None
        if line is None and self.error:
            raise ChatRefused(self.error)
        return line

    async def answer(self, first_s: float, more_s: float) -> Sequence[Line]:
        """The lines of one answer: the first within ``first_s``, the rest close behind."""
        lines: list[Line] = []
        wait_s = first_s
        while (line := await self.next_line(wait_s)) is not None:
            lines.append(line)
            wait_s = more_s
        return lines

    async def close(self) -> None:
        """Close the window; the conversation stays open. Safe to call twice."""
        await self._socket.close()
        self._reader.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._reader

    async def _send(self, frame: dict[str, Any]) -> None:
        try:
            await self._socket.send(json.dumps(frame))
        except ConnectionClosed as error:
            raise ChatRefused(f"the chat is closed: {error}") from error

    async def _read(self) -> None:
        try:
            async for raw in self._socket:
                self._take(json.loads(raw))
        except ConnectionClosed as error:
            self.error = self.error or f"the chat was closed: {error}"
        self._lines.put_nowait(None)

    def _take(self, frame: dict[str, Any]) -> None:
        match frame["type"]:
            case "lines":
                for line in frame["lines"]:
                    self._take_line(frame["interaction"], line)
            case "state":
                self.interaction_id = frame["interaction"]
                self.ended = False
            case "ended":
                self.interaction_id = frame["interaction"]
                self.ended, self.may_rate = True, bool(frame["survey"])
                self._lines.put_nowait(None)
            case "error":
                self.error = f"{frame['title']}: {frame['detail']}"
                self._lines.put_nowait(None)

    def _take_line(self, interaction_id: str, line: dict[str, Any]) -> None:
        if line["seq"] <= self._seen.get(interaction_id, 0):
            return
        self._seen[interaction_id] = line["seq"]
        if line["author"] != Author.CUSTOMER:
            cited = tuple(source["url"].rsplit("/", 1)[-1] for source in line["sources"])
            self._lines.put_nowait(Line(line["seq"], line["author"], line["text"], cited))
