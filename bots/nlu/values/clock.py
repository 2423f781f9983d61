"""Times of day as people say and write them: English, 中文, latviešu. Pure.

Times are ``HH:MM`` in 24 hours. Where an hour may be one of the morning or of the afternoon, the
slot's hours decide ("at three" between 8 and 18 is 15:00), else it is taken as it stands.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from bots.nlu.numbers import EN_TEENS, EN_TENS
from bots.nlu.values.durations import durations, seconds_of
from bots.nlu.values.found import GUESS, LIKELY, SURE, Found, longest
from bots.nlu.values.numerals import EN_ONES, LV_STEMS, han, numerals

LATER = (
    r"\bp\.? ?m\b|afternoon|evening|tonight|at night|下午|晚上|傍晚|今晚|明晚|pecpusdien|vakar[aā]"
)
EARLIER = r"\ba\.? ?m\b|morning|早上|上午|凌晨|清晨|no rita|\brit[aā]\b"
NOON, MIDNIGHT = (
    r"\b(?:noon|midday|pusdienlaik\w*)\b|中午(?!\d|[一二十])",
    r"\bmidnight\b|pusnakt\w*|午夜|半夜",
)
_HOUR_WORDS = {
    **{w: n for w, n in EN_ONES.items() if n}, **EN_TEENS,
    "twenty": 20, "twenty one": 21, "twenty two": 22, "twenty three": 23,
}  # fmt: skip
_MINUTE_WORDS = {
    **EN_TEENS,
    **{ten: n for ten, n in EN_TENS.items() if n < 60},
    **{f"{ten} {one}": n + m for ten, n in EN_TENS.items() if n < 60
       for one, m in EN_ONES.items() if m},
    **{f"oh {one}": m for one, m in EN_ONES.items() if m},
    "hundred": 0, "five": 5,
}  # fmt: skip


_SINGLE = {word: n for word, n in EN_ONES.items() if n}


def _any_of(words: Mapping[str, int]) -> str:
    return "|".join(sorted(words, key=len, reverse=True)).replace(" ", "[ -]")


HOUR = rf"(?P<hour>(?:[01]?\d|2[0-4])(?!\d)|(?:{_any_of(_HOUR_WORDS)})\b)"
MINUTE = rf"(?P<minute>[0-5]\d(?!\d)|(?:{_any_of(_MINUTE_WORDS)})\b)"
PART = (
    r"(?:\s*(?P<part>a\.? ?m\b\.?|p\.? ?m\b\.?|(?:o'?clock )?(?:in the |at |this |tomorrow )"
    r"(?:morning|afternoon|evening|night)|tonight|no rita|rita|pecpusdiena|vakara|dienas?))"
)
LV_AT: Mapping[str, int] = {
    **{f"{stem}os": n for stem, n in LV_STEMS.items()}, "trijos": 3, "desmitos": 10,
    "vienpadsmitos": 11, "divpadsmitos": 12,
}  # fmt: skip
LV_TO: Mapping[str, int] = {
    **{f"{stem}iem": n for stem, n in LV_STEMS.items()}, "vieniem": 1, "trijiem": 3, "trim": 3,
    "desmitiem": 10, "vienpadsmitiem": 11, "divpadsmitiem": 12, "pusdesmit": 9,
}  # fmt: skip
ZH_PART = r"(?P<part>凌晨|清晨|早上|上午|中午|下午|傍晚|晚上|今晚|明晚|晚)?"
ZH_N = r"[零一二两兩三四五六七八九十\d]{1,3}"


@dataclass(frozen=True, slots=True)
class Hours:
    """What times are read against: hours from ``low`` to ``high`` and, for "in an hour", now."""

    low: int | None = None
    high: int | None = None
    now: datetime | None = None

    def settle(self, hour: int, minute: int, part: str) -> tuple[int, int, bool] | None:
        """The time in 24 hours and whether it is surely that one; None when it is none."""
        noted = bool(re.search(f"{LATER}|{EARLIER}|dienas?$|中午|晚", part))
        if hour < 12 and re.search(f"{LATER}|dienas?$|晚", part):
            if re.search(r"night|晚", part) and hour < 5:
                hour += 0
            else:
                hour += 12
        elif hour < 3 and part == "中午":
            hour += 12
        elif hour == 12 and re.search(f"{EARLIER}|night|凌晨", part):
            hour = 0
        hour = 0 if hour == 24 else hour
        if hour > 23 or minute > 59:
            return None
        sure = noted or hour > 12 or hour == 0
        if not noted and 1 <= hour <= 12 and self._outside(hour) and not self._outside(hour + 12):
            hour += 12
        return hour, minute, sure

    def _outside(self, hour: int) -> bool:
        low = 0 if self.low is None else self.low
        high = 24 if self.high is None else self.high
        return not low <= hour <= high or hour > 23

    def allows(self, clock: str) -> bool:
        """Whether it is within the slot's hours."""
        minutes = int(clock[:2]) * 60 + int(clock[3:])
        low = 0 if self.low is None else self.low * 60
        return low <= minutes <= (24 * 60 if self.high is None else self.high * 60)


