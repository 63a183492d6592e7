"""微信客服, asked by its interface `kf/sync_msg`: what customers write to a company's service accounts, and what they are answered.

https://developer.work.weixin.qq.com/document/path/94670. The interface holds messages for three days and hands them out in its own
order, from a cursor on. The state is that cursor, and up to when everything is known to have been collected: what was said after that
and is more than three days old by now may be gone, and the run says so.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from feedback.collectors.base import Item, Record, Unreadable
from feedback.collectors.chat.kf import KfReader
from feedback.collectors.chat.values import as_id, as_map
from feedback.collectors.live import Page, Visit
from feedback.collectors.live.address import base_address
from feedback.collectors.objects import read_each, read_json
from feedback.collectors.wecom import MEANINGS, WecomInterface, WecomRefused
from feedback.errors import CollectError

ADDRESS = "https://qyapi.weixin.qq.com"
_HELD = timedelta(days=3)
_AT_ONCE = 1000
_PATH = "/cgi-bin/kf/sync_msg"
_MOST_PAGES = 100_000  # of one run; more are a loop


class WechatKfCollector:
    private_names = False

    def __init__(self) -> None:
        self._asked: tuple[Visit, _Desk] | None = None

    def streams(self, visit: Visit) -> list[str]:
        """One for each account: each has a cursor of its own."""
        return list(_Settings.of(visit).accounts)

    def check(self, visit: Visit) -> None:
        visit.secret("secret")

    def pages(self, stream: str, state: str | None, visit: Visit) -> Iterator[Page]:
        desk, reader = self._desk(visit), _Reader(visit)
        reached = _Reached.read(state)
        cursor, until, notes = reached.cursor, reached.until, reached.notes
        if gap := _gap(stream, until, visit):
            notes = (*notes, gap)
        told, seen, may_be_old = 0, {cursor}, cursor is not None
        for _ in range(_MOST_PAGES):
            try:
                answer = _Messages.after(cursor, stream, desk)
            except WecomRefused as refused:
                # No list says which code a cursor gets that is no longer good: any, then, that is not known to mean something else.
                if not may_be_old or refused.code in MEANINGS:
                    raise
                lost = gap is not None or _gap(stream, until, visit) is not None
                notes = (*notes, _started_over(stream, refused.code, lost))
                cursor, seen, may_be_old = None, {None}, False
                continue
            until = answer.until(until, visit.now)
            # Notes stay in the state up to the last page: a run that is cut off has shown them to nobody.
            after = _Reached(answer.cursor or cursor, until, notes if answer.more else ())
            yield Page(list(reader.items(stream, answer.messages)), after.text(), notes[told:])
            told = len(notes)
            if not answer.more:
                return
            cursor = answer.cursor
            if not cursor or cursor in seen:
                raise CollectError(f"{stream}: 微信客服 says that there is more, but not where. Run this again later.")
            seen.add(cursor)
        raise CollectError(f"{stream}: 微信客服 has more than {_MOST_PAGES:,} pages. What came before is kept.")

    def restart(self, state: str) -> str:
        """Without the cursor; when all was collected last is known, so that a gap is told."""
        return replace(_Reached.read(state), cursor=None).text()

    def saved(self, path: Path, visit: Visit) -> Iterator[Item]:
        """The messages of one answer, of several one after another, or one a line."""
        reader = _Reader(visit)
        return read_each(read_json(path), reader.answer)

    def _desk(self, visit: Visit) -> "_Desk":
        """One for all accounts of a run: how often a token may be asked for is limited too."""
        if self._asked is None or self._asked[0] is not visit:
            settings = _Settings.of(visit)
            token = visit.secret("token") if "token" in visit.settings.data else None
            self._asked = visit, _Desk(WecomInterface(settings.url, settings.corp_id, visit), token)
        return self._asked[1]


class _Desk:
    """Asks for messages. `token` is what a callback told, good for ten minutes: with it one may ask more often."""

    def __init__(self, interface: WecomInterface, token: str | None) -> None:
        self._interface, self._token = interface, token

    def messages(self, asked: dict[str, object], account: str) -> dict[str, object]:
        if self._token is not None:
            try:
                return self._interface.post(_PATH, {**asked, "token": self._token}, account)
            except WecomRefused as refused:
                if refused.code in MEANINGS:
                    raise
            self._token = None  # its time is over, most likely; if not, the same refusal comes without it
        return self._interface.post(_PATH, asked, account)


@dataclass(frozen=True, slots=True)
class _Settings:
    corp_id: str
    accounts: tuple[str, ...]
    url: str

    @classmethod
    def of(cls, visit: Visit) -> "_Settings":
        settings = visit.settings
        settings.refuse_unknown({"corp_id", "secret", "open_kfid", "token", "url"})
        accounts = tuple(dict.fromkeys(settings.strings("open_kfid", lone=True, blank=False)))
        if not accounts:
            raise settings.fault("'open_kfid' is missing: the ids of the service accounts, which begin with wk")
        return cls(settings.string("corp_id"), accounts, base_address(settings, ADDRESS))


class _Reader:
    """From messages to items, as `feedback.collectors.chat` reads them in files."""

    def __init__(self, visit: Visit) -> None:
        self._kf = KfReader(visit.config)

    def items(self, stream: str, messages: Sequence[object]) -> Iterator[Item]:
        for number, message in enumerate(messages, 1):
            message_id = as_id(as_map(message).get("msgid"))
            yield from _with_ids(self._kf.message(message, f"{stream}:{message_id or f'#{number}'}"))

    def answer(self, where: str, value: dict[str, object]) -> Iterator[Item]:
        items = self._kf.read(value, where)
        yield from [Unreadable(where, f"not {self._kf.shape}")] if items is None else _with_ids(items)


def _with_ids(items: Iterator[Item]) -> Iterator[Item]:
    """Without an id a message could not be known when it comes again."""
    for item in items:
        if isinstance(item, Record) and item.source_id is None:
            yield Unreadable(item.location, "no id ('msgid')", item.text)
        else:
            yield item


@dataclass(frozen=True, slots=True)
class _Reached:
    """How far the runs before have come: the cursor to go on from, and up to when all was collected (UTC; None: not known).

    `notes`: what a run that was cut off would have said at its end.
    """

    cursor: str | None
    until: str | None
    notes: tuple[str, ...]

    @classmethod
    def read(cls, state: str | None) -> "_Reached":
        cursor, until, notes = json.loads(state) if state else (None, None, ())
        return cls(cursor, until, tuple(notes))

    def text(self) -> str:
        return json.dumps([self.cursor, self.until, self.notes], ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class _Messages:
    """One answer; it may hold no messages although there are more."""

    messages: Sequence[object]
    cursor: str | None
    more: bool

    @classmethod
    def after(cls, cursor: str | None, account: str, desk: _Desk) -> "_Messages":
        asked = {"open_kfid": account, "limit": _AT_ONCE, **({"cursor": cursor} if cursor else {})}
        content = desk.messages(asked, account)
        messages, following, more = (content.get(key) for key in ("msg_list", "next_cursor", "has_more"))
        if not isinstance(messages, list) or not isinstance(more, int) or not isinstance(following, str | None):
            raise CollectError(
                f"{account}: 微信客服 answers without 'msg_list', 'has_more' or 'next_cursor', or they are of another kind. "
                "Has the interface changed?"
            )
        return cls(messages, following, bool(more))

    def until(self, before: str | None, now: datetime) -> str | None:
        """Up to when everything is collected with this answer; it was up to `before`. With more to come: up to its newest message, as they come in order."""
        if not self.more:
            return _iso(now)
        sent = [as_id(as_map(each).get("send_time")) for each in self.messages]
        times = [int(seconds) for seconds in sent if seconds.isdecimal() and len(seconds) < 20]
        if not times:
            return before
        # Not up to a time that has not come yet: a clock may be wrong.
        newest = _iso(datetime.fromtimestamp(min(max(times), int(now.timestamp())), UTC))
        return max(newest, before or newest)


def _gap(stream: str, until: str | None, visit: Visit) -> str | None:
    """What to say where messages may have gone before they were asked for."""
    if until is None or visit.now - (reached := datetime.fromisoformat(until)) <= _HELD:
        return None
    zone = ZoneInfo(visit.timezone)
    then, now, held = (f"{at.astimezone(zone):%Y-%m-%d %H:%M:%S}" for at in (reached, visit.now, visit.now - _HELD))
    return (
        f"{stream}: everything up to {then} was collected, and it is {now} now ({visit.timezone}). 微信客服 keeps messages "
        f"for 3 days: of those before {held} some may be missing, for good. Collect every day."
    )


def _started_over(stream: str, code: int, lost: bool) -> str:
    return (
        f"{stream}: 微信客服 no longer knew where the last run stopped ({code}). It was asked again for all that it keeps: "
        f"{'some messages may be missing' if lost else 'no message is missing'}."
    )


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
