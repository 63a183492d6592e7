"""What importing a file would come to, found out before anything is stored. All people and words are made up."""

import csv
import json
import random
import re
import shlex
import sqlite3
import sys
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path

import pytest
from command import run
from test_collector_privacy import EXPORTS, NAMES

import feedback.import_check
from feedback.cli import examination
from feedback.cli.examination import examination_lines, later_progress
from feedback.collectors.base import Part, SourceConfig
from feedback.date_forms import form_of, shown_date
from feedback.errors import CollectError
from feedback.import_check import (
    Dates,
    Examination,
    Ids,
    Tally,
    check_import,
    command_for,
    config_for,
    free_name,
    section_for,
)
from feedback.sampling import Count

NOW = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
HEADER = ["id", "content", "creationTime", "score", "referenceName", "nickname", "userProvince"]
LONG = "物流太慢了，等了整整五天才到，打13800138000没人接，再也不来了，请退钱"
NONE = Count(0)


def write_table(folder: Path, rows: list[list[str]], name: str = "r.csv") -> Path:
    path = folder / name
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([HEADER, *rows])
    return path


def checked(path: Path, collector: str = "table", **settings: str) -> Examination:
    config = SourceConfig("", collector, (str(path),), path.parent, **settings)  # type: ignore[arg-type]
    return check_import(Part(path.name, path), config, "Asia/Shanghai", NOW, lambda _what, _more: None)


def test_everything_that_is_wrong_with_a_table_is_found_in_one_reading(tmp_path: Path) -> None:
    path = write_table(
        tmp_path,
        [
            ["1234567890123456789", LONG, "2026-02-24 10:00:00", "5", "磨豆机", "王阿宝", "浙江"],
            ["1.23E+18", f"{LONG}啊", "2026/2/24", "5", "磨豆机", "王阿宝", "浙江"],
            ["#NAME?", LONG, "昨天 12:30", "十", "磨豆机", "李阿宝", "浙江"],
            ["1234567890123456790", "此用户没有填写评价。", "02-30", "5", "磨豆机", "", ""],
            ["1234567890123456790", "改主意了，很好用", "王阿宝", "5", "磨豆机", "", ""],
            ["7", "", "", "", "磨豆机", "", ""],
            ["8", "", "", "4", "联系13800138000", "", ""],
            ["9", "一行多了一个逗号", "2026-02-24", "5", "磨豆机", "王阿宝", "浙江", "王阿宝"],
        ],
    )
    assert checked(path) == Examination(
        verbatims=Count(5),
        roles={"customer": Count(5)},
        conversations=NONE,
        scores={"star": 5},
        dates=Dates(
            placed=(
                Tally("YYYY-MM-DD hh:mm:ss", 1, "2026-02-24 10:00:00"),
                Tally("YYYY/MM/DD", 1, "2026/2/24"),
                Tally("昨天 hh:mm, counted from now", 1, "昨天 12:30"),
            ),
            unknown=(
                Tally("N-N: it has no year", 1, "02-30"),
                Tally("other text: not a form of date known", 1, "(3 characters)"),
            ),
            missing=1,
            first="2026-02-23T16:00:00Z",
            last="2026-03-01T04:30:00Z",
        ),
        ids=Ids(
            given=4,
            repeated=Count(1),
            changed=Count(1),
            ruined=(
                Tally("source_id: a number in short", 1, "1.23E+18"),
                Tally("source_id: an error of a formula", 1, "#NAME?"),
            ),
        ),
        noise={"default_review": 1, "no_text": 1},
        exact_copies=Count(1),
        near_copies=Count(1),
        personal={"手机号": 4},
        texts_with_personal=3,
        customers_named=3,
        unusable=(
            Tally("the row has no text", 1, "r.csv:7"),
            Tally("it has 8 columns where the header has 7: a comma, quote or line break too many?", 1, "r.csv:9"),
        ),
        incomplete=(
            Tally(
                "star score unknown: … is not in 1..5; what it is worth is said in the layout, under [[scores]]: values = { … = 5 }",
                1,
                "r.csv:4",
            ),
        ),
        withdrawn=0,
    )


def test_ids_that_excel_cut_to_fifteen_digits_show_their_zeros_alone(tmp_path: Path) -> None:
    rows = [[f"{n}34567890123450000", f"第{n}次买", "", "", "", f"{n}40106199001010000", ""] for n in range(1, 9)]
    assert checked(write_table(tmp_path, rows)).ids == Ids(
        given=0,
        repeated=NONE,
        changed=NONE,
        ruined=(
            Tally("source_id: last digits are zeros", 8, "18 digits, …0000"),
            Tally("customer: ruined by Excel", 8, ""),
        ),
    )


