"""How interfaces of 企业微信 are asked: with an access token for a secret, and answers that say by `errcode` whether they are any.

Tokens: https://developer.work.weixin.qq.com/document/path/91039. Codes: https://developer.work.weixin.qq.com/document/path/90313; they come
with the HTTP status 200, and their number counts, as the words beside it change.
"""

import re
import time
from collections.abc import Mapping

from feedback.collectors.live import Visit
from feedback.collectors.live.web import Answer, Web
from feedback.errors import CollectError

_EARLIER_SECONDS = 60  # before it runs out a token is fetched anew
_USUAL_SECONDS = 7200

_TOKEN_GONE = (40014, 42001)
MEANINGS = {
    -1: "It is busy. Run this again later.",
    40001: "It does not know this secret. Is it the secret of an app that may use this interface?",
    40013: "It does not know this company. Is 'corp_id' right?",
    40014: "It does not take the access token that it gave. Run this again later.",
    41001: "It saw no access token. Does something between this machine and 'url' change requests?",
    42001: "The access token that it gave has run out at once. Run this again later.",
    45009: "It was asked too often. What came before is kept; run this again later, and less often.",
    48002: "This app may not use the interface. Allow it to, in the admin console of 企业微信.",
    60020: "This machine{} is not on the app's list of trusted addresses (企业可信IP). Add it in the admin console of 企业微信.",
    95000: "It does not know this account. Is 'open_kfid' right, and may the app manage the account?",
}
_OWN_ADDRESS = re.compile(r"from ip: ([0-9A-Fa-f.:]+[0-9A-Fa-f])")
_HINT = re.compile(r"[,，]?\s*(?:hint|from ip|more info)\b.*")
_PERSON = re.compile(r"\bw[mo](?=[\w-]*[A-Z0-9_-])[\w-]+")


class WecomRefused(CollectError):
    """An answer whose `errcode` is not 0."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class WecomInterface:
    """Asks at `url` for a company; the token is fetched anew before it runs out, and once when it is no longer taken."""

    def __init__(self, url: str, corp_id: str, visit: Visit) -> None:
        self._url, self._corp_id, self._visit = url.rstrip("/"), corp_id, visit
        self._web = Web(patience=visit.patience)
        self._token, self._good_until = "", 0.0

    def post(self, path: str, asked: Mapping[str, object], what: str) -> dict[str, object]:
        """The fields of the answer; `WecomRefused`, naming `what` was asked about, where it is an error."""
        try:
            return self._post(path, asked, what)
        except WecomRefused as refused:
            if refused.code not in _TOKEN_GONE:
                raise
        self._good_until = 0.0
        return self._post(path, asked, what)

    def _post(self, path: str, asked: Mapping[str, object], what: str) -> dict[str, object]:
        query = {"access_token": self._access_token()}
        return _content(self._web.post(f"{self._url}{path}", query, data=dict(asked)), f" for {what}")

    def _access_token(self) -> str:
        if time.monotonic() >= self._good_until:
            query = {"corpid": self._corp_id, "corpsecret": self._visit.secret("secret")}
            answer = self._web.get(f"{self._url}/cgi-bin/gettoken", query)
            content = _content(answer)
            token, seconds = content.get("access_token"), content.get("expires_in")
            if not isinstance(token, str) or not token:
                raise CollectError(f"{answer.place} gave no 'access_token'. Has the interface changed?")
            self._visit.vault.keep(token)
            lasts = float(seconds) if isinstance(seconds, int | float) else _USUAL_SECONDS
            self._token, self._good_until = token, time.monotonic() + max(0.0, lasts - _EARLIER_SECONDS)
        return self._token


def _content(answer: Answer, what: str = "") -> dict[str, object]:
    content = answer.json()
    code = content.get("errcode") if isinstance(content, dict) else None
    if not isinstance(content, dict) or not isinstance(code, int):
        raise CollectError(
            f"{answer.place}: the answer has no 'errcode'. Is 'url' right, or has the interface changed?"
        )
    if code:
        said = " ".join(str(content.get("errmsg", "")).split())
        raise WecomRefused(code, f"{answer.place} refuses{what} ({code}). {_meaning(code, said)}")
    return content


def _meaning(code: int, said: str) -> str:
    found = _OWN_ADDRESS.search(said)
    if code in MEANINGS:
        return MEANINGS[code].format(f" ({found[1]})" if found else "")
    words = _PERSON.sub("…", _HINT.sub("", said))[:100] or "nothing more"
    return f"It says: {words}. What the number means: https://developer.work.weixin.qq.com/document/path/90313"
