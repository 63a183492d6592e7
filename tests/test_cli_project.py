"""A small project through the command line, from init to verify."""

import json
import re
from pathlib import Path

import pytest
from command import Ran, run
from small_project import append, write_project
from stored import dump

from feedback.project import DigestSettings, ScheduleSettings, load_project
from nlp.taxonomy import builtin_taxonomies, builtin_text


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    write_project(tmp_path)
    return tmp_path


@pytest.fixture
def marked(shop: Path) -> Path:
    assert run("collect", project=shop).code == 0
    assert run("analyze", project=shop).code == 0
    return shop


def lines(ran: Ran) -> list[str]:
    return ran.out.splitlines()


@pytest.mark.parametrize("taxonomy", builtin_taxonomies())
def test_init_makes_a_folder_that_can_be_used_at_once(tmp_path: Path, taxonomy: str) -> None:
    folder = tmp_path / "我的 店"
    ran = run("init", folder, "--taxonomy", taxonomy, "--timezone", "Asia/Tokyo")
    assert (ran.code, ran.err) == (0, "")
    assert lines(ran)[0] == f"Made {folder}/ with feedback.toml, taxonomy.toml and data/."
    assert sorted(path.name for path in folder.iterdir()) == ["data", "feedback.toml", "taxonomy.toml"]
    assert (folder / "taxonomy.toml").read_text(encoding="utf-8") == builtin_text(taxonomy)
    project = load_project(folder)
    assert (project.name, project.timezone, project.sources) == ("我的 店", "Asia/Tokyo", ())
    assert project.taxonomy == str(folder / "taxonomy.toml")
    assert (project.digest, project.schedule) == (DigestSettings(), ScheduleSettings())


def test_the_sources_shown_in_a_new_projects_settings_work_without_their_marks(tmp_path: Path) -> None:
    run("init", tmp_path / "shop")
    path = tmp_path / "shop" / "feedback.toml"
    head, _, sources = path.read_text(encoding="utf-8").partition("# [[sources]]")
    opened = re.sub(r"(?m)^# ?", "", "# [[sources]]" + sources)
    path.write_text(head + opened, encoding="utf-8")
    found = load_project(tmp_path / "shop").sources
    assert [(source.name, source.collector) for source in found] == [
        ("京东", "table"),
        ("企业微信", "chat"),
        ("问卷", "table"),
    ]


@pytest.mark.parametrize("name", ['引"号', "back\\slash", "{timezone}", "#井号"])
def test_a_folder_name_with_signs_of_toml_in_it_is_a_name_all_the_same(tmp_path: Path, name: str) -> None:
    assert run("init", tmp_path / name).code == 0
    assert load_project(tmp_path / name).timezone == "Asia/Shanghai"
    assert "{" in name or load_project(tmp_path / name).name == name


@pytest.mark.parametrize("there", ["feedback.toml", "taxonomy.toml"])
def test_init_overwrites_nothing_and_leaves_nothing_half_made(tmp_path: Path, there: str) -> None:
    (tmp_path / there).write_text("mine", encoding="utf-8")
    ran = run("init", tmp_path)
    assert ran == Ran(1, "", f"Error: {tmp_path / there} is already there; nothing was overwritten.\n")
    assert [(path.name, path.read_text(encoding="utf-8")) for path in tmp_path.iterdir()] == [(there, "mine")]


def test_init_where_a_file_stands_says_so(tmp_path: Path) -> None:
    (tmp_path / "shop").write_text("", encoding="utf-8")
    ran = run("init", tmp_path / "shop")
    assert ran == Ran(1, "", f"Error: {tmp_path / 'shop'} can't be written: Not a directory.\n")


def test_collect_says_what_came_of_each_source_and_the_second_time_that_nothing_did(shop: Path) -> None:
    first, second = run("collect", project=shop), run("collect", project=shop)
    assert first == Ran(
        0,
        "电商: 5 new, 2 rows or fields could not be used (see: feedback rejects)\n"
        "点评: 3 new\n"
        "企业微信: 4 new, 1 withdrawn\n",
        "",
    )
    assert second == Ran(
        0, "".join(f"{s}: nothing new (1 files unchanged)\n" for s in ("电商", "点评", "企业微信")), ""
    )


def test_one_source_can_be_collected_alone(shop: Path) -> None:
    assert run("collect", "--source", "点评", project=shop).out == "点评: 3 new\n"
    ran = run("collect", "--source", "天猫", project=shop)
    assert ran.err == f"Error: No source named '天猫' in {shop / 'feedback.toml'}. Known: 电商, 点评, 企业微信.\n"
    assert (ran.code, ran.out) == (1, "")


