"""The SIP socket on the event loop, and what goes to and comes from sippy's thread.

Datagrams are judged by the front door first; only sound ones reach the stack. Names in
addresses are resolved off the loop.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import secrets
import socket
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, cast

from channels.errors import BadAddress, PhoneStopped
from channels.sip.message import Accepted, Address, Ignored, Refused, inspect
from channels.sip.reactor import Reactor, shared_reactor
from channels.sip.signals import Attempt, Signal

if TYPE_CHECKING:
    from channels.sip.stack import Signalling

DRAIN_S: Final = 0.3  # how long the answers to our last BYEs may take

_log = logging.getLogger(__name__)


class SipEndpoint(asyncio.DatagramProtocol):
    """One SIP address. ``on_signal`` is called on the event loop."""

    def __init__(self, host: str, port: int, on_signal: Callable[[Signal], None]) -> None:
        self._host, self._port, self._on_signal = host, port, on_signal
        self._transport: asyncio.DatagramTransport | None = None
        self._reactor: Reactor | None = None
        self._signalling: Signalling | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._names: set[asyncio.Task[None]] = set()
        self.counts: Counter[str] = Counter()

    @property
    def address(self) -> Address:
        """Where it listens; the port is the real one when 0 was asked for."""
        return self._host, self._port

    async def start(self, advertised: str = "") -> None:
        """Open the socket and start the stack. Raises ``OSError`` when the port is taken."""
        self._loop = loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(
            lambda: self, local_addr=(self._host, self._port)
        )
        self._port = self._transport.get_extra_info("sockname")[1]
        self._reactor = await loop.run_in_executor(None, shared_reactor)
        local = (advertised or self._host, self._port)
        self._signalling = await self._reactor.ask(lambda: self._make_signalling(local))

    def _make_signalling(self, local: Address) -> Signalling:
        """On sippy's thread, where its modules are already loaded."""
        from channels.sip.stack import Signalling, Wire

        return Signalling(Wire(local, self._send_soon), self._emit_soon, new_ref)

    async def stop(self) -> None:
        """Hang up what is left, wait a moment for the answers, close the socket."""
        if self._reactor is None or self._signalling is None or self._transport is None:
            return
        unfinished = await self._reactor.ask(self._signalling.stop)
        self._signalling = None
        if unfinished:
            await asyncio.sleep(DRAIN_S)
        self._transport.close()
        self._transport = None
        for task in self._names:
            task.cancel()

    def command(self, name: str, *args: object) -> None:
        """Call a method of ``stack.Signalling`` on its thread."""
        if self._reactor is None or self._signalling is None:
            raise PhoneStopped
        self._reactor.call(getattr(self._signalling, name), *args)

    async def place(self, address: Address, make: Callable[[Address], Attempt]) -> None:
        """Send an INVITE; names are resolved first. Raises ``BadAddress``."""
        target = await self._resolve(address)
        self.command("place", make(target))

    async def _resolve(self, address: Address) -> Address:
        if _is_numeric(address[0]):
            return address
        loop = asyncio.get_running_loop()
        try:
            found = await loop.getaddrinfo(*address, family=socket.AF_INET, type=socket.SOCK_DGRAM)
        except OSError as error:
            raise BadAddress(f"{address[0]!r} has no address: {error}") from error
        return cast("Address", found[0][4])

    def datagram_received(self, data: bytes, addr: tuple[str | int, ...]) -> None:
        """Judge, then hand over."""
        source = (str(addr[0]), int(addr[1]))
        verdict = inspect(data, source)
        match verdict:
            case Ignored():
                self.counts["keepalive"] += 1
            case Refused():
                self.counts["refused"] += 1
                _log.info("refused SIP from %s: %s %s", source, verdict.status, verdict.reason)
                if verdict.answer:
                    self._send(verdict.answer, verdict.to)
            case Accepted():
                self.counts["accepted"] += 1
                self.command_if_up(verdict, source)

    def command_if_up(self, message: Accepted, source: Address) -> None:
        """Give the stack a message, unless it has been stopped meanwhile."""
        if self._reactor is not None and self._signalling is not None:
            self._reactor.call(self._signalling.receive, message, source)

    def error_received(self, exc: Exception) -> None:
        """A port that nobody listens on; the transaction's timer will tell."""
        _log.debug("SIP socket: %s", exc)

    def _emit_soon(self, signal: Signal) -> None:
        """From sippy's thread."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._on_signal, signal)

    def _send_soon(self, data: bytes, to: Address) -> None:
        """From sippy's thread."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._send, data, to)

    def _send(self, data: bytes, to: Address) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        if _is_numeric(to[0]):
            self._transport.sendto(data, to)
            return
        task = asyncio.ensure_future(self._send_to_name(data, to))
        self._names.add(task)
        task.add_done_callback(self._names.discard)

    async def _send_to_name(self, data: bytes, to: Address) -> None:
        try:
            address = await self._resolve(to)
        except BadAddress as error:
            self.counts["unresolved"] += 1
            _log.info("SIP message not sent: %s", error)
            return
        if self._transport is not None:
            self._transport.sendto(data, address)


def new_ref() -> str:
    """Our own name for a call."""
    return secrets.token_hex(8)


def _is_numeric(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
