"""Fixtures that every kind of test may ask for; a server starts when first asked for.

With ``CI=true`` a missing program fails the test, else it skips it with the
name of the package.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterator
from contextlib import AbstractContextManager, AsyncExitStack, ExitStack
from itertools import count
from pathlib import Path
from typing import TypeVar

import hypothesis
import pytest

from router.bus.delivery import Retry
from router.bus.memory import MemoryBroker, MemoryBus
from router.bus.rabbit import RabbitBus
from router.garbage import collect_rarely
from router.ports import Bus
from tests import services

S = TypeVar("S")
Connect = Callable[[], Awaitable[Bus]]

# The machine is shared: a slow example says nothing about the code.
hypothesis.settings.register_profile("parley", deadline=None, max_examples=20)
hypothesis.settings.register_profile("thorough", deadline=None, max_examples=1000)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "parley"))

TESTS = Path(__file__).parent
QUICK_RETRY = Retry(max_deliveries=3, pauses_s=(0.001,))
_prefixes = count(1)


def pytest_addoption(parser: pytest.Parser) -> None:
    """How long runs under load are (``make soak``)."""
    group = parser.getgroup("soak")
    group.addoption("--soak", action="store_true", help="run the long runs, and only those")
    group.addoption("--soak-rate", type=float, default=50.0, help="arrivals per second")
    group.addoption("--soak-agents", type=int, default=200)
    group.addoption("--soak-seconds", type=float, default=120.0, help="of load, for each fault")


REAL_TIME = (
    *("contract/test_leg", "peers/test_sip_calls", "peers/test_sip_phone"),
    "peers/test_webrtc_chromium",
)
"""Tests of lines that want a frame every 20 ms: ``.ci/check`` gives them the machine alone, in a
run of their own, since a town of the journeys stays up until its run is over."""

HOUSES = ("journeys/", "chaos/test_kill")
"""Whole Parleys: two at a time are enough for the machine."""

SERVED = ("apart", "postgres")
"""Of these the ones that stand on servers, by parameter: the other half of that phase."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark what is in real time and what is a house, before the hooks that read marks.

    Long runs are not skipped but left out: in CI
    a skipped test is a failed one.
    """
    soak = bool(config.getoption("soak"))
    long = {item for item in items if item.get_closest_marker("soak")}
    config.hook.pytest_deselected(items=[item for item in items if (item in long) is not soak])
    items[:] = [item for item in items if (item in long) is soak]
    pointless = {
        item for item in items if item.get_closest_marker("roles_apart") and "embedded" in item.name
    }
    config.hook.pytest_deselected(items=[*pointless])
    items[:] = [item for item in items if item not in pointless]
    for item in items:
        place = item.path.relative_to(TESTS).as_posix()
        if place.startswith(REAL_TIME):
            item.add_marker(pytest.mark.real_time)
        if place.startswith(HOUSES):
            item.add_marker(pytest.mark.house)
            if any(keyword in SERVED for keyword in item.name.strip("]").split("[")[-1].split("-")):
                item.add_marker(pytest.mark.served)


def pytest_collection_finish() -> None:
    """What is collected stays to the end: no collection of garbage looks through it again."""
    collect_rarely()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """In CI nothing may be skipped: a contract that was not run is not kept."""
    report = yield
    if report.skipped and os.environ.get("CI") == "true" and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"CI must run this test, but it was skipped: {report.longrepr}"
    return report


def _lend(service: Callable[[], AbstractContextManager[S]]) -> Iterator[S]:
    with ExitStack() as stack:
        try:
            running = stack.enter_context(service())
        except services.MissingProgram as error:
            pytest.skip(str(error))
        yield running


@pytest.fixture(scope="session")
def rabbit_server() -> Iterator[services.Rabbit]:
    """The run's own RabbitMQ; whoever stops it starts it again."""
    yield from _lend(services.rabbit)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[services.Postgres]:
    """The run's own PostgreSQL; whoever stops it starts it again."""
    yield from _lend(services.postgres)


@pytest.fixture
def rabbit_url(rabbit_server: services.Rabbit) -> str:
    """An empty virtual host of the run's RabbitMQ."""
    rabbit_server.start()  # in case a test that failed left it stopped
    return rabbit_server.fresh_vhost()


@pytest.fixture
def postgres_url(postgres_server: services.Postgres) -> str:
    """An empty database of the run's PostgreSQL."""
    postgres_server.start()
    return postgres_server.fresh_database()


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """An empty data folder."""
    folder = tmp_path / "data"
    folder.mkdir()
    return folder


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """A database file that does not exist yet."""
    return f"sqlite+aiosqlite:///{tmp_path / 'parley.db'}"


@pytest.fixture(scope="session")
def known_vectors() -> Path:
    """A folder with the vectors of the demo company's articles and examples (``kept``)."""
    # Imported here: most runs need no house.
    from tests.house import prepared

    return prepared() / "vectors"


@pytest.fixture
def free_port() -> int:
    """A TCP port on loopback; ``services.free_port()`` gives more."""
    return services.free_port()


@pytest.fixture
def free_udp_port() -> int:
    """An even UDP port on loopback with its successor free."""
    return services.free_udp_port()


@pytest.fixture
def program() -> Callable[[str], str]:
    """``program("sipp")`` is its path; skips (in CI fails) when it is not installed."""

    def find(name: str) -> str:
        try:
            return services.find_program(name)
        except services.MissingProgram as error:
            pytest.skip(str(error))

    return find


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.peer)])
def store_url(request: pytest.FixtureRequest) -> str:
    """An empty database: once SQLite, once PostgreSQL."""
    name = "sqlite_url" if request.param == "sqlite" else "postgres_url"
    url = request.getfixturevalue(name)
    assert isinstance(url, str)
    return url


@pytest.fixture(params=["memory", pytest.param("rabbit", marks=pytest.mark.peer)])
async def connect_bus(request: pytest.FixtureRequest) -> AsyncIterator[Connect]:
    """Makes started buses that share one broker: once memory, once RabbitMQ."""
    make = _memory() if request.param == "memory" else _rabbit(request)
    async with AsyncExitStack() as stack:

        async def connect() -> Bus:
            bus = make()
            stack.push_async_callback(bus.stop)
            await bus.start()
            return bus

        yield connect


@pytest.fixture
async def bus(connect_bus: Connect) -> Bus:
    """One started bus: once memory, once RabbitMQ."""
    return await connect_bus()


def _memory() -> Callable[[], Bus]:
    broker = MemoryBroker(QUICK_RETRY)
    return lambda: MemoryBus(broker)


def _rabbit(request: pytest.FixtureRequest) -> Callable[[], Bus]:
    server: services.Rabbit = request.getfixturevalue("rabbit_server")
    server.start()
    prefix = f"test{next(_prefixes)}"
    return lambda: RabbitBus(server.url, prefix, retry=QUICK_RETRY)
