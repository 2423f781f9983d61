"""A question from its first word to the value it wanted. Pure.

1. A value that is known already is not asked for; nor, once, one that an earlier conversation
   has settled (``bots.flow.returning``).
2. A value that does not pass its checks is refused with the reason, and asked for again.
3. A value that is costly to get wrong is read back before it is used.
4. A question that was cut off is put again as it was; that is none of its own repairs.
5. Consent to what cannot be undone is a clear yes to the whole question, each time anew.
"""

from __future__ import annotations

from bots.flow import choosing, matters, phrases, render, sensitive
from bots.flow.counters import spend, spend_in_all
from bots.flow.endings import give_up
from bots.flow.ladder import MAX_REPAIRS, digits_of, expected
from bots.flow.model import SURE_ENOUGH, AskStep, Check, Slot
from bots.flow.outcome import Ask
from bots.flow.playout import question_heard
from bots.flow.run import Next, Run
from bots.nlu.entities import Entity

MAX_TRAIL = 20
MAX_PATH = 40


def begin(run: Run, step: AskStep) -> Next:
    """Put the question for the first time, or go on when its value is known."""
    memory = run.memory
    if step.resumes and memory["parked"]:
        return matters.resume(run)
    _enter(run, step)
    resumed = memory.pop("resumed", "") == step.id
    slot = run.flow.slots.get(step.slot)
    if slot is not None and memory["slots"].get(slot.name, {}).pop("carried", False):
        return _carried(run, step)
    if slot is None or not _is_known(run, step, slot):
        memory["kept"] = []
        ask(run, step, run.render(step.again if resumed and step.again else step.text))
        return None
    after = _proved(run, step)
    if after is not None:
        memory["trail"].pop()
    return after


def _carried(run: Run, step: AskStep) -> Next:
    """What an earlier conversation has settled is passed; what it only understood is read back."""
    if not run.memory["slots"][step.slot]["confirmed"]:
        confirm(run, step)
        return None
    run.memory["trail"].pop()
    return settle(run, step, confirmed=True)


def _proved(run: Run, step: AskStep, *, confirmed: bool = False) -> Next:
    """The value that is kept: refused, read back, or settled."""
    wrong = _failed(run, step)
    if wrong is not None:
        return refuse(run, step, wrong)
    if must_confirm(run, run.flow.slots[step.slot]):
        confirm(run, step)
        return None
    return settle(run, step, confirmed=confirmed)


def _enter(run: Run, step: AskStep) -> None:
    memory = run.memory
    for passed, most in (("trail", MAX_TRAIL), ("path", MAX_PATH)):
        memory[passed].append(step.id)
        del memory[passed][:-most]
    memory["repairs"] = {"no_match": 0, "no_input": 0}
    memory["waited"] = 0
    for name in step.also:
        # Asked anew with everything that it asks for, unless the flow may know it already.
        if not run.flow.slots[name].prefill and name not in memory["kept"]:
            run.forget(name)


def _is_known(run: Run, step: AskStep, slot: Slot) -> bool:
    value = run.memory["slots"].get(slot.name)
    if value is None or slot.consent:
        return False
    kept = slot.name in run.memory["kept"]
    return bool(slot.prefill or step.follows or kept or value.get("given"))


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
    private = sensitive.is_for(run.flow, step)
    run.actions.append(Ask(text, kind, listed, keys, length, turn, step.id, private))


def put_again(run: Run, step: AskStep) -> None:
    """The open question, whichever it is, behind something else that was said."""
    if run.confirming:
        confirm(run, step)
    elif run.choosing:
        choosing.put(run, step, phrases.BETWEEN)
    else:
        ask_shorter(run, step)


def ask_shorter(run: Run, step: AskStep) -> None:
    """The question after something else, in its shorter form if it has one."""
    ask(run, step, run.render(step.again or step.text))


def ask_again(run: Run, step: AskStep, kind: str) -> Next:
    """A question that was cut off, as it was (rule 4)."""
    if not spend_in_all(run):
        run.actions.clear()
        return give_up(run, kind)
    ask(run, step, run.memory["asked"])
    return None


def filled(run: Run, step: AskStep, entity: Entity, *, keyed: bool) -> Next:
    """The value was given; what was keyed is not read back."""
    slot = run.flow.slots[step.slot]
    if slot.consent and (not question_heard(run.memory) or entity.confidence < SURE_ENOUGH):
        return ask_again(run, step, "no_match")
    run.store(slot, entity, confirmed=keyed)
    return _proved(run, step, confirmed=keyed)


def _failed(run: Run, step: AskStep) -> Check | None:
    """The first check that the value does not pass."""
    slot = run.flow.slots[step.slot]
    run.memory["value"] = run.memory["slots"][step.slot]["value"]
    values = run.values()
    wrong = (each for each in slot.checks + step.checks if not render.truth(each.when, values))
    return next(wrong, None)


def refuse(run: Run, step: AskStep, wrong: Check) -> Next:
    """Say what is wrong with the value and ask for another (rule 2)."""
    words = run.render(wrong.text)
    run.forget(step.slot)
    run.memory["mode"] = "ask"
    if not spend(run, "no_match", MAX_REPAIRS):
        return give_up(run, "no_match")
    run.say_words(words)
    ask_shorter(run, step)
    return None


def must_confirm(run: Run, slot: Slot) -> bool:
    """Whether the value kept is read back first (rule 3)."""
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
