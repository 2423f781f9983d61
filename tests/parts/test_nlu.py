"""Fixed phrases, language, and the trained head, without a model."""

from __future__ import annotations

import pytest

from bots.errors import NotTrained
from bots.flow.schema import parse_flow
from bots.nlu.language import detect
from bots.nlu.shortcuts import shortcut
from bots.nlu.understanding import IntentUnderstanding
from tests.talking import WordEncoder, demo_flow


@pytest.mark.parametrize(
    "text",
    [
        "agent",
        "Agent please!",
        "operator",
        "a human",
        "I need a person because your app does not work",
        "representative",
        "I want to speak to a person",
        "can I talk to someone please",
        "let me talk to a human",
        "please connect me with one of your agents about my bill",
        "put me through to somebody in billing",
        "I am not talking to a robot, not a machine",
        "转人工",
        "我要找真人",
        "请接人工客服",
        "darbinieks",
        "gribu runāt ar cilvēku",
        "savienojiet mani ar operatoru",
    ],
)
def test_a_wish_for_a_person_needs_no_model(text: str) -> None:
    assert shortcut(text) == "agent"


@pytest.mark.parametrize(
    "text",
    [
        "the agent who came yesterday forgot to read the meter",
        "where is my order",
        "how many people work there",
        "I talked to my neighbour about the parcel",
        "客服几点上班",
        "personal data",
    ],
)
def test_talking_about_people_is_no_wish_for_one(text: str) -> None:
    assert shortcut(text) is None


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("repeat", "repeat"),
        ("can you say that again please", "repeat"),
        ("pardon?", "repeat"),
        ("请再说一遍", "repeat"),
        ("atkārtojiet lūdzu", "repeat"),
        ("sorry, I didn't catch that", "repeat"),
        ("lūdzu, vēlreiz", "repeat"),
        ("ko jūs teicāt?", "repeat"),
        ("slower please", "slower"),
        ("can you speak a bit slower", "slower"),
        ("Could you please speak more slowly?", "slower"),
        ("you are talking too fast", "slower"),
        ("请说慢一点", "slower"),
        ("您说得太快了", "slower"),
        ("慢点", "slower"),
        ("lūdzu, runājiet lēnāk", "slower"),
        ("pārāk ātri", "slower"),
        ("go back", "back"),
        ("can we go back to the previous question please", "back"),
        ("previous question", "back"),
        ("返回上一步", "back"),
        ("回到上一个问题", "back"),
        ("返回", "back"),
        ("atpakaļ", "back"),
        ("es gribu atgriezties atpakaļ", "back"),
        ("iepriekšējais jautājums", "back"),
        ("goodbye", "goodbye"),
        ("thank you goodbye", "goodbye"),
        ("that is all thank you", "goodbye"),
        ("bye bye", "goodbye"),
        ("谢谢，再见", "goodbye"),
        ("uz redzēšanos", "goodbye"),
    ],
)
def test_standing_wishes_need_no_model(text: str, command: str) -> None:
    assert shortcut(text) == command


@pytest.mark.parametrize(
    "text",
    [
        "I want to send the parcel back",
        "call me back tomorrow",
        "when do I get my money back",
        "my internet is too slow",
        "the slowest delivery you have",
        "我要退货",
        "网速太慢",
        "gribu nosūtīt paku atpakaļ",
        "lēns internets",
    ],
)
def test_other_things_that_are_slow_or_come_back_are_no_wish(text: str) -> None:
    assert shortcut(text) is None


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("where is my order", "en"),
        ("the parcel did not come", "en"),
        ("我的包裹在哪里", "zh"),
        ("kur ir mana paka", "lv"),
        ("labdien, ludzu pasakiet kad jus stradajat", "lv"),
        ("paldies", ""),
        ("ok", ""),
        ("HL-482913", ""),
        ("", ""),
    ],
)
def test_language_is_told_only_when_the_text_does(text: str, language: str) -> None:
    assert detect(text) == language


async def test_an_unprepared_flow_is_refused() -> None:
    with pytest.raises(NotTrained):
        await IntentUnderstanding(WordEncoder()).understand(
            demo_flow("front-desk"), "where is my order", "en"
        )


async def test_a_sentence_like_the_examples_is_understood_and_nonsense_is_not() -> None:
    understanding = IntentUnderstanding(WordEncoder())
    flow = demo_flow("front-desk")
    await understanding.prepare(flow)
    known = await understanding.understand(flow, "where is my parcel please", "en")
    assert known.intent == "order_status"
    none = await understanding.understand(flow, "xylophone zebra quartz", "en")
    assert none.intent is None


async def test_a_wish_for_a_person_names_its_matter() -> None:
    understanding = IntentUnderstanding(WordEncoder())
    flow = demo_flow("front-desk")
    await understanding.prepare(flow)
    wish = await understanding.understand(flow, "talk to a person about my bill", "en")
    assert wish.intent == "agent"
    assert wish.related is not None
    assert flow.intents[wish.related].queue == "billing"


async def test_in_a_letter_the_sentence_that_asks_counts() -> None:
    understanding = IntentUnderstanding(WordEncoder())
    flow = demo_flow("front-desk")
    await understanding.prepare(flow)
    letter = "Hello,\nwe met nice people at the harbour.\nWhere is my parcel?\nThank you\nAnn"
    found = await understanding.understand(flow, letter, "en")
    assert found.intent == "order_status"
    assert found.gist == "Where is my parcel?"


async def test_a_flow_with_one_intent_and_one_without_work() -> None:
    understanding = IntentUnderstanding(WordEncoder())
    plain = parse_flow("flow: p\nstart: a\nsteps:\n  a: {end: x}\n")
    await understanding.prepare(plain)
    assert (await understanding.understand(plain, "anything", "en")).intent is None
    assert (await understanding.understand(plain, "agent", "en")).intent == "agent"
