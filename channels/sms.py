"""SMS through a Twilio-compatible provider: webhooks in, REST out, STOP and START.

1. A webhook without a right signature is refused with 403 and changes nothing.
2. It is answered 200 only when the text is stored; the same MessageSid twice is one text.
3. STOP (and its kin) puts the number on the do-not-contact list, is confirmed
   once, and from then on nothing of ours goes to that number until START.
4. What the provider reports later becomes ``MessageDelivered`` or ``MessageFailed``.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, quote

import msgspec
from litestar import MediaType, Request, Response, Router, post
from litestar.handlers import HTTPRouteHandler

from channels import identity
from channels.delivery import Delivery
from channels.segments import count_segments
from channels.text_errors import BadAddress, BadSignature, SendRefused
from channels.twilio_api import Fields, SmsProvider, check_signature
from router.acts.lifecycle import Lifecycle
from router.events import Fact, MessageAdded, MessageDelivered, MessageFailed
from router.model import (
    Arrival,
    Author,
    Channel,
    EndedBy,
    Identity,
    IdentityKind,
    Interaction,
    Message,
    NewMessage,
)
from router.ports import Bus, Clock, Store

GROUP = "sms-out"
BODY_MAX = 65_536
TEXT_MAX = 1_600
"""What the provider takes in one text; longer answers are cut at a word."""
EMPTY_TWIML = '<?xml version="1.0" encoding="UTF-8"?><Response></Response>'
STOP_WORDS = frozenset(
    {"stop", "stopall", "unsubscribe", "cancel", "end", "quit", "退订", "停止", "stopp", "beigt"}
)
START_WORDS = frozenset({"start", "unstop", "订阅", "sākt"})
_STOPPED: Mapping[str, str] = {
    "en": "You will get no more texts from us. Reply START to hear from us again.",
    "zh": "您将不再收到我们的短信。回复 START 可重新接收。",
    "lv": "Mēs jums vairs nerakstīsim. Atbildiet START, lai atkal saņemtu īsziņas.",
}
_STARTED: Mapping[str, str] = {
    "en": "Welcome back: you can text with us again. Reply STOP to end.",
    "zh": "欢迎回来，您可以继续与我们短信联系。回复 STOP 可退订。",
    "lv": "Prieks jūs atkal dzirdēt: varat mums rakstīt. Lai beigtu, atbildiet STOP.",
}
_DELIVERED = frozenset({"delivered", "read"})
_FAILED = frozenset({"failed", "undelivered"})

log = logging.getLogger(__name__)

TakeReply = Callable[[str, str, str | None], Awaitable[bool]]
"""Asked before a text becomes an interaction: (number, text, MessageSid) → whether it took it."""


@dataclass(frozen=True, slots=True)
class SmsWebhook:
    """How the provider reaches and proves itself to us. ``public_url`` has no path."""

    public_url: str
    token: str


class SmsInbox:
    """Turns the provider's webhooks into stored texts and receipts."""

    def __init__(
        self,
        store: Store,
        lifecycle: Lifecycle,
        clock: Clock,
        take_reply: TakeReply | None = None,
    ) -> None:
        self._store = store
        self._lifecycle = lifecycle
        self._clock = clock
        self._take_reply = take_reply

    async def take(self, form: Mapping[str, str]) -> None:
        """Store one text. Raises ``BadAddress`` when From or MessageSid is missing."""
        sid = form.get("MessageSid") or form.get("SmsSid") or ""
        if not sid or not form.get("From"):
            raise BadAddress("expected the fields MessageSid and From")
        text = _clean(form.get("Body", ""))
        sender, can_answer = _sender(form["From"])
        if can_answer and await self._obey(sender, form, text, sid):
            return
        if can_answer and self._take_reply and await self._take_reply(sender.value, text, sid):
            return
        await self._lifecycle.receive(
            _arrival(sender, form, text, sid, can_answer), _message(sender, form, text, sid)
        )

    async def note_status(self, message_id: str, form: Mapping[str, str]) -> None:
        """Keep a delivery receipt, once per message and outcome."""
        status = form.get("MessageStatus", "").lower()
        if status not in _DELIVERED | _FAILED:
            return
        sid = form.get("MessageSid", "")
        async with self._store.transaction() as tx:
            message = await tx.interactions.message(message_id)
            if message is None:
                return
            known = await tx.log.facts(
                interaction_id=message.interaction_id, types=[MessageDelivered, MessageFailed]
            )
        if not any(getattr(fact, "message_id", "") == message_id for fact in known):
            await self._lifecycle.record([self._receipt(message, status, sid, form)])

    def _receipt(self, message: Message, status: str, sid: str, form: Mapping[str, str]) -> Fact:
        at, interaction_id = self._clock.now(), message.interaction_id
        if status in _DELIVERED:
            return MessageDelivered(
                at=at,
                interaction_id=interaction_id,
                message_id=message.id,
                channel=Channel.SMS,
                peer_id=sid,
            )
        return MessageFailed(
            at=at,
            interaction_id=interaction_id,
            message_id=message.id,
            channel=Channel.SMS,
            reason=f"{status} {form.get('ErrorCode', '')}".strip(),
        )

    async def _obey(self, sender: Identity, form: Mapping[str, str], text: str, sid: str) -> bool:
        """Do what STOP and START ask; False for any other text."""
        word = text.strip().strip(".!。！\"'").casefold()
        if word in STOP_WORDS:
            changed = await self._stop(sender.value, sid)
            notices = _STOPPED
        elif word in START_WORDS:
            changed = await self._resume(sender.value)
            if not changed:
                return False
            notices = _STARTED
        else:
            return False
        await self._record_wish(sender, form, text, sid, notices if changed else None)
        return True

    async def _stop(self, number: str, sid: str) -> bool:
        """True when the confirmation of this very text is still to be sent."""
        reason = f"texted STOP ({sid})"
        async with self._store.transaction() as tx:
            if not await tx.campaigns.do_not_contact(number):
                await tx.campaigns.set_do_not_contact(number, reason, self._clock.now())
                return True
            # The provider repeats a webhook whose answer it missed: go on where we were.
            listed = await tx.campaigns.do_not_contact_list()
        return any(address == number and why == reason for address, why, _ in listed)

    async def _resume(self, number: str) -> bool:
        async with self._store.transaction() as tx:
            return await tx.campaigns.clear_do_not_contact(number)

    async def _record_wish(
        self,
        sender: Identity,
        form: Mapping[str, str],
        text: str,
        sid: str,
        notices: Mapping[str, str] | None,
    ) -> None:
        """Keep the wish and our confirmation as a transcript of its own, or in the open one."""
        note = NewMessage(
            Author.SYSTEM, text, author_id=sender.value, external_id=f"sms:{sid}",
            meta={"opt": text.strip().upper()},
        )  # fmt: skip
        arrival = _arrival(sender, form, text, sid, can_answer=True)
        received = await self._lifecycle.receive(arrival, note)
        interaction = received.interaction
        if notices is not None:
            words = notices.get(interaction.language, notices["en"])
            notice = NewMessage(
                Author.SYSTEM, words, external_id=f"sms:{sid}:confirm",
                meta={"send": True, "despite_opt_out": True},
            )  # fmt: skip
            await self._lifecycle.add_message(interaction.id, notice)
        if received.new or notices is _STOPPED:
            await self._lifecycle.end(interaction.id, EndedBy.CUSTOMER, "opt-out")


