"""A simulated day as data: the company's rules, who works when, who will come.

Parsed from the mapping of a YAML file (docs/acd.md, simulation). Queues and people are
written as in the company file and read by the same code. Everything wrong is refused with
its place (``demand[2].talk_s``), what was found and what was expected.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from router.company import Company, Queue
from router.configuration.file import read_company
from router.configuration.section import Notes, Section, suggestion
from router.errors import BadConfiguration
from router.hours import parse_shift
from router.model import Agent, Channel
from router.simulate.demand import (
    AT_ONCE,
    ENDLESS,
    HOUR_S,
    Arrivals,
    Distribution,
    Empirical,
    Exponential,
    Fixed,
    Lognormal,
    Poisson,
    Stream,
    Trace,
)

MINUTE_S = 60.0
MOST_AGENTS = 20_000
RUNS = 20
INTERVAL_MIN = 30
BACK_AFTER_S = 120.0
DAY = timedelta(days=1)
START = "2026-06-01T00:00"
"""A Monday, for scenarios to which the date does not matter."""

COMPANY_KEYS = frozenset({"queues", "people", "default_queue"})
DISTRIBUTIONS = "seconds, {exponential: mean}, {lognormal: {mean, cv}} or {values: […]}"
NEVER = "never"

Span = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Staff:
    """``count`` agents alike. ``shifts`` are seconds from the start; none: always there.

    ``answer_s`` passes between ringing and answering. A share ``missed`` (0..1) of the offers
    is never answered: the agent is away then, and back after ``back_after_s``.
    """

    agent: Agent
    count: int = 1
    shifts: tuple[Span, ...] = ()
    answer_s: Distribution = AT_ONCE
    missed: float = 0.0
    back_after_s: float = BACK_AFTER_S


@dataclass(frozen=True, slots=True)
class Scenario:
    """What is simulated. ``start`` is seconds since the epoch, durations are seconds.

    Customers who come during the first ``warm_up_s`` are served but not counted.
    """

    name: str
    company: Company
    staff: tuple[Staff, ...]
    streams: tuple[Stream, ...]
    start: float
    duration_s: float
    warm_up_s: float = 0.0
    interval_s: float = INTERVAL_MIN * MINUTE_S
    runs: int = RUNS
    seed: int = 1
    about: str = ""
    timezone: str = "UTC"

    @property
    def queues(self) -> Mapping[str, Queue]:
        """The company's queues by id."""
        return self.company.queues


def parse_scenario(raw: Any) -> Scenario:
    """Read a scenario from plain data. Raises ``BadConfiguration`` with every problem."""
    notes = Notes()
    scenario = _Reader(notes, raw).scenario()
    if notes.flaws:
        raise BadConfiguration(problems=notes.flaws)
    return scenario


