"""feedback.toml as typed settings, what is said when it is wrong, and the key of the pseudonyms."""

import stat
from pathlib import Path

import pytest

from feedback.collectors.base import SourceConfig
from feedback.errors import ProjectError
from feedback.project import DigestSettings, Project, ScheduleSettings, load_project


def project(folder: Path, toml: str | bytes) -> Project:
    (folder / "feedback.toml").write_bytes(toml.encode() if isinstance(toml, str) else toml)
    return load_project(folder)


def test_an_empty_file_is_a_project_with_every_default(tmp_path: Path) -> None:
    folder = tmp_path / "小店"
    folder.mkdir()
    assert project(folder, "") == Project(
        folder=folder,
        name="小店",
        timezone="Asia/Shanghai",
        taxonomy="retail",
        engine="auto",
        words=(),
        digest=DigestSettings("week", "zh", (), ()),
        schedule=ScheduleSettings("week", "mon", "08:30"),
        sources=(),
    )


FULL = """
[project]
name = "小店"
timezone = "Asia/Tokyo"
[analysis]
taxonomy = "taxonomy.toml"
engine = "fast"
words = ["磨豆机"]
[digest]
period = "month"
lang = "en"
channels = ["京东"]
send_to = ["env:HOOK"]
[schedule]
every = "day"
weekday = "fri"
at = "07:00"
[[sources]]
name = "京东"
paths = ["data/*.csv"]
[[sources]]
name = "微信"
collector = "chat"
paths = ["chat"]
channel = "企业微信"
kind = "chat"
layout = "my.toml"
store = "人民路店"
product = "手冲壶"
[sources.roles]
"小岫" = "agent"
"""


def test_every_setting_is_read_and_paths_become_absolute(tmp_path: Path) -> None:
    assert project(tmp_path, "\ufeff" + FULL) == Project(  # editors on Windows put a mark at the start
        folder=tmp_path,
        name="小店",
        timezone="Asia/Tokyo",
        taxonomy=str(tmp_path / "taxonomy.toml"),
        engine="fast",
        words=("磨豆机",),
        digest=DigestSettings("month", "en", ("京东",), ("env:HOOK",)),
        schedule=ScheduleSettings("day", "fri", "07:00"),
        sources=(
            SourceConfig("京东", "table", ("data/*.csv",), tmp_path),
            SourceConfig(
                name="微信",
                collector="chat",
                paths=("chat",),
                base=tmp_path,
                channel="企业微信",
                kind="chat",
                layout="my.toml",
                store="人民路店",
                product="手冲壶",
                roles={"小岫": "agent"},
            ),
        ),
    )


def test_a_source_is_found_by_name_and_a_slip_lists_the_known_ones(tmp_path: Path) -> None:
    found = project(tmp_path, FULL)
    assert found.source("微信").collector == "chat"
    assert found.database == tmp_path / "feedback.db"
    with pytest.raises(ProjectError) as caught:
        found.source("天猫")
    assert str(caught.value) == f"No source named '天猫' in {tmp_path / 'feedback.toml'}. Known: 京东, 微信."
    with pytest.raises(ProjectError, match=r"Known: none\.$"):
        project(tmp_path, "").source("天猫")


