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
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import ceil
from typing import Any, Protocol

from channels import chat_wire as wire
from channels.identity import guess_language
from channels.text_errors import BadFrame, NotNow, NotYours, TooFast
from channels.visitor import Visitor, recognise
from router.acts.lifecycle import Lifecycle, Received
from router.errors import Conflict, NoSuchAgent, ParleyError
from router.events import (
    BotStarted,
    Fact,
    InteractionArrived,
    InteractionEnded,
    InteractionQueued,
    MessageAdded,
    OfferAccepted,
    SurveyAnswered,
    TypingNoticed,
)
from router.model import (
    Arrival,
    Author,
    Channel,
    EndedBy,
    Interaction,
    InteractionState,
    Message,
    NewMessage,
)
from router.ports import Bus, Clock, Store, Transaction

SERVICE_ADDRESS = "web-chat"
BURST = 8
"""Lines that a visitor may send at once; then one every ``REFILL_S``."""
REFILL_S = 1.0
TYPING_EVERY_S = 2.0
RETRY_S = 1.0
LEAVE_S = 3.0
PAST_S = 12 * 3600
HISTORY = 20
"""Interactions of a customer among which this visitor's chats are looked for."""
ATTEMPTS = 4

OVER = frozenset({InteractionState.WRAP_UP, InteractionState.ENDED})
QUEUED = frozenset({InteractionState.WAITING, InteractionState.OFFERED})
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
SendFrame = Callable[[dict[str, Any]], Awaitable[None]]


class Places(Protocol):
    """Knows the distributor's order; the gateway's waiting room."""

    async def place(self, tx: Transaction, interaction_id: str) -> tuple[int | None, float | None]:
        """The place, 1 is next, and the seconds until it is its turn; None for not known."""
        ...


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


