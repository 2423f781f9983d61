"""SIGKILL of the whole process in the middle of everything; what each had to find again.

Twelve customers text and two of them are being helped, a caller waits, a campaign talks to
one and rings another, a second campaign is texting. One kill, one start, and then each test
looks at its part. Once on each store, since a start takes a quarter of a minute.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from channels.sip.caller import CallerCall, SipCaller
from gateway.demo.desk_client import DeskClient, View
from router.events import CallConnected
from router.model import AttemptState, Interaction, InteractionState
from tests import services
from tests.campaigning import Outcomes, Supervisor, dispositions, zone_where_it_is
from tests.fakes.fake_twilio import FakeTwilio
from tests.house import WAIT_S, House, house
from tests.telephones import DeadLine, Home, Street

COMPANY = Path(__file__).parents[1] / "data" / "company_small.yaml"
VISIT = "the boiler service,2026-12-03,after two"
CUSTOMERS = 12
TEXTING = "+3712777"
CALLING = "+37120000555"
TOLD = {f"Person {n}": f"+371288800{n:02}" for n in range(20)}
"""Whom the campaign of texts tells."""

pytestmark = [pytest.mark.slow, pytest.mark.peer, pytest.mark.asyncio(loop_scope="module")]


@dataclass(frozen=True)
class Crash:
    """What stood before the kill, and where to look after it."""

    house: House
    home: Home
    street: Street
    bert: DeadLine
    carrier: FakeTwilio
    order: list[str]
    """The waiting and handled texts, in the order in which they joined."""
    handled: list[str]
    """By Ana and by Ben."""
    call: Interaction
    calls_id: str
    texts_id: str
    texted: Outcomes
    """The campaign of texts when nobody worked on it."""


async def found(running: House, ready: Callable[[list[Interaction]], bool]) -> list[Interaction]:
    """The texting customers' once they are as wanted, in the order in which they joined."""
    async with asyncio.timeout(WAIT_S):
        while True:
            everything = [
                one for one in await running.newest(200) if one.address.startswith(TEXTING)
            ]
            if ready(everything):
                return sorted(everything, key=lambda one: one.joined_at or one.created_at)
            await asyncio.sleep(0.1)


async def waiting_call(running: House) -> Interaction:
    """The caller's place in the queue, once there is one."""
    async with asyncio.timeout(WAIT_S):
        while True:
            for one in await running.newest(200):
                if one.address == CALLING and one.state is InteractionState.WAITING:
                    return one
            await asyncio.sleep(0.1)


def in_state(items: list[Interaction], state: InteractionState) -> list[str]:
    return [one.id for one in items if one.state is state]


async def take_next(running: House, login: str) -> tuple[DeskClient, str]:
    """Sign in, be available, accept what rings."""
    desk = await DeskClient.sign_in(running.url, login, f"pw-{login}", WAIT_S)
    await desk.ask("presence", presence="available")
    offer: View = (await desk.next("offer"))["offer"]
    await desk.ask("accept", offer_id=offer["id"])
    return desk, offer["interaction_id"]


def in_the_middle(outcomes: Outcomes) -> bool:
    """Anna talks and Bert's telephone rings."""
    states = {name: tried[0].state for name, tried in outcomes.items() if tried}
    return states == {"Anna": AttemptState.LIVE, "Bert": AttemptState.DIALLING}


def everybody_tried(outcomes: Outcomes) -> bool:
    """No contact is open: each one's last attempt is final or its second."""
    return all(
        tried and tried[-1].disposition and (len(tried) == 2 or name in ("Cleo", "Dora"))
        for name, tried in outcomes.items()
    )


async def begin_calls(adam: Supervisor, doors: Mapping[str, str]) -> str:
    day = zone_where_it_is(12)
    lines = [f"{name},sip:{name.lower()}@{door},{day},en,{VISIT}" for name, door in doors.items()]
    plan = {"concurrency": 2, "max_attempts": 2, "retry_after_s": {"interrupted": 0}}
    return await adam.begin("Boilers", "voice", lines, **plan)


