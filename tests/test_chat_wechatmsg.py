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
        turn=1,
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
            turn=3,
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
        turn=1,
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
            turn=3,
            customer=None,
        ),
        # Intake takes the quote off.
        replace(
            first,
            text="好的\n引用：春风小铺: 给您补发",
            location="何田.csv:5",
            source_id="9004",
            posted_at="2023-11-15 06:22:00",
            turn=4,
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
