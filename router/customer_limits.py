"""How much of the bots' time one customer may take, as the company decides. Pure.

Over a limit nothing is refused or lost: a person has it from then on (``docs/safety.md``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

MESSAGES_PER_MINUTE = 60
CALLS_PER_HOUR = 0
"""None: callers without a number are one customer to us."""
BOT_ANSWERS_PER_DAY = 500


@dataclass(frozen=True, slots=True)
class CustomerLimits:
    """Per customer; 0 is no limit. ``bot_answers_per_day`` counts the last 24 hours."""

    messages_per_minute: int = MESSAGES_PER_MINUTE
    calls_per_hour: int = CALLS_PER_HOUR
    bot_answers_per_day: int = BOT_ANSWERS_PER_DAY

    def plain(self) -> Mapping[str, int]:
        """As the company file writes it."""
        return asdict(self)


DEFAULT_LIMITS = CustomerLimits()
