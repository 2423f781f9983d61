"""An agent puts a value of the packet right; the bot takes it up when the customer comes back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date
from typing import Any

from bots.flow.model import Slot
from bots.nlu.entities import parse
from gateway.desk import requests as ask
from gateway.desk.hub import Tab
from gateway.desk.ledger import zone_of
from gateway.desk.views import View
from gateway.services import Services
from router.errors import ParleyError
from router.model import Interaction


class NotThatKind(ParleyError):
    """What was typed is no value of this kind; write it as the customer would say it."""


class Correcting:
    """For the agent of a tab."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def handlers(self) -> dict[type[ask.Ask], Callable[[Tab, Any], Awaitable[View]]]:
        """By the type of request."""
        return {ask.CorrectSlot: self._correct}

    async def _correct(self, tab: Tab, request: ask.CorrectSlot) -> View:
        async with self._services.store.transaction() as tx:
            item = await tx.interactions.get(request.interaction_id)
        slot = self._slot(item, request.name)
        today = self._services.clock.now().astimezone(zone_of(self._services.company))
        value = value_of(slot, request.value.strip(), item.language, today)
        kind = slot.type if slot else ""
        await self._services.lifecycle.correct_slot(
            item.id, tab.agent_id, request.name, value, kind
        )
        await self._services.hub.show(item.id, tab.agent_id)
        return {"value": value}

    def _slot(self, item: Interaction, name: str) -> Slot | None:
        """As the bot's flow declares it, where that is known."""
        flow = item.handoff.flow if item.handoff else ""
        talk = self._services.flows.get(flow)
        return talk.flow.slots.get(name) if talk else None


def value_of(slot: Slot | None, text: str, language: str, today: date) -> str:
    """What was typed, in the one form that the flow keeps. Raises ``NotThatKind``."""
    if slot is None or slot.type == "text":
        return text
    found = parse(slot, text, language, today)
    if found is None:
        raise NotThatKind(f"“{text}” is not understood as: {slot.type.replace('-', ' ')}")
    return found.value
