"""Who a customer is does not reach the database through what could not be used: rejects, their places, runs that failed.

All people, accounts and words are made up.
"""

import ast
import json
from dataclasses import astuple, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from command import run
from stored import database_bytes, rows

from feedback import errors
from feedback.browse.metadata import name_of
from feedback.collectors.base import Item, Part, Record, SourceConfig, Unreadable, Withdrawn
from feedback.collectors.chat import ChatCollector
from feedback.collectors.ids import IdColumn
from feedback.collectors.table import TableCollector
from feedback.dates import UnknownDate
from feedback.errors import CollectError
from feedback.intake import Intake, Taken
from feedback.part_names import stored_location, stored_name
from feedback.pipeline import collect
from feedback.project import Project, load_project
from storage.journal import list_rejects, recent_runs
from storage.records import Reject
from storage.store import Store

SETTINGS = '[project]\nname = "小店"\n[[sources]]\nname = "聊天"\ncollector = "chat"\npaths = ["chats"]\n'
OLD_HEADER = "localId,TalkerId,Type,SubType,IsSender,CreateTime,Status,StrContent,StrTime,Remark,NickName,Sender\n"
NEW_HEADER = "消息ID,类型,发送人,时间,内容,备注,昵称,更多信息\n"
PERSON = "王阿宝,阿宝爱喝茶,abao_tea\n"
OLD = (
    OLD_HEADER + f"1,7,1,0,0,1700000200,,物流太慢了,2023-11-15 06:16:40,{PERSON}"
    f"2,7,1,0,2,1700000201,,杯子碎了,2023-11-15 06:16:41,{PERSON}"
    f"3,7,x,0,0,1700000202,,壶盖松了,2023-11-15 06:16:42,{PERSON}"
    f"4,7,1,0,2,1700000203,,慢,又贵,2023-11-15 06:16:43,{PERSON}"  # a comma too many: columns moved
    f"阿宝爱喝茶,{PERSON}"
)
TURN = '{"id": "d1", "turns": [{"sender": "%s", "text": "物流太慢了"}, {"sender": "%s", "text": "杯子碎了"}%s]}\n'
MESSAGE = {"msgid": "m1", "action": "send", "from": "wmABAO", "tolist": ["lin"], "msgtype": "text"}
BROKEN = (
    json.dumps(MESSAGE | {"text": {"content": "物流太慢了"}}, ensure_ascii=False)
    + '\n{"from": "阿宝爱喝茶", \n["阿宝爱喝茶"]\n'
)

# Exports of chats in which something can't be used: path under chats/, contents.
EXPORTS: dict[str, tuple[str, bytes]] = {
    "an older WeChatMsg table": ("阿宝爱喝茶.csv", OLD.encode()),
    "a newer WeChatMsg table": (
        "阿宝爱喝茶(abao_tea)/阿宝爱喝茶.csv",
        (
            NEW_HEADER + f"1,文本,阿宝爱喝茶,2023-11-15 06:20:00,物流太慢了,{PERSON}"
            f"2,投票,阿宝爱喝茶,2023-11-15 06:21:00,好的,{PERSON}3,文本,阿宝爱喝茶\n"
        ).encode(),
    ),
    "a line that no encoding reads": (
        "阿宝爱喝茶.txt",
        "与阿宝爱喝茶的聊天记录\n客服：您好\n客户：物流太慢了\n客服：在\n客户：嗯\n".encode() + b"\xff\xe9 abao_tea\n",
    ),
    "dialogues of more people than roles": (
        "阿宝爱喝茶.jsonl",
        (TURN % ("user", "agent", "") + TURN.replace("d1", "d2") % ("阿宝爱喝茶", "abao_tea", "")).encode(),
    ),
    "a broken line of an archive": ("abao_tea.jsonl", BROKEN.encode()),
    "a document with other things in it": (
        "abao_tea.json",
        f'[{TURN % ("user", "agent", "")}, {{"nick": "阿宝爱喝茶"}}, "abao_tea"]'.encode(),
    ),
}
NAMES = ("阿宝", "abao_tea")


def make_project(folder: Path, path: str, content: bytes) -> Project:
    (folder / "feedback.toml").write_text(SETTINGS, encoding="utf-8")
    file = folder / "chats" / path
    file.parent.mkdir(parents=True)
    file.write_bytes(content)
    return load_project(folder)


def collect_chats(project: Project) -> None:
    with Store.open(project.database) as store:
        collect(store, project, project.source("聊天"), lambda _what, _more: None)


def names_stored(project: Project) -> list[str]:
    with Store.open(project.database) as store, store.transaction() as connection:
        connection.execute("insert into audit (happened_at, action, detail) values ('', 'keeps the log open', '')")
        raw = database_bytes(project.database)
    return [name for name in NAMES if name.encode() in raw]


