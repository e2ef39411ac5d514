"""Money that crosses a bridge goes on as what was paid out, and everybody's books balance."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings

from tests.makers import BITCOIN, ETHEREUM, USDT, address, transaction, transfer
from tests.taint.crossing_histories import BASE, CrossingCase, crossing_cases
from tests.taint.test_kernel import everything
from tracer.chains import is_zero, zero_address
from tracer.exports.accounts import IN, OUT, accounts
from tracer.model import Address, AssetId, Category, Crossing, Kind, Label, OriginSpec, Transaction
from tracer.taint.entries import EndKind
from tracer.taint.flow import Flow, Result
from tracer.taint.methods import METHODS
from tracer.taint.provenance import Provenance
from tracer.taint.stops import Labels

THIEF, BRIDGE, HEIR, RELAYER = (address(n) for n in (1, 2, 3, 4))
THERE = Address(BASE, HEIR.text)
LENDER, CLIENT = Address(BASE, RELAYER.text), Address(BASE, address(5).text)
DOLLAR = AssetId(BASE, "0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913")
COIN = AssetId(BITCOIN, "native")
SATS = Address(BITCOIN, "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq")
VAULT, CHANGE = (Address(BITCOIN, f"1{name}") for name in ("Vault", "Change"))
SHOWN = Address(ETHEREUM, "across:1:7"), Address(BASE, "across:1:7")
SPEC = OriginSpec(THIEF, USDT)

OUT_ = transfer(THIEF, BRIDGE, 100, tx=1)
PAID = transfer(LENDER, THERE, 99, tx=2, asset=DOLLAR)
CROSSING = Crossing("across", "1:7", OUT_.id, PAID.id, THERE)


def on_base(*moves: object, tx: int) -> Transaction:
    """A transaction on base."""
    return transaction(*moves, tx=tx, chain=BASE)  # type: ignore[arg-type]


def fold(
    *history: Transaction, crossings: tuple[Crossing, ...] = (CROSSING,), read: set[Address] | None = None
) -> Result:
    """All addresses read, but the bridge, unless named."""
    flow = Flow([SPEC], Labels([Label(BRIDGE, "Across", Category.BRIDGE, Decimal("0.9"), "test")]))
    ends = {end for one in history for t in one.transfers for end in (t.sender, t.recipient) if end}
    flow.feed(history, ends - {BRIDGE} if read is None else read)
    return flow.fold(crossings=crossings)


def held(result: Result, method: str = "fifo") -> dict[tuple[Address, AssetId], tuple[int, int]]:
    """What is where, of the origin: in the asset there, and in its own."""
    found: dict[tuple[Address, AssetId], tuple[int, int]] = {}
    for (where, asset, _), pot in result.books[method].pots.items():
        lots = [lot for lot in pot.lots if lot.origin]
        if lots:
            found[where, asset] = (sum(lot.amount for lot in lots), sum(lot.origin_amount for lot in lots))
    return found


@pytest.mark.parametrize("method", METHODS)
def test_it_goes_on_as_what_was_paid_out(method: str) -> None:
    """A hundred went in and 99 came out: these are all of the victims' hundred, and nothing is at the bridge."""
    result = fold(transaction(OUT_, tx=1), on_base(PAID, tx=2))

    assert {(THERE, DOLLAR): (99, 100)} == held(result, method)
    (sums,) = result.books[method].balances().values()
    assert (100, 100) == (sums["originated"], sums["held"])
    assert set() == {end.kind for end in result.books[method].ends}


def test_each_step_is_told() -> None:
    """From the thief to the crossing, over to the other chain, and on to the recipient."""
    result = fold(transaction(OUT_, tx=1), on_base(PAID, tx=2))
    steps = result.books["fifo"].steps

    assert [(THIEF, SHOWN[0], 100, 100), (SHOWN[0], SHOWN[1], 100, 99), (SHOWN[1], THERE, 99, 99)] == [
        (step.sender, step.recipient, step.amount, step.received) for step in steps
    ]
    assert set(SHOWN) == set(result.passages)
    assert not set(SHOWN) & set(result.wanted())
    for method, book in result.books.items():
        assert [(0, 1, 2)] == [way.steps for way in Provenance(book).ways([2])], method


