"""Zendesk beyond the contract: whose words a comment is, deleted tickets, cursors that are not known any more."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from command import run
from stored import rows
from wire import Asked, Reply
from worlds import NOW, SECRET, SECRET_VARIABLE
from zendesk_desk import (
    AGENT,
    ASKED_BY,
    COMMENTS,
    EXPORT,
    LATEST,
    RATINGS,
    TOKEN,
    Desk,
    comment,
    comments,
    export,
    open_desk,
    ratings,
    record,
    ticket,
    write_project,
)

from feedback.collectors.base import Record, SourceConfig, Unreadable, Withdrawn
from feedback.collectors.live import Page, Visit
from feedback.collectors.live.vault import Vault
from feedback.collectors.zendesk import ZendeskCollector
from feedback.errors import CollectError
from storage.store import Store


@pytest.fixture(autouse=True)
def _secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SECRET_VARIABLE, SECRET)


@pytest.fixture
def desk() -> Iterator[Desk]:
    with open_desk() as found:
        yield found


def test_the_requester_is_the_customer_and_private_notes_calls_and_pictures_are_left_out(desk: Desk) -> None:
    desk.replies[EXPORT] = export(ticket())
    desk.replies[COMMENTS.format(35)] = comments(
        comment("杯子碎了"),
        comment("老客户，先退款", author_id=AGENT, public=False),
        comment("马上为您补发", author_id=AGENT),
        comment("Call from +86 10 0000 0000", type="VoiceComment"),
        comment("已收到您的邮件，请勿回复", author_id=-1),
        comment("", body="", attachments=[{"file_name": "a.png"}]),
        comment("", body="谢谢，收到了"),
    )
    assert desk.items() == [
        record("35-1", "杯子碎了", turn=1, customer="501"),
        record("35-3", "马上为您补发", turn=3, role="agent"),
        record("35-5", "已收到您的邮件，请勿回复", turn=5, role="bot"),
        record("35-7", "谢谢，收到了", turn=7, customer="501"),
    ]


def test_the_kind_and_the_channel_are_those_of_the_source_where_it_says_none(desk: Desk) -> None:
    desk.replies[EXPORT] = export(ticket())
    desk.replies[COMMENTS.format(35)] = comments(comment("杯子碎了"))
    options = {"url": desk.web.url, "oauth_token": TOKEN}
    for kind, channel in ((None, None), ("chat", "在线客服")):
        config = SourceConfig("客服", "zendesk", kind=kind, channel=channel, options=options)  # type: ignore[arg-type]
        pages = ZendeskCollector().pages("tickets", None, Visit(config, Vault(Path("/nowhere")), NOW))
        (item,) = [item for page in pages for item in page.items]
        assert isinstance(item, Record)
        assert (item.kind, item.channel) == (kind or "ticket", channel or "zendesk")
    assert desk.web.asked[0].headers["Authorization"] == f"Bearer {SECRET}"


def test_of_a_mail_only_what_the_customer_wrote_in_it_is_kept(desk: Desk) -> None:
    history = "在 2026年3月1日，10:00，客服 <kf@shop.example> 写道：\n> 您好，请问杯子怎么了"
    by_mail = {"via": {"channel": "email"}}
    desk.replies[EXPORT] = export(ticket())
    desk.replies[COMMENTS.format(35)] = comments(
        comment(f"杯子碎了\n\n{history}", **by_mail), comment(history, **by_mail), comment(f"网页\n{history}")
    )
    assert desk.items() == [
        record("35-1", "杯子碎了", turn=1, customer="501"),
        Unreadable("tickets:35-2", "it holds nothing but an earlier mail or a signature"),
        record("35-3", f"网页\n{history}", turn=3, customer="501"),
    ]


FOLLOWS = 'This is a follow-up to your previous request #1015306 "杯子"坏了..."'
SHORT_FOLLOWS = "This is a follow-up to your previous request #40155"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"{FOLLOWS}  \n \n还是坏的", "还是坏的"),
        (f"{SHORT_FOLLOWS}\n\n还是坏的", "还是坏的"),
        (f'{SHORT_FOLLOWS} "杯子坏了"  还是坏的', "还是坏的"),
        (f"还是坏的\n{SHORT_FOLLOWS}", f"还是坏的\n{SHORT_FOLLOWS}"),
    ],
)
@pytest.mark.parametrize("channel", ["email", "web"])
def test_what_zendesk_writes_above_a_reply_to_a_closed_ticket_is_not_the_customers(
    desk: Desk, text: str, said: str, channel: str
) -> None:
    desk.replies[EXPORT] = export(ticket())
    desk.replies[COMMENTS.format(35)] = comments(comment(text, via={"channel": channel}))
    assert desk.items() == [record("35-1", said, turn=1, customer="501")]


def test_a_reply_to_a_closed_ticket_without_words_is_none(desk: Desk) -> None:
    desk.replies[EXPORT] = export(ticket())
    desk.replies[COMMENTS.format(35)] = comments(comment(FOLLOWS, via={"channel": "email"}))
    assert desk.items() == [Withdrawn("35-1", "tickets:35-1", for_good=False)]


@pytest.mark.parametrize("role", ["agent", "admin"])
def test_what_staff_ask_for_is_not_a_customers(desk: Desk, role: str) -> None:
    users = [{"id": ASKED_BY, "role": role}, {"id": AGENT, "role": "agent"}, "user"]
    desk.replies[EXPORT] = export(ticket(), ticket(36))
    desk.replies[COMMENTS.format(35)] = {**comments(comment("请仓库核实这单为什么破损")), "users": users}
    desk.replies[COMMENTS.format(36)] = {
        **comments(comment("杯子碎了")),
        "users": [{"id": ASKED_BY, "role": "end-user"}],
    }
    assert desk.items() == [
        record("35-1", "请仓库核实这单为什么破损", turn=1, role="agent"),
        record("36-1", "杯子碎了", turn=1, customer="501", conversation_id="36"),
    ]
    assert desk.queries(COMMENTS.format(35)) == [{"include": "users", "page[size]": "100"}]


def test_what_an_earlier_version_took_for_a_customers_is_corrected_when_it_is_read_again(
    desk: Desk, tmp_path: Path
) -> None:
    write_project(desk, tmp_path)
    desk.replies |= {EXPORT: export(ticket()), RATINGS: ratings()}
    desk.replies[COMMENTS.format(35)] = comments(comment("请仓库核实"), comment("尽快"))
    assert run("collect", project=tmp_path).code == 0
    with Store.open(tmp_path / "feedback.db") as store, store.transaction() as connection:
        assert rows(connection, "select role, customer_id is null from verbatims") == [("customer", 0)] * 2
    desk.replies[COMMENTS.format(35)] |= {"users": [{"id": ASKED_BY, "role": "agent"}]}
    assert (
        run("collect", "--source", "客服", "--since", "2026-01-01", project=tmp_path).out == "客服: 0 new, 2 changed\n"
    )
    with Store.open(tmp_path / "feedback.db") as store:
        assert rows(store.connection, "select role, customer_id from verbatims") == [("agent", None)] * 2


def test_what_can_not_be_used_is_told_with_its_reason(desk: Desk) -> None:
    desk.replies[EXPORT] = export("ticket", {"status": "open"}, ticket(36, requester_id=None), ticket())
    desk.replies[COMMENTS.format(35)] = comments(7, comment("杯子碎了", public=None))
    assert desk.items() == [
        Unreadable("tickets:#1", "it is not an object"),
        Unreadable("tickets:#2", "the ticket has no id"),
        Unreadable("tickets:36", "the ticket does not say who asked (requester_id)"),
        Unreadable("tickets:35-1", "it is not an object"),
        Unreadable("tickets:35-2", "the comment does not say whether it is public"),
    ]


def test_a_ticket_whose_comments_are_refused_is_passed_over_and_asked_for_later(desk: Desk) -> None:
    desk.replies[EXPORT] = export(ticket(34), ticket(35), ticket(36))
    desk.replies |= {COMMENTS.format(number): comments(comment("杯子碎了")) for number in (34, 36)}
    desk.replies[COMMENTS.format(35)] = Reply({"error": "Forbidden"}, 403)
    found, refused = desk.fails()
    assert (
        "1 of the tickets could not be read (see: feedback rejects) and will be asked for again: 127.0.0.1" in refused
    )
    assert "/api/v2/tickets/35/comments.json refuses (403). The key, where one is needed, is not allowed" in refused
    (page,) = found
    assert [item.location for item in page.items] == ["tickets:34-1", "tickets:35", "tickets:36-1"]
    now = int(NOW.timestamp())
    assert page.state == json.dumps({"reached": ["c1", 1_772_000_000], "owed": [["35", now, now, 0]]})
    assert desk.queries(EXPORT)[1] == {"start_time": str(LATEST), "per_page": "1", "include": "comment_count"}
    desk.replies[EXPORT] = export()
    desk.replies[COMMENTS.format(35)] = comments(comment("杯子碎了"))
    desk.replies["/api/v2/tickets/35.json"] = {"ticket": ticket()}
    *_, last = desk.pages(state=page.state)
    assert last == Page([record("35-1", "杯子碎了", turn=1, customer="501")], '["c1", 1772000000]')


@pytest.mark.parametrize("answer", [{"ticket": ticket(36)}, {"ticket": 5}, []])
def test_a_ticket_that_is_asked_for_again_and_is_another_stays_owed(desk: Desk, answer: object) -> None:
    desk.replies[EXPORT] = export()
    desk.replies["/api/v2/tickets/35.json"] = answer
    found, refused = desk.fails('{"reached": ["c1", 1772000000], "owed": [["35", 1772000000, 1772000000]]}')
    assert "/tickets/35.json answers with something else than that ticket. The interface may have changed." in refused
    now = int(NOW.timestamp())
    assert found[-1].state == json.dumps({"reached": ["c1", 1772000000], "owed": [["35", 1772000000, now, 0]]})


def test_comments_and_tickets_that_are_too_large_together_are_asked_for_in_smaller_parts(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("feedback.collectors.live.web.MOST_BYTES", 2500)

    def some(asked: Asked) -> dict[str, object]:
        start, size = int(asked.query.get("page[after]", 0)), int(asked.query["page[size]"])
        found = [comment(f"第{n}次来问" + "." * 100) for n in range(start, min(start + size, 12))]
        return comments(*found, more=start + size < 12, after=str(start + size))

    desk.replies[EXPORT] = lambda asked: export(
        ticket(), *[{"id": None}] * (200 if asked.query["per_page"] > "10" else 0)
    )
    desk.replies[COMMENTS.format(35)] = some
    assert [item.location for item in desk.items()] == [f"tickets:35-{n}" for n in range(1, 13)]
    assert [asked["per_page"] for asked in desk.queries(EXPORT)] == ["100", "10"]
    sizes = [asked["page[size]"] for asked in desk.queries(COMMENTS.format(35))]
    assert sizes == ["100", "10", *["1"] * 12]


@pytest.mark.parametrize("counted, places", [(3, 3), (0, 50), (None, 50), (9_999_999, 5000), (10**30, 50)])
def test_of_a_deleted_ticket_as_many_comments_are_void_as_it_had(desk: Desk, counted: object, places: int) -> None:
    desk.replies[EXPORT] = export(ticket(status="deleted", comment_count=counted))
    void = [f"35-{place}" for place in range(1, places + 1)]
    assert desk.items() == [Withdrawn(each, f"tickets:{each}", for_good=False) for each in void]


def test_with_a_deleted_ticket_its_rating_is_void(desk: Desk) -> None:
    desk.replies[EXPORT] = export(
        ticket(status="deleted", comment_count=1, satisfaction_rating={"id": 7, "score": "bad"})
    )
    void = [Withdrawn("35-1", "tickets:35-1", for_good=False), Withdrawn("rating-7", "tickets:rating-7")]
    assert desk.items() == void


def test_what_was_stored_of_a_ticket_is_gone_after_it_was_deleted(desk: Desk, tmp_path: Path) -> None:
    write_project(desk, tmp_path)
    desk.replies[EXPORT] = export(ticket(), ticket(36))
    desk.replies[COMMENTS.format(35)] = comments(comment("杯子碎了"), comment("马上补发", author_id=AGENT))
    desk.replies[COMMENTS.format(36)] = comments(comment("物流很快"))
    rated = ratings({"id": 7, "score": "bad", "created_at": "2026-03-01T02:00:00Z", "comment": "太慢"})
    desk.replies[RATINGS] = rated
    assert run("collect", project=tmp_path).out == "客服: 4 new\n"
    gone = ticket(status="deleted", comment_count=2, satisfaction_rating={"id": 7, "score": "bad"})
    desk.replies[EXPORT] = export(gone, after="c2")
    desk.replies[RATINGS] = ratings()
    assert run("collect", project=tmp_path).out == "客服: 0 new, 3 withdrawn\n"
    with Store.open(tmp_path / "feedback.db") as store:
        assert rows(store.connection, "select source_id, text from verbatims") == [("36-1", "物流很快")]
    # Ratings are listed for a month; a ticket can be restored as long.
    desk.replies[EXPORT] = export(ticket(), after="c3")
    desk.replies[RATINGS] = rated
    assert run("collect", project=tmp_path).out == "客服: 2 new, 1 already there\n"
    with Store.open(tmp_path / "feedback.db") as store:
        found = rows(store.connection, "select source_id, text from verbatims order by source_id")
    assert found == [("35-1", "杯子碎了"), ("35-2", "马上补发"), ("36-1", "物流很快")]


def test_an_export_begins_at_the_beginning_and_goes_on_at_its_cursor(desk: Desk) -> None:
    replies = iter(
        [export(ticket(), after="c1", end=False), export(ticket(36, generated_timestamp=1_772_000_060), after="c2")]
    )
    desk.replies[EXPORT] = lambda _asked: next(replies)
    desk.replies[COMMENTS.format(35)] = comments(comment("杯子碎了"))
    desk.replies[COMMENTS.format(36)] = comments()
    first, second = desk.pages()
    assert (len(first.items), first.state, first.notes) == (1, '["c1", 1772000000]', ())
    assert (second.items, second.state, second.notes) == ([], '["c2", 1772000060]', ())
    desk.replies[EXPORT] = export(after="c2")
    assert [page.state for page in desk.pages(state=second.state)] == [second.state]
    common = {"per_page": "100", "include": "comment_count"}
    assert desk.queries(EXPORT) == [
        {"start_time": "0", **common},
        {"cursor": "c1", **common},
        {"cursor": "c2", **common},
    ]


@pytest.mark.parametrize(
    "since, start",
    [(datetime(2026, 3, 1, tzinfo=UTC), 1_772_323_200), (NOW, LATEST), (datetime(2026, 4, 1, tzinfo=UTC), LATEST)],
)
def test_an_export_begins_where_the_visit_says_but_never_in_the_last_minutes(
    desk: Desk, since: datetime, start: int
) -> None:
    desk.replies[EXPORT] = export(after=None)
    assert [page.state for page in desk.pages(since=since)] == ["[null, null]"]
    assert desk.queries(EXPORT)[0]["start_time"] == str(start)


def test_a_ticket_from_the_future_does_not_push_the_state_past_now(desk: Desk) -> None:
    desk.replies[EXPORT] = export(ticket(generated_timestamp=4_000_000_000))
    desk.replies[COMMENTS.format(35)] = comments()
    assert [page.state for page in desk.pages()] == [json.dumps(["c1", int(NOW.timestamp())])]


@pytest.mark.parametrize("status", [400, 404, 410, 422])
def test_a_cursor_that_is_not_known_any_more_is_done_without_and_that_is_said(desk: Desk, status: int) -> None:
    gone = Reply({"error": "InvalidValue"}, status)
    desk.replies[EXPORT] = lambda asked: gone if asked.query.get("cursor") == "c1" else export(ticket(), after="c9")
    desk.replies[COMMENTS.format(35)] = comments(comment("杯子碎了"))
    (page,) = desk.pages(state='["c1", 1772000000]')
    assert page == Page(
        [record("35-1", "杯子碎了", turn=1, customer="501")],
        '["c9", 1772000000]',
        (
            "tickets: the interface no longer knew where the last run had stopped, and was asked from before that. "
            "Nothing is missing.",
        ),
    )
    assert desk.queries(EXPORT)[1]["start_time"] == "1771999700"


def test_an_export_that_is_refused_without_its_cursor_too_is_an_error(desk: Desk) -> None:
    desk.replies[EXPORT] = Reply({"error": "no"}, 400)
    with pytest.raises(CollectError, match=r"cursor.json refuses \(400\)"):
        desk.pages(state='["c1", 1772000000]')
    assert len(desk.web.asked) == 2


def test_a_refusal_that_says_nothing_of_the_cursor_is_an_error_at_once(desk: Desk) -> None:
    desk.replies[EXPORT] = Reply({"error": "no"}, 401)
    with pytest.raises(CollectError, match=r"refuses \(401\). The key is missing, wrong or has run out."):
        desk.pages(state='["c1", 1772000000]')
    assert len(desk.web.asked) == 1


NO_WAY_ON = r"cursor.json does not say whether and where there is more. The interface may have changed."


@pytest.mark.parametrize(
    "answer, said",
    [
        ({"tickets": []}, NO_WAY_ON),
        (export(after=None, end=False), NO_WAY_ON),
        ({"end_of_stream": True}, r"cursor.json answers without the list 'tickets'. The interface may have changed."),
        ([], r"cursor.json answers without the list 'tickets'."),
    ],
)
def test_an_export_of_another_shape_is_an_error(desk: Desk, answer: object, said: str) -> None:
    desk.replies[EXPORT] = answer
    with pytest.raises(CollectError, match=said):
        desk.pages()


def test_an_export_that_names_the_same_cursor_again_is_an_error(desk: Desk) -> None:
    desk.replies[EXPORT] = export(after="c1", end=False)
    with pytest.raises(CollectError, match=NO_WAY_ON):
        desk.pages()
    assert len(desk.web.asked) == 2


def test_an_export_that_never_gets_anywhere_is_an_error(desk: Desk) -> None:
    desk.replies[EXPORT] = lambda asked: export(after=asked.query.get("cursor", "") + "x", end=False)
    with pytest.raises(CollectError, match=r"cursor.json gives page after page with nothing new in it."):
        desk.pages()
    assert len(desk.web.asked) == 101


def test_comments_that_do_not_say_where_they_go_on_are_told(desk: Desk) -> None:
    desk.replies[EXPORT] = export(ticket())
    for answer in ({"comments": []}, comments(more=True), comments(more=True, after="same")):
        desk.replies[COMMENTS.format(35)] = answer
        _, told = desk.fails()
        assert "35/comments.json does not say whether and where there is more." in told
    desk.replies[COMMENTS.format(35)] = {"meta": {"has_more": False}}
    _, told = desk.fails()
    assert "35/comments.json answers without the list 'comments'." in told


def test_a_ticket_of_many_comments_comes_in_several_pages_and_the_state_with_the_last(desk: Desk) -> None:
    def some(asked: Asked) -> dict[str, object]:
        start = int(asked.query.get("page[after]", 0))
        found = [comment(f"第{n}次来问") for n in range(start, start + 100)]
        return comments(*found, more=start < 1000, after=str(start + 100))

    desk.replies[EXPORT] = export(ticket())
    desk.replies[COMMENTS.format(35)] = some
    assert [(len(page.items), page.state) for page in desk.pages()] == [
        (500, None),
        (500, None),
        (100, '["c1", 1772000000]'),
    ]
