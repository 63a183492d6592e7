"""Text transcripts: who speaks on one line, or before a colon; when, where it is written.

Eight forms of what opens a turn, as help desks, marketplaces and chat windows copy them out:

    客服 2023-11-11 10:20:33              the words on the lines below
    2023-11-11 10:20:33 客服              the words on the lines below
    [10:20:33] 客服：您好
    客服 (2023-11-11 10:20:33)：您好
    客服：您好
    客服                                  the time and then the words on the lines below
    2023-11-11 10:20:33                   the name and then the words on the lines below
    客服                                  the words on the lines below, then a blank line

One file is of one form, the one that fits most of its lines with speakers who are known by name or come again; the last one only where no other fits. Which of
these open a turn `transcript_judgement.py` tells. Everything up to the next turn is one message. A line of dashes, or "会话编号：…", before a turn begins another conversation; a line that is only
a date dates the clock times below it. The clock may be one of half a day ("下午3:20"). Where there is no date, or only
a day ("昨天 9:05"), none is made up: it is listed once.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import groupby
from typing import NamedTuple

from feedback.collectors.base import Item, Record, SourceConfig, Unreadable
from feedback.collectors.chat.lines import TextFile, fingerprint
from feedback.collectors.chat.roles import assign_roles, is_generic, is_somebodys, unknown_speakers
from feedback.collectors.chat.transcript_form import Form, find_form
from feedback.collectors.chat.transcript_judgement import judged
from feedback.collectors.chat.transcript_turns import Turn, read_turns
from feedback.quoted import own_words
from storage.records import Role

NO_DATES = "no dates in this transcript"
NO_DATE_HERE = "a clock alone, where the others stand beside dates, tells no day: none is known here"
ONLY_DAYS = "a day like 昨天 or 星期三 tells no date once the chat was copied out: none is known here"


def collect(file: TextFile, config: SourceConfig) -> Iterator[Item] | None:
    """The items of a transcript; None when no line of the opening reads like somebody speaking."""
    form = find_form(file.opening, config)
    if form is None:
        return None
    turns = (turn for turn in read_turns(file, form) if isinstance(turn, Turn))
    form = replace(form, **judged(turns, form)._asdict())
    survey = _survey(file, form, config)
    if unknown := survey.unknown:
        raise unknown_speakers(file.name, unknown, stamped=form.stamped or form.kind.on_two_lines)
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


def _survey(file: TextFile, form: Form, config: SourceConfig) -> _Survey:
    """A first reading: who is who in each conversation, and its id, known before anything is yielded."""
    conversations: list[_Conversation] = []
    unknown: dict[str, None] = {}
    ids: dict[str, int] = {}
    turns = (turn for turn in read_turns(file, form) if isinstance(turn, Turn))
    for number, conversation in groupby(turns, key=lambda turn: turn.conversation):
        names: dict[str, int] = {}
        first_turns: dict[str, Turn] = {}
        for turn in conversation:
            names[turn.speaker] = names.get(turn.speaker, 0) + 1
            first_turns.setdefault(turn.speaker, turn)
        roles, left = assign_roles(names, config.roles)
        unknown |= dict.fromkeys(left)
        place = fingerprint("transcript", file.name, str(number))
        made = _conversation_id(list(first_turns.values()), roles) or place
        count = ids[made] = ids.get(made, 0) + 1
        made = made if count == 1 else f"{made}-{count}"
        was_nobody = any(role == "customer" and name in config.roles for name, role in roles.items())
        conversations.append(_Conversation(made, roles, (made, place) if was_nobody else ()))
    return _Survey(conversations, unknown)


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


class _TurnId(NamedTuple):
    """The id of a turn, those by which it may have been told before, and whether it is the turn's own."""

    id: str
    former: tuple[str, ...] = ()
    own: bool = False


class _TurnIds:
    """The ids of turns: of what was said when, by and with whom, so that a turn has the same in every window that shows it.

    Where the clock is missing, or nobody has a name, a turn is known by its place in its conversation; where the date is, too, but for heads of today
    below those that carry one: tomorrow's export has the date, and knows it again. Clocks without seconds tell too little without the words; where there
    are seconds the words may still grow, as they do in a file that is being written.
    """

    def __init__(self, dated: bool) -> None:
        self._dated = dated
        self._moment: tuple[str, ...] = ()
        self._said: list[str] = []  # at this moment, so far

    def id_of(self, turn: Turn, conversation: _Conversation, number: int) -> _TurnId:
        among = self._among(turn, conversation)
        counted = f"{conversation.id}-{number}"
        if not among or turn.time is None or (turn.date is None and not self._dated):
            return _TurnId(counted)
        # Quotes begin alike.
        words = own_words(turn.text).split("\n")[:1]
        dated = [turn.date or "", turn.time, *(words if turn.time.count(":") < 2 else ())]
        made = fingerprint("turn", *among, turn.speaker, *dated)
        moment = (conversation.id, turn.date or "", turn.time)
        if moment != self._moment:
            self._moment, self._said = moment, []
        self._said.append(made)
        count = self._said.count(made)
        ending = "" if count == 1 else f"-{count}"
        former = tuple(f"{each}-{number}" for each in conversation.former_ids)
        today = fingerprint("turn of today", *among, turn.speaker, turn.time, *words) + ending
        if turn.date is None:
            return _TurnId(today, (counted,), own=True)
        if turn.head.date is not None:
            former = (*former, today)
        return _TurnId(made + ending, former, own=True)

    @staticmethod
    def _among(turn: Turn, conversation: _Conversation) -> list[str]:
        """What tells the conversation from others that are held in the same second: its number, or the customer's name."""
        if turn.conversation_id:
            return ["number", turn.conversation_id]
        names = [name for name, role in conversation.roles.items() if role == "customer"]
        named = [name for name in names if not is_generic(name)]
        return ["name", turn.speaker] if turn.speaker in named else named and ["name", named[0]]


def _records(file: TextFile, form: Form, config: SourceConfig, conversations: list[_Conversation]) -> Iterator[Item]:
    kind, channel = config.kind or "chat", config.channel or "chat"
    said_undated, ids = False, _TurnIds(form.dated)
    reading, number = -1, 0
    for turn in read_turns(file, form):
        if isinstance(turn, Unreadable):
            yield turn
            continue
        conversation = conversations[turn.conversation]
        number = number + 1 if turn.conversation == reading else 1
        reading = turn.conversation
        role = conversation.roles[turn.speaker]
        problems = tuple(turn.problems)
        if turn.date is None and not problems and not said_undated:
            problems = (ONLY_DAYS if turn.day_name else NO_DATE_HERE if form.dated else NO_DATES,)
            said_undated = True
        known = ids.id_of(turn, conversation, number)
        named = role == "customer" and is_somebodys(turn.speaker)
        yield Record(
            text=turn.text,
            kind=kind,
            channel=channel,
            location=f"{file.name}:{turn.line}",
            source_id=known.id,
            former_ids=known.former,
            role=role,
            posted_at=f"{turn.date} {turn.time}" if turn.date and turn.time else turn.date,
            conversation_id=conversation.id,
            turn=number,
            customer=turn.speaker if named else None,
            product=config.product,
            store=config.store,
            problems=problems,
            shared=known.own,
        )
