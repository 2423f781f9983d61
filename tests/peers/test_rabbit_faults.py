"""RabbitMQ going away, coming back and sending what we did not write."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import aio_pika
import pytest

from router.bus.delivery import Retry
from router.bus.flow import APART_AFTER, DEATHS, bundles
from router.bus.letters import FRESH_AFTER
from router.bus.rabbit import CRASH_LIMIT, RabbitBus
from router.commands import Done, HoldCall, Order
from router.errors import BusUnavailable
from router.events import Fact, HoldStarted
from tests import services
from tests.contract.test_bus import PATIENCE_S, Gate, Inbox, eventually, hold

pytestmark = pytest.mark.peer

PREFIX = "parley"
QUEUE_IS_SAFE_S = 2.0
"""A node killed within about a second of a quorum queue's birth forgets that the
queue had a log (seen on 3.10); what is older survives."""

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
async def bus(rabbit_url: str) -> AsyncIterator[RabbitBus]:
    """A bus alone on a virtual host."""
    bus = RabbitBus(rabbit_url, PREFIX, retry=Retry(3, (0.001,)))
    await bus.start()
    yield bus
    await bus.stop()


async def test_nobody_listens_start_says_where_and_what_to_do() -> None:
    port = services.free_port()
    bus = RabbitBus(f"amqp://guest:secret@127.0.0.1:{port}/")
    with pytest.raises(BusUnavailable, match=f"127.0.0.1:{port}.*RABBIT_URL") as caught:
        await bus.start()
    assert "secret" not in str(caught.value)
    await bus.stop()


async def test_wrong_password_start_fails(rabbit_server: services.Rabbit) -> None:
    bus = RabbitBus(rabbit_server.url.replace("guest:guest", "guest:wrong"))
    with pytest.raises(BusUnavailable):
        await bus.start()


@pytest.mark.parametrize("crash", [False, True], ids=["shutdown", "crash"])
async def test_broker_restarts_confirmed_facts_and_subscriptions_are_there_again(
    bus: RabbitBus, rabbit_server: services.Rabbit, crash: bool
) -> None:
    kept, seen, passing = Gate(), Inbox(), Inbox()
    restored: list[bool] = []
    bus.on_restored(lambda: restored.append(bus.healthy()))
    await bus.subscribe("kept", kept, [HoldStarted])
    await bus.subscribe("seen", seen, [HoldStarted])
    await bus.subscribe("passing", passing, [HoldStarted], lasting=False)

    async def accept(order: Order) -> Order:
        return Done()

    await bus.serve("voice.a", accept)
    await bus.publish([hold(str(n), f"i{n}") for n in range(50)])
    await seen.wait(50)
    await passing.wait(50)

    if crash:
        await asyncio.sleep(QUEUE_IS_SAFE_S)
    await asyncio.to_thread(rabbit_server.kill if crash else rabbit_server.stop)
    await eventually(lambda: _is(not bus.healthy()))
    rabbit_server.start()
    await eventually(lambda: _is(restored == [True]))

    kept.open.set()
    await bus.publish([hold("after", "x")])
    everything = {*map(str, range(50)), "after"}
    for inbox in (kept, seen, passing):
        await eventually(lambda inbox=inbox: _is(everything <= {*inbox.texts}))  # type: ignore[misc]
    assert isinstance(await bus.ask(HoldCall(interaction_id="one"), "voice.a"), Done)


async def test_broker_away_publish_fails_as_retryable_and_who_asks_is_told(
    bus: RabbitBus, rabbit_server: services.Rabbit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("router.bus.rabbit.PUBLISH_TIMEOUT_S", 0.3)
    asked, go = asyncio.Event(), asyncio.Event()

    async def slow(order: Order) -> Order:
        asked.set()
        await go.wait()
        return Done()

    await bus.serve("voice.a", slow)
    question = asyncio.create_task(bus.ask(HoldCall(interaction_id="one"), "voice.a"))
    async with asyncio.timeout(PATIENCE_S):
        await asked.wait()
    rabbit_server.kill()
    with pytest.raises(BusUnavailable):
        await question
    with pytest.raises(BusUnavailable) as caught:
        await bus.publish([hold("lost")])
    assert caught.value.retryable
    go.set()
    rabbit_server.start()
    await eventually(lambda: _is(bus.healthy()))


async def test_queue_is_deleted_under_us_the_subscription_comes_back(
    bus: RabbitBus, rabbit_url: str
) -> None:
    inbox = Inbox()
    await bus.subscribe("deleted", inbox, [HoldStarted])
    connection = await aio_pika.connect(rabbit_url)
    async with connection, connection.channel() as channel:
        await channel.queue_delete(f"{PREFIX}.to.deleted")
    await eventually(lambda: _is(not bus.healthy()))
    await eventually(lambda: _is(bus.healthy()))
    await bus.publish([hold("again")])
    await inbox.wait(1)


async def test_bytes_that_we_did_not_write_are_a_dead_letter_and_hold_nothing_up(
    bus: RabbitBus, rabbit_url: str
) -> None:
    inbox = Inbox()
    await bus.subscribe("strict", inbox, [HoldStarted])
    connection = await aio_pika.connect(rabbit_url)
    async with connection, connection.channel() as channel:
        exchange = await channel.get_exchange(f"{PREFIX}.facts")
        for body in (b"\xff\x00nonsense", b'{"type":"HoldStarted","body":{"at":3}}'):
            await exchange.publish(aio_pika.Message(body), routing_key="HoldStarted")
        await exchange.publish(
            aio_pika.Message(b'{"type":"MoonLanded","body":{}}'), routing_key="HoldStarted"
        )
    await bus.publish([hold("ours")])
    await inbox.wait(1)
    assert inbox.texts == ["ours"]
    async with asyncio.timeout(30):
        while len(letters := await bus.dead_letters()) < 2:
            await asyncio.sleep(0.05)
    assert len(letters) == 2
    assert all(letter.reason.startswith("BadMessage: ") for letter in letters)


DYING_CONSUMER = """
import asyncio, os, signal, sys
from router.bus.rabbit import RabbitBus
from router.events import HoldStarted

