"""How an interface is told who asks: `[sources.auth]` of a source."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from feedback.collectors.live import Visit
from feedback.collectors.live.web import Web
from feedback.errors import CollectError
from nlp.settings_table import SettingsTable

KINDS = ("none", "bearer", "header", "basic", "query", "oauth2")
_EARLIER_SECONDS = 60  # before it runs out a token is fetched anew
_USUAL_SECONDS = 3600

Headers = Callable[[], dict[str, str]]


@dataclass(frozen=True, slots=True)
class Access:
    """A `Web` that says who asks, and the headers to send with each request beyond that: a token that is renewed.

    `parameters`: the names of those that it adds to every address.
    """

    web: Web
    headers: Headers
    parameters: frozenset[str] = frozenset()


def access(visit: Visit) -> Access:
    """As the settings say:

    - `type = "bearer"`, `token`
    - `type = "header"`, `name`, `token`
    - `type = "query"`, `name`, `token`
    - `type = "basic"`, `user`, `password`
    - `type = "oauth2"` (client credentials: RFC 6749, 4.4), `token_url`, `client_id`, `client_secret`, `scope`
    """
    auth = visit.settings.table("auth")
    kind = auth.one_of("type", KINDS, "none")
    known = {
        "none": set[str](),
        "bearer": {"token"},
        "header": {"name", "token"},
        "query": {"name", "token"},
        "basic": {"user", "password"},
        "oauth2": {"token_url", "client_id", "client_secret", "scope"},
    }[kind]
    auth.refuse_unknown({"type", *known})
    if kind == "basic":
        pair = (_secret_or_text(visit, auth, "user"), visit.vault.read(auth, "password"))
        return Access(Web(auth=pair, patience=visit.patience), dict)
    if kind == "oauth2":
        return Access(Web(patience=visit.patience), _ClientCredentials(visit, auth).headers)
    token = visit.vault.read(auth, "token") if known else ""
    if not token.isascii():
        raise CollectError(f"{auth.where}: the token holds characters that no token has. Was something else pasted?")
    if kind == "query":
        name = auth.string("name")
        return Access(Web(query={name: token}, patience=visit.patience), dict, frozenset({name}))
    if kind == "header":
        return Access(Web(headers={auth.string("name"): token}, patience=visit.patience), dict)
    headers = {"Authorization": f"Bearer {token}"} if kind == "bearer" else None
    return Access(Web(headers=headers, patience=visit.patience), dict)


def _secret_or_text(visit: Visit, auth: SettingsTable, key: str) -> str:
    """A name may stand in the settings; an address of a person need not."""
    return visit.vault.read(auth, key) if isinstance(auth.data.get(key), dict) else auth.string(key)


class _ClientCredentials:
    """A token that an authorization server gives for a client's own secret, fetched anew before it runs out."""

    def __init__(self, visit: Visit, auth: SettingsTable) -> None:
        self._url, self._scope, self._vault = auth.string("token_url"), auth.string("scope", ""), visit.vault
        self._patience = visit.patience
        self._client = (_secret_or_text(visit, auth, "client_id"), visit.vault.read(auth, "client_secret"))
        self._token, self._until = "", 0.0

    def headers(self) -> dict[str, str]:
        if time.monotonic() >= self._until:
            self._fetch()
        return {"Authorization": f"Bearer {self._token}"}

    def _fetch(self) -> None:
        form = {"grant_type": "client_credentials"} | ({"scope": self._scope} if self._scope else {})
        answer = Web(auth=self._client, patience=self._patience).post(self._url, form=form)
        given = answer.json()
        token = given.get("access_token") if isinstance(given, dict) else None
        if not isinstance(token, str) or not token:
            raise CollectError(f"{answer.place} gave no access_token. Is 'token_url' right?")
        self._vault.keep(token)
        seconds = given.get("expires_in") if isinstance(given, dict) else None
        lasts = float(seconds) if isinstance(seconds, int | float) else _USUAL_SECONDS
        self._token, self._until = token, time.monotonic() + max(0.0, lasts - _EARLIER_SECONDS)
