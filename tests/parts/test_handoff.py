"""The packet: complete, and a summary that can be read aloud in ten seconds."""

from __future__ import annotations

import pytest

from bots.handoff import SUMMARY_WORDS
from router.model import Channel
from tests.talking import Talk, demo_flow

DESK = demo_flow("front-desk")


async def test_the_packet_holds_what_was_said_tried_shown_and_collected() -> None:
    talk = await Talk.begin(DESK, Channel.VOICE)
    await talk.say("why is my bill so high?")
    await talk.say("where is my order")
    await talk.say("four eight two nine one three", 0.8)
    await talk.say("yes")
    await talk.say("I want to speak to a person")
    packet = talk.turn.handoff
    assert packet is not None
    assert packet.reason == "asked-for-person"
    assert packet.intent == "order_status"
    assert packet.last_utterance == "I want to speak to a person"
    assert packet.language == "en"
    [slot] = packet.slots
    assert (slot.name, slot.value, slot.confirmed) == ("order_number", "HL-482913", True)
    assert slot.confidence == pytest.approx(0.64)
    assert [article.article_id for article in packet.articles] == ["bill-too-high"]
    assert packet.tried == (
        "answered from “Why is my bill so high?”",
        "looked up order HL-482913: done",
    )
    assert packet.summary == (
        "Wants to know where an order is. Order number HL-482913. "
        "Tried: looked up order HL-482913: done. Blocked: asked for a person."
    )


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
    assert packet.summary.startswith("Wants ")
    assert "Blocked: " in packet.summary
