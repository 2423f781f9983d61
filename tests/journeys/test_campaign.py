"""A campaign from the uploaded list to its results, over SIP and by SMS."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from html import unescape
from pathlib import Path

import pytest

from gateway.demo.households import Households
from gateway.demo.recordings import Recordings
from router.events import AttemptFinished, InteractionEnded
from router.model import Author, Direction
from tests.callers import SIP_DATA, run_sipp
from tests.campaigning import Supervisor, dispositions, zone_where_it_is
from tests.house import WAIT_S
from tests.journeys.conftest import Town
from tests.services import free_udp_port

pytestmark = [pytest.mark.slow, pytest.mark.peer]

UTTERANCES = Path(__file__).parents[2] / "evals" / "utterances"
VISIT = "the meter replacement,2026-12-03,between nine and eleven"
FIVE = {
    "Ilze Ozola": "completed",
    "Martin Berg": "busy",
    "Nora Liepa": "no-answer",
    "Quiet Person": "do-not-contact",
    "Night Owl": "outside-window",
}


@pytest.fixture
async def households() -> AsyncIterator[Households]:
    """People with telephones: they answer, are engaged, or would answer if we called them."""
    telephones = Households(Recordings(UTTERANCES), port=0)
    await telephones.start()
    yield telephones
    await telephones.stop()


def text_of(page: str) -> str:
    """What a reader of the page sees."""
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", page)))


def row_of(page: str, name: str) -> str:
    """The row of the table that begins with that name."""
    (row,) = (row for row in page.split("<tr>") if f">{name}<" in row)
    return text_of(row)


async def test_calls_to_five_people_end_as_they_should(
    town: Town, households: Households, tmp_path: Path, program: Callable[[str], str]
) -> None:
    program("sipp")
    host, port = households.address
    unanswered = free_udp_port()
    nora = await run_sipp(SIP_DATA / "never_answer.xml", tmp_path, port=unanswered)
    day, night = zone_where_it_is(12), zone_where_it_is(3)
    lines = [
        f"Ilze Ozola,sip:ilze@{host}:{port},{day},en,{VISIT}",
        f"Martin Berg,sip:martin-busy@{host}:{port},{day},en,{VISIT}",
        f"Nora Liepa,sip:nora@{host}:{unanswered},{day},en,{VISIT}",
        f"Quiet Person,sip:quiet@{host}:{port},{day},en,{VISIT}",
        f"Night Owl,sip:owl@{host}:{port},{night},en,{VISIT}",
    ]
    async with Supervisor.sign_in(town.house) as sofia:
        quiet = f"address,reason\nsip:quiet@{host}:{port},asked an agent\n"
        assert (await sofia.post("/do-not-contact", csv=quiet)).json() == {"added": 1}
        campaign_id = await sofia.begin("Five people", "voice", lines)

        outcomes = await sofia.outcomes_when(
            campaign_id,
            lambda all_: all(tried and tried[-1].disposition for tried in all_.values()),
        )
        assert dispositions(outcomes) == {name: [how] for name, how in FIVE.items()}
        attempt = {name: tried[0] for name, tried in outcomes.items()}
        assert attempt["Ilze Ozola"].answers == {"decision": "confirm"}
        assert attempt["Martin Berg"].reason == "busy: Busy Here"
        assert "ring time over" in attempt["Nora Liepa"].reason
        assert "do-not-contact list" in attempt["Quiet Person"].reason
        assert f"in {night} is outside 08:00-21:00" in attempt["Night Owl"].reason

        # What the other ends saw: nobody but these was called, and Nora's phone was let go.
        assert sorted(households.called) == ["ilze", "martin-busy"]
        rang = await nora.finished()
        assert rang.code == 0, rang.output

        page = await sofia.page(f"/campaigns/{campaign_id}")
        for name, how in FIVE.items():
            assert how in row_of(page, name)
            assert attempt[name].reason in row_of(page, name)
        assert "decision: confirm" in row_of(page, "Ilze Ozola")
        assert "1 / 5" in text_of(page)
        assert "Five people" in await sofia.page("/campaigns")
        assert (await sofia.post(f"/campaigns/{campaign_id}/pause")).status_code == 200

    talk = attempt["Ilze Ozola"].interaction_id
    assert talk
    said = await town.house.lines(talk)
    assert "the meter replacement" in next(one.text for one in said if one.author is Author.BOT)
    facts = await town.house.facts(talk)
    (filed,) = (fact for fact in facts if isinstance(fact, AttemptFinished))
    assert (filed.disposition, filed.answers) == ("completed", {"decision": "confirm"})
    (ended,) = (fact for fact in facts if isinstance(fact, InteractionEnded))
    assert ended.reason == "confirmed"


async def test_texts_to_two_people_bring_an_answer_and_a_stop(town: Town) -> None:
    tail = f"{town.house.http_port % 10000:04}"
    anna, bert = f"+3712666{tail}", f"+3712667{tail}"
    day = zone_where_it_is(12)
    webhook = f"{town.house.url}/twilio/sms"
    lines = [f"Anna,{anna},{day},en,{VISIT}", f"Bert,{bert},{day},lv,{VISIT}"]

    async def texts_to(number: str, count: int) -> list[str]:
        async with asyncio.timeout(WAIT_S):
            while True:
                got = [text.body for text in town.carrier.texts if text.to == number]
                if len(got) >= count:
                    return got
                await asyncio.sleep(0.05)

    async with Supervisor.sign_in(town.house) as sofia:
        campaign_id = await sofia.begin("Two texts", "sms", lines)
        (to_anna,) = await texts_to(anna, 1)
        assert "Anna" in to_anna
        assert "Reply 1 to confirm" in to_anna
        (to_bert,) = await texts_to(bert, 1)
        assert "Atbildiet 1" in to_bert

        await town.carrier.text(webhook, anna, "1")
        assert "confirmed" in (await texts_to(anna, 2))[1]
        await town.carrier.text(webhook, bert, "STOP")
        outcomes = await sofia.outcomes_when(
            campaign_id,
            lambda all_: all(tried and tried[-1].disposition for tried in all_.values()),
        )
        assert dispositions(outcomes) == {"Anna": ["completed"], "Bert": ["declined"]}
        assert outcomes["Anna"][0].answers == {"decision": "confirm"}
        page = await sofia.page(f"/campaigns/{campaign_id}")
        assert "decision: confirm" in row_of(page, "Anna")
        assert "declined" in row_of(page, "Bert")

        # Who has texted STOP is refused by the next campaign at the moment of the attempt.
        again = await sofia.begin("Once more", "sms", lines[1:])
        refused = await sofia.outcomes_when(again, lambda all_: bool(all_["Bert"]))
        assert dispositions(refused) == {"Bert": ["do-not-contact"]}
        assert sum("atgādina" in body for body in await texts_to(bert, 1)) == 1
    interaction_id = outcomes["Anna"][0].interaction_id
    assert interaction_id
    newest = {one.id: one for one in await town.house.newest()}
    assert newest[interaction_id].direction is Direction.OUTBOUND


async def test_a_list_with_a_mistake_is_refused_and_nothing_is_made(town: Town) -> None:
    async with Supervisor.sign_in(town.house) as sofia:
        before = await sofia.page("/campaigns")
        good = {"name": "Bad", "channel": "voice", "flow": "reminder"}
        csv = "name,address\nIlze,nobody-home\n"
        answer = await sofia.post("/campaigns", **good, csv=csv)
        assert answer.status_code == 422
        assert "line 2, column address" in answer.json()["detail"]
        unknown = {**good, "flow": "sing", "csv": "name,address\nIlze,+37120000001\n"}
        answer = await sofia.post("/campaigns", **unknown)
        assert answer.status_code == 422
        assert "'sing'" in answer.json()["detail"]
        assert await sofia.page("/campaigns") == before
