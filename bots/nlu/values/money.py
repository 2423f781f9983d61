"""Amounts of money as people say and write them. Pure.

"€12", "1.250,00 EUR", "twelve fifty", "a hundred and five euros and twenty cents",
"fifty cents", 十二块五, "divpadsmit eiro piecdesmit": the value has two decimals and a point.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal

from bots.nlu.values.found import GUESS, LIKELY, SURE, Found
from bots.nlu.values.numerals import Numeral, numerals

MAJOR: Mapping[str, str] = {
    "EUR": r"€|eur\b|euros?\b|eiro\b|欧元|欧",
    "USD": r"us ?\$|\$|usd\b|(?:us )?dollars?\b|bucks?\b|dolari?\w*\b|美元|美金",
    "GBP": r"£|gbp\b|pounds?(?: sterling)?\b|quid\b|marcin\w+\b|英镑",
    "CNY": r"¥|cny\b|rmb\b|yuan\b|人民币|元|块钱?|圆",
}
MINOR: Mapping[str, str] = {
    "": r"cents?\b|cent[aiu]s?\b|centiem\b|c\b|分钱?",
    "GBP": r"pence\b|penny\b|pennies\b|p\b",
}
TENTH = r"角|毛钱?"
NOTES: Mapping[str, tuple[int, str]] = {
    "fiver": (5, ""), "tenner": (10, ""), "a grand": (1000, ""),
}  # fmt: skip
NEXT = r"\s*(?:,|and|un|&)?\s*"
LARGEST_MINOR = 99
NEAR = 24
"""Characters before a number in which its currency or its verb stands."""

_UNIT = re.compile(
    r"\s*(?:of\s+)?(?:" + "|".join(f"(?P<{code}>{words})" for code, words in MAJOR.items()) + ")"
)
_UNIT_BEFORE = re.compile(
    r"(?:" + "|".join(f"(?P<{code}>{words})" for code, words in MAJOR.items()) + r")\s*$"
)
_MINOR = re.compile(
    r"\s*(?:(?P<any>" + MINOR[""] + r")|(?P<GBP>" + MINOR["GBP"] + rf")|(?P<tenth>{TENTH}))"
)
_HALF = re.compile(r"\s*(?:and|un) (?:a half|pus[ei]?)\b|\s*ar pusi\b|半")
_THOUSAND = re.compile(r"\s*(?:thousand|grand|k|tukstos\w+)\b")
_POINT = re.compile(
    r"\s+(?:point|dot|komats|komata|punkts)((?:\s+(?:oh|o|zero|one|two|three|four|five|"
    r"six|seven|eight|nine|nulle|viens|divi|tris|cetri|pieci|sesi|septini|astoni|devini)\b)+"
    r"|\s+(?:ten|[a-z]+teen|[a-z]+ty(?:[ -][a-z]+)?)\b)"
)
_PAID = re.compile(r"\b(?:paid|pay|charged?(?: me)?|costs?|owe|bill (?:is|says|of)|price is)\s*$")
_COUNTED = re.compile(r"\s+(?!this|was|thanks|yes|always|plus|less)[a-z]{3,}s\b")
"""Things that are counted: "two parcels" are no money."""
_OH = re.compile(r"\s+(?:oh|o|zero)\s+(?=[a-z])")


def amounts(plain: str) -> list[Found]:
    """All amounts, in order; what was said without a currency is less sure."""
    reader = _Reader(plain)
    found = [*reader.read(), *_notes(plain)]
    return sorted(found, key=lambda one: one.start)


def _notes(plain: str) -> Iterator[Found]:
    for word, (value, unit) in NOTES.items():
        for match in re.finditer(rf"\b{word}\b", plain):
            yield Found(f"{value}.00", match.start(), match.end(), LIKELY, unit)


class _Reader:
    """Walks the numbers of a text and takes what belongs to one amount together."""

    def __init__(self, plain: str) -> None:
        self.plain = plain
        self.numbers = [n for n in numerals(plain) if not n.ordinal and n.value >= 0]
        self.ends = {number.end for number in self.numbers}
        self.at = {number.start: number for number in self.numbers}

    def read(self) -> Iterator[Found]:
        """The amounts made of numbers."""
        end = 0
        for number in self.numbers:
            if number.start < end:
                continue
            found = self._amount(number)
            if found:
                end = found.end
                yield found

    def _amount(self, number: Numeral) -> Found | None:
        minor = _MINOR.match(self.plain, number.end)
        if minor and number.value <= LARGEST_MINOR and not self._symbol(number.start):
            return self._cents(number, minor)
        value, end = self._fraction(number)
        start, unit = number.start, ""
        before, after = self._symbol(number.start), _UNIT.match(self.plain, end)
        if before:
            start, unit = before.start(), str(before.lastgroup)
        elif after:
            end, unit = after.end(), str(after.lastgroup)
        if not unit:
            return self._bare(number, value, end)
        if after and value == value.to_integral_value():
            value, end = self._and_cents(value, end)
        return Found(_money(value), start, end, SURE, unit, 1)

    def _symbol(self, start: int) -> re.Match[str] | None:
        """The currency in front of a number; a word there belongs to the number before it."""
        found = _UNIT_BEFORE.search(self.plain, max(0, start - NEAR), start)
        if found is None or found.group().strip() in ("元", "块", "欧", "圆"):
            return None
        said_before = {found.start(), found.start() - 1} & self.ends
        return None if said_before else found

    def _cents(self, number: Numeral, minor: re.Match[str]) -> Found:
        tenth = minor.lastgroup == "tenth"
        value, end = number.value / (10 if tenth else 100), minor.end()
        then = self.at.get(end)
        after = _MINOR.match(self.plain, then.end) if then and tenth else None
        if then and after:
            value, end = value + then.value / 100, after.end()
        unit = "CNY" if tenth else "GBP" if minor.lastgroup == "GBP" else ""
        return Found(_money(value), number.start, end, LIKELY, unit, 1)

    def _and_cents(self, value: Decimal, end: int) -> tuple[Decimal, int]:
        """What follows the currency: "and twenty cents", "fifty", 五, "and a half"."""
        half = _HALF.match(self.plain, end)
        if half:
            return value + Decimal("0.5"), half.end()
        gap = re.compile(NEXT).match(self.plain, end)
        number = self.at.get(gap.end()) if gap else None
        if number is None or number.whole is None or number.value > LARGEST_MINOR:
            return value, end
        minor = _MINOR.match(self.plain, number.end)
        another = _UNIT.match(self.plain, number.end) or self._symbol(number.start)
        if minor is None and (another or "," in self.plain[end : number.start]):
            return value, end
        han = self.plain[number.end - 1 : number.end] > "\u4e00" or self.plain[end - 1] in "块元"
        tenths = minor is not None and minor.lastgroup == "tenth"
        if tenths or (minor is None and han and number.value < 10):
            value, end = value + number.value / 10, minor.end() if minor else number.end
            last = self.at.get(end)
            after = _MINOR.match(self.plain, last.end) if last and minor else None
            return (value + last.value / 100, after.end()) if last and after else (value, end)
        return value + number.value / 100, minor.end() if minor else number.end

    def _fraction(self, number: Numeral) -> tuple[Decimal, int]:
        """ "two point five", "five and a half" in front of the currency."""
        half = _HALF.match(self.plain, number.end)
        if half and number.whole is not None:
            thousand = _THOUSAND.match(self.plain, half.end())
            value = number.value + Decimal("0.5")
            return (value * 1000, thousand.end()) if thousand else (value, half.end())
        point = _POINT.match(self.plain, number.end)
        if point is None or number.whole is None:
            return number.value, number.end
        digits = re.sub(r"\b(?:oh|o)\b", "zero", point.group(1))
        parts = [str(n.whole) for n in numerals(digits)]
        return number.value + Decimal(f"0.{''.join(parts)}"), point.end()

    def _bare(self, number: Numeral, value: Decimal, end: int) -> Found | None:
        """Without a currency: "twelve fifty" is 12.50, "fifteen" is 15."""
        if value == value.to_integral_value() and number.spoken and value < 1000:
            oh = _OH.match(self.plain, end)
            then = self.at.get(oh.end() if oh else end + 1)
            gap = self.plain[end : end + 1] == " "
            if then and then.spoken and gap and then.whole is not None:
                cents = then.whole
                if (oh and cents < 10) or 10 <= cents <= LARGEST_MINOR:
                    sure = LIKELY if value >= 10 or cents % 10 else GUESS
                    then_unit = _UNIT.match(self.plain, then.end)
                    unit = str(then_unit.lastgroup) if then_unit else ""
                    last = then_unit.end() if then_unit else then.end
                    return Found(
                        _money(value + Decimal(cents) / 100), number.start, last, sure, unit
                    )
        written = not number.spoken and value != value.to_integral_value()
        if not written and _COUNTED.match(self.plain, end):
            return None
        if _PAID.search(self.plain, max(0, number.start - NEAR), number.start):
            return Found(_money(value), number.start, end, SURE if written else LIKELY, "", 2)
        return Found(
            _money(value), number.start, end, SURE if written else LIKELY, "", int(written)
        )


def _money(value: Decimal) -> str:
    return f"{value:.2f}"
