"""Text transcripts: who speaks on one line, or before a colon; when, where it is written.

Six forms of what opens a turn, as help desks, marketplaces and chat windows copy them out:

    客服 2023-11-11 10:20:33              the words on the lines below
    2023-11-11 10:20:33 客服              the words on the lines below
    [10:20:33] 客服：您好
    客服 (2023-11-11 10:20:33)：您好
    客服：您好
    客服                                  the time and then the words on the lines below

One file is of one form, the one that fits most of its lines with speakers known by name. Everything up to the next
turn is one message. A line of dashes, or "会话编号：…", before a turn begins another conversation; a line that is only
a date dates the clock times below it. The clock may be one of half a day ("下午3:20"). Where there is no date, or only
a day ("昨天 9:05"), none is made up: it is listed once.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import groupby
from typing import NamedTuple

from feedback.collectors.base import Item, Record, SourceConfig, Unreadable
from feedback.collectors.chat.lines import TextFile, fingerprint
from feedback.collectors.chat.roles import assign_roles, is_generic, is_somebodys, missing_side, unknown_speakers
from feedback.collectors.chat.transcript_form import Form, find_form
from feedback.collectors.chat.transcript_names import Names
from feedback.collectors.chat.transcript_turns import Turn, read_turns
from feedback.collectors.chat.transcript_undated import Undated
from feedback.quoted import own_words
from storage.records import Role

NO_DATES = "no dates in this transcript"
ONLY_DAYS = "a day like 昨天 or 星期三 tells no date once the chat was copied out: none is known here"


def collect(file: TextFile, config: SourceConfig) -> Iterator[Item] | None:
    """The items of a transcript; None when no line of the opening reads like somebody speaking."""
    form = find_form(file.opening, config)
    if form is None:
        return None
    survey = _survey(file, form, config)
    if texts := survey.undated.texts():
        form = replace(form, texts=texts)
        survey = _survey(file, form, config)
    if nobody := survey.names.nobody():
        # Without their lines conversations may end elsewhere, and others be left over for a role.
        form = replace(form, pasted=nobody)
        survey = _survey(file, form, config)
    if unknown := survey.unknown:
        raise unknown_speakers(file.name, unknown, survey.names.out_of_order(unknown) if form.stamped else None)
    return _records(file, form, config, survey.conversations)


class _Conversation(NamedTuple):
    """What must be known before a conversation's first record."""

    id: str
    roles: dict[str, Role]
    former_ids: tuple[str, ...] = ()  # with which turns were counted while a customer whom `roles` name was nobody


class _Survey(NamedTuple):
    """What a first reading of a file tells; `unknown`: who can't be placed."""

    conversations: list[_Conversation]
    unknown: dict[str, None]
    names: Names
    undated: Undated


def _survey(file: TextFile, form: Form, config: SourceConfig) -> _Survey:
    """A first reading: who is who in each conversation, and its id, known before anything is yielded."""
    conversations: list[_Conversation] = []
    unknown: dict[str, None] = {}
    who, undated = Names(form, config.roles), Undated(form)
    ids: dict[str, int] = {}
    turns = (turn for turn in read_turns(file, form, None) if isinstance(turn, Turn))
    for number, conversation in groupby(turns, key=lambda turn: turn.conversation):
        names: dict[str, int] = {}
        first_turns: dict[str, Turn] = {}
        for turn in conversation:
            who.add(turn)
            undated.add(turn)
            names[turn.speaker] = names.get(turn.speaker, 0) + 1
            first_turns.setdefault(turn.speaker, turn)
        roles, left = _roles(names, form, config)
        unknown |= dict.fromkeys(left)
        place = fingerprint("transcript", file.name, str(number))
        made = _conversation_id(list(first_turns.values()), roles) or place
        count = ids[made] = ids.get(made, 0) + 1
        made = made if count == 1 else f"{made}-{count}"
        was_nobody = any(role == "customer" and name in config.roles for name, role in roles.items())
        conversations.append(_Conversation(made, roles, (made, place) if was_nobody else ()))
    return _Survey(conversations, unknown, who, undated)


