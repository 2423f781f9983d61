"""English as it is said (British: "and" in hundreds, the day before the month)."""

from __future__ import annotations

import re
from collections.abc import Mapping

from bots.spoken.tongue import Day, Number, Rule, abbreviations

SMALL = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
    "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen",
    "nineteen",
)  # fmt: skip
TENS = (
    "-", "-", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety",
)  # fmt: skip
SCALES = ((10**12, "trillion"), (10**9, "billion"), (10**6, "million"), (1000, "thousand"))
ORDINALS = {
    "one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth",
    "nine": "ninth", "twelve": "twelfth",
}  # fmt: skip
MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip
DAYS = (
    "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday",
)  # fmt: skip
MONEY = {
    "EUR": ("euro", "euros", "cent", "cents"),
    "USD": ("dollar", "dollars", "cent", "cents"),
    "GBP": ("pound", "pounds", "penny", "pence"),
    "CNY": ("yuan", "yuan", "fen", "fen"),
}
UNITS = {
    "%": ("percent", "percent"), "kg": ("kilogram", "kilograms"), "g": ("gram", "grams"),
    "mg": ("milligram", "milligrams"), "t": ("tonne", "tonnes"), "km": ("kilometre", "kilometres"),
    "m": ("metre", "metres"), "cm": ("centimetre", "centimetres"),
    "mm": ("millimetre", "millimetres"), "m²": ("square metre", "square metres"),
    "m³": ("cubic metre", "cubic metres"), "l": ("litre", "litres"),
    "ml": ("millilitre", "millilitres"), "kWh": ("kilowatt-hour", "kilowatt-hours"),
    "MWh": ("megawatt-hour", "megawatt-hours"), "kW": ("kilowatt", "kilowatts"),
    "W": ("watt", "watts"), "V": ("volt", "volts"), "A": ("amp", "amps"),
    "°C": ("degree Celsius", "degrees Celsius"), "°": ("degree", "degrees"),
    "km/h": ("kilometre per hour", "kilometres per hour"), "KB": ("kilobyte", "kilobytes"),
    "MB": ("megabyte", "megabytes"), "GB": ("gigabyte", "gigabytes"),
    "Mbit/s": ("megabit per second", "megabits per second"), "Hz": ("hertz", "hertz"),
    "h": ("hour", "hours"), "min": ("minute", "minutes"), "s": ("second", "seconds"),
    "d": ("day", "days"), "month": ("month", "months"), "year": ("year", "years"),
    "day": ("day", "days"), "week": ("week", "weeks"), "hour": ("hour", "hours"),
}  # fmt: skip
SHORT = {
    "e.g.": "for example", "eg.": "for example", "i.e.": "that is", "etc.": "and so on",
    "approx.": "approximately", "incl.": "including", "excl.": "excluding", "vs.": "versus",
    "vs": "versus", "max.": "maximum", "tel.": "telephone", "Tel.": "telephone",
    "Mr.": "Mister", "Mr": "Mister", "Mrs.": "Missus", "Mrs": "Missus", "Dr.": "Doctor",
    "dept.": "department", "Ltd.": "Limited", "Ltd": "Limited", "Inc.": "Incorporated",
    "a.m.": "a m", "p.m.": "p m", "c/o": "care of", "w/o": "without", "St.": "Street",
    "Rd.": "Road", "Ave.": "Avenue", "ext.": "extension", "ref.": "reference",
    "№": "number",
}  # fmt: skip

_MONTH = "|".join(f"{month}|{month[:3]}\\.?" for month in MONTHS) + "|Sept\\.?"
_DAY = "|".join(f"{day}|{day[:3]}\\.?" for day in DAYS) + "|Tues\\.?|Thurs?\\.?"
_HALF_DAY = r"(\d{1,2})(?:[:.](\d\d))? ?([apAP])\.?[mM]\b\.?"
_BOUND = r"(?<![\w.,:/-])"


def cardinal(number: int) -> str:
    """12345 → twelve thousand three hundred and forty-five; below 10¹⁵."""
    if number < 20:
        return SMALL[number]
    if number < 100:
        tens, one = divmod(number, 10)
        return TENS[tens] + (f"-{SMALL[one]}" if one else "")
    if number < 1000:
        hundreds, rest = divmod(number, 100)
        return f"{SMALL[hundreds]} hundred" + (f" and {cardinal(rest)}" if rest else "")
    size, name = next(scale for scale in SCALES if number >= scale[0])
    many, rest = divmod(number, size)
    joint = " and " if 0 < rest < 100 else " "
    return f"{cardinal(many)} {name}" + (f"{joint}{cardinal(rest)}" if rest else "")


