"""Runs a flow, purely: memory and what happened in, memory and what to do out.

1. Steps run until one waits: for the customer, the knowledge base or an action.
2. A question gets two repairs, each in other words, then the keys, then a person
   (``bots.flow.repairs``).
3. A value that is costly to get wrong is read back before it is used (``bots.flow.questions``).
4. A question aside is answered, then the open question is put again.
5. "Agent", ``0``, "repeat", "slower", "go back", "goodbye" and the name of a language work at
   every question (``bots.flow.wishes``).
6. After a hand-over or an end nothing is ever said again (``bots.flow.endings``), unless a
   person gives the customer back (``bots.flow.returning``).

Every room's functions change a :class:`bots.flow.run.Run` and return the step to go on with.
The memory is JSON; its keys are listed in ``bots.flow.memory.fresh``.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

from bots.flow import endings, questions, render, repairs, returning, wishes
from bots.flow.meaning import (
    Aside,
    Command,
    Confirmed,
    Denied,
    Filled,
    Meaning,
    Silent,
    Skipped,
    Unclear,
    Wants,
    prefilled,
    read,
)
from bots.flow.memory import fresh, value_at
from bots.flow.model import AnswerStep, AskStep, DoStep, Flow, Text
from bots.flow.outcome import (
    Answered,
    Context,
    Fetched,
    Given,
    NeedAnswer,
    Outcome,
    Understood,
)
from bots.flow.playout import question_heard, value_heard
from bots.flow.run import Next, Run
from bots.flow.steps import do
from bots.flow.values import how, shortened

MAX_STEPS = 100
"""Steps in one turn; more is a loop in the flow, and a person takes over."""


def start(flow: Flow, context: Context, settings: Mapping[str, Any] | None = None) -> Outcome:
    """The first turn. ``settings`` are the operator's values, over the flow's variables."""
    run = Run(flow, fresh(flow, context), settings or {})
    returning.remember(flow, run.memory, context)
    begun = _outcome(run, lambda _: returning.entry(flow, context))
    return returning.without_hello(run, begun) if returning.is_again(flow, context) else begun


def resume(
    flow: Flow, memory: Mapping[str, Any], given: Given, settings: Mapping[str, Any] | None = None
) -> Outcome:
    """The next turn, or the rest of this one after I/O. ``memory`` is left as it is."""
    run = Run(flow, copy.deepcopy(dict(memory)), settings or {})
    if run.memory["over"]:
        return Outcome(run.memory, ())
    return _outcome(run, lambda run: _take(run, given))


def give_up(
    flow: Flow, memory: Mapping[str, Any], reason: str, settings: Mapping[str, Any] | None = None
) -> Outcome:
    """The flow's way to a person for a reason outside of it, from wherever it is."""
    run = Run(flow, copy.deepcopy(dict(memory)), settings or {})
    run.memory |= {"over": "", "said": []}
    return _outcome(run, lambda run: endings.person(run, reason))


def phrase(
    flow: Flow, memory: Mapping[str, Any], text: Text, settings: Mapping[str, Any] | None = None
) -> str:
    """A text of the flow filled in from this memory; empty when its template fails."""
    try:
        return Run(flow, dict(memory), settings or {}).render(text)
    except render.TemplateError:
        return ""


def _outcome(run: Run, begin: Callable[[Run], Next]) -> Outcome:
    """Run until something waits; a template that fails brings a person, never silence."""
    try:
        _go(run, begin(run))
    except render.TemplateError as error:
        run.actions.clear()
        run.memory["tried"].append(f"flow step {run.memory['step']} failed: {error}")
        endings.broken(run, "flow-error")
    return Outcome(run.memory, tuple(run.actions))


def _go(run: Run, target: Next) -> None:
    ahead = target
    for _ in range(MAX_STEPS):
        if ahead is None:
            return
        run.memory["step"], run.memory["mode"] = ahead, "run"
        ahead = do(run, run.flow.find(ahead))
    endings.broken(run, target or "")


def _take(run: Run, given: Given) -> Next:
    match given:
        case Understood():
            return _heard(run, given)
        case Answered():
            return _answered(run, given)
        case Fetched():
            return _fetched(run, given)


def _heard(run: Run, given: Understood) -> Next:
    memory = run.memory
    step = run.flow.find(memory["step"])
    if not isinstance(step, AskStep):
        # A lost turn (the process died during I/O) begins its step again.
        return step.id
    if given.text:
        memory["last_utterance"] = given.text
        if memory["channel"] != "voice" and given.language in run.flow.languages:
            memory["language"] = given.language
    meaning = read(run.flow, step, memory, given)
    if isinstance(meaning, Wants | Filled | Aside):
        _keep_prefilled(run, given, step)
    if not (isinstance(meaning, Command) and meaning.name in wishes.AS_BEFORE):
        memory["said"] = []
    return _act(run, step, meaning, given)


def _keep_prefilled(run: Run, given: Understood, step: AskStep) -> None:
    for slot, entity in prefilled(run.flow, given):
        if slot.name != step.slot:
            run.store(slot, entity, confirmed=False)


def _act(run: Run, step: AskStep, meaning: Meaning, given: Understood) -> Next:
    match meaning:
        case Command(name):
            return wishes.grant(run, step, name, given)
        case Filled(entity, keyed):
            return questions.filled(run, step, entity, keyed=keyed)
        case Confirmed():
            if value_heard(run.memory):
                return questions.settle(run, step, confirmed=True)
            return questions.ask_again(run, step, "no_match")
        case Denied():
            run.memory["slots"].pop(step.slot, None)
            run.memory["mode"] = "ask"
            return repairs.repair(run, step, "no_match", denied=True)
        case Wants(target, intent):
            return _wants(run, target, intent, given)
        case Aside():
            run.memory["mode"] = "aside"
            run.actions.append(NeedAnswer(given.gist or given.text))
        case Unclear():
            return _unclear(run, step)
        case Skipped():
            return step.next
        case Silent():
            return repairs.silent(run, step)
    return None


def _unclear(run: Run, step: AskStep) -> Next:
    if question_heard(run.memory):
        return repairs.repair(run, step, "no_match")
    run.say(run.flow.no_match[0])
    return questions.ask_again(run, step, "no_match")


def _wants(run: Run, target: str, intent: str | None, given: Understood) -> Next:
    if given.text:
        run.memory["question"] = given.gist or given.text
    if intent:
        wishes.adopt(run, intent)
    return target


# results of I/O


def _answered(run: Run, given: Answered) -> Next:
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


def _fetched(run: Run, given: Fetched) -> Next:
    step = run.flow.find(run.memory["step"])
    if not isinstance(step, DoStep):
        return None
    if step.tried:
        run.tried(f"{run.fill(step.tried)}: {how(given.status)}")
    if not 200 <= given.status < 300:
        return step.on_status.get(given.status, step.on_error)
    for name, path in step.save.items():
        run.memory["vars"][name] = value_at(given.body, path)
    return step.next
