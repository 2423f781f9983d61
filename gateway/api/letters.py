"""Facts that a group could not handle: look, give back, throw away with a note (administrators).

A dead letter's ``id`` is its group and the fact's id. Nothing here is silent: a fact that is
thrown away is kept in the event log as ``DeadLetterDiscarded``, with who did it and why.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from litestar import Request, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, JSONBody

from gateway.auth.guards import needs, person_of
from gateway.desk.views import View, iso
from gateway.problems import NotFound
from gateway.services import Services
from router.errors import ParleyError
from router.events import DeadLetterDiscarded
from router.model import Role
from router.ports import Bus, DeadLetterView

LISTED = 200
SOUGHT = 10_000
"""Letters among which a named one is looked for: as many as a bus keeps."""
AnyRequest = Request[Any, Any, Any]


class NoSuchLetter(NotFound):
    """This dead letter is gone: somebody has replayed or discarded it. Load the list again."""


class LetterStays(ParleyError):
    """Its group does not exist any more, so nobody can take it. Discard it with a note."""


class DiscardRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why it may be thrown away, for whoever looks into it later."""

    note: Annotated[str, msgspec.Meta(min_length=3, max_length=1000)]


def letter_routes(services: Services) -> list[HTTPRouteHandler]:
    """``/api/dead-letters`` and below."""
    return [_list(services), *_replay(services), _discard(services)]


def letter_view(letter: DeadLetterView) -> View:
    """A dead letter as JSON; ``body`` is readable text, whatever the bytes were."""
    interaction_id, text = _read(letter.body)
    return {
        "id": letter.id,
        "group": letter.group,
        "type": letter.type_name,
        "reason": letter.reason,
        "at": iso(letter.at),
        "interaction_id": interaction_id,
        "body": text,
    }


def _read(envelope: str) -> tuple[str, str]:
    """The interaction that a letter is about, and its body laid out for reading."""
    try:
        body = msgspec.json.decode(envelope)["body"]
        text = msgspec.json.format(msgspec.json.encode(body), indent=2).decode()
        return str(body.get("interaction_id", "")), text
    except (msgspec.DecodeError, KeyError, TypeError, AttributeError):
        return "", envelope  # the reason why it is here may be that nobody can read it


def _list(services: Services) -> HTTPRouteHandler:
    @get("/api/dead-letters", guards=[needs(services.sign_in, Role.ADMIN)], tags=["operation"])
    async def letters() -> list[View]:
        """The newest 200, newest first."""
        return [letter_view(each) for each in await services.bus.dead_letters(LISTED)]

    return letters


def _replay(services: Services) -> list[HTTPRouteHandler]:
    guard = needs(services.sign_in, Role.ADMIN)

    @post(
        "/api/dead-letters/{letter_id:str}/replay",
        guards=[guard],
        tags=["operation"],
        status_code=200,
    )
    async def replay(letter_id: FromPath[str]) -> View:
        """Give it to its group once more; if that fails again, it comes back here."""
        if not await services.bus.replay(letter_id):
            await _find(services.bus, letter_id)
            raise LetterStays
        return {"replayed": 1}

    @post(
        "/api/dead-letters/groups/{group:str}/replay",
        guards=[guard],
        tags=["operation"],
        status_code=200,
    )
    async def replay_group(group: FromPath[str]) -> View:
        """Give all letters of a group to it once more; says how many there were."""
        return {"replayed": await services.bus.replay_group(group)}

    return [replay, replay_group]


def _discard(services: Services) -> HTTPRouteHandler:
    @post(
        "/api/dead-letters/{letter_id:str}/discard",
        guards=[needs(services.sign_in, Role.ADMIN)],
        tags=["operation"],
        status_code=200,
    )
    async def discard(
        request: AnyRequest, letter_id: FromPath[str], data: JSONBody[DiscardRequest]
    ) -> View:
        """Throw it away for good; the event log keeps it with the note."""
        letter = await _find(services.bus, letter_id)
        discarded = DeadLetterDiscarded(
            at=services.clock.now(),
            interaction_id=letter_view(letter)["interaction_id"],
            group=letter.group,
            type_name=letter.type_name,
            reason=letter.reason,
            body=letter.body,
            note=data.note.strip(),
            account_id=person_of(request).account.id,
        )
        # Recorded first: a letter that is gone without a record would be worse than the reverse.
        await services.lifecycle.record([discarded])
        await services.bus.discard(letter_id)
        return {"discarded": 1}

    return discard


async def _find(bus: Bus, letter_id: str) -> DeadLetterView:
    """The letter of that id. Raises ``NoSuchLetter``."""
    for letter in await bus.dead_letters(SOUGHT):
        if letter.id == letter_id:
            return letter
    raise NoSuchLetter
