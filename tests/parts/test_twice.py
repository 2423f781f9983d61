"""The bus brings each fact at least once: every group hears a whole story again, and nothing comes
of it. One test for each place that subscribes; the last one finds out whether there is a new one.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bots.conversation import Conversation
from bots.conversations import Conversations
from bots.flow.model import Flow
from bots.shelf import FlowShelf
from bots.survey import Surveys
from channels.chat_hub import ChatHub
from channels.delivery import Delivery
from gateway.desk.hub import DeskHub
from router import events
from router.bus.memory import MemoryBus
from router.commands import HoldCall
from router.configuration.versions import Versions
from router.events import Fact
from router.model import (
    Arrival,
    Author,
    Channel,
    EndedBy,
    Identity,
    IdentityKind,
    Interaction,
    InteractionState,
    Message,
    NewMessage,
)
from router.relay import Relay
from tests.fakes.board import Board, boards
from tests.fakes.core import Core, running_core, until
from tests.parts import test_campaign_texts as texts
from tests.parts import test_dispatcher as dispatching
from tests.parts.test_chat_hub import ANNA, Tab
from tests.parts.test_versions import ADAM, QUICK, blank
from tests.parts.test_versions import World as Rules
from tests.parts.test_versions import world as rules  # noqa: F401  (a fixture)
from tests.parts.test_waiting_line import promised
from tests.talking import FLOWS, Bench, demo_flow

ROOT = Path(__file__).parents[2]
TALKS = "test_text_bot.py"
ROOMS = ("router", "channels", "bots", "gateway", "knowledge")
COVERED = {
    "bots/campaign/runner.py": "campaign",
    "bots/shelf.py": "flow",
    "bots/survey.py": "survey",
    "bots/text.py": "a_fact_delivered_twice_makes_one_turn",
    "channels/chat_hub.py": "chat",
    "channels/mail/sender.py": "line_goes_out",
    "channels/sms.py": "line_goes_out",
    "gateway/desk/hub.py": "desk",
    "gateway/switchboard.py": "call",
    "router/configuration/versions.py": "configuration",
    "router/dispatch/dispatcher.py": "dispatcher",
}
"""Who subscribes, and what the name of its test begins with, here or among the text bot's."""


class Echo:
    """Hears all that crosses the bus, and can say it once more."""

    def __init__(self, bus: MemoryBus) -> None:
        self._bus = bus
        self.facts: list[Fact] = []

    @classmethod
    async def of(cls, bus: MemoryBus) -> Echo:
        """One that listens from now on."""
        echo = cls(bus)
        await bus.subscribe("echo", echo._hear, events.ALL)
        return echo

    async def _hear(self, fact: Fact) -> None:
        self.facts.append(fact)

    async def again(self, *kinds: type[Fact]) -> None:
        """Everything once more, in order; returns when all have handled it. It was something."""
        await until(lambda: self._bus.idle)
        told = [fact for fact in self.facts if not kinds or isinstance(fact, kinds)]
        assert told
        await self._bus.publish(told)
        await until(lambda: self._bus.idle)


@pytest.fixture
async def core(tmp_path: Path) -> AsyncIterator[Core]:
    async with running_core(tmp_path) as core:
        yield core


async def nothing_new(core: Core, echo: Echo, *kinds: type[Fact]) -> None:
    """No fact comes of the echo: so no state has changed and nothing was said."""
    await until(lambda: core.bus.idle)
    before = await core.logged()
    await echo.again(*kinds)
    assert await core.logged() == before


# -- the distributor ---------------------------------------------------------------------


async def test_dispatcher_offers_nothing_twice_and_bars_nobody_longer(sqlite_url: str) -> None:
    company = dispatching.company_of(dispatching.ORDERS)
    async with dispatching.world_of(company, sqlite_url) as world:
        await world.dispatcher.start()
        await world.come("ana", "ben")
        first = await world.waiting("v1")
        await world.wait_for(events.OfferMade)
        (offer,) = await world.ringing()
        await world.life.reject(offer.id, offer.agent_id)
        await world.wait_for(events.OfferMade, 2)
        (offer,) = await world.ringing()
        await world.life.accept(offer.id, offer.agent_id)
        await world.waiting("v2")
        await world.wait_for(events.OfferMade, 3)
        await world.life.end(first.id, EndedBy.AGENT, "done")
        await world.life.complete_wrap_up(first.id, offer.agent_id, "resolved")
        await world.calm()
        before, told = await world.logged(), [*world.seen]
        await world.bus.publish(told)
        await world.calm()
        await until(lambda: world.bus.idle)
        assert await world.logged() == before


