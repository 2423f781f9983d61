"""After calls nothing of them is left: no object, no task, however they end (lessons.md 17)."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from bots.call import Call
from bots.speech import Prompts, Saying
from bots.turn import TurnMachine
from bots.voice import VoiceBot, VoiceOutcome
from router.model import Customer
from tests.scripted import (
    SPEECH,
    ScriptedClock,
    ScriptedLeg,
    ScriptedRecognition,
    ScriptedRecords,
    settle,
    voice_interaction,
)
from tests.unit.test_filler import FILLERS, SlowDialogue, SlowVoice
from tests.unit.test_voice import Phone, asks, ends

CALLS = 5
OWN = Counter(ScriptedLeg=1)
"""Of the house's own telephone."""
OF_A_CALL = (Call, Saying, TurnMachine, ScriptedLeg, ScriptedRecognition)
HELLO, ANSWER = "Hello? What can I do?", "It comes this afternoon. Anything else?"


class House:
    """What calls share: engines, cache, bot. Only this may stay."""

    def __init__(self) -> None:
        self.phone = Phone([], voice=SlowVoice("never said"))
        self.prompts = Prompts(self.phone.voice)
        self.refs: list[weakref.ref[object]] = []

    async def call(self, way: Callable[[Live], Awaitable[None]]) -> None:
        """One caller who does what ``way`` says."""
        live = Live(self)
        self.refs += [weakref.ref(live.leg), weakref.ref(live.records)]
        await way(live)
        live.outcome.cancel()
        await asyncio.gather(live.outcome, return_exceptions=True)
        self.phone.hears.script.clear()
        self.phone.hears.opened.clear()
        self.phone.hears.finished.clear()
        self.phone.hears.slow = None

    async def left(self) -> Counter[str]:
        """What is left of all calls."""
        await settle()
        gc.collect()
        counted = Counter(
            type(each).__name__ for each in gc.get_objects() if type(each) in OF_A_CALL
        )
        counted["alive"] = sum(ref() is not None for ref in self.refs)
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        counted.update(task.get_name() for task in tasks)
        return +counted


class Live:
    """One call that is going on."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.leg = ScriptedLeg()
        self.records = ScriptedRecords(voice_interaction(), Customer("c1", "Anna"))
        self.dialogue = SlowDialogue(
            [replace(asks(HELLO), fillers=FILLERS), asks(ANSWER), ends("Goodbye.")]
        )
        bot = VoiceBot(
            self.dialogue,
            house.phone.engines,
            self.records,
            self.records.load,
            ScriptedClock(self.leg),
            self.leg.seconds,
        )
        bot.prompts = house.prompts
        self.outcome = asyncio.create_task(bot.run(self.leg, self.records.interaction))

    async def says(self, text: str) -> None:
        """Up to the end of the caller's turn."""
        await self.leg.run_for(4)
        self.house.phone.hears.script.append(text)
        await self.leg.run_for(1, SPEECH)
        await self.leg.run_for(0.6)


async def to_its_end(live: Live) -> None:
    for _ in range(2):
        await live.says("hello")
        live.dialogue.let.set()
    await live.leg.run_for(6)
    assert await live.outcome is VoiceOutcome.ENDED


async def hung_up_over_the_prompt(live: Live) -> None:
    await live.leg.run_for(0.3)
    live.leg.end(16)
    assert await live.outcome is VoiceOutcome.CALLER_LEFT


async def hung_up_while_recognised(live: Live) -> None:
    live.house.phone.hears.slow = asyncio.Event()
    await live.says("hello")
    live.leg.end(16)
    assert await live.outcome is VoiceOutcome.CALLER_LEFT


async def cancelled_over_the_prompt(live: Live) -> None:
    await live.leg.run_for(0.3)
    live.outcome.cancel()


async def cancelled_while_the_caller_speaks(live: Live) -> None:
    await live.leg.run_for(4)
    await live.leg.run_for(0.3, SPEECH)
    live.outcome.cancel()


async def cancelled_while_recognised(live: Live) -> None:
    live.house.phone.hears.slow = asyncio.Event()
    await live.says("hello")
    live.outcome.cancel()


async def cancelled_during_the_filler(live: Live) -> None:
    await live.says("hello")
    await live.leg.run_for(1.5)
    live.outcome.cancel()


async def cancelled_while_a_sentence_is_made(live: Live) -> None:
    voice = live.house.phone.voice
    assert isinstance(voice, SlowVoice)
    voice.slow = "Anything else?"
    await live.says("hello")
    live.dialogue.let.set()
    await live.leg.run_for(0.5)
    live.outcome.cancel()


WAYS = (
    to_its_end,
    hung_up_over_the_prompt,
    hung_up_while_recognised,
    cancelled_over_the_prompt,
    cancelled_while_the_caller_speaks,
    cancelled_while_recognised,
    cancelled_during_the_filler,
)


def standing() -> Counter[str]:
    """What other tests have left behind."""
    gc.collect()
    return Counter(type(each).__name__ for each in gc.get_objects() if type(each) in OF_A_CALL)


@pytest.mark.parametrize("way", WAYS)
async def test_calls_leave_no_object_and_no_task(way: Callable[[Live], Awaitable[None]]) -> None:
    before = standing()
    house = House()
    for _ in range(CALLS):
        await house.call(way)
    assert await house.left() - before == OWN


async def test_a_sentence_that_is_still_being_made_belongs_to_no_call_that_is_over() -> None:
    before = standing()
    house = House()
    for _ in range(CALLS):
        await house.call(cancelled_while_a_sentence_is_made)
    # Once, for whoever else may want it.
    assert await house.left() - before == OWN + Counter(synthesis=1)
    voice = house.phone.voice
    assert isinstance(voice, SlowVoice)
    voice.ready.set()
    assert await house.left() - before == OWN


async def test_what_somebody_holds_is_found() -> None:
    house = House()
    kept: list[ScriptedLeg] = []

    async def holds(live: Live) -> None:
        await live.leg.run_for(0.1)
        kept.append(live.leg)

    await house.call(holds)
    assert (await house.left())["alive"] == 1
