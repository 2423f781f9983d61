"""Lengths of time as people say and write them, as ISO 8601 durations. Pure.

"An hour and a half" is ``PT1H30M``, "two weeks" ``P2W``, 三天 ``P3D``, "pusstunda" ``PT30M``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from bots.nlu.values.found import LIKELY, Found
from bots.nlu.values.numerals import numerals

UNITS: Mapping[str, str] = {
    r"seconds?|secs?": "S", r"minutes?|mins?": "M", r"hours?|hrs?|h": "H", r"days?": "D",
    r"weeks?": "W", r"months?": "m", r"years?|yrs?": "Y", "fortnights?": "F",
    r"sekund\w+": "S", r"minut\w+": "M", r"stund\w+": "H", r"dien(?:a|as|u|am|ai)": "D",
    r"nedel\w+": "W", r"menes\w+": "m", r"gad(?:s|i|u|us|iem|a)": "Y",
    "秒钟?": "S", "分钟": "M", "个?小时|个?钟头": "H", "天": "D", "个?星期|周|个?礼拜": "W",
    "个月": "m", "年": "Y",
}  # fmt: skip
_UNIT = "(?P<unit>" + "|".join(UNITS) + r")(?![a-z])"
_PIECE = re.compile(
    r"(?P<half>\bhalf (?:an?|of an?) |半|\bpus)?(?P<gap>\s*)"
    + _UNIT
    + r"(?P<more> and a half| un pus\w*|半)?"
)
SECONDS = {"S": 1, "M": 60, "H": 3600, "D": 86400, "W": 604800, "F": 1209600}


def durations(plain: str) -> list[Found]:
    """All lengths of time, in order, as ISO 8601 durations."""
    pieces = list(_pieces(plain))
    found: list[Found] = []
    while pieces:
        amounts = [pieces.pop(0)]
        while pieces and re.fullmatch(r"\s*(?:,|and|un)?\s*", plain[amounts[-1][3] : pieces[0][2]]):
            amounts.append(pieces.pop(0))
        value = _iso(amounts)
        if value:
            found.append(Found(value, amounts[0][2], amounts[-1][3], LIKELY))
    return found


Piece = tuple[float, str, int, int]
"""How many, of which unit, and where."""


def _pieces(plain: str) -> Iterator[Piece]:
    numbers = [n for n in numerals(plain) if not n.ordinal]
    for match in _PIECE.finditer(plain):
        unit = next(sign for form, sign in UNITS.items() if re.fullmatch(form, match.group("unit")))
        more = 0.5 if match.group("more") else 0.0
        if match.group("half"):
            yield 0.5, unit, match.start(), match.end()
            continue
        near = plain[: match.start("unit")]
        number = next((n for n in numbers if n.end == len(near.rstrip(" -个半"))), None)
        half = 0.5 if re.search(r"and a half\s*$|半个?$", near) else 0.0
        if half:
            stem = re.sub(r"\s*(?:and a half|半个?)\s*$", "", near)
            number = next((n for n in numbers if n.end == len(stem.rstrip("个 "))), None)
        if number is not None:
            yield float(number.value) + more + half, unit, number.start, match.end()
            continue
        one = re.search(r"\b(?:an?|one|vien\w|another) $", near)
        if one:
            yield 1 + more, unit, one.start(), match.end()


def _iso(pieces: list[Piece]) -> str:
    total = dict.fromkeys("YmWDHMS", 0.0)
    for count, unit, _, _ in pieces:
        total["W" if unit == "F" else unit] += count * (2 if unit == "F" else 1)
    months, total["Y"] = total["m"] + (total["Y"] % 1) * 12, total["Y"] // 1
    total["D"] += total["W"] % 1 * 7
    seconds = (total["D"] % 1) * 86400 + total["H"] * 3600 + total["M"] * 60 + total["S"]
    hours, rest = divmod(round(seconds), 3600)
    minutes, left = divmod(rest, 60)
    dated = [(total["Y"], "Y"), (months, "M"), (total["W"] // 1, "W"), (total["D"] // 1, "D")]
    days = "".join(f"{int(count)}{sign}" for count, sign in dated if int(count))
    clock = "".join(f"{n}{sign}" for n, sign in ((hours, "H"), (minutes, "M"), (left, "S")) if n)
    return f"P{days}{'T' + clock if clock else ''}" if days or clock else ""


def seconds_of(duration: str) -> int:
    """The seconds of a duration in hours and less; 0 for a longer one."""
    match = re.fullmatch(r"PT(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?", duration)
    if match is None:
        return 0
    hour, minute, second = (int(part or 0) for part in match.groups())
    return hour * 3600 + minute * 60 + second