async def begin_texts(adam: Supervisor) -> str:
    day = zone_where_it_is(12)
    lines = [f"{name},{number},{day},en,{VISIT}" for name, number in TOLD.items()]
    return await adam.begin("Boilers by text", "sms", lines, retry_after_s={"interrupted": 0})


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest) -> str:
    """An empty database's URL; none for the SQLite file that a Parley makes itself."""
    if request.param == "sqlite":
        return ""
    server: services.Postgres = request.getfixturevalue("postgres_server")
    return server.fresh_database()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def crash(database: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Crash]:
    """A Parley that was killed in the middle of everything and has started again."""
    async with AsyncExitStack() as stack:
        home = await stack.enter_async_context(Home.open())
        street = await stack.enter_async_context(Street.open())
        bert = await stack.enter_async_context(DeadLine.open())
        caller = SipCaller()
        await caller.start()
        stack.push_async_callback(caller.stop)
        carrier = FakeTwilio()
        carrier.start()
        stack.callback(carrier.stop)
        extra = {
            "PARLEY_COMPANY": str(COMPANY),
            "PARLEY_SIP_TRUNK": home.door,
            # Long enough that Bert's telephone still rings when the process is killed.
            "PARLEY_RING_S": "60",
            "PARLEY_TWILIO_URL": carrier.url,
            "PARLEY_TWILIO_SID": carrier.sid,
            "PARLEY_TWILIO_TOKEN": carrier.token,
            **({"DATABASE_URL": database} if database else {}),
        }
        folder = tmp_path_factory.mktemp("house")
        running = stack.enter_context(house(folder, "embedded", extra))

        for n in range(CUSTOMERS):
            text = "I want to talk to an agent please"
            answer = await carrier.text(f"{running.url}/twilio/sms", f"{TEXTING}700{n:02}", text)
            assert answer.status_code == 200
        call = await caller.call(running.sip, 20, CALLING)
        assert isinstance(call, CallerCall)
        await call.hear(500)
        call.press("0")
        waiting = await found(
            running, lambda all_: len(in_state(all_, InteractionState.WAITING)) == CUSTOMERS
        )
        ana, first = await take_next(running, "ana")
        ben, second = await take_next(running, "ben")
        before = await waiting_call(running)
        async with Supervisor.sign_in(running, "adam", "pw-adam") as adam:
            doors = dict.fromkeys(("Anna", "Bert", "Cleo", "Dora"), street.door)
            calls_id = await begin_calls(adam, doors | {"Bert": bert.door})
            await adam.outcomes_when(calls_id, in_the_middle)
            await bert.rings.wait()
            assert street.called == ["anna"]
            texts_id = await begin_texts(adam)
            async with asyncio.timeout(WAIT_S):
                while sum(text.to in TOLD.values() for text in carrier.texts) < 3:
                    await asyncio.sleep(0.005)

            running.kill("embedded")
            texted = await adam.outcomes(texts_id)
        await ana.close()
        await ben.close()
        street.talk.set()
        # From now on a dead line is given up soon, so that the campaign can end.
        running.env["PARLEY_RING_S"] = "2"
        await asyncio.to_thread(running.start)  # telephones here must go on
        order = [one.id for one in waiting]
        yield Crash(
            running, home, street, bert, carrier, order, [first, second], before,
            calls_id, texts_id, texted,
        )  # fmt: skip


