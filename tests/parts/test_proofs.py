"""Who a customer is: actions wait for proof, codes are hard to guess, refusals tell nothing."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import cast

import pytest

from bots.conversation import Conversation, Tools
from bots.errors import BadFlow
from bots.flow.model import Flow
from bots.flow.outcome import Proven
from bots.flow.schema import parse_flow
from bots.ports import House
from gateway.proofs import Proofs
from router.acts.lifecycle import Lifecycle
from router.clock import VirtualClock
from router.company import parse_company
from router.model import Arrival, Channel, Identity, IdentityKind, Interaction
from tests.fakes.ground import Ground, ground
from tests.parts.test_text_bot import COMPANY
from tests.talking import API, NOW, Bench, Talk

FLOW = """
flow: account
start: hello
languages: [en]
queue: orders
variables: {api: "http://127.0.0.1/api"}
slots:
  postcode: {type: digits, length: 4}
intents:
  move: {go: move, examples: {en: [I am moving, change my address, new address please, I moved]}}
  read: {go: read, examples: {en: [show my bill, what do I owe, tell me my balance, my debt]}}
steps:
  hello: {ask: "How can I help?", otherwise: hello}
  move:
    do: {method: POST, url: "{{ api }}/moves"}
    needs: {level: 2, prove: code}
    next: moved
    on_error: person
  code: {verify: sms, next: move, failed: person}
  moved: {say: "You have moved.", next: hello}
  read:
    do: {method: GET, url: "{{ api }}/bill"}
    needs: {level: 1, prove: ask}
    next: told
    on_error: person
  ask: {ask: "Your postcode?", slot: postcode, next: look}
  look:
    do: {method: GET, url: "{{ api }}/known/{{ postcode }}"}
    wrong: again
    next: read
    on_error: person
  again: {say: "That does not match.", next: ask}
  told: {say: "You owe nothing.", next: hello}
  person: {handoff: not-authenticated}
