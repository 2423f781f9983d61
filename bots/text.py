"""The bot on chat, e-mail and SMS: a line of the customer in, one saved turn out.

1. It speaks only while the interaction is in state ``bot``; the save proves it.
2. Lines that came together are answered together, each once (``seen_seq``).
3. A fact delivered twice, or to two processes, makes one turn.
4. A turn that lost a race is saved again as it is, never computed (and its
   actions never done) twice, unless somebody else has answered meanwhile, or a
   person had the customer: what was thought before that is not said after it.
5. In a chat that a person gives back, and where no person came, the bot speaks first; in
   letters that a person gives back it waits.
6. A bot that breaks, however it does, says so and leaves the customer to a person.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from weakref import WeakValueDictionary

from bots import letters
from bots.conversation import Conversation, Heard, Reply, Turn
from bots.conversations import Conversations
from bots.limits import over_limit
from router.acts.lifecycle import Lifecycle
from router.acts.nobody import Nobody
from router.acts.returned import PersonDid
from router.customer_limits import DEFAULT_LIMITS, CustomerLimits
from router.errors import Conflict, IllegalMove, NoSuchInteraction
from router.events import BotStarted, Fact, MessageAdded
from router.model import (
    Author,
    Channel,
    Direction,
    EndedBy,
    Interaction,
    InteractionState,
    Message,
    NewMessage,
)
from router.ports import Bus, Store

GROUP = "text-bot"
TRIES = 8
"""Saves of one turn against other writers before the fact is given back to the bus."""
IDLE_S: Mapping[Channel, int] = {
    Channel.CHAT: 30 * 60,
    Channel.SMS: 24 * 3600,
    Channel.EMAIL: 72 * 3600,
}
"""Silence after which the bot closes a conversation that nobody goes on with."""
SEEN = "seen_seq"

log = logging.getLogger(__name__)

Think = Callable[[Conversation, "_Pending"], Awaitable[Turn]]
"""Makes a turn of what waits."""


@dataclass(frozen=True, slots=True)
class _Pending:
    """What waits for an answer: the interaction as loaded and the customer's lines."""

    interaction: Interaction
    lines: tuple[Message, ...]
    customer_name: str
    seen: int
    """The transcript's last line that this turn knows of."""


