"""The chat's frames: JSON texts over a WebSocket, as docs/channels.md describes them.

Pure. Each frame has a ``type``; an unknown type or member is an error that
names it, so that a widget and a server of different ages notice.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from channels.text_errors import BadFrame, FrameTooLarge, TooFast
from router.model import Author, Message

FRAME_MAX = 16_384
"""Characters of one frame."""
TEXT_MAX = 4_000
SCALE = 5


class _Frame(msgspec.Struct, frozen=True, tag_field="type", forbid_unknown_fields=True):
    """What every frame from the browser is."""


class Hello(_Frame, frozen=True, tag="hello"):
    """The first frame. ``interaction`` and ``after_seq`` say what the browser has."""

    visitor: Annotated[str, Meta(min_length=16, max_length=128)]
    token: Annotated[str, Meta(max_length=4096)] = ""
    name: Annotated[str, Meta(max_length=100)] = ""
    email: Annotated[str, Meta(max_length=254)] = ""
    language: Annotated[str, Meta(max_length=16)] = ""
    interaction: Annotated[str, Meta(max_length=64)] = ""
    after_seq: Annotated[int, Meta(ge=0)] = 0


class Say(_Frame, frozen=True, tag="message"):
    """A line of the visitor's. ``client_id`` stays the same when it is sent again."""

    client_id: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
    text: Annotated[str, Meta(min_length=1, max_length=TEXT_MAX)]


class Typing(_Frame, frozen=True, tag="typing"):
    """The visitor is writing."""


class Survey(_Frame, frozen=True, tag="survey"):
    """One to five stars for an interaction that is over."""

    interaction: Annotated[str, Meta(max_length=64)]
    score: Annotated[int, Meta(ge=1, le=SCALE)]


class End(_Frame, frozen=True, tag="end"):
    """The visitor closes the chat."""


class Ping(_Frame, frozen=True, tag="ping"):
    """Anything new? Answered by what is missing, then ``pong``."""


Frame = Hello | Say | Typing | Survey | End | Ping
_decoder = msgspec.json.Decoder(Frame)


def parse_frame(text: str | bytes | None) -> Frame:
    """Read one frame. Raises ``BadFrame`` or ``FrameTooLarge``."""
    if not isinstance(text, str):
        raise BadFrame("expected a text frame with JSON, found a binary one")
    if len(text) > FRAME_MAX:
        raise FrameTooLarge(f"expected at most {FRAME_MAX} characters, found {len(text)}")
    try:
        frame: Frame = _decoder.decode(text.encode())
    except (msgspec.DecodeError, UnicodeEncodeError) as error:
        raise BadFrame(str(error)) from error
    if isinstance(frame, Say) and not clean(frame.text):
        raise BadFrame("expected some text - at `$.text`")
    return frame


def clean(text: str) -> str:
    """Without control characters and outer blanks."""
    return "".join(char for char in text if char >= " " or char in "\n\t").strip()


def external_id(visitor_key: str, client_id: str) -> str:
    """The id under which a visitor's line is stored once."""
    return f"chat:{visitor_key}:{client_id}"


def client_id_of(visitor_key: str, message: Message) -> str:
    """The browser's own id of a line, empty when the line is not this browser's."""
    prefix = external_id(visitor_key, "")
    known = message.external_id or ""
    return known.removeprefix(prefix) if known.startswith(prefix) else ""


def is_shown(message: Message) -> bool:
    """Whether the visitor sees this line; notes between ourselves are not for them."""
    return message.author is not Author.SYSTEM or bool(message.meta.get("send"))


def pack_line(message: Message, name: str, client_id: str) -> dict[str, Any]:
    """One line for ``lines``."""
    line: dict[str, Any] = {
        "seq": message.seq,
        "author": str(message.author),
        "name": name,
        "text": message.text,
        "at": message.at.isoformat(),
        "sources": [{"title": cited.title, "url": cited.url} for cited in message.citations],
    }
    return line | ({"client_id": client_id} if client_id else {})


def pack_lines(interaction_id: str, lines: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Lines in order, each once."""
    return {"type": "lines", "interaction": interaction_id, "lines": list(lines)}


def pack_error(error: BadFrame, client_id: str = "") -> dict[str, Any]:
    """An error like an RFC 9457 problem; nothing was changed."""
    frame: dict[str, Any] = {
        "type": "error",
        "status": error.status,
        "title": error.title,
        "detail": str(error),
    }
    if isinstance(error, TooFast):
        frame["retry_after_s"] = round(error.retry_after_s, 1)
    return frame | ({"client_id": client_id} if client_id else {})
