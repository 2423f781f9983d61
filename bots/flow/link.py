"""Joins a flow with the flows that it calls, when it is read. Pure.

1. The called flow's steps, slots and variables become the caller's, named ``FLOW/NAME``: one
   graph to check, draw and run, and one version.
2. Its ends lead back to the caller; its hand-overs stay hand-overs.
3. The caller's ``always``, its letter and its general texts hold inside too. The called
   flow's intents are understood where its own ``routes`` name them.
4. It speaks every language of the caller.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from bots.errors import BadFlow
from bots.flow import check
from bots.flow.model import (
    GLOBALS,
    AskStep,
    BranchStep,
    CallStep,
    CodeStep,
    EndStep,
    Flow,
    HandOffStep,
    Intent,
    ReturnStep,
    Slot,
    Step,
    inside,
    is_command,
)

WAYS = ("next", "otherwise", "unknown", "on_error", "wrong", "failed", "closed", "refused")
"""Fields of steps that name one step."""
BRANCHES = ("routes", "on_status", "on_end", "on_outcome")
"""Fields that name a step for each of several words."""
MAX_DEPTH = 5
"""So many flows may call each other in a chain."""


def linked(flow: Flow, called: Mapping[str, Flow]) -> Flow:
    """The flow with all that it calls. Raises ``BadFlow`` naming the calls that fail."""
    calls = [step for step in flow.steps.values() if isinstance(step, CallStep)]
    if not calls:
        return flow
    problems = [problem for step in calls for problem in _problems(flow, step, called)]
    if problems:
        raise BadFlow(tuple(problems))
    used = {step.flow: called[step.flow] for step in calls}
    for_good = {step.flow for step in calls if not step.next}
    whole = flow
    for name, other in used.items():
        whole = _joined(whole, name, other, with_intents=name in for_good)
    versions = "".join([flow.version, *(other.version for other in used.values())])
    digest = hashlib.sha256(versions.encode()).hexdigest()
    return replace(whole, version=digest[: len(flow.version)])


def _problems(flow: Flow, step: CallStep, called: Mapping[str, Flow]) -> Iterator[str]:
    other = called.get(step.flow)
    if other is None:
        near = check.near(step.flow, called)
        yield check.at(flow, step, f"no flow {step.flow!r} beside this one; {near}")
        return
    missing = sorted(set(flow.languages) - set(other.languages))
    if missing:
        yield check.at(flow, step, f"flow {step.flow!r} does not speak {missing}; add them to it")
    known = check.settable(other)
    for name in step.arguments:
        if name not in known:
            yield check.at(flow, step, f"with: {step.flow!r} has no {name!r}; {_of(name, known)}")
    for name in step.save.values():
        if name not in known:
            yield check.at(flow, step, f"save: {step.flow!r} has no {name!r}; {_of(name, known)}")
    ends = {each.reason for each in other.steps.values() if isinstance(each, EndStep)}
    for reason in step.on_end:
        if reason not in ends:
            yield check.at(
                flow, step, f"on_end: {step.flow!r} has no end {reason!r}; {_of(reason, ends)}"
            )


def _of(name: str, known: set[str]) -> str:
    return check.near(name, sorted(known))


def _joined(flow: Flow, name: str, other: Flow, *, with_intents: bool) -> Flow:
    steps = {inside(name, step.id): _moved(name, other, step) for step in other.steps.values()}
    slots = {inside(name, slot.name): _moved_slot(name, slot) for slot in other.slots.values()}
    variables = {inside(name, key): value for key, value in other.variables.items()}
    intents = {
        intent.name: _moved_intent(name, intent, keep_way=with_intents)
        for intent in other.intents.values()
        if intent.name not in flow.intents
    }
    return replace(
        flow,
        steps={**flow.steps, **steps},
        slots={**flow.slots, **slots},
        variables={**flow.variables, **variables},
        intents={**flow.intents, **intents},
        words={**other.words, **flow.words},
        starts={
            **flow.starts,
            name: inside(name, other.start),
            **{inside(name, deep): inside(name, first) for deep, first in other.starts.items()},
        },
    )


def _moved_slot(name: str, slot: Slot) -> Slot:
    return replace(slot, name=inside(name, slot.name), implies="")


def _moved_intent(name: str, intent: Intent, *, keep_way: bool) -> Intent:
    kept = keep_way and intent.go and intent.name not in GLOBALS
    return replace(intent, go=inside(name, intent.go) if kept else "")


def _ending(name: str, flow: Flow, step: Step) -> Step:
    """An end comes back (rule 2); a hand-over that no person takes stays in its own flow."""
    if isinstance(step, EndStep):
        return ReturnStep(id=step.id, line=step.line, reason=step.reason, text=step.text)
    if not isinstance(step, HandOffStep):
        return step
    own = flow.nobody.go if flow.nobody and not (step.alone or step.again) else ""
    back = step.nobody or own
    return replace(step, nobody=inside(name, back) if back in flow.steps else back)


def _moved(name: str, flow: Flow, step: Step) -> Step:
    """The step under its new name, with all that it names."""

    def to(target: str) -> str:
        return inside(name, target) if target in flow.steps else target

    step = _ending(name, flow, replace(step, id=inside(name, step.id), **_ways(step, to)))
    match step:
        case AskStep():
            return replace(
                step,
                slot=inside(name, step.slot) if step.slot else "",
                also=tuple(inside(name, slot) for slot in step.also),
                dtmf={
                    key: target if is_command(target) else to(target)
                    for key, target in step.dtmf.items()
                },
            )
        case BranchStep():
            return replace(step, cases=tuple((when, to(go)) for when, go in step.cases))
        case CallStep():
            return replace(step, flow=inside(name, step.flow))
        case CodeStep():
            return replace(step, slot=inside(name, step.slot) if step.slot else "")
    return step


def _ways(step: Step, to: Callable[[str], str]) -> dict[str, Any]:
    """Those of its fields that name one step, and those that name several by a word."""
    ways: dict[str, Any] = {
        field: to(getattr(step, field)) for field in WAYS if hasattr(step, field)
    }
    for field in BRANCHES:
        named: Mapping[Any, str] = getattr(step, field, {})
        if named:
            ways[field] = {key: to(target) for key, target in named.items()}
    return ways
