"""Addresses of digests: which hold a secret, and what doctor says of them."""

from pathlib import Path

import pytest
from command import run

from feedback.digest.targets import check_targets, holds_secret

KEY = "Zx9QmT4vR7bK2nW8cY5d"


@pytest.mark.parametrize(
    "target",
    [
        f"json://hooks.example.com/{KEY}",
        "json://li:pw@hooks.example.com/digest",
        "jsons://hooks.example.com/digest?token=abc",
        "jsons://hooks.example.com/digest?+X-Token=abc",
        "mailto://li:pw@mail.example.com?to=boss@example.com",
        "mailto://mail.example.com?user=li&pass=pw&to=boss@example.com",
        "mailtos://li@example.com:pw@mail.example.com",
        "mailto://li:p/w@mail.example.com",
        "mailto://li:p?w@mail.example.com",
        "mailto://li:12345@mail.example.com:465/boss@shop.example",
        "wecombot://KEY",
        "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=abc",
        "env:HKUYPKTXDWKXHDBT",
        "http://[::1",
    ],
)
def test_an_address_with_a_password_or_a_key_in_it_holds_a_secret(target: str) -> None:
    assert holds_secret(target)


@pytest.mark.parametrize(
    "target",
    [
        "env:WECOM_ROBOT",
        "mailto://127.0.0.1:25?from=digest@example.com&to=boss@example.com",
        "mailto://li@mail.example.com?to=boss@example.com",
        "json://127.0.0.1:8080/digest",
        "mailto://kf@mail.example.com:465/boss@shop.example",
        "mailto://[::1]:25/boss@shop.example",
        "syslog://",
        "dbus://",
    ],
)
def test_other_addresses_may_stand_in_the_settings(target: str) -> None:
    assert not holds_secret(target)
    assert check_targets([target, target]) == "send_to: 2"


def test_a_variable_that_is_set_may_have_any_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("my-robot.address", "wecombot://KEY")
    assert not holds_secret("env:my-robot.address")


def test_doctor_says_where_an_address_with_a_secret_belongs_and_does_not_show_it(tmp_path: Path) -> None:
    targets = f'"env:ROBOT", "json://hooks.example.com/{KEY}", "mailto://li:hunter2@mail.example.com"'
    (tmp_path / "feedback.toml").write_text(f"[digest]\nsend_to = [{targets}]\n", encoding="utf-8")
    ran = run("doctor", project=tmp_path)
    assert (ran.code, KEY in ran.out, "hunter2" in ran.out) == (1, False, False)
    assert [line for line in ran.out.splitlines() if "Digest" in line] == [
        "BAD Digest: send_to 2, 3: a secret does not belong in feedback.toml. Keep the whole address in the environment, "
        'or in feedback.env beside this file, and name it: send_to = ["env:NAME_OF_A_VARIABLE"]'
    ]


def test_a_new_project_shows_no_password(tmp_path: Path) -> None:
    assert run("init", tmp_path / "shop").code == 0
    assert "password" not in (tmp_path / "shop" / "feedback.toml").read_text(encoding="utf-8")
