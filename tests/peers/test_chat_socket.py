"""The chat over real WebSockets."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from channels.chat import ChatHub, chat_routes
from tests.fakes.core import Core, running_core
from tests.fakes.web import serving

ANNA = "a" * 32


@pytest.fixture
async def core(tmp_path: Path) -> AsyncIterator[Core]:
    async with running_core(tmp_path) as core:
        yield core


@pytest.fixture
async def url(core: Core) -> AsyncIterator[str]:
    hub = ChatHub(core.store, core.lifecycle, core.bus, "web-1", core.clock)
    await hub.start()
    async with serving([chat_routes(hub, "s3cret")]) as base:
        yield base.replace("http", "ws") + "/chat/socket"
    await hub.stop()


async def say(socket: ClientConnection, **frame: Any) -> None:
    await socket.send(json.dumps(frame))


async def hear(socket: ClientConnection, kind: str) -> dict[str, Any]:
    while True:
        frame: dict[str, Any] = json.loads(await socket.recv())
        if frame["type"] == kind:
            return frame


async def test_hello_message_ack_and_lines(core: Core, url: str) -> None:
    async with connect(url, proxy=None) as socket:
        await say(socket, type="hello", visitor=ANNA)
        assert (await hear(socket, "state"))["with"] == "nobody"
        await say(socket, type="message", client_id="c1", text="<script>alert(1)</script>")
        assert (await hear(socket, "ack"))["seq"] == 1
        lines = (await hear(socket, "lines"))["lines"]
        assert lines[0]["text"] == "<script>alert(1)</script>"
        await say(socket, type="ping")
        assert await hear(socket, "pong") == {"type": "pong"}


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        ("not json", 400),
        (b"\x00\x01", 400),
        ('{"type":"message","client_id":"c1","text":"' + "x" * 20_000 + '"}', 413),
        ('{"type":"message","client_id":"c1","text":"before hello"}', 400),
        ('{"type":"hello","visitor":"' + ANNA + '","token":"x.y"}', 401),
    ],
)
async def test_bad_frame_gets_a_clear_error_and_changes_nothing(
    core: Core, url: str, raw: str | bytes, status: int
) -> None:
    async with connect(url, proxy=None) as socket:
        await socket.send(raw)
        error = await hear(socket, "error")
        assert error["status"] == status
        assert error["detail"]
        await say(socket, type="hello", visitor=ANNA)
        assert await hear(socket, "state")
    assert await core.interactions() == []


async def test_nothing_but_mistakes_ends_the_connection(url: str) -> None:
    async with connect(url, proxy=None) as socket:
        with pytest.raises(ConnectionClosed) as caught:
            while True:
                await socket.send("nonsense")
                await socket.recv()
        assert caught.value.rcvd is not None
        assert caught.value.rcvd.code == 1008
