"""The after-contact survey: who is asked how, and what counts as an answer."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bots.survey import How, how_to_ask, parse_score, still_counts
from router.events import InteractionEnded

NOW = datetime(2025, 3, 10, 12, 0, tzinfo=UTC)


def ended(channel: str, was: str = "agent", agent_id: str = "maris") -> InteractionEnded:
    return InteractionEnded(
        at=NOW, channel=channel, ended_by="agent", reason="done", was=was, agent_id=agent_id
    )


@pytest.mark.parametrize(
    ("channel", "how"),
    [("voice", How.KEYS), ("chat", How.WIDGET), ("sms", How.TEXT), ("email", None)],
)
def test_how_to_ask_follows_the_channel(channel: str, how: How | None) -> None:
    assert how_to_ask(ended(channel), enabled=True) == how


def test_how_to_ask_only_what_an_agent_handled() -> None:
    assert how_to_ask(ended("sms", was="bot", agent_id=""), enabled=True) is None
    assert how_to_ask(ended("sms", was="waiting"), enabled=True) is None
    assert how_to_ask(ended("sms"), enabled=False) is None


@pytest.mark.parametrize(
    ("text", "score"),
    [
        ("5", 5),
        (" 4! ", 4),
        ("3/5", 3),
        ("2 out of 5", 2),
        ("five stars", 5),
        ("五分", 5),
        ("Četri.", 4),
        ("0", None),
        ("6", None),
        ("55", None),
        ("-1", None),
        ("", None),
        ("I waited 5 hours", None),
        ("5 parcels", None),
        ("HL-482913", None),
    ],
)
def test_parse_score_takes_a_score_and_nothing_else(text: str, score: int | None) -> None:
    assert parse_score(text) == score


def test_still_counts_for_a_day() -> None:
    assert still_counts(NOW, NOW + timedelta(hours=24))
    assert not still_counts(NOW, NOW + timedelta(hours=24, seconds=1))
