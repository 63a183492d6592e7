"""Files that lie in the folder of a source and are not read: that is said, with what to do. All names are made up."""

from pathlib import Path

import pytest
from command import Ran, run

SETTINGS = '[project]\nname = "小店"\n[[sources]]\nname = "店"\npaths = ["data"]\n'
CHAT = '[[sources]]\nname = "聊天"\ncollector = "chat"\npaths = ["data"]\n'
REVIEWS = "product,content,creationtime\n壶,物流太慢了,2026-03-01 10:00:00\n"
TALK = "客户 2026-02-24 10:20:33\n壶漏水了\n客服 2026-02-24 10:21:00\n您好\n"


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    (tmp_path / "feedback.toml").write_text(SETTINGS, encoding="utf-8")
    put(tmp_path, "data/a.csv", REVIEWS)
    return tmp_path


def put(shop: Path, name: str, content: str = "x") -> None:
    path = shop / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")


def test_what_is_not_read_of_a_folder_is_said_in_one_line_with_what_to_do(shop: Path) -> None:
    for name in ("二月.xls", "deep/三月.ZIP"):
        put(shop, f"data/{name}")
    note = "  not read: data/deep/三月.ZIP (unpack it), data/二月.xls (save it as .xlsx)\n"
    assert run("collect", project=shop) == Ran(0, f"店: 1 new\n{note}", "")
    assert run("collect", project=shop).out == f"店: nothing new (1 files unchanged)\n{note}"


def test_of_many_files_some_are_named_first_those_that_may_hold_a_table(shop: Path) -> None:
    for name in ("a.png", "b.pdf", "c.doc", "d.et", "e.txt", "f.docx", "g.7z"):
        put(shop, f"data/{name}")
    assert run("collect", project=shop).out == (
        "店: 1 new\n"
        "  not read: data/d.et (save it as .xlsx), data/e.txt (if it is a table, name it in `paths`), data/g.7z (unpack it) and 4 more\n"
    )


def test_a_file_of_no_kind_that_is_read_is_said_to_be_one(shop: Path) -> None:
    put(shop, "data/报告.pdf")
    assert run("collect", project=shop).out == "店: 1 new\n  not read: data/报告.pdf (no kind of file that is read)\n"


def test_hidden_files_locks_and_what_is_no_export_are_not_spoken_of(shop: Path) -> None:
    for name in (".DS_Store", ".hidden.xls", "~$a.xlsx", ".git/x.zip", "own.layout.toml", "Thumbs.db", "desktop.ini"):
        put(shop, f"data/{name}")
    assert run("collect", project=shop).out == "店: 1 new\n"


def test_a_project_that_names_its_own_folder_hears_nothing_of_its_database_and_digests(shop: Path) -> None:
    (shop / "feedback.toml").write_text(SETTINGS.replace('"data"', '"."'), encoding="utf-8")
    put(shop, "digests/2026-W09.html")
    assert run("collect", project=shop).out == "店: 1 new\n"


def test_a_file_that_another_source_reads_or_that_is_named_itself_is_read(shop: Path) -> None:
    put(shop, "data/聊天.txt", TALK)
    put(shop, "data/二月.txt", REVIEWS.replace("物流", "发货"))
    settings = SETTINGS.replace('"data"', '"data", "data/二月.txt"') + CHAT.replace('"data"', '"data/聊天.txt"')
    (shop / "feedback.toml").write_text(settings, encoding="utf-8")
    assert run("collect", project=shop) == Ran(0, "店: 2 new\n聊天: 2 new\n", "")


def test_files_of_chats_which_may_be_named_after_people_are_counted_and_not_named(shop: Path) -> None:
    (shop / "feedback.toml").write_text(SETTINGS.partition("[[")[0] + CHAT, encoding="utf-8")
    (shop / "data" / "a.csv").unlink()
    for name in ("何田.xls", "小林.XLS", "阿宝.pdf", "无后缀"):
        put(shop, f"data/{name}")
    put(shop, "data/聊天.txt", TALK)
    ran = run("collect", project=shop)
    assert ran == Ran(0, "聊天: 2 new\n  not read: 4 files (.xls 2, .pdf 1, without a suffix 1)\n", "")


def test_folders_that_lie_in_one_another_are_spoken_of_once_whatever_becomes_of_other_sources(shop: Path) -> None:
    other = '[[sources]]\nname = "旧"\npaths = ["gone"]\n'
    (shop / "feedback.toml").write_text(SETTINGS.replace('"data"', '"data", "data/deep"') + other, encoding="utf-8")
    put(shop, "data/deep/b.csv", REVIEWS.replace("物流", "发货"))
    put(shop, "data/deep/二月.xls")
    ran = run("collect", "--source", "店", project=shop)
    assert ran == Ran(0, "店: 2 new\n  not read: data/deep/二月.xls (save it as .xlsx)\n", "")


