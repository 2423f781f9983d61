"""An answer is heard while it is being written: checked, told, interrupted, broken off."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import date

import pytest

from bots.advice.answers import ModelWriter
from bots.conversation import Conversation, Tools
from bots.conversations import Conversations
from bots.early import Early, Led
from bots.engines.choice import Engines
from bots.engines.llm import ApiModel, ModelOptions, Used, parse_model_server
from bots.flow.schema import parse_flow
from bots.ports import EarlyListener
from bots.voice import VoiceBot
from knowledge.answer import KnowledgeBase
from knowledge.index import QdrantIndex
from knowledge.written import CUT, REFUSED, WRITTEN, Written
from router.clock import VirtualClock
from router.events import TurnTimed
from router.model import Channel, Customer
from tests.fakes.fake_language_model import FakeLanguageModel
from tests.parts.test_knowledge import WordEncoder
from tests.parts.test_model_words import (
    ARTICLES,
    OWN_WORDS,
    QUESTION,
    base,
    outcomes,
    writes,
)
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
from tests.talking import NOW, Bench, ScriptedAnswer, ScriptedKnowledge

__all__ = ["base"]
FIRST = "Your parcel waits in the locker for 7 days."
AS_SPOKEN = "Your parcel waits in the locker for seven days."
SECOND = "Add 3 days in the locker for 1 EUR."
INVENTED = "The locker code is 9911."


class Ear(Early):
    """Remembers what was told; has ``enough`` after so many sentences."""

    def __init__(self, most: int = 9) -> None:
        super().__init__()
        self.heard: list[str] = []
        self._most = most

    def tell(self, sentence: str) -> None:
        self.heard.append(sentence)
        super().tell(sentence)
        if len(self.heard) >= self._most:
            self.enough.set()


async def test_sentences_are_told_as_they_are_written_and_are_the_answer(
    server: FakeLanguageModel, base: KnowledgeBase
) -> None:
    writes(server, (FIRST, [1]), (SECOND, [1, 2]))
    server.pause_s = 0.01
    ear = Ear()
    answering = asyncio.create_task(base.answer_aloud(QUESTION, "en", ear))
    await asyncio.wait_for(ear.begun.wait(), 5)
    assert not answering.done()
    answer = await answering
    assert answer.spoken == " ".join(ear.heard)
    assert ear.heard[0] == FIRST
    assert outcomes(base) == {WRITTEN: 1}


async def test_invented_sentence_behind_a_good_one_is_never_told(
    server: FakeLanguageModel, base: KnowledgeBase
) -> None:
    writes(server, (FIRST, [1]), (INVENTED, [1]), (SECOND, [1, 2]))
    ear = Ear()
    answer = await base.answer_aloud(QUESTION, "en", ear)
    assert (ear.heard, answer.spoken) == ([FIRST], FIRST)
    assert outcomes(base) == {CUT: 1}


async def test_invented_first_sentence_leaves_the_articles_own_words(
    server: FakeLanguageModel, base: KnowledgeBase
) -> None:
    writes(server, (INVENTED, [1]), (FIRST, [1]))
    ear = Ear()
    answer = await base.answer_aloud(QUESTION, "en", ear)
    assert ear.heard == []
    assert answer.text.startswith(OWN_WORDS)
    assert outcomes(base) == {REFUSED: 1}


async def test_who_has_heard_enough_ends_the_request(server: FakeLanguageModel) -> None:
    writes(server, (FIRST, [1]), *[(SECOND, [1, 2])] * 3)
    server.pause_s = 0.05
    used: list[Used] = []
    options = ModelOptions(server=parse_model_server(server.url), model="tiny")
    model = ApiModel(options, used=used.append)
    await model.start()
    index = QdrantIndex()
    base = KnowledgeBase(WordEncoder(), index, Written(ModelWriter(model)))
    await base.start(ARTICLES, date(2026, 7, 1))
    answer = await base.answer_aloud(QUESTION, "en", Ear(most=1))
    assert answer.spoken == FIRST
    assert [each.outcome for each in used] == ["left"]
    await base.stop()
    await index.stop()
    await model.stop()


def test_what_was_said_already_is_not_said_again() -> None:
    led = Led(said=("One. Two.",), words="One. Two.")
    assert led._behind("One. Two. Three.") == "Three."
    assert led._behind("Another answer.") == "Another answer."


# -- on a call ----------------------------------------------------------------------

FLOW = parse_flow(
    """\
