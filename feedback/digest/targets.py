"""Addresses under `send_to` that hold a secret: they belong into the environment, not into a file that may be shared."""

import os
from collections.abc import Sequence
from urllib.parse import parse_qsl, unquote, urlsplit

from feedback.collectors.live.address import is_secret
from feedback.errors import DeliveryError
from nlp.settings_table import is_plain_variable, looks_like_a_key

# All others are those of robots and services, which know by nothing but the address who may write.
_THIS_MACHINE = frozenset(
    {"syslog", "dbus", "qt", "kde", "glib", "gnome", "macosx", "windows"}
)  # its log and its screen
_OPEN = _THIS_MACHINE | {"mailto", "mailtos", "json", "jsons", "form", "forms", "xml", "xmls"}
_SECRETS = frozenset({"pass"})  # what apprise calls them, beside the usual names


def check_targets(targets: Sequence[str]) -> str:
    """How many there are; `DeliveryError`, which shows nothing of them, where one holds a secret."""
    if found := [str(number) for number, target in enumerate(targets, 1) if holds_secret(target.strip())]:
        raise DeliveryError(
            f"send_to {', '.join(found)}: a secret does not belong in feedback.toml. Keep the whole address in the environment, "
            'or in feedback.env beside this file, and name it: send_to = ["env:NAME_OF_A_VARIABLE"]'
        )
    return f"send_to: {len(targets)}"


def holds_secret(target: str) -> bool:
    """Whether a password, a key, or what may be one, is in it.

    >>> holds_secret("env:WECOM_ROBOT"), holds_secret("wecombot://KEY"), holds_secret("mailto://li:pw@mail.example.com")
    (False, True, True)
    """
    if target.startswith("env:"):
        name = target.removeprefix("env:")
        return not is_plain_variable(name) and name not in os.environ
    try:
        parts = urlsplit(target)
        _ = parts.port
    except ValueError:  # it is no address, or has a password with a slash in it: what else it may be nobody knows
        return True
    if parts.scheme not in _OPEN or parts.password is not None:
        return True
    named = [(name.lstrip("+-:"), value) for name, value in parse_qsl(parts.query)]  # apprise: headers and the like
    if any(is_secret(name) or name in _SECRETS for name, _ in named):
        return True
    return any(map(looks_like_a_key, [*map(unquote, parts.path.split("/")), *(value for _, value in named)]))
