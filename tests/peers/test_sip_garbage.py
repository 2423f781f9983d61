"""Broken SIP on a real socket: answered where it can be, and the phone goes on.

Everything stays on loopback: the phone's sockets are bound there, whatever a message says.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import cast

import pytest

from channels.phone import IncomingCall, Phone, PhoneSettings
from channels.sip.caller import CallerCall, SipCaller
from channels.sip.leg import SipLeg
from tests.callers import SIP_DATA

# Messages of RFC 4475, where they lie beside the checkout; our own are enough without.
TORTURE = Path(__file__).resolve().parents[3] / "shared" / "data" / "sip-torture"
QUIET_S = 0.15  # longer than any answer on loopback takes


class Sender(asyncio.DatagramProtocol):
    """A plain UDP socket."""

    def __init__(self) -> None:
        self.answers: list[bytes] = []
        self.news = asyncio.Event()
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, _addr: object) -> None:
        self.answers.append(data)
        self.news.set()

    async def ask(self, data: bytes) -> list[int]:
        """Send; the final statuses that come back within a moment."""
        self.answers.clear()
        self.send(data)
        await asyncio.sleep(QUIET_S)
        statuses = [
            int(answer.split(b" ", 2)[1]) for answer in self.answers if answer[:3] == b"SIP"
        ]
        return sorted({status for status in statuses if status >= 200})

    def send(self, data: bytes) -> None:
        assert self._transport is not None
        self._transport.sendto(data)

    @property
    def port(self) -> int:
        assert self._transport is not None
        return int(self._transport.get_extra_info("sockname")[1])

    def close(self) -> None:
        assert self._transport is not None
        self._transport.close()


async def _serve(leg: SipLeg, call: IncomingCall) -> None:
    await leg.closed.wait()


@pytest.fixture
async def phone() -> AsyncIterator[Phone]:
    phone = Phone(PhoneSettings(sip_port=0, rtp_ports=(0, 0)), _serve)
    await phone.start()
    yield phone
    await phone.stop()


@pytest.fixture
async def sender(phone: Phone) -> AsyncIterator[Sender]:
    loop = asyncio.get_running_loop()
    _, sender = await loop.create_datagram_endpoint(
        Sender, local_addr=("127.0.0.1", 0), remote_addr=phone.address
    )
    yield sender
    sender.close()


def message(first: str, **changes: str | None) -> bytes:
    """A sound OPTIONS, but for the start line and the headers given; None leaves one out."""
    headers: dict[str, str | None] = {
        "Via": "SIP/2.0/UDP 192.0.2.7:5099;branch=z9hG4bK" + str(abs(hash((first, str(changes))))),
        "From": "<sip:a@example.com>;tag=1",
        "To": "<sip:b@example.com>",
        "Call_ID": str(abs(hash((first, str(changes))))),
        "CSeq": "1 OPTIONS",
        "Max_Forwards": "70",
        "Content_Length": "0",
    }
    headers.update(changes)
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in headers.items() if value]
    return "\r\n".join([first, *lines, "", ""]).encode()


OPTIONS = "OPTIONS sip:b@example.com SIP/2.0"
INVITE = "INVITE sip:b@example.com SIP/2.0"
CONTACT = "<sip:a@192.0.2.7>"
SDP = "application/sdp"


async def still_answers(phone: Phone) -> bool:
    """A whole call after all that."""
    caller = SipCaller()
    await caller.start()
    try:
        call = await caller.call(f"sip:x@127.0.0.1:{phone.address[1]}", ring_s=5)
        if not isinstance(call, CallerCall):
            return False
        await call.hear(60)
        await call.hang_up()
        return True
    finally:
        await caller.stop()


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (message(OPTIONS), [200]),
        (message(OPTIONS, From=None), [400]),
        (message(OPTIONS, CSeq="1 INVITE"), [400]),
        (message(OPTIONS, CSeq="99999999999 OPTIONS"), [400]),
        (message(OPTIONS, Content_Length="-5"), [400]),
        (message(OPTIONS, Content_Length="5000"), [400]),
        (message(OPTIONS, To='"open <sip:b@example.com>'), [400]),
        (message("OPTIONS <sip:b@example.com> SIP/2.0"), [400]),
        (message("OPTIONS sip:b@example.com SIP/7.0"), [505]),
        (message("OPTIONS soap.beep://x SIP/2.0"), [416]),
        (message("REGISTER sip:example.com SIP/2.0", CSeq="1 REGISTER"), [405]),
        (message("REFER sip:b@example.com SIP/2.0", CSeq="1 REFER"), [405]),
        (message("DANCE sip:b@example.com SIP/2.0", CSeq="1 DANCE"), [501]),
        (message("BYE sip:b@example.com SIP/2.0", CSeq="1 BYE"), [481]),
        (message("CANCEL sip:b@example.com SIP/2.0", CSeq="1 CANCEL"), [481]),
        (message("INFO sip:b@example.com SIP/2.0", CSeq="1 INFO"), [481]),
        (message(INVITE, CSeq="1 INVITE"), [400]),
        (message(OPTIONS, Via=None), []),
        (message("ACK sip:b@example.com SIP/2.0", CSeq="1 ACK"), []),
        (message("SIP/2.0 4294967301 better not"), []),
        (message("SIP/2.0 200 OK"), []),
        (b"\r\n\r\n", []),
        (b"\xff\xfe" * 60, []),
        (b"INVITE " + b"A" * 5000, []),
    ],
)
async def test_broken_request_gets_its_status_and_the_phone_goes_on(
    phone: Phone, sender: Sender, data: bytes, expected: list[int]
) -> None:
    assert await sender.ask(data) == expected
    assert await sender.ask(message(OPTIONS, Call_ID="after")) == [200]


@pytest.mark.parametrize("body", ["", "x", "v=0\r\nm=audio 5 RTP/AVP 9\r\n", "v=0\r\nm=audio\r\n"])
async def test_invite_with_a_body_we_cannot_use_gets_488_or_an_offer(
    phone: Phone, sender: Sender, body: str
) -> None:
    data = message(
        INVITE, CSeq="1 INVITE", Contact=CONTACT, Content_Type=SDP, Content_Length=str(len(body))
    )
    statuses = await sender.ask(data + body.encode())
    assert statuses == ([488] if body else [200])


async def test_cancel_right_behind_the_invite_ends_it_with_487(
    phone: Phone, sender: Sender
) -> None:
    via = f"SIP/2.0/UDP 127.0.0.1:{sender.port};branch=z9hG4bKcancel"
    body = "v=0\r\nc=IN IP4 127.0.0.1\r\nm=audio 9 RTP/AVP 0\r\n"
    invite = message(
        INVITE, Via=via, Call_ID="c1", CSeq="1 INVITE", Contact=CONTACT,
        Content_Type=SDP, Content_Length=str(len(body)),
    )  # fmt: skip
    sender.send(invite + body.encode())
    cancel = INVITE.replace("INVITE", "CANCEL")
    statuses = await sender.ask(message(cancel, Via=via, Call_ID="c1", CSeq="1 CANCEL"))
    assert statuses == [200, 487]
    assert phone.legs == {}


async def test_garbage_leaves_the_phone_answering(phone: Phone, sender: Sender) -> None:
    own = sorted((SIP_DATA / "malformed").glob("*.sip"))
    assert own
    for path in [*own, *sorted(TORTURE.glob("*.dat"))]:
        sender.send(path.read_bytes())
        sender.send(path.read_bytes()[: len(path.read_bytes()) // 2])
    for size in (1, 31, 32, 33, 200, 9000):
        sender.send(bytes(range(256)) * (size // 256 + 1))
    await asyncio.sleep(QUIET_S)
    assert await still_answers(phone)
    assert phone.sip_counts["refused"] > 0
