"""What the robots of group chats take, as their vendors say, and what they answer."""

import base64
import hmac
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

RobotRequest = tuple[dict[str, object], dict[str, str]]  # body, parameters of the address


@dataclass(frozen=True, slots=True)
class Robot:
    """How one chat product takes messages. `limit_bytes` counts the text as JSON; `endpoint` may be your own server."""

    endpoint: str  # {token} stands for the secret part
    limit_bytes: int
    request: Callable[[str, str, str | None], RobotRequest]  # title, markdown, signing secret
    verdict: tuple[str, str]  # the keys of the answer's code (0 is success) and message


def _wecom_request(title: str, markdown: str, _secret: str | None) -> RobotRequest:
    """https://developer.work.weixin.qq.com/document/path/91770 : markdown.content is at most 4096 bytes."""
    return {"msgtype": "markdown", "markdown": {"content": f"# {title}\n\n{markdown}"}}, {}


def _dingtalk_request(title: str, markdown: str, secret: str | None) -> RobotRequest:
    """https://open.dingtalk.com/document/robots/custom-robot-access : at most 20000 bytes, signed in the address."""
    params = {}
    if secret:
        stamp = str(round(time.time() * 1000))
        signature = hmac.digest(secret.encode(), f"{stamp}\n{secret}".encode(), "sha256")
        params = {"timestamp": stamp, "sign": base64.b64encode(signature).decode()}
    text = f"# {title}\n\n{markdown}"
    return {"msgtype": "markdown", "markdown": {"title": title, "text": text}}, params


def _feishu_request(title: str, markdown: str, secret: str | None) -> RobotRequest:
    """https://open.feishu.cn/document/client-docs/bot-v3/add-custom-bot : at most 20 KB, signed in the body."""
    # A card's markdown knows no headings.
    text = re.sub(r"^#+ +(.*?) *$", r"**\1**", markdown, flags=re.MULTILINE)
    header = {"title": {"tag": "plain_text", "content": title}}
    card = {"header": header, "elements": [{"tag": "markdown", "content": text}]}
    body: dict[str, object] = {"msg_type": "interactive", "card": card}
    if secret:
        stamp = str(int(time.time()))
        signature = hmac.digest(f"{stamp}\n{secret}".encode(), b"", "sha256")
        body |= {"timestamp": stamp, "sign": base64.b64encode(signature).decode()}
    return body, {}


_WECOM = "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key={token}"
_DINGTALK = "https://oapi.dingtalk.com/robot/send?access_token={token}"
_HOOK = "open-apis/bot/v2/hook/{token}"
Robots = Mapping[str, Robot]
ROBOTS: Robots = MappingProxyType(
    {
        "wecombot": Robot(_WECOM, 4096, _wecom_request, ("errcode", "errmsg")),
        "dingtalk": Robot(_DINGTALK, 19000, _dingtalk_request, ("errcode", "errmsg")),
        "feishu": Robot(f"https://open.feishu.cn/{_HOOK}", 19000, _feishu_request, ("code", "msg")),
        "lark": Robot(f"https://open.larksuite.com/{_HOOK}", 19000, _feishu_request, ("code", "msg")),
    }
)
