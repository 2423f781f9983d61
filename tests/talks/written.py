"""Customers who write: by chat, SMS and mail, each through the code of the channel."""

from __future__ import annotations

from collections.abc import Mapping
from email.message import EmailMessage
from email.policy import SMTP
from typing import Any

import msgspec

from channels import chat_wire
from channels.visitor import Introduction, admit
from evals.talk_play import Ended, Got
from evals.talk_script import Talk, TalkTurn
from router.acts.transfers import ToBot
from router.events import HandoffRequested
from router.model import Author, Channel, EndedBy, Interaction, InteractionState, Message
from tests.fakes.core import until
from tests.talks.centre import AGENT, HEAD, Centre

THINKS_S = 20.0
"""Between two lines of a customer."""
VISITOR_CHARS = 32


class WrittenLine:
    """``evals.talk_play.Line``; each channel says how a line goes in and what came out."""

    def __init__(self, centre: Centre, talk: Talk) -> None:
        self.centre = centre
        self.talk = talk
        self.number = centre.next_customer()
        self.item = ""
        self._memory: Mapping[str, Any] = {}
        self._seen = 0
        self._sent = 0
        """The bot's lines that the customer had in this interaction."""

    @property
    def memory(self) -> Mapping[str, Any]:
        """As it is stored."""
        return self._memory

    async def act(self, turn: TalkTurn) -> Got:
        """Do it and wait for what comes back."""
        self.centre.clock.forward(turn.wait_s or THINKS_S)
        if turn.person:
            await self._person(turn.person)
        elif turn.say or turn.press:
            item = await self.send(turn.say or turn.press)
            if item != self.item:
                self.item, self._seen, self._sent = item, 0, 0
            await self.centre.bot.answer(self.item)
        return await self._received()

    async def end(self) -> Ended:
        """What the record says; then it is closed for the next customer."""
        item = await self.centre.get(self.item)
        facts = await self.centre.logged(self.item)
        handed = next((one for one in reversed(facts) if isinstance(one, HandoffRequested)), None)
        if item.state is InteractionState.BOT:
            handed = None  # a person has given it back
        ended = Ended(
            memory=item.bot_state,
            reason=handed.reason if handed else item.end_reason or "",
            queue=handed.queue if handed else "",
            packet=item.handoff if handed else None,
            calls=tuple(self.centre.services.changes),
        )
        await self.centre.life.end(self.item, EndedBy.CUSTOMER, "left")
        if item.agent_id:
            await self.centre.life.complete_wrap_up(self.item, item.agent_id, "resolved")
        return ended

    async def open(self) -> None:
        """Come to the channel, where that is something to do."""

    async def send(self, text: str) -> str:
        """Let a line in; the interaction that has it."""
        raise NotImplementedError

    def out(self) -> list[str]:
        """All that reached this customer of us, in order."""
        raise NotImplementedError

    async def _received(self) -> Got:
        """What the bot has said since, as it came to the customer."""
        async with self.centre.store.transaction() as tx:
            lines = await tx.interactions.messages(self.item, after_seq=self._seen)
        item = await self.centre.get(self.item)
        self._memory = item.bot_state
        self._seen = lines[-1].seq if lines else self._seen
        ours = [line for line in lines if line.author in (Author.BOT, Author.AGENT)]
        before = self._sent
        self._sent += len(ours)
        await until(lambda: len(self.out()) >= self._sent)
        came = self.out()[before : self._sent]
        bots = [text for text, line in zip(came, ours, strict=True) if line.author is Author.BOT]
        return Got(tuple(bots), _cited(ours))

    async def _person(self, does: str) -> None:
        item = await self.centre.get(self.item)
        if does == "accepts":
            offer = await self.centre.life.offer(item, AGENT, "")
            await self.centre.life.accept(offer.id, AGENT)
        elif does == "gives back":
            await self.centre.transfers.transfer(self.item, AGENT, ToBot(self.talk.flow), "done")
            if item.channel is Channel.CHAT:
                await self.centre.bot.come_back(self.item)
        else:
            await self.centre.life.reply(self.item, AGENT, does.removeprefix("writes "))


def _cited(lines: list[Message]) -> tuple[str, ...]:
    return tuple(cited.article_id for line in lines for cited in line.citations)


