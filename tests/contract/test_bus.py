"""The contract of ``router.ports.Bus``, the same for every implementation."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta, timezone

import pytest

from router.commands import CallBack, Done, HangUpCall, HoldCall, Order, Refused
from router.errors import (
    BusUnavailable,
    LocalError,
    ReplyTimeout,
    StoreUnavailable,
    Unroutable,
)
from router.events import BotStarted, Fact, HandoffRequested, HoldStarted, MessageAdded
from router.ports import Bus

NOW = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
PATIENCE_S = 20.0
QUIET_S = 0.15
"""How long we watch for something that must not happen."""

LONG = 8
"""More tries than a fact has."""

Connect = Callable[[], Awaitable[Bus]]


def hold(text: str, interaction_id: str = "one") -> HoldStarted:
    return HoldStarted(at=NOW, interaction_id=interaction_id, agent_id=text)


class Inbox:
    """A handler that keeps what it got and can wait for it."""

    def __init__(self) -> None:
        self.facts: list[Fact] = []
        self._changed = asyncio.Condition()

    async def __call__(self, fact: Fact) -> None:
        async with self._changed:
            self.facts.append(fact)
            self._changed.notify_all()

    @property
    def texts(self) -> list[str]:
        return [fact.agent_id for fact in self.facts if isinstance(fact, HoldStarted)]

    async def wait(self, count: int) -> list[Fact]:
        async with asyncio.timeout(PATIENCE_S), self._changed:
            await self._changed.wait_for(lambda: len(self.facts) >= count)
        return list(self.facts)


class Failing(Inbox):
    """Raises on the first ``times`` deliveries of a text that begins with ``bad``."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self.times = times
        self.tried: Counter[str] = Counter()

    async def __call__(self, fact: Fact) -> None:
        assert isinstance(fact, HoldStarted)
        self.tried[fact.agent_id] += 1
        if fact.agent_id.startswith("bad") and self.tried[fact.agent_id] <= self.times:
            raise ValueError(f"cannot take {fact.agent_id}")
        await super().__call__(fact)


class Gate(Inbox):
    """Takes nothing until it is opened; ``entered`` counts who waits at it."""

    def __init__(self, only: str = "") -> None:
        super().__init__()
        self.open = asyncio.Event()
        self.entered = Inbox()
        self._only = only

    async def __call__(self, fact: Fact) -> None:
        await self.entered(fact)
        if not self._only or fact.interaction_id == self._only:
            await self.open.wait()
        await super().__call__(fact)


