"""A flow that is being written over HTTP: checked, drawn, compared and tried, never in force."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from bots.conversation import Tools
from bots.flow.schema import parse_flow
from bots.trial.session import Setting
from gateway.flow_trials import LIFE, MOST_OF_ONE, FlowTrials, Systems, TrialBroke, TrialGone
from router.clock import VirtualClock
from tests.browser.desk_house import PASSWORD
from tests.flow_house import FlowHouse, flow_house
from tests.talking import API, FLOWS, NOW, Bench, ScriptedAnswer, ScriptedKnowledge

TECHNICIAN = (FLOWS / "technician.yaml").read_text(encoding="utf-8")

ASKING = """
flow: asking
start: help
steps:
  help: {ask: What can I do, otherwise: answer}
  answer: {answer: "{{ question }}", next: help, unknown: bye}
  bye: {end: resolved}
"""


@dataclass
class Desk:
    """An administrator's HTTP."""

    place: FlowHouse
    http: httpx.AsyncClient

    async def post(self, path: str, **body: Any) -> httpx.Response:
        return await self.http.post(path, json=body)

    async def begin(self, **body: Any) -> dict[str, Any]:
        answer = await self.post("/api/flows/technician/trials", **{"text": TECHNICIAN, **body})
        assert answer.status_code == 201, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def say(self, trial: dict[str, Any], line: str) -> dict[str, Any]:
        answer = await self.post(f"/api/flow-trials/{trial['trial_id']}/lines", line=line)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with (
        flow_house(tmp_path, ["technician", "survey"]) as place,
        httpx.AsyncClient(base_url=place.url, timeout=60) as http,
    ):
        found = Desk(place, http)
        await sign_in(http, "adam")
        yield found


async def sign_in(http: httpx.AsyncClient, login: str) -> None:
    answer = await http.post("/sign-in", json={"login": login, "password": PASSWORD})
    http.headers["X-CSRF-Token"] = answer.json()["csrf"]


async def test_draft_is_checked_with_the_lines_of_its_steps_and_drawn_with_marks(
    desk: Desk,
) -> None:
    checked = (await desk.post("/api/flows/technician/check", text=TECHNICIAN)).json()
    assert checked["languages"] == ["en", "zh", "lv"]
    rows = TECHNICIAN.splitlines()
    assert rows[checked["steps"]["book"] - 1].strip() == "book:"
    promised = TECHNICIAN.replace("Under which", "I am putting you through. Under which")
    picture = await desk.post("/api/flows/technician/drawing", text=promised, language="lv")
    assert picture.headers["content-type"].startswith("image/svg+xml")
    assert "Kāds ir jūsu enerģijas" in picture.text
    assert "▲ " in picture.text
    broken = TECHNICIAN.replace("next: book\n", "next: bok\n")
    refused = await desk.post("/api/flows/technician/drawing", text=broken)
    assert refused.status_code == 422
    assert "did you mean 'book'" in refused.json()["detail"]


async def test_draft_is_compared_with_what_is_in_force(desk: Desk) -> None:
    same = await desk.post("/api/flows/technician/differences", text=TECHNICIAN)
    assert same.json()["changes"] == []
    now = TECHNICIAN.replace("languages: [en, zh, lv]", "languages: [en, lv]")
    found = (await desk.post("/api/flows/technician/differences", text=now)).json()
    assert found["changes"] == [
        {"line": 4, "was": ["languages: [en, zh, lv]"], "now": ["languages: [en, lv]"]}
    ]
    nowhere = await desk.post("/api/flows/technician/differences", text=now, version="none")
    assert nowhere.status_code == 404


async def test_trial_tells_step_slots_and_reasons_and_books_nothing(desk: Desk) -> None:
    text = TECHNICIAN.replace("What is your energy contract number?", "Which contract is it?")
    trial = await desk.begin(text=text)
    assert (trial["said"], trial["over"]) == ([], False)
    asked = await desk.say(trial, "hello")
    assert "Which contract is it?" in " ".join(asked["said"])
    assert text.splitlines()[asked["line"] - 1].strip() == "contract:"
    when = await desk.say(trial, "EN-204518")
    assert (when["step"], when["slots"][0]["value"]) == ("when", "EN-204518")
    await desk.say(trial, "on 4 March in the morning")
    done = await desk.say(trial, "+371 20000001")
    assert done["over"]
    assert "Booked:" in done["said"][-1]
    assert any("action POST" in reason for reason in done["why"])
    assert done["outcome"][0] == "ended: booked"
    assert desk.place.bench.actions.calls == []


