"""What may have come out of a bridge that does not say so: same hands, kind of asset, amount and time."""

from __future__ import annotations

from datetime import timedelta
from fractions import Fraction

import pytest

from tests.makers import BITCOIN, START, transaction, transfer
from tracer.chains import parse_address, parse_asset
from tracer.detect.payouts import USUAL, Exit, likely, payouts
from tracer.model import Address, AssetId, Kind, Transaction

ETHEREUM, BASE, BSC = "eip155:1", "eip155:8453", "eip155:56"
PAYER = parse_address("ethereum", "0x" + "1" * 40)
OWN, OTHER = Address(BASE, PAYER.text), parse_address("base", "0x" + "2" * 40)
USDC = parse_asset("ethereum", "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48")
DOLLAR = parse_asset("base", "0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913")
ON_BSC = parse_asset("bsc", "0x8AC76a51cc950d9822D68b83fE1Ad97B32Cd580d")  # 18 decimals
WETH = parse_asset("base", "0x4200000000000000000000000000000000000006")
EXIT = Exit(ETHEREUM, "0x1", START, USDC, 1_000_000, PAYER)


def got(
    amount: int, *, to: Address = OWN, asset: AssetId = DOLLAR, after: timedelta = timedelta(hours=1), tx: int = 2
) -> Transaction:
    """Somebody pays it out."""
    move = transfer(OTHER, to, amount, tx=tx, asset=asset)
    return transaction(move, tx=tx, chain=asset.chain, at=START + after)


def test_the_payers_own_address_elsewhere() -> None:
    """The only one that fits is sure, as far as is known; of two each is as likely."""
    assert [Fraction(1)] == [one.probability for one in payouts(EXIT, [got(990_000)])]
    two = payouts(EXIT, [got(990_000), got(960_000, tx=3)])
    assert [(990_000, Fraction(1, 2)), (960_000, Fraction(1, 2))] == [(o.transfer.amount, o.probability) for o in two]


@pytest.mark.parametrize(
    "one",
    [
        got(1_000_001),
        got(949_999),
        got(990_000, after=timedelta(0)),
        got(990_000, after=USUAL.window + timedelta(seconds=1)),
        got(990_000, to=OTHER),
        got(990_000, asset=WETH),
        got(990_000, asset=AssetId(BASE, "0x" + "3" * 40)),
    ],
)
def test_what_does_not_fit(one: Transaction) -> None:
    """More than went in, much less, too early, too late, to others, in another asset or an unlisted token."""
    assert [] == payouts(EXIT, [one])


def test_decimals_and_wrapped_coins_are_seen_through() -> None:
    """The same dollars have 18 digits on bsc; ether may come out wrapped."""
    on_bsc = got(99 * 10**16, to=Address(BSC, PAYER.text), asset=ON_BSC)
    assert 1 == len(payouts(EXIT, [on_bsc]))
    ether = Exit(ETHEREUM, "0x1", START, AssetId(ETHEREUM, "native"), 10**18, PAYER)
    assert 1 == len(payouts(ether, [got(10**18, asset=WETH)]))


def test_whom_the_bridge_names_alone_counts() -> None:
    """Named: nobody else's; from bitcoin nobody's address is his elsewhere; a bridge has its own patience."""
    named = Exit(ETHEREUM, "0x1", START, USDC, 1_000_000, PAYER, OTHER, "CCTP")
    assert [OTHER] == [one.transfer.recipient for one in payouts(named, [got(990_000), got(995_000, to=OTHER, tx=3)])]
    assert [] == payouts(named, [got(995_000, to=OTHER, after=timedelta(hours=7))])
    assert [] == Exit(BITCOIN, "ab", START, AssetId(BITCOIN, "native"), 5, Address(BITCOIN, "1x")).hands()


def test_what_may_have_come_to_each() -> None:
    """A transfer that two exits may have paid counts once, and never for more than it is."""
    shared = payouts(EXIT, [got(990_000), got(960_000, tx=3)])

    assert {(OWN, DOLLAR): (1_950_000, 1_950_000)} == likely([shared, shared])
    assert {(OWN, DOLLAR): (1_950_000, 975_000)} == likely([shared])


def test_fees_are_no_payout() -> None:
    """What somebody paid as a fee came to nobody."""
    fee = transfer(OTHER, OWN, 990_000, tx=2, asset=DOLLAR, kind=Kind.FEE)
    assert [] == payouts(EXIT, [transaction(fee, tx=2, chain=BASE, at=START + timedelta(hours=1))])
