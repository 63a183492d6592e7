"""Collector imap, held to what `test_live_contract.py` asks of those that speak HTTP, and to what only mails ask for."""

from datetime import timedelta
from pathlib import Path

import pytest
from contract import dump
from imap_server import Session, cut_at
from imap_shop import ARRIVED, USER, Shop, empty, expected, inbox, items, mail, reached, secret, shop
from worlds import NOW, SECRET, SECRET_VARIABLE

from feedback.collectors.base import SourceConfig
from feedback.collectors.imap import ImapCollector
from feedback.collectors.live import LiveCollector, Visit
from feedback.collectors.live.vault import Vault
from feedback.errors import CollectError
from feedback.pipeline import collect
from feedback.project import load_project
from storage.store import Store

__all__ = ["empty", "inbox", "secret", "shop"]


def test_everything_is_collected_and_a_second_run_changes_nothing(shop: Shop) -> None:
    assert shop.collect().code == 0
    assert shop.stored() == expected(*range(1, 121))
    before = dump(shop.folder)
    again = shop.collect()
    assert (again.code, again.out, again.err) == (0, "live: 0 new\n", "")
    assert dump(shop.folder) == before


def test_what_came_since_comes_with_the_next_run(shop: Shop) -> None:
    shop.collect()
    shop.add(121, 122)
    assert shop.collect().out == "live: 2 new\n"
    assert shop.stored() == expected(*range(1, 123))


@pytest.mark.parametrize("pages", [1, 2, 3])
def test_cut_off_after_any_page_the_next_run_goes_on(shop: Shop, pages: int) -> None:
    left = 1 + pages  # the first call says that it is begun

    def stop(_what: str, _more: int) -> None:
        nonlocal left
        left -= 1
        if not left:
            raise KeyboardInterrupt

    project = load_project(shop.folder)
    with Store.open(project.database) as store, pytest.raises(KeyboardInterrupt):
        collect(store, project, project.source("live"), stop)
    assert len(shop.stored()) == min(50 * pages, 120)
    shop.add(121)
    assert shop.collect().code == 0
    assert shop.stored() == expected(*range(1, 122))


@pytest.mark.parametrize("verb", ["CAPABILITY", "LOGIN", "ID", "EXAMINE", "UID SEARCH", "UID FETCH", "LOGOUT"])
def test_a_connection_that_breaks_off_is_made_anew(shop: Shop, verb: str) -> None:
    shop.inbox.faults.append(cut_at(verb, times=2))
    assert shop.collect().code == 0
    assert shop.stored() == expected(*range(1, 121))


def test_a_connection_that_breaks_off_in_a_mail_is_made_anew(shop: Shop) -> None:
    left = [1]

    def fault(session: Session, _tag: str, command: str) -> bool:
        if "BODY.PEEK[]" not in command or not left[0]:
            return False
        left[0] -= 1
        session.say(b"* 1 FETCH (UID 1 BODY[]<0> {5000}\r\nMessage-ID: <1@mail")
        session.cut()
        return True

    shop.inbox.faults.append(fault)
    assert shop.collect().code == 0
    assert shop.stored() == expected(*range(1, 121))


def test_what_was_read_before_the_server_went_away_is_kept(shop: Shop) -> None:
    fetched = [0]

    def fault(session: Session, _tag: str, command: str) -> bool:
        fetched[0] += command.startswith("UID FETCH")
        if fetched[0] <= 2:  # sizes and bodies of the first batch
            return False
        session.cut()
        return True

    shop.inbox.faults.append(fault)
    ran = shop.collect()
    assert (ran.code, ran.err) == (
        1,
        f"Error: live: 127.0.0.1:{shop.inbox.port} broke the connection off. What came before is kept; run this again later.\n",
    )
    assert shop.stored() == expected(*range(1, 51))
    shop.inbox.faults.clear()
    assert shop.collect().out == "live: 70 new\n"
    assert shop.stored() == expected(*range(1, 121))


