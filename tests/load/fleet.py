"""The processes of a run, and what a supervisor and a saboteur do to them."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from router.acts.lifecycle import DISPATCHER
from router.company import parse_company
from router.model import InteractionState
from router.store.schema import interactions, leases, outbox
from router.store.sql import SqlStore
from tests import services
from tests.load.customers import WAVE
from tests.load.history import dead_letters, read_history
from tests.load.member import READY, TELL, UNTYPED
from tests.load.plan import CHATS_AT_ONCE, TEAM, Plan, company_of
from tests.load.verdict import History, Violation, judge

READY_S = 60.0
STOP_S = 20.0
POLL_S = 0.1
TELL_S = 2.0


class Stuck(AssertionError):
    """Something did not happen in time; the message shows how things stand."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Something was broken from ``began`` to ``over``."""

    name: str
    began: datetime
    over: datetime


@dataclass
class Process:
    """A role's process and what has been written to it."""

    role: str
    log: Path
    running: subprocess.Popen[bytes] | None = None
    begun: int = 0
    """Length of the log when the process was started."""

    def written(self) -> str:
        """What it has logged since its start."""
        return self.log.read_bytes()[self.begun :].decode(errors="replace")


@dataclass(frozen=True, slots=True)
class Pace:
    """How long things stay broken, in seconds."""

    restart_after_s: float = 1.0
    outage_s: float = 2.0
    alarm_s: float = 3.0
    between_s: float = 2.0
    """Of quiet before each fault, and after the last."""


