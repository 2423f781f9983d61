"""What follows from the customer's words at the open question. Pure.

What they mean is read by :mod:`bots.flow.meaning`; here it is done.
"""

from __future__ import annotations

from typing import Any

from bots.flow import choosing, matters, phrases, questions, repairs, tempers, wishes
from bots.flow.corrections import Correction
from bots.flow.meaning import (
    Aside,
    Between,
    Chosen,
    Command,
    Confirmed,
    Denied,
    Filled,
    Meaning,
    Neither,
    Partly,
    Silent,
    Skipped,
    Unclear,
    Wants,
    also,
    prefilled,
    read,
)
from bots.flow.model import AskStep
from bots.flow.outcome import NeedAnswer, Understood
from bots.flow.playout import question_heard, value_heard
from bots.flow.run import Next, Run
from bots.nlu.entities import Entity


def heard(run: Run, given: Understood) -> Next:
    """Do what the customer's words, keys or silence mean at the open question."""
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
    if isinstance(meaning, Wants | Filled | Partly | Aside | Between):
        _keep_prefilled(run, given, step, meaning)
    trend = tempers.follow(run, given)
    if not (isinstance(meaning, Command) and meaning.name in wishes.AS_BEFORE):
        memory["said"] = []
    return tempers.escalate(run, step, meaning, trend) or _act(run, step, meaning, given)


def _keep_prefilled(run: Run, given: Understood, step: AskStep, meaning: Meaning) -> None:
    answered = isinstance(meaning, Filled)
    for slot, entity in prefilled(run.flow, given):
        # The bare number that was asked for is not some other slot's as well.
        served = answered and entity.confidence < given.heard_confidence
        if slot.name != step.slot and not served:
            run.store(slot, entity, confirmed=False)
    for slot, entity in also(run.flow, step, given):
        if slot.name != step.slot:
            run.store(slot, entity, confirmed=False)


def _act(run: Run, step: AskStep, meaning: Meaning, given: Understood) -> Next:
    match meaning:
        case Command(name):
            return wishes.grant(run, step, name, given)
        case Filled(entity, keyed):
            return questions.filled(run, step, entity, keyed=keyed)
        case Partly():
            questions.ask_shorter(run, step)
        case Correction():
            return _corrected(run, step, meaning)
        case Confirmed():
            if value_heard(run.memory):
                return questions.settle(run, step, confirmed=True)
            return questions.ask_again(run, step, "no_match")
        case Denied():
            run.memory["slots"].pop(step.slot, None)
            run.memory["mode"] = "ask"
            return repairs.repair(run, step, "no_match", denied=True)
        case Unclear():
            return _unclear(run, step)
        case Skipped():
            return step.next
        case Silent():
            return _unclear(run, step) if run.choosing else repairs.silent(run, step)
        case _:
            return _matter(run, step, meaning, given)
    return None


def _matter(run: Run, step: AskStep, meaning: Meaning, given: Understood) -> Next:
    """What the customer wants, rather than the value that was asked for."""
    match meaning:
        case Wants():
            return _wants(run, step, meaning, given)
        case Between(intents):
            choosing.offer(run, step, intents, given.gist or given.text)
        case Chosen():
            return _chosen(run, step, meaning)
        case Neither():
            return _neither(run, step)
        case Aside():
            run.memory["mode"] = "aside"
            run.actions.append(NeedAnswer(given.gist or given.text))
    return None


def _unclear(run: Run, step: AskStep) -> Next:
    if run.choosing:
        return None if choosing.again(run, step) else _neither(run, step)
    if question_heard(run.memory):
        return repairs.repair(run, step, "no_match")
    run.say(run.flow.no_match[0])
    return questions.ask_again(run, step, "no_match")


def _wants(run: Run, step: AskStep, meaning: Wants, given: Understood) -> Next:
    if meaning.leaves:
        matters.park(run, step)
    if given.text:
        run.memory["question"] = given.gist or given.text
    if meaning.intent:
        matters.adopt(run, meaning.intent)
    return meaning.step


def _chosen(run: Run, step: AskStep, meaning: Chosen) -> Next:
    memory = run.memory
    memory["question"] = memory["meant"]
    if step.slot:
        matters.park(run, step)
    if meaning.both and run.flow.intents[meaning.other].go:
        matters.park_intent(run, meaning.other)
    matters.adopt(run, meaning.intent)
    way = choosing.way(run.flow, step, meaning.intent)
    if way:
        return way
    # The knowledge base serves it, in the middle of another question.
    memory["mode"] = "aside"
    run.actions.append(NeedAnswer(memory["meant"]))
    return None


def _neither(run: Run, step: AskStep) -> Next:
    """The words count as what no intent fits."""
    run.memory["question"] = run.memory["meant"]
    run.memory["mode"] = "ask"
    return step.otherwise or repairs.repair(run, step, "no_match")


def _corrected(run: Run, step: AskStep, meaning: Correction) -> Next:
    """Back to the question of the value, and on from there with what was given later."""
    memory = run.memory
    back = meaning.step
    if back is None and meaning.slot.name in memory["done"]:
        run.say(phrases.TOO_LATE)
        questions.put_again(run, step)
        return None
    memory["value"] = meaning.entity.value
    if not meaning.slot.to_be_confirmed(_unsaid(meaning.entity), memory["channel"]):
        run.say(phrases.CORRECTED)
    if back is None:
        # It came by the way and no question was asked for it.
        run.store(meaning.slot, meaning.entity, confirmed=False)
        questions.put_again(run, step)
        return None
    later = memory["path"][memory["path"].index(back.id) + 1 :]
    memory["path"] = memory["path"][: memory["path"].index(back.id) + 1]
    asked = (run.flow.steps.get(name) for name in later)
    memory["kept"] = [each.slot for each in asked if isinstance(each, AskStep) and each.slot]
    memory["step"], memory["mode"] = back.id, "ask"
    return questions.filled(run, back, meaning.entity, keyed=False)


def _unsaid(entity: Entity) -> dict[str, Any]:
    return {"value": entity.value, "confidence": entity.confidence, "confirmed": False}
