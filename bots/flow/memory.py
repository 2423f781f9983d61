"""What a flow's memory keeps, as plain JSON data and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bots.flow.model import Flow
from bots.flow.outcome import Context, Memory, Say
from router.model import Citation


def fresh(flow: Flow, context: Context) -> Memory:
    """The memory of a conversation that has not begun."""
    return {
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
        "repairs": {"no_match": 0, "no_input": 0},
        "repairs_in_all": 0,
        "waited": 0,
        "articles": [],
        "tried": [],
        "said": [],
        "asked": "",
        "asked_heard": "",
        "heard": {},
        "unheard": [],
        "trail": [],
        "pace": 1.0,
        "person": {},
        "turn": {},
        "why": "",
        "over": "",
    }


def value_at(body: Any, path: str) -> Any:
    """The value at a dotted path of a JSON body; empty when it is not there."""
    found = body
    for key in path.split("."):
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
