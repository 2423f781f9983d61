"""Facts as bundles, and acknowledgements that wait for each other."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import cast

import msgspec
import pytest
from aiormq.abc import DeliveredMessage
from aiormq.channel import Channel
from hypothesis import given
from hypothesis import strategies as st
from pamqp.commands import Basic
from pamqp.header import ContentHeader

from router.bus import codec
from router.bus.delivery import Lanes, Retry
from router.bus.flow import (
    ACK_AT,
    APART_AFTER,
    BUNDLE_LIMIT,
    DEATHS,
    KEY_LIMIT,
    Inflow,
    Piece,
    binding,
    bundles,
)
from router.events import ALL, Fact, HoldEnded, HoldStarted, OfferMade, RouterTicked
from tests.unit.test_codec import examples

NOW = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)


def held(text: str, interaction_id: str = "one") -> HoldStarted:
    return HoldStarted(at=NOW, interaction_id=interaction_id, agent_id=text)


def inside(body: bytes) -> list[Fact | None]:
    return [codec.unpack_envelope(each) for each in codec.open_bundle(body)]


def test_facts_of_one_publication_travel_together_in_order() -> None:
    facts: list[Fact] = [
        held("a"),
        held("x", "two"),
        HoldEnded(at=NOW, interaction_id="one", agent_id="b"),
        RouterTicked(at=NOW, node="n"),
        held("c"),
    ]
    (bundle,) = bundles(facts)
    assert bundle.key == "HoldStarted.HoldEnded.RouterTicked"
    assert inside(bundle.body) == facts
    assert bundle.properties.message_id == facts[0].id


def test_single_fact_is_a_plain_envelope() -> None:
    (bundle,) = bundles([held("a")])
    assert msgspec.json.decode(bundle.body)["type"] == "HoldStarted"


def test_nothing_is_no_message() -> None:
    assert bundles([]) == []


def test_bundle_is_cut_where_it_or_its_routing_key_would_be_too_long() -> None:
    many = bundles([held(str(n)) for n in range(BUNDLE_LIMIT + 1)])
    assert [len(inside(each.body)) for each in many] == [BUNDLE_LIMIT, 1]


@given(st.lists(examples(ALL), max_size=60))
def test_any_publication_arrives_whole_in_order_and_fits_amqp(facts: list[Fact]) -> None:
    many = bundles(facts)
    assert [fact for each in many for fact in inside(each.body)] == facts
    assert all(len(each.key) <= KEY_LIMIT for each in many)


def test_binding_finds_a_type_anywhere_in_the_key() -> None:
    assert binding("OfferMade") == "#.OfferMade.#"


class ScriptedChannel:
    """Remembers what it is told about deliveries."""

    def __init__(self) -> None:
        self.acks: list[tuple[int, bool]] = []
        self.nacks: list[int] = []

    async def basic_ack(self, tag: int, multiple: bool = False, wait: bool = True) -> None:
        self.acks.append((tag, multiple))

    async def basic_nack(self, tag: int, *, requeue: bool) -> None:
        self.nacks.append(tag)

    async def basic_qos(self, *, prefetch_count: int) -> None:
        """Always well."""


class Bench:
    """An inflow whose facts are settled when the test says so."""

    def __init__(self) -> None:
        self.channel = ScriptedChannel()
        self.open: dict[str, asyncio.Event] = {}
        self.handled: list[str] = []
        self.lanes: Lanes[Piece] = Lanes(self._handle, Piece.settle, self._give_up, Retry(1, ()))
        channel = cast(Channel, self.channel)
        self.handed_on: list[str] = []
        self.takes_pieces = True
        self.inflow = Inflow(channel, frozenset({"HoldStarted"}), self.lanes, self._hand_on)
        self._tag = 0

    async def deliver(self, *facts: Fact, deaths: int = 0) -> None:
        for bundle in bundles(facts):
            self._tag += 1
            bundle.properties.headers = {DEATHS: deaths} if deaths else None
            header = ContentHeader(properties=bundle.properties, body_size=len(bundle.body))
            delivery = Basic.Deliver(delivery_tag=self._tag)
            channel = cast(Channel, self.channel)
            await self.inflow.take(DeliveredMessage(delivery, header, bundle.body, channel))

    async def finish(self, *texts: str) -> None:
        for text in texts:
            self.open.setdefault(text, asyncio.Event()).set()
        for _ in range(10):
            await asyncio.sleep(0)

    async def _handle(self, piece: Piece) -> None:
        fact = codec.unpack_fact_bytes(piece.data)
        assert isinstance(fact, HoldStarted)
        await self.open.setdefault(fact.agent_id, asyncio.Event()).wait()
        self.handled.append(fact.agent_id)
        if fact.agent_id == "bad":
            raise ValueError

    async def _hand_on(self, pieces: Sequence[Piece]) -> bool:
        if self.takes_pieces:
            self.handed_on += [piece.id for piece in pieces]
        return self.takes_pieces

    async def _give_up(self, piece: Piece, reason: str) -> None:
        await piece.give_back()


@pytest.fixture
def bench() -> Bench:
    return Bench()


async def test_settled_ones_are_acknowledged_with_one_frame(bench: Bench) -> None:
    for n in range(ACK_AT):
        await bench.deliver(held(str(n), f"i{n}"))
    await bench.finish(*map(str, range(ACK_AT)))
    assert bench.channel.acks == [(ACK_AT, True)]


async def test_slow_one_holds_back_nobody_s_acknowledgement(bench: Bench) -> None:
    for n in range(1, 5):
        await bench.deliver(held(str(n), f"i{n}"))
    await bench.finish("1", "3", "4")
    await bench.inflow.flush(1)
    assert bench.channel.acks == [(1, True), (3, False), (4, False)]
    await bench.deliver(held("5", "i5"))
    await bench.finish("2", "5")
    await bench.inflow.flush(1)
    assert bench.channel.acks[3:] == [(5, True)]


async def test_message_is_acknowledged_when_its_last_fact_is_done(bench: Bench) -> None:
    await bench.deliver(held("a"), held("b"))
    await bench.finish("a")
    await bench.inflow.flush(1)
    assert (bench.handled, bench.channel.acks) == (["a"], [])
    await bench.finish("b")
    await bench.inflow.flush(1)
    assert (bench.handled, bench.channel.acks) == (["a", "b"], [(1, True)])


async def test_interactions_of_one_message_do_not_wait_for_each_other(bench: Bench) -> None:
    await bench.deliver(held("slow", "one"), held("b", "two"), held("c", "one"))
    await bench.finish("b", "c")
    assert bench.handled == ["b"]
    await bench.finish("slow")
    assert bench.handled == ["b", "slow", "c"]


async def test_message_without_a_wanted_fact_is_acknowledged_at_once(bench: Bench) -> None:
    offer = OfferMade(at=NOW, offer_id="o", agent_id="a", queue="q", channel="chat", expires_at=NOW)
    await bench.deliver(offer)
    await bench.inflow.flush(1)
    assert bench.channel.acks == [(1, True)]


async def test_what_is_given_back_is_not_acknowledged(bench: Bench) -> None:
    await bench.deliver(held("a"), held("bad"))
    await bench.deliver(held("c", "two"))
    await bench.finish("a", "bad", "c")
    await bench.inflow.flush(1)
    assert bench.channel.nacks == [1]
    assert bench.channel.acks == [(2, True)]


async def test_message_that_killed_its_consumers_goes_on_in_pieces(bench: Bench) -> None:
    a, b = held("a"), held("b")
    await bench.deliver(a, b, deaths=APART_AFTER - 1)
    await bench.finish("a", "b")
    assert (bench.handled, bench.handed_on) == (["a", "b"], [])
    await bench.deliver(a, b, deaths=APART_AFTER)
    await bench.finish()
    await bench.inflow.flush(1)
    assert (bench.handled, bench.handed_on) == (["a", "b"], [a.id, b.id])
    assert bench.channel.acks == [(2, True)]


async def test_message_that_cannot_go_on_in_pieces_is_handled_whole(bench: Bench) -> None:
    bench.takes_pieces = False
    await bench.deliver(held("a"), held("b"), deaths=APART_AFTER)
    await bench.finish("a", "b")
    await bench.inflow.flush(1)
    assert (bench.handled, bench.channel.acks) == (["a", "b"], [(1, True)])


async def test_one_fact_alone_is_not_handed_on(bench: Bench) -> None:
    await bench.deliver(held("a"), deaths=APART_AFTER + 1)
    await bench.finish("a")
    assert (bench.handled, bench.handed_on) == (["a"], [])
