"""A survey of Formbricks that changes while it runs, and what is stored of it then. All words are made up."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from command import run
from formbricks_shop import a_response
from wire import Asked, Reply, wire
from worlds import SECRET, SECRET_VARIABLE

WHY = {"id": "why", "type": "openText", "headline": {"default": "为什么？"}}
LIKELY = {"id": "likely", "type": "nps", "headline": {"default": "您有多大可能推荐我们？"}}
PLEASED = {"id": "pleased", "type": "csat", "headline": {"default": "您满意吗？"}, "range": 5}
BETTER = {"id": "better", "type": "openText", "headline": {"default": "还有什么建议？"}}


class Survey:
    """A project that collects one survey, whose questions and responses are others from run to run."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.database = folder, folder / "feedback.db"
        self.url = ""
        self.questions: list[dict[str, object]] = [WHY, LIKELY, BETTER]
        self.responses: list[dict[str, object]] = []

    def answer(self, asked: Asked) -> Reply:
        if asked.path.endswith("/s1"):
            return Reply({"data": {"id": "s1", "questions": self.questions}})
        return Reply({"data": self.responses[int(asked.query["skip"]) :]})

    def collect(self, *settings: str) -> str:
        source = [
            *('[[sources]]\nname = "问卷"\ncollector = "formbricks"\nsurvey = "s1"', f'url = "{self.url}"'),
            *(f'token = {{ env = "{SECRET_VARIABLE}" }}', *settings),
        ]
        (self.folder / "feedback.toml").write_text("\n".join(source), encoding="utf-8")
        return run("collect", project=self.folder).out

    def save(self, name: str, *answers: object) -> str:
        """Some answers as a file; where it is."""
        (self.folder / name).write_text("\n".join(json.dumps({"data": each}) for each in answers), encoding="utf-8")
        return str(self.folder / name)

    def ask(self, *options: str) -> str:
        """Collects with these options, and the settings of before."""
        ran = run("collect", "--source", "问卷", *options, project=self.folder)
        assert (ran.code, ran.err) == (0, "")
        return ran.out

    def stored(self) -> list[tuple[str, str, float | None]]:
        """Id, text and score of each verbatim, once per score."""
        with closing(sqlite3.connect(self.database)) as database:
            joined = "verbatims v left join scores s on s.verbatim_id = v.id"
            return database.execute(f"select source_id, text, value from {joined} order by 1").fetchall()


@pytest.fixture
def survey(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Survey]:
    monkeypatch.setenv(SECRET_VARIABLE, SECRET)
    found = Survey(tmp_path)
    with wire(found.answer) as web:
        found.url = web.url
        yield found


def test_a_response_that_goes_on_later_keeps_its_ids_and_leaves_no_rating_behind(survey: Survey) -> None:
    survey.responses = [a_response({"likely": 3}, finished=False)]
    assert survey.collect() == "问卷: 1 new\n"
    assert survey.stored() == [("r1", "", 3.0)]
    survey.responses = [a_response({"likely": 4, "why": "太慢"}, updatedAt="2026-03-01T02:05:00.000Z")]
    assert survey.collect() == "问卷: 1 new, 1 changed\n"
    assert survey.stored() == [("r1", "", 4.0), ("r1/why", "太慢", None)]
    assert survey.collect() == "问卷: 0 new, 2 already there\n"


def test_ratings_are_there_once_whatever_becomes_of_the_questions(survey: Survey) -> None:
    survey.responses = [a_response({"why": "太慢", "likely": 3, "better": "换一家快递"})]
    whole = [("r1", "", 3.0), ("r1/better", "换一家快递", None), ("r1/why", "太慢", None)]
    survey.collect()
    assert survey.stored() == whole
    survey.collect('skip = ["why"]')
    assert survey.stored() == whole
    survey.questions = [LIKELY, BETTER]
    survey.collect()
    assert survey.stored() == whole
    survey.questions = [LIKELY]
    survey.collect()
    assert survey.stored() == whole


def options(*labels: str) -> dict[str, object]:
    choices = [{"id": f"c{number}", "label": {"default": each}} for number, each in enumerate(labels)]
    other = {"id": "other", "label": {"default": "其他"}}
    return {"id": "known", "type": "multipleChoiceMulti", "headline": "您看重什么？", "choices": [*choices, other]}


def test_an_option_that_is_worded_anew_makes_no_words_of_what_was_chosen_before(survey: Survey) -> None:
    survey.questions = [options("质亮", "价格")]
    survey.responses = [a_response({"known": ["质亮", "售后要快"]}), a_response({"known": ["质亮"]}, id="r2")]
    survey.collect()
    own = [("r1/known+1", "售后要快", None)]
    assert survey.stored() == own
    for questions in ([options("质量", "价格")], [options("品质")], [WHY], [options("品质")]):
        survey.questions = questions
        survey.collect()
        assert survey.stored() == own
    survey.collect('channel = "官网"')  # asked from the beginning
    survey.responses += [a_response({"known": ["质亮", "质量", "价格好"]}, id="r3")]
    survey.collect('channel = "官网"')
    assert survey.stored() == [*own, ("r3/known+1", "价格好", None)]


