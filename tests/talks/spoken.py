"""Customers who call: the talk on a leg, on virtual time, as ``tests/golden`` plays calls."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bots.conversation import Heard, Tools, Turn
from bots.flow.model import Flow
from evals.call_script import CallScript, Keys, Speech
from evals.talk_play import Ended, Got, TalkPlayed, play
from evals.talk_script import Talk, TalkTurn
from router.model import Arrival, Channel, Customer, EndedBy, Identity, IdentityKind
from tests.golden.rules import check
from tests.golden.stage import CountingLoop, Stage, StrictRecords, WatchedConversation
from tests.talks.centre import Centre

REAL_S = 0.001
"""Between two looks whether threads have done their work."""


class PatientConversation(WatchedConversation):
    """Tells its stage while it thinks on threads."""

    def __init__(self, stage: TalkStage, flow: Flow, tools: Tools) -> None:
        super().__init__(flow, tools)
        self.stage = stage

    async def begin(self, *given: Any, **named: Any) -> Turn:
        """As ``Conversation.begin``."""
        self.stage.thinking += 1
        try:
            return await super().begin(*given, **named)
        finally:
            self.stage.thinking -= 1

    async def hear(self, memory: Mapping[str, Any], heard: Heard) -> Turn:
        """As ``Conversation.hear``."""
        self.stage.thinking += 1
        try:
            return await super().hear(memory, heard)
        finally:
            self.stage.thinking -= 1


class TalkStage(Stage):
    """A call whose bot thinks with a real house; the call's time stands still for threads."""

    thinking = 0

    def __init__(self, centre: Centre, talk: Talk, loop: CountingLoop) -> None:
        self.centre, self.talk = centre, talk
        script = CallScript(
            talk.id, talk.flow, (), language=talk.language, customer=talk.customer,
            fields=talk.fields,
        )  # fmt: skip
        super().__init__(script, loop)

    async def settle(self) -> None:
        """Everybody has done what they can, threads included."""
        await self.loop.settle()
        while self.thinking:
            await asyncio.sleep(REAL_S)
            await self.loop.settle()

    async def serve_later(self, seconds: float) -> None:
        """A service takes its time on the call's clock."""
        self.thinking -= 1
        await self.delay(seconds)
        self.thinking += 1

    # -- as tests.golden.stage.Stage -----------------------------------------------------

    def converse(self, flow: Flow) -> WatchedConversation:
        """With the house's own understanding, knowledge and services."""
        return PatientConversation(self, flow, replace(self.centre.tools, clock=self))

    async def perform(self) -> None:
        """Play the talk on this leg."""
        self.result = await play(self.talk, self)

    async def call(self) -> TalkPlayed:
        """Come in, talk, hang up."""
        phone = Identity(IdentityKind.PHONE, f"+3712{self.centre.next_customer():07}")
        arrival = Arrival(
            Channel.VOICE, phone, "+37160000100", name=self.talk.customer,
            language=self.talk.language, meta=dict(self.records.interaction.meta),
        )  # fmt: skip
        received = await self.centre.life.receive(arrival)
        caller = Customer(received.interaction.customer_id, self.talk.customer)
        self.records = StrictRecords(received.interaction, caller)
        await self.run(self.centre.conversations[self.talk.flow].flow)
        await self.centre.life.end(received.interaction.id, EndedBy.CUSTOMER, "left")
        check(self)
        return self.result

    # -- as evals.talk_play.Line -----------------------------------------------------------

    @property
    def memory(self) -> Mapping[str, Any]:
        """As the bot has it now."""
        return self.dialogue.asked[-1].memory

    async def act(self, turn: TalkTurn) -> Got:
        """Speak, press or be silent, and listen until the bot waits."""
        await self.until_bot_waits()
        before = len(self.dialogue.asked)
        if self.over:
            return Got()
        if turn.silent:
            self.begin()
        elif turn.press:
            await self.press(Keys(turn.press, (turn.press,)))
        else:
            await self.speak(Speech((turn.say,), heard=turn.say))
        await self._answered()
        said = [reply for one in self.dialogue.asked[before:] for reply in one.replies]
        cited = tuple(one.article_id for reply in said for one in reply.citations)
        return Got(tuple(reply.text for reply in said), cited)

    async def _answered(self) -> None:
        """The bot has answered and waits; what bridges a service's time is no answer."""
        await self.until_bot_waits()
        while len(self.dialogue.asked) <= len(self.dialogue.heard) and not self.over:
            self.begin()
            await self.tick()
            if len(self.dialogue.asked) > len(self.dialogue.heard):
                await self.until_bot_waits()

    async def end(self) -> Ended:
        """Hang up."""
        if not self.over:
            await self.until_bot_waits()
        await self.hang_up()
        handoff = self.records.handoff
        reason = self.records.ends[-1].split(": ", 1)[1] if self.records.ends else ""
        return Ended(
            memory=self.records.interaction.bot_state or self.memory,
            reason=reason,
            queue=handoff.queue if handoff else "",
            packet=handoff.packet if handoff else None,
            calls=tuple(self.centre.services.changes),
        )
