"""``/api/flows``: the bots' flows in their versions: read, check, draw, try out, take back.

Administrators only. A text is YAML (``docs/flows.md``); the flows that it calls are those
of the live version. Reading a text takes half a second of a core, so it is done on a thread.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery, JSONBody

from bots.flow.drawing.svg import draw
from bots.flow.model import Flow
from bots.flow.review.report import as_data
from bots.flow.review.review import review
from bots.flow.rollout import ALL
from bots.flow.schema import read_texts
from bots.shelf import FlowShelf, Shelved
from gateway.auth.guards import needs, person_of
from gateway.auth.sessions import SignIn
from gateway.desk.views import View, iso
from router.model import Role

TAGS = ["flows"]
SVG = "image/svg+xml"
LONGEST_NOTE = 500
LONGEST_TEXT = 500_000
AnyRequest = Request[Any, Any, Any]
Note = Annotated[str, msgspec.Meta(max_length=LONGEST_NOTE)]
Text = Annotated[str, msgspec.Meta(max_length=LONGEST_TEXT)]


class Draft(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The text of a flow that is not in force."""

    text: Text


class Publication(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A text, and how many of a hundred new conversations get it; all makes it live."""

    text: Text
    percent: int = ALL
    note: Note = ""


class TakenBack(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why."""

    note: Note = ""


def flow_routes(sign_in: SignIn, shelf: FlowShelf) -> list[HTTPRouteHandler]:
    """All of them."""
    return [*_reading(sign_in, shelf), *_trying(sign_in, shelf), *_changing(sign_in, shelf)]


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

    return [flows, flow, text]


def _trying(sign_in: SignIn, shelf: FlowShelf) -> list[HTTPRouteHandler]:
    guard = needs(sign_in, Role.ADMIN)

    @post("/api/flows/{name:str}/check", guards=[guard], tags=TAGS, status_code=200)
    async def check(name: FromPath[str], data: JSONBody[Draft]) -> View:
        """Everything that is wrong or doubtful in a text, with line and fix."""
        called = await _called(shelf, name)
        found = await asyncio.to_thread(review, data.text, f"{name}.yaml", called)
        return as_data(found)

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

    return [check, drawing]


def _changing(sign_in: SignIn, shelf: FlowShelf) -> list[HTTPRouteHandler]:
    guard = needs(sign_in, Role.ADMIN)

    @post("/api/flows/{name:str}/publish", guards=[guard], tags=TAGS, status_code=200)
    async def publish(
        request: AnyRequest, name: FromPath[str], data: JSONBody[Publication]
    ) -> View:
        """Let new conversations get this text: all of them, or a percentage."""
        texts = {**await _live_texts(shelf, name), name: data.text}
        author = person_of(request).account.login
        return shelved_view(await shelf.publish(name, texts, data.percent, author, data.note))

    @post("/api/flows/{name:str}/roll-back", guards=[guard], tags=TAGS, status_code=200)
    async def roll_back(
        request: AnyRequest, name: FromPath[str], data: JSONBody[TakenBack]
    ) -> View:
        """End a trial, or put back what was live before."""
        author = person_of(request).account.login
        return shelved_view(await shelf.roll_back(name, author, data.note))

    return [publish, roll_back]


async def _live_texts(shelf: FlowShelf, name: str) -> dict[str, str]:
    """Of every flow, as another one may call it now."""
    found = {}
    for each in {name, *shelf.names}:
        live = (await shelf.shelved(each)).rollout.live
        found[each] = (await shelf.texts(each, live))[each]
    return found


async def _called(shelf: FlowShelf, name: str) -> Mapping[str, Flow]:
    texts = await _live_texts(shelf, name)

    def read() -> dict[str, Flow]:
        return {each: read_texts(each, texts) for each in texts if each != name}

    return await asyncio.to_thread(read)


def rollout_view(shelved: Shelved) -> View:
    """What new conversations get."""
    rollout = shelved.rollout
    return {
        "name": shelved.name,
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