@pytest.mark.parametrize("path, content", EXPORTS.values(), ids=EXPORTS.keys())
def test_what_a_chat_export_calls_its_customer_is_nowhere_in_the_database(
    path: str, content: bytes, tmp_path: Path
) -> None:
    project = make_project(tmp_path, path, content)
    collect_chats(project)
    with Store.open(project.database) as store:
        assert list_rejects(store.connection, None, 9) != []
        assert rows(store.connection, "select text from verbatims where text = '物流太慢了'") == [("物流太慢了",)]
    assert names_stored(project) == []


def test_a_reject_of_a_chat_export_shows_the_words_alone_and_its_file_by_a_code(tmp_path: Path) -> None:
    project = make_project(tmp_path, "阿宝爱喝茶.csv", OLD.encode())
    collect_chats(project)
    part = Part("chats/阿宝爱喝茶.csv", tmp_path / "chats" / "阿宝爱喝茶.csv")
    code = stored_name(ChatCollector(), part, project.secret())
    with Store.open(project.database) as store:
        found = rows(store.connection, "select part, location, reason, excerpt from rejects order by id")
        assert rows(store.connection, "select part from cursors") == [(code,)]
    assert found == [
        (code, f"{code}:3", "IsSender '2' is neither 0 nor 1", "杯子碎了"),
        (code, f"{code}:4", "Type 'x' is no number", "壶盖松了"),
        (code, f"{code}:5", "IsSender '2' is neither 0 nor 1", ""),
        (code, f"{code}:6", "4 fields where at least 8 belong", ""),
    ]


def test_the_code_of_a_file_is_its_own_and_the_projects() -> None:
    files = [Part(name, Path(name)) for name in ("chats/何田.csv", "chats/何天.csv")]
    codes = [stored_name(ChatCollector(), part, secret) for part in files for secret in (b"one", b"two")]
    assert len(set(codes)) == 4
    assert codes[0] == stored_name(ChatCollector(), files[0], b"one")
    assert stored_name(TableCollector(), files[0], b"one") == "chats/何田.csv"


LOCATIONS = [
    ("chats/何田.csv:17", "file-1:17"),
    ("chats/何田.csv, item 3", "file-1, item 3"),
    ("何田.csv:17", "file-1:17"),  # tables say the file's name without its folder
    ("the chat with 何田", "file-1"),
]


@pytest.mark.parametrize("location, stored", LOCATIONS)
def test_the_place_in_a_file_stays_and_its_name_goes(location: str, stored: str) -> None:
    part = Part("chats/何田.csv", Path("chats/何田.csv"))
    assert stored_location(location, part, "file-1") == stored
    assert stored_location(location, part, part.name) == location


def test_a_person_still_finds_the_line_in_their_own_files(tmp_path: Path) -> None:
    project = make_project(tmp_path, "阿宝爱喝茶.csv", OLD.encode())
    assert (
        run("collect", project=tmp_path).out
        == "聊天: 1 new, 4 rows or fields could not be used (see: feedback rejects)\n"
    )
    shown = run("rejects", "--limit", "1", project=tmp_path).out.split("\n")
    assert shown[0] == "聊天  chats/阿宝爱喝茶.csv:3: IsSender '2' is neither 0 nor 1"
    assert (
        json.loads(run("rejects", "--limit", "1", "--json", project=tmp_path).out)["location"]
        == "chats/阿宝爱喝茶.csv:3"
    )
    (tmp_path / "chats" / "阿宝爱喝茶.csv").unlink()
    with Store.open(project.database) as store:
        [(location,)] = rows(store.connection, "select location from rejects order by id limit 1")
    assert run("rejects", "--limit", "1", project=tmp_path).out.startswith(f"聊天  {location}: IsSender")


def test_a_chat_file_given_by_hand_names_neither_the_source_nor_a_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = make_project(tmp_path, "阿宝爱喝茶.csv", OLD.encode())
    monkeypatch.chdir(tmp_path / "chats")
    ran = run("collect", "chat", "阿宝爱喝茶.csv", project=tmp_path)
    code = stored_name(ChatCollector(), Part("阿宝爱喝茶.csv", Path("阿宝爱喝茶.csv")), project.secret())
    assert ran.out == (
        "chat: 1 new, 4 rows or fields could not be used (see: feedback rejects)\n"
        f"  {code} in feedback rejects is 阿宝爱喝茶.csv\n"
    )
    assert names_stored(project) == []


def test_an_unchanged_chat_file_is_not_read_again(tmp_path: Path) -> None:
    make_project(tmp_path, "阿宝爱喝茶.csv", OLD.encode())
    run("collect", project=tmp_path)
    assert run("collect", project=tmp_path).out == "聊天: nothing new (1 files unchanged)\n"


