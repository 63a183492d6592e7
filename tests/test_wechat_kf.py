"""微信客服 by its interface, beyond what every live source holds to (`test_live_contract.py`). All people and words are made up."""

import json
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from chat_files import PAYLOADS
from chat_files import collect as collect_files
from command import Ran, run
from wire import Asked, Reply, Wire, wire
from worlds import NOW, SECRET, SECRET_VARIABLE, said
from worlds.wechat_kf import ACCOUNT, CORP_ID, TOKEN, UNKNOWN_CURSOR, World, answered, entered, message, refused

from feedback.collectors import wechat_kf
from feedback.collectors.base import Item, Record, SourceConfig, Unreadable, Withdrawn
from feedback.collectors.chat.kf import KfReader
from feedback.collectors.live import Page, Visit
from feedback.collectors.live.vault import Vault
from feedback.collectors.wechat_kf import WechatKfCollector
from feedback.errors import CollectError

ONE, TWO = said(2)
GUEST = "wmGuest1"
STATE = '["c-5", "2026-03-01T04:00:00Z", []]'
PLACE = "127.0.0.1"


class Desk:
    """A visit to an account, and the world behind it."""

    def __init__(self, folder: Path, web: Wire, world: World) -> None:
        self.folder, self.web, self.world = folder, web, world

    def visit(self, now: datetime = NOW, **settings: object) -> Visit:
        options = {**self.world.section(self.web.url), **settings}
        return Visit(SourceConfig("客服", "wechat-kf", options=options), Vault(self.folder), now)

    def pages(self, state: str | None = None, now: datetime = NOW, **settings: object) -> list[Page]:
        return list(WechatKfCollector().pages(ACCOUNT, state, self.visit(now, **settings)))

    def refusal(self, state: str | None = None) -> str:
        with pytest.raises(CollectError) as error:
            self.pages(state)
        return str(error.value).replace(self.web.url.removeprefix("http://"), PLACE)

    def answers(self, *answers: dict[str, object] | Reply) -> None:
        """What `sync_msg` says, one after another; tokens are given as ever."""
        left = list(answers)

        def answer(asked: Asked) -> Reply:
            if asked.path != "/cgi-bin/kf/sync_msg":
                return self.world.answer(asked)
            found = left.pop(0)
            return found if isinstance(found, Reply) else Reply(found)

        self.web.answer = answer

    def asked(self) -> list[tuple[str, dict[str, object]]]:
        return [(each.path, each.json() if each.body else dict(each.query)) for each in self.web.asked]


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    monkeypatch.setenv(SECRET_VARIABLE, SECRET)
    world = World()
    with wire(world.answer) as web:
        yield Desk(tmp_path, web, world)


def token_asked() -> tuple[str, dict[str, object]]:
    return "/cgi-bin/gettoken", {"corpid": CORP_ID, "corpsecret": SECRET}


def messages_asked(cursor: str | None = None) -> tuple[str, dict[str, object]]:
    asked: dict[str, object] = {"open_kfid": ACCOUNT, "limit": 1000}
    return "/cgi-bin/kf/sync_msg", asked | ({"cursor": cursor} if cursor else {})


def record(text: str, message_id: str, **more: object) -> Record:
    common = Record(
        text=text,
        kind="chat",
        channel="wechat",
        location=f"{ACCOUNT}:{message_id}",
        source_id=message_id,
        posted_at=str(int(ONE.posted_at.timestamp())),
        conversation_id="keyed:9107e0965f01a3a5",
        customer=GUEST,
    )
    return replace(common, **more)  # type: ignore[arg-type]


