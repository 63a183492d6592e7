"""A TOML table whose fields are checked as they are read: taxonomies, export layouts and project files use it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

_LIKE_A_KEY = re.compile(r"(?=.*\d)(?=.*[A-Za-z])[\w+/=.~-]{16,}", re.ASCII)
# 16 capitals in a row are what mail providers give to programs.
_VARIABLE = re.compile(r"_*[A-Z0-9]{1,15}(?:_+[A-Z0-9]{1,15})*_*")


def looks_like_a_key(text: str) -> bool:
    """Whether it is long and of letters and digits, as those keys are that programs show who they are with, and no words that somebody writes."""
    return _LIKE_A_KEY.fullmatch(text) is not None


def is_plain_variable(name: str) -> bool:
    """Whether it is written as names of environment variables usually are, and as no key is, so that it may be shown.

    >>> is_plain_variable("ZENDESK_TOKEN"), is_plain_variable("HKUYPKTXDWKXHDBT")
    (True, False)
    """
    return _VARIABLE.fullmatch(name) is not None


def quoted(value: object) -> str:
    """A value as messages show it, as it is written in Python; not what may be a key that was pasted in the wrong place.

    >>> quoted("iso"), quoted(["a", 5]), quoted({"token": "s3cret"}), quoted("Zx9QmT4vR7bK2nW8")
    ("'iso'", "['a', 5]", 'a table', 'a text that may be a secret, so that it is not shown')
    """
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, list):
        return f"[{', '.join(map(quoted, value))}]"
    if isinstance(value, str) and looks_like_a_key(value):
        return "a text that may be a secret, so that it is not shown"
    return repr(value)


@dataclass(frozen=True, slots=True)
class Wording:
    """What a kind of file raises, and how it says what was expected.

    Templates of whole clauses, set behind the place: `{key}` (that of what is unknown, and `{value}`, as `quoted` has it) and `{known}` are filled in.
    """

    error: type[Exception]
    text: str = "'{key}' must be text in quotes, not {value}"
    texts: str = "'{key}' must be a list of texts, not {value}"
    choice: str = "'{key}' must be one of {known}, not {value}"
    table: str = "[{key}] must be a table"
    tables: str = "[[{key}]] must be tables"
    unknown: str = "unknown {key}. Known: {known}"


class SettingsTable:
    """`where` names the table in messages: the file, and the place in it."""

    def __init__(self, data: Mapping[str, object], where: str, wording: Wording) -> None:
        self.data = data
        self.where = where
        self.wording = wording

    def fault(self, template: str, **filled: str) -> Exception:
        """The error to raise, its message beginning with the place."""
        return self.wording.error(f"{self.where}: {template.format(**filled)}.")

    def refuse_unknown(self, known: set[str]) -> None:
        if unknown := sorted(set(self.data) - known):
            raise self.fault(self.wording.unknown, key=quoted(unknown[0]), known=", ".join(sorted(known)))

    def optional_string(self, key: str) -> str | None:
        value = self.data.get(key)
        if value is not None and not isinstance(value, str):
            raise self.fault(self.wording.text, key=key, value=quoted(value))
        return value

    def string(self, key: str, default: str | None = None) -> str:
        """The text, else `default`; without a default there must be one, and not an empty one."""
        value = self.optional_string(key)
        if default is not None:
            return default if value is None else value
        if not value:
            raise self.fault("'{key}' is missing", key=key)
        return value

    def one_of(self, key: str, known: tuple[str, ...], default: str | None = None) -> str:
        """One of the known texts; where nothing stands, `default`, which need not be one of them."""
        value = self.optional_string(key)
        if value is None and default is not None:
            return default
        if value not in known:
            raise self.fault(self.wording.choice, key=key, value=quoted(value), known=", ".join(known))
        return value

    def number(self, key: str, default: float | None = None) -> float:
        value = self.data.get(key, default)
        if value is None:
            raise self.fault("'{key}' is missing", key=key)
        if not isinstance(value, int | float) or isinstance(value, bool):
            hint = " (write it without quotation marks)" if isinstance(value, str) and value.strip().isdecimal() else ""
            raise self.fault("'{key}' must be a number, not {value}{hint}", key=key, value=quoted(value), hint=hint)
        return value

    def within(self, key: str, default: float, most: float, *, whole: bool = False) -> float:
        """A number from 0 to `most`; `whole`: without a fraction."""
        value = self.number(key, default)
        if not 0 <= value <= most or (whole and value != int(value)):
            kind = "a whole number" if whole else "a number"
            raise self.fault(
                "'{key}' must be {kind} from 0 to {most}, not {value}",
                key=key,
                kind=kind,
                most=f"{most:.0f}",
                value=quoted(value),
            )
        return value

    def strings(self, key: str, *, lone: bool = False, blank: bool = True) -> tuple[str, ...]:
        """A list of texts, none by default; `lone`: one text by itself too; `blank`: texts may be blank."""
        value = self.data.get(key, [])
        listed = [value] if lone and isinstance(value, str) else value
        if not isinstance(listed, list) or not all(isinstance(v, str) and (blank or v.strip()) for v in listed):
            raise self.fault(self.wording.texts, key=key, value=quoted(value))
        return tuple(cast("list[str]", listed))

    def table(self, key: str, *, required: bool = False) -> "SettingsTable":
        """The table of that name; an empty one where there is none, unless it is `required`."""
        value = self.data.get(key, None if required else {})
        if not isinstance(value, dict):
            raise self.fault(self.wording.table, key=key)
        return SettingsTable(cast("dict[str, object]", value), f"{self.where}, [{key}]", self.wording)

    def tables(self, key: str) -> list["SettingsTable"]:
        value = self.data.get(key, [])
        if not isinstance(value, list) or not all(isinstance(v, dict) for v in value):
            raise self.fault(self.wording.tables, key=key)
        return [SettingsTable(v, f"{self.where}, [[{key}]] {n}", self.wording) for n, v in enumerate(value, 1)]
