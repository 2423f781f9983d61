"""How the simulated public lives one contact, door by door, over the real protocols."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import make_msgid
from random import Random

import aiosmtplib
import httpx

from channels.sip.caller import SipCaller
from channels.sip.causes import CallOutcome
from gateway.demo.caller import Caller
from gateway.demo.matters import PERSON_SPOKEN, THANKS_SPOKEN
from gateway.demo.public import Outing
from gateway.demo.recordings import Recordings
from gateway.demo.visitor import Person, Visitor
from router.errors import ParleyError
from router.model import Author, IdentityKind, new_id

RING_S = 20.0
GREETING_S = 40.0
ANSWER_S = 30.0
MAX_QUESTIONS = 6
PAUSE_S = (0.4, 1.2)
TYPING_S = (1.5, 5.0)
SMS_GAP_S = 20.0
CHAT_QUIET_S = 1.0
PERSON_ANSWERS_S = 90.0
RATES = 0.7
SCORES = (1, 1, 2, 5, 8)
"""How often 1 to 5 is given, in proportion."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Address:
    """Where this installation's doors are."""

    http_url: str
    sip_uri: str
    smtp_host: str
    smtp_port: int
    mail: str
    sms_number: str
    sms_webhook: str
    sms_token: str


class DoorShut(ParleyError):
    """The installation did not take the contact."""


def signature(token: str, url: str, fields: Mapping[str, str]) -> str:
    """X-Twilio-Signature: base64 HMAC-SHA1 over the URL and the sorted parameters."""
    text = url + "".join(name + fields[name] for name in sorted(fields))
    digest = hmac.new(token.encode(), text.encode(), hashlib.sha1).digest()
    return base64.b64encode(digest).decode()


class PhoneDoor:
    """Calls, speaks recorded lines, presses keys, waits as long as patience lasts."""

    def __init__(self, address: Address, recordings: Recordings, caller: SipCaller) -> None:
        self._address = address
        self._recordings = recordings
        self._caller = caller

    async def __call__(self, outing: Outing) -> None:
        """One call from ringing to hang-up."""
        number = outing.address(IdentityKind.PHONE)
        call = await self._caller.call(self._address.sip_uri, RING_S, number)
        if isinstance(call, CallOutcome):
            raise DoorShut(f"the call was not taken: {call.status} {call.reason}")
        caller = Caller(call.leg)
        try:
            await self._talk(caller, outing)
        finally:
            await caller.hang_up()

    async def _talk(self, caller: Caller, outing: Outing) -> None:
        chance = Random(outing.seed)
        voice = chance.choice(("slt", "rms", "awb", "kal16"))
        await caller.listen(GREETING_S)
        for name in self._lines(outing, chance):
            if caller.over:
                return
            await asyncio.sleep(chance.uniform(*PAUSE_S))
            await caller.say(self._recordings.pcm(name, voice))
            heard = await caller.listen(ANSWER_S)
            if not heard.quiet and name in PERSON_SPOKEN:
                # Music: in the queue. Stay until somebody comes or patience ends.
                await caller.wait(outing.patience_s)
                return
        if outing.asks_person:
            await caller.wait(outing.patience_s)

    def _lines(self, outing: Outing, chance: Random) -> list[str]:
        lines = [chance.choice(outing.matter.spoken)]
        if outing.matter.order:
            lines += [f"number-{outing.order.removeprefix('HL-')}", "yes"]
        lines.append(chance.choice(PERSON_SPOKEN if outing.asks_person else THANKS_SPOKEN))
        return [name for name in lines if name in self._recordings.names]


class ChatDoor:
    """Writes in the web chat, reads the answers, waits for a person as patience lasts."""

    def __init__(self, address: Address) -> None:
        self._address = address

    async def __call__(self, outing: Outing) -> None:
        """One chat from the first line to the closed window."""
        chance = Random(outing.seed)
        mail = outing.address(IdentityKind.EMAIL)
        person = Person(outing.customer.name, mail, outing.language)
        visitor = await Visitor.open(self._address.http_url, person)
        try:
            for text in self._texts(outing):
                await asyncio.sleep(chance.uniform(*TYPING_S))
                await visitor.say(text)
                await visitor.answer(ANSWER_S, CHAT_QUIET_S)
            if outing.asks_person:
                await self._with_person(visitor, outing, chance)
        finally:
            await visitor.close()

    def _texts(self, outing: Outing) -> list[str]:
        order = outing.order if outing.matter.order else ""
        last = outing.person if outing.asks_person else outing.thanks
        return [text for text in (outing.opening, order, outing.follow, last) if text]

    async def _with_person(self, visitor: Visitor, outing: Outing, chance: Random) -> None:
        """Wait for somebody, thank them, and give a score when they have finished."""
        wait_s = outing.patience_s
        while (line := await visitor.next_line(wait_s)) is not None:
            if line.author == Author.AGENT and wait_s != PERSON_ANSWERS_S:
                wait_s = PERSON_ANSWERS_S
                await asyncio.sleep(chance.uniform(*TYPING_S))
                await visitor.say(outing.follow or outing.thanks)
        if visitor.may_rate and chance.random() < RATES:
            await visitor.rate(chance.choices(range(1, 6), SCORES)[0])
        elif not visitor.ended:
            await visitor.end()


class MailDoor:
    """Writes a mail by SMTP, as any mail server would deliver it."""

    def __init__(self, address: Address) -> None:
        self._address = address

    async def __call__(self, outing: Outing) -> None:
        """One mail."""
        sender = outing.address(IdentityKind.EMAIL)
        mail = EmailMessage()
        mail["From"] = f"{outing.customer.name} <{sender}>"
        mail["To"] = self._address.mail
        mail["Subject"] = outing.matter.subject
        mail["Message-ID"] = make_msgid(domain=sender.partition("@")[2])
        mail.set_content("\n\n".join(part for part in _letter(outing) if part) + "\n")
        await aiosmtplib.send(
            mail,
            hostname=self._address.smtp_host,
            port=self._address.smtp_port,
            start_tls=False,
        )


def _letter(outing: Outing) -> Sequence[str]:
    order = f"{outing.order}." if outing.matter.order else ""
    person = outing.person if outing.asks_person else ""
    return (outing.opening, order, outing.follow, person, outing.customer.name)


class SmsDoor:
    """Texts through the provider's signed webhook."""

    def __init__(self, address: Address, http: httpx.AsyncClient) -> None:
        self._address = address
        self._http = http

    async def __call__(self, outing: Outing) -> None:
        """One to three texts, as far apart as people type them on a telephone."""
        texts = [outing.opening]
        if outing.matter.order:
            texts.append(outing.order)
        texts.append(outing.person if outing.asks_person else outing.thanks)
        for i, text in enumerate(texts):
            if i:
                await asyncio.sleep(SMS_GAP_S)
            await self._send(outing.address(IdentityKind.PHONE), text)

    async def _send(self, number: str, text: str) -> None:
        fields = {
            "MessageSid": f"SM{new_id()}",
            "From": number,
            "To": self._address.sms_number,
            "Body": text,
            "NumMedia": "0",
        }
        url = self._address.sms_webhook
        signed = {"X-Twilio-Signature": signature(self._address.sms_token, url, fields)}
        answer = await self._http.post(url, data=fields, headers=signed)
        if answer.is_error:
            raise DoorShut(f"the SMS webhook answered {answer.status_code}: {answer.text[:200]}")