ODD: list[object] = [
    entered(ONE),
    message(ONE),
    message(ONE, msgid="m2", origin=5, servicer_userid="SunYue", text={"content": "您好，已加急"}),
    message(ONE, msgid="m3", origin=4, text={"content": "当前排队3人"}),
    message(ONE, msgid="m4", text={"content": "物流问题", "menu_id": "101"}),
    {**message(ONE, msgid="m5", msgtype="voice", voice={"media_id": "v"}), "text": None},
    message(ONE, msgid="m6", msgtype="hologram"),
    message(ONE, msgid="m7", origin=9),
    message(ONE, msgid="m8", external_userid=""),
    message(ONE, msgid=""),
    {"msgtype": "event", "event": {"event_type": "user_recall_msg", "recall_msgid": "m4"}},
    {"msgid": "m9", "msgtype": "event", "event": {"event_type": "servicer_recall_msg"}},
    7,
]
READ: list[Item] = [
    record(ONE.text, "7g0001"),
    record("您好，已加急", "m2", role="agent", customer=None),
    record("当前排队3人", "m3", role="bot", customer=None),
    # A click on a menu is the customer's answer.
    record("物流问题", "m4"),
    Unreadable(f"{ACCOUNT}:m6", "no words found in a message of type 'hologram'", "m6"),
    Unreadable(f"{ACCOUNT}:m7", "origin 9 is none of 3 (customer), 4 (system), 5 (servicer)", "m7"),
    Unreadable(f"{ACCOUNT}:m8", "no customer ('external_userid')", "m8"),
    Unreadable(f"{ACCOUNT}:#10", "no id ('msgid')", ONE.text),
    Withdrawn("m4", f"{ACCOUNT}:#11"),
    Unreadable(f"{ACCOUNT}:m9", "a recall that does not say of which message (event.recall_msgid)"),
    Unreadable(f"{ACCOUNT}:#13", "not a message but int"),
]


def test_every_kind_of_message_has_its_role_or_its_reason(desk: Desk) -> None:
    desk.answers(answered(ODD, "c", more=False))
    assert desk.pages() == [Page(READ, '["c", "2026-03-02T04:00:00Z", []]')]


def test_the_servicer_can_have_another_role_and_the_source_a_channel_and_a_shop(desk: Desk) -> None:
    desk.answers(answered([message(ONE, origin=5, servicer_userid="SunYue")], "c", more=False))
    visit = desk.visit()
    config = replace(visit.config, roles={"SunYue": "bot"}, channel="客服", store="总店", kind="ticket")
    [page] = WechatKfCollector().pages(ACCOUNT, None, replace(visit, config=config))
    assert page.items == [
        record(ONE.text, "7g0001", role="bot", customer=None, channel="客服", store="总店", kind="ticket")
    ]


def test_a_saved_answer_its_messages_one_a_line_and_the_interface_say_the_same(desk: Desk) -> None:
    answer = answered(ODD[:-1], "c", more=False)
    whole, lines = desk.folder / "whole.json", desk.folder / "lines.jsonl"
    whole.write_text(json.dumps([answer], ensure_ascii=False), encoding="utf-8")
    lines.write_text("\n".join(json.dumps(each) for each in ODD[:-1]), encoding="utf-8")
    expected = [replace(item, location="") for item in READ[:-1]]
    for path in (whole, lines):
        items = list(WechatKfCollector().saved(path, desk.visit()))
        assert [replace(item, location="") for item in items] == expected, path.name
    assert [item.location for item in WechatKfCollector().saved(whole, desk.visit())][:2] == [
        "whole.json:#1, message 2",
        "whole.json:#1, message 3",
    ]
    assert desk.web.asked == []


def test_files_of_the_chat_collector_are_read_by_the_same_reader(desk: Desk) -> None:
    """But for the turns, which a single file has and an interface has not."""
    [answer] = json.loads("[" + (PAYLOADS / "kf.json").read_text(encoding="utf-8") + "]")
    desk.answers(answer)
    [page] = desk.pages()
    of_file = [replace(item, location="") for item in collect_files(PAYLOADS / "kf.json")]
    assert [replace(item, location="") for item in page.items] == [
        replace(item, turn=None) if isinstance(item, Record) else item for item in of_file
    ]


def test_what_a_saved_file_holds_besides_is_listed(desk: Desk) -> None:
    path = desk.folder / "kf.json"
    path.write_text('{"errcode": 45009, "errmsg": "api freq out of limit"}\n{"hello": 1}\n[3]', encoding="utf-8")
    assert list(WechatKfCollector().saved(path, desk.visit())) == [
        Unreadable("kf.json:#1", "the answer is an error: 45009 api freq out of limit"),
        Unreadable("kf.json:#2", f"not {KfReader.shape}"),
        Unreadable("kf.json:#3", "it is not an object"),
    ]


