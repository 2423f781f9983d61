"""What an interaction needs as time passes: steps of skills and tiers that open (docs/acd.md).

1. The queue's needs are its ``skills``, replaced by each ``Step.need`` whose time has come.
2. What the interaction itself asked for is added, skill by skill at the higher level,
   until a step waives it.
3. Tier 1 is open from the beginning, higher ones from their ``TierOpening`` on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from router.company import Queue
from router.rules import ALL_SKILLS

Needs = tuple[tuple[str, int], ...]
"""Skills with the least proficiency 1..5, sorted by name: what makes agents interchangeable."""

FIRST_TIER = 1


@dataclass(frozen=True, slots=True)
class Stage:
    """What holds from ``after_s`` of waiting on: the needs, and the highest tier open."""

    after_s: int
    needs: Needs
    tier: int


def needs_of(levels: Mapping[str, int]) -> Needs:
    """The hashable form. Level 0 asks for nothing."""
    if not levels:
        return ()
    return tuple(sorted((name, level) for name, level in levels.items() if level > 0))


def meets(skills: Mapping[str, int], needs: Needs) -> bool:
    """Whether these proficiencies are enough."""
    return all(skills.get(name, 0) >= level for name, level in needs)


def score(skills: Mapping[str, int], needs: Needs) -> int:
    """The sum of the proficiencies that the needs name (``Evaluation.BEST``)."""
    return sum(skills.get(name, 0) for name, _ in needs)


def needs_at(queue: Queue, asked: Mapping[str, int], waited_s: float) -> Needs:
    """The needs in that queue after so much waiting (rules 1 and 2)."""
    need, left = queue.skills, dict(asked)
    for step in sorted(queue.rules.steps, key=lambda step: step.after_s):
        if step.after_s > waited_s:
            break
        if step.need is not None:
            need = step.need
        waived = set(left) if ALL_SKILLS in step.waive else step.waive
        for name in waived:
            left.pop(name, None)
    together = dict(need)
    for name, level in left.items():
        together[name] = max(level, together.get(name, 0))
    return needs_of(together)


def tier_at(queue: Queue, waited_s: float) -> int:
    """The highest tier that is open by time (rule 3)."""
    opened = (each.tier for each in queue.rules.tiers if each.after_s <= waited_s)
    return max(opened, default=FIRST_TIER)


def stages(queue: Queue, asked: Mapping[str, int]) -> tuple[Stage, ...]:
    """All that will hold, in order of time. The first begins at 0; each differs from the last."""
    rules = queue.rules
    times = {0, *(step.after_s for step in rules.steps), *(each.after_s for each in rules.tiers)}
    made: list[Stage] = []
    for after_s in sorted(time for time in times if time >= 0):
        stage = Stage(after_s, needs_at(queue, asked, after_s), tier_at(queue, after_s))
        if not made or (stage.needs, stage.tier) != (made[-1].needs, made[-1].tier):
            made.append(stage)
    return tuple(made)


def stage_at(stages: tuple[Stage, ...], joined_at: float, now: float) -> int:
    """The index of the stage that holds at ``now`` (both in seconds since the epoch).

    Compares points in time and not durations: a timer set for ``joined_at + after_s``
    must find its stage begun, whatever floats make of the difference.
    """
    index = len(stages) - 1
    while index > 0 and joined_at + stages[index].after_s > now:
        index -= 1
    return index
