"""The hand-over's summary in a language model's words.

It is read by the person who takes over, so it may be shorter and better put than the rules' own,
and no less true: a number that nobody said, or a text too long to be read in ten seconds, is no
summary, and the rules' own stays.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated

import msgspec

from bots.advice.answers import NAMES
from bots.errors import ModelFailed
from bots.ports import LanguageModel, Prompt
from router.model import Handoff

PURPOSE = "summary"
MOST_WORDS = 38
"""Read aloud in about ten seconds, with some patience."""
LINES = 30
LINE_CHARACTERS = 300
RULES = """\
A bot gives a customer to a person. Tell that person in {language}, in at most {words} words, what
the customer wants, what was tried, and why it stopped: "wants", "tried", "stopped", each a short
phrase. Use only the document; quote numbers exactly; no advice, no feelings, no greeting."""
_NUMBER = re.compile(r"\d+")
_CJK = re.compile(r"[\u3400-\u9fff]")
Phrase = Annotated[str, msgspec.Meta(max_length=200)]


class Told(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """What the person has to know."""

    wants: Phrase
    tried: Phrase
    stopped: Phrase


class ModelSummariser:
    """Implements ``bots.handoff.Summariser``."""

    def __init__(self, model: LanguageModel) -> None:
        self._model = model

    async def summarise(
        self, packet: Handoff, transcript: Sequence[tuple[str, str]], language: str
    ) -> str:
        """``transcript`` has (author, text), oldest first. Raises ``ModelFailed``."""
        data = {
            "summary_by_rules": packet.summary,
            "reason": packet.reason,
            "intent": packet.intent,
            "values": {slot.name: slot.value for slot in packet.slots},
            "tried": list(packet.tried),
            "transcript": [
                {"author": author, "text": text[:LINE_CHARACTERS]}
                for author, text in transcript[-LINES:]
            ],
        }
        rules = RULES.format(language=NAMES.get(language, language), words=MOST_WORDS - 6)
        told = await self._model.fill(Prompt(PURPOSE, rules, data, most_tokens=200), Told)
        text = _joined(told)
        known = set(_NUMBER.findall(msgspec.json.encode(data).decode()))
        invented = sorted(set(_NUMBER.findall(text)) - known)
        if invented:
            raise ModelFailed(f"the summary has a number that nobody said: {invented[0]}")
        if _words(text) > MOST_WORDS:
            raise ModelFailed(f"the summary has {_words(text)} words, at most {MOST_WORDS} count")
        return text


def _joined(told: Told) -> str:
    parts = [
        " ".join(part.split()).rstrip(".。") for part in (told.wants, told.tried, told.stopped)
    ]
    if not all(parts):
        raise ModelFailed("a part of the summary is empty")
    stop, joint = ("。", "") if _CJK.search("".join(parts)) else (".", " ")
    return joint.join(f"{part[:1].upper()}{part[1:]}{stop}" for part in parts)


def _words(text: str) -> int:
    characters = len(_CJK.findall(text))
    return len(_CJK.sub(" ", text).split()) + (characters + 1) // 2
