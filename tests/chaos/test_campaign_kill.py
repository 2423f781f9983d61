"""SIGKILL in the middle of a campaign: nobody is called twice for one attempt."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from channels.phone import IncomingCall, Phone, PhoneSettings
from channels.sip.leg import SipLeg
from gateway.demo.caller import Caller
from router.model import AttemptState
from tests.campaigning import Outcomes, Supervisor, dispositions, zone_where_it_is
from tests.fakes.fake_twilio import FakeTwilio
from tests.house import WAIT_S, House, house

COMPANY = Path(__file__).parents[1] / "data" / "company_small.yaml"
VISIT = "the boiler service,2026-12-03,after two"
QUESTION_S = 60.0
TEXTED = 20

pytestmark = [pytest.mark.slow, pytest.mark.peer]


@pytest.fixture
def small_house(tmp_path: Path, store_url: str) -> Iterator[House]:
    # Long enough that Bert's telephone still rings when the process is killed.
    extra = {"PARLEY_COMPANY": str(COMPANY), "PARLEY_RING_S": "60"}
    if store_url.startswith("postgresql"):
        extra["DATABASE_URL"] = store_url
    data = tmp_path / "house"
    data.mkdir()
    with house(data, "embedded", extra) as running:
        yield running


@pytest.fixture
def carrier() -> Iterator[FakeTwilio]:
    fake = FakeTwilio()
    fake.start()
    yield fake
    fake.stop()


@pytest.fixture
def texting_house(tmp_path: Path, carrier: FakeTwilio) -> Iterator[House]:
    extra = {
        "PARLEY_COMPANY": str(COMPANY),
        "PARLEY_TWILIO_URL": carrier.url,
        "PARLEY_TWILIO_SID": carrier.sid,
        "PARLEY_TWILIO_TOKEN": carrier.token,
    }
    with house(tmp_path, "embedded", extra) as running:
        yield running


class Street:
    """Telephones that are answered; people say nothing before ``talk`` is set, then confirm."""

    def __init__(self) -> None:
        self.called: list[str] = []
        self.talk = asyncio.Event()
        settings = PhoneSettings(sip_host="127.0.0.1", sip_port=0, rtp_ports=(0, 0))
        self._phone = Phone(settings, self._answer, admit=self._note)

    @classmethod
    @asynccontextmanager
    async def open(cls) -> AsyncIterator[Street]:
        street = cls()
        await street._phone.start()
        try:
            yield street
        finally:
            street.talk.set()
            await street._phone.stop()

    @property
    def door(self) -> str:
        host, port = self._phone.address
        return f"{host}:{port}"

    def _note(self, call: IncomingCall) -> int:
        self.called.append(call.called)
        return 0

    async def _answer(self, leg: SipLeg, _: IncomingCall) -> None:
        caller = Caller(leg)
        await self.talk.wait()
        await caller.listen(QUESTION_S, quiet_ms=0)  # who knows the question need not hear it out
        caller.press("1")
        await leg.closed.wait()


class DeadLine(asyncio.DatagramProtocol):
    """A telephone whose line is dead: it takes INVITEs and says nothing. Counts calls."""

    def __init__(self) -> None:
        self.calls: set[bytes] = set()
        self.rings = asyncio.Event()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if data.startswith(b"INVITE "):
            heads = (line.split(b":", 1) for line in data.split(b"\r\n") if b":" in line)
            # An INVITE sent again for want of an answer is the same call.
            self.calls |= {value.strip() for name, value in heads if name.lower() == b"call-id"}
            self.rings.set()

    @classmethod
    @asynccontextmanager
    async def open(cls) -> AsyncIterator[tuple[DeadLine, str]]:
        loop = asyncio.get_running_loop()
        transport, line = await loop.create_datagram_endpoint(cls, ("127.0.0.1", 0))
        host, port = transport.get_extra_info("sockname")
        try:
            yield line, f"{host}:{port}"
        finally:
            transport.close()


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


async def test_kill_in_the_middle_calls_nobody_twice_for_one_attempt(small_house: House) -> None:
    async with Street.open() as street, DeadLine.open() as (bert, berts_door):
        day = zone_where_it_is(12)
        doors = {"Anna": street.door, "Bert": berts_door, "Cleo": street.door, "Dora": street.door}
        lines = [
            f"{name},sip:{name.lower()}@{door},{day},en,{VISIT}" for name, door in doors.items()
        ]
        async with Supervisor.sign_in(small_house, "adam", "pw-adam") as adam:
            plan = {"concurrency": 2, "max_attempts": 2, "retry_after_s": {"interrupted": 0}}
            campaign_id = await adam.begin("Boilers", "voice", lines, **plan)
            await adam.outcomes_when(campaign_id, in_the_middle)
            await bert.rings.wait()
            assert street.called == ["anna"]

            small_house.kill("embedded")
            street.talk.set()
            # From now on a dead line is given up soon, so that the campaign can end.
            small_house.env["PARLEY_RING_S"] = "2"
            await asyncio.to_thread(small_house.start)  # telephones here must go on

            outcomes = await adam.outcomes_when(campaign_id, everybody_tried, 120)
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
        assert Counter(street.called) == {"anna": 2, "cleo": 1, "dora": 1}
        assert len(bert.calls) == 2

        async with Supervisor.sign_in(small_house, "adam", "pw-adam") as adam:
            async with asyncio.timeout(WAIT_S):
                while (await adam.campaign(campaign_id)).state != "done":
                    await asyncio.sleep(0.2)
        broken_off = outcomes["Anna"][0].interaction_id
        newest = {one.id: one for one in await small_house.newest()}
        assert broken_off
        assert newest[broken_off].end_reason == "the process that carried the call stopped"


async def test_kill_in_the_middle_texts_nobody_twice_for_one_attempt(
    texting_house: House, carrier: FakeTwilio
) -> None:
    day = zone_where_it_is(12)
    numbers = {f"Person {n}": f"+371288800{n:02}" for n in range(TEXTED)}
    lines = [f"{name},{number},{day},en,{VISIT}" for name, number in numbers.items()]
    async with Supervisor.sign_in(texting_house, "adam", "pw-adam") as adam:
        campaign_id = await adam.begin("Boilers", "sms", lines, retry_after_s={"interrupted": 0})
        async with asyncio.timeout(WAIT_S):
            while len(carrier.texts) < 3:
                await asyncio.sleep(0.005)
        texting_house.kill("embedded")
        before = await adam.outcomes(campaign_id)
        untried = [name for name, tried in before.items() if not tried]
        assert untried  # it was the middle

        await asyncio.to_thread(texting_house.start)
        outcomes = await adam.outcomes_when(
            campaign_id,
            lambda all_: all(tried and tried[-1].state == "live" for tried in all_.values()),
        )
        async with asyncio.timeout(WAIT_S):
            while not {numbers[name] for name in untried} <= {text.to for text in carrier.texts}:
                await asyncio.sleep(0.05)
    texts = Counter(text.to for text in carrier.texts)
    for name, tried in outcomes.items():
        assert texts[numbers[name]] <= len(tried)
        assert [one.number for one in tried] == list(range(1, len(tried) + 1))
        assert {str(one.disposition) for one in tried[:-1]} <= {"interrupted"}
