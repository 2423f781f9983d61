"""A caller chooses the language: by saying it, by a key, by the flow; the voice follows."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from bots.conversation import Turn
from bots.errors import BadFlow
from bots.flow.interpreter import resume, start
from bots.flow.outcome import Ask, Context, Outcome, Say, Understood
from bots.flow.schema import parse_flow
from bots.nlu.language import wished
from bots.ports import Expectation
from router.model import Channel
from tests.scripted import ScriptedVoice
from tests.talking import Talk, demo_flow
from tests.unit.test_voice import Phone, asks, ends

YAML = """\
flow: small
start: hello
languages: [en, lv]
queue: desk
slots:
  number: {type: digits, length: 4, confirm: voice}
  note: {type: text}
steps:
  hello:
    ask: {en: "How can I help?", lv: "Kā varu palīdzēt?"}
    dtmf: {"1": number, "8": "language:lv"}
    otherwise: latvian
  latvian: {set: {language: lv}, next: number}
  number: {ask: {en: "Which number?", lv: "Kāds numurs?"}, slot: number, next: note}
  note: {ask: {en: "Which language is it?", lv: "Kura valoda?"}, slot: note, next: bye}
  bye: {end: done}
"""
FLOW = parse_flow(YAML, "small.yaml")


class Tongues(ScriptedVoice):
    """Remembers what was said in which language."""

    def __init__(self) -> None:
        super().__init__()
        self.spoken: list[tuple[str, str]] = []

    def speak(self, text: str, language: str) -> AsyncIterator[bytes]:
        self.spoken.append((text, language))
        return super().speak(text, language)


def texts(outcome: Outcome) -> list[str]:
    return [action.text for action in outcome.actions if isinstance(action, Say | Ask)]


def said(outcome: Outcome, text: str = "", digits: str = "") -> Outcome:
    return resume(FLOW, outcome.memory, Understood(text, digits))


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("latviski", "lv"),
        ("Runājiet latviski, lūdzu!", "lv"),
        ("vai varat runāt latviešu valodā", "lv"),
        ("Latvian please", "lv"),
        ("can we speak in Latvian", "lv"),
        ("中文", "zh"),
        ("请说普通话", "zh"),
        ("可以说中文吗？", "zh"),
        ("I would like to speak Chinese", "zh"),
        ("English", "en"),
        ("angliski", "en"),
        ("请用英文", "en"),
        ("my English bill is too high", ""),
        ("I want to send a parcel to a Latvian address", ""),
        ("where is my order", ""),
        ("请说", ""),
        ("", ""),
    ],
)
def test_a_language_is_wished_for_by_its_name_and_nothing_else(text: str, language: str) -> None:
    assert wished(text) == language


@pytest.mark.parametrize("way", ["latviski", "key"])
def test_the_question_is_put_again_in_the_language_chosen(way: str) -> None:
    begun = start(FLOW, Context("voice"))
    changed = said(begun, digits="8") if way == "key" else said(begun, way)
    assert texts(changed) == ["Labi, turpināsim latviski.", "Kā varu palīdzēt?"]
    assert changed.memory["language"] == "lv"
    assert texts(said(changed, digits="1")) == ["Kāds numurs?"]


def test_a_value_that_is_being_read_back_is_read_back_in_the_language_chosen() -> None:
    asked = said(start(FLOW, Context("voice")), digits="1")
    confirming = said(asked, "four eight two one")
    changed = said(confirming, "latviski")
    assert changed.memory["mode"] == "confirm"
    assert "4 8 2 1" in texts(changed)[1]
    assert texts(changed)[1] != texts(confirming)[0]


def test_a_flow_chooses_the_language_itself() -> None:
    changed = said(start(FLOW, Context("voice")), "something else")
    assert texts(changed) == ["Kāds numurs?"]


def test_a_language_that_may_be_the_answer_is_one_and_one_not_spoken_is_none() -> None:
    memory = start(FLOW, Context("voice")).memory | {"step": "note", "mode": "ask"}
    answered = resume(FLOW, memory, Understood("Latvian"))
    assert answered.memory["slots"]["note"]["value"] == "Latvian"
    other = said(start(FLOW, Context("voice")), "Chinese please")
    assert other.memory["language"] == "lv", "it went on as any other sentence"
    assert texts(other) == ["Kāds numurs?"]


def test_a_key_to_a_language_the_flow_does_not_have_is_a_mistake() -> None:
    with pytest.raises(BadFlow, match="unknown language 'zh'"):
        parse_flow(YAML.replace("language:lv", "language:zh"), "small.yaml")


async def test_the_demo_front_desk_goes_on_in_chinese_by_key_and_back_by_word() -> None:
    talk = await Talk.begin(demo_flow("front-desk"), Channel.VOICE)
    assert "请问有什么可以帮您" in await talk.press("9")
    assert talk.turn.expectation.language == "zh"
    assert "How can I help you?" in await talk.say("English please")
    assert talk.turn.expectation.language == "en"


async def test_voice_recogniser_and_whoever_comes_next_follow() -> None:
    def in_latvian(turn: Turn) -> Turn:
        memory = {"language": "lv"}
        return replace(turn, memory=memory, expectation=Expectation(language="lv"))

    turns = [asks("Hello?"), in_latvian(asks("Labdien!")), in_latvian(ends("Atā!"))]
    phone = Phone(turns, voice=Tongues())
    await phone.start()
    for _ in range(2):
        await phone.until_bot_is_silent()
        await phone.says("latviski")
    await phone.until_bot_is_silent()
    await phone.silent(0.2)
    assert isinstance(phone.voice, Tongues)
    assert phone.voice.spoken == [("Hello?", "en"), ("Labdien!", "lv"), ("Atā!", "lv")]
    assert [opened.expect.language for opened in phone.hears.opened] == ["en", "lv"]
    assert phone.records.interaction.language == "lv"
