"""Numbering the messages of conversations that are mixed in one file."""

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
