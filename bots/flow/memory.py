"""What a flow's memory keeps, as plain JSON data and back.

- ``repairs``: of the open question; ``repairs_at``: of every question, by step;
  ``repairs_in_all``: of the conversation.
- ``trail``: the questions that were put, for "go back"; ``path``: those passed, for
  corrections; both begin anew behind an action that changed something.
- ``done``: slots that such an action has used.
- ``kept``: slots that stand while the flow walks again from a corrected one.
- ``calls``: the steps that called the flows we are in, the outermost first.
- ``parked``: matters left for others, the latest last. ``between``: the intents of an
  open "is it about …, or …?".
- ``deeds``: how often each changing action was done, by step.
- ``handed``: the hand-over that was made last. ``nobody``: why no person came of it.
- ``mood``: the trend (``bots.nlu.sentiment.pack_trend``) with its ``name``; ``escalated``: the
  moods that the flow has done something about.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from bots.flow.model import Flow
from bots.flow.outcome import Context, Memory, Say
from router.model import Citation


def fresh(flow: Flow, context: Context) -> Memory:
    """The memory of a conversation that has not begun."""
    memory: Memory = {
        "flow": flow.name,
        "version": flow.version,
        "channel": context.channel,
        "language": context.language if context.language in flow.languages else flow.languages[0],
        "name": context.name,
        "step": flow.start,
        "mode": "run",
        "intent": None,
        "queue": "",
        "question": "",
        "last_utterance": "",
        "slots": {},
        "vars": dict(context.fields),
        "answers": {},
        "answer": "",
        "value": "",
        "unanswered": 0,
        "looked_up": "",
        "repairs": {"no_match": 0, "no_input": 0},
        "repairs_in_all": 0,
        "articles": [],
        "tried": [],
        "said": [],
        "asked": "",
        "asked_heard": "",
        "unheard": [],
        "person": {},
        "turn": {},
        "why": "",
        "over": "",
    }
    return completed(memory)


def completed(memory: Memory) -> Memory:
    """A memory that an older version has kept, with what it did not know of."""
    for key, value in _LATER.items():
        memory.setdefault(key, copy.deepcopy(value))
    return memory


_LATER: Memory = {
    "repairs_at": {},
    "trail": [],
    "path": [],
    "done": [],
    "kept": [],
    "calls": [],
    "parked": [],
    "between": [],
    "deeds": {},
    "mood": {},
    "escalated": [],
    "pace": 1.0,
    "waited": 0,
    "heard": {},
    "handed": {},
    "nobody": {},
}


def value_at(body: Any, path: str) -> Any:
    """The value at a dotted path of a JSON body (``items.0.name``); empty when not there."""
    found = body
    for key in path.split("."):
        if isinstance(found, list):
            found = found[int(key)] if key.isdecimal() and int(key) < len(found) else None
        else:
            found = found.get(key) if isinstance(found, Mapping) else None
    return "" if found is None else found


def pack_citation(citation: Citation) -> dict[str, Any]:
    """A citation as JSON data."""
    return {
        "article_id": citation.article_id,
        "title": citation.title,
        "url": citation.url,
        "quote": citation.quote,
        "score": citation.score,
    }


def pack_say(say: Say) -> dict[str, Any]:
    """Something that was said as JSON data."""
    citations = [pack_citation(citation) for citation in say.citations]
    return {"text": say.text, "spoken": say.spoken, "citations": citations}


def unpack_say(packed: Mapping[str, Any]) -> Say:
    """Something that was said, to say it again."""
    citations = tuple(Citation(**citation) for citation in packed["citations"])
    return Say(packed["text"], packed["spoken"], citations)
