"""What the demo company's front desk can do, on all four channels, with its real services.

What is in the services' books afterwards; what is said on the way is in ``evals/talks``.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import date

import httpx
import pytest
from litestar import Litestar
from litestar.testing import AsyncTestClient

from bots.actions import HttpActions
from bots.conversation import Conversation, Heard, Tools
from bots.flow.outcome import (
    CLOSED,
    PROMISED,
    RIGHT,
    SENT,
    USED_UP,
    WRONG,
    Promised,
    Proven,
)
from gateway.demo.energy import EnergyBook, energy_routes, read_contracts
from gateway.demo.orders import OrderBook, order_routes, read_orders
from router.clock import VirtualClock
from router.model import Channel, Handoff
from tests.talking import NOW, Bench, Talk, demo_flow, interaction_on

WRITTEN_AND_SPOKEN = (Channel.VOICE, Channel.CHAT, Channel.SMS, Channel.EMAIL)
API = "http://demo.test/demo/api"
MONDAY = date(2026, 3, 2)


@dataclass
class ScriptedHouse:
    """Promises every call before six in the evening."""

    promised: list[tuple[str, str, str, Handoff]] = field(default_factory=list)
    knows_number: bool = True

    async def promise_call(
        self, interaction_id: str, number: str, at: str, queue: str, packet: Handoff
    ) -> Promised:
        if at[11:13] >= "18":
            return Promised(CLOSED, opens="2026-03-04T08:00+02:00")
        self.promised.append((number, at, queue, packet))
        return Promised(PROMISED, at)

    async def rate(self, interaction_id: str, score: int) -> None:
        raise NotImplementedError

    async def send_code(self, interaction_id: str, way: str) -> Proven:
        return Proven(SENT if self.knows_number else USED_UP)

    async def check_code(self, interaction_id: str, code: str) -> Proven:
        return Proven(RIGHT if code == "204518" else WRONG)


@dataclass
class Desk:
    """The front desk with what stands behind it."""

    client: httpx.AsyncClient
    energy: EnergyBook
    orders: OrderBook
    house: ScriptedHouse = field(default_factory=ScriptedHouse)

    async def talk(self, channel: Channel, language: str = "en") -> Talk:
        bench = Bench()
        tools = Tools(
            bench.understanding,
            bench.knowledge,
            HttpActions(self.client),
            VirtualClock(NOW),
            {"api": API},
            house=self.house,
        )
        conversation = Conversation(demo_flow("front-desk"), tools)
        return Talk(conversation, await conversation.begin(interaction_on(channel, language)))


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    energy = read_contracts(today=lambda: MONDAY)
    orders = read_orders(today=lambda: MONDAY)
    app = Litestar([order_routes(orders), energy_routes(energy)])
    async with AsyncTestClient(app, base_url=API) as client:
        yield Desk(client, energy, orders)


async def tell(talk: Talk, *texts: str) -> str:
    """Say them one after the other; on the telephone what is read back is confirmed."""
    words = ""
    for text in texts:
        words = await talk.say(text)
        while "Is that right?" in words:
            words = await talk.say("yes")
    return words


@pytest.mark.parametrize("channel", WRITTEN_AND_SPOKEN)
async def test_meter_reading_is_taken(desk: Desk, channel: Channel) -> None:
    talk = await desk.talk(channel)
    words = await tell(
        talk, "I want to give you my meter reading", "EN-204518", "gas, it shows 3150"
    )
    assert "3150 is noted. That is 40 units" in words
    assert desk.energy.contract("EN-204518").readings["gas"] == 3150


@pytest.mark.parametrize("channel", WRITTEN_AND_SPOKEN)
async def test_bill_is_split_after_a_clear_yes(desk: Desk, channel: Channel) -> None:
    talk = await desk.talk(channel)
    words = await tell(talk, "I want to pay my bill in parts", "yes", "EN-204518")
    assert "184.20 EUR are open" in words
    words = await tell(talk, "in six parts from the first of April")
    assert "6 parts of about 30.70 EUR, the first on Wednesday 1 April" in words
    assert desk.energy.contract("EN-204518").instalments is None
    assert "It is set up" in await tell(talk, "yes")
    agreed = desk.energy.contract("EN-204518").instalments
    assert agreed is not None
    assert (agreed["parts"], agreed["first"]) == (6, "2026-04-01")


@pytest.mark.parametrize("channel", WRITTEN_AND_SPOKEN)
async def test_correction_before_consent_is_what_is_agreed(desk: Desk, channel: Channel) -> None:
    talk = await desk.talk(channel)
    await tell(talk, "split my bill over several months", "yes", "EN-204518")
    await tell(talk, "six parts from the first of April")
    words = await tell(talk, "no, I said five instalments")
    assert "5 parts of about 36.84 EUR" in words
    assert "nothing has changed" in await tell(talk, "no")
    assert desk.energy.contract("EN-204518").instalments is None


@pytest.mark.parametrize("channel", WRITTEN_AND_SPOKEN)
async def test_delivery_day_is_changed(desk: Desk, channel: Channel) -> None:
    talk = await desk.talk(channel)
    words = await tell(talk, "can I change the delivery day", "yes", "HL-482913", "next Sunday")
    assert "not a Sunday" in words
    assert "we bring HL-482913 on Thursday 5 March" in await tell(talk, "on Thursday")
    assert desk.orders.order("HL-482913").expected_on == "2026-03-05"


@pytest.mark.parametrize("channel", WRITTEN_AND_SPOKEN)
async def test_household_moves_and_takes_the_contract_along(desk: Desk, channel: Channel) -> None:
    talk = await desk.talk(channel)
    await tell(talk, "I am moving house", "yes", "EN-619024", "on the thirty-first of March", "yes")
    assert "what is the postal code" in await tell(talk, "Quay Street 4, Saltmere")
    words = await tell(talk, "1004")
    assert "move the contract to Quay Street 4, Saltmere on Tuesday 31 March" in words
    assert "It is noted" in await tell(talk, "yes")
    moved = desk.energy.contract("EN-619024").move
    assert moved == {"day": "2026-03-31", "address": "Quay Street 4, Saltmere"}
    assert talk.turn.memory["authentication"]["method"] == "knowledge"


MOVES = ("I am moving house", "yes", "EN-619024", "on the thirty-first of March", "no")


async def test_nobody_moves_the_contract_of_somebody_else(desk: Desk) -> None:
    desk.house.knows_number = False
    talk = await desk.talk(Channel.CHAT)
    await tell(talk, *MOVES)
    assert "That does not go with this contract." in await tell(talk, "1048")
    await tell(talk, "1049", "1050")
    assert talk.turn.handoff is not None
    assert talk.turn.handoff.reason == "not-authenticated"
    assert desk.energy.contract("EN-619024").move is None


async def test_who_does_not_know_the_postal_code_reads_a_code_from_the_telephone(
    desk: Desk,
) -> None:
    talk = await desk.talk(Channel.CHAT)
    await tell(talk, *MOVES)
    assert "code of six digits" in await tell(talk, "no")
    assert "end the contract" in await tell(talk, "204518")
    assert "It is noted" in await tell(talk, "yes")
    assert talk.turn.memory["authentication"]["method"] == "sms-code"


@pytest.mark.parametrize(
    ("language", "said", "asked"),
    [
        ("lv", ("es pārvācos", "jā", "EN-619024", "31. martā", "nē"), "pasta indekss"),
        ("zh", ("搬家怎么登记", "是的", "EN-619024", "3月31日", "不"), "邮政编码"),
    ],
)
async def test_proof_is_asked_for_in_every_language(
    desk: Desk, language: str, said: tuple[str, ...], asked: str
) -> None:
    talk = await desk.talk(Channel.CHAT, language)
    assert asked in await tell(talk, *said)
    await tell(talk, "1004", "jā" if language == "lv" else "是的")
    assert desk.energy.contract("EN-619024").move == {"day": "2026-03-31", "address": ""}


@pytest.mark.parametrize("channel", WRITTEN_AND_SPOKEN)
async def test_technician_is_booked_and_the_contract_is_known_afterwards(
    desk: Desk, channel: Channel
) -> None:
    talk = await desk.talk(channel)
    await tell(talk, "I need a technician", "EN-204518", "on Wednesday in the morning")
    words = await tell(talk, "2000 0001")
    assert "Booked: Wednesday 4 March, 08:00–12:00" in words
    words = await tell(talk, "I want to give you my meter reading")
    assert "Which meter is it" in words


@pytest.mark.parametrize("channel", WRITTEN_AND_SPOKEN)
async def test_call_is_promised_within_the_hours(desk: Desk, channel: Channel) -> None:
    talk = await desk.talk(channel)
    await tell(talk, "I would like to be called back", "+371 20 000 001")
    words = await tell(talk, "on Wednesday at seven in the evening")
    assert "Nobody is there then; the team is back on Wednesday 4 March at 08:00" in words
    words = await tell(talk, "on Wednesday at ten in the morning")
    assert "A colleague calls +37120000001 on Wednesday 4 March at 10:00" in words
    [(number, at, _, packet)] = desk.house.promised
    assert (number, at) == ("+37120000001", "2026-03-04T10:00")
    assert packet.intent == "call_me"


async def test_second_try_of_a_lost_turn_does_nothing_twice(desk: Desk) -> None:
    talk = await desk.talk(Channel.CHAT)
    await tell(talk, "I need a technician", "EN-204518", "Wednesday morning")
    before = dict(talk.turn.memory)
    for _ in range(3):  # Two technicians are on the road: a third visit would find none.
        talk.turn = await talk.conversation.hear(before, Heard.said("20000001"))
        assert "Booked" in talk.words


async def test_number_of_a_contract_is_not_taken_for_that_of_an_order(desk: Desk) -> None:
    talk = await desk.talk(Channel.CHAT)
    await tell(talk, "I need a technician", "204518")
    assert talk.turn.memory["slots"]["technician/contract"]["value"] == "EN-204518"
    assert "order_number" not in talk.turn.memory["slots"]