async def test_actions_are_answered_as_made_up_or_asked_for_real(desk: Desk) -> None:
    lines = ["EN-204518", "on 4 March in the morning", "+371 20000001"]

    async def outcome(**systems: Any) -> str:
        trial = await desk.begin(**systems)
        for line in lines:
            last = await desk.say(trial, line)
        return str(last["outcome"][:1])

    assert "ended: unknown" in await outcome(answers='[{url: "*", status: 404}]')
    assert desk.place.bench.actions.calls == []
    await outcome(real=True)
    assert [method for method, _, _ in desk.place.bench.actions.calls] == ["POST"]
    bad = await desk.post("/api/flows/technician/trials", text=TECHNICIAN, answers="- {status: 1}")
    assert bad.status_code == 422
    assert "the made-up answers: answer 1" in bad.json()["detail"]


async def test_call_begins_by_itself_and_hears_keys_and_silence(desk: Desk) -> None:
    trial = await desk.begin(channel="voice", language="lv")
    assert "E N un seši cipari" in trial["said"][-1]
    silent = await desk.say(trial, "")
    assert silent["said"]


async def test_trial_is_its_owners_and_ends_when_it_is_put_away(desk: Desk) -> None:
    trial = await desk.begin()
    async with httpx.AsyncClient(base_url=desk.place.url, timeout=60) as other:
        await sign_in(other, "sofia")
        path = f"/api/flow-trials/{trial['trial_id']}"
        assert (await other.post(f"{path}/lines", json={"line": "hello"})).status_code == 403
    assert (await desk.http.delete(path)).status_code == 204
    gone = await desk.post(f"{path}/lines", line="hello")
    assert (gone.status_code, gone.json()["type"]) == (404, "urn:parley:problem:trial-gone")


async def test_trials_have_an_owner_an_end_and_a_number() -> None:
    bench, clock = Bench(), VirtualClock(NOW)
    forgotten: list[str] = []
    tools = Tools(bench.understanding, bench.knowledge, bench.actions, clock)
    trials = FlowTrials(tools, clock, lambda flow: forgotten.append(flow.name))
    flow = parse_flow(ASKING)

    async def begin(owner: str) -> str:
        tried, _ = await trials.begin(flow, Setting(), Systems(), owner)
        return tried.id

    first, *_, last = [await begin("adam") for _ in range(MOST_OF_ONE + 1)]
    with pytest.raises(TrialGone):
        await trials.hear(first, "adam", "hello")
    with pytest.raises(TrialGone):
        await trials.hear(last, "eva", "hello")
    await trials.hear(last, "adam", "5")
    assert forgotten == []
    clock.forward(LIFE.total_seconds())
    with pytest.raises(TrialGone):
        await trials.hear(last, "adam", "hello")
    other = await begin("eva")
    assert forgotten == []
    trials.end(other, "eva")
    assert forgotten == ["asking"]


async def test_what_breaks_in_a_flow_is_told_with_its_step() -> None:
    class Fallen(ScriptedKnowledge):
        async def answer(self, question: str, language: str = "en") -> ScriptedAnswer:
            raise RuntimeError("the shelf fell over")

    bench, clock = Bench(knowledge=Fallen()), VirtualClock(NOW)
    tools = Tools(bench.understanding, bench.knowledge, bench.actions, clock, {"api": API})
    trials = FlowTrials(tools, clock)
    tried, _ = await trials.begin(parse_flow(ASKING), Setting(), Systems(), "adam")
    await tried.learning
    with pytest.raises(TrialBroke, match=r"asking broke .* at step 'help': .*the shelf fell over"):
        await trials.hear(tried.id, "adam", "how do I grow tomatoes on a balcony")
