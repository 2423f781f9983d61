"""How the customer's mood goes, and when the flow does something about it. Pure.

1. Every utterance that was understood well enough counts; the trend is kept for the packet.
2. ``always: {angry: STEP, worsening: STEP}`` leads there once each, unless the customer asks for a
   person or names a matter that the flow serves: that is followed instead.
3. The open question waits, with the value that was just given, for a question that ``resumes``.
"""

from __future__ import annotations

from bots.flow import matters
from bots.flow.meaning import Aside, Denied, Filled, Meaning, Unclear, Wants
from bots.flow.model import AskStep
from bots.flow.outcome import Understood
from bots.flow.run import Next, Run
from bots.nlu import sentiment

CLEARLY = 0.5
"""Of the recogniser's confidence: anger is not read into what may not have been said."""


def follow(run: Run, given: Understood) -> sentiment.Trend:
    """Take the utterance into the trend."""
    kept = run.memory["mood"]
    trend = sentiment.unpack_trend(kept)
    if given.text and given.heard_confidence >= CLEARLY:
        language = given.language or run.memory["language"]
        trend = sentiment.follow(trend, sentiment.mood(given.text, language))
        more = {"trend": round(trend.slope, 3), "worsening": trend.worsening, "name": trend.name}
        run.memory["mood"] = sentiment.pack_trend(trend) | more
    return trend


def escalate(run: Run, step: AskStep, meaning: Meaning, trend: sentiment.Trend) -> Next:
    """The flow's step for this mood; None when it has none, or this is not the time."""
    for name, reached in (("angry", trend.angry), ("worsening", trend.worsening)):
        target = run.flow.always.get(name)
        if not target or not reached or name in run.memory["escalated"] or not _may(run, meaning):
            continue
        run.memory["escalated"].append(name)
        if step.slot:
            if isinstance(meaning, Filled):
                slot = run.flow.slots[step.slot]
                run.store(slot, meaning.entity, confirmed=meaning.keyed)
                run.memory["slots"][slot.name]["given"] = True
            matters.park(run, step)
        return target
    return None


def _may(run: Run, meaning: Meaning) -> bool:
    if isinstance(meaning, Wants):
        intent = run.flow.intents.get(meaning.intent or "")
        return intent is None or not intent.go
    return isinstance(meaning, Aside | Denied | Filled | Unclear)