"""


@dataclass
class World(Ground[VirtualClock]):
    lifecycle: Lifecycle
    proofs: Proofs
    outbox: list[tuple[str, str, str]]
    bench: Bench = field(default_factory=Bench)

    async def arrive(self, *more: Identity) -> Interaction:
        phone = Identity(IdentityKind.PHONE, "+37120000001")
        found = (await self.lifecycle.receive(Arrival(Channel.VOICE, phone, "us"))).interaction
        async with self.store.transaction() as tx:
            for each in more:
                await tx.people.add_identity(found.customer_id, each)
        return found

    async def talk(self, interaction: Interaction, flow: Flow) -> Talk:
        tools = Tools(
            self.bench.understanding,
            self.bench.knowledge,
            self.bench.actions,
            self.clock,
            {"api": API},
            house=cast(House, self.proofs),
        )
        conversation = Conversation(flow, tools)
        return Talk(conversation, await conversation.begin(interaction))

    @property
    def code(self) -> str:
        """The code in the last text that was sent."""
        found = re.search(r"\d{6}", self.outbox[-1][2])
        assert found
        return found[0]


@pytest.fixture(scope="module")
def flow() -> Flow:
    return parse_flow(FLOW, "account.yaml")


@pytest.fixture
async def world(sqlite_url: str) -> AsyncIterator[World]:
    outbox: list[tuple[str, str, str]] = []

    async def send(way: str, address: str, text: str) -> None:
        outbox.append((way, address, text))

    async with ground(sqlite_url, VirtualClock(NOW)) as below:
        company = parse_company(COMPANY)
        lifecycle = Lifecycle(below.store, company, below.clock, below.relay)
        proofs = Proofs(below.store, below.clock, b"secret", send)
        made = World(*below.parts, lifecycle, proofs, outbox)
        made.bench.actions.answers |= {
            f"{API}/moves": (201, {}),
            f"{API}/bill": (200, {}),
            f"{API}/known/1010": (200, {}),
            f"{API}/known/2020": (403, {}),
        }
        yield made


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06}"


async def test_an_action_waits_for_the_code_and_goes_on_with_it(world: World, flow: Flow) -> None:
    talk = await world.talk(await world.arrive(), flow)
    assert "code of six digits" in await talk.say("I am moving")
    assert world.bench.actions.calls == []
    assert world.outbox[0][:2] == ("sms", "+37120000001")
    assert "You have moved" in await talk.say(" ".join(world.code))
    memory = talk.turn.memory
    assert memory["authentication"] == {
        "method": "sms-code", "level": 2, "at": "2026-03-02T09:00:00+00:00",
    }  # fmt: skip
    assert [k for k, v in memory.items() if world.code in str(v)] == []
    assert "You have moved" in await talk.say("I am moving")
    assert len(world.outbox) == 1


async def test_three_wrong_codes_bring_a_person_and_the_action_is_never_done(
    world: World, flow: Flow
) -> None:
    talk = await world.talk(await world.arrive(), flow)
    await talk.say("I am moving")
    for _ in range(2):
        assert "not the code" in await talk.say(wrong(world.code))
    await talk.say(wrong(world.code))
    assert talk.turn.handoff is not None
    assert talk.turn.handoff.reason == "not-authenticated"
    assert world.bench.actions.calls == []


async def test_knowledge_proves_level_one_only_and_an_unknown_customer_hears_the_same(
    world: World, flow: Flow
) -> None:
    told = []
    for postcode in ("2020", "3030"):  # refused by the service, and unknown to it
        talk = await world.talk(await world.arrive(), flow)
        await talk.say("show my bill")
        told.append(await talk.say(postcode))
    assert told[0] == told[1] == "That does not match. | Your postcode?"
    assert "You owe nothing" in await talk.say("1010")
    assert talk.turn.memory["authentication"]["level"] == 1
    assert "code of six digits" in await talk.say("I am moving")


async def test_three_wrong_answers_bring_a_person(world: World, flow: Flow) -> None:
    talk = await world.talk(await world.arrive(), flow)
    await talk.say("show my bill")
    for _ in range(3):
        await talk.say("2020")
    assert talk.turn.handoff is not None
    assert f"{API}/bill" not in [url for _, url, _ in world.bench.actions.calls]


async def test_a_level_is_gone_with_its_interaction(world: World, flow: Flow) -> None:
    talk = await world.talk(await world.arrive(), flow)
    await talk.say("I am moving")
    await talk.say(world.code)
    again = await world.talk(await world.arrive(), flow)
    assert "code of six digits" in await again.say("I am moving")


async def test_a_code_is_good_for_five_minutes_once_and_for_its_interaction(world: World) -> None:
    first, second = await world.arrive(), await world.arrive()
    await world.proofs.send_code(first.id, "sms")
    assert await world.proofs.check_code(second.id, world.code) == Proven("used-up")
    assert await world.proofs.check_code(first.id, world.code) == Proven("right")
    assert await world.proofs.check_code(first.id, world.code) == Proven("used-up")
    await world.proofs.send_code(first.id, "sms")
    world.clock.forward(301)
    assert await world.proofs.check_code(first.id, world.code) == Proven("used-up")


async def test_codes_are_three_an_hour_and_none_after_nine_wrong_ones(world: World) -> None:
    call = await world.arrive()
    for _ in range(3):
        assert await world.proofs.send_code(call.id, "sms") == Proven("sent")
        for _ in range(3):
            await world.proofs.check_code(call.id, wrong(world.code))
    assert await world.proofs.send_code(call.id, "sms") == Proven("used-up")
    world.clock.forward(2 * 3600)
    assert await world.proofs.send_code(call.id, "sms") == Proven("used-up")
    world.clock.forward(24 * 3600)
    assert await world.proofs.send_code(call.id, "sms") == Proven("sent")


async def test_nowhere_to_send_to_is_told_as_any_other_refusal(world: World) -> None:
    call = await world.arrive()
    assert await world.proofs.send_code(call.id, "email") == Proven("used-up")
    mail = Identity(IdentityKind.EMAIL, "ann@example.com")
    again = await world.arrive(mail)
    assert await world.proofs.send_code(again.id, "email") == Proven("sent")
    assert world.outbox[-1][:2] == ("email", "ann@example.com")


async def test_the_store_holds_no_code(world: World) -> None:
    call = await world.arrive()
    await world.proofs.send_code(call.id, "sms")
    async with world.store.transaction() as tx:
        kept = await tx.log.document(f"codes:{call.customer_id}")
    assert kept
    assert world.code not in str(kept["open"][call.id]["hash"])
    assert set(kept["open"][call.id]) == {"hash", "until", "tries"}


def test_a_level_that_is_none_is_named_with_its_line() -> None:
    with pytest.raises(BadFlow, match=r"account.yaml:\d+: .*level 3 is not 1"):
        parse_flow(FLOW.replace("level: 2", "level: 3"), "account.yaml")
