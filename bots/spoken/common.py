"""What all languages write alike: addresses, codes, dates, times, money, quantities. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from datetime import date

from bots.spoken.tongue import LETTERS, Day, Number, Rule, Tongue, groups_of

CURRENCIES = {
    "€": "EUR", "EUR": "EUR", "euro": "EUR", "euros": "EUR", "eiro": "EUR", "欧元": "EUR",
    "$": "USD", "USD": "USD", "US$": "USD", "dollars": "USD", "dollar": "USD", "美元": "USD",
    "£": "GBP", "GBP": "GBP", "英镑": "GBP", "pounds": "GBP", "¥": "CNY", "￥": "CNY",
    "CNY": "CNY", "RMB": "CNY", "元": "CNY", "人民币": "CNY", "yuan": "CNY",
}  # fmt: skip
UNITS = (
    "km/h", "Mbit/s", "kWh", "MWh", "kW", "kg", "mg", "km", "cm", "mm", "ml", "m²", "m2", "m³",
    "m3", "°C", "Hz", "KB", "MB", "GB", "min", "g", "t", "m", "l", "L", "W", "V", "A", "h", "s",
    "°", "%",
)  # fmt: skip
PER = (
    "月",
    "年",
    "天",
    "次",
    "件",
    "小时",
    "hour",
    "month",
    "year",
    "week",
    "day",
    "min",
    "kWh",
    "MWh",
    "kg",
    "km",
    "m³",
    "m3",
    "h",
)
ALIASES = {"m2": "m²", "m3": "m³", "L": "l"}
SHARES = {(1, 2), (1, 3), (2, 3), (1, 4), (3, 4)}
YEARS = range(1900, 2100)
CARDINAL_DIGITS = 15
"""Longer numbers are read digit by digit."""
CODE_DIGITS = 5
"""From so many digits on, a bare number is a code."""
ONE_GROUP = 5
"""Up to so many digits are read in one go."""
SPELLED = 4
"""Up to so many capitals beside digits are spelled: HL-482913, but COVID-19."""

NUM = r"(?:\d{1,3}(?:[ ,.]\d{3})+(?![\d])(?:[.,]\d+)?|\d+(?:[.,]\d+)?)"
_NEGATIVE = r"(?:(?<![\w)])-)?"
_FREE = r"(?<![\w.,:/])"
_WHOLE = r"(?![\w]|[.,:/]\d)"
_DASH = r"\s?[-–—~]\s?"
_UNIT = "|".join(re.escape(unit) for unit in UNITS)
_MONEY = "|".join(re.escape(sign) for sign in sorted(CURRENCIES, key=len, reverse=True))
_PER = rf"(?:\s?/\s?({'|'.join(PER)})(?!\w))?"
_END = r"(?!\w)"
_TO = r"\s?(?:to|and|or|līdz|vai|un|至|到|或)\s?"
_HOST = r"(?:[\w-]+\.)+(?:com|org|net|info|eu|lv|cn|de|fr|uk|io|app|shop|example|test|gov|edu)"
_TIME = r"([01]?\d|2[0-4]):([0-5]\d)"


class Common:
    """The rules of one language, in their order."""

    def __init__(self, tongue: Tongue) -> None:
        self._tongue = tongue
        self._cue = re.compile(rf"{tongue.cue}(?:\s+(?:is|are|ir|是|为))?[\s:：#]*$")
        self.rules: tuple[Rule, ...] = tuple(
            (_latin(pattern), say)
            for rules in (
                self._addresses(),
                tongue.rules,
                self._calendar(),
                self._amounts(),
                self._codes(),
                self._numbers(),
                self._signs(),
            )
            for pattern, say in rules
        )

    # -- which rules there are -----------------------------------------------------

    def _addresses(self) -> Iterator[Rule]:
        yield re.compile(r"\[(?=[^\]\[]*\]\([^)\s]*\))"), lambda _: ""
        yield re.compile(r"\]\([^)\s]*\)"), lambda _: ""
        yield re.compile(r"(?i)\b(?:https?|ftp)://[^\s<>\"”）)]*[\w/]"), self._url
        yield re.compile(r"(?<![\w.+-])[\w.+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+"), self._address
        yield (
            re.compile(rf"(?<![\w@.])(?:www\.[\w.-]+\w|{_HOST})(?:/[\w/.~-]*[\w/])?(?!\w)"),
            self._url,
        )
        yield re.compile(r"(?<![\d/])24/7(?![\d/])"), lambda _: self._word("24/7")
        yield re.compile(r"(?<![\d/])7[x×]24(?!\d)"), lambda _: self._word("24/7")

    def _calendar(self) -> Iterator[Rule]:
        iso = r"(\d{4})-(\d\d)-(\d\d)"
        yield re.compile(rf"(?<![\w-]){iso}(?:T| |, ){_TIME}(?::[0-5]\d)?Z?(?![\w:])"), self._moment
        yield re.compile(rf"(?<![\w-]){iso}(?![\w-])"), self._iso
        yield (
            re.compile(r"(?<![\w.])(\d{1,2})\.\s?(\d{1,2})\.\s?(\d{4})(?![\w]|\.\d)"),
            self._dotted,
        )
        yield re.compile(r"(?<![\w/])(\d{1,2})/(\d{1,2})/(\d{4})(?![\w/])"), self._dotted
        yield re.compile(rf"(?<![\w:.]){_TIME}{_DASH}{_TIME}(?![\w:])"), self._hours
        yield re.compile(rf"(?<![\w:.]){_TIME}(?::([0-5]\d))?(?![\d:])"), self._time

    def _amounts(self) -> Iterator[Rule]:
        number = rf"({_NEGATIVE}{NUM})"
        yield (
            re.compile(rf"(?<![\w]){NUM}(?:\s?[x×]\s?{NUM})+(?:\s?(?:{_UNIT}){_END})?"),
            self._sizes,
        )
        yield (
            re.compile(rf"(?<![\w.,])({_MONEY}) ?{number}(?:{_DASH}({NUM}))?{_PER}{_WHOLE}"),
            self._priced,
        )
        yield (
            re.compile(rf"{_FREE}(\d+[.,]\d\d)(?={_TO}\d+(?:[.,]\d\d)? ?({_MONEY}){_END})"),
            (lambda found: self._costs(found[1], None, found[2], None, found)),
        )
        yield (
            re.compile(rf"{_FREE}{number}(?:{_DASH}({NUM}))? ?({_MONEY}){_PER}{_END}"),
            self._price,
        )
        yield (
            re.compile(rf"{_FREE}{number}(?:{_DASH}({NUM}))? ?({_UNIT}){_PER}{_END}"),
            self._quantity,
        )

    def _codes(self) -> Iterator[Rule]:
        yield re.compile(r"(?<![\w])(?:\+|00(?=[1-9]))\d[\d ()-]{5,}\d(?!\w)"), self._phone
        yield re.compile(r"(?<![\w.,])\d{3,}(?:[ -]\d{2,})*(?!\w|[.,]\d)"), self._cued
        yield (
            re.compile(r"(?<![\w])(?=[A-Z\d-]*\d)[A-Z][A-Z\d]*(?:-?[A-Z\d]+)*(?![\w])"),
            self._code,
        )
        yield re.compile(r"(?<![\w-])(?=\d+[A-Z])[A-Z\d]+(?:-[A-Z\d]+)*(?![\w])"), self._code
        yield re.compile(r"(?<![\w.,-])\d{1,4}(?:-\d{2,}){2,}(?![\w-])"), self._run
        yield re.compile(r"(?<![\w.,-])(\d{3,})-(\d{3,})(?![\w-])"), self._hyphened
        yield re.compile(r"(?<![\w.,])\d{2,4}(?: \d{2,4}){2,}(?![\w]|[.,]\d)"), self._groups
        yield re.compile(r"(?<![\w.,])\d{4} \d{4}(?![\w]|[.,]\d)"), self._run

    def _numbers(self) -> Iterator[Rule]:
        yield re.compile(r"(?<![\d/])(\d{1,2})/(\d{1,2})(?![\d/])"), self._fraction
        yield re.compile(r"(?<![\w.])\d+(?:\.\d+){2,}(?![\w])"), self._version
        yield (
            re.compile(rf"(?<![\d.,])({NUM}){_DASH}({NUM})(?!\d)"),
            self._span,
        )
        yield re.compile(rf"(?<!\d){_NEGATIVE}{NUM}(?!\d)"), self._number
        yield re.compile(r"\d+"), self._run

    def _signs(self) -> Iterator[Rule]:
        yield re.compile(r"#(?=\s?\d)"), lambda _: self._word("#")
        yield re.compile(r"[<>≤≥±~≈§](?=\s?[\d€$£¥])"), self._sign
        yield re.compile(r"(?<=\s)[&+=×→](?=\s)|(?<=[A-Za-z\d])[&+=×](?=[A-Za-z\d])"), self._sign
        yield re.compile(r"(?<!\w)\+(?=\d)"), self._sign
        yield re.compile(r"(?<=\w)[+%€$£¥°‰](?!\w)|(?<!\w)[€$£¥%‰](?=\w)"), self._sign
        yield re.compile(r"[½¼¾⅓⅔]"), self._vulgar
        yield re.compile(r"[*_`#>|]+"), lambda _: ""
        yield re.compile(r"\S"), self._odd_digit

    # -- addresses -------------------------------------------------------------------

    def _url(self, found: re.Match[str]) -> str:
        bare = re.sub(r"(?i)^\w+://", "", found.group())
        bare = re.split(r"[?#]", re.sub(r"(?i)^www\.", "", bare))[0]
        return self._dots(bare.rstrip("/"))

    def _address(self, found: re.Match[str]) -> str:
        return self._dots(found.group())

    def _dots(self, address: str) -> str:
        """An address: its signs in words, its digits one by one, its words as they are."""
        said = []
        for part in re.findall(r"\d+|[^\W\d_]+|.", address):
            if part.isdecimal():
                said.append(self._digits(part))
            elif part.isalpha():
                said.append(part)
            else:
                said.append(self._tongue.words.get(part, ""))
        return " ".join(word for word in said if word)

    # -- dates and times ---------------------------------------------------------------

    def _iso(self, found: re.Match[str]) -> str | None:
        return self._date(int(found[1]), int(found[2]), int(found[3]), _before(found))

    def _moment(self, found: re.Match[str]) -> str | None:
        day = self._iso(found)
        if day is None:
            return None
        return f"{day}, {self._tongue.clock(int(found[4]), int(found[5]))}"

    def _dotted(self, found: re.Match[str]) -> str | None:
        day, month, year = int(found[1]), int(found[2]), int(found[3])
        if month > 12 and day <= 12 and "/" in found.group():
            day, month = month, day
        return self._date(year, month, day, _before(found))

    def _date(self, year: int, month: int, day: int, before: str) -> str | None:
        try:
            date(year, month, day)
        except ValueError:
            return None
        return self._tongue.date(Day(month, day, year), before)

    def _time(self, found: re.Match[str]) -> str | None:
        hour, minute = int(found[1]), int(found[2])
        if hour == 24 and minute:
            return None
        said = self._tongue.clock(hour, minute, _before(found))
        if found[3] and int(found[3]):
            said += f", {self._tongue.measured(Number(str(int(found[3]))), 's')}"
        return said

    def _hours(self, found: re.Match[str]) -> str | None:
        begin, begin_m, end, end_m = map(int, found.groups())
        return self._tongue.hours((begin, begin_m), (end, end_m), _before(found))

    # -- amounts -----------------------------------------------------------------------

    def _priced(self, found: re.Match[str]) -> str | None:
        return self._costs(found[2], found[3], found[1], found[4], found)

    def _price(self, found: re.Match[str]) -> str | None:
        return self._costs(found[1], found[2], found[3], found[4], found)

    def _costs(
        self, low: str, high: str | None, sign: str, per: str | None, found: re.Match[str]
    ) -> str | None:
        first, last = self._parsed(low), self._parsed(high or low)
        if first is None or last is None:
            return None
        said = self._tongue.money(last, CURRENCIES[sign], _before(found))
        if high:
            said = f"{self._tongue.count(first, said)}{self._to()}{said}"
        return self._tongue.per(said, ALIASES.get(per, per)) if per else said

    def _quantity(self, found: re.Match[str]) -> str | None:
        low, high, unit, per = found.groups()
        unit = ALIASES.get(unit, unit)
        first, last = self._parsed(low), self._parsed(high or low)
        if first is None or last is None:
            return None
        lead = f"{self._tongue.count(first, self._of(unit))}{self._to()}" if high else ""
        said = self._tongue.measured(last, unit, _before(found), lead)
        if said is None or not per:
            return said
        return self._tongue.per(said, ALIASES.get(per, per))

    def _of(self, unit: str) -> str:
        """The unit's own word, as it stands behind two."""
        said = self._tongue.measured(Number("10"), unit) or ""
        return said.partition(" ")[2]

    def _sizes(self, found: re.Match[str]) -> str | None:
        by = self._spaced(self._word("×"))
        *heads, last = re.split(r"\s?[x×]\s?", found.group())
        tail = re.fullmatch(rf"({NUM})\s?({_UNIT})?", last)
        numbers = [self._parsed(head) for head in heads]
        end = self._parsed(tail[1]) if tail else None
        if tail is None or end is None or None in numbers:
            return None
        said = by.join(self._tongue.count(number) for number in numbers if number) + by
        if not tail[2]:
            return said + self._tongue.count(end)
        return self._tongue.measured(end, ALIASES.get(tail[2], tail[2]), first=said)

    # -- codes -------------------------------------------------------------------------

    def _phone(self, found: re.Match[str]) -> str:
        text = found.group()
        gap = "" if self._tongue.code == "zh" else " "
        plus = f"{self._word('+')}{gap}" if text.startswith("+") else ""
        return plus + self._grouped(re.findall(r"\d+", text))

    def _cued(self, found: re.Match[str]) -> str | None:
        if not self._cue.search(_before(found)):
            return None
        return self._run(found)

    def _code(self, found: re.Match[str]) -> str | None:
        runs = re.findall(r"[A-Z]+|\d+", found.group())
        long = any(run.isdecimal() and (len(run) > 2 or run[0] == "0") for run in runs)
        singly = long or len(runs) > 2
        groups: list[list[str]] = []
        for run in runs:
            if run.isalpha():
                groups.append(list(run) if len(run) <= SPELLED or len(runs) > 2 else [run])
            elif singly:
                groups += [[self._tongue.spelled(d) for d in part] for part in groups_of(run)]
            else:
                groups.append([self._tongue.count(Number(run))])
        if singly:
            return self._tongue.joined(groups)
        return " ".join(word for group in groups for word in group)

    def _run(self, found: re.Match[str]) -> str:
        return self._grouped(re.findall(r"\d+", found.group()))

    def _hyphened(self, found: re.Match[str]) -> str | None:
        """482-913 is a code; 100-200 and 2024-2026 are ranges."""
        first, last = int(found[1]), int(found[2])
        years = first in YEARS and last in YEARS
        return None if years or first % 10 == last % 10 == 0 else self._run(found)

    def _groups(self, found: re.Match[str]) -> str | None:
        parts = found.group().split(" ")
        thousands = all(len(part) == 3 for part in parts[1:]) and len(parts) == 3
        return None if thousands else self._grouped(parts)

    def _grouped(self, runs: list[str]) -> str:
        """Groups as they are written when there are some, in threes when there are none."""
        split = [
            part for run in runs for part in (groups_of(run) if len(run) > ONE_GROUP else [run])
        ]
        return self._tongue.joined([[self._tongue.spelled(d) for d in part] for part in split])

    def _digits(self, digits: str) -> str:
        return " ".join(self._tongue.spelled(digit) for digit in digits)

    # -- numbers -----------------------------------------------------------------------

    def _fraction(self, found: re.Match[str]) -> str:
        part, whole = int(found[1]), int(found[2])
        if (part, whole) in SHARES:
            return self._tongue.share(part, whole)
        first, last = self._count(found[1], ""), self._count(found[2], _after(found))
        return f"{first}{self._spaced(self._word('/'))}{last}"

    def _version(self, found: re.Match[str]) -> str | None:
        if self._parsed(found.group()) is not None:
            return None
        dot = self._spaced(self._word("."))
        return dot.join(self._count(part, "") for part in found.group().split("."))

    def _span(self, found: re.Match[str]) -> str | None:
        first, last = self._parsed(found[1]), self._parsed(found[2])
        if first is None or last is None or first.value >= last.value:
            return None
        after = _after(found)
        if (
            first.value in YEARS
            and last.value in YEARS
            and not (first.fraction or after[:1] == ",")
        ):
            return f"{self._tongue.year(first.value)}{self._to()}{self._tongue.year(last.value)}"
        return f"{self._tongue.count(first, after)}{self._to()}{self._tongue.count(last, after)}"

    def _number(self, found: re.Match[str]) -> str | None:
        return self._count(found.group(), _after(found))

    def _count(self, text: str, after: str) -> str:
        number = self._parsed(text)
        digits = re.sub(r"\D", "", text)
        if number is None:
            return self._grouped([digits])
        bare = text.isdecimal()
        round_sum = text.endswith("000") and len(text) < CODE_DIGITS + 3
        code = bare and len(text) >= CODE_DIGITS and not round_sum
        code = code or (bare and len(text) > 1 and text[0] == "0")
        if code or (" " in text and len(digits) > 7):
            return self._grouped(re.findall(r"\d+", text))
        if bare and number.value in YEARS:
            return self._tongue.year(number.value)
        return self._tongue.count(number, after)

    def _parsed(self, text: str) -> Number | None:
        """The value of a number as written; None when it is too long to be one."""
        minus = text[:1] in "-−" and bool(text)
        text = text.lstrip("-−")
        marks = [char for char in text if char in ".,"]
        fraction = ""
        if marks:
            head, mark, tail = text.rpartition(marks[-1])
            threes = len(tail) == 3 and len(head.strip()) <= 3 and head != "0"
            if marks.count(mark) == 1 and (
                len(set(marks)) > 1 or not threes or mark == self._tongue.decimal_mark
            ):
                text, fraction = head, tail
        whole = re.sub(r"[ ,.]", "", text)
        if len(whole) > CARDINAL_DIGITS or (fraction and len(marks) > 1 and not whole):
            return None
        if len(marks) > 1 and not re.fullmatch(r"\d{1,3}(?:[ ,.]\d{3})+", text):
            return None
        return Number(whole, fraction, minus)

    # -- signs -------------------------------------------------------------------------

    def _sign(self, found: re.Match[str]) -> str:
        return self._word(found.group())

    def _vulgar(self, found: re.Match[str]) -> str:
        part, whole = unicodedata.normalize("NFKD", found.group()).split("\u2044")
        return self._tongue.share(int(part), int(whole))

    def _odd_digit(self, found: re.Match[str]) -> str | None:
        """Superscripts and other digits that are no number."""
        digit = unicodedata.digit(found.group(), None)
        return None if digit is None else self._tongue.spelled(str(digit))

    def _word(self, sign: str) -> str:
        return self._tongue.words.get(sign, "")

    def _to(self) -> str:
        return self._spaced(self._word("to"))

    def _spaced(self, word: str) -> str:
        return word if self._tongue.code == "zh" else f" {word} "


def _latin(pattern: re.Pattern[str]) -> re.Pattern[str]:
    r"""``\w`` for letters that are written with spaces: 号 beside a digit is another word."""
    inside = pattern.pattern.replace(r"[\w", rf"[{LETTERS}\d_")
    return re.compile(inside.replace(r"\w", rf"[{LETTERS}\d_]"), pattern.flags)


def _before(found: re.Match[str]) -> str:
    return found.string[: found.start()][-24:]


def _after(found: re.Match[str]) -> str:
    return found.string[found.end() :][:40]
