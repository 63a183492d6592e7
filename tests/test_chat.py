"""The chat collector: saved files of made-up people in `payloads/chat`, and cases as data."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from chat_files import PAYLOADS, collect, records, said, written

from feedback.collectors.base import Record, Unreadable, Withdrawn
from feedback.collectors.chat import KNOWN_FORMATS
from feedback.errors import CollectError

GUEST = "wmAbCdEf00000000000000000000001"
GROUP_GUEST = "woZyXwVu00000000000000000000002"


def test_a_wecom_archive_keeps_roles_rooms_and_recalls() -> None:
    items = collect(PAYLOADS / "wecom.jsonl")
    direct = Record(
        text="面霜用了三天就起疹子，能退吗？",
        kind="chat",
        channel="wecom",
        location="wecom.jsonl:1",
        source_id="10001_1700000000_external",
        role="customer",
        posted_at="1700000000000",
        conversation_id="keyed:0bb14ecfaaaf0ac4",
        customer=GUEST,
    )
    room = replace(
        direct,
        text="团购的拖把断了",
        location="wecom.jsonl:7",
        source_id="10007_1700000030_external",
        posted_at="1700000030000",
        conversation_id="wrGroup01",
        customer=GROUP_GUEST,
    )
    assert items == [
        direct,
        replace(
            direct,
            text="您好，麻烦拍一下批号。",
            location="wecom.jsonl:2",
            source_id="10002_1700000005_external",
            role="agent",
            posted_at="1700000005000",
            customer=None,
        ),
        # The third was a picture.
        replace(
            direct,
            text="发错了",
            location="wecom.jsonl:4",
            source_id="10004_1700000011_external",
            posted_at="1700000011000",
        ),
        Withdrawn("10004_1700000011_external", "wecom.jsonl:5"),
        room,
        replace(
            room,
            text="已为您转接人工",
            location="wecom.jsonl:8",
            source_id="10008_1700000031_external",
            role="bot",
            posted_at="1700000031000",
            customer=None,
        ),
        Unreadable(
            "wecom.jsonl:9",
            "not valid JSON: Expecting property name enclosed in double quotes: line 1 column 95 (char 94)",
        ),
        Unreadable("wecom.jsonl:10", "no words found in a message of type 'hologram'", "10010_1700000041_external"),
        # An employee whose own id begins like an outside one.
        replace(
            direct,
            text="下午例会改到三点",
            location="wecom.jsonl:11",
            source_id="10011_1700000050",
            role="agent",
            posted_at="1700000050000",
            conversation_id="keyed:433b27782577354c",
            customer=None,
        ),
        Unreadable("wecom.jsonl:12", "not a 企业微信 archive message: 'msgid' and 'action' are missing"),
    ]


def test_an_external_message_between_ids_of_no_known_form_is_nobodys_feedback_and_says_so_once(tmp_path: Path) -> None:
    line = '{{"msgid":"{}_external","action":"send","from":"zhao","tolist":["qian"],"msgtype":"text"'
    line += ',"text":{{"content":"?"}}}}'
    path = written(tmp_path, "a.jsonl", "\n".join(line.format(n) for n in range(2)))
    problem = (
        "can't tell whether who sent this ('from') is a customer (no id here starts with wm or wo); taken as agent. "
        'To change it: roles = { "ID" = "customer" }'
    )
    assert [(r.role, r.problems) for r in records(collect(path))] == [("agent", (problem,)), ("agent", ())]
    assert [(r.role, r.customer) for r in records(collect(path, {"zhao": "customer"}))] == [("customer", "zhao")] * 2


def test_wechat_service_answers_give_roles_by_origin_and_honour_recalls() -> None:
    first = Record(
        text="您好，我是智能助手。",
        kind="chat",
        channel="wechat",
        location="kf.json, item 1, message 2",
        source_id="kf2",
        role="bot",
        posted_at="1700000101",
        conversation_id="keyed:8127fdff4b8e0bcd",
    )
    assert collect(PAYLOADS / "kf.json") == [
        first,
        replace(
            first,
            text="发票抬头开错了",
            location="kf.json, item 1, message 3",
            source_id="kf3",
            role="customer",
            posted_at="1700000110",
            customer="wmGuest1",
        ),
        replace(
            first,
            text="马上给您重开。",
            location="kf.json, item 1, message 4",
            source_id="kf4",
            role="agent",
            posted_at="1700000120",
        ),
        replace(
            first,
            text="算了不用了",
            location="kf.json, item 1, message 6",
            source_id="kf6",
            role="customer",
            posted_at="1700000122",
            conversation_id="keyed:2e287f58704d422b",
            customer="wmGuest2",
        ),
        Withdrawn("kf6", "kf.json, item 1, message 7"),
        Unreadable(
            "kf.json, item 1, message 8", "origin 9 is none of 3 (customer), 4 (system), 5 (servicer)", excerpt="kf8"
        ),
    ]


def test_wechat_service_answers_read_the_same_as_document_list_lines_and_messages(tmp_path: Path) -> None:
    answer = json.loads((PAYLOADS / "kf.json").read_text(encoding="utf-8"))
    expected = [replace(item, location="") for item in collect(PAYLOADS / "kf.json")]
    for name, text in {
        "list.json": json.dumps([answer], ensure_ascii=False, indent=1),
        "answers.jsonl": json.dumps(answer, ensure_ascii=False) + "\n" + json.dumps(answer),
        "messages.jsonl": "\n".join(json.dumps(message) for message in answer["msg_list"]),
    }.items():
        items = [replace(item, location="") for item in collect(written(tmp_path, name, text))]
        # The repeated page gives the same rows again, so that nothing changes when they are stored.
        assert items == expected * (len(items) // len(expected)), name
        assert len(items) == len(expected) * (2 if name == "answers.jsonl" else 1), name


def test_an_answer_that_is_an_error_is_listed(tmp_path: Path) -> None:
    path = written(tmp_path, "kf.jsonl", '{"msg_list": []}\n{"errcode": 42001, "errmsg": "token expired"}')
    assert collect(path) == [Unreadable("kf.jsonl:2", "the answer is an error: 42001 token expired")]


def test_dialogues_keep_their_turns_and_the_annotators_scores_stay_out() -> None:
    first = Record(
        text="宽带又断了",
        kind="chat",
        channel="chat",
        location="dialogues.jsonl:1, turn 1",
        source_id="keyed:ea473509b2e27058",
        former_places=("d1-",),
        role="customer",
        conversation_id="d1",
        turn=1,
    )
    alike = replace(
        first,
        text="转人工",
        location="dialogues.jsonl:2, turn 1",
        source_id="keyed:868c46dcda3da2e0",
        former_places=("keyed:0343157768dbda43-",),
        posted_at="2023-11-15 09:00:00",
        conversation_id="keyed:ab8b23fce0d56755",
        turn=None,
    )
    reason = 'no role known for who speaks here; add the name to this source: roles = { "NAME" = "customer" }'
    assert collect(PAYLOADS / "dialogues.jsonl") == [
        first,
        replace(
            first,
            text="已为您报修",
            location="dialogues.jsonl:1, turn 2",
            source_id="keyed:3dab4340b05618de",
            former_places=("d1-",),
            role="agent",
            turn=2,
        ),
        alike,
        replace(
            alike,
            location="dialogues.jsonl:3, turn 1",
            source_id="keyed:25939ad94d9adcb2",
            former_places=("keyed:0343157768dbda43-2-",),
            conversation_id="keyed:ab8b23fce0d56755-2",
        ),
        Unreadable("dialogues.jsonl:4, turn 1", reason, "你好"),
        Unreadable("dialogues.jsonl:4, turn 2", reason, "你好"),
        Unreadable("dialogues.jsonl:4, turn 3", "a turn without text"),
        Unreadable("dialogues.jsonl:5", "a conversation without turns", "d4"),
        Unreadable("dialogues.jsonl:6", "not a conversation: 'turns' is missing"),
    ]


def test_transcribed_calls_alternate_between_company_and_customer() -> None:
    items = collect(PAYLOADS / "calls.json", store="总店")
    assert items[0] == Record(
        text="您好，很高兴为您服务",
        kind="chat",
        channel="phone",
        location="calls.json, item 1, turn 1",
        source_id="keyed:cc109697286b4908",
        former_places=("c1-",),
        role="agent",
        conversation_id="c1",
        turn=1,
        store="总店",
    )
    assert said(items) == [
        ("agent", 1, "您好，很高兴为您服务"),
        ("customer", 2, "我的流量怎么没了"),
        ("agent", 3, "帮您查一下"),
        ("customer", 4, "行"),
    ]


@pytest.mark.parametrize(
    "name", ["wecom.jsonl", "wechatmsg_old.csv", "dialogues.jsonl", "header_lines.txt", "clock_times.txt", "plain.txt"]
)
def test_a_file_that_has_grown_gives_its_earlier_rows_again(name: str, tmp_path: Path) -> None:
    lines = (PAYLOADS / name).read_text(encoding="utf-8").splitlines(keepends=True)
    (tmp_path / name).write_text("".join(lines), encoding="utf-8")
    whole = collect(tmp_path / name)
    for count in range(6, len(lines)):
        (tmp_path / name).write_text("".join(lines[:count]), encoding="utf-8")
        # The last message may have been cut in its middle.
        earlier = records(collect(tmp_path / name))[:-1]
        assert earlier == records(whole)[: len(earlier)]


UNKNOWN = f"t.txt is no conversation in a format known here. Known: {KNOWN_FORMATS}."
# Files that can't be read as a whole: contents, message.
REFUSED: dict[str, tuple[bytes, str]] = {
    "a letter": ("今天天气很好。\n我们去了公园。\n".encode(), UNKNOWN),
    "a log in Chinese": ("2023-11-11 10:20:33 启动\n2023-11-11 10:20:34 INFO\n".encode(), UNKNOWN),
    "a log": (b"2023-11-11 10:20:33 INFO a: x\n2023-11-11 10:20:34 WARN b: y\n", UNKNOWN),
    "a table of reviews": ("id,text,score\n1,很好,5\n".encode(), UNKNOWN),
    "settings": (b"a: b\nc: d\ne: f\n", UNKNOWN),
    "other JSON": (b'[{"a": 1}]', UNKNOWN),
    "other JSON lines": (b'{"a": 1}', UNKNOWN),
    "broken JSON": (
        b'[{"msgid": 1,\n"action"',
        "t.txt is not valid JSON: Expecting ':' delimiter: line 2 column 9 (char 22)",
    ),
    "JSON without bottom": (
        b'[{"a": ' + b"[" * 200_000,
        "t.txt is not valid JSON: maximum recursion depth exceeded while decoding a JSON array from a unicode string",
    ),
    "blank lines": (b"\n \n\n", "{path} is empty."),
    "an encrypted archive": (
        b'{"seq": 1, "msgid": "a", "publickey_ver": 1, "encrypt_random_key": "k", "encrypt_chat_msg": "m"}',
        "t.txt is a 企业微信 archive that is still encrypted. Decrypt it, then collect it.",
    ),
    "two strangers": (
        "小美：您好\n小李：在吗\n小美：在\n小李：嗯\n".encode(),
        "t.txt: who is customer, agent or bot among 小美, 小李? Add to this source in feedback.toml each of them "
        'as "customer", "agent" or "bot"; if 小美 is an agent, for instance: roles = { "小美" = "agent" }',
    ),
    "a third one who speaks often": (
        "客服：您好\n客户：在\n小李：1\n小李：2\n小李：3\n".encode(),
        "t.txt: who is customer, agent or bot among 小李? Add to this source in feedback.toml each of them "
        'as "customer", "agent" or "bot"; if 小李 is an agent, for instance: roles = { "小李" = "agent" }',
    ),
}


@pytest.mark.parametrize("content, message", REFUSED.values(), ids=REFUSED.keys())
def test_a_file_that_is_no_conversation_is_refused_in_one_line(content: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "t.txt"
    path.write_bytes(content)
    with pytest.raises(CollectError) as error:
        collect(path)
    assert str(error.value) == message.format(path=path) if "{path}" in message else str(error.value) == message


def test_a_line_too_long_or_damaged_is_listed_and_the_rest_is_read(tmp_path: Path) -> None:
    good = '{"id": "d", "turns": [{"sender": "user", "text": "好"}]}\n'.encode()
    path = tmp_path / "d.jsonl"
    path.write_bytes(b'{"a": "' + b"x" * (17 << 20) + b'"}\n' + good + b"\0\0\n" + good.replace(b'"d"', b'"e"'))
    ids = [record.source_id for record in records(collect(path))]
    good_one = Record(
        *("好", "chat", "chat", "d.jsonl:2, turn 1", ids[0]), conversation_id="d", turn=1, former_places=("d-",)
    )
    assert len(set(ids)) == 2
    assert collect(path) == [
        Unreadable("d.jsonl:1", "the line is longer than 16 MB"),
        good_one,
        Unreadable("d.jsonl:3", "it holds NUL bytes: the file is damaged here"),
        replace(good_one, location="d.jsonl:4, turn 1", conversation_id="e", source_id=ids[1], former_places=("e-",)),
    ]


def test_one_endless_line_is_refused_without_being_read(tmp_path: Path) -> None:
    path = tmp_path / "d.jsonl"
    path.write_bytes(b"[" + b"x" * (17 << 20))
    with pytest.raises(CollectError) as error:
        collect(path)
    assert str(error.value) == (
        "d.jsonl, line 1: the line is longer than 16 MB. Export it again as UTF-8, one message a line."
    )


def test_bytes_of_no_encoding_in_a_document_cost_only_their_message(tmp_path: Path) -> None:
    path = tmp_path / "kf.json"
    text = (PAYLOADS / "kf.json").read_bytes()
    path.write_bytes(text.replace("发票抬头".encode(), "发票".encode() + b"\xe6\x8a" + "头".encode()))
    items = collect(path)
    assert items[1] == Unreadable("kf.json, item 1, message 3", "its bytes are in no encoding known", "发票??头开错了")
    assert len(records(items)) == 3


# Messages with fields of the wrong type: none may end the run.
ODD: list[tuple[str, str]] = [
    ('{"msgid": 5, "action": ["send"]}', "unknown action ['send']; known are send, recall, switch"),
    ('{"msgid": null, "action": "send", "from": {"a": 1}}', "no sender ('from')"),
    ('{"msgid": "m", "action": "send", "from": "A", "msgtype": "text"}', "no words found in a message of type 'text'"),
    (
        '{"msgid": "m", "action": "recall", "revoke": "x"}',
        "a recall that does not say of which message (revoke.pre_msgid)",
    ),
    ('{"msgid": "m", "open_kfid": "k", "origin": 3, "msgtype": "text"}', "no customer ('external_userid')"),
    ('{"msg_list": [7]}', "not a message but int"),
    (
        '{"msg_list": [{"msgtype": "event", "event": {"event_type": "user_recall_msg"}}]}',
        "a recall that does not say of which message (event.recall_msgid)",
    ),
]


@pytest.mark.parametrize("line, reason", ODD)
def test_odd_fields_are_listed(line: str, reason: str, tmp_path: Path) -> None:
    items = collect(written(tmp_path, "a.jsonl", line))
    assert [item.reason for item in items if isinstance(item, Unreadable)] == [reason]
    assert len(items) == 1
