"""Secrets: where they come from, and that they go nowhere else.

A secret is named in the settings by where it is, `token = { env = "ZENDESK_TOKEN" }` or `token = { file = "~/.zendesk" }`, and is never
itself in a file of the project. `Vault.hide` takes what was read out of any text that is shown or stored.
"""

import base64
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from urllib.parse import quote, quote_plus, unquote

from feedback.errors import CollectError
from nlp.settings_table import SettingsTable, is_plain_variable

HIDDEN = "…"
_SECRETS = frozenset({"client_secret", "oauth_token", "password", "secret", "token"})
_LONGEST = 64 * 1024  # bytes of a file: a private key has two or three thousand
_URL_SAFE = str.maketrans("+/", "-_")
_SHORTEST_HIDDEN = 4  # what is shorter would be found in any text
_SHORTEST_PART = 8  # likewise, of a secret that was cut with the text that holds it
_PATH = re.compile(r"(?:/|~[^/\\]*[/\\]|[A-Za-z]:[/\\]|\.\.[/\\]).*")  # one that may lead out of the project
_KEY_IN_PATH = re.compile(  # where names are made of words and have endings
    r"^(?=.*\d)(?=.*[a-z])(?=.*[A-Z])[\w+=~-]{16,}$|(?=[A-Za-z]*\d+[A-Za-z])[A-Za-z\d]{16}"
)
# What ends where the path of an address begins: a scheme and a host, or a host that is none of a path's names.
_HOST = re.compile(
    r"(?::|%3A)(?://|%2F%2F)[^\s/]*+\Z|(?<![a-z\d.-])(?:[a-z\d-]++\.)++[a-z\d-]++(?::\d+)?\Z", re.IGNORECASE | re.ASCII
)
_LONGEST_HOST = 300  # characters
_NO_VARIABLE = (
    "'env' is not the name of a variable that is set. What stands there is not shown, as it may be the secret itself, "
    'which does not belong in this file. Keep it in a variable and name that: {{ env = "NAME_OF_A_VARIABLE" }}'
)
_NOT_SHOWN = "what 'file' names (it is not shown, as it may be the secret itself)"


