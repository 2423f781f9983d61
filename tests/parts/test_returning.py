"""After people had the customer: what is still known, and where the bot goes on."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bots.flow.model import Flow
from bots.flow.schema import parse_flow
from router.acts.returned import PersonDid
from router.handoff import Handoff, SlotValue
from router.model import Channel, Interaction
from tests.talking import Bench, Talk, demo_flow, interaction_on

VISIT = """
flow: visit
start: hello
languages: [en]
queue: orders
slots:
  order: {type: order-number, prefix: HL, length: 6, confirm: always}
  day: {type: date}
steps:
  hello: {say: "Hello, this is Harbourline.", next: notice}
  notice: {say: "Calls are recorded.", protected: true, next: which}
  which: {ask: "Which order?", slot: order, next: when}
  when: {ask: "Which day?", slot: day, next: done}
  done: {say: "Order {{ order }} on {{ day }}.", next: again}
  again: {set: {order: ""}, next: another}
  another: {ask: "Which other order?", slot: order, next: bye}
  bye: {end: resolved}
"""
FLOW = parse_flow(VISIT)
OWN = parse_flow(
    VISIT.replace("steps:", "always: {returned: back}\nsteps:")
    + '  back: {say: "{{ person.name }} has noted: {{ person.note }} ({{ person.disposition }}).",'
    + " next: which}\n"
)


def given_back(flow: str = "visit", *slots: SlotValue) -> Interaction:
    """A chat that Ana had and gives back to a bot."""
    packet = Handoff("asked", "", flow=flow, slots=slots, tried=("looked it up",))
    item = replace(interaction_on(Channel.CHAT), handoff=packet)
    did = PersonDid("ana", "Ana", "refund agreed", "solved")
    return replace(item, meta=did.on(item))


async def begin(flow: Flow, item: Interaction) -> Talk:
    conversation = Bench().conversation(flow)
    return Talk(conversation, await conversation.begin(item))


CONFIRMED = SlotValue("order", "HL-482913", 0.7, confirmed=True, type="order-number")


async def test_what_was_confirmed_is_not_asked_for_again_and_not_read_back() -> None:
    talk = await begin(FLOW, given_back("visit", CONFIRMED))
    assert "Which order?" not in talk.words
    assert talk.words.endswith("Which day?")
    assert "Order HL-482913 on 2026-03-03." in await talk.say("tomorrow")


async def test_it_is_passed_once_and_asked_for_where_the_flow_wants_another() -> None:
    talk = await begin(FLOW, given_back("visit", CONFIRMED))
    assert (await talk.say("tomorrow")).endswith("Which other order?")


async def test_what_was_understood_but_not_confirmed_is_read_back() -> None:
    talk = await begin(FLOW, given_back("visit", replace(CONFIRMED, confirmed=False)))
    assert "HL-482913" in talk.words
    assert (await talk.say("yes")).endswith("Which day?")


async def test_a_value_of_another_type_is_asked_for() -> None:
    talk = await begin(FLOW, given_back("visit", replace(CONFIRMED, type="integer")))
    assert talk.words.endswith("Which order?")


@pytest.mark.parametrize("kind", ["yes-no", "choice"])
async def test_a_decision_of_the_moment_is_asked_anew(kind: str) -> None:
    extra = ", choices: {'yes': {key: '1', phrases: {en: [sure]}}}" if kind == "choice" else ""
    flow = parse_flow(
        f"flow: x\nstart: a\nlanguages: [en]\nslots:\n  go: {{type: {kind}{extra}}}\nsteps:\n"
        '  a: {ask: "Shall I?", slot: go, next: b}\n  b: {end: resolved}\n'
    )
    slot = SlotValue("go", "yes", 1.0, confirmed=True, type=kind)
    talk = await begin(flow, given_back("x", slot))
    assert talk.words.endswith("Shall I?")


async def test_the_flow_that_spoke_before_is_back_without_its_greeting() -> None:
    talk = await begin(FLOW, given_back())
    assert talk.words == (
        "You are back with the automatic assistant. | Calls are recorded. | Which order?"
    )
    assert "Hello" not in await talk.say("repeat")


async def test_another_flow_begins_as_it_always_does() -> None:
    talk = await begin(FLOW, given_back("front-desk"))
    assert talk.words.startswith("Hello, this is Harbourline.")


async def test_a_flow_goes_on_at_its_own_step_and_knows_what_the_person_did() -> None:
    talk = await begin(OWN, given_back("visit", CONFIRMED))
    assert talk.words == "Ana has noted: refund agreed (solved). | Which day?"


async def test_before_anybody_had_the_customer_person_is_empty() -> None:
    flow = parse_flow(
        'flow: x\nstart: a\nlanguages: [en]\nsteps:\n  a: {say: "[{{ person.note }}]", next: b}\n'
        "  b: {end: resolved}\n"
    )
    assert (await Talk.begin(flow)).words == "[]"


async def test_the_second_packet_has_what_the_first_one_had() -> None:
    talk = await begin(FLOW, given_back("visit", CONFIRMED))
    await talk.say("agent")
    packet = talk.turn.handoff
    assert packet is not None
    assert packet.tried == ("looked it up",)
    assert packet.slot("order") == CONFIRMED


async def test_the_demo_company_goes_on_in_the_customers_language() -> None:
    desk = demo_flow("front-desk")
    item = replace(given_back(desk.name), language="lv")
    talk = await begin(desk, item)
    assert talk.words.startswith("Jūs atkal runājat ar automātisko asistentu.")
