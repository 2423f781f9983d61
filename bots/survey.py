"""One question after each interaction that a person handled, tied to that person.

1. Asked only when an agent handled it, on the channel of the interaction itself.
2. By telephone the voice bot asks for a key press while the customer is still on
   the line; on the web the widget shows it; by SMS a text asks and the reply counts.
3. A reply counts for ``REPLY_WITHIN_S`` and only when it is a score and nothing else;
   any other text is a new matter and goes to the bot as always.
4. One interaction has one score, and who has given it is not asked again.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum

from router.acts.lifecycle import Lifecycle
from router.errors import NoSuchInteraction
from router.events import Fact, InteractionEnded, SurveyAnswered
from router.model import Author, Channel, Direction, InteractionState, NewMessage
from router.ports import Bus, Clock, Store, Transaction

SCALE = 5
REPLY_WITHIN_S = 24 * 3600
GROUP = "survey"
AUTHOR_ID = "survey"
QUESTION: Mapping[str, str] = {
    "en": "How did we do? Reply with a number from 1 (poor) to 5 (very good).",
    "zh": "您对本次服务满意吗？请回复 1（很差）到 5（很好）之间的数字。",
    "lv": "Kā mums veicās? Atbildiet ar skaitli no 1 (slikti) līdz 5 (ļoti labi).",
}
THANKS: Mapping[str, str] = {
    "en": "Thank you, that helps us.",
    "zh": "谢谢您的评价。",
    "lv": "Paldies, tas mums palīdz.",
}
_WORDS: Mapping[str, int] = {
    word: score
    for score, words in enumerate(
        (
            ("one", "一", "viens"),
            ("two", "二", "两", "divi"),
            ("three", "三", "trīs", "tris"),
            ("four", "四", "četri", "cetri"),
            ("five", "五", "pieci"),
        ),
        start=1,
    )
    for word in words
}
_SCORE = re.compile(r"(?P<score>\d+|[^\W\d]+?)(?:\s*(?:/|out of|no)\s*5)?(?:\s*(?:stars?|分|\*+))?")

log = logging.getLogger(__name__)


class How(StrEnum):
    """Who asks the question."""

    KEYS = "keys"
    WIDGET = "widget"
    TEXT = "text"


def how_to_ask(ended: InteractionEnded, *, enabled: bool) -> How | None:
    """How this ended interaction is surveyed (rules 1 and 2); None for not at all."""
    if not enabled or ended.was != InteractionState.AGENT or not ended.agent_id:
        return None
    ways = {Channel.VOICE: How.KEYS, Channel.CHAT: How.WIDGET, Channel.SMS: How.TEXT}
    return ways.get(Channel(ended.channel))


def parse_score(text: str, scale: int = SCALE) -> int | None:
    """The score a reply consists of, 1..``scale``; None for any other text (rule 3)."""
    found = _SCORE.fullmatch(text.strip().strip(".!。！ ").lower())
    if found is None:
        return None
    word = found["score"]
    score = int(word) if word.isdecimal() else _WORDS.get(word, 0)
    return score if 1 <= score <= scale else None


def still_counts(asked_at: datetime, now: datetime) -> bool:
    """Whether a reply at ``now`` belongs to a question of ``asked_at``."""
    return now - asked_at <= timedelta(seconds=REPLY_WITHIN_S)


async def has_answered(tx: Transaction, interaction_id: str) -> bool:
    """Whether the customer has told the score already, to a bot or a survey (rule 4)."""
    given = await tx.log.facts(interaction_id=interaction_id, types=[SurveyAnswered])
    return bool(given)


class Surveys:
    """Asks by SMS after the agent's work and takes the replies."""

    def __init__(
        self, store: Store, lifecycle: Lifecycle, bus: Bus, clock: Clock, *, enabled: bool = True
    ) -> None:
        self._store = store
        self._lifecycle = lifecycle
        self._bus = bus
        self._clock = clock
        self._enabled = enabled

    async def start(self) -> None:
        """Hear of ended interactions."""
        await self._bus.subscribe(GROUP, self._on_ended, [InteractionEnded])

    async def take_reply(self, address: str, text: str, external_id: str | None = None) -> bool:
        """Record an SMS that answers our question; False when it is something else.

        ``address`` is the customer's number in E.164, ``external_id`` the provider's id
        of the text; the same one again is taken again. Call it before the text becomes
        an interaction.
        """
        score = parse_score(text)
        if score is None:
            return False
        line_id = f"survey-reply:{external_id}" if external_id else None
        if line_id and await self._taken(line_id):
            return True
        pending = await self._pending(address)
        if pending is None:
            return False
        await self._lifecycle.add_message(
            pending, NewMessage(Author.CUSTOMER, text, external_id=line_id)
        )
        recorded = await self._lifecycle.record_survey(pending, score, SCALE, Channel.SMS)
        async with self._store.transaction() as tx:
            await tx.log.put_document(_pending_name(address), None)
            interaction = await tx.interactions.get(pending)
        if recorded is not None:
            thanks = THANKS.get(interaction.language, THANKS["en"])
            await self._say(pending, thanks, f"survey-thanks:{pending}")
        return True

    async def _on_ended(self, fact: Fact) -> None:
        if not isinstance(fact, InteractionEnded):
            return
        if how_to_ask(fact, enabled=self._enabled) is not How.TEXT:
            return
        line_id = f"survey:{fact.interaction_id}"
        try:
            async with self._store.transaction() as tx:
                if await tx.interactions.thread_of([line_id]) is not None:
                    return  # asked already; a reply that was taken must not count as pending
                if await has_answered(tx, fact.interaction_id):
                    return
                interaction = await tx.interactions.get(fact.interaction_id)
                if interaction.direction is Direction.INBOUND:
                    asked = {
                        "interaction_id": interaction.id,
                        "asked_at": self._clock.now().isoformat(),
                    }
                    await tx.log.put_document(_pending_name(interaction.address), asked)
        except NoSuchInteraction:
            log.info("interaction %s is gone; no survey", fact.interaction_id)
            return
        question = QUESTION.get(interaction.language, QUESTION["en"])
        await self._say(interaction.id, question, line_id)

    async def _taken(self, line_id: str) -> bool:
        async with self._store.transaction() as tx:
            return await tx.interactions.thread_of([line_id]) is not None

    async def _pending(self, address: str) -> str | None:
        async with self._store.transaction() as tx:
            asked = await tx.log.document(_pending_name(address))
            if not asked:
                return None
            interaction = await tx.interactions.get(asked["interaction_id"])
            open_one = await tx.interactions.open_for_customer(interaction.customer_id, Channel.SMS)
        # The surveyed interaction may still be in wrap-up; another open one is a new matter.
        if open_one is not None and open_one.id != interaction.id:
            return None
        asked_at = datetime.fromisoformat(asked["asked_at"])
        return interaction.id if still_counts(asked_at, self._clock.now()) else None

    async def _say(self, interaction_id: str, text: str, external_id: str) -> None:
        """Once, however often the fact is delivered: the external id is stored once."""
        line = NewMessage(Author.BOT, text, author_id=AUTHOR_ID, external_id=external_id)
        await self._lifecycle.add_message(interaction_id, line)


def _pending_name(address: str) -> str:
    return f"survey:sms:{address}"
