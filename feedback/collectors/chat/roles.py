"""Who is speaking: a speaker's name as the source writes it, to a role.

The user's `roles` come first, then the words below. What neither knows is settled only when one side of the
conversation is missing and one name is left for it; otherwise it is an error, because a company's words counted
as a customer's would falsify every figure.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from functools import lru_cache

from feedback.errors import CollectError
from storage.records import Role

_WORDS: dict[Role, tuple[str, ...]] = {
    "bot": (
        *("机器人", "智能助手", "智能客服", "智能小助手", "机器人客服", "AI客服", "自动回复", "系统", "系统消息"),
        *("系统提示", "bot", "robot", "chatbot", "system"),
    ),
    "agent": (
        *("客服", "坐席", "座席", "店铺", "商家", "卖家", "店家", "店主", "店员", "旗舰店", "专卖店", "专营店"),
        *("官方店", "客服人员", "人工客服", "工作人员", "服务人员", "接线员", "话务员", "客户经理", "客户服务"),
        *("客户代表", "用户服务", "客户服务中心", "客服中心", "会员中心"),
        *("agent", "staff", "helpdesk", "seller", "servicer", "[SPEAKER 1]"),
    ),
    "customer": (
        *("客户", "顾客", "买家", "用户", "消费者", "会员", "访客", "来电人", "咨询人", "客人", "乘客"),
        *("customer", "user", "buyer", "visitor", "client", "[SPEAKER 2]"),
    ),
}
_ROLE_OF: dict[str, Role] = {word.lower(): role for role, words in _WORDS.items() for word in words}
_SIDES = frozenset({"我", "你", "您", "他", "她", "对方", "本人", "自己", "me", "you"})
_ALTERNATIVES = "|".join(re.escape(word) for word in sorted(_ROLE_OF, key=len, reverse=True))
# "客服小美", "在线客服", "用户8839201" — at an end of the name only: "不想当客服的猫" is anybody.
_AT_START = re.compile(_ALTERNATIVES)
_AT_END = re.compile(rf"(?:{_ALTERNATIVES})$")
# Sub-accounts and brackets: "某某旗舰店:小美", "客服（小美）", "客服-01".
_PIECES = re.compile(r"[\s:：()（）\[\]【】_\-—·]+")
# Who serves customers is none.
_SERVICE = re.compile(r"\b(?:customer|client|user) (?:service|support|care|success)\b")
_SHORT = 2  # characters of "小美"


def role_of(name: str, configured: Mapping[str, Role]) -> Role | None:
    """The role of a name by the user's table or the built-in words; None when neither knows it."""
    return configured[name] if name in configured else _built_in_role(name)


@lru_cache(maxsize=4096)
def _built_in_role(name: str) -> Role | None:
    found = _word_in(name)
    return found and _ROLE_OF[found[0]]


def is_role_name(name: str) -> bool:
    """Whether a name is a role's word with at most a short name beside it ("客服小美", "客户丁"), as in a sentence it hardly is ("客服说能到")."""
    found = _word_in(name)
    return found is not None and len(found[1].rstrip("0123456789")) - len(found[0]) <= _SHORT


def _word_in(name: str) -> tuple[str, str] | None:
    """The word for a role that is in a name, and the piece of the name that it is in."""
    lowered = _SERVICE.sub("servicer", name.lower())
    if lowered in _ROLE_OF:
        return lowered, lowered
    for piece in _PIECES.split(lowered):
        # The end before the start: of two words as long, the last one says what the thing is ("会员客服").
        words = [match.group() for match in (_AT_END.search(piece), _AT_START.match(piece)) if match]
        # Latin words only whole: "useful" is no user.
        words = [word for word in words if not word.isascii() or piece.rstrip("0123456789") == word]
        if words:
            return max(words, key=len), piece
    return None


def is_generic(name: str) -> bool:
    """Whether a name says only the role ("客户"), so that two of that name are not one person."""
    return name.lower() in _ROLE_OF


def is_somebodys(name: str) -> bool:
    """Whether a name is a person's, and not that of a role nor of a side ("对方"), though chats are told apart by that as by a name."""
    return not is_generic(name) and name.lower() not in _SIDES


def missing_side(known: Collection[Role]) -> Role | None:
    """The role that a conversation with these roles still lacks; None when both sides are there."""
    if "customer" not in known:
        return "customer" if known else None
    return "agent" if len(set(known)) == 1 else None


def assign_roles(names: Iterable[str], configured: Mapping[str, Role]) -> tuple[dict[str, Role], list[str]]:
    """Roles of the speakers of one conversation, and the names left without one."""
    roles: dict[str, Role] = {}
    unknown: list[str] = []
    for name in names:
        role = role_of(name, configured)
        if role is None:
            unknown.append(name)
        else:
            roles[name] = role
    side = missing_side(roles.values())
    if len(unknown) == 1 and side is not None:
        roles[unknown.pop()] = side
    return roles, unknown


_SHOWN = 6


class UnknownSpeakers(CollectError):
    """`count` people of a conversation are neither known as customer nor as agent nor as bot. The message names them."""

    count = 0


def unknown_speakers(where: str, names: Collection[str], *, stamped: bool = False) -> UnknownSpeakers:
    """The error that names the speakers and shows what to add to feedback.toml, with nobody's role filled in as if it were known.

    `stamped`: a time beside each is all that says so, and there may be such lines in messages.
    """
    shown = list(names)[:_SHOWN]
    more = f" and {len(names) - len(shown)} more" if len(names) > len(shown) else ""
    example, known = _quoted(shown[0]), '"customer", "agent" or "bot"'
    if stamped:
        known += ', or as "nobody" what is only a line in a message'
    said = (
        f"{where}: who is customer, agent or bot among {', '.join(shown)}{more}? Add to this source in feedback.toml each of them "
        f'as {known}; if {shown[0]} is an agent, for instance: roles = {{ {example} = "agent" }}'
    )
    error = UnknownSpeakers(said)
    error.count = len(names)  # not an argument of its own: errors travel between processes
    return error


def _quoted(name: str) -> str:
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
