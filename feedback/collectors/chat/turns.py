"""Numbering the messages of conversations that are mixed in one file.

A turn is a place in a file. Sources that grow (企业微信 archives, 微信客服) have none: their conversations go on for months, from file to file or
from page to page of an interface. A message that two files hold has another place in each, so it would count as changed, and lose its marks,
whenever the other file is read; and the turns of a later file would begin at 1 again, among those of the earlier one. The view
`conversations` puts messages without turns in the order of their times.
"""

_REMEMBERED = 50_000


class Turns:
    """Gives each message its place in its conversation, from 1.

    Exports pulled in pages overlap: a message seen again keeps its number, or a re-run would change rows for ever.
    At least the last 50,000 message ids are remembered, more than pages overlap, and at most twice as many, so that
    memory does not grow with the file.
    """

    def __init__(self) -> None:
        self._last: dict[str, int] = {}
        self._recent: dict[str, int] = {}
        self._older: dict[str, int] = {}

    def number(self, conversation_id: str, message_id: str) -> int:
        """The turn of a message; an empty `message_id` is always a new message."""
        known = self._recent.get(message_id) or self._older.get(message_id)
        if known is not None:
            return known
        turn = self._last.get(conversation_id, 0) + 1
        self._last[conversation_id] = turn
        if message_id:
            if len(self._recent) >= _REMEMBERED:
                self._recent, self._older = {}, self._recent
            self._recent[message_id] = turn
        return turn
