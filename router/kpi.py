"""Figures from events; each formula is acd.md's, named in the docstring.

Everything here is a pure function of an ordered list of facts. A wait is counted
once per stay in a queue; a transferred customer waits again in the next one. What
agents ask each other (internal interactions) is in no customer's figures. Whoever asked
to be called back has not given up, and several attempts to call are one answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from router import events
from router.events import Fact

SHORT_ABANDON_S = 5.0
TARGET_S = 20
WAITING = ("waiting", "offered")
INTERNAL = "internal"
LEAD_AWAY = frozenset({"end", "email", "voicemail"})
"""Ways of a queue's rules after which a customer's end in the queue is no giving up."""

DEFINITIONS: Mapping[str, str] = {
    "service_level": "answered within target / (answered + abandoned − abandoned within 5 s)",
    "asa_s": "average speed of answer: sum of waits of the answered / answered",
    "aht_s": "average handle time: (talk and hold + wrap-up) / handled",
    "abandonment": "abandoned while waiting / (answered + abandoned)",
    "transferred": "interactions an agent gave to a queue, another agent or a number outside",
    "overflowed": "interactions that a rule of the queue sent elsewhere, or to wait elsewhere too",
    "callbacks": "customers who asked to be called back instead of waiting on the line",
    "containment": "ended without a person / started with a bot",
    "csat": "scores of 4 and 5 / answered surveys; responses beside it",
}


@dataclass
class QueueFigures:
    """One queue's figures. Ratios are 0..1 and None where there is nothing to divide."""

    arrived: int = 0
    answered: int = 0
    abandoned: int = 0
    short_abandoned: int = 0
    within_target: int = 0
    transferred: int = 0
    overflowed: int = 0
    callbacks: int = 0
    handled: int = 0
    wait_s: float = 0.0
    handle_s: float = 0.0
    target_s: int = TARGET_S

    @property
    def service_level(self) -> float | None:
        """``(a≤T)/(a+ab−ab≤s)``."""
        return _ratio(self.within_target, self.answered + self.abandoned - self.short_abandoned)

    @property
    def asa_s(self) -> float | None:
        """Seconds waited by the answered, on average."""
        return _ratio(self.wait_s, self.answered)

    @property
    def aht_s(self) -> float | None:
        """Seconds of talk, hold and wrap-up per handled interaction."""
        return _ratio(self.handle_s, self.handled)

    @property
    def abandonment(self) -> float | None:
        """``ab/(a+ab)``."""
        return _ratio(self.abandoned, self.answered + self.abandoned)


@dataclass
class AgentFigures:
    """One agent's figures. ``consulted`` are questions of other agents that this one took."""

    offered: int = 0
    answered: int = 0
    consulted: int = 0
    missed: int = 0
    rejected: int = 0
    handled: int = 0
    handle_s: float = 0.0
    scores: list[int] = field(default_factory=list)

    @property
    def aht_s(self) -> float | None:
        """Seconds per handled interaction."""
        return _ratio(self.handle_s, self.handled)

    @property
    def csat(self) -> float | None:
        """Share of scores that are 4 or 5 of 5."""
        return _ratio(sum(1 for score in self.scores if score >= 4), len(self.scores))


@dataclass
class BotFigures:
    """The bots' figures, apart from people's."""

    started: int = 0
    contained: int = 0
    handed_off: int = 0
    abandoned: int = 0

    @property
    def containment(self) -> float | None:
        """Ended by the bot or satisfied, without a person, per start."""
        return _ratio(self.contained, self.started)


@dataclass(slots=True)
class _Handling:
    """An agent at work on an interaction since ``since``.

    ``taken_on`` from another agent of the queue: the queue has counted it already.
    """

    agent_id: str
    queue: str
    since: datetime
    counted: bool = False
    taken_on: bool = False


@dataclass(frozen=True, slots=True)
class _Work:
    """Seconds of work that just became known; the counts are 1 the first time."""

    agent_id: str
    queue: str
    seconds: float
    count: int
    queue_count: int


