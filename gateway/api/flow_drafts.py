"""A flow that is being written: its findings, its picture, what it changes, a trial of it.

Administrators only, as ``/api/flows``. Nothing here is stored and no customer meets it.
"""

from __future__ import annotations

import asyncio
import difflib
from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, delete, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, JSONBody

from bots.flow.drawing.svg import draw
from bots.flow.model import INSIDE
from bots.flow.review.report import as_data, notes
from bots.flow.review.review import Review
from bots.shelf import FlowShelf
from bots.trial.session import Setting
from gateway.auth.guards import needs, person_of
from gateway.auth.sessions import SignIn
from gateway.desk.views import View
from gateway.flow_drafts import FlowDrafts
from gateway.flow_trials import FlowTrials, Systems, Tried
from router.model import Channel, Role

TAGS = ["flows"]
SVG = "image/svg+xml"
LONGEST_TEXT = 500_000
LONGEST_LINE = 10_000
LONGEST_NAME = 100
AnyRequest = Request[Any, Any, Any]
Text = Annotated[str, msgspec.Meta(max_length=LONGEST_TEXT)]


class Draft(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The text of a flow that is not in force. ``language`` is that of a picture's texts."""

    text: Text
    language: str = ""


class Compared(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A text and the version it is held against; the live one where none is named."""

    text: Text
    version: str = ""


class Beginning(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who tries what. ``answers`` are made-up ones of the actions (YAML); ``real`` asks for all."""

    text: Text
    channel: Channel = Channel.CHAT
    language: str = ""
    name: Annotated[str, msgspec.Meta(max_length=LONGEST_NAME)] = ""
    answers: Text = ""
    real: bool = False


class Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the customer says: words, ``#12`` for keys, nothing for silence on a call."""

    line: Annotated[str, msgspec.Meta(max_length=LONGEST_LINE)]


def draft_routes(
    sign_in: SignIn, shelf: FlowShelf, drafts: FlowDrafts, trials: FlowTrials
) -> list[HTTPRouteHandler]:
    """All of them."""
    return [
        *_reading(sign_in, drafts),
        _comparing(sign_in, shelf),
        *_trying(sign_in, drafts, trials),
    ]


def _reading(sign_in: SignIn, drafts: FlowDrafts) -> list[HTTPRouteHandler]:
    guard = needs(sign_in, Role.ADMIN)

    @post("/api/flows/{name:str}/check", guards=[guard], tags=TAGS, status_code=200)
    async def check(name: FromPath[str], data: JSONBody[Draft]) -> View:
        """Everything that is wrong or doubtful in a text, with line and fix."""
        return review_view(await drafts.review(name, data.text))

    @post("/api/flows/{name:str}/drawing", guards=[guard], tags=TAGS, status_code=200)
    async def drawing(name: FromPath[str], data: JSONBody[Draft]) -> Response[str]:
        """A text as a picture, with a mark where ``check`` warns."""
        flow = await drafts.flow(name, data.text)
        found = await drafts.review(name, data.text)
        language = data.language if data.language in flow.languages else flow.languages[0]
        # A large flow takes a tenth of a second: no call of this process should stand so long.
        picture = await asyncio.to_thread(draw, flow, language, notes(found))
        return Response(picture, media_type=SVG)

    return [check, drawing]


def _comparing(sign_in: SignIn, shelf: FlowShelf) -> HTTPRouteHandler:
    @post(
        "/api/flows/{name:str}/differences",
        guards=[needs(sign_in, Role.ADMIN)],
        tags=TAGS,
        status_code=200,
    )
    async def differences(name: FromPath[str], data: JSONBody[Compared]) -> View:
        """The lines in which a text differs from a version."""
        version = data.version or (await shelf.shelved(name)).rollout.live
        was = (await shelf.texts(name, version))[name]
        found = await asyncio.to_thread(changes, was.splitlines(), data.text.splitlines())
        return {"version": version, "changes": found}

    return differences


def _trying(sign_in: SignIn, drafts: FlowDrafts, trials: FlowTrials) -> list[HTTPRouteHandler]:
    guard = needs(sign_in, Role.ADMIN)

    @post("/api/flows/{name:str}/trials", guards=[guard], tags=TAGS)
    async def begin(request: AnyRequest, name: FromPath[str], data: JSONBody[Beginning]) -> View:
        """Begin a conversation with a text; 201 with what the bot says first."""
        flow = await drafts.flow(name, data.text)
        language = data.language if data.language in flow.languages else flow.languages[0]
        setting = Setting(data.channel, language, data.name)
        owner = person_of(request).account.login
        return trial_view(
            *await trials.begin(flow, setting, Systems(data.real, data.answers), owner)
        )

    @post("/api/flow-trials/{trial_id:str}/lines", guards=[guard], tags=TAGS, status_code=200)
    async def hear(request: AnyRequest, trial_id: FromPath[str], data: JSONBody[Line]) -> View:
        """What the bot answers; 404 when the trial is gone."""
        owner = person_of(request).account.login
        return trial_view(*await trials.hear(trial_id, owner, data.line))

    @delete("/api/flow-trials/{trial_id:str}", guards=[guard], tags=TAGS)
    async def end(request: AnyRequest, trial_id: FromPath[str]) -> None:
        """Let go of a trial."""
        trials.end(trial_id, person_of(request).account.login)

    return [begin, hear, end]


# -- what answers look like ----------------------------------------------------------------


def review_view(found: Review) -> View:
    """The report, and where each step of this text stands."""
    flow = found.flow
    steps = flow.steps.items() if flow else ()
    return as_data(found) | {
        "languages": list(flow.languages) if flow else [],
        "steps": {name: step.line for name, step in steps if INSIDE not in name},
    }


def changes(was: Sequence[str], now: Sequence[str]) -> list[View]:
    """Runs of lines that differ; ``line`` is where the run stands in ``now``, from 1."""
    matcher = difflib.SequenceMatcher(None, was, now, autojunk=False)
    return [
        {"line": j1 + 1, "was": list(was[i1:i2]), "now": list(now[j1:j2])}
        for kind, i1, i2, j1, j2 in matcher.get_opcodes()
        if kind != "equal"
    ]


def trial_view(tried: Tried, said: Sequence[str]) -> View:
    """What was said, and where the conversation is."""
    trial = tried.trial
    return {
        "trial_id": tried.id,
        "version": tried.flow.version,
        "until": tried.until.isoformat(),
        "said": list(said),
        "why": list(tried.told),
        "step": trial.step,
        "line": _line_of(tried),
        "slots": [
            {
                "name": kept.name,
                "value": str(kept.value),
                "confidence": round(kept.confidence, 2),
                "confirmed": kept.confirmed,
            }
            for kept in trial.slots
        ],
        "over": trial.silent,
        "outcome": list(trial.outcome()) if trial.over else [],
    }


def _line_of(tried: Tried) -> int:
    """The line of the step it is at; of the one that called where that is another flow's."""
    step = tried.flow.steps.get(tried.trial.step)
    return step.line if step is not None and INSIDE not in tried.trial.step else 0