def test_a_source_that_fails_does_not_keep_the_others_from_being_read(shop: Path) -> None:
    (shop / "data" / "reviews.csv").unlink()
    ran = run("collect", project=shop)
    assert ran.code == 1
    assert ran.out == "点评: 3 new\n企业微信: 4 new, 1 withdrawn\n"
    assert ran.err == f"Error: 电商: No file or folder at {shop / 'data' / 'reviews.csv'}.\n"


def test_files_named_on_the_line_are_a_source_of_their_own(shop: Path) -> None:
    arguments = ("collect", "table", shop / "data" / "stars.csv", "--kind", "survey", "--store", "人民路店")
    assert run(*arguments, project=shop).out == "stars: 3 new\n"
    assert run(*arguments, project=shop).out == "stars: nothing new (1 files unchanged)\n"
    # Another channel is another source, unless --name says otherwise.
    assert run(*arguments, "--channel", "门店", project=shop).out == "门店: 3 new\n"
    assert run(*arguments, "--name", "stars", "--channel", "门店", project=shop).out == "stars: 0 new, 3 changed\n"
    sources = json.loads(run("status", "--json", project=shop).out)["sources"]
    assert [source["source"] for source in sources] == ["stars", "门店"]


UNUSED = [
    (
        ["--channel", "京东"],
        "Error: --channel goes with a collector and files: feedback collect table FILE --channel …",
    ),
    (["--store", "x"], "Error: --store goes with a collector and files: feedback collect table FILE --store …"),
    (
        ["table", "x.csv", "--source", "京东"],
        "Error: --source names a source of feedback.toml; leave it out when you name files yourself.",
    ),
]


@pytest.mark.parametrize("arguments, message", UNUSED)
def test_an_option_that_would_do_nothing_is_refused(shop: Path, arguments: list[str], message: str) -> None:
    ran = run("collect", *arguments, project=shop)
    assert (ran.code, ran.err.strip().split("\n")[-1]) == (2, message)


def test_analyze_says_how_much_and_the_second_time_that_there_is_nothing(shop: Path) -> None:
    run("collect", project=shop)
    first = run("analyze", project=shop)
    assert re.fullmatch(r"9 verbatims analysed, \d+ opinions found\n", first.out)
    assert run("analyze", project=shop) == Ran(0, "Nothing new to analyse.\n", "")


