"""Dates as people say and write them, read from today: English, 中文, latviešu. Pure.

1. A date without a year is the next one to come; with ``past`` the last one that was.
2. "03/04" is the 3rd of April unless the company writes months first (``month_first``).
3. "Friday" is the next one to come, never today; "next Friday" the one of the week after this
   (weeks begin on Monday), which not everybody means: it is a ``GUESS``.
4. "The third" alone is a day of this month or the next: a ``GUESS`` as well.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date

from bots.nlu.values.day_numbers import (
    EN_DAY,
    EN_ORDINAL_DAY,
    LV_DAY,
    ZH_NUMBER,
    day_number,
)
from bots.nlu.values.found import GUESS, LIKELY, SURE, Found, longest
from bots.nlu.values.numerals import TEENS, TENS, han, numerals
from bots.nlu.values.relative_days import WEEKDAY, relative

MONTHS: Mapping[str, int] = {
    name: number % 12 + 1
    for number, name in enumerate(
        (
            "jan(?:uary)?", "feb(?:ruary)?", "mar(?:ch)?", "apr(?:il)?", "may", "june?", "july?",
            "aug(?:ust)?", "sept?(?:ember)?", "oct(?:ober)?", "nov(?:ember)?", "dec(?:ember)?",
            r"janvar\w+", r"februar\w+", r"mart[sau]\w?", r"april[isu]\w?", r"maij\w+", r"junij\w+",
            r"julij\w+", r"august[sau]\w?", r"septembr\w+", r"oktobr\w+", r"novembr\w+",
            r"decembr\w+",
        )
    )
}  # fmt: skip
MONTH = "(?:" + "|".join(MONTHS) + r")(?![a-z])\.?"
_TENS_WORDS = "|".join([*TENS, *TEENS])
YEAR = (
    r"(?:,?\s*(?:of |in |gada )?(?P<year>(?:19|20)\d\d(?!\d)|'\d\d(?!\d)"
    r"|(?:nineteen|twenty)[ -](?:hundred(?: and)?[ -]?|oh[ -])?"
    rf"(?:{_TENS_WORDS}|[a-z]{{3,5}})(?:[ -](?:one|two|three|four|five|six|seven|eight|nine))?\b"
    rf"|two thousand(?: and)?(?:[ -](?:{_TENS_WORDS}|one|two|three|four|five|six|seven|eight|nine)"
    r")?(?:[ -](?:one|two|three|four|five|six|seven|eight|nine))?\b))?"
)
CENTURY_BREAK = 40
"""Two digits up to so many years ahead of this one are of this century."""
FIRST_YEAR, LAST_YEAR = 1900, 2100
_ZH_YEAR = r"(?:(?P<year>\d{4}|[零〇一二三四五六七八九]{4}|今|明|去|后|前)年的?)?"
ZH_YEARS = {"今": 0, "明": 1, "去": -1, "后": 2, "前": -2}


@dataclass(frozen=True, slots=True)
class Calendar:
    """What dates are read against. ``today`` None: only whole dates are understood."""

    today: date | None
    past: bool = False
    month_first: bool = False

    def nearest(self, month: int, day: int) -> date | None:
        """That day of the year that comes next, or was last."""
        if self.today is None:
            return None
        found = real(self.today.year, month, day)
        # The 29th of February waits for a leap year.
        step = -1 if self.past else 1
        for year in range(self.today.year, self.today.year + step * 9, step):
            found = real(year, month, day)
            if found and (found <= self.today if self.past else found >= self.today):
                return found
        return None

    def of_month(self, day: int) -> date | None:
        """That day of this month or of the next (the last) that has it."""
        if self.today is None:
            return None
        year, month = self.today.year, self.today.month
        for _ in range(4):
            found = real(year, month, day)
            if found and (found <= self.today if self.past else found >= self.today):
                return found
            month += -1 if self.past else 1
            year, month = year + (month - 1) // 12, (month - 1) % 12 + 1
        return None

    def year(self, text: str) -> int | None:
        """1984 from "1984", "'84", "nineteen eighty four", 二零二六; None when it is none."""
        text = text.strip()
        if text.lstrip("'").isdigit():
            number = int(text.lstrip("'"))
            return self._century(number) if number < 100 else number
        if text in ZH_YEARS:
            return self.today.year + ZH_YEARS[text] if self.today else None
        if text[0] > "\u2fff":
            return int(han(text))
        numbers = [n.whole or 0 for n in numerals(text.replace(" oh ", " "))]
        value = sum(numbers) if numbers and numbers[0] > 100 else 0
        if len(numbers) == 2 and not value:
            value = numbers[0] * 100 + numbers[1]
        return value if FIRST_YEAR <= value <= LAST_YEAR else None

    def _century(self, year: int) -> int:
        this = self.today.year if self.today else 2000
        ahead = 0 if self.past else CENTURY_BREAK
        return 2000 + year if 2000 + year <= this + ahead else 1900 + year


def real(year: int, month: int, day: int) -> date | None:
    """The date, if there is such a one."""
    try:
        return date(year, month, day)
    except ValueError:
        return None


def dates(plain: str, calendar: Calendar) -> list[Found]:
    """All dates, ISO 8601, in order; none inside another."""
    found = [
        Found(day.isoformat(), match.start(), match.end(), confidence)
        for pattern, read, confidence in _FORMS
        for match in pattern.finditer(plain)
        if (day := read(calendar, match))
    ]
    if calendar.today is not None:
        found += relative(plain, calendar.today, calendar.past)
    return [_less_until(plain, one) for one in longest(found)]


def _less_until(plain: str, one: Found) -> Found:
    """ "I'm away until Monday, so Tuesday": where two days are told it is the other."""
    told = _UNTIL.search(plain, max(0, one.start - NEAR), one.start)
    return replace(one, weight=-1) if told else one


# -- forms ------------------------------------------------------------------------


def _iso(calendar: Calendar, match: re.Match[str]) -> date | None:
    return real(*(int(match.group(name)) for name in ("year", "month", "day")))


def _figures(calendar: Calendar, match: re.Match[str]) -> date | None:
    day, month = int(match.group("a")), int(match.group("b"))
    if (calendar.month_first and match.group("mark") == "/") or month > 12:
        day, month = month, day
    year = match.group("year")
    if not year:
        return calendar.nearest(month, day)
    in_full = calendar.year(year)
    return real(in_full, month, day) if in_full else None


def _named(calendar: Calendar, match: re.Match[str]) -> date | None:
    return _dated(calendar, match, _month(match.group("month")))


def _chinese(calendar: Calendar, match: re.Match[str]) -> date | None:
    return _dated(calendar, match, day_number(match.group("month")))


def _dated(calendar: Calendar, match: re.Match[str], month: int) -> date | None:
    day = day_number(match.group("day"))
    year = match.group("year")
    if not year:
        return calendar.nearest(month, day)
    in_full = calendar.year(year)
    return real(in_full, month, day) if in_full else calendar.nearest(month, day)


def _alone(calendar: Calendar, match: re.Match[str]) -> date | None:
    return calendar.of_month(day_number(match.group("day")))


def _edge(calendar: Calendar, match: re.Match[str]) -> date | None:
    """ "The end of March", "the first day of May"."""
    month = _month(match.group("month"))
    first = re.match("begin|start|first", match.group("edge"))
    year = calendar.today.year if calendar.today else FIRST_YEAR
    return calendar.nearest(month, 1 if first else monthrange(year, month)[1])


def _month(name: str) -> int:
    return next(n for form, n in MONTHS.items() if re.fullmatch(form, name.rstrip(".")))


def _holiday(calendar: Calendar, match: re.Match[str]) -> date | None:
    month, day = next(at for words, at in HOLIDAYS if re.fullmatch(words, match.group()))
    return calendar.nearest(month, day)


NEAR = 24
"""Characters before a day in which its preposition stands."""
_UNTIL = re.compile(
    r"\b(?:until|till|since|ordered (?:it |this |that )?(?:on )?|away (?:on )?)\s*$"
)
HOLIDAYS: tuple[tuple[str, tuple[int, int]], ...] = (
    (r"christmas eve|平安夜", (12, 24)),
    (r"christmas(?: day)?|圣诞节?", (12, 25)),
    (r"boxing day", (12, 26)),
    (r"new year'?s eve|vecgada vakar\w*", (12, 31)),
    (r"new year'?s day|元旦", (1, 1)),
)
Read = Callable[[Calendar, re.Match[str]], date | None]
_MEASURE = (
    r"\s*(?:%|eur|€|kilo|kg|[ck]?m\b|met(?:re|er)|gram|lit(?:re|er)|hour|h\b|star|point|percent|"
    r"inch|times|thousand|million|[gm]b\b|out of)"
)
"""After a number that is no date: "3.5 kilos"."""
_ON = rf"(?:\b{WEEKDAY},? )?"
"""The weekday in front of a date is not another date."""
_OF_MONTH = r"(?! (?:of|day|week|time|one|floor|attempt|class|party|person|question|part|line)\b)"
_FORMS: tuple[tuple[re.Pattern[str], Read, float], ...] = (
    (re.compile(r"(?<!\d)(?P<year>\d{4})[-/.](?P<month>\d\d?)[-/.](?P<day>\d\d?)(?!\d)"),
     _iso, SURE),
    (re.compile(_ON + r"(?<![\d.,/-])(?P<a>\d\d?)(?P<mark>[./-])(?P<b>\d\d?)"
                r"(?:(?P=mark)(?P<year>\d{4}|\d\d))(?![\d])"), _figures, SURE),
    (re.compile(_ON + r"(?<![\d.,/:-])(?P<a>\d\d?)(?P<mark>[./])(?P<b>\d\d?)(?P<year>\b(?!\d))?"
                rf"(?![\d/]|[.,]\d|{_MEASURE})"), _figures, LIKELY),
    (re.compile(rf"{_ON}(?:\bthe )?\b(?P<day>{EN_DAY})(?: day)?(?: of|,)?\s*(?P<month>{MONTH})"
                + YEAR), _named, SURE),
    (re.compile(rf"{_ON}\b(?P<month>{MONTH})\s*(?:the )?(?P<day>{EN_DAY})(?!\s*(?:am|pm|:)){YEAR}"),
     _named, SURE),
    (re.compile(rf"(?:(?P<year>\d{{4}})\.? gada )?\b(?P<day>{LV_DAY})\s*(?P<month>{MONTH})"),
     _named, SURE),
    (re.compile(rf"{_ZH_YEAR}(?P<month>{ZH_NUMBER})月份?(?P<day>{ZH_NUMBER})[日号號]?"),
     _chinese, SURE),
    (re.compile(rf"{_ON}\bthe (?P<day>{EN_ORDINAL_DAY}){_OF_MONTH}"), _alone, GUESS),
    (re.compile(rf"^\W*(?:on )?(?P<day>{EN_ORDINAL_DAY})\W*$"), _alone, GUESS),
    (re.compile(r"\b(?:the )?(?P<edge>end|beginning|start|last day|first day) of "
                rf"(?P<month>{MONTH})"), _edge, LIKELY),
    (re.compile(rf"\b(?P<day>{LV_DAY})\s*datum[aus]\b"), _alone, LIKELY),
    (re.compile(rf"(?<!月)(?P<day>{ZH_NUMBER})[号號](?!码|线|楼)"), _alone, LIKELY),
    (re.compile(r"|".join(rf"\b(?:{words})" for words, _ in HOLIDAYS)), _holiday, LIKELY),
)  # fmt: skip
