"""What acts add to an agent's day."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from router.workday import step_at, together

NOW = datetime(2026, 3, 29, 0, 30, tzinfo=UTC)


def test_day_is_that_of_the_zone_and_begins_at_its_midnight() -> None:
    """In Riga the clocks go forward that night: midnight is still 22:00 UTC."""
    riga = step_at("ana", NOW, "Europe/Riga")
    assert riga.day == "2026-03-29"
    assert riga.day_began == datetime(2026, 3, 28, 22, tzinfo=UTC)
    new_york = step_at("ana", NOW, "America/New_York")
    assert new_york.day == "2026-03-28"
    assert new_york.day_began == datetime(2026, 3, 28, 4, tzinfo=UTC)


def test_steps_of_one_agent_become_one_that_adds_the_same() -> None:
    step = step_at("ana", NOW, "UTC")
    other = replace(step_at("ben", NOW, "UTC"), handled=1)
    merged = together(
        [
            replace(step, handled=1, talk_s=2.0, busy=True),
            other,
            replace(step, handled=1, handling_s=3.0, idle=True, offered=True),
        ]
    )
    assert merged == [
        replace(step, handled=2, talk_s=2.0, handling_s=3.0, offered=True, busy=True, idle=True),
        other,
    ]