class Vault:
    """The secrets that one run has read. `folder` is the project's: no secret is kept there."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()
        self._values: set[str] = set()
        self._paths: set[str] = set()

    def read(self, settings: SettingsTable, key: str) -> str:
        """The secret that `key` names; raises `CollectError` where it names none, or one that is not there."""
        value = settings.data.get(key)
        example = f'{key} = {{ env = "NAME_OF_A_VARIABLE" }} or {key} = {{ file = "~/a-file-outside-the-project" }}'
        if value is None:
            raise settings.fault("'{key}' is missing. Say where it is: {example}", key=key, example=example)
        if isinstance(value, dict) and not is_place(value):
            raise settings.fault("'{key}' must be one of these: {example}", key=key, example=example)
        if not isinstance(value, dict):
            raise settings.fault(
                "'{key}' is a secret, which does not belong in this file. Say where it is: {example}",
                key=key,
                example=example,
            )
        place = settings.table(key)
        found = self._of_variable(place) if "env" in place.data else self._of_file(place)
        self.keep(found)
        return found

    def place(self, settings: SettingsTable, key: str) -> str:
        """How the place of a secret is called: `env:FORUM_FEED`. What is not written as places are must be one; else this raises what `read` does."""
        place = settings.table(key)
        ((way, _),) = place.data.items()
        written = place.string(way)
        if not (is_plain_variable(written) if way == "env" else _is_path(written)):
            self.read(settings, key)
        return f"{way}:{written}"

    def check(self, settings: SettingsTable) -> None:
        """Raises what `read` would for each secret that the settings name or hold, in their tables too; says nothing of secrets that are missing."""
        for table, key in _named(settings):
            self.read(table, key)

    def learn(self, settings: SettingsTable) -> list[str]:
        """The secrets that the settings say the place of, in their tables too, as far as they are there."""
        found: list[str] = []
        for table, key in _named(settings):
            with suppress(CollectError):
                found.append(self.read(table, key))
        return found

    def keep(self, value: str) -> None:
        """Counts a text as a secret from now on: one read from elsewhere, or one that an interface gave for a while."""
        self._values.add(value)

    def keep_path(self, path: str) -> None:
        """As `keep`, of the path of an address that is a secret: it may be words as well, which stay in what somebody said."""
        self._paths |= {path, unquote(path), path.rstrip("/")}

    def hide(self, text: str) -> str:
        """The text without any secret, in whichever way an address or a header writes it, nor the beginning or the end of one that was cut."""
        secrets = self._values | self._paths
        return _without(text, [*_whole(secrets, text, _SHORTEST_HIDDEN), *_cut(secrets, text)])

    def hide_in_words(self, text: str) -> str:
        """As `hide`, in what somebody said, of which nothing may be hidden that only resembles a secret: no part, nothing short, no path without a host."""
        paths = [span for span in _whole(self._paths, text, _SHORTEST_PART) if _is_behind_host(text, span[0])]
        return _without(text, [*_whole(self._values, text, _SHORTEST_PART), *paths])

    def hide_in_id(self, text: str) -> str:
        """As `hide_in_words`, in what nobody says."""
        return _without(text, _whole(self._values | self._paths, text, _SHORTEST_PART))

    def _of_variable(self, place: SettingsTable) -> str:
        name = place.string("env")
        found = os.environ.get(name, "").strip()
        if not found and not is_plain_variable(name):
            raise place.fault(_NO_VARIABLE)
        if not found:
            raise CollectError(
                f"{place.where}: the environment variable {name} is not set. Set it (export {name}=…, on Windows setx {name} …), and run this again."
            )
        return found

    def _of_file(self, place: SettingsTable) -> str:
        written = place.string("file")
        shown = written if _is_path(written) else _NOT_SHOWN
        try:
            path = (self._folder / Path(written).expanduser()).resolve()
        except RuntimeError:
            raise CollectError(f"{place.where}: {shown} can't be read: nobody here has this home folder.") from None
        except ValueError:  # a NUL
            raise CollectError(f"{place.where}: {shown} can't be read: no path is like that.") from None
        shown = str(path) if _is_path(written) else _NOT_SHOWN
        if path.is_relative_to(self._folder):
            raise CollectError(
                f"{place.where}: {shown} lies in the project's folder, which may be shared. Keep secrets outside of it."
            )
        try:
            with path.open("rb") as file:
                found = file.read(_LONGEST + 1)
        except OSError as error:
            raise CollectError(f"{place.where}: {shown} can't be read: {error.strerror}.") from None
        text = found.decode("utf-8", "replace").strip().removeprefix("\ufeff")
        if not text or len(found) > _LONGEST or "\ufffd" in text:
            raise CollectError(f"{place.where}: {shown} holds no secret: it is empty, too large, or not text.")
        return text


def _named(settings: SettingsTable) -> Iterator[tuple[SettingsTable, str]]:
    """Where the settings name a secret or hold one: the table and the key."""
    for key, value in settings.data.items():
        if key in _SECRETS or is_place(value):
            yield settings, key
        elif isinstance(value, dict):
            yield from _named(settings.table(key))
        elif isinstance(value, list):
            for each in value:
                if is_place(each):
                    yield SettingsTable({key: each}, settings.where, settings.wording), key


def is_place(value: object) -> bool:
    """Whether a setting says where a secret is."""
    return isinstance(value, dict) and set(value) in ({"env"}, {"file"})


def _is_path(written: str) -> bool:
    """Whether it is written as a path that leads out of the project, and holds nothing that may be a key."""
    return bool(_PATH.fullmatch(written)) and not any(map(_KEY_IN_PATH.search, re.split(r"[/\\]", written)))


@lru_cache(maxsize=64)  # each text is looked through for them
def _forms(value: str) -> frozenset[str]:
    octets = value.encode()
    plain = {value, quote(value), quote(value, safe=""), quote_plus(value), repr(value)[1:-1]}
    packed = {base64.b64encode(octets).decode(), *(_packed_inside(octets, before) for before in range(3))}
    return frozenset(plain | packed | {form.translate(_URL_SAFE) for form in packed})


def _packed_inside(octets: bytes, before: int) -> str:
    """What base64 makes of it in the middle of something longer, so many octets after a group of three; its edges depend on the rest."""
    whole = base64.b64encode(bytes(before) + octets).decode()
    return whole[-(-before * 4 // 3) : (before + len(octets)) * 4 // 3]


def _places(form: str, text: str) -> Iterator[tuple[int, int]]:
    at = text.find(form)
    while at >= 0:
        yield at, at + len(form)
        at = text.find(form, at + 1)


def _whole(secrets: Iterable[str], text: str, shortest: int) -> Iterator[tuple[int, int]]:
    """Where a secret stands, in any form of at least so many characters."""
    for secret in secrets:
        for form in _forms(secret):
            if len(form) >= shortest:
                yield from _places(form, text)


def _cut(secrets: Iterable[str], text: str) -> Iterator[tuple[int, int]]:
    """Where the beginning or the end of a secret stands. A part of an address may be the name of a host or a table; what is secret in it is kept by itself."""
    for secret in secrets:
        for form in _forms(secret):
            if len(form) > _SHORTEST_PART and "://" not in secret:
                yield from _parts(form, text)


def _is_behind_host(text: str, start: int) -> bool:
    return _HOST.search(text[max(0, start - _LONGEST_HOST) : start]) is not None


def _without(text: str, spans: Iterable[tuple[int, int]]) -> str:
    shown, end = "", 0
    for start, until in sorted(spans):
        if start > end or not shown:
            shown += text[end:start] + HIDDEN
        end = max(end, until)
    return shown + text[end:]


def _parts(form: str, text: str) -> Iterator[tuple[int, int]]:
    """Where runs of at least eight characters stand that a secret begins or ends with."""
    for start, end in _places(form[:_SHORTEST_PART], text):
        while end < len(text) and text[start : end + 1] == form[: end + 1 - start]:
            end += 1
        yield start, end
    for start, end in _places(form[-_SHORTEST_PART:], text):
        while start > 0 and text[start - 1 : end] == form[start - 1 - end :]:
            start -= 1
        yield start, end
