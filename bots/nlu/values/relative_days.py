"""Days told from today: "in two weeks", "Monday week", 下周五, "pēc trim dienām". Pure."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable, Mapping
from datetime import date, timedelta

from bots.nlu.values.day_numbers import EN_DAY, LV_DAY, ZH_NUMBER, day_number
from bots.nlu.values.found import GUESS, LIKELY, Found
from bots.nlu.values.numerals import ONES, TEENS, TENS, numerals

WEEKDAYS: Mapping[str, int] = {
    r"mon(?:day)?": 0, r"tue(?:s(?:day)?)?": 1, r"wed(?:nesday)?": 2, r"thu(?:r(?:s(?:day)?)?)?": 3,
    r"fri(?:day)?": 4, r"sat(?:urday)?": 5, r"sun(?:day)?": 6,
    r"pirmdien\w*": 0, r"otrdien\w*": 1, r"tresdien\w*": 2, r"ceturtdien\w*": 3,
    r"piektdien\w*": 4, r"sestdien\w*": 5, r"svetdien\w*": 6,
}  # fmt: skip
WEEKDAY = "(?:" + "|".join(WEEKDAYS) + r")(?![a-z])\.?"
NAMED: Mapping[str, int] = {
    r"(?:the )?day after tomorrow": 2, r"(?:the )?day before yesterday": -2,
    r"tomorrow": 1, r"tmrw": 1, r"tomorow": 1, r"today": 0, r"tonight": 0, r"yesterday": -1,
    r"this (?:morning|afternoon|evening)": 0, r"right now": 0,
    "大后天": 3, "后天": 2, "明[天晚早]|明日": 1, "今[天晚早日]": 0, "昨[天晚日]": -1,
    "大前天": -3, "前天": -2,
    r"aizparit": 3, r"parit": 2, r"rit(?:dien)?": 1, r"sodien|sovakar": 0, r"aizvakar": -2,
    r"vakar": -1,
}  # fmt: skip
DAYS_IN: Mapping[str, int] = {
    "day": 1, "week": 7, "fortnight": 14, "dien": 1, "nedel": 7, "天": 1, "日": 1, "周": 7,
    "星期": 7, "礼拜": 7,
}  # fmt: skip
MONTHS_IN: Mapping[str, int] = {"month": 1, "year": 12, "menes": 1, "gad": 12, "月": 1, "年": 12}
_ONES, _TENS = "|".join(ONES), "|".join([*TENS, *TEENS])
N = rf"(?P<n>\d+|a couple of|an?|another|(?:{_TENS})(?:[ -](?:{_ONES}))?|{_ONES})"
EN_SPAN = r"(?P<unit>day|week|fortnight|month|year)s?\b"
LV_SPAN = r"(?P<unit>dien|nedel|menes|gad)\w*"
ZH_SPAN = r"(?P<n>[零一二两兩三四五六七八九十\d]{1,4})\s*个?(?P<unit>天|日|周|星期|礼拜|月|年)"
ZH_DAYS = "一二三四五六日"

Read = Callable[[re.Match[str], date, bool], date | None]


def relative(plain: str, today: date, past: bool) -> list[Found]:
    """The days that ``plain`` tells from ``today``; some may stand inside others."""
    return [
        Found(day.isoformat(), match.start(), match.end(), sure)
        for pattern, read, sure in _FORMS
        for match in pattern.finditer(plain)
        if (day := read(match, today, past))
    ]


def _named(match: re.Match[str], today: date, past: bool) -> date | None:
    days = next(days for words, days in NAMED.items() if re.fullmatch(words, match.group()))
    return _plus(today, days)


def _later(match: re.Match[str], today: date, past: bool) -> date | None:
    return _moved(match, today, 1)


def _earlier(match: re.Match[str], today: date, past: bool) -> date | None:
    return _moved(match, today, -1)


def _moved(match: re.Match[str], today: date, sign: int) -> date | None:
    named = match.groupdict()
    count = _count(named.get("n") or "a")
    unit = match.group("unit")
    if count is None:
        return None
    if unit in DAYS_IN:
        moved = _plus(today, sign * count * DAYS_IN[unit])
    else:
        moved = _plus_months(today, sign * count * MONTHS_IN[unit])
    if moved and named.get("tomorrow"):
        moved = _plus(moved, 1)
    return moved


def _count(text: str) -> int | None:
    """ "a", "two", "a couple of"; None where it is no number."""
    words = text.strip()
    if words in ("a", "an", "one", "another"):
        return 1
    if words in ("a couple of", "couple of", "a couple"):
        return 2
    found = numerals(words)
    whole = len(found) == 1 and found[0].start == 0 and found[0].end == len(words)
    return found[0].whole if whole and not found[0].ordinal else None


def _weekday(match: re.Match[str], today: date, past: bool) -> date | None:
    """ "Friday", "this Friday", "last Friday", "next Friday", "Friday week", "下周五"."""
    named = match.groupdict()
    wanted = _day_of_week(match.group("weekday"))
    how = re.sub(r"\s+", " ", (named.get("how") or "").strip())
    ahead = (wanted - today.weekday() - 1) % 7 + 1
    monday = today - timedelta(days=today.weekday())
    if how in ("last", "previous", "past", "上") or re.match("pagajus", how):
        behind = (today.weekday() - wanted - 1) % 7 + 1
        return monday + timedelta(days=wanted - 7) if how == "上" else today - timedelta(behind)
    weeks = {"next": 1, "下": 1, "下下": 2, "本": 0, "这": 0, "上上": -2}.get(how)
    if re.match("nakam", how):
        weeks = 1
    if named.get("after"):
        return monday + timedelta(days=wanted + 7 * (1 + (wanted <= today.weekday())))
    if weeks is not None:
        return monday + timedelta(days=wanted + 7 * weeks)
    if named.get("week"):
        ahead += 7
    if past and not how:
        ahead = -((today.weekday() - wanted) % 7)
    return _plus(today, ahead)


def _of_week(match: re.Match[str], today: date, past: bool) -> date | None:
    """ "Friday next week", "next week on Friday", "Tuesday of this week"."""
    weeks = {"next": 1, "this": 0, "last": -1, "nakam": 1, "saj": 0, "so": 0}
    named = match.groupdict()
    how = match.group("how")
    count = next(number for word, number in weeks.items() if how.startswith(word))
    monday = today - timedelta(days=today.weekday())
    if named["weekday"]:
        return monday + timedelta(days=_day_of_week(named["weekday"]) + 7 * count)
    return _plus(today, 7 * count)


def _from_weekday(match: re.Match[str], today: date, past: bool) -> date | None:
    """ "A week on Friday", "two weeks from Monday"."""
    wanted = _day_of_week(match.group("weekday"))
    count = _count(match.group("n"))
    ahead = (wanted - today.weekday() - 1) % 7 + 1
    return None if count is None else _plus(today, ahead + count * DAYS_IN[match.group("unit")])


def _day_of_week(text: str) -> int:
    if text[0] > "\u2fff":
        return ZH_DAYS.find(text[-1].replace("天", "日"))
    name = text.rstrip(".")
    return next(number for form, number in WEEKDAYS.items() if re.fullmatch(form, name))


def _edge(match: re.Match[str], today: date, past: bool) -> date | None:
    """ "End of the month", "beginning of next year", 月底, "mēneša beigās"."""
    words = match.group()
    ahead = int(bool(re.search(r"\bnext\b|nakam|下个?", words)))
    first = bool(re.search(r"begin|start|sakum|初", words))
    if re.search("week|nedel", words):
        monday = today - timedelta(days=today.weekday()) + timedelta(days=7 * ahead)
        return monday + timedelta(days=0 if first else 4)
    if re.search("year|gada|年", words):
        year = today.year + ahead + int(bool(re.search("明年", words)))
        return date(year, 1, 1) if first else date(year, 12, 31)
    month = _plus_months(today.replace(day=1), ahead)
    if month is None:
        return None
    return month if first else month.replace(day=monthrange(month.year, month.month)[1])


def _in_month(match: re.Match[str], today: date, past: bool) -> date | None:
    """ "The 15th of next month", 下个月三号."""
    how = match.group("how")
    months = {"next": 1, "this": 0, "last": -1, "下": 1, "这": 0, "本": 0, "上": -1}
    count = next((n for word, n in months.items() if how.startswith(word)), 1)
    if how.startswith("s"):
        count = 0
    month = _plus_months(today.replace(day=1), count)
    day = day_number(match.group("day"))
    if month is None or not 1 <= day <= monthrange(month.year, month.month)[1]:
        return None
    return month.replace(day=day)


def _plus(day: date, days: int) -> date | None:
    try:
        return day + timedelta(days=days)
    except OverflowError:
        return None


def _plus_months(day: date, months: int) -> date | None:
    """The same day so many months later, or the last of a shorter month."""
    total = day.year * 12 + day.month - 1 + months
    year, month = total // 12, total % 12 + 1
    if not 1 <= year <= 9999:
        return None
    return date(year, month, min(day.day, monthrange(year, month)[1]))


def _words(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(patterns))


_NAMED = "|".join(words if words[0] > "\u2fff" else rf"\b(?:{words})\b" for words in NAMED)
_WEEK_OF = r"(?P<how>next|this|last) week"
_LV_HOW = r"(?P<how>nakam\w+|so|saja|pagajus\w+)"
_FORMS: tuple[tuple[re.Pattern[str], Read, float], ...] = (
    (_words(_NAMED), _named, LIKELY),
    (_words(rf"\b(?:in|within|after) {N} {EN_SPAN}(?:'?s? time)?"), _later, LIKELY),
    (_words(rf"\b{N} {EN_SPAN} (?:from (?:now|today|(?P<tomorrow>tomorrow))|hence|later)\b"),
     _later, LIKELY),
    (_words(rf"\b(?P<n>an?|one|two|three) {EN_SPAN} (?:today|(?P<tomorrow>tomorrow))\b"),
     _later, LIKELY),
    (_words(r"\b(?P<tomorrow>tomorrow) (?P<unit>week)\b", r"\btoday (?P<unit2>week)\b"),
     lambda match, today, past: _plus(today, 8 if match.group("tomorrow") else 7), LIKELY),
    (_words(rf"\b{N} {EN_SPAN} ago\b"), _earlier, LIKELY),
    (_words(rf"\bpec (?:{N} )?{LV_SPAN}"), _later, LIKELY),
    (_words(rf"\bpirms (?:{N} )?{LV_SPAN}"), _earlier, LIKELY),
    (_words(rf"{ZH_SPAN}(?:之|以)?后"), _later, LIKELY),
    (_words(rf"{ZH_SPAN}(?:之|以)?前"), _earlier, LIKELY),
    (_words(rf"\b(?:on |this |coming |upcoming )*(?P<weekday>{WEEKDAY})(?P<week> week\b)?"
            r"(?P<after> after next)?"), _weekday, LIKELY),
    (_words(rf"\b(?:on )?(?P<how>next|last|previous|past)(?: coming)? (?P<weekday>{WEEKDAY})"
            r"(?! after)"), _weekday, GUESS),
    (_words(rf"\b{_LV_HOW} (?P<weekday>{WEEKDAY})"), _weekday, GUESS),
    (_words(r"(?P<how>下下个?|下个?|上上个?|上个?|本|这个?|這)?(?P<weekday>(?:星期|周|礼拜)"
            r"[一二三四五六日天])"),
     lambda match, today, past: _han_weekday(match, today, past), LIKELY),
    (_words(rf"\b(?P<weekday>{WEEKDAY}),? (?:of |in )?(?:the )?{_WEEK_OF}",), _of_week, LIKELY),
    (_words(rf"\b{_WEEK_OF},? (?:on )?(?P<weekday>{WEEKDAY})"), _of_week, LIKELY),
    (_words(r"\bthis (?:day|time) (?P<how>next) week(?P<weekday>)"), _of_week, LIKELY),
    (_words(r"\b(?P<how>nakam\w+|saj\w+) nedel\w+,? (?P<weekday>" + WEEKDAY + ")"),
     _of_week, LIKELY),
    (_words(rf"\b(?P<n>an?|one|two|three) (?P<unit>week|fortnight|day)s? "
            rf"(?:on|from|after)(?: this| next)? (?P<weekday>{WEEKDAY})"), _from_weekday, LIKELY),
    (_words(r"\b(?:the )?(?:very )?(?:end|beginning|start|last day) of (?:the |this |next )"
            r"(?:month|year|week)\b",
            r"\b(?:(?:nakam|s)\w+ )?(?:menesa|gada|nedelas) (?:beig|sakum)\w+",
            r"下?个?月[底末初]|[今明]?年[底末初]"), _edge, LIKELY),
    (_words(rf"\b(?:the )?(?P<day>{EN_DAY}) (?:of )?(?P<how>next|this|last) month\b"),
     _in_month, LIKELY),
    (_words(rf"\b(?P<how>next|this) month,? (?:on )?(?:the )?(?P<day>{EN_DAY})"),
     _in_month, LIKELY),
    (_words(rf"(?P<how>下|这|本|上)个?月(?P<day>{ZH_NUMBER})[日号號]"), _in_month, LIKELY),
    (_words(rf"\b(?P<how>nakam\w+|si) menesa (?P<day>{LV_DAY})(?: datum\w+)?"),
     _in_month, LIKELY),
)  # fmt: skip


def _han_weekday(match: re.Match[str], today: date, past: bool) -> date | None:
    how = (match.group("how") or "").replace("个", "").replace("這", "这")
    wanted = _day_of_week(match.group("weekday"))
    if not how:
        ahead = (wanted - today.weekday() - 1) % 7 + 1
        return _plus(today, -((today.weekday() - wanted) % 7) if past else ahead)
    weeks = {"下": 1, "下下": 2, "本": 0, "这": 0, "上": -1, "上上": -2}[how]
    return today + timedelta(days=wanted - today.weekday() + 7 * weeks)
