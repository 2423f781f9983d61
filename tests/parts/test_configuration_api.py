"""The configuration over HTTP, on a real server: read, check, change, roll back, single parts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from router.model import Author, Channel, InteractionState
from tests.browser.desk_house import PASSWORD, DeskHouse, desk_house

AS_YAML = {"Content-Type": "application/yaml"}
BASE_1 = {"If-Match": '"1"'}
PATIENCE_S = 60.0


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[DeskHouse]:
    async with desk_house(tmp_path) as started:
        yield started


@pytest.fixture
async def http(house: DeskHouse) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=house.url, timeout=PATIENCE_S) as client:
        await sign_in(client, "adam")
        yield client


async def sign_in(http: httpx.AsyncClient, login: str, password: str = PASSWORD) -> int:
    answer = await http.post("/sign-in", json={"login": login, "password": password})
    http.headers["X-CSRF-Token"] = answer.json().get("csrf", "")
    return answer.status_code


async def company(http: httpx.AsyncClient) -> dict[str, Any]:
    found: dict[str, Any] = (await http.get("/api/configuration")).json()["company"]
    return found


async def test_export_is_yaml_that_can_be_given_back(
    house: DeskHouse, http: httpx.AsyncClient
) -> None:
    answer = await http.get("/api/configuration", headers={"Accept": "application/yaml"})
    assert answer.headers["content-type"].startswith("application/yaml")
    assert answer.headers["etag"] == '"1"'
    assert "password" not in answer.text
    assert yaml.safe_load(answer.text) == await company(http)
    changed = answer.text.replace("name: Billing", "name: Bills")
    dry = await http.put("/api/configuration?dry_run=1", content=changed, headers=AS_YAML)
    assert dry.json()["differences"] == [
        {"place": "queues.billing.name", "was": "Billing", "now": "Bills"}
    ]
    assert house.company.queue("billing").name == "Billing"
    done = await http.put(
        "/api/configuration?note=shorter", content=changed, headers=AS_YAML | BASE_1
    )
    assert done.status_code == 200, done.text
    assert (done.json()["version"], done.json()["author"]) == (2, "adam")
    assert house.company.queue("billing").name == "Bills"
    [newest, first] = (await http.get("/api/configuration/versions")).json()
    assert (newest["note"], first["version"]) == ("shorter", 1)


async def test_bad_input_is_told_with_every_place_and_in_yaml_with_its_line(
    house: DeskHouse, http: httpx.AsyncClient
) -> None:
    body = await company(http)
    body["queues"][0]["strategy"] = "fair"
    body["queues"][1]["steps"] = [{"after_s": 30, "need": {"billing": 9}}]
    answer = await http.put("/api/configuration", json=body, headers=BASE_1)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    document = answer.json()
    assert document["type"] == "urn:parley:problem:bad-configuration"
    told = {each["place"]: each["problem"] for each in document["problems"]}
    assert set(told) == {"queues[0].strategy", "queues[1].steps[0].need.billing"}
    assert told["queues[0].strategy"].endswith("found 'fair'")
    assert house.company.version == 1

    text = "queues:\n- id: orders\n  target_s: soon\npeople:\n- login: adam\n  role: admin\n"
    dry = await http.put("/api/configuration?dry_run=1", content=text, headers=AS_YAML)
    [flaw] = dry.json()["problems"]
    assert (flaw["place"], flaw["line"]) == ("queues[0].target_s", 3)
    broken = await http.put("/api/configuration?dry_run=1", content="queues: [", headers=AS_YAML)
    [flaw] = broken.json()["problems"]
    assert flaw["place"] == "line 1, column 10"
    twice = await http.put("/api/configuration", content="name: a\nname: b", headers=AS_YAML)
    assert twice.status_code == 422
    assert twice.json()["problems"][0]["problem"] == "stands twice, in line 1 and in line 2"
    nonsense = await http.put("/api/configuration", content=b"\xff{", headers=BASE_1)
    assert nonsense.status_code == 422


async def test_outdated_edit_is_refused_and_a_version_can_be_rolled_back(
    house: DeskHouse, http: httpx.AsyncClient
) -> None:
    body = await company(http)
    body["survey"] = False
    assert (await http.put("/api/configuration", json=body)).status_code == 428
    assert (await http.put("/api/configuration", json=body, headers=BASE_1)).status_code == 200
    late = await http.put("/api/configuration?base=1", json=body | {"name": "Other"})
    assert (late.status_code, late.json()["title"]) == (409, "Outdated edit")

    body = await company(http)
    body["queues"][0]["target_s"] = 55
    await http.put("/api/configuration?base=2", json=body)
    ask = {"to": 2, "base": 3, "dry_run": True}
    dry = (await http.post("/api/configuration/roll-back", json=ask)).json()
    assert dry["differences"] == [{"place": "queues.orders.target_s", "was": 55, "now": 20}]
    done = await http.post("/api/configuration/roll-back", json={"to": 2, "base": 3})
    assert done.json()["version"] == 4
    assert house.company.queue("orders").target_s == 20
    missing = await http.post("/api/configuration/roll-back", json={"to": 99, "base": 4})
    assert missing.status_code == 404
    old = (await http.get("/api/configuration/versions/3")).json()
    assert old["company"]["queues"][0]["target_s"] == 55


async def test_single_queue_its_hours_and_its_end(
    house: DeskHouse, http: httpx.AsyncClient
) -> None:
    queue = (await http.get("/api/queues/billing")).json()
    assert queue["id"] == "billing"
    put = await http.put("/api/queues/billing", json=queue | {"strategy": "round-robin"})
    assert put.json()["version"] == 2
    hours = {"timezone": "Europe/Riga", "weekly": {"mon": ["09:00-12:00"]}}
    await http.put("/api/queues/billing/hours", json=hours)
    assert (await http.get("/api/queues/billing/hours")).json() == hours
    assert house.company.queue("billing").rules.strategy == "round-robin"
    other = await http.put("/api/queues/billing", json=queue | {"id": "bills"})
    assert other.status_code == 422
    assert (await http.get("/api/queues/sales")).status_code == 404
    sales = await http.put("/api/queues/sales", json={"name": "Sales"})
    assert sales.status_code == 200
    waiting = await house.contact(
        Channel.CHAT, "visitor", [(Author.CUSTOMER, "to sales, please")], queue="sales"
    )
    refused = await http.delete("/api/queues/sales")
    assert refused.status_code == 422
    assert refused.json()["problems"][0]["place"] == "move_waiting_to"
    gone = await http.delete("/api/queues/sales?move_waiting_to=orders")
    assert gone.status_code == 200, gone.text
    moved = await house.interaction(waiting.id)
    assert (moved.state, moved.queue) == (InteractionState.WAITING, "orders")
    assert moved.joined_at == waiting.joined_at


async def test_new_person_signs_in_and_a_removed_one_does_not(
    house: DeskHouse, http: httpx.AsyncClient
) -> None:
    eve = {"name": "Eve", "queues": ["orders"], "skills": {"orders": 3}}
    without = await http.put("/api/agents/eve", json=eve)
    assert without.json()["problems"][0]["place"].endswith(".password")
    added = await http.put("/api/agents/eve", json=eve | {"password": "a long word"})
    assert added.status_code == 200, added.text
    assert "password" not in (await http.get("/api/agents/eve")).json()
    async with httpx.AsyncClient(base_url=house.url, timeout=PATIENCE_S) as hers:
        assert await sign_in(hers, "eve", "a long word") < 300
        assert (await hers.get("/desk", follow_redirects=False)).status_code == 200
        assert (await http.delete("/api/agents/eve")).status_code == 200
        assert (await hers.get("/desk")).status_code == 401
        assert await sign_in(hers, "eve", "a long word") == 401
    last = await http.delete("/api/agents/adam")
    assert "no administrator" in last.json()["problems"][0]["problem"]


async def test_outcomes_and_pause_codes(house: DeskHouse, http: httpx.AsyncClient) -> None:
    await http.put("/api/dispositions", json=["solved", "not-solved"])
    codes = ["break", {"code": "training", "name": "Training", "paid": False}]
    await http.put("/api/pause-codes", json=codes)
    assert house.company.dispositions == ("solved", "not-solved")
    assert house.company.pause_codes == ("break", "training")
    assert (await http.get("/api/pause-codes")).json() == codes
    wrong = await http.put("/api/dispositions", json=["solved", "solved"])
    assert wrong.json()["problems"][0]["place"] == "dispositions[1]"


async def test_only_an_administrator_may_and_only_with_the_token(house: DeskHouse) -> None:
    for login in ("sofia", "ana", ""):
        async with httpx.AsyncClient(base_url=house.url, timeout=PATIENCE_S) as http:
            if login:
                await sign_in(http, login)
            for path in ("/api/configuration", "/api/queues/orders", "/api/agents/ana"):
                assert (await http.get(path)).status_code == (403 if login else 401)
            assert (await http.put("/api/dispositions", json=["x"])).status_code in (401, 403)
    async with httpx.AsyncClient(base_url=house.url, timeout=PATIENCE_S) as http:
        await sign_in(http, "adam")
        del http.headers["X-CSRF-Token"]
        assert (await http.put("/api/dispositions", json=["x"])).status_code == 403
    assert house.company.version == 1
