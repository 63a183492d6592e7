"""How many requests one address, and all together, may make: a bucket each that fills up again with time."""

import ipaddress
import math
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

MOST_ADDRESSES = 10_000  # that are remembered; of more, those that came last
_LONGEST = 64  # characters of what is no address
_ROUNDING = 1e-6  # of requests and seconds: sums of fractions are a little off


@dataclass(slots=True)
class _Bucket:
    """Holds as many requests as may come in a minute, and gets them back over a minute."""

    left: float
    filled_at: float

    def fill(self, per_minute: int, now: float) -> None:
        self.left = min(per_minute, self.left + (now - self.filled_at) * per_minute / 60)
        self.filled_at = now


class Limits:
    """`per_minute` of all addresses together, `per_client` of one. `clock` only goes forward, in seconds."""

    def __init__(self, per_minute: int, per_client: int, clock: Callable[[], float]) -> None:
        self._per_minute, self._per_client, self._clock = per_minute, per_client, clock
        self._all = _Bucket(per_minute, clock())
        self._clients: OrderedDict[str, _Bucket] = OrderedDict()

    def wait(self, address: str) -> int:
        """Counts a request. 0: it may pass; else in how many seconds one may."""
        now, client = self._clock(), network(address)
        mine = self._clients.setdefault(client, _Bucket(self._per_client, now))
        self._clients.move_to_end(client)
        if len(self._clients) > MOST_ADDRESSES:
            self._clients.popitem(last=False)
        mine.fill(self._per_client, now)
        self._all.fill(self._per_minute, now)
        waits = [
            (1 - bucket.left) * 60 / per_minute
            for bucket, per_minute in ((mine, self._per_client), (self._all, self._per_minute))
            if bucket.left < 1 - _ROUNDING
        ]
        if waits:
            return max(1, math.ceil(max(waits) - _ROUNDING))
        mine.left -= 1
        self._all.left -= 1
        return 0


def network(address: str) -> str:
    """Whom an address stands for: whoever has an address of IPv6 has the 64 bits behind it too."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address[:_LONGEST]
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped:
            return str(found.ipv4_mapped)
        return str(ipaddress.ip_network((found, 64), strict=False))
    return str(found)
