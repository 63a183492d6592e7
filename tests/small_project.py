"""A small project on disk with a table, a chat and scores. All people and words are made up."""

import json
from pathlib import Path

from feedback.project import Project, load_project

REVIEWS_HEADER = "product,content,creationtime,location,productcolor\n"
REVIEWS = (
    "磨豆机,物流太慢了，等了整整五天才到,2026-02-24 10:00:00,浙江,白\n"
    "磨豆机,还行,2026-02-24 11:00:00,浙江,白\n"
    "磨豆机,还行,2026-02-24 11:00:00,浙江,白\n"  # the same line again: two customers, or one twice
    "手冲壶,出水很稳，就是壶身烫手，打13800138000没人接,昨天 12:30,江苏,黑\n"
    "手冲壶,质量太差了，再也不买,02-30,江苏,黑\n"  # the date has no year
    "手冲壶,,2026-02-25 09:00:00,江苏,黑\n"  # nothing said
)
STARS = (
    "user_id,comment,star_x10\nnick-qingshan,价格便宜，味道也不错,50\nnick-qingshan,客服态度很差,10\nnick-liushui,,40\n"
)
CHAT = (
    ("m1", "wmNickCustomer1", "磨豆机漏粉怎么办？等了三天也没人处理"),
    ("m2", "nick_agent", "您好，马上为您查一下"),
    ("m3", "wmNickCustomer1", "说错了，这句撤回"),
    ("m4", "wmNickCustomer2", "谢谢，问题解决了，服务很好"),
)
NAMES = ("nick-qingshan", "nick-liushui", "wmNickCustomer1", "wmNickCustomer2", "nick_agent", "13800138000")

SETTINGS = """
[project]
name = "小店"
[analysis]
taxonomy = "taxonomy.toml"
engine = "fast"
[[sources]]
name = "电商"
paths = ["data/reviews.csv"]
[[sources]]
name = "点评"
paths = ["data/stars.csv"]
[[sources]]
name = "企业微信"
collector = "chat"
paths = ["data/wecom.jsonl"]
"""
TAXONOMY = """
name = "small"
version = "1"
[title]
zh = "小店"
en = "Small shop"
[[aspects]]
name = "物流"
en = "Delivery"
stage = "purchase"
touchpoint = "快递"
terms = ["物流"]
"""


def message(message_id: str, sender: str, words: str) -> str:
    body = {"msgid": message_id, "action": "send", "from": sender, "tolist": ["nick_agent"], "roomid": "room-1"}
    body |= {"msgtime": 1771900000000, "msgtype": "text", "text": {"content": words}}
    return json.dumps(body, ensure_ascii=False) + "\n"


def recall(message_id: str) -> str:
    return json.dumps({"msgid": f"recall-{message_id}", "action": "recall", "revoke": {"pre_msgid": message_id}}) + "\n"


def write_project(folder: Path, settings: str = SETTINGS) -> Project:
    """The project's folder with all its files, made anew; nothing is collected yet."""
    (folder / "data").mkdir(parents=True, exist_ok=True)
    files = {
        "feedback.toml": settings,
        "taxonomy.toml": TAXONOMY,
        "data/reviews.csv": REVIEWS_HEADER + REVIEWS,
        "data/stars.csv": STARS,
        "data/wecom.jsonl": "".join(message(*each) for each in CHAT) + recall("m3"),
    }
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    return load_project(folder)


def append(folder: Path, name: str, text: str) -> None:
    with (folder / name).open("a", encoding="utf-8") as file:
        file.write(text)
