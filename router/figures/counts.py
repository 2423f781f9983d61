"""What is counted, as sums that can be added: of a queue on a channel, of an agent, of bots.

Everything a report shows is a sum of these and a ratio of sums, so that a card cannot
disagree with its table. Ratios are 0..1 (NPS −1..1) and None where there is nothing to
divide; times are seconds.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from typing import TypeVar

GOOD_SHARE = 0.8
"""A score of 4 or 5 of 5 is positive (CSAT)."""
NPS_SCALE, PROMOTER, DETRACTOR = 10, 9, 6

C = TypeVar("C")


@dataclass(slots=True)
class Scores:
    """Answers of surveys; those on a scale of 10 are the NPS question, others satisfaction."""

    responses: int = 0
    positive: int = 0
    nps_responses: int = 0
    promoters: int = 0
    detractors: int = 0

    def count(self, score: int, scale: int) -> None:
        """One answer."""
        if scale == NPS_SCALE:
            self.nps_responses += 1
            self.promoters += score >= PROMOTER
            self.detractors += score <= DETRACTOR
        else:
            self.responses += 1
            self.positive += score >= GOOD_SHARE * scale

    @property
    def csat(self) -> float | None:
        """Positive / responses."""
        return ratio(self.positive, self.responses)

    @property
    def nps(self) -> float | None:
        """Share of 9 and 10 less share of 0 to 6."""
        return ratio(self.promoters - self.detractors, self.nps_responses)


@dataclass(slots=True)
class QueueFigures:
    """Of a queue, of one of its channels, or of several together.

    ``sl_met`` and ``sl_counted`` are above and below the line of the queue's form of the
    service level; ``handled_wait_s`` is what the handled waited before. ``written`` are agents'
    lines, ``suggested`` those of them that a suggestion became; ``assisted`` are handled
    interactions with such a line, ``assisted_s`` their handling.
    """

    arrived: int = 0
    answered: int = 0
    abandoned: int = 0
    short_abandoned: int = 0
    in_time_abandoned: int = 0
    within_target: int = 0
    sl_met: int = 0
    sl_counted: int = 0
    transferred: int = 0
    overflowed: int = 0
    callbacks: int = 0
    handled: int = 0
    wait_s: float = 0.0
    handle_s: float = 0.0
    handled_wait_s: float = 0.0
    matters: int = 0
    resolved: int = 0
    first_responses: int = 0
    first_response_total_s: float = 0.0
    replies: int = 0
    reply_total_s: float = 0.0
    written: int = 0
    suggested: int = 0
    assisted: int = 0
    assisted_s: float = 0.0
    scores: Scores = field(default_factory=Scores)

    @property
    def service_level(self) -> float | None:
        """By the queue's form."""
        return ratio(self.sl_met, self.sl_counted)

    @property
    def asa_s(self) -> float | None:
        """Seconds waited by the answered, on average."""
        return ratio(self.wait_s, self.answered)

    @property
    def aht_s(self) -> float | None:
        """Seconds of talk, hold and wrap-up per handled interaction."""
        return ratio(self.handle_s, self.handled)

    @property
    def aht_wait_s(self) -> float | None:
        """The same with the waiting before it."""
        return ratio(self.handle_s + self.handled_wait_s, self.handled)

    @property
    def abandonment(self) -> float | None:
        """``ab/(a+ab)``."""
        return ratio(self.abandoned, self.answered + self.abandoned)

    @property
    def long_abandonment(self) -> float | None:
        """The same without those who gave up within the short time, above and below."""
        stayed = self.abandoned - self.short_abandoned
        return ratio(stayed, self.answered + stayed)

    @property
    def transfer_rate(self) -> float | None:
        """Transferred / handled."""
        return ratio(self.transferred, self.handled)

    @property
    def fcr(self) -> float | None:
        """Matters that needed one contact / matters whose days are over."""
        return ratio(self.resolved, self.matters)

    @property
    def first_response_s(self) -> float | None:
        """Seconds from joining to the first words of a person."""
        return ratio(self.first_response_total_s, self.first_responses)

    @property
    def reply_s(self) -> float | None:
        """Seconds from a customer's words to the answer, in talks and after reopening."""
        return ratio(self.reply_total_s, self.replies)

    @property
    def response_rate(self) -> float | None:
        """Satisfaction surveys answered / handled."""
        return ratio(self.scores.responses, self.handled)

    @property
    def nps_response_rate(self) -> float | None:
        """NPS questions answered / handled."""
        return ratio(self.scores.nps_responses, self.handled)

    @property
    def suggestion_share(self) -> float | None:
        """Lines made of a suggestion / lines that agents wrote."""
        return ratio(self.suggested, self.written)

    @property
    def assisted_aht_s(self) -> float | None:
        """Handling per handled interaction in which a suggestion was used."""
        return ratio(self.assisted_s, self.assisted)

    @property
    def unassisted_aht_s(self) -> float | None:
        """The same of the others."""
        return ratio(self.handle_s - self.assisted_s, self.handled - self.assisted)


