"""Whether a customer has taken more of the bots' time than the company gives to one.

A bot then neither refuses nor keeps silent: it says so in the flow's own words for a hand-over,
and a person has the conversation (``docs/safety.md``).
"""

from __future__ import annotations

from datetime import datetime, timedelta

from router.customer_limits import CustomerLimits
from router.model import Author
from router.ports import Store

TOO_MANY_MESSAGES = "too-many-messages"
TOO_MANY_ANSWERS = "too-many-answers"
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


async def over_limit(store: Store, limits: CustomerLimits, customer_id: str, now: datetime) -> str:
    """The reason for which a person takes over; empty while all is well."""
    rules = (
        (limits.messages_per_minute, Author.CUSTOMER, MINUTE, TOO_MANY_MESSAGES),
        (limits.bot_answers_per_day, Author.BOT, DAY, TOO_MANY_ANSWERS),
    )
    since = {author: now - within for most, author, within, _ in rules if most}
    if not since:
        return ""
    async with store.reading() as tx:
        counted = await tx.interactions.count_lines(customer_id, since)
    over = [reason for most, author, _, reason in rules if most and counted[author] > most]
    return over[0] if over else ""
