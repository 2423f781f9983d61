"""Chats on a real store and the in-process bus: nothing lost, nothing doubled, nothing leaked."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from channels import chat_wire as wire
from channels.chat_hub import BURST, ChatHub
from channels.chat_talk import Talk
from channels.text_errors import NotYours, TooFast
from channels.visitor import Claims, Introduction, admit, sign_claims
from router.acts.act import HandoffPlan
from router.clock import VirtualClock
from router.events import SurveyAnswered, TypingNoticed
from router.model import (
    Arrival,
    Author,
    Channel,
    EndedBy,
    Handoff,
    Identity,
    IdentityKind,
    NewMessage,
)
from router.ports import Transaction
from tests.fakes.core import Core, running_core, until

ANNA, EVE = "a" * 32, "e" * 32


class Tab:
    """A browser tab without the browser."""

    def __init__(self, hub: ChatHub, secret: str, **said: str) -> None:
        self.hub = hub
        self.frames: list[dict[str, Any]] = []
        self.visitor = admit(Introduction(secret, **said), "s3cret", hub.now)
        self.secret = secret
        self.talk: Talk

    async def send(self, frame: dict[str, Any]) -> None:
        self.frames.append(frame)

    async def open(self, interaction: str = "", after_seq: int = 0) -> "Tab":
        hello = wire.Hello(self.secret, interaction=interaction, after_seq=after_seq)
        self.talk = await self.hub.join(self.visitor, hello, self.send)
        return self

    async def say(self, text: str, client_id: str = "c1") -> None:
        await self.hub.take(self.talk, wire.Say(client_id, text))

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [frame for frame in self.frames if frame["type"] == kind]

    def texts(self) -> list[str]:
        return [line["text"] for frame in self.of("lines") for line in frame["lines"]]

    async def until_texts(self, *expected: str) -> None:
        await until(lambda: len(self.texts()) >= len(expected))
        assert self.texts() == list(expected)

    async def until_with(self, who: str) -> dict[str, Any]:
        def there() -> bool:
            states = self.of("state")
            return bool(states) and states[-1]["with"] == who

        await until(there)
        return self.of("state")[-1]


@pytest.fixture
async def core(tmp_path: Path) -> AsyncIterator[Core]:
    async with running_core(tmp_path) as core:
        yield core


@pytest.fixture
async def hub(core: Core) -> AsyncIterator[ChatHub]:
    hub = ChatHub(core.store, core.lifecycle, core.bus, "web-1", core.clock)
    await hub.start()
    yield hub
    await hub.stop()


async def bot_says(core: Core, text: str) -> None:
    interaction = (await core.interactions())[0]
    await core.lifecycle.save_bot_turn(interaction, {}, [NewMessage(Author.BOT, text)])


async def test_line_is_acknowledged_once_stored_and_the_answer_follows(
    core: Core, hub: ChatHub
) -> None:
    tab = await Tab(hub, ANNA).open()
    assert tab.frames == [{"type": "state", "interaction": "", "with": "nobody"}]
    await tab.say("Hello")
    ack = tab.of("ack")[0]
    interaction = (await core.interactions())[0]
    assert ack == {"type": "ack", "client_id": "c1", "interaction": interaction.id, "seq": 1}
    await bot_says(core, "Good day")
    await tab.until_texts("Hello", "Good day")
    assert tab.of("lines")[0]["lines"][0]["client_id"] == "c1"
    assert interaction.address != ANNA


async def test_same_client_id_is_one_line_acknowledged_twice(core: Core, hub: ChatHub) -> None:
    tab = await Tab(hub, ANNA).open()
    await tab.say("Hello")
    await tab.say("Hello")
    assert [ack["seq"] for ack in tab.of("ack")] == [1, 1]
    async with core.store.transaction() as tx:
        assert len(await tx.interactions.messages(tab.talk.current)) == 1


async def test_resent_line_after_the_end_begins_no_new_chat(core: Core, hub: ChatHub) -> None:
    tab = await Tab(hub, ANNA).open()
    await tab.say("Hello")
    await core.lifecycle.end(tab.talk.current, EndedBy.BOT, "done")
    await tab.say("Hello")
    assert len(await core.interactions()) == 1
    await tab.say("One more thing", "c2")
    assert len(await core.interactions()) == 2


async def test_browser_that_comes_back_gets_only_what_it_missed(core: Core, hub: ChatHub) -> None:
    tab = await Tab(hub, ANNA).open()
    await tab.say("Hello")
    await tab.until_texts("Hello")
    await hub.leave(tab.talk)
    await bot_says(core, "Good day")
    again = await Tab(hub, ANNA).open(tab.talk.current, after_seq=1)
    await again.until_texts("Good day")


async def test_reload_without_memory_shows_the_whole_chat(core: Core, hub: ChatHub) -> None:
    tab = await Tab(hub, ANNA).open()
    await tab.say("Hello")
    await bot_says(core, "Good day")
    await (again := Tab(hub, ANNA)).open()
    await again.until_texts("Hello", "Good day")


async def test_chat_outlives_the_restart_of_everything(tmp_path: Path) -> None:
    async with running_core(tmp_path) as core:
        hub = ChatHub(core.store, core.lifecycle, core.bus, "web-1", core.clock)
        await hub.start()
        tab = await Tab(hub, ANNA).open()
        await tab.say("Hello")
        await hub.stop()
    async with running_core(tmp_path) as core:
        hub = ChatHub(core.store, core.lifecycle, core.bus, "web-1", core.clock)
        await hub.start()
        again = await Tab(hub, ANNA).open()
        await again.say("Hello")  # was not sure that it had arrived
        await bot_says(core, "Good day")
        await again.until_texts("Hello", "Good day")
        await hub.stop()


async def test_two_web_nodes_show_the_same_chat(core: Core, hub: ChatHub) -> None:
    other = ChatHub(core.store, core.lifecycle, core.bus, "web-2", core.clock)
    await other.start()
    first, second = await Tab(hub, ANNA).open(), await Tab(other, ANNA).open()
    await first.say("Hello")
    await bot_says(core, "Good day")
    for tab in (first, second):
        await tab.until_texts("Hello", "Good day")
    await other.stop()


async def test_visitor_sees_waiting_position_then_the_agents_name(core: Core, hub: ChatHub) -> None:
    plan = HandoffPlan("orders", Handoff("asked", ""))
    for secret in (EVE, ANNA):
        tab = await Tab(hub, secret).open()
        await tab.say("A person, please")
        async with core.store.transaction() as tx:
            interaction = await tx.interactions.get(tab.talk.current)
        queued = await core.lifecycle.save_bot_turn(interaction, {}, handoff=plan)
    assert (await tab.until_with("waiting"))["position"] == 2
    await core.add_agent("ana")
    offer = await core.lifecycle.offer(queued, "ana", "test")
    await core.lifecycle.accept(offer.id, "ana")
    assert (await tab.until_with("agent"))["agent"] == "Ana Ozola"
    await core.lifecycle.reply(queued.id, "ana", "Here I am")
    await until(lambda: "Here I am" in tab.texts())
    assert tab.of("lines")[-1]["lines"][-1]["name"] == "Ana Ozola"


class Estimate:
    """Says of everybody the same place and how long it takes."""

    async def place(self, tx: Transaction, interaction_id: str) -> tuple[int | None, float | None]:
        return 3, 130.0


async def test_visitor_is_told_how_long_it_will_take_where_it_is_known(core: Core) -> None:
    hub = ChatHub(core.store, core.lifecycle, core.bus, "web-1", core.clock, Estimate())
    await hub.start()
    tab = await Tab(hub, ANNA).open()
    await tab.say("A person, please")
    plan = HandoffPlan("orders", Handoff("asked", ""))
    await core.lifecycle.save_bot_turn((await core.interactions())[0], {}, handoff=plan)
    told = await tab.until_with("waiting")
    assert (told["position"], told["minutes"]) == (3, 3)
    await hub.stop()


async def test_after_the_agent_the_score_counts_once(core: Core, hub: ChatHub) -> None:
    tab = await Tab(hub, ANNA).open()
    await tab.say("A person, please")
    interaction_id = tab.talk.current
    with pytest.raises(NotYours):
        await hub.take(tab.talk, wire.Survey(interaction_id, 5))
    await core.to_agent((await core.interactions())[0])
    await core.lifecycle.end(interaction_id, EndedBy.AGENT, "solved")
    await until(lambda: bool(tab.of("ended")))
    assert tab.of("ended")[0]["survey"] is True
    await hub.take(tab.talk, wire.Survey(interaction_id, 4))
    with pytest.raises(NotYours):
        await hub.take(tab.talk, wire.Survey(interaction_id, 1))
    async with core.store.transaction() as tx:
        scores = await tx.log.facts(types=[SurveyAnswered])
    assert [(s.score, s.agent_id) for s in scores if isinstance(s, SurveyAnswered)] == [(4, "ana")]


async def test_typed_mail_address_recognises_but_opens_nobodys_chat(
    core: Core, hub: ChatHub
) -> None:
    by_mail = Identity(IdentityKind.EMAIL, "anna@example.org")
    await core.lifecycle.receive(Arrival(Channel.EMAIL, by_mail, "care@x.org", name="Anna"))
    anna = await Tab(hub, ANNA, email="anna@example.org").open()
    await anna.say("My secret question")
    eve = await Tab(hub, EVE, name="Eve", email="anna@example.org").open()
    await eve.say("What did I say?")
    await eve.until_texts("What did I say?")
    chats = [one for one in await core.interactions() if one.channel is Channel.CHAT]
    assert len({one.id for one in chats}) == 2
    assert len({one.customer_id for one in chats}) == 1
    assert chats[0].meta == {"email": "anna@example.org", "email_verified": False}


async def test_login_is_the_same_chat_on_two_devices(core: Core, hub: ChatHub) -> None:
    token = sign_claims("s3cret", Claims("anna-7", (hub.now + timedelta(hours=1)).timestamp()))
    phone = await Tab(hub, ANNA, token=token).open()
    laptop = await Tab(hub, EVE, token=token).open()
    await phone.say("Hello")
    await laptop.until_texts("Hello")
    assert "client_id" not in laptop.of("lines")[0]["lines"][0]


async def test_flood_is_slowed_and_changes_nothing(core: Core) -> None:
    clock = VirtualClock(core.clock.now())
    hub = ChatHub(core.store, core.lifecycle, core.bus, "web-1", clock)
    tab = await Tab(hub, ANNA).open()
    for number in range(BURST):
        await tab.say("x", f"c{number}")
    with pytest.raises(TooFast) as caught:
        await tab.say("x", "too-much")
    assert caught.value.retry_after_s == 1
    async with core.store.transaction() as tx:
        assert len(await tx.interactions.messages(tab.talk.current)) == BURST
    clock.forward(1)
    await tab.say("x", "too-much")
    await hub.stop()


async def test_agents_typing_is_shown_and_the_visitors_is_told(core: Core, hub: ChatHub) -> None:
    tab = await Tab(hub, ANNA).open()
    await tab.say("A person, please")
    await core.to_agent((await core.interactions())[0])
    await tab.until_with("agent")
    heard: list[Any] = []

    async def note(fact: Any) -> None:
        heard.append(fact)

    await core.bus.subscribe("probe", note, [TypingNoticed], lasting=False)
    for _ in range(3):
        await hub.take(tab.talk, wire.Typing())
    await core.bus.publish(
        [
            TypingNoticed(
                at=hub.now, interaction_id=tab.talk.current, author="agent", author_id="ana"
            )
        ]
    )
    await until(lambda: bool(tab.of("typing")) and tab.of("typing")[-1]["author"] == "agent")
    await until(lambda: len(heard) == 2)
    assert [fact.author for fact in heard] == ["customer", "agent"]


async def test_visitor_ends_the_chat(core: Core, hub: ChatHub) -> None:
    tab = await Tab(hub, ANNA).open()
    await tab.say("Hello")
    await hub.take(tab.talk, wire.End())
    await until(lambda: bool(tab.of("ended")))
    assert tab.of("ended")[0]["by"] == "customer"
    assert tab.of("ended")[0]["survey"] is False


async def test_notes_between_ourselves_are_not_shown(core: Core, hub: ChatHub) -> None:
    tab = await Tab(hub, ANNA).open()
    await tab.say("Hello")
    await core.lifecycle.add_message(tab.talk.current, NewMessage(Author.SYSTEM, "internal"))
    await bot_says(core, "Good day")
    await tab.until_texts("Hello", "Good day")


async def test_many_at_once_each_get_their_own(core: Core, hub: ChatHub) -> None:
    tabs = [await Tab(hub, f"{n:032d}").open() for n in range(10)]
    await asyncio.gather(*(tab.say(f"I am {n}") for n, tab in enumerate(tabs)))
    for number, tab in enumerate(tabs):
        await tab.until_texts(f"I am {number}")
