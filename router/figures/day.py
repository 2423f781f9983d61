"""All figures of a day or of several, and how rows and cards come from the same cells."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from router.figures.counts import AgentFigures, BotFigures, HandoffFigures, QueueFigures, add, added


@dataclass(slots=True)
class Day:
    """The figures of queues by channel (the cells), of agents and bots; arrivals by channel.

    ``handoffs`` are the hand-overs that were settled, by the kind of their reason.
    """

    queues: dict[str, dict[str, QueueFigures]] = field(default_factory=dict)
    agents: dict[str, AgentFigures] = field(default_factory=dict)
    bot: BotFigures = field(default_factory=BotFigures)
    arrivals: dict[str, int] = field(default_factory=dict)
    handoffs: dict[str, HandoffFigures] = field(default_factory=dict)

    def by_queue(self) -> dict[str, QueueFigures]:
        """One row for each queue: its cells added up."""
        return {key: added(QueueFigures, cells.values()) for key, cells in self.queues.items()}

    def by_channel(self) -> dict[str, QueueFigures]:
        """One row for each channel; each cell counted by its own queue's target and form."""
        rows: dict[str, QueueFigures] = {}
        for cells in self.queues.values():
            for channel, cell in cells.items():
                add(rows.setdefault(channel, QueueFigures()), cell)
        return rows

    def total(self) -> QueueFigures:
        """All cells added up."""
        return added(QueueFigures, self.by_queue().values())


def together(days: Iterable[Day]) -> Day:
    """Several days as one; none of them changes."""
    whole = Day()
    for day in days:
        for queue, cells in day.queues.items():
            row = whole.queues.setdefault(queue, {})
            for channel, cell in cells.items():
                add(row.setdefault(channel, QueueFigures()), cell)
        for agent_id, figures in day.agents.items():
            add(whole.agents.setdefault(agent_id, AgentFigures()), figures)
        for channel, n in day.arrivals.items():
            whole.arrivals[channel] = whole.arrivals.get(channel, 0) + n
        for cause, outcomes in day.handoffs.items():
            add(whole.handoffs.setdefault(cause, HandoffFigures()), outcomes)
        add(whole.bot, day.bot)
    return whole
