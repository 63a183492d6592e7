"""Secrets are hidden in whatever is shown or stored: whole, packed, and cut off where a long text was."""

import base64
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest
from command import run
from hypothesis import given
from hypothesis import strategies as st
from wire import Reply, wire

from feedback.collectors.live.address import base_address, learn_secrets
from feedback.collectors.live.vault import HIDDEN, Vault
from feedback.errors import CollectError
from nlp.settings_table import SettingsTable, Wording

KEY = "sk-Very/Secret+0042=" + "x7Q" * 90  # longer than what errors say of anything
SECRETS = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=12, max_size=300)
FILLING = st.text(st.characters(min_codepoint=0x4E00, max_codepoint=0x9FFF), max_size=20)


def vault(*secrets: str) -> Vault:
    found = Vault(Path("/nonexistent"))
    for secret in secrets:
        found.keep(secret)
    return found


@given(SECRETS, FILLING, FILLING, st.integers(8, 320))
def test_nothing_of_a_secret_is_left_where_a_text_was_cut(secret: str, before: str, after: str, most: int) -> None:
    text = before + secret + after
    for cut in (text[:most], text[-most:]):
        shown = vault(secret).hide(cut)
        assert secret[:8] not in shown
        assert secret[-8:] not in shown


@given(SECRETS, st.text(max_size=9), st.text(max_size=9), st.booleans())
def test_a_secret_packed_within_something_longer_is_hidden(secret: str, user: str, rest: str, for_url: bool) -> None:
    pack = base64.urlsafe_b64encode if for_url else base64.b64encode
    packed = pack(f"{user}:{secret}{rest}".encode()).decode()
    shown = vault(secret).hide(f"Basic {packed}")
    assert HIDDEN in shown
    # No more of it is left than the edges that it shares with its neighbours.
    left = [part for part in shown.removeprefix("Basic ").split(HIDDEN) if part]
    assert all(secret[2:-2] not in _unpacked(part) for part in left)


def _unpacked(part: str) -> str:
    whole = part.translate(str.maketrans("-_", "+/")).rstrip("=")
    return base64.b64decode(whole + "=" * (-len(whole) % 4) if len(whole) % 4 != 1 else b"").decode("utf-8", "replace")


@pytest.mark.parametrize("written", [KEY, quote(KEY), quote(KEY, safe=""), quote_plus(KEY), repr(KEY)])
def test_a_secret_is_hidden_however_an_address_writes_it(written: str) -> None:
    assert vault(KEY).hide(f"https://shop.example/{written}/end") == f"https://shop.example/{HIDDEN}/end".replace(
        HIDDEN, f"'{HIDDEN}'" if written.startswith("'") else HIDDEN
    )


def test_of_what_somebody_said_only_a_whole_secret_is_hidden() -> None:
    kept = vault("feedback-7f3a9c", "1234")
    said = "feedback 很慢，订单 1234，a-7f3a9c"
    assert kept.hide_in_words(said) == said
    assert kept.hide_in_words("头 feedback-7f3a9c 尾") == "头 … 尾"
    assert kept.hide("订单 1234 feedback") == "订单 … …"


def test_what_is_no_secret_stays() -> None:
    kept = "https://shop.example/v1 refuses (401). The key is missing, wrong or has run out."
    database = "mysql://wang:pw@db.example/yuansheng"
    assert vault(database).hide("there is no table yuansheng.reviews") == "there is no table yuansheng.reviews"
    assert vault("abc", KEY, "https://shop.example/private/feed", "/private/feed").hide(kept) == kept


BEHIND_A_HOST = [
    "https://f.example/u/vqkxqzjtlnrwbcdf/feed",
    "http://shop.f.example:8080/u/vqkxqzjtlnrwbcdf/feed#2",
    "看f.example/u/vqkxqzjtlnrwbcdf/feed/2",
    "//127.0.0.1/u/vqkxqzjtlnrwbcdf/feed?x=1",
    "http://localhost/u/vqkxqzjtlnrwbcdf/feed",
    "转到 https%3A%2F%2Ff.example%2Fu%2Fvqkxqzjtlnrwbcdf%2Ffeed",
]


@pytest.mark.parametrize("said", BEHIND_A_HOST)
def test_the_path_of_a_secret_address_is_hidden_behind_any_host(said: str) -> None:
    kept = vault()
    kept.keep_path("/u/vqkxqzjtlnrwbcdf/feed/")
    for hidden in (kept.hide_in_words(said), kept.hide_in_id(said), kept.hide(said)):
        assert ("vqkxqzjtlnrwbcdf" in hidden, HIDDEN in hidden) == (False, True)


@pytest.mark.parametrize(
    "said", ["/products 打不开", "看了/products/9", "苹果/products", "and/products", "a b /products"]
)
def test_a_path_without_a_host_is_hidden_in_ids_alone(said: str) -> None:
    kept = vault()
    kept.keep_path("/products")
    assert kept.hide_in_words(said) == said
    assert kept.hide_in_id(said) == said.replace("/products", HIDDEN)


def test_a_path_is_hidden_as_it_is_read_too() -> None:
    kept = vault()
    kept.keep_path("/%E4%BA%A7%E5%93%81/s3cr3t")
    assert kept.hide_in_words("https://f.example/产品/s3cr3t/2") == f"https://f.example{HIDDEN}/2"
    assert kept.hide_in_words("https://f.example/%E4%BA%A7%E5%93%81/s3cr3t/2") == f"https://f.example{HIDDEN}/2"


