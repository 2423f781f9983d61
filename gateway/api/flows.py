"""``/api/flows``: the bots' flows in their versions: read, draw, save, try out, take back.

Administrators only; the language's schema is for everybody's editor. A text is YAML
(``docs/flows.md``); the flows that it calls are those of the live version. Reading a text takes
half a second of a core, so it is done on a thread.
"""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery, JSONBody

from bots.flow.drawing.svg import draw
from bots.flow.json_schema import json_schema
from bots.flow.rollout import ALL
from bots.flow.schema import read_texts
from bots.shelf import FlowShelf, Shelved
from gateway.api.flow_drafts import SVG, TAGS, Text
from gateway.auth.guards import needs, person_of
from gateway.auth.sessions import SignIn
from gateway.desk.views import View, iso
from gateway.flow_drafts import FlowDrafts
from router.model import Role

LONGEST_NOTE = 500
AnyRequest = Request[Any, Any, Any]
Note = Annotated[str, msgspec.Meta(max_length=LONGEST_NOTE)]


class Publication(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A text, and how many of a hundred new conversations get it.

    All makes it live, none only saves it. ``base`` is the flow's ``tag`` that the edit began
    with; without one, whatever somebody else did meanwhile is not noticed.
    """

    text: Text
    percent: int = ALL
    note: Note = ""
    base: str = ""


class TakenBack(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why; ``base`` as for a publication."""

    note: Note = ""
    base: str = ""


def flow_routes(sign_in: SignIn, shelf: FlowShelf, drafts: FlowDrafts) -> list[HTTPRouteHandler]:
    """All of them."""
    return [*_reading(sign_in, shelf), *_changing(sign_in, shelf, drafts), _schema()]


def _reading(sign_in: SignIn, shelf: FlowShelf) -> list[HTTPRouteHandler]:
    guard = needs(sign_in, Role.ADMIN)

    @get("/api/flows", guards=[guard], tags=TAGS)
    async def flows() -> list[View]:
        """Every flow, with the versions that new conversations get."""
        return [rollout_view(await shelf.shelved(name)) for name in shelf.names]

    @get("/api/flows/{name:str}", guards=[guard], tags=TAGS)
    async def flow(name: FromPath[str]) -> View:
        """One flow and what was done with it, newest first."""
        return shelved_view(await shelf.shelved(name))

    @get("/api/flows/{name:str}/versions/{version:str}", guards=[guard], tags=TAGS)
    async def text(name: FromPath[str], version: FromPath[str]) -> Response[str]:
        """A version's text."""
        texts = await shelf.texts(name, version)
        return Response(texts[name], media_type="application/yaml; charset=utf-8")

    @get("/api/flows/{name:str}/drawing", guards=[guard], tags=TAGS)
    async def drawing(
        name: FromPath[str], version: FromQuery[str] = "", language: FromQuery[str] = ""
    ) -> Response[str]:
        """A version as a picture; the live one where none is named."""
        live = (await shelf.shelved(name)).rollout.live
        texts = await shelf.texts(name, version or live)

        def picture() -> str:
            read = read_texts(name, texts)
            return draw(read, language if language in read.languages else read.languages[0], {})

        return Response(await asyncio.to_thread(picture), media_type=SVG)

    return [flows, flow, text, drawing]


def _changing(sign_in: SignIn, shelf: FlowShelf, drafts: FlowDrafts) -> list[HTTPRouteHandler]:
    guard = needs(sign_in, Role.ADMIN)

    @post("/api/flows/{name:str}/publish", guards=[guard], tags=TAGS, status_code=200)
    async def publish(
        request: AnyRequest, name: FromPath[str], data: JSONBody[Publication]
    ) -> View:
        """Let new conversations get this text: all of them, a percentage, or none as yet."""
        texts = await drafts.texts(name, data.text)
        author = person_of(request).account.login
        return shelved_view(
            await shelf.publish(name, texts, data.percent, author, data.note, data.base)
        )

    @post("/api/flows/{name:str}/roll-back", guards=[guard], tags=TAGS, status_code=200)
    async def roll_back(
        request: AnyRequest, name: FromPath[str], data: JSONBody[TakenBack]
    ) -> View:
        """End a trial, or put back what was live before."""
        author = person_of(request).account.login
        return shelved_view(await shelf.roll_back(name, author, data.note, data.base))

    return [publish, roll_back]


def _schema() -> HTTPRouteHandler:
    body = msgspec.json.encode(json_schema())

    @get("/flow.schema.json", tags=TAGS, sync_to_thread=False)
    def schema() -> Response[bytes]:
        """The language of flows as JSON Schema, as editors fetch it: without a sign-in."""
        return Response(body, media_type="application/schema+json")

    return schema


def rollout_view(shelved: Shelved) -> View:
    """What new conversations get."""
    rollout = shelved.rollout
    return {
        "name": shelved.name,
        "tag": shelved.tag,
        "live": rollout.live,
        "trial": rollout.trial,
        "percent": rollout.percent,
        "before": rollout.before,
    }


def shelved_view(shelved: Shelved) -> View:
    """The same with its history."""
    history = [
        {
            "version": each.version,
            "at": iso(each.at),
            "author": each.author,
            "note": each.note,
            "act": each.act,
            "percent": each.percent,
        }
        for each in shelved.editions
    ]
    return {**rollout_view(shelved), "history": history}