def ordinal(number: int) -> str:
    """21 → twenty-first."""
    head, joint, last = cardinal(number).rpartition("-")
    if not joint:
        head, joint, last = cardinal(number).rpartition(" ")
    if last in ORDINALS:
        last = ORDINALS[last]
    else:
        last = f"{last[:-1]}ieth" if last.endswith("y") else f"{last}th"
    return f"{head}{joint}{last}"


class English:
    """Implements ``bots.spoken.tongue.Tongue``."""

    code = "en"
    decimal_mark = "."
    cue = (
        r"\b(?i:codes?|pin|orders?|numbers?|No\.|account|reference|ref\.?|ending in|extension|"
        r"ext\.?|ticket|invoice|meter|room|flight|dial|call|ring|zip|postcode)"
    )
    words: Mapping[str, str] = {
        "@": "at", ".": "dot", "/": "slash", "-": "dash", "_": "underscore", "+": "plus",
        "&": "and", "=": "equals", "<": "less than", ">": "more than", "≤": "at most",
        "≥": "at least", "±": "plus or minus", "×": "by", "°": "degrees", "§": "section",
        "#": "number", "~": "about", "≈": "about", "minus": "minus", "to": "to", ":": "to",
        "24/7": "twenty-four hours a day, seven days a week", "→": "to", "€": "euros",
        "$": "dollars", "£": "pounds", "¥": "yuan", "%": "percent", "‰": "per mille",
    }  # fmt: skip

    @property
    def rules(self) -> tuple[Rule, ...]:
        """Days, months, ordinals and short forms of English."""
        return (
            (re.compile(rf"{_BOUND}(?:({_DAY}),? )?(?:the )?(\d{{1,2}})(?:st|nd|rd|th)?(?: of)? "
                        rf"({_MONTH})\b(?:,? (\d{{4}})\b)?"), _day_month),
            (re.compile(rf"\b({_MONTH}) (\d{{1,2}})(?:st|nd|rd|th)?\b(?:, ?(\d{{4}})\b)?(?![:\d])"),
             _month_day),
            (re.compile(rf"\b({_DAY})\s?[-–—]\s?({_DAY})(?!\w)"), _days),
            (re.compile(rf"\b({_DAY})(?=[,:]? \d|, (?:{_DAY})\b)"), _day_before),
            (re.compile(r"\b(Mon|Tue|Tues|Wed|Thu|Thurs|Fri)\b\.?(?!\w)"), _day_before),
            (re.compile(r"(?<![\w.,])(\d{1,3}(?:,\d{3})*)(?:st|nd|rd|th)\b"),
             lambda found: ordinal(int(found[1].replace(",", "")))),
            (re.compile(r"([€$£])\s?(\d+)(?:\.(\d+))? ?(million|billion|thousand|bn|m|k)\b"),
             _fortune),
            (re.compile(r"\b(1\d|20)([1-9]0)s\b"), _decade),
            (re.compile(rf"{_BOUND}{_HALF_DAY}\s?[-–—]\s?{_HALF_DAY}"), _half_days),
            (re.compile(rf"{_BOUND}{_HALF_DAY}"), _half_day),
            (re.compile(r"\b[Nn]o(s?)\.(?=\s?\d)"),
             lambda found: "numbers" if found[1] else "number"),
            abbreviations(SHORT),
        )  # fmt: skip

    def count(self, number: Number, after: str = "") -> str:
        """As ``Tongue``."""
        said = cardinal(number.value)
        if number.fraction:
            said += " point " + " ".join(SMALL[int(digit)] for digit in number.fraction)
        return f"minus {said}" if number.minus else said

    def year(self, year: int) -> str:
        """2026 → twenty twenty-six."""
        century, rest = divmod(year, 100)
        if year % 1000 < 10 or not 1000 <= year < 10000:
            return cardinal(year)
        if rest == 0:
            return f"{cardinal(century)} hundred"
        return f"{cardinal(century)} " + (cardinal(rest) if rest > 9 else f"oh {SMALL[rest]}")

    def spelled(self, digit: str) -> str:
        """As ``Tongue``."""
        return SMALL[int(digit)]

    def joined(self, groups: list[list[str]]) -> str:
        """As ``Tongue``."""
        return ", ".join(" ".join(group) for group in groups)

    def money(self, number: Number, currency: str, before: str = "") -> str:
        """12.50 EUR → twelve euros fifty."""
        one, many, cent, cents = MONEY[currency]
        minor = number.minor
        if minor is None:
            return f"{self.count(number)} {many}"
        sign = "minus " if number.minus else ""
        if number.value == 0 and minor:
            return f"{sign}{cardinal(minor)} {cent if minor == 1 else cents}"
        said = f"{sign}{cardinal(number.value)} {one if number.value == 1 else many}"
        if minor == 0:
            return said
        if minor < 10:
            return f"{said} and {cardinal(minor)} {cent if minor == 1 else cents}"
        return f"{said} {cardinal(minor)}"

    def measured(self, number: Number, unit: str, before: str = "", first: str = "") -> str | None:
        """As ``Tongue``."""
        if unit not in UNITS:
            return None
        single = number.whole.lstrip("0") == "1" and not number.fraction and not first
        return f"{first}{self.count(number)} {UNITS[unit][0 if single else 1]}"

    def per(self, said: str, unit: str) -> str | None:
        """As ``Tongue``."""
        return f"{said} per {UNITS[unit][0]}" if unit in UNITS else None

    def clock(self, hour: int, minute: int, before: str = "") -> str:
        """14:30 → two thirty p m."""
        if minute == 0 and hour in (0, 12, 24):
            return "noon" if hour == 12 else "midnight"
        return f"{_twelve(hour, minute)} {'p m' if 12 <= hour < 24 else 'a m'}"

    def hours(self, begin: tuple[int, int], end: tuple[int, int], before: str = "") -> str:
        """As ``Tongue``."""
        return f"{self.clock(*begin)} to {self.clock(*end)}"

    def date(self, day: Day, before: str = "") -> str:
        """2026-03-02 → the second of March twenty twenty-six."""
        said = f"{ordinal(day.day)} of {MONTHS[day.month - 1]}"
        year = f" {self.year(day.year)}" if day.year is not None else ""
        return f"{'' if before.lower().endswith('the ') else 'the '}{said}{year}"

    def share(self, part: int, whole: int) -> str:
        """As ``Tongue``."""
        name = {2: "half", 4: "quarter"}.get(whole) or ordinal(whole)
        plural = "halves" if whole == 2 else f"{name}s"
        return f"{cardinal(part)} {name if part == 1 else plural}"