def _clean(text: str) -> str:
    return "".join(char for char in text if char >= " " or char in "\n\t").strip()


def _sender(raw: str) -> tuple[Identity, bool]:
    """The sender's identity and whether it is a number that can be answered."""
    try:
        if not raw.startswith("+"):
            raise BadAddress(raw)  # a short code or a name: nobody answers there
        return identity.phone(raw), True
    except BadAddress:
        return Identity(IdentityKind.PHONE, raw[:40]), False


def _arrival(
    sender: Identity, form: Mapping[str, str], text: str, sid: str, can_answer: bool
) -> Arrival:
    return Arrival(
        channel=Channel.SMS,
        identity=sender,
        service_address=form.get("To", ""),
        external_id=f"sms:{sid}",
        language=identity.guess_language(text),
        meta={} if can_answer else {"auto": "no-reply sender"},
    )


def _message(sender: Identity, form: Mapping[str, str], text: str, sid: str) -> NewMessage:
    count = int(form["NumMedia"]) if form.get("NumMedia", "").isdecimal() else 0
    media = [form.get(f"MediaUrl{index}", "") for index in range(min(count, 10))]
    return NewMessage(
        Author.CUSTOMER,
        text or ("(picture)" if media else "(empty)"),
        author_id=sender.value,
        external_id=f"sms:{sid}",
        meta={"media": media} if media else {},
    )


