"""What a simulated run amounts to: the figures of ``router.kpi``, in total and by interval.

Every measure is kept as two sums, a part and a whole, so that runs and intervals can be
added before they are divided. Customers count in the interval in which they arrived, and
in the queue that their stream asks for; those of the warm-up do not count.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from router.figures.service_level import SHORT_ABANDON_S
from router.simulate.crew import Spans
from router.simulate.demand import Demand, Flags, Floats
from router.simulate.run import Outcome, Record
from router.simulate.scenario import Scenario

ALL = "all"
LATE = 0.9
"""The share of the answered who waited at most ``wait_p90_s``."""

Count = Mapping[str, Floats]
"""By name, an array of streams by intervals."""


@dataclass(frozen=True, slots=True)
class Measure:
    """A figure with its unit (``%``, ``s`` or none) and its definition in words.

    ``better`` is 1 when more is better, -1 when less is, 0 when neither.
    """

    key: str
    title: str
    short: str
    unit: str
    better: int
    definition: str


MEASURES: tuple[Measure, ...] = (
    Measure("arrived", "Arrived", "arrived", "", 0, "customers per run"),
    Measure(
        "service_level",
        "Service level",
        "service",
        "%",
        1,
        "answered within the queue's target / (answered + abandoned − abandoned within 5 s)",
    ),
    Measure("asa_s", "Average speed of answer", "ASA", "s", -1, "waits of the answered / answered"),
    Measure(
        "wait_p90_s", "90 % answered within", "90 % in", "s", -1, "nine of ten answered waited less"
    ),
    Measure("waited", "Had to wait", "waited", "%", -1, "nobody was free on arrival / arrived"),
    Measure(
        "abandonment",
        "Abandonment",
        "gave up",
        "%",
        -1,
        "gave up, or still waited when all agents had gone / (answered + abandoned)",
    ),
    Measure(
        "elsewhere", "Sent elsewhere", "elsewhere", "%", 0, "left by an overflow rule / arrived"
    ),
    Measure("aht_s", "Average handle time", "AHT", "s", 0, "(talk + wrap-up) / answered"),
    Measure("occupancy", "Occupancy", "occupancy", "%", 0, "time with work / time signed in"),
    Measure("signed_in", "Signed in", "there", "agents", 0, "agents there, on average"),
    Measure(
        "spread",
        "Uneven load",
        "uneven",
        "%",
        -1,
        "standard deviation of the occupancy between agents",
    ),
)
BY_KEY: Mapping[str, Measure] = {measure.key: measure for measure in MEASURES}


@dataclass(frozen=True, slots=True)
class Sums:
    """The two sums of a measure: index 0 the total, then one for each interval."""

    part: Floats
    whole: Floats


@dataclass(frozen=True, slots=True)
class Tally:
    """One run's sums by measure: of scopes (``all``, a queue, a stream) and of teams of agents."""

    scopes: Mapping[str, Mapping[str, Sums]]
    teams: Mapping[str, Mapping[str, Sums]]


def edges(scenario: Scenario) -> Floats:
    """Where intervals begin and end, seconds from the start; the last may be shorter."""
    inner = np.arange(scenario.warm_up_s, scenario.duration_s, scenario.interval_s)
    return np.append(inner, scenario.duration_s)


def tally(scenario: Scenario, demand: Demand, record: Record) -> Tally:
    """Count one run."""
    cuts = edges(scenario)
    counts = _counts(scenario, demand, record, cuts)
    waits = _Waits(scenario, demand, record)
    scopes: dict[str, Mapping[str, Sums]] = {}
    for name, members in scopes_of(scenario).items():
        chosen = {key: _with_total(array[members].sum(axis=0)) for key, array in counts.items()}
        scopes[name] = {**_ratios(chosen), "wait_p90_s": waits.late(members, len(cuts))}
    everyone = np.ones(len(record.agents), dtype=bool)
    scopes[ALL] = {**scopes[ALL], **_occupancy(record, everyone, cuts)}
    teams = {name: _occupancy(record, mask, cuts) for name, mask in _teams(scenario).items()}
    return Tally(scopes, teams)


def scopes_of(scenario: Scenario) -> dict[str, list[int]]:
    """Streams by scope: all, each stream, each queue that has several streams."""
    streams = scenario.streams
    scopes = {ALL: list(range(len(streams)))}
    for queue in scenario.queues:
        members = [i for i, stream in enumerate(streams) if stream.queue == queue]
        if 1 < len(members) < len(streams):
            scopes[f"queue {queue}"] = members
    if len(streams) > 1:
        scopes.update({stream.name: [i] for i, stream in enumerate(streams)})
    return scopes