def test_days_as_excel_counts_them_are_said_to_be_such_with_the_setting_that_reads_them(tmp_path: Path) -> None:
    rows = [[str(n), f"第{n}次买", day, "", "", "", ""] for n, day in enumerate(("46080.375", "46081", "昨天"))]
    path = write_table(tmp_path, rows)
    reason = 'Excel counts days like this; dates = "excel" in the layout reads them'
    assert checked(path).dates.unknown == (
        Tally(f"N.N: {reason}", 1, "46080.375"),
        Tally(f"N: {reason}", 1, "46081"),
    )
    (tmp_path / "own.toml").write_text(
        'name = "own"\nkind = "post"\nchannel = "官网"\ndates = "excel"\n'
        '[columns]\ntext = "content"\nposted_at = "creationTime"\n',
        encoding="utf-8",
    )
    assert checked(path, layout="own.toml").dates.unknown == ()


def test_copies_and_rows_are_counted_as_collecting_counts_them(tmp_path: Path) -> None:
    draw = random.Random(7)
    things, verdicts = ("快递", "客服", "包装", "屏幕", "电池"), ("太慢了", "特别好", "坏了两次", "没人理", "很耐用")
    said: list[str] = []
    rows = []
    for number in range(900):
        fresh = "，".join(draw.choice(things) + draw.choice(verdicts) + str(draw.randrange(99)) for _ in range(4))
        text = draw.choice(said) + draw.choice(("", "啊", "，推荐")) if said and draw.random() < 0.2 else fresh
        said.append(text)
        date = draw.choice(("2026-02-24 10:00:00", "不记得了", ""))
        rows.append([str(number % 880), text if number % 50 else "", date, draw.choice("135十"), "", "", ""])
    path = write_table(tmp_path, rows)
    (tmp_path / "feedback.toml").write_text('[project]\nname = "小店"\n', encoding="utf-8")
    ran = run("collect", "table", path, "--name", "r", project=tmp_path)
    found = checked(path)
    with closing(sqlite3.connect(tmp_path / "feedback.db")) as database:
        copies = database.execute("select count(*) from verbatims where duplicate_of is not null").fetchone()[0]
        rejects = dict(database.execute("select stored, count(*) from rejects group by 1").fetchall())
        stored = database.execute("select count(*) from verbatims").fetchone()[0]
    # Of a changed row both texts are among those looked at here.
    assert ran.code == 0
    assert 100 < copies <= found.exact_copies.count + found.near_copies.count <= copies + 20
    assert found.exact_copies.exact
    assert found.near_copies.exact
    assert found.verbatims == Count(stored)
    assert rejects[0] == sum(tally.count for tally in found.unusable) + found.ids.changed.count
    unknown = sum(tally.count for tally in (*found.dates.unknown, *found.incomplete))
    assert rejects[1] == unknown


def test_a_chat_is_read_as_a_chat_without_being_told(tmp_path: Path) -> None:
    path = tmp_path / "window.txt"
    path.write_text(
        "会话编号：7\n客户 2026-02-24 10:20:33\n壶漏水，我叫王小明\n客服 2026-02-24 10:21:00\n您好\n", encoding="utf-8"
    )
    part, alone = Part("window.txt", path), SourceConfig("", "table", ("window.txt",), tmp_path)
    config = config_for(part, alone)
    found = check_import(part, config, "Asia/Shanghai", NOW, lambda _what, _more: None)
    assert (config.collector, found.roles, found.conversations) == (
        "chat",
        {"customer": Count(1), "agent": Count(1)},
        Count(1),
    )
    assert (found.personal, found.ids.given) == ({"姓名": 1}, 2)
    assert command_for(part, config) == "feedback collect chat window.txt"
    assert section_for(part, config, "chat") == f'[[sources]]\nname = "chat"\ncollector = "chat"\npaths = ["{path}"]'


