"""What a site's robots.txt (RFC 9309) allows a program that is called yuansheng. It is asked for once for each host, and obeyed."""

from urllib.parse import urlsplit
from urllib.robotparser import RobotFileParser

from feedback.collectors.live.web import Refused, Web
from feedback.errors import CollectError

NAME = "yuansheng"
_LONGEST = 500 * 1024  # bytes that a program must read of it


class Robots:
    """Asks by `web`, and remembers what was said."""

    def __init__(self, web: Web) -> None:
        self._web = web
        self._known: dict[str, RobotFileParser] = {}

    def check(self, url: str) -> None:
        """`CollectError` where the address may not be asked, or where the site does not say: it is down, or sends us elsewhere."""
        parts = urlsplit(url)
        origin = f"{parts.scheme}://{parts.netloc}"
        if origin not in self._known:
            self._known[origin] = self._read(origin)
        if not self._known[origin].can_fetch(NAME, url):
            raise CollectError(
                f"{parts.netloc} does not want programs to read {parts.path or '/'} (robots.txt). It was not asked for; ask those who run it."
            )

    def _read(self, origin: str) -> RobotFileParser:
        rules = RobotFileParser()
        try:
            said = self._web.get(f"{origin}/robots.txt").body[:_LONGEST].decode("utf-8", "replace")
        except Refused as refused:
            if refused.status >= 500:
                raise
            said = ""  # there is none: all is allowed
        rules.parse(said.removeprefix("\ufeff").splitlines())
        return rules
