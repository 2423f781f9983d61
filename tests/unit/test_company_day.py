"""Which day it is, and what "in two hours" means, is told by the company's clock."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bots.conversation import Conversation, Tools
from bots.flow.schema import parse_flow
from router.clock import VirtualClock
from router.model import Channel
from tests.talking import Bench, Talk, interaction_on

FLOW = """
flow: visit
start: day
slots:
  day: {type: date}
  at: {type: time}
steps:
  day: {ask: "Which day?", slot: day, next: time}
  time: {ask: "When?", slot: at, next: bye}
  bye: {end: booked, text: "{{ day }} {{ at }}"}
"""
LATE = datetime(2026, 3, 2, 22, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "told"),
    [
        ("UTC", "2026-03-03 00:30"),
        ("Europe/Riga", "2026-03-04 02:30"),
        ("America/New_York", "2026-03-03 19:30"),
    ],
)
async def test_tomorrow_is_that_of_the_companys_time_zone(zone: str, told: str) -> None:
    bench = Bench()
    tools = Tools(
        bench.understanding, bench.knowledge, bench.actions, VirtualClock(LATE), timezone=zone
    )
    conversation = Conversation(parse_flow(FLOW), tools)
    talk = Talk(conversation, await conversation.begin(interaction_on(Channel.CHAT)))
    await talk.say("tomorrow please")
    assert await talk.say("in two hours") == told
