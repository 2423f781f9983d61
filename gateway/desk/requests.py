"""What an agent's page may ask over the socket, typed and checked.

Every request has a ``type`` (the tag below) and a ``ref`` that its answer
repeats: ``{"type": "done", "ref": 7, …}`` or ``{"type": "problem", "ref": 7, …}``.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Protocol

import msgspec

from router.errors import BadMessage
from router.model import Presence

MAX_TEXT = 20_000
MAX_SDP = 100_000

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_TEXT)]
Words = Annotated[str, msgspec.Meta(max_length=500)]
Sdp = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_SDP)]
Digits = Annotated[str, msgspec.Meta(pattern=r"^[0-9*#A-D]{1,32}$")]
Id = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
Target = Annotated[str, msgspec.Meta(max_length=200)]
Note = Annotated[str, msgspec.Meta(max_length=1000)]


class Ask(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every request carries."""

    ref: int


class Resync(Ask, frozen=True, tag="resync"):
    """Send the whole snapshot again."""


class SetPresence(Ask, frozen=True, tag="presence"):
    """I am available, away (with a pause code as reason) or going home."""

    presence: Presence
    reason: Words = ""


class AcceptOffer(Ask, frozen=True, tag="accept"):
    """Take the ringing offer."""

    offer_id: Id


class RejectOffer(Ask, frozen=True, tag="reject"):
    """Let somebody else have the ringing offer."""

    offer_id: Id


class Named(Protocol):
    """What names a suggestion."""

    @property
    def suggestion_id(self) -> str:
        """Which one."""
        ...

    @property
    def kind(self) -> str:
        """Of which kind."""
        ...


