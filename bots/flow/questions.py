"""A question from its first word to the value it wanted. Pure.

1. A value that is known already is not asked for; nor, once, one that an earlier conversation
   has settled (``bots.flow.returning``).
2. A value that is costly to get wrong is read back before it is used.
3. A question that was cut off is put again as it was; that is none of its own repairs.
"""

from __future__ import annotations

from bots.flow import phrases
from bots.flow.endings import give_up
from bots.flow.ladder import MAX_REPAIRS_IN_ALL, digits_of, expected
from bots.flow.model import AskStep, Slot
from bots.flow.outcome import Ask
from bots.flow.run import Next, Run
from bots.nlu.entities import Entity

MAX_TRAIL = 20


def begin(run: Run, step: AskStep) -> Next:
    """Put the question for the first time, or go on when its value is known."""
    memory = run.memory
    trail = memory.setdefault("trail", [])
    trail.append(step.id)
    del trail[:-MAX_TRAIL]
    memory["repairs"] = {"no_match": 0, "no_input": 0}
    memory["waited"] = 0
    slot = run.flow.slots.get(step.slot)
    if slot is not None and memory["slots"].get(slot.name, {}).pop("carried", False):
        if not memory["slots"][slot.name]["confirmed"]:
            confirm(run, step)
            return None
        trail.pop()
        return settle(run, step, confirmed=True)
    if slot is None or not slot.prefill or slot.name not in memory["slots"]:
        ask(run, step, run.render(step.text))
        return None
    if must_confirm(run, slot):
        confirm(run, step)
        return None
    trail.pop()
    return settle(run, step, confirmed=False)


def ask(run: Run, step: AskStep, text: str) -> None:
    """Say this and wait for what the step wants, or for a yes when a value is read back."""
    memory = run.memory
    if not run.confirming:
        memory["mode"] = "ask"
    memory["asked"] = memory["asked_heard"] = text
    language = memory["language"]
    kind, listed, keys = expected(run.flow, step, language, confirming=run.confirming)
    length = 0 if run.confirming else digits_of(run.flow.slots.get(step.slot))
    turn = "" if run.confirming else step.turn
    run.actions.append(Ask(text, kind, listed, keys, length, turn, step.id))


def ask_shorter(run: Run, step: AskStep) -> None:
    """The question after something else, in its shorter form if it has one."""
    ask(run, step, run.render(step.again or step.text))


def ask_again(run: Run, step: AskStep, kind: str) -> Next:
    """A question that was cut off, as it was (rule 3)."""
    memory = run.memory
    if memory["repairs_in_all"] >= MAX_REPAIRS_IN_ALL:
        run.actions.clear()
        return give_up(run, kind)
    memory["repairs_in_all"] += 1
    ask(run, step, memory["asked"])
    return None


def filled(run: Run, step: AskStep, entity: Entity, *, keyed: bool) -> Next:
    """The value was given; what was keyed is not read back."""
    slot = run.flow.slots[step.slot]
    run.store(slot, entity, confirmed=keyed)
    if must_confirm(run, slot):
        confirm(run, step)
        return None
    return settle(run, step, confirmed=keyed)


def must_confirm(run: Run, slot: Slot) -> bool:
    """Whether the value kept is read back first (rule 2)."""
    return slot.to_be_confirmed(run.memory["slots"][slot.name], run.memory["channel"])


def confirm(run: Run, step: AskStep) -> None:
    """Read the value back."""
    run.memory["mode"] = "confirm"
    run.memory["value"] = run.memory["slots"][step.slot]["value"]
    text = step.confirm or run.flow.confirm or phrases.CONFIRM
    ask(run, step, run.render(text))


def settle(run: Run, step: AskStep, *, confirmed: bool) -> Next:
    """The value stands; the flow goes on."""
    slot = run.flow.slots[step.slot]
    kept = run.memory["slots"][step.slot]
    kept["confirmed"] = kept["confirmed"] or confirmed
    if slot.answer:
        run.memory["answers"][slot.name] = kept["value"]
    return step.next
