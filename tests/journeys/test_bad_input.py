"""Bad input on every door gets a clear error and changes nothing."""

import asyncio
import json
import smtplib
import socket
from urllib.parse import urlsplit

import httpx
import pytest
from websockets.asyncio.client import connect

from gateway.demo.visitor import Visitor
from router.model import new_id
from tests.house import WAIT_S
from tests.journeys.conftest import Town

pytestmark = [pytest.mark.slow, pytest.mark.peer]


async def count(town: Town) -> int:
    return len(await town.house.newest(1000))


async def test_unsigned_webhook_is_refused_and_nothing_stored(town: Town) -> None:
    before = await count(town)
    url = f"{town.house.url}/twilio/sms"
    form = {"MessageSid": "SM1", "From": "+37120000000", "To": "+37160000200", "Body": "hi"}
    async with httpx.AsyncClient() as http:
        bare = await http.post(url, data=form)
        forged = await http.post(url, data=form, headers={"X-Twilio-Signature": "AAAA"})
    assert (bare.status_code, forged.status_code) == (403, 403)
    assert "signature" in bare.json()["detail"].lower()
    assert await count(town) == before


async def test_malformed_chat_frames_get_an_error_and_the_chat_goes_on(town: Town) -> None:
    before = await count(town)
    place = urlsplit(town.house.url).netloc
    async with connect(f"ws://{place}/chat/socket") as socket_:
        await socket_.send("this is not json")
        first = json.loads(await socket_.recv())
        assert first["type"] == "error"
        assert "json" in first["detail"].lower()
    async with connect(f"ws://{place}/chat/socket") as socket_:
        await socket_.send(json.dumps({"type": "hello", "visitor": "short"}))
        assert json.loads(await socket_.recv())["type"] == "error"
    assert await count(town) == before


async def test_script_in_a_chat_line_is_kept_as_text(town: Town) -> None:
    visitor = await Visitor.open(town.house.url)
    attack = "<script>alert('x')</script> where is my parcel?"
    await visitor.say(attack)
    await visitor.answer(20, 1)
    lines = await town.house.lines(visitor.interaction_id)
    assert lines[0].text == attack
    assert all("<script>" not in (line.html or "") for line in lines)
    await visitor.end()
    await visitor.close()


async def test_oversize_and_misaddressed_mail_is_refused(town: Town) -> None:
    before = await count(town)

    def talk(to: str, size: int) -> int:
        with smtplib.SMTP("127.0.0.1", town.house.smtp_port, timeout=WAIT_S) as smtp:
            body = b"From: a@b.example\r\nSubject: x\r\n\r\n" + b"x" * 70 * 1 + b"\r\n"
            body += (b"y" * 70 + b"\r\n") * (size // 72)
            try:
                smtp.sendmail("a@b.example", [to], body)
            except smtplib.SMTPRecipientsRefused as refused:
                return refused.recipients[to][0]
            except smtplib.SMTPResponseException as refused:
                return int(refused.smtp_code)
            return 250

    assert await asyncio.to_thread(talk, "nobody@harbourline.example", 100) == 550
    too_large = 60 * 1024 * 1024
    assert await asyncio.to_thread(talk, "care@harbourline.example", too_large) == 552
    assert await count(town) == before


async def test_malformed_sip_does_not_stop_the_phone(town: Town) -> None:
    before = await count(town)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        line.bind(("127.0.0.1", 0))
        line.settimeout(WAIT_S)
        phone = ("127.0.0.1", town.house.sip_port)
        for junk in (b"\x00\xff" * 50, b"INVITE\r\n\r\n", b"INVITE sip: SIP/9.9\r\nVia: x\r\n\r\n"):
            line.sendto(junk, phone)
        here = line.getsockname()[1]
        options = (
            f"OPTIONS sip:frontdesk@127.0.0.1 SIP/2.0\r\n"
            f"Via: SIP/2.0/UDP 127.0.0.1:{here};branch=z9hG4bK{new_id()}\r\n"
            f"From: <sip:probe@127.0.0.1>;tag=1\r\nTo: <sip:frontdesk@127.0.0.1>\r\n"
            f"Call-ID: {new_id()}\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\n"
            f"Contact: <sip:probe@127.0.0.1:{here}>\r\nContent-Length: 0\r\n\r\n"
        )
        line.sendto(options.encode(), phone)
        while True:
            answer = line.recv(4000)
            if b"OPTIONS" in answer:
                break
    assert answer.startswith(b"SIP/2.0 200")
    assert await count(town) == before


async def test_wrong_password_is_refused_without_saying_which_part(town: Town) -> None:
    async with httpx.AsyncClient(base_url=town.house.url) as http:
        wrong = await http.post("/sign-in", json={"login": "chen", "password": "nope"})
        nobody = await http.post("/sign-in", json={"login": "nobody", "password": "nope"})
        page = await http.get("/api/queues")
    assert (wrong.status_code, nobody.status_code, page.status_code) == (401, 401, 401)
    assert wrong.json()["detail"] == nobody.json()["detail"]
    assert not wrong.cookies


async def test_call_request_without_a_real_offer_is_a_problem(town: Town) -> None:
    before = await count(town)
    async with httpx.AsyncClient(base_url=town.house.url) as http:
        empty = await http.post("/api/calls", json={"sdp": ""})
        junk = await http.post("/api/calls", json={"sdp": "v=0 nonsense"}, timeout=WAIT_S)
        text = await http.post(
            "/api/calls", content=b"{", headers={"Content-Type": "application/json"}
        )
    assert empty.status_code == 400
    assert 400 <= junk.status_code < 500
    assert text.status_code == 400
    assert all(
        answer.headers["content-type"].startswith("application/problem+json")
        for answer in (empty, junk, text)
    )
    assert await count(town) == before