flow: asked
start: hello
languages: [en]
steps:
  hello: {ask: "How can I help?", otherwise: know}
  know: {answer: "{{ question }}", next: more, unknown: person}
  more: {ask: "Anything else?", otherwise: person}
  person: {handoff: asked}
""",
    "asked.yaml",
)


@dataclass
class SlowWriter(ScriptedKnowledge):
    """Tells the first sentence at once and the second when it is let."""

    go_on: asyncio.Event = field(default_factory=asyncio.Event)
    left: bool = False
    tells_early: bool = True

    async def answer_aloud(
        self, question: str, language: str, early: EarlyListener
    ) -> ScriptedAnswer:
        early.tell(FIRST)
        waits = [asyncio.create_task(event.wait()) for event in (self.go_on, early.enough)]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for each in waits:
            each.cancel()
        self.left = early.enough.is_set()
        text = FIRST if self.left else f"{FIRST} {SECOND}"
        return ScriptedAnswer(True, text, text, score=0.9)


class Line:
    """A caller on virtual time who asks a question."""

    def __init__(self) -> None:
        self.leg, self.hears, self.voice = ScriptedLeg(), ScriptedTranscriber(), ScriptedVoice()
        self.records = ScriptedRecords(voice_interaction(), Customer("c1", "Anna"))
        self.knowledge, bench = SlowWriter(), Bench()
        tools = Tools(bench.understanding, self.knowledge, bench.actions, VirtualClock(NOW))
        self.bot = VoiceBot(
            Conversations([Conversation(FLOW, tools)], {Channel.VOICE: "asked"}),
            Engines(self.hears, self.voice),
            self.records,
            self.records.load,
            ScriptedClock(self.leg),
            self.leg.seconds,
        )

    async def begin(self) -> None:
        self.running = asyncio.create_task(self.bot.run(self.leg, self.records.interaction))
        await settle()
        await self.leg.run_for(2.0, SILENCE)
        await self.says("how long does my parcel wait")

    async def says(self, words: str) -> None:
        self.hears.script.append(words)
        await self.leg.run_for(1.2, SPEECH)
        await self.leg.run_for(0.8, SILENCE)


@pytest.fixture
async def line() -> AsyncIterator[Line]:
    made = Line()
    await made.begin()
    yield made
    made.leg.end(16)
    await made.running


async def test_caller_hears_the_first_sentence_while_the_second_is_written(line: Line) -> None:
    assert line.leg.sent[-1][1]
    assert line.voice.made[-1] == AS_SPOKEN
    await line.leg.run_for(4.0, SILENCE)
    line.knowledge.go_on.set()
    await line.leg.run_for(6.0, SILENCE)
    await line.says("agent")
    await line.leg.run_for(3.0, SILENCE)
    assert line.records.transcript[:4] == [
        "bot: How can I help?",
        "customer: how long does my parcel wait",
        f"bot: {FIRST} {SECOND}",
        "bot: Anything else?",
    ]
    assert line.voice.made.count(AS_SPOKEN) == 1


async def test_caller_who_speaks_over_it_ends_the_writing_and_is_answered(line: Line) -> None:
    assert line.leg.sent[-1][1]
    await line.says("agent")
    await line.leg.run_for(10.0, SILENCE)
    assert line.knowledge.left
    told = line.records.transcript
    assert told[2].startswith("bot: Your")
    assert told[2].endswith("—")
    assert told[3] == "customer: agent"
    assert line.records.handoff is not None
    [timed, *_] = [fact for fact in line.records.facts if isinstance(fact, TurnTimed)]
    assert timed.speech_ms == 0
    assert timed.total_ms is not None
    assert timed.total_ms < 1000


async def test_caller_who_hangs_up_meanwhile_ends_the_writing(line: Line) -> None:
    line.leg.end(16)
    await asyncio.wait_for(line.running, 5)
    assert line.knowledge.left
