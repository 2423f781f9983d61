"""Everybody who chats through this web node, and what each of them has seen.

1. The store is the truth. A fact from the bus only wakes a talk up; it then
   reads the lines after the last one sent. So a line is neither lost (the next
   wake-up sends it) nor doubled (the number of the last line is kept).
2. A visitor's line is acknowledged only when it is stored, and stored once per
   ``client_id``, however often it is sent.
3. One slow browser delays nobody: each talk sends from a task of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from channels import chat_wire as wire
from channels.chat_news import ChatNews, Places
from channels.chat_talk import SendFrame, Talk, Told
from channels.identity import guess_language
from channels.text_errors import BadFrame, NotNow, NotYours, TooFast
from channels.visitor import Visitor, recognise
from router.acts.lifecycle import Lifecycle, Received
from router.errors import Conflict, ParleyError
from router.events import (
    BotStarted,
    Fact,
    InteractionArrived,
    InteractionEnded,
    InteractionQueued,
    MessageAdded,
    OfferAccepted,
    TypingNoticed,
)
from router.model import (
    Arrival,
    Author,
    Channel,
    EndedBy,
    InteractionState,
    Message,
    NewMessage,
)
from router.ports import Bus, Clock, Store

SERVICE_ADDRESS = "web-chat"
BURST = 8
"""Lines that a visitor may send at once; then one every ``REFILL_S``."""
REFILL_S = 1.0
TYPING_EVERY_S = 2.0
RETRY_S = 1.0
LEAVE_S = 3.0
ATTEMPTS = 4

FACTS = (
    InteractionArrived,
    BotStarted,
    MessageAdded,
    TypingNoticed,
    InteractionQueued,
    OfferAccepted,
    InteractionEnded,
)

log = logging.getLogger(__name__)


@dataclass
class Bucket:
    """Lets ``BURST`` lines through at once and one more every ``REFILL_S``."""

    left: float = BURST
    at: datetime | None = None

    def take(self, now: datetime) -> float:
        """0 when the line may pass, else the seconds to wait."""
        if self.at is not None:
            self.left = min(BURST, self.left + (now - self.at).total_seconds() / REFILL_S)
        self.at = now
        if self.left >= 1:
            self.left -= 1
            return 0.0
        return (1 - self.left) * REFILL_S


class ChatHub:
    """The chats of the web node ``node``."""

    def __init__(
        self,
        store: Store,
        lifecycle: Lifecycle,
        bus: Bus,
        node: str,
        clock: Clock,
        places: Places | None = None,
    ) -> None:
        self._store = store
        self._news = ChatNews(store, clock, places)
        self._lifecycle = lifecycle
        self._bus = bus
        self._node = node
        self._clock = clock
        self._talks: set[Talk] = set()
        self._buckets: dict[str, Bucket] = {}

    @property
    def now(self) -> datetime:
        """The time, for whoever admits visitors."""
        return self._clock.now()

    async def start(self) -> None:
        """Hear of news for as long as this process lives."""
        await self._bus.subscribe(f"chat.{self._node}", self.handle, FACTS, lasting=False)
        self._bus.on_restored(self._look_again)

    async def stop(self) -> None:
        """Let go of all talks. Safe to call twice."""
        for talk in list(self._talks):
            await self.leave(talk)

    async def handle(self, fact: Fact) -> None:
        """Wake the talks that a fact may concern."""
        if isinstance(fact, TypingNoticed):
            await self._show_typing(fact)
            return
        moves_queue = isinstance(fact, InteractionQueued | OfferAccepted | InteractionEnded)
        for talk in self._talks:
            if isinstance(fact, InteractionArrived):
                if fact.address == talk.visitor.identity.value:
                    talk.hear_of_new(fact.interaction_id)
            elif fact.interaction_id in talk.shown:
                talk.hear(fact)
            elif moves_queue and talk.waiting:
                talk.look_at(talk.current)

    def _look_again(self) -> None:
        """The bus was away: facts may be missing."""
        for talk in self._talks:
            talk.wake()

    # -- one talk --------------------------------------------------------------

    async def join(self, visitor: Visitor, hello: wire.Hello, send: SendFrame) -> Talk:
        """A browser came, or came back: send what it misses and keep it up to date."""
        talk = Talk(visitor, send)
        chats = await self._news.chats(visitor)
        known = [chat.id for chat in chats]
        if hello.interaction in known:
            # It missed the end of the one it knows, and all that came after.
            for chat_id in known[known.index(hello.interaction) :]:
                talk.shown[chat_id] = 0
            talk.shown[hello.interaction] = hello.after_seq
        elif chats and not self._news.is_past(chats[-1]):
            talk.shown[known[-1]] = 0
        talk.current = known[-1] if known else ""
        self._talks.add(talk)
        if not talk.shown:
            await send(_nobody())
        talk.task = asyncio.create_task(self._keep_up(talk), name="chat-talk")
        talk.wake()
        return talk

    async def leave(self, talk: Talk) -> None:
        """The browser has gone; its chat goes on waiting for it."""
        self._talks.discard(talk)
        if not any(other.visitor.key == talk.visitor.key for other in self._talks):
            bucket = self._buckets.get(talk.visitor.key)
            if bucket is not None and bucket.left >= BURST:
                del self._buckets[talk.visitor.key]
        task, talk.task = talk.task, None
        if task is not None:
            # It ends by itself: a transaction should not be torn off in the middle.
            talk.left = True
            talk.wake()
            done, _ = await asyncio.wait([task], timeout=LEAVE_S)
            if not done:
                task.cancel()

    async def take(self, talk: Talk, frame: wire.Frame) -> None:
        """Do what a frame asks. Raises ``BadFrame`` (and its kin): nothing changed then."""
        match frame:
            case wire.Say():
                await self._say(talk, frame)
            case wire.Typing():
                await self._note_typing(talk)
            case wire.Survey():
                await self._score(talk, frame)
            case wire.End():
                await self._end(talk)
            case wire.Ping():
                talk.wake()
                await talk.send({"type": "pong"})
            case wire.Hello():
                raise BadFrame("hello comes once, as the first frame")

    async def _say(self, talk: Talk, frame: wire.Say) -> None:
        wait_s = self._buckets.setdefault(talk.visitor.key, Bucket()).take(self.now)
        if wait_s:
            raise TooFast(wait_s)
        external_id = wire.external_id(talk.visitor.key, frame.client_id)
        talk.saying += 1
        try:
            received = await self._store_line(talk.visitor, frame, external_id)
            message = received.message or await self._stored(received.interaction.id, external_id)
        except Exception as error:  # whatever it was, we do not know that the line is stored
            talk.wake()
            log.exception("a chat line could not be stored")
            raise NotNow("it could not be stored now; send it again") from error
        finally:
            talk.saying -= 1
        interaction = received.interaction
        talk.shown.setdefault(interaction.id, 0)
        talk.current = interaction.id
        ack = {"client_id": frame.client_id, "interaction": interaction.id, "seq": message.seq}
        await talk.send({"type": "ack", **ack})
        if interaction.state is InteractionState.BOT and received.message is not None:
            await talk.send({"type": "typing", "author": "bot", "name": ""})
        if received.message is not None:
            talk.tell(Told(interaction, message))
        else:  # it was stored long ago: what else has happened is not known
            talk.wake()

    async def _store_line(self, visitor: Visitor, frame: wire.Say, external_id: str) -> Received:
        text = wire.clean(frame.text)
        arrival = Arrival(
            channel=Channel.CHAT,
            identity=visitor.identity,
            service_address=SERVICE_ADDRESS,
            name=visitor.name,
            external_id=external_id,
            language=visitor.language or guess_language(text),
            meta=visitor.meta(),
        )
        line = NewMessage(Author.CUSTOMER, text, external_id=external_id)
        for left in reversed(range(ATTEMPTS)):
            try:
                await recognise(self._store, visitor, self.now)
                return await self._lifecycle.receive(arrival, line)
            except Conflict:
                if not left:
                    raise
        raise AssertionError("unreachable")

    async def _stored(self, interaction_id: str, external_id: str) -> Message:
        async with self._store.reading() as tx:
            lines = await tx.interactions.messages(interaction_id)
        return next(line for line in lines if line.external_id == external_id)

    async def _note_typing(self, talk: Talk) -> None:
        last, now = talk.typing_at, self.now
        with_agent = talk.states.get(talk.current, {}).get("with") == "agent"
        if with_agent and (last is None or (now - last).total_seconds() >= TYPING_EVERY_S):
            talk.typing_at = now
            noticed = TypingNoticed(at=now, interaction_id=talk.current, author=Author.CUSTOMER)
            await self._bus.publish([noticed])

    async def _score(self, talk: Talk, frame: wire.Survey) -> None:
        state = talk.states.get(frame.interaction, {})
        if not state.get("survey"):
            raise NotYours("only a chat of yours that is over can be scored, and only once")
        try:
            await self._lifecycle.record_survey(
                frame.interaction, frame.score, wire.SCALE, Channel.CHAT
            )
        except (ParleyError, OSError) as error:
            raise NotNow("it could not be stored now; send it again") from error
        state["survey"] = False
        await talk.send(
            {"type": "surveyed", "interaction": frame.interaction, "score": frame.score}
        )

    async def _end(self, talk: Talk) -> None:
        if not talk.current:
            return
        try:
            await self._lifecycle.end(talk.current, EndedBy.CUSTOMER, "visitor closed the chat")
        except (ParleyError, OSError) as error:
            raise NotNow("it could not be ended now; try again") from error
        talk.wake()

    # -- keeping up ------------------------------------------------------------

    async def _keep_up(self, talk: Talk) -> None:
        while True:
            await talk.woken.wait()
            talk.woken.clear()
            if talk.left:
                return
            try:
                await self._catch_up(talk)
            except Exception:  # a talk must outlive any fault of the store or the socket
                log.exception("a chat could not be read; it is tried again")
                await asyncio.sleep(RETRY_S)
                talk.wake()

    async def _catch_up(self, talk: Talk) -> None:
        for page in await self._news.pages(talk, talk.take_news()):
            chat_id = page.chat.id
            for frame in page.frames(talk.states.get(chat_id)):
                await talk.send(frame)
            talk.showed(page.chat, page.seq, page.state)

    async def _show_typing(self, fact: TypingNoticed) -> None:
        if fact.author == Author.CUSTOMER:
            return
        talks = [talk for talk in self._talks if talk.current == fact.interaction_id]
        if not talks:
            return
        names = await self._news.names({fact.author_id})
        for talk in talks:
            with contextlib.suppress(OSError, RuntimeError):
                await talk.send(
                    {"type": "typing", "author": fact.author, "name": names.get(fact.author_id, "")}
                )


def _nobody() -> dict[str, Any]:
    return {"type": "state", "interaction": "", "with": "nobody"}
