"""The packet: complete, and a summary that can be read aloud in ten seconds."""

from __future__ import annotations

import pytest

from bots.handoff import build_packet
from bots.nlu import sentiment
from bots.summary import READ_S, SUMMARY_WORDS, WORDS, seconds_aloud
from router.handoff import Authentication, Cause, Utterance
from router.model import Channel
from tests.talking import Talk, demo_flow

DESK = demo_flow("front-desk")


async def test_the_packet_holds_what_was_said_tried_shown_and_collected() -> None:
    talk = await Talk.begin(DESK, Channel.VOICE)
    await talk.say("why is my bill so high?")
    await talk.say("where is my order")
    await talk.say("four eight two nine one three", 0.8)
    await talk.say("yes")
    await talk.say("I want to speak to a person", 0.9)
    packet = talk.turn.handoff
    assert packet is not None
    assert (packet.reason, packet.cause) == ("asked-for-person", Cause.ASKED)
    assert packet.intent == "order_status"
    assert packet.intent_label == "to know where an order is"
    assert packet.last_utterance == "I want to speak to a person"
    assert packet.trigger == Utterance("I want to speak to a person", confidence=0.9)
    assert (packet.language, packet.channel) == ("en", "voice")
    assert (packet.flow, packet.flow_version) == (DESK.name, DESK.version)
    [slot] = packet.slots
    assert (slot.name, slot.value, slot.confirmed) == ("order_number", "HL-482913", True)
    assert slot.type == "order-number"
    assert slot.confidence == pytest.approx(0.64)
    assert [article.article_id for article in packet.articles] == ["bill-too-high"]
    assert packet.tried == (
        "answered from “Why is my bill so high?”",
        "looked up order HL-482913: done",
    )
    assert packet.summary == (
        "Wants to know where an order is. "
        "Tried: looked up order HL-482913: done. Blocked: asked for a person."
    )


async def test_the_open_question_and_what_would_have_been_asked_go_along() -> None:
    talk = await Talk.begin(DESK, Channel.VOICE)
    await talk.say("where is my order")
    asked = talk.words
    await talk.press("0")
    packet = talk.turn.handoff
    assert packet is not None
    assert packet.trigger == Utterance(digits="0")
    assert packet.open_question
    assert packet.open_question in asked
    assert DESK.steps[packet.next_step]
    assert packet.open_slots == ("order_number",)


async def test_who_keeps_silent_is_handed_over_by_silence_with_the_words_before_it() -> None:
    talk = await Talk.begin(DESK, Channel.VOICE)
    await talk.say("where is my order")
    for _ in range(4):
        await talk.silent()
    packet = talk.turn.handoff
    assert packet is not None
    assert packet.cause is Cause.SILENT
    assert packet.trigger is not None
    assert packet.trigger.silent
    assert packet.last_utterance == "where is my order"
    assert "keys of your telephone" not in packet.open_question


@pytest.mark.parametrize(
    "lines",
    [
        ("agent",),
        ("why is my bill so high and what can I do about it this month?", "agent"),
        ("where is my order", "HL-555555", "HL-666666"),
        ("xylophone " * 60 + "?", "zebra " * 60 + "?"),
        ("I want to make a complaint",),
    ],
)
async def test_every_summary_is_short_enough_to_be_read_aloud(lines: tuple[str, ...]) -> None:
    talk = await Talk.begin(DESK)
    for line in lines:
        await talk.say(line)
    packet = talk.turn.handoff
    assert packet is not None
    assert len(packet.summary.split()) <= SUMMARY_WORDS
    assert set(packet.summaries) == set(WORDS)
    for language, text in packet.summaries.items():
        assert seconds_aloud(text, language) <= READ_S, text
        wants, blocked = WORDS[language].wants, WORDS[language].blocked
        assert text.startswith(wants.split("{}")[0])
        assert blocked.split("{}")[0] in text


async def test_summary_is_in_the_customers_language_too() -> None:
    talk = await Talk.begin(DESK, language="lv")
    await talk.say("kur ir mans sūtījums")
    await talk.say("darbinieks")
    packet = talk.turn.handoff
    assert packet is not None
    assert packet.summary_in("lv").startswith("Klients vēlas: pasūtījuma atrašanās vietu.")
    assert packet.summary_in("lv").endswith("Apstājās: lūdza darbinieku.")
    assert packet.summary_in("en").startswith("Wants ")


async def test_mood_and_proof_go_along_as_the_memory_has_them() -> None:
    talk = await Talk.begin(DESK)
    trend = sentiment.Trend()
    for words in ("hello", "this is bad", "this is the third time, I am furious!"):
        trend = sentiment.follow(trend, sentiment.mood(words))
    at = "2026-03-02T09:00:00+00:00"
    proof = {"method": "sms-code", "level": 2, "at": at}
    memory = talk.turn.memory | {
        "mood": sentiment.pack_trend(trend) | {"name": trend.name},
        "authentication": proof,
    }
    packet = build_packet(DESK, memory, "asked-for-person")
    assert packet.mood is not None
    assert packet.mood.anger > 0.3
    assert packet.mood.value < 0 > packet.mood.trend
    assert packet.authentication == Authentication("sms-code", 2, at)
    assert build_packet(DESK, talk.turn.memory, "asked-for-person").mood is None
