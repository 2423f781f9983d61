"""Addresses that can be called (RFC 3261 §19.1, as far as a caller needs it)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from channels.errors import BadAddress

DEFAULT_PORT: Final = 5060
_URI: Final = re.compile(
    r"(?:sip:)?(?P<user>(?!sip:)[^@\s<>;]+)@(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+)"
    r"(?::(?P<port>\d{1,5}))?(?:;[^\s<>]*)?"
)
_NUMBER: Final = re.compile(r"\+?[0-9*#]{2,30}")


@dataclass(frozen=True, slots=True)
class Trunk:
    """Where numbers go out; credentials are for digest authentication."""

    host: str
    port: int = DEFAULT_PORT
    username: str = ""
    password: str = ""


@dataclass(frozen=True, slots=True)
class Callee:
    """User part, host and port to send the INVITE to."""

    user: str
    host: str
    port: int


def parse_callee(address: str, trunk: Trunk | None = None) -> Callee:
    """``sip:user@host:port``, ``user@host``, or a number when there is a trunk.

    Blanks, brackets and hyphens in numbers do not matter. Raises ``BadAddress``.
    """
    found = _URI.fullmatch(address.strip())
    if found is not None:
        port = int(found["port"] or DEFAULT_PORT)
        if 0 < port < 65536:
            return Callee(found["user"], found["host"], port)
        raise BadAddress(f"a port of 1–65535 expected, got {port}")
    number = re.sub(r"[\s()./-]", "", address.removeprefix("tel:"))
    if trunk is None or not _NUMBER.fullmatch(number):
        hint = "sip:user@host:port expected" if trunk is None else "a number or SIP URI expected"
        raise BadAddress(f"{hint}, got {address[:60]!r}")
    return Callee(number, trunk.host, trunk.port)