def _twelve(hour: int, minute: int) -> str:
    said = SMALL[hour % 12 or 12]
    if minute == 0:
        return said
    return f"{said} {f'oh {SMALL[minute]}' if minute < 10 else cardinal(minute)}"


def _month_of(name: str) -> int:
    return next(i for i, month in enumerate(MONTHS, 1) if month[:3] == name[:3])


def _named_day(name: str) -> str:
    return next(day for day in DAYS if day[:2] == name[:2])


def _day_month(found: re.Match[str]) -> str | None:
    week, day, month, year = found.groups()
    if not 1 <= int(day) <= 31:
        return None
    before = "" if week else found.string[: found.start()]
    said = English().date(Day(_month_of(month), int(day), int(year) if year else None), before)
    return f"{_named_day(week)} {said}" if week else said


def _month_day(found: re.Match[str]) -> str | None:
    month, day, year = found.groups()
    if not 1 <= int(day) <= 31:
        return None
    said = f"{MONTHS[_month_of(month) - 1]} {ordinal(int(day))}"
    return f"{said}, {English().year(int(year))}" if year else said


def _days(found: re.Match[str]) -> str:
    return f"{_named_day(found[1])} to {_named_day(found[2])}"


def _day_before(found: re.Match[str]) -> str:
    return _named_day(found[1])


def _decade(found: re.Match[str]) -> str:
    return f"{cardinal(int(found[1]))} {cardinal(int(found[2]))[:-1]}ies"


def _fortune(found: re.Match[str]) -> str:
    """€1.5bn → one point five billion euros."""
    scale = {"bn": "billion", "m": "million", "k": "thousand"}.get(found[4], found[4])
    many = MONEY[{"€": "EUR", "$": "USD", "£": "GBP"}[found[1]]][1]
    return f"{English().count(Number(found[2], found[3] or ''))} {scale} {many}"


def _half_day(found: re.Match[str]) -> str | None:
    said = _half(found[1], found[2], found[3])
    return said and said + ("." if found.group().endswith(".") and _ends(found) else "")


def _half_days(found: re.Match[str]) -> str | None:
    begin, end = _half(found[1], found[2], found[3]), _half(found[4], found[5], found[6])
    return f"{begin} to {end}" if begin and end else None


def _half(hour: str, minute: str | None, half: str) -> str | None:
    if not 1 <= int(hour) <= 12 or int(minute or 0) > 59:
        return None
    return f"{_twelve(int(hour), int(minute or 0))} {half.lower()} m"


def _ends(found: re.Match[str]) -> bool:
    rest = found.string[found.end() :].lstrip()
    return not rest or rest[0].isupper()
