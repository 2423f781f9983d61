"""What a caller who waits is told, in the three languages. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil

LONG_MIN = 60
"""From so many minutes on only "more than an hour" is said."""

Texts = Mapping[str, str]

NEXT: Texts = {
    "en": "You are next.",
    "zh": "您是下一位。",
    "lv": "Jūs esat nākamais rindā.",
}
PLACE: Texts = {
    "en": "You are number {n} in the queue.",
    "zh": "您排在第{n}位。",
    "lv": "Jūs rindā esat {n}.",
}
MINUTE: Texts = {
    "en": "It will take about a minute.",
    "zh": "预计等待约一分钟。",
    "lv": "Būs jāgaida apmēram minūte.",
}
MINUTES: Texts = {
    "en": "It will take about {m} minutes.",
    "zh": "预计等待约{m}分钟。",
    "lv": "Būs jāgaida apmēram {m} minūtes.",
}
HOUR: Texts = {
    "en": "It may take more than an hour.",
    "zh": "预计等待超过一小时。",
    "lv": "Var būt jāgaida vairāk nekā stunda.",
}
OFFER: Texts = {
    "en": "To be called back and keep your place, press 1.",
    "zh": "如需挂机并保留位置，由我们回拨，请按1。",
    "lv": "Lai noliktu klausuli, paturētu vietu un mēs jums atzvanītu, nospiediet 1.",
}
PROMISED: Texts = {
    "en": "Thank you. You keep your place, and we call you when it is your turn. Goodbye.",
    "zh": "谢谢。我们会保留您的位置，轮到您时回拨给您。再见。",
    "lv": "Paldies. Jūsu vieta paliek, un mēs zvanīsim, kad pienāks jūsu kārta. Uz redzēšanos.",
}
PROMISED_LATER: Texts = {
    "en": "Thank you. We call you at the time agreed. Goodbye.",
    "zh": "谢谢。我们会在约定的时间致电给您。再见。",
    "lv": "Paldies. Mēs zvanīsim norunātajā laikā. Uz redzēšanos.",
}
NO_NUMBER: Texts = {
    "en": "We cannot call you back at the moment. Please stay on the line.",
    "zh": "目前无法为您回拨，请继续等待。",
    "lv": "Pašlaik nevaram jums atzvanīt. Lūdzu, palieciet uz līnijas.",
}
LEAVE_MESSAGE: Texts = {
    "en": "Please leave a message after the tone, and press the hash key when you have finished.",
    "zh": "请在提示音后留言，结束请按井号键。",
    "lv": "Lūdzu, atstājiet ziņu pēc signāla un beigās nospiediet restīti.",
}
MESSAGE_KEPT: Texts = {
    "en": "Thank you. We will get back to you. Goodbye.",
    "zh": "谢谢，我们会尽快联系您。再见。",
    "lv": "Paldies. Mēs ar jums sazināsimies. Uz redzēšanos.",
}


def said(texts: Texts, language: str, **values: object) -> str:
    """The text in the language, English where there is none."""
    return texts.get(language, texts["en"]).format(**values)


def place_text(position: int | None, estimate_s: float | None, language: str) -> str:
    """The place and how long it will take, as far as they are known; empty for neither.

    Seconds become whole minutes, rounded up: nobody minds being served early.
    """
    parts = []
    if position is not None:
        parts.append(said(NEXT if position == 1 else PLACE, language, n=position))
    if estimate_s is not None:
        parts.append(estimate_text(estimate_s, language))
    return " ".join(parts)


def estimate_text(estimate_s: float, language: str) -> str:
    """How long it will take, in words for the ear."""
    minutes = ceil(estimate_s / 60)
    if minutes <= 1:
        return said(MINUTE, language)
    return said(HOUR, language) if minutes >= LONG_MIN else said(MINUTES, language, m=minutes)