class _Reader:
    """Reads one scenario. The company and the simulated hours are known first."""

    def __init__(self, notes: Notes, raw: Any) -> None:
        self._notes = notes
        self._top = Section(raw, "", notes)
        self._company = self._read_company(raw)
        self._zone = self._read_zone()
        self._begin = self._moment()
        self._duration_s = HOUR_S * _number(self._top, "hours", 1.0)
        self._end = self._begin + timedelta(seconds=self._duration_s)

    def scenario(self) -> Scenario:
        """The whole."""
        top = self._top
        if not top.has("hours"):
            top.bad("hours", "how many hours to simulate", None)
        scenario = Scenario(
            name=top.text("name", "simulation"),
            about=top.text("about", ""),
            company=self._company,
            staff=self._staff(top.section("staff")),
            streams=self._streams(),
            start=self._begin.timestamp(),
            timezone=self._zone.key,
            duration_s=self._duration_s,
            warm_up_s=self._warm_up_s(),
            interval_s=MINUTE_S * _number(top, "interval_min", INTERVAL_MIN),
            runs=top.whole("runs", RUNS, least=2),
            seed=top.whole("seed", 1),
        )
        top.done()
        return scenario

    def _read_company(self, raw: Any) -> Company:
        """Queues and people by the company file's own reader; nobody needs a password."""
        given = {key: self._top.take(key) for key in sorted(COMPANY_KEYS) if self._top.has(key)}
        reading = read_company(given)
        self._notes.flaws.extend(reading.problems)
        company = reading.company
        if not any(person.agent for person in company.people):
            self._top.bad("people", "at least one agent, as in the company file", None)
        return company

    def _read_zone(self) -> ZoneInfo:
        name = self._top.text("timezone", "UTC")
        try:
            return ZoneInfo(name)
        except (KeyError, ValueError, OSError):
            self._top.bad("timezone", "an IANA time zone like Europe/Riga", name)
            return ZoneInfo("UTC")

    def _moment(self) -> datetime:
        found = self._top.take("start", START)
        try:
            moment = found if isinstance(found, datetime) else datetime.fromisoformat(str(found))
        except ValueError:
            self._top.bad("start", f"a moment like {START}", found)
            moment = datetime.fromisoformat(START)
        return moment.replace(tzinfo=self._zone)

    def _warm_up_s(self) -> float:
        seconds = MINUTE_S * _number(self._top, "warm_up_min", 0.0, least=0.0)
        if seconds >= self._duration_s:
            most = f"less than the {self._duration_s / MINUTE_S:g} minutes simulated"
            self._top.bad("warm_up_min", most, self._top.take("warm_up_min"))
        return seconds

    # -- who works -----------------------------------------------------------------------

    def _staff(self, section: Section) -> tuple[Staff, ...]:
        agents = {person.login: person.agent for person in self._company.people if person.agent}
        for login, _ in section.pairs():
            if login not in agents:
                section.bad(
                    login, "the login of an agent in people", login, suggestion(login, agents)
                )
        staff = tuple(self._group(section.section(login), agent) for login, agent in agents.items())
        if sum(group.count for group in staff) > MOST_AGENTS:
            section.notes.add(section.place, f"more than {MOST_AGENTS} agents together")
        return staff

    def _group(self, section: Section, agent: Agent) -> Staff:
        shifts = section.listed("shifts")
        spans = [span for i, text in enumerate(shifts) for span in self._shift(section, i, text)]
        if shifts and not spans and not self._notes.unsure(section.at("shifts")):
            section.bad("shifts", "at least one shift within the simulated hours", shifts)
        staff = Staff(
            agent=agent,
            count=section.whole("count", 1),
            shifts=tuple(sorted(spans)),
            answer_s=_distribution(section, "answer_s", AT_ONCE),
            missed=section.share("missed", 0.0),
            back_after_s=_number(section, "back_after_s", BACK_AFTER_S),
        )
        section.done()
        return staff

    def _shift(self, section: Section, index: int, text: object) -> list[Span]:
        """A shift of every day that is simulated, in seconds from the start."""
        try:
            first, last = parse_shift(text)
        except ValueError as error:
            section.bad(f"shifts[{index}]", str(error).removeprefix("expected "), text)
            return []
        spans = []
        day = self._begin.replace(hour=0, minute=0, second=0, microsecond=0) - DAY
        while day <= self._end:
            on = datetime.combine(day.date(), first, self._zone)
            off = datetime.combine(day.date(), last, self._zone)
            # One that ends before it begins goes past midnight.
            off = off if off > on else off + DAY
            if on < self._end and off > self._begin:
                begin = self._begin.timestamp()
                spans.append((max(0.0, on.timestamp() - begin), off.timestamp() - begin))
            day += DAY
        return spans

    # -- who will come ---------------------------------------------------------------------

    def _streams(self) -> tuple[Stream, ...]:
        sections = self._top.sections("demand")
        if not sections and not self._notes.unsure("demand"):
            self._top.bad("demand", "at least one kind of customers", None)
        streams: list[Stream] = []
        for section in sections:
            stream = self._stream(section)
            if any(stream.name == other.name for other in streams):
                section.notes.add(section.at("name"), f"{stream.name!r} is there already")
            streams.append(stream)
        return tuple(streams)

    def _stream(self, section: Section) -> Stream:
        queue = section.text("queue")
        known = self._company.queues
        if queue and queue not in known:
            expected = f"a queue ({', '.join(known)})"
            section.bad("queue", expected, queue, suggestion(queue, known))
        channel = section.choice("channel", Channel.VOICE)
        stream = Stream(
            name=section.text("name", f"{queue} {channel}"),
            queue=queue,
            channel=channel,
            arrivals=self._arrivals(section),
            talk_s=_distribution(section, "talk_s", None),
            wrap_up_s=_distribution(section, "wrap_up_s", AT_ONCE),
            patience_s=_patience(section),
            asked=self._company.attainable(queue, section.levels("skills")),
            vip=section.share("vip", 0.0),
            head_start_s=section.whole("head_start_s", 0),
        )
        section.done()
        return stream

    def _arrivals(self, section: Section) -> Arrivals:
        every_s = MINUTE_S * _number(section, "every_min", 60.0)
        if section.has("per_hour") == section.has("arrivals_s"):
            section.notes.add(section.place, "expected either per_hour or arrivals_s")
        if section.has("arrivals_s"):
            return Trace(_numbers(section, "arrivals_s"))
        if not isinstance(section.take("per_hour"), list):
            return Poisson((_number(section, "per_hour", 0.0, least=0.0),), self._duration_s)
        per_hour = _numbers(section, "per_hour")
        if len(per_hour) * every_s < self._duration_s:
            needed = math.ceil(self._duration_s / every_s)
            expected = f"{needed} rates of {every_s / MINUTE_S:g} minutes, to the end"
            section.bad("per_hour", expected, len(per_hour))
        return Poisson(per_hour, every_s)


