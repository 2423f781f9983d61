"""When a queue is staffed: weekly split shifts, holidays and special openings, in one time zone.

1. A date with special openings has those shifts and no others; with none of them it is closed.
2. Any other holiday is closed.
3. Any other day has the shifts of its weekday. Without a weekly table it is open day and night.
4. A shift that ends at or before its beginning goes on after midnight and belongs to the day
   on which it began; ``00:00-24:00`` is the whole day.
Clock times are local: a shift from 08:00 begins at 08:00 in summer and in winter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import TypeAlias
from zoneinfo import ZoneInfo

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
LOOK_AHEAD_DAYS = 400
"""A queue without a shift in this time does not open again."""
DAY_S = 24 * 3600
MIDNIGHT = time(0)
ONE_DAY = timedelta(days=1)
ONE_MINUTE = timedelta(minutes=1)

Shift: TypeAlias = tuple[time, time]
"""Begin (in it) and end (not in it); an end of 00:00 is midnight."""
ALL_DAY: tuple[Shift, ...] = ((MIDNIGHT, MIDNIGHT),)


@dataclass(frozen=True, slots=True)
class Hours:
    """The opening hours of a queue."""

    timezone: str = "UTC"
    weekly: Mapping[str, tuple[Shift, ...]] | None = None
    holidays: frozenset[date] = frozenset()
    openings: Mapping[date, tuple[Shift, ...]] = field(default_factory=dict)

    def shifts_on(self, day: date) -> tuple[Shift, ...]:
        """The shifts that begin on that local date."""
        if day in self.openings:
            return self.openings[day]
        if day in self.holidays:
            return ()
        if self.weekly is None:
            return ALL_DAY
        return self.weekly.get(DAYS[day.weekday()], ())

    def open_at(self, now: datetime) -> bool:
        """Whether it is open at that (aware) time."""
        local = now.astimezone(ZoneInfo(self.timezone))
        clock = local.time()
        if any(_begun(shift, clock) for shift in self.shifts_on(local.date())):
            return True
        before = self.shifts_on(local.date() - ONE_DAY)
        return any(end <= begin and clock < end for begin, end in before)

    def next_opening(self, now: datetime) -> datetime | None:
        """The first UTC time from ``now`` on at which it is open, to the minute.

        ``now`` itself when it is open; None when no shift begins in ``LOOK_AHEAD_DAYS``.
        """
        if self.open_at(now):
            return now.astimezone(UTC)
        zone = ZoneInfo(self.timezone)
        today = now.astimezone(zone).date()
        for ahead in range(LOOK_AHEAD_DAYS):
            day = today + ahead * ONE_DAY
            moments = sorted(
                moment
                for begin, _ in self.shifts_on(day)
                for moment in _moments(datetime.combine(day, begin, zone))
            )
            for moment in moments:
                if moment > now and self.open_at(moment):
                    return self._earliest(moment, now)
        return None

    def open_s(self, begin: datetime, end: datetime) -> float:
        """Seconds of opening hours between two (aware) times; 0 when they are in reverse.

        A shift that has begun goes on through a change of the hour.
        """
        if self.weekly is None and not self.holidays and not self.openings:
            return max(0.0, (end - begin).total_seconds())
        zone = ZoneInfo(self.timezone)
        day = begin.astimezone(zone).date() - ONE_DAY
        last = end.astimezone(zone).date()
        total, counted_to = 0.0, begin
        while day <= last:
            for opens, closes in sorted(_span_utc(day, each, zone) for each in self.shifts_on(day)):
                since, until = max(opens, counted_to), min(closes, end)
                if since < until:
                    total += (until - since).total_seconds()
                    counted_to = until
            day += ONE_DAY
        return total

    def _earliest(self, moment: datetime, now: datetime) -> datetime:
        """Back to the hour's change when the shift begins at a time that the change skips."""
        while moment - ONE_MINUTE > now and self.open_at(moment - ONE_MINUTE):
            moment -= ONE_MINUTE
        return moment


ALWAYS_OPEN = Hours()


def _begun(shift: Shift, clock: time) -> bool:
    begin, end = shift
    return begin <= clock and (clock < end or end <= begin)


def _span_utc(day: date, shift: Shift, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """When the shift of a date begins and ends; an end in a repeated hour is the later one."""
    begin, end = shift
    closes = datetime.combine(day if end > begin else day + ONE_DAY, end, zone)
    return datetime.combine(day, begin, zone).astimezone(UTC), max(_moments(closes))


def _moments(local: datetime) -> set[datetime]:
    """The UTC times of a local time: two of them where the change of the hour repeats it."""
    return {local.replace(fold=fold).astimezone(UTC) for fold in (0, 1)}


def parse_shift(text: object) -> Shift:
    """``08:00-12:30``; the end may be ``24:00``. Raises ``ValueError`` saying what is wrong."""
    begin, dash, end = str(text).partition("-")
    try:
        if not dash:
            raise ValueError
        shift = _clock(begin), MIDNIGHT if end.strip() == "24:00" else _clock(end)
    except ValueError:
        raise ValueError("expected a shift like 08:00-12:30") from None
    if shift[0] == shift[1] and shift != ALL_DAY[0]:
        raise ValueError("expected an end that differs from the begin")
    if shift == ALL_DAY[0] and end.strip() != "24:00":
        raise ValueError("expected 00:00-24:00 for the whole day")
    return shift


def _clock(text: str) -> time:
    found = time.fromisoformat(text.strip())
    if found.tzinfo is not None or found.microsecond:
        raise ValueError
    return found


def serialize_shift(shift: Shift) -> str:
    """The inverse of :func:`parse_shift`."""
    begin, end = (each.isoformat("auto" if each.second else "minutes") for each in shift)
    return f"{begin}-{'24:00' if shift[1] == MIDNIGHT else end}"


def clashes(shifts: Sequence[Shift], following: Sequence[Shift] = ()) -> list[tuple[Shift, Shift]]:
    """Pairs of one day's shifts that overlap, the next day's ``following`` ones included."""
    spans = [(*_span(shift), shift) for shift in shifts]
    later = [
        (begin + DAY_S, end + DAY_S, shift) for shift in following for begin, end in [_span(shift)]
    ]
    found = []
    for index, (begin, end, shift) in enumerate(spans):
        for other_begin, other_end, other in [*spans[index + 1 :], *later]:
            if begin < other_end and other_begin < end:
                found.append((shift, other))
    return found


def _span(shift: Shift) -> tuple[int, int]:
    """Seconds since the day began."""
    begin, end = (each.hour * 3600 + each.minute * 60 + each.second for each in shift)
    return begin, end if end > begin else end + DAY_S