async def die(fact):
    os.kill(os.getpid(), signal.SIGKILL)

async def main():
    bus = RabbitBus(sys.argv[1])
    await bus.start()
    await bus.subscribe("fragile", die, [HoldStarted])
    await asyncio.sleep(60)

asyncio.run(main())
"""


async def test_consumer_is_killed_while_handling_another_gets_the_fact(
    bus: RabbitBus, rabbit_url: str
) -> None:
    dying = await _start_dying_consumer(rabbit_url)
    await _wait_for_consumer(rabbit_url, "fragile")
    await bus.publish([hold("survives")])
    assert await dying.wait() == -signal.SIGKILL
    inbox = Inbox()
    await bus.subscribe("fragile", inbox, [HoldStarted])
    await inbox.wait(1)
    assert inbox.texts == ["survives"]


async def test_fact_that_kills_its_consumers_is_dead_lettered_by_the_broker(
    bus: RabbitBus, rabbit_url: str
) -> None:
    """The consumers here close their channel, which for the broker is the same as dying."""
    inbox = Inbox()
    await bus.subscribe("fragile", inbox, [HoldStarted])
    await bus.stop()
    await bus.start()
    await bus.publish([hold("deadly")])
    await _die(rabbit_url, "fragile", CRASH_LIMIT + 1)

    async def listed() -> bool:
        return len(await bus.dead_letters()) == 1

    await eventually(listed)
    (letter,) = await bus.dead_letters()
    assert letter.group == "fragile"
    assert letter.type_name == "HoldStarted"
    assert letter.reason == f"its consumers died {CRASH_LIMIT} times"
    await bus.subscribe("fragile", inbox, [HoldStarted])
    assert await bus.replay(letter.id)
    await inbox.wait(1)
    assert inbox.texts == ["deadly"]


async def test_fact_that_kills_its_consumers_takes_no_other_with_it(
    bus: RabbitBus, rabbit_url: str
) -> None:
    inbox = Inbox()

    async def handle(fact: Fact) -> None:
        if isinstance(fact, HoldStarted) and fact.agent_id == "deadly":
            await asyncio.sleep(PATIENCE_S)  # until the process is gone
        await inbox(fact)

    await bus.subscribe("fragile", inbox, [HoldStarted])
    await bus.stop()
    await bus.start()
    await bus.publish([hold("first"), hold("deadly", "another"), hold("last")])
    await _die(rabbit_url, "fragile", APART_AFTER)
    await bus.subscribe("fragile", handle, [HoldStarted])
    await inbox.wait(2)
    await bus.stop()  # the first death of the deadly one alone
    await bus.start()
    await _die(rabbit_url, "fragile", CRASH_LIMIT)

    async def listed() -> bool:
        return len(await bus.dead_letters()) == 1

    await eventually(listed)
    (letter,) = await bus.dead_letters()
    assert "deadly" in letter.body
    assert "first" not in letter.body
    assert inbox.texts == ["first", "last"]


async def _die(url: str, group: str, times: int) -> None:
    """Take a message and go, again and again."""
    connection = await aio_pika.connect(url)
    async with connection:
        for _ in range(times):
            channel = await connection.channel()
            queue = await channel.get_queue(f"{PREFIX}.to.{group}")
            taken = asyncio.Event()

            async def take(_: object, taken: asyncio.Event = taken) -> None:
                taken.set()

            await queue.consume(take)
            async with asyncio.timeout(PATIENCE_S):
                await taken.wait()
            await channel.close()


async def _is(value: bool) -> bool:
    return value


async def _start_dying_consumer(url: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-c", DYING_CONSUMER, url, cwd=ROOT, env=dict(os.environ)
    )


async def _wait_for_consumer(url: str, group: str) -> None:
    connection = await aio_pika.connect(url)

    async def consumed() -> bool:
        channel = await connection.channel()
        try:
            queue = await channel.declare_queue(f"{PREFIX}.to.{group}", passive=True)
        except aio_pika.exceptions.ChannelNotFoundEntity:
            return False
        await channel.close()
        return bool(queue.declaration_result.consumer_count)

    async with connection:
        await eventually(consumed)


async def test_letter_stays_however_often_it_is_looked_at(bus: RabbitBus, rabbit_url: str) -> None:
    """RabbitMQ 4 drops what it delivered 20 times: it must never count so far."""
    connection = await aio_pika.connect(rabbit_url)
    async with connection, connection.channel() as channel:
        exchange = await channel.get_exchange(f"{PREFIX}.facts")
        await bus.subscribe("strict", Inbox(), [HoldStarted])
        for number in range(3):
            await exchange.publish(
                aio_pika.Message(b"nonsense", message_id=str(number)), routing_key="HoldStarted"
            )
        await eventually(lambda: _lie(bus, 3))
        for _ in range(2 * FRESH_AFTER):
            letters = await bus.dead_letters()
            assert [each.id for each in letters] == ["strict:2", "strict:1", "strict:0"]
            assert await bus.count_dead_letters() == 3
        queue = await channel.get_queue(f"{PREFIX}.letters")
        message = await queue.get()
        assert int(str(message.headers.get(DEATHS, 0))) <= FRESH_AFTER


async def test_what_an_earlier_version_kept_is_brought_over(
    bus: RabbitBus, rabbit_url: str
) -> None:
    """Facts and dead letters, from queues of other names and kinds; those are gone then."""
    await bus.stop()
    connection = await aio_pika.connect(rabbit_url)
    async with connection, connection.channel() as channel:
        facts = await channel.get_exchange(f"{PREFIX}.facts")
        old = await channel.declare_queue(
            f"{PREFIX}.group.upgraded",
            durable=True,
            arguments={"x-queue-type": "quorum", "x-delivery-limit": CRASH_LIMIT},
        )
        await old.bind(facts, routing_key="#.HoldStarted.#")
        dead = await channel.declare_queue(
            f"{PREFIX}.dead", durable=True, arguments={"x-max-length": 10_000}
        )
        await dead.bind(await channel.get_exchange(f"{PREFIX}.dead"))
        for name in ("first", "second"):
            (bundle,) = bundles([hold(name)])
            await facts.publish(aio_pika.Message(bundle.body), routing_key=bundle.key)
        letter = aio_pika.Message(
            b"nonsense",
            message_id="old",
            headers={"parley-group": "upgraded", "parley-reason": "why", "parley-at": ""},
        )
        await channel.default_exchange.publish(letter, f"{PREFIX}.dead")

        await bus.start()
        inbox = Inbox()
        await bus.subscribe("upgraded", inbox, [HoldStarted])
        await inbox.wait(2)
        await bus.publish([hold("third")])
        await inbox.wait(3)
        assert inbox.texts == ["first", "second", "third"]
        (kept,) = await bus.dead_letters()
        assert (kept.id, kept.group, kept.reason) == ("upgraded:old", "upgraded", "why")
    for name in (f"{PREFIX}.group.upgraded", f"{PREFIX}.dead"):
        async with await aio_pika.connect(rabbit_url) as connection:
            with pytest.raises(aio_pika.exceptions.ChannelNotFoundEntity):
                await (await connection.channel()).get_queue(name)


async def test_letters_queue_of_another_kind_is_used_as_it_is(
    bus: RabbitBus, rabbit_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    await bus.stop()
    async with await aio_pika.connect(rabbit_url) as connection:
        channel = await connection.channel()
        await channel.queue_delete(f"{PREFIX}.letters")
        await channel.declare_queue(f"{PREFIX}.letters", durable=True)
    await bus.start()
    assert "a queue with other options" in caplog.text
    inbox = Inbox()
    await bus.subscribe("strict", inbox, [HoldStarted])
    async with await aio_pika.connect(rabbit_url) as connection:
        channel = await connection.channel()
        exchange = await channel.get_exchange(f"{PREFIX}.facts")
        await exchange.publish(aio_pika.Message(b"nonsense"), routing_key="HoldStarted")
    await eventually(lambda: _lie(bus, 1))


async def _lie(bus: RabbitBus, number: int) -> bool:
    return await bus.count_dead_letters() == number
