"""What a flow is likely to say on a call, known before anybody calls. Pure.

Its texts in each of its languages, filled in as far as that is possible without a customer:
with the flow's variables and the operator's settings, for a caller without a name. A text that
needs more is given as it is written; those of its sentences that have no place to be filled are
said as they stand.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from bots.flow import phrases, render
from bots.flow.check import exits, texts
from bots.flow.memory import fresh
from bots.flow.model import Flow, Step, Text
from bots.flow.outcome import Context
from bots.flow.values import values_of

VOICE = "voice"
KNOWN = frozenset({"name", "channel", "language"})
"""What is known of a caller before the first word."""


def frequent(flow: Flow, settings: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Language and text, those nearest to the start of a call first; some more than once."""
    for step in _nearest_first(flow):
        said = list(texts(step))
        if step.id == flow.start:
            # Heard in nearly every call, wherever it goes.
            said += _general(flow)
        for language in flow.languages:
            for text in said:
                yield language, _filled(flow, text, language, settings)


def _nearest_first(flow: Flow) -> Iterator[Step]:
    roots = [flow.start, *flow.always.values(), *(intent.go for intent in flow.intents.values())]
    ahead, seen = [root for root in roots if root], set[str]()
    while ahead:
        name = ahead.pop(0)
        if name not in seen:
            seen.add(name)
            step = flow.find(name)
            yield step
            ahead += exits(flow, step)


def _general(flow: Flow) -> Iterator[Text]:
    yield from flow.filler + flow.no_match + flow.no_input
    yield from (flow.confirm or phrases.CONFIRM, phrases.HANDOFF, phrases.GOODBYE)


def _filled(flow: Flow, text: Text, language: str, settings: Mapping[str, Any]) -> str:
    template = text.find(language, VOICE, flow.languages[0])
    known = KNOWN | set(flow.variables) | set(settings)
    if "{" not in template or not render.names_in(template) <= known:
        return template
    values = values_of(flow, fresh(flow, Context(VOICE, language)), settings)
    return render.text(template, values)