class SmsSender:
    """Sends the bot's and the agents' lines as texts; see ``channels.delivery``."""

    def __init__(
        self,
        store: Store,
        lifecycle: Lifecycle,
        clock: Clock,
        provider: SmsProvider,
        public_url: str = "",
    ) -> None:
        self._store = store
        self._provider = provider
        self._public_url = public_url.rstrip("/")
        self._delivery = Delivery(store, lifecycle, clock, Channel.SMS, self._send)

    async def start(self, bus: Bus) -> None:
        """Take part in the group ``sms-out`` and look for what is due."""
        await bus.subscribe(GROUP, self.handle, [MessageAdded])
        await self._delivery.start()

    async def stop(self) -> None:
        """Stop looking for what is due. Safe to call twice."""
        await self._delivery.stop()

    async def handle(self, fact: Fact) -> None:
        """Send the line that ``fact`` announces, if it is a text of ours."""
        await self._delivery.handle(fact)

    async def sweep(self) -> None:
        """Send what is due now; ``start`` does so by itself from time to time."""
        await self._delivery.sweep()

    async def _send(self, interaction: Interaction, message: Message) -> str:
        if not message.meta.get("despite_opt_out"):
            async with self._store.transaction() as tx:
                if await tx.campaigns.do_not_contact(interaction.address):
                    raise SendRefused("do-not-contact: this number has texted STOP")
        text = render_text(message, self._public_url)
        size = count_segments(text)
        log.info("text to %s: %s, %d parts", interaction.address, size.encoding, size.parts)
        status_url = ""
        if self._public_url:
            status_url = f"{self._public_url}/twilio/status?message={quote(message.id)}"
        return await self._provider.send(interaction.address, text, status_url)


def render_text(message: Message, public_url: str) -> str:
    """The line with the address of its first source, cut to what one text can carry."""
    url = f"{public_url}{message.citations[0].url}" if message.citations and public_url else ""
    link = f"\n{url}" if url and url not in message.text else ""
    room = TEXT_MAX - len(link)
    text = message.text.strip()
    if len(text) > room:
        text = text[: room - 1].rsplit(" ", 1)[0].rstrip() + "…"
    return text + link


def sms_routes(inbox: SmsInbox, webhook: SmsWebhook) -> Router:
    """``POST /twilio/sms`` and ``POST /twilio/status``, signed form posts."""
    return Router("/twilio", route_handlers=[_sms_route(inbox, webhook), _status(inbox, webhook)])


def _sms_route(inbox: SmsInbox, webhook: SmsWebhook) -> HTTPRouteHandler:
    @post("/sms", status_code=200, tags=["webhooks"])
    async def receive_sms(request: Request[Any, Any, Any]) -> Response[Any]:
        """A customer's text; answered with empty TwiML once it is stored."""
        try:
            form = await _signed_form(request, webhook)
            await inbox.take(form)
        except BadSignature as error:
            return _problem(403, "bad-signature", "Bad signature", str(error))
        except BadAddress as error:
            return _problem(400, "bad-webhook", "Malformed webhook", str(error))
        return Response(EMPTY_TWIML, media_type=MediaType.XML)

    return receive_sms


def _status(inbox: SmsInbox, webhook: SmsWebhook) -> HTTPRouteHandler:
    @post("/status", status_code=200, tags=["webhooks"])
    async def receive_status(request: Request[Any, Any, Any]) -> Response[Any]:
        """The provider's receipt for a text of ours, named by ``?message=``."""
        try:
            form = await _signed_form(request, webhook)
        except BadSignature as error:
            return _problem(403, "bad-signature", "Bad signature", str(error))
        except BadAddress as error:
            return _problem(400, "bad-webhook", "Malformed webhook", str(error))
        await inbox.note_status(request.query_params.get("message", ""), form)
        return Response(None, status_code=204)

    return receive_status


async def _signed_form(request: Request[Any, Any, Any], webhook: SmsWebhook) -> dict[str, str]:
    fields = await _fields(request)
    base = webhook.public_url.rstrip("/") or str(request.base_url).rstrip("/")
    query = request.scope["query_string"].decode("latin-1")
    url = f"{base}{request.scope['path']}{'?' + query if query else ''}"
    check_signature(webhook.token, url, fields, request.headers.get("x-twilio-signature", ""))
    return dict(fields)


async def _fields(request: Request[Any, Any, Any]) -> Fields:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_MAX:
            raise BadAddress(f"expected at most {BODY_MAX} bytes")
    try:
        return parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=200)
    except ValueError as error:
        raise BadAddress(f"expected a form of at most 200 UTF-8 fields: {error}") from error


def _problem(status: int, kind: str, title: str, detail: str) -> Response[bytes]:
    """An RFC 9457 problem document."""
    document = {
        "type": f"urn:parley:problem:{kind}",
        "title": title,
        "status": status,
        "detail": detail,
    }
    return Response(
        msgspec.json.encode(document), media_type="application/problem+json", status_code=status
    )
