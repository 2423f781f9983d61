"""Two things that the customer may mean: "Is it about …, or about …?" Pure.

1. Asked only where both have a name for the customer in this language (``about``) and lead to
   different places.
2. "The first", "the second one", its name, its key, "both" and "neither" are understood.
3. Asked once more with the keys, then the words count as what no intent fits.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bots.flow import phrases
from bots.flow.model import AskStep, Flow, Text
from bots.flow.outcome import Ask
from bots.flow.run import Run

MODE = "choose"


def can_choose(
    flow: Flow, step: AskStep, memory: Mapping[str, Any], between: tuple[str, ...]
) -> bool:
    """Whether the customer can be asked which of the two it is (rule 1)."""
    if len(between) != 2 or not all(name in flow.intents for name in between):
        return False
    names = [about(flow, name, memory["language"], memory["channel"]) for name in between]
    ways = {way(flow, step, name) for name in between}
    return all(names) and names[0] != names[1] and (len(ways) == 2 or not step.slot)


def about(flow: Flow, intent: str, language: str, channel: str) -> str:
    """The matter's name for the customer; empty where it has none in this language."""
    text = flow.intents[intent].about
    if text is None or not text.languages() & {language, ""}:
        return ""
    return text.find(language, channel, language)


def way(flow: Flow, step: AskStep, intent: str) -> str:
    """The step that serves this intent at this question."""
    return step.routes.get(intent) or flow.intents[intent].go or step.otherwise


def offer(run: Run, step: AskStep, between: tuple[str, ...], words: str) -> None:
    """Ask which of the two is meant; ``words`` are what the customer said."""
    memory = run.memory
    memory |= {"between": list(between), "meant": words, "offered": 0}
    put(run, step, phrases.BETWEEN)


def put(run: Run, step: AskStep, text: Text) -> None:
    """Put the question with the names of both, and wait."""
    memory = run.memory
    memory["mode"] = MODE
    language, channel = memory["language"], memory["channel"]
    first, second = (about(run.flow, name, language, channel) for name in memory["between"])
    words = run.render(text).format(first=first, second=second)
    memory["asked"] = memory["asked_heard"] = words
    run.actions.append(Ask(words, "choice", (first, second), 1, 0, "", step.id))


def again(run: Run, step: AskStep) -> bool:
    """Once more, with the keys; False when that was done (rule 3)."""
    if run.memory["offered"]:
        return False
    run.memory["offered"] = 1
    put(run, step, phrases.BETWEEN_AGAIN)
    return True