def _conversation_id(openings: list[Turn], roles: Mapping[str, Role]) -> str | None:
    """The id written in the file, or one that stays when the file grows; None when only the place in the file is one.

    A dated beginning, with the customer's first words in it, is found again in another export of the same chat.
    Undated ones are too alike for that ("您好", "在吗"), and so are nameless ones to the minute.
    """
    if openings[0].conversation_id:
        return openings[0].conversation_id
    customer = next((turn for turn in openings if roles.get(turn.speaker) == "customer"), openings[0])
    nameless = is_generic(customer.speaker) and (customer.time or "").count(":") < 2
    if customer.date is None or customer.time is None or nameless:
        return None
    # Of the words the first line only: a file cut in the middle of a message grows there.
    said = [(turn.speaker, turn.date or "", turn.time or "", *turn.lines[:1]) for turn in (openings[0], customer)]
    return fingerprint("transcript", *said[0], *said[1])


class _TurnIds:
    """The ids of turns: of what was said when, by and with whom, so that a turn has the same in every window that shows it.

    Where the date or the clock is missing, or nobody has a name, a turn is known by its place in its conversation. Clocks without seconds
    tell too little without the words; where there are seconds the words may still grow, as they do in a file that is being written.
    """

    def __init__(self) -> None:
        self._moment: tuple[str, ...] = ()
        self._said: list[str] = []  # at this moment, so far

    def id_of(self, turn: Turn, conversation: _Conversation, number: int) -> tuple[str, bool]:
        """The id, and whether it is the turn's own."""
        among = self._among(turn, conversation)
        if not among or turn.date is None or turn.time is None:
            return f"{conversation.id}-{number}", False
        # Quotes begin alike.
        words = own_words(turn.text).split("\n")[:1] if turn.time.count(":") < 2 else []
        made = fingerprint("turn", *among, turn.speaker, turn.date, turn.time, *words)
        moment = (conversation.id, turn.date, turn.time)
        if moment != self._moment:
            self._moment, self._said = moment, []
        self._said.append(made)
        count = self._said.count(made)
        return made if count == 1 else f"{made}-{count}", True

    @staticmethod
    def _among(turn: Turn, conversation: _Conversation) -> list[str]:
        """What tells the conversation from others that are held in the same second: its number, or the customer's name."""
        if turn.conversation_id:
            return ["number", turn.conversation_id]
        names = [name for name, role in conversation.roles.items() if role == "customer"]
        named = [name for name in names if not is_generic(name)]
        return ["name", turn.speaker] if turn.speaker in named else named and ["name", named[0]]


def _roles(names: dict[str, int], form: Form, config: SourceConfig) -> tuple[dict[str, Role], list[str]]:
    """Roles of the names that speak, and the names that do but can't be placed.

    Before a bare colon stands not only a speaker ("尺码：M"). Once both sides are known, another name there counts as a
    speaker only when it comes often; else its line belongs to the message it is in, with a note.
    """
    roles, unknown = assign_roles(names, config.roles)
    if unknown and not form.stamped:
        often = [name for name in unknown if names[name] >= 3 and names[name] * 10 >= sum(names.values())]
        if missing_side(roles.values()) is None and roles:
            unknown = often
        elif often:
            roles, unknown = assign_roles([*roles, *often], config.roles)
    return roles, unknown


def _records(file: TextFile, form: Form, config: SourceConfig, conversations: list[_Conversation]) -> Iterator[Item]:
    kind, channel = config.kind or "chat", config.channel or "chat"
    said_undated, ids = False, _TurnIds()
    reading, number = -1, 0
    speaking = [conversation.roles for conversation in conversations]
    for turn in read_turns(file, form, speaking):
        if isinstance(turn, Unreadable):
            yield turn
            continue
        conversation = conversations[turn.conversation]
        number = number + 1 if turn.conversation == reading else 1
        reading = turn.conversation
        role = conversation.roles[turn.speaker]
        problems = tuple(turn.problems)
        if turn.date is None and not problems and not said_undated:
            problems = (ONLY_DAYS if turn.day_name else NO_DATES,)
            said_undated = True
        source_id, own = ids.id_of(turn, conversation, number)
        named = role == "customer" and is_somebodys(turn.speaker)
        yield Record(
            text=turn.text,
            kind=kind,
            channel=channel,
            location=f"{file.name}:{turn.line}",
            source_id=source_id,
            former_ids=tuple(f"{each}-{number}" for each in conversation.former_ids if own),
            role=role,
            posted_at=f"{turn.date} {turn.time}" if turn.date and turn.time else turn.date,
            conversation_id=conversation.id,
            turn=number,
            customer=turn.speaker if named else None,
            product=config.product,
            store=config.store,
            problems=problems,
            shared=own,
        )
