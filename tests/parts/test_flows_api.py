"""The flows' versions over HTTP: read, check, draw, publish, take back; for administrators."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from bots.flow.json_schema import json_schema
from bots.shelf import FlowShelf
from tests.browser.desk_house import PASSWORD
from tests.flow_house import flow_house
from tests.talking import FLOWS

Http = httpx.AsyncClient
SURVEY = (FLOWS / "survey.yaml").read_text(encoding="utf-8")


@pytest.fixture
async def shelf_and_http(tmp_path: Path) -> AsyncIterator[tuple[FlowShelf, Http]]:
    async with (
        flow_house(tmp_path, ["survey", "reminder"]) as place,
        httpx.AsyncClient(base_url=place.url, timeout=60) as http,
    ):
        await sign_in(http, "adam")
        yield place.shelf, http


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


async def test_text_is_saved_for_nobody_and_who_was_slower_is_told(
    shelf_and_http: tuple[FlowShelf, Http],
) -> None:
    shelf, http = shelf_and_http
    before = (await http.get("/api/flows/survey")).json()
    base = before["tag"]
    body = {"text": SURVEY + "# Half done.\n", "percent": 0, "note": "tomorrow", "base": base}
    saved = (await http.post("/api/flows/survey/publish", json=body)).json()
    assert (saved["live"], saved["trial"]) == (before["live"], "")
    newest = saved["history"][0]
    assert (newest["act"], newest["percent"], newest["note"]) == ("saved", 0, "tomorrow")
    text = await http.get(f"/api/flows/survey/versions/{newest['version']}")
    assert text.text == body["text"]
    assert not shelf.knows("survey", newest["version"])

    late = {"text": SURVEY + "# Mine.\n", "base": base}
    refused = await http.post("/api/flows/survey/publish", json=late)
    assert refused.status_code == 409
    assert refused.json()["type"] == "urn:parley:problem:flow-moved-on"
    assert "adam has saved" in refused.json()["detail"]
    assert (await http.post("/api/flows/survey/roll-back", json={"base": base})).status_code == 409
    assert (await http.get("/api/flows/survey")).json() == saved
    again = await http.post("/api/flows/survey/publish", json={**late, "base": saved["tag"]})
    assert again.status_code == 200


async def test_schema_is_for_everybodys_editor(shelf_and_http: tuple[FlowShelf, Http]) -> None:
    _, http = shelf_and_http
    http.cookies.clear()
    answer = await http.get("/flow.schema.json")
    assert answer.headers["content-type"].startswith("application/schema+json")
    assert answer.json() == json_schema()


async def test_only_administrators(shelf_and_http: tuple[FlowShelf, Http]) -> None:
    _, http = shelf_and_http
    await sign_in(http, "sofia")
    assert (await http.get("/api/flows")).status_code == 403
    refused = await http.post("/api/flows/survey/publish", json={"text": SURVEY})
    assert refused.status_code == 403
