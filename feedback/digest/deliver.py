"""Sends a digest where the user said: mail, a 企业微信, 钉钉 or 飞书 robot, a webhook, anything else apprise knows.

Promises, and their limits:

- What a target accepted is not sent to it again under the same key. What failed is reported and tried again next time.
- At least once, not exactly once: a target is marked `SENDING` before the message leaves. A crash or a timeout
  between that mark and the answer leaves it unknown whether the message arrived; it is then sent again.
- Addresses hold secrets. They are never stored (the ledger sees a slow hash), logged or shown: what
  apprise and urllib3 log meanwhile is kept from every handler, and errors are masked.

apprise reads every address and does the sending, except to robots. They answer HTTP 200 to what they refuse, too (wrong
key, too long, missing keyword), which apprise takes for success; its 钉钉 signatures are encoded twice; and in its
plain text a customer's `<at user_id="all">` would alert a 飞书 group. So robots are written to here, as vendors say.
"""

import hashlib
import json
import logging
import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol
from urllib.parse import parse_qs, unquote, urlsplit

from feedback.digest.robots import ROBOTS, Robot, Robots
from feedback.errors import DeliveryError
from nlp.settings_table import is_plain_variable

if TYPE_CHECKING:
    from apprise import NotifyBase

SENDING = "sending: interrupted before the answer came, sent again next time"
CHAT_EXCERPT_BYTES = 4000  # what a group chat bears, once the whole does not fit

_FORMS = "mailto://, wecombot://KEY, dingtalk://TOKEN, feishu://TOKEN, lark://TOKEN, json://HOST/PATH or env:NAME"
_BREAKS = r"[/?&=@:,;<>#\s]+"
_HEADING = re.compile(r"#.*|\*\*[^*]+\*\*")
_WHOLE = ("mailto", "mailtos", "json", "jsons", "form", "forms", "xml", "xmls")  # these take any length
_PASTED = (  # addresses as the robots' dialogs show them
    (re.compile(r"https://qyapi\.weixin\.qq\.com/cgi-bin/webhook/send\?key=([\w-]+)"), r"wecombot://\1"),
    (re.compile(r"https://oapi\.dingtalk\.com/robot/send\?access_token=(\w+)"), r"dingtalk://\1"),
    (re.compile(r"https://open\.feishu\.cn/open-apis/bot/v2/hook/([\w-]+)/?"), r"feishu://\1"),
    (re.compile(r"https://open\.larksuite\.com/open-apis/bot/v2/hook/([\w-]+)/?"), r"lark://\1"),
)
_POINTERS = {"zh": "本消息只含开头部分，全文见 {}", "en": "This is only the beginning. Full report: {}"}


@dataclass(frozen=True, slots=True)
class Message:
    """A digest to send. `key` names digest and period; `html_path` is attached to mail and pointed to by excerpts."""

    key: str
    title: str
    body_markdown: str
    html_path: Path | None = None
    lang: Literal["zh", "en"] = "zh"

    def __post_init__(self) -> None:
        for name in ("key", "title", "body_markdown"):
            if not getattr(self, name).strip():
                raise DeliveryError(f"Nothing to send: the message's {name} is empty.")

    @property
    def body(self) -> str:
        """What follows the title, which every target shows itself."""
        return self.body_markdown.removeprefix(f"# {self.title}\n").lstrip("\n")

    @property
    def pointer(self) -> str:
        return _POINTERS[self.lang].format(self.html_path or "feedback digest")


@dataclass(frozen=True, slots=True)
class Delivery:
    """What became of one target. `target` names it without giving it away: "send_to 2 (wecombot)"."""

    target: str
    target_id: str
    outcome: Literal["sent", "already_sent", "failed"]
    error: str | None = None


class Ledger(Protocol):
    """Remembers what was sent. `record` overwrites what was recorded for that key and target before."""

    def delivered(self, key: str, target_id: str) -> bool:
        """True once `record` was called with `ok`."""
        ...

    def record(self, key: str, target_id: str, ok: bool, error: str | None) -> None: ...


def deliver(
    message: Message, targets: Sequence[str], ledger: Ledger, *, timeout_seconds: float = 20, robots: Robots = ROBOTS
) -> list[Delivery]:
    """Send to every target that has not had this message, and say what became of each; a bad one stops no other.

    A target is an apprise address, the webhook address a robot's dialog shows, or `env:NAME` for one kept in
    the environment. A mail address with several recipients is several targets; a target written twice is one.
    `timeout_seconds` bounds each connection and each wait for an answer.
    """
    done: dict[str, Delivery] = {}
    with _logs_held_back() as logged:
        sender = _Sender(timeout_seconds, robots, logged)
        for number, text in enumerate(targets, 1):
            for target in _read_target(f"send_to {number}", text.strip(), logged):
                done[target.id] = done.get(target.id) or _deliver_one(target, message, ledger, sender)
    return list(done.values())


def target_id(address: str) -> str:
    """What the ledger knows a target by. Slow on purpose: nobody shall find a weak password by trying hashes."""
    return hashlib.pbkdf2_hmac("sha256", address.encode(), b"yuansheng target", 100_000).hex()[:32]