async def eventually(check: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not await check():
            await asyncio.sleep(0.02)


class TestBus:
    """Every sentence of the contract is a test."""

    # Facts

    async def test_group_gets_each_fact_of_its_types_as_it_was(self, bus: Bus) -> None:
        inbox = Inbox()
        await bus.subscribe("texts", inbox, [MessageAdded])
        fact = MessageAdded(
            at=datetime(2026, 3, 1, 11, 30, 0, 123456, tzinfo=timezone(timedelta(hours=2))),
            interaction_id="one",
            message_id="m1",
            seq=1,
            channel="chat",
            author="customer",
            text="你好, labdien — “hi”\n\t\0",
            state="bot",
        )
        await bus.publish([hold("not for us"), fact])
        assert await inbox.wait(1) == [fact]
        received = inbox.facts[0]
        assert received.at.tzinfo is UTC

    async def test_every_group_gets_every_fact(self, bus: Bus) -> None:
        left, right = Inbox(), Inbox()
        await bus.subscribe("left", left, [HoldStarted])
        await bus.subscribe("right", right, [HoldStarted, BotStarted])
        await bus.publish([hold("a"), hold("b")])
        await left.wait(2)
        await right.wait(2)
        assert left.texts == right.texts == ["a", "b"]

    async def test_a_fact_nobody_wants_is_no_error(self, bus: Bus) -> None:
        await bus.publish([HandoffRequested(at=NOW, reason="asked", queue="orders")])

    async def test_publishing_nothing_is_no_error(self, bus: Bus) -> None:
        await bus.publish([])

    async def test_order_is_kept_within_an_interaction(self, bus: Bus) -> None:
        inbox = Inbox()
        await bus.subscribe("ordered", inbox, [HoldStarted])
        facts = [hold(f"{n}", f"i{n % 3}") for n in range(300)]
        await bus.publish(facts)
        await inbox.wait(300)
        for which in range(3):
            mine = [int(f.agent_id) for f in inbox.facts if f.interaction_id == f"i{which}"]  # type: ignore[attr-defined]
            assert mine == list(range(which, 300, 3))

    async def test_order_is_kept_when_a_fact_is_tried_again(self, bus: Bus) -> None:
        inbox = Failing(times=1)
        await bus.subscribe("ordered", inbox, [HoldStarted])
        await bus.publish([hold("a"), hold("bad"), hold("c"), hold("bad too"), hold("e")])
        await inbox.wait(5)
        assert inbox.texts == ["a", "bad", "c", "bad too", "e"]

    async def test_a_slow_interaction_does_not_hold_up_another(self, bus: Bus) -> None:
        gate = Gate(only="slow")
        await bus.subscribe("bots", gate, [HoldStarted])
        await bus.publish([hold("1", "slow"), hold("2", "slow"), hold("3", "quick")])
        await gate.wait(1)
        assert gate.texts == ["3"]
        gate.open.set()
        await gate.wait(3)
        assert gate.texts == ["3", "1", "2"]

    async def test_consumers_of_a_group_share_its_facts(self, connect_bus: Connect) -> None:
        first, second = await connect_bus(), await connect_bus()
        one, two = Inbox(), Inbox()
        await first.subscribe("shared", one, [HoldStarted])
        await second.subscribe("shared", two, [HoldStarted])
        await first.publish([hold(str(n), f"i{n}") for n in range(200)])

        async def all_there() -> bool:
            return len(one.facts) + len(two.facts) >= 200

        await eventually(all_there)
        assert sorted(map(int, one.texts + two.texts)) == list(range(200))
        assert one.facts
        assert two.facts

    async def test_lasting_group_keeps_facts_while_nobody_consumes(
        self, connect_bus: Connect
    ) -> None:
        consumer, publisher = await connect_bus(), await connect_bus()
        await consumer.subscribe("lasting", Inbox(), [HoldStarted])
        await consumer.stop()
        await publisher.publish([hold("kept"), hold("kept too")])
        later, inbox = await connect_bus(), Inbox()
        await later.subscribe("lasting", inbox, [HoldStarted])
        await inbox.wait(2)
        assert inbox.texts == ["kept", "kept too"]

    async def test_group_that_is_not_lasting_goes_with_its_last_consumer(
        self, connect_bus: Connect
    ) -> None:
        consumer, publisher = await connect_bus(), await connect_bus()
        await consumer.subscribe("passing", Inbox(), [HoldStarted], lasting=False)
        await consumer.stop()
        await publisher.publish([hold("missed")])
        later, inbox = await connect_bus(), Inbox()
        await later.subscribe("passing", inbox, [HoldStarted], lasting=False)
        await publisher.publish([hold("seen")])
        await inbox.wait(1)
        assert inbox.texts == ["seen"]

    async def test_consumers_of_a_passing_group_share_its_facts(self, connect_bus: Connect) -> None:
        first, second = await connect_bus(), await connect_bus()
        inbox = Inbox()
        await first.subscribe("passing", inbox, [HoldStarted], lasting=False)
        await second.subscribe("passing", inbox, [HoldStarted], lasting=False)
        await first.publish([hold(str(n), f"i{n}") for n in range(20)])
        await inbox.wait(20)
        await asyncio.sleep(QUIET_S)
        assert len(inbox.facts) == 20

    async def test_single_active_serves_one_consumer_and_the_next_takes_over(
        self, connect_bus: Connect
    ) -> None:
        active, standby = await connect_bus(), await connect_bus()
        one, two = Inbox(), Inbox()
        await active.subscribe("alone", one, [HoldStarted], single_active=True)
        await standby.subscribe("alone", two, [HoldStarted], single_active=True)
        await standby.publish([hold(str(n), f"i{n}") for n in range(50)])
        await one.wait(50)
        assert two.facts == []
        await active.stop()
        await standby.publish([hold("after")])
        await two.wait(1)
        assert two.texts == ["after"]

    async def test_raising_handler_gets_the_fact_again(self, bus: Bus) -> None:
        inbox = Failing(times=2)
        await bus.subscribe("shaky", inbox, [HoldStarted])
        await bus.publish([hold("bad")])
        await inbox.wait(1)
        assert inbox.tried["bad"] == 3
        assert await bus.dead_letters() == []

    async def test_fact_given_up_is_a_dead_letter_with_its_reason(self, bus: Bus) -> None:
        inbox = Failing(times=1000)
        await bus.subscribe("hopeless", inbox, [HoldStarted])
        await bus.publish([hold("bad one"), hold("good")])
        await inbox.wait(1)
        assert inbox.tried["bad one"] == 3
        (letter,) = await bus.dead_letters()
        assert letter.group == "hopeless"
        assert letter.type_name == "HoldStarted"
        assert letter.reason == "ValueError: cannot take bad one"
        assert '"agent_id":"bad one"' in letter.body
        assert [each.id for each in await bus.dead_letters()] == [letter.id]

    async def test_fact_is_not_given_up_because_the_store_is_away(self, bus: Bus) -> None:
        tries, inbox = 0, Inbox()

        async def away_for_long(fact: Fact) -> None:
            nonlocal tries
            tries += 1
            if tries <= LONG:
                raise StoreUnavailable("away")
            await inbox(fact)

        await bus.subscribe("group", away_for_long, [HoldStarted])
        await bus.publish([hold("at last")])
        await inbox.wait(1)
        assert tries == LONG + 1
        assert await bus.dead_letters() == []

    async def test_dead_letters_are_listed_newest_first_and_not_more_than_asked(
        self, bus: Bus
    ) -> None:
        inbox = Failing(times=1000)
        await bus.subscribe("hopeless", inbox, [HoldStarted])
        await bus.publish([hold(f"bad {n}") for n in range(4)] + [hold("end")])
        await inbox.wait(1)
        assert await bus.count_dead_letters() == 4
        letters = await bus.dead_letters(limit=2)
        assert [each.reason[-5:] for each in letters] == ["bad 3", "bad 2"]
        assert len(await bus.dead_letters()) == 4
        assert await bus.count_dead_letters() == 4

    async def test_replay_gives_a_dead_letter_to_its_group_once_more(self, bus: Bus) -> None:
        inbox, other = Failing(times=3), Inbox()
        await bus.subscribe("mended", inbox, [HoldStarted])
        await bus.subscribe("other", other, [HoldStarted])
        await bus.publish([hold("bad one"), hold("bad two"), hold("end")])
        await inbox.wait(1)
        await other.wait(3)
        letter = (await bus.dead_letters())[1]
        assert await bus.replay(letter.id)
        await inbox.wait(2)
        assert inbox.texts == ["end", "bad one"]
        assert len(other.facts) == 3
        assert len(await bus.dead_letters()) == 1
        assert not await bus.replay(letter.id)

    async def test_replay_of_an_unknown_letter_is_false(self, bus: Bus) -> None:
        assert not await bus.replay("nobody:knows")
        assert not await bus.discard("nobody:knows")
        assert await bus.replay_group("nobody") == 0

    async def test_replay_of_a_group_gives_back_all_its_letters_in_order(self, bus: Bus) -> None:
        inbox, other = Failing(times=3), Failing(times=1000)
        await bus.subscribe("mended", inbox, [HoldStarted])
        await bus.subscribe("hopeless", other, [HoldStarted])
        await bus.publish([hold("bad one"), hold("bad two"), hold("end")])
        await inbox.wait(1)
        await other.wait(1)
        assert await bus.replay_group("mended") == 2
        await inbox.wait(3)
        assert inbox.texts == ["end", "bad one", "bad two"]
        assert [each.group for each in await bus.dead_letters()] == ["hopeless", "hopeless"]

    async def test_discarded_letter_is_gone_and_its_group_never_gets_it(self, bus: Bus) -> None:
        inbox = Failing(times=3)
        before = datetime.now(UTC)
        await bus.subscribe("mended", inbox, [HoldStarted])
        await bus.publish([hold("bad one"), hold("bad two"), hold("end")])
        await inbox.wait(1)
        second, first = await bus.dead_letters()
        assert first.at is not None
        assert before <= first.at <= datetime.now(UTC)
        assert await bus.discard(first.id)
        assert [each.id for each in await bus.dead_letters()] == [second.id]
        assert await bus.replay_group("mended") == 1
        await inbox.wait(2)
        assert inbox.texts == ["end", "bad two"]

    async def test_handler_may_publish_and_ask(self, bus: Bus) -> None:
        inbox = Inbox()

        async def chain(fact: Fact) -> None:
            reply = await bus.ask(HoldCall(interaction_id="one"), "voice")
            await bus.publish([BotStarted(at=NOW, channel="chat", flow=type(reply).__name__)])

        async def accept(order: Order) -> Order:
            return Done()

        await bus.subscribe("chain", chain, [HoldStarted])
        await bus.subscribe("end", inbox, [BotStarted])
        await bus.serve("voice", accept)
        await bus.publish([hold("start")])
        (fact,) = await inbox.wait(1)
        assert isinstance(fact, BotStarted)
        assert fact.flow == "Done"

    async def test_stop_lets_a_running_handler_finish_and_gives_the_rest_back(
        self, connect_bus: Connect
    ) -> None:
        stopping, publisher = await connect_bus(), await connect_bus()
        gate = Gate()
        await stopping.subscribe("work", gate, [HoldStarted])
        await publisher.publish([hold("begun")])
        await publisher.publish([hold("not begun")])
        await gate.entered.wait(1)
        stop = asyncio.create_task(stopping.stop())
        await asyncio.sleep(QUIET_S)
        assert not stop.done()
        gate.open.set()
        await stop
        assert gate.texts == ["begun"]
        later, inbox = await connect_bus(), Inbox()
        await later.subscribe("work", inbox, [HoldStarted])
        await inbox.wait(1)
        await asyncio.sleep(QUIET_S)
        assert inbox.texts == ["not begun"]

    async def test_fact_that_could_not_be_read_back_is_refused_at_once(self, bus: Bus) -> None:
        inbox = Inbox()
        await bus.subscribe("strict", inbox, [HoldStarted])
        with pytest.raises(LocalError, match="agent_id"):
            await bus.publish([hold("fine"), HoldStarted(at=NOW, agent_id=3)])  # type: ignore[arg-type]
        await bus.publish([hold("next")])
        await inbox.wait(1)
        assert inbox.texts == ["next"]

    @pytest.mark.parametrize("other", [{"lasting": False}, {"single_active": True}], ids=str)
    async def test_group_with_other_options_is_refused_and_harms_nobody(
        self, bus: Bus, other: dict[str, bool]
    ) -> None:
        inbox = Inbox()
        await bus.subscribe("known", inbox, [HoldStarted])
        with pytest.raises(LocalError, match="other options"):
            await bus.subscribe("known", Inbox(), [HoldStarted], **other)
        await bus.publish([hold("still here")])
        await inbox.wait(1)

    # Commands

    async def test_ask_returns_what_the_handler_returns(self, bus: Bus) -> None:
        asked: list[Order] = []

        async def call_back(order: Order) -> Order:
            asked.append(order)
            return CallBack(interaction_id="one", agent_id="Ērika")

        await bus.serve("voice.a", call_back)
        order = HangUpCall(interaction_id="one", cause=17)
        reply = await bus.ask(order, "voice.a")
        assert asked == [order]
        assert isinstance(reply, CallBack)
        assert reply.agent_id == "Ērika"

    async def test_handler_that_returns_nothing_answers_done(self, bus: Bus) -> None:
        async def nothing(order: Order) -> None:
            return None

        await bus.serve("voice.a", nothing)
        assert isinstance(await bus.ask(HoldCall(interaction_id="one"), "voice.a"), Done)

    async def test_handler_that_raises_answers_refused_with_its_text(self, bus: Bus) -> None:
        async def refuse(order: Order) -> Order:
            raise LookupError("no such call here")

        await bus.serve("voice.a", refuse)
        reply = await bus.ask(HoldCall(interaction_id="one"), "voice.a")
        assert isinstance(reply, Refused)
        assert reply.reason == "no such call here"

    async def test_nobody_serves_the_address_unroutable(self, bus: Bus) -> None:
        with pytest.raises(Unroutable, match=r"voice\.gone"):
            await bus.ask(HoldCall(interaction_id="one"), "voice.gone")

    async def test_address_of_a_stopped_server_is_unroutable(self, connect_bus: Connect) -> None:
        server, client = await connect_bus(), await connect_bus()

        async def accept(order: Order) -> Order:
            return Done()

        await server.serve("voice.a", accept)
        assert isinstance(await client.ask(HoldCall(interaction_id="one"), "voice.a"), Done)
        await server.stop()
        with pytest.raises(Unroutable):
            await client.ask(HoldCall(interaction_id="one"), "voice.a")

    async def test_no_reply_in_time_raises_and_the_handler_goes_on(self, bus: Bus) -> None:
        go, finished = asyncio.Event(), asyncio.Event()

        async def slow(order: Order) -> Order:
            await go.wait()
            finished.set()
            return Done()

        await bus.serve("voice.a", slow)
        with pytest.raises(ReplyTimeout, match=r"voice\.a"):
            await bus.ask(HoldCall(interaction_id="one"), "voice.a", timeout_s=0.1)
        go.set()
        async with asyncio.timeout(PATIENCE_S):
            await finished.wait()

    async def test_a_slow_command_does_not_hold_up_another(self, bus: Bus) -> None:
        go = asyncio.Event()

        async def maybe_slow(order: Order) -> Order:
            if isinstance(order, HoldCall):
                await go.wait()
            return Done()

        await bus.serve("voice.a", maybe_slow)
        slow = asyncio.create_task(bus.ask(HoldCall(interaction_id="one"), "voice.a"))
        await bus.ask(HangUpCall(interaction_id="two"), "voice.a")
        assert not slow.done()
        go.set()
        assert isinstance(await slow, Done)

    async def test_servers_of_one_address_compete(self, connect_bus: Connect) -> None:
        first, second, client = await connect_bus(), await connect_bus(), await connect_bus()
        served: Counter[str] = Counter()

        def server(name: str) -> Callable[[Order], Awaitable[Order | None]]:
            async def handle(order: Order) -> Order | None:
                served[name] += 1
                return None

            return handle

        await first.serve("voice", server("first"))
        await second.serve("voice", server("second"))
        orders = [HoldCall(interaction_id=str(n)) for n in range(20)]
        await asyncio.gather(*(client.ask(order, "voice") for order in orders))
        assert served.total() == 20
        assert set(served) == {"first", "second"}

    # Life

    async def test_not_started_is_unavailable_and_unhealthy(self, connect_bus: Connect) -> None:
        bus = await connect_bus()
        assert bus.healthy()
        await bus.stop()
        await bus.stop()
        assert not bus.healthy()
        with pytest.raises(BusUnavailable):
            await bus.publish([hold("late")])
        with pytest.raises(BusUnavailable):
            await bus.subscribe("late", Inbox(), [HoldStarted])
        with pytest.raises(BusUnavailable):
            await bus.ask(HoldCall(interaction_id="one"), "voice")

    async def test_started_again_it_works_again(self, bus: Bus) -> None:
        await bus.stop()
        await bus.start()
        inbox = Inbox()
        await bus.subscribe("again", inbox, [HoldStarted])
        await bus.publish([hold("back")])
        await inbox.wait(1)
