"""Nicknames that are nobody's own: one code for all who go by them would make one customer of many people."""

import re
import unicodedata

_WRAPPING = re.compile(r"[\s*()\[\]【】<>《》「」]")
_LONGEST_MASKED = 4  # characters beside a lone star; in a longer name it may be an ornament
# What platforms call those who gave themselves no name, forms of address, and the words for any customer at all.
_PLATFORMS = (
    "微信|qq|支付宝|京东|淘宝|天猫|拼多多|抖音|快手|小红书|微博|知乎|美团|大众点评|点评|饿了么|携程|苏宁|唯品会"
    "|小程序|公众号|app|商城|平台|网站|手机|google|apple|wechat"
)
_SORTS = "新|老|普通|注册|未注册|未登录|已注销|未知|热心|尊敬的|贵宾|vip|线上|线下|a|an|the|new"
_ANYBODY = (
    "用户|顾客|客户|买家|会员|消费者|客人|游客|访客|网友|贵宾|女士|先生|小姐|太太"
    "|user|customer|guest|visitor|buyer|member|client|anonymous"
)
_SHARED = re.compile(rf"(?:{_SORTS})?(?:{_PLATFORMS})?(?:{_SORTS})?(?:{_ANYBODY})(?:已注销)?")
# 0 is the number of whoever did not sign in.
_UNTOLD = re.compile(rf"0|(?:{_PLATFORMS})?匿名.*|.?某某?(?:女士|先生|小姐)?")


def is_shared(name: str) -> bool:
    """Whether many people go by it: 微信用户, 游客, 匿名…, and what a mask left of a name: `j***3`, 王*, 李某.

    A name with a number of its own, as 微信用户8839201, is one person's.

    >>> is_shared("京东用户"), is_shared("*先生"), is_shared("京东用户8839201")
    (True, True, False)
    """
    plain = unicodedata.normalize("NFKC", name).lower()
    bare = _WRAPPING.sub("", plain)
    masked = "**" in plain or ("*" in plain and len(bare) <= _LONGEST_MASKED)
    return masked or bool(_SHARED.fullmatch(bare) or _UNTOLD.fullmatch(bare))