class Fleet:
    """One run: routers, customers and desks over a broker and a database."""

    def __init__(
        self,
        plan: Plan,
        rabbit: services.Rabbit,
        postgres: services.Postgres,
        pace: Pace = Pace(),
    ) -> None:
        self.plan = plan
        self.pace = pace
        self.rabbit = rabbit
        self.postgres = postgres
        self.folder = Path(plan.folder)
        self.faults: list[Fault] = []
        self._orders: dict[str, list[str]] = {}
        names = [f"router{n + 1}" for n in range(plan.routers)]
        self.processes = {
            name: Process(name.rstrip("0123456789"), self.folder / f"{name}.log")
            for name in (*names, "customers", "desks")
        }
        self._engine: AsyncEngine = create_async_engine(plan.store_url, pool_pre_ping=True)

    # -- the run -----------------------------------------------------------------

    async def start(self) -> None:
        """Prepare the database, start everybody, let customers come."""
        self.plan.save()
        await _seed(self.plan)
        await self.launch(*self.processes)
        self.tell("customers", f"rate {self.plan.rate}")

    async def stop(self) -> None:
        """End all processes, politely first."""
        live = [each.running for each in self.processes.values() if each.running]
        for process in live:
            process.send_signal(signal.SIGCONT)
            process.send_signal(signal.SIGTERM)
        for process in live:
            try:
                await asyncio.to_thread(process.wait, STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            _close(process)
        for each in self.processes.values():
            each.running = None
        await self._engine.dispose()

    async def drain(self, limit_s: float) -> None:
        """Nobody comes any more; return when everyone is served. Raises :class:`Stuck`."""
        self.tell("customers", "rate 0")
        deadline = time.monotonic() + limit_s
        while left := await self._left():
            if time.monotonic() > deadline:
                await self._tell_where_all_are()
                raise Stuck(f"after {limit_s:g} s there are still {left}")
            await asyncio.sleep(POLL_S)

    async def full_house(self, limit_s: float = 90.0) -> None:
        """As many chats as fit come at once, and every one must get an agent.

        An agent whom the distributor takes for busy or gone, though he is not, leaves one over.
        """
        seats = self.plan.agents * CHATS_AT_ONCE
        self.tell("desks", "hold")
        self.tell("customers", f"{WAVE} {seats}")
        deadline = time.monotonic() + limit_s
        while (held := await self._count(InteractionState.AGENT)) < seats:
            if time.monotonic() > deadline:
                await self._tell_where_all_are()
                raise Stuck(f"{held} of {seats} have an agent after {limit_s:g} s")
            await asyncio.sleep(POLL_S)
        self.tell("desks", "go")

    async def history(self) -> History:
        """Everything as it stands now."""
        letters = await dead_letters(self.plan.rabbit_url)
        history = await read_history(self.plan.store_url, self.folder, letters)
        return replace(history, ring_all={TEAM})

    def judge(self, history: History) -> list[Violation]:
        """What went wrong. No fault excuses anything."""
        return judge(history)

    def untyped(self) -> list[str]:
        """What acts raised that no caller could tell apart."""
        return [
            f"{name}: {line}"
            for name, each in self.processes.items()
            for line in each.log.read_text(errors="replace").splitlines()
            if UNTYPED in line
        ]

    # -- processes ---------------------------------------------------------------

    async def launch(self, *names: str) -> None:
        """Start these and wait until they are ready; who was told something is told again."""
        for name in names:
            self._launch(self.processes[name])
        for name in names:
            await self._ready(name)
            for order in self._orders.get(name, ()):
                self._write(name, order)

    def kill(self, name: str) -> None:
        """End one at once."""
        self.signal(name, signal.SIGKILL)
        process = self.processes[name].running
        assert process is not None
        process.wait(STOP_S)
        _close(process)
        self.processes[name].running = None

    def signal(self, name: str, what: signal.Signals) -> None:
        """Send it a signal."""
        process = self.processes[name].running
        assert process is not None
        process.send_signal(what)

    def tell(self, name: str, order: str) -> None:
        """A line on its standard input; standing orders are repeated after a restart."""
        if not order.startswith(WAVE):
            self._orders[name] = [order]
        self._write(name, order)

    async def active(self) -> str:
        """The router that decides: it holds the dispatcher's lease. "" when it has gone."""
        query = select(leases.c.holder).where(leases.c.name == DISPATCHER)
        async with self._engine.connect() as connection:
            holder = (await connection.execute(query)).scalar_one_or_none()
        routers = {
            f"{each.role}-{each.running.pid}": name
            for name, each in self.processes.items()
            if each.running
        }
        return routers.get(holder or "", "")

    async def decides(self, limit_s: float = READY_S) -> str:
        """Wait until a living router decides. Raises :class:`Stuck`."""
        deadline = time.monotonic() + limit_s
        while not (name := await self.active()):
            if time.monotonic() > deadline:
                raise Stuck(f"no router decides after {limit_s:g} s")
            await asyncio.sleep(POLL_S)
        return name

    @asynccontextmanager
    async def fault(self, name: str) -> AsyncIterator[None]:
        """Note when something was broken."""
        began = datetime.now(UTC)
        yield
        self.faults.append(Fault(name, began, datetime.now(UTC)))

    def _launch(self, process: Process) -> None:
        process.begun = process.log.stat().st_size if process.log.exists() else 0
        command = [sys.executable, "-m", "tests.load", process.role, f"{self.folder}/plan.json"]
        with process.log.open("ab") as output:
            process.running = subprocess.Popen(
                services.dies_with_us(command),
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=services.ROOT,
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
                start_new_session=True,
            )

    async def _ready(self, name: str) -> None:
        process = self.processes[name]
        deadline = time.monotonic() + READY_S
        while READY not in process.written().splitlines():
            ended = process.running is None or process.running.poll() is not None
            if ended or time.monotonic() > deadline:
                raise Stuck(f"{name} did not start:\n{process.written()[-2000:]}")
            await asyncio.sleep(POLL_S)

    def _write(self, name: str, order: str) -> None:
        process = self.processes[name].running
        if process is not None and process.stdin is not None:
            process.stdin.write(f"{order}\n".encode())
            process.stdin.flush()

    # -- looking -----------------------------------------------------------------

    async def _tell_where_all_are(self) -> None:
        """Who ended is named; the others write into their logs where they wait."""
        for name, each in self.processes.items():
            if each.running is not None and each.running.poll() is None:
                self.signal(name, TELL)
            else:
                print(f"{name} has ended")
        await asyncio.sleep(TELL_S)

    async def _left(self) -> str:
        over = str(InteractionState.ENDED)
        by_state = select(interactions.c.state, func.count()).group_by(interactions.c.state)
        async with self._engine.connect() as connection:
            rows = (await connection.execute(by_state)).all()
            unsent = (
                await connection.execute(select(func.count()).select_from(outbox))
            ).scalar_one()
        left = {state: number for state, number in rows if state != over}
        if unsent:
            left["unpublished"] = unsent
        return ", ".join(f"{number} {state}" for state, number in sorted(left.items()))

    async def _count(self, state: InteractionState) -> int:
        query = select(func.count()).where(interactions.c.state == str(state))
        async with self._engine.connect() as connection:
            return int((await connection.execute(query)).scalar_one())


def _close(process: subprocess.Popen[bytes]) -> None:
    if process.stdin is not None:
        process.stdin.close()


async def _seed(plan: Plan) -> None:
    store = SqlStore(plan.store_url)
    await store.start()
    async with store.transaction() as tx:
        for person in parse_company(company_of(plan)).people:
            assert person.agent is not None
            await tx.people.put_agent(person.agent)
    await store.stop()
