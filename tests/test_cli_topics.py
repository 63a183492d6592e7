"""`feedback topics` as people type it, on a small project with embeddings made for the purpose."""

import json
from pathlib import Path

import pytest
from command import run
from stored import add, incoming, new_store
from topic_texts import ThemeEmbedder, text_of

from feedback.topics import find as finding

SETTINGS = '[project]\nname = "shop"\n[analysis]\nengine = "fast"\n'


# What pytest makes is a folder that the commands run in, which most tests need not name.
# ruff: noqa: ARG001


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "feedback.toml").write_text(SETTINGS, encoding="utf-8")
    monkeypatch.setattr(finding, "load_embedder", lambda _engine: ThemeEmbedder(spread=0.2))
    monkeypatch.chdir(tmp_path)
    with new_store(tmp_path) as store:
        days = [f"2026-0{1 + n // 28}-{n % 28 + 1:02}T04:00:00Z" for n in range(56)]
        said = [(text_of("delivery", n), days[n % 56]) for n in range(60)]
        said += [(text_of("screen", n), "2026-02-27T04:00:00Z") for n in range(40)]
        said += [(f"随便说说{n}", days[n % 56]) for n in range(4)]
        add(store, *(incoming(text, f"r{n}", posted_at=at) for n, (text, at) in enumerate(said)))
    return tmp_path


@pytest.fixture
def found(shop: Path) -> Path:
    assert run("analyze").code == 0
    assert run("topics", "find").code == 0
    return shop


def test_before_analysis_there_is_nothing_to_find(shop: Path) -> None:
    assert run("topics", "find").out == "There are no opinions yet. Run: feedback analyze\n"
    assert run("topics", "list").out == "There are no topics yet. Run: feedback topics find\n"


def test_alone_it_finds_and_lists(shop: Path) -> None:
    run("analyze")
    ran = run("topics")
    assert (ran.code, ran.err) == (0, "")
    first, *lines = ran.out.splitlines()
    assert first.endswith("; 2 topics")
    assert lines[0].startswith("new: ")
    assert any("物流" in line and "% negative" in line for line in lines)
    assert "opinions belong to a topic" in lines[-1]
    assert "feedback topics unassigned" in lines[-1]


def test_a_second_run_says_that_nothing_changed(found: Path) -> None:
    assert run("topics", "find").out.splitlines()[-1] == "Nothing changed."


def test_coverage_is_always_said_and_what_is_left_can_be_read(found: Path) -> None:
    rest = run("topics", "unassigned").out
    assert "随便说说" in rest
    shares = [json.loads(line)["share"] for line in run("topics", "list", "--json").out.splitlines()]
    assert len(shares) == 2
    assert 0.8 < sum(shares) < 1


def test_a_topic_is_shown_with_quotes(found: Path) -> None:
    out = run("topics", "show", "1", "--quotes", "2").out
    assert out.count("  #") == 2
    assert "with copies and noise" in out


def test_topics_can_be_edited_and_their_history_read(found: Path) -> None:
    one, two = (json.loads(line)["label"] for line in run("topics", "list", "--json").out.splitlines())
    assert run("topics", "rename", "1", "配送").out.endswith("→ 配送\n")
    assert run("topics", "pin", "配送").out == "Topic 1 (配送): pinned\n"
    assert run("topics", "hide", "2").out == f"Topic 2 ({two}): hidden\n"
    listed = run("topics", "list").out
    assert "配送 (pinned)" in listed
    assert "hidden: 1 topics" in listed
    assert f"{two} (hidden)" in run("topics", "list", "--all").out
    assert run("topics", "unhide", "2").code == run("topics", "unpin", "1").code == 0
    assert run("topics", "merge", "2", "--into", "配送").out == "1 merged into topic 1 (配送)\n"
    told = run("topics", "history").out
    assert [line.split("  ")[1].partition(":")[0] for line in told.splitlines()] == [
        *("merged", "unpinned", "shown again", "hidden", "pinned", "renamed", "new", "new"),
    ]
    assert run("topics", "history", "2").out.count("\n") == 4
    assert run("topics", "show", "2").err == f"Error: Topic 2 ({two}) is merged. See: feedback topics history 2\n"
    parts = run("topics", "split", "配送").out.splitlines()
    assert len(parts) >= 2
    assert one != two


def test_what_rises_is_told_with_what_was_expected(found: Path) -> None:
    out = run("topics", "rising", "--until", "2026-02-28").out.splitlines()
    assert out[0] == "2026-02-22 to 2026-02-28 against the same days of 8 earlier weeks"
    assert any("屏幕" in line and "new" in line for line in out[1:])
    rows = [json.loads(line) for line in run("topics", "rising", "--until", "2026-02-28", "--json").out.splitlines()]
    assert rows[0]["series"]["now"] > rows[0]["expected"]


def test_without_earlier_weeks_nothing_is_claimed(found: Path) -> None:
    out = run("topics", "rising", "--until", "2026-01-10").out
    assert "That takes 4 earlier weeks" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("show", "77"), "Error: No topic '77'. See: feedback topics list\n"),
        (("rename", "1", ""), "Error: A label has 1 to 40 characters that can be seen.\n"),
    ],
)
def test_mistakes_are_said_in_a_line(found: Path, arguments: tuple[str, ...], message: str) -> None:
    ran = run("topics", *arguments)
    assert (ran.code, ran.err) == (1, message)


def test_noise_makes_no_topic_and_divides_nothing_by_nothing(shop: Path) -> None:
    with new_store(shop) as store, store.transaction() as connection:
        connection.execute("update verbatims set noise = 'default_review'")
    run("analyze")
    assert run("topics", "find").out == "There are no opinions yet. Run: feedback analyze\n"
    assert run("topics", "list").code == run("topics", "list", "--json").code == 0


def test_opinions_that_came_since_are_told(found: Path) -> None:
    with new_store(found) as store:
        add(store, *(incoming(text_of("delivery", n), f"new{n}") for n in range(200, 207)))
    run("analyze")
    told = "7 opinions were analysed since and are not placed yet. Run: feedback topics find\n"
    assert run("topics", "list").err == run("topics", "rising").err == told
    assert run("topics", "find").out.splitlines()[-1] == "No topic changed."
    assert run("topics", "list").err == ""
