"""Yes and no in their many forms: English, 中文, latviešu.

A denial wins over an agreement in the same sentence ("yes… no, that's wrong"
is no; "no, that is right" is the known exception and is yes).
"""

from __future__ import annotations

import re

from bots.nlu.numbers import fold

YES_EN = (
    "yes|yeah|yep|yup|yah|ya|aye|sure|ok|okay|okey|correct|right|exactly|absolutely|definitely|"
    "certainly|indeed|affirmative|of course|please do|go ahead|fine|true|perfect|great|"
    "that works|sounds good|uh huh|mhm|y"
)
NO_EN = (
    "no|nope|nah|not|never|wrong|incorrect|negative|false|"
    "don'?t|doesn'?t|didn'?t|isn'?t|wasn'?t|can'?t|won'?t|n"
)
# Only as the whole answer: "I would like a pizza" agrees to nothing.
YES_ALONE = r"(?:i|it|that) (?:do|did|does|am|is|has|would|will)(?: (?:now|so|thanks|please))*"
# Denials that agree: they are looked for first and taken out.
AGREES_EN = (
    r"no problem|not bad|why not|no,? that'?s (?:right|correct)|no doubt|not wrong|can'?t complain"
)
YES_LV = "ja|jap|jaa|pareizi|protams|labi|der|tiesi ta|noteikti|loti labi|piekritu|apstiprinu|aha"
NO_LV = "ne|nepareizi|nav|nevajag|nevelos|nepiekritu|negribu|nepalidzeja|nekas"
YES_ZH = r"是的?|对的?|好的?|可以|没错|不错|正确|当然|行|嗯|没问题|确认|要的?|需要|有的?"
NO_ZH = r"不是|不对|不用|不要|不行|不可以|不好|不需要|没有|没帮|错了?|否|不了|不|没"
AGREES_ZH = r"没错|不错|没问题|不客气"

_AGREES = re.compile(rf"\b(?:{AGREES_EN})\b")
_YES = re.compile(rf"\b(?:{YES_EN})\b")
_NO = re.compile(rf"\b(?:{NO_EN})\b")
_YES_LV = re.compile(rf"\b(?:{YES_LV})\b")
_NO_LV = re.compile(rf"\b(?:{NO_LV})\b")
_HAN = re.compile(r"[\u4e00-\u9fff]")
_CODE = re.compile(r"[<>{}|=;]")
LONG, END = 12, 4
"""Words from which on a text is long, and how many at its ends may agree."""
LONG_HAN, END_HAN = 12, 4
"""The same in characters of a Chinese text."""


def yes_or_no(text: str, language: str = "en") -> bool | None:
    """True for yes, False for no, None when it is neither.

    In a long text only its first and last words agree to anything, and code never does: it
    may hold a "sure" or an "ok" of which nobody thought.
    """
    plain = fold(text).replace("’", "'").strip()
    found = _said(plain, language)
    if found and (_CODE.search(plain) or not _said(_ends(plain), language)):
        return None
    return found


def _ends(plain: str) -> str:
    """How a long text begins and ends; a short one as it is."""
    if _HAN.search(plain):
        return plain if len(plain) <= LONG_HAN else f"{plain[:END_HAN]} {plain[-END_HAN:]}"
    words = plain.split()
    return plain if len(words) <= LONG else " ".join([*words[:END], "…", *words[-END:]])


def _said(plain: str, language: str) -> bool | None:
    if _HAN.search(plain):
        return _chinese(plain)
    if language == "lv":
        latvian = _decide(plain, _YES_LV, _NO_LV)
        if latvian is not None:
            return latvian
    if _AGREES.search(plain) or re.fullmatch(YES_ALONE, plain.strip(".! ")):
        return True
    return _decide(plain, _YES, _NO)


def _decide(plain: str, yes: re.Pattern[str], no: re.Pattern[str]) -> bool | None:
    if no.search(plain):
        return False
    return True if yes.search(plain) else None


def _chinese(plain: str) -> bool | None:
    if re.search(AGREES_ZH, plain):
        return True
    if re.search(NO_ZH, plain):
        return False
    return True if re.search(YES_ZH, plain) else None


def leading_answer(text: str, language: str = "en", words: int = 3) -> bool | None:
    """The yes or no that a longer sentence begins with."""
    return yes_or_no(" ".join(text.split()[:words]), language)


def is_short_answer(text: str, words: int = 4) -> bool:
    """Whether it is little more than a yes or a no, and no question of its own."""
    plain = text.strip()
    if plain.endswith(("?", "？")):
        return False
    if _HAN.search(plain):
        return len(plain) <= words + 2
    return len(plain.split()) <= words
