"""A company's configuration as a whole: what refers to nothing, and what can never happen.

Problems refuse it: a rule that can never match hides what the administrator meant.
Warnings are only odd. Each check is a function over one queue, one person or the whole.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from router.company import Company, Queue
from router.configuration.section import suggestion
from router.errors import Flaw
from router.hours import ALL_DAY, DAYS, Shift, clashes, serialize_shift
from router.model import Agent, Channel, Role
from router.rules import (
    ALL_SKILLS,
    DEFAULT_MEMBERSHIP,
    Evaluation,
    Overflow,
    Strategy,
    Way,
    When,
)

ENDS = frozenset({Way.BOT, Way.END})
"""Ways that surely end the wait; a number may not answer, and ``queue`` lets it wait in both."""
ENDS_CALLS = ENDS | {Way.VOICEMAIL}
CALL_ONLY = frozenset({Way.NUMBER, Way.VOICEMAIL, Way.CALLBACK})
TIMED = frozenset({When.WAITED, When.ESTIMATE})
LIVE = (Channel.VOICE, Channel.CHAT, Channel.SMS)

Unsure = Callable[..., bool]


@dataclass(frozen=True, slots=True)
class Wish:
    """A flow asks for a skill when it gives a customer to a queue."""

    queue: str
    skill: str
    level: int


@dataclass(frozen=True, slots=True)
class Named:
    """What a flow names of the company, as far as its text says."""

    queues: Collection[str] = ()
    wishes: Collection[Wish] = ()


Flows = Mapping[str, Named]


@dataclass(frozen=True, slots=True)
class Findings:
    """What is wrong, and what is only odd."""

    problems: tuple[Flaw, ...]
    warnings: tuple[Flaw, ...]


@dataclass(frozen=True, slots=True)
class _Look:
    """One queue with what the checks need.

    ``longest_s``: after that everybody has left it; ``longest_call_s``: every call has.
    """

    company: Company
    queue: Queue
    place: str
    members: tuple[Agent, ...]
    longest_s: int | None
    longest_call_s: int | None

    @property
    def usual(self) -> list[Agent]:
        """The members who take anybody, not only priority customers."""
        return [agent for agent in self.members if not agent.membership(self.queue.id).vip_only]


Check = Callable[[_Look], Iterator[Flaw]]


def check_company(
    company: Company, flows: Flows | None, unsure: Unsure = lambda *_: False
) -> Findings:
    """All findings. ``flows`` are the bots' flows with what they name (None: not known).

    ``unsure`` says whether a place could not be read: nothing follows from it.
    """
    problems: list[Flaw] = []
    warnings: list[Flaw] = []
    for index, queue in enumerate(company.queues.values()):
        look = _look(company, queue, f"queues[{index}]")
        for check, parts in QUEUE_PROBLEMS:
            if not unsure(*_places(look.place, parts)):
                problems.extend(check(look))
        for check, parts in QUEUE_WARNINGS:
            if not unsure(*_places(look.place, parts)):
                warnings.extend(check(look))
    problems.extend(_circles(company))
    problems.extend(_default_never_opens(company, unsure))
    if not unsure("people", "entry"):
        problems.extend(_without_capacity(company))
    if flows is not None:
        problems.extend(_unknown_flows(company, flows))
        warnings.extend(_unknown_queues(company, flows))
    if not unsure("people", "queues"):
        warnings.extend(_unasked_members(company))
        if flows is not None:
            warnings.extend(_unmet_wishes(company, flows))
            warnings.extend(_mistyped_skills(company, flows))
    if not unsure("people"):
        warnings.extend(_without_administrator(company))
    return Findings(tuple(problems), tuple(warnings))


def _look(company: Company, queue: Queue, place: str) -> _Look:
    members = company.members(queue.id)
    return _Look(company, queue, place, members, _longest(queue, ENDS), _longest(queue, ENDS_CALLS))


def _longest(queue: Queue, ways: Collection[Way]) -> int | None:
    """Seconds after which one of the ways has ended the wait."""
    rules = [rule for rule in queue.rules.overflow if rule.when is When.WAITED]
    return min((rule.over_s for rule in rules if rule.action.way in ways), default=None)


def _places(place: str, parts: Sequence[str]) -> list[str]:
    """``people`` stands at the top, everything else below the queue."""
    return [part if part == "people" else f"{place}.{part}" for part in parts]


# -- needs -----------------------------------------------------------------------------


def _needs(look: _Look) -> Iterator[tuple[str, Mapping[str, int]]]:
    """Places and needs of the start and of every step that changes them, in order."""
    yield f"{look.place}.skills", look.queue.skills
    for index, step in enumerate(look.queue.rules.steps):
        if step.need is not None:
            yield f"{look.place}.steps[{index}].need", step.need


def _unmet_at_last(look: _Look) -> Iterator[Flaw]:
    if look.members:
        *_, (place, need) = _needs(look)
        yield from _unmet(look, place, need)


def _unmet_before(look: _Look) -> Iterator[Flaw]:
    if look.members:
        *early, _ = _needs(look)
        for place, need in early:
            for flaw in _unmet(look, place, need):
                yield Flaw(flaw.place, f"{flaw.problem}; everybody waits for the next step")


def _unmet(look: _Look, place: str, need: Mapping[str, int]) -> Iterator[Flaw]:
    staff = look.usual or look.members
    alone = False
    for skill, level in need.items():
        best = max((agent.skills.get(skill, 0) for agent in staff), default=0)
        if best < level:
            alone = True
            yield Flaw(
                f"{place}.{skill}", f"no agent of {look.queue.id!r} can meet {level}: {_has(best)}"
            )
    if not alone and not any(_meets(agent, need) for agent in staff):
        yield Flaw(place, f"no agent of {look.queue.id!r} can meet all of it together")


def _has(best: int) -> str:
    return f"the best has {best}" if best else "nobody has it"


def _meets(agent: Agent, need: Mapping[str, int]) -> bool:
    return all(agent.skills.get(skill, 0) >= level for skill, level in need.items())


def _steps(look: _Look) -> Iterator[Flaw]:
    before = 0
    for index, step in enumerate(look.queue.rules.steps):
        place = f"{look.place}.steps[{index}]"
        if step.need is None and not step.waive:
            yield Flaw(place, "changes nothing: say what it needs or what it waives")
        if step.after_s == 0 and step.need is not None:
            yield Flaw(f"{place}.after_s", "what is needed from the start stands in `skills`")
        elif step.after_s < before or (index and step.after_s == before):
            yield Flaw(f"{place}.after_s", _not_later(step.after_s, before))
        yield from _too_late(look.longest_s, f"{place}.after_s", step.after_s)
        before = max(before, step.after_s)


def _not_later(found: int, before: int) -> str:
    return f"expected more than the {before} s before it, found {found}"


def _too_late(
    longest_s: int | None, place: str, after_s: int, what: str = "never comes"
) -> Iterator[Flaw]:
    """Something that would begin when everybody has left the queue."""
    if longest_s is not None and after_s >= longest_s:
        yield Flaw(place, f"{what}: an overflow rule ends the wait after {longest_s} s")


# -- tiers, last agent, callback, blending ---------------------------------------------


def _tiers(look: _Look) -> Iterator[Flaw]:
    held = {agent.membership(look.queue.id).tier for agent in look.members}
    before: tuple[int, int] | None = None
    for index, opening in enumerate(look.queue.rules.tiers):
        place = f"{look.place}.tiers[{index}]"
        if opening.tier == 1:
            yield Flaw(f"{place}.tier", "tier 1 is open from the start")
        elif opening.tier not in held:
            yield Flaw(f"{place}.tier", f"no agent of {look.queue.id!r} has tier {opening.tier}")
        if before is not None and opening.tier <= before[0]:
            yield Flaw(f"{place}.tier", f"expected more than tier {before[0]} before it")
        if before is not None and opening.after_s < before[1]:
            yield Flaw(f"{place}.after_s", f"opens before tier {before[0]}, which is asked first")
        yield from _too_late(look.longest_s, f"{place}.after_s", opening.after_s)
        before = (opening.tier, opening.after_s)


def _odd_tiers(look: _Look) -> Iterator[Flaw]:
    held = {agent.membership(look.queue.id).tier for agent in look.members}
    if not held:
        return
    opened = {1} | {opening.tier for opening in look.queue.rules.tiers}
    for tier in range(1, max(held)):
        if tier not in held:
            yield Flaw(f"{look.place}.tiers", f"nobody has tier {tier}")
    for tier in sorted(held - opened):
        yield Flaw(
            f"{look.place}.tiers",
            f"tier {tier} opens only while nobody of a lower tier is signed in; "
            f"{{tier: {tier}, after_s: …}} opens it by time",
        )


def _preferences(look: _Look) -> Iterator[Flaw]:
    rules, longest_s = look.queue.rules, look.longest_call_s
    alone = "nobody else would ever be asked to take a call"
    if rules.last_agent is not None:
        place = f"{look.place}.last_agent.wait_s"
        yield from _too_late(longest_s, place, rules.last_agent.wait_s, alone)
    if rules.dedicated_wait_s:
        place = f"{look.place}.dedicated_wait_s"
        yield from _too_late(longest_s, place, rules.dedicated_wait_s, alone)
    if rules.callback is not None:
        place = f"{look.place}.callback.offer_after_s"
        yield from _too_late(longest_s, place, rules.callback.offer_after_s, "never offered")


def _blending(look: _Look) -> Iterator[Flaw]:
    blend = look.queue.rules.blend
    if blend is None:
        return
    place = f"{look.place}.blend.inbound"
    if not blend.inbound:
        yield Flaw(place, "expected at least one queue whose customers go first")
    for index, queue_id in enumerate(blend.inbound):
        other = look.company.queues.get(queue_id)
        if queue_id == look.queue.id:
            yield Flaw(f"{place}[{index}]", f"{queue_id!r} would wait for itself")
        elif other and other.rules.blend and look.queue.id in other.rules.blend.inbound:
            yield Flaw(f"{place}[{index}]", f"{queue_id!r} waits for {look.queue.id!r} in turn")


# -- overflow --------------------------------------------------------------------------


def _overflow(look: _Look) -> Iterator[Flaw]:
    rules = look.queue.rules.overflow
    for index, rule in enumerate(rules):
        place = f"{look.place}.overflow[{index}]"
        yield from _condition(look, place, rule)
        if rule.action.way is Way.QUEUE and rule.action.target == look.queue.id:
            yield Flaw(f"{place}.to.queue", f"{look.queue.id!r} would overflow to itself")
        before = next((n for n, other in enumerate(rules) if _hides(other, n, rule, index)), None)
        if before is not None:
            yield Flaw(place, f"never comes: overflow[{before}] always comes first")


def _condition(look: _Look, place: str, rule: Overflow) -> Iterator[Flaw]:
    """Whether it can be met at all."""
    hours = look.queue.hours
    if rule.when in TIMED and rule.over_s == 0:
        yield Flaw(f"{place}.over_s", f"expected the seconds that `{rule.when}` compares with")
    if rule.when not in TIMED and rule.over_s:
        yield Flaw(f"{place}.over_s", f"means nothing for `{rule.when}`")
    if rule.when is When.FULL and look.queue.rules.most_waiting is None:
        yield Flaw(f"{place}.when", "never comes: `most_waiting` says when the queue is full")
    if rule.when is When.CLOSED and not (hours.weekly or hours.holidays or hours.openings):
        yield Flaw(f"{place}.when", f"never comes: {look.queue.id!r} is always open")


def _hides(other: Overflow, at: int, rule: Overflow, index: int) -> bool:
    """Whether ``other`` always fires before ``rule`` and leaves nothing for it to do."""
    if at == index or other.when is not rule.when or other.over_s > rule.over_s:
        return False
    if other.over_s == rule.over_s and at > index:
        return False
    way = other.action.way
    if (way, other.action.target) == (rule.action.way, rule.action.target):
        return True
    if way is Way.VOICEMAIL and rule.action.way in CALL_ONLY:
        return True
    return way in ENDS or (way is Way.QUEUE and other.when is When.CLOSED)


def _circles(company: Company) -> Iterator[Flaw]:
    """Overflow from queue to queue that comes back to where it began; each circle once."""
    places = {queue: f"queues[{index}]" for index, queue in enumerate(company.queues)}
    edges = {
        queue.id: [
            (rule.action.target, f"{places[queue.id]}.overflow[{index}].to.queue")
            for index, rule in enumerate(queue.rules.overflow)
            if rule.action.way is Way.QUEUE and rule.action.target in company.queues
        ]
        for queue in company.queues.values()
    }
    seen: set[frozenset[str]] = set()
    for start in company.queues:
        path, place = _way_back(start, edges)
        if path and frozenset(path) not in seen:
            seen.add(frozenset(path))
            yield Flaw(place, f"goes round in a circle: {' → '.join([*path, start])}")


def _way_back(start: str, edges: Mapping[str, list[tuple[str, str]]]) -> tuple[list[str], str]:
    """The shortest path of more than one queue that ends where it starts, and its last place."""
    paths = deque([[start]])
    reached = {start}
    while paths:
        path = paths.popleft()
        for target, place in edges[path[-1]]:
            if target == start and len(path) > 1:
                return path, place
            if target not in reached:
                reached.add(target)
                paths.append([*path, target])
    return [], ""


# -- hours -----------------------------------------------------------------------------


def _hours(look: _Look) -> Iterator[Flaw]:
    hours = look.queue.hours
    place = f"{look.place}.hours"
    for number, day in enumerate(DAYS):
        weekly = hours.weekly or {}
        following = weekly.get(DAYS[(number + 1) % 7], ())
        yield from _overlaps(f"{place}.weekly.{day}", weekly.get(day, ()), following)
    for date_, shifts in hours.openings.items():
        yield from _overlaps(f"{place}.openings.{date_}", shifts, ())


def _overlaps(place: str, shifts: Sequence[Shift], following: Sequence[Shift]) -> Iterator[Flaw]:
    for one, other in clashes(shifts, following):
        if one == other:
            yield Flaw(place, f"{serialize_shift(one)} stands here twice")
        else:
            yield Flaw(place, f"{serialize_shift(one)} and {serialize_shift(other)} overlap")


def _never_open(look: _Look) -> Iterator[Flaw]:
    """Allowed: so one parks a queue. The default one must open (``_default_never_opens``)."""
    if look.queue.id != look.company.default_queue and not _opens(look.queue):
        yield Flaw(f"{look.place}.hours", f"{look.queue.id!r} never opens")


def _default_never_opens(company: Company, unsure: Unsure) -> Iterator[Flaw]:
    for index, queue in enumerate(company.queues.values()):
        place = f"queues[{index}].hours"
        if queue.id == company.default_queue and not unsure(place) and not _opens(queue):
            yield Flaw(
                place,
                f"{queue.id!r} never opens, and what comes for a closed queue falls back to it: "
                "leave `weekly` out to have it always open",
            )


def _opens(queue: Queue) -> bool:
    hours = queue.hours
    return any([*(hours.weekly or {"": ALL_DAY}).values(), *hours.openings.values()])


# -- what is only odd ------------------------------------------------------------------


def _staff(look: _Look) -> Iterator[Flaw]:
    if not look.members:
        yield Flaw(look.place, f"nobody works in {look.queue.id!r}")
    elif not look.usual:
        yield Flaw(look.place, f"everybody in {look.queue.id!r} is there for VIPs only")


def _idle_settings(look: _Look) -> Iterator[Flaw]:
    rules, queue_id = look.queue.rules, look.queue.id
    standing = [agent.membership(queue_id) for agent in look.members]
    if rules.strategy is not Strategy.WEIGHTED and any(
        each.weight != DEFAULT_MEMBERSHIP.weight for each in standing
    ):
        yield Flaw(f"{look.place}.strategy", f"weights mean nothing for {rules.strategy}")
    if rules.strategy is not Strategy.TOP_DOWN and any(
        each.order != DEFAULT_MEMBERSHIP.order for each in standing
    ):
        yield Flaw(f"{look.place}.strategy", f"the order means nothing for {rules.strategy}")
    if rules.strategy is Strategy.WEIGHTED and _all_the_same([each.weight for each in standing]):
        yield Flaw(f"{look.place}.strategy", "all weights are the same: that is `random`")
    if rules.strategy is Strategy.TOP_DOWN and _all_the_same([each.order for each in standing]):
        yield Flaw(f"{look.place}.strategy", "`top-down` without an order: give each member one")
    if rules.evaluation is Evaluation.BEST and not look.queue.skills:
        yield Flaw(f"{look.place}.evaluation", "`best` has no skills to compare")


def _all_the_same(values: Sequence[int]) -> bool:
    return len(values) > 1 and len(set(values)) == 1


def _no_way_out(look: _Look) -> Iterator[Flaw]:
    rules = look.queue.rules
    if rules.most_waiting is not None and all(r.when is not When.FULL for r in rules.overflow):
        yield Flaw(
            f"{look.place}.most_waiting",
            "no overflow rule for `full`: a call too many is ended, written work waits",
        )


def _long_rings(look: _Look) -> Iterator[Flaw]:
    for channel in LIVE:
        longest_s = look.longest_call_s if channel is Channel.VOICE else look.longest_s
        rings_s = look.queue.offer_s[channel]
        if longest_s is not None and rings_s >= longest_s:
            yield Flaw(
                f"{look.place}.offer_s.{channel}",
                f"one ring of {rings_s} s takes the whole wait of {longest_s} s",
            )


# -- the whole -------------------------------------------------------------------------


def _without_capacity(company: Company) -> Iterator[Flaw]:
    channels = sorted(company.entry) or list(Channel)
    for index, person in enumerate(company.people):
        agent = person.agent
        if agent and agent.queues and not any(agent.capacity.get(each, 0) for each in channels):
            yield Flaw(
                f"people[{index}].capacity",
                f"{agent.id!r} can take nothing: expected more than 0 for one of "
                f"{', '.join(channels)}",
            )


def _unknown_queues(company: Company, flows: Flows) -> Iterator[Flaw]:
    for flow, named in sorted(flows.items()):
        for queue_id in sorted(set(named.queues) - set(company.queues)):
            yield Flaw("queues", f"the flow {flow!r} gives customers to {queue_id!r}: not there")


def _unmet_wishes(company: Company, flows: Flows) -> Iterator[Flaw]:
    """Skills that a flow asks for where nobody has them. Flows are not ours to refuse."""
    places = {queue: f"queues[{index}]" for index, queue in enumerate(company.queues)}
    known = {skill for person in company.people if person.agent for skill in person.agent.skills}
    for flow, named in sorted(flows.items()):
        for wish in sorted(named.wishes, key=lambda each: (each.queue, each.skill)):
            queue, members = company.queues.get(wish.queue), company.members(wish.queue)
            if queue is None or not members:
                continue
            best = max(agent.skills.get(wish.skill, 0) for agent in members)
            if best < wish.level:
                near = "" if wish.skill in known else suggestion(wish.skill, known)
                yield Flaw(
                    places[queue.id],
                    f"the flow {flow!r} asks for {wish.skill} ≥ {wish.level}, and "
                    f"{_has(best)} in {queue.id!r}{near}: {_until(queue, wish.skill)}",
                )


def _until(queue: Queue, skill: str) -> str:
    waives = [step.after_s for step in queue.rules.steps if step.waive & {skill, ALL_SKILLS}]
    if waives:
        return f"such customers wait {min(waives)} s for the step that waives it"
    return f"such customers wait for ever; a step with `waive: [{skill}]` lets others take them"


def _unasked_members(company: Company) -> Iterator[Flaw]:
    """Members who can take nothing of a queue at any time, though others can."""
    for index, person in enumerate(company.people):
        agent = person.agent
        for place, queue_id in enumerate(agent.queues if agent else ()):
            queue = company.queues.get(queue_id)
            if agent is None or queue is None:
                continue
            needs = [queue.skills, *(s.need for s in queue.rules.steps if s.need is not None)]
            others = (other for other in company.members(queue_id) if other.id != agent.id)
            if any(_meets(agent, need) for need in needs) or not any(
                _meets(other, need) for other in others for need in needs
            ):
                continue
            yield Flaw(
                f"people[{index}].queues[{place}]",
                f"{agent.id!r} is never offered anything of {queue_id!r}: it needs "
                f"{_told(min(needs, key=lambda need: _lacking(agent, need)))} at the least",
            )


def _lacking(agent: Agent, need: Mapping[str, int]) -> int:
    return sum(max(0, level - agent.skills.get(skill, 0)) for skill, level in need.items())


def _told(need: Mapping[str, int]) -> str:
    return " and ".join(f"{skill} ≥ {level}" for skill, level in sorted(need.items()))


def _mistyped_skills(company: Company, flows: Flows) -> Iterator[Flaw]:
    """Skills that nobody asks for and that look like one that is asked for."""
    asked = {wish.skill for named in flows.values() for wish in named.wishes}
    for queue in company.queues.values():
        asked |= {*queue.skills}.union(*(step.need or () for step in queue.rules.steps))
    for index, person in enumerate(company.people):
        for skill in person.agent.skills if person.agent else ():
            near = "" if skill in asked else suggestion(skill, asked)
            if near:
                yield Flaw(f"people[{index}].skills.{skill}", f"nobody asks for it{near}")


def _unknown_flows(company: Company, flows: Flows) -> Iterator[Flaw]:
    named = [(f"entry.{channel}", flow) for channel, flow in company.entry.items()]
    for number, queue in enumerate(company.queues.values()):
        named += [
            (f"queues[{number}].overflow[{index}].to.bot", rule.action.target)
            for index, rule in enumerate(queue.rules.overflow)
            if rule.action.way is Way.BOT
        ]
    for place, flow in named:
        if flow not in flows:
            known = ", ".join(sorted(flows)) or "none"
            yield Flaw(place, f"expected a flow ({known}), found {flow!r}")


def _without_administrator(company: Company) -> Iterator[Flaw]:
    if not any(person.role is Role.ADMIN for person in company.people):
        yield Flaw("people", "there is no administrator; nobody can change this in the browser")


QUEUE_PROBLEMS: tuple[tuple[Check, tuple[str, ...]], ...] = (
    (_unmet_at_last, ("skills", "steps", "people")),
    (_steps, ("steps", "overflow")),
    (_tiers, ("tiers", "overflow", "people")),
    (_preferences, ("last_agent", "dedicated_wait_s", "callback", "overflow")),
    (_blending, ("blend",)),
    (_overflow, ("overflow", "most_waiting", "hours")),
    (_hours, ("hours.weekly", "hours.openings")),
)
"""Each check with the places that it draws from."""
QUEUE_WARNINGS: tuple[tuple[Check, tuple[str, ...]], ...] = (
    (_staff, ("people",)),
    (_unmet_before, ("skills", "steps", "people")),
    (_odd_tiers, ("tiers", "people")),
    (_idle_settings, ("strategy", "evaluation", "skills", "people")),
    (_long_rings, ("offer_s", "overflow")),
    (_never_open, ("hours",)),
    (_no_way_out, ("most_waiting", "overflow")),
)