def test_whoever_advanced_it_paid_for_the_bridge() -> None:
    """Tainted money of the relayer's own ends at the bridge; what he advanced is not his to give twice."""
    lent = transfer(THIEF, RELAYER, 99, tx=3)
    over = transfer(RELAYER, BRIDGE, 99, tx=4)
    own = transfer(Address(BASE, "0x" + "9" * 40), LENDER, 99, tx=5, asset=DOLLAR)
    late = transfer(LENDER, THERE, 99, tx=7, asset=DOLLAR)
    first = Crossing("across", "1:1", over.id, own.id, LENDER)
    then = transfer(THIEF, BRIDGE, 100, tx=6)
    second = Crossing("across", "1:2", then.id, late.id, THERE)
    result = fold(
        transaction(lent, tx=3),
        transaction(over, tx=4),
        on_base(own, tx=5),
        transaction(then, tx=6),
        on_base(late, tx=7),
        crossings=(first, second),
    )

    assert {(THERE, DOLLAR): (99, 100)} == held(result)
    assert [(EndKind.BRIDGE, Address(BASE, "across:1:2:advanced"), 99)] == [
        (end.kind, end.address, end.origin_amount) for end in result.books["fifo"].ends
    ]


def test_what_is_burned_here_is_minted_there() -> None:
    """From the zero address nobody paid: the recipient's mint is the burned money."""
    minter, zero, zero_there = address(8), zero_address(ETHEREUM), zero_address(BASE)
    burned = transfer(minter, zero, 100, tx=1)
    minted = transfer(zero_there, THERE, 98, tx=2, asset=DOLLAR)
    fee = transfer(zero_there, CLIENT, 2, tx=2, asset=DOLLAR)
    result = fold(
        transaction(transfer(THIEF, minter, 100, tx=1), burned, tx=1),
        on_base(minted, fee, tx=2),
        crossings=(Crossing("cctp", "0:1", burned.id, minted.id, THERE),),
    )

    assert {(THERE, DOLLAR): (98, 100)} == held(result)
    assert [] == result.books["fifo"].ends


def test_what_the_recipient_hands_on_at_once_goes_through() -> None:
    """A contract that gets the payout and forwards it in the same transaction is passed through, read or not."""
    on = transfer(THERE, CLIENT, 99, tx=2, asset=DOLLAR)
    result = fold(transaction(OUT_, tx=1), on_base(PAID, on, tx=2), read={THIEF, CLIENT})

    assert {(CLIENT, DOLLAR): (99, 100)} == held(result)


def test_a_coin_goes_to_the_vault_and_comes_out_elsewhere() -> None:
    """From bitcoin to base: change stays with its owner, the vault's output crosses."""
    coin = transfer(SATS, None, 1000, tx=1, asset=COIN, kind=Kind.INPUT, n=0, index=0, outpoint="ab:0")
    vault = transfer(None, VAULT, 600, tx=1, asset=COIN, kind=Kind.OUTPUT, n=0, index=0)
    change = transfer(None, CHANGE, 390, tx=1, asset=COIN, kind=Kind.OUTPUT, n=1, index=1)
    flow = Flow([OriginSpec(SATS, COIN)], Labels())
    flow.feed([transaction(coin, vault, change, tx=1, chain=BITCOIN), on_base(PAID, tx=2)], {SATS, CHANGE, THERE})
    result = flow.fold(crossings=[Crossing("thorchain", "aa", vault.id, PAID.id, THERE)])

    for method in METHODS:
        assert {(THERE, DOLLAR): (99, 600), (CHANGE, COIN): (390, 390)} == held(result, method)
        (sums,) = result.books[method].balances().values()
        assert (1000, 990, 10) == (sums["originated"], sums["held"], sums["fees"])


