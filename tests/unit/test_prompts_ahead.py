"""Prompts made before they are needed: ahead of calls, and sentence by sentence within one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from itertools import pairwise

import pytest

from bots import speech
from bots.engines.espeak import EspeakVoice
from bots.errors import LanguageNotSpoken
from bots.flow.frequent import frequent
from bots.flow.schema import parse_flow
from bots.spare import APOLOGIES
from bots.speech import Prompts, Saying
from bots.spoken.aligned import sentences, spoken_of
from bots.spoken.reading import aligned
from router.model import Channel
from tests.scripted import RATE, ScriptedLeg, ScriptedVoice, settle
from tests.talking import Talk, demo_flow

FLOW = parse_flow(
    """\
flow: small
start: hello
languages: [en, lv]
queue: desk
variables: {company: Harbourline}
steps:
  far: {end: done, text: "Last words."}
  hello:
    ask: {en: "Hello{{ ' ' + name if name else '' }}, {{ company }}. How are you?", lv: "Labdien!"}
    dtmf: {"1": far}
    otherwise: told
  told: {say: "You said {{ question }}. Thank you.", next: far}
""",
    "small.yaml",
)


class GatedVoice(ScriptedVoice):
    """Makes a text only when its gate is open."""

    def __init__(self) -> None:
        super().__init__()
        self.begun: list[str] = []
        self.gates: dict[str, asyncio.Event] = {}

    async def speak(self, text: str, language: str) -> AsyncIterator[bytes]:
        self.begun.append(text)
        if language == "zh":
            raise LanguageNotSpoken("no Chinese")
        if text in self.gates:
            await self.gates[text].wait()
        async for pcm in super().speak(text, language):
            yield pcm


@pytest.fixture(autouse=True)
def no_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speech, "WARM_REST_S", 0.001)


def test_first_words_come_first_filled_in_as_far_as_they_can_be() -> None:
    listed = list(frequent(FLOW, {}))
    assert listed[0] == ("en", "Hello, Harbourline. How are you?")
    english = [text for language, text in listed if language == "en"]
    assert english.index("You said {{ question }}. Thank you.") < english.index("Last words.")
    assert ("lv", "Labdien!") in listed


async def test_prompts_are_made_ahead_without_those_that_are_still_open() -> None:
    voice = ScriptedVoice()
    prompts = Prompts(voice)
    made = await prompts.warm(frequent(FLOW, {}), RATE)
    assert voice.made[:3] == [APOLOGIES["en"], "Hello, Harbourline.", "How are you?"]
    assert "Thank you." in voice.made
    assert not any("{" in text or "You said" in text for text in voice.made)
    assert made == len(voice.made) - 2  # two spare sentences
    assert await prompts.warm(frequent(FLOW, {}), RATE) == 0


async def test_what_the_demo_flow_says_first_is_there_before_the_first_call() -> None:
    desk = demo_flow("front-desk")
    voice = ScriptedVoice()
    await Prompts(voice).warm(frequent(desk, {}), RATE)
    talk = await Talk.begin(desk, Channel.VOICE)
    await talk.say("where is my order")
    for reply in talk.turn.replies:
        for sentence in sentences(aligned(reply.spoken, "en")):
            assert spoken_of(sentence) in voice.made


async def test_no_more_are_made_than_were_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speech, "WARM_SENTENCES", 2)
    assert await Prompts(ScriptedVoice()).warm(frequent(FLOW, {}), RATE) == 2
    small = ScriptedVoice()
    await Prompts(small, cache_bytes=4 * RATE).warm(frequent(FLOW, {}), RATE)
    assert small.made == [APOLOGIES["en"], "Hello, Harbourline.", "How are you?"]


async def test_a_language_nobody_speaks_is_left_out_and_a_voice_that_fails_ends_it() -> None:
    voice = GatedVoice()
    texts = [("zh", "您好。"), ("zh", "再见。"), ("en", "Hello.")]
    assert await Prompts(voice).warm(texts, RATE) == 1
    assert voice.begun == [APOLOGIES["zh"], APOLOGIES["en"], "Hello."]
    broken = ScriptedVoice()
    broken.broken.add("One.")
    assert await Prompts(broken).warm([("en", "One."), ("en", "Two.")], RATE) == 0
    assert broken.made == [APOLOGIES["en"]]


async def test_prompts_of_calls_come_before_those_made_ahead() -> None:
    voice = GatedVoice()
    voice.gates["For a caller."] = asyncio.Event()
    prompts = Prompts(voice)
    await prompts.keep_spare("en", RATE)
    call = asyncio.create_task(prompts.sound("For a caller.", "en", RATE))
    await settle()
    warming = asyncio.create_task(prompts.warm([("en", "Some day.")], RATE))
    await asyncio.sleep(0.02)
    assert voice.begun[1:] == ["For a caller."]
    voice.gates["For a caller."].set()
    await call
    assert await warming == 1
    assert voice.begun[2:] == ["Some day."]


async def test_first_sentence_plays_while_the_second_is_still_being_made() -> None:
    first, second, third = "One moment please.", "Your parcel is on the van.", "Goodbye."
    voice = GatedVoice()
    voice.gates = {text: asyncio.Event() for text in (first, second, third)}
    leg = ScriptedLeg()
    line = f"{first} {second} {third}"
    saying = Saying(leg, Prompts(voice), [line], "en", leg.seconds)
    playing = asyncio.create_task(saying.play())
    await leg.run_for(0.4)
    assert voice.begun == [first]
    assert not any(sound for _, sound in leg.sent)
    voice.gates[first].set()
    await leg.run_for(0.2)
    assert leg.sent[-1][1], "the first sentence is heard"
    assert voice.begun == [first, second], "and the second begun, the third not yet"
    assert voice.made == [first]
    voice.gates[second].set()
    voice.gates[third].set()
    await leg.run_for(len(line) * 0.05 + 0.2)
    assert await playing
    sounded = [at for at, sound in leg.sent if sound]
    assert max(later - earlier for earlier, later in pairwise(sounded)) < 0.03, "without a gap"
    assert saying.heard() == [line]


async def test_a_true_voice_makes_the_spare_sentence_in_each_of_its_languages() -> None:
    prompts = Prompts(EspeakVoice())
    for language in APOLOGIES:
        await prompts.keep_spare(language, RATE)
        at_8, at_16 = prompts.spare(language, RATE), prompts.spare(language, 2 * RATE)
        assert len(at_8) > 2 * RATE
        assert len(at_16) == pytest.approx(2 * len(at_8), rel=0.01)
