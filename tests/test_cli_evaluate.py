"""feedback evaluate, through the command line: tables, JSON, and what is kept in a project."""

import json
import sqlite3
from pathlib import Path

import pytest
from click.testing import CliRunner
from parrot import Parrot, gold

from feedback.cli import cli

PROJECT = '[project]\nname = "小店"\n'


@pytest.fixture
def parrot(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("feedback.cli.evaluate.load_engine", lambda _name, _sentiment=None: Parrot())


def run(folder: Path, *arguments: str) -> str:
    result = CliRunner().invoke(cli, ["--project", str(folder), "evaluate", *arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.stderr
    return result.stdout


def stored(folder: Path) -> list[tuple[str, float]]:
    connection = sqlite3.connect(folder / "feedback.db")
    try:
        found = connection.execute("select gold, value from evaluations where metric = 'accuracy' order by 1, 2")
        return found.fetchall()
    finally:
        connection.close()


@pytest.mark.usefixtures("parrot")
def test_the_tables_are_aligned_by_what_a_terminal_shows(tmp_path: Path) -> None:
    path = gold(
        tmp_path,
        {"text": "positive 1", "sentiment": "positive", "source": "美团外卖"},
        {"text": "neutral", "sentiment": "positive", "source": "jd\x1b[31m"},
        {"text": "neutral", "sentiment": "neutral", "source": "美团外卖"},
        {"text": "neutral"},
    )
    assert run(tmp_path, str(path)) == (
        "gold.jsonl: 4 texts, engine parrot 1\n"
        "\n"
        "sentiment: 3 texts, 1 without a label left out\n"
        "  accuracy           0.667  [0.208, 0.939]\n"
        "  macro-F1           0.667  [0.250, 1.000]\n"
        "  calibration error  0.333  (by chance alone up to 0.000)\n"
        "\n"
        "  class     precision  recall     F1  n\n"
        "  neutral       0.500   1.000  0.667  1\n"
        "  positive      1.000   0.500  0.667  2\n"
        "\n"
        "  source    accuracy  95 %            n\n"
        "  美团外卖     1.000  [0.342, 1.000]  2\n"
        "  jd�[31m      0.000  [0.000, 0.793]  1\n"
        "\n"
        "  gold \\ said  neutral  positive\n"
        "  neutral            1         0\n"
        "  positive           1         1\n"
    )


@pytest.mark.usefixtures("parrot")
def test_json_says_all_that_the_tables_say(tmp_path: Path) -> None:
    path = gold(tmp_path, {"text": "neutral", "stage": "none", "src": "京东"}, {"text": "neutral", "stage": "none"})
    said = json.loads(run(tmp_path, str(path), "--json"))
    (stage,) = said.pop("fields")
    assert said == {"gold": "gold.jsonl", "engine": "parrot", "engine_version": "1", "texts": 2}
    assert (stage["field"], stage["n"], stage["unlabelled"]) == ("stage", 2, 0)
    assert stage["macro_f1"] == {"value": 1.0, "low": None, "high": None, "n": 2}
    assert stage["calibration_error"] == {"value": 0.0, "low": None, "high": None, "n": 2}
    assert stage["error_by_chance"] == 0.0
    assert stage["confusion"]["none"]["none"] == 2
    assert [(s["source"], s["accuracy"]["n"]) for s in stage["sources"]] == [("(no source)", 1), ("京东", 1)]
    assert stage["classes"][0] == {"label": "awareness", "precision": None, "recall": None, "f1": None}


@pytest.mark.usefixtures("parrot")
def test_inside_a_project_the_figures_are_kept_once_and_outside_none_are(tmp_path: Path) -> None:
    path = gold(tmp_path, {"text": "neutral", "stage": "none"})
    run(tmp_path, str(path))
    assert not (tmp_path / "feedback.db").exists()

    (tmp_path / "feedback.toml").write_text(PROJECT, encoding="utf-8")
    run(tmp_path, str(path), "--no-save")
    assert not (tmp_path / "feedback.db").exists()

    run(tmp_path, str(path))
    run(tmp_path, str(path))
    assert stored(tmp_path) == [("gold.jsonl", 1.0)]


@pytest.mark.usefixtures("parrot")
def test_golds_of_one_name_in_two_folders_of_a_project_are_kept_apart(tmp_path: Path) -> None:
    (tmp_path / "feedback.toml").write_text(PROJECT, encoding="utf-8")
    for name, truth in (("hotel", "none"), ("shop", "loyalty")):
        (tmp_path / name).mkdir()
        run(tmp_path, str(gold(tmp_path / name, {"text": "neutral", "stage": truth})))
    assert stored(tmp_path) == [("hotel/gold.jsonl", 1.0), ("shop/gold.jsonl", 0.0)]


@pytest.mark.usefixtures("parrot")
def test_to_save_without_a_project_is_an_error(tmp_path: Path) -> None:
    path = gold(tmp_path, {"text": "neutral", "stage": "none"})
    result = CliRunner().invoke(cli, ["-p", str(tmp_path), "evaluate", str(path), "--save"])
    assert result.exit_code == 1
    assert str(result.exception).startswith("No feedback.toml in ")


def test_the_engine_that_ships_is_measured_when_none_is_named(tmp_path: Path) -> None:
    path = gold(
        tmp_path,
        {"text": "物流太慢了，等了六天", "label": "negative"},
        {"text": "很好吃，还会再来", "label": "positive"},
    )
    said = json.loads(run(tmp_path, str(path), "--json"))
    assert said["engine"] == "auto"
    assert [each["accuracy"]["value"] for each in said["fields"]] == [1.0, 1.0]
