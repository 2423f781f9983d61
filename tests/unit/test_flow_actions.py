"""HTTP actions against a real little server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

import httpx
import pytest

from bots.actions import HttpActions
from bots.errors import ActionFailed
from bots.flow import render


@dataclass
class Server:
    """Answers each request with the next of ``answers``; keeps what was asked."""

    answers: list[bytes] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    heads: list[str] = field(default_factory=list)
    url: str = ""

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        self.asked.append(head.split(b"\r\n")[0].decode())
        self.heads.append(head.decode())
        answer = self.answers.pop(0) if self.answers else None
        if answer is None:
            await reader.read()  # Says nothing until the client gives up.
        else:
            writer.write(answer)
        writer.close()


def http(status: str, body: bytes = b"") -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    return head.encode() + body


Made = Callable[..., Awaitable[Server]]


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    made = Server()
    running = await asyncio.start_server(made.handle, "127.0.0.1", 0)
    made.url = f"http://127.0.0.1:{running.sockets[0].getsockname()[1]}"
    yield made
    running.close()
    await running.wait_closed()


@pytest.fixture
async def actions() -> AsyncIterator[HttpActions]:
    async with httpx.AsyncClient() as client:
        yield HttpActions(client)


async def test_status_and_json_come_back(server: Server, actions: HttpActions) -> None:
    server.answers = [http("200 OK", b'{"status": "in_transit"}')]
    assert await actions.call("GET", server.url, None, 2) == (200, {"status": "in_transit"})


async def test_a_busy_server_is_asked_once_more(server: Server, actions: HttpActions) -> None:
    server.answers = [http("503 Busy"), http("200 OK", b"{}")]
    assert await actions.call("GET", server.url, None, 2) == (200, {})
    assert len(server.asked) == 2


async def test_what_may_not_be_done_twice_is_not(server: Server, actions: HttpActions) -> None:
    server.answers = [http("503 Busy"), http("200 OK", b"{}")]
    assert await actions.call("POST", server.url, {"a": 1}, 2) == (503, None)
    assert len(server.asked) == 1


async def test_a_page_instead_of_json_a_silence_and_no_server_fail_clearly(
    server: Server, actions: HttpActions
) -> None:
    server.answers = [http("200 OK", b"<html>")]
    with pytest.raises(ActionFailed, match="expected JSON"):
        await actions.call("GET", server.url, None, 2)
    with pytest.raises(ActionFailed, match=r"no answer within 0\.05 s"):
        await actions.call("GET", server.url, None, 0.05)
    with pytest.raises(ActionFailed):
        await actions.call("GET", "http://127.0.0.1:9/", None, 2)


async def test_a_404_is_an_answer(server: Server, actions: HttpActions) -> None:
    server.answers = [http("404 Not Found", b"no such order")]
    assert await actions.call("GET", server.url, None, 2) == (404, None)


async def test_what_has_a_key_may_be_done_again_as_often_as_the_flow_says(
    server: Server, actions: HttpActions
) -> None:
    server.answers = [http("503 Busy"), http("502 Bad"), http("200 OK", b"{}")]
    keyed = {"Idempotency-Key": "i-1:pay:0"}
    assert await actions.call("POST", server.url, {"a": 1}, 2, keyed, 2) == (200, {})
    assert [head.count("i-1:pay:0") for head in server.heads] == [1, 1, 1]
    server.answers = [http("503 Busy"), http("200 OK", b"{}")]
    assert await actions.call("GET", server.url, None, 2, {}, 0) == (503, None)


async def test_secrets_go_into_the_request_and_nowhere_else(server: Server) -> None:
    header = render.header("Bearer {{ secret('crm') }}", {})
    async with httpx.AsyncClient() as client:
        known = HttpActions(client, {"crm": "s3cret"})
        server.answers = [http("200 OK", b"{}")]
        await known.call("GET", server.url, None, 2, {"Authorization": header})
        assert "authorization: bearer s3cret" in server.heads[-1].lower()
        unknown = HttpActions(client)
        with pytest.raises(ActionFailed, match="the secret 'crm' is not set"):
            await unknown.call("GET", server.url, None, 2, {"Authorization": header})
    assert len(server.heads) == 1
