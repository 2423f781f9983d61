"""Which rows a fact is about: what the dispatcher reads again when it hears of it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from router import events
from router.company import Queue
from router.events import Fact
from router.rules import Strategy

BY_FIGURES = frozenset(
    {Strategy.FEWEST_INTERACTIONS, Strategy.LEAST_TALK_TIME, Strategy.LEAST_OCCUPIED}
)
"""Strategies that look at the agents' day: an acceptance changes their order at once."""

HEARD: tuple[type[Fact], ...] = (
    events.InteractionQueued,
    events.InteractionOverflowed,
    events.InteractionTransferred,
    events.InteractionEnded,
    events.TransferFailed,
    events.ConsultStarted,
    events.ConsultEnded,
    events.CallbackRequested,
    events.CallbackScheduled,
    events.CallbackFailed,
    events.CallbackCancelled,
    events.OfferMade,
    events.OfferRejected,
    events.OfferExpired,
    events.OfferWithdrawn,
    events.OfferAccepted,
    events.BotStarted,
    events.WrapUpCompleted,
    events.CustomerMarked,
    events.PresenceChanged,
    events.ConfigurationChanged,
    events.RouterTicked,
)

LAID_DOWN = (
    events.InteractionEnded,
    events.WrapUpCompleted,
    events.OfferExpired,
    events.CallbackFailed,
)
"""Facts after which their agent has been idle since then, or has other figures of the day."""


@dataclass(frozen=True, slots=True)
class Concerned:
    """What has to be read again."""

    interactions: frozenset[str] = frozenset()
    agents: frozenset[str] = frozenset()


NOTHING = Concerned()


def concerned(fact: Fact, queues: Mapping[str, Queue]) -> Concerned:
    """What the fact says has changed."""
    if isinstance(fact, events.PresenceChanged):
        return Concerned(agents=frozenset({fact.agent_id}))
    if not fact.interaction_id:
        return NOTHING
    # With a question goes the talk it is about: who takes that over looks never free.
    both = {fact.interaction_id, getattr(fact, "parent_id", "")} - {""}
    return Concerned(frozenset(both), _agents_of(fact, queues))


def _agents_of(fact: Fact, queues: Mapping[str, Queue]) -> frozenset[str]:
    """The agents whose records have changed with it."""
    if isinstance(fact, events.OfferAccepted):
        queue = queues.get(fact.queue)
        counts = queue is not None and queue.rules.strategy in BY_FIGURES
        return frozenset({fact.agent_id}) if counts else frozenset()
    if isinstance(fact, events.InteractionTransferred):
        return frozenset({fact.from_agent_id, fact.to_agent_id}) - {""}
    if isinstance(fact, LAID_DOWN) and fact.agent_id:
        return frozenset({fact.agent_id})
    if isinstance(fact, events.InteractionQueued) and fact.from_agent_id:
        return frozenset({fact.from_agent_id})
    return frozenset()
