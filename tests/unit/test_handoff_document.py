"""The hand-over document: any version in, this one out, and nothing of a newer one lost."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.handoff import (
    HANDOFF_VERSION,
    Authentication,
    Cause,
    Citation,
    Handoff,
    Mood,
    SlotValue,
    Utterance,
    pack_handoff,
    unpack_handoff,
)

FIRST: dict[str, Any] = {
    "reason": "asked-for-person",
    "summary": "Wants her parcel.",
    "intent": "order_status",
    "slots": [{"name": "order", "value": "HL-482913", "confidence": 0.7, "confirmed": True}],
    "articles": [
        {"article_id": "a", "title": "Tracking", "url": "/a", "quote": "words", "score": 0.8}
    ],
    "tried": ["looked up"],
    "last_utterance": "a person please",
    "language": "lv",
    "version": 1,
}
"""As version 1 has written it."""

words = st.text(max_size=8)
share = st.floats(0, 1)
packets = st.builds(
    Handoff,
    reason=words,
    summary=words,
    intent=st.none() | words,
    slots=st.lists(st.builds(SlotValue, words, words, share, st.booleans(), words, words)).map(
        tuple
    ),
    articles=st.lists(st.builds(Citation, words, words, words, words, share)).map(tuple),
    tried=st.lists(words).map(tuple),
    summaries=st.dictionaries(words, words, max_size=3),
    trigger=st.none() | st.builds(Utterance, words, words, share),
    authentication=st.builds(Authentication, words, st.integers(0, 3), words),
    mood=st.none() | st.builds(Mood, share, share, share, st.booleans()),
    flow=words,
    step=words,
    open_slots=st.lists(words).map(tuple),
)


@given(packets)
def test_a_packet_comes_back_as_it_went_in(packet: Handoff) -> None:
    assert unpack_handoff(pack_handoff(packet)) == packet


def test_the_first_version_is_read_as_the_present_one() -> None:
    packet = unpack_handoff(FIRST)
    assert packet is not None
    assert packet.version == HANDOFF_VERSION
    assert packet.slots == (SlotValue("order", "HL-482913", 0.7, confirmed=True),)
    assert packet.trigger == Utterance("a person please")
    assert packet.authentication == Authentication()
    assert (packet.mood, packet.open_slots, packet.summaries) == (None, (), {})
    assert packet.cause is Cause.ASKED
    assert packet.summary_in("lv") == "Wants her parcel."


def test_what_a_newer_version_says_is_kept_and_written_back() -> None:
    newer = pack_handoff(Handoff("asked", "wants", trigger=Utterance("hi"))) or {}
    newer |= {"version": 9, "colour": "blue", "trigger": {"text": "hi", "tone": "flat"}}
    packet = unpack_handoff(newer)
    assert packet is not None
    assert packet.trigger == Utterance("hi")
    again = pack_handoff(packet)
    assert again is not None
    assert (again["version"], again["colour"]) == (9, "blue")


def test_no_packet_stays_none() -> None:
    assert pack_handoff(None) is None
    assert unpack_handoff(None) is None


@pytest.mark.parametrize(
    ("reason", "cause"),
    [
        ("asked-for-person", Cause.ASKED),
        ("speech-failed", Cause.FAULT),
        ("no-input", Cause.SILENT),
        ("gas-emergency", Cause.RULE),
        ("transfer", Cause.PASSED_ON),
    ],
)
def test_every_reason_has_a_cause_and_a_flows_own_is_its_rule(reason: str, cause: Cause) -> None:
    assert Handoff(reason, "").cause is cause