@pytest.mark.parametrize("settings", [(), ('channel = "官网"',)], ids=["as before", "changed"])
def test_labels_of_before_are_known_too_where_a_run_begins_elsewhere_or_loads_files(
    survey: Survey, settings: tuple[str, ...]
) -> None:
    survey.questions, survey.responses = [options("质亮")], [a_response({"known": ["质亮", "售后要快"]})]
    survey.collect()
    own = [("r1/known+1", "售后要快", None)]
    assert survey.stored() == own
    survey.questions = [options("质量")]
    survey.collect(*settings)
    survey.ask("--since", "2026-01-01")
    assert survey.stored() == own
    survey.responses = [a_response({"known": ["质亮", "质量", "价格好"]}, id="r2")]
    answers = survey.save("a.json", {"id": "s1", "questions": survey.questions}, survey.responses)
    assert "质亮" not in survey.ask("--load", answers, "--dry-run")
    survey.ask("--load", answers)
    assert survey.stored() == [*own, ("r2/known+1", "价格好", None)]


def test_of_files_that_are_loaded_together_the_order_tells_nothing(survey: Survey) -> None:
    survey.collect()
    begun = a_response({"likely": 3})
    went_on = a_response({"likely": 4, "why": "太慢"}, updatedAt="2026-03-01T02:05:00.000Z")
    names = [survey.save(f"{number}.json", [each]) for number, each in enumerate((begun, went_on))]
    names.append(survey.save("s.json", {"id": "s1", "questions": survey.questions}))
    for order in (names, names[::-1]):
        loaded = survey.ask(*[each for name in order for each in ("--load", name)])
        assert "rejected" not in loaded
        assert survey.stored() == [("r1", "", 4.0), ("r1/why", "太慢", None)]


def test_a_place_to_go_on_from_of_an_earlier_version_is_one_still(survey: Survey) -> None:
    survey.questions, survey.responses = [options("质量")], [a_response({"known": ["质量", "快"]})]
    survey.collect()
    with closing(sqlite3.connect(survey.database)) as database:
        [(state,)] = database.execute("select state from cursors").fetchall()
        database.execute("update cursors set state = ?", (state.partition("\n")[0],))
        database.commit()
    assert survey.collect() == "问卷: 0 new, 1 already there\n"


BEFORE = """
delete from _sqlite_migrations where name in ('0006_ratings_of_responses', '0008_questions_of_ratings');
alter table scores drop column question_key;
delete from verbatims where source_id in ('r1', 'r2');
insert into scores select id, 1, 'nps', 3, 0, 10 from verbatims where source_id = 'r1/why';
insert into scores select id, 1, 'nps', 4, 0, 10 from verbatims where source_id = 'r1/better';
insert into scores select id, 2, 'csat', 5, 1, 5 from verbatims where source_id = 'r1/better';
insert into scores select id, 1, 'nps', 9, 0, 10 from verbatims where source_id = 'r2/why';
update verbatims set run_id = run_id + 1 where source_id = 'r1/better';
insert into runs (command, started_at, status) values ('collect', '2026-03-02', 'done');
insert into withdrawals values ('问卷', 'r1'), ('问卷', 'r4'), ('其他', 'r1');
"""  # a version that gave ratings to the first answer; to another, when that one was gone


def test_ratings_that_an_earlier_version_gave_to_answers_are_the_response_s_alone(survey: Survey) -> None:
    said: dict[str, object] = {"likely": 4, "pleased": 5, "why": "太慢", "better": "换一家快递"}
    survey.questions = [WHY, LIKELY, PLEASED, BETTER]
    survey.responses = [
        a_response(said),
        a_response({"likely": 9, "why": "快"}, id="r2"),
        a_response({"likely": 2}, id="r3"),
    ]
    survey.collect()
    whole = survey.stored()
    with closing(sqlite3.connect(survey.database)) as database:
        database.executescript(BEFORE)
    run("status", project=survey.folder)
    assert survey.stored() == whole
    with closing(sqlite3.connect(survey.database)) as database:
        assert database.execute("select * from withdrawals order by 1, 2").fetchall() == [
            ("其他", "r1"),
            ("问卷", "r4"),
        ]
        about = "select conversation_id, turn, question, posted_at, kind, channel, role, noise, language from verbatims"
        assert database.execute(f"{about} where source_id = 'r1'").fetchall() == [
            ("r1", None, None, "2026-03-01T02:00:00Z", "survey", "Formbricks", "customer", "no_text", None)
        ]
    survey.questions = [LIKELY, PLEASED, BETTER]
    survey.collect()
    assert survey.stored() == whole


def test_ratings_stay_when_their_question_is_deleted_and_go_when_their_answer_is(survey: Survey) -> None:
    survey.questions = [WHY, LIKELY, PLEASED]
    survey.responses = [a_response({"likely": 4, "pleased": 5, "why": "太慢"})]
    survey.collect()
    survey.questions = [WHY, PLEASED]
    survey.collect()
    assert survey.stored() == [("r1", "", 4.0), ("r1", "", 5.0), ("r1/why", "太慢", None)]
    survey.responses = [a_response({"why": "太慢"}, updatedAt="2026-03-01T02:05:00.000Z")]
    survey.collect()
    assert survey.stored() == [("r1", "", 4.0), ("r1/why", "太慢", None)]


def test_ratings_go_when_the_settings_say_that_their_question_is_to_be_left_out(survey: Survey) -> None:
    survey.questions = [LIKELY, PLEASED]
    survey.responses = [a_response({"likely": 4, "pleased": 5})]
    survey.collect()
    survey.collect('skip = ["likely"]')
    assert survey.stored() == [("r1", "", 5.0)]
