"""The hand-over in words: who takes over hears what is wanted, tried and blocked. Pure.

1. Read aloud it takes at most ten seconds (``READ_S``), in every language: parts are
   shortened, never left out.
2. It says nothing that is not in the conversation, and what a flow knows it says in the
   language asked for; the customer's own words stay as they are.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bots.flow.model import LANGUAGES, Flow
from bots.spoken.reading import spoken

READ_S = 10.0
"""So long may it take to read it aloud."""
SYLLABLES_PER_S = 5.0
"""Slower than people talk: 6.2 in English, 5.2 in Mandarin (Pellegrino et al. 2011)."""
PAUSE_S = 0.25
"""Between two sentences."""
SUMMARY_WORDS = 32
"""What that is in English."""
WANTS_WORDS = 12
SHORTER = ((WANTS_WORDS, 2), (9, 2), (7, 2), (7, 1), (5, 1), (4, 1), (4, 0), (3, 0), (2, 0))
"""Words that a part keeps, and values that are told, until the whole is short enough."""
TELLING = frozenset({"order-number", "digits", "integer", "amount", "date", "choice"})

_SYLLABLE = re.compile(r"[\u4e00-\u9fff]|[aeiouyāēīū]+")
_STOP = re.compile(r"[.!?:;。！？：；]")


@dataclass(frozen=True, slots=True)
class Words:
    """The sentences of one language; ``{}`` takes the part's text."""

    wants: str
    answer_to: str
    person: str
    nothing: str
    tried: str
    untried: str
    blocked: str
    reasons: Mapping[str, str]
    unheard: Mapping[str, str]
    joined: str = " "


WORDS: Mapping[str, Words] = {
    "en": Words(
        wants="Wants {}.",
        answer_to="an answer to “{}”",
        person="to talk to a person",
        nothing="something not said yet",
        tried="Tried: {}.",
        untried="Nothing tried yet.",
        blocked="Blocked: {}.",
        reasons={
            "asked-for-person": "asked for a person",
            "not-understood": "the bot did not understand",
            "no-input": "nothing was heard",
            "speech-failed": "speech recognition did not work",
            "voice-failed": "the bot's voice did not work",
            "no-answer": "the knowledge base has no answer",
            "action-failed": "the lookup failed",
            "not-found": "the order was not found",
            "flow-error": "the bot's flow went round in a circle",
            "bot-failed": "the bot broke down",
            "upset": "the customer is upset",
            "complaint": "a complaint needs a person",
            "gas-emergency": "an emergency, the safety rules were said",
            "move-appointment": "the bot cannot move appointments",
        },
        unheard={
            "gas-emergency": "an emergency, the safety rules were not heard to their end",
        },
    ),
    "zh": Words(
        wants="客户想要{}。",
        answer_to="了解“{}”",
        person="与人工客服通话",
        nothing="的事情尚未说明",
        tried="已尝试：{}。",
        untried="尚未尝试。",
        blocked="受阻原因：{}。",
        reasons={
            "asked-for-person": "客户要求人工",
            "not-understood": "机器人没有听懂",
            "no-input": "没有听到声音",
            "speech-failed": "语音识别失败",
            "voice-failed": "语音播报失败",
            "no-answer": "知识库没有答案",
            "action-failed": "查询失败",
            "not-found": "没有找到订单",
            "flow-error": "机器人流程出错",
            "bot-failed": "机器人出现故障",
            "upset": "客户情绪激动",
            "complaint": "投诉需要人工处理",
            "gas-emergency": "紧急情况，已播报安全须知",
            "move-appointment": "机器人不能更改预约",
        },
        unheard={"gas-emergency": "紧急情况，安全须知没有听完"},
        joined="",
    ),
    "lv": Words(
        wants="Klients vēlas: {}.",
        answer_to="“{}”",
        person="runāt ar darbinieku",
        nothing="vēl nav pateicis",
        tried="Mēģināts: {}.",
        untried="Vēl nekas nav mēģināts.",
        blocked="Apstājās: {}.",
        reasons={
            "asked-for-person": "lūdza darbinieku",
            "not-understood": "robots nesaprata",
            "no-input": "nekas nebija dzirdams",
            "speech-failed": "runas atpazīšana nedarbojās",
            "voice-failed": "robota balss nedarbojās",
            "no-answer": "zināšanu bāzē nav atbildes",
            "action-failed": "meklēšana neizdevās",
            "not-found": "pasūtījums nav atrasts",
            "flow-error": "robota plūsma kļūdījās",
            "bot-failed": "robots sabojājās",
            "upset": "klients ir satraukts",
            "complaint": "sūdzībai vajag darbinieku",
            "gas-emergency": "avārija, drošības noteikumi pateikti",
            "move-appointment": "robots nevar pārcelt vizīti",
        },
        unheard={"gas-emergency": "avārija, drošības noteikumi nav noklausīti līdz galam"},
    ),
}
"""Reasons that a flow has for itself and nobody has put into words are shown as they are."""


