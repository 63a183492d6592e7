"""微信客服: `gettoken` and `kf/sync_msg` of https://qyapi.weixin.qq.com. It says no with the status 200 and an `errcode`.

Which code a cursor gets that is no longer good is in no list; the one here is made up.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from wire import Asked, Reply

from worlds import SECRET, SECRET_VARIABLE, Interface, Said

CORP_ID = "ww0a1b2c3d4e5f6a7b"
ACCOUNT = "wkShopAAAA-1"
TOKEN = "at-Given+0001"
UNKNOWN_CURSOR = 95999
_HINT = "hint: [1772000000000000000000001], from ip: 203.0.113.7, more info at https://open.work.weixin.qq.com/devtool/query"


class World(Interface):
    collector = "wechat-kf"
    edits = False
    tells_of_deletions = True

    def __init__(self) -> None:
        super().__init__()
        self.token = TOKEN
        self._logged: list[Said | Recall] = []
        self.given: dict[str, object] = {"expires_in": 7200}  # what comes with a token

    def section(self, url: str) -> Mapping[str, object]:
        return {"corp_id": CORP_ID, "secret": {"env": SECRET_VARIABLE}, "open_kfid": [ACCOUNT], "url": url}

    def answer(self, asked: Asked) -> Reply:
        if (asked.method, asked.path) == ("GET", "/cgi-bin/gettoken"):
            return self._token(asked)
        if (asked.method, asked.path) != ("POST", "/cgi-bin/kf/sync_msg"):
            return Reply(b"", 404)
        if asked.query.get("access_token") != self.token:
            return refused(40014, "invalid access_token")
        return self._messages(asked.json())

    def stored(self) -> dict[str, str]:
        return {message_id(one): one.text for one in self.said}

    def saved(self) -> bytes:
        return json.dumps(answered(self._log(), "end", more=False), ensure_ascii=False).encode()

    def _token(self, asked: Asked) -> Reply:
        if asked.query.get("corpid") != CORP_ID:
            return refused(40013, "invalid corpid")
        if asked.query.get("corpsecret") != SECRET:
            return refused(40001, "invalid credential")
        return Reply({"errcode": 0, "errmsg": "ok", "access_token": self.token, **self.given})

    def _messages(self, asked: Mapping[str, object]) -> Reply:
        if asked.get("open_kfid") != ACCOUNT:
            return refused(95000, "invalid open_kfid")
        log, cursor, limit = self._log(), asked.get("cursor"), asked.get("limit")
        place = str(cursor or "c-0").removeprefix("c-")
        if not place.isdecimal() or int(place) > len(log) or not self.knows(str(cursor)):
            return refused(UNKNOWN_CURSOR, "invalid cursor")
        assert isinstance(limit, int)
        # It may give fewer than it was asked for.
        start, size = int(place), min(limit, 1000, max(7, len(log) // 3))
        end = min(start + size, len(log))
        return Reply(answered(self.page(log, start, size), self.cursor(f"c-{end}"), more=end < len(log)))

    def _log(self) -> list[dict[str, object]]:
        """What customers said, that one of them came in now and then, and what they took back: in the order it happened."""
        self._logged += [one for one in self.said if one not in self._logged]
        log: list[dict[str, object]] = []
        for one in self._logged:
            if isinstance(one, Recall):
                log.append(recalled(one))
                continue
            if one.number % 4 == 1:
                log.append(entered(one))
            log.append(message(one))
        return log

    def vanish(self, one: Said) -> None:
        """A message does not go without a word."""
        self._log()
        at = max(each.changed_at for each in self.said) + timedelta(seconds=20)
        self._logged.append(Recall(one, at))
        self.said.remove(one)


@dataclass(frozen=True)
class Recall:
    one: Said
    at: datetime


def message_id(one: Said) -> str:
    return f"7g{one.number:04}"


def message(one: Said, **more: object) -> dict[str, object]:
    return {
        "msgid": message_id(one),
        "open_kfid": ACCOUNT,
        "external_userid": guest(one),
        "send_time": int(one.posted_at.timestamp()),
        "origin": 3,
        "msgtype": "text",
        "text": {"content": one.text, "menu_id": ""},
        **more,
    }


def entered(one: Said) -> dict[str, object]:
    event = {"event_type": "enter_session", "open_kfid": ACCOUNT, "external_userid": "wmGuest1", "scene": "oral"}
    return {
        "msgid": f"7e{one.number:04}",
        "send_time": int(one.posted_at.timestamp()) - 1,
        "origin": 4,
        "msgtype": "event",
        "event": event,
    }


def recalled(recall: Recall) -> dict[str, object]:
    return {
        "msgid": f"7r{recall.one.number:04}",
        "send_time": int(recall.at.timestamp()),
        "origin": 4,
        "msgtype": "event",
        "event": {
            "event_type": "user_recall_msg",
            "open_kfid": ACCOUNT,
            "external_userid": guest(recall.one),
            "recall_msgid": message_id(recall.one),
        },
    }


def guest(one: Said) -> str:
    return f"wmGuest{(one.to or one.number) % 3}"


def answered(messages: Sequence[object], cursor: str, *, more: bool) -> dict[str, object]:
    return {"errcode": 0, "errmsg": "ok", "next_cursor": cursor, "has_more": int(more), "msg_list": messages}


def refused(code: int, words: str) -> Reply:
    return Reply({"errcode": code, "errmsg": f"{words}, {_HINT}?e={code}"})
