"""The chat's door: a WebSocket at ``/chat/socket`` (RFC 6455) for the widget.

The frames are described in docs/channels.md. A frame that is wrong gets an
``error`` frame and changes nothing; a browser that sends only such frames, or
far too many, is disconnected.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import Counter
from typing import Any

import msgspec
from litestar import Router, WebSocket, websocket
from litestar.exceptions import WebSocketDisconnect

from channels import chat_wire as wire
from channels.chat_hub import ChatHub
from channels.chat_talk import Talk
from channels.text_errors import BadFrame, BadToken, NotNow
from channels.visitor import Introduction, admit
from router.errors import ParleyError

HELLO_S = 15.0
MISTAKES_MAX = 30
FRAMES_PER_S = 25.0
TABS_PER_ADDRESS = 100
_POLICY, _LATER, _GOING = 1008, 1013, 1001

log = logging.getLogger(__name__)
Socket = WebSocket[Any, Any, Any]

__all__ = ["ChatHub", "chat_routes"]


def chat_routes(hub: ChatHub, chat_secret: str = "") -> Router:
    """``/chat/socket``. ``chat_secret`` checks the tokens of embedding sites."""
    open_tabs: Counter[str] = Counter()

    @websocket("/socket")
    async def chat_socket(socket: WebSocket[Any, Any, Any]) -> None:
        """One browser tab."""
        where = socket.client.host if socket.client else ""
        await socket.accept()
        if open_tabs[where] >= TABS_PER_ADDRESS:
            await socket.close(_LATER, "too many chats from this address")
            return
        open_tabs[where] += 1
        try:
            await _Tab(socket, hub, chat_secret).run()
        except (WebSocketDisconnect, OSError, RuntimeError):
            pass  # the browser has gone; what it sent is stored or will be sent again
        finally:
            open_tabs[where] -= 1
            if not open_tabs[where]:
                del open_tabs[where]

    return Router("/chat", route_handlers=[chat_socket])


class _Tab:
    """Reads one socket and counts what is wrong with it."""

    def __init__(self, socket: Socket, hub: ChatHub, chat_secret: str) -> None:
        self._socket = socket
        self._hub = hub
        self._secret = chat_secret
        self._sending = asyncio.Lock()
        self._mistakes = 0
        self._allowed = FRAMES_PER_S
        self._counted_at = asyncio.get_running_loop().time()

    async def run(self) -> None:
        """Until the browser leaves or is sent away."""
        talk = await self._welcome()
        if talk is None:
            return
        try:
            while self._mistakes < MISTAKES_MAX and self._in_time():
                await self._take(talk)
            await self._socket.close(_POLICY, "too many bad frames")
        finally:
            await self._hub.leave(talk)

    async def _welcome(self) -> Talk | None:
        """Wait for a right ``hello``; None when none came."""
        while self._mistakes < MISTAKES_MAX:
            try:
                async with asyncio.timeout(HELLO_S):
                    text = await self._text()
            except TimeoutError:
                break
            try:
                return await self._join(wire.parse_frame(text))
            except BadFrame as error:
                await self._complain(error)
            except BadToken as error:
                refused = {"status": 401, "title": "Bad token", "detail": str(error)}
                await self._send({"type": "error", **refused})
                self._mistakes += 1
        await self._socket.close(_POLICY, "expected hello")
        return None

    async def _join(self, frame: wire.Frame) -> Talk:
        if not isinstance(frame, wire.Hello):
            raise BadFrame("expected hello as the first frame")
        said = Introduction(frame.visitor, frame.token, frame.name, frame.email, frame.language)
        visitor = admit(said, self._secret, self._hub.now)
        try:
            return await self._hub.join(visitor, frame, self._send)
        except (ParleyError, OSError) as error:
            log.exception("a chat could not be joined")
            raise NotNow("the chat cannot be read now; try again") from error

    async def _take(self, talk: Talk) -> None:
        text = await self._text()
        client_id = ""
        try:
            frame = wire.parse_frame(text)
            client_id = frame.client_id if isinstance(frame, wire.Say) else ""
            await self._hub.take(talk, frame)
        except BadFrame as error:
            await self._complain(error, client_id)

    async def _complain(self, error: BadFrame, client_id: str = "") -> None:
        if not isinstance(error, NotNow):
            self._mistakes += 1
        await self._send(wire.pack_error(error, client_id))

    def _in_time(self) -> bool:
        now = asyncio.get_running_loop().time()
        passed, self._counted_at = now - self._counted_at, now
        self._allowed = min(FRAMES_PER_S * 4, self._allowed + passed * FRAMES_PER_S) - 1
        return self._allowed > 0

    async def _text(self) -> str | bytes | None:
        event = await self._socket.receive()
        if event["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(detail="gone")
        if event["type"] != "websocket.receive":
            return None
        return event.get("text") if event.get("text") is not None else event.get("bytes")

    async def _send(self, frame: dict[str, Any]) -> None:
        async with self._sending:
            with contextlib.suppress(WebSocketDisconnect, RuntimeError):
                await self._socket.send_text(msgspec.json.encode(frame).decode())