@dataclass
class _Stays:
    """Who waits where by what was said so far, and who of them will be called."""

    waiting: dict[str, str] = field(default_factory=dict)
    promised: set[str] = field(default_factory=set)
    led_away: set[str] = field(default_factory=set)
    called_in_vain: set[str] = field(default_factory=set)

    def joins(self, fact: events.InteractionQueued) -> bool:
        """Whether this is an arrival: not who comes back to the place they had."""
        one = fact.interaction_id
        new = self.waiting.get(one) != fact.queue and one not in self.called_in_vain
        self.waiting[one] = fact.queue
        self.led_away.discard(one)
        return new

    def answers(self, fact: events.OfferAccepted) -> bool:
        """Whether a customer's wait ended: not when we call for the second time."""
        self.waiting.pop(fact.interaction_id, None)
        self.promised.discard(fact.interaction_id)
        return fact.interaction_id not in self.called_in_vain

    def gives_up(self, fact: events.InteractionEnded) -> bool:
        """Whether the customer left the queue without having been helped or promised a call."""
        one = fact.interaction_id
        self.waiting.pop(one, None)
        return fact.was in WAITING and one not in self.promised and one not in self.led_away

    def note(self, fact: Fact) -> None:
        """Anything else that says where somebody is."""
        one = fact.interaction_id
        match fact:
            case events.CallbackRequested() | events.CallbackScheduled():
                self.promised.add(one)
            case events.CallbackFailed():
                self.called_in_vain.add(one)
            case events.BotStarted():
                self.waiting.pop(one, None)
            case events.InteractionOverflowed() if fact.way in LEAD_AWAY:
                self.led_away.add(one)
            case events.InteractionTransferred() if fact.way == "outside":
                self.led_away.add(one)


def queue_figures(
    facts: Iterable[Fact],
    *,
    short_abandon_s: float = SHORT_ABANDON_S,
    targets: Mapping[str, int] | None = None,
) -> dict[str, QueueFigures]:
    """Figures by queue id; ``targets`` are seconds by queue."""
    targets = targets or {}
    found: dict[str, QueueFigures] = {}
    handling: dict[str, _Handling] = {}
    stays = _Stays()

    def of(queue: str) -> QueueFigures:
        return found.setdefault(queue, QueueFigures(target_s=targets.get(queue, TARGET_S)))

    for fact in _customers(facts):
        done = _finished(handling, fact)
        if done is not None:
            figures = of(done.queue)
            figures.handled += done.queue_count
            figures.handle_s += done.seconds
            figures.transferred += _gives_away(fact)
        stays.note(fact)
        match fact:
            case events.InteractionQueued():
                of(fact.queue).arrived += stays.joins(fact)
            case events.OfferAccepted() if stays.answers(fact):
                figures = of(fact.queue)
                figures.answered += 1
                figures.wait_s += fact.waited_s
                figures.within_target += fact.waited_s <= figures.target_s
            case events.InteractionEnded() if stays.gives_up(fact):
                figures = of(fact.queue)
                figures.abandoned += 1
                figures.short_abandoned += (fact.waited_s or 0.0) <= short_abandon_s
            case events.InteractionOverflowed() if fact.way != "wait":
                of(fact.queue).overflowed += 1
            case events.CallbackRequested():
                of(fact.queue).callbacks += 1
    return found


def agent_figures(facts: Iterable[Fact]) -> dict[str, AgentFigures]:
    """Figures by agent id."""
    found: dict[str, AgentFigures] = {}
    handling: dict[str, _Handling] = {}

    def of(agent_id: str) -> AgentFigures:
        return found.setdefault(agent_id, AgentFigures())

    everything = list(facts)
    for fact in everything:
        if isinstance(fact, events.OfferAccepted) and fact.parent_id:
            of(fact.agent_id).consulted += 1
    for fact in _customers(everything):
        done = _finished(handling, fact)
        if done is not None:
            worker = of(done.agent_id)
            worker.handled += done.count
            worker.handle_s += done.seconds
        if isinstance(fact, events.OfferMade):
            of(fact.agent_id).offered += 1
        elif isinstance(fact, events.OfferAccepted):
            of(fact.agent_id).answered += 1
        elif isinstance(fact, events.OfferExpired):
            of(fact.agent_id).missed += 1
        elif isinstance(fact, events.OfferRejected):
            of(fact.agent_id).rejected += 1
        elif isinstance(fact, events.SurveyAnswered) and fact.agent_id:
            of(fact.agent_id).scores.append(fact.score)
    return found


