"""The two CSV exports of WeChatMsg. All people are made up."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from chat_files import PAYLOADS, collect, records

from feedback.collectors.base import Record, Unreadable
from feedback.errors import CollectError


def test_a_wechatmsg_table_gives_the_own_account_as_agent() -> None:
    first = Record(
        text="锅铲的柄松了,\n能换吗？",
        kind="chat",
        channel="wechat",
        location="wechatmsg_old.csv:2",
        source_id="7-101-1700000200",
        role="customer",
        posted_at="1700000200",
        conversation_id="keyed:a46cde16c69c5ebe",
        customer="zhoumin",
    )
    assert collect(PAYLOADS / "wechatmsg_old.csv") == [
        first,
        replace(
            first,
            text="可以的，寄回来就行",
            location="wechatmsg_old.csv:5",
            source_id="7-103-1700000260",
            role="agent",
            posted_at="1700000260",
            customer=None,
        ),
        Unreadable(
            "wechatmsg_old.csv:6", "a reply with a quotation (Type 49, SubType 57): the export leaves its words out"
        ),
        replace(
            first,
            text="发货好慢",
            location="wechatmsg_old.csv:7",
            source_id="9-105-1700000310",
            posted_at="1700000310",
            conversation_id="keyed:42ee2dd372beb166",
            customer="hetian",
        ),
        Unreadable("wechatmsg_old.csv:8", "IsSender '2' is neither 0 nor 1", "?"),
        Unreadable("wechatmsg_old.csv:9", "2 fields where at least 8 belong"),
    ]


def test_a_customers_own_wechat_export_is_turned_round_by_roles() -> None:
    items = collect(PAYLOADS / "wechatmsg_old.csv", {"IsSender=1": "customer", "IsSender=0": "agent"})
    assert [record.role for record in records(items)] == ["agent", "customer", "agent"]


def test_a_newer_wechatmsg_export_knows_the_partner_by_the_files_name(tmp_path: Path) -> None:
    first = Record(
        text="杯子碎了一个",
        kind="chat",
        channel="wechat",
        location="何田.csv:2",
        source_id="9001",
        role="customer",
        posted_at="2023-11-15 06:20:00",
        conversation_id="keyed:3cf53e6c0c4db226",
        customer="何田",
    )
    assert collect(PAYLOADS / "何田.csv") == [
        first,
        replace(
            first,
            text="给您补发",
            location="何田.csv:4",
            source_id="9003",
            role="agent",
            posted_at="2023-11-15 06:21:00",
            customer=None,
        ),
        # Intake takes the quote off.
        replace(
            first,
            text="好的\n引用：春风小铺: 给您补发",
            location="何田.csv:5",
            source_id="9004",
            posted_at="2023-11-15 06:22:00",
        ),
        Unreadable("何田.csv:7", "messages of type '投票' are not read", "选一个"),
    ]
    renamed = tmp_path / "导出.csv"
    shutil.copy(PAYLOADS / "何田.csv", renamed)
    with pytest.raises(CollectError) as error:
        collect(renamed)
    assert str(error.value) == (
        "导出.csv: who is customer, agent or bot among 何田, 春风小铺? Add to this source in feedback.toml each of them "
        'as "customer", "agent" or "bot"; if 何田 is an agent, for instance: roles = { "何田" = "agent" }'
    )


NEW, OLD = "消息ID,类型,发送人,时间,内容\n", "localId,TalkerId,Type,SubType,IsSender,CreateTime,StrContent,MsgSvrID\n"


@pytest.mark.parametrize(
    "column, header, row",
    [
        ("消息ID", NEW, "{id},文本,何田,2026/3/2 10:2{n},消息{n}\n"),
        ("MsgSvrID", OLD, "{n},7,1,0,0,17000002{n}0,消息{n},{id}\n"),
    ],
)
@pytest.mark.parametrize(
    "ids",
    [["7.23457E+18"] * 3, ["7234570000000000000", "7234570000000001000", "7234570000000002000"]],
    ids=["short", "cut"],
)
def test_a_chat_whose_ids_excel_ruined_is_refused_with_the_cure(
    column: str, header: str, row: str, ids: list[str], tmp_path: Path
) -> None:
    path = tmp_path / "何田.csv"
    rows = [row.format(n=n, id=ruined) for n, ruined in enumerate(ids)]
    path.write_text(header + "".join(rows), encoding="utf-8")
    with pytest.raises(CollectError) as error:
        collect(path)
    assert str(error.value) == (
        f"何田.csv: {column} looks ruined by Excel: {ids[0]}. It was saved in Excel, which cut the numbers of the messages short, so "
        "they can't be told apart. Export the chat again and collect that file as it is. If that can't be, delete the column "
        f"'{column}': messages are then told apart by what was said when, and those that were collected before will be there twice."
    )
    # The cure of those who can't export it again.
    place = header.strip().split(",").index(column)
    table = [line.split(",") for line in path.read_text(encoding="utf-8").splitlines()]
    kept = [",".join(line[:place] + line[place + 1 :]) for line in table]
    path.write_text("\n".join(kept), encoding="utf-8")
    assert [record.text for record in records(collect(path))] == ["消息0", "消息1", "消息2"]


def test_an_id_that_excel_ruined_far_below_is_a_reject(tmp_path: Path) -> None:
    path = tmp_path / "何田.csv"
    rows = [f"{7234571234567890000 + n},文本,何田,2026-03-02 10:20:00,消息{n}\n" for n in range(2500)]
    path.write_text(NEW + "".join(rows) + "7.23457E+18,文本,何田,2026/3/2 10:20,最后\n", encoding="utf-8")
    items = collect(path)
    assert items[-1] == Unreadable("何田.csv:2502", "消息ID looks ruined by Excel: 7.23457E+18", "最后")
    assert len(records(items)) == 2500


@pytest.mark.parametrize("ids", [["8023456789012340000"], ["8023456789012340", "8023456789012350"]])
def test_long_ids_that_happen_to_end_in_zeros_are_ids(ids: list[str], tmp_path: Path) -> None:
    path = tmp_path / "何田.csv"
    rows = [f"{each},文本,何田,2026-03-02 10:20:00,消息{n}\n" for n, each in enumerate(ids)]
    path.write_text(NEW + "".join(rows), encoding="utf-8")
    assert [record.source_id for record in records(collect(path))] == ids


@pytest.mark.parametrize(
    "header, row, made",
    [
        (NEW, "0,文本,何田,2026-03-02 10:20:00,消息{n}\n", [None, None]),
        (OLD, "{n},7,1,0,0,17000002{n}0,消息{n},0\n", ["7-0-1700000200", "7-1-1700000210"]),
    ],
    ids=["new", "old"],
)
def test_messages_with_a_0_for_their_number_are_told_apart(
    header: str, row: str, made: list[str | None], tmp_path: Path
) -> None:
    path = tmp_path / "何田.csv"
    path.write_text(header + "".join(row.format(n=n) for n in range(2)), encoding="utf-8")
    assert [record.source_id for record in records(collect(path))] == made
