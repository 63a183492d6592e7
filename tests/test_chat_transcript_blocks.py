"""Chats in which a name stands above the words of each message, with no time and no colon. All people are made up."""

from pathlib import Path

import pytest
from chat_files import collect, records, said, written

from feedback.collectors.base import SourceConfig
from feedback.collectors.chat import ChatCollector
from feedback.errors import CollectError

TALK = (
    "今天早睡了吗\n材料包适合新手吗\n\n今天早睡了吗\n针容易断吗\n会有色差吗：\n怕翻车\n\n"
    "客服小拾\n适合的\n\n今天早睡了吗\n好哒\n\n客服小拾\n好的\n"
)


def test_a_name_above_the_words_speaks_though_no_time_is_told(tmp_path: Path) -> None:
    items = records(collect(written(tmp_path, "t.txt", TALK)))
    assert [(r.role, r.customer, r.text, r.location, r.posted_at) for r in items] == [
        ("customer", "今天早睡了吗", "材料包适合新手吗", "t.txt:1", None),
        ("customer", "今天早睡了吗", "针容易断吗\n会有色差吗：\n怕翻车", "t.txt:4", None),
        ("agent", None, "适合的", "t.txt:9", None),
        ("customer", "今天早睡了吗", "好哒", "t.txt:12", None),
        ("agent", None, "好的", "t.txt:15", None),
    ]


def test_who_speaks_once_is_asked_for(tmp_path: Path) -> None:
    with pytest.raises(CollectError, match=r"among 今天早睡了吗, 老周\?.*nobody"):
        collect(written(tmp_path, "t.txt", TALK + "\n今天早睡了吗\n好哒\n\n老周\n我是店长\n"))


def test_a_second_paragraph_may_be_nobodys(tmp_path: Path) -> None:
    path = written(tmp_path, "t.txt", TALK + "\n今天早睡了吗\n谢谢\n\n下次\n再来\n\n再见\n")
    with pytest.raises(CollectError, match=r"among 今天早睡了吗, 下次\?.*nobody"):
        collect(path)
    config = SourceConfig("chats", "chat", (path.name,), tmp_path, nobody=frozenset({"下次"}))
    collector = ChatCollector()
    items = [item for part in collector.parts(config) for item in collector.collect(part, config)]
    assert records(items)[-1].text == "谢谢\n\n下次\n再来\n\n再见"


def test_lines_of_the_window_are_nobodys_there_too(tmp_path: Path) -> None:
    text = TALK.replace("客服小拾\n适合的\n\n", "客服小拾\n适合的\n已读\n\n对方正在输入…\n\n昨天 9:05\n\n")
    assert [words for _, _, words in said(collect(written(tmp_path, "t.txt", "昨天 9:00\n\n" + text)))] == [
        "材料包适合新手吗",
        "针容易断吗\n会有色差吗：\n怕翻车",
        "适合的",
        "好哒",
        "好的",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "小鹿\n你好\n锅松了\n\n希望尽快处理\n谢谢\n\n此致\n敬礼\n",  # a letter
        "春眠\n不觉晓\n\n处处\n闻啼鸟\n\n夜来\n风雨声\n\n花落\n知多少\n",  # a poem
        "锅\n松了\n\n锅\n掉漆\n\n一段话\n\n又一段话\n\n盖\n碎了\n\n还有一段\n\n盖\n丢了\n\n最后一段\n\n完\n",  # notes
    ],
)
def test_what_is_no_talk_is_none(text: str, tmp_path: Path) -> None:
    with pytest.raises(CollectError, match="no conversation"):
        collect(written(tmp_path, "t.txt", text))
