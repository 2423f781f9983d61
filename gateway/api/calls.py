"""``POST /api/calls``: "Call us" from a visitor's browser."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from litestar import Request, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody

from gateway.auth.errors import TooManyRequests
from gateway.auth.guards import check_origin
from gateway.auth.throttle import Throttle
from router.commands import ConnectVisitor, Refused, SdpAnswer
from router.errors import ParleyError, ReplyTimeout, Unroutable
from router.model import new_id
from router.ports import Bus, Clock

VOICE_ADDRESS = "voice"
CALLS_PER_MINUTE = 6
ANSWER_S = 20.0


class NoVoice(ParleyError):
    """Calls from the browser are not possible at the moment. Try again or use the chat."""

    retryable = True


class CallRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The browser's SDP offer (all ICE candidates in it) and who calls."""

    sdp: Annotated[str, msgspec.Meta(min_length=1, max_length=100_000)]
    name: Annotated[str, msgspec.Meta(max_length=100)] = ""
    address: Annotated[str, msgspec.Meta(max_length=200)] = ""
    language: Annotated[str, msgspec.Meta(max_length=8)] = "en"


class CallAnswer(msgspec.Struct, frozen=True):
    """The SDP answer and the interaction that began."""

    sdp: str
    interaction_id: str


def call_route(bus: Bus, clock: Clock) -> HTTPRouteHandler:
    """The route; at most six calls a minute from one address."""
    calls = Throttle(CALLS_PER_MINUTE, 60.0)

    @post("/api/calls", tags=["public"], status_code=201)
    async def place_call(
        request: Request[Any, Any, Any], data: JSONBody[CallRequest]
    ) -> CallAnswer:
        """Take a call from a visitor's browser."""
        check_origin(request)
        where = request.client.host if request.client else "unknown"
        wait = calls.wait_s(where, clock.now())
        if wait:
            raise TooManyRequests(wait)
        calls.note(where, clock.now())
        order = ConnectVisitor(
            sdp=data.sdp,
            address=data.address or f"web-{new_id()[:12]}",
            name=data.name,
            language=data.language,
        )
        try:
            answer = await bus.ask(order, VOICE_ADDRESS, ANSWER_S)
        except (Unroutable, ReplyTimeout):
            raise NoVoice from None
        if isinstance(answer, Refused):
            raise NoVoice(answer.reason)
        if not isinstance(answer, SdpAnswer):
            raise NoVoice
        return CallAnswer(answer.sdp, answer.interaction_id)

    return place_call
