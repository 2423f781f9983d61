"""Values as they are said in 中文 and latviešu, for :mod:`evals.entities`."""

from __future__ import annotations

import random
from datetime import date, timedelta

from bots.flow.model import Slot
from evals import saying

NUMBER, DAY = Slot("count", "integer"), Slot("day", "date")
_LV_DAYS = (
    "", "", "divām dienām", "trim dienām", "četrām dienām", "piecām dienām", "sešām dienām",
    "septiņām dienām",
)  # fmt: skip


def mandarin_value(rng: random.Random, today: date) -> tuple[Slot, str, str]:
    """A number or a date: slot, value, words."""
    if rng.random() < 0.5:
        n = rng.randint(1, rng.choice((10, 99, 999, 9999, 99_999)))
        return NUMBER, str(n), rng.choice((saying.han(n), saying.han(n), str(n)))
    ahead = rng.randint(1, 360)
    day = today + timedelta(days=ahead)
    n, weekday = rng.randint(2, 9), rng.randrange(7)
    name = "一二三四五六日"[weekday]
    monday = today - timedelta(days=today.weekday())
    coming = today + timedelta(days=(weekday - today.weekday() - 1) % 7 + 1)
    found, said = rng.choice([
        (day, f"{day.month}月{day.day}日"), (day, f"{day.month}月{day.day}号"),
        (day, f"{saying.han(day.month)}月{saying.han(day.day)}号"),
        (day, f"{saying.han(day.month)}月{saying.han(day.day)}日"),
        (day, f"{day.year}年{day.month}月{day.day}日"), (day, day.isoformat()),
        (today + timedelta(days=1), "明天"), (today + timedelta(days=2), "后天"),
        (today + timedelta(days=3), "大后天"), (today, "今天"),
        (today + timedelta(days=n), f"{saying.han(n)}天后".replace("二天", "两天")),
        (today + timedelta(weeks=n), f"{saying.han(n)}周以后".replace("二周", "两周")),
        (coming, f"星期{name}"), (coming, f"周{name}"), (coming, f"礼拜{name}"),
        (monday + timedelta(days=7 + weekday), f"下周{name}"),
        (monday + timedelta(days=7 + weekday), f"下个星期{name}"),
        (monday + timedelta(days=14 + weekday), f"下下周{name}"),
        (date(2026, 3, 31), "月底"), (date(2026, 4, 3), "下个月三号"),
    ])  # fmt: skip
    return DAY, found.isoformat(), said


def latvian_value(rng: random.Random, today: date) -> tuple[Slot, str, str]:
    """A number or a date: slot, value, words; sometimes without accents."""
    slot, value, said = _latvian_value(rng, today)
    plain = said.translate(str.maketrans("āčēģīķļņšūž", "acegiklnsuz"))
    return slot, value, plain if rng.random() < 0.25 else said


def _latvian_value(rng: random.Random, today: date) -> tuple[Slot, str, str]:
    if rng.random() < 0.5:
        n = rng.randint(1, rng.choice((10, 99, 999, 9999)))
        return NUMBER, str(n), rng.choice((saying.latvian(n), saying.latvian(n), str(n)))
    day = today + timedelta(days=rng.randint(1, 360))
    n, weekday = rng.randint(2, 7), rng.randrange(7)
    month, name = saying.LV_MONTHS[day.month - 1], saying.LV_WEEKDAYS[weekday]
    monday = today - timedelta(days=today.weekday())
    coming = today + timedelta(days=(weekday - today.weekday() - 1) % 7 + 1)
    found, said = rng.choice([
        (day, f"{day.day}. {month}"), (day, f"{saying.latvian_ordinal(day.day)} {month}"),
        (day, f"{saying.latvian_ordinal(day.day)} {month}"), (day, f"{day.day}.{day.month}."),
        (day, f"{day.year}. gada {day.day}. {month}"),
        (day, f"{day.day:02d}.{day.month:02d}.{day.year}"),
        (today + timedelta(days=1), "rīt"), (today + timedelta(days=2), "parīt"), (today, "šodien"),
        (today + timedelta(days=n), f"pēc {_LV_DAYS[n]}"),
        (today + timedelta(weeks=1), "pēc nedēļas"),
        (today + timedelta(weeks=2), "pēc divām nedēļām"),
        (coming, name), (coming, name), (monday + timedelta(days=7 + weekday), f"nākamajā {name}ā"),
        (monday + timedelta(days=7 + weekday), f"nākamo {name}u"),
        (date(2026, 3, 31), "mēneša beigās"),
    ])  # fmt: skip
    return DAY, found.isoformat(), said
