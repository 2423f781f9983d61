"""The router's process of a run: the same parts as the role ``router`` starts."""

from __future__ import annotations

from pathlib import Path

from gateway.settings import Settings
from router.acts.waiting import Waiting
from router.dispatch.dispatcher import Dispatcher
from router.dispatch.view import View
from router.events import Fact, InteractionQueued
from router.model import InteractionState
from tests.load.ears import KNOWN, TOLD, Ears
from tests.load.member import Member, listen, member
from tests.load.plan import Plan


class OpenDispatcher(Dispatcher):
    """The real one, which also writes down of whom it has heard, for the verdict."""

    def __init__(self, me: Member, waiting: Waiting) -> None:
        super().__init__(me.store, me.lifecycle, me.bus, me.clock, me.node, waiting)
        self._now = me.clock.now
        self._ears = Ears(Path(me.plan.folder))

    async def _hear(self, fact: Fact) -> None:
        await super()._hear(fact)
        if isinstance(fact, InteractionQueued):
            how = KNOWN if self.active else TOLD
            self._ears.note([fact.interaction_id], self._now(), how)

    async def _load(self) -> View:
        view = await super()._load()
        waits = InteractionState.WAITING
        self._ears.note([one for one, it in view.known.items() if it.state is waits], self._now())
        return view


async def play(plan: Plan) -> None:
    """Distribute until told to stop."""
    heartbeat_s = Settings().router_heartbeat_s
    async with member(plan, "router", sweep=True, heartbeat_s=heartbeat_s) as me:
        waiting = Waiting(me.store, me.company, me.clock, me.relay)
        dispatcher = OpenDispatcher(me, waiting)
        await dispatcher.start()
        try:
            await listen(lambda order, number: None)
        finally:
            await dispatcher.stop()