class TextBot:
    """Answers customers' lines while the bot is the handler."""

    def __init__(
        self,
        store: Store,
        lifecycle: Lifecycle,
        conversations: Conversations,
        base_url: str,
        limits: Callable[[], CustomerLimits] = lambda: DEFAULT_LIMITS,
    ) -> None:
        """``base_url`` is how customers reach our pages; links to sources begin with it.

        ``limits`` are the company's as they are now.
        """
        self._store = store
        self._lifecycle = lifecycle
        self._conversations = conversations
        self._base_url = base_url
        self._limits = limits
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def start(self, bus: Bus) -> None:
        """Hear of every line that joins a transcript."""
        await bus.subscribe(GROUP, self.handle, [MessageAdded, BotStarted])

    async def handle(self, fact: Fact) -> None:
        """Answer if this is a customer's line on a written channel and the bot's turn."""
        if isinstance(fact, BotStarted) and fact.channel != Channel.VOICE:
            await self.come_back(fact.interaction_id)
        if not isinstance(fact, MessageAdded) or fact.author != Author.CUSTOMER:
            return
        if fact.channel == Channel.VOICE or fact.state != InteractionState.BOT:
            return
        await self.answer(fact.interaction_id)

    async def answer(self, interaction_id: str) -> None:
        """Answer all lines not yet answered. Does nothing when there are none.

        Raises ``Conflict`` when others kept writing; try again later.
        """
        lock = self._locks.setdefault(interaction_id, asyncio.Lock())
        async with lock:
            # Lines that come in while we answer have facts of their own, which come next.
            while await self._answer_once(interaction_id):
                pass

    async def come_back(self, interaction_id: str) -> None:
        """Speak first where a person has given the chat back (rule 5); else do nothing."""
        lock = self._locks.setdefault(interaction_id, asyncio.Lock())
        async with lock:
            pending = await self._load(interaction_id, back=True)
            if pending is None:
                return
            await self._say_next(pending, self._begin)

    async def close_idle(self, now: datetime) -> int:
        """End conversations that customers left long ago; how many it were."""
        async with self._store.reading() as tx:
            handled = await tx.interactions.in_states([InteractionState.BOT])
        closed = 0
        for interaction in handled:
            if interaction.direction is Direction.OUTBOUND or interaction.channel not in IDLE_S:
                continue
            limit = timedelta(seconds=IDLE_S[interaction.channel])
            if now - await self._last_words(interaction) > limit:
                # A person may have it by now: that is not ours to end.
                ended = await self._lifecycle.end(
                    interaction.id,
                    EndedBy.SYSTEM,
                    "customer-silent",
                    only_in=InteractionState.BOT,
                )
                closed += ended.state is InteractionState.ENDED
        return closed

    async def _last_words(self, interaction: Interaction) -> datetime:
        async with self._store.reading() as tx:
            lines = await tx.interactions.messages(interaction.id)
        return lines[-1].at if lines else interaction.created_at

    async def _answer_once(self, interaction_id: str) -> bool:
        """One turn; True when somebody else answered first and lines may be left."""
        pending = await self._load(interaction_id)
        if pending is None:
            return False
        return await self._say_next(pending, self._converse)

    async def _say_next(self, pending: _Pending, think: Think) -> bool:
        try:
            await self._conversations.ready_for(pending.interaction)
            conversation = self._conversations.of(pending.interaction)
            turn = await think(conversation, pending)
            lines = self._lines(conversation, pending, turn)
        except Exception:
            # Whatever it is, the customer must not wait for a bot that will never answer.
            log.exception("the bot failed on %s; a person takes over", pending.interaction.id)
            turn = self._conversations.broken(pending.interaction)
            lines = self._lines(None, pending, turn)
        return await self._save(pending, turn, lines)

    async def _begin(self, conversation: Conversation, pending: _Pending) -> Turn:
        return await conversation.begin(pending.interaction, customer_name=pending.customer_name)

    async def _load(self, interaction_id: str, *, back: bool = False) -> _Pending | None:
        """What waits for an answer; with ``back`` a conversation that was given back."""
        try:
            # Not all at one moment: the save proves that nobody wrote the interaction since.
            async with self._store.reading() as tx:
                interaction = await tx.interactions.get(interaction_id)
                if interaction.state is not InteractionState.BOT:
                    return None
                if back and not (_speaks_first(interaction) and _is_new(interaction)):
                    return None
                seen = int(interaction.bot_state.get(SEEN, 0))
                lines = await tx.interactions.messages(interaction_id, after_seq=seen)
                waiting = _unanswered(lines)
                if back and Nobody.of(interaction):
                    waiting = ()  # "hello?" while nobody came is no answer to what is asked now
                if bool(waiting) is back:
                    return None
                name = ""
                if _is_new(interaction):  # then it may be greeted by name
                    name = (await tx.people.customer(interaction.customer_id)).name
        except NoSuchInteraction:
            log.info("interaction %s is gone; nothing to answer", interaction_id)
            return None
        last = (waiting or lines)[-1].seq if lines else seen
        return _Pending(interaction, waiting, name, last)

    async def _converse(self, conversation: Conversation, pending: _Pending) -> Turn:
        interaction = pending.interaction
        memory = interaction.bot_state
        opening: tuple[Reply, ...] = ()
        if _is_new(interaction):
            first = await conversation.begin(interaction, customer_name=pending.customer_name)
            if first.handoff or first.ended:
                return first
            # The customer has spoken already: greet, but do not ask what they want.
            opening = tuple(reply for reply in first.replies if not reply.question)
            memory = first.memory
        customer, now = interaction.customer_id, pending.lines[-1].at
        reason = await over_limit(self._store, self._limits(), customer, now)
        if reason:
            return await conversation.give_up(memory, reason)
        turn = await conversation.hear(memory, _heard(pending))
        return replace(turn, replies=opening + turn.replies)

    def _lines(
        self, conversation: Conversation | None, pending: _Pending, turn: Turn
    ) -> list[NewMessage]:
        """What is written; without a ``conversation``, the one sentence of a broken bot."""
        replies = [reply for reply in turn.replies if reply.text]
        if not replies:
            return []
        match pending.interaction.channel:
            case Channel.EMAIL if conversation is not None:
                last = turn.handoff is not None or turn.ended is not None
                text = letters.mail(conversation, turn.memory, replies, self._base_url, last=last)
                texts = [text]
            case Channel.SMS:
                texts = [letters.sms(replies, self._base_url)]
            case _:
                return [
                    self._line(conversation, pending, i, reply.text, [reply])
                    for i, reply in enumerate(replies)
                ]
        return [self._line(conversation, pending, i, text, replies) for i, text in enumerate(texts)]

    def _line(
        self,
        conversation: Conversation | None,
        pending: _Pending,
        place: int,
        text: str,
        replies: Sequence[Reply],
    ) -> NewMessage:
        citations = {c.article_id: c for reply in replies for c in reply.citations}
        return NewMessage(
            Author.BOT,
            text,
            author_id=conversation.flow.name if conversation else "",
            external_id=f"bot:{pending.interaction.id}:{pending.seen}:{place}",
            citations=tuple(citations.values()),
        )

    async def _save(self, pending: _Pending, turn: Turn, lines: Sequence[NewMessage]) -> bool:
        """Save the turn against other writers; True when one of them answered instead."""
        interaction = pending.interaction
        memory = {**turn.memory, SEEN: pending.seen}
        plan = turn.plan
        language = str(turn.memory.get("language") or interaction.language)
        for _ in range(TRIES):
            try:
                await self._lifecycle.save_bot_turn(
                    replace(interaction, language=language),
                    memory,
                    lines,
                    plan,
                    turn.ended,
                    turn.facts,
                )
            except Conflict:
                async with self._store.reading() as tx:
                    interaction = await tx.interactions.get(interaction.id)
                if _moved_on(pending.interaction, interaction):
                    return True  # Somebody else answered; look whether lines are left.
            except IllegalMove:
                log.info("interaction %s is no longer the bot's; turn dropped", interaction.id)
                return False
            else:
                return False
        raise Conflict(f"interaction {interaction.id}: {TRIES} saves lost against other writers")


