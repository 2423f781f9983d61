"""One whole call through true speech engines: Whisper hears, the flow thinks, Piper speaks.

The leg and its clock are scripted, all else is the product: the detector, the turn machine,
the demo company's flow. The caller's voice is one that the model did not have in training.
"""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import replace

import pytest

from bots.call import Call, Question
from bots.conversations import Conversations
from bots.detect import levels_db
from bots.engines.choice import choose_engines
from bots.engines.endings import Endings
from bots.engines.local import Hardware
from bots.engines.phrases import Corpus
from bots.engines.whisper import WhisperTranscriber
from bots.ports import Expectation
from bots.speech import Prompts
from bots.voice import VoiceBot, VoiceOutcome
from evals.render import load
from router.events import TurnTimed
from router.model import Channel, Customer, EndedBy
from tests.models import MODELS, WHISPER
from tests.scripted import (
    FRAME,
    RATE,
    SILENCE,
    ScriptedClock,
    ScriptedLeg,
    ScriptedRecords,
    ScriptedVoice,
    voice_interaction,
)
from tests.talking import Bench, demo_flow

VOICE = "rms"
QUIET_TICKS = 40
"""0.8 s: the bot has said what it had to say."""
WORKING_S = 0.005
"""Real time for the engines' threads; the call's own time stands still while they work."""
WORK = frozenset({"recognition", "answer", "synthesis"})
"""Names of the tasks that wait for an engine or a model."""
MOST_TICKS = 4000


class OpenLeg(ScriptedLeg):
    """Keeps what the far end got."""

    def __init__(self) -> None:
        super().__init__()
        self.played = bytearray()

    def outgoing(self, blocked: bool = False) -> bytes | None:
        frame = super().outgoing(blocked)
        self.played += frame or SILENCE
        return frame

    async def says(self, name: str) -> None:
        """A caller's line, as it comes over the wire."""
        said = next(item for item in load() if item.id == name and item.voice == VOICE).pcm()
        for start in range(0, len(said), 2 * FRAME):
            await self.tick(said[start : start + 2 * FRAME].ljust(2 * FRAME, b"\0"))

    async def until_bot_has_spoken(self) -> None:
        """Hear it to the end of what it says next."""
        spoken = quiet = 0
        for _ in range(MOST_TICKS):
            while any(task.get_name() in WORK for task in asyncio.all_tasks()):
                await asyncio.sleep(WORKING_S)
            await self.tick()
            spoken, quiet = (spoken + 1, 0) if self.sent[-1][1] else (spoken, quiet + 1)
            if self.closed.is_set() or (spoken and quiet >= QUIET_TICKS):
                return
        raise AssertionError("the bot said nothing, or does not stop")


async def test_order_is_asked_for_by_voice_and_answered_by_voice() -> None:
    engines = choose_engines("auto", MODELS, Corpus())

    await engines.start()
    leg = OpenLeg()
    records = ScriptedRecords(voice_interaction(), Customer("c1", "Anna"))
    talk = Conversations(
        [Bench().conversation(demo_flow("front-desk"))], {Channel.VOICE: "front-desk"}
    )
    bot = VoiceBot(talk, engines, records, records.load, ScriptedClock(leg), leg.seconds)
    call = asyncio.create_task(bot.run(leg, records.interaction))
    await leg.until_bot_has_spoken()
    await leg.says("where-is-my-order")
    await leg.until_bot_has_spoken()
    for digit in "482913":
        leg.key(digit)
    await leg.until_bot_has_spoken()
    await leg.says("no")
    await leg.until_bot_has_spoken()
    assert await asyncio.wait_for(call, 10) is VoiceOutcome.ENDED
    await engines.stop()

    heard = [line.text for line in records.lines if line.author == "customer"]
    assert heard == ["where is my order", "482913", "no"]
    assert any("is on its way" in line for line in records.transcript)
    assert records.ended is not None
    assert records.ended[0] is EndedBy.BOT
    spoken_s = sum(sound for _, sound in leg.sent) * 0.02
    assert 12 < spoken_s < 60
    assert max(levels_db(bytes(leg.played), RATE)) > -30
    timed = [fact for fact in records.facts if isinstance(fact, TurnTimed)]
    assert [fact.input for fact in timed] == ["speech", "keys", "speech"]
    assert [fact.recognition_ms is None for fact in timed] == [False, True, False]
    assert all(fact.total_ms is not None for fact in timed)
    assert timed[1].action_ms is not None


async def silence_that_ended(ears: WhisperTranscriber, name: str, question: Question) -> float:
    """Seconds from the last speech to the end of the turn, on the line's clock."""
    leg = OpenLeg()
    call = Call(leg, ears, Prompts(ScriptedVoice()), leg.seconds)
    asking = asyncio.create_task(call.ask(question))
    said = next(item for item in load() if item.id == name and item.voice == VOICE).pcm()
    await leg.run_for(0.5)
    for place in itertools.count(0, 2 * FRAME):
        # No faster than the model: on a call it has 20 ms of real time for each of these.
        while not ears.rounds.at_rest:
            await asyncio.sleep(0.001)
        if asking.done():
            break
        await leg.tick(said[place : place + 2 * FRAME].ljust(2 * FRAME, b"\0"))
    call.close()
    timing = asking.result().timing
    assert timing.ended_at is not None
    assert timing.speech_ended_at is not None
    return timing.ended_at - timing.speech_ended_at


@pytest.mark.parametrize(
    ("name", "question", "soon_s", "usual_s"),
    [
        ("where-is-my-order", Question(()), 0.35, 0.55),
        ("number-482913", Question((), Expectation("digits"), max_digits=4), 0.5, 1.3),
    ],
)
async def test_answer_that_whisper_finds_complete_ends_its_turn_early(
    name: str, question: Question, soon_s: float, usual_s: float
) -> None:
    """Four digits are all that the model knows in a row, so it hears four of the six."""
    endings = Endings([["where", "is", "my", "order"]])
    ears = WhisperTranscriber(WHISPER, Hardware("cpu", threads=1), endings)
    await ears.start()
    soon = await silence_that_ended(ears, name, question)
    ears.endings = Endings()
    other = replace(question, max_digits=9)
    usual = await silence_that_ended(ears, name, other)
    await ears.stop()
    assert soon == pytest.approx(soon_s, abs=0.07)
    assert usual == pytest.approx(usual_s, abs=0.07)
