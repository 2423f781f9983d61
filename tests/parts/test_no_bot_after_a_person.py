"""No bot speaks after a person has accepted, whatever was under way and whoever was faster.

In writing, on a real database: two processes' bots, each held up at its knowledge base and
its actions for as long as the schedule wants, while people accept, write, transfer, take
over and give back. The event log is the witness.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from bots.conversations import Conversations
from bots.text import TextBot
from router.acts.act import HandoffPlan
from router.acts.consults import Consults
from router.acts.lifecycle import Lifecycle
from router.acts.transfers import ToBot, ToQueue, Transfers
from router.clock import VirtualClock
from router.company import parse_company
from router.errors import ParleyError
from router.events import (
    BotStarted,
    Fact,
    HandoffRequested,
    InteractionEnded,
    MessageAdded,
    OfferAccepted,
)
from router.model import (
    Arrival,
    Author,
    Channel,
    EndedBy,
    Handoff,
    Identity,
    IdentityKind,
    Interaction,
    InteractionState,
    NewMessage,
    Presence,
)
from tests.fakes.ground import Ground, ground
from tests.talking import NOW, Bench, ScriptedActions, ScriptedKnowledge, demo_flow

COMPANY = {
    "name": "Test",
    "entry": dict.fromkeys(["chat", "email", "sms", "voice"], "front-desk"),
    "queues": [{"id": "orders"}, {"id": "billing"}, {"id": "technical"}],
    "people": [
        {"login": login, "password": "x", "queues": ["orders", "billing"], "skills": {"en": 5}}
        for login in ("ana", "bob")
    ],
}
IDENTITIES = {
    Channel.CHAT: (IdentityKind.COOKIE, "visitor-{}"),
    Channel.SMS: (IdentityKind.PHONE, "+3712000{:04}"),
    Channel.EMAIL: (IdentityKind.EMAIL, "ann{}@example.test"),
}
LINES = ("agent", "are you open on Saturday?", "where is my order HL-482913", "zebra quartz?")


DELIVERED = {"status": "delivered", "expected_on": "2026-03-01", "place": ""}


class Gate:
    """Holds up whoever comes until it is opened; open, it lets everybody through."""

    def __init__(self) -> None:
        self.held: list[asyncio.Event] = []
        self.closed = False

    async def pass_through(self) -> None:
        if self.closed:
            self.held.append(asyncio.Event())
            await self.held[-1].wait()

    def let_one(self) -> None:
        if self.held:
            self.held.pop(0).set()


class SlowKnowledge(ScriptedKnowledge):
    gate = Gate()

    async def answer(self, question: str, language: str = "en") -> Any:
        answer = await super().answer(question, language)
        await self.gate.pass_through()
        return answer


class SlowActions(ScriptedActions):
    gate = Gate()

    async def call(
        self,
        method: str,
        url: str,
        body: Mapping[str, Any] | None,
        timeout_s: float,
        headers: Mapping[str, str] | None = None,
        retries: int = 0,
    ) -> tuple[int, Any]:
        answer = await super().call(method, url, body, timeout_s, headers, retries)
        await self.gate.pass_through()
        return answer


@dataclass
class Floor(Ground[VirtualClock]):
    """One conversation, two bot processes, two agents."""

    life: Lifecycle
    transfers: Transfers
    consults: Consults
    bots: tuple[TextBot, TextBot]
    gate: Gate
    actions: SlowActions
    channel: Channel
    item: str = ""
    customer: int = 0
    written: int = 0
    running: dict[asyncio.Task[None], TextBot] = field(default_factory=dict)

    def begin(self, customer: int) -> None:
        """The next customer; bots are held up again."""
        self.item, self.customer, self.gate.closed = "", customer, True

    async def now(self) -> Interaction:
        async with self.store.transaction() as tx:
            return await tx.interactions.get(self.item)

    async def facts(self) -> list[Fact]:
        async with self.store.transaction() as tx:
            return list(await tx.log.facts(interaction_id=self.item))

    async def write(self, line: str) -> None:
        """The customer writes, and both processes hear of it."""
        self.written += 1
        kind, address = IDENTITIES[self.channel]
        who = Identity(kind, address.format(self.customer))
        arrival = Arrival(self.channel, who, "us", name="Ann")
        message = NewMessage(Author.CUSTOMER, line, external_id=f"m{self.written}")
        got = await self.life.receive(arrival, message)
        self.item = self.item or got.interaction.id
        if got.interaction.id == self.item:
            self.wake()

    def wake(self) -> None:
        for bot in self.bots:
            task = asyncio.create_task(_quietly(bot.answer(self.item)))
            self.running[task] = bot
            task.add_done_callback(self.running.pop)

    async def accept(self, agent: str = "ana") -> None:
        item = await self.now()
        if item.state is InteractionState.WAITING:
            offer = await self.life.offer(item, agent, "")
            await self.life.accept(offer.id, agent)

    async def give_back(self, flow: str) -> None:
        item = await self.now()
        await self.transfers.transfer(self.item, item.agent_id or "", ToBot(flow), "done")
        for bot in self.bots:
            await bot.come_back(self.item) if self.channel is Channel.CHAT else None
        self.wake()

    async def act(self, name: str) -> None:
        """One step of a schedule; what is not possible now does nothing."""
        self.clock.forward(1)
        with suppress(ParleyError):
            match name.split(":"):
                case ["write", line]:
                    await self.write(line)
                case ["accept", agent]:
                    await self.accept(agent)
                case ["reply"]:
                    item = await self.now()
                    await self.life.reply(self.item, item.agent_id or "", "A person here.")
                case ["back", flow]:
                    await self.give_back(flow)
                case ["queue"]:
                    item = await self.now()
                    target = ToQueue("billing")
                    await self.transfers.transfer(self.item, item.agent_id or "", target)
                case ["take-over"]:
                    await self.consults.take_over(self.item, "bob")
                case ["let"]:
                    self.gate.let_one()
                case ["idle"]:
                    await self.bots[0].close_idle(NOW + timedelta(days=9))
                case ["twice"]:
                    self.wake()

    async def waits(self) -> None:
        """Until the bot has given the customer away."""
        async with asyncio.timeout(10):
            while (await self.now()).state is InteractionState.BOT:
                await asyncio.sleep(0.005)

    async def settle(self) -> None:
        """Until every bot has finished or is held up at the gate."""
        async with asyncio.timeout(10):
            # One answer of a process at a time; its others wait for that one.
            while len(set(self.running.values())) > len(self.gate.held):
                await asyncio.sleep(0.001)

    async def finish(self) -> None:
        self.gate.closed = False
        async with asyncio.timeout(10):
            while self.running:
                self.gate.let_one()
                await asyncio.sleep(0.001)


async def _quietly(work: Any) -> None:
    with suppress(ParleyError):  # the bus would bring the fact again
        await work


@asynccontextmanager
async def floor(url: str, channel: Channel) -> AsyncIterator[Floor]:
    company = parse_company(COMPANY)
    async with ground(url, VirtualClock(NOW)) as below:
        await below.hire(company)
        base = (below.store, company, below.clock, below.relay)
        gate = Gate()
        gate.closed = True
        bench = Bench()
        knowledge, actions = (
            SlowKnowledge(bench.knowledge.by_word),
            SlowActions(bench.actions.answers),
        )
        knowledge.gate = actions.gate = gate
        bench.knowledge, bench.actions = knowledge, actions
        flows = [bench.conversation(demo_flow(name)) for name in ("front-desk", "reminder")]
        for each in flows:
            await each.prepare()
        life, talks = Lifecycle(*base), Conversations(flows, company.entry)
        bots = (
            TextBot(below.store, life, talks, "https://care.test"),
            TextBot(below.store, life, talks, "https://care.test"),
        )
        for agent in ("ana", "bob"):
            await life.set_presence(agent, Presence.AVAILABLE)
        yield Floor(
            *below.parts,
            life,
            Transfers(*base),
            Consults(*base, below.bus),
            bots,
            gate,
            actions,
            channel,
        )


def breaches(facts: list[Fact]) -> list[str]:
    """What a bot said while a person had the customer, and hand-overs told twice."""
    found, person, told = [], False, 0
    for fact in facts:
        match fact:
            case OfferAccepted():
                person = True
            case BotStarted():
                person, told = False, 0
            case HandoffRequested():
                told += 1
                if told > 1:
                    found.append(f"handed over twice: {fact.reason}")
            case MessageAdded(author=Author.BOT):
                if person or fact.state != InteractionState.BOT:
                    found.append(f"said in {fact.state}: {fact.text}")
    for one, two in pairwise(fact for fact in facts if isinstance(fact, MessageAdded)):
        if (one.author, two.author) == (Author.BOT, Author.BOT) and one.text == two.text:
            found.append(f"said twice: {one.text}")
    return found


MOVES = (
    *("accept:ana", "accept:bob", "reply", "back:", "back:front-desk", "back:reminder"),
    *("queue", "take-over", "let", "let", "idle", "twice"),
)
STEPS = (*(f"write:{line}" for line in LINES), "write:agent", *MOVES, *MOVES, "let")
SCHEDULES = 6


@pytest.mark.parametrize("channel", [Channel.CHAT, Channel.SMS, Channel.EMAIL])
async def test_no_schedule_lets_a_bot_speak_while_a_person_has_the_customer(
    sqlite_url: str, channel: Channel
) -> None:
    with_people = 0
    async with floor(sqlite_url, channel) as one:
        for seed in range(SCHEDULES):
            dice = random.Random(f"{channel} {seed}")
            one.begin(seed)
            first = ("write:agent", "accept:ana") if seed % 2 else (f"write:{dice.choice(LINES)}",)
            schedule = [*first, *dice.choices(STEPS, k=dice.randint(5, 12))]
            for place, step in enumerate(schedule):
                await one.act(step)
                if place < len(first) or dice.random() < 0.5:
                    await one.settle()
            await one.finish()
            facts = await one.facts()
            assert breaches(facts) == [], f"seed {seed}: {schedule}"
            with_people += any(isinstance(fact, OfferAccepted) for fact in facts)
            await one.life.end(one.item, EndedBy.CUSTOMER, "left")
    assert with_people >= SCHEDULES / 2  # else nothing was tried


class TestTurnInFlight:
    """On both stores: a bot that was held up comes too late at every point."""

    async def test_answer_that_was_thought_before_a_person_is_never_said(
        self, store_url: str
    ) -> None:
        async with floor(store_url, Channel.CHAT) as one:
            await one.write("are you open on Saturday?")
            await one.settle()
            held, one.gate.held = one.gate.held[1:], one.gate.held[:1]
            # The first process answers, and hands over; the second one still thinks.
            one.gate.let_one()
            async with asyncio.timeout(10):
                while not (await one.now()).bot_state:
                    await asyncio.sleep(0.005)
            one.gate.closed = False
            await one.write("agent")
            await one.waits()
            await one.accept("ana")
            await one.act("reply")
            said = [f for f in await one.facts() if isinstance(f, MessageAdded)]
            for event in held:
                event.set()
            await one.finish()
            assert [f for f in await one.facts() if isinstance(f, MessageAdded)] == said

    async def test_answer_from_before_a_person_is_not_said_after_the_customer_is_back(
        self, store_url: str
    ) -> None:
        async with floor(store_url, Channel.CHAT) as one:
            one.gate.closed = False
            await one.write("agent")
            await one.waits()
            await one.accept("ana")
            await one.transfers.transfer(one.item, "ana", ToBot("front-desk"))
            one.gate.closed = True
            await one.write("where is my order HL-482913")
            await one.settle()
            before = await one.now()
            # A third process hands over while both think; Ana takes it and gives it back anew.
            one.clock.forward(5)
            plan = HandoffPlan("orders", Handoff("asked", "wants a person"))
            await one.life.save_bot_turn(before, {}, (), plan)
            one.clock.forward(5)
            await one.accept("ana")
            await one.transfers.transfer(one.item, "ana", ToBot("front-desk"))
            assert (await one.now()).bot_state == before.bot_state == {}
            one.actions.answers = dict.fromkeys(one.actions.answers, (200, DELIVERED))
            await one.finish()
            facts = await one.facts()
            assert breaches(facts) == []
            told = [f.text for f in facts if isinstance(f, MessageAdded)]
            assert not any("on its way" in text for text in told)
            assert sum("has been delivered" in text for text in told) == 1

    async def test_who_is_with_a_person_is_not_closed_for_having_been_silent_with_the_bot(
        self, store_url: str
    ) -> None:
        async with floor(store_url, Channel.CHAT) as one:
            one.gate.closed = False
            await one.write("agent")
            await one.waits()
            await one.accept("ana")
            ended = await one.life.end(
                one.item, EndedBy.SYSTEM, "customer-silent", only_in=InteractionState.BOT
            )
            assert ended.state is InteractionState.AGENT
            assert not any(isinstance(f, InteractionEnded) for f in await one.facts())
