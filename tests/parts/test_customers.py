"""Priority and the agent of their own: set over HTTP or by a list, with effect on who waits."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.customer_list import parse_customers
from gateway.waiting_room import WaitingRoom
from router.acts.customers import Customers, Mark
from router.errors import BadCustomer, NoSuchCustomer
from router.events import CustomerMarked
from router.model import Author, Channel, Interaction, InteractionState, Offer, Presence
from tests.browser.desk_house import PASSWORD, DeskHouse, desk_house
from tests.fakes.distribution import COMPANY, MONDAY, NUMBER, Floor, running_floor

OTHER = "+37120000002"
BOOSTED: dict[str, Any] = {
    **COMPANY,
    "queues": [
        {"id": "orders", "base_s": 5, "boosts": {"vip_s": 120}, "dedicated_wait_s": 60},
        {"id": "billing", "boosts": {"vip_s": 30}},
    ],
}
PATIENCE_S = 60.0


@pytest.fixture
async def floor(store_url: str) -> AsyncIterator[Floor]:
    async with running_floor(store_url, BOOSTED) as running:
        yield running


def customers(floor: Floor) -> Customers:
    return Customers(floor.store, floor.company, floor.clock, floor.relay)


async def positions(floor: Floor, *items: Interaction) -> list[int | None]:
    look = await WaitingRoom(floor.store, floor.company, floor.clock).look()
    return [look.position(item.id) for item in items]


# -- the act ------------------------------------------------------------------------------------


async def test_customer_who_waits_goes_ahead_at_once_and_falls_back_when_it_is_taken_away(
    floor: Floor,
) -> None:
    first = await floor.arrive(value=OTHER)
    floor.clock.forward(30)
    vip = await floor.arrive()
    marks = customers(floor)
    await marks.mark(vip.customer_id, Mark(vip=True), "sofia")
    now = await floor.get(vip.id)
    assert (now.vip, now.head_start_s, now.joined_at) == (True, 125, vip.joined_at)
    assert await positions(floor, vip, first) == [1, 2]
    assert now.version > vip.version  # a dispatcher that knew the old row takes the new one

    await marks.mark(vip.customer_id, Mark(vip=True), "sofia")
    assert (await floor.get(vip.id)).head_start_s == 125
    assert len(await floor.of(vip.id, CustomerMarked)) == 1

    await marks.mark(vip.customer_id, Mark(vip=False), "sofia")
    assert (await floor.get(vip.id)).head_start_s == 5
    assert await positions(floor, first, vip) == [1, 2]


async def test_mark_counts_for_what_rings_and_leaves_alone_what_an_agent_has(floor: Floor) -> None:
    await floor.sign_in("ana", "ben")
    talking = await floor.arrive(Channel.VOICE)
    await floor.give(talking, "ana")
    before = await floor.get(talking.id)
    ringing = await floor.arrive(Channel.SMS)
    offer = await floor.life.offer(ringing, "ben", "test")
    marked = await customers(floor).mark(ringing.customer_id, Mark(vip=True), "sofia")
    assert marked.vip
    rung = await floor.get(ringing.id)
    assert (rung.state, rung.head_start_s) == (InteractionState.OFFERED, 125)
    assert (await floor.life.accept(offer.id, "ben")).agent_id == "ben"
    assert await floor.get(talking.id) == before
    # One about the record and one for each of the two, for whoever shows them.
    marks = [fact for fact in await floor.logged() if isinstance(fact, CustomerMarked)]
    assert {fact.interaction_id for fact in marks} == {"", talking.id, ringing.id}
    assert {(fact.vip, fact.dedicated_agent, fact.author) for fact in marks} == {
        (True, None, "sofia")
    }


async def test_own_agent_is_waited_for_from_the_next_joining_on(floor: Floor) -> None:
    await floor.sign_in("ana", "ben")
    waiting = await floor.arrive()
    marks = customers(floor)
    await marks.mark(waiting.customer_id, Mark(dedicated_agent="ben"), "sofia")
    assert (await floor.get(waiting.id)).prefer_agent is None
    text = await floor.arrive(Channel.SMS)
    until = MONDAY + timedelta(seconds=60)
    assert (text.prefer_agent, text.prefer_until) == ("ben", until)
    gone = await marks.mark(waiting.customer_id, Mark(dedicated_agent=""), "sofia")
    assert (gone.dedicated_agent, gone.vip) == (None, False)


async def test_unknown_agent_and_unknown_customer_are_refused_and_nothing_changes(
    floor: Floor,
) -> None:
    call = await floor.arrive()
    marks = customers(floor)
    with pytest.raises(BadCustomer, match="expected the login of somebody who takes work"):
        await marks.mark(call.customer_id, Mark(vip=True, dedicated_agent="zoe"), "sofia")
    with pytest.raises(NoSuchCustomer):
        await marks.mark("nobody", Mark(vip=True), "sofia")
    assert (await floor.get(call.id)).version == call.version


# -- lists --------------------------------------------------------------------------------------

LIST = f"""phone,email,name,vip,dedicated_agent
{NUMBER},kim@example.org,Kim,yes,ben
,LEE@example.org,Lee,yes,
{OTHER},,Mo,no,-
"""


async def test_list_marks_who_is_known_adds_who_is_not_and_repeats_without_effect(
    floor: Floor,
) -> None:
    known = await floor.arrive()
    marks = customers(floor)
    done = await marks.take_in(parse_customers(LIST), "sofia")
    assert (done.added, done.changed, done.same) == (2, 1, 0)
    assert (await floor.get(known.id)).head_start_s == 125
    async with floor.store.transaction() as tx:
        kim = await tx.people.customer(known.customer_id)
        marked = [each.name for each in await tx.people.marked_customers()]
    assert (kim.vip, kim.dedicated_agent, len(kim.identities)) == (True, "ben", 2)
    assert marked == ["", "Lee"]  # a name in a list is for who is not known yet
    mail = await floor.arrive(Channel.EMAIL, "lee@example.org")
    assert (mail.vip, mail.head_start_s) == (True, 125)
    again = await marks.take_in(parse_customers(LIST), "sofia")
    assert (again.added, again.changed, again.same) == (0, 0, 3)


async def test_list_with_a_mistake_changes_nothing_and_names_every_line(floor: Floor) -> None:
    one, two = await floor.arrive(), await floor.arrive(Channel.EMAIL, "kim@example.org")
    assert one.customer_id != two.customer_id
    text = f"phone,email,vip,dedicated_agent\n{OTHER},,yes,zoe\n{NUMBER},kim@example.org,yes,\n"
    with pytest.raises(BadCustomer) as refused:
        await customers(floor).take_in(parse_customers(text), "sofia")
    assert [flaw.place for flaw in refused.value.problems] == ["line 2", "line 3"]
    async with floor.store.transaction() as tx:
        assert await tx.people.marked_customers() == []


async def test_long_list_goes_in_piece_by_piece_the_same_customer_twice_included(
    floor: Floor,
) -> None:
    lines = [f"+3712{number:07}," for number in range(130)]
    text = "phone,vip\n" + "".join(f"{line}yes\n" for line in lines) + f"{lines[0]}no\n"
    done = await customers(floor).take_in(parse_customers(text), "sofia")
    assert (done.added, done.changed) == (130, 1)
    async with floor.store.transaction() as tx:
        assert len(await tx.people.marked_customers(200)) == 129


@pytest.mark.parametrize(
    ("text", "place", "says"),
    [
        ("", "line 1", "found nothing"),
        ("name,vip\nKim,yes\n", "line 1", "expected the columns phone or email"),
        ("phone,colour\n1,red\n", "line 1", "found phone, colour"),
        ("phone,vip\n+37120000001,perhaps\n", "line 2", "expected yes or no, found 'perhaps'"),
        ("phone,vip\n,yes\n", "line 2", "found neither"),
        ("phone,vip\ntwelve,yes\n", "line 2", "is not a phone number"),
        ("email\nkim\n", "line 2", "is not a mail address"),
        ("phone,vip\n+37120000001,yes,no\n", "line 2", "expected 2 columns, found 3"),
        ('phone\n"+3712', "line 2", "not CSV"),
    ],
)
def test_what_is_wrong_with_a_list_is_named_by_its_line(text: str, place: str, says: str) -> None:
    with pytest.raises(BadCustomer) as refused:
        parse_customers(text)
    [flaw] = refused.value.problems
    assert flaw.place == place
    assert says in flaw.problem


# -- over HTTP ------------------------------------------------------------------------------------


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[DeskHouse]:
    async with desk_house(tmp_path) as started:
        yield started


def client(house: DeskHouse) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=house.url, timeout=PATIENCE_S)


async def sign_in(http: httpx.AsyncClient, login: str) -> None:
    answer = await http.post("/sign-in", json={"login": login, "password": PASSWORD})
    http.headers["X-CSRF-Token"] = answer.json()["csrf"]


async def test_supervisor_finds_a_customer_and_says_what_is_due(house: DeskHouse) -> None:
    lines = [(Author.CUSTOMER, "hello")]
    chat = await house.contact(Channel.CHAT, "maria", lines, name="Maria Lund")
    async with client(house) as http:
        await sign_in(http, "sofia")
        assert (await http.get("/api/customers")).json() == []
        [maria] = (await http.get("/api/customers", params={"q": "lund"})).json()
        where = f"/api/customers/{maria['id']}"
        answer = await http.patch(where, json={"vip": True})
        assert answer.status_code == 200, answer.text
        assert answer.json()["vip"] is True
        [waits] = answer.json()["open"]
        assert (waits["id"], waits["state"]) == (chat.id, "waiting")
        both = (await http.patch(where, json={"dedicated_agent": "ana"})).json()
        assert (both["vip"], both["dedicated_agent"], both["own_agent"]) == (
            True,
            "ana",
            "Ana Kalniņa",
        )
        assert [each["id"] for each in (await http.get("/api/customers")).json()] == [maria["id"]]
        wrong = await http.patch(where, json={"dedicated_agent": "zoe"})
        assert wrong.status_code == 422
        assert wrong.json()["type"] == "urn:parley:problem:bad-customer"
        assert wrong.json()["problems"][0]["place"] == "dedicated_agent"
        assert (await http.patch(where, json={"colour": "red"})).status_code == 400
        assert (await http.patch("/api/customers/nobody", json={})).status_code == 404
        nobody = (await http.patch(where, json={"vip": False, "dedicated_agent": None})).json()
        assert (nobody["vip"], nobody["dedicated_agent"]) == (False, None)
        taken = await http.post("/api/customers/import", json={"csv": "phone,vip\n20000009,yes\n"})
        assert taken.json() == {"added": 1, "changed": 0, "same": 0}
        page = await http.get(f"/interactions/{chat.id}", headers={"Accept": "text/html"})
        assert "sofia set priority for the customer; own agent: Ana Kalniņa" in page.text
    item = await house.interaction(chat.id)
    assert (item.vip, item.head_start_s) == (False, 0)


async def test_the_one_who_was_given_priority_is_the_next_to_ring(house: DeskHouse) -> None:
    lines = [(Author.CUSTOMER, "hello")]
    for number in (NUMBER, OTHER):
        await house.contact(Channel.VOICE, number, lines)
    async with client(house) as http:
        await sign_in(http, "sofia")
        [later] = (await http.get("/api/customers", params={"q": OTHER})).json()
        await http.patch(f"/api/customers/{later['id']}", json={"vip": True})
    await house.lifecycle.set_presence("ana", Presence.AVAILABLE)
    async with asyncio.timeout(PATIENCE_S):
        while not (offers := await _ringing(house)):
            await asyncio.sleep(0.02)
    assert [(await house.interaction(each.interaction_id)).address for each in offers] == [OTHER]


async def _ringing(house: DeskHouse) -> list[Offer]:
    async with house.store.transaction() as tx:
        return await tx.interactions.ringing_offers()


async def test_agents_may_not_and_nobody_without_the_token(house: DeskHouse) -> None:
    for login in ("ana", ""):
        async with client(house) as http:
            if login:
                await sign_in(http, login)
            expected = 403 if login else 401
            assert (await http.get("/api/customers")).status_code == expected
            assert (await http.patch("/api/customers/x", json={})).status_code == expected
            assert (await http.get("/customers")).status_code == expected
    async with client(house) as http:
        await sign_in(http, "sofia")
        del http.headers["X-CSRF-Token"]
        csv = {"csv": "phone,vip\n20000009,yes\n"}
        assert (await http.post("/api/customers/import", json=csv)).status_code == 403
