"""Whom the bots do not answer for now, so that a person does.

1. A number that has called more often within the hour than the company's limit.
2. Who was another bot on this channel within the last day: what it sends waits for a person.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from router.acts import steps
from router.company import Company
from router.model import Arrival, Channel, Customer, Direction

if TYPE_CHECKING:
    from router.acts.act import Act

TOO_MANY_CALLS = "too-many-calls"
BOT_LOOP = "bot-loop"
"""The reason for which a conversation with another bot ends, and the next one has no bot."""
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


async def why_no_bot(
    act: Act, company: Company, arrival: Arrival, customer: Customer, now: datetime
) -> str:
    """The reason for which a person answers; empty for nearly everybody."""
    if arrival.direction is not Direction.INBOUND or customer.created_at == now:
        return ""
    calls = company.customer_limits.calls_per_hour
    spoken = arrival.channel is Channel.VOICE
    if spoken and not calls:
        return ""
    left = await act.step(steps.LEFT_LATELY, (customer.id, now - (HOUR if spoken else DAY)))
    alike = [one for one in left if one.channel is arrival.channel]
    if spoken:
        came = [one for one in alike if one.direction is Direction.INBOUND]
        return TOO_MANY_CALLS if len(came) >= calls else ""
    return BOT_LOOP if any(one.end_reason == BOT_LOOP for one in alike) else ""
