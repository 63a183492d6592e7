from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedback.errors import DigestError
from feedback.journey.model import Period
from feedback.journey.periods import check_period, local_date, parse_period, previous_period, utc_bounds

ANCHOR = date(2026, 2, 26)  # a Thursday

WRITTEN = [
    ("day", Period("day", "2026-02-26", "2026-02-27")),
    ("week", Period("week", "2026-02-23", "2026-03-02")),
    ("month", Period("month", "2026-02-01", "2026-03-01")),
    ("quarter", Period("quarter", "2026-01-01", "2026-04-01")),
    ("all", Period("all", None, None)),
    ("2026-W09", Period("week", "2026-02-23", "2026-03-02")),
    ("2026-W01", Period("week", "2025-12-29", "2026-01-05")),  # ISO weeks begin in the old year
    ("2020-W53", Period("week", "2020-12-28", "2021-01-04")),
    ("2025-Q4", Period("quarter", "2025-10-01", "2026-01-01")),
    ("2026-02", Period("month", "2026-02-01", "2026-03-01")),
    ("2025-12", Period("month", "2025-12-01", "2026-01-01")),
    ("2028-02-29", Period("day", "2028-02-29", "2028-03-01")),
    ("2026-02-23..2026-03-01", Period("week", "2026-02-23", "2026-03-02")),
    ("2026-02-01..2026-02-28", Period("month", "2026-02-01", "2026-03-01")),
    ("2026-01-01..2026-03-31", Period("quarter", "2026-01-01", "2026-04-01")),
    ("2026-02-23..2026-02-23", Period("day", "2026-02-23", "2026-02-24")),
    ("2026-02-20..2026-03-01", Period("range", "2026-02-20", "2026-03-02")),
    ("2026-02-22..2026-02-28", Period("range", "2026-02-22", "2026-03-01")),  # seven days, but Sunday to Saturday
    (" 2026-02 ", Period("month", "2026-02-01", "2026-03-01")),
]


@pytest.mark.parametrize("written, period", WRITTEN)
def test_a_period_is_read_as_people_write_it(written: str, period: Period) -> None:
    assert parse_period(written, ANCHOR) == period
    check_period(period)


@pytest.mark.parametrize(
    "written",
    [
        *("", "weekly", "2026", "2026-13", "2026-W54", "2025-W53", "2026-W00", "2026-Q5", "2026-2-3", "2026-02-30"),
        *("20260223", "0026-02-23", "9999-12", "9999-12-31", "２０２６-02"),
        *("2026-03-01..2026-02-23", "2026-02-23..", "..2026-02-23", "2026-02-23..2026-02", "2026-02-23…2026-03-01"),
    ],
)
def test_anything_else_is_refused_with_the_forms_that_are_known(written: str) -> None:
    with pytest.raises(DigestError) as refused:
        parse_period(written, ANCHOR)
    assert str(refused.value) == (
        f"No period '{written}'. Write day, week, month, quarter, all, 2026-W09, 2026-Q1, 2026-02, 2026-02-23 "
        "or 2026-02-23..2026-03-01."
    )


@pytest.mark.parametrize(
    "written, previous",
    [
        ("day", Period("day", "2026-02-25", "2026-02-26")),
        ("week", Period("week", "2026-02-16", "2026-02-23")),
        ("2026-03", Period("month", "2026-02-01", "2026-03-01")),
        ("2026-01", Period("month", "2025-12-01", "2026-01-01")),
        ("2026-Q1", Period("quarter", "2025-10-01", "2026-01-01")),
        ("2026-02-20..2026-03-01", Period("range", "2026-02-10", "2026-02-20")),
        ("all", None),
    ],
)
def test_the_previous_period_is_of_the_same_kind_and_touches(written: str, previous: Period | None) -> None:
    assert previous_period(parse_period(written, ANCHOR)) == previous


@given(
    st.dates(date(1990, 1, 1), date(2100, 1, 1)),
    st.sampled_from(["day", "week", "month", "quarter"]),
    st.integers(1, 9),
)
def test_going_back_leaves_no_gap_and_every_step_is_a_true_period(anchor: date, written: str, steps: int) -> None:
    period = parse_period(written, anchor)
    assert period.start is not None
    assert period.end is not None
    assert period.start <= anchor.isoformat() < period.end
    for _ in range(steps):
        check_period(period)
        before = previous_period(period)
        assert before is not None
        assert before.end == period.start
        period = before


@pytest.mark.parametrize(
    "written, timezone, bounds",
    [
        ("week", "Asia/Shanghai", ("2026-02-22T16:00:00Z", "2026-03-01T16:00:00Z")),
        ("week", "UTC", ("2026-02-23T00:00:00Z", "2026-03-02T00:00:00Z")),
        # Clocks go forward on 2026-03-08: the week is an hour short.
        ("2026-W10", "America/New_York", ("2026-03-02T05:00:00Z", "2026-03-09T04:00:00Z")),
        ("all", "Asia/Shanghai", (None, None)),
    ],
)
def test_bounds_are_local_midnights_in_utc(written: str, timezone: str, bounds: tuple[str | None, str | None]) -> None:
    assert utc_bounds(parse_period(written, ANCHOR), timezone) == bounds


@pytest.mark.parametrize("timezone", ["Mars/Base", "Asia", "", "../etc/passwd"])
def test_an_unknown_time_zone_is_refused(timezone: str) -> None:
    with pytest.raises(DigestError) as refused:
        utc_bounds(parse_period("week", ANCHOR), timezone)
    assert str(refused.value) == f"No time zone '{timezone}'. Write one like Asia/Shanghai."


def test_the_local_day_of_a_stored_time_is_the_customers() -> None:
    assert local_date("2026-03-01T16:30:00Z", "Asia/Shanghai") == date(2026, 3, 2)


@pytest.mark.parametrize(
    "period, message",
    [
        (Period("week", None, None), "A period of kind 'week' needs a start and an end."),
        (
            Period("week", "2026-02-24", "2026-03-03"),
            "2026-02-24 to 2026-03-03 is a period of kind 'range', not 'week'.",
        ),
        (Period("all", "2026-02-23", "2026-03-02"), "2026-02-23 to 2026-03-02 is a period of kind 'week', not 'all'."),
        (Period("day", "2026-02-24", "2026-02-24"), "'2026-02-24' to '2026-02-24' is no period."),
        (Period("day", "soon", "2026-02-24"), "'soon' to '2026-02-24' is no period."),
        (Period("day", "2026-02-24", "later"), "'2026-02-24' to 'later' is no period."),
    ],
)
def test_a_period_that_contradicts_itself_is_named(period: Period, message: str) -> None:
    with pytest.raises(DigestError) as refused:
        check_period(period)
    assert str(refused.value) == message
