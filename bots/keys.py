"""When speech cannot be recognised at all: the same question by keys, then a person.

1. A question asked again says which keys answer it; ``0`` reaches a person at most of them.
2. An open question, which keys seldom answer, is asked once more, another twice.
3. Then a person takes over: ``SPEECH_FAILED`` is the reason in the hand-over.
"""

from __future__ import annotations

from dataclasses import replace

from bots.conversation import Reply, Turn

SPEECH_FAILED = "speech-failed"
KEY_TRIES = 2
OPEN_TRIES = 1
HINTS = {
    "open": {
        "en": "I am sorry, I cannot understand speech at the moment. "
        "Press zero for a person, or say it once more.",
        "zh": "很抱歉，我现在无法识别语音。请按零键转接人工，或者再说一遍。",
        "lv": "Atvainojiet, pašlaik nevaru saprast runu. "
        "Nospiediet nulli, lai runātu ar darbinieku, vai pasakiet to vēlreiz.",
    },
    "yes-no": {
        "en": "I am sorry, I cannot understand speech at the moment. "
        "Press one for yes or two for no.",
        "zh": "很抱歉，我现在无法识别语音。是请按一，不是请按二。",
        "lv": "Atvainojiet, pašlaik nevaru saprast runu. "
        "Nospiediet vieninieku, ja jā, vai divnieku, ja nē.",
    },
    "digits": {
        "en": "I am sorry, I cannot understand speech at the moment. "
        "Please type the number with the keys of your telephone, then press hash.",
        "zh": "很抱歉，我现在无法识别语音。请用电话按键输入号码，然后按井号键。",
        "lv": "Atvainojiet, pašlaik nevaru saprast runu. "
        "Lūdzu, ievadiet numuru ar tālruņa taustiņiem un tad nospiediet restīti.",
    },
    "choice": {
        "en": "I am sorry, I cannot understand speech at the moment. "
        "Please answer with the keys of your telephone, or press zero for a person.",
        "zh": "很抱歉，我现在无法识别语音。请用电话按键回答，或按零键转接人工。",
        "lv": "Atvainojiet, pašlaik nevaru saprast runu. Lūdzu, atbildiet ar tālruņa "
        "taustiņiem vai nospiediet nulli, lai runātu ar darbinieku.",
    },
}
"""By kind of question and language."""
_LIKE = {"order-number": "digits"}


def by_keys(turn: Turn) -> Turn:
    """The question of ``turn`` once more, with the keys that answer it said before it."""
    kind = _LIKE.get(turn.expectation.kind, turn.expectation.kind)
    hints = HINTS.get(kind, HINTS["open"])
    hint = hints.get(turn.expectation.language, hints["en"])
    questions = tuple(reply for reply in turn.replies if reply.question)
    return replace(turn, replies=(Reply(hint, hint), *questions), facts=())


def tries_of(turn: Turn) -> int:
    """How often this question is asked again before a person takes over (rule 2)."""
    return OPEN_TRIES if turn.expectation.kind == "open" else KEY_TRIES