def test_no_secret_is_stored_or_shown(shop: Shop) -> None:
    shown = [shop.collect()]
    assert shop.stored() == expected(*range(1, 121))
    shop.inbox.password = "changed"
    shop.inbox.refusal = f"[AUTHENTICATIONFAILED] {SECRET} is wrong for {USER}"
    shown.append(shop.collect())
    assert shown[1].err == (
        f"Error: live: 127.0.0.1:{shop.inbox.port} does not accept user and password: [AUTHENTICATIONFAILED] … is wrong for …. "
        "Many providers want a password made for programs (授权码, app password), and IMAP switched on in the mailbox's settings.\n"
    )
    assert SECRET not in "".join(ran.out + ran.err for ran in shown)
    for path in shop.folder.iterdir():
        assert SECRET.encode() not in path.read_bytes(), path.name


def test_a_secret_in_the_settings_themselves_is_refused(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(SECRET_VARIABLE)
    assert f"the environment variable {SECRET_VARIABLE} is not set" in shop.collect().err
    settings = shop.folder / "feedback.toml"
    written = settings.read_text(encoding="utf-8").replace(f'{{ env = "{SECRET_VARIABLE}" }}', f'"{SECRET}"')
    settings.write_text(written, encoding="utf-8")
    ran = shop.collect()
    assert "is a secret, which does not belong in this file" in ran.err
    assert SECRET not in ran.err


def test_a_limit_leaves_the_rest_for_the_next_run(shop: Shop) -> None:
    assert shop.collect("--limit", "60").code == 0
    assert shop.stored() == expected(*range(1, 61))
    assert shop.collect().code == 0
    assert shop.stored() == expected(*range(1, 121))


def test_since_asks_for_what_arrived_since_and_loses_nothing_for_later(shop: Shop) -> None:
    shop.collect()
    shop.inbox.inbox.add(mail(121), ARRIVED - timedelta(days=400))
    shop.inbox.inbox.add(mail(122), ARRIVED)
    assert shop.collect("--since", "2026-02-20").out == "live: 1 new, 120 already there\n"
    assert "UID SEARCH UID 1:* SINCE 18-Feb-2026" in shop.inbox.asked
    assert shop.collect().out == "live: 1 new, 1 already there\n"
    assert shop.stored() == expected(*range(1, 123))


def test_a_dry_run_shows_and_stores_nothing(shop: Shop) -> None:
    ran = shop.collect("--dry-run")
    assert ran.code == 0, ran.err
    assert "would be stored" in ran.out
    assert not (shop.folder / "feedback.db").exists()


def test_saved_mails_give_the_same_as_asking(shop: Shop) -> None:
    saved = shop.folder / "feedback.mbox"
    saved.write_bytes(
        b"".join(b"From x\n" + each.raw.replace(b"\r\n", b"\n") + b"\n" for each in shop.inbox.inbox.mails)
    )
    assert shop.collect("--load", str(saved)).code == 0
    assert shop.stored() == expected(*range(1, 121))
    assert shop.inbox.asked == []
    assert shop.collect().out == "live: 0 new, 120 already there\n"


def test_a_key_that_it_does_not_know_is_named(shop: Shop) -> None:
    settings = shop.folder / "feedback.toml"
    settings.write_text(settings.read_text(encoding="utf-8") + 'passwort = "x"\n', encoding="utf-8")
    ran = shop.collect()
    assert ran.code == 1
    assert "unknown 'passwort'" in ran.err


def test_a_page_has_fifty_mails(shop: Shop) -> None:
    assert isinstance(ImapCollector(), LiveCollector)
    assert [(len(page.items), reached(page)) for page in shop.pages()] == [
        (50, (1, 50)),
        (50, (1, 100)),
        (20, (1, 120)),
    ]


# Settings


@pytest.mark.parametrize(
    "settings, says",
    [
        ({"host": ""}, "'host' is missing: the mail server, like imap.exmail.qq.com"),
        *[
            (
                {"host": host},
                "'host' holds a port as well. Write them apart, like host = \"imap.exmail.qq.com\" and port = 993",
            )
            for host in ("imap.qq.com:993", "imap.qq.com：993", "imap.qq.com 993", "[::1]:993", "imap.qq.com:")
        ],
        ({"user": ""}, "'user' is missing"),
        ({"tls": "ssl"}, "'tls' must be one of on, starttls, off, not 'ssl'"),
        (
            {"host": "imap.shop.example"},
            'tls = "off" is for 127.0.0.1 alone: the password would be seen by all on the way',
        ),
        ({"port": 0}, "'port' must be a number from 1 to 65535, not 0"),
        ({"port": 993.5}, "'port' must be a number from 1 to 65535, not 993.5"),
        ({"folders": ["A", "A"]}, "'folders' names A twice"),
        ({"folders": ["A\r\nB"]}, "'host' or 'folders' holds a character that can't be seen"),
        ({"folders": [" "]}, "'folders' must be a list of texts, not [' ']"),
        *[
            (
                {"own": ["kf@shop.example", own]},
                f"'own' holds '{own}', which is neither an address, like \"kf@shop.example\", "
                'nor all of a domain, like "@shop.example"',
            )
            for own in (
                "shop.example",
                "*@shop.example",
                "kf",
                "@",
                "<@shop.example>",
                "a@shop.example, b@shop.example",
            )
        ],
    ],
)
def test_settings_that_are_wrong_are_named(tmp_path: Path, settings: dict[str, object], says: str) -> None:
    options = {"host": "127.0.0.1", "tls": "off", "user": USER, **settings}
    visit = Visit(SourceConfig("live", "imap", options=options), Vault(tmp_path), NOW)
    with pytest.raises(CollectError) as error:
        ImapCollector().streams(visit)
    assert str(error.value) == f"source 'live': {says}."


def test_a_host_may_be_an_address_of_ipv6(tmp_path: Path) -> None:
    options = {"host": "2001:db8::25", "user": USER}
    visit = Visit(SourceConfig("live", "imap", options=options), Vault(tmp_path), NOW)
    assert ImapCollector().streams(visit) == ["INBOX"]


def test_what_is_not_said_is_as_usual(tmp_path: Path) -> None:
    options = {"host": "imap.shop.example", "user": {"env": "NO_SUCH_VARIABLE"}, "folders": "INBOX"}
    assert ImapCollector().streams(Visit(SourceConfig("live", "imap", options=options), Vault(tmp_path), NOW)) == [
        "INBOX"
    ]


def test_the_user_may_be_kept_as_a_secret_too(empty: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAIL_USER", USER)
    empty.settings["user"] = {"env": "MAIL_USER"}
    empty.add(1)
    assert len(items(empty)) == 1


@pytest.mark.parametrize("password", ['with "quotes" and \\', "密码 with Chinese", "ends in blanks and &"])
def test_passwords_of_all_kinds_let_in(empty: Shop, monkeypatch: pytest.MonkeyPatch, password: str) -> None:
    monkeypatch.setenv(SECRET_VARIABLE, password)
    empty.inbox.password = password
    empty.add(1)
    assert len(items(empty)) == 1


def test_a_password_of_two_lines_is_refused(empty: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SECRET_VARIABLE, "one\nA1 DELETE INBOX")
    with pytest.raises(CollectError) as error:
        empty.pages()
    assert str(error.value) == (
        "source 'live': user or password holds a line break, or another character that can't be seen."
    )
    assert empty.inbox.asked == []


def test_a_provider_that_wants_to_know_the_program_is_told(empty: Shop) -> None:
    empty.inbox.wants_id = True
    empty.add(1)
    assert len(items(empty)) == 1
    assert any(asked.startswith('ID ("name" "yuansheng" "version" ') for asked in empty.inbox.asked)


def test_the_connection_is_closed_in_order(empty: Shop) -> None:
    empty.add(1)
    empty.pages()
    assert empty.inbox.asked[-1] == "LOGOUT"
