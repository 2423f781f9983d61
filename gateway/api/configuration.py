"""``/api/configuration``: the company in force, changing it, its versions (administrators).

Bodies are JSON, or YAML with a YAML content type; answers are YAML for ``Accept:
application/yaml``. A change names the version it is based on, in ``If-Match`` or ``?base=``.
"""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, get, post, put
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery, JSONBody

from gateway.auth.guards import needs, person_of
from gateway.company_text import Document, read_text, write_text
from gateway.desk.views import View, iso
from gateway.services import Services
from router.company import CompanyVersion
from router.configuration.export import Difference, serialize_company
from router.configuration.file import read_company
from router.configuration.versions import Edit, NeedsBase, Proposal
from router.errors import BadConfiguration, Flaw
from router.model import Role

YAML = "application/yaml"
YAML_TYPES = frozenset({YAML, "application/x-yaml", "text/yaml", "text/x-yaml"})
MOST_VERSIONS = 200
TAGS = ["configuration"]
AnyRequest = Request[Any, Any, Any]


class RollBack(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which version to return to; as for a change, ``base`` is the one in force."""

    to: int
    base: int
    note: Annotated[str, msgspec.Meta(max_length=500)] = ""
    move_waiting_to: str = ""
    dry_run: bool = False


def configuration_routes(services: Services) -> list[HTTPRouteHandler]:
    """All of them."""
    return [_read(services), _change(services), *_history(services), _roll_back(services)]


def _read(services: Services) -> HTTPRouteHandler:
    @get("/api/configuration", guards=[needs(services.sign_in, Role.ADMIN)], tags=TAGS)
    async def configuration(request: AnyRequest) -> Response[Any]:
        """What is in force; passwords are not told."""
        return shown(request, await services.versions.current())

    return configuration


def _change(services: Services) -> HTTPRouteHandler:
    @put("/api/configuration", guards=[needs(services.sign_in, Role.ADMIN)], tags=TAGS)
    async def change(
        request: AnyRequest,
        note: FromQuery[str] = "",
        base: FromQuery[int | None] = None,
        move_waiting_to: FromQuery[str] = "",
        dry_run: FromQuery[bool] = False,
    ) -> View:
        """Put another whole configuration in force; ``dry_run`` only tells what would change."""
        document = await body_of(request)
        if dry_run:
            if document.problems:
                return {"problems": flaw_views(document.problems, document)}
            proposal = await services.versions.propose(document.raw, move_waiting_to)
            return proposal_view(proposal, document)
        if document.problems:
            raise BadConfiguration(problems=document.problems)
        edit = Edit(person_of(request).account.login, note, base_of(request, base), move_waiting_to)
        return version_view(await services.versions.apply(document.raw, edit))

    return change


def _history(services: Services) -> list[HTTPRouteHandler]:
    guard = needs(services.sign_in, Role.ADMIN)

    @get("/api/configuration/versions", guards=[guard], tags=TAGS)
    async def versions() -> list[View]:
        """Every version, newest first: when, by whom, why."""
        return [version_view(each) for each in await services.versions.history(MOST_VERSIONS)]

    @get("/api/configuration/versions/{number:int}", guards=[guard], tags=TAGS)
    async def version(request: AnyRequest, number: FromPath[int]) -> Response[Any]:
        """One version as it was."""
        return shown(request, await services.versions.version(number))

    return [versions, version]


def _roll_back(services: Services) -> HTTPRouteHandler:
    @post(
        "/api/configuration/roll-back",
        guards=[needs(services.sign_in, Role.ADMIN)],
        tags=TAGS,
        status_code=200,
    )
    async def roll_back(request: AnyRequest, data: JSONBody[RollBack]) -> View:
        """Apply what an earlier version said, as a new version."""
        if data.dry_run:
            old = await services.versions.version(data.to)
            return proposal_view(await services.versions.propose(old.body, data.move_waiting_to))
        login = person_of(request).account.login
        edit = Edit(login, data.note, data.base, data.move_waiting_to)
        return version_view(await services.versions.roll_back(data.to, edit))

    return roll_back


# -- what requests and answers look like -------------------------------------------------


async def body_of(request: AnyRequest) -> Document:
    """The body as plain data; what is wrong with its syntax are its problems."""
    raw = await request.body()
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind in YAML_TYPES:
        try:
            return read_text(raw.decode("utf-8"))
        except UnicodeDecodeError as error:
            return Document(None, problems=(Flaw("", f"expected UTF-8: {error}"),))
    try:
        return Document(msgspec.json.decode(raw))
    except msgspec.DecodeError as error:
        return Document(None, problems=(Flaw("", f"is not JSON: {error}"),))


def base_of(request: AnyRequest, base: int | None) -> int:
    """The version that the edit began with. Raises ``NeedsBase``."""
    if base is not None:
        return base
    tag = request.headers.get("if-match", "").strip().removeprefix("W/").strip('"')
    if not tag.isdigit():
        raise NeedsBase
    return int(tag)


def shown(request: AnyRequest, version: CompanyVersion) -> Response[Any]:
    """A version as JSON, or as YAML for whoever asks for that."""
    headers = {"ETag": f'"{version.number}"', "Vary": "Accept"}
    company = written(version)
    if any(kind in request.headers.get("accept", "") for kind in YAML_TYPES):
        return Response(write_text(company), media_type=f"{YAML}; charset=utf-8", headers=headers)
    return Response({**version_view(version), "company": company}, headers=headers)


def written(version: CompanyVersion) -> dict[str, Any]:
    """The company of a version without what has its default."""
    return serialize_company(read_company(version.body).company)


def version_view(version: CompanyVersion) -> View:
    """When, by whom and why."""
    return {
        "version": version.number,
        "at": iso(version.at),
        "author": version.author,
        "note": version.note,
    }


def proposal_view(proposal: Proposal, document: Document | None = None) -> View:
    """Everything about a change that has not been made."""
    return {
        "base": proposal.base,
        "problems": flaw_views(proposal.problems, document),
        "warnings": flaw_views(proposal.warnings, document),
        "differences": [difference_view(each) for each in proposal.differences],
        "queues": list(proposal.company.queues),
    }


def flaw_views(flaws: Sequence[Flaw], document: Document | None) -> list[View]:
    """In the order of the text where it is known."""
    views = [flaw_view(each, document) for each in flaws]
    return sorted(views, key=lambda view: view.get("line", 0))


def flaw_view(flaw: Flaw, document: Document | None = None) -> View:
    """A problem with its place, and its line where the text is known."""
    view: View = {"place": flaw.place, "problem": flaw.problem}
    line = document.line_of(flaw.place) if document else None
    return view | {"line": line} if line else view


def difference_view(difference: Difference) -> View:
    """What was and what would be; null for nothing."""
    return {"place": difference.place, "was": difference.was, "now": difference.now}


def part_view(version: CompanyVersion, part: Any) -> Response[Any]:
    """One part of the configuration in force, with the version as its tag."""
    return Response(part, headers={"ETag": f'"{version.number}"'}, status_code=HTTPStatus.OK)
