"""What follows from I/O that the flow asked for. Pure."""

from __future__ import annotations

from bots.flow import phrases, proof, questions, repairs, sensitive, shape
from bots.flow.memory import value_at
from bots.flow.model import (
    AnswerStep,
    AskStep,
    CallbackStep,
    CodeStep,
    DoStep,
    OutsideStep,
    RateStep,
    inside,
    scope_of,
)
from bots.flow.outcome import (
    CLOSED,
    PROMISED,
    TOLD,
    Answered,
    Fetched,
    Promised,
    Proven,
    Recorded,
    Transferred,
)
from bots.flow.run import Next, Run
from bots.flow.values import how, shortened


def answered(run: Run, given: Answered) -> Next:
    """What the knowledge base knows."""
    memory = run.memory
    step = run.flow.find(memory["step"])
    if given.known:
        memory["unanswered"] = 0
        short = memory["channel"] in ("voice", "sms")
        memory["answer"] = given.spoken if short else given.text
    else:
        memory["unanswered"] += 1
        asked = memory["last_utterance"] or memory["question"]
        run.tried(f"knowledge base had no answer to “{shortened(asked)}”")
    if isinstance(step, AskStep):
        return _answered_aside(run, step, given)
    if not isinstance(step, AnswerStep):
        return None
    if given.known:
        run.say_answer(step.text, given.citations)
    return step.next if given.known else step.unknown


def _answered_aside(run: Run, step: AskStep, given: Answered) -> Next:
    run.memory["mode"] = "ask"
    if not given.known:
        return repairs.repair(run, step, "no_match")
    run.say_answer(None, given.citations)
    questions.ask_shorter(run, step)
    return None


def fetched(run: Run, given: Fetched) -> Next:
    """What an action brought back, if it has the shape that is expected."""
    step = run.flow.find(run.memory["step"])
    if not isinstance(step, DoStep):
        return None
    if not step.reads:
        deeds = run.memory["deeds"]
        deeds[step.id] = deeds.get(step.id, 0) + 1
        # It has gone where it was meant for.
        run.memory |= sensitive.forgotten(run.flow, run.memory)
    if step.wrong:
        return proof.known(run, step, given)
    succeeded = 200 <= given.status < 300
    wrong = shape.misfit(step.expects or {}, given.body) if succeeded else ""
    if step.tried:
        run.tried(f"{run.fill(step.tried)}: {wrong or how(given.status)}")
    if not succeeded or wrong:
        return step.on_error if wrong else step.on_status.get(given.status, step.on_error)
    for name, path in step.save.items():
        run.memory["vars"][inside(scope_of(step.id), name)] = value_at(given.body, path)
    return step.next


def done(run: Run, given: Promised | Proven | Recorded | Transferred) -> Next:
    """What the house did for a callback, a survey or a call to a number outside."""
    step = run.flow.find(run.memory["step"])
    match step, given:
        case CallbackStep(), Promised():
            run.memory["vars"][inside(scope_of(step.id), "opens")] = given.opens
            if given.outcome == PROMISED:
                run.tried(f"promised a call to {run.fill(step.number)} at {given.at}")
                return step.next
            run.tried(f"could not promise a call: {given.outcome}")
            return step.closed if given.outcome == CLOSED and step.closed else step.refused
        case CodeStep(), Proven():
            return proof.coded(run, step, given)
        case RateStep(), Recorded():
            return step.next
        case OutsideStep(), Transferred():
            return _outside(run, step, given)
    return None


def _outside(run: Run, step: OutsideStep, given: Transferred) -> Next:
    """In writing the number is told; on a call somebody outside did not take it."""
    if given.outcome == TOLD:
        run.memory["vars"][inside(scope_of(step.id), "outside")] = given.number
        run.say(step.text or phrases.OUTSIDE)
        run.tried(f"told the number of {step.party}")
        return step.next
    # The announcement is over and done: nobody wants it repeated.
    run.memory["said"] = []
    run.tried(f"called {step.party} outside: {given.outcome}")
    return step.on_outcome.get(given.outcome, step.failed)
