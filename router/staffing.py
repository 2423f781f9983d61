"""How many people it takes: Erlang B, C and A (docs/acd.md, staffing).

All three have Poisson arrivals and exponential handle times and differ in what happens
when everybody is busy:

- Erlang B: the caller is turned away (A. K. Erlang, "Solution of some problems in the
  theory of probabilities of significance in automatic telephone exchanges", 1917);
- Erlang C: the caller waits for as long as it takes (the same paper);
- Erlang A: the caller waits, but gives up after an exponential patience (C. Palm, 1946;
  O. Garnett, A. Mandelbaum, M. Reiman, "Designing a call center with impatient
  customers", Manufacturing & Service Operations Management 4, 2002).

Rates are per hour, times in seconds, shares 0..1. ``A = rate · handle time`` is the load in
erlangs: the number of agents who would be busy if there were always enough.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from router.errors import ParleyError

HOUR_S = 3600.0
MOST_ERLANGS = 1_000_000.0
"""More load than this is a mistake in the input; the sums would take minutes."""
PRECISION = 1e-16
"""A series ends when all that is left of it is smaller than this share of its sum."""
ROUNDING = 1e-9
"""``14 / (1 - 0.3)`` must give 20 people, whatever the last bit says."""
HUGE = 1e200
"""Sums are scaled down beyond this; an overloaded queue's grow without end."""
FLOOD = 1_000_000.0
"""A queue of so many hardly fluctuates: its deterministic limit is right to five digits."""


class ImpossibleStaffing(ParleyError):
    """These figures cannot be; the message names the one and what was expected."""


@dataclass(frozen=True, slots=True)
class Traffic:
    """What arrives: ``per_hour`` interactions of ``aht_s`` seconds each (with wrap-up).

    ``patience_s`` is how long people wait on average before they give up; None for people
    who never do. Raises ``ImpossibleStaffing``.
    """

    per_hour: float
    aht_s: float
    patience_s: float | None = None

    def __post_init__(self) -> None:
        _expect(_finite(self.per_hour) and self.per_hour >= 0, "per_hour", "0 or more", self)
        _expect(_positive(self.aht_s), "aht_s", "seconds above 0", self)
        if self.patience_s is not None:
            _expect(_positive(self.patience_s), "patience_s", "seconds above 0, or None", self)
        if self.erlangs > MOST_ERLANGS:
            raise ImpossibleStaffing(
                f"per_hour · aht_s: expected at most {MOST_ERLANGS:,.0f} erlangs, "
                f"found {self.erlangs:,.0f}; is the handle time in seconds?"
            )

    @property
    def erlangs(self) -> float:
        """The load ``A``."""
        return self.per_hour * self.aht_s / HOUR_S


@dataclass(frozen=True, slots=True)
class Target:
    """What must hold: ``share`` of all answered ``within_s``, and limits on the rest.

    ``max_occupancy`` (0..1) keeps people from working without a break between calls;
    ``max_asa_s`` and ``max_abandonment`` (0..1) where given. Raises ``ImpossibleStaffing``.
    """

    share: float = 0.8
    within_s: float = 20.0
    max_occupancy: float = 1.0
    max_asa_s: float = math.inf
    max_abandonment: float = 1.0

    def __post_init__(self) -> None:
        _expect(0 < self.share < 1, "share", "above 0 and below 1", self)
        _expect(_finite(self.within_s) and self.within_s >= 0, "within_s", "0 s or more", self)
        _expect(0 < self.max_occupancy <= 1, "max_occupancy", "above 0, at most 1", self)
        _expect(self.max_asa_s > 0, "max_asa_s", "seconds above 0", self)
        _expect(0 < self.max_abandonment <= 1, "max_abandonment", "above 0, at most 1", self)

    def met_by(self, figures: Figures) -> bool:
        """Whether these figures are good enough."""
        return (
            figures.service_level >= self.share
            and figures.occupancy <= self.max_occupancy
            and figures.asa_s <= self.max_asa_s
            and figures.abandonment <= self.max_abandonment
        )


@dataclass(frozen=True, slots=True)
class Figures:
    """What ``agents`` achieve in the long run. Shares 0..1, times in seconds.

    ``wait_probability``: finds everybody busy. ``service_level``: answered within the
    threshold, of all who arrive (``a≤T/(a+ab)``). ``asa_s``: the average wait of the
    answered; ``mean_wait_s``: of everybody. ``occupancy``: the share of an agent's time
    that is work. ``abandonment``: gives up. A queue that grows without end has an
    infinite wait and a service level of 0.
    """

    agents: int
    wait_probability: float
    service_level: float
    asa_s: float
    mean_wait_s: float
    occupancy: float
    abandonment: float = 0.0


@dataclass(frozen=True, slots=True)
class Requirement:
    """``agents`` at work at a time, ``people`` to be employed for that, and what they achieve."""

    agents: int
    people: int
    figures: Figures


