"""Conversations that come one a value: lists of turns, and transcribed calls."""

from collections.abc import Iterator, Sequence

from feedback.collectors.base import Item, Record, SourceConfig, Unreadable
from feedback.collectors.chat.lines import fingerprint
from feedback.collectors.chat.roles import assign_roles, is_generic
from feedback.collectors.chat.values import as_id, as_list, as_map, as_words
from storage.records import Role

# What is said, by whom, when; None: words that are no text.
_Said = tuple[str, str | None, str | None]


class _Conversations:
    """Turns a list of things said into records."""

    def __init__(self, config: SourceConfig, default_channel: str) -> None:
        self._config = config
        self._channel = config.channel or default_channel
        self._kind = config.kind or "chat"
        self._made_ids: dict[str, int] = {}
        self._seen: dict[str, int] = {}  # hash of the turns by conversation id

    def items(self, given_id: str, said: Sequence[_Said], location: str) -> Iterator[Item]:
        conversation = given_id or self._made_id(said)
        contents = hash(tuple(said))
        if self._seen.setdefault(conversation, contents) != contents:
            # Stored, it would overwrite the first one, turn by turn, and be overwritten at the next run.
            yield Unreadable(location, f"conversation '{conversation}' came before in this file, with other turns")
            return
        roles, _ = assign_roles(dict.fromkeys(speaker for speaker, _, _ in said), self._config.roles)
        for turn, (speaker, words, time) in enumerate(said, 1):
            where = f"{location}, turn {turn}"
            role = roles.get(speaker)
            if words is None or role is None:
                yield Unreadable(where, _why(role), words or "")
            else:
                yield self._record(words, role, (conversation, turn, speaker, time), where)

    def _record(self, words: str, role: Role, place: tuple[str, int, str, str | None], location: str) -> Record:
        conversation, turn, speaker, time = place
        named = role == "customer" and not is_generic(speaker, self._config.roles)
        return Record(
            text=words,
            kind=self._kind,
            channel=self._channel,
            location=location,
            source_id=f"{conversation}-{turn}",
            role=role,
            posted_at=time,
            conversation_id=conversation,
            turn=turn,
            customer=speaker if named else None,
            product=self._config.product,
            store=self._config.store,
        )

    def _made_id(self, said: Sequence[_Said]) -> str:
        # From the contents; two conversations alike ("转人工") are two, told apart by their order.
        made = fingerprint(*(field or "" for turn in said for field in turn))
        count = self._made_ids[made] = self._made_ids.get(made, 0) + 1
        return made if count == 1 else f"{made}-{count}"


def _why(role: Role | None) -> str:
    if role is None:
        return 'no role known for who speaks here; add the name to this source: roles = { "NAME" = "customer" }'
    return "a turn without text"


class DialogueReader:
    """`{"id", "turns": [{"sender", "text", "time"?}]}`.

    The other fields are left alone: the satisfaction votes in published collections are annotators' reading
    of a conversation, not a rating that the customer gave, so they are no csat.
    """

    shape = "a conversation: 'turns' is missing"

    def __init__(self, config: SourceConfig) -> None:
        self._conversations = _Conversations(config, "chat")

    @staticmethod
    def fits(value: dict[str, object]) -> bool:
        return isinstance(value.get("turns"), list)

    def read(self, value: dict[str, object], location: str) -> Iterator[Item] | None:
        if not self.fits(value):
            return None
        turns = [as_map(turn) for turn in as_list(value["turns"])]
        said = [(as_id(t.get("sender")), as_words(t.get("text")), as_id(t.get("time")) or None) for t in turns]
        if not said:
            return iter([Unreadable(location, "a conversation without turns", as_id(value.get("id")))])
        return self._conversations.items(as_id(value.get("id")), said, location)


class CallReader:
    """`{"id", "content": [{"[SPEAKER 1]", "[SPEAKER 2]", …}]}`, transcribed calls: speaker 1 is the company's."""

    shape = "a call: 'content' with '[SPEAKER 1]' and '[SPEAKER 2]' is missing"

    def __init__(self, config: SourceConfig) -> None:
        self._conversations = _Conversations(config, "phone")

    @staticmethod
    def fits(value: dict[str, object]) -> bool:
        return any(key.startswith("[SPEAKER") for turn in as_list(value.get("content")) for key in as_map(turn))

    def read(self, value: dict[str, object], location: str) -> Iterator[Item] | None:
        if not self.fits(value):
            return None
        said: list[_Said] = [
            (speaker, as_words(words), None)
            for turn in as_list(value["content"])
            for speaker, words in as_map(turn).items()
            if speaker.startswith("[SPEAKER")
        ]
        return self._conversations.items(as_id(value.get("id")), said, location)
