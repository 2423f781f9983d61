"""Calls with true flows on virtual time: the bot believes what the caller heard, no more."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import pytest

from bots.conversation import Conversation
from bots.conversations import Conversations
from bots.flow.schema import parse_flow
from bots.voice import VoiceBot
from router.model import Channel
from tests.scripted import ScriptedClock
from tests.talking import Bench
from tests.unit.test_voice import Phone

HELP = parse_flow(
    """\
flow: help
start: notice
languages: [en]
queue: desk
slots:
  number: {type: digits, length: 4, confirm: voice}
intents:
  number: {label: to look something up, go: number, examples: {en: [look up my number]}}
steps:
  notice: {say: "This call is recorded for training.", next: open}
  open: {ask: "How can I help you today?", otherwise: after}
  after:
    branch: [{when: "not heard.notice", go: again}]
    otherwise: answer
  again: {say: "As you did not hear it, this call is recorded.", next: answer}
  answer: {answer: "{{ question }}", next: more, unknown: person}
  more: {ask: "Is there anything else?", otherwise: person}
  number: {ask: "Which number is it?", slot: number, next: person}
  person: {handoff: no-answer, text: "I am getting you a person."}
""",
    "help.yaml",
)


@dataclass
class TruePhone(Phone):
    """The same caller; the flow is run by the true conversation."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.conversation: Conversation = Bench().conversation(HELP)
        talks = Conversations([self.conversation], {Channel.VOICE: "help"})
        clock = ScriptedClock(self.leg)
        load = self.records.load
        self.bot = VoiceBot(talks, self.engines, self.records, load, clock, self.leg.seconds)

    @property
    def memory(self) -> dict[str, object]:
        """As last saved."""
        return dict(self.records.interaction.bot_state)


Call = Callable[[], Awaitable[TruePhone]]


@pytest.fixture
async def call() -> AsyncIterator[Call]:
    phones: list[TruePhone] = []

    async def begin() -> TruePhone:
        phone = TruePhone([])
        phones.append(phone)
        await phone.conversation.prepare()
        await phone.start()
        return phone

    yield begin
    for phone in phones:
        phone.leg.end(16)
        assert phone.outcome is not None
        await phone.outcome


async def until_it_says(phone: TruePhone, seconds: float) -> None:
    """Wait for the bot to begin, then let it speak so long."""
    for _ in range(200):
        await phone.silent(0.02)
        if phone.leg.sent[-1][1]:
            return await phone.silent(seconds)
    raise AssertionError("the bot said nothing")


async def test_a_notice_that_was_cut_off_was_not_said_and_is_said_again(call: Call) -> None:
    phone = await call()
    await until_it_says(phone, 0.5)
    await phone.says("are you open on Saturday")
    await phone.until_bot_is_silent()
    await phone.silent(6)
    assert phone.memory["heard"] == {
        "notice": False, "open": False, "again": True, "answer": True, "more": True,
    }  # fmt: skip
    lines = phone.records.transcript
    assert lines[0].startswith("bot: This call")
    assert lines[0].endswith("—")
    assert lines[1:3] == [
        "customer: are you open on Saturday",
        "bot: As you did not hear it, this call is recorded.",
    ]


async def test_a_notice_that_was_heard_is_said_once(call: Call) -> None:
    phone = await call()
    await phone.until_bot_is_silent()
    await phone.says("are you open on Saturday")
    await phone.until_bot_is_silent()
    await phone.silent(6)
    assert not any("did not hear" in line for line in phone.records.transcript)


async def test_an_answer_cut_off_is_not_in_the_packet_as_an_answer(call: Call) -> None:
    phone = await call()
    await phone.until_bot_is_silent()
    await phone.says("are you open on Saturday", then_silent=0)
    await until_it_says(phone, 0.6)
    await phone.says("agent")
    await phone.until_bot_is_silent()
    await phone.silent(0.5)
    packet = phone.records.handoff
    assert packet is not None
    assert packet.packet.tried == ("the answer from “Opening hours” was cut off",)
    assert [article.article_id for article in packet.packet.articles] == ["opening-hours"]
    assert "answered from" not in packet.packet.summary


async def test_an_answer_that_no_voice_could_say_was_not_given(call: Call) -> None:
    phone = await call()
    phone.voice.broken.add("We answer on Saturdays from nine to fifteen.")
    await phone.until_bot_is_silent()
    await phone.says("are you open on Saturday")
    await phone.silent(2)
    packet = phone.records.handoff
    assert packet is not None
    assert packet.packet.tried == ()
    assert packet.packet.articles == ()
    assert packet.packet.reason == "voice-failed"
    assert packet.packet.last_utterance == "are you open on Saturday"
    assert "the bot's voice did not work" in packet.packet.summary


async def test_yes_before_the_number_was_read_back_confirms_nothing(call: Call) -> None:
    phone = await call()
    await phone.until_bot_is_silent()
    await phone.says("look up my number")
    await phone.until_bot_is_silent()
    await phone.says("four eight two one", then_silent=1.4)
    await phone.says("yes", seconds=0.4)
    await phone.until_bot_is_silent()
    await phone.silent(0.2)
    assert phone.records.handoff is None
    assert phone.memory["slots"]["number"]["confirmed"] is False  # type: ignore[index]
    await phone.says("yes")
    await phone.until_bot_is_silent()
    await phone.silent(0.5)
    packet = phone.records.handoff
    assert packet is not None
    assert packet.packet.slots[0].confirmed
    read_back = [line for line in phone.records.transcript if "I have" in line]
    assert len(read_back) == 2
    assert read_back[0].endswith("—")


async def test_a_question_that_was_cut_off_costs_none_of_its_repairs(call: Call) -> None:
    phone = await call()
    await phone.until_bot_is_silent()
    await phone.says("look up my number", then_silent=0)
    await until_it_says(phone, 0.2)
    await phone.says("blue elephants", then_silent=1.4)
    await phone.until_bot_is_silent()
    await phone.silent(6)
    repairs = phone.memory["repairs"]
    assert repairs == {"no_match": 0, "no_input": 0}
    asked = [line for line in phone.records.transcript if "Which" in line]
    assert asked[-1] == "bot: Which number is it?"
    assert asked[0].endswith("—")


async def test_who_hangs_up_leaves_a_context_that_agrees_with_the_transcript(call: Call) -> None:
    phone = await call()
    await phone.until_bot_is_silent()
    await phone.says("are you open on Saturday", then_silent=0)
    await until_it_says(phone, 0.6)
    phone.leg.end(16)
    await asyncio.sleep(0)
    assert phone.outcome is not None
    await phone.outcome
    assert phone.memory["heard"] == {
        "notice": True, "open": True, "answer": False, "more": False,
    }  # fmt: skip
    assert phone.records.transcript[-1].endswith("—")
