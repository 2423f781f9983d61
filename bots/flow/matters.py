"""What the customer wants: one matter, left for another, and taken up again. Pure.

1. A matter that is left in the middle of a question waits, the latest first.
2. It is taken up at the next question that ``resumes``, where the flow would ask what else.
3. One intent waits once; what waits too long is forgotten.
"""

from __future__ import annotations

from bots.flow import phrases
from bots.flow.model import AskStep
from bots.flow.run import Next, Run

MOST_PARKED = 3


def adopt(run: Run, intent: str) -> None:
    """This is what the customer wants, and its queue serves it."""
    run.memory["intent"] = intent
    known = run.flow.intents.get(intent)
    if known and known.queue:
        run.memory["queue"] = known.queue


def park(run: Run, step: AskStep) -> None:
    """Keep the open question for later (rules 1 and 3)."""
    memory = run.memory
    later = {name: memory[name] for name in ("intent", "queue", "question")}
    later |= {"step": step.id, "calls": list(memory["calls"])}
    waiting = [each for each in memory["parked"] if each["step"] != step.id]
    memory["parked"] = [*waiting, later][-MOST_PARKED:]


def park_intent(run: Run, intent: str) -> None:
    """Keep another matter for later that has not begun."""
    known = run.flow.intents[intent]
    later = {"intent": intent, "queue": known.queue, "question": run.memory["question"]}
    run.memory["parked"].append({**later, "step": known.go, "calls": []})


def begun(run: Run, intent: str | None) -> None:
    """This one is being served now: it waits no more."""
    parked = run.memory["parked"]
    run.memory["parked"] = [each for each in parked if not intent or each["intent"] != intent]


def resume(run: Run) -> Next:
    """Take up the latest that waits."""
    memory = run.memory
    later = memory["parked"].pop()
    if later["step"] not in run.flow.steps:
        return str(memory["step"])
    memory |= {name: later[name] for name in ("intent", "queue", "question", "calls")}
    memory["resumed"] = later["step"]
    known = run.flow.intents.get(later["intent"] or "")
    about = run.render(known.about) if known and known.about else ""
    run.say_words(
        run.render(phrases.BACK_TO).format(about=about) if about else run.render(phrases.BACK)
    )
    return str(later["step"])