@dataclass(slots=True)
class AgentTime:
    """Seconds signed in, each second in one part only; ``away_s`` by reason runs beside them.

    Talk is an interaction in hand (hold and questions of colleagues included), wrap-up none
    but wrap-up, ready available with empty hands, away the rest.
    """

    talk_s: float = 0.0
    wrap_up_s: float = 0.0
    ready_s: float = 0.0
    paid_away_s: float = 0.0
    unpaid_away_s: float = 0.0
    away_s: dict[str, float] = field(default_factory=dict)

    @property
    def handling_s(self) -> float:
        """Seconds with work in hand."""
        return self.talk_s + self.wrap_up_s

    @property
    def paid_s(self) -> float:
        """Signed in, less unpaid pauses."""
        return self.handling_s + self.ready_s + self.paid_away_s

    @property
    def signed_in_s(self) -> float:
        """Available or away."""
        return self.paid_s + self.unpaid_away_s

    @property
    def occupancy(self) -> float | None:
        """Handling / (handling + available)."""
        return ratio(self.handling_s, self.handling_s + self.ready_s)

    @property
    def utilisation(self) -> float | None:
        """(Talk + wrap-up + ready) / paid."""
        return ratio(self.handling_s + self.ready_s, self.paid_s)

    @property
    def actual_work_rate(self) -> float | None:
        """(Talk and what belongs to it) / paid."""
        return ratio(self.handling_s, self.paid_s)

    @property
    def workload_rate(self) -> float | None:
        """Handling / signed in."""
        return ratio(self.handling_s, self.signed_in_s)


@dataclass(slots=True)
class AgentFigures:
    """One agent's figures. ``consulted`` are questions of other agents that this one took."""

    offered: int = 0
    answered: int = 0
    consulted: int = 0
    missed: int = 0
    rejected: int = 0
    handled: int = 0
    transferred: int = 0
    handle_s: float = 0.0
    scores: Scores = field(default_factory=Scores)
    time: AgentTime = field(default_factory=AgentTime)

    @property
    def aht_s(self) -> float | None:
        """Seconds per handled interaction."""
        return ratio(self.handle_s, self.handled)

    @property
    def transfer_rate(self) -> float | None:
        """Transferred / handled."""
        return ratio(self.transferred, self.handled)

    @property
    def response_rate(self) -> float | None:
        """Satisfaction surveys answered / handled."""
        return ratio(self.scores.responses, self.handled)


@dataclass(slots=True)
class HandoffFigures:
    """What became of hand-overs of one cause: how many there were of each outcome.

    ``wait_s`` are the seconds until the accepted ones were accepted, ``unanswered`` the offers
    that nobody answered, of all of them.
    """

    accepted: int = 0
    callback: int = 0
    email: int = 0
    voicemail: int = 0
    outside: int = 0
    back_to_bot: int = 0
    left: int = 0
    nobody: int = 0
    wait_s: float = 0.0
    unanswered: int = 0

    def count(self, outcome: str, waited_s: float, unanswered: int) -> None:
        """One more; the outcome as ``router.figures.handoffs`` names it."""
        name = outcome.replace("-", "_")
        setattr(self, name, getattr(self, name) + 1)
        self.unanswered += unanswered
        self.wait_s += waited_s if name == "accepted" else 0.0

    @property
    def handoffs(self) -> int:
        """All of them."""
        otherwise = self.callback + self.email + self.voicemail + self.outside
        return self.accepted + otherwise + self.back_to_bot + self.left + self.nobody

    @property
    def accepted_share(self) -> float | None:
        """Accepted by a person / all."""
        return ratio(self.accepted, self.handoffs)

    @property
    def accept_wait_s(self) -> float | None:
        """Seconds until a person accepted, of the accepted."""
        return ratio(self.wait_s, self.accepted)


@dataclass(slots=True)
class BotFigures:
    """The bots' figures, apart from people's."""

    started: int = 0
    contained: int = 0
    handed_off: int = 0
    abandoned: int = 0
    corrected: int = 0
    """Values of packets that people had to put right."""
    scores: Scores = field(default_factory=Scores)

    @property
    def containment(self) -> float | None:
        """Ended by the bot or satisfied, without a person, per start."""
        return ratio(self.contained, self.started)

    @property
    def response_rate(self) -> float | None:
        """Satisfaction surveys answered / talks that no person took over."""
        return ratio(self.scores.responses, self.contained + self.abandoned)


def ratio(part: float, whole: float) -> float | None:
    """None where there is nothing to divide."""
    return part / whole if whole else None


def added(kind: type[C], parts: Iterable[C]) -> C:
    """All parts as one, each number added up."""
    total = kind()
    for part in parts:
        add(total, part)
    return total


def add(total: object, part: object) -> None:
    """Add every number of ``part`` to that of ``total``, below it too."""
    for each in fields(total):  # type: ignore[arg-type]
        mine, theirs = getattr(total, each.name), getattr(part, each.name)
        if isinstance(mine, dict):
            for key, value in theirs.items():
                mine[key] = mine.get(key, 0) + value
        elif isinstance(mine, int | float):
            setattr(total, each.name, mine + theirs)
        else:
            add(mine, theirs)