# -- bots --------------------------------------------------------------------------------


async def test_survey_asks_once_and_a_later_number_is_a_new_matter(core: Core) -> None:
    echo = await Echo.of(core.bus)
    surveys = Surveys(core.store, core.lifecycle, core.bus, core.clock)
    await surveys.start()
    interaction = await texts.handled_by_agent(core)

    async def asked() -> bool:
        return len(await texts.lines(core, interaction.id)) == 2

    await until(asked)
    assert await surveys.take_reply(texts.NUMBER, "4", "SM1")
    await nothing_new(core, echo)
    assert not await surveys.take_reply(texts.NUMBER, "2", "SM2")


async def test_who_told_the_bot_the_score_is_not_asked_again(core: Core) -> None:
    echo = await Echo.of(core.bus)
    surveys = Surveys(core.store, core.lifecycle, core.bus, core.clock)
    await surveys.start()
    interaction = await texts.handled_by_agent(core, score=4)
    await nothing_new(core, echo)
    assert len(await texts.lines(core, interaction.id)) == 1


async def test_campaign_files_an_answer_once(core: Core) -> None:
    echo = await Echo.of(core.bus)
    desk, runner, campaign_id = await texts.begin(core)
    await runner.start()
    await until(lambda: texts._is_live(desk, campaign_id))
    attempt = await texts.attempt_of(desk, campaign_id)
    answers = {"answers": {"score": "5"}}
    await texts.save_memory(core, attempt.interaction_id or "", answers, "answered")
    await until(lambda: texts._is_filed(desk, campaign_id))
    filed = await texts.attempt_of(desk, campaign_id)
    await nothing_new(core, echo)
    assert await texts.attempt_of(desk, campaign_id) == filed
    await runner.stop()


# -- channels ----------------------------------------------------------------------------


@pytest.mark.parametrize("channel", [Channel.SMS, Channel.EMAIL])
async def test_line_goes_out_once(core: Core, channel: Channel) -> None:
    sent: list[str] = []

    async def send(_: Interaction, message: Message) -> str:
        sent.append(message.text)
        return "peer-1"

    delivery = Delivery(core.store, core.lifecycle, core.clock, channel, send)
    await core.bus.subscribe("out", delivery.handle, [events.MessageAdded])
    echo = await Echo.of(core.bus)
    arrival = Arrival(channel, Identity(IdentityKind.PHONE, "+371"), "us")
    interaction = (await core.lifecycle.receive(arrival)).interaction
    await core.lifecycle.add_message(interaction.id, NewMessage(Author.BOT, "Good morning"))
    await until(lambda: bool(sent))
    await nothing_new(core, echo)
    assert sent == ["Good morning"]


async def test_chat_shows_each_line_once(core: Core) -> None:
    hub = ChatHub(core.store, core.lifecycle, core.bus, "n1", core.clock)
    await hub.start()
    echo = await Echo.of(core.bus)
    tab = await Tab(hub, ANNA).open()
    await tab.say("hello")
    (chat,) = await core.interactions()
    await core.to_agent(chat)
    await core.lifecycle.reply(chat.id, "ana", "Good morning", "d1")
    await tab.until_texts("hello", "Good morning")
    await nothing_new(core, echo)
    assert tab.texts() == ["hello", "Good morning"]
    await hub.stop()


# -- the gateway -------------------------------------------------------------------------


async def test_desk_is_told_each_line_and_each_refusal_once(core: Core) -> None:
    hub = DeskHub(core.store, core.lifecycle, core.bus, core.company, core.clock, "web-1")
    await hub.start()
    echo = await Echo.of(core.bus)
    interaction = (await core.lifecycle.receive(Arrival(
        Channel.CHAT, Identity(IdentityKind.COOKIE, "v"), "web"),
        NewMessage(Author.CUSTOMER, "hello"))).interaction  # fmt: skip
    await core.to_agent(interaction)
    tab = await hub.open("ana")
    await core.lifecycle.reply(interaction.id, "ana", "Good morning", "d1")
    await until(lambda: core.bus.idle)
    views: list[dict[str, Any] | None] = []

    def kinds() -> list[str]:
        while not tab.outbox.empty():
            views.append(tab.outbox.get_nowait())
        return [view["type"] for view in views if view]

    await until(lambda: "message" in kinds())
    before = kinds()
    await nothing_new(core, echo)
    assert kinds() == before
    await hub.stop()


