"""`feedback taxonomy`: what is amiss in a taxonomy, and what it finds in a project's texts. All texts are made up."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from build_project_db import Piece, Said, add
from click.testing import CliRunner

from feedback.cli import cli
from feedback.taxonomy_check import AspectUse, Coverage, Use, check_taxonomy, use_of
from nlp.taxonomy import Aspect, Taxonomy, builtin_taxonomies, builtin_text, load_taxonomy
from storage.store import Store
from storage.texts import CustomerText, count_customer_texts, customer_texts

PROJECT = '[project]\nname = "小店"\n[analysis]\ntaxonomy = "taxonomy.toml"\n'
TOML = """name = "shop"
version = "1"
title = { zh = "小店", en = "Shop" }
[[aspects]]
name = "物流"
en = "Delivery"
stage = "purchase"
touchpoint = "配送"
terms = ["快递", "物流"]
[[aspects]]
name = "包装"
en = "Packaging"
stage = "purchase"
touchpoint = "配送"
terms = ["包装", "盒"]
"""


def aspect(name: str, *terms: str, opinions: tuple[str, ...] = (), excludes: tuple[str, ...] = ()) -> Aspect:
    return Aspect(name, name, "purchase", "配送", terms, opinions, excludes)


def taxonomy(*aspects: Aspect) -> Taxonomy:
    return Taxonomy("shop", "1", "小店", "Shop", aspects, "0")


def said(*aspects: Aspect) -> list[str]:
    return [f"{p.level} {p.kind}: {p.message}" for p in check_taxonomy(taxonomy(*aspects))]


def use(found: Taxonomy, *texts: str | tuple[str, bool], words: tuple[str, ...] = ()) -> Use:
    rows = [
        CustomerText(text, True, n) if isinstance(text, str) else CustomerText(*text, n) for n, text in enumerate(texts)
    ]
    return use_of(found, words, rows, lambda _what, _more: None)


@pytest.mark.parametrize(
    "aspects, problems",
    [
        ((aspect("物流", "快递", "物流"), aspect("包装", "包装", "盒子")), []),
        (
            (aspect("物流", "快递"), aspect("包装", "盒子", opinions=("快递",))),
            ["error overlap: '快递' stands under 物流 and 包装; only 物流 gets it."],
        ),
        (
            (aspect("物流", "快遞"), aspect("包装", "快递")),
            ["error overlap: '快递' stands under 物流 and 包装; only 物流 gets it."],
        ),
        (
            (aspect("物流", "快递", excludes=("物流箱", "快递箱")), aspect("包装", "快递箱")),
            [
                "error excluded: '快递箱' is excluded under 物流 and a word of 包装, which never gets it.",
                "warning idle_exclude: The exclude '物流箱' of 物流 holds no word of the taxonomy and does nothing.",
                "note inside: '快递箱' of 包装 holds '快递' of 物流; the longer one counts.",
            ],
        ),
        (
            (aspect("物流", "快递", excludes=("快递",)),),
            ["error excluded: '快递' is excluded under 物流 and a word of 物流, which never gets it."],
        ),
        (
            (aspect("口碑", "值得", excludes=("值得表扬",)), aspect("服务", "表扬")),
            ["warning hidden: The exclude '值得表扬' of 口碑 hides '表扬' of 服务 inside it."],
        ),
        (
            (aspect("价格", "价", excludes=("代价",)), aspect("时间", "代")),
            [
                "note one_character: '价' of 价格 is one character and counts only where it is a word of its own.",
                "note one_character: '代' of 时间 is one character and counts only where it is a word of its own.",
            ],
        ),
        (
            (aspect("应用", "app", "APP", "卡", "卡"),),
            [
                "warning repeated: 'APP' stands twice under 应用 (as 'app': case, width and traditional forms are one).",
                "warning repeated: '卡' stands twice under 应用.",
                "note one_character: '卡' of 应用 is one character and counts only where it is a word of its own.",
                "note one_character: '卡' of 应用 is one character and counts only where it is a word of its own.",
            ],
        ),
        (
            (aspect("物流", "快递 "),),
            ["warning blank: '快递 ' of 物流 begins or ends with a blank and is found only with it."],
        ),
        (
            (aspect("物流", "快递"), aspect("包装", "快递盒", "盒子")),
            ["note inside: '快递盒' of 包装 holds '快递' of 物流; the longer one counts."],
        ),
    ],
)
def test_each_kind_of_problem_is_told_with_the_words_and_aspects_it_is_about(
    aspects: tuple[Aspect, ...], problems: list[str]
) -> None:
    assert said(*aspects) == problems


def test_a_word_that_stands_twice_in_one_string_object_is_still_told() -> None:
    word = "快递"
    assert said(aspect("物流", word, word)) == ["warning repeated: '快递' stands twice under 物流."]


def test_problems_name_the_other_word_and_aspect_as_data() -> None:
    (problem,) = check_taxonomy(taxonomy(aspect("物流", "快遞"), aspect("包装", "快递")))
    assert (problem.aspect, problem.word, problem.other_aspect, problem.other_word) == ("包装", "快递", "物流", "快遞")


@pytest.mark.parametrize("name", builtin_taxonomies())
def test_the_built_in_taxonomies_have_neither_errors_nor_warnings(name: str) -> None:
    assert [p.message for p in check_taxonomy(load_taxonomy(name)) if p.level != "note"] == []


def test_use_counts_texts_segments_and_aspects_and_finds_dead_words() -> None:
    found = taxonomy(aspect("物流", "快递", "物流", "顺丰"), aspect("包装", "盒", "纸箱"), aspect("发票", "发票"))
    counted = use(
        found,
        "快遞很快，盒子也没破。客服太差了",
        "物流太慢了！快递员态度不好。",
        "非常好",
        ("顺丰发货，客服太差了", False),
        ("坏\x00字", True),
    )
    assert counted == Use(
        every=Coverage(verbatims=4, mentioning_verbatims=3, segments=8, mentioning_segments=4),
        effective=Coverage(verbatims=3, mentioning_verbatims=2, segments=6, mentioning_segments=3),
        aspects=(
            AspectUse("物流", verbatims=2, segments=3, words=3, dead=()),
            # "盒" is not a word of its own in "盒子".
            AspectUse("包装", verbatims=0, segments=0, words=2, dead=("盒", "纸箱")),
            AspectUse("发票", verbatims=0, segments=0, words=1, dead=("发票",)),
        ),
        unheard=counted.unheard,
        unusable=1,
    )
    assert dict(counted.unheard) == {"太差": 1, "非常好": 1}


def test_dead_words_are_told_as_they_are_written_and_each_once() -> None:
    counted = use(taxonomy(aspect("应用", "APP", "app", "續航")), "还行吧")
    assert counted.aspects == (AspectUse("应用", 0, 0, 2, ("APP", "續航")),)


def test_the_project_s_own_words_decide_what_a_single_character_is() -> None:
    found = taxonomy(aspect("价格", "价"))
    assert use(found, "这个价 可以").aspects[0].dead == ()
    assert use(found, "这个价 可以", words=("这个价",)).aspects[0].dead == ("价",)


def test_the_order_of_texts_and_their_number_in_a_batch_change_nothing() -> None:
    found = load_taxonomy("retail")
    texts = [f"快递{n}天才到，盒子太丑。真心不错，{'太差了' if n % 3 else '很好'}" for n in range(1200)]
    counts: list[int] = []
    rows = [CustomerText(text, n % 5 > 0, n) for n, text in enumerate(texts)]
    forwards = use_of(found, (), rows, lambda _what, more: counts.append(more))
    assert use_of(found, (), reversed(rows), lambda _what, _more: None) == forwards
    assert counts == [500, 500, 200]
    assert forwards.effective.verbatims == 960


def test_only_what_customers_wrote_is_read_whatever_its_number(tmp_path: Path) -> None:
    with Store.open(tmp_path / "feedback.db") as store:
        with store.transaction() as connection:
            for n in range(2005):
                add(connection, Said((Piece(f"第{n}条"),)))
            for other in (
                Said((Piece("客服说"),), role="agent"),
                Said((Piece(""),)),
                Said((Piece("抄来的"),), noise="copied_template"),
                Said((Piece("第0条"),), duplicate_of=1),
            ):
                add(connection, other)
        found = list(customer_texts(store.connection))
        assert count_customer_texts(store.connection) == len(found) == 2007
    assert found[0][:2] == ("第0条", True)
    assert [each[:2] for each in found[2004:]] == [("第2004条", True), ("抄来的", False), ("第0条", False)]


def run(folder: Path, *arguments: str, exit_code: int = 0) -> str:
    result = CliRunner().invoke(cli, ["--project", str(folder), "taxonomy", *arguments], catch_exceptions=False)
    assert result.exit_code == exit_code, result.stderr
    return result.stdout


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    (tmp_path / "feedback.toml").write_text(PROJECT, encoding="utf-8")
    (tmp_path / "taxonomy.toml").write_text(TOML, encoding="utf-8")
    return tmp_path


def collect(shop: Path, *said: Said) -> None:
    with Store.open(shop / "feedback.db") as store, store.transaction() as connection:
        for one in said:
            add(connection, one)


def test_list_names_every_built_in_taxonomy_with_its_titles(tmp_path: Path) -> None:
    rows = [json.loads(line) for line in run(tmp_path, "list", "--json").splitlines()]
    assert [row["name"] for row in rows] == builtin_taxonomies()
    hotel = load_taxonomy("hotel")
    words = sum(len(a.terms) + len(a.opinions) for a in hotel.aspects)
    assert rows[2] == {
        "name": "hotel",
        "title_zh": "酒店住宿",
        "title_en": "Hotels",
        "version": hotel.version,
        "aspects": len(hotel.aspects),
        "words": words,
    }
    assert f"hotel       酒店住宿  Hotels                    {len(hotel.aspects)} aspects  {words:,} words" in run(
        tmp_path, "list"
    )


def test_show_prints_the_file_itself(tmp_path: Path) -> None:
    assert run(tmp_path, "show", "auto") == builtin_text("auto")


def test_check_tells_coverage_and_dead_words_of_the_project_s_own_data(shop: Path) -> None:
    collect(
        shop, Said((Piece("快递太慢了"),)), Said((Piece("颜色不错"),)), Said((Piece("快递太慢了"),), duplicate_of=1)
    )
    assert run(shop, "check") == (
        "shop 1 (小店): 2 aspects, 4 words\n"
        "0 errors, 0 warnings, 1 note\n"
        "  note: single characters count only where they are words of their own: 盒\n"
        "\n"
        "Customer verbatims that mention an aspect:\n"
        "                            verbatims         segments\n"
        "  all                          2 of 3  66.7%    2 of 3  66.7%\n"
        "  without noise and copies     1 of 2  50.0%    1 of 2  50.0%\n"
        "\n"
        "aspect  verbatims  share  words  dead  words that occur in no verbatim\n"
        "物流            1  50.0%      2     1  物流\n"
        "包装            0   0.0%      2     2  包装、盒\n"
        "\n"
        "Judging words most frequent where no aspect is mentioned:\n"
        "  不错 1\n"
    )


def test_check_says_the_same_as_json(shop: Path) -> None:
    collect(shop, Said((Piece("快递太慢了"),)))
    found = json.loads(run(shop, "check", "--json"))
    assert (found["taxonomy"], found["version"]) == ("shop", "1")
    assert found["problems"] == [
        {
            "level": "note",
            "kind": "one_character",
            "aspect": "包装",
            "word": "盒",
            "message": "'盒' of 包装 is one character and counts only where it is a word of its own.",
            "other_aspect": None,
            "other_word": None,
        }
    ]
    assert found["use"]["every"] == {
        "verbatims": 1,
        "mentioning_verbatims": 1,
        "segments": 1,
        "mentioning_segments": 1,
    }
    assert found["use"]["aspects"][1] == {
        "aspect": "包装",
        "verbatims": 0,
        "segments": 0,
        "words": 2,
        "dead": ["包装", "盒"],
    }


def test_an_overlap_exits_1_and_a_warning_does_not(shop: Path) -> None:
    file = shop / "taxonomy.toml"
    file.write_text(TOML.replace('"盒"', '"盒子", "盒子"'), encoding="utf-8")
    assert "  warning: '盒子' stands twice under 包装.\n" in run(shop, "check")
    file.write_text(TOML.replace('"盒"', '"快递"'), encoding="utf-8")
    assert "  error: '快递' stands under 物流 and 包装; only 物流 gets it.\n" in run(shop, "check", exit_code=1)


@pytest.mark.parametrize(
    "collected, said",
    [
        (False, "Not checked against texts: there is no project database here.\n"),
        (True, "Not checked against texts: the project holds none yet. Run: feedback collect\n"),
    ],
)
def test_a_check_without_texts_says_so(shop: Path, collected: bool, said: str) -> None:
    if collected:
        collect(shop, Said(role="agent"))
    assert run(shop, "check").endswith(f"\n\n{said}")


def test_outside_a_project_a_named_taxonomy_is_checked_in_itself_and_none_is_guessed(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(TOML, encoding="utf-8")
    assert run(tmp_path, "check", str(file)).startswith("shop 1 (小店): 2 aspects, 4 words\n0 errors")
    assert json.loads(run(tmp_path, "check", "auto", "--json"))["use"] is None
    result = CliRunner().invoke(cli, ["--project", str(tmp_path), "taxonomy", "check"])
    assert result.exit_code == 1
    assert str(result.exception).startswith("No feedback.toml in ")


def test_a_named_taxonomy_is_tried_on_the_project_s_texts(shop: Path) -> None:
    collect(shop, Said((Piece("屏幕碎了"),)))
    assert run(shop, "check", "telecom").startswith("telecom 1.0 (电信运营)")
    mine = replace(load_taxonomy(str(shop / "taxonomy.toml")), aspects=(aspect("屏幕", "屏幕"),))
    assert use(mine, "屏幕碎了").every.mentioning_verbatims == 1
