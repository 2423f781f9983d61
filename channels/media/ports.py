"""RTP ports: one UDP socket per call from a configured range."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable
from typing import cast

from channels.errors import NoPortFree

_log = logging.getLogger(__name__)

Address = tuple[str, int]


class RtpSocket(asyncio.DatagramProtocol):
    """One call's socket; ``on_datagram`` is set by whoever takes the call."""

    def __init__(self) -> None:
        self._transport: asyncio.DatagramTransport | None = None
        self.on_datagram: Callable[[bytes, Address], None] | None = None
        self.port = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember the transport and the port."""
        self._transport = cast("asyncio.DatagramTransport", transport)
        self.port = transport.get_extra_info("sockname")[1]

    def datagram_received(self, data: bytes, addr: tuple[str | int, ...]) -> None:
        """Hand it over, or drop it while nobody has taken the call."""
        if self.on_datagram is not None:
            self.on_datagram(data, (str(addr[0]), int(addr[1])))

    def error_received(self, exc: Exception) -> None:
        """The far end's port is closed; its BYE or our time-out will follow."""
        _log.debug("RTP socket: %s", exc)

    def send(self, data: bytes, to: Address) -> None:
        """One datagram out; nothing after ``close``."""
        if self._transport is not None:
            self._transport.sendto(data, to)

    def close(self) -> None:
        """Give the port back. Safe to call twice."""
        self.on_datagram = None
        if self._transport is not None:
            self._transport.close()
            self._transport = None


async def open_rtp_socket(host: str, ports: tuple[int, int]) -> RtpSocket:
    """Take a free even port of ``ports`` (inclusive), beginning anywhere in the range.

    (0, 0) lets the system choose. Raises ``NoPortFree``.
    """
    loop = asyncio.get_running_loop()
    for port in _candidates(*ports):
        try:
            _, protocol = await loop.create_datagram_endpoint(RtpSocket, local_addr=(host, port))
        except OSError:
            continue
        return protocol
    raise NoPortFree(f"no free RTP port on {host} in {ports[0]}–{ports[1]}")


def _candidates(low: int, high: int) -> list[int]:
    if low == high == 0:
        return [0]
    evens = list(range(low + low % 2, high + 1, 2))
    start = secrets.randbelow(len(evens)) if evens else 0
    return evens[start:] + evens[:start]