def _is_new(interaction: Interaction) -> bool:
    """Whether a conversation begins: the first, or the next after people had the customer."""
    memory = interaction.bot_state
    return not memory.get("flow") or bool(memory.get("over"))


def _speaks_first(interaction: Interaction) -> bool:
    """Whether the bot has the first word: no person came, or one gave the chat back (rule 5)."""
    if Nobody.of(interaction):
        return True
    return interaction.channel is Channel.CHAT and PersonDid.of(interaction) is not None


def _moved_on(before: Interaction, now: Interaction) -> bool:
    """Whether another turn was saved meanwhile, or it waited for people in between."""
    return (before.bot_state, before.joined_at) != (now.bot_state, now.joined_at)


def _unanswered(lines: Sequence[Message]) -> tuple[Message, ...]:
    """The customer's lines behind the last one of a person."""
    waiting: list[Message] = []
    for line in lines:
        if line.author is Author.AGENT:
            waiting.clear()
        elif line.author is Author.CUSTOMER:
            waiting.append(line)
    return tuple(waiting)


def _heard(pending: _Pending) -> Heard:
    """The lines as one utterance; a lone digit is a key of the menu."""
    texts = [line.text.strip() for line in pending.lines]
    subject = pending.interaction.subject.strip()
    first_mail = pending.interaction.channel is Channel.EMAIL and not pending.interaction.bot_state
    if first_mail and subject and not subject.lower().startswith(("re:", "fw:", "fwd:")):
        texts.insert(0, subject)
    text = "\n".join(text for text in texts if text)
    if len(text) == 1 and text in "0123456789":
        return Heard.pressed(text)
    return Heard.said(text)
