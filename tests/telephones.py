"""Telephones that we call: people who answer and confirm, and a line that is dead."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from channels.phone import IncomingCall, Phone, PhoneSettings
from channels.sip.leg import SipLeg
from gateway.demo.caller import Caller

QUESTION_S = 60.0


class Street:
    """Telephones that are answered; people say nothing before ``talk`` is set, then confirm."""

    def __init__(self) -> None:
        self.called: list[str] = []
        self.talk = asyncio.Event()
        settings = PhoneSettings(sip_host="127.0.0.1", sip_port=0, rtp_ports=(0, 0))
        self._phone = Phone(settings, self._answer, admit=self._note)

    @classmethod
    @asynccontextmanager
    async def open(cls) -> AsyncIterator[Street]:
        """A street with a door, until the end."""
        street = cls()
        await street._phone.start()
        try:
            yield street
        finally:
            street.talk.set()
            await street._phone.stop()

    @property
    def door(self) -> str:
        """Host and port."""
        host, port = self._phone.address
        return f"{host}:{port}"

    def _note(self, call: IncomingCall) -> int:
        self.called.append(call.called)
        return 0

    async def _answer(self, leg: SipLeg, _: IncomingCall) -> None:
        caller = Caller(leg)
        await self.talk.wait()
        await caller.listen(QUESTION_S, quiet_ms=0)  # who knows the question need not hear it out
        caller.press("1")
        await leg.closed.wait()


class DeadLine(asyncio.DatagramProtocol):
    """A telephone whose line is dead: it takes INVITEs and says nothing. Counts calls."""

    def __init__(self) -> None:
        self.calls: set[bytes] = set()
        self.rings = asyncio.Event()
        self.door = ""

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Of an INVITE its Call-ID: sent again for want of an answer it is the same call."""
        if data.startswith(b"INVITE "):
            heads = (line.split(b":", 1) for line in data.split(b"\r\n") if b":" in line)
            self.calls |= {value.strip() for name, value in heads if name.lower() == b"call-id"}
            self.rings.set()

    @classmethod
    @asynccontextmanager
    async def open(cls) -> AsyncIterator[DeadLine]:
        """A dead line at ``door``, until the end."""
        loop = asyncio.get_running_loop()
        transport, line = await loop.create_datagram_endpoint(cls, ("127.0.0.1", 0))
        host, port = transport.get_extra_info("sockname")
        line.door = f"{host}:{port}"
        try:
            yield line
        finally:
            transport.close()


class Home:
    """The telephone of one who called us and was cut off: it is answered when we call back."""

    def __init__(self) -> None:
        self.rang: asyncio.Queue[tuple[SipLeg, IncomingCall]] = asyncio.Queue()
        self._phone = Phone(PhoneSettings(sip_port=0, rtp_ports=(0, 0)), self._answer)

    @classmethod
    @asynccontextmanager
    async def open(cls) -> AsyncIterator[Home]:
        """A home with a door, until the end."""
        home = cls()
        await home._phone.start()
        try:
            yield home
        finally:
            await home._phone.stop()

    @property
    def door(self) -> str:
        """Host and port."""
        host, port = self._phone.address
        return f"{host}:{port}"

    async def _answer(self, leg: SipLeg, call: IncomingCall) -> None:
        self.rang.put_nowait((leg, call))
