"""What to say when no layout is known for a file: its columns, and a layout to edit with the guesses filled in."""

import json
import re
from collections.abc import Sequence
from itertools import chain
from pathlib import Path

from feedback.collectors.column_names import day_and_clock, guess_after, guess_columns, guess_score
from feedback.collectors.layout import builtin_layouts
from feedback.errors import CollectError

# Beyond so many it is no export that a person wants to see listed.
_MOST_COLUMNS = 200

_NOTES = {
    "text": "客户写的话（必填）",
    "posted_at": "时间",
    "source_id": "每条唯一的编号；没有就删掉这行",
    "customer": "客户的编号或昵称，只存加密后的代号",
    "product": "商品",
    "version": "商品或应用的版本",
    "store": "门店",
    "region": "地区",
    "votes": "有多少人点赞或觉得有用",
}


class UnknownLayout(CollectError):
    """A file's columns are those of no layout known. Says so, and prints a whole layout to save and edit.

    `draft` is that layout, to be saved as `file_name`; `has_text`: whether a column was found that may hold the text.
    """

    def __init__(self, path: Path, columns: Sequence[str], records: str | None = None) -> None:
        name = re.sub(r"[^\w-]+", "_", path.stem).strip("_") or "my"
        columns = [column for column in columns if column.strip()]
        self.file_name = f"{name}.layout.toml"
        self.draft = suggest_layout(name, columns, records)
        self.has_text = "text" in guess_columns(columns[:_MOST_COLUMNS])
        super().__init__(_message(path, name, _listed(columns), self.draft))
        self._given = (path, columns, records)

    def __reduce__(self) -> tuple[type["UnknownLayout"], tuple[Path, Sequence[str], str | None]]:
        """It may be raised in another process."""
        return UnknownLayout, self._given


def _message(path: Path, name: str, shown: str, draft: str) -> str:
    known = ", ".join(layout.name for layout in builtin_layouts())
    return (
        f"{path}: the layout of this file is not known. Its columns: {shown}\n"
        f"Save the lines below as {name}.layout.toml, correct the guesses, and collect again with\n"
        f"    --layout {name}.layout.toml\n"
        f'or with  layout = "{name}.layout.toml"  under this source in feedback.toml. (Known layouts: {known})\n'
        f"（不认识这个文件的列。请把下面的内容存成 {name}.layout.toml，改好后"
        f"加上 --layout {name}.layout.toml 再运行一次。）\n\n"
        f"{draft}"
    )


def suggest_layout(name: str, columns: Sequence[str], records: str | None = None) -> str:
    """The TOML of a layout for these columns, pre-filled by their names; `records`: where a JSON file's records lie."""
    columns = [column for column in columns if column.strip()][:_MOST_COLUMNS]
    used = {field: [column] for field, column in guess_columns(columns).items()}
    if "posted_at" in used:
        used["posted_at"] = day_and_clock(used["posted_at"][0], columns)
    after = guess_after(columns)
    unused = [column for column in columns if column not in chain(*used.values(), *after)]
    lines = [
        f"name = {_quoted(name)}",
        'kind = "review"           # review 评价, survey 问卷, post 帖子, ticket 工单, chat 对话',
        'channel = "电商"          # 渠道，随意取名',
    ]
    if records:
        lines.append(f"records = {_quoted(records)}")
    lines += ["", "[columns]                 # 左边不要动，右边是文件里的列名"]
    for field, note in _NOTES.items():
        if field in used or field == "text":
            lines.append(f"{field} = {_picked(used.get(field, []))}    # {note}")
    scores = [(column, score) for column in unused if (score := guess_score(column))]
    for column, (metric, low, high) in scores:
        lines += [
            "",
            "[[scores]]                # 评分：star 星级, nps 推荐分, csat 满意度, ces 省力度",
            f'metric = "{metric}"',
            f"column = {_quoted(column)}",
            f"low = {low}                   # 最低分",
            f"high = {high}                  # 最高分",
            f'# values = {{ "好评" = {high}, "差评" = {low} }}   # 评分是文字的，去掉行首的 # 号，写明每个词值几分',
            f"# divide = {100 // high}   # 评分是百分数（100%）的，去掉行首的 # 号",
        ]
    for number, (text, posted_at) in enumerate(after, 1):
        lines += [
            "",
            "[[texts]]                 # 追评：另成一条，跟在原评价后面",
            f'suffix = "after{number if number > 1 else ""}"',
            f"text = {_quoted(text)}",
        ]
        lines += [f"posted_at = {_quoted(posted_at)}"] if posted_at else []
    rest = [column for column in unused if column not in {column for column, _ in scores}]
    if rest:
        shown = "".join(c if c.isprintable() else " " for c in "、".join(rest))
        lines += ["", f"# 没有用到的列：{shown}"]
    return "\n".join(lines) + "\n"


def _listed(columns: Sequence[str]) -> str:
    more = len(columns) - _MOST_COLUMNS
    return "、".join(columns[:_MOST_COLUMNS]) + (f" … and {more:,} more" if more > 0 else "")


def _picked(columns: Sequence[str]) -> str:
    """The columns of a field as a layout has them."""
    if len(columns) > 1:
        return f"{{ join = [{', '.join(map(_quoted, columns))}] }}"
    return _quoted(columns[0] if columns else "")


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")  # otherwise a JSON string is a TOML string
