"""Collects conversations: the format of a file is found from its contents, not from its name.

Roles are kept apart and a conversation stays whole: every record carries its conversation's id. A file that has grown at
its end gives the same ids again. Nobody is guessed to be a customer: see `roles.py`.

A turn is a place in a file, counted from 1. Conversations that go on for months, from file to file or from page to page of an
interface (企业微信, 微信客服, WeChatMsg, dialogues whose turns have times), have none. A message that two files hold has another
place in each, so it would count as changed, and lose its marks, whenever the other file is read; and the turns of a later file would
begin at 1 again, among those of the earlier one. The view `conversations` puts messages without turns in the order of their times.
"""

from collections.abc import Iterator

from feedback.collectors.base import Item, Part, SourceConfig
from feedback.collectors.chat import json_files, transcript, wechatmsg
from feedback.collectors.chat.lines import TextFile
from feedback.collectors.files import parts_of
from feedback.errors import CollectError

SUFFIXES = (".jsonl", ".ndjson", ".json", ".csv", ".txt", ".log")

KNOWN_FORMATS = (
    "企业微信会话存档 (decrypted JSON Lines), 微信客服 msg_list JSON, WeChatMsg CSV, "
    'JSON Lines of {"id", "turns": [{"sender", "text"}]}, '
    "text transcripts (客服 2023-11-11 10:20:33 with the words below it, [10:20:33] 客户：…, 客户：…)"
)


class ChatCollector:
    """Files of conversations; satisfies `feedback.collectors.base.Collector`."""

    private_names = True

    def parts(self, config: SourceConfig) -> list[Part]:
        """The files named by the source, in a fixed order; `CollectError` when there are none."""
        return parts_of(config, SUFFIXES)

    def collect(self, part: Part, config: SourceConfig) -> Iterator[Item]:
        """Every message of one file in its order, recalls as `Withdrawn`, what can't be used as `Unreadable`.

        `CollectError`, at the call, when the file is empty, of no known format, or does not tell who is a customer.
        """
        file = TextFile.open(part)
        for collect in (json_files.collect, wechatmsg.collect, transcript.collect):
            items = collect(file, config)
            if items is not None:
                return items
        raise CollectError(f"{part.name} is no conversation in a format known here. Known: {KNOWN_FORMATS}.")