def erlang_b(erlangs: float, agents: int) -> float:
    """The share turned away when nobody can wait: ``Bk = A·B/(k + A·B)``, from ``B0 = 1``."""
    _check_system(erlangs, agents, least=0)
    blocked = 1.0
    for k in range(1, agents + 1):
        blocked = erlangs * blocked / (k + erlangs * blocked)
        if not blocked:
            break
    return blocked


def erlang_c(erlangs: float, agents: int) -> float:
    """The share that must wait when nobody gives up; 1 when the load is too much."""
    _check_system(erlangs, agents, least=1)
    if erlangs >= agents:
        return 1.0
    blocked = erlang_b(erlangs, agents)
    return agents * blocked / (agents - erlangs * (1 - blocked))


def expect(traffic: Traffic, agents: int, within_s: float = 20.0) -> Figures:
    """What so many agents achieve: Erlang A where patience is given, else Erlang C.

    Raises ``ImpossibleStaffing``.
    """
    _check_system(traffic.erlangs, agents, least=1)
    if not within_s >= 0:
        raise ImpossibleStaffing(f"within_s: expected 0 s or more, found {within_s!r}")
    if not traffic.per_hour:
        return Figures(agents, 0.0, 1.0, 0.0, 0.0, 0.0)
    if traffic.patience_s is None:
        return _patient(traffic, agents, within_s)
    if _excess_per_s(traffic, agents) * traffic.patience_s > FLOOD:
        return _flooded(traffic, agents, within_s)
    return _Impatient(traffic, agents).figures(within_s)


def abandoned_within(traffic: Traffic, agents: int, seconds: float) -> float:
    """The share of all who arrive that gives up before so many seconds (Erlang A).

    With it every form of the service level can be had: ``a≤T/(a+ab−ab≤5)`` is
    ``service_level / (1 − abandoned_within(…, 5))``.
    """
    _check_system(traffic.erlangs, agents, least=1)
    if traffic.patience_s is None or not traffic.per_hour:
        return 0.0
    if _excess_per_s(traffic, agents) * traffic.patience_s > FLOOD:
        most = _flooded(traffic, agents, seconds).abandonment
        return min(most, -math.expm1(-seconds / traffic.patience_s))
    return _Impatient(traffic, agents).abandoned_within(seconds)


def required(traffic: Traffic, target: Target, shrinkage: float = 0.0) -> Requirement:
    """The fewest agents that meet the target.

    ``shrinkage`` is the share of paid time that is not at the desk (leave, illness,
    breaks, training), 0 or more and below 1. Raises ``ImpossibleStaffing``.
    """
    if not 0 <= shrinkage < 1:
        raise ImpossibleStaffing(f"shrinkage: expected 0 or more and below 1, found {shrinkage!r}")
    if not traffic.per_hour:
        return Requirement(0, 0, Figures(0, 0.0, 1.0, 0.0, 0.0, 0.0))
    agents = _fewest(traffic, target)
    people = math.ceil(agents / (1 - shrinkage) - ROUNDING)
    return Requirement(agents, people, expect(traffic, agents, target.within_s))


def _fewest(traffic: Traffic, target: Target) -> int:
    """Double until it is enough, then halve the gap: every limit gets better with agents."""

    def enough(agents: int) -> bool:
        return target.met_by(expect(traffic, agents, target.within_s))

    low, high = 0, max(1, math.ceil(traffic.erlangs))
    while not enough(high):
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def _patient(traffic: Traffic, agents: int, within_s: float) -> Figures:
    """Erlang C: the wait of those who wait is exponential with rate ``(N − A)/AHT``."""
    load = traffic.erlangs
    spare = agents - load
    if spare <= 0:
        return Figures(agents, 1.0, 0.0, math.inf, math.inf, 1.0)
    waits = erlang_c(load, agents)
    late = waits * math.exp(-spare * within_s / traffic.aht_s)
    asa_s = waits * traffic.aht_s / spare
    return Figures(agents, waits, 1 - late, asa_s, asa_s, load / agents)


def _excess_per_s(traffic: Traffic, agents: int) -> float:
    """How much faster people arrive than they are served when all work."""
    return traffic.per_hour / HOUR_S - agents / traffic.aht_s


def _flooded(traffic: Traffic, agents: int, within_s: float) -> Figures:
    """The limit of Erlang A for a very long queue: everybody served has waited the same time."""
    patience_s = traffic.patience_s or math.inf
    served = agents / traffic.erlangs
    asa_s = -patience_s * math.log(served)
    return Figures(
        agents=agents,
        wait_probability=1.0,
        service_level=served if within_s > asa_s else 0.0,
        asa_s=asa_s,
        mean_wait_s=(1 - served) * patience_s,
        occupancy=1.0,
        abandonment=1 - served,
    )


