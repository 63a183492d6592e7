"""Delivery to the robots of group chats: asked as their vendors describe, believed only when they say yes."""

import json
import time
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from hmac import digest
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from deliveries import BODY, KEY, MESSAGE, TOKEN, MemoryLedger, robots_at
from local_servers import Web, web_server

from feedback.digest.deliver import deliver

OK = {"wecombot": '{"errcode":0,"errmsg":"ok"}', "dingtalk": '{"errcode":0,"errmsg":"ok"}'}
OK |= {"feishu": '{"code":0,"msg":"success","data":{}}'}
OK |= {"lark": OK["feishu"]}
FULL = f"# 客户原声周报\n\n{BODY}"
CARD = {
    "msg_type": "interactive",
    "card": {
        "header": {"title": {"tag": "plain_text", "content": "客户原声周报"}},
        "elements": [{"tag": "markdown", "content": BODY.replace("## 什么变了", "**什么变了**")}],
    },
}
ROBOT_REQUESTS = [
    # target, path asked for, body: as the vendors' pages show them
    (
        f"wecombot://{KEY}",
        f"/qyapi.weixin.qq.com/cgi-bin/webhook/send?key={KEY}",
        {"msgtype": "markdown", "markdown": {"content": FULL}},
    ),
    (
        f"https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key={KEY}",
        f"/qyapi.weixin.qq.com/cgi-bin/webhook/send?key={KEY}",
        {"msgtype": "markdown", "markdown": {"content": FULL}},
    ),
    (
        f"dingtalk://{TOKEN}",
        f"/oapi.dingtalk.com/robot/send?access_token={TOKEN}",
        {"msgtype": "markdown", "markdown": {"title": "客户原声周报", "text": FULL}},
    ),
    (
        f"https://oapi.dingtalk.com/robot/send?access_token={TOKEN}",
        f"/oapi.dingtalk.com/robot/send?access_token={TOKEN}",
        {"msgtype": "markdown", "markdown": {"title": "客户原声周报", "text": FULL}},
    ),
    (f"feishu://{KEY}", f"/open.feishu.cn/open-apis/bot/v2/hook/{KEY}", CARD),
    (f"https://open.feishu.cn/open-apis/bot/v2/hook/{KEY}", f"/open.feishu.cn/open-apis/bot/v2/hook/{KEY}", CARD),
    (f"lark://{KEY}", f"/open.larksuite.com/open-apis/bot/v2/hook/{KEY}", CARD),
    (
        f"https://open.larksuite.com/open-apis/bot/v2/hook/{KEY}",
        f"/open.larksuite.com/open-apis/bot/v2/hook/{KEY}",
        CARD,
    ),
]


@pytest.fixture
def web() -> Iterator[Web]:
    with web_server() as server:
        yield server


@pytest.mark.parametrize("target, path, body", ROBOT_REQUESTS)
def test_a_robot_is_asked_as_its_vendor_describes(web: Web, target: str, path: str, body: dict[str, Any]) -> None:
    web.answers = [(200, '{"errcode":0,"errmsg":"ok"}' if "key=" in path or "_token=" in path else OK["feishu"], 0)]
    [result] = deliver(MESSAGE, [target], MemoryLedger(), robots=robots_at(web.port))
    assert (result.outcome, result.error) == ("sent", None)
    assert result.target in {f"send_to 1 ({scheme})" for scheme in ("wecombot", "dingtalk", "feishu", "lark")}
    assert [(request.path, request.body) for request in web.requests] == [(path, body)]
    assert "客户原声".encode() in web.requests[0].raw  # not \\u escapes, which cost twice the bytes


