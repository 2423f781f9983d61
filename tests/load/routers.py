"""The router's process of a run: the same parts as the role ``router`` starts."""

from __future__ import annotations

from gateway.settings import Settings
from router.acts.waiting import Waiting
from router.dispatch.dispatcher import Dispatcher
from tests.load.member import listen, member
from tests.load.plan import Plan


async def play(plan: Plan) -> None:
    """Distribute until told to stop."""
    heartbeat_s = Settings().router_heartbeat_s
    async with member(plan, "router", sweep=True, heartbeat_s=heartbeat_s) as me:
        waiting = Waiting(me.store, me.company, me.clock, me.relay)
        dispatcher = Dispatcher(me.store, me.lifecycle, me.bus, me.clock, me.node, waiting)
        await dispatcher.start()
        try:
            await listen(lambda order, number: None)
        finally:
            await dispatcher.stop()