def summaries(flow: Flow, memory: Mapping[str, Any], reason: str) -> dict[str, str]:
    """The summary by language, of all in which a desk is read."""
    return {language: summary(flow, memory, reason, language) for language in LANGUAGES}


def summary(flow: Flow, memory: Mapping[str, Any], reason: str, language: str = "en") -> str:
    """``Wants … Tried … Blocked: …`` that is read aloud in at most ``READ_S`` (rule 1)."""
    for most, values in SHORTER:
        text = _summary(flow, memory, reason, language, most, values)
        if seconds_aloud(text, language) <= READ_S:
            break
    return text


def _summary(
    flow: Flow, memory: Mapping[str, Any], reason: str, language: str, most: int, values: int
) -> str:
    words = WORDS[language]
    parts = [words.wants.format(_wants(flow, memory, language, most))]
    tried: Sequence[str] = memory["tried"]
    known = _known(flow, memory["slots"], tried[-1] if tried else "", values)
    if known:
        parts.append(f"{known}{'。' if language == 'zh' else '.'}")
    parts.append(words.tried.format(cut(tried[-1], most)) if tried else words.untried)
    parts.append(words.blocked.format(_in_words(reason, memory, words)))
    return words.joined.join(parts)


def _in_words(reason: str, memory: Mapping[str, Any], words: Words) -> str:
    if memory.get("unheard") and reason in words.unheard:
        return words.unheard[reason]
    return words.reasons.get(reason, reason.replace("-", " "))


def _wants(flow: Flow, memory: Mapping[str, Any], language: str, most: int) -> str:
    words, question = WORDS[language], memory["question"]
    label = _about(flow, memory, language) or wanted(flow, memory)
    if label and (language == "en" or not question or label != wanted(flow, memory)):
        return label
    if question:
        return words.answer_to.format(cut(question, most))
    return words.person if memory["over"] else words.nothing


def _about(flow: Flow, memory: Mapping[str, Any], language: str) -> str:
    """The matter as the flow names it to customers, where it is written in this language."""
    intent = flow.intents.get(memory["intent"] or "")
    if language == "en" or intent is None or intent.about is None:
        return ""
    found = intent.about.find(language, "text", language)
    return "" if "{" in found else found


def wanted(flow: Flow, memory: Mapping[str, Any]) -> str:
    """The label of the intent; empty when there is none."""
    intent = flow.intents.get(memory["intent"] or "")
    return intent.label if intent is not None else ""


def _known(flow: Flow, slots: Mapping[str, Any], told: str, most: int) -> str:
    """The first values that say something by themselves: numbers, dates, amounts.

    What ``told`` says anyway is not said twice.
    """
    named = [
        f"{name.rpartition('/')[2].replace('_', ' ')} {slot['value']}"
        for name, slot in slots.items()
        if name in flow.slots and flow.slots[name].type in TELLING
        if str(slot["value"]) not in told
    ]
    joined = ", ".join(named[:most])
    return joined[:1].upper() + joined[1:]


def cut(text: str, words: int) -> str:
    """At most so many words, or of a text without spaces two and a half times the characters."""
    listed = text.split()
    if len(listed) == 1 and len(text) > words * 5:
        return f"{text[: int(words * 2.5)]}…"
    return " ".join(listed) if len(listed) <= words else " ".join(listed[:words]) + "…"


def seconds_aloud(text: str, language: str) -> float:
    """About how long it takes to read it to somebody, with numbers said as people say them."""
    said = spoken(text, language).lower()
    syllables = len(_SYLLABLE.findall(said))
    return syllables / SYLLABLES_PER_S + len(_STOP.findall(said)) * PAUSE_S
