"""How many requests may come, from one address and from all."""

import pytest

from feedback.intake_limits import MOST_ADDRESSES, Limits, network


class Clock:
    def __init__(self) -> None:
        self.now = 50.0

    def __call__(self) -> float:
        return self.now


def test_an_address_may_ask_so_often_a_minute_and_gets_it_back_little_by_little() -> None:
    clock = Clock()
    limits = Limits(100, 3, clock)
    assert [limits.wait("192.0.2.1") for _ in range(5)] == [0, 0, 0, 20, 20]
    assert limits.wait("192.0.2.2") == 0
    clock.now += 19
    assert limits.wait("192.0.2.1") == 1
    clock.now += 1
    assert [limits.wait("192.0.2.1") for _ in range(2)] == [0, 20]
    clock.now += 3600  # an hour of silence is worth a minute
    assert [limits.wait("192.0.2.1") for _ in range(4)] == [0, 0, 0, 20]


def test_all_addresses_together_may_ask_so_often_and_a_request_refused_costs_nothing() -> None:
    clock = Clock()
    limits = Limits(4, 2, clock)
    assert [limits.wait(f"192.0.2.{n}") for n in range(6)] == [0, 0, 0, 0, 15, 15]
    clock.now += 15
    assert limits.wait("192.0.2.9") == 0


def test_of_more_addresses_than_are_remembered_those_that_came_last_are() -> None:
    limits = Limits(10**6, 1, Clock())
    assert limits.wait("10.0.0.1") == 0
    for n in range(MOST_ADDRESSES):
        limits.wait(f"10.1.{n // 250}.{n % 250}")
    assert limits.wait("10.0.0.1") == 0
    assert limits.wait("10.1.39.249") > 0


@pytest.mark.parametrize(
    "address, stands_for",
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("unknown" * 1000, ("unknown" * 10)[:64]),
        ("", ""),
    ],
)
def test_whoever_has_an_address_of_ipv6_has_those_beside_it_too(address: str, stands_for: str) -> None:
    assert network(address) == stands_for
