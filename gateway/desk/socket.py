"""``/desk/socket``: JSON text frames between an agent's page and the hub.

The browser's cookie signs in, the ``Origin`` must be ours, and the first line
must be ``{"type": "hello", "csrf": …}``. Close codes: 4401 signed out, 4403 not
allowed, 4400 not understood, 1001 the node is stopping. See docs/desk.md.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import Any

import msgspec
from litestar import WebSocket, websocket
from litestar.exceptions import WebSocketDisconnect
from litestar.handlers import WebsocketRouteHandler

from gateway.auth.errors import ForgedRequest
from gateway.auth.guards import check_origin, check_token
from gateway.auth.sessions import COOKIE, SignedIn, SignIn
from gateway.desk.actions import DeskActions
from gateway.desk.hub import DeskHub, Tab
from gateway.desk.requests import (
    Ask,
    Connect,
    Consult,
    ReadInteraction,
    SearchArticles,
    Suggest,
    Transfer,
    parse_hello,
    parse_request,
    ref_of,
)
from gateway.desk.views import View
from gateway.problems import problem_of
from router.errors import BadMessage, ParleyError
from router.model import Role

log = logging.getLogger(__name__)

Socket = WebSocket[Any, Any, Any]
HELLO_TIMEOUT_S = 10.0
MAX_LINE = 200_000
AT_ONCE = 8
BESIDE = (Connect, Consult, Transfer, SearchArticles, Suggest, ReadInteraction)
"""Requests that may take long and need no order; all others run one after another."""
SIGNED_OUT, FORBIDDEN, NOT_UNDERSTOOD, STOPPING = 4401, 4403, 4400, 1001


class Turned(ParleyError):
    """The socket was turned away; ``code`` is the close code."""

    def __init__(self, code: int, detail: str) -> None:
        super().__init__(detail)
        self.code = code


async def admit(socket: Socket, sign_in: SignIn, role: Role) -> SignedIn:
    """Accept the socket and check cookie, origin, role and hello. Raises ``Turned``."""
    await socket.accept()
    person = await sign_in.who(socket.cookies.get(COOKIE, ""))
    if person is None:
        raise Turned(SIGNED_OUT, "sign in first")
    if not person.may(role):
        raise Turned(FORBIDDEN, f"this needs the role {role}")
    try:
        check_origin(socket)
        raw = await asyncio.wait_for(receive(socket), HELLO_TIMEOUT_S)
        check_token(person, parse_hello(raw).csrf)
    except ForgedRequest as error:
        raise Turned(FORBIDDEN, str(error)) from None
    except (BadMessage, TimeoutError) as error:
        raise Turned(NOT_UNDERSTOOD, str(error) or "no hello in time") from None
    return person


async def receive(socket: Socket) -> str:
    """One text frame. Raises ``BadMessage`` when it is too long, ``WebSocketDisconnect``."""
    raw = await socket.receive_text()
    if len(raw) > MAX_LINE:
        raise BadMessage(f"a line has at most {MAX_LINE} characters, this one has {len(raw)}")
    return raw


async def turn_away(socket: Socket, turned: Turned) -> None:
    """Close with the reason (at most 123 bytes, RFC 6455 §5.5.1)."""
    with contextlib.suppress(RuntimeError, WebSocketDisconnect):
        await socket.close(code=turned.code, reason=str(turned)[:100])


def desk_socket(sign_in: SignIn, hub: DeskHub, actions: DeskActions) -> WebsocketRouteHandler:
    """The route of the agents' socket."""

    @websocket("/desk/socket")
    async def handler(socket: Socket) -> None:
        try:
            person = await admit(socket, sign_in, Role.AGENT)
            agent_id = person.account.agent_id
            if agent_id is None:
                raise Turned(FORBIDDEN, "this sign-in takes no work: it has no agent")
            tab = await hub.open(agent_id)
        except Turned as turned:
            await turn_away(socket, turned)
            return
        except ParleyError as error:
            await turn_away(socket, Turned(FORBIDDEN, str(error)))
            return
        except WebSocketDisconnect:
            return
        try:
            await serve_tab(socket, tab, actions)
        finally:
            hub.close(tab)

    return handler


async def serve_tab(socket: Socket, tab: Tab, actions: DeskActions) -> None:
    """Carry requests in and views out until either side closes."""
    running: set[asyncio.Task[None]] = set()
    writer = asyncio.create_task(write_views(socket, tab.outbox))
    reader = asyncio.create_task(_read(socket, tab, actions, running))
    try:
        await asyncio.wait({writer, reader}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (writer, reader, *running):
            task.cancel()
        await asyncio.gather(writer, reader, *running, return_exceptions=True)


async def write_views(socket: Socket, outbox: asyncio.Queue[View | None]) -> None:
    """Write views in order; None closes."""
    while (view := await outbox.get()) is not None:
        await socket.send_text(msgspec.json.encode(view).decode())
    await socket.close(code=STOPPING, reason="connect again")


async def _read(
    socket: Socket, tab: Tab, actions: DeskActions, running: set[asyncio.Task[None]]
) -> None:
    while True:
        raw = ""
        try:
            raw = await receive(socket)
            request = parse_request(raw)
        except BadMessage as error:
            tab.send(_problem(ref_of(raw), error))
            continue
        if not isinstance(request, BESIDE):
            await _answer(request, tab, actions)
            continue
        if len(running) >= AT_ONCE:
            await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
        task = asyncio.create_task(_answer(request, tab, actions))
        running.add(task)
        task.add_done_callback(running.discard)


async def _answer(request: Ask, tab: Tab, actions: DeskActions) -> None:
    try:
        more = await actions.run(tab, request)
    except Exception as error:  # the socket's last line: every failure is told to the page
        tab.send(_problem(request.ref, error))
    else:
        tab.send({"type": "done", "ref": request.ref, **more})


def _problem(ref: int | None, error: Exception) -> View:
    document = problem_of(error).document()
    return {**document, "problem": document["type"], "type": "problem", "ref": ref}
