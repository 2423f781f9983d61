"""The flows' versions over HTTP: read, check, draw, publish, take back; for administrators."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from bots.conversations import Conversations
from bots.flow.schema import read_flow
from bots.shelf import FlowShelf
from gateway.api.flows import flow_routes
from gateway.pages.sign_in import sign_in_routes
from gateway.routes import desk_pages
from router.relay import Relay
from tests.browser.desk_house import PASSWORD, desk_house, served
from tests.talking import FLOWS, Bench

Http = httpx.AsyncClient
SURVEY = (FLOWS / "survey.yaml").read_text(encoding="utf-8")


@pytest.fixture
async def shelf_and_http(tmp_path: Path) -> AsyncIterator[tuple[FlowShelf, Http]]:
    folder = tmp_path / "flows"
    folder.mkdir()
    for name in ("survey", "reminder"):
        text = (FLOWS / f"{name}.yaml").read_text(encoding="utf-8")
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    async with desk_house(tmp_path) as house:
        bench, services = Bench(), house.services
        flows = [read_flow(path) for path in sorted(folder.glob("*.yaml"))]
        conversations = Conversations(map(bench.conversation, flows), {})
        relay = Relay(house.store, house.bus, services.clock)
        await relay.start()
        shelf = FlowShelf(house.store, services.clock, relay, conversations, bench.conversation)
        await shelf.start(house.bus, "test", folder)
        await shelf.load()
        pages = desk_pages(services)
        routes = [*sign_in_routes(services, pages), *flow_routes(services.sign_in, shelf)]
        async with (
            served(routes, pages) as url,
            httpx.AsyncClient(base_url=url, timeout=60) as http,
        ):
            await sign_in(http, "adam")
            yield shelf, http
        await shelf.stop()
        await relay.stop()


async def sign_in(http: Http, login: str) -> None:
    answer = await http.post("/sign-in", json={"login": login, "password": PASSWORD})
    http.headers["X-CSRF-Token"] = answer.json()["csrf"]


async def test_flows_are_told_with_their_texts_and_pictures(
    shelf_and_http: tuple[FlowShelf, Http],
) -> None:
    _, http = shelf_and_http
    listed = (await http.get("/api/flows")).json()
    assert [each["name"] for each in listed] == ["reminder", "survey"]
    live = listed[1]["live"]
    one = (await http.get("/api/flows/survey")).json()
    assert [each["author"] for each in one["history"]] == ["file"]
    text = await http.get(f"/api/flows/survey/versions/{live}")
    assert text.text == SURVEY
    assert text.headers["content-type"].startswith("application/yaml")
    picture = await http.get("/api/flows/survey/drawing?language=lv")
    assert picture.headers["content-type"].startswith("image/svg+xml")
    assert picture.text.startswith("<svg")
    missing = await http.get("/api/flows/surwey")
    assert (missing.status_code, "survey" in missing.json()["detail"]) == (404, True)


async def test_text_is_checked_and_published_to_a_share_then_to_all_then_taken_back(
    shelf_and_http: tuple[FlowShelf, Http],
) -> None:
    shelf, http = shelf_and_http
    changed = SURVEY + "# A remark.\n"
    checked = (await http.post("/api/flows/survey/check", json={"text": changed})).json()
    assert checked["can_run"]
    body = {"text": changed, "percent": 10, "note": "a remark"}
    tried = (await http.post("/api/flows/survey/publish", json=body)).json()
    assert (tried["percent"], tried["history"][0]["author"]) == (10, "adam")
    assert tried["trial"] == checked["version"]
    body = {"text": changed, "note": "fine"}
    live = (await http.post("/api/flows/survey/publish", json=body)).json()
    assert (live["live"], live["trial"]) == (checked["version"], "")
    assert shelf.names == ("reminder", "survey")
    back = (await http.post("/api/flows/survey/roll-back", json={"note": "not so fine"})).json()
    assert (back["live"], back["before"]) == (tried["live"], checked["version"])
    assert [each["act"] for each in back["history"]] == [
        *("rolled-back", "published", "tried", "published")
    ]


async def test_bad_text_is_refused_with_every_fault_and_its_line(
    shelf_and_http: tuple[FlowShelf, Http],
) -> None:
    _, http = shelf_and_http
    before = (await http.get("/api/flows/survey")).json()
    broken = SURVEY.replace("next: ", "next: not-", 1)
    refused = await http.post("/api/flows/survey/publish", json={"text": broken})
    assert refused.status_code == 422
    assert refused.json()["type"] == "urn:parley:problem:bad-flow"
    assert refused.json()["problems"][0].startswith("survey.yaml:")
    checked = (await http.post("/api/flows/survey/check", json={"text": broken})).json()
    assert not checked["can_run"]
    assert checked["findings"][0]["line"] > 0
    share = await http.post("/api/flows/survey/publish", json={"text": SURVEY, "percent": 500})
    assert (share.status_code, "not 500" in share.json()["detail"]) == (409, True)
    assert (await http.post("/api/flows/survey/roll-back", json={})).status_code == 409
    assert (await http.get("/api/flows/survey")).json() == before


async def test_only_administrators(shelf_and_http: tuple[FlowShelf, Http]) -> None:
    _, http = shelf_and_http
    await sign_in(http, "sofia")
    assert (await http.get("/api/flows")).status_code == 403
    refused = await http.post("/api/flows/survey/publish", json={"text": SURVEY})
    assert refused.status_code == 403