@dataclass(eq=False)
class Talk:
    """One browser tab. ``shown`` maps an interaction to the last line sent to the tab."""

    visitor: Visitor
    send: SendFrame
    shown: dict[str, int] = field(default_factory=dict)
    states: dict[str, dict[str, Any]] = field(default_factory=dict)
    current: str = ""
    waiting: bool = False
    left: bool = False
    typing_at: datetime | None = None
    woken: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task[None] | None = None

    def wake(self) -> None:
        """Look for news soon."""
        self.woken.set()


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
        """Without ``places`` the place is counted and how long it takes is not said."""
        self._places = places
        self._store = store
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
            its_own = fact.interaction_id in talk.shown
            if isinstance(fact, InteractionArrived):
                its_own = fact.address == talk.visitor.identity.value
            if its_own or (moves_queue and talk.waiting):
                talk.wake()

    # -- one talk --------------------------------------------------------------

    async def join(self, visitor: Visitor, hello: wire.Hello, send: SendFrame) -> Talk:
        """A browser came, or came back: send what it misses and keep it up to date."""
        talk = Talk(visitor, send)
        async with self._store.transaction() as tx:
            chats = await self._chats(tx, visitor)
        known = [chat.id for chat in chats]
        if hello.interaction in known:
            # It missed the end of the one it knows, and all that came after.
            for chat_id in known[known.index(hello.interaction) :]:
                talk.shown[chat_id] = 0
            talk.shown[hello.interaction] = hello.after_seq
        elif chats and not self._is_past(chats[-1]):
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
        try:
            received = await self._store_line(talk.visitor, frame, external_id)
            message = received.message or await self._stored(received.interaction.id, external_id)
        except Exception as error:  # whatever it was, the line is not stored
            log.exception("a chat line could not be stored")
            raise NotNow("it could not be stored now; send it again") from error
        interaction = received.interaction
        talk.shown.setdefault(interaction.id, 0)
        talk.current = interaction.id
        ack = {"client_id": frame.client_id, "interaction": interaction.id, "seq": message.seq}
        await talk.send({"type": "ack", **ack})
        if interaction.state is InteractionState.BOT and received.message is not None:
            await talk.send({"type": "typing", "author": "bot", "name": ""})
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
                async with self._store.transaction() as tx:
                    await recognise(tx, visitor, self.now)
                return await self._lifecycle.receive(arrival, line)
            except Conflict:
                if not left:
                    raise
        raise AssertionError("unreachable")

    async def _stored(self, interaction_id: str, external_id: str) -> Message:
        async with self._store.transaction() as tx:
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
        async with self._store.transaction() as tx:
            chats = await self._chats(tx, talk.visitor)
            newest = chats[-1].id if chats else ""
            if newest and not self._is_past(chats[-1]):
                talk.shown.setdefault(newest, 0)
            frames: list[tuple[str, int, list[dict[str, Any]]]] = []
            for chat in chats:
                if chat.id in talk.shown:
                    frames.append(await self._news(tx, talk, chat))
            talk.current = newest or talk.current
        for chat_id, seq, news in frames:
            for frame in news:
                await talk.send(frame)
            talk.shown[chat_id] = seq

    async def _news(
        self, tx: Transaction, talk: Talk, chat: Interaction
    ) -> tuple[str, int, list[dict[str, Any]]]:
        """The chat's id, its last line's number, and the frames that bring the tab up to date."""
        lines = await tx.interactions.messages(chat.id, talk.shown[chat.id])
        frames: list[dict[str, Any]] = []
        seen = [line for line in lines if wire.is_shown(line)]
        if seen:
            names = await _names(tx, {line.author_id for line in seen})
            packed = [
                wire.pack_line(
                    line, names.get(line.author_id, ""), wire.client_id_of(talk.visitor.key, line)
                )
                for line in seen
            ]
            frames.append(wire.pack_lines(chat.id, packed))
        state = await self._state(tx, chat)
        talk.waiting = chat.state in QUEUED
        if talk.states.get(chat.id) != state:
            talk.states[chat.id] = state
            # Who came is said before what they say; that it is over, after it.
            frames.insert(0 if state["type"] == "state" else len(frames), dict(state))
        return chat.id, lines[-1].seq if lines else talk.shown[chat.id], frames

    async def _state(self, tx: Transaction, chat: Interaction) -> dict[str, Any]:
        """With whom the visitor talks; ``ended`` frames offer the survey while it is open."""
        state: dict[str, Any] = {"type": "state", "interaction": chat.id, "with": "bot"}
        if chat.state in OVER:
            given = await tx.log.facts(interaction_id=chat.id, types=[SurveyAnswered])
            by = str(chat.ended_by or "")
            return {
                "type": "ended",
                "interaction": chat.id,
                "by": by,
                "survey": bool(chat.accepted_at) and not given,
            }
        if chat.state in QUEUED:
            state |= {"with": "waiting", **await self._place(tx, chat)}
        elif chat.state is InteractionState.AGENT:
            names = await _names(tx, {chat.agent_id or ""})
            state |= {"with": "agent", "agent": names.get(chat.agent_id or "", "")}
        return state

    async def _place(self, tx: Transaction, chat: Interaction) -> dict[str, int | None]:
        """The place and the whole minutes that it will take, as far as they are known."""
        position, estimate_s = None, None
        if self._places is not None:
            position, estimate_s = await self._places.place(tx, chat.id)
        return {
            "position": position or await _position(tx, chat),
            "minutes": None if estimate_s is None else max(1, ceil(estimate_s / 60)),
        }

    async def _chats(self, tx: Transaction, visitor: Visitor) -> list[Interaction]:
        """This visitor's own chats, oldest first."""
        customer = await tx.people.find_customer(visitor.identity)
        if customer is None:
            return []
        found = await tx.interactions.for_customer(customer.id, HISTORY)
        mine = (chat for chat in found if chat.address == visitor.identity.value)
        return [chat for chat in mine if chat.channel is Channel.CHAT][::-1]

    def _is_past(self, chat: Interaction) -> bool:
        """Over for so long that a new visit should begin with an empty window."""
        ended = chat.left_at or chat.ended_at or self.now
        return chat.state in OVER and self.now - ended > timedelta(seconds=PAST_S)

    async def _show_typing(self, fact: TypingNoticed) -> None:
        if fact.author == Author.CUSTOMER:
            return
        talks = [talk for talk in self._talks if talk.current == fact.interaction_id]
        if not talks:
            return
        async with self._store.transaction() as tx:
            names = await _names(tx, {fact.author_id})
        for talk in talks:
            with contextlib.suppress(OSError, RuntimeError):
                await talk.send(
                    {"type": "typing", "author": fact.author, "name": names.get(fact.author_id, "")}
                )


def _nobody() -> dict[str, Any]:
    return {"type": "state", "interaction": "", "with": "nobody"}


async def _names(tx: Transaction, author_ids: Iterable[str]) -> dict[str, str]:
    names = {}
    for author_id in author_ids:
        if author_id:
            with contextlib.suppress(NoSuchAgent):
                names[author_id] = (await tx.people.agent(author_id)).name
    return names


async def _position(tx: Transaction, chat: Interaction) -> int:
    """The place in the queue, 1 is next; agents' skills may still change the order."""

    def earliest(one: Interaction) -> float:
        return (one.joined_at or one.created_at).timestamp() - one.head_start_s

    waiting = await tx.interactions.in_states(QUEUED)
    ahead = [one for one in waiting if one.queue == chat.queue and earliest(one) < earliest(chat)]
    return len(ahead) + 1