def _counts(scenario: Scenario, demand: Demand, record: Record, cuts: Floats) -> Count:
    """Numbers and seconds by stream and interval of arrival."""
    streams, intervals = len(scenario.streams), len(cuts) - 1
    counted = demand.at >= scenario.warm_up_s
    interval = np.clip(np.searchsorted(cuts, demand.at, side="right") - 1, 0, intervals - 1)
    cell = (demand.stream * intervals + interval)[counted]

    def total(weights: Floats) -> Floats:
        sums = np.bincount(cell, weights[counted], minlength=streams * intervals)
        return np.asarray(sums, dtype=np.float64).reshape(streams, intervals)

    def number(which: Flags) -> Floats:
        return total(which.astype(np.float64))

    targets = np.asarray([scenario.queues[s.queue].target_s for s in scenario.streams])
    answered = record.outcome == Outcome.ANSWERED
    given_up = record.outcome == Outcome.ABANDONED
    unserved = record.outcome == Outcome.UNSERVED
    in_time = answered & (record.wait_s <= targets[demand.stream])
    return {
        "arrived": number(np.ones(len(demand), dtype=bool)),
        "answered": number(answered),
        "abandoned": number(given_up | unserved),
        "short": number(given_up & (record.wait_s <= SHORT_ABANDON_S)),
        "in_time": number(in_time),
        "waited": number(record.queued),
        "elsewhere": number(record.outcome == Outcome.ELSEWHERE),
        "work_s": total(demand.talk_s + demand.wrap_up_s),
        "wait_s": total(np.where(answered, record.wait_s, 0.0)),
        "handle_s": total(np.where(answered, record.handle_s, 0.0)),
    }


def _with_total(by_interval: Floats) -> Floats:
    return np.concatenate(([by_interval.sum()], by_interval))


def _ratios(count: Count) -> dict[str, Sums]:
    offered = count["answered"] + count["abandoned"]
    return {
        "service_level": Sums(count["in_time"], offered - count["short"]),
        "all_level": Sums(count["in_time"], offered),
        "asa_s": Sums(count["wait_s"], count["answered"]),
        "waited": Sums(count["waited"], count["arrived"]),
        "abandonment": Sums(count["abandoned"], offered),
        "aht_s": Sums(count["handle_s"], count["answered"]),
        "elsewhere": Sums(count["elsewhere"], count["arrived"]),
        "arrived": Sums(count["arrived"], np.ones(len(count["arrived"]))),
        "work_s": Sums(count["work_s"], np.ones(len(count["work_s"]))),
    }


class _Waits:
    """The waits of the answered who count."""

    def __init__(self, scenario: Scenario, demand: Demand, record: Record) -> None:
        kept = (demand.at >= scenario.warm_up_s) & (record.outcome == Outcome.ANSWERED)
        self._waits, self._stream = record.wait_s[kept], demand.stream[kept]

    def late(self, members: list[int], size: int) -> Sums:
        """The total's percentile; by interval there are too few to say."""
        part, whole = np.zeros(size), np.zeros(size)
        waits = self._waits[np.isin(self._stream, members)]
        if len(waits):
            part[0], whole[0] = np.quantile(waits, LATE), 1.0
        return Sums(part, whole)


def _occupancy(record: Record, mask: Flags, cuts: Floats) -> dict[str, Sums]:
    """Occupancy of these agents by interval, and in total how it differs between them."""
    part, whole = np.zeros(len(cuts)), np.zeros(len(cuts))
    duty_s = _each(record.duty, len(mask), cuts)
    there = mask & (duty_s > 0)
    if there.any():
        busy_s = _each(record.busy, len(mask), cuts)
        part[0], whole[0] = np.std(busy_s[there] / duty_s[there]), 1.0
    duty = _within(record.duty, mask, cuts)
    return {
        "occupancy": Sums(_within(record.busy, mask, cuts), duty),
        "signed_in": Sums(duty, _with_total(np.diff(cuts))),
        "spread": Sums(part, whole),
    }


def _within(spans: Spans, mask: Flags, cuts: Floats) -> Floats:
    """Seconds of these agents' spans: in total and between one cut and the next."""
    chosen = mask[spans.agent]
    begin, length = spans.begin[chosen], (spans.end - spans.begin)[chosen]
    before = np.asarray([np.clip(cut - begin, 0.0, length).sum() for cut in cuts])
    return _with_total(np.diff(before))


def _each(spans: Spans, agents: int, cuts: Floats) -> Floats:
    """Seconds between the first and the last cut by agent."""
    begin, end = np.clip(spans.begin, cuts[0], cuts[-1]), np.clip(spans.end, cuts[0], cuts[-1])
    return np.asarray(np.bincount(spans.agent, end - begin, minlength=agents), dtype=np.float64)


def _teams(scenario: Scenario) -> dict[str, Flags]:
    """The agents of each group, by the order in which they were hired."""
    group = np.repeat(np.arange(len(scenario.staff)), [each.count for each in scenario.staff])
    return {each.agent.id: group == i for i, each in enumerate(scenario.staff) if each.count}
