"""How an interface is told who asks: `[sources.auth]` of a source."""

import time

from feedback.collectors.live import Visit
from feedback.collectors.live.address import address, is_secret
from feedback.collectors.live.mapped import table_of
from feedback.collectors.live.web import Answer, Query, Refused, Web
from feedback.errors import CollectError
from nlp.settings_table import SettingsTable, quoted

KINDS: dict[str, set[str]] = {
    "none": set(),
    "bearer": {"token"},
    "header": {"name", "token"},
    "query": {"name", "token"},
    "basic": {"user", "password"},
    "oauth2": {"token_url", "client_id", "client_secret", "scope"},
}
_EARLIER_SECONDS = 60  # before it runs out a token is fetched anew
_USUAL_SECONDS = 3600
_NOT_KNOWN = 401


class Access:
    """Asks and says who asks. `parameters`: the names of those that it adds to every address."""

    def __init__(
        self, web: Web, parameters: frozenset[str] = frozenset(), token: "_ClientCredentials | None" = None
    ) -> None:
        self.parameters = parameters
        self._web, self._token = web, token

    def get(self, url: str, query: Query) -> Answer:
        """As `Web.get`. A token that is no longer taken, though it was, is fetched anew, once."""
        if self._token is None:
            return self._web.get(url, query)
        try:
            answer = self._web.get(url, query, self._token.headers())
        except Refused as refused:
            if refused.status != _NOT_KNOWN or not self._token.was_good:
                raise
            self._token.forget()
            answer = self._web.get(url, query, self._token.headers())
        self._token.was_good = True
        return answer


def access(visit: Visit) -> Access:
    """As `[auth]` says, and with those parameters of `[query]` that are secrets:

    - `type = "bearer"`, `token`
    - `type = "header"`, `name`, `token`
    - `type = "query"`, `name`, `token`
    - `type = "basic"`, `user`, `password`
    - `type = "oauth2"` (client credentials: RFC 6749, 4.4), `token_url`, `client_id`, `client_secret`, `scope`
    """
    auth = checked_auth(visit.settings)
    kind = auth.string("type", "none")
    parameters = _secret_parameters(visit)
    headers: dict[str, str] = {}
    pair, credentials = None, None
    if kind == "basic":
        pair = (_secret_or_text(visit, auth, "user"), visit.vault.read(auth, "password"))
        visit.vault.keep(":".join(pair))  # as the header has it
    elif kind == "oauth2":
        credentials = _ClientCredentials(visit, auth)
    elif kind != "none":
        token = visit.vault.read(auth, "token")
        if not (token.isascii() and token.isprintable()):
            raise CollectError(
                f"{auth.where}: the token holds characters that no token has. Was something else pasted?"
            )
        if kind == "query":
            parameters[auth.string("name")] = token
        elif kind == "header":
            headers[auth.string("name")] = token
        else:
            headers["Authorization"] = f"Bearer {token}"
    web = Web(headers, parameters, pair, visit.patience)
    return Access(web, frozenset(parameters), credentials)


def checked_auth(settings: SettingsTable) -> SettingsTable:
    """`[auth]` as far as it can be checked without a secret."""
    auth = table_of(settings, "auth", 'type = "bearer", token = { env = "NAME_OF_A_VARIABLE" }')
    if auth.data and "type" not in auth.data:
        raise auth.fault("'type' is missing, which says how the key is given: {kinds}", kinds=", ".join(KINDS))
    kind = auth.one_of("type", tuple(KINDS), "none")
    auth.refuse_unknown({"type", *KINDS[kind]})
    for key in sorted(KINDS[kind] - {"scope"} - set(auth.data)):
        raise auth.fault("'{key}' is missing", key=key)
    return auth


def plain_parameters(settings: SettingsTable) -> dict[str, str | int]:
    """Those of `[query]` that go with every first request and are no secrets; raises where one is that stands there itself."""
    table = _parameters(settings)
    plain = {name: value for name, value in table.data.items() if not isinstance(value, dict)}
    for name, value in plain.items():
        if is_secret(name):
            raise table.fault(
                "'{name}' is a secret, which does not belong in this file. Say where it is: {name} = {{ env = \"NAME_OF_A_VARIABLE\" }}",
                name=name,
            )
        if not isinstance(value, str | int):
            raise table.fault("'{name}' must be a text or a number, not {value}", name=name, value=quoted(value))
    return {name: value for name, value in plain.items() if isinstance(value, str | int)}


def _secret_parameters(visit: Visit) -> dict[str, str]:
    table = _parameters(visit.settings)
    return {name: visit.vault.read(table, name) for name, value in table.data.items() if isinstance(value, dict)}


def _parameters(settings: SettingsTable) -> SettingsTable:
    return table_of(settings, "query", 'status = "all"')


def _secret_or_text(visit: Visit, auth: SettingsTable, key: str) -> str:
    """A name may stand in the settings; an address of a person need not."""
    return visit.vault.read(auth, key) if isinstance(auth.data.get(key), dict) else auth.string(key)


class _ClientCredentials:
    """A token that an authorization server gives for a client's own secret, fetched anew before it runs out."""

    def __init__(self, visit: Visit, auth: SettingsTable) -> None:
        self._url = address(auth, "token_url", "Say it by 'client_id' and 'client_secret'")
        self._scope, self._vault = auth.string("scope", ""), visit.vault
        self._patience = visit.patience
        self._client = (_secret_or_text(visit, auth, "client_id"), visit.vault.read(auth, "client_secret"))
        visit.vault.keep(":".join(self._client))  # as the header has it
        self._token, self._until = "", 0.0
        self.was_good = False  # whether the token was taken at least once

    def forget(self) -> None:
        """The server may take a token back before its time is over."""
        self._until = 0.0

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
        self.was_good = False
