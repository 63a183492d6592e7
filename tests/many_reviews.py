"""A project with enough in it for a run to be cut off in the middle. Everyone in it is made up.

Among the rows are those that a run cut off could get wrong: rows without an id, said twice by different people, near copies, a template
copied often, rows refused, fields left out, conversations with a company's turns.
"""

import csv
import json
import random
from pathlib import Path

SETTINGS = """
[project]
name = "试验"

[analysis]
engine = "fast"

[[sources]]
name = "电商"
collector = "table"
paths = ["reviews.csv"]
layout = "reviews.layout.toml"

[[sources]]
name = "客服"
collector = "chat"
paths = ["chats.jsonl"]
"""

LAYOUT = """
name = "reviews"
kind = "review"
channel = "电商"

[columns]
text = "content"
posted_at = "time"
product = "product"
region = "region"
customer = "user"

[[scores]]
metric = "star"
column = "star"
low = 1
high = 5
"""

_THINGS = ("快递", "客服", "包装", "屏幕", "电池", "味道", "价格", "安装师傅", "说明书", "颜色", "尺码", "发货速度")
_VERDICTS = ("太慢了", "特别好", "一般般", "让人失望", "超出预期", "坏了两次", "没人理", "很耐用", "有点贵", "值得买")
_JOINTS = ("但是", "不过", "而且", "，", "。", "，就是")
_TEMPLATE = "宝贝收到了，质量非常好，与卖家描述的完全一致，非常满意"


def make_project(folder: Path, reviews: int, conversations: int, seed: int) -> None:
    """Write feedback.toml, a layout and two exports; the same for the same arguments."""
    draw = random.Random(seed)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "feedback.toml").write_text(SETTINGS, encoding="utf-8")
    (folder / "reviews.layout.toml").write_text(LAYOUT, encoding="utf-8")
    _write_reviews(folder / "reviews.csv", reviews, draw)
    _write_chats(folder / "chats.jsonl", conversations, draw)


def _sentence(draw: random.Random) -> str:
    pieces = [draw.choice(_THINGS) + draw.choice(_VERDICTS) for _ in range(draw.randint(1, 3))]
    return draw.choice(_JOINTS).join(pieces)


def _write_reviews(path: Path, count: int, draw: random.Random) -> None:
    said: list[str] = []
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["product", "content", "time", "region", "star", "user"])
        for _ in range(count):
            chance = draw.random()
            if chance < 0.01:
                text = _TEMPLATE
            elif said and chance < 0.10:
                text = draw.choice(said) + draw.choice(("", "啊"))
            else:
                text = f"{_sentence(draw)}，第{draw.randrange(10**6)}次买"
            said.append(text)
            when = (
                "不记得了" if draw.random() < 0.01 else f"2026-0{draw.randint(1, 3)}-{draw.randint(1, 28):02} 12:00:00"
            )
            star = "十" if draw.random() < 0.01 else str(draw.randint(1, 5))
            row = ["台灯", text, when, "上海", star, f"user{draw.randrange(3000)}"]
            rows.writerow(row[:3] if draw.random() < 0.01 else row)


def _write_chats(path: Path, count: int, draw: random.Random) -> None:
    with path.open("w", encoding="utf-8") as file:
        for number in range(count):
            turns = [
                {
                    "sender": draw.choice(("用户", "客服")),
                    "text": _sentence(draw),
                    "time": f"2026-02-01 10:00:{turn:02}",
                }
                for turn in range(draw.randint(2, 6))
            ]
            line = json.dumps({"id": f"c{number}", "turns": turns}, ensure_ascii=False)
            file.write(line[: len(line) // 2 if number % 100 == 99 else None] + "\n")
