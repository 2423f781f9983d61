"""A company as an administrator reads it: what happens to who waits, hours, who works where.

Sentences are keys of the page's texts with their values; the template puts them into words.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from router.company import Company, Queue
from router.hours import DAYS, Hours, serialize_shift
from router.model import Agent
from router.rules import ALL_SKILLS, Action, Step, When

STORY_WAITED = When.WAITED


@dataclass(frozen=True, slots=True)
class Sentence:
    """A text's key and what stands in its places; ``at_s`` is its second in the wait.

    ``way`` is the action of a rule, ``quote`` what the customer is told.
    """

    key: str
    values: Mapping[str, object] = field(default_factory=dict)
    at_s: int = 0
    way: Sentence | None = None
    quote: str = ""


@dataclass(frozen=True, slots=True)
class DayView:
    """One day of this week; ``kind`` is empty, ``holiday`` or ``special``."""

    day: str
    date: date
    shifts: tuple[str, ...]
    kind: str
    today: bool


@dataclass(frozen=True, slots=True)
class QueueView:
    """A queue in words. ``story`` is in the order of time, ``rules`` have none."""

    queue: Queue
    open: bool
    opens: datetime | None
    always_open: bool
    week: tuple[DayView, ...]
    story: tuple[Sentence, ...]
    rules: tuple[Sentence, ...]
    facts: tuple[Sentence, ...]
    members: int


def queue_views(company: Company, now: datetime) -> list[QueueView]:
    """Every queue."""
    return [_queue(company, queue, now) for queue in company.queues.values()]


def _queue(company: Company, queue: Queue, now: datetime) -> QueueView:
    hours, members = queue.hours, company.members(queue.id)
    return QueueView(
        queue=queue,
        open=hours.open_at(now),
        opens=_opens(hours, now),
        always_open=hours.weekly is None and not hours.holidays and not hours.openings,
        week=_week(hours, now),
        story=tuple(sorted(_story(company, queue, members), key=lambda each: each.at_s)),
        rules=tuple(_rules(company, queue)),
        facts=tuple(_facts(company, queue)),
        members=len(members),
    )


def _opens(hours: Hours, now: datetime) -> datetime | None:
    """When a closed queue opens again, in its own time."""
    opens = hours.next_opening(now)
    return opens.astimezone(ZoneInfo(hours.timezone)) if opens and opens > now else None


def _week(hours: Hours, now: datetime) -> tuple[DayView, ...]:
    today = now.astimezone(ZoneInfo(hours.timezone)).date()
    monday = today - timedelta(days=today.weekday())
    days = [monday + timedelta(days=number) for number in range(7)]
    return tuple(
        DayView(
            DAYS[day.weekday()],
            day,
            tuple(serialize_shift(shift) for shift in hours.shifts_on(day)),
            "special" if day in hours.openings else "holiday" if day in hours.holidays else "",
            day == today,
        )
        for day in days
    )


def _story(company: Company, queue: Queue, members: Sequence[Agent]) -> Iterator[Sentence]:
    """What happens to somebody who waits, each with its second."""
    rules = queue.rules
    yield _needs("conf.story.needs", queue.skills)
    if rules.dedicated_wait_s:
        yield Sentence("conf.story.dedicated", {"s": rules.dedicated_wait_s})
    if rules.last_agent:
        last = rules.last_agent
        yield Sentence("conf.story.last", {"s": last.wait_s, "d": last.within_days})
    yield from _tiers(queue, members)
    for step in rules.steps:
        yield from _step(step)
    if rules.callback:
        tries = {"n": rules.callback.attempts}
        yield Sentence("conf.story.callback", tries, rules.callback.offer_after_s)
    for rule in rules.overflow:
        if rule.when is STORY_WAITED:
            yield _action(company, rule.action, rule.over_s)


def _tiers(queue: Queue, members: Sequence[Agent]) -> Iterator[Sentence]:
    opens = {opening.tier: opening.after_s for opening in queue.rules.tiers}
    tiers = sorted({agent.membership(queue.id).tier for agent in members})
    for tier in tiers:
        names = ", ".join(a.name for a in members if a.membership(queue.id).tier == tier)
        if tier == 1:
            yield Sentence("conf.story.asked", {"names": names})
        elif tier in opens:
            yield Sentence("conf.story.tier", {"tier": tier, "names": names}, opens[tier])
        else:
            yield Sentence("conf.story.tier_absent", {"tier": tier, "names": names})


def _step(step: Step) -> Iterator[Sentence]:
    if step.need is not None:
        yield _needs("conf.story.step", step.need, step.after_s)
    if ALL_SKILLS in step.waive:
        yield Sentence("conf.story.waive_all", {}, step.after_s)
    elif step.waive:
        names = {"skills": ", ".join(sorted(step.waive))}
        yield Sentence("conf.story.waive", names, step.after_s)


def _needs(key: str, needs: Mapping[str, int], at_s: int = 0) -> Sentence:
    if not needs:
        return Sentence("conf.story.no_needs", {}, at_s)
    return Sentence(key, {"needs": ", ".join(f"{k} ≥ {v}" for k, v in needs.items())}, at_s)


def _action(company: Company, action: Action, at_s: int = 0) -> Sentence:
    other = company.queues.get(action.target)
    target = other.name if other else action.target
    return Sentence(f"conf.way.{action.way}", {"target": target}, at_s, quote=action.say)


def _rules(company: Company, queue: Queue) -> Iterator[Sentence]:
    """Overflow that depends on something else than the time waited."""
    for rule in queue.rules.overflow:
        if rule.when is not STORY_WAITED:
            way = _action(company, rule.action)
            values = {"s": rule.over_s, "n": queue.rules.most_waiting}
            yield Sentence(f"conf.when.{rule.when}", values, way=way, quote=rule.action.say)


def _facts(company: Company, queue: Queue) -> Iterator[Sentence]:
    """What else holds."""
    rules = queue.rules
    if rules.evaluation == "best":
        yield Sentence("conf.fact.best")
    if queue.base_s:
        yield Sentence("conf.fact.base", {"s": queue.base_s})
    for name in ("vip", "returning", "transfer", "callback"):
        seconds = getattr(rules.boosts, f"{name}_s")
        if seconds:
            yield Sentence(f"conf.fact.{name}", {"s": seconds})
    if rules.blend:
        names = ", ".join(company.queues[each].name for each in rules.blend.inbound)
        share = f"{rules.blend.target * 100:.0f}"
        values = {"queues": names, "share": share, "s": rules.blend.within_s}
        yield Sentence("conf.fact.blend", values)
    if rules.announce_every_s:
        yield Sentence("conf.fact.announce", {"s": rules.announce_every_s})