def test_a_glob_says_itself_what_is_to_be_read(shop: Path) -> None:
    (shop / "feedback.toml").write_text(SETTINGS.replace('"data"', '"data/*.csv"'), encoding="utf-8")
    put(shop, "data/二月.xls")
    assert run("collect", project=shop).out == "店: 1 new\n"


@pytest.mark.parametrize("paths", ['"data/*"', '"*/*"', '"data/*", "data/二月.xls"'])
def test_what_lies_in_a_folder_that_a_glob_matches_is_said_not_to_be_read(shop: Path, paths: str) -> None:
    (shop / "feedback.toml").write_text(SETTINGS.replace('"data"', paths), encoding="utf-8")
    for name in ("4月/b.csv", "4月/周/c.csv", "4月/三月.xls", "4月/.hidden.csv", ".old/d.csv"):
        put(shop, f"data/{name}", REVIEWS)
    put(shop, "data/二月.xls", REVIEWS)
    note = "data/4月/b.csv (name its folder in `paths`), data/4月/三月.xls (save it as .xlsx), data/4月/周/c.csv (name its folder in `paths`)"
    assert run("collect", project=shop).out.endswith(f"  not read: {note}\n")
    more = SETTINGS.replace('"data"', f'{paths}, "data/*/*.csv", "data/4月/周"')
    (shop / "feedback.toml").write_text(more, encoding="utf-8")
    assert run("collect", project=shop).out.endswith("  not read: data/4月/三月.xls (save it as .xlsx)\n")


def test_of_chats_in_a_folder_that_a_glob_matches_no_name_is_told(shop: Path) -> None:
    (shop / "feedback.toml").write_text(
        '[project]\nname = "小店"\n' + CHAT.replace('"data"', '"data/*.txt", "data/*"'), encoding="utf-8"
    )
    (shop / "data/a.csv").unlink()
    put(shop, "data/小林.txt", TALK)
    put(shop, "data/4月/小林.txt", TALK)
    assert run("collect", project=shop).out == "聊天: 2 new\n  not read: 1 files (.txt 1): name its folder in `paths`\n"


def test_of_chats_those_beside_what_is_read_are_told_apart_from_those_in_such_folders(shop: Path) -> None:
    (shop / "feedback.toml").write_text(
        '[project]\nname = "小店"\n' + CHAT.replace('"data"', '"data/*.txt", "data", "chats/*"'), encoding="utf-8"
    )
    for name in ("data/小林.txt", "chats/小王.txt", "chats/4月/小赵.txt"):
        put(shop, name, TALK)
    put(shop, "data/小林.xls")
    told = "1 files (.xls 1), 1 files (.txt 1): name its folder in `paths`"
    assert run("collect", project=shop).out.endswith(f"\n  not read: {told}\n")


def test_an_escape_sequence_in_a_name_does_not_reach_the_terminal(shop: Path) -> None:
    put(shop, "data/\x1b[31m.xls")
    assert run("collect", project=shop).out == "店: 1 new\n  not read: data/�[31m.xls (save it as .xlsx)\n"


OWN = 'name = "店"\nkind = "review"\nchannel = "店"\n[columns]\ntext = "评价"\n'
AFTER = '[[texts]]\nsuffix = "after"\ntext = "追评内容"\n'


def test_a_column_of_what_customers_added_that_comes_later_is_told_once_until_the_layout_reads_it(shop: Path) -> None:
    (shop / "feedback.toml").write_text(SETTINGS + 'layout = "own.layout.toml"\n', encoding="utf-8")
    (shop / "own.layout.toml").write_text(OWN, encoding="utf-8")
    put(shop, "data/a.csv", "评价\n物流太慢了\n")
    assert run("collect", project=shop).out == "店: 1 new\n"
    put(shop, "data/b.csv", "评价,追评内容,追评时间\n壶漏水了,换了一个好了,2026-03-01\n")
    put(shop, "data/c.csv", "评价,追评内容,商家回复\n茶很香,很好,谢谢\n")
    assert run("collect", project=shop) == Ran(
        0,
        "店: 2 new\n  data/b.csv: column '追评内容' looks like what customers added later (追评), and layout '店' leaves it out. "
        "To have it collected, name it under [[texts]] of the layout: docs/formats.md\n",
        "",
    )
    assert run("collect", project=shop).out == "店: nothing new (3 files unchanged)\n"
    (shop / "own.layout.toml").write_text(OWN + AFTER, encoding="utf-8")
    assert run("collect", project=shop).out == "店: 2 new, 3 already there\n"


def test_what_a_built_in_layout_reads_in_its_own_way_is_not_told(shop: Path) -> None:
    put(
        shop,
        "data/a.csv",
        "id,content,creationTime,score,referenceName,afterUserComment.hAfterUserComment.content\n1,好,2026-03-01,5,壶,很好\n",
    )
    assert run("collect", project=shop).out == "店: 2 new\n"
