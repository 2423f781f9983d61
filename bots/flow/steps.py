"""Does one step of a flow. Pure; what needs I/O becomes an action to wait for."""

from __future__ import annotations

from bots.flow import calls, phrases, proof, render
from bots.flow.endings import end, hand_off, person
from bots.flow.model import (
    AnswerStep,
    AskStep,
    BranchStep,
    CallbackStep,
    CallStep,
    CodeStep,
    DoStep,
    EndStep,
    HandOffStep,
    OutsideStep,
    RateStep,
    ReturnStep,
    SayStep,
    SetStep,
    Step,
    inside,
    scope_of,
)
from bots.flow.outcome import NeedAnswer, NeedCallback, NeedHttp, NeedScore, PutThrough
from bots.flow.questions import begin
from bots.flow.run import Next, Run
from bots.flow.values import request_of
from bots.nlu.entities import Entity

MOST_RINGS = 3
"""So often one step may call somebody outside in one conversation; then a person takes over."""


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
        case CallStep():
            return calls.enter(run, step)
        case ReturnStep():
            return calls.leave(run, step)
        case HandOffStep():
            hand_off(run, step)
        case EndStep():
            end(run, step)
        case _:
            return _io(run, step)
    return None


def _io(run: Run, step: Step) -> Next:
    """What needs somebody else; ``mode`` tells for what the flow waits."""
    match step:
        case AnswerStep():
            run.memory["mode"] = "answer"
            run.actions.append(NeedAnswer(run.fill(step.question)))
        case CodeStep():
            proof.ask_code(run, step)
        case DoStep() if step.needs > proof.level_of(run):
            return proof.refused(run, step)
        case DoStep():
            run.memory["mode"] = "http"
            run.actions.append(_request(run, step))
        case CallbackStep():
            run.memory["mode"] = "deed"
            number, at, queue = run.fill(step.number), run.fill(step.at), run.fill(step.queue)
            run.actions.append(NeedCallback(number, at, queue or run.memory["queue"]))
        case OutsideStep():
            deeds = run.memory["deeds"]
            deeds[step.id] = deeds.get(step.id, 0) + 1
            if deeds[step.id] > MOST_RINGS:
                return person(run, "nobody-outside")
            run.memory["mode"] = "deed"
            if run.memory["channel"] == "voice":
                # In writing the text has the number, which is not known yet.
                run.say(step.text or phrases.OUTSIDE)
            run.actions.append(PutThrough(step.party, step.ring_s))
        case RateStep():
            score = run.fill(step.score)
            if not score:
                return step.next
            run.memory["mode"] = "deed"
            run.actions.append(NeedScore(int(score)))
    return None


def _set(run: Run, step: SetStep) -> None:
    memory, scope = run.memory, scope_of(step.id)
    for name, template in step.values.items():
        value = run.fill(template)
        if name == "language":
            memory[name] = value if value in run.flow.languages else memory[name]
        elif name in ("queue", "intent"):
            memory[name] = value or None if name == "intent" else value
        else:
            put(run, inside(scope, name), value)


def put(run: Run, name: str, value: str) -> None:
    """Give a slot or a variable a value; an empty one clears a slot."""
    if name not in run.flow.slots:
        run.memory["vars"][name] = value
    elif value:
        run.store(run.flow.slots[name], Entity(value), confirmed=False)
    else:
        run.memory["slots"].pop(name, None)


def _request(run: Run, step: DoStep) -> NeedHttp:
    if step.reads:
        return request_of(step, run.values(), "")
    # Nobody goes back behind it, and no correction reaches what led to it.
    run.memory |= {"trail": [], "path": [], "done": list(run.memory["slots"])}
    done = run.memory["deeds"].get(step.id, 0)
    key = f"{run.memory.get('interaction_id', '')}:{step.id}:{done}"
    return request_of(step, run.values(), key)
