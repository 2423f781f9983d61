"""What a flow's memory believes to have been said: what the customer heard. Pure.

1. A written turn is read as a whole. On a call the leg tells how much of each saying was
   heard, and only then does the memory take it in.
2. The sources of an answer were shown as soon as some of it was heard; that it was answered
   is told to nobody before all of it was.
3. A step counts as said (``heard.STEP`` in templates) once all it said was heard to its end.
4. A question that was cut off is not a question asked: what was not understood then costs
   none of its repairs, and a "yes" before the value was read back confirms nothing.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bots.flow.memory import pack_citation
from bots.flow.outcome import Memory
from router.model import Citation

_SENTENCE = re.compile(r"(?<=[.!?])\s+|(?<=[。！？])")


@dataclass(frozen=True, slots=True)
class Played:
    """One saying: its words, and those of them that were heard; ``step`` said it."""

    text: str
    heard: str
    step: str = ""
    citations: tuple[Citation, ...] = ()
    question: bool = False

    @property
    def whole(self) -> bool:
        """Whether it was heard to its end."""
        return self.heard == self.text


def believed(memory: Mapping[str, Any], sayings: Sequence[Played]) -> Memory:
    """The memory once a turn's sayings were heard as far as they were."""
    kept: Memory = copy.deepcopy(dict(memory))
    kept["asked_heard"] = kept["asked"]
    for saying in sayings:
        if saying.question and not saying.whole:
            kept["asked_heard"] = saying.heard
        if saying.citations and saying.heard:
            _take_sources(kept, saying)
    heard: dict[str, bool] = {}
    for saying in sayings:
        heard[saying.step] = heard.get(saying.step, True) and saying.whole
    kept["heard"] = kept.get("heard", {}) | {step: all_ for step, all_ in heard.items() if step}
    kept["unheard"] = [saying.text for saying in sayings if not saying.whole]
    return kept


def question_heard(memory: Mapping[str, Any]) -> bool:
    """Whether the open question was heard to its end."""
    return bool(memory.get("asked_heard", memory["asked"]) == memory["asked"])


def value_heard(memory: Mapping[str, Any]) -> bool:
    """Whether the value that the open question reads back was heard.

    Where the value is said in other words, that is all but the question's last sentence
    ("Is that right?"), over which people say yes.
    """
    if question_heard(memory):
        return True
    value, heard = str(memory["value"]), str(memory["asked_heard"])
    if value in memory["asked"]:
        return value in heard
    *before, _ = _SENTENCE.split(memory["asked"].strip())
    return bool(before) and len(heard) >= len(" ".join(before))


def _take_sources(memory: Memory, saying: Played) -> None:
    shown = {article["article_id"] for article in memory["articles"]}
    memory["articles"] += [
        pack_citation(citation) for citation in saying.citations if citation.article_id not in shown
    ]
    title = saying.citations[0].title
    whole, part = f"answered from “{title}”", f"the answer from “{title}” was cut off"
    tried: list[str] = memory["tried"]
    if saying.whole and part in tried:
        tried.remove(part)
    if whole not in tried and (saying.whole or part not in tried):
        tried.append(whole if saying.whole else part)