async def test_nobody_is_lost_and_the_order_is_kept(crash: Crash) -> None:
    order, handled = crash.order, crash.handled
    assert set(handled) == set(order[:2])
    after = await found(crash.house, lambda all_: len(all_) == CUSTOMERS)
    assert in_state(after, InteractionState.WAITING) == order[2:]
    assert sorted(in_state(after, InteractionState.AGENT)) == sorted(handled)

    # The agent comes back to the same conversation, finishes it, and gets the next in line.
    async with await DeskClient.sign_in(crash.house.url, "ana", "pw-ana", WAIT_S) as desk:
        snapshot = await desk.next("snapshot")
        assert [card["id"] for card in snapshot["work"]] == [handled[0]]
        again = "Sorry, here I am again"
        await desk.ask("send", interaction_id=handled[0], draft_id="d1", text=again)
        await desk.ask("end", interaction_id=handled[0])
        await desk.ask("wrap-up", interaction_id=handled[0], disposition="resolved")
        await desk.ask("presence", presence="available")
        offer = (await desk.next("offer"))["offer"]
        assert offer["interaction_id"] == order[2]


async def test_lost_caller_keeps_the_place_and_is_called_back(crash: Crash) -> None:
    before, after = crash.call, await waiting_call(crash.house)
    assert (after.id, after.joined_at) == (before.id, before.joined_at)

    async with await DeskClient.sign_in(crash.house.url, "vera", "pw-vera", WAIT_S) as desk:
        await desk.ask("presence", presence="available")
        offer = (await desk.next("offer"))["offer"]
        assert offer["interaction_id"] == before.id
        await desk.ask("accept", offer_id=offer["id"])
        async with asyncio.timeout(WAIT_S):
            leg, incoming = await crash.home.rang.get()
            assert incoming.called == CALLING
            while not (await desk.next("work"))["card"]["connected"]:
                pass
        await desk.ask("end", interaction_id=before.id)
        async with asyncio.timeout(WAIT_S):
            await leg.closed.wait()
        facts = await crash.house.facts(before.id)
        assert any(isinstance(fact, CallConnected) for fact in facts)


async def test_campaign_texts_nobody_twice_for_one_attempt(crash: Crash) -> None:
    untried = [name for name, tried in crash.texted.items() if not tried]
    assert untried  # it was the middle
    async with Supervisor.sign_in(crash.house, "adam", "pw-adam") as adam:
        outcomes = await adam.outcomes_when(
            crash.texts_id,
            lambda all_: all(tried and tried[-1].state == "live" for tried in all_.values()),
        )
    async with asyncio.timeout(WAIT_S):
        while not {TOLD[name] for name in untried} <= {text.to for text in crash.carrier.texts}:
            await asyncio.sleep(0.05)
    texts = Counter(text.to for text in crash.carrier.texts)
    for name, tried in outcomes.items():
        assert texts[TOLD[name]] <= len(tried)
        assert [one.number for one in tried] == list(range(1, len(tried) + 1))
        assert {str(one.disposition) for one in tried[:-1]} <= {"interrupted"}


async def test_campaign_calls_nobody_twice_for_one_attempt(crash: Crash) -> None:
    async with Supervisor.sign_in(crash.house, "adam", "pw-adam") as adam:
        outcomes = await adam.outcomes_when(crash.calls_id, everybody_tried, 120)
        async with asyncio.timeout(WAIT_S):
            while (await adam.campaign(crash.calls_id)).state != "done":
                await asyncio.sleep(0.2)
    assert dispositions(outcomes) == {
        "Anna": ["interrupted", "completed"],
        "Bert": ["interrupted", "no-answer"],
        "Cleo": ["completed"],
        "Dora": ["completed"],
    }
    for tried in outcomes.values():
        assert [one.number for one in tried] == list(range(1, len(tried) + 1))
    assert "while the attempt was live" in outcomes["Anna"][0].reason
    assert "while the attempt was dialling" in outcomes["Bert"][0].reason
    assert outcomes["Anna"][1].answers == {"decision": "confirm"}

    # As the telephones counted: one INVITE for each attempt number.
    assert Counter(crash.street.called) == {"anna": 2, "cleo": 1, "dora": 1}
    assert len(crash.bert.calls) == 2
    broken_off = outcomes["Anna"][0].interaction_id
    newest = {one.id: one for one in await crash.house.newest(200)}
    assert broken_off
    assert newest[broken_off].end_reason == "the process that carried the call stopped"
