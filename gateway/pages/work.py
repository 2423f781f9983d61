"""The agent's page and the supervisor's floor, with the floor's socket."""

from __future__ import annotations

import asyncio
from typing import Any

from litestar import Request, Response, WebSocket, get, websocket
from litestar.exceptions import WebSocketDisconnect
from litestar.handlers import HTTPRouteHandler, WebsocketRouteHandler
from litestar.params import FromPath
from litestar.response import Redirect

from gateway.auth.errors import NotAllowed
from gateway.auth.guards import needs, person_of
from gateway.desk.floor import Floor
from gateway.desk.socket import Turned, admit, receive, turn_away
from gateway.pages.recording import NoRecording, audio_response, inside
from gateway.pages.render import Pages
from gateway.services import Services
from router.model import Role

FLOOR_EVERY_S = 1.5
FLOOR_SHOWS = ("service_level", "aht_s", "occupancy", "containment")
"""Figures of the floor that need a definition."""


def work_routes(
    services: Services, pages: Pages, floor: Floor
) -> list[HTTPRouteHandler | WebsocketRouteHandler]:
    """``/desk``, ``/desk/voicemail/{id}``, ``/floor``, ``/floor/socket``."""
    return [
        _desk(services, pages),
        _voicemail(services),
        _floor(services, pages),
        _floor_socket(services, floor),
    ]


def _desk(services: Services, pages: Pages) -> HTTPRouteHandler:
    @get("/desk", guards=[needs(services.sign_in, Role.AGENT)], include_in_schema=False)
    async def desk(request: Request[Any, Any, Any]) -> Response[Any]:
        person = person_of(request)
        if person.account.agent_id is None:
            if person.may(Role.SUPERVISOR):
                return Redirect("/floor")
            raise NotAllowed("This sign-in takes no work: it has no agent.")
        return pages.page(request, "desk", person)

    return desk


def _voicemail(services: Services) -> HTTPRouteHandler:
    @get(
        "/desk/voicemail/{interaction_id:str}",
        guards=[needs(services.sign_in, Role.AGENT)],
        tags=["interactions"],
    )
    async def voicemail(
        request: Request[Any, Any, Any], interaction_id: FromPath[str]
    ) -> Response[bytes]:
        """The spoken message, as WAV, for the agent who has it, and for supervisors."""
        person = person_of(request)
        async with services.store.transaction() as tx:
            item = await tx.interactions.get(interaction_id)
            ringing = await tx.interactions.ringing_offers(person.account.agent_id or "")
        mine = item.agent_id is not None and item.agent_id == person.account.agent_id
        rings = any(offer.interaction_id == item.id for offer in ringing)
        if not (mine or rings or person.may(Role.SUPERVISOR)):
            raise NotAllowed("This message is not on your desk.")
        left = item.meta.get("voicemail") or {}
        if "path" not in left:
            raise NoRecording
        path = inside(services.data_dir, left["path"])
        return await audio_response(path, request.headers.get("range"))

    return voicemail


def _floor(services: Services, pages: Pages) -> HTTPRouteHandler:
    @get("/floor", guards=[needs(services.sign_in, Role.SUPERVISOR)], include_in_schema=False)
    async def floor_page(request: Request[Any, Any, Any]) -> Response[str]:
        context = {"definitions": FLOOR_SHOWS}
        return pages.page(request, "floor", person_of(request), context)

    return floor_page


def _floor_socket(services: Services, floor: Floor) -> WebsocketRouteHandler:
    @websocket("/floor/socket")
    async def floor_socket(socket: WebSocket[Any, Any, Any]) -> None:
        try:
            await admit(socket, services.sign_in, Role.SUPERVISOR)
        except Turned as turned:
            await turn_away(socket, turned)
            return
        except WebSocketDisconnect:
            return
        tasks = [
            asyncio.create_task(_feed(floor, socket)),
            asyncio.create_task(_until_closed(socket)),
        ]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    return floor_socket


async def _feed(floor: Floor, socket: WebSocket[Any, Any, Any]) -> None:
    while True:
        await socket.send_text(await floor.text())
        await asyncio.sleep(FLOOR_EVERY_S)


async def _until_closed(socket: WebSocket[Any, Any, Any]) -> None:
    while True:
        await receive(socket)
