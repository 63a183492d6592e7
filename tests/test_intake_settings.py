"""[intake] of feedback.toml."""

from pathlib import Path

import pytest

from feedback.errors import ProjectError
from feedback.project import IntakeSettings, load_project


def intake(folder: Path, toml: str) -> IntakeSettings:
    (folder / "feedback.toml").write_text(toml, encoding="utf-8")
    return load_project(folder).intake


def test_without_the_section_everything_is_as_usual(tmp_path: Path) -> None:
    assert intake(tmp_path, "") == IntakeSettings(
        token={},
        name="intake",
        channel="intake",
        kind="review",
        origins=(),
        proxies=(),
        per_minute=600,
        per_client_per_minute=120,
        connections=100,
    )


def test_every_setting_is_read_and_the_channel_is_named_as_the_source(tmp_path: Path) -> None:
    full = """
[intake]
token = { file = "~/.intake" }
name = "官网"
kind = "survey"
origins = ["https://shop.example.com", "http://localhost:3000"]
proxies = ["127.0.0.1"]
per_minute = 60
per_client_per_minute = 6
connections = 10
"""
    found = IntakeSettings(
        token={"file": "~/.intake"},
        name="官网",
        channel="官网",
        kind="survey",
        origins=("https://shop.example.com", "http://localhost:3000"),
        proxies=("127.0.0.1",),
        per_minute=60,
        per_client_per_minute=6,
        connections=10,
    )
    assert intake(tmp_path, full) == found
    assert intake(tmp_path, full + 'channel = "小程序"').channel == "小程序"


KNOWN = "channel, connections, kind, name, origins, per_client_per_minute, per_minute, proxies, token"
SECRET = (
    "'token' is a secret, which does not belong in this file. Say where it is: "
    'token = { env = "NAME_OF_A_VARIABLE" } or token = { file = "~/a-file-outside-the-project" }.'
)
WRONG = [
    ('tokn = "x"', f"'tokn' is not known. Known: {KNOWN}."),
    ('token = "sk-1"', SECRET),
    ('name = ""', "'name' is missing."),
    ('channel = ""', "'channel' is missing."),
    ('kind = "rumour"', "kind = 'rumour' is not known. Known: review, chat, survey, post, ticket."),
    ('name = "京东"', "'京东' is the name of one of the [[sources]]: events need one of their own."),
    ('origins = ["*"]', "'*' is no origin. Write it like https://shop.example.com."),
    ('origins = ["https://shop.example.com/"]', "'https://shop.example.com/' is no origin. Write it like https://shop.example.com."),
    ("per_minute = 0", "'per_minute' must be a whole number from 1 to 100000, not 0."),
    ("per_client_per_minute = 1.5", "'per_client_per_minute' must be a whole number from 1 to 100000, not 1.5."),
    ("connections = nan", "'connections' must be a whole number from 1 to 100000, not nan."),
    ("connections = inf", "'connections' must be a whole number from 1 to 100000, not inf."),
    ("connections = true", "'connections' must be a number, not True."),
]  # fmt: skip


@pytest.mark.parametrize("line, message", WRONG)
def test_what_is_wrong_is_named(tmp_path: Path, line: str, message: str) -> None:
    with pytest.raises(ProjectError) as caught:
        intake(tmp_path, f'[intake]\n{line}\n[[sources]]\nname = "京东"\n')
    assert str(caught.value) == f"{tmp_path / 'feedback.toml'}, [intake]: {message}"
