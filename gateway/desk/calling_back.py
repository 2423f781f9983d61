"""Promising a customer a call: when it is possible, and the promise.

Times are the queue's local ones, so that "tomorrow at nine" means the queue's nine.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from channels.identity import phone
from channels.text_errors import BadAddress
from gateway.desk import requests as ask
from gateway.desk.hub import Tab
from gateway.desk.views import View, customer_of, iso
from gateway.services import Services
from router.company import Queue
from router.errors import CallbackRefused
from router.model import IdentityKind, Interaction

DAYS_AHEAD = 14


class CallingBack:
    """Callbacks for the agent of a tab."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._company = services.company

    def handlers(self) -> dict[type[ask.Ask], Callable[[Tab, Any], Awaitable[View]]]:
        """By the type of request."""
        return {ask.CallbackTimes: self._times, ask.ScheduleCallback: self._schedule}

    async def _times(self, _: Tab, request: ask.CallbackTimes) -> View:
        async with self._services.store.transaction() as tx:
            item = await tx.interactions.get(request.interaction_id)
            customer = await customer_of(tx, item.customer_id)
        queue = self._queue_of(item)
        numbers = [one.value for one in customer.identities if one.kind is IdentityKind.PHONE]
        return {
            "queue_name": queue.name,
            "zone": queue.hours.timezone,
            "days": opening_days(queue, self._services.clock.now()),
            "numbers": numbers,
        }

    async def _schedule(self, tab: Tab, request: ask.ScheduleCallback) -> View:
        async with self._services.store.transaction() as tx:
            item = await tx.interactions.get(request.interaction_id)
        queue = self._queue_of(item)
        due = local_time(f"{request.day}T{request.time}", queue.hours.timezone)
        number = called_number(request.number)
        agent_id = tab.agent_id if request.mine else None
        planned = await self._services.callbacks.schedule(item, queue.id, due, number, agent_id)
        return {"interaction_id": planned.id, "due_at": iso(planned.due_at)}

    def _queue_of(self, item: Interaction) -> Queue:
        return self._company.queue(item.queue or self._company.default_queue)


def opening_days(queue: Queue, now: datetime) -> list[View]:
    """The next days on which the queue is open, each with its shifts as ``["08:00", "12:30"]``.

    An end of ``24:00`` is midnight; a shift that goes on after midnight ends there.
    """
    today = now.astimezone(ZoneInfo(queue.hours.timezone)).date()
    days = (today + timedelta(days=ahead) for ahead in range(DAYS_AHEAD))
    return [
        {"day": day.isoformat(), "shifts": shifts}
        for day in days
        if (shifts := _shifts(queue, day))
    ]


def _shifts(queue: Queue, day: date) -> list[list[str]]:
    return [
        [f"{begin:%H:%M}", f"{end:%H:%M}" if end > begin else "24:00"]
        for begin, end in queue.hours.shifts_on(day)
    ]


def local_time(text: str, zone: str) -> datetime:
    """The moment of an ISO 8601 date and time; one without an offset is local in the zone.

    Raises ``CallbackRefused`` for what is no date and time.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise CallbackRefused(
            f"expected a date and time like 2026-03-02T09:30, found {text[:40]!r}"
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(zone))


def called_number(text: str) -> str:
    """In E.164; empty for empty. Raises ``CallbackRefused`` for what is no number."""
    if not text.strip():
        return ""
    try:
        return phone(text).value
    except BadAddress as error:
        raise CallbackRefused(f"{text!r} is no telephone number: {error}") from None