def times(plain: str, hours: Hours = Hours()) -> list[Found]:
    """All times of day, in order. A bare number is none: "three" may be anything."""
    found: list[Found] = []
    for pattern, read, confidence in _FORMS:
        for match in pattern.finditer(plain):
            if (time := read(match)) is not None:
                found += _settled(plain, match, time, hours, confidence)
    found += _from_now(plain, hours)
    return longest(found)


def bare_times(plain: str, hours: Hours) -> list[Found]:
    """ "Three", "three thirty", "1530" where a time was asked for and nothing else is said."""
    match = _BARE.fullmatch(plain.strip(" .,!?"))
    if match is None:
        return []
    offset = len(plain) - len(plain.lstrip(" .,!?"))
    clock = _hour_and_minute(match)
    found = _settled(match.string, match, clock, hours, GUESS) if clock else []
    return [
        Found(one.value, one.start + offset, one.end + offset, GUESS)
        for one in found
        if match.group("minute") or hours.low is not None
    ]


def _settled(
    plain: str, match: re.Match[str], clock: tuple[int, int], hours: Hours, confidence: float
) -> list[Found]:
    part = match.groupdict().get("part") or _part_near(plain, match)
    settled = hours.settle(*clock, part)
    if settled is None:
        return []
    hour, minute, sure = settled
    value = f"{hour:02d}:{minute:02d}"
    if not hours.allows(value):
        return []
    start = match.start("hour") if _PREPOSED.match(match.group()) else match.start()
    return [Found(value, start, match.end(), confidence if sure else min(confidence, LIKELY))]


def _part_near(plain: str, match: re.Match[str]) -> str:
    """The part of the day that the sentence tells elsewhere: "tomorrow morning at nine"."""
    found = re.search(_PART_WORDS, plain[: match.start()] + " " + plain[match.end() :])
    return found.group() if found else ""


def _number(text: str) -> int:
    if text.isdigit():
        return int(text)
    if text[0] > "\u2fff":
        return int(han(text))
    words = text.replace("-", " ")
    return _HOUR_WORDS.get(words, _MINUTE_WORDS.get(words, 0))


def _hour_and_minute(match: re.Match[str]) -> tuple[int, int] | None:
    named = match.groupdict()
    hour = _number(named["hour"])
    return hour, _number(named["minute"]) if named.get("minute") else 0


def _past_or_to(match: re.Match[str]) -> tuple[int, int] | None:
    words = match.group("count")
    minutes = 30 if words.startswith("half") else 15 if "quarter" in words else _minutes(words)
    if minutes is None or minutes > 59:
        return None
    hour = _number(match.group("hour"))
    if match.group("way") in ("to", "till", "til", "before", "of"):
        return ((hour - 1) % 12 or 12) if hour <= 12 else hour - 1, 60 - minutes
    return hour, minutes


def _minutes(words: str) -> int | None:
    found = numerals(words)
    return found[0].whole if found else None


def _half_hour(match: re.Match[str]) -> tuple[int, int] | None:
    """ "Half three" is half past three."""
    return _number(match.group("hour")), 30


def _lv_half(match: re.Match[str]) -> tuple[int, int] | None:
    """ "Pustrijos" is half an hour before three."""
    return (LV_AT[match.group("lv")] - 2) % 12 + 1, 30


def _lv_at(match: re.Match[str]) -> tuple[int, int] | None:
    minute = _minutes(match.group("minutes") or "0")
    return LV_AT[match.group("lv")], minute or 0


def _lv_past(match: re.Match[str]) -> tuple[int, int] | None:
    words = match.group("count")
    minutes = 15 if words.startswith("ceturks") else _minutes(words)
    return None if minutes is None else (LV_TO[match.group("lv")], minutes)


def _lv_before(match: re.Match[str]) -> tuple[int, int] | None:
    words = match.group("count")
    minutes = 15 if words.startswith("ceturks") else _minutes(words)
    return None if not minutes else ((LV_AT[match.group("lv")] - 2) % 12 + 1, 60 - minutes)


def _chinese(match: re.Match[str]) -> tuple[int, int] | None:
    minute = match.group("minute") or ""
    minutes = {"半": 30, "一刻": 15, "三刻": 45, "整": 0, "": 0, "钟": 0}.get(minute)
    if minutes is None:
        minutes = (
            int(han(minute.rstrip("分"))) if not minute[0].isdigit() else int(minute.rstrip("分"))
        )
    hour = match.group("hour")
    return (int(hour) if hour.isdigit() else int(han(hour))), minutes


def _fixed(clock: tuple[int, int]) -> Callable[[re.Match[str]], tuple[int, int] | None]:
    return lambda match: clock