def test_it_asks_from_the_cursor_on_until_there_is_no_more(desk: Desk) -> None:
    first = desk.pages()
    assert [page.state for page in first] == [
        '["c-8", "2026-03-01T03:45:00Z", []]',
        '["c-16", "2026-03-01T03:51:59Z", []]',
        '["c-24", "2026-03-01T03:58:00Z", []]',
        '["c-25", "2026-03-02T04:00:00Z", []]',
    ]
    assert [page.notes for page in first] == [()] * 4
    assert desk.asked() == [
        token_asked(),
        messages_asked(),
        messages_asked("c-8"),
        messages_asked("c-16"),
        messages_asked("c-24"),
    ]
    desk.web.asked.clear()
    assert desk.pages(first[-1].state, NOW + timedelta(hours=1)) == [Page([], '["c-25", "2026-03-02T05:00:00Z", []]')]
    assert desk.asked() == [token_asked(), messages_asked("c-25")]


def test_a_page_without_messages_may_have_others_after_it(desk: Desk) -> None:
    desk.answers(answered([], "c-6", more=True), answered([message(ONE)], "c-7", more=False))
    assert desk.pages(STATE) == [
        Page([], '["c-6", "2026-03-01T04:00:00Z", []]'),
        Page([record(ONE.text, "7g0001")], '["c-7", "2026-03-02T04:00:00Z", []]'),
    ]


def test_an_account_without_a_message_has_no_cursor_yet(desk: Desk) -> None:
    nothing: dict[str, object] = {"errcode": 0, "errmsg": "ok", "has_more": 0, "msg_list": []}
    desk.answers(nothing, answered([message(ONE)], "c-1", more=False))
    [page] = desk.pages()
    assert page == Page([], '[null, "2026-03-02T04:00:00Z", []]')
    assert desk.pages(page.state)[0].items == [record(ONE.text, "7g0001")]
    assert desk.asked()[1] == desk.asked()[3] == messages_asked()


def test_a_clock_that_is_wrong_does_not_move_what_is_known_into_the_future(desk: Desk) -> None:
    ahead = message(ONE, send_time=int((NOW + timedelta(days=30)).timestamp()))
    undated = [message(TWO, send_time=time) for time in ("soon", "9" * 5000, None)]
    desk.answers(answered([ahead, *undated], "c-1", more=True), answered([], "c-2", more=False))
    assert desk.pages()[0].state == '["c-1", "2026-03-02T04:00:00Z", []]'


def test_each_account_is_a_stream_and_one_token_serves_them_all(desk: Desk) -> None:
    collector = WechatKfCollector()
    visit = desk.visit(open_kfid=["wkA", "wkB", "wkA"])
    assert collector.streams(visit) == ["wkA", "wkB"]
    desk.answers(answered([], "a", more=False), answered([], "b", more=False))
    assert [[page.state for page in collector.pages(stream, None, visit)] for stream in collector.streams(visit)] == [
        ['["a", "2026-03-02T04:00:00Z", []]'],
        ['["b", "2026-03-02T04:00:00Z", []]'],
    ]
    assert [path for path, _ in desk.asked()] == ["/cgi-bin/gettoken", *["/cgi-bin/kf/sync_msg"] * 2]


WRONG = [
    ({"open_kfid": []}, "'open_kfid' is missing: the ids of the service accounts, which begin with wk"),
    ({"open_kfid": [" "]}, "'open_kfid' must be a list of texts, not [' ']"),
    ({"corp_id": ""}, "'corp_id' is missing"),
    ({"url": 5}, "'url' must be text in quotes, not 5"),
    ({"cursor": "x"}, "unknown 'cursor'. Known: corp_id, open_kfid, secret, token, url"),
]


@pytest.mark.parametrize("settings, reason", WRONG)
def test_wrong_settings_are_found_without_asking(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, settings: dict[str, object], reason: str
) -> None:
    monkeypatch.delenv(SECRET_VARIABLE)
    with pytest.raises(CollectError) as error:
        WechatKfCollector().streams(desk.visit(**settings))
    assert str(error.value) == f"source '客服': {reason}."
    assert WechatKfCollector().streams(desk.visit(open_kfid="wkOne")) == ["wkOne"]
    assert desk.web.asked == []


def test_a_token_is_fetched_anew_before_it_runs_out(desk: Desk) -> None:
    desk.world.given = {"expires_in": 60}
    desk.pages()
    assert [path.rpartition("/")[2] for path, _ in desk.asked()] == ["gettoken", "sync_msg"] * 4