def bot_figures(facts: Iterable[Fact]) -> BotFigures:
    """Figures of all bots together. A caller who hangs up on the bot is no success."""
    figures = BotFigures()
    with_bot: set[str] = set()
    for fact in facts:
        if isinstance(fact, events.BotStarted):
            figures.started += 1
            with_bot.add(fact.interaction_id)
        elif isinstance(fact, events.HandoffRequested) and fact.interaction_id in with_bot:
            figures.handed_off += 1
            with_bot.discard(fact.interaction_id)
        elif isinstance(fact, events.InteractionEnded) and fact.interaction_id in with_bot:
            with_bot.discard(fact.interaction_id)
            if fact.ended_by == "bot":
                figures.contained += 1
            else:
                figures.abandoned += 1
    return figures


def channel_arrivals(facts: Iterable[Fact]) -> dict[str, int]:
    """How many interactions arrived by channel.

    What we made of one ourselves (a voicemail's item, the mail a chat became) is no arrival.
    """
    counts: dict[str, int] = {}
    arrived: dict[str, str] = {}
    for fact in _customers(facts):
        if isinstance(fact, events.InteractionArrived):
            arrived[fact.interaction_id] = fact.channel
        elif isinstance(fact, events.VoicemailLeft | events.InteractionOverflowed):
            arrived.pop(fact.item_id, None)
    for channel in arrived.values():
        counts[channel] = counts.get(channel, 0) + 1
    return counts


def _customers(facts: Iterable[Fact]) -> Iterator[Fact]:
    """The facts without those about internal interactions."""
    internal: set[str] = set()
    for fact in facts:
        arrived = isinstance(fact, events.InteractionArrived) and fact.direction == INTERNAL
        about: str = getattr(fact, "parent_id", "")
        if arrived or about:
            internal.add(fact.interaction_id)
        if fact.interaction_id not in internal or not fact.interaction_id:
            yield fact


def _gives_away(fact: Fact) -> bool:
    """Whether an agent's work ended because somebody else is to go on with it."""
    if isinstance(fact, events.InteractionTransferred):
        return fact.way in ("agent", "outside")
    return isinstance(fact, events.InteractionQueued) and bool(fact.from_agent_id)


def _finished(handling: dict[str, _Handling], fact: Fact) -> _Work | None:
    """Follow who works on what; the work that this fact brings to an end.

    Talk ends with the interaction, with a transfer, with the return to the bot or with a call
    that nobody answered; a
    wrap-up, where the queue has one, adds its seconds to the same piece of work.
    """
    if isinstance(fact, events.OfferAccepted):
        handling[fact.interaction_id] = _Handling(fact.agent_id, fact.queue, fact.at)
        return None
    work = handling.get(fact.interaction_id)
    if work is None:
        return None
    talked = isinstance(fact, events.InteractionEnded)
    left = _lays_down(fact)
    if not talked and not left:
        return None
    count = 0 if work.counted else 1
    done = _Work(
        work.agent_id,
        work.queue,
        (fact.at - work.since).total_seconds(),
        count,
        0 if work.taken_on else count,
    )
    if isinstance(fact, events.InteractionTransferred):
        next_one = _Handling(fact.to_agent_id, work.queue, fact.at, taken_on=True)
        handling[fact.interaction_id] = next_one
    elif left:
        del handling[fact.interaction_id]
    else:
        work.since, work.counted = fact.at, True
    return done


def _lays_down(fact: Fact) -> bool:
    """Whether the agent is done with it for good, wrap-up and all."""
    match fact:
        case events.InteractionTransferred():
            return bool(fact.to_agent_id)
        case events.InteractionQueued():
            return bool(fact.from_agent_id)
        case events.BotStarted() | events.WrapUpCompleted() | events.CallbackFailed():
            return True
    return False


def _ratio(part: float, whole: float) -> float | None:
    return part / whole if whole else None
