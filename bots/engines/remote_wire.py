"""The Wyoming protocol's bytes: events in, events out. No I/O.

An event is a line of JSON with ``type`` and perhaps ``data``, ``data_length`` and
``payload_length``; then so many bytes of JSON, merged over ``data``; then so many bytes of
payload, which is audio (https://github.com/OHF-Voice/wyoming, "Format").

The protocol's own library is used by the tests only: its reader takes broken bytes for the
end of the stream, has no limits, and its writer must be awaited.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from router.errors import PeerError

LONGEST_LINE = 64 * 1024
MOST_DATA = 1024 * 1024
"""A server's description lists all its voices: some 300 KiB."""
MOST_PAYLOAD = 4 * 1024 * 1024


class WyomingBroken(PeerError):
    """These bytes are no Wyoming event. Is this the address of a Wyoming server?"""


@dataclass(frozen=True, slots=True)
class WyomingEvent:
    """One event. ``payload`` is PCM for audio, else empty."""

    type: str
    data: Mapping[str, Any] = field(default_factory=dict)
    payload: bytes = b""

    def text(self, name: str) -> str:
        """A string of the data; empty when it is missing or no string."""
        value = self.data.get(name)
        return value if isinstance(value, str) else ""

    def number(self, name: str) -> int:
        """A whole number of the data. Raises ``WyomingBroken``."""
        value = self.data.get(name)
        if not isinstance(value, int):
            raise WyomingBroken(f"{self.type}: expected a number in {name!r}, got {value!r}")
        return value


def pack(event: WyomingEvent) -> bytes:
    """The bytes of one event."""
    head: dict[str, Any] = {"type": event.type}
    data = json.dumps(event.data, ensure_ascii=False).encode() if event.data else b""
    if data:
        head["data_length"] = len(data)
    if event.payload:
        head["payload_length"] = len(event.payload)
    return json.dumps(head).encode() + b"\n" + data + event.payload


class WyomingParser:
    """Bytes as they come, events as they are whole."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._head: dict[str, Any] | None = None
        self._data_length = 0
        self._payload_length = 0

    def feed(self, received: bytes) -> Iterator[WyomingEvent]:
        """The events that are whole now. Raises ``WyomingBroken``."""
        self._buffer += received
        while (event := self._next()) is not None:
            yield event

    def _next(self) -> WyomingEvent | None:
        if self._head is None and not self._read_line():
            return None
        assert self._head is not None
        size = self._data_length + self._payload_length
        if len(self._buffer) < size:
            return None
        body = bytes(self._buffer[:size])
        del self._buffer[:size]
        head, self._head = self._head, None
        data = _object(head.get("data") or {})
        if self._data_length:
            data = {**data, **_object(_parse(body[: self._data_length]))}
        return WyomingEvent(head["type"], data, body[self._data_length :])

    def _read_line(self) -> bool:
        end = self._buffer.find(b"\n", 0, LONGEST_LINE)
        if end < 0:
            if len(self._buffer) >= LONGEST_LINE:
                raise WyomingBroken(f"expected a line within {LONGEST_LINE} bytes")
            return False
        head = _object(_parse(bytes(self._buffer[:end])))
        del self._buffer[: end + 1]
        if not isinstance(head.get("type"), str):
            raise WyomingBroken(f"expected a type, got {str(head)[:80]}")
        self._data_length = _length(head, "data_length", MOST_DATA)
        self._payload_length = _length(head, "payload_length", MOST_PAYLOAD)
        self._head = head
        return True


def _parse(text: bytes) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise WyomingBroken(f"expected JSON, got {text[:40]!r}") from None


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise WyomingBroken(f"expected a JSON object, got {str(value)[:40]!r}")
    return value


def _length(head: Mapping[str, Any], name: str, most: int) -> int:
    value = head.get(name) or 0
    if not isinstance(value, int) or not 0 <= value <= most:
        raise WyomingBroken(f"expected {name} from 0 to {most}, got {str(value)[:40]}")
    return value
