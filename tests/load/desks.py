"""The agents' process: everybody's desk, as the gateway's web role keeps it.

It hears of offers over the bus and acts through the lifecycle. A desk reads its work
from the store when it opens and when the bus was away, as a browser's tab does, and
its agent reloads the page now and then.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any

from router.acts.transfers import ToBot, ToQueue
from router.errors import IllegalMove, OfferGone
from router.events import Fact, OfferMade, PresenceChanged
from router.model import EndedBy, Interaction, InteractionState, Presence
from tests.load.member import Member, listen, member
from tests.load.plan import TEAM, Plan

BACK_AFTER_S = 0.3
SEEN_EVERY_S = 10.0
RELOAD_EVERY_S = 5.0
OTHER_QUEUE = {"care": "tech", "tech": TEAM, TEAM: "care"}

log = logging.getLogger("load.desks")


class Desks:
    """All agents of the run."""

    def __init__(self, me: Member) -> None:
        self._me = me
        self._life = me.lifecycle
        self._released = asyncio.Event()
        self._released.set()
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def start(self) -> None:
        """Sign everybody in."""
        facts = [OfferMade, PresenceChanged]
        await self._me.bus.subscribe(f"desk.{self._me.node}", self._hear, facts, lasting=False)
        await asyncio.gather(*(self._reload(one) for one in self._me.plan.agent_ids()))
        self._me.bus.on_restored(self._reload_all)
        for agent_id in self._me.plan.agent_ids():
            self._spawn(f"page {agent_id}", self._keep_page_fresh(agent_id))

    async def stop(self) -> None:
        """Close all pages; who is available stays so."""
        tasks = [*self._tasks.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def order(self, what: str, _: float) -> None:
        """``hold``: accept everything and finish nothing. ``go``: as usual again."""
        if what == "hold":
            self._released.clear()
        elif what == "go":
            self._released.set()

    # -- what reaches the page ---------------------------------------------------

    async def _hear(self, fact: Fact) -> None:
        if isinstance(fact, OfferMade):
            self._spawn(fact.offer_id, self._answer(fact.offer_id, fact.agent_id))
        elif isinstance(fact, PresenceChanged) and fact.presence != Presence.AVAILABLE:
            self._spawn(f"back {fact.agent_id}", self._come_back(fact.agent_id))

    async def _reload(self, agent_id: str) -> None:
        """Go on with what is here, answer what rings, be available."""

        async def read() -> tuple[Presence, list[str], list[str]]:
            async with self._me.store.transaction() as tx:
                agent = await tx.people.agent(agent_id)
                work = await tx.interactions.for_agent(agent_id)
                ringing = await tx.interactions.ringing_offers(agent_id)
            return agent.presence, [item.id for item in work], [one.id for one in ringing]

        presence, work, ringing = await self._me.insist(read)
        for interaction_id in work:
            self._spawn(interaction_id, self._serve(interaction_id, agent_id))
        for offer_id in ringing:
            self._spawn(offer_id, self._answer(offer_id, agent_id))
        if presence is not Presence.AVAILABLE:
            self._spawn(f"back {agent_id}", self._come_back(agent_id))

    def _reload_all(self) -> None:
        """What happened while the bus was away was not heard of."""
        for agent_id in self._me.plan.agent_ids():
            self._spawn(f"reload {agent_id}", self._reload(agent_id))

    async def _keep_page_fresh(self, agent_id: str) -> None:
        rhythm = self._me.plan.chance("page", agent_id)
        await asyncio.sleep(rhythm.uniform(0, RELOAD_EVERY_S))
        for beat in range(1_000_000):
            if beat % round(SEEN_EVERY_S / RELOAD_EVERY_S) == 0:
                await self._me.insist(lambda: self._life.agent_seen(agent_id))
            await asyncio.sleep(RELOAD_EVERY_S)
            await self._reload(agent_id)

    # -- what the agent does -----------------------------------------------------

    async def _come_back(self, agent_id: str) -> None:
        await asyncio.sleep(BACK_AFTER_S)
        await self._me.insist(lambda: self._life.set_presence(agent_id, Presence.AVAILABLE))

    async def _answer(self, offer_id: str, agent_id: str) -> None:
        """Say yes, no or nothing. Who is not sure that a yes arrived looks at the desk."""
        plan = self._me.plan
        mood = plan.chance("offer", offer_id)
        say = mood.random() if self._released.is_set() else 1.0
        if say < plan.ignore:
            return
        await asyncio.sleep(mood.expovariate(1 / plan.think_s))
        with suppress(OfferGone):
            if say < plan.ignore + plan.reject:
                await self._me.insist(lambda: self._life.reject(offer_id, agent_id))
                return
            await self._me.insist(lambda: self._life.accept(offer_id, agent_id))
        offer = await self._me.insist(lambda: self._offer(offer_id))
        self._spawn(offer, self._serve(offer, agent_id))

    async def _offer(self, offer_id: str) -> str:
        async with self._me.store.transaction() as tx:
            return (await tx.interactions.offer(offer_id)).interaction_id

    async def _serve(self, interaction_id: str, agent_id: str) -> None:
        """Talk, finish or pass on, file. Whatever has happened meanwhile is fine."""
        plan = self._me.plan
        while (item := await self._mine(interaction_id, agent_id)) is not None:
            mood = plan.chance("work", interaction_id, item.joined_at)
            if item.state is InteractionState.WRAP_UP:
                if mood.random() < plan.unfiled and item.wrap_up_until is not None:
                    return
                await asyncio.sleep(plan.think_s)
                await self._try(
                    lambda: self._life.complete_wrap_up(interaction_id, agent_id, "resolved")
                )
                return
            await self._try(
                lambda: self._life.reply(
                    interaction_id, agent_id, "Here I am", f"{interaction_id} {agent_id}"
                )
            )
            await asyncio.sleep(plan.talk_s * mood.uniform(0.5, 1.5))
            await self._released.wait()
            await self._try(self._finish(item, agent_id))

    def _finish(self, item: Interaction, agent_id: str) -> Callable[[], Awaitable[object]]:
        """How this conversation ends at this desk."""
        plan, life, give = self._me.plan, self._life, self._me.transfers
        say = plan.chance("finish", item.id, item.joined_at).random()
        if say < plan.transfer:
            queue = ToQueue(OTHER_QUEUE[item.queue or "care"])
            return lambda: give.transfer(item.id, agent_id, queue)
        if say < plan.transfer + plan.to_bot:
            return lambda: give.transfer(item.id, agent_id, ToBot())
        return lambda: life.end(item.id, EndedBy.AGENT, "done")

    async def _mine(self, interaction_id: str, agent_id: str) -> Interaction | None:
        async def read() -> Interaction:
            async with self._me.store.transaction() as tx:
                return await tx.interactions.get(interaction_id)

        item = await self._me.insist(read)
        states = (InteractionState.AGENT, InteractionState.WRAP_UP)
        return item if item.agent_id == agent_id and item.state in states else None

    async def _try(self, act: Callable[[], Awaitable[object]]) -> None:
        """An act that may come too late: then the next look says what to do."""
        with suppress(IllegalMove):
            await self._me.insist(act)

    def _spawn(self, key: str, work: Coroutine[Any, Any, None]) -> None:
        """Do it, unless it is being done."""
        if key in self._tasks:
            work.close()
            return
        task = asyncio.create_task(work)
        self._tasks[key] = task
        task.add_done_callback(lambda done: self._ended(key, done))

    def _ended(self, key: str, task: asyncio.Task[None]) -> None:
        self._tasks.pop(key, None)
        if not task.cancelled() and task.exception() is not None:
            log.error("%s failed", key, exc_info=task.exception())


async def play(plan: Plan) -> None:
    """Serve until told to stop."""
    async with member(plan, "desks") as me:
        desks = Desks(me)
        await desks.start()
        try:
            await listen(desks.order)
        finally:
            await desks.stop()