def test_what_is_neither_a_table_nor_a_chat_stays_with_what_the_table_says(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("甲,乙\n1,2\n", encoding="utf-8")
    ran = run("doctor", path, project=tmp_path)
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith(f"Error: {path}: the layout of this file is not known. Its columns: 甲、乙\n")


def test_people_whose_roles_are_not_known_are_counted_and_not_named(tmp_path: Path) -> None:
    path = tmp_path / "two.txt"
    path.write_text("阿宝爱喝茶：您好\n小李：在吗\n阿宝爱喝茶：在\n小李：嗯\n", encoding="utf-8")
    ran = run("doctor", path, project=tmp_path)
    assert (ran.code, ran.err) == (
        1,
        f"Error: {path}: of 2 who speak in it nobody knows whether they are customer, agent or bot. "
        f"Their names, and what to add to feedback.toml: feedback collect chat {path}\n",
    )
    assert "阿宝" not in ran.out


@pytest.mark.parametrize("content", [content for _, content in EXPORTS.values()], ids=EXPORTS.keys())
def test_nobody_is_named_by_the_examination_of_a_chat(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "window.export"
    path.write_bytes(content)
    shown = [run("doctor", path, *more, project=tmp_path) for more in ((), ("--json",))]
    for ran in shown:
        assert "Would be stored" in ran.out or '"verbatims"' in ran.out or "who speak in it" in ran.err
        assert [name for name in NAMES if name in ran.out + ran.err] == []


def test_names_in_any_column_of_a_table_are_not_shown(tmp_path: Path) -> None:
    row = ["王阿宝"] * len(HEADER)
    path = write_table(tmp_path, [row, [*row, "王阿宝"], row[:3]])
    shown = [run("doctor", path, *more, project=tmp_path) for more in ((), ("--json",))]
    assert [ran.code for ran in shown] == [0, 0]
    assert "王阿宝" not in "".join(ran.out + ran.err for ran in shown)


def test_kinds_beyond_a_thousand_are_counted_as_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feedback.import_check, "_MOST_KINDS", 2)
    rows = [["", "好", date, "", "", "", ""] for date in ("2026-02-24", "2026/02/24", "20260224", "2026年2月24日")]
    assert checked(write_table(tmp_path, rows)).dates.placed == (
        Tally("others", 2, "20260224"),
        Tally("YYYY-MM-DD", 1, "2026-02-24"),
        Tally("YYYY/MM/DD", 1, "2026/02/24"),
    )


def test_long_texts_are_taken_in_by_fewer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feedback.import_check, "BATCH_CHARACTERS", 100)
    path = write_table(tmp_path, [["", "好" * 60, "", "", "", "", ""]] * 5)
    taken: list[int] = []
    config = SourceConfig("", "table", (str(path),), tmp_path)
    check_import(Part("r.csv", path), config, "Asia/Shanghai", NOW, lambda _what, more: taken.append(more))
    assert taken == [2, 2, 1]


def test_the_section_names_the_layout_and_whole_paths(tmp_path: Path) -> None:
    part = Part("a b.csv", tmp_path / "a b.csv")
    own = SourceConfig("", "table", ("a b.csv",), tmp_path, layout="own.toml")
    assert command_for(part, own) == "feedback collect table 'a b.csv' --layout own.toml"
    assert section_for(part, own, free_name(part, own, ())) == (
        '[[sources]]\nname = "a b"\ncollector = "table"\n'
        f'paths = ["{tmp_path / "a b.csv"}"]\nlayout = "{tmp_path / "own.toml"}"'
    )
    assert section_for(part, replace(own, layout="wjx"), "x").endswith('layout = "wjx"')
    assert command_for(part, replace(own, name="电 商")) == "feedback collect --source '电 商'"


def test_the_command_and_the_section_import_what_was_examined(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_table(tmp_path, [["1", LONG, "2026-02-24", "5", "壶", "", ""]])
    monkeypatch.chdir(tmp_path)
    told = json.loads(run("doctor", path.name, "--json", project=tmp_path / "shop").out)
    assert told["import"]["command"] == "feedback collect table r.csv"
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "feedback.toml").write_text(
        f'[project]\nname = "小店"\n\n{told["import"]["section"]}\n', encoding="utf-8"
    )
    assert run("collect", project=tmp_path / "shop").out == "r: 1 new\n"