@pytest.mark.parametrize("code", [40014, 42001])
def test_a_token_that_is_no_longer_taken_is_fetched_anew_once(desk: Desk, code: int) -> None:
    desk.world.given = {}  # it does not say how long
    pages = iter(WechatKfCollector().pages(ACCOUNT, None, desk.visit()))
    found = [*next(pages).items]
    desk.web.faults = [refused(code, "access_token expired")]
    for page in pages:
        found += page.items
    assert {item.source_id: item.text for item in found if isinstance(item, Record)} == desk.world.stored()
    assert [path.rpartition("/")[2] for path, _ in desk.asked()] == [
        *("gettoken", "sync_msg", "sync_msg", "gettoken", "sync_msg", "sync_msg", "sync_msg")
    ]


def test_the_token_of_a_callback_goes_with_each_request_and_is_let_go_when_its_time_is_over(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KF_EVENT", "ENCtoken-of-the-callback")
    pages = iter(WechatKfCollector().pages(ACCOUNT, None, desk.visit(token={"env": "KF_EVENT"})))
    found = [*next(pages).items]
    desk.web.faults = [refused(95011, "token expired")]
    for page in pages:
        found += page.items
    assert {item.source_id: item.text for item in found if isinstance(item, Record)} == desk.world.stored()
    told = [asked.get("token") for path, asked in desk.asked() if path.endswith("sync_msg")]
    assert told == ["ENCtoken-of-the-callback"] * 2 + [None] * 3


def test_a_refusal_that_is_not_the_callbacks_is_none_of_its_token(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KF_EVENT", "ENCtoken-of-the-callback")
    desk.answers(refused(45009, "api freq out of limit"))
    with pytest.raises(CollectError, match="45009"):
        desk.pages(token={"env": "KF_EVENT"})
    desk.answers(refused(70000, "who knows"), refused(70000, "who knows"))
    with pytest.raises(CollectError, match="70000"):
        desk.pages(token={"env": "KF_EVENT"})


def test_a_token_that_is_never_taken_is_an_error(desk: Desk) -> None:
    desk.answers(*[refused(42001, "access_token expired")] * 2)
    assert desk.refusal() == (
        f"{PLACE}/cgi-bin/kf/sync_msg refuses for {ACCOUNT} (42001). "
        "The access token that it gave has run out at once. Run this again later."
    )
    assert len(desk.asked()) == 4


# What `sync_msg` says, and what becomes of it.
REFUSED: list[tuple[int, str, str]] = [
    (-1, "system busy", "It is busy. Run this again later."),
    (
        45009,
        "api freq out of limit",
        "It was asked too often. What came before is kept; run this again later, and less often.",
    ),
    (48002, "api forbidden", "This app may not use the interface. Allow it to, in the admin console of 企业微信."),
    (
        60020,
        "not allow to access from your ip",
        "This machine (203.0.113.7) is not on the app's list of trusted addresses (企业可信IP). "
        "Add it in the admin console of 企业微信.",
    ),
    (95000, "invalid open_kfid", "It does not know this account. Is 'open_kfid' right, and may the app manage the account?"),
    (
        95012,
        "the corp\nuses it elsewhere",
        "It says: the corp uses it elsewhere. "
        "What the number means: https://developer.work.weixin.qq.com/document/path/90313",
    ),
]  # fmt: skip


@pytest.mark.parametrize("code, words, meaning", REFUSED)
def test_an_error_is_said_in_words_and_with_its_number(desk: Desk, code: int, words: str, meaning: str) -> None:
    desk.answers(refused(code, words))
    assert desk.refusal() == f"{PLACE}/cgi-bin/kf/sync_msg refuses for {ACCOUNT} ({code}). {meaning}"


def test_an_error_without_words_and_a_blocked_machine_without_an_address_are_said_too(desk: Desk) -> None:
    desk.answers(Reply({"errcode": 1}))
    assert desk.refusal() == (
        f"{PLACE}/cgi-bin/kf/sync_msg refuses for {ACCOUNT} (1). "
        "It says: nothing more. What the number means: https://developer.work.weixin.qq.com/document/path/90313"
    )
    desk.answers(Reply({"errcode": 60020, "errmsg": "no"}))
    assert "This machine is not on the app's list of trusted addresses" in desk.refusal()


def test_a_wrong_secret_and_a_wrong_company_are_told_apart(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SECRET_VARIABLE, "another one")
    assert desk.refusal() == (
        f"{PLACE}/cgi-bin/gettoken refuses (40001). "
        "It does not know this secret. Is it the secret of an app that may use this interface?"
    )
    with pytest.raises(CollectError) as error:
        desk.pages(corp_id="ww0")
    assert str(error.value).endswith("refuses (40013). It does not know this company. Is 'corp_id' right?")


def test_no_token_in_the_answer_is_an_error(desk: Desk) -> None:
    desk.web.answer = lambda _asked: Reply({"errcode": 0, "errmsg": "ok", "access_token": ""})
    assert desk.refusal() == f"{PLACE}/cgi-bin/gettoken gave no 'access_token'. Has the interface changed?"


@pytest.mark.parametrize(
    "answer",
    [
        {"errcode": 0, "next_cursor": "c", "has_more": 0},
        {"errcode": 0, "next_cursor": "c", "has_more": 0, "msg_list": {}},
        {"errcode": 0, "next_cursor": "c", "msg_list": []},
        {"errcode": 0, "next_cursor": 7, "has_more": 0, "msg_list": []},
    ],
)
def test_an_answer_of_another_shape_is_no_empty_page(desk: Desk, answer: dict[str, object]) -> None:
    desk.answers(answer)
    assert desk.refusal() == (
        f"{ACCOUNT}: 微信客服 answers without 'msg_list', 'has_more' or 'next_cursor', or they are of another kind. "
        "Has the interface changed?"
    )


def test_an_answer_without_a_code_is_none(desk: Desk) -> None:
    desk.answers({"msg_list": []})
    assert desk.refusal() == (
        f"{PLACE}/cgi-bin/kf/sync_msg: the answer has no 'errcode'. Is 'url' right, or has the interface changed?"
    )


@pytest.mark.parametrize("cursors", [["c-5"], ["c-6", "c-7", "c-6"], [""]])
def test_cursors_that_lead_nowhere_end_the_run(desk: Desk, cursors: list[str]) -> None:
    desk.answers(*[answered([], cursor, more=True) for cursor in cursors])
    assert desk.refusal(STATE) == (f"{ACCOUNT}: 微信客服 says that there is more, but not where. Run this again later.")


def test_pages_without_end_are_not_followed_for_ever(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wechat_kf, "_MOST_PAGES", 3)
    desk.answers(*[answered([], f"c{n}", more=True) for n in range(9)])
    assert desk.refusal() == f"{ACCOUNT}: 微信客服 has more than 3 pages. What came before is kept."


LATER = NOW + timedelta(days=3, seconds=1)
GAP = (
    f"{ACCOUNT}: everything up to 2026-03-02 12:00:00 was collected, and it is 2026-03-05 12:00:01 now (Asia/Shanghai). "
    "微信客服 keeps messages for 3 days: of those before 2026-03-02 12:00:01 some may be missing, for good. "
    "Collect every day."
)


def test_more_than_three_days_between_two_runs_are_named_as_a_possible_gap(desk: Desk) -> None:
    state = desk.pages()[-1].state
    [page] = desk.pages(state, NOW + timedelta(days=3))
    assert page.notes == ()
    [page] = desk.pages(state, LATER)
    assert page == Page([], '["c-25", "2026-03-05T04:00:01Z", []]', (GAP,))
    [page] = desk.pages(page.state, LATER + timedelta(hours=1))
    assert page.notes == ()


def test_a_gap_that_a_run_could_not_tell_as_it_was_cut_off_is_told_by_the_next(desk: Desk) -> None:
    first = next(iter(WechatKfCollector().pages(ACCOUNT, '["c-2", "2026-02-20T04:00:00Z", []]', desk.visit())))
    [gap] = first.notes
    assert gap.startswith(f"{ACCOUNT}: everything up to 2026-02-20 12:00:00 was collected, and it is 2026-03-02 12:00")
    assert json.loads(first.state or "") == ["c-10", "2026-03-01T03:47:00Z", [gap]]
    again = desk.pages(first.state, NOW + timedelta(hours=1))
    assert [page.notes for page in again] == [(gap,), ()]
    assert [json.loads(page.state or "") for page in again] == [
        ["c-18", "2026-03-01T03:53:00Z", [gap]],
        ["c-25", "2026-03-02T05:00:00Z", []],
    ]


def test_a_cut_off_run_knows_only_as_much_as_its_last_message(desk: Desk) -> None:
    """Two days after a run that was cut off, what it had not yet asked for may be gone."""
    first = next(iter(WechatKfCollector().pages(ACCOUNT, None, desk.visit())))
    [note] = desk.pages(first.state, NOW + timedelta(days=2, hours=1))[0].notes
    assert note.startswith(f"{ACCOUNT}: everything up to 2026-03-01 11:45:00 was collected, and it is 2026-03-04 13:")


FORGOTTEN = '["gone", "2026-03-02T03:00:00Z", []]'
STARTED_OVER = (
    f"{ACCOUNT}: 微信客服 no longer knew where the last run stopped ({UNKNOWN_CURSOR}). "
    "It was asked again for all that it keeps: "
)


def test_a_cursor_that_is_no_longer_known_starts_from_all_that_is_held(desk: Desk) -> None:
    told = f"{STARTED_OVER}no message is missing."
    pages = desk.pages(FORGOTTEN)
    assert desk.asked()[1:3] == [messages_asked("gone"), messages_asked()]
    assert [page.items for page in pages] == [page.items for page in desk.pages()]
    assert [page.notes for page in pages] == [(told,), (), (), ()]
    # Whoever cuts the run off before its end hears of it the next time; what was known before it stays known.
    assert [json.loads(page.state or "") for page in pages] == [
        ["c-8", "2026-03-02T03:00:00Z", [told]],
        ["c-16", "2026-03-02T03:00:00Z", [told]],
        ["c-24", "2026-03-02T03:00:00Z", [told]],
        ["c-25", "2026-03-02T04:00:00Z", []],
    ]


def test_a_cursor_that_is_no_longer_known_after_three_days_may_have_lost_something(desk: Desk) -> None:
    desk.answers(refused(UNKNOWN_CURSOR, "invalid cursor"), answered([], "c", more=False))
    [page] = desk.pages('["gone", "2026-03-02T04:00:00Z", []]', LATER)
    assert page.notes == (GAP, f"{STARTED_OVER}some messages may be missing.")


def test_a_cursor_that_is_refused_in_the_middle_of_a_run_starts_over_once(desk: Desk) -> None:
    unknown = refused(UNKNOWN_CURSOR, "invalid cursor")
    some, rest = [message(ONE)], [message(ONE), message(TWO)]
    desk.answers(answered(some, "c-6", more=True), unknown, answered(rest, "c-6", more=True), unknown)
    found: list[Page] = []
    with pytest.raises(CollectError) as error:
        found += WechatKfCollector().pages(ACCOUNT, STATE, desk.visit())
    assert f"({UNKNOWN_CURSOR})" in str(error.value)
    assert [each[1].get("cursor") for each in desk.asked()[1:]] == ["c-5", "c-6", None, "c-6"]


@pytest.mark.parametrize("code", [45009, 60020, 95000])
def test_an_error_that_is_not_about_the_cursor_does_not_start_over(desk: Desk, code: int) -> None:
    desk.answers(refused(code, "no"))
    assert f"({code})" in desk.refusal(STATE)


def test_without_a_cursor_there_is_nothing_to_start_over_from(desk: Desk) -> None:
    desk.answers(refused(UNKNOWN_CURSOR, "invalid cursor"))
    assert "It says: invalid cursor. What the number means" in desk.refusal()


def project(desk: Desk, channel: str = "wechat") -> Path:
    section = desk.world.section(desk.web.url)
    (desk.folder / "feedback.toml").write_text(
        '[project]\nname = "客服"\n[analysis]\nengine = "fast"\n[[sources]]\nname = "客服"\ncollector = "wechat-kf"\n'
        f'corp_id = "{section["corp_id"]}"\nsecret = {{ env = "{SECRET_VARIABLE}" }}\n'
        f'open_kfid = ["{ACCOUNT}"]\nurl = "{desk.web.url}"\nchannel = "{channel}"\n',
        encoding="utf-8",
    )
    return desk.folder


def collected(desk: Desk, *answers: dict[str, object] | Reply, channel: str = "wechat") -> Ran:
    desk.answers(*answers)
    return run("collect", project=project(desk, channel))


def rows(desk: Desk, sql: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(desk.folder / "feedback.db")) as database:
        return database.execute(sql).fetchall()


def recall(message_id: str) -> dict[str, object]:
    event = {"event_type": "user_recall_msg", "recall_msgid": message_id}
    return {"msgid": f"r-{message_id}", "msgtype": "event", "event": event}


def test_a_gap_is_told_where_the_settings_were_changed_meanwhile_too(desk: Desk) -> None:
    collected(desk, answered([message(ONE)], "c-1", more=False))
    with closing(sqlite3.connect(desk.folder / "feedback.db")) as database:
        [[state]] = database.execute("select state from cursors").fetchall()
        before = re.sub(r", \".*?\", ", ', "2026-02-20T04:00:00Z", ', state)
        database.execute("update cursors set state = ?", (before,))
        database.commit()
    desk.web.asked.clear()
    ran = collected(desk, answered([message(TWO)], "c-2", more=False), channel="客服台")
    begun, gap = ran.out.splitlines()[1:]
    assert begun == f"  {ACCOUNT}: its settings have changed since it was asked last: it is asked from the beginning"
    assert gap.startswith(f"  {ACCOUNT}: everything up to 2026-02-20 12:00:00 was collected, and it is ")
    assert desk.asked()[-1] == messages_asked()
    assert collected(desk, answered([], "c-2", more=False), channel="客服台").out == "客服: 0 new\n"


def test_of_a_state_made_under_other_settings_all_but_the_cursor_holds() -> None:
    assert WechatKfCollector().restart('["c-5", "2026-03-01T04:00:00Z", ["told"]]') == (
        '[null, "2026-03-01T04:00:00Z", ["told"]]'
    )


def test_a_recall_takes_out_what_an_earlier_run_stored_and_it_stays_out(desk: Desk) -> None:
    both, recalled = [message(ONE), message(TWO)], recall("7g0001")
    collected(desk, answered(both, "c-2", more=False))
    ran = collected(desk, answered([recalled], "c-3", more=False))
    assert (ran.code, ran.out) == (0, "客服: 0 new, 1 withdrawn\n")
    # The cursor is lost, and all comes once more.
    again = collected(desk, refused(UNKNOWN_CURSOR, "no"), answered([*both, recalled], "c-3", more=False))
    assert again.out.startswith("客服: 0 new, 2 already there\n  ")
    assert rows(desk, "select source_id, text from verbatims") == [("7g0002", TWO.text)]


def test_a_recall_that_comes_before_its_message_keeps_it_out(desk: Desk) -> None:
    collected(desk, answered([recall("7g0001")], "c-1", more=True), answered([message(ONE)], "c-2", more=False))
    assert rows(desk, "select source_id from verbatims") == []


def test_a_conversation_that_goes_on_for_months_stays_in_its_order_and_changes_nothing(desk: Desk) -> None:
    """No turn is stored: the order is that of the pages."""
    start, log = ONE.posted_at, []
    for day in range(0, 90, 10):
        at = int((start + timedelta(days=day - 89)).timestamp())
        log += [
            message(ONE, msgid=f"q{day}", send_time=at, text={"content": f"第{day}天还没修好"}),
            message(ONE, msgid=f"a{day}", send_time=at, origin=5, text={"content": f"第{day}天再催一次"}),
        ]
    for number in range(0, len(log), 2):
        # Each page repeats what came before.
        ran = collected(desk, answered(log[max(0, number - 2) : number + 2], f"c-{number}", more=False))
        assert "changed" not in ran.out
    [(transcript, turns)] = rows(desk, "select transcript, turns from conversations")
    expected = [f"{'客户' if day % 2 == 0 else '客服'}：" for day in range(18)]
    assert [line[:3] for line in str(transcript).splitlines()] == expected
    assert str(transcript).splitlines()[-1] == "客服：第80天再催一次"
    assert turns == 18
    assert rows(desk, "select count(*) from verbatims where turn is not null") == [(0,)]


def test_neither_the_token_nor_a_customers_id_is_stored_or_shown(desk: Desk) -> None:
    ran = run("collect", project=project(desk))
    assert ran.code == 0
    desk.answers(*[refused(99, f"{GUEST} of {TOKEN} would not")] * 2)
    shown = run("collect", project=desk.folder)
    assert shown.code == 1
    assert " refuses for wkShopAAAA-1 (99). It says: … of … would not. What " in shown.err
    stored = b"".join(path.read_bytes() for path in desk.folder.glob("feedback.db*"))
    for secret in (TOKEN, SECRET):
        assert secret not in ran.out + ran.err + shown.out + shown.err
        assert secret.encode() not in stored
    assert b"wmGuest" not in stored
