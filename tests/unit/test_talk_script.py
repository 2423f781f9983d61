"""Talks as data: one entry on several channels, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from evals.fields import BadSuite
from evals.talk_script import Talk, parse_talks
from router.model import Channel


def parsed(**item: Any) -> dict[Channel, Talk]:
    told: dict[str, Any] = {"name": "one", "expect": {"outcome": "contained"}} | item
    talks = parse_talks({"conversations": [told]}, "kind")
    return {talk.channel: talk for talk in talks}


def test_an_entry_is_played_on_all_channels_or_on_those_it_names() -> None:
    assert set(parsed(turns=["hello"])) == set(Channel)
    assert set(parsed(turns=["hello"], channels="text")) == set(Channel) - {Channel.VOICE}
    assert set(parsed(turns=["hello"], channels=["voice", "sms"])) == {Channel.VOICE, Channel.SMS}


def test_values_and_turns_differ_by_channel() -> None:
    said = {"say": {"voice": "four eight", "text": "48", "sms": "4 8"}}
    talks = parsed(turns=[said, {"press": "0", "channels": "voice"}])
    assert [turn.label for turn in talks[Channel.VOICE].turns] == ["four eight", "[keys 0]"]
    assert [turn.label for turn in talks[Channel.CHAT].turns] == ["48"]
    assert [turn.label for turn in talks[Channel.SMS].turns] == ["4 8"]


@pytest.mark.parametrize(
    ("item", "told"),
    [
        ({"turns": []}, "at least one"),
        ({"turns": [{"say": True}]}, "expected a text, found True"),
        ({"turns": [{"say": "a", "press": "1"}]}, "expected one of"),
        ({"turns": ["a"], "channels": "fax"}, "'fax' is not one of"),
        ({"turns": ["a"], "service": "odd"}, "service"),
        ({"turns": ["a"], "expect": {"packet": {"colour": "red"}}}, "unknown"),
        ({"turns": [{"person": "sings"}]}, "accepts, writes"),
        ({"turns": ["a"], "expect": {}}, "cannot fail"),
    ],
)
def test_mistake_is_named_with_its_place(item: dict[str, Any], told: str) -> None:
    with pytest.raises(BadSuite, match=told):
        parsed(**item)
