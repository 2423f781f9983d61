"""One browser tab of a chat: what it has been shown, and what it has to look at.

1. What a tab was shown is the number of a last line per chat, so that no line is sent twice.
2. News says which chat to look at and how far: for lines only, for its state as well, or for
   all chats of the visitor. Nobody reads what the news already disproves.
3. A line that this very process has just stored need not be read again (``tell``), while it
   follows the last one shown and nothing newer is known of its chat.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from channels.visitor import Visitor
from router.events import BotStarted, Fact, MessageAdded
from router.model import Author, Interaction, InteractionState, Message

OVER = frozenset({InteractionState.WRAP_UP, InteractionState.ENDED})
QUEUED = frozenset({InteractionState.WAITING, InteractionState.OFFERED})
SendFrame = Callable[[dict[str, Any]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Told:
    """A line that was stored here, with its chat as it was then."""

    chat: Interaction
    line: Message


@dataclass(slots=True)
class News:
    """What to look at: ``chats`` by id, True for the state as well as the lines.

    With ``all_chats`` a new one may be among them.
    """

    all_chats: bool = False
    chats: dict[str, bool] = field(default_factory=dict)
    told: list[Told] = field(default_factory=list)

    def ask(self, chat_id: str, *, state: bool) -> None:
        """Look at this chat."""
        self.chats[chat_id] = self.chats.get(chat_id, False) or state


@dataclass(eq=False)
class Talk:
    """One browser tab. ``shown`` maps an interaction to the last line sent to the tab.

    ``rows`` has each chat's newest row that was read, ``states`` the frame that was sent of it.
    """

    visitor: Visitor
    send: SendFrame
    shown: dict[str, int] = field(default_factory=dict)
    rows: dict[str, Interaction] = field(default_factory=dict)
    states: dict[str, dict[str, Any]] = field(default_factory=dict)
    heard: dict[str, int] = field(default_factory=dict)
    """The last line that facts spoke of, by chat."""
    current: str = ""
    left: bool = False
    typing_at: datetime | None = None
    saying: int = 0
    """Lines of this tab that are being stored now: they will be told."""
    news: News = field(default_factory=News)
    woken: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task[None] | None = None

    @property
    def waiting(self) -> bool:
        """Whether its chat is in a queue."""
        row = self.rows.get(self.current)
        return row is not None and row.state in QUEUED

    def wake(self) -> None:
        """Look at everything soon."""
        self.news.all_chats = True
        self.woken.set()

    def look_at(self, chat_id: str, *, state: bool = True) -> None:
        """Look at one chat soon."""
        self.news.ask(chat_id, state=state)
        self.woken.set()

    def tell(self, told: Told) -> None:
        """Show a line that has just been stored."""
        self.news.told.append(told)
        self.woken.set()

    def hear_of_new(self, chat_id: str) -> None:
        """A chat of this visitor has begun, here or in another tab of theirs."""
        if chat_id not in self.shown and not self.saying:
            self.wake()

    def hear(self, fact: Fact) -> None:
        """A fact about a chat that is shown (rule 2)."""
        if isinstance(fact, MessageAdded):
            self._hear_line(fact)
        elif not (isinstance(fact, BotStarted) and self._known_in(fact) is InteractionState.BOT):
            self.look_at(fact.interaction_id)

    def _known_in(self, fact: Fact) -> InteractionState | None:
        row = self.rows.get(fact.interaction_id)
        return row.state if row else None

    def _hear_line(self, fact: MessageAdded) -> None:
        self.heard[fact.interaction_id] = max(self.heard.get(fact.interaction_id, 0), fact.seq)
        as_known = self._known_in(fact) == fact.state
        if as_known and fact.seq <= self.shown[fact.interaction_id]:
            return
        if self.saying and fact.author == Author.CUSTOMER:
            return
        bots = as_known and fact.state == InteractionState.BOT
        self.look_at(fact.interaction_id, state=not bots)

    def showed(self, chat: Interaction, seq: int, state: dict[str, Any] | None) -> None:
        """This is on the tab now; without a ``state`` that was not looked at."""
        self.shown[chat.id] = seq
        if state is not None:
            self.rows[chat.id] = chat
            self.states[chat.id] = state

    def take_news(self) -> News:
        """What to look at now; from here on it gathers anew."""
        news, self.news = self.news, News()
        last = dict(self.shown)
        for each in news.told:
            chat_id, seq = each.chat.id, each.line.seq
            if not self._is_newest(each.chat) or seq > last.get(chat_id, 0) + 1:
                news.ask(chat_id, state=True)
            last[chat_id] = max(last.get(chat_id, 0), seq)
        for chat_id in {each.chat.id for each in news.told}:
            if self.heard.get(chat_id, 0) > last[chat_id]:  # it came while ours was being stored
                news.ask(chat_id, state=True)
        # What facts spoke of may have been read with what came before it.
        news.chats = {
            chat_id: state
            for chat_id, state in news.chats.items()
            if state or self.heard.get(chat_id, 0) > self.shown.get(chat_id, 0)
        }
        read = set(last) if news.all_chats else set(news.chats)
        news.told = [
            each
            for each in news.told
            if each.chat.id not in read and each.line.seq > self.shown.get(each.chat.id, 0)
        ]
        return news

    def _is_newest(self, chat: Interaction) -> bool:
        """Whether nothing later is known of a chat that the bot has (rule 3)."""
        known = self.rows.get(chat.id)
        later = known is not None and known.version > chat.version
        return chat.state is InteractionState.BOT and not later
