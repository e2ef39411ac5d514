"""Victor's rule as published: its own unit test, every limit from both sides, and the published confidence."""

from __future__ import annotations

from fractions import Fraction

import pytest

from tests.makers import address
from tracer.detect.victor import Pair, Payment, Victor, victor

USER, OTHER, DEPOSIT, EXCHANGE = map(address, range(1, 5))
COIN = 10**18
LIMITS = Victor(a_max=COIN // 100, t_max=100)
PUBLISHED = [  # what the authors' code is tested with
    Payment(10, USER, DEPOSIT, 100 * COIN, "received"),
    Payment(100, DEPOSIT, EXCHANGE, 9999 * COIN // 100, "forward"),
    Payment(111, OTHER, EXCHANGE, COIN // 10_000, "another"),
]


def found(
    *payments: Payment, exchanges: tuple[object, ...] = (EXCHANGE,), **more: object
) -> list[tuple[object, object, object]]:
    """User, deposit address and exchange of each pair."""
    pairs = victor(payments, exchanges, **{"limits": LIMITS, **more})  # type: ignore[arg-type]
    return [(one.user, one.deposit, one.exchange) for one in pairs]


def test_the_published_unit_test() -> None:
    """100 come, 99.99 are forwarded 90 blocks later: one pair; none without an exchange, none of a miner's."""
    assert [(USER, DEPOSIT, EXCHANGE)] == found(*PUBLISHED)
    assert [] == found(*PUBLISHED, exchanges=())
    assert [] == found(*PUBLISHED, miners=[USER])


def test_the_published_confidence() -> None:
    """Half goes with the difference, half with the time: all of one and nine tenths of the other leave 0.05."""
    (pair,) = victor(PUBLISHED, [EXCHANGE], limits=LIMITS)
    assert Pair(USER, DEPOSIT, EXCHANGE, PUBLISHED[0], PUBLISHED[1], Fraction(1, 20)) == pair


@pytest.mark.parametrize(
    ("less", "blocks", "pairs"),
    [
        (0, 0, 1),
        (COIN // 100, 100, 1),
        (COIN // 100 + COIN // 2000, 1, 1),  # rounded to a thousandth: half of one to the even one
        (COIN // 100 + COIN // 1000, 1, 0),
        (-COIN // 1000, 1, 0),
        (0, 101, 0),
        (0, -1, 0),
    ],
)
def test_limits(less: int, blocks: int, pairs: int) -> None:
    """A forward is at most so much smaller and so many blocks later, and never larger or earlier."""
    received = Payment(1000, USER, DEPOSIT, 5 * COIN)
    forward = Payment(1000 + blocks, DEPOSIT, EXCHANGE, 5 * COIN - less)
    assert pairs == len(found(received, forward))


def test_amounts_in_two_buckets_are_missed() -> None:
    """The rule compares amounts rounded to a tenth: 1.0505 and 1.0495 are not the same. That is its published form."""
    received, forward = (
        Payment(n, *ends, amount)
        for n, ends, amount in (
            (1, (USER, DEPOSIT), 10_505 * COIN // 10_000),
            (2, (DEPOSIT, EXCHANGE), 10_495 * COIN // 10_000),
        )
    )
    assert [] == found(received, forward)


def test_the_latest_payment_counts() -> None:
    """Two equal ones came before: the later is the one that was forwarded."""
    first, last = Payment(1, USER, DEPOSIT, COIN), Payment(5, OTHER, DEPOSIT, COIN)
    assert [(OTHER, DEPOSIT, EXCHANGE)] == found(first, last, Payment(6, DEPOSIT, EXCHANGE, COIN))


def test_known_entities_are_neither_deposit_addresses_nor_users() -> None:
    """What a known one forwards, and what it paid, makes no pair; an exchange's payout makes none either."""
    received, forward = Payment(1, USER, DEPOSIT, COIN), Payment(2, DEPOSIT, EXCHANGE, COIN)
    assert [] == found(received, forward, known=[DEPOSIT])
    assert [] == found(received, forward, known=[USER])
    assert [] == found(Payment(1, EXCHANGE, DEPOSIT, COIN), forward)


def test_a_user_is_no_deposit_address() -> None:
    """Somebody who pays a deposit address and an exchange: only the address behind them is one."""
    chain = [(1, OTHER, USER), (2, USER, EXCHANGE), (3, USER, DEPOSIT), (4, DEPOSIT, EXCHANGE)]
    assert [(USER, DEPOSIT, EXCHANGE)] == found(*(Payment(n, one, other, COIN) for n, one, other in chain))
