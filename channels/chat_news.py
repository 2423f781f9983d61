"""What a chat's tab is missing, read from the store and packed for its socket.

1. Of a chat its row is read before its lines: a line may be shown before the state that goes
   with it, but that a chat is over never before its last line.
2. What the news tells already is not read (``channels.chat_talk``).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import Any, Protocol

from channels import chat_wire as wire
from channels.chat_talk import OVER, QUEUED, News, Talk
from channels.visitor import Visitor
from router.events import SurveyAnswered
from router.model import Author, Channel, Interaction, InteractionState, Message
from router.ports import Clock, Store, Transaction

PAST_S = 12 * 3600
HISTORY = 20
"""Of a visitor's chats so many are known, the newest."""


class Places(Protocol):
    """Knows the distributor's order; the gateway's waiting room."""

    async def place(self, tx: Transaction, interaction_id: str) -> tuple[int | None, float | None]:
        """The place, 1 is next, and the seconds until it is its turn; None for not known."""
        ...


@dataclass(frozen=True, slots=True)
class Page:
    """What is new of one chat: its row as read, its state frame, its lines, the last one's number.

    Without a ``state`` it was not looked at.
    """

    chat: Interaction
    lines: Sequence[dict[str, Any]]
    seq: int
    state: dict[str, Any] | None

    def frames(self, shown: dict[str, Any] | None) -> list[dict[str, Any]]:
        """In the order to send them; ``shown`` is the state that the tab knows."""
        frames = [wire.pack_lines(self.chat.id, self.lines)] if self.lines else []
        if self.state is not None and self.state != shown:
            # Who came is said before what they say; that it is over, after it.
            frames.insert(0 if self.state["type"] == "state" else len(frames), dict(self.state))
        return frames


class ChatNews:
    """Reads what tabs are missing."""

    def __init__(self, store: Store, clock: Clock, places: Places | None) -> None:
        """Without ``places`` the place is counted and how long it takes is not said."""
        self._store = store
        self._clock = clock
        self._places = places

    async def chats(self, visitor: Visitor) -> list[Interaction]:
        """This visitor's own chats, oldest first."""
        async with self._store.reading() as tx:
            return await _chats(tx, visitor)

    def is_past(self, chat: Interaction) -> bool:
        """Over for so long that a new visit should begin with an empty window."""
        ended = chat.left_at or chat.ended_at or self._clock.now()
        return chat.state in OVER and self._clock.now() - ended > timedelta(seconds=PAST_S)

    async def names(self, agent_ids: Iterable[str]) -> dict[str, str]:
        """Of those who are agents."""
        async with self._store.reading() as tx:
            return await _names(tx, agent_ids)

    async def pages(self, talk: Talk, news: News) -> list[Page]:
        """What the news brings, chat by chat, oldest first. A new chat counts as shown from now."""
        told = [
            Page(one.chat, [self._packed(talk, one.line, {})], one.line.seq, _state(one.chat))
            for one in news.told
        ]
        if not (news.all_chats or news.chats):
            return told
        async with self._store.reading() as tx:
            chats = await self._to_read(tx, talk, news)
            return told + [
                await self._page(tx, talk, chat, looked=looked) for chat, looked in chats
            ]

    async def _to_read(
        self, tx: Transaction, talk: Talk, news: News
    ) -> list[tuple[Interaction, bool]]:
        """The rows of the chats to read, and whether they are as they are now."""
        if news.all_chats:
            chats = await _chats(tx, talk.visitor)
            if chats and not self.is_past(chats[-1]):
                talk.shown.setdefault(chats[-1].id, 0)
            talk.current = chats[-1].id if chats else talk.current
            return [(chat, True) for chat in chats if chat.id in talk.shown]
        # Without its row nothing can be said of a chat.
        wanted = [one for one, state in news.chats.items() if state or one not in talk.rows]
        found = await tx.interactions.get_many(wanted) if wanted else {}
        known = [(found.get(one) or talk.rows.get(one), one in found) for one in news.chats]
        return [(chat, looked) for chat, looked in known if chat is not None]

    async def _page(self, tx: Transaction, talk: Talk, chat: Interaction, *, looked: bool) -> Page:
        after = talk.shown.get(chat.id, 0)
        lines = await tx.interactions.messages(chat.id, after)
        seen = [line for line in lines if wire.is_shown(line)]
        names = await _names(tx, {line.author_id for line in seen if line.author is Author.AGENT})
        packed = [self._packed(talk, line, names) for line in seen]
        state = await self._state(tx, chat) if looked else None
        return Page(chat, packed, lines[-1].seq if lines else after, state)

    def _packed(self, talk: Talk, line: Message, names: dict[str, str]) -> dict[str, Any]:
        own = wire.client_id_of(talk.visitor.key, line)
        return wire.pack_line(line, names.get(line.author_id, ""), own)

    async def _state(self, tx: Transaction, chat: Interaction) -> dict[str, Any]:
        """With whom the visitor talks; ``ended`` frames offer the survey while it is open."""
        if chat.state in OVER:
            given = chat.accepted_at and await tx.log.facts(
                interaction_id=chat.id, types=[SurveyAnswered]
            )
            by = str(chat.ended_by or "")
            survey = bool(chat.accepted_at) and not given
            return {"type": "ended", "interaction": chat.id, "by": by, "survey": survey}
        state = _state(chat)
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


async def _chats(tx: Transaction, visitor: Visitor) -> list[Interaction]:
    found = await tx.interactions.held_at(visitor.identity, Channel.CHAT, HISTORY)
    return found[::-1]


def _state(chat: Interaction) -> dict[str, Any]:
    """While nobody is waited for."""
    return {"type": "state", "interaction": chat.id, "with": "bot"}


async def _names(tx: Transaction, agent_ids: Iterable[str]) -> dict[str, str]:
    wanted = {agent_id for agent_id in agent_ids if agent_id}
    found = await tx.people.agents_among(wanted) if wanted else {}
    return {agent_id: agent.name for agent_id, agent in found.items()}


def _joined(chat: Interaction) -> datetime:
    return chat.joined_at or chat.created_at


async def _position(tx: Transaction, chat: Interaction) -> int:
    """The place in the queue, 1 is next; agents' skills may still change the order."""

    def earliest(one: Interaction) -> float:
        return _joined(one).timestamp() - one.head_start_s

    waiting = await tx.interactions.in_states(QUEUED)
    ahead = [one for one in waiting if one.queue == chat.queue and earliest(one) < earliest(chat)]
    return len(ahead) + 1
