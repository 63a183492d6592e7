"""What is stored of the hub of Formbricks, whose records come one by one, in files of which some are put away. All words are made up."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from command import run
from formbricks_shop import a_field

SETTINGS = '[[sources]]\nname = "hub"\ncollector = "formbricks"\npaths = ["data"]\n'
WHY = a_field("why", "text", value_text="送货快", field_label="为什么", user_id="u1")
LIKELY = a_field("likely", "nps", value_number=9, collected_at="2026-03-02T02:00:00Z", user_id="u1")
PLEASED = a_field("pleased", "csat", value_number=4, collected_at="2026-03-03T02:00:00Z")
STARS = a_field("stars", "rating", value_number=3, collected_at="2026-03-04T02:00:00Z")
ALL = [
    ("r1", "", "2026-03-01T02:00:00Z", ["csat 4", "nps 9", "star 3"]),
    ("r1/why", "送货快", "2026-03-01T02:00:00Z", []),
]

Stored = list[tuple[str, str, str, list[str]]]


class Hub:
    """A project that collects what is saved in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.data = folder, folder / "data"
        self.data.mkdir()
        self.settings = folder / "feedback.toml"
        self.settings.write_text(SETTINGS, encoding="utf-8")

    def save(self, name: str, *told: object) -> Path:
        path = self.data / name
        path.write_text("\n".join(json.dumps(each, ensure_ascii=False) for each in told), encoding="utf-8")
        return path

    def collect(self, *options: str) -> str:
        ran = run("collect", "--source", "hub", *options, project=self.folder)
        assert (ran.code, ran.err) == (0, "")
        return ran.out.splitlines()[0]

    def load(self, *told: object) -> str:
        return self.collect("--load", str(self.save("loaded.json", *told)))

    def stored(self) -> Stored:
        """Id, text, date and scores of each verbatim."""
        with closing(sqlite3.connect(self.folder / "feedback.db")) as database:
            scores: dict[int, list[str]] = {}
            for row_id, metric, value in database.execute("select verbatim_id, metric, value from scores"):
                scores.setdefault(row_id, []).append(f"{metric} {value:g}")
            found = database.execute("select id, source_id, text, posted_at from verbatims order by source_id")
            return [(*row, sorted(scores.get(row_id, []))) for row_id, *row in found]


@pytest.fixture
def hub(tmp_path: Path) -> Hub:
    return Hub(tmp_path)


@pytest.mark.parametrize("others", [(PLEASED, STARS), (STARS, PLEASED)])
def test_ratings_that_are_loaded_one_by_one_are_all_there(hub: Hub, others: tuple[object, ...]) -> None:
    assert hub.load(WHY, LIKELY) == "hub: 2 new"
    assert [hub.load(each) for each in others] == ["hub: 0 new, 1 changed"] * 2
    assert hub.stored() == ALL
    for told in ([WHY, LIKELY, PLEASED, STARS], [LIKELY], [STARS], [STARS, LIKELY], [WHY, LIKELY, PLEASED, STARS]):
        assert hub.load(*told) == f"hub: 0 new, {1 + (WHY in told)} already there"
    with closing(sqlite3.connect(hub.folder / "feedback.db")) as database:
        assert database.execute("select count(distinct customer_id), count(customer_id) from verbatims").fetchone() == (
            1,
            2,
        )


def test_a_rating_that_is_told_anew_takes_the_place_of_what_it_was(hub: Hub) -> None:
    hub.load(WHY, LIKELY, PLEASED)
    assert hub.load({**LIKELY, "value_number": 2}) == "hub: 0 new, 1 changed"
    assert hub.stored()[0] == ("r1", "", "2026-03-01T02:00:00Z", ["csat 4", "nps 2"])


def test_two_ratings_of_one_metric_that_are_told_one_by_one_are_both_there(hub: Hub) -> None:
    hub.load(PLEASED)
    hub.load(a_field("again", "csat", value_number=2))
    assert hub.stored()[0][3] == ["csat 2", "csat 4"]


def test_files_that_are_put_away_one_by_one_take_nothing_away_and_change_nothing(hub: Hub) -> None:
    files = [hub.save(f"{number}.json", each) for number, each in enumerate((LIKELY, WHY, PLEASED, STARS))]
    assert hub.collect() == "hub: 2 new"
    assert hub.stored() == ALL
    for path in files:
        path.unlink()
        assert hub.collect().startswith("hub: 0 new")
        assert "changed" not in hub.collect()
    assert hub.stored() == ALL
    hub.save("4.json", a_field("easy", "ces", value_number=6), a_field("better", "text", value_text="包装"))
    assert hub.collect() == "hub: 1 new, 1 changed"
    assert hub.stored() == [
        ("r1", "", "2026-03-01T02:00:00Z", ["ces 6", "csat 4", "nps 9", "star 3"]),
        ("r1/better", "包装", "2026-03-01T02:00:00Z", []),
        ALL[1],
    ]


def test_settings_that_are_corrected_count_for_ratings_too(hub: Hub) -> None:
    hub.settings.write_text(f'{SETTINGS}store = "人民路店"\n', encoding="utf-8")
    hub.save("0.json", WHY, LIKELY)
    hub.collect()
    hub.settings.write_text(SETTINGS, encoding="utf-8")
    hub.collect()
    with closing(sqlite3.connect(hub.folder / "feedback.db")) as database:
        assert database.execute("select source_id from verbatims where store is not null").fetchall() == []


def test_what_is_deleted_in_the_hub_is_taken_out(hub: Hub) -> None:
    records = [{**each, "id": f"id{number}"} for number, each in enumerate((WHY, LIKELY, PLEASED))]
    hub.save("0.json", *records)
    hub.collect()
    for number, left in ((0, [("r1", ["csat 4", "nps 9"])]), (1, [("r1", ["csat 4"])]), (2, [])):
        hub.save(f"deleted{number}.json", {"type": "feedback_record.deleted", "data": [f"id{number}"]})
        hub.collect()
        assert [(source_id, scores) for source_id, _, _, scores in hub.stored()] == left
        assert hub.collect() == "hub: 0 new"
    hub.save("0.json", *records, {**WHY, "id": "id3"})
    hub.collect()
    assert [source_id for source_id, *_ in hub.stored()] == ["r1/why"]


def test_words_that_are_deleted_take_no_ratings_of_other_files_away(hub: Hub) -> None:
    hub.save("why.json", {**WHY, "id": "id0"})
    rated = hub.save("likely.json", LIKELY)
    hub.collect()
    rated.unlink()
    hub.save("deleted.json", {"type": "feedback_record.deleted", "data": ["id0"]})
    hub.collect()
    assert [(source_id, scores) for source_id, _, _, scores in hub.stored()] == [("r1", ["nps 9"])]
