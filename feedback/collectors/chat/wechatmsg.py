"""CSV written by WeChatMsg (留痕): the older export of the message table, and the newer one with Chinese headers.

The older one says in `IsSender` which messages the exporting account sent, that is the company's own. The newer one
has only names: the chat partner's is the file's name, and the own account is called 我 or by its nickname.

A message is known by its number. One without, as it never went to the server or the column is gone, is known by what was said when, as
intake has it: a chat is exported month by month, or anew with what came since, and its place in one export is none in the next.
"""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

from feedback.collectors.base import Item, Record, SourceConfig, Unreadable
from feedback.collectors.chat.lines import TextFile, fingerprint
from feedback.collectors.chat.roles import assign_roles, unknown_speakers
from feedback.collectors.ids import EXCEL_DIGITS, IdColumn, strip_id
from feedback.errors import CollectError
from storage.records import Role

_CHANNEL = "wechat"
_OLD = ("TalkerId", "Type", "IsSender", "StrContent")
_NEW = ("类型", "发送人", "时间", "内容")
_OLD_ROLES: dict[str, Role] = {"0": "customer", "1": "agent"}

# A quoted reply holds words of its own, which the older export leaves out of StrContent. In the newer one the quote is below them.
_QUOTED_REPLY = ("49", "57")
_WORDS = ("文本", "引用消息")
_WORDLESS = frozenset(
    (
        *("图片", "语音", "视频", "动画表情", "表情包", "表情", "位置", "位置共享", "名片", "链接", "文件", "小程序"),
        *("系统消息", "系统通知", "拍一拍", "转账", "红包", "音视频通话", "语音通话", "视频通话", "视频号", "公众号"),
        *("合并转发的聊天记录", "音乐", "群公告", "接龙", "未知类型"),
    )
)


_SAMPLE = 2000  # rows
_ZEROS = 6  # at the ends of long numbers: one in a million ends so by chance, and one in ten in a single zero


@dataclass(frozen=True, slots=True)
class _Row:
    location: str
    fields: list[str]


class _Table:
    """The rows under a header, by column name."""

    def __init__(self, file: TextFile, header: list[str]) -> None:
        self.file = file
        self.columns = {name.strip(): index for index, name in enumerate(header)}
        self.width = len(header)

    def get(self, row: _Row, column: str) -> str:
        index = self.columns.get(column)
        return row.fields[index] if index is not None and index < len(row.fields) else ""

    def words(self, row: _Row) -> str:
        """What was said, to recognise a row by that can't be used; none where a comma too many may have moved names there."""
        column = "StrContent" if "StrContent" in self.columns else "内容"
        return self.get(row, column) if len(row.fields) == self.width else ""

    def rows(self) -> Iterator[_Row | Unreadable]:
        needed = max(self.columns[name] for name in (_OLD if _OLD[0] in self.columns else _NEW))
        with self.file.raw_lines() as lines:
            reader = csv.reader(lines)
            location = f"{self.file.name}:1"
            in_header = True
            while True:
                try:
                    fields = next(reader)
                except StopIteration:
                    return
                except csv.Error as error:
                    fields = []
                    yield Unreadable(location, f"not valid CSV: {error}")
                troubles = [trouble.reason for trouble in lines.troubles]
                lines.troubles.clear()
                if troubles:
                    yield Unreadable(location, troubles[0])
                elif any(fields) and in_header:
                    in_header = False
                elif any(fields) and len(fields) <= needed:
                    yield Unreadable(location, f"{len(fields)} fields where at least {needed + 1} belong")
                elif any(fields):
                    yield _Row(location, fields)
                location = f"{self.file.name}:{reader.line_num + 1}"


def collect(file: TextFile, config: SourceConfig) -> Iterator[Item] | None:
    """The items of a WeChatMsg CSV; None when its header is neither of the two."""
    table = _Table(file, next(csv.reader([file.opening[0]])))
    if table.columns.keys() >= set(_OLD):
        return _collect_old(table, config, _ids(table, "MsgSvrID"))
    if not table.columns.keys() >= set(_NEW):
        return None
    return _collect_new(table, config, _sender_roles(table, config), _ids(table, "消息ID"))


def _ids(table: _Table, column: str) -> IdColumn:
    """What reads the ids of messages; `CollectError` where Excel made many messages one: they would overwrite one another.

    Nor are they then known by what was said when: those of a file that was read before it was ruined would be there twice.
    """
    sample = [table.get(row, column) for row in islice(table.rows(), _SAMPLE) if isinstance(row, _Row)]
    whole = [value for value in map(strip_id, sample) if value.isdigit() and len(value) > EXCEL_DIGITS]
    zeros = sum(len(value) - len(value.rstrip("0")) for value in whole)
    ids = IdColumn(column, sample if zeros >= _ZEROS else ())
    ruined = next((problem for value in sample if (problem := ids.read(value)[1])), None)
    if ruined is None:
        return ids
    raise CollectError(
        f"{table.file.name}: {ruined}. It was saved in Excel, which cut the numbers of the messages short, so they can't be told "
        f"apart. Export the chat again and collect that file as it is. If that can't be, delete the column '{column}': messages are then "
        "told apart by what was said when, and those that were collected before will be there twice."
    )


