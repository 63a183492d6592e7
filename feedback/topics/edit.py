"""What people do to topics. All of it survives later runs, and is an event like those of the runs.

What a person has merged or split is pinned, or the next run would undo it.
"""

import re
import sqlite3

from feedback.errors import FeedbackError
from feedback.project import Project
from feedback.topics.find import PART_LEAST, Run, merge
from nlp.topics.density import PROMINENCE
from storage import topics as rows
from storage.journal import utc_now
from storage.store import Store
from storage.topics import Event, TopicRow

_GENTLY = PROMINENCE / 4  # a person who wants parts sees smaller ones than a run looks for
LONGEST_LABEL = 40
_NUMBER = re.compile(r"[Tt#]?([0-9]{1,9})")


class TopicError(FeedbackError):
    """A topic that isn't there, or can't be treated so."""


def topic_called(connection: sqlite3.Connection, name: str) -> TopicRow:
    """The live topic of that number or label; `TopicError` says what there is instead."""
    topic = find_called(connection, name)
    if topic.status != "live":
        raise TopicError(f"Topic {topic.id} ({topic.label}) is {topic.status}. See: feedback topics history {name}")
    return topic


def find_called(connection: sqlite3.Connection, name: str) -> TopicRow:
    """The topic of that number, or the one of that label, a live one if there is; also one that has ended."""
    topics = rows.read_topics(connection)
    if number := _NUMBER.fullmatch(name):
        chosen = [topic for topic in topics if topic.id == int(number[1])]
    else:
        chosen = sorted((t for t in topics if t.label == name), key=lambda t: t.status != "live")
    if chosen:
        return chosen[0]
    if not topics:
        raise TopicError("There are no topics yet. Run: feedback topics find")
    near = [f"{t.id} {t.label}" for t in topics if t.status == "live" and set(name) & set(t.label)][:5]
    raise TopicError(
        f"No topic '{name[:60]}'." + (f" Similar: {', '.join(near)}." if near else " See: feedback topics list")
    )


def rename_topic(store: Store, name: str, new: str) -> TopicRow:
    """The label that stays, whatever the topic comes to hold."""
    new = " ".join(new.split())
    if not new or len(new) > LONGEST_LABEL or not new.isprintable():
        raise TopicError(f"A label has 1 to {LONGEST_LABEL} characters that can be seen.")
    if _NUMBER.fullmatch(new):
        raise TopicError(f"'{new}' would be taken for the number of a topic.")
    with store.transaction() as connection:
        topic = topic_called(connection, name)
        if any(t.label == new and t.status == "live" and t.id != topic.id for t in rows.read_topics(connection)):
            raise TopicError(f"There is a topic '{new}' already. To make one of the two: feedback topics merge")
        rows.change_topic(connection, topic.id, label=new, named=1)
        _log(connection, Event("rename", topic.id, None, f"{topic.label} → {new}"))
    return topic


def merge_topics(store: Store, names: tuple[str, ...], into: str) -> TopicRow:
    """All of them become the one called `into`."""
    with store.transaction() as connection:
        target = topic_called(connection, into)
        if target.hidden:
            raise TopicError(f"Topic {target.id} ({target.label}) is hidden. First: feedback topics unhide {target.id}")
        for name in names:
            topic = topic_called(connection, name)
            if topic.id == target.id:
                raise TopicError(f"Topic {topic.id} ({topic.label}) can't be merged into itself.")
            merge(connection, topic.id, target.id, utc_now())
            _log(connection, Event("merge", topic.id, target.id, f"{topic.label} → {target.label}"))
        rows.change_topic(connection, target.id, pinned=1)
        rows.gather_texts(connection)
        rows.publish_members(connection)
    return target


def split_topic(store: Store, project: Project, name: str) -> list[TopicRow]:
    """The parts that lie apart become topics of their own; `TopicError` where there are none."""
    with store.transaction() as connection:
        topic = topic_called(connection, name)
        rows.gather_texts(connection)
        run = Run(store, project, PART_LEAST)
        run.read_space()
        parts = run.split(topic, PART_LEAST, _GENTLY)
        if not parts:
            raise TopicError(f"Topic {topic.id} ({topic.label}) has no parts of {PART_LEAST} texts that lie apart.")
        for part in (topic.id, *parts):
            rows.change_topic(connection, part, pinned=1)
        rows.publish_members(connection)
        run.name_topics()
        for event in run.events:
            _log(connection, event)
        return [each for each in rows.read_topics(connection) if each.id in (topic.id, *parts)]


def mark_topic(store: Store, name: str, column: str, *, on: bool) -> TopicRow:
    """Set `pinned` (runs neither split, merge nor end it) or `hidden` (left out of lists)."""
    kinds = {"pinned": ("unpin", "pin"), "hidden": ("unhide", "hide")}
    with store.transaction() as connection:
        topic = topic_called(connection, name)
        if getattr(topic, column) != on:
            rows.change_topic(connection, topic.id, **{column: int(on)})
            _log(connection, Event(kinds[column][on], topic.id, None, topic.label))
    return topic


def _log(connection: sqlite3.Connection, event: Event) -> None:
    rows.log_event(connection, None, utc_now(), event)
