"""What goes wrong in a run, one function each; the supervisor's part is done here too.

Each returns when everything runs again. ``Fleet.fault`` notes from when to when it was broken.
"""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Awaitable, Callable

from tests.load.fleet import Fleet, Stuck

TAKE_OVER_S = 40.0
"""With the heartbeat of a run a silent process is found dead much sooner."""


async def dispatcher_killed(fleet: Fleet) -> None:
    """The active router is killed and started again; the standby takes over meanwhile."""
    name = await fleet.decides()
    async with fleet.fault("dispatcher killed"):
        fleet.kill(name)
        await asyncio.sleep(fleet.pace.restart_after_s)
        await fleet.launch(name)


async def dispatcher_stopped(fleet: Fleet) -> None:
    """The active router sleeps until the standby has taken over, and wakes with its old view."""
    name = await fleet.decides()
    async with fleet.fault("dispatcher stopped"):
        fleet.signal(name, signal.SIGSTOP)
        try:
            deadline = time.monotonic() + TAKE_OVER_S
            while await fleet.active() == name:
                if time.monotonic() > deadline:
                    raise Stuck(f"nobody took over from {name} within {TAKE_OVER_S:g} s")
                await asyncio.sleep(0.1)
            await asyncio.sleep(fleet.pace.outage_s)
        finally:
            fleet.signal(name, signal.SIGCONT)


async def desks_killed(fleet: Fleet) -> None:
    """The process of all agents' desks."""
    await _killed(fleet, "desks")


async def customers_killed(fleet: Fleet) -> None:
    """The channel's process, with arrivals in its hands."""
    await _killed(fleet, "customers")


async def rabbit_killed(fleet: Fleet) -> None:
    """RabbitMQ crashes and comes back."""
    async with fleet.fault("RabbitMQ killed"):
        await asyncio.to_thread(fleet.rabbit.kill)
        await asyncio.sleep(fleet.pace.outage_s)
        fleet.rabbit.start()


async def postgres_killed(fleet: Fleet) -> None:
    """PostgreSQL crashes and comes back."""
    async with fleet.fault("PostgreSQL killed"):
        await asyncio.to_thread(fleet.postgres.kill)
        await asyncio.sleep(fleet.pace.outage_s)
        fleet.postgres.start()


async def bus_connections_cut(fleet: Fleet) -> None:
    """Every connection to RabbitMQ ends at once."""
    async with fleet.fault("bus connections cut"):
        await asyncio.to_thread(
            fleet.rabbit.control, "close_all_connections", "--global", "the network was cut"
        )


async def store_connections_cut(fleet: Fleet) -> None:
    """Every connection to PostgreSQL ends at once, in the middle of transactions."""
    everyone = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
    )
    async with fleet.fault("store connections cut"):
        await asyncio.to_thread(
            fleet.postgres.run, f"{everyone} AND backend_type = 'client backend'"
        )


async def memory_alarm(fleet: Fleet) -> None:
    """RabbitMQ takes nothing in until it has memory again."""
    async with fleet.fault("memory alarm"):
        await asyncio.to_thread(fleet.rabbit.control, "set_vm_memory_high_watermark", "0.000001")
        await asyncio.sleep(fleet.pace.alarm_s)
        await asyncio.to_thread(fleet.rabbit.control, "set_vm_memory_high_watermark", "0.4")


async def _killed(fleet: Fleet, name: str) -> None:
    async with fleet.fault(f"{name} killed"):
        fleet.kill(name)
        await asyncio.sleep(fleet.pace.restart_after_s)
        await fleet.launch(name)


Sabotage = Callable[[Fleet], Awaitable[None]]

OF_PROCESSES: dict[str, Sabotage] = {
    each.__name__: each
    for each in (dispatcher_killed, desks_killed, customers_killed, dispatcher_stopped)
}
OF_THE_BROKER: dict[str, Sabotage] = {
    each.__name__: each for each in (bus_connections_cut, rabbit_killed, memory_alarm)
}
OF_THE_STORE: dict[str, Sabotage] = {
    each.__name__: each for each in (store_connections_cut, postgres_killed)
}
ALL = OF_PROCESSES | OF_THE_BROKER | OF_THE_STORE
