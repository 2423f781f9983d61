"""Callbacks over HTTP: asked for, listed, cancelled, and refused with the reason."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest

from router.model import Author, Channel, Interaction, InteractionState
from tests.browser.desk_house import PASSWORD, DeskHouse, desk_house

PATIENCE_S = 60.0
NUMBER = "+37120000001"
RIGA = ZoneInfo("Europe/Riga")
LINES = [(Author.CUSTOMER, "a person, please")]


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[DeskHouse]:
    async with desk_house(tmp_path) as started:
        yield started


@pytest.fixture
async def http(house: DeskHouse) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=house.url, timeout=PATIENCE_S) as client:
        answer = await client.post("/sign-in", json={"login": "sofia", "password": PASSWORD})
        client.headers["X-CSRF-Token"] = answer.json()["csrf"]
        yield client


async def ask(http: httpx.AsyncClient, **body: Any) -> tuple[int, dict[str, Any]]:
    answer = await http.post("/api/callbacks", json=body)
    return answer.status_code, answer.json()


async def customer_of(house: DeskHouse, item: Interaction) -> str:
    return (await house.interaction(item.id)).customer_id


async def test_waiting_caller_is_called_back_in_their_place_and_can_be_taken_off_the_list(
    house: DeskHouse, http: httpx.AsyncClient
) -> None:
    call = await house.contact(Channel.VOICE, NUMBER, LINES)
    status, promise = await ask(http, interaction_id=call.id, number="20000009")
    assert status == 201
    assert (promise["number"], promise["due_at"]) == ("+37120000009", None)
    kept = await house.interaction(call.id)
    assert (kept.state, kept.joined_at, kept.home) == ("waiting", call.joined_at, "")
    assert (await http.get("/api/callbacks")).json() == [promise]
    again, _ = await ask(http, interaction_id=call.id)
    assert again == 201
    gone = await http.post(f"/api/callbacks/{call.id}/cancel")
    assert gone.json() == {"cancelled": call.id}
    assert (await http.get("/api/callbacks")).json() == []


async def test_customer_is_called_at_a_time_of_the_queues_own_zone(
    house: DeskHouse, http: httpx.AsyncClient
) -> None:
    chat = await house.contact(Channel.CHAT, "maria", LINES, name="Maria Lund")
    theirs = await customer_of(house, chat)
    day = (house.services.clock.now().astimezone(RIGA) + timedelta(days=2)).date()
    wanted = {"at": f"{day}T10:30", "number": NUMBER, "agent": "ana"}
    status, promise = await ask(http, customer_id=theirs, **wanted)
    assert status == 201, promise
    due = datetime.combine(day, datetime.min.time(), RIGA) + timedelta(hours=10, minutes=30)
    assert datetime.fromisoformat(promise["due_at"]) == due
    assert (promise["queue"], promise["agent_id"]) == ("orders", "ana")
    planned = await house.interaction(promise["interaction_id"])
    assert (planned.state, planned.customer_id) == (InteractionState.SCHEDULED, theirs)
    assert (await house.interaction(chat.id)).state is InteractionState.WAITING
    twice, problem = await ask(http, interaction_id=chat.id, **wanted)
    assert (twice, problem["title"]) == (422, "Callback exists")


async def test_waiting_call_becomes_the_scheduled_one_itself(
    house: DeskHouse, http: httpx.AsyncClient
) -> None:
    call = await house.contact(Channel.VOICE, NUMBER, LINES)
    at = house.services.clock.now() + timedelta(hours=1)
    status, promise = await ask(http, interaction_id=call.id, at=at.isoformat())
    assert (status, promise["interaction_id"], promise["number"]) == (201, call.id, NUMBER)
    assert (await house.interaction(call.id)).state is InteractionState.SCHEDULED


async def test_what_cannot_be_promised_is_refused_with_the_reason(
    house: DeskHouse, http: httpx.AsyncClient
) -> None:
    chat = await house.contact(Channel.CHAT, "maria", LINES)
    theirs = await customer_of(house, chat)
    day = house.services.clock.now().astimezone(RIGA).date()
    sunday = day + timedelta(days=7 + 6 - day.weekday())
    someday = f"{sunday}T10:00"
    refused: list[tuple[dict[str, Any], int, str]] = [
        ({}, 422, "one of them"),
        ({"interaction_id": chat.id, "customer_id": theirs}, 422, "one of them"),
        ({"customer_id": theirs}, 422, "at is missing"),
        ({"interaction_id": chat.id}, 409, "waits on the phone"),
        ({"customer_id": theirs, "at": someday}, 422, "no number"),
        ({"customer_id": theirs, "at": "soon"}, 422, "found 'soon'"),
        ({"customer_id": theirs, "at": "2020-01-01T10:00"}, 422, "is over"),
        ({"customer_id": theirs, "at": someday, "queue": "billing"}, 422, "closed"),
        ({"customer_id": theirs, "at": someday, "queue": "sales"}, 404, "sales"),
        ({"customer_id": theirs, "at": someday, "agent": "zoe"}, 422, "'zoe'"),
        ({"customer_id": theirs, "at": someday, "number": "twelve"}, 422, "no telephone number"),
        ({"customer_id": "nobody", "at": someday}, 404, "nobody"),
    ]
    for body, status, says in refused:
        found, problem = await ask(http, **body)
        assert (found, says in problem["detail"]) == (status, True), (body, problem)
    assert (await http.get("/api/callbacks")).json() == []


async def test_agents_may_not_promise_over_the_api(house: DeskHouse) -> None:
    async with httpx.AsyncClient(base_url=house.url, timeout=PATIENCE_S) as http:
        assert (await ask(http, interaction_id="x"))[0] == 401
        answer = await http.post("/sign-in", json={"login": "ana", "password": PASSWORD})
        http.headers["X-CSRF-Token"] = answer.json()["csrf"]
        assert (await ask(http, interaction_id="x"))[0] == 403