async def test_call_back_dials_once_while_the_telephone_rings(tmp_path: Path) -> None:
    async with boards(tmp_path, callback={"offer_after_s": 1}) as start:
        board: Board = await start("hand-over")
        echo = await Echo.of(board.core.bus)
        board.telephone.rings = True
        await promised(board)
        await board.until(lambda: bool(board.telephone.dialled))
        await nothing_new(board.core, echo)
        assert len(board.telephone.dialled) == 1


async def test_call_stays_on_hold_and_with_people(tmp_path: Path) -> None:
    """What came before the hold, told once more behind it, undoes nothing."""
    async with boards(tmp_path) as start:
        board: Board = await start("hand-over", "listen")
        echo = await Echo.of(board.core.bus)
        call = await board.to_agent()
        await board.join(call)
        assert board.hears_agent()
        await board.board.obey(HoldCall(interaction_id=call.id))
        await nothing_new(board.core, echo)
        assert not board.hears_agent()
        assert board.bot.runs == 1


async def test_call_takes_one_voicemail(tmp_path: Path) -> None:
    rule = {"when": "waited", "over_s": 600, "to": {"voicemail": True}}
    async with boards(tmp_path, overflow=[rule]) as start:
        board: Board = await start("hand-over")
        echo = await Echo.of(board.core.bus)
        waiting = await board.state(InteractionState.WAITING)
        await board.waiting.due(waiting.id, waiting.created_at + timedelta(hours=1))
        await board.until(lambda: bool(board.bot.said))
        said = [*board.bot.said]
        await nothing_new(board.core, echo, events.InteractionOverflowed)
        assert board.bot.said == said
        await board.leg.hang_up()


async def test_configuration_is_adopted_once(rules: Rules) -> None:  # noqa: F811
    bus = MemoryBus()
    await bus.start()
    relay = Relay(rules.store, bus, rules.clock)
    await relay.start(sweep=False)
    other = blank()
    elsewhere = Versions(rules.store, other, rules.clock, relay, QUICK)
    here = Versions(rules.store, rules.company, rules.clock, relay, QUICK)
    adopted: list[int] = []
    await elsewhere.start(bus, "n2")
    elsewhere.on_change(lambda: adopted.append(other.version))
    echo = await Echo.of(bus)
    await here.apply(rules.edited(target_s=45), ADAM)
    await here.apply(rules.edited(target_s=50), ADAM)
    await until(lambda: other.version == 3)
    before = [*adopted]
    await echo.again()
    assert adopted == before
    for part in (elsewhere, relay, bus):
        await part.stop()


async def test_flow_is_loaded_once(rules: Rules, tmp_path: Path) -> None:  # noqa: F811
    (tmp_path / "survey.yaml").write_text((FLOWS / "survey.yaml").read_text(encoding="utf-8"))
    bus = MemoryBus()
    await bus.start()
    relay = Relay(rules.store, bus, rules.clock)
    await relay.start(sweep=False)
    conversations = Conversations([Bench().conversation(demo_flow("survey"))], {})
    made: list[str] = []

    def make(flow: Flow) -> Conversation:
        made.append(flow.version)
        return Bench().conversation(flow)

    shelf = FlowShelf(rules.store, rules.clock, relay, conversations, make)
    await shelf.start(bus, "n2", tmp_path)
    echo = await Echo.of(bus)
    text = (tmp_path / "survey.yaml").read_text(encoding="utf-8")
    await shelf.publish("survey", {"survey": f"{text}# New.\n"}, 100, "adam")
    await until(lambda: bool(echo.facts))
    before = [*made], conversations["survey"]
    await echo.again()
    assert ([*made], conversations["survey"]) == before
    for part in (shelf, relay, bus):
        await part.stop()


# -- nobody is left out ------------------------------------------------------------------


def test_every_subscriber_has_a_test_here() -> None:
    subscribers = {
        str(path.relative_to(ROOT))
        for room in ROOMS
        for path in (ROOT / room).rglob("*.py")
        if "bus.subscribe(" in path.read_text()
    }
    assert subscribers == set(COVERED)
    here = Path(__file__).read_text() + (Path(__file__).parent / TALKS).read_text()
    for begin in COVERED.values():
        assert f"async def test_{begin}" in here
