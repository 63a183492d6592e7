"""Dates of exports: FORMATS' list, forms seen in the wild, and what must stay unknown."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedback.dates import DateReader, UnknownDate, read_excel_serial
from feedback.errors import ProjectError

NOW = datetime(2026, 3, 1, 4, 0, tzinfo=UTC)  # noon in Shanghai
SHANGHAI = DateReader("Asia/Shanghai", NOW)

KNOWN = [
    ("2026/2/3", "2026-02-02T16:00:00Z"),  # local midnight
    ("2026/02/03 12:00:00", "2026-02-03T04:00:00Z"),  # 问卷星
    ("2024-01-22 08:54:45", "2024-01-22T00:54:45Z"),  # 京东
    ("2024-01-22T08:54:45", "2024-01-22T00:54:45Z"),
    ("2024-01-22 08:54", "2024-01-22T00:54:00Z"),
    ("2023年11月11日", "2023-11-10T16:00:00Z"),
    ("2023年11月11日12时30分20秒", "2023-11-11T04:30:20Z"),
    ("2023年11月11日 星期六 下午3:05", "2023-11-11T07:05:00Z"),
    ("2023年11月11日(周六) 凌晨12:05", "2023-11-10T16:05:00Z"),
    ("2023-11-11 3:05 PM", "2023-11-11T07:05:00Z"),
    ("2023-08-13T23:38:52+08:00", "2023-08-13T15:38:52Z"),
    ("2023-08-13T23:38:52+0800", "2023-08-13T15:38:52Z"),
    ("2023-08-13T23:38:52.123Z", "2023-08-13T23:38:52Z"),
    ("2023-08-13 23:38:52 -03:30", "2023-08-14T03:08:52Z"),
    ("2023.1.2 5点30分", "2023-01-01T21:30:00Z"),
    ("２０２３－０８－１３　１２：００", "2023-08-13T04:00:00Z"),  # full-width
    (" '2023-08-13 ", "2023-08-12T16:00:00Z"),  # Excel's apostrophe
    ("02-Feb-2021 20:26:58", "2021-02-02T12:26:58Z"),  # 腾讯问卷
    ("2 September, 2023", "2023-09-01T16:00:00Z"),
    ("20231111", "2023-11-10T16:00:00Z"),
    ("20231111120000", "2023-11-11T04:00:00Z"),
    ("1699669233", "2023-11-11T02:20:33Z"),
    ("1699669233000", "2023-11-11T02:20:33Z"),
    ("1699669233.0", "2023-11-11T02:20:33Z"),  # a data frame made it a fraction
    ("3天前", "2026-02-26T04:00:00Z"),
    ("2小时前", "2026-03-01T02:00:00Z"),
    ("5 分钟前", "2026-03-01T03:55:00Z"),
    ("刚刚", "2026-03-01T04:00:00Z"),
    ("昨天 12:30", "2026-02-28T04:30:00Z"),
    ("昨天12:30", "2026-02-28T04:30:00Z"),
    ("前天", "2026-02-26T16:00:00Z"),
    ("今天 08:00", "2026-03-01T00:00:00Z"),
    ("2026-03-02 11:59:59", "2026-03-02T03:59:59Z"),  # less than a day ahead: a clock that is off
    ("1990-01-02 00:00:00", "1990-01-01T16:00:00Z"),
]

EXCEL = 'Excel counts days like this; dates = "excel" in the layout reads them'
UNKNOWN = [
    ("11-05", "it has no year"),
    ("11月5日 12:00", "it has no year"),
    ("2023-02-30", "there is no such time (day is out of range for month)"),
    ("2023-02-30 10:00:00", "there is no such time (day is out of range for month)"),
    ("2023-13-01", "there is no such time (month must be in 1..12)"),
    ("2023-11-11 24:00:00", "there is no such time (hour must be in 0..23)"),
    ("2023-11-11 23:60:00", "there is no such time (minute must be in 0..59)"),
    ("2023-11-11 晚上12:30", "晚上12点 may be the start of the day or its end"),
    ("1970-01-01 08:00:00", "its year is not in 1990..2026"),  # a database's zero
    ("1989-12-31", "its year is not in 1990..2026"),
    ("2030-01-01", "its year is not in 1990..2026"),
    ("0001-01-01 00:00:00", "its year is not in 1990..2026"),
    ("20300101", "its year is not in 1990..2026"),
    ("0001-01-01T00:00:00+08:00", "its year is not in 1990..2026"),  # an empty date of .NET
    ("9999-12-31T23:59:59-08:00", "its year is not in 1990..2026"),
    ("2026-03-03 12:00:00", "it is in the future"),
    ("2026/3/9", "it is in the future"),
    ("9999999999999", "it is in the future"),
    ("2023-08-13 00:00:00 +25:00", "there is no zone +25:00"),
    ("0000-00-00 00:00:00", "there is no such time (year 0 is out of range)"),
    ("11/05/2023", "not a form of date known"),  # May 11 or November 5
    ("23-11-11", "not a form of date known"),
    ("2023-08/13", "not a form of date known"),
    ("45241.5", EXCEL),
    ("46080", EXCEL),
    ("10001", "not a form of date known"),  # 1927: some other number
    ("上周", "not a form of date known"),
    ("2个月前", "not a form of date known"),
    ("12:30", "not a form of date known"),
    ("0", "not a form of date known"),
    ("", "not a form of date known"),
    ("١٢٣٤-٠٨-١٣ ٢٣:٣٨:٥٠", "not a form of date known"),
    ("2023-08-13 23:38:5x", "not a form of date known"),
]


@pytest.mark.parametrize("raw, utc", KNOWN)
def test_known_forms_are_read_in_local_time(raw: str, utc: str) -> None:
    assert SHANGHAI.read(raw) == utc


@pytest.mark.parametrize("raw, reason", UNKNOWN)
def test_what_cannot_be_placed_is_unknown_and_says_why(raw: str, reason: str) -> None:
    with pytest.raises(UnknownDate) as caught:
        SHANGHAI.read(raw)
    assert (caught.value.raw, caught.value.reason) == (raw, reason)
    assert str(caught.value) == f"'{raw}': {reason}"


def test_the_zone_with_summer_time_is_followed_hour_by_hour() -> None:
    reader = DateReader("Europe/Berlin", NOW)
    assert reader.read("2025-03-30 01:59:59") == "2025-03-30T00:59:59Z"
    assert reader.read("2025-03-30 03:00:00") == "2025-03-30T01:00:00Z"
    assert reader.read("2025-10-26 02:30:00") == "2025-10-26T00:30:00Z"  # twice that night: the first
    with pytest.raises(UnknownDate, match="skipped this hour"):
        reader.read("2025-03-30 02:30:00")


def test_a_zone_off_by_half_an_hour_is_read() -> None:
    assert DateReader("Asia/Kolkata", NOW).read("2024-01-22 08:54:45") == "2024-01-22T03:24:45Z"


def test_an_unknown_zone_is_named() -> None:
    with pytest.raises(ProjectError, match=r"^No time zone named 'Asia/Peking'. Write it like Asia/Shanghai.$"):
        DateReader("Asia/Peking", NOW)


@pytest.mark.parametrize("zone", ["Asia/Shanghai", "Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe", "UTC"])
@given(moment=st.datetimes(datetime(1991, 1, 2), datetime(2026, 2, 27)))
def test_the_fast_path_agrees_with_zoneinfo(zone: str, moment: datetime) -> None:
    moment = moment.replace(microsecond=0)
    aware = moment.replace(tzinfo=ZoneInfo(zone))
    exists = aware.astimezone(UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None) == moment
    reader = DateReader(zone, NOW)
    for raw in (f"{moment:%Y-%m-%d %H:%M:%S}", f"{moment:%Y/%m/%d %H:%M:%S}"):
        if exists:
            assert reader.read(raw) == f"{aware.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
        else:
            with pytest.raises(UnknownDate):
                reader.read(raw)


@given(st.text(alphabet="0123456789-/.:年月日天前昨时分 TZ+", max_size=24))
def test_any_text_is_either_a_date_in_range_or_unknown(raw: str) -> None:
    try:
        found = SHANGHAI.read(raw)
    except UnknownDate:
        return
    assert "1990-01-01T00:00:00Z" <= found <= f"{NOW + timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}"


def test_excel_serials_are_days_since_1900_and_other_text_stays() -> None:
    assert read_excel_serial("45241.5") == "2023-11-11 12:00:00"
    assert read_excel_serial("45241") == "2023-11-11 00:00:00"
    assert read_excel_serial("2023-11-11") == "2023-11-11"
    assert read_excel_serial("12") == "12"
    assert read_excel_serial("nan") == "nan"
