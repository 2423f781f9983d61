"""A customer's line straight to the bot's conversation: no channel between them, no time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from bots.conversation import Conversation, Heard, Reply, Turn
from evals.company_services import CompanyServices
from evals.talk_play import Ended, Got
from evals.talk_script import Talk, TalkTurn
from router.model import Channel, Direction, Interaction, InteractionState


def is_direct(talk: Talk) -> bool:
    """Whether it needs nothing but the bot: no person, no time that passes."""
    return not any(turn.person or turn.wait_s for turn in talk.turns)


class DirectLine:
    """``evals.talk_play.Line``; who writes has written the first line before the bot begins."""

    def __init__(
        self, conversation: Conversation, services: CompanyServices, talk: Talk, now: datetime
    ) -> None:
        self._conversation = conversation
        self._services = services
        self._talk = talk
        self._interaction = _interaction(talk, now)
        self._turn: Turn | None = None

    @property
    def memory(self) -> Mapping[str, Any]:
        """As the bot would store it."""
        return self._turn.memory if self._turn else {}

    async def act(self, turn: TalkTurn) -> Got:
        """Do it; the answer comes at once."""
        replies: list[Reply] = []
        if self._turn is None:
            self._turn = await self._conversation.begin(
                self._interaction, customer_name=self._talk.customer, fields=self._talk.fields
            )
            if self._talk.channel is not Channel.VOICE:
                replies += [reply for reply in self._turn.replies if not reply.question]
        if self._turn.handoff is None and self._turn.ended is None:
            self._turn = await self._conversation.hear(self._turn.memory, self._heard(turn))
            replies += self._turn.replies
        else:
            return Got()
        said = [reply for reply in replies if reply.text]
        cited = tuple(one.article_id for reply in said for one in reply.citations)
        return Got(tuple(reply.text for reply in said), cited)

    def _heard(self, turn: TalkTurn) -> Heard:
        typed = turn.say if self._talk.channel is not Channel.VOICE else ""
        if turn.press or (len(typed) == 1 and typed.isdecimal()):
            return Heard.pressed(turn.press or typed)
        return Heard.silence() if turn.silent else Heard.said(turn.say)

    async def end(self) -> Ended:
        """What a record would say."""
        assert self._turn is not None
        packet = self._turn.handoff
        plan = self._turn.plan
        return Ended(
            memory=self._turn.memory,
            reason=packet.reason if packet else self._turn.ended or "",
            queue=plan.queue if plan else "",
            packet=packet,
            calls=tuple(self._services.changes),
        )


def _interaction(talk: Talk, now: datetime) -> Interaction:
    return Interaction(
        id=talk.id,
        channel=talk.channel,
        direction=Direction.INBOUND,
        customer_id="c",
        conversation_id="v",
        address="customer",
        service_address="us",
        state=InteractionState.BOT,
        created_at=now,
        language=talk.language,
    )
