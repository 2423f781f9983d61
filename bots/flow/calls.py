"""Into a called flow and back. Pure.

1. What the called flow asks begins anew each time; what it may take from any sentence
   (``prefill``) stays.
2. Its results go to the caller's names when it ends; a slot keeps how sure it is.
3. Who leaves it for another matter has left it: its caller does not wait for it.
"""

from __future__ import annotations

from bots.flow.endings import end
from bots.flow.model import (
    INSIDE,
    CallStep,
    EndStep,
    ReturnStep,
    inside,
    scope_of,
)
from bots.flow.run import Next, Run
from bots.nlu.entities import Entity


def enter(run: Run, step: CallStep) -> Next:
    """Begin the called flow with its arguments."""
    scope = inside(scope_of(step.id), _short(step.flow))
    given = {name: run.fill(template) for name, template in step.arguments.items()}
    _clear(run, scope)
    run.memory["calls"].append(step.id)
    for name, value in given.items():
        _put(run, inside(scope, name), value)
    return run.flow.starts[step.flow]


def leave(run: Run, step: ReturnStep) -> Next:
    """Say its text and go back, by the reason of this end."""
    calls = run.memory["calls"]
    caller = run.flow.steps.get(calls.pop()) if calls else None
    if not isinstance(caller, CallStep) or not caller.next:
        # It was gone over to for good.
        end(run, EndStep(id=step.id, reason=step.reason, text=step.text))
        return None
    if step.text:
        run.say(step.text)
    for ours, theirs in caller.save.items():
        _take(run, inside(scope_of(caller.id), ours), inside(scope_of(step.id), theirs))
    return caller.on_end.get(step.reason, caller.next)


def left(run: Run, target: str) -> None:
    """The flow goes on at ``target``: whatever called flow that is not in is over (rule 3)."""
    calls = run.memory["calls"]
    scope = scope_of(target)
    kept = []
    for name in calls:
        step = run.flow.steps.get(name)
        entered = inside(scope_of(name), _short(step.flow)) if isinstance(step, CallStep) else ""
        if not entered or not (scope + INSIDE).startswith(entered + INSIDE):
            break
        kept.append(name)
    run.memory["calls"] = kept


def _short(flow: str) -> str:
    return flow.rpartition(INSIDE)[2]


def _clear(run: Run, scope: str) -> None:
    memory, whole = run.memory, scope + INSIDE
    for name in [name for name in memory["slots"] if name.startswith(whole)]:
        if not run.flow.slots[name].prefill:
            run.forget(name)
    for name in [name for name in memory["vars"] if name.startswith(whole)]:
        del memory["vars"][name]


def _put(run: Run, name: str, value: str) -> None:
    slot = run.flow.slots.get(name)
    if slot is None:
        run.memory["vars"][name] = value
    elif value:
        # The caller knows it: it is neither asked for nor read back again.
        run.store(slot, Entity(value), confirmed=True)
        run.memory["slots"][name]["given"] = True


def _take(run: Run, ours: str, theirs: str) -> None:
    kept = run.memory["slots"].get(theirs)
    if kept is not None and ours in run.flow.slots:
        run.memory["slots"][ours] = dict(kept)
        return
    value = kept["value"] if kept else run.memory["vars"].get(theirs, "")
    if ours in run.flow.slots:
        _put(run, ours, str(value))
    else:
        run.memory["vars"][ours] = value
