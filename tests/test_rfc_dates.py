"""Dates of mails and feeds as programs write them: what is certain is read, nothing else."""

import pytest

from feedback.collectors.rfc_dates import read_date

MORNING = "2026-03-02T02:00:00Z"


@pytest.mark.parametrize(
    "written, found",
    [
        # RFC 5322, and what it calls obsolete
        ("Mon, 02 Mar 2026 10:00:00 +0800", MORNING),
        ("Mon, 02 Mar 2026 02:00:00 -0000", MORNING),
        ("2 Mar 2026 10:00 +08:00", MORNING),
        (" 2 Mar 2026 02:00:00 Z\t", MORNING),
        ("Sunday, 01-Mar-26 21:00:00 EST", MORNING),
        ("Sun, 01 Mar 2026 19:00:00 mst", MORNING),
        ("Sun, 01 Mar 2026 18:00:00 PST (who knows)", MORNING),
        ("Wed, 01 Jul 2026 18:00:00 PDT", "2026-07-02T01:00:00Z"),
        ("Mon, 02 Mar 26 10:00:00 +0800", MORNING),
        ("02 Mar 99 10:00", "1999-03-02T10:00:00"),
        ("02-Mar-2026", "2026-03-02"),
        # as feeds were seen to have them
        ("Mon, 02 Mar 2026 10:00:00 GMT+8", MORNING),
        ("Mon, 02 Mar 2026 10:00:00 UTC+08:00", MORNING),
        ("Mon,02 Mar 2026 10:00:00 +0800", MORNING),
        ("Mon, 02  Mar  2026  10:00:00  +0800", MORNING),
        ("Mon Mar 02 2026 10:00:00 GMT+0800 (中国标准时间)", MORNING),
        ("Mon Mar 02 2026", "2026-03-02"),
        ("Mon, 02 Mar 2026", "2026-03-02"),
        ("02 Mar 2026", "2026-03-02"),
        # nothing certain
        ("Mon, 02 Mar 2026 10:00:00 CST", None),
        ("Mon, 02 Mar 2026 10:00:00 CDT", None),
        ("Mon, 02 Mar 2026 10:00:00 MEST", None),
        ("Mon, 02 Mar 2026 10:00:00 A", None),
        ("Mon, 02 Mar 2026 10:00:00 +1500", None),
        ("Mon, 02 Mar 2026 10:00:00 +0860", None),
        ("Mon, 02 Mar 2026 10:00:00 PM +0800", None),
        ("Mon, 02 Mar 2026 24:00:00 +0800", None),
        ("Mon, 30 Nov 0000 00:00:00 +0000", None),
        ("Wed, 31 Nov 2026 00:00:00 +0800", None),
        ("Mon, 02 Foo 2026 10:00:00 +0800", None),
        ("Mon, 02 Mar 126 10:00:00 +0800", None),
        ("Mon, 02 Mar +0800", None),
        ("26-Mar-02", None),
        ("26-Mar-02 10:00:00 +0800", None),
        ("Mar 02", None),
        ("", None),
    ],
)
def test_what_is_certain_is_read_and_nothing_else(written: str, found: str | None) -> None:
    assert read_date(written) == found
