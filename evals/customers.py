"""The two kinds of scripted customers: one writes, one calls. Both come from outside."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

from channels.sip.caller import SipCaller
from channels.sip.causes import CallOutcome
from evals.suite import Script, ScriptTurn
from gateway.demo.caller import Caller
from gateway.demo.recordings import Recordings
from gateway.demo.visitor import Person, Visitor
from router.errors import ParleyError
from router.model import Interaction

GREETING_S = 40.0
ANSWER_S = 22.0
CHAT_ANSWER_S = 15.0
LOADING_S = 240.0
SETTLE_S = 1.0
IN_TIME_S = 2.0
WARM_UP = ("what are your opening hours", "how can I pay my bill", "I forgot my password")
"""Questions to the knowledge base; answered in a row within ``IN_TIME_S`` the bot is ready."""
CHAT_QUIET_S = 0.25
"""Lines of one bot turn come together; after this pause the turn is complete."""
RING_S = 15.0
THINK_S = 0.3
KEY_GAP_S = 0.2


class NotTaken(ParleyError):
    """The installation did not take the call."""


@dataclass(frozen=True, slots=True)
class Moment:
    """What one turn brought: when it began, how long the answer took, what was read.

    ``cited`` and ``replies`` are empty for a caller: what was said is in the record.
    """

    label: str
    began: datetime
    answer_ms: float | None = None
    replies: tuple[str, ...] = ()
    cited: tuple[str, ...] = ()


class Customer(Protocol):
    """Somebody who goes through a script, turn by turn."""

    moments: list[Moment]

    def is_in(self, interaction: Interaction) -> bool:
        """Whether this is the interaction that the record keeps of this customer."""
        ...

    async def arrive(self) -> None:
        """Get in touch and take in the greeting."""
        ...

    async def act(self, turn: ScriptTurn) -> None:
        """Do one turn and take in what comes back."""
        ...

    async def leave(self) -> None:
        """Go. Safe to call twice."""
        ...

    @property
    def gone(self) -> bool:
        """Whether the other side has ended it."""
        ...


@dataclass
class ChatCustomer:
    """Writes in the web chat."""

    base_url: str
    script: Script
    moments: list[Moment] = field(default_factory=list)
    _visitor: Visitor | None = None

    def is_in(self, interaction: Interaction) -> bool:
        """By the id that the chat itself tells."""
        return self._visitor is not None and interaction.id == self._visitor.interaction_id

    async def arrive(self) -> None:
        """Open the chat; the bot greets with its first answer."""
        self.moments.append(Moment("", datetime.now(UTC)))
        self._visitor = await Visitor.open(self.base_url, Person(language=self.script.language))

    async def act(self, turn: ScriptTurn) -> None:
        """Write a line and read the answer."""
        visitor = self._visitor
        if visitor is None:
            raise NotTaken("the chat is not open")
        began, clock = datetime.now(UTC), asyncio.get_running_loop().time
        sent_at = clock()
        await visitor.say(turn.say)
        first = await visitor.next_line(CHAT_ANSWER_S)
        answer_ms = (clock() - sent_at) * 1000 if first else None
        lines = [first, *await visitor.answer(CHAT_QUIET_S, CHAT_QUIET_S)] if first else []
        self.moments.append(
            Moment(
                turn.label,
                began,
                answer_ms,
                tuple(line.text for line in lines),
                tuple(article for line in lines for article in line.cited),
            )
        )

    async def leave(self) -> None:
        """Close the page."""
        if self._visitor is not None:
            await self._visitor.close()

    @property
    def gone(self) -> bool:
        """Whether the chat was ended from the other side."""
        return self._visitor is not None and self._visitor.ended


@dataclass
class PhoneCustomer:
    """Calls and plays recorded lines."""

    sip_uri: str
    script: Script
    recordings: Recordings
    phone: SipCaller
    number: str
    moments: list[Moment] = field(default_factory=list)
    _caller: Caller | None = None

    def is_in(self, interaction: Interaction) -> bool:
        """By the number that called."""
        return interaction.address == self.number

    async def arrive(self) -> None:
        """Dial and listen to the greeting."""
        began = datetime.now(UTC)
        call = await self.phone.call(self.sip_uri, RING_S, self.number)
        if isinstance(call, CallOutcome):
            raise NotTaken(f"the call was not taken: {call.status} {call.reason}")
        self._caller = Caller(call.leg)
        await self._caller.listen(GREETING_S)
        self.moments.append(Moment("", began))

    async def act(self, turn: ScriptTurn) -> None:
        """Speak, press or be silent, then listen until the bot waits again."""
        caller = self._caller
        if caller is None:
            raise NotTaken("there is no call")
        await caller.wait(THINK_S)
        began = datetime.now(UTC)
        if turn.play:
            await caller.say(self.recordings.pcm(turn.play, self.script.voice))
        elif turn.press:
            for i, key in enumerate(turn.press):
                await caller.wait(KEY_GAP_S if i else 0)
                caller.press(key)
        heard = await caller.listen(ANSWER_S + turn.silence_s)
        answer_ms = None
        if heard.first_at is not None and not turn.silence_s:
            answer_ms = (heard.first_at - caller.spoke_until) * 1000
        self.moments.append(Moment(turn.label, began, answer_ms))

    async def leave(self) -> None:
        """Hang up."""
        if self._caller is not None:
            await self._caller.hang_up()

    @property
    def gone(self) -> bool:
        """Whether the other side hung up."""
        return self._caller is not None and self._caller.over


async def first_answer(base_url: str) -> None:
    """Return when the bot answers questions as it will all day.

    After a start it still loads its model, trains, and embeds ahead of the
    questions; a run that began meanwhile would measure that. Raises ``NotTaken``
    when the bot is not ready within ``LOADING_S``.
    """
    deadline = asyncio.get_running_loop().time() + LOADING_S
    # Somebody new each time: who asks the same again and again is taken for a bot.
    while not await _in_time(base_url, deadline):
        pass


async def _in_time(base_url: str, deadline: float) -> bool:
    """Whether somebody new is answered in time, question by question."""
    clock = asyncio.get_running_loop().time
    visitor = await Visitor.open(base_url)
    try:
        slow = False
        for question in WARM_UP:
            asked_at = clock()
            await visitor.say(question)
            if not await visitor.answer(max(0.0, deadline - asked_at), SETTLE_S):
                raise NotTaken(f"the bot did not answer within {LOADING_S:g} s of the start")
            slow = slow or clock() - asked_at >= IN_TIME_S + SETTLE_S
        await visitor.end()
    finally:
        await visitor.close()
    return not slow


async def go_through(customer: Customer, turns: Sequence[ScriptTurn]) -> None:
    """Arrive, do every turn while the other side is there, and leave."""
    try:
        await customer.arrive()
        for turn in turns:
            if customer.gone:
                return
            await customer.act(turn)
    finally:
        await customer.leave()