class UsedSuggestion(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The suggestion that a reply was made of, and whether the agent has changed it."""

    suggestion_id: Id
    kind: Id
    edited: bool = False


class SendReply(Ask, frozen=True, tag="send"):
    """Say ``text`` to the customer. The same ``draft_id`` is said once."""

    interaction_id: Id
    draft_id: Id
    text: Text
    suggestion: UsedSuggestion | None = None


class Typing(Ask, frozen=True, tag="typing"):
    """I am writing in this conversation."""

    interaction_id: Id


class Hold(Ask, frozen=True, tag="hold"):
    """Put the caller on hold."""

    interaction_id: Id


class Resume(Ask, frozen=True, tag="resume"):
    """Take the caller off hold."""

    interaction_id: Id


class PressKeys(Ask, frozen=True, tag="keys"):
    """Send these telephone keys to the caller's side."""

    interaction_id: Id
    digits: Digits


class Connect(Ask, frozen=True, tag="connect"):
    """Join my browser's phone to the call; answered with ``sdp``."""

    interaction_id: Id
    sdp: Sdp


class EndWork(Ask, frozen=True, tag="end"):
    """Finish the conversation (hangs up a call)."""

    interaction_id: Id


class Targets(Ask, frozen=True, tag="targets"):
    """To whom can this be given, or who can be asked; answered with ``queues``, ``agents``, …"""

    interaction_id: Id


class Transfer(Ask, frozen=True, tag="transfer"):
    """Give it away. ``target`` is a queue, an agent, a flow (empty: as before) or a number.

    ``disposition`` goes with it to a bot: what was done with the matter.
    """

    interaction_id: Id
    way: Literal["queue", "agent", "bot", "outside"]
    target: Target = ""
    note: Note = ""
    disposition: Target = ""


class Consult(Ask, frozen=True, tag="consult"):
    """Ask somebody while the customer waits."""

    interaction_id: Id
    way: Literal["queue", "agent", "outside"]
    target: Target
    question: Note = ""


class Swap(Ask, frozen=True, tag="swap"):
    """From the one asked to the customer, and back."""

    interaction_id: Id


class Conference(Ask, frozen=True, tag="conference"):
    """Let all three talk."""

    interaction_id: Id


class Complete(Ask, frozen=True, tag="complete"):
    """Leave the customer to the one asked."""

    interaction_id: Id
    note: Note = ""


class EndConsult(Ask, frozen=True, tag="end-consult"):
    """The question is over, or taken back; the customer again."""

    interaction_id: Id


class CallbackTimes(Ask, frozen=True, tag="callback-times"):
    """When a customer can be called back, and at which numbers; answered with ``days``, …"""

    interaction_id: Id


class ScheduleCallback(Ask, frozen=True, tag="schedule-callback"):
    """Call the customer at ``day`` and ``time``, local in the queue's zone; ``mine``: I do."""

    interaction_id: Id
    day: Annotated[str, msgspec.Meta(pattern=r"^\d{4}-\d{2}-\d{2}$")]
    time: Annotated[str, msgspec.Meta(pattern=r"^\d{2}:\d{2}$")]
    number: Annotated[str, msgspec.Meta(max_length=40)] = ""
    mine: bool = True


class ReturnToBot(Ask, frozen=True, tag="to-bot"):
    """Give it back to the bot, with what was done."""

    interaction_id: Id
    disposition: Target = ""
    note: Note = ""


class CorrectSlot(Ask, frozen=True, tag="correct"):
    """A value of the packet is wrong, or missing; answered with ``value`` as it is kept."""

    interaction_id: Id
    name: Id
    value: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class WrapUp(Ask, frozen=True, tag="wrap-up"):
    """File it."""

    interaction_id: Id
    disposition: Id
    note: Annotated[str, msgspec.Meta(max_length=4000)] = ""


class SkipWrapUp(Ask, frozen=True, tag="skip-wrap-up"):
    """Leave it unfiled, where the queue allows that."""

    interaction_id: Id


class SearchArticles(Ask, frozen=True, tag="search"):
    """Search the knowledge base; answered with ``articles``."""

    words: Words
    language: Annotated[str, msgspec.Meta(max_length=8)] = "en"


class Suggest(Ask, frozen=True, tag="suggest"):
    """What helps with the conversation that I have open; answered with ``drafts``, ``gist``, …"""

    interaction_id: Id


class NoteSuggestion(Ask, frozen=True, tag="suggestion"):
    """I took it into my reply or note, said it, or put it aside."""

    interaction_id: Id
    suggestion_id: Id
    kind: Id
    how: Literal["inserted", "sent", "dismissed"]


class ReadInteraction(Ask, frozen=True, tag="read"):
    """The transcript of an earlier interaction; answered with ``card``."""

    interaction_id: Id


Request = (
    Resync
    | SetPresence
    | AcceptOffer
    | RejectOffer
    | SendReply
    | Typing
    | Hold
    | Resume
    | PressKeys
    | Connect
    | EndWork
    | Targets
    | Transfer
    | Consult
    | Swap
    | Conference
    | Complete
    | EndConsult
    | CallbackTimes
    | ScheduleCallback
    | ReturnToBot
    | CorrectSlot
    | WrapUp
    | SkipWrapUp
    | SearchArticles
    | Suggest
    | NoteSuggestion
    | ReadInteraction
)


class Hello(msgspec.Struct, frozen=True, tag="hello", forbid_unknown_fields=True):
    """The first line of every socket: the page's CSRF token."""

    csrf: str


_requests: msgspec.json.Decoder[Any] = msgspec.json.Decoder(Request)
_hello: msgspec.json.Decoder[Hello] = msgspec.json.Decoder(Hello)


def parse_request(raw: str) -> Any:
    """One of ``Request``. Raises ``BadMessage`` naming the field."""
    return _parse(_requests, raw)


def parse_hello(raw: str) -> Hello:
    """The opening line. Raises ``BadMessage`` naming the field."""
    hello: Hello = _parse(_hello, raw)
    return hello


def ref_of(raw: str) -> int | None:
    """The ``ref`` of a request that could not be read, if it has one."""
    try:
        return msgspec.json.decode(raw, type=_Ref).ref
    except msgspec.DecodeError:
        return None


class _Ref(msgspec.Struct, frozen=True):
    ref: int | None = None


def _parse(decoder: msgspec.json.Decoder[Any], raw: str) -> Any:
    try:
        return decoder.decode(raw)
    except msgspec.DecodeError as error:
        raise BadMessage(f"not a request of the desk socket: {error}") from None
