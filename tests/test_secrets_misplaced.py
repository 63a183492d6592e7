"""A key that was pasted in the wrong place of the settings is refused, and is neither shown nor stored."""

import re
from pathlib import Path

import pytest
from command import run
from contract import Shop, shop
from worlds import NOW, SECRET_VARIABLE

from feedback.collectors.base import SourceConfig
from feedback.collectors.live import Visit
from feedback.collectors.live.vault import Vault
from feedback.collectors.rss import RssCollector
from feedback.errors import CollectError
from nlp.settings_table import SettingsTable, Wording

__all__ = ["shop"]

KEY = "Zx9QmT4vR7bK2nW8cY5d"
NOT_SHOWN = "What stands there is not shown, as it may be the secret itself"


def assert_nowhere(folder: Path, secret: str) -> str:
    """Collects, looks and asks; nothing of that shows or stores the secret. What was told."""
    asked = (("collect",), ("collect", "--source", "live", "--dry-run"), ("doctor",), ("status",), ("runs",))
    shown = "".join(ran.out + ran.err for ran in (run(*words, project=folder) for words in asked))
    assert secret not in shown
    for path in folder.glob("feedback.db*"):
        assert secret.encode() not in path.read_bytes()
    return shown


@pytest.mark.parametrize("way", ["env", "file"])
def test_a_key_where_the_name_of_its_place_belongs_is_neither_shown_nor_stored(
    shop: Shop, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if shop.world.secret is None:
        pytest.skip("it needs no key")
    secret = max(shop.world.secret.splitlines(), key=len)
    monkeypatch.delenv(SECRET_VARIABLE)
    written = shop.settings.read_text(encoding="utf-8")
    place = f'{{ env = "{SECRET_VARIABLE}" }}'
    assert place in written
    shop.settings.write_text(written.replace(place, f'{{ {way} = "{secret}" }}'), encoding="utf-8")
    assert "it may be the secret itself" in assert_nowhere(shop.folder, secret)


PLACES = {
    "a feed's place with a key of its own": (
        'collector = "rss"\nurls = [{ token = "KEY" }]',
        "'urls' must be a list of texts",
    ),
    "a feed's address in place of a name": (
        'collector = "rss"\nurls = [{ env = "https://f.example/feed?key=KEY" }]',
        "'urls' holds an address behind 'env'",
    ),
    "the name of a feed's place": (
        'collector = "rss"\nurls = [{ env = "KEY" }]',
        NOT_SHOWN,
    ),
    "the file of a feed's place": (
        'collector = "rss"\nurls = [{ file = "KEY" }]',
        "what 'file' names (it is not shown",
    ),
    "the name of the places of two feeds": (
        'collector = "rss"\nurls = [{ env = "KEY" }, { env = "KEY" }]',
        NOT_SHOWN,
    ),
    "a feed's address without a scheme in place of a name": (
        'collector = "rss"\nurls = [{ env = "f.example/feed?key=KEY" }]',
        NOT_SHOWN,
    ),
    "a setting": (
        'collector = "rss"\nKEY = 1\nurls = []',
        "unknown a text that may be a secret",
    ),
    "a collector": (
        'collector = "KEY"',
        "No collector named a text that may be a secret",
    ),
    "an address": (
        'collector = "rest"\nurl = "KEY"\ncolumns = { text = "b" }',
        "'url' is no address that can be asked. Write one that begins with https:// or http://, like https://shop.example",
    ),
    "a stream": (
        'collector = "chatwoot"\nurl = "https://c.example"\naccount = 1\nstreams = ["KEY"]\ntoken = { env = "A" }',
        "unknown a text that may be a secret, so that it is not shown in 'streams'",
    ),
    "a kind of access": (
        'collector = "rest"\nurl = "https://f.example"\ncolumns = { text = "b" }\nauth = { type = "KEY" }',
        "'type' must be one of none, bearer, header, query, basic, oauth2, not a text that may be a secret",
    ),
    "a table in place of a text": (
        'collector = "zendesk"\nsubdomain = { token = "KEY" }\nemail = "a@b.example"\ntoken = { env = "A" }',
        "'subdomain' must be text in quotes, not a table",
    ),
    "a host": (
        'collector = "imap"\nhost = "li:KEY@mail.example"\nuser = "li"\npassword = { env = "A" }',
        "'host' is the name of the mail server alone",
    ),
    "a country": (
        'collector = "app-store"\napp = "1"\ncountries = ["KEY"]',
        "'countries' holds a text that may be a secret",
    ),
}


@pytest.mark.parametrize("place", [{"env": KEY}, {"file": KEY}, {"env": f"f.example/feed?key={KEY}"}])
def test_no_stream_is_called_by_what_may_be_a_key(tmp_path: Path, place: dict[str, str]) -> None:
    config = SourceConfig("论坛", "rss", options={"urls": ["https://f.example/a", place]})
    with pytest.raises(CollectError) as caught:
        RssCollector().streams(Visit(config, Vault(tmp_path), NOW))
    assert KEY not in str(caught.value)


def test_a_stream_is_called_by_the_place_of_its_address_whether_that_is_there_or_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("my-forum.feed", "https://f.example/a")
    places = [{"env": "FORUM_FEED"}, {"file": "~/forum-feed"}, {"env": "my-forum.feed"}]
    config = SourceConfig("论坛", "rss", options={"urls": places})
    streams = RssCollector().streams(Visit(config, Vault(tmp_path), NOW))
    assert streams == ["env:FORUM_FEED", "file:~/forum-feed", "env:my-forum.feed"]


@pytest.mark.parametrize("place", PLACES)
def test_a_key_in_another_wrong_place_is_neither_shown_nor_stored(tmp_path: Path, place: str) -> None:
    written, says = PLACES[place]
    (tmp_path / "feedback.toml").write_text(
        f'[[sources]]\nname = "live"\n{written.replace("KEY", KEY)}\n', encoding="utf-8"
    )
    assert says in assert_nowhere(tmp_path, KEY)


@pytest.mark.parametrize("given", [(KEY,), (f"={KEY}",), (f"{KEY}=1", f"{KEY}.a=1")])
def test_a_key_in_the_place_of_an_option_is_not_shown(tmp_path: Path, given: tuple[str, ...]) -> None:
    (tmp_path / "feedback.toml").write_text("", encoding="utf-8")
    options = [word for each in given for word in ("--set", each)]
    ran = run("collect", "zendesk", *options, project=tmp_path)
    assert (ran.code, KEY in ran.out + ran.err, "--set: " in ran.err) == (2, False, True)


def fault(folder: Path, **place: str) -> str:
    settings = SettingsTable({"token": place}, "source '工单'", Wording(CollectError))
    with pytest.raises(CollectError) as caught:
        Vault(folder / "project").read(settings, "token")
    return str(caught.value)


@pytest.mark.parametrize(
    "name", ["ZENDESK_TOKEN", "FEEDBACK_MAIL_PASSWORD_2", "_KEY", "OAUTH2_TOKEN", "ZENDESKAPITOKEN"]
)
def test_a_name_of_a_variable_is_shown(tmp_path: Path, name: str) -> None:
    assert f"the environment variable {name} is not set. Set it (export {name}=…" in fault(tmp_path, env=name)


@pytest.mark.parametrize(
    "pasted",
    [
        pytest.param("hunter2", id="a password"),
        pytest.param("vqkxqzjtlnrwbcdf", id="the letters that mail providers give to programs"),
        pytest.param("HKUYPKTXDWKXHDBT", id="the capitals that mail providers give to programs"),
        pytest.param("ghp_16C7e42F292c6912E7710c838347Ae17", id="a token"),
        pytest.param("JBSWY3DPEHPK3PXP", id="base32"),
        pytest.param("4F0A91B2C3D4E5F60718293A4B5C6D7E", id="base16"),
        pytest.param("dG9rOjEyMzQ1Njc4OTBhYmNkZWY6MTow=", id="base64"),
    ],
)
def test_what_is_not_written_as_names_of_variables_are_is_not_shown(tmp_path: Path, pasted: str) -> None:
    told = fault(tmp_path, env=pasted)
    assert (pasted in told, NOT_SHOWN in told) == (False, True)


def test_a_variable_with_another_name_is_read_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("my-zendesk.token", KEY)
    settings = SettingsTable({"token": {"env": "my-zendesk.token"}}, "source '工单'", Wording(CollectError))
    assert Vault(tmp_path).read(settings, "token") == KEY


@pytest.mark.parametrize(
    "path", ["/nowhere/keys/AuthKey_2X9R4HXF34.p8", "~/nowhere-at-all/zendesk-token", "../nowhere/token"]
)
def test_a_path_that_leads_out_of_the_project_is_shown(tmp_path: Path, path: str) -> None:
    assert f"/{path.rpartition('/')[2]} can't be read: No such file" in fault(tmp_path, file=path)


@pytest.mark.parametrize(
    "pasted", [KEY, f"/{KEY}", "k3y/w1th+sl4shes/in_it=", "hunter2", "~hunter2", "/9b1deb4d3b7d4bad9bdd/x", "a\0b"]
)
def test_what_is_not_written_as_such_a_path_is_not_shown(tmp_path: Path, pasted: str) -> None:
    told = fault(tmp_path, file=pasted)
    assert not re.search(re.escape(pasted.strip("/~")), told)
    assert "what 'file' names (it is not shown, as it may be the secret itself)" in told