KINDS = "review, chat, survey, post, ticket"
WRONG = [
    ("[projekt]", ": 'projekt' is not known. Known: analysis, digest, intake, project, schedule, sentiment, sources."),
    ('[project]\nnmae = "x"', ", [project]: 'nmae' is not known. Known: name, timezone."),
    ("[project]\nname = 5", ", [project]: 'name' must be text in quotes, not 5."),
    ('project = "x"', ": [project] must be a table."),
    ('[project]\ntimezone = "Mars"', ", [project]: no time zone named 'Mars'. Write it like Asia/Shanghai."),
    ('[project]\ntimezone = "../etc"', ", [project]: no time zone named '../etc'. Write it like Asia/Shanghai."),
    ('[analysis]\nwords = "磨豆机"', ', [analysis]: \'words\' must be a list of texts, like ["a", "b"].'),
    ("[analysis]\nwords = [1]", ', [analysis]: \'words\' must be a list of texts, like ["a", "b"].'),
    ('[analysis]\nmodel = "x"', ", [analysis]: 'model' is not known. Known: engine, taxonomy, words."),
    ('[digest]\nlang = "de"', ", [digest]: lang = 'de' is not known. Known: zh, en."),
    ('[digest]\nto = "x"', ", [digest]: 'to' is not known. Known: channels, lang, period, send_to."),
    ('[schedule]\nevery = "hour"', ", [schedule]: every = 'hour' is not known. Known: day, week."),
    (
        '[schedule]\nweekday = "monday"',
        ", [schedule]: weekday = 'monday' is not known. Known: mon, tue, wed, thu, fri, sat, sun.",
    ),
    ("sources = 3", ": [[sources]] must be tables."),
    ("[sources]\nname = 'x'", ": [[sources]] must be tables."),
    ("[[sources]]\npaths = []", ", [[sources]] 1: 'name' is missing."),
    (
        '[[sources]]\nname = "a"\n[[sources]]\nname = "b"\npath = "x"',
        ", [[sources]] 2: 'path' is not known. Known: channel, collector, kind, layout, name, paths, product, roles, store.",
    ),
    (
        '[[sources]]\nname = "a"\npaths = "x.csv"',
        ', [[sources]] 1: \'paths\' must be a list of texts, like ["a", "b"].',
    ),
    ('[[sources]]\nname = "a"\nkind = "rumour"', f", [[sources]] 1: kind = 'rumour' is not known. Known: {KINDS}."),
    (
        '[[sources]]\nname = "a"\n[sources.roles]\n"小岫" = "boss"',
        ", [[sources]] 1, [roles]: 小岫 = 'boss' is not known. Known: customer, agent, bot.",
    ),
    ('[[sources]]\nname = "a"\n[[sources]]\nname = "a"', ": two [[sources]] are named 'a'."),
]


@pytest.mark.parametrize("toml, message", WRONG)
def test_what_is_wrong_is_named_with_its_place(tmp_path: Path, toml: str, message: str) -> None:
    with pytest.raises(ProjectError) as caught:
        project(tmp_path, toml)
    assert str(caught.value) == f"{tmp_path / 'feedback.toml'}{message}"


def test_a_folder_without_settings_is_told_how_to_make_some(tmp_path: Path) -> None:
    with pytest.raises(ProjectError) as caught:
        load_project(tmp_path)
    assert str(caught.value) == (
        f"No feedback.toml in {tmp_path}. Make a project with: feedback init NAME, "
        "then go into its folder (cd NAME) or say --project NAME."
    )


def test_settings_that_are_no_toml_or_no_utf_8_are_named(tmp_path: Path) -> None:
    path = tmp_path / "feedback.toml"
    with pytest.raises(ProjectError) as caught:
        project(tmp_path, '[project]\nname = "小店\n')
    assert str(caught.value).startswith(f"{path} is not as TOML wants it: ")
    assert "line 2" in str(caught.value)  # the words are Python's own
    with pytest.raises(ProjectError) as caught:
        project(tmp_path, "[project]\nname = '小店'".encode("gbk"))
    assert str(caught.value) == f"{path} is not UTF-8. Save it as UTF-8 in your editor."


def test_the_key_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    mine = project(tmp_path, "")
    key = mine.secret()
    path = tmp_path / ".feedback-key"
    assert (len(key), load_project(tmp_path).secret()) == (32, key)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert sorted(each.name for each in tmp_path.iterdir()) == [".feedback-key", "feedback.toml"]
    path.unlink()
    assert mine.secret() != key


def test_two_projects_have_two_keys(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    assert project(tmp_path / "one", "").secret() != project(tmp_path / "two", "").secret()


@pytest.mark.parametrize("content", [b"", b"\n", b"abc", b"zz" * 32, b"ab" * 31, b"\xff" * 64])
def test_a_damaged_key_is_named_and_not_replaced(tmp_path: Path, content: bytes) -> None:
    """An empty one would be a key too, and no secret."""
    path = tmp_path / ".feedback-key"
    path.write_bytes(content)
    with pytest.raises(ProjectError) as caught:
        project(tmp_path, "").secret()
    assert str(caught.value) == (
        f"{path} is damaged. Restore a copy of it; if there is none, delete it: customers get new pseudonyms then."
    )
    assert path.read_bytes() == content


def test_a_key_that_can_not_be_written_is_named(tmp_path: Path) -> None:
    mine = project(tmp_path, "")
    (tmp_path / ".feedback-key").mkdir()
    with pytest.raises(ProjectError) as caught:
        mine.secret()
    assert str(caught.value) == f"{tmp_path / '.feedback-key'} can't be read or written: Is a directory."
