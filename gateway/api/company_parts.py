"""Single parts of the configuration: a queue, its hours, a person, outcomes, pause codes.

Each change is an edit of the whole: it is checked as a whole and becomes a version of its
own. ``If-Match`` with the version may guard it; without, only what changes meanwhile does.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from litestar import Response, delete, get, put
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery

from gateway.api.configuration import (
    AnyRequest,
    base_of,
    body_of,
    part_view,
    version_view,
    written,
)
from gateway.auth.guards import needs, person_of
from gateway.desk.views import View
from gateway.services import Services
from router.configuration.versions import Edit, Versions
from router.errors import BadConfiguration, Flaw, NoSuchAgent, NoSuchQueue, ParleyError
from router.model import Role

Whole = dict[str, Any]
Take = Callable[[Whole], None]
HOURS = "hours"


@dataclass(frozen=True, slots=True)
class _Listed:
    """A list of the configuration whose items have an id: its key, theirs, and what to raise."""

    key: str
    id_key: str
    missing: type[ParleyError]

    def find(self, whole: Whole, name: str) -> Whole:
        """The item of that id."""
        for item in whole[self.key]:
            if item[self.id_key] == name:
                found: Whole = item
                return found
        raise self.missing(f"no {self.key} entry {name!r} in the configuration")

    def put(self, whole: Whole, name: str, item: Any) -> None:
        """Replace it, or add it at the end. Raises ``BadConfiguration`` for another id."""
        given = item.get(self.id_key, name) if isinstance(item, dict) else name
        if given != name:
            place = f"{self.key}.{name}.{self.id_key}"
            raise BadConfiguration(problems=[Flaw(place, f"expected {name!r}, found {given!r}")])
        new = {self.id_key: name, **item} if isinstance(item, dict) else item
        items = whole[self.key]
        for index, old in enumerate(items):
            if old[self.id_key] == name:
                items[index] = new
                return
        items.append(new)


QUEUES = _Listed("queues", "id", NoSuchQueue)
PEOPLE = _Listed("people", "login", NoSuchAgent)


def part_routes(services: Services) -> list[HTTPRouteHandler]:
    """All of them."""
    return [
        *_listed(services, QUEUES, "/api/queues/{name:str}"),
        *_listed(services, PEOPLE, "/api/agents/{name:str}"),
        *_hours(services),
        *_whole_list(services, "dispositions", "/api/dispositions"),
        *_whole_list(services, "pause_codes", "/api/pause-codes"),
    ]


async def _change(
    request: AnyRequest, versions: Versions, take: Take, note: str, move_waiting_to: str = ""
) -> View:
    """Apply the configuration in force with a change."""
    current = await versions.current()
    whole = deepcopy(written(current))
    take(whole)
    base = base_of(request, None) if "if-match" in request.headers else current.number
    login = person_of(request).account.login
    version = await versions.apply(whole, Edit(login, note, base, move_waiting_to))
    return version_view(version)


async def _given(request: AnyRequest) -> Any:
    document = await body_of(request)
    if document.problems:
        raise BadConfiguration(problems=document.problems)
    return document.raw


def _listed(services: Services, listed: _Listed, path: str) -> list[HTTPRouteHandler]:
    guard, tags = needs(services.sign_in, Role.ADMIN), [listed.key]

    @get(path, guards=[guard], tags=tags, name=f"read-{listed.key}")
    async def read(name: FromPath[str]) -> Response[Any]:
        """One entry as the configuration in force says it."""
        current = await services.versions.current()
        return part_view(current, listed.find(written(current), name))

    @put(path, guards=[guard], tags=tags, name=f"put-{listed.key}")
    async def change(request: AnyRequest, name: FromPath[str], note: FromQuery[str] = "") -> View:
        """Replace one entry or add it."""
        item = await _given(request)
        return await _change(
            request, services.versions, lambda whole: listed.put(whole, name, item), note
        )

    @delete(path, guards=[guard], tags=tags, status_code=200, name=f"remove-{listed.key}")
    async def remove(
        request: AnyRequest,
        name: FromPath[str],
        note: FromQuery[str] = "",
        move_waiting_to: FromQuery[str] = "",
    ) -> View:
        """Take one entry away; whoever waits in a queue moves to ``move_waiting_to``."""

        def take(whole: Whole) -> None:
            whole[listed.key].remove(listed.find(whole, name))
            if listed is QUEUES:
                _out_of(name, whole)

        return await _change(request, services.versions, take, note, move_waiting_to)

    return [read, change, remove]


def _out_of(queue_id: str, whole: Whole) -> None:
    """Nobody works in a queue that is gone."""
    for person in whole["people"]:
        if "queues" in person:
            person["queues"] = [
                each
                for each in person["queues"]
                if (each if isinstance(each, str) else each["id"]) != queue_id
            ]


def _hours(services: Services) -> list[HTTPRouteHandler]:
    guard, path = needs(services.sign_in, Role.ADMIN), "/api/queues/{name:str}/hours"

    @get(path, guards=[guard], tags=["queues"])
    async def read_hours(name: FromPath[str]) -> Response[Any]:
        """The opening hours of a queue; empty when it is always open."""
        current = await services.versions.current()
        return part_view(current, QUEUES.find(written(current), name).get(HOURS, {}))

    @put(path, guards=[guard], tags=["queues"])
    async def put_hours(
        request: AnyRequest, name: FromPath[str], note: FromQuery[str] = ""
    ) -> View:
        """Other opening hours for a queue."""
        hours = await _given(request)

        def take(whole: Whole) -> None:
            QUEUES.find(whole, name)[HOURS] = hours

        return await _change(request, services.versions, take, note)

    return [read_hours, put_hours]


def _whole_list(services: Services, key: str, path: str) -> list[HTTPRouteHandler]:
    guard, tags = needs(services.sign_in, Role.ADMIN), ["configuration"]

    @get(path, guards=[guard], tags=tags, name=f"read-{key}")
    async def read() -> Response[Any]:
        """The list in force."""
        current = await services.versions.current()
        return part_view(current, written(current)[key])

    @put(path, guards=[guard], tags=tags, name=f"put-{key}")
    async def change(request: AnyRequest, note: FromQuery[str] = "") -> View:
        """Another list."""
        items = await _given(request)
        return await _change(
            request, services.versions, lambda whole: whole.update({key: items}), note
        )

    return [read, change]
