"""Versions of flows over one store: begun is finished on, tried out, taken back, restarted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from bots.conversation import Conversation
from bots.conversations import Conversations
from bots.errors import BadFlow, BadRollout, FlowMovedOn, NoSuchFlow
from bots.flow.rollout import Rollout
from bots.flow.schema import read_flow
from bots.shelf import FlowShelf
from bots.text import TextBot
from router.acts.lifecycle import Lifecycle
from router.clock import VirtualClock
from router.company import Company, parse_company
from router.events import FlowChanged
from router.model import Arrival, Author, Channel, Identity, IdentityKind, Interaction, NewMessage
from tests.fakes.ground import Ground, ground
from tests.talking import NOW, Bench

COMPANY = {"queues": [{"id": "care"}], "entry": {"chat": "tiny"}}


def tiny(question: str, called: str = "") -> str:
    """A flow that asks twice, does something and thanks; a chat's first line answers at once."""
    deed = f"call: {called}" if called else "say: Noted."
    return f"""
flow: tiny
start: ask
languages: [en]
queue: care
slots: {{what: {{type: text}}, then: {{type: text}}}}
steps:
  ask: {{ask: "{question}", slot: what, next: more}}
  more: {{ask: "{question} And then?", slot: then, next: noted}}
  noted: {{{deed}, next: bye}}
  bye: {{end: done, text: "Thanks from {question}"}}
"""


FORM = """
flow: form
start: said
languages: [en]
queue: care
steps:
  said: {say: A form., next: bye}
  bye: {end: done}
"""


@dataclass
class Place:
    """A process: its own conversations and bot over the common store."""

    shelf: FlowShelf
    conversations: Conversations
    bot: TextBot


@dataclass
class World(Ground[VirtualClock]):
    folder: Path
    company: Company
    lifecycle: Lifecycle
    bench: Bench

    def place(self) -> Place:
        """A process that has not started yet."""
        flows = [read_flow(path) for path in sorted(self.folder.glob("*.yaml"))]
        listed = map(self.bench.conversation, flows)
        conversations = Conversations(listed, self.company.entry)
        make: Callable[..., Conversation] = self.bench.conversation
        shelf = FlowShelf(self.store, self.clock, self.relay, conversations, make)
        bot = TextBot(self.store, self.lifecycle, conversations, "http://here")
        return Place(shelf, conversations, bot)

    async def started(self, name: str = "one") -> Place:
        place = self.place()
        await place.shelf.start(self.bus, name, self.folder)
        await place.shelf.load()
        return place

    async def write(self, text: str, who: str) -> Interaction:
        arrival = Arrival(Channel.CHAT, Identity(IdentityKind.COOKIE, who), "us")
        line = NewMessage(Author.CUSTOMER, text)
        return (await self.lifecycle.receive(arrival, line)).interaction

    async def last(self, interaction: Interaction) -> str:
        async with self.store.transaction() as tx:
            lines = await tx.interactions.messages(interaction.id)
        return [line.text for line in lines if line.author == "bot"][-1]


@pytest.fixture
async def world(store_url: str, tmp_path: Path) -> AsyncIterator[World]:
    (tmp_path / "tiny.yaml").write_text(tiny("First?"))
    company = parse_company(COMPANY)
    async with ground(store_url, VirtualClock(NOW)) as below:
        lifecycle = Lifecycle(below.store, company, below.clock, below.relay)
        yield World(*below.parts, tmp_path, company, lifecycle, Bench())


async def begins(world: World, place: Place, who: str) -> Interaction:
    chat = await world.write("hello", who)
    await place.bot.answer(chat.id)
    return chat


async def soon(ready: Callable[[], Awaitable[bool] | bool]) -> None:
    async with asyncio.timeout(5):
        while True:
            found = ready()
            if found if isinstance(found, bool) else await found:
                return
            await asyncio.sleep(0.01)


async def test_conversation_finishes_on_the_version_it_began_with(world: World) -> None:
    place = await world.started()
    chat = await begins(world, place, "ann")
    assert "First?" in await world.last(chat)
    await place.shelf.publish("tiny", {"tiny": tiny("Second?")}, 100, "adam", "friendlier")
    later = await begins(world, place, "ben")
    assert "Second?" in await world.last(later)
    await world.write("a parcel", "ann")
    await place.bot.answer(chat.id)
    assert await world.last(chat) == "Thanks from First?"


async def test_trial_gets_its_share_and_is_taken_back_in_one_act(world: World) -> None:
    place = await world.started()
    tried = await place.shelf.publish("tiny", {"tiny": tiny("Second?")}, 40, "adam")
    chats = [await begins(world, place, f"visitor {number}") for number in range(60)]
    asked = [await world.last(chat) for chat in chats]
    assert 12 <= sum("Second?" in text for text in asked) <= 36
    assert all(
        ("Second?" in text) == (tried.rollout.version_for(chat.id) == tried.rollout.trial)
        for chat, text in zip(chats, asked, strict=True)
    )
    back = await place.shelf.roll_back("tiny", "adam")
    assert back.rollout == Rollout(tried.rollout.live)
    assert "First?" in await world.last(await begins(world, place, "late"))


async def test_other_processes_follow_at_once_and_a_conversation_may_go_on_in_any(
    world: World,
) -> None:
    here, there = await world.started("one"), await world.started("two")
    published = await here.shelf.publish("tiny", {"tiny": tiny("Second?")}, 100, "adam")
    version = published.rollout.live
    await soon(lambda: there.conversations["tiny"].flow.version == version)
    chat = await begins(world, here, "ann")
    await world.write("a parcel", "ann")
    await there.bot.answer(chat.id)
    assert await world.last(chat) == "Thanks from Second?"