Read = Callable[[re.Match[str]], tuple[int, int] | None]
Form = tuple[re.Pattern[str], Read, float]
_MINUTES = rf"\d\d?|{_any_of(_MINUTE_WORDS)}|{_any_of(_SINGLE)}"
_PAST = (
    rf"(?P<count>half|a quarter|quarter|{_MINUTES})(?: minutes?)? "
    r"(?P<way>past|after|to|till?|before|of)"
)
_PART_WORDS = (
    r"\b(?:mornings?|afternoon|evening|tonight|no rita|pecpusdien\w+|vakara)\b|"
    "早上|上午|凌晨|下午|晚上|傍晚|今晚|明晚"
)
_PREPOSED = re.compile(r"(?:at|by|until|till|from|around|about|before|after) ")
_AT = r"\b(?:at|by|until|till|from|around|about|before|after|pulksten|plkst\.?)"
_NO_TIME = (
    r"(?! ?(?:days?|weeks?|months?|hours?|minutes?|euros?|eur|%|percent|people|th|st|nd|rd|"
    r"[./:-]\d)|[./:]\d)"
)
_LV_WORD = r"(?P<lv>" + "|".join(LV_AT) + ")"
_LV_COUNT = r"\w+(?: \w+)?"
_LV_CLOCK = r"\b(?:pulksten(?:is|s)?|plkst\.?) "
_BARE = re.compile(
    rf"(?:at |around |about |say |maybe |let's say |pulksten |ap )*{HOUR}(?:[ :.]?{MINUTE})?"
    r"(?: please| ludzu)?"
)


def _form(pattern: str, read: Read, sure: float = LIKELY) -> Form:
    return re.compile(pattern), read, sure


_EN_FORMS = (
    _form(
        r"(?<![\d.,/:])(?P<hour>[01]?\d|2[0-3])[:.h](?P<minute>[0-5]\d)(?![\d/]|[.,:]\d)"
        rf"{PART}?",
        _hour_and_minute,
        SURE,
    ),
    _form(rf"\b{HOUR}(?:[ :.]?{MINUTE})?{PART}", _hour_and_minute, SURE),
    _form(rf"\b{HOUR} o'?clock{PART}?", _hour_and_minute),
    _form(rf"{_AT} {HOUR} {MINUTE}{PART}?", _hour_and_minute),
    _form(
        r"\b(?:at|around) (?P<hour>[01]\d|2[0-3])(?P<minute>[0-5]\d)\b(?: hours)?",
        _hour_and_minute,
    ),
    _form(rf"\b(?:(?:oh|zero) )?{HOUR} (?P<minute>hundred) hours\b", _hour_and_minute, SURE),
    _form(rf"\b{_PAST} {HOUR}(?: o'?clock)?{PART}?", _past_or_to),
    _form(rf"\bhalf {HOUR}{PART}?", _half_hour),
    _form(rf"{_AT} {HOUR}{_NO_TIME}", _hour_and_minute, GUESS),
    _form(rf"\b{HOUR}[- ]?ish\b", _hour_and_minute, GUESS),
    _form(r"(?<![\d.,/:])(?P<hour>[01]?\d|2[0-3]) ?h\b", _hour_and_minute, GUESS),
    _form(NOON, _fixed((12, 0))),
    _form(MIDNIGHT, _fixed((24, 0))),
)
_LV_FORMS = (
    _form(rf"\bpus{_LV_WORD}\b{PART}?", _lv_half),
    _form(
        rf"(?:{_LV_CLOCK})?\b{_LV_WORD}\b(?: un (?P<minutes>{_LV_COUNT})(?: minut\w+))?{PART}?",
        _lv_at,
    ),
    _form(
        rf"{_LV_CLOCK}(?P<hour>\d\d?)(?:[:.](?P<minute>\d\d))?(?!\d){PART}?",
        _hour_and_minute,
        SURE,
    ),
    _form(
        rf"\b(?P<count>ceturksnis|{_LV_COUNT})(?: minut\w+)? pari (?P<lv>{'|'.join(LV_TO)})\b"
        rf"{PART}?",
        _lv_past,
    ),
    _form(rf"\bbez (?P<count>ceturksna|{_LV_COUNT})(?: minut\w+)? {_LV_WORD}\b{PART}?", _lv_before),
)
_ZH_FORMS = (
    _form(
        rf"{ZH_PART}(?P<hour>{ZH_N})[点點时](?!到)(?P<minute>半|一刻|三刻|整|钟|{ZH_N}分?)?",
        _chinese,
    ),
)
_FORMS: tuple[Form, ...] = (*_EN_FORMS, *_LV_FORMS, *_ZH_FORMS)


def _from_now(plain: str, hours: Hours) -> list[Found]:
    """ "In two hours", "half an hour from now", "now"; nothing without the time of day."""
    if hours.now is None:
        return []
    found = []
    for one in durations(plain):
        before, after = plain[: one.start].rstrip(), plain[one.end :]
        ahead = re.search(r"(?:\bin|\bwithin|\bpec)$", before)
        later = re.match(r"\s*(?:from now|later|'?s? time|(?:之|以)?后)", after)
        seconds = seconds_of(one.value)
        if seconds and (ahead or later):
            at = hours.now + timedelta(seconds=seconds)
            start = ahead.start() if ahead else one.start
            end = one.end + later.end() if later else one.end
            found.append(Found(f"{at:%H:%M}", start, end, LIKELY))
    return [one for one in found if hours.allows(one.value)]
