"""Does one step of a flow. Pure; what needs I/O becomes an action to wait for."""

from __future__ import annotations

from bots.flow import render
from bots.flow.endings import end, hand_off
from bots.flow.model import (
    AnswerStep,
    AskStep,
    BranchStep,
    DoStep,
    EndStep,
    HandOffStep,
    SayStep,
    SetStep,
    Step,
)
from bots.flow.outcome import NeedAnswer, NeedHttp
from bots.flow.questions import begin
from bots.flow.run import Next, Run
from bots.flow.values import request_of
from bots.nlu.entities import Entity

READING = ("GET", "HEAD")
"""Actions behind which a customer may go back."""


def do(run: Run, step: Step) -> Next:
    """The step to go on with; None when this one waits or ends."""
    match step:
        case SayStep():
            run.say(step.text)
            return step.next
        case SetStep():
            _set(run, step)
            return step.next
        case BranchStep():
            values = run.values()
            hits = (go for when, go in step.cases if render.truth(when, values))
            return next(hits, step.otherwise)
        case AskStep():
            return begin(run, step)
        case AnswerStep():
            run.memory["mode"] = "answer"
            run.actions.append(NeedAnswer(run.fill(step.question)))
        case DoStep():
            run.memory["mode"] = "http"
            run.actions.append(_request(run, step))
        case HandOffStep():
            hand_off(run, step)
        case EndStep():
            end(run, step)
    return None


def _set(run: Run, step: SetStep) -> None:
    memory = run.memory
    for name, template in step.values.items():
        value = run.fill(template)
        if name == "language":
            memory[name] = value if value in run.flow.languages else memory[name]
        elif name in ("queue", "intent"):
            memory[name] = value or None if name == "intent" else value
        elif name not in run.flow.slots:
            memory["vars"][name] = value
        elif value:
            run.store(run.flow.slots[name], Entity(value), confirmed=False)
        else:
            memory["slots"].pop(name, None)


def _request(run: Run, step: DoStep) -> NeedHttp:
    if step.method not in READING:
        run.memory["trail"] = []
    return request_of(step, run.values())