class ChatLine(WrittenLine):
    """A browser tab at the web node's hub, frame by frame."""

    def __init__(self, centre: Centre, talk: Talk) -> None:
        super().__init__(centre, talk)
        self.frames: list[dict[str, Any]] = []
        self.said = 0

    async def open(self) -> None:
        """Say hello; its frames are kept as the browser gets them."""
        secret = f"{self.number:0{VISITOR_CHARS}}"
        hello = {"type": "hello", "visitor": secret, "language": self.talk.language}
        frame = chat_wire.parse_frame(msgspec.json.encode(hello).decode())
        assert isinstance(frame, chat_wire.Hello)
        introduction = Introduction(secret, "", self.talk.customer, "", self.talk.language)
        visitor = admit(introduction, "", self.centre.hub.now)
        self.tab = await self.centre.hub.join(visitor, frame, self._keep)

    async def _keep(self, frame: dict[str, Any]) -> None:
        self.frames.append(frame)

    async def send(self, text: str) -> str:
        """A frame of the visitor's."""
        self.said += 1
        said = {"type": "message", "client_id": f"m{self.said}", "text": text}
        await self.centre.hub.take(
            self.tab, chat_wire.parse_frame(msgspec.json.encode(said).decode())
        )
        return self.tab.current

    def out(self) -> list[str]:
        """The lines of others in this chat, as the tab shows them."""
        shown = [line for frame in self.frames for line in frame.get("lines", ())
                 if frame.get("interaction") == self.item]  # fmt: skip
        return [line["text"] for line in shown if line["author"] in ("bot", "agent")]

    async def end(self) -> Ended:
        """The tab is closed."""
        ended = await super().end()
        await self.centre.hub.leave(self.tab)
        return ended


class SmsLine(WrittenLine):
    """A number that texts through the provider."""

    @property
    def phone(self) -> str:
        """The customer's."""
        return f"+3712{self.number:07}"

    async def send(self, text: str) -> str:
        """A webhook of the provider."""
        self.sid = f"SM{self.number}-{self.centre.clock.now().timestamp()}"
        form = {"MessageSid": self.sid, "From": self.phone, "To": "+37160000100", "Body": text}
        await self.centre.texts.take(form)
        return (await _newest(self.centre, self.phone)).id

    def out(self) -> list[str]:
        """The texts to this number."""
        return [text for to, text in self.centre.out.texts if to == self.phone]


class MailLine(WrittenLine):
    """A mail address; every answer goes under the one before."""

    @property
    def address(self) -> str:
        """The customer's."""
        return f"kim{self.number}@example.test"

    async def send(self, text: str) -> str:
        """A mail as its bytes come in."""
        mail = EmailMessage(policy=SMTP)
        mail["From"] = f"{self.talk.customer or 'Kim'} <{self.address}>"
        mail["To"], mail["Subject"] = HEAD.address, self.talk.subject or "Hello"
        mail["Message-ID"] = f"<{self.number}-{self.centre.clock.now().timestamp()}@example.test>"
        ours = self._mails()
        if ours:
            mail["In-Reply-To"] = mail["References"] = str(ours[-1]["Message-ID"])
            mail.replace_header("Subject", f"Re: {self.talk.subject or 'Hello'}")
        mail.set_content(f"{text}\n")
        return await self.centre.mails.take(mail.as_bytes(), self.address, HEAD.address)

    def _mails(self) -> list[EmailMessage]:
        return [mail for mail in self.centre.out.mails if self.address in str(mail["To"])]

    def out(self) -> list[str]:
        """The letters' own words, without what they quote."""
        return [_own_words(mail) for mail in self._mails()]


def _own_words(mail: EmailMessage) -> str:
    plain = mail.get_body(("plain",))
    assert plain is not None
    return str(plain.get_content()).partition("\n-- \n")[0]


async def _newest(centre: Centre, address: str) -> Interaction:
    async with centre.store.transaction() as tx:
        recent = await tx.interactions.recent()
    return next(item for item in recent if item.address == address)


LINES: Mapping[Channel, type[WrittenLine]] = {
    Channel.CHAT: ChatLine,
    Channel.SMS: SmsLine,
    Channel.EMAIL: MailLine,
}
