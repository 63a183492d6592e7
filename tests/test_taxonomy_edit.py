"""`feedback taxonomy suggest`, `accept` and `lint`: what the taxonomy has no word for, and what a new word changes. All texts are made up."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from command import run
from stored import add, analysis, incoming, new_store, rows

from feedback import taxonomy_edit
from feedback.project import load_project
from feedback.taxonomy_edit import raised
from nlp.config import PipelineConfig, pipeline_version
from nlp.taxonomy import load_taxonomy
from storage.errors import DatabaseLocked
from storage.marks import save_analyses
from storage.records import OpenMention, Segment

TAXONOMY = """# 小店的方面
name = "small"
version = "1.9"
title = { zh = "小店", en = "Small shop" }

[[aspects]]
name = "物流"  # 送货的一切
en = "Delivery"
stage = "purchase"
touchpoint = "快递"
terms = ["物流"]

[[aspects]]
name = "做工"
en = "Make"
stage = "engagement"
touchpoint = "使用"
terms = [
  "做工",
  "接缝",
]
"""
SAID = ["接粉口漏粉", "接粉口松", "接粉口很紧", "接粉口好看", "盖子盖不上", "物流慢", "盖子裂了", "盖子掉漆"]


class Nearness:
    """ "接粉口" and what begins like it mean "做工"; all else means "物流"."""

    version = "1"

    def embed(self, texts: list[str]) -> np.ndarray:
        return np.array([(0.8, 0.6) if text[0] in "接做" else (0.0, 1.0) for text in texts], dtype=np.float32)


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "taxonomy.toml").write_text(TAXONOMY, encoding="utf-8")
    (tmp_path / "feedback.toml").write_text(
        '[project]\nname = "shop"\n[analysis]\nengine = "fast"\ntaxonomy = "taxonomy.toml"\n', encoding="utf-8"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(taxonomy_edit, "load_embedder", lambda _engine: Nearness())
    with new_store(tmp_path) as store:
        add(store, *(incoming(text, f"r{n}") for n, text in enumerate(SAID)))
        with store.transaction() as connection:
            version = pipeline_version(PipelineConfig(taxonomy=str(tmp_path / "taxonomy.toml"), engine="fast"))
            save_analyses(
                connection, version, [analysis(connection, n + 1, _judged(text)) for n, text in enumerate(SAID)]
            )
    return tmp_path


def _judged(text: str) -> Segment:
    """A segment in which the first words are judged by the rest."""
    end = 3 if text.startswith("接粉口") else 2
    polarity = "negative" if text[0] == "盖" else "positive"
    said = OpenMention(text[:end], 0, end, text[end:], end, len(text), polarity)
    open_mentions = () if text.startswith("物流") else (said,)
    marks = ("engagement", 0.9, polarity, 0.0, 0.9, "statement", 0.9)
    return Segment(0, len(text), *marks, open_mentions=open_mentions)  # type: ignore[arg-type]


@pytest.mark.usefixtures("shop")
def test_what_is_judged_most_is_suggested_first_with_quotes_and_the_nearest_aspect() -> None:
    ran = run("taxonomy", "suggest", "--quotes", "1")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.splitlines() == [
        "盖子  3 opinions, 3 negative; nearest: 物流 (1.00)",
        "    #8 盖子掉漆",
        "接粉口  4 opinions, 0 negative; nearest: 做工 (1.00)",
        "    #4 接粉口好看",
    ]
    [first, _] = map(json.loads, run("taxonomy", "suggest", "--json").out.splitlines())
    assert (first["term"], first["nearest"], len(first["quotes"])) == ("盖子", "物流", 2)


def test_an_accepted_term_stands_in_the_file_and_only_what_holds_it_is_marked_anew(shop: Path) -> None:
    ran = run("taxonomy", "accept", " 接粉口 ", "--aspect", "做工")
    assert ran.out.splitlines() == [
        "'接粉口' is a word of '做工' now; the taxonomy is version 1.10.",
        "4 verbatims hold it and will be marked anew by: feedback analyze",
    ]
    written = (shop / "taxonomy.toml").read_text(encoding="utf-8")
    assert written.startswith("# 小店的方面\n")
    assert "# 送货的一切" in written
    aspect = load_taxonomy(str(shop / "taxonomy.toml")).aspect("做工")
    assert aspect is not None
    assert aspect.terms == ("做工", "接缝", "接粉口")
    assert run("analyze").out == "4 verbatims analysed, 4 opinions found\n"
    with new_store(shop) as store:
        assert rows(store.connection, "select distinct aspect, term from mentions") == [("做工", "接粉口")]
        kept = rows(store.connection, "select count(*) from open_mentions where term = '盖子'")
    assert kept == [(3,)]
    assert "接粉口" not in run("taxonomy", "suggest").out


@pytest.mark.parametrize(
    ("term", "aspect", "message"),
    [
        ("盖子", "包装", "No aspect '包装'. Known: 物流, 做工."),
        ("物流", "做工", "'物流' is a word of the aspect '物流' already."),
        ("  ", "做工", "A term has 1 to 40 characters that can be seen."),
    ],
)
def test_what_can_not_be_accepted_changes_nothing(shop: Path, term: str, aspect: str, message: str) -> None:
    ran = run("taxonomy", "accept", term, "--aspect", aspect)
    assert (ran.code, ran.err) == (1, f"Error: {message}\n")
    assert (shop / "taxonomy.toml").read_text(encoding="utf-8") == TAXONOMY


def test_the_form_of_the_file_stays(shop: Path) -> None:
    real = shop / "real.toml"
    (shop / "taxonomy.toml").rename(real)
    real.write_bytes(b"\xef\xbb\xbf" + TAXONOMY.replace("\n", "\r\n").encode())
    real.chmod(0o600)
    (shop / "taxonomy.toml").symlink_to(real)
    (shop / "taxonomy.new").write_text("mine", encoding="utf-8")
    assert run("taxonomy", "accept", "盖子", "--aspect", "做工").code == 0
    assert (shop / "taxonomy.toml").is_symlink()
    assert real.stat().st_mode & 0o777 == 0o600
    written = real.read_bytes()
    assert written.count(b"\r\n") >= TAXONOMY.count("\n") - 1
    assert (shop / "taxonomy.new").read_text(encoding="utf-8") == "mine"
    assert sorted(path.name for path in shop.glob(".taxonomy-*")) == []


def test_a_locked_database_leaves_the_file_as_it_is(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("storage.store._WAIT_SECONDS", 0.1)
    with closing(sqlite3.connect(shop / "feedback.db", isolation_level=None)) as other:
        other.execute("begin immediate")
        with new_store(shop) as store:
            store.connection.execute("pragma busy_timeout = 100")
            with pytest.raises(DatabaseLocked):
                taxonomy_edit.accept(store, load_project(shop), "盖子", "做工")
    assert (shop / "taxonomy.toml").read_text(encoding="utf-8") == TAXONOMY


def test_a_built_in_taxonomy_is_not_written_to(shop: Path) -> None:
    settings = (shop / "feedback.toml").read_text(encoding="utf-8")
    (shop / "feedback.toml").write_text(settings.replace('"taxonomy.toml"', '"retail"'), encoding="utf-8")
    ran = run("taxonomy", "accept", "盖子", "--aspect", "做工")
    assert ran.code == 1
    assert ran.err.startswith("Error: The project uses the built-in taxonomy 'retail'. To have one of your own:")


def test_nothing_to_suggest_is_said(shop: Path) -> None:
    with new_store(shop) as store, store.transaction() as connection:
        connection.execute("delete from open_mentions")
    assert run("taxonomy", "suggest").out.startswith("Nothing to suggest")


@pytest.mark.usefixtures("shop")
def test_a_word_is_tried_before_it_is_taken() -> None:
    out = run("taxonomy", "lint", "--word", "接粉口", "--limit", "1").out.splitlines()
    assert out[0] == "4 verbatims hold '接粉口'; 2 would be cut otherwise, 0 would have other mentions"
    assert out[1:] == ["  #2  接粉/口松  →  接粉口/松"]
    assert run("taxonomy", "lint", "--word", "没有的词").out.startswith("0 verbatims hold")


def test_a_word_that_changes_mentions_says_which(shop: Path) -> None:
    text = TAXONOMY.replace('terms = ["物流"]', 'terms = ["慢"]')
    (shop / "taxonomy.toml").write_text(text, encoding="utf-8")
    assert run("taxonomy", "lint", "--word", "物流慢").out.splitlines() == [
        "1 verbatims hold '物流慢'; 1 would be cut otherwise, 1 would have other mentions",
        "  #6  物流/慢  →  物流慢",
        "      - 物流: 慢",
    ]


@pytest.mark.parametrize(("version", "following"), [("1.9", "1.10"), ("3", "4"), ("spring", "spring.1")])
def test_versions_go_up_by_one(version: str, following: str) -> None:
    assert raised(version) == following
