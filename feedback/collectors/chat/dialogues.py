"""Conversations that come one a value: lists of turns, and transcribed calls.

What is said in one is known by its words, and by when they were said or, where turns have no times, by their place: another file may hold
later turns of a conversation, or number its conversations from 1 again, and takes no words away that way.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import count

from feedback.collectors.base import Item, Record, SourceConfig, Unreadable
from feedback.collectors.chat.lines import fingerprint
from feedback.collectors.chat.roles import assign_roles, is_generic, is_somebodys
from feedback.collectors.chat.values import as_id, as_list, as_map, as_words
from feedback.dates import same_date, stands
from storage.records import Role

# What is said, by whom, when; None: words that are no text.
_Said = tuple[str, str | None, str | None]

_SECONDS = 10  # digits of a number of them


class _Conversations:
    """Turns a list of things said into records."""

    def __init__(self, config: SourceConfig, default_channel: str) -> None:
        self._config = config
        self._channel = config.channel or default_channel
        self._kind = config.kind or "chat"
        self._wholes = Counter[str]()
        self._told: dict[str, tuple[int, int]] = {}  # by conversation: how many turns, and a hash of them

    def items(self, given_id: str, said: Sequence[_Said], location: str) -> Iterator[Item]:
        roles, _ = assign_roles(dict.fromkeys(speaker for speaker, _, _ in said), self._config.roles)
        timed = all(time and stands(time) for _, _, time in said)
        whole = given_id or self._whole(said)
        conversation = given_id or self._found_by(said, roles) or whole
        if given_id and not timed and not self._goes_on(given_id, said, by_more=False):
            # Of what has no times nothing tells which words of the two are the same.
            yield Unreadable(location, f"conversation '{given_id}' came before in this file, with other turns")
            return
        for turn, ((speaker, words, time), source_id) in enumerate(zip(said, _ids(conversation, said), strict=True), 1):
            where = f"{location}, turn {turn}"
            role = roles.get(speaker)
            if words is None or role is None:
                yield Unreadable(where, _why(role), words or "")
                continue
            named = role == "customer" and is_somebodys(speaker)
            yield Record(
                text=words,
                kind=self._kind,
                channel=self._channel,
                location=where,
                source_id=source_id,
                former_places=(f"{whole}-",),
                role=role,
                posted_at=time,
                conversation_id=conversation,
                turn=None if timed else turn,
                customer=speaker if named else None,
                product=self._config.product,
                store=self._config.store,
            )

    def _whole(self, said: Sequence[_Said]) -> str:
        """An id from all of it. Two conversations alike ("转人工") are two, told apart by their order."""
        made = _made_of(said)
        self._wholes[made] += 1
        return _numbered(made, self._wholes[made])

    def _found_by(self, said: Sequence[_Said], roles: Mapping[str, Role]) -> str | None:
        """An id from how it begins, which stays when the conversation goes on; None where other conversations may begin alike."""
        customer = next((turn for turn in said if roles.get(turn[0]) == "customer"), said[0])
        if not self._is_found_by(customer):
            return None
        ids = (_numbered(_made_of([said[0], customer]), number) for number in count(1))
        # Two whose names nobody knows may press one button ("转人工") in one second.
        return next(each for each in ids if self._goes_on(each, said, by_more=is_generic(customer[0])))

    def _goes_on(self, conversation: str, said: Sequence[_Said], *, by_more: bool) -> bool:
        """Whether this says what the file told of the conversation before, if it did, and then perhaps (`by_more`: certainly) more."""
        length, contents = self._told.get(conversation, (0, hash(())))
        if hash(tuple(said[:length])) != contents or (by_more and len(said) == length):
            return False
        self._told[conversation] = (len(said), hash(tuple(said)))
        return True

    def _is_found_by(self, turn: _Said) -> bool:
        """Whether no other conversation has such a turn: what somebody said in a certain minute, or whoever it was in a certain second."""
        speaker, _, time = turn
        if not time or not stands(time):
            return False
        colons = 2 if time.isdecimal() and len(time) >= _SECONDS else time.count(":")
        return colons >= (2 if is_generic(speaker) else 1)


def _ids(conversation: str, said: Sequence[_Said]) -> Iterator[str]:
    """Of a turn that has a time the same in whatever other part of the conversation."""
    counts = Counter[str]()
    for turn, (speaker, words, time) in enumerate(said, 1):
        when = same_date(time) if time and stands(time) else str(turn)
        made = fingerprint("turn", conversation, speaker, when, words or "")
        counts[made] += 1
        yield _numbered(made, counts[made])


def _made_of(said: Sequence[_Said]) -> str:
    return fingerprint(*(field or "" for turn in said for field in turn))


def _numbered(made: str, number: int) -> str:
    return made if number == 1 else f"{made}-{number}"


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