@pytest.mark.parametrize("name", ["-x.csv", "--help", "-/x.csv", "~x.csv"])
def test_the_command_imports_a_file_that_is_called_like_an_option(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    (tmp_path / "-").mkdir()
    path = write_table(tmp_path, [["1", LONG, "2026-02-24", "5", "壶", "", ""]], name)
    layout = tmp_path / "-own.toml"
    layout.write_text('name = "own"\nkind = "post"\nchannel = "官网"\n[columns]\ntext = "content"\n', encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "feedback.toml").write_text('[project]\nname = "小店"\n', encoding="utf-8")
    for more, said in ((), "1 new"), (("--layout", layout.name), "1 new, 1 of an earlier reading taken out"):
        told = json.loads(run("doctor", "--json", *more, "--", name, project=tmp_path).out)
        program, *line = shlex.split(told["import"]["command"])
        assert (program, run(*line, project=tmp_path).out) == ("feedback", f"{path.stem}: {said}\n")


def test_a_file_that_is_cut_off_is_told_as_collecting_tells_it(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text('[{"id": "c1", "turns": [{"sender": "客户", "text": "慢"}', encoding="utf-8")
    with pytest.raises(CollectError, match=r"^x\.json is not valid JSON: "):
        checked(path, "chat")


WHOLE = Examination(
    verbatims=Count(1_200_000, exact=False),
    roles={"customer": Count(1_000_000, exact=False), "agent": Count(200_000)},
    conversations=Count(51_000, exact=False),
    scores={"star": 900},
    dates=Dates((), tuple(Tally(f"N-N: reason {n}", 9 - n, "02-30") for n in range(9)), 3, None, None),
    ids=Ids(1_000, Count(5_000, exact=False), NONE, (Tally("customer: ruined by Excel", 2, ""),)),
    noise={"company_reply": 4},
    exact_copies=Count(7, exact=False),
    near_copies=Count(2),
    personal={},
    texts_with_personal=0,
    customers_named=0,
    unusable=(),
    incomplete=(Tally("no dates in this transcript", 1, "x.txt:1"),),
    withdrawn=2,
)


def test_the_page_says_what_is_an_estimate_and_what_is_left_out() -> None:
    assert list(examination_lines(WHOLE, "Asia/Shanghai")) == [
        "  Would be stored: about 1,200,000 (customer about 1,000,000, agent 200,000)",
        "  Ratings: star 900",
        "  Conversations: about 51,000",
        "  Dates: 0 placed; 45 can't be placed; 3 without one",
        *(f"    can't be placed: {9 - n} × N-N: reason {n}, like 02-30" for n in range(8)),
        "    … 1 of 1 other kinds",
        "  Ids: 1,000; about 5,000 repeat an earlier one",
        "    ruined by Excel: 2 × customer: ruined by Excel",
        "    Export the file anew and don't open it in Excel, or format the column as text before.",
        "  No opinion: 4 replies of the company",
        "  Copies of earlier texts: about 7 exact, 2 near",
        "  Personal data: none",
        "  Stored without a field: 1 fields",
        "    1 × no dates in this transcript: x.txt:1",
        "  Recalled: 2",
    ]


def test_progress_is_shown_after_two_seconds_and_then_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = iter([0.0, 1.0, 1.9, 2.1, 2.2])
    monkeypatch.setattr(examination.time, "monotonic", lambda: next(seconds))

    class Terminal(StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with later_progress("examining") as progress:
        for _ in range(4):
            progress("r.csv", 2000)
    assert [line.strip() for line in re.split("[\r\n]", terminal.getvalue()) if line.strip()] == [
        "examining: 6,000  r.csv",
        "examining: 8,000  r.csv",
    ]


FORMS = [
    ("2026-02-24 10:00:00", "YYYY-MM-DD hh:mm:ss", "2026-02-24 10:00:00"),
    ("2026-2-4T9:05Z", "YYYY-MM-DDthh:mmz", "2026-2-4T9:05Z"),
    ("2026-02-24T10:00:00.123+08:00", "YYYY-MM-DDThh:mm:ss.f+zz", "2026-02-24T10:00:00.123+08:00"),
    ("2026年2月4日 星期二 下午3点05分", "YYYY年MM月DD日 星期X 下午hh点mm分", "2026年2月4日 星期二 下午3点05分"),
    ("２０２６／２／４", "YYYY/MM/DD", "2026/2/4"),
    ("20260224", "YYYYMMDD", "20260224"),
    ("20260224100000", "YYYYMMDDhhmmss", "20260224100000"),
    ("1771900000", "seconds since 1970", "1771900000"),
    ("1771900000.25", "seconds since 1970", "1771900000.25"),
    ("1771900000000", "milliseconds since 1970", "1771900000000"),
    ("3天前", "N天前", "3天前"),
    ("刚刚", "刚刚", "刚刚"),
    ("昨天 12:30", "昨天 hh:mm", "昨天 12:30"),
    ("24 Feb 2026", "N Feb N", "24 Feb 2026"),
    ("02/24/2026", "N/N/N", "02/24/2026"),
    ("13800138000", "N", "[手机号]"),
    ("440106199001011", "N", "(15 characters)"),
    ("王阿宝", "other text", "(3 characters)"),
    ("王阿宝 2026-02-24", "other text", "(14 characters)"),
    ("2026-02-24 by abao", "other text", "(18 characters)"),
    ("1" * 41, "other text", "(41 characters)"),
    ("天", "other text", "(1 characters)"),
]


@pytest.mark.parametrize("raw, form, shown", FORMS, ids=[raw for raw, *_ in FORMS])
def test_a_date_is_shown_by_its_form_and_what_is_none_is_not(raw: str, form: str, shown: str) -> None:
    assert (form_of(raw).lower(), shown_date(raw)) == (form.lower(), shown)
