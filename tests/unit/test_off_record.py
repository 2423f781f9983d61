"""What nobody may keep is used and kept nowhere: on a call, by keys and spoken."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from bots.conversation import Conversation
from bots.conversations import Conversations
from bots.engines.choice import Engines
from bots.errors import BadFlow
from bots.flow.schema import parse_flow
from bots.flow.sensitive import MASK
from bots.voice import VoiceBot
from router.acts.act import HandoffPlan
from router.events import Fact
from router.model import Channel, Customer, Interaction, NewMessage
from tests.scripted import (
    SILENCE,
    SPEECH,
    ScriptedClock,
    ScriptedLeg,
    ScriptedRecords,
    ScriptedTranscriber,
    ScriptedVoice,
    settle,
    voice_interaction,
)
from tests.talking import Bench, Talk

PAY = "http://bank.test/pay"
SOURCE = f"""\
flow: pay
start: card
languages: [en]
slots:
  pin: {{type: digits, length: 4, sensitive: true}}
steps:
  card: {{ask: Please key in your PIN., slot: pin, next: pay}}
  pay:
    do: {{method: POST, url: "{PAY}", body: {{pin: "{{{{ pin }}}}"}}}}
    next: more
    on_error: person
  more: {{ask: "Thank you. Anything else?", otherwise: person}}
  person: {{handoff: asked}}
"""
FLOW = parse_flow(SOURCE, "pay.yaml")
PIN = "4821"


class Tape:
    """What a recording would get, each 20 ms: whether there was sound of either side."""

    def __init__(self) -> None:
        self.sounds: list[bool] = []

    def frame(self, heard: bytes, sent: bytes) -> None:
        self.sounds.append(any(heard) or any(sent))

    def closed(self) -> None: ...


class Records(ScriptedRecords):
    """Keeps the memories that were to be stored."""

    memories: list[str]

    async def save_bot_turn(
        self,
        interaction: Interaction,
        bot_state: Mapping[str, Any],
        replies: Sequence[NewMessage] = (),
        handoff: HandoffPlan | None = None,
        end_reason: str | None = None,
        facts: Sequence[Fact] = (),
    ) -> Interaction:
        self.memories = [*getattr(self, "memories", []), json.dumps(bot_state)]
        return await super().save_bot_turn(
            interaction, bot_state, replies, handoff, end_reason, facts
        )


class PinCall:
    """A caller of the flow on virtual time, with a tape on the line."""

    def __init__(self) -> None:
        self.leg, self.hears, self.tape = ScriptedLeg(), ScriptedTranscriber(), Tape()
        self.records = Records(voice_interaction(), Customer("c1", "Anna"))
        self.bench = Bench()
        self.bench.actions.answers[PAY] = (200, {})
        talk: Conversation = self.bench.conversation(FLOW, self.leg.seconds)
        self.bot = VoiceBot(
            Conversations([talk], {Channel.VOICE: "pay"}),
            Engines(self.hears, ScriptedVoice()),
            self.records,
            self.records.load,
            ScriptedClock(self.leg),
            self.leg.seconds,
        )
        self.leg.add_tap(self.tape)

    async def play(self, *, spoken: str = "", keys: str = "") -> None:
        """Answer the first question, hear the second, hang up."""
        running = asyncio.create_task(self.bot.run(self.leg, self.records.interaction))
        await settle()
        await self.leg.run_for(3.0, SILENCE)
        assert not any(self.tape.sounds)
        if spoken:
            self.hears.script.append(spoken)
            await self.leg.run_for(1.0, SPEECH)
        for key in keys:
            self.leg.key(key)
        await self.leg.run_for(4.0, SILENCE)
        self.leg.end(16)
        await running


@pytest.mark.parametrize("how", [{"keys": PIN}, {"spoken": "four eight two one"}])
async def test_pin_reaches_the_action_and_nothing_else(how: dict[str, str]) -> None:
    call = PinCall()
    await call.play(**how)
    assert call.bench.actions.calls == [("POST", PAY, {"pin": PIN})]
    said = [line.text for line in call.records.lines]
    assert said[:2] == ["Please key in your PIN.", MASK]
    kept = "".join([*said, *call.records.memories, *map(str, call.records.facts)])
    assert PIN not in kept
    assert "four eight" not in kept


async def test_recording_is_silent_for_question_and_answer_and_goes_on_behind_them() -> None:
    call = PinCall()
    await call.play(spoken="four eight two one")
    first = call.tape.sounds.index(True)
    assert first * 0.02 > 4.0
    assert call.leg.playing_at(1.0)


async def test_words_that_are_no_pin_are_looked_up_nowhere_and_not_in_the_packet() -> None:
    bench = Bench()
    talk = await Talk.begin(FLOW, Channel.VOICE, bench=bench)
    await talk.say("when do you open four eight two")
    assert bench.knowledge.asked == []
    assert talk.turn.facts == ()
    await talk.say("agent")
    assert talk.turn.handoff is not None
    assert "four eight" not in str(talk.turn.handoff) + json.dumps(talk.turn.memory)


async def test_value_is_forgotten_with_the_hand_over_and_with_the_deed() -> None:
    bench = Bench()
    bench.actions.answers[PAY] = None
    talk = await Talk.begin(FLOW, Channel.VOICE, bench=bench)
    await talk.press(PIN)
    assert talk.turn.handoff is not None
    assert PIN not in str(talk.turn.handoff) + json.dumps(talk.turn.memory)
    bench.actions.answers[PAY] = (200, {})
    talk = await Talk.begin(FLOW, Channel.VOICE, bench=bench)
    assert "Anything else" in await talk.press(PIN)
    assert PIN not in json.dumps(talk.turn.memory)
    assert not talk.turn.off_record


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("sensitive: true", "sensitive: true, confirm: always", "is not read back"),
        ("sensitive: true", "sensitive: true, prefill: true", "not prefilled"),
        ("Thank you.", "Thank you for {{ pin }}.", "no text may tell it"),
    ],
)
def test_flow_that_would_tell_it_is_refused(old: str, new: str, problem: str) -> None:
    with pytest.raises(BadFlow, match=problem):
        parse_flow(SOURCE.replace(old, new), "pay.yaml")
