"""Addresses that settings name: none holds a secret, as neither does anything else of them."""

import re
from contextlib import suppress
from urllib.parse import parse_qsl, unquote, urlsplit

from feedback.collectors.live.vault import Vault
from nlp.settings_table import SettingsTable, looks_like_a_key

# What interfaces call a parameter that says who asks, without what separates its words: so, or with something before it.
_SECRETS = (
    *("token", "secret", "password", "passwd", "pwd", "apikey", "accesskey", "authkey", "secretkey", "privatekey"),
    *("subscriptionkey", "signature", "authorization", "jwt", "session", "sessionid"),
)
_WHOLE_SECRETS = frozenset({"key", "sig", "sign", "sk"})
# These say where to go on.
_PLACES = ("pagetoken", "nexttoken", "continuationtoken", "synctoken", "cursortoken", "pagingtoken")
_WORDS = re.compile(r"[\W_]+")
_HOST = re.compile(r"(?:[a-z]+:?/{1,2})?(?P<host>(?:[a-z\d-]+\.)+[a-z]{2,24})(?:[:/?#]|\Z)", re.ASCII)


def is_secret(parameter: str) -> bool:
    """Whether a parameter of an address is one of those that say who asks."""
    name = _WORDS.sub("", parameter).lower()
    return name in _WHOLE_SECRETS or (name.endswith(_SECRETS) and not name.endswith(_PLACES))


def address(settings: SettingsTable, key: str, instead: str, default: str | None = None) -> str:
    """The address of an interface that `key` names, which may hold no secret; `instead` says how that is given."""
    url = settings.string(key, default)
    refuse_secrets(settings, key, url, instead)
    if not _is_asked(url):
        raise settings.fault(
            "'{key}' is no address that can be asked. Write one that begins with https:// or http://, like https://{host}",
            key=key,
            host=_host_shown(url) or "shop.example",
        )
    return url


def _is_asked(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port or a bracket that is none
        return False


def _host_shown(written: str) -> str | None:
    """The host that somebody wrote without a scheme, or behind another one; None where it may be something else, a key for instance."""
    found = _HOST.match(written)
    return found["host"] if found and not any(map(looks_like_a_key, found["host"].split("."))) else None


def base_address(settings: SettingsTable, default: str | None = None) -> str:
    """`url`, of an interface whose paths a collector knows itself, without a slash at its end."""
    return address(settings, "url", "The source's other settings say how the key is given", default).rstrip("/")


def refuse_secrets(settings: SettingsTable, key: str, url: str, instead: str) -> None:
    """Raises where an address has a user in it, or a parameter that is called as secrets are."""
    try:
        parts = urlsplit(url)
        user = parts.username
    except ValueError:  # it is no address, which is said elsewhere
        return
    names = [name for name, value in parse_qsl(parts.query) if is_secret(name)]
    if user is None and not names:
        return
    what = "a user" if user is not None else f"'{names[0]}'"
    raise settings.fault(
        "'{key}' has {what} in it: a secret does not belong in this file. {instead}",
        key=key,
        what=what,
        instead=instead,
    )


def secret_address(settings: SettingsTable, key: str, vault: Vault) -> str:
    """An address that is a secret itself: its host may be named, what follows may not.

    In what somebody said that is hidden of it which is a key: a parameter called like one, or what looks like one; and the path behind a host. By itself
    a path may be words.
    """
    url = vault.read(settings, key)
    _keep_parts(url, vault)
    return url


def learn_secrets(settings: SettingsTable, vault: Vault) -> None:
    """Lets the vault know what asking would tell it, as far as it is there: an answer that was saved may give a key back as well."""
    for secret in vault.learn(settings):
        if "://" in secret:
            _keep_parts(secret, vault)


def _keep_parts(url: str, vault: Vault) -> None:
    with suppress(ValueError):  # it is no address: asking for it says so
        parts = urlsplit(url)
        vault.keep_path(parts.path)
        for name, value in parse_qsl(parts.query):
            if is_secret(name) or looks_like_a_key(value):
                vault.keep(value)
        for part in map(unquote, parts.path.split("/")):
            if looks_like_a_key(part):
                vault.keep(part)