class _Impatient:
    """Erlang A as the birth and death chain with death rate ``min(k,N)μ + (k−N)⁺θ``.

    Rates per second: λ arrivals, μ one agent's, θ one waiting person's patience. The weight of
    ``n`` waiting, ``Π λ/(Nμ + iθ)`` for i = 1..n, sums to ``c·S(c, λ/θ)`` with ``c = Nμ/θ``
    and ``S(c, y) = Σ yᵏ/(c(c+1)…(c+k))``: an incomplete gamma function, which also gives the
    wait's distribution (F. Baccelli, G. Hébuterne, "On queues with impatient customers", 1981).
    Sums are kept as logarithms, so that an overload of thousands does not overflow.
    """

    def __init__(self, traffic: Traffic, agents: int) -> None:
        patience_s = traffic.patience_s or math.inf
        self._agents = agents
        self._load = traffic.erlangs
        self._patience_s = patience_s
        self._per_patience = traffic.per_hour / HOUR_S * patience_s  # λ/θ
        self._served_per_patience = agents / traffic.aht_s * patience_s  # c = Nμ/θ
        self._log_queue = self._log_of(self._served_per_patience, self._per_patience)
        self._waits = self._wait_probability()

    def figures(self, within_s: float) -> Figures:
        """Everything at once."""
        length, served_wait = self._queue_means()
        # In the long run those who give up are θ times the mean number waiting.
        abandonment = self._waits * length / self._per_patience
        served = 1 - abandonment
        return Figures(
            agents=self._agents,
            wait_probability=self._waits,
            service_level=served - self._later_than(within_s, served=True),
            asa_s=self._waits * served_wait / served,
            mean_wait_s=abandonment * self._patience_s,
            occupancy=min(1.0, self._load * served / self._agents),
            abandonment=abandonment,
        )

    def abandoned_within(self, seconds: float) -> float:
        """Gives up before so many seconds: left by then, minus answered by then."""
        still = self._later_than(seconds) * math.exp(-seconds / self._patience_s)
        served_later = self._later_than(seconds, served=True)
        served = self._later_than(0.0, served=True)
        return self._waits - still - (served - served_later)

    def _wait_probability(self) -> float:
        blocked = erlang_b(self._load, self._agents)
        if not blocked:
            return 0.0
        log_free = math.log(1 / blocked - 1)
        return 1 / (1 + math.exp(min(700.0, log_free - self._log_queue)))

    def _later_than(self, seconds: float, *, served: bool = False) -> float:
        """P(an endlessly patient one waits longer); with ``served``: and a real one still gets it.

        Patience is exponential, so being served multiplies the density by ``e^{−θx}``.
        """
        extra = 1 if served else 0
        passed = seconds / self._patience_s
        y = self._per_patience * math.exp(-passed)
        exponent = (
            -self._per_patience * math.expm1(-passed)
            - (self._served_per_patience + extra) * passed
            + self._log_of(self._served_per_patience, y, extra)
            - self._log_queue
        )
        return self._waits * math.exp(exponent)

    @staticmethod
    def _log_of(c: float, y: float, extra: int = 0) -> float:
        """``log(c·S(c + extra, y))``."""
        start = c + extra
        log_scale, term, total, k = 0.0, 1.0, 1.0, 0
        # The tail is at most a geometric series once its ratio is below one.
        while y >= start + k + 1 or term * y > PRECISION * total * (start + k + 1 - y):
            k += 1
            term *= y / (start + k)
            total += term
            if total > HUGE:
                log_scale += math.log(HUGE)
                term, total = term / HUGE, total / HUGE
        return log_scale + math.log(total) + math.log(c / start)

    def _queue_means(self) -> tuple[float, float]:
        """For one who must wait: the mean number waiting, and the mean of (wait if served, else 0).

        Behind n others it is served with probability ``c/(c + n + 1)`` and has then waited
        ``Σ 1/(Nμ + jθ)`` for j = 1..n+1 on average.
        """
        c, y = self._served_per_patience, self._per_patience
        term, wait, n = 1.0, self._patience_s / (c + 1), 0
        total, length, served_wait = 1.0, 0.0, wait * c / (c + 1)
        while y >= c + n + 1 or term * y * (n + 1) > PRECISION * total * (c + n + 1 - y):
            n += 1
            term *= y / (c + n)
            wait += self._patience_s / (c + n + 1)
            total += term
            length += n * term
            served_wait += term * wait * c / (c + n + 1)
            if total > HUGE:
                term, total = term / HUGE, total / HUGE
                length, served_wait = length / HUGE, served_wait / HUGE
        return length / total, served_wait / total


def _check_system(erlangs: float, agents: int, least: int) -> None:
    if not (_finite(erlangs) and erlangs >= 0):
        raise ImpossibleStaffing(f"erlangs: expected 0 or more, found {erlangs!r}")
    if isinstance(agents, bool) or not isinstance(agents, int) or agents < least:
        raise ImpossibleStaffing(f"agents: expected a whole number from {least}, found {agents!r}")


def _finite(value: float) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def _positive(value: float) -> bool:
    return _finite(value) and value > 0


def _expect(holds: bool, name: str, expected: str, owner: Traffic | Target) -> None:
    if not holds:
        found = getattr(owner, name)
        raise ImpossibleStaffing(f"{name}: expected {expected}, found {found!r}")