def test_analyze_exits_1_when_a_text_failed(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nlp.tokenizer.LONGEST_TEXT", 12)
    run("collect", project=shop)
    ran = run("analyze", project=shop)
    assert (ran.code, ran.err) == (1, "4 texts could not be analysed (see: feedback status)\n")
    assert "  Not analysable: #1: the text has 14 characters, more than 12" in lines(run("status", project=shop))


def test_search_shows_each_hit_with_its_id(marked: Path) -> None:
    ran = run("search", "太慢", "五天", project=marked)
    assert ran == Ran(0, "#1  电商 · 磨豆机 · 2026-02-24\n    物流太慢了，等了整整五天才到\n", "")
    assert run("search", "没有这回事", project=marked) == Ran(0, "Nothing found.\n", "")
    hit = json.loads(run("search", "物流", "--json", project=marked).out)
    assert hit == {
        "id": 1,
        "text": "物流太慢了，等了整整五天才到",
        "channel": "电商",
        "kind": "review",
        "role": "customer",
        "posted_at": "2026-02-24T02:00:00Z",
        "product": "磨豆机",
    }
    assert run("search", "还行", "--json", "--limit", "1", project=marked).out.count("\n") == 1
    assert run("search", "没有这回事", "--json", project=marked).out == ""


def test_a_query_that_can_not_be_understood_is_one_line(marked: Path) -> None:
    ran = run("search", "***", project=marked)
    assert ran == Ran(1, "", "Error: Nothing to search for in '***'. Type a word, for example: 物流\n")


def test_rejects_lists_what_could_not_be_used(marked: Path) -> None:
    ran = run("rejects", project=marked)
    assert lines(ran) == [
        "电商  reviews.csv:6 (stored): date unknown: '02-30': it has no year",
        "    质量太差了，再也不买",
        "电商  reviews.csv:7: the row has no text",
        "1 rows were not stored, 1 fields left out. Shown: 2.",
    ]
    rows = [json.loads(line) for line in lines(run("rejects", "--json", project=marked))]
    assert [(row["location"], row["stored"]) for row in rows] == [("reviews.csv:6", True), ("reviews.csv:7", False)]
    only = run("rejects", "--source", "点评", "--json", project=marked)
    assert only == Ran(0, "", "")


def test_status_tells_what_there_is_in_words_and_in_json(marked: Path) -> None:
    [head, *sources, waiting, rejected] = lines(run("status", project=marked))[:6]
    assert [head, waiting, rejected] == [
        f"小店  ({marked / 'feedback.db'})",
        "  Awaiting analysis: 0",
        "  Rejected: 1 rows, 1 fields (see: feedback rejects)",
    ]
    by_name = {line.split(":")[0].strip(): line for line in sources}
    assert by_name["企业微信"] == (
        "  企业微信: 2 customer verbatims, 1 context turns, 2026-02-24 … 2026-02-24; 0 copies, 0 noise, 0 without date"
    )
    assert by_name["点评"] == (
        "  点评: 3 customer verbatims, 0 context turns, no dates; 0 copies, 1 noise, 3 without date"
    )
    assert re.fullmatch(  # its last row was written "yesterday"
        r"  电商: 5 customer verbatims, 0 context turns, 2026-02-24 … 2[\d-]+; 0 copies, 0 noise, 1 without date",
        by_name["电商"],
    )
    found = json.loads(run("status", "--json", project=marked).out)
    assert (found["project"], found["awaiting_analysis"], found["failed_texts"]) == ("小店", 0, [])
    assert (found["rejected_rows"], found["rejected_fields"]) == (1, 1)
    counts = {
        s["source"]: (s["customer"], s["context"], s["copies"], s["noise"], s["undated"]) for s in found["sources"]
    }
    assert counts == {"电商": (5, 0, 0, 0, 1), "点评": (3, 0, 0, 1, 3), "企业微信": (2, 1, 0, 0, 0)}
    assert [(each["command"], each["source"], each["status"], each["added"]) for each in found["runs"]] == [
        ("analyze", None, "done", 9),
        ("collect", "企业微信", "done", 4),
        ("collect", "点评", "done", 3),
        ("collect", "电商", "done", 5),
    ]


def test_doctor_finds_a_sound_project_sound_and_names_what_is_not(marked: Path, tmp_path: Path) -> None:
    sound = run("doctor", project=marked)
    assert (sound.code, [line for line in lines(sound) if not line.startswith("ok ")]) == (0, [])
    assert {"ok  Project: 小店, 3 sources", "ok  Taxonomy: 小店 1, 1 aspects", "ok  Source 点评: 1 files"} <= set(
        lines(sound)
    )
    (marked / "data" / "stars.csv").unlink()
    (marked / "taxonomy.toml").unlink()
    ill = run("doctor", project=marked)
    assert ill.code == 1
    assert [line for line in lines(ill) if line.startswith("BAD")] == [
        f"BAD Taxonomy: No taxonomy file at {marked / 'taxonomy.toml'}.",
        f"BAD Source 点评: No file or folder at {marked / 'data' / 'stars.csv'}.",
    ]
    (marked / "feedback.toml").write_text("[projekt]", encoding="utf-8")
    broken = run("doctor", project=marked)
    assert broken.code == 1
    assert lines(broken)[-1].startswith(f"BAD Project: {marked / 'feedback.toml'}: 'projekt' is not known.")
    nowhere = run("doctor", project=tmp_path / "nowhere")
    assert (nowhere.code, lines(nowhere)[-1]) == (
        0,
        f"ok  Project: none in {tmp_path / 'nowhere'} (make one: feedback init NAME)",
    )


def test_a_digest_of_an_empty_project_says_so(shop: Path) -> None:
    without = run("digest", project=shop)
    assert without == Ran(1, "", f"Error: There is no database at {shop / 'feedback.db'} yet. Run: feedback collect\n")
    (shop / "empty.csv").write_text("user_id,comment,star_x10\n", encoding="utf-8")
    run("collect", "table", shop / "empty.csv", project=shop)
    chinese = run("digest", "--period", "2026-W09", "--format", "md", project=shop)
    assert chinese.code == 0
    assert "本周（2026年2月23日—3月1日）没有收到客户反馈，因此没有可报告的结论。" in chinese.out
    english = run("digest", "--period", "2026-W09", "--format", "md", "--lang", "en", project=shop)
    assert "no customer feedback" in english.out.lower()
    whole = json.loads(run("digest", "--period", "all", "--format", "json", project=shop).out)
    assert whole["overview"]["verbatims_raw"] == 0


def test_a_digest_is_written_in_three_forms_and_holds(marked: Path) -> None:
    ran = run("digest", "--period", "2026-W09", project=marked)
    paths = [marked / "digests" / f"2026-W09.{form}" for form in ("md", "html", "json")]
    assert ran.err == f"Written: {', '.join(map(str, paths))}\n"
    assert ran.out == paths[0].read_text(encoding="utf-8")
    assert "本周收到 5 条客户原声（有效 5 条），来自 2 个渠道。" in ran.out
    held = run("verify", paths[2], project=marked)
    assert held == Ran(0, f"{paths[2]}: every figure and quote holds.\n", "")


def test_a_digest_can_be_printed_or_written_elsewhere_in_the_form_of_the_suffix(marked: Path) -> None:
    page = marked / "deep" / "week.html"
    assert run("digest", "--period", "all", "-o", page, project=marked) == Ran(0, "", f"Written: {page}\n")
    assert page.read_text(encoding="utf-8").lower().startswith("<!doctype html")
    printed = run("digest", "--period", "all", "--format", "json", "--channel", "点评", project=marked)
    assert json.loads(printed.out)["parameters"]["channels"] == ["点评"]
    assert not (marked / "digests").exists()


def test_the_same_digest_twice_leaves_the_same_findings(marked: Path) -> None:
    run("digest", "--period", "all", project=marked)
    before = dump(marked / "feedback.db")
    run("digest", "--period", "all", project=marked)
    after = dump(marked / "feedback.db")
    assert [row[1:] for row in after.pop("findings")] == [row[1:] for row in before.pop("findings")]
    del before["evidence"], after["evidence"]  # they carry the findings' new ids
    assert after == before


def test_verify_names_a_number_that_was_changed_and_data_that_has_changed_since(marked: Path) -> None:
    run("digest", "--period", "2026-W09", project=marked)
    path = marked / "digests" / "2026-W09.json"
    text = path.read_text(encoding="utf-8")
    digest = json.loads(text)
    raw = digest["overview"]["verbatims_raw"]
    digest["overview"]["verbatims_raw"] = raw + 1
    path.write_text(json.dumps(digest, ensure_ascii=False), encoding="utf-8")
    ran = run("verify", path, project=marked)
    assert ran == Ran(
        1,
        f"overview.verbatims_raw: the digest says {raw + 1}, the database {raw}\n",
        f"{path}: 1 statements do not hold.\n",
    )
    path.write_text(text, encoding="utf-8")
    append(
        marked,
        "data/wecom.jsonl",
        json.dumps({"msgid": "r1", "action": "recall", "revoke": {"pre_msgid": "m1"}}) + "\n",
    )
    run("collect", project=marked)
    assert run("verify", path, project=marked).code == 1


def test_a_digest_that_is_none_is_one_line(marked: Path) -> None:
    gone = run("verify", marked / "gone.json", project=marked)
    assert gone == Ran(
        1, "", f"Error: There is no file {marked / 'gone.json'}. Digests are in the project's folder digests/.\n"
    )
    for content in ("", "[]", "{}", "物流", '{"parameters": 5}'):
        (marked / "bad.json").write_text(content, encoding="utf-8")
        ran = run("verify", marked / "bad.json", project=marked)
        assert (ran.code, ran.out) == (1, "")
        assert re.fullmatch(r"Error: [^\n]+\n", ran.err)


def test_a_period_that_is_none_lists_the_forms(marked: Path) -> None:
    ran = run("digest", "--period", "fortnight", project=marked)
    assert (ran.code, ran.out) == (1, "")
    assert ran.err == (
        "Error: No period 'fortnight'. Write day, week, month, quarter, all, 2026-W09, 2026-Q1, 2026-02, 2026-02-23 "
        "or 2026-02-23..2026-03-01.\n"
    )


def test_schedule_status_tells_when_the_next_digest_is_due(marked: Path) -> None:
    ran = run("schedule", "status", project=marked)
    assert ran.code == 0
    assert re.fullmatch(r"Next: \d{4}-\d\d-\d\d 08:30 CST", lines(ran)[0])
    assert lines(ran)[1] == "Targets: none (set send_to under [digest] in feedback.toml)"
    assert len(lines(ran)) == 6


def test_commands_that_list_print_json_that_parses(marked: Path) -> None:
    for arguments in (["search", "好"], ["rejects"], ["taxonomy", "list"]):
        for line in lines(run(*arguments, "--json", project=marked)):
            assert isinstance(json.loads(line), dict)
    for arguments in (["status"], ["taxonomy", "check"]):
        assert isinstance(json.loads(run(*arguments, "--json", project=marked).out), dict)


def test_a_digest_that_can_not_be_written_is_one_line(marked: Path) -> None:
    (marked / "file").write_text("", encoding="utf-8")
    ran = run("digest", "--period", "all", "-o", marked / "file" / "week.md", project=marked)
    assert ran == Ran(1, "", f"Error: {marked / 'file' / 'week.md'} can't be written: File exists.\n")
    (marked / "digests").write_text("", encoding="utf-8")
    ran = run("digest", "--period", "all", project=marked)
    assert (ran.code, ran.out) == (1, "")
    assert ran.err == f"Error: {marked / 'digests' / 'all.md'} can't be written: File exists.\n"
