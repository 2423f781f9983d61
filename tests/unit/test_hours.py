"""Opening hours: split shifts, nights, holidays, special openings, the change of the hour."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from router.hours import DAYS, Hours, clashes, parse_shift, serialize_shift

RIGA = ZoneInfo("Europe/Riga")
SPLIT = Hours(
    "Europe/Riga",
    {day: (parse_shift("08:00-12:30"), parse_shift("13:00-20:00")) for day in DAYS[:5]},
    holidays=frozenset({date(2026, 12, 24), date(2026, 12, 25)}),
    openings={
        date(2026, 12, 24): (parse_shift("09:00-13:00"),),
        date(2026, 12, 26): (parse_shift("10:00-12:00"),),
        date(2026, 12, 28): (),
    },
)


def at(text: str, zone: ZoneInfo = RIGA) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone)


@pytest.mark.parametrize(
    ("when", "is_open"),
    [
        ("2026-07-01T07:59:59", False),
        ("2026-07-01T08:00", True),
        ("2026-07-01T12:29:59", True),
        ("2026-07-01T12:30", False),
        ("2026-07-01T12:45", False),
        ("2026-07-01T13:00", True),
        ("2026-07-01T20:00", False),
        ("2026-07-04T10:00", False),
    ],
)
def test_split_shifts_have_a_closed_noon_and_a_closed_weekend(when: str, is_open: bool) -> None:
    assert SPLIT.open_at(at(when)) is is_open


@pytest.mark.parametrize(
    ("when", "is_open"),
    [
        ("2026-12-24T08:30", False),
        ("2026-12-24T09:30", True),
        ("2026-12-24T14:00", False),
        ("2026-12-25T09:30", False),
        ("2026-12-26T10:30", True),
        ("2026-12-28T10:00", False),
        ("2026-12-29T10:00", True),
    ],
)
def test_special_opening_beats_holiday_weekend_and_weekday(when: str, is_open: bool) -> None:
    assert SPLIT.open_at(at(when)) is is_open


def test_night_shift_belongs_to_the_day_it_began_on() -> None:
    night = Hours(
        "UTC", {"fri": (parse_shift("22:00-06:00"),)}, holidays=frozenset({date(2026, 7, 4)})
    )
    for when, is_open in [
        ("2026-07-03T21:59", False),
        ("2026-07-03T22:00", True),
        ("2026-07-04T05:59", True),
        ("2026-07-04T06:00", False),
        ("2026-07-04T22:30", False),
    ]:
        assert night.open_at(at(when, ZoneInfo("UTC"))) is is_open, when


def test_without_a_weekly_table_it_is_open_except_on_holidays() -> None:
    assert Hours().open_at(at("2026-07-05T03:00"))
    closing = Hours("Europe/Riga", holidays=frozenset({date(2026, 11, 18)}))
    assert not closing.open_at(at("2026-11-18T12:00"))
    assert closing.next_opening(at("2026-11-18T12:00")) == at("2026-11-19T00:00")


@pytest.mark.parametrize(
    ("now", "opens"),
    [
        ("2026-07-01T10:00", "2026-07-01T10:00"),
        ("2026-07-01T12:40", "2026-07-01T13:00"),
        ("2026-07-03T20:00", "2026-07-06T08:00"),
        ("2026-12-24T13:00", "2026-12-26T10:00"),
        ("2026-12-26T12:00", "2026-12-29T08:00"),
    ],
)
def test_next_opening_skips_what_is_closed(now: str, opens: str) -> None:
    assert SPLIT.next_opening(at(now)) == at(opens)


def test_queue_that_never_opens_has_no_next_opening() -> None:
    assert Hours("UTC", {"mon": ()}).next_opening(at("2026-07-01T10:00")) is None


def test_hour_that_the_change_skips_the_shift_begins_with_the_change() -> None:
    # Riga, 29 March 2026: the clock goes from 03:00 to 04:00.
    early = Hours("Europe/Riga", {"sun": (parse_shift("03:30-09:00"),)})
    opens = early.next_opening(at("2026-03-29T02:00"))
    assert opens == datetime(2026, 3, 29, 1, 0, tzinfo=UTC)


def test_hour_that_the_change_repeats_opens_both_times() -> None:
    # Riga, 25 October 2026: 03:00 to 04:00 comes twice.
    early = Hours("Europe/Riga", {"sun": (parse_shift("03:30-03:45"),)})
    first = early.next_opening(datetime(2026, 10, 25, 0, 0, tzinfo=UTC))
    assert first == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    second = early.next_opening(datetime(2026, 10, 25, 0, 50, tzinfo=UTC))
    assert second == datetime(2026, 10, 25, 1, 30, tzinfo=UTC)


clock = st.builds(time, st.integers(0, 23), st.sampled_from([0, 15, 30]))
shift = st.tuples(clock, clock).filter(lambda pair: pair[0] != pair[1])
near = st.dates(date(2026, 3, 26), date(2026, 4, 1))
hours = st.builds(
    Hours,
    st.sampled_from(["Europe/Riga", "UTC", "America/New_York", "Australia/Lord_Howe"]),
    st.none() | st.dictionaries(st.sampled_from(DAYS), st.lists(shift, max_size=2).map(tuple)),
    st.frozensets(near, max_size=3),
    st.dictionaries(near, st.lists(shift, max_size=2).map(tuple), max_size=3),
)


@settings(max_examples=20)
@given(hours, st.integers(0, 5 * 96))
def test_next_opening_is_the_first_open_minute(table: Hours, quarters: int) -> None:
    now = datetime(2026, 3, 26, tzinfo=UTC) + timedelta(minutes=15 * quarters)
    opens = table.next_opening(now)
    span = range(0, 3 * 24 * 60, 15)
    first = next((m for m in span if table.open_at(now + timedelta(minutes=m))), None)
    if first is None:
        assert opens is None or opens >= now + timedelta(days=3)
    else:
        assert opens == now + timedelta(minutes=first)


@given(shift)
def test_shift_is_read_as_it_was_written(pair: tuple[time, time]) -> None:
    assert parse_shift(serialize_shift(pair)) == pair


@pytest.mark.parametrize("text", ["08:00", "8-12", "08:00-08:00", "25:00-26:00", "00:00-00:00", 8])
def test_bad_shift_is_refused_with_an_example(text: object) -> None:
    with pytest.raises(ValueError, match="expected"):
        parse_shift(text)


def test_clashes_are_found_in_a_day_and_over_midnight() -> None:
    morning, noon, night = (parse_shift(s) for s in ("08:00-12:30", "12:00-13:00", "22:00-07:00"))
    early = parse_shift("06:00-10:00")
    assert clashes([morning, noon]) == [(morning, noon)]
    assert clashes([morning, parse_shift("12:30-13:00")]) == []
    assert clashes([night], following=[early]) == [(night, early)]
    assert clashes([night], following=[morning]) == []


@pytest.mark.parametrize(
    ("begin", "end", "seconds"),
    [
        ("2026-07-01T09:00", "2026-07-01T09:00:30", 30),
        ("2026-07-01T12:20", "2026-07-01T13:10", 20 * 60),
        ("2026-07-01T19:50", "2026-07-02T08:05", 15 * 60),
        ("2026-07-03T19:00", "2026-07-06T09:00", 2 * 3600),
        ("2026-12-23T19:00", "2026-12-26T11:00", 3600 + 4 * 3600 + 3600),
        ("2026-07-02T09:00", "2026-07-01T09:00", 0),
    ],
)
def test_seconds_of_opening_hours_leave_out_noon_night_weekend_and_holiday(
    begin: str, end: str, seconds: float
) -> None:
    assert SPLIT.open_s(at(begin), at(end)) == seconds


def test_seconds_of_a_night_shift_count_the_change_of_the_hour() -> None:
    night = Hours("Europe/Riga", {"sat": (parse_shift("22:00-06:00"),)})
    begin, end = at("2026-03-28T12:00"), at("2026-03-29T12:00")
    assert night.open_s(begin, end) == 7 * 3600
    autumn = at("2026-10-24T12:00"), at("2026-10-25T12:00")
    assert night.open_s(*autumn) == 9 * 3600


@given(
    st.datetimes(datetime(2026, 12, 20), datetime(2027, 1, 5)),
    st.integers(0, 5 * 24 * 60),
)
def test_seconds_of_opening_hours_are_the_minutes_at_which_it_is_open(
    begin: datetime, minutes: int
) -> None:
    start = begin.replace(second=0, microsecond=0, tzinfo=RIGA).astimezone(UTC)
    moments = [start + timedelta(minutes=n) for n in range(minutes)]
    is_open = sum(SPLIT.open_at(moment) for moment in moments)
    assert SPLIT.open_s(start, start + timedelta(minutes=minutes)) == is_open * 60
