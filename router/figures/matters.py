"""First contact resolution: who came back with a matter within so many days, and who did not.

1. A matter begins when a person answers a customer who has none in that queue.
2. It was not solved at once when the customer joins that queue again with another
   interaction, or goes on with the conversation, within the days.
3. It is counted when its days are over, once, on the queue and channel where it began: the
   figure of a day is about matters that began so many days before.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple


class Matter(NamedTuple):
    """What began with one interaction."""

    interaction_id: str
    conversation_id: str
    queue: str
    channel: str
    at: datetime
    repeated: bool = False


@dataclass(slots=True)
class Matters:
    """Those whose days are not over, oldest first."""

    open: dict[str, Matter] = field(default_factory=dict)
    conversations: dict[str, str] = field(default_factory=dict)

    def begins(self, customer_id: str, matter: Matter) -> None:
        """Rule 1."""
        key = f"{customer_id} {matter.queue}"
        if customer_id and key not in self.open:
            self.open[key] = matter
            self.conversations[matter.conversation_id] = key

    def joins(self, customer_id: str, queue: str, interaction_id: str) -> None:
        """The customer is in the queue, perhaps again (rule 2)."""
        self._repeats(f"{customer_id} {queue}", interaction_id)

    def goes_on(self, conversation_id: str, interaction_id: str) -> None:
        """Something that was over is taken up again (rule 2)."""
        self._repeats(self.conversations.get(conversation_id, ""), interaction_id)

    def _repeats(self, key: str, interaction_id: str) -> None:
        matter = self.open.get(key)
        if matter is not None and matter.interaction_id != interaction_id:
            self.open[key] = matter._replace(repeated=True)

    def over(self, now: datetime, days: int) -> Iterator[Matter]:
        """Those whose days are over at ``now``; they are forgotten (rule 3)."""
        while self.open:
            key = next(iter(self.open))
            matter = self.open[key]
            if now - matter.at < timedelta(days=days):
                return
            del self.open[key]
            if self.conversations.get(matter.conversation_id) == key:
                del self.conversations[matter.conversation_id]
            yield matter
