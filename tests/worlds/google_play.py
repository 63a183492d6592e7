"""Google Play as its own pages ask it: one address for everything, arrays without names, the newest first. No key."""

import json
from collections.abc import Mapping
from datetime import datetime
from urllib.parse import parse_qs
from zoneinfo import ZoneInfo

from wire import Asked, Reply

from worlds import Interface, Lack, Said, iso

APP = "com.example.lamp"
PAGE = 7  # of the real interface: as many as are asked for, 200 at most
ADDRESS = "/_/PlayStoreUi/data/batchexecute"
ROBOTS = b"User-agent: *\nDisallow: /store/xhr\n"  # the real one was seen to disallow /_ as well (2026)


class World(Interface):
    collector = "google-play"
    secret = None
    edits = True
    without: Mapping[Lack, str] = {"replies": "who has something to add edits the review"}

    def __init__(self) -> None:
        super().__init__()
        self.robots = ROBOTS
        self.replies: dict[int, str] = {2: "感谢反馈，已经在处理"}

    def section(self, url: str) -> Mapping[str, object]:
        return {"url": url, "app": APP, "countries": ["us"], "languages": ["zh-CN"]}

    def answer(self, asked: Asked) -> Reply:
        if (asked.method, asked.path) == ("GET", "/robots.txt"):
            return Reply(self.robots, headers={"Content-Type": "text/plain"})
        if (asked.method, asked.path) != ("POST", ADDRESS):
            return Reply(b"", 404)
        call = json.loads(parse_qs(asked.body.decode(), strict_parsing=True)["f.req"][0])[0][0]
        arguments = json.loads(call[1])
        if call[0] != "oCPfdb" or arguments[2][0] != APP:
            return Reply(envelope(None))
        _, sort, paging, *_ = arguments[1]
        assert (sort, paging[0]) == (2, 200)
        # A token holds on to a place in the list, not to a number: what comes anew moves nothing.
        rows = self.arranged(sorted(self.said, key=lambda one: (one.changed_at, one.number), reverse=True))
        start = 0
        if len(paging) == 3:
            if not self.knows(paging[2]):
                return Reply(envelope(None))
            at, number = paging[2].removesuffix("+/=&").split("|")
            if self.scrambled:
                start = 1 + [str(one.number) for one in rows].index(number)
            else:
                start = sum((iso(one.changed_at), one.number) >= (at, int(number)) for one in rows)
        last = rows[start + PAGE - 1] if len(rows) > start + PAGE else None
        after = self.cursor(f"{iso(last.changed_at)}|{last.number}+/=&") if last else None
        return Reply(self.listing(self.page(rows, start, PAGE), after))

    def listing(self, rows: list[Said], after: str | None) -> bytes:
        return envelope([[self.review(one) for one in rows], [None, after], []])

    def review(self, one: Said) -> list[object]:
        reply = self.replies.get(one.number)
        at = int(one.changed_at.timestamp())
        return [
            _id(one),
            [f"用户{one.number}", [None, 2, None, [None, None, "https://play-lh.example.com/a"]]],
            one.number % 5 + 1,
            None,
            one.text,
            [at, 123_000_000],
            2,
            ["灯具公司", reply, [at + 3600, 0]] if reply else None,
            None,
            None,
            "8.0.1",
        ]

    def stored(self) -> dict[str, str]:
        return {_id(one): one.text for one in self.said}

    def saved(self) -> bytes:
        """As the package gives reviews, its times local ones without a zone: here those of the project."""
        return Reply([as_package(one, self.replies.get(one.number)) for one in self.said]).body()


def as_package(one: Said, reply: str | None = None) -> dict[str, object]:
    return {
        "reviewId": _id(one),
        "userName": f"用户{one.number}",
        "userImage": "https://play-lh.example.com/a",
        "content": one.text,
        "score": one.number % 5 + 1,
        "thumbsUpCount": 2,
        "reviewCreatedVersion": "8.0.1",
        "at": _local(int(one.changed_at.timestamp())),
        "replyContent": reply,
        "repliedAt": _local(int(one.changed_at.timestamp()) + 3600) if reply else None,
        "appVersion": "8.0.1",
    }


def envelope(inner: object) -> bytes:
    """What an answer is wrapped in: a line that keeps it from being a script, and the answer as a text within."""
    text = None if inner is None else json.dumps(inner, ensure_ascii=False)
    rows = [["wrb.fr", "oCPfdb", text, None, None, None, "generic"], ["di", 42], ["af.httprm", 42, "1", 5]]
    return b")]}'\n\n" + json.dumps(rows, ensure_ascii=False).encode("utf-8", "backslashreplace")


def _id(one: Said) -> str:
    return f"5f0c7b1e-3a52-4d6e-9c1f-{one.number:012x}"


def _local(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, ZoneInfo("Asia/Shanghai")).strftime("%Y-%m-%dT%H:%M:%S")
