"""Verbatims that hold no opinion of a customer: what the platform wrote for a silent one, what the company answered."""

import re

from storage.records import Kind, Noise, Role

# Written by the platforms, from their pages and from published data sets; compared without punctuation and blanks.
_DEFAULT_REVIEWS = (
    "此用户没有填写评价",
    "此用户没有填写评论",
    "此用户未填写评价内容",
    "该用户未填写评价内容",
    "该用户没有填写评价",
    "用户未填写评价内容",
    "15天内买家未作出评价",
    "评价方未及时做出评价系统默认好评",
    "系统默认评论",
    "系统默认好评",
    "默认好评",
    "该用户未及时主动评价系统默认好评",
    "该用户觉得商品非常好给出好评",
    "该用户觉得商品非常好给出5星好评",
    "此用户暂未填写评价",
    "买家没有填写评价内容",
)
_PUNCTUATION = re.compile(r"[\W_]+")
_DEFAULT = frozenset(_DEFAULT_REVIEWS)
_LONGEST_DEFAULT = max(map(len, _DEFAULT_REVIEWS)) + 8


def noise_of(text: str, kind: Kind, role: Role) -> Noise | None:
    """Why a verbatim is no opinion, or None. Copied templates show only among other texts; storage flags those.

    >>> noise_of("此用户没有填写评价。", "review", "customer")
    'default_review'
    """
    if not text:
        return "no_text"
    if role == "agent" and kind in ("review", "post"):
        return "company_reply"
    if len(text) <= _LONGEST_DEFAULT and _PUNCTUATION.sub("", text) in _DEFAULT:
        return "default_review"
    return None
