"""One town per mode for all journeys of the run: a Parley and its outside world.

The demo company serves it, as a new user would have it; customers of each test
have numbers and addresses of their own, so that journeys do not meet.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass

import pytest

from gateway.demo.desk_client import DeskClient
from gateway.demo.visitor import Person, Visitor
from tests.fakes.fake_twilio import FakeTwilio
from tests.house import WAIT_S, House, house
from tests.mailbox import Mailbox
from tests.services import MissingProgram

Chat = Callable[[Person], Awaitable[Visitor]]


@dataclass(frozen=True)
class Town:
    """A running Parley, the customers' mail server and their SMS provider."""

    house: House
    mailbox: Mailbox
    carrier: FakeTwilio


@pytest.fixture(scope="session", params=["embedded", "apart"])
def town(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Town]:
    """Once in one process, once with RabbitMQ, PostgreSQL and a process per role."""
    mailbox, carrier = Mailbox(), FakeTwilio()
    mailbox.start()
    carrier.start()
    extra = {
        "PARLEY_SMTP_OUT": f"127.0.0.1:{mailbox.port}",
        "PARLEY_TWILIO_URL": carrier.url,
        "PARLEY_TWILIO_SID": carrier.sid,
        "PARLEY_TWILIO_TOKEN": carrier.token,
        # Time enough to ring, without a wait of 25 s for the one who does not answer.
        "PARLEY_RING_S": "3",
    }
    data = tmp_path_factory.mktemp(f"house-{request.param}")
    try:
        with house(data, request.param, extra) as running:
            yield Town(running, mailbox, carrier)
    except MissingProgram as error:
        if os.environ.get("CI") == "true":
            pytest.fail(f"CI must run this: {error}")
        pytest.skip(str(error))
    finally:
        carrier.stop()
        mailbox.stop()


async def desk_of(town: Town, login: str) -> DeskClient:
    """A patient program at that agent's desk."""
    return await DeskClient.sign_in(town.house.url, login, f"harbour-{login}", WAIT_S)


@pytest.fixture
async def ana(town: Town) -> AsyncIterator[DeskClient]:
    """Ana's desk: signed in, not yet available. Afterwards she takes no more."""
    async with await desk_of(town, "ana") as desk:
        yield desk
        await desk.ask("presence", presence="away", reason="break")


@pytest.fixture
async def chat(town: Town) -> AsyncIterator[Chat]:
    """Opens chat windows; they are closed at the end, whatever happened."""
    opened: list[Visitor] = []

    async def open_window(person: Person) -> Visitor:
        opened.append(await Visitor.open(town.house.url, person))
        return opened[-1]

    yield open_window
    for visitor in opened:
        await visitor.close()
