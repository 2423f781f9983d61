"""How a flow comes to its end: a person, a good-bye, or neither was understood. Pure.

After a hand-over or an end nothing is ever said again.
"""

from __future__ import annotations

from bots.flow import fallback, phrases
from bots.flow.model import EndStep, HandOffStep
from bots.flow.outcome import End, HandOff, Memory
from bots.flow.run import Next, Run


def person(run: Run, why: str) -> Next:
    """The flow's own step for that, or just the hand-over."""
    run.memory["why"] = why
    target = run.flow.always.get("agent")
    if not target:
        hand_off(run, HandOffStep(id="agent", reason=why))
    return target


def give_up(run: Run, kind: str) -> Next:
    """The repairs are used up: the flow's own step for that, else a person."""
    target = run.flow.always.get(kind)
    return target or person(run, "not-understood" if kind == "no_match" else "no-input")


def leave(run: Run) -> Next:
    """The customer says good-bye: the flow's own step for that, or just the end."""
    target = run.flow.always.get("goodbye")
    if not target:
        end(run, EndStep(id="goodbye", reason="customer-left", text=phrases.GOODBYE))
    return target


def hand_off(run: Run, step: HandOffStep) -> None:
    """Tell the customer, and give the interaction to a queue."""
    run.say(step.text or phrases.HANDOFF)
    before = run.memory["handed"] if step.again else {}
    queue = run.fill(step.queue) or before.get("queue", "")
    skills = {run.fill(skill): level for skill, level in step.skills.items()}
    hand_over = HandOff(
        run.memory["why"] or before.get("reason") or step.reason,
        queue or run.memory["queue"] or run.flow.queue,
        {skill: level for skill, level in skills.items() if skill} or before.get("skills", {}),
        run.fill(step.agent),
        fallback.rules(run, step),
    )
    run.memory |= {"over": "handoff", "handed": _kept(step, hand_over)}
    run.actions.append(hand_over)


def _kept(step: HandOffStep, made: HandOff) -> Memory:
    """What is needed to do it once more."""
    skills = dict(made.skills)
    return {"step": step.id, "reason": made.reason, "queue": made.queue, "skills": skills}


def end(run: Run, step: EndStep) -> None:
    """Say good-bye and close the interaction."""
    if step.text:
        run.say(step.text)
    run.memory["over"] = "end"
    run.actions.append(End(step.reason))


def broken(run: Run, step_id: str) -> None:
    """The flow does not work here: a person comes, never silence."""
    run.memory["why"] = "flow-error"
    hand_off(run, HandOffStep(id=step_id, reason="flow-error"))