async def test_version_that_is_not_known_here_yet_is_waited_for(world: World) -> None:
    here, late = await world.started("one"), world.place()
    await here.shelf.publish("tiny", {"tiny": tiny("Second?")}, 100, "adam")
    chat = await begins(world, here, "ann")
    await world.write("a parcel", "ann")
    await late.bot.answer(chat.id)
    assert await world.last(chat) == "Thanks from Second?"


async def test_restart_keeps_what_was_published_until_the_file_changes(world: World) -> None:
    place = await world.started("one")
    await place.shelf.publish("tiny", {"tiny": tiny("Second?")}, 100, "adam")
    chat = await begins(world, place, "ann")
    again = await world.started("two")
    assert "Second?" in await world.last(await begins(world, again, "ben"))
    (world.folder / "tiny.yaml").write_text(tiny("Third?"))
    changed = await world.started("three")
    assert "Third?" in await world.last(await begins(world, changed, "cid"))
    await world.write("a parcel", "ann")
    await changed.bot.answer(chat.id)
    assert await world.last(chat) == "Thanks from Second?"
    shelved = await changed.shelf.shelved("tiny")
    assert [each.author for each in shelved.editions] == ["file", "adam", "file"]


async def test_called_flow_is_part_of_the_version(world: World) -> None:
    (world.folder / "form.yaml").write_text(FORM)
    (world.folder / "tiny.yaml").write_text(tiny("First?", called="form"))
    place = await world.started()
    version = place.conversations["tiny"].flow.version
    assert sorted(await place.shelf.texts("tiny", version)) == ["form", "tiny"]
    chat = await begins(world, place, "ann")
    (world.folder / "form.yaml").write_text(FORM.replace("A form", "Another form"))
    changed = await world.started("two")
    assert changed.conversations["tiny"].flow.version != version
    await world.write("a parcel", "ann")
    await changed.bot.answer(chat.id)
    async with world.store.transaction() as tx:
        said = [line.text for line in await tx.interactions.messages(chat.id)]
    assert "A form." in " ".join(said)
    assert "Another form." not in " ".join(said)


async def test_bad_text_changes_nothing_and_names_every_fault(world: World) -> None:
    place = await world.started()
    before = await place.shelf.shelved("tiny")
    broken = tiny("Second?").replace("next: noted", "next: notd")
    with pytest.raises(BadFlow, match=r"tiny\.yaml:9: step 'more': unknown step 'notd'"):
        await place.shelf.publish("tiny", {"tiny": broken}, 100, "adam")
    with pytest.raises(BadFlow, match="its flow is called 'other'; name it 'tiny'"):
        renamed = tiny("Second?").replace("flow: tiny", "flow: other")
        await place.shelf.publish("tiny", {"tiny": renamed}, 100, "adam")
    with pytest.raises(BadRollout, match="not 101"):
        await place.shelf.publish("tiny", {"tiny": tiny("Second?")}, 101, "adam")
    with pytest.raises(BadRollout, match="nothing was live before"):
        await place.shelf.roll_back("tiny", "adam")
    with pytest.raises(NoSuchFlow, match="no flow 'tinny'"):
        await place.shelf.roll_back("tinny", "adam")
    assert await place.shelf.shelved("tiny") == before


async def test_text_that_is_saved_is_kept_and_nobody_gets_it(world: World) -> None:
    place = await world.started()
    before = await place.shelf.shelved("tiny")
    saved = await place.shelf.publish("tiny", {"tiny": tiny("Second?")}, 0, "adam", "half done")
    assert saved.rollout == before.rollout
    newest = saved.editions[0]
    assert (newest.act, newest.percent, newest.note) == ("saved", 0, "half done")
    assert await place.shelf.texts("tiny", newest.version) == {"tiny": tiny("Second?")}


async def test_change_based_on_something_older_is_refused(world: World) -> None:
    place = await world.started()
    base = (await place.shelf.shelved("tiny")).tag
    first = await place.shelf.publish("tiny", {"tiny": tiny("Second?")}, 40, "eva", "", base)
    with pytest.raises(FlowMovedOn, match="eva has tried"):
        await place.shelf.publish("tiny", {"tiny": tiny("Third?")}, 100, "adam", "", base)
    with pytest.raises(FlowMovedOn):
        await place.shelf.roll_back("tiny", "adam", "", base)
    assert await place.shelf.shelved("tiny") == first
    back = await place.shelf.roll_back("tiny", "adam", "", first.tag)
    assert back.rollout.trial == ""


async def test_two_who_publish_at_once_are_both_in_the_history(world: World) -> None:
    here, there = await world.started("one"), await world.started("two")
    await asyncio.gather(
        *(
            place.shelf.publish("tiny", {"tiny": tiny(f"By {who}?")}, 100, who)
            for place, who in ((here, "adam"), (there, "eva"))
        )
    )
    shelved = await here.shelf.shelved("tiny")
    assert {each.author for each in shelved.editions} == {"file", "adam", "eva"}
    assert shelved.rollout.before == shelved.editions[1].version


async def test_each_change_is_a_fact_with_its_author(world: World) -> None:
    place = await world.started()
    await place.shelf.publish("tiny", {"tiny": tiny("Second?")}, 25, "adam")
    await place.shelf.roll_back("tiny", "eva")
    async with world.store.transaction() as tx:
        facts = await tx.log.facts(types=[FlowChanged])
    told = [(fact.act, fact.percent, fact.author) for fact in facts]  # type: ignore[attr-defined]
    assert told == [("tried", 25, "adam"), ("rolled-back", 100, "eva")]
