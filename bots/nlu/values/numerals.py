"""Whole and decimal numbers as people say and write them: English, 中文, latviešu. Pure.

``numerals`` gives each with its place: "a hundred and five" 105, "1.250,50" 1250.50,
"twenty-first" 21 (an ordinal), 两百零五 205, "divi simti pieci" 205.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from bots.nlu.numbers import EN_TEENS, EN_TENS, ZH_DIGITS, fold

EN_ONES = {
    "zero": 0, "nought": 0, "naught": 0, "nil": 0, "one": 1, "two": 2, "three": 3, "four": 4,
    "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "niner": 9,
}  # fmt: skip
EN_ORDINALS = {
    "first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5, "sixth": 6, "seventh": 7,
    "eighth": 8, "ninth": 9, "tenth": 10, "eleventh": 11, "twelfth": 12, "thirteenth": 13,
    "fourteenth": 14, "fifteenth": 15, "sixteenth": 16, "seventeenth": 17, "eighteenth": 18,
    "nineteenth": 19, "twentieth": 20, "thirtieth": 30, "fortieth": 40, "fiftieth": 50,
}  # fmt: skip
EN_SCALES = {"thousand": 1000, "grand": 1000, "million": 1_000_000}
LV_STEMS = {
    "vien": 1, "div": 2, "cetr": 4, "piec": 5, "ses": 6, "septin": 7, "aston": 8, "devin": 9,
}  # fmt: skip
LV_ENDINGS = ("s", "a", "i", "as", "u", "us", "am", "ai", "iem", "os", "")
LV_THREE = ("tris", "trim", "trijiem", "trijam", "triju", "trijos", "trijas")
LV_TEENS = {f"{stem}padsmit": 10 + n for stem, n in LV_STEMS.items()} | {"trispadsmit": 13}
LV_TENS = {f"{stem}desmit": 10 * n for stem, n in LV_STEMS.items() if n > 1} | {"trisdesmit": 30}
LV_HUNDRED = frozenset({"simts", "simti", "simtu", "simtus", "simt", "simtiem", "simta"})
LV_THOUSAND = frozenset(
    {"tukstotis", "tukstosi", "tukstosu", "tukstosus", "tukstos", "tukstoti", "tukstosiem"}
)
ONES: Mapping[str, int] = {
    **EN_ONES,
    "nulle": 0,
    **{stem + end: n for stem, n in LV_STEMS.items() for end in LV_ENDINGS if stem + end != "div"},
    **dict.fromkeys(LV_THREE, 3),
}
TEENS: Mapping[str, int] = {
    **EN_TEENS, **LV_TEENS, "desmit": 10, "desmitiem": 10, "desmitos": 10, "dozen": 12,
}  # fmt: skip
TENS: Mapping[str, int] = {**EN_TENS, **LV_TENS}
HUNDRED = frozenset({"hundred", "hundreds"}) | LV_HUNDRED
ALONE: Mapping[str, int] = {
    **dict.fromkeys(LV_HUNDRED, 100),
    **{f"{stem}simt{end}": 100 * n for stem, n in [*LV_STEMS.items(), ("tris", 3)]
       for end in ("", "i", "us")},
}  # fmt: skip
DOZENS: Mapping[tuple[str, str], int] = {
    ("a", "dozen"): 12, ("half", "a"): 6, ("a", "couple"): 2,
}  # fmt: skip
"""The first two words of each; "half a dozen" has three."""
SCALES: Mapping[str, int] = {**EN_SCALES, **dict.fromkeys(LV_THOUSAND, 1000)}
AND = frozenset({"and", "un"})
BEFORE_ONE = frozenset({"this", "that", "which", "the", "no", "any", "every", "each", "another"})
"""Before "one" that stands for something else."""
SAYS = frozenset({"number", "is", "was", "answer", "count", "reading"})

WORD = re.compile(r"[a-z]+|\d+(?:st|nd|rd|th)\b")
WRITTEN = re.compile(
    r"(?<![a-z\d_/:-])(?<!\d[.,])-?"
    r"(?P<grouped>\d{1,3}(?:(?P<mark>[ .,'])\d{3})(?:(?P=mark)\d{3})*(?!\d)"
    r"|\d+)(?:(?P<point>[.,])(?P<rest>\d{1,2}|\d{4,})(?!\d))?(?!\d|[.,/:-]\d)"
    r"(?P<kilo>\s?k\b)?(?P<ordinal>(?:st|nd|rd|th)\b)?"
)
ZH_UNITS = {"十": 10, "百": 100, "千": 1000}
ZH_BIG = {"万": 10_000, "萬": 10_000, "亿": 100_000_000}
_HAN_DIGIT = "".join(ZH_DIGITS) + "兩"
_HAN = re.compile(
    rf"第?[{_HAN_DIGIT}十百千][{_HAN_DIGIT}十百千万萬亿]*(?:[点點][{_HAN_DIGIT}]+)?|\d+[千万萬]"
)
_HAN_OTHER = re.compile(
    r"一(?=[下样起些直般定切旦边会])|[有]一点|一点(?!钟|半|[零一二三四五六七八九十\d])|十分(?![之钟])|千万(?!元)"
    r"|(?<![零一二两三四五六七八九十百千])万一|一[遍样]|[什怎这那多要]么|再[说讲来]一次|唯一|统一|一[个位](?:月|人工|客服|真人)"
)


@dataclass(frozen=True, slots=True)
class Numeral:
    """A number at ``text[start:end]``. ``spoken`` when it is in words."""

    value: Decimal
    start: int
    end: int
    ordinal: bool = False
    spoken: bool = True

    @property
    def whole(self) -> int | None:
        """As an integer; None with a fraction."""
        return int(self.value) if self.value == self.value.to_integral_value() else None


def numerals(plain: str) -> list[Numeral]:
    """All numbers in folded text, in order, none inside another."""
    found = [*_written(plain), *_worded(plain), *_chinese(plain)]
    return sorted(found, key=lambda one: one.start)


def integer(text: str) -> int | None:
    """The first whole number in the text, no ordinal; None when there is none."""
    return next((n.whole for n in numerals(fold(text)) if n.whole is not None), None)


def decimal(written: re.Match[str]) -> Decimal:
    """The value of a match of ``WRITTEN``."""
    digits = re.sub(r"\D", "", written.group("grouped"))
    value = Decimal(f"{digits}.{written.group('rest') or 0}")
    if written.group("kilo"):
        value *= 1000
    return -value if written.group().startswith("-") else value


def _written(plain: str) -> Iterator[Numeral]:
    for match in WRITTEN.finditer(plain):
        ordinal = bool(match.group("ordinal"))
        yield Numeral(decimal(match), match.start(), match.end(), ordinal, spoken=False)


class _Words:
    """Reads numbers in words, longest first."""

    def __init__(self, plain: str) -> None:
        self.plain = plain
        self.tokens = list(re.finditer(r"[a-z]+", plain))

    def word(self, i: int) -> str:
        """The word at ``i`` if nothing but a space or a hyphen is before it; else empty."""
        if not 0 <= i < len(self.tokens):
            return ""
        return self.tokens[i].group()

    def joined(self, i: int) -> str:
        """The word at ``i`` where it goes on from the one before."""
        if i >= len(self.tokens):
            return ""
        between = self.plain[self.tokens[i - 1].end() : self.tokens[i].start()]
        return self.word(i) if between in (" ", "-", "  ") else ""

    def hundred(self, i: int, first: bool) -> tuple[int, int, bool] | None:
        """A number below a hundred: value, next word, ordinal."""
        word = self.word(i) if first else self.joined(i)
        if word in TENS:
            after = self.joined(i + 1)
            if ONES.get(after):
                return TENS[word] + ONES[after], i + 2, False
            if after in EN_ORDINALS and EN_ORDINALS[after] < 10:
                return TENS[word] + EN_ORDINALS[after], i + 2, True
            return TENS[word], i + 1, False
        if word in EN_ORDINALS:
            return EN_ORDINALS[word], i + 1, True
        value = TEENS.get(word, ONES.get(word))
        return None if value is None else (value, i + 1, False)

    def thousand(self, i: int, first: bool) -> tuple[int, int, bool] | None:
        """A number below a thousand, also "nineteen hundred"."""
        word = self.word(i) if first else self.joined(i)
        dozen = word != "half" or self.word(i + 2) == "dozen"
        if dozen and (word, self.joined(i + 1)) in DOZENS:
            return DOZENS[word, self.joined(i + 1)], i + 2 + (word == "half"), False
        if word in ("a", "an") and self.joined(i + 1) in HUNDRED:
            value, i = 100, i + 2
        elif word in ALONE:
            value, i = ALONE[word], i + 1
        else:
            head = self.hundred(i, first)
            if head is None or head[2] or self.joined(head[1]) not in HUNDRED or not head[0]:
                return head
            value, i = head[0] * 100, head[1] + 1
        rest = self._after_and(i)
        return (value + rest[0], rest[1], rest[2]) if rest else (value, i, False)

    def _after_and(self, i: int) -> tuple[int, int, bool] | None:
        if self.joined(i) in AND:
            i += 1
        rest = self.hundred(i, first=False)
        return rest if rest and rest[0] else None

    def whole(self, i: int) -> tuple[int, int, bool] | None:
        """The number that begins at ``i``."""
        total, bound, first, end = 0, 10**9, True, i
        ordinal = False
        while True:
            start = i + 1 if not first and self.joined(i) in AND else i
            if first and self.word(i) in ("a", "an") and self.joined(i + 1) in EN_SCALES:
                part: tuple[int, int, bool] | None = (1, i + 1, False)
            elif first and self.word(i) in LV_THOUSAND:
                total, bound, first, end, i = 1000, 1000, False, i + 1, i + 1
                continue
            else:
                part = self.thousand(start, first)
            if part is None or (not first and not part[0]):
                break
            value, after, ordinal = part
            scale = SCALES.get(self.joined(after), 1) if not ordinal else 1
            if value * scale >= bound or (value >= 1000 and scale > 1):
                break
            total, end, i = total + value * scale, after + (scale > 1), after + (scale > 1)
            first = False
            if scale == 1:
                break
            bound = scale
        return None if first else (total, end, ordinal)


def _worded(plain: str) -> Iterator[Numeral]:
    words = _Words(plain)
    i = 0
    while i < len(words.tokens):
        number = None if _is_pronoun(words, i) else words.whole(i)
        if number is None:
            i += 1
            continue
        value, after, ordinal = number
        start, end = words.tokens[i].start(), words.tokens[after - 1].end()
        sign = -1 if words.word(i - 1) == "minus" else 1
        yield Numeral(Decimal(sign * value), start, end, ordinal)
        i = after


def _is_pronoun(words: _Words, i: int) -> bool:
    """ "This one", "the other one", "one of them": no numbers; "six, no, one" is one."""
    if words.word(i) != "one" or words.joined(i + 1) in {*HUNDRED, *EN_SCALES}:
        return False
    if words.word(i + 1) in ("of", "moment", "sec"):
        return True
    if not i or words.joined(i) != "one":
        return False
    before, earlier = words.word(i - 1), words.word(i - 2)
    if before == "the" and earlier in ("just", "only"):
        return False
    if before == "no":
        corrects = words.joined(i - 1) != "no" or earlier in ONES or earlier in TENS
        return not (i > 1 and (corrects or earlier in TEENS))
    return before in BEFORE_ONE or (earlier in ("the", "a", "this", "that") and before not in SAYS)


def _chinese(plain: str) -> Iterator[Numeral]:
    if not re.search(r"[\u4e00-\u9fff〇]", plain):
        return
    blocked = [match.span() for match in _HAN_OTHER.finditer(plain)]
    for match in _HAN.finditer(plain):
        if any(start < match.end() and match.start() < end for start, end in blocked):
            continue
        text = match.group()
        yield Numeral(han(text.lstrip("第")), match.start(), match.end(), text[0] == "第")


def han(text: str) -> Decimal:
    """The value of a Chinese numeral: 两百零五, 一二三, 三点五, 一百五 (150)."""
    if text[0].isdigit() and text[-1] in "千万萬":
        return Decimal(re.sub(r"\D", "", text)) * {"千": 1000}.get(text[-1], 10_000)
    text, _, fraction = text.replace("點", "点").replace("兩", "两").partition("点")
    digits = "".join(ZH_DIGITS[char] for char in fraction)
    return Decimal(f"{_han_whole(text)}.{digits or 0}")


def _han_whole(text: str) -> int:
    if not any(char in ZH_UNITS or char in ZH_BIG for char in text):
        return int("".join(ZH_DIGITS[char] for char in text))
    total, section, digit, last = 0, 0, 0, 1
    for char in text:
        if char in ZH_DIGITS:
            digit = int(ZH_DIGITS[char])
            last = 1 if char in "零〇" else last
        elif char in ZH_BIG:
            total, section, digit, last = (total + section + digit) * ZH_BIG[char], 0, 0, 10_000
        else:
            section += (digit or 1) * ZH_UNITS[char]
            digit, last = 0, ZH_UNITS[char]
    # 一百五 is 150 and 三万五 35,000: the unit after the last digit is left out.
    return total + section + digit * (last // 10 if last >= 100 else 1)