def test_a_payout_on_bitcoin_is_taken_from_no_other_coin() -> None:
    """From ethereum to bitcoin: the recipient's output is the crossed money, the vault's own coins pay the rest."""
    coin = transfer(VAULT, None, 1000, tx=2, asset=COIN, kind=Kind.INPUT, n=0, index=0, outpoint="cd:1")
    paid = transfer(None, SATS, 700, tx=2, asset=COIN, kind=Kind.OUTPUT, n=0, index=0)
    change = transfer(None, VAULT, 290, tx=2, asset=COIN, kind=Kind.OUTPUT, n=1, index=1)
    result = fold(
        transaction(OUT_, tx=1),
        transaction(coin, paid, change, tx=2, chain=BITCOIN),
        crossings=(Crossing("thorchain", "aa", OUT_.id, paid.id, SATS),),
    )

    assert {(SATS, COIN): (700, 100)} == held(result)
    for method, book in result.books.items():
        assert [(0, 1, 2)] == [way.steps for way in Provenance(book).ways([2])], method


@pytest.mark.parametrize(
    ("crossing", "why"),
    [
        (Crossing("across", "1:7", OUT_.id, None, THERE, "no payout is known yet"), "no payout is known yet"),
        (Crossing("across", "1:7", OUT_.id, "elsewhere", THERE), "its payout is no transfer that counts"),
        (Crossing("across", "1:7", OUT_.id, OUT_.id, THERE), "it was paid out before it was paid in"),
    ],
)
def test_what_is_not_followed_is_a_gap(crossing: Crossing, why: str) -> None:
    """It stays at the bridge, the reason is named, and whom the bridge names is wanted."""
    result = fold(transaction(OUT_, tx=1), on_base(PAID, tx=2), crossings=(crossing,), read={THIEF})

    assert [(EndKind.BRIDGE, BRIDGE, 100)] == [(e.kind, e.address, e.amount) for e in result.books["fifo"].ends]
    assert [(f"across 1:7: {why}", THIEF, 100)] == [
        (gap.text, gap.address, gap.amount) for gap in result.gaps if gap.kind == "crossing"
    ]
    assert THERE in result.wanted()


def test_a_wrapper_is_no_bridge() -> None:
    """What only changes a coin's form stands for two transfers, and crosses nothing."""
    ether, weth = AssetId(ETHEREUM, "native"), Address(ETHEREUM, "0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2")
    out = transfer(weth, THIEF, 100, tx=1, asset=ether, kind=Kind.NATIVE)
    crossing = Crossing("across", "1:7", out.id, PAID.id, THERE)
    result = fold(transaction(out, tx=1), on_base(PAID, tx=2), crossings=(crossing,))

    assert not result.passages


def test_clean_crossings_are_no_gap() -> None:
    """What others paid into the bridge concerns nobody."""
    other = transfer(RELAYER, BRIDGE, 5, tx=9)
    crossing = Crossing("across", "1:9", other.id, None, THERE, "no payout is known yet")
    result = fold(transaction(OUT_, tx=1), transaction(other, tx=9), crossings=(crossing,))

    assert [] == [gap for gap in result.gaps if gap.kind == "crossing"]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(crossing_cases())
def test_books_and_pots_balance_whatever_crosses(case: CrossingCase) -> None:
    """Every origin and every address balances to the unit, passages hold nothing that did not come to them."""
    result = case.fold()
    for book in result.books.values():
        for sums in book.balances().values():
            assert sums["originated"] == sum(sums.values()) - sums["originated"]
            assert min(sums.values()) >= 0
        assert not any(book.pots[key].unseen for key in book.pots if key[0] in result.passages)
    for rows in accounts(result.books).values():
        for row in rows:
            assert sum(int(row[name]) for name in IN) == sum(int(row[name]) for name in OUT)
    assert not result.passages & set(result.wanted())
    assert not any(is_zero(one) for one in result.passages)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(crossing_cases(coins=False))
def test_the_kernel_plays_crossings_alike(case: CrossingCase) -> None:
    """The compiled twin says the same of them to the last unit."""
    assert everything(case.fold()) == everything(case.fold(kernel_from=0))


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(crossing_cases())
def test_ways_over_a_bridge_carry_what_came(case: CrossingCase) -> None:
    """Under every exact method the ways by which money came add up to it, crossings among them."""
    result = case.fold()
    for method, book in result.books.items():
        brought: dict[Address, list[int]] = defaultdict(list)
        for number, step in enumerate(book.steps):
            brought[step.recipient].append(number)
        for numbers in brought.values() if method != "haircut" else ():
            carried = sum(way.carried for way in Provenance(book).ways(numbers))
            assert sum(book.steps[number].origin_amount for number in numbers) == carried