FAILING = [
    (
        "两人.txt",
        "阿宝爱喝茶：您好\n小李：在吗\n阿宝爱喝茶：在\n小李：嗯\n",
        "who is customer, agent or bot among 阿宝爱喝茶, 小李?",
    ),
    ("阿宝爱喝茶.txt", "今天天气很好。\n", "chats/阿宝爱喝茶.txt is no conversation in a format known here."),
]


@pytest.mark.parametrize("path, text, said", FAILING)
def test_an_error_that_names_people_is_shown_and_not_stored(path: str, text: str, said: str, tmp_path: Path) -> None:
    project = make_project(tmp_path, path, text.encode())
    ran = run("collect", project=tmp_path)
    assert said in ran.err
    with Store.open(project.database) as store:
        [failed] = recent_runs(store.connection, 9)
    assert (failed.status, failed.message) == (
        "failed",
        "CollectError: run feedback collect to see it; it may name people, so it is not kept",
    )
    assert names_stored(project) == []


def test_the_error_of_a_table_is_stored_masked_and_without_half_characters(tmp_path: Path) -> None:
    project = make_project(tmp_path, "a.csv", b"")
    odd = tmp_path / "13812345678\udcff.csv"
    odd.write_bytes(b"")
    with Store.open(project.database) as store, pytest.raises(CollectError):
        collect(store, project, SourceConfig("表", "table", (str(odd),)), lambda _what, _more: None)
    with Store.open(project.database) as store:
        [failed] = recent_runs(store.connection, 9)
    assert failed.message == f"CollectError: {tmp_path}/[手机号].csv is empty."


HEADER = "product,content,creationtime,location,productcolor"
OWN = (
    'name = "own"\nkind = "ticket"\nchannel = "工单"\n[columns]\ntext = "正文"\nrole = "发送人"\ncustomer = "账号"\n'
    '[roles]\n"客服" = "agent"\n"客户" = "customer"\n'
)
# Rows of tables that can't be taken apart or understood: file, contents, what is rejected.
TABLES: list[tuple[str, str, list[Unreadable]]] = [
    (
        "x.csv",
        f"{HEADER}\n壶,不错,2024-01-01,浙江,白\n壶,不错,2024-01-01,浙江,白,阿宝爱喝茶\n",
        [Unreadable("x.csv:3", "it has 6 columns where the header has 5: a comma, quote or line break too many?")],
    ),
    (
        "x.jsonl",
        '{"product": "壶", "content": "不错", "creationtime": "2024-01-01"}\n["阿宝爱喝茶"]\n{"nickname": "阿宝爱喝茶",\n',
        [
            Unreadable("x.jsonl:2", "it is not an object"),
            Unreadable(
                "x.jsonl:3",
                "it is not valid JSON: Expecting property name enclosed in double quotes: line 2 column 1 (char 22)",
            ),
        ],
    ),
    (
        "x.json",
        '[{"product": "壶", "content": "不错", "creationtime": "2024-01-01"}, "阿宝爱喝茶"]',
        [Unreadable("x.json:#2", "it is not an object")],
    ),
    (
        "own.csv",
        "正文,发送人,账号\n不错,客户,u1\n很好,阿宝爱喝茶,u2\n",
        [Unreadable("own.csv:3", "what '发送人' says here is not in [roles] of layout own", "很好")],
    ),
]


@pytest.mark.parametrize("name, text, rejected", TABLES, ids=[name for name, *_ in TABLES])
def test_a_row_of_a_table_shows_its_words_or_nothing(
    name: str, text: str, rejected: list[Unreadable], tmp_path: Path
) -> None:
    (tmp_path / "own.toml").write_text(OWN, encoding="utf-8")
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    layout = "own.toml" if name == "own.csv" else None
    found = list(TableCollector().collect(Part(name, path), SourceConfig("s", "table", base=tmp_path, layout=layout)))
    assert len(found) == 1 + len(rejected)
    assert [item for item in found if isinstance(item, Unreadable)] == rejected


def test_what_excel_left_of_a_customers_number_is_not_quoted() -> None:
    card = "440106199001011000"
    assert IdColumn("customer", [card]).read(card) == (None, "customer looks ruined by Excel")
    assert IdColumn("source_id", [card]).read(card) == (None, f"source_id looks ruined by Excel: {card}")


def take(*items: Item) -> Taken:
    now = datetime(2026, 3, 2, tzinfo=UTC)
    return Intake("shop", "Asia/Shanghai", b"secret", now).take(items, lambda keys: [0] * len(keys))