def _read_id(ids: IdColumn, value: str) -> tuple[str | None, str | None]:
    """The id, None where there is none or it is ruined; and the problem, if there is one. Messages that never went to the server have a 0."""
    found, ruined = ids.read(value)
    return (None if found == "0" else found), ruined


def _former_places(own_id: str | None, conversation: str) -> tuple[str, ...]:
    """A message without an id was known by its place in the file once."""
    return () if own_id else (f"{conversation}-",)


def _collect_old(table: _Table, config: SourceConfig, ids: IdColumn) -> Iterator[Item]:
    for row in table.rows():
        if isinstance(row, Unreadable):
            yield row
            continue
        talker, local_id, sent_at = (table.get(row, name) for name in ("TalkerId", "localId", "CreateTime"))
        is_sender, message_type = table.get(row, "IsSender"), table.get(row, "Type")
        # localId counts within one database of one phone; with the second of sending it is an identity.
        server_id, ruined = _read_id(ids, table.get(row, "MsgSvrID"))
        if ruined:
            yield Unreadable(row.location, ruined, table.words(row))
            continue
        own_id = server_id or (f"{talker}-{local_id}-{sent_at}" if local_id and sent_at else None)
        conversation = fingerprint("wechatmsg", talker)
        if message_type != "1":
            if not message_type.isdigit():
                yield Unreadable(row.location, f"Type {message_type!r} is no number", table.words(row))
            elif (message_type, table.get(row, "SubType")) == _QUOTED_REPLY:
                yield Unreadable(
                    row.location, "a reply with a quotation (Type 49, SubType 57): the export leaves its words out"
                )
            continue
        names = [
            name for name in (table.get(row, "Sender"), table.get(row, "Remark"), table.get(row, "NickName")) if name
        ]
        role = _old_role(is_sender, names, config.roles)
        if role is None:
            yield Unreadable(row.location, f"IsSender {is_sender!r} is neither 0 nor 1", table.words(row))
            continue
        yield Record(
            text=table.get(row, "StrContent"),
            kind=config.kind or "chat",
            channel=config.channel or _CHANNEL,
            location=row.location,
            source_id=own_id,
            former_places=_former_places(own_id, conversation),
            role=role,
            posted_at=sent_at or table.get(row, "StrTime") or None,
            conversation_id=conversation,
            customer=(names[0] if names else f"TalkerId {talker}") if role == "customer" else None,
            product=config.product,
            store=config.store,
        )


def _old_role(is_sender: str, names: list[str], configured: Mapping[str, Role]) -> Role | None:
    """By the user's table (a name; "IsSender=1" when the exporting account was a customer's), else by `IsSender`."""
    # On own messages the name columns hold the partner's name in some versions, so there they decide nothing.
    for key in (f"IsSender={is_sender}", *(names if is_sender == "0" else ())):
        if key in configured:
            return configured[key]
    return _OLD_ROLES.get(is_sender)


def _sender_roles(table: _Table, config: SourceConfig) -> dict[str, Role]:
    senders = dict.fromkeys(
        table.get(row, "发送人") for row in table.rows() if isinstance(row, _Row) and table.get(row, "类型") in _WORDS
    )
    # What the file itself tells counts less than what the user says.
    hints: dict[str, Role] = {"我": "agent", table.file.path.stem: "customer", **config.roles}
    roles, unknown = assign_roles(senders, hints)
    if unknown:
        raise unknown_speakers(table.file.name, unknown)
    return roles


def _collect_new(table: _Table, config: SourceConfig, roles: dict[str, Role], ids: IdColumn) -> Iterator[Item]:
    customers = sorted(name for name, role in roles.items() if role == "customer")
    conversation = fingerprint("wechatmsg", customers[0] if len(customers) == 1 else table.file.path.stem)
    for row in table.rows():
        if isinstance(row, Unreadable):
            yield row
            continue
        sender, message_type = table.get(row, "发送人"), table.get(row, "类型")
        own_id, ruined = _read_id(ids, table.get(row, "消息ID"))
        if ruined:
            yield Unreadable(row.location, ruined, table.words(row))
            continue
        if message_type not in _WORDS:
            if message_type not in _WORDLESS:
                yield Unreadable(row.location, f"messages of type '{message_type}' are not read", table.words(row))
            continue
        role = roles[sender]
        yield Record(
            text=table.get(row, "内容"),
            kind=config.kind or "chat",
            channel=config.channel or _CHANNEL,
            location=row.location,
            source_id=own_id,
            former_places=_former_places(own_id, conversation),
            role=role,
            posted_at=table.get(row, "时间") or None,
            conversation_id=conversation,
            customer=sender if role == "customer" else None,
            product=config.product,
            store=config.store,
        )