def test_of_a_key_of_many_lines_no_line_is_left_where_its_end_is_cut_off() -> None:
    lines = [
        "-----BEGIN PRIVATE KEY-----",
        *("MIGHAgEAMBMGByqGSM49+/" * 3 for _ in range(4)),
        "-----END PRIVATE KEY-----",
    ]
    key = "\n".join(lines)
    for written in (key, quote(key), quote(key, safe="")):
        for most in range(60, len(written), 7):
            assert "MIGHAg" not in vault(key).hide(f"login.example/{written}"[:most])


AUTHS = {
    "bearer": 'auth = { type = "bearer", token = { env = "LONG_KEY" } }',
    "basic": 'auth = { type = "basic", user = "wang", password = { env = "LONG_KEY" } }',
    "query": 'query = { sign = { env = "LONG_KEY" } }',
}


@pytest.mark.parametrize("auth", AUTHS)
def test_a_long_secret_that_an_interface_sends_back_is_neither_shown_nor_stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, auth: str
) -> None:
    monkeypatch.setenv("LONG_KEY", KEY)
    packed = base64.b64encode(f"wang:{KEY}".encode()).decode()
    with wire(lambda _asked: Reply([])) as web:
        (tmp_path / "feedback.toml").write_text(
            f'[[sources]]\nname = "工单"\ncollector = "rest"\nurl = "{web.url}/v1"\n{AUTHS[auth]}\n'
            'columns = { text = "body", source_id = "id" }\n',
            encoding="utf-8",
        )
        shown = ""
        for reply in (
            Reply(b"", 302, {"Location": f"https://login.example/{quote(KEY, safe='')}"}),
            Reply(b"", 302, {"Location": f"https://login.example/{quote(packed, safe='')}"}),
            Reply([{KEY: 1}, {packed: 2}]),
            Reply([{"id": n, "body": "慢", "more": {KEY: n}} for n in range(9)], headers={"Link": f"<{KEY}>"}),
        ):
            web.answer = lambda _asked, reply=reply: reply  # type: ignore[misc]
            ran = run("collect", project=tmp_path)
            shown += ran.out + ran.err
        shown += "".join(path.read_bytes().decode("utf-8", "replace") for path in tmp_path.glob("feedback.db*"))
    assert KEY[:12] not in shown
    assert packed[8:24] not in shown


@pytest.mark.parametrize(
    "url", ["https://bob:pw@desk.example", "https://desk.example?X-API-Key=k", "https://d.example/?sign=k"]
)
def test_no_collector_takes_an_address_with_a_secret_in_it(url: str) -> None:
    settings = SettingsTable({"url": url}, "source '工单'", Wording(CollectError))
    with pytest.raises(CollectError, match="a secret does not belong in this file"):
        base_address(settings, "https://desk.example")


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("chat.acme.example", "chat.acme.example"),
        ("acme.zendesk.com/", "acme.zendesk.com"),
        ("chat.acme.example:3000/app", "chat.acme.example"),
        ("ftp://files.acme.example/a", "files.acme.example"),
        ("https//chat.acme.example", "chat.acme.example"),
        ("chat.myacmeshop2024.com", "chat.myacmeshop2024.com"),
        ("https://", "shop.example"),
        ("https://chat.acme.example:x", "chat.acme.example"),
        (KEY, "shop.example"),
        (f"{KEY}.example", "shop.example"),
        ("bob:hunter2@chat.acme.example", "shop.example"),
        ("bob:hunter.two", "shop.example"),
    ],
)
def test_an_address_that_can_not_be_asked_is_refused_with_what_to_write(written: str, shown: str) -> None:
    settings = SettingsTable({"url": written}, "source '工单'", Wording(CollectError))
    with pytest.raises(CollectError) as caught:
        base_address(settings)
    assert str(caught.value) == (
        "source '工单': 'url' is no address that can be asked. "
        f"Write one that begins with https:// or http://, like https://{shown}."
    )


def test_a_secret_in_a_home_that_nobody_has_is_told(tmp_path: Path) -> None:
    settings = SettingsTable({"token": {"file": "~nobody-of-that-name/key"}}, "source '工单'", Wording(CollectError))
    with pytest.raises(CollectError) as caught:
        Vault(tmp_path).read(settings, "token")
    assert (
        str(caught.value)
        == "source '工单', [token]: ~nobody-of-that-name/key can't be read: nobody here has this home folder."
    )


def test_what_a_saved_answer_must_not_tell_is_learned_as_far_as_it_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "key").write_text("file-secret-1234", encoding="utf-8")
    monkeypatch.setenv("THERE", KEY)
    monkeypatch.setenv("FEED", "https://forum.example/feed.xml?token=feed-secret-1234")
    monkeypatch.delenv("GONE", raising=False)
    settings = {
        "token": {"env": "GONE"},
        "secret": "it stands here, which asking refuses",
        "auth": {"type": "basic", "user": "wang", "password": {"env": "THERE"}},
        "query": {"sign": {"file": str(tmp_path / "key")}},
        "urls": ["https://shop.example/feed", {"env": "FEED"}],
        "columns": {"text": "body"},
    }
    found = Vault(tmp_path / "project")
    learn_secrets(SettingsTable(settings, "source '工单'", Wording(CollectError)), found)
    said = f"{KEY}, file-secret-1234 feed-secret-1234 wang body it stands here"
    assert found.hide_in_words(said) == "…, … … wang body it stands here"
