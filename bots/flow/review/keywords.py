"""Which keys a prompt names, in three languages. Pure.

A number counts as a key when the sentence tells to press, reply or choose, and what follows the
number is what the key does ("one for billing", "2 if not"), another key, or the sentence's end:
"key in the six digits" names none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_EN = {
    "0": "zero", "1": "one", "2": "two", "3": "three", "4": "four", "5": "five",
    "6": "six", "7": "seven", "8": "eight", "9": "nine",
    "*": "star|asterisk", "#": "pound|hash|square",
}  # fmt: skip
_LV = {
    "0": "null[eiu]", "1": "vien[su]|vieninieku", "2": "div[iu]s?|divnieku",
    "3": "trīs|trijnieku", "4": "četr[iu]s?|četrinieku", "5": "piec[iu]s?", "6": "seš[iu]s?",
    "7": "septiņ[iu]s?", "8": "astoņ[iu]s?", "9": "deviņ[iu]s?",
    "*": "zvaigznīt[ei]", "#": "restīt[ei]",
}  # fmt: skip
_ZH = {
    "0": "零", "1": "一", "2": "二", "3": "三", "4": "四", "5": "五", "6": "六", "7": "七",
    "8": "八", "9": "九", "*": "星号", "#": "井号",
}  # fmt: skip

_SENTENCE = re.compile(r"(?<=[.!?。！？])\s*")
_TELLS = {
    "en": re.compile(r"\b(?:press|hit|dial|reply|push|choose)\b", re.I),
    "lv": re.compile(r"\b(?:nospied\w*|spied\w*|atbildiet|izvēl\w*)\b", re.I),
    "zh": re.compile(r"按|回复|选择"),
}
_AFTER = {
    "en": r"(?=\s*(?:$|[.,;:!?)]|(?:for|to|if|or|and|when|on|key(?! in))\b))",
    "lv": r"(?=\s*(?:$|[.,;:!?)]|(?:par|lai|ja|vai|un)\b|\w))",
    "zh": "",
}


def _pattern(words: dict[str, str], language: str) -> re.Pattern[str]:
    parts = [f"(?P<k{index}>{word}|{re.escape(key)})" for index, (key, word) in _numbered(words)]
    bound = r"(?<![\w-])" if language != "zh" else r"(?<!第)"
    end = r"(?![\w-])" if language != "zh" else r"(?![位个分天小十百\d])"
    return re.compile(f"{bound}(?:{'|'.join(parts)}){end}{_AFTER[language]}", re.I)


def _numbered(words: dict[str, str]) -> Iterator[tuple[int, tuple[str, str]]]:
    yield from enumerate(words.items())


_KEYS = list(_EN)
_PATTERNS = {
    "en": _pattern(_EN, "en"),
    "lv": _pattern(_LV, "lv"),
    "zh": _pattern(_ZH, "zh"),
}


def named_keys(text: str, language: str) -> list[str]:
    """The keys this text tells the customer to press or to reply, in its order."""
    found: dict[str, None] = {}
    for sentence in _SENTENCE.split(text):
        tells = _TELLS[language].search(sentence)
        if not tells:
            continue
        # In Chinese what the key does is said before it: "账单请按二".
        begin = 0 if language == "zh" else tells.end()
        for match in _PATTERNS[language].finditer(sentence, begin):
            if language == "zh" and not _pressed(sentence, match.start()):
                continue
            assert match.lastgroup is not None
            found[_KEYS[int(match.lastgroup[1:])]] = None
    return list(found)


_ZH_BEFORE = re.compile(r"(?:按|回复|选择|选|，|、|或|,)\s*$")


def _pressed(sentence: str, place: int) -> bool:
    return bool(_ZH_BEFORE.search(sentence[:place]))
