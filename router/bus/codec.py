"""Facts and orders as JSON: one form on the wire, in the outbox and in the event log.

An envelope is ``{"type": "MessageAdded", "body": {…}}`` in UTF-8; several facts may
travel as a list of envelopes, a bundle. Datetimes are ISO 8601 in UTC. A type the reader
does not know gives ``None`` and a field it does not know is passed over, so that a newer
writer can talk to an older reader; a missing or misshapen field raises
:class:`~router.errors.BadMessage` naming it. What cannot be read back is refused when it
is packed, where the mistake is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, replace
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar, get_type_hints

import msgspec

from router import commands, events
from router.commands import Order
from router.errors import BadMessage, LocalError
from router.events import Fact

T = TypeVar("T", bound=Fact | Order)


class Envelope(msgspec.Struct):
    """The outer object; the body stays bytes until its class is known."""

    type: str
    body: msgspec.Raw


class Subject(msgspec.Struct):
    """Which fact a body is and what it is about, without the rest."""

    id: str = ""
    interaction_id: str = ""


class _Family(Generic[T]):
    """The classes that one kind of envelope may carry, by name."""

    def __init__(self, classes: Iterable[type[T]]) -> None:
        self._by_name: dict[str, type[T]] = {each.__name__: each for each in classes}
        self._moments = {each: _moments(each) for each in self._by_name.values()}

    def pack(self, value: T) -> bytes:
        """The body as JSON. Raises ``LocalError`` when a reader would refuse it."""
        kind = type(value)
        if self._by_name.get(kind.__name__) is not kind:
            raise LocalError(f"{kind.__name__} is not listed in ALL, so no reader knows it")
        try:
            body = msgspec.json.encode(self._in_utc(value))
            self._decode(kind, body)
        except (BadMessage, TypeError, ValueError) as error:
            raise LocalError(f"{kind.__name__} cannot be packed: {error}") from error
        return body

    def unpack(self, name: str, body: bytes | msgspec.Raw) -> T | None:
        """The value, or None when ``name`` is unknown. Raises ``BadMessage``."""
        kind = self._by_name.get(name)
        return None if kind is None else self._decode(kind, body)

    def convert(self, name: str, body: Mapping[str, Any]) -> T | None:
        """As :meth:`unpack`, from a body that is parsed already."""
        kind = self._by_name.get(name)
        if kind is None:
            return None
        try:
            return self._in_utc(msgspec.convert(body, kind))
        except (msgspec.ValidationError, ValueError) as error:
            raise BadMessage(f"{name}: {error}") from error

    def _decode(self, kind: type[T], body: bytes | msgspec.Raw) -> T:
        try:
            return self._in_utc(msgspec.json.decode(body, type=kind))
        except (msgspec.DecodeError, ValueError) as error:
            raise BadMessage(f"{kind.__name__}: {error}") from error

    def _in_utc(self, value: T) -> T:
        changed: dict[str, Any] = {}
        for name in self._moments[type(value)]:
            moment = getattr(value, name)
            if moment is None or moment.tzinfo is UTC:
                continue
            if moment.tzinfo is None:
                raise ValueError(f"Expected a time zone - at `$.{name}`")
            changed[name] = moment.astimezone(UTC)
        return replace(value, **changed) if changed else value


def _moments(kind: type[Any]) -> tuple[str, ...]:
    hints = get_type_hints(kind)
    return tuple(
        each.name for each in fields(kind) if hints[each.name] in (datetime, datetime | None)
    )


_FACTS: _Family[Fact] = _Family(events.ALL)
FACT_NAMES = tuple(sorted(each.__name__ for each in events.ALL))
"""Every type of fact, as it stands in an envelope."""
_ORDERS: _Family[Order] = _Family(commands.ALL)


def pack_body(fact: Fact) -> bytes:
    """Only the body, for a JSON column beside one for the type's name.

    Raises ``router.errors.LocalError`` when the fact could not be read back.
    """
    return _FACTS.pack(fact)


def pack_fact(fact: Fact) -> dict[str, Any]:
    """``{"type": name, "body": {…}}`` of plain JSON values. Raises ``LocalError``."""
    return {"type": type(fact).__name__, "body": msgspec.json.decode(_FACTS.pack(fact))}


def unpack_fact(type_name: str, body: Mapping[str, Any]) -> Fact | None:
    """The inverse of :func:`pack_fact`; None for an unknown type. Raises ``BadMessage``."""
    return _FACTS.convert(type_name, body)


def pack_fact_bytes(fact: Fact) -> bytes:
    """One envelope. Raises ``router.errors.LocalError`` as :func:`pack_body` does."""
    return _wrap(type(fact).__name__, _FACTS.pack(fact))


def unpack_fact_bytes(data: bytes) -> Fact | None:
    """The fact of an envelope; None for an unknown type. Raises ``BadMessage``."""
    return unpack_envelope(_open(data))


def pack_bundle(facts: Sequence[Fact]) -> bytes:
    """One envelope, or the list of several. Raises ``LocalError``."""
    if len(facts) == 1:
        return pack_fact_bytes(facts[0])
    return msgspec.json.encode(
        [Envelope(type(fact).__name__, msgspec.Raw(_FACTS.pack(fact))) for fact in facts]
    )


def open_bundle(data: bytes) -> list[Envelope]:
    """The envelopes in a message, bodies unread. Raises ``BadMessage``."""
    try:
        found = msgspec.json.decode(data, type=Envelope | list[Envelope])
    except (msgspec.DecodeError, ValueError) as error:
        raise BadMessage(f"envelope: {error}") from error
    return found if isinstance(found, list) else [found]


def unpack_envelope(envelope: Envelope) -> Fact | None:
    """The fact inside; None for an unknown type. Raises ``BadMessage``."""
    return _FACTS.unpack(envelope.type, envelope.body)


def subject_of(envelope: Envelope) -> Subject:
    """The body's ``id`` and ``interaction_id``; empty where it cannot be read."""
    try:
        return msgspec.json.decode(envelope.body, type=Subject)
    except (msgspec.DecodeError, ValueError):
        return Subject()  # who unpacks the whole finds out what is wrong with it


def close(envelope: Envelope) -> bytes:
    """The envelope's own bytes again."""
    return msgspec.json.encode(envelope)


def pack_order(order: Order) -> bytes:
    """One envelope. Raises ``router.errors.LocalError`` when it could not be read back."""
    return _wrap(type(order).__name__, _ORDERS.pack(order))


def unpack_order(data: bytes) -> Order | None:
    """The order of an envelope; None for an unknown type. Raises ``BadMessage``."""
    envelope = _open(data)
    return _ORDERS.unpack(envelope.type, envelope.body)


def type_of(data: bytes) -> str:
    """The type name an envelope carries. Raises ``BadMessage`` when it is no envelope."""
    return _open(data).type


def _wrap(name: str, body: bytes) -> bytes:
    return msgspec.json.encode(Envelope(type=name, body=msgspec.Raw(body)))


def _open(data: bytes) -> Envelope:
    try:
        return msgspec.json.decode(data, type=Envelope)
    except (msgspec.DecodeError, ValueError) as error:
        raise BadMessage(f"envelope: {error}") from error
