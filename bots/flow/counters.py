"""How often a question failed: this time, at its step, and in the whole conversation. Pure."""

from __future__ import annotations

from bots.flow.ladder import MAX_REPAIRS_IN_ALL
from bots.flow.run import Run


def times(run: Run) -> int:
    """How often the open question was put again, for whatever reason."""
    return sum(run.memory["repairs"].values())


def spend(run: Run, kind: str, most: int) -> bool:
    """Count one more repair; False when ``most`` of this question or all are used up."""
    memory = run.memory
    if times(run) >= most or not _left(run):
        return False
    memory["repairs"][kind] += 1
    at_step = memory["repairs_at"].setdefault(memory["step"], {"no_match": 0, "no_input": 0})
    at_step[kind] += 1
    memory["repairs_in_all"] += 1
    return True


def spend_in_all(run: Run) -> bool:
    """Count one that is not the question's own fault; False when all are used up."""
    if not _left(run):
        return False
    run.memory["repairs_in_all"] += 1
    return True


def _left(run: Run) -> bool:
    return bool(run.memory["repairs_in_all"] < MAX_REPAIRS_IN_ALL)
