"""Ways through a flow that lead nowhere or never stop."""

from __future__ import annotations

from collections.abc import Iterator

from bots.flow.graph import circles, reached, verb_of
from bots.flow.model import AskStep, BranchStep, DoStep, SetStep, Step
from bots.flow.render import names_in
from bots.flow.review.finding import Finding, Level
from bots.flow.review.subject import Subject, listed

SLOW_S = 8.0
"""Seconds of an action after which a caller thinks that the line is dead."""


def rules(subject: Subject) -> Iterator[Finding]:
    """Everything about ways."""
    yield from _dead_ends(subject)
    yield from _circles(subject)
    yield from _actions(subject)


def _dead_ends(subject: Subject) -> Iterator[Finding]:
    """Steps from which the flow itself never ends, hands over or goes anywhere else."""
    ends = [name for name, ahead in subject.ways.items() if not ahead]
    closing = reached(subject.ways_back, ends)
    lost = [name for name in subject.ways if name not in closing]
    if not lost:
        return
    if len(lost) == len(subject.ways):
        yield subject.at_step(
            lost[0],
            "never-ends",
            Level.ERROR,
            "no step of this flow ends it or hands it over",
            "add a step with 'end:' or 'handoff:' and lead to it",
        )
        return
    yield subject.at_step(
        lost[0],
        "dead-end",
        Level.WARNING,
        f"from {listed(lost)} no way leads to an end or a person",
        "lead one of them to a step with 'end:' or 'handoff:'",
    )


def _circles(subject: Subject) -> Iterator[Finding]:
    """Circles in which nobody is waited for: the customer hears the same until it is cut off."""
    steps = subject.flow.steps
    unasked = {
        name: [target for target in ahead if not _waits(subject, steps[target])]
        for name, ahead in subject.ways.items()
        if not _waits(subject, steps[name])
    }
    for group in circles(unasked):
        members = [steps[name] for name in group]
        if _counted(members) or _clears(members):
            continue
        certain = not any(isinstance(step, BranchStep | DoStep) for step in members) and all(
            verb_of(step) in ("say", "set") for step in members
        )
        yield subject.at_step(
            group[0],
            "circle",
            Level.ERROR if certain else Level.WARNING,
            f"{listed(group)} lead round in a circle that waits for nobody",
            "lead one of them out, ask in between, or count the rounds with 'set' and a 'branch'",
        )


def _waits(subject: Subject, step: Step) -> bool:
    """Whether the customer is asked in any case: a pre-filled slot is not asked for again."""
    if not isinstance(step, AskStep) or step.follows:
        return False
    slot = subject.flow.slots.get(step.slot)
    return slot is None or not slot.prefill


def _counted(members: list[Step]) -> bool:
    """Whether a branch in the circle looks at something that the circle itself changes."""
    changed: set[str] = set()
    looked_at: set[str] = set()
    for step in members:
        if isinstance(step, SetStep):
            changed |= set(step.values)
        elif isinstance(step, DoStep):
            changed |= set(step.save)
        elif isinstance(step, BranchStep):
            for when, _ in step.cases:
                looked_at |= names_in("{{ " + when + " }}")
    return bool(changed & looked_at)


def _clears(members: list[Step]) -> bool:
    """Whether the circle empties the slot that it asks for, so that it is asked again."""
    asked = {step.slot for step in members if isinstance(step, AskStep)}
    emptied = {
        name
        for step in members
        if isinstance(step, SetStep)
        for name, value in step.values.items()
        if not value
    }
    return bool(asked & emptied)


def _actions(subject: Subject) -> Iterator[Finding]:
    for step in subject.flow.steps.values():
        if not isinstance(step, DoStep):
            continue
        keys = ("steps", step.id, "do")
        if step.timeout_s > SLOW_S:
            yield subject.at(
                (*keys, "timeout_s"),
                "slow-action",
                Level.HINT,
                f"a caller may wait {step.timeout_s:g} s in this step",
                f"set timeout_s to {SLOW_S:g} or less, and let on_error go on without the answer",
            )
        if step.on_error == step.next:
            yield subject.at(
                ("steps", step.id, "on_error"),
                "failure-unnoticed",
                Level.WARNING,
                "success and failure lead to the same step",
                "lead on_error to a step that tells the customer that it did not work",
            )
        if not step.tried:
            yield subject.at_step(
                step.id,
                "untold-action",
                Level.HINT,
                "the person who takes over does not see that this was tried",
                "add 'tried: …', one line for the hand-over",
            )