REFUSALS = [
    # what robots answer with HTTP 200 when they refuse: seen in the wild, host names and ids changed
    (
        f"wecombot://{KEY}",
        200,
        '{"errcode":93000,"errmsg":"invalid webhook url, hint: [1704540159128593]"}',
        "It refused the message: invalid webhook url, hint: [1704540159128593] (errcode 93000).",
    ),
    (
        f"dingtalk://{TOKEN}",
        200,
        '{"errcode":310000,"errmsg":"keywords not in content"}',
        "It refused the message: keywords not in content (errcode 310000).",
    ),
    (
        f"feishu://{KEY}",
        400,
        '{"code":9499,"msg":"Bad Request","data":{}}',
        "It refused the message: Bad Request (code 9499).",
    ),
    (
        f"lark://{KEY}",
        200,
        f'{{"code":19001,"msg":"token {KEY} is not known"}}',
        "It refused the message: token *** is not known (code 19001).",
    ),
    (f"wecombot://{KEY}", 502, "<html>", "It answered HTTP 502, not in the form a robot answers in."),
    (f"wecombot://{KEY}", 200, "[]", "It answered HTTP 200, not in the form a robot answers in."),
    (f"wecombot://{KEY}", 500, '{"errcode":0,"errmsg":"ok"}', "It refused the message: ok (errcode 0)."),
    (
        f"wecombot://{KEY}",
        200,
        json.dumps({"errcode": 1, "errmsg": "x y\n" * 200}),
        f"It refused the message: {'x y ' * 75}… (errcode 1).",
    ),
]


@pytest.mark.parametrize("target, status, answer, error", REFUSALS)
def test_a_robot_that_refuses_has_not_got_the_message(
    web: Web, target: str, status: int, answer: str, error: str
) -> None:
    web.answers = [(status, answer, 0)]
    ledger = MemoryLedger()
    [result] = deliver(MESSAGE, [target], ledger, robots=robots_at(web.port))
    assert (result.outcome, result.error) == ("failed", error)
    assert not ledger.delivered(MESSAGE.key, result.target_id)


def test_a_dingtalk_request_is_signed_once_encoded(web: Web) -> None:
    web.answers = [(200, OK["dingtalk"], 0)]
    deliver(MESSAGE, [f"dingtalk://SECabc123@{TOKEN}"], MemoryLedger(), robots=robots_at(web.port))
    query = parse_qs(urlsplit(web.requests[0].path).query)
    [stamp], [sign] = query["timestamp"], query["sign"]
    assert sign == b64encode(digest(b"SECabc123", f"{stamp}\nSECabc123".encode(), sha256)).decode()
    assert abs(int(stamp) / 1000 - time.time()) < 60


def test_a_feishu_request_is_signed_in_its_body(web: Web) -> None:
    web.answers = [(200, OK["feishu"], 0)]
    deliver(MESSAGE, [f"feishu://{KEY}?secret=s1gning"], MemoryLedger(), robots=robots_at(web.port))
    body = web.requests[0].body
    assert body["sign"] == b64encode(digest(f"{body['timestamp']}\ns1gning".encode(), b"", sha256)).decode()
    assert abs(int(body["timestamp"]) - time.time()) < 60


@pytest.mark.parametrize("target", [f"wecombot://{KEY}", f"dingtalk://{TOKEN}", f"feishu://{KEY}"])
def test_a_long_digest_reaches_a_robot_as_its_beginning_and_a_pointer(web: Web, target: str) -> None:
    web.answers = [(200, OK[target.partition(":")[0]], 0)]
    sections = "\n\n".join(f"## 阶段 {n}\n\n" + '客户说"慢"。\n' * 60 for n in range(1, 30))
    message = replace(MESSAGE, body_markdown=f"结论：物流变差。\n\n{sections}", html_path=Path("/报告/周报.html"))
    [result] = deliver(message, [target], MemoryLedger(), robots=robots_at(web.port))
    assert result.outcome == "sent"
    body = web.requests[0].body
    text = (
        body["card"]["elements"][0]["content"]
        if "card" in body
        else body["markdown"].get("content") or body["markdown"]["text"]
    )
    assert "结论：物流变差。" in text
    assert text.endswith('客户说"慢"。\n\n本消息只含开头部分，全文见 /报告/周报.html')
    assert 3000 < len(text.encode()) <= 4096


def test_a_digest_that_dingtalk_takes_whole_is_not_shortened(web: Web) -> None:
    web.answers = [(200, OK["dingtalk"], 0)]
    message = replace(MESSAGE, body_markdown="\n\n".join(["物流慢。" * 20] * 60))
    deliver(message, [f"dingtalk://{TOKEN}"], MemoryLedger(), robots=robots_at(web.port))
    assert web.requests[0].body["markdown"]["text"] == f"# 客户原声周报\n\n{message.body_markdown}"