# -- values ------------------------------------------------------------------------------


def _patience(section: Section) -> Distribution:
    if section.take("patience_s", NEVER) == NEVER:
        return ENDLESS
    return _distribution(section, "patience_s", ENDLESS)


def _distribution(section: Section, key: str, default: Distribution | None) -> Distribution:
    """A number, or one of the named distributions with its parameters."""
    raw = section.take(key)
    if raw is None and default is not None:
        return default
    if isinstance(raw, Mapping) and len(raw) == 1:
        below = section.section(key)
        if below.has("exponential"):
            return Exponential(_number(below, "exponential", 1.0))
        if below.has("values"):
            return Empirical(_numbers(below, "values") or (0.0,))
        if below.has("lognormal"):
            shape = below.section("lognormal")
            if not shape.has("mean"):
                shape.bad("mean", "seconds above 0", None)
            made = Lognormal(_number(shape, "mean", 1.0), _number(shape, "cv", 1.0))
            shape.done()
            return made
    if _is_number(raw) and raw >= 0:
        return Fixed(float(raw))
    section.bad(key, DISTRIBUTIONS, raw)
    return AT_ONCE


def _number(section: Section, key: str, default: float, least: float | None = None) -> float:
    """A finite number: above 0, or ``least`` and more where that is given."""
    found = section.take(key, default)
    if _is_number(found) and (found > 0 if least is None else found >= least):
        return float(found)
    wanted = "a number above 0" if least is None else f"a number of at least {least:g}"
    section.bad(key, wanted, found)
    return default


def _numbers(section: Section, key: str) -> tuple[float, ...]:
    """A list of numbers of at least 0."""
    kept = []
    for index, found in enumerate(section.listed(key)):
        if _is_number(found) and found >= 0:
            kept.append(float(found))
        else:
            section.bad(f"{key}[{index}]", "a number of at least 0", found)
    if not kept and not section.notes.unsure(section.at(key)):
        section.bad(key, "at least one number", None)
    return tuple(kept)


def _is_number(found: Any) -> bool:
    return isinstance(found, int | float) and not isinstance(found, bool) and math.isfinite(found)