@dataclass(frozen=True, slots=True)
class _Target:
    """One receiver. `plugin` is None when `error` says why there is none."""

    label: str
    id: str
    address: str
    plugin: "NotifyBase | None" = None
    error: str | None = None


def _refused(label: str, address: str, error: str) -> list[_Target]:
    return [_Target(label, target_id(address), address, error=error)]


def _read_target(label: str, text: str, logged: list[str]) -> list[_Target]:
    """The receivers that one `send_to` entry names, or the one that carries its error."""
    from apprise import Apprise

    address = text
    if text.startswith("env:"):
        name = text.removeprefix("env:")
        # Someone may write the secret itself behind env:, so only what looks like a variable is shown.
        shown = name if is_plain_variable(name) else "…"
        label = f"{label} (env:{shown})"
        address = os.environ.get(name, "").strip()
        if not address:
            return _refused(label, text, f"The environment variable {shown} is not set. Set it to the address.")
    for pasted, form in _PASTED:
        address = pasted.sub(form, address) if pasted.fullmatch(address) else address
    logged.clear()
    plugin: Any = Apprise.instantiate(address)  # each kind has fields of its own
    if plugin is None:
        return _refused(label, address, f"This is not an address feedback can send to. Write it as {_FORMS}.")
    if not text.startswith("env:"):
        label = f"{label} ({_scheme(plugin)})"
    recipients = getattr(plugin, "targets", None)
    named = re.findall(r"[^,;\s][^,;]*", ",".join(parse_qs(urlsplit(address).query).get("to", ())))
    if (recipients is not None and len(recipients) < len(named)) or any("Dropped invalid" in line for line in logged):
        return _refused(
            label, address, "One of its recipients is not valid. Correct it; until then it is sent nothing."
        )
    if not recipients or len(recipients) < 2 or not _scheme(plugin).startswith("mailto"):
        return [_Target(label, target_id(address), address, plugin)]
    # apprise calls a mail failed if one recipient is; trying it again would send it twice to all the others.
    single = []
    for n, recipient in enumerate(recipients, 1):
        one: Any = Apprise.instantiate(address)
        one.targets = [recipient]
        if n > 1:
            one.cc, one.bcc = set(), set()  # copies go out once, with the first
        identity = target_id(f"{address} {recipient[1]}")
        single.append(_Target(f"{label} {n}/{len(recipients)}", identity, address, one))
    return single


def _deliver_one(target: _Target, message: Message, ledger: Ledger, sender: "_Sender") -> Delivery:
    if ledger.delivered(message.key, target.id):
        return Delivery(target.label, target.id, "already_sent")
    error = target.error
    if target.plugin is not None:
        ledger.record(message.key, target.id, False, SENDING)
        try:
            error = sender.send(target.address, target.plugin, message)
        except Exception as failure:  # third-party senders: whatever one raises must not keep the others waiting
            error = mask(f"{type(failure).__name__}: {failure}", target.address)
    ledger.record(message.key, target.id, error is None, error)
    return Delivery(target.label, target.id, "failed" if error else "sent", error)


@dataclass(frozen=True, slots=True)
class _Sender:
    """Puts a message on the wire; each way returns None, or the reason why it failed, others' words masked."""

    timeout_seconds: float
    robots: Robots
    logged: list[str]

    def send(self, address: str, plugin: "NotifyBase", message: Message) -> str | None:
        scheme = _scheme(plugin)
        plugin.socket_connect_timeout = plugin.socket_read_timeout = self.timeout_seconds
        if scheme in self.robots:
            return self._to_robot(self.robots[scheme], address, plugin, message)
        return self._through_apprise(scheme, address, plugin, message)

    def _through_apprise(self, scheme: str, address: str, plugin: "NotifyBase", message: Message) -> str | None:
        from apprise import Apprise, NotifyFormat

        body, attachment = message.body, None
        if scheme not in _WHOLE:
            body = fit(body, message.pointer, lambda text: len(text) <= plugin.body_maxlen)
        if scheme.startswith("mailto"):
            # The mail is HTML made from a Markdown that lets tags through and knows only some escapes.
            body = re.sub(r"\\([<~$|&=])|<", lambda sign: f"&#{ord(sign[1] or '<')};", body)
            attachment = str(message.html_path) if message.html_path else None
            if message.html_path and not message.html_path.is_file():
                return f"The report {message.html_path} to attach is not there. Build the digest again."
        post = Apprise()
        post.add(plugin)
        self.logged.clear()
        sent = post.notify(body=body, title=message.title, body_format=NotifyFormat.MARKDOWN, attach=attachment)
        reason = mask(" ".join(dict.fromkeys(self.logged)), address)
        return None if sent else reason or "It was not accepted; no reason was given."

    def _to_robot(self, robot: Robot, address: str, plugin: "NotifyBase", message: Message) -> str | None:
        import requests

        room = robot.limit_bytes - _json_bytes(f"# {message.title}\n\n")
        body = for_chat(message.body)
        if _json_bytes(body) > room:
            room = min(room, CHAT_EXCERPT_BYTES)
            body = fit(body, message.pointer, lambda text: _json_bytes(text) <= room)
        token = getattr(plugin, "token", None) or getattr(plugin, "key", "")
        secret = getattr(plugin, "secret", None) or parse_qs(urlsplit(address).query).get("secret", [None])[0]
        payload, params = robot.request(message.title, body, secret)
        try:
            answer = requests.post(
                robot.endpoint.format(token=token),
                params=params,
                data=json.dumps(payload, ensure_ascii=False).encode(),
                headers={"Content-Type": "application/json; charset=utf-8"},
                timeout=self.timeout_seconds,
                allow_redirects=False,
                verify=plugin.verify_certificate,
            )
        except requests.Timeout:
            return f"No answer within {self.timeout_seconds:g} seconds."
        except requests.RequestException as failure:  # its text holds the address
            return f"It could not be reached ({type(failure).__name__})."
        return _verdict(robot, address, answer.status_code, answer.text)


