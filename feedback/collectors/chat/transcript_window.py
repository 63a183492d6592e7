"""Lines that a chat window writes between messages. They are nobody's words.

The list is closed, and of whole lines: people talk of such things too ("对方撤回了一条消息是什么意思").
"""

import re
from collections.abc import Collection
from functools import lru_cache

from feedback.collectors.chat.transcript_heads import RULE_SIGNS, STAMP, plain_date, sorting_clock

_CUSTOMER = r"(?:访客|客户|用户|顾客|买家)"
_TALK = r"(?:会话|对话)"
_FEW_WORDS = r"[^，。；！？,;!?]{1,40}"
_LINES = re.compile(
    "|".join(
        (
            rf"(?:本次|此次|当前)?{_TALK}(?:超时)?[，,]?已(?:自动|被|超时)*(?:结束|关闭|断开|超时|创建|建立)(?:[，,]\s?{_CUSTOMER}评价[:：].{{1,20}})?",
            rf"{_TALK}已(?:被)?转接(?:[给至到]|\s?[:：]){_FEW_WORDS}(?<![吗吧呢了])",
            rf"(?:{_CUSTOMER}|(?:人工)?客服|坐席|机器人)[^，。；！？,;!?]{{0,12}}?\s?已(?:(?:加入|接入|进入){_TALK}|(?:离开|退出|结束)会话)",
            rf"{_CUSTOMER}已?(?:超过)?\s?(?:长时间|\d+\s?(?:秒|分钟|小时))\s?(?:未|没有)(?:回复|响应)",
            rf"{_CUSTOMER}已评价(?:[:：].{{1,20}})?",
            r"(?:此|该|这条)?消息已被?撤回",
            r"以上是打招呼的(?:内容|消息)|以下[是为]新消息|以[上下][是为]历史(?:消息|记录|聊天记录)",
            r"[您你]已(?:成功)?添加了?.{1,40}[，,]\s?现在就?可以开始聊天了[。.]?",
            r"(?:以上)?共\s?\d+\s?条(?:聊天记录|消息[，,]\s?导出(?:完毕|完成|结束))[。.]?|聊天记录导出(?:完毕|完成|结束)[。.]?",
        )
    )
)
# "[系统消息] 会话已结束", "系统：会话已转接给 客服小美"
_SYSTEM = re.compile(r"[\[【]系统(?:消息|提示|通知)?[\]】]\s*[:：]?\s*|系统(?:消息|提示|通知)?\s*[:：]\s*")
_DOES = re.compile(r"(?P<who>.{1,40}?)\s?(?:撤回了一条消息(?:\s?重新编辑)?|正在输入中?[.…。]*)")
_QUOTED_NAME = re.compile(r"\"[^\"]+\"|“[^“”]+”|「[^「」]+」")
_SIDES = frozenset({"对方", "你", "您"})
_STATUS = re.compile(r"(?:已读|未读|已?送达|\d+人[已未]读)")
_EVENT = (
    r"(?:(?:订单|卖家|买家|商家|包裹|快件|商品|宝贝)已(?:付款|支付|发货|发出|揽收|签收|收货|确认收货|退款|取消|关闭|完成|创建|提交)|"
    r"(?:订单)?(?:下单|付款|支付|发货|签收|退款)成功)"
)
_HAPPENED = re.compile(rf"{_EVENT}\s*[:：]?\s*[\[(（]?{STAMP}[\])）]?")
_HAPPENED_STAMP_FIRST = re.compile(rf"[\[(（]?{STAMP}[\])）]?\s*{_EVENT}")


@lru_cache(maxsize=1024)
def is_windows(line: str) -> bool:
    """Whether the window wrote the line, whoever speaks there; rules around it count as nothing."""
    return _LINES.fullmatch(line.strip(RULE_SIGNS + " ")) is not None


def is_notice_of_system(line: str) -> bool:
    """Whether the line is one of the window's with the system's name before it."""
    found = _SYSTEM.match(line)
    return found is not None and is_windows(line[found.end() :])


def tells_of(line: str, speakers: Collection[str]) -> bool:
    """Whether the line tells that one of these speakers took a message back, or is typing."""
    found = _DOES.fullmatch(line.strip(RULE_SIGNS + " "))
    if found is None:
        return False
    return found["who"] in _SIDES or found["who"] in speakers or _QUOTED_NAME.fullmatch(found["who"]) is not None


def is_status(line: str) -> bool:
    """Whether the line tells if the message above it was read."""
    return _STATUS.fullmatch(line) is not None


def is_event(line: str) -> bool:
    """Whether the line tells what happened to an order and when: the window's, or pasted, but nobody's name."""
    return _event(line) is not None


def happened_after(line: str, date: str | None, time: str | None) -> bool:
    """Whether the line tells what happened to an order after that moment: who wrote then can't have pasted it."""
    found = _event(line)
    if found is None or date is None or time is None or found["date"] is None:
        return False
    day, clock = plain_date(found["date"]), sorting_clock(time)
    if len(day) != len(date):
        return False
    return (day, sorting_clock(found["time"])[: len(clock)]) > (date, clock)


def _event(line: str) -> re.Match[str] | None:
    return _HAPPENED.fullmatch(line) or _HAPPENED_STAMP_FIRST.fullmatch(line)
