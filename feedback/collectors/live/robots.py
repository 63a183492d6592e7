"""What a site's robots.txt allows a program that is called yuansheng (RFC 9309). It is asked for once for each host, and obeyed.

The rules are read here because protego 0.7 takes a group for `yuan` as one for us, lets `Crawl-delay` end the list of programs
that a group is for, and needs gigabytes of memory for some files of 500 KB.
"""

import re
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes, urlsplit

import requests

from feedback.collectors.live.patience import Patience, reworded
from feedback.collectors.live.web import Query, Refused, Web
from feedback.errors import CollectError

NAME, EVERYBODY = b"yuansheng", b"*"
LONGEST = 500 * 1024  # bytes: so much of it must be read
_TOKEN = re.compile(rb"[a-z_-]+|\*(?!\S)")  # of `yuansheng/1.0` what stands before the version


class Robots:
    """Remembers what each site said."""

    def __init__(self) -> None:
        self._known: dict[str, list[Rule]] = {}

    def check(self, url: str, patience: Patience, query: Query | None = None) -> None:
        """`CollectError` where the address may not be asked, or where the site does not say: it is down, or sends us elsewhere."""
        try:
            sent = urlsplit(_sent(url, query))
        except ValueError:
            return  # it is no address, as whoever asks it is told
        host = sent.netloc.rpartition("@")[2]
        origin = f"{sent.scheme}://{host}"
        if origin not in self._known:
            self._known[origin] = _ask(origin, patience)
        if not is_allowed(sent.path + (f"?{sent.query}" if sent.query else ""), self._known[origin]):
            raise CollectError(
                f"{host} does not want programs to read {sent.path} (robots.txt). It was not asked for; ask those who run it."
            )


def _sent(url: str, query: Query | None) -> str:
    """The address as it goes out: `..` resolved, escaped in one way. ValueError where it is none."""
    once = requests.Request("GET", url, params=query).prepare().url or ""
    return requests.Request("GET", once).prepare().url or ""  # what was `%2e%2e` has become `..`


def _ask(origin: str, patience: Patience) -> "list[Rule]":
    # By a `Web` of its own: another one may be in the middle of asking, and its watch knows one request at a time.
    web = Web(headers={"Accept": "text/plain, */*;q=0.1"}, patience=patience)
    try:
        return read_rules(web.get(f"{origin}/robots.txt").body)
    except CollectError as error:
        if isinstance(error, Refused) and 400 <= error.status < 500:
            return []  # there is none: all is allowed
        message = f"{error} Until it says what programs may read, nothing else is asked for there."
        raise reworded(error, message) from None


@dataclass(frozen=True, slots=True)
class Rule:
    """`parts` are what stands between its `*`, unescaped; `octets` says how much it tells."""

    allows: bool
    octets: int
    parts: tuple[bytes, ...]

    @classmethod
    def read(cls, allows: bool, written: bytes) -> "Rule":
        whole = written[:-1] if written.endswith(b"$") else written + b"*"
        return cls(allows, len(unquote_to_bytes(written)), tuple(map(unquote_to_bytes, whole.split(b"*"))))

    def fits(self, path: bytes) -> bool:
        first, *others = self.parts
        if not others:
            return path == first
        if not path.startswith(first):
            return False
        at = len(first)
        for part in others[:-1]:
            at = path.find(part, at)
            if at < 0:
                return False
            at += len(part)
        return path.endswith(others[-1], at)


def read_rules(body: bytes) -> list[Rule]:
    """Those of all groups for this program; where there is none, of those for everybody."""
    found: dict[bytes, list[Rule]] = {}
    group: set[bytes] = set()  # which of the two the group is for
    begun = False
    for line in _lines(body):
        key, _, value = (part.strip() for part in line.partition(b"#")[0].partition(b":"))
        if key.lower() == b"user-agent":
            if begun:
                group, begun = set(), False
            token = _TOKEN.match(value.lower())
            if token is not None and token[0] in (NAME, EVERYBODY):
                group.add(token[0])
                found.setdefault(token[0], [])
        elif key.lower() in (b"allow", b"disallow"):
            begun = True
            for name in group if value else ():
                found[name].append(Rule.read(key.lower() == b"allow", value))
    return found.get(NAME, found.get(EVERYBODY, []))


def _lines(body: bytes) -> list[bytes]:
    lines = body[:LONGEST].removeprefix(b"\xef\xbb\xbf").splitlines()
    return lines if len(body) <= LONGEST else lines[:-1]  # half a rule is another one


def is_allowed(path: str, rules: list[Rule]) -> bool:
    """Whether a path, with its query, may be asked: the longest rule that fits counts, and of two the one that allows."""
    octets = unquote_to_bytes(path)
    fitting = [rule for rule in rules if rule.fits(octets)]
    return not fitting or max(fitting, key=lambda rule: (rule.octets, rule.allows)).allows
