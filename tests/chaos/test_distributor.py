"""Nothing lost, nothing twice: the distributor under load while its parts die.

In the normal run all faults share one short load, one after the other. ``make soak`` gives
every fault a run of its own, with more people and for longer, and watches how soon offers go on.
"""

from __future__ import annotations

from asyncio import sleep
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from tests import services
from tests.load import faults
from tests.load.faults import Sabotage
from tests.load.figures import after_which, each_felt, heard_after, waited
from tests.load.fleet import Fleet, Pace
from tests.load.plan import Plan

pytestmark = [pytest.mark.slow, pytest.mark.peer]

QUEUES_ARE_SAFE_S = 2.0
"""A RabbitMQ 3.10 node killed sooner after a queue's birth may come back without its log."""
DRAIN_S = 120.0
SHOWN = 20

SMALL = Plan(rate=10, agents=30, talk_s=4.0)
TINY = Plan(rate=6, agents=12, talk_s=1.0)
BRIEF = Pace(restart_after_s=0.3, outage_s=1.0, alarm_s=1.5, between_s=0.7)

StartFleet = Callable[[Plan, Pace], Awaitable[Fleet]]


@pytest.fixture
async def start_fleet(
    tmp_path: Path, rabbit_server: services.Rabbit, postgres_server: services.Postgres
) -> AsyncIterator[StartFleet]:
    """Starts a run on an empty virtual host and database; ends it with the test."""
    fleets: list[Fleet] = []

    async def start(plan: Plan, pace: Pace) -> Fleet:
        rabbit_server.start()
        postgres_server.start()
        placed = replace(
            plan,
            rabbit_url=rabbit_server.fresh_vhost(),
            store_url=postgres_server.fresh_database(),
            folder=str(tmp_path),
        )
        fleet = Fleet(placed, rabbit_server, postgres_server, pace)
        fleets.append(fleet)
        await fleet.start()
        await sleep(QUEUES_ARE_SAFE_S)
        return fleet

    yield start
    for fleet in fleets:
        await fleet.stop()


async def go_through(fleet: Fleet, sabotage: Iterable[Sabotage]) -> None:
    """Break one thing after the other, let everybody be served, and judge."""
    for each in sabotage:
        await sleep(fleet.pace.between_s)
        await each(fleet)
    await sleep(fleet.pace.between_s)
    await fleet.drain(DRAIN_S)
    await fleet.full_house()
    await fleet.drain(DRAIN_S)
    history = await fleet.history()
    print("", *each_felt(history, fleet.faults), waited(history), heard_after(history), sep="\n")
    found = [
        f"{violation}, {after_which(history, fleet.faults, violation.about)}"
        for violation in fleet.judge(history)
    ]
    assert not found, "\n".join([f"{len(found)} violations, the first are:", *found[:SHOWN]])
    assert not fleet.untyped()


async def goes_on_soon(fleet: Fleet) -> None:
    """Nobody waits long for the next offer once a fault is mended."""
    late = [felt for felt in each_felt(await fleet.history(), fleet.faults) if felt.too_long]
    assert not late, "\n".join(map(str, late))


async def test_little_load_nothing_is_lost_and_nothing_twice(start_fleet: StartFleet) -> None:
    fleet = await start_fleet(TINY, BRIEF)
    await go_through(fleet, faults.ALL.values())


@pytest.mark.soak
async def test_processes_die_nothing_is_lost_and_nothing_twice(start_fleet: StartFleet) -> None:
    fleet = await start_fleet(SMALL, Pace())
    await go_through(fleet, faults.OF_PROCESSES.values())
    await goes_on_soon(fleet)


@pytest.mark.soak
async def test_broker_fails_nothing_is_lost_and_nothing_twice(start_fleet: StartFleet) -> None:
    fleet = await start_fleet(SMALL, Pace())
    await go_through(fleet, faults.OF_THE_BROKER.values())
    await goes_on_soon(fleet)


@pytest.mark.soak
@pytest.mark.parametrize("name", faults.ALL)
async def test_long_run(start_fleet: StartFleet, name: str, request: pytest.FixtureRequest) -> None:
    option = request.config.getoption
    plan = Plan(rate=option("soak_rate"), agents=option("soak_agents"))
    fleet = await start_fleet(plan, Pace(between_s=option("soak_seconds") / 4))
    await go_through(fleet, [faults.ALL[name]] * 3)
    await goes_on_soon(fleet)
