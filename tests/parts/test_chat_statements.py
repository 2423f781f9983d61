"""What a line of the web chat costs the embedded store, from the socket to the bot's answer.

Hops to SQLite's thread are most of what a short answer takes: whoever needs one more statement
should know that every line of every chat pays for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Engine, event

from bots.conversations import Conversations
from bots.flow.schema import parse_flow
from bots.text import TextBot
from channels.chat_hub import ChatHub
from router.acts.lifecycle import Lifecycle
from router.clock import VirtualClock
from router.company import parse_company
from router.model import Author, Message
from tests.fakes.core import COMPANY, until
from tests.fakes.ground import Ground, ground
from tests.parts.test_chat_hub import ANNA, Tab
from tests.talking import NOW, Bench

FLOW = """
flow: front-desk
start: help
queue: orders
steps:
  help: {ask: "How can I help you?", otherwise: answer}
  more: {ask: "Is there anything else?", otherwise: answer}
  answer: {answer: "{{ question }}", next: more, unknown: to_person}
  to_person: {handoff: asked}
"""
QUESTION, ANSWER = "are you open on Saturday?", "We answer on Saturdays from 9 to 15."
MORE = "Is there anything else?"
MOST = 18
"""7 to take the line in, 3 to see what waits, 7 to save an answer of two lines, 1 to show it."""
CLEARING = ("BEGIN", "DELETE FROM outbox")
"""The outbox is cleared now and then, for many lines at once; it cannot be told whose BEGIN is
whose."""
WITHIN_S = 30.0


@pytest.fixture
async def below(sqlite_url: str) -> AsyncIterator[Ground[VirtualClock]]:
    async with ground(sqlite_url, VirtualClock(NOW)) as below:
        yield below


@pytest.fixture
async def tab(below: Ground[VirtualClock]) -> AsyncIterator[Tab]:
    """Anna's tab, with a bot that has greeted her already."""
    company = parse_company(COMPANY)
    life = Lifecycle(below.store, company, below.clock, below.relay)
    flows = Conversations([Bench().conversation(parse_flow(FLOW))], company.entry)
    bot = TextBot(below.store, life, flows, "https://care.test")
    await bot.start(below.bus)
    hub = ChatHub(below.store, life, below.bus, "web-1", below.clock)
    await hub.start()
    tab = await Tab(hub, ANNA).open()
    await tab.say(QUESTION)
    await until(lambda: tab.texts()[-1:] == [MORE] and below.bus.idle, WITHIN_S)
    yield tab
    await hub.stop()


@contextmanager
def counted() -> Iterator[list[str]]:
    """The statements of all engines."""
    found: list[str] = []

    def note(_: Any, __: Any, statement: str, *___: Any) -> None:
        if not statement.startswith(CLEARING):
            found.append(" ".join(statement.split())[:100])

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(Engine, "before_cursor_execute", note)


async def ask_again(below: Ground[VirtualClock], tab: Tab) -> list[str]:
    """The statements of one more line and its answer."""
    before = len(tab.texts())
    with counted() as statements:
        await tab.say(QUESTION, "c2")
        await until(lambda: len(tab.texts()) == before + 3 and below.bus.idle, WITHIN_S)
    assert tab.texts()[before:] == [QUESTION, ANSWER, MORE]
    return statements


async def test_line_and_its_answer_cost_few_statements(
    below: Ground[VirtualClock], tab: Tab
) -> None:
    statements = await ask_again(below, tab)
    assert len(statements) <= MOST, "\n".join(statements)


async def test_somebody_elses_tab_asks_the_store_nothing(
    below: Ground[VirtualClock], tab: Tab
) -> None:
    other = await Tab(tab.hub, "b" * 32).open()
    await other.say("are you open on Sunday?")
    await until(lambda: other.texts()[-1:] == [MORE] and below.bus.idle, WITHIN_S)
    statements = await ask_again(below, tab)
    assert len(statements) <= MOST, "\n".join(statements)
    assert QUESTION not in other.texts()


async def test_line_written_while_another_is_answered_is_answered_too(
    below: Ground[VirtualClock], tab: Tab
) -> None:
    before, lines = len(tab.texts()), list[Message]()

    async def all_answered() -> bool:
        async with below.store.reading() as tx:
            chat = await tx.interactions.get(tab.talk.current)
            lines[:] = await tx.interactions.messages(chat.id)
        return int(chat.bot_state["seen_seq"]) >= max(
            line.seq for line in lines if line.author is Author.CUSTOMER
        )

    await asyncio.gather(*(tab.say(f"are you open on day {n}?", f"d{n}") for n in range(4)))
    await until(all_answered, WITHIN_S)
    await until(lambda: len(tab.texts()) >= len(lines), WITHIN_S)
    assert tab.texts()[before:] == [line.text for line in lines[before:]]
    assert [line.text for line in lines[-2:]] == [ANSWER, MORE]
