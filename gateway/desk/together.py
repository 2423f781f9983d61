"""Giving work away and asking somebody: what the desk's requests do with it.

1. Numbers outside are normalised first; only a call can go there.
2. Whom one can choose is shown as it is now: who is there, how many wait.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from channels.identity import phone
from channels.text_errors import BadAddress
from gateway.desk import requests as ask
from gateway.desk.hub import Tab
from gateway.desk.views import View, iso
from gateway.services import Services
from gateway.waiting_room import BUSY, WAITS
from router.acd.seats import BIT, Room, counted
from router.acts.transfers import Target, ToAgent, ToBot, ToNumber, ToQueue
from router.acts.wrapup import check_disposition
from router.errors import CannotTransfer
from router.model import Agent, Channel, Interaction, InteractionState, Presence

NAMED = 4
"""So many of a queue's available agents are named."""
ORDER = (Presence.AVAILABLE, Presence.AWAY, Presence.OFFLINE)


class Together:
    """Transfers and consultations for the agent of a tab."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._hub = services.hub

    def handlers(self) -> dict[type[ask.Ask], Callable[[Tab, Any], Awaitable[View]]]:
        """By the type of request."""
        return {
            ask.Targets: self._targets,
            ask.Transfer: self._transfer,
            ask.Consult: self._consult,
            ask.Swap: self._swap,
            ask.Conference: self._conference,
            ask.Complete: self._complete,
            ask.EndConsult: self._end_consult,
        }

    # -- to whom -------------------------------------------------------------------

    async def _targets(self, tab: Tab, request: ask.Targets) -> View:
        company, now = self._services.company, self._services.clock.now()
        async with self._services.store.transaction() as tx:
            item = await tx.interactions.get(request.interaction_id)
            agents = await tx.people.agents()
            busy = await tx.interactions.in_states(BUSY)
        work = in_hand(busy)
        flows = dict.fromkeys(flow for flow in company.entry.values() if flow)
        waiting = [one for one in busy if one.state in WAITS and not one.parent_id]
        return {
            "queues": [
                {
                    "id": queue.id,
                    "name": queue.name,
                    "open": queue.hours.open_at(now),
                    **_line(waiting, queue.id),
                    **_staff(agents, queue.id, tab.agent_id),
                }
                for queue in company.queues.values()
            ],
            "agents": [
                _agent_view(agent, work.get(agent.id, {}), item.channel)
                for agent in sorted(agents, key=_by_presence)
                if agent.id != tab.agent_id and agent.queues
            ],
            "flows": list(flows),
            "outside": item.channel is Channel.VOICE,
        }

    # -- giving away ---------------------------------------------------------------

    async def _transfer(self, tab: Tab, request: ask.Transfer) -> View:
        if request.disposition:
            async with self._services.store.transaction() as tx:
                item = await tx.interactions.get(request.interaction_id)
            check_disposition(self._services.company, item, request.disposition)
        target: Target = (
            ToBot(request.target, request.disposition)
            if request.way == "bot"
            else self._target(request.way, request.target)
        )
        result = await self._services.transfers.transfer(
            request.interaction_id, tab.agent_id, target, request.note.strip()
        )
        await self._hub.show(request.interaction_id, tab.agent_id)
        return {"outcome": result.outcome, "detail": result.detail}

    def _target(self, way: str, name: str) -> ToQueue | ToAgent | ToNumber:
        match way:
            case "queue":
                self._services.company.queue(name)
                return ToQueue(name)
            case "agent":
                return ToAgent(name)
        return ToNumber(dialled(name))

    # -- asking --------------------------------------------------------------------

    async def _consult(self, tab: Tab, request: ask.Consult) -> View:
        talk = await self._services.consults.consult(
            request.interaction_id,
            tab.agent_id,
            self._target(request.way, request.target),
            request.question.strip(),
        )
        await self._hub.show(request.interaction_id, tab.agent_id)
        return {"arrangement": talk.arrangement}

    async def _swap(self, tab: Tab, request: ask.Swap) -> View:
        await self._services.consults.swap(request.interaction_id, tab.agent_id)
        return {}

    async def _conference(self, tab: Tab, request: ask.Conference) -> View:
        await self._services.consults.conference(request.interaction_id, tab.agent_id)
        return {}

    async def _complete(self, tab: Tab, request: ask.Complete) -> View:
        await self._services.consults.complete(
            request.interaction_id, tab.agent_id, request.note.strip()
        )
        await self._hub.show(request.interaction_id, tab.agent_id)
        return {}

    async def _end_consult(self, tab: Tab, request: ask.EndConsult) -> View:
        await self._services.consults.cancel(request.interaction_id, tab.agent_id)
        return {}


def dialled(number: str) -> str:
    """A number as it is dialled: E.164, or a SIP address as it is. Raises ``CannotTransfer``."""
    number = number.strip()
    if number.startswith("sip:"):
        return number
    try:
        return phone(number).value
    except BadAddress as error:
        raise CannotTransfer(f"{number!r} is no telephone number: {error}") from None


def in_hand(busy: Sequence[Interaction]) -> Mapping[str, Mapping[Channel, int]]:
    """What agents handle or wrap up now, by agent id and channel."""
    counts: dict[str, Counter[Channel]] = {}
    for item in busy:
        if item.agent_id and item.state is not InteractionState.WAITING:
            counts.setdefault(item.agent_id, Counter())[item.channel] += 1
    return counts


def _line(waiting: Sequence[Interaction], queue_id: str) -> View:
    mine = [item for item in waiting if item.queue == queue_id]
    joined = [item.joined_at for item in mine if item.joined_at is not None]
    return {"waiting": len(mine), "longest_since": iso(min(joined)) if joined else None}


def _staff(agents: Sequence[Agent], queue_id: str, me: str) -> View:
    staff = [agent for agent in agents if queue_id in agent.queues and agent.id != me]
    there = [agent.name for agent in staff if agent.presence is Presence.AVAILABLE]
    return {"available": len(there), "staff": len(staff), "names": sorted(there)[:NAMED]}


def _agent_view(agent: Agent, work: Mapping[Channel, int], channel: Channel) -> View:
    has_room = bool(Room.of(agent).free(counted(work)) & BIT[channel])
    return {
        "id": agent.id,
        "name": agent.name,
        "presence": agent.presence,
        "reason": agent.presence_reason,
        "since": iso(agent.presence_since),
        "in_hand": {kind: number for kind, number in work.items() if number},
        "free": has_room,
    }


def _by_presence(agent: Agent) -> tuple[int, str]:
    return ORDER.index(agent.presence), agent.name
