"""An agent puts right what the bot understood; the bot takes it up, and nobody else may."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date

import pytest

from bots.flow.schema import parse_flow
from gateway.desk.correcting import NotThatKind, value_of
from router import kpi
from router.acts.act import HandoffPlan
from router.acts.transfers import ToBot
from router.corrections import NoSuchValue, SlotCorrected
from router.errors import IllegalMove
from router.handoff import Handoff, SlotValue
from router.model import Channel, Interaction
from tests.fakes.distribution import COMPANY, Floor, running_floor
from tests.talking import Bench

FLOW = parse_flow("""
flow: visit
start: which
languages: [en]
queue: orders
slots:
  order: {type: order-number, prefix: HL, length: 6, confirm: always}
  day: {type: date}
steps:
  which: {ask: "Which order?", slot: order, next: when}
  when: {ask: "Which day?", slot: day, next: told}
  told: {ask: "Order {{ order }} on {{ day }}. Anything else?", otherwise: bye}
  bye: {end: resolved}
""")
PACKET = Handoff(
    "asked",
    "",
    flow="visit",
    slots=(SlotValue("order", "HL-482913", 0.6, confirmed=True, type="order-number"),),
    open_slots=("day",),
)


@pytest.fixture
async def floor(store_url: str) -> AsyncIterator[Floor]:
    async with running_floor(store_url, {**COMPANY, "entry": {"chat": "visit"}}) as started:
        await started.sign_in("ana", "ben")
        yield started


async def handled(floor: Floor) -> Interaction:
    """Ana has a chat that the bot gave away."""
    chat = await floor.arrive(Channel.CHAT, "visitor")
    chat = await floor.life.save_bot_turn(chat, {}, (), HandoffPlan("orders", PACKET))
    return await floor.give(chat, "ana")


async def test_the_bot_takes_up_what_the_agent_put_right_and_asks_for_nothing(
    floor: Floor,
) -> None:
    chat = await handled(floor)
    await floor.life.correct_slot(chat.id, "ana", "order", "HL-482914")
    await floor.life.correct_slot(chat.id, "ana", "day", "2026-03-05", "date")
    await floor.transfers.transfer(chat.id, "ana", ToBot())
    turn = await Bench().conversation(FLOW).begin(await floor.get(chat.id))
    asked = "Order HL-482914 on 2026-03-05. Anything else?"
    assert [reply.text for reply in turn.replies if reply.question] == [asked]


async def test_it_is_a_fact_and_counts_where_something_was_wrong(floor: Floor) -> None:
    chat = await handled(floor)
    for name, value in (("order", "HL-482914"), ("order", "HL-482914"), ("day", "2026-03-05")):
        await floor.life.correct_slot(chat.id, "ana", name, value)
    wrong, missing = await floor.of(chat.id, SlotCorrected)
    assert (wrong.was, wrong.value, wrong.was_confirmed) == ("HL-482913", "HL-482914", True)
    assert (missing.was, missing.name, missing.agent_id) == ("", "day", "ana")
    assert kpi.bot_figures(await floor.logged()).corrected == 1


async def test_only_who_handles_it_may_and_only_what_the_flow_knows(floor: Floor) -> None:
    chat = await handled(floor)
    with pytest.raises(IllegalMove):
        await floor.life.correct_slot(chat.id, "ben", "order", "HL-482914")
    with pytest.raises(NoSuchValue):
        await floor.life.correct_slot(chat.id, "ana", "colour", "blue")
    kept = (await floor.get(chat.id)).handoff
    assert kept is not None
    assert kept.slots == PACKET.slots


async def test_a_card_number_is_not_kept_as_a_value(floor: Floor) -> None:
    chat = await handled(floor)
    packet = await floor.life.correct_slot(chat.id, "ana", "order", "4111 1111 1111 1111")
    slot = packet.slot("order")
    assert slot is not None
    assert "4111 1111" not in slot.value


@pytest.mark.parametrize(
    ("slot", "typed", "kept"),
    [("order", "hl 482 914", "HL-482914"), ("day", "the fifth of March", "2026-03-05")],
)
def test_what_is_typed_is_kept_in_the_flows_form(slot: str, typed: str, kept: str) -> None:
    assert value_of(FLOW.slots[slot], typed, "en", date(2026, 3, 2)) == kept


def test_what_is_no_such_value_is_refused() -> None:
    with pytest.raises(NotThatKind, match="order number"):
        value_of(FLOW.slots["order"], "the blue one", "en", date(2026, 3, 2))
