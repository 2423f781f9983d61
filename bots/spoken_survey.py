"""The one question after an agent's work, on the telephone: a score from 1 to 5."""

from __future__ import annotations

from bots.call import Call, Question
from bots.ports import Expectation, Transcriber
from bots.survey import parse_score

TRIES = 2
QUESTION = {
    "en": "Before you go: how did we do? Press a key from 1, poor, to 5, very good.",
    "zh": "挂机前请您评价：请按一到五键，一是很差，五是很好。",
    "lv": "Pirms atvadāmies: kā mums veicās? Nospiediet taustiņu no 1, slikti, līdz 5, ļoti labi.",
}
AGAIN = {
    "en": "Please press a key from 1 to 5.",
    "zh": "请按一到五之间的数字键。",
    "lv": "Lūdzu, nospiediet taustiņu no 1 līdz 5.",
}
THANKS = {
    "en": "Thank you. Goodbye.",
    "zh": "谢谢您，再见。",
    "lv": "Paldies. Uz redzēšanos.",
}


async def ask_score(call: Call, transcriber: Transcriber, language: str) -> int | None:
    """The score that was pressed or said, or None when there was no answer."""
    expected = Expectation("choice", ("one", "two", "three", "four", "five"), language)
    transcriber.prepare(expected)
    text = text_in(QUESTION, language)
    for _ in range(TRIES):
        asked = await call.ask(Question((text,), expected, max_digits=1))
        if asked.heard is None:
            return None
        score = parse_score(asked.heard.digits or asked.heard.text)
        if score is not None:
            return score
        text = text_in(AGAIN, language)
    return None


def text_in(texts: dict[str, str], language: str) -> str:
    """The text in that language, else in English."""
    return texts.get(language, texts["en"])
