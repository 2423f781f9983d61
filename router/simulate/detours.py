"""The overflow rules in a simulation: those of ``router.acts.overflow``, in virtual time.

Production asks them with the interaction as the store has it; here one is kept for each
customer of a queue that has rules. A call that goes to a number, a voicemail, a bot, an
e-mail or a callback has left the simulation: what becomes of it there is not known.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from router.acd import Acd, Waiting
from router.acts.overflow import (
    LOOK_EVERY_S,
    Situation,
    Stay,
    at_joining,
    first_due,
    key_of,
    next_check,
    possible,
    queue_to_join,
    watched,
)
from router.company import Company, Queue
from router.model import Direction, Interaction, InteractionState
from router.rules import Action, Way, When
from router.simulate.crew import Crew

HERE = "simulation"
"""Some process has the line, so that a call could go to a number or a voicemail."""


class Detours:
    """Everybody who waits where rules may send them elsewhere."""

    def __init__(self, company: Company, acd: Acd, crew: Crew) -> None:
        self._company = company
        self._acd = acd
        self._crew = crew
        self._stays: dict[str, tuple[Waiting, Interaction]] = {}

    def enter(self, waiting: Waiting, now: float) -> None:
        """Join the first of its queues, or the one that takes its place while it is closed."""
        moment = _moment(now)
        asked_for = self._company.queues[waiting.queues[0]]
        queue = queue_to_join(self._company, asked_for, moment)
        head_start_s = waiting.head_start_s + queue.base_s - asked_for.base_s
        waiting = replace(waiting, queues=(queue.id,), head_start_s=head_start_s)
        interaction = at_joining(_interaction(waiting, moment), self._company, moment)
        self._stays[waiting.id] = (waiting, interaction)
        self._acd.join(waiting)

    def rejoin(self, interaction_id: str) -> None:
        """Nobody answered: it has its place again, in all of its queues."""
        self._acd.join(self._stays[interaction_id][0])

    def look_at(self, interaction_id: str, now: float) -> float | None:
        """When the rules are to be looked at; not after ``now``: at once. None: never again."""
        _, interaction = self._stays[interaction_id]
        queue = self._queue(interaction)
        due = next_check(interaction, queue, _moment(now))
        times = [due.timestamp()] if due else []
        if watched(interaction, queue):
            times.append(now + LOOK_EVERY_S)
        return min(times, default=None)

    def look(self, interaction_id: str, now: float) -> bool:
        """Take the first rule that applies; whether the customer has gone with it."""
        waiting, interaction = self._stays[interaction_id]
        stay = Stay.of(interaction)
        found = first_due(interaction, *self._view(interaction, stay, now))
        if found is None:
            stay = replace(stay, joining=False)
            self._stays[interaction_id] = (waiting, stay.on(interaction))
            return False
        rule, _ = found
        interaction = replace(stay, taken=(*stay.taken, key_of(rule))).on(interaction)
        self._stays[interaction_id] = (waiting, interaction)
        return possible(rule.action, interaction) and self._take(interaction_id, rule.action)

    def _take(self, interaction_id: str, action: Action) -> bool:
        waiting, interaction = self._stays[interaction_id]
        if action.way is Way.QUEUE:
            # It waits in both; whoever is free first takes it.
            also = (*interaction.also_queues, action.target)
            waiting = replace(waiting, queues=(*waiting.queues, action.target))
            self._stays[interaction_id] = (waiting, replace(interaction, also_queues=also))
            self._acd.join(waiting)
            return False
        return action.way is not Way.WAIT

    def _view(self, interaction: Interaction, stay: Stay, now: float) -> tuple[Queue, Situation]:
        queue = self._queue(interaction)
        whens = {rule.when for rule in queue.rules.overflow}
        position = self._acd.position(interaction.id) or 1
        joined_at = interaction.joined_at or interaction.created_at
        return queue, Situation(
            waited_s=(_moment(now) - joined_at).total_seconds(),
            joining=stay.joining,
            closed=stay.joining and not queue.hours.open_at(_moment(now)),
            ahead=position - 1,
            staffed=When.UNSTAFFED not in whens or self._crew.staffed(queue.id),
            estimate_s=self._acd.estimate_s(interaction.id, now)
            if When.ESTIMATE in whens
            else None,
        )

    def _queue(self, interaction: Interaction) -> Queue:
        return self._company.queues[interaction.queue or self._company.default_queue]


def applies(queue: Queue) -> bool:
    """Whether this queue has any rules for those who wait, or hours."""
    rules, hours = queue.rules, queue.hours
    closes = hours.weekly is not None or bool(hours.holidays or hours.openings)
    return closes or bool(rules.overflow) or rules.most_waiting is not None


def _interaction(waiting: Waiting, moment: datetime) -> Interaction:
    return Interaction(
        id=waiting.id,
        channel=waiting.channel,
        direction=Direction.INBOUND,
        customer_id=waiting.id,
        conversation_id=waiting.id,
        address="",
        service_address="",
        state=InteractionState.WAITING,
        created_at=moment,
        home=HERE,
        queue=waiting.queues[0],
        joined_at=moment,
    )


def _moment(now: float) -> datetime:
    return datetime.fromtimestamp(now, UTC)
