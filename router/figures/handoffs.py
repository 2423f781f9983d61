"""What became of each hand-over: typed, with its evidence, from the facts alone. Pure.

1. A hand-over is open from ``HandoffRequested`` until somebody accepts, or the customer gets
   something else in their stead, or leaves.
2. One interaction may be given to a person again after it came back: each is counted.
3. An offer that nobody answered settles nothing: the customer keeps the place. Nor does a bot
   that asks what the customer would rather, because nobody came: the answer does.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from router import events
from router.events import Fact
from router.handoff import Cause, cause_of
from router.model import EndedBy
from router.rules import Way


class HandoffOutcome(StrEnum):
    """What the customer got; never a free text."""

    ACCEPTED = "accepted"
    CALLBACK = "callback"
    EMAIL = "email"
    VOICEMAIL = "voicemail"
    OUTSIDE = "outside"
    BACK_TO_BOT = "back-to-bot"
    LEFT = "left"
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class HandoffResult:
    """One hand-over. ``outcome`` is None while the customer still waits.

    The evidence: ``settled_by`` is the id of the fact that settled it, ``by`` the agent or
    the number that has the customer now, ``item_id`` the work that goes on in its stead,
    ``detail`` why where a rule or an end says so. ``unanswered`` counts the offers that
    nobody answered. ``choosing``: a bot asks what the customer would rather.
    """

    interaction_id: str
    reason: str
    queue: str
    asked_at: datetime
    outcome: HandoffOutcome | None = None
    settled_at: datetime | None = None
    settled_by: str = ""
    by: str = ""
    item_id: str = ""
    detail: str = ""
    unanswered: int = 0
    conversation_id: str = ""
    choosing: bool = False

    @property
    def cause(self) -> Cause:
        """The reason as one of a few kinds."""
        return cause_of(self.reason)

    @property
    def waited_s(self) -> float | None:
        """From the request to its outcome, seconds."""
        if self.settled_at is None:
            return None
        return (self.settled_at - self.asked_at).total_seconds()


@dataclass
class Handoffs:
    """Takes facts in the log's order; ``done`` are those that are settled.

    ``talks`` are the conversations of what is not over, by interaction.
    """

    open: dict[str, HandoffResult] = field(default_factory=dict)
    done: list[HandoffResult] = field(default_factory=list)
    talks: dict[str, str] = field(default_factory=dict)

    def take(self, fact: Fact) -> None:
        """One more fact."""
        item = fact.interaction_id
        if isinstance(fact, events.InteractionArrived):
            self.talks[item] = fact.conversation_id
        waiting = self.open.get(item)
        if isinstance(fact, events.HandoffRequested):
            self._asked(fact, waiting)
            return
        waiting = waiting or self._promised(fact)
        if waiting is not None:
            self._goes_on(waiting, fact)
        if isinstance(fact, events.InteractionEnded):
            self.talks.pop(item, None)

    def _asked(self, fact: events.HandoffRequested, waiting: HandoffResult | None) -> None:
        item = fact.interaction_id
        if waiting is not None and waiting.choosing:
            self.open[item] = replace(waiting, choosing=False)  # chose to wait on
            return
        known = self.talks.get(item, "")
        self.open[item] = HandoffResult(
            item, fact.reason, fact.queue, fact.at, conversation_id=known
        )

    def _promised(self, fact: Fact) -> HandoffResult | None:
        """Whose choice a call is that is planned beside the conversation."""
        known = self.talks.get(fact.interaction_id)
        if not known or not isinstance(fact, events.CallbackScheduled):
            return None
        mine = (one for one in self.open.values() if one.choosing)
        return next((one for one in mine if one.conversation_id == known), None)

    def _goes_on(self, waiting: HandoffResult, fact: Fact) -> None:
        item = waiting.interaction_id
        still = _still_open(waiting, fact)
        if still is not None:
            self.open[item] = still
            return
        settled = _settled(waiting, fact)
        if settled is not None:
            self.done.append(replace(settled, settled_at=fact.at, settled_by=fact.id))
            del self.open[item]

    def settled(self) -> list[HandoffResult]:
        """Those settled since this was asked last."""
        done, self.done = self.done, []
        return done

    def counts(self) -> Counter[tuple[Cause, HandoffOutcome]]:
        """How many settled ones there are, by cause and outcome."""
        return Counter((one.cause, one.outcome) for one in self.done if one.outcome is not None)


def results_of(facts: Iterable[Fact]) -> list[HandoffResult]:
    """Every hand-over of these facts, in the order in which they were asked for."""
    taken = Handoffs()
    for fact in facts:
        taken.take(fact)
    return sorted([*taken.done, *taken.open.values()], key=lambda one: one.asked_at)


def _still_open(waiting: HandoffResult, fact: Fact) -> HandoffResult | None:
    """What rule 3 is about; None for everything else."""
    match fact:
        case events.OfferExpired():
            return replace(waiting, unanswered=waiting.unanswered + 1)
        case events.InteractionOverflowed(way=Way.BOT, target=""):
            return replace(waiting, choosing=True, detail=fact.why)
        case events.BotStarted() if waiting.choosing:
            return waiting
    return None


def _settled(waiting: HandoffResult, fact: Fact) -> HandoffResult | None:
    match fact:
        case events.OfferAccepted():
            return replace(waiting, outcome=HandoffOutcome.ACCEPTED, by=fact.agent_id)
        case events.CallbackRequested() | events.CallbackScheduled():
            call = fact.interaction_id if fact.interaction_id != waiting.interaction_id else ""
            callback = HandoffOutcome.CALLBACK
            return replace(waiting, outcome=callback, by=fact.number, item_id=call)
        case events.VoicemailLeft():
            return replace(waiting, outcome=HandoffOutcome.VOICEMAIL, item_id=fact.item_id)
        case events.InteractionOverflowed(way=Way.EMAIL):
            email = HandoffOutcome.EMAIL
            return replace(waiting, outcome=email, item_id=fact.item_id, detail=fact.why)
        case events.InteractionTransferred(way="outside"):
            return replace(waiting, outcome=HandoffOutcome.OUTSIDE, by=fact.target)
        case events.BotStarted():
            return replace(waiting, outcome=HandoffOutcome.BACK_TO_BOT, by=fact.flow)
        case events.InteractionEnded():
            left = fact.ended_by == EndedBy.CUSTOMER
            outcome = HandoffOutcome.LEFT if left else HandoffOutcome.NOBODY
            return replace(waiting, outcome=outcome, detail=fact.reason)
    return None