def _verdict(robot: Robot, address: str, status: int, text: str) -> str | None:
    code_key, message_key = robot.verdict
    answer = None
    with suppress(ValueError):
        answer = json.loads(text)
    if not isinstance(answer, dict) or code_key not in answer:
        return f"It answered HTTP {status}, not in the form a robot answers in."
    if status == 200 and answer[code_key] == 0:
        return None
    reason = mask(" ".join(str(answer.get(message_key, "")).split()), address)
    return f"It refused the message: {reason[:300]}{'…' if len(reason) > 300 else ''} ({code_key} {answer[code_key]})."


def for_chat(markdown: str) -> str:
    """Markdown for a group robot: table rows become lines, and no customer's `<at all>` or picture link stays live.

    Robots know no backslash escapes; an escaped sign becomes its full-width twin, which means nothing to them.
    """
    lines = []
    for line in markdown.splitlines():
        if re.fullmatch(r"\|[\s:|-]+\|\s*", line):
            continue
        row = re.fullmatch(r"\| *(.*?) *\|\s*", line)
        lines.append(re.sub(r" *(?<!\\)\| *", " ｜ ", row[1]) if row else line)
    text = re.sub(r"\\([!-/:-@[-`{-~])", lambda sign: chr(ord(sign[1]) + 0xFEE0), "\n".join(lines))
    return re.sub("<|&lt;", "＜", text).replace("![", "！[")


def fit(markdown: str, pointer: str, fits: Callable[[str], bool]) -> str:
    """The whole if it fits; else as many whole blocks from its start as do, and the pointer to the rest."""
    blocks = re.split(r"\n\s*\n", markdown.strip())
    for whole in (markdown, "\n\n".join(blocks)):
        if fits(whole):
            return whole
    count = 0
    while fits("\n\n".join([*blocks[: count + 1], pointer])):
        count += 1
    while count and _HEADING.fullmatch(blocks[count - 1]):
        count -= 1  # its section is not in it
    if not count:
        # Not even the first paragraph fits: as much of it as does, and the cut is shown.
        start, length = "\n\n".join(blocks), 0
        for step in (1 << bit for bit in reversed(range(len(start).bit_length()))):
            if fits(f"{start[: length + step]}……\n\n{pointer}"):
                length += step
        return f"{start[:length]}……\n\n{pointer}"
    return "\n\n".join([*blocks[:count], pointer])


def mask(text: str, address: str) -> str:
    """`text` without any part of the address but its scheme."""
    _, _, rest = address.partition("://")
    values = re.sub(r"[?&][^=&]*=", "&", rest)  # names such as "to" give nothing away
    parts = {rest, unquote(rest), *re.split(_BREAKS, values), *re.split(_BREAKS, unquote(values))} - {""}
    for part in sorted(parts, key=len, reverse=True):
        # A short part ("25", "to") is masked as a word only, or there would be nothing left to read.
        pattern = re.escape(part) if len(part) > 5 else rf"(?<!\w){re.escape(part)}(?!\w)"
        text = re.sub(pattern, "***", text, flags=re.IGNORECASE)
    return text


def _scheme(plugin: "NotifyBase") -> str:
    return urlsplit(str(plugin.url())).scheme  # type: ignore[no-untyped-call]


def _json_bytes(text: str) -> int:
    return len(json.dumps(text, ensure_ascii=False).encode()) - 2  # without the quotation marks


@contextmanager
def _logs_held_back() -> Iterator[list[str]]:
    """Collects what apprise warns of, and keeps its and urllib3's logs, which hold addresses, from every handler."""
    logged: list[str] = []

    class Collect(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            line = record.getMessage()
            if record.levelno >= logging.WARNING or line.startswith("Socket Exception"):
                logged.append(line)

    loggers = [logging.getLogger("apprise"), logging.getLogger("urllib3")]
    before = [(log, log.handlers, log.propagate, log.level) for log in loggers]
    for log in loggers:
        log.handlers, log.propagate = [Collect()], False
        log.setLevel(logging.DEBUG)  # the reason of a failed connection is told at this level
    try:
        yield logged
    finally:
        for log, handlers, propagate, level in before:
            log.handlers, log.propagate = handlers, propagate
            log.setLevel(level)