RECORD = Record("不错", "survey", "问卷", "q.csv:2", "r1")
PHONE = "13812345678"


def before(characters: int) -> str:
    """Words before a phone number whose first three digits end at a limit of so many characters."""
    return "很" * (characters - 3)


def survey_answer(tmp_path: Path, answer: str) -> list[Item]:
    lines = [
        "序号,提交答卷时间,所用时间,1、您对我们满意吗？（1-5）,2、原因？",
        "1,2026/2/24 10:00:00,9秒,5,好",
        f"2,2026/2/24 10:00:00,9秒,{answer},好",
    ]
    path = tmp_path / "q.csv"
    path.write_text("\n".join(lines), encoding="utf-8")
    return list(TableCollector().collect(Part("q.csv", path), SourceConfig("q", "table", layout="wjx")))


def unread_message(tmp_path: Path, words: str) -> list[Item]:
    path = tmp_path / "阿宝爱喝茶.csv"
    path.write_text(NEW_HEADER + f"1,投票,我,2023-11-15 06:20:00,{words},a,b,c\n", encoding="utf-8")
    return list(ChatCollector().collect(Part(path.name, path), SourceConfig("c", "chat")))


CUTS: list[tuple[str, Any, int]] = [
    ("an excerpt of a chat", unread_message, 80),
    ("a rating of a survey", survey_answer, 40),
    ("a date", lambda _folder, raw: [replace(RECORD, posted_at=raw)], 60),
    ("a date, with what intake writes before it", lambda _folder, raw: [replace(RECORD, posted_at=raw)], 60 - 15),
    ("a reason", lambda _folder, raw: [replace(RECORD, problems=(raw,))], 300),
    ("a reason for a whole row", lambda _folder, raw: [Unreadable("q.csv:2", raw)], 300),
]


@pytest.mark.parametrize("make, limit", [case[1:] for case in CUTS], ids=[case[0] for case in CUTS])
def test_a_number_at_the_place_where_a_reject_is_cut_leaves_no_digits(tmp_path: Path, make: Any, limit: int) -> None:
    """Whatever is quoted is masked before it is shortened."""
    for shift in range(-2, 9):
        [reject] = take(*make(tmp_path, before(limit + shift) + PHONE)).rejects
        assert "138" not in reject.reason + reject.excerpt
        assert "很" in reject.reason + reject.excerpt


def test_a_reason_is_three_hundred_characters_and_a_date_in_it_sixty() -> None:
    assert [reject.reason for reject in take(Unreadable("a", "很" * 301), Unreadable("a", "很" * 300)).rejects] == [
        "很" * 299 + "…",
        "很" * 300,
    ]
    [reject] = take(replace(RECORD, posted_at="很" * 61)).rejects
    assert reject == Reject(
        "shop", "q.csv:2", f"date unknown: '{'很' * 59}…': not a form of date known", "不错", stored=True
    )


def test_an_unknown_date_is_quoted_whole_for_intake_to_mask() -> None:
    assert str(UnknownDate("很" * 99)) == f"'{'很' * 99}': not a form of date known"


HALF = "a\ud83d"
FIELDS = ("text", "channel", "source_id", "conversation_id", "parent_id", "customer", "product", "store", "region")


@pytest.mark.parametrize("field", [*FIELDS, "version", "question", "votes", "location", "posted_at"])
def test_half_a_character_in_any_field_of_a_record_can_be_stored(field: str) -> None:
    taken = take(replace(RECORD, **{"problems": (HALF,), field: HALF}))  # type: ignore[arg-type]
    [item] = taken.incoming
    said = [value for row in (item.verbatim, *map(astuple, taken.rejects)) for value in row]
    assert [value for value in said if isinstance(value, str) and "\ud83d" in value] == []


def test_half_a_character_in_a_reject_or_a_recall_can_be_stored() -> None:
    taken = take(Unreadable(HALF, HALF, HALF), Withdrawn(HALF, HALF))
    assert taken.rejects == [Reject("shop", "a\\ud83d", "a\\ud83d", "a")]
    assert [each.source_id for each in taken.withdrawn] == ["a\\ud83d"]


def test_every_error_of_the_product_is_in_the_tree_at_the_top_of_its_module() -> None:
    package = Path(errors.__file__).parent
    classes = [
        node.name
        for path in package.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef) and any(getattr(base, "id", "") == "FeedbackError" for base in node.bases)
    ]
    drawn = [line.split()[1] for line in (errors.__doc__ or "").split("\n") if line.startswith(("├", "└"))]
    assert sorted(drawn) == sorted(classes)


def test_sentiment_by_the_sign_of_its_score_has_a_chinese_name() -> None:
    assert name_of("field", "sentiment_by_sign") == "情感（按分值正负）"
