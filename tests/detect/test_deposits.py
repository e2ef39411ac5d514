"""Deposit addresses: what is one by which rule, and everybody who does nearly the same and is none."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.makers import BITCOIN, ETHEREUM, START, USDT, address, label, transaction, transfer, tx_hash
from tracer.detect.deposits import SOURCE, Deposit, Deposits, derived
from tracer.model import NATIVE, Address, AssetId, Category, Kind, Label, Transaction
from tracer.taint.stops import Labels

ETH = AssetId(ETHEREUM, NATIVE)
SPAM = AssetId(ETHEREUM, address(99).text)
DEPOSIT, HOT, OTHER_HOT, CUSTOMER, FRIEND, STATION, SHOP = map(address, range(1, 8))
WHO = [label(HOT, entity="Exchange"), label(OTHER_HOT, entity="Another Exchange")]
COIN = 10**18
FEE = 5 * 10**15
DAY = 24 * 60  # minutes


def paid(minute: int, *moves: tuple[Address, Address, int], asset: AssetId = USDT, **more: Any) -> Transaction:
    """A transaction so many minutes after the start, one block each five minutes."""
    tx = tx_hash(minute * 100 + len(moves))
    kind = Kind.TOKEN if asset.contract != NATIVE else Kind.NATIVE
    made = [transfer(*move, tx=tx, asset=asset, kind=kind) for move in moves]
    more = {"initiator": moves[0][0], "block": minute // 5, **more}
    return transaction(*made, tx=tx, at=START + timedelta(minutes=minute), **more)


def used(*days: int, payer: Address = CUSTOMER, to: Address = HOT) -> list[Transaction]:
    """On these days somebody pays 1,000, and an hour later all of it goes to the exchange."""
    return [
        one
        for day in days
        for one in (paid(day * DAY, (payer, DEPOSIT, 1000)), paid(day * DAY + 60, (DEPOSIT, to, 1000)))
    ]


def fed(day: int, payer: Address, amount: int = FEE, minutes: int = 50) -> Transaction:
    """Gas, some minutes after the day's payment."""
    return paid(day * DAY + minutes, (payer, DEPOSIT, amount), asset=ETH)


def judged(history: Iterable[Transaction], labels: Iterable[Label] = (), who: Address = DEPOSIT) -> Deposit | None:
    """What the rules say of an address."""
    of = list(history)

    def touching(one: Address) -> list[Transaction]:
        return [tx for tx in of if any(one in (t.sender, t.recipient) for t in tx.transfers)]

    return Deposits(touching, Labels([*WHO, *labels]).at).of(who)


# --- what is one ------------------------------------------------------------------------------------------------------


def test_swept_twice_and_nothing_else() -> None:
    """All that came went to one exchange, twice, and nothing stayed: three of four, by both sweeps."""
    history = used(1, 5)
    found = judged(history)

    assert found
    assert ("Exchange", "sweep", Decimal("0.75"), "3 of 4") == (
        *(found.entity, found.method, found.confidence, found.parameters["score"]),
    )
    assert [one.transfers[0].id for one in history[1::2]] == [*found.evidence]


def test_the_label_says_what_it_is() -> None:
    """The label names the exchange, the rule as its source and the rule's confidence, and is known as a derived one."""
    found = judged(used(1, 5))

    assert found
    assert Label(DEPOSIT, "Exchange", Category.EXCHANGE, Decimal("0.75"), f"{SOURCE}sweep/1") == found.label
    assert [True, False] == [derived(found.label), derived(WHO[0])]


@pytest.mark.parametrize(("payer", "sure"), [(HOT, "0.9"), (STATION, None), (OTHER_HOT, None)])
def test_one_sweep_needs_the_exchange_to_pay_for_it(payer: Address, sure: str | None) -> None:
    """Swept once: it is one if the exchange sent the gas just before; its own label is no surer than its wallet's."""
    found = judged([*used(1), fed(1, payer)])
    assert (found and str(found.confidence)) == sure


@pytest.mark.parametrize(("amount", "minutes"), [(3 * FEE, 50), (FEE, -600)])
def test_gas_that_a_customer_could_have_bought(amount: int, minutes: int) -> None:
    """More than about a fee, or long before: no sign that the exchange empties the address."""
    assert None is judged([*used(1), fed(1, HOT, amount, minutes)])


def test_a_sweep_of_many_in_one_transaction() -> None:
    """Somebody else's transaction empties it with others: four of four."""
    history = [
        paid(DAY, (CUSTOMER, DEPOSIT, 1000)),
        paid(2 * DAY, (DEPOSIT, HOT, 1000), (FRIEND, HOT, 7), initiator=SHOP),
    ]
    found = judged(history)
    assert found and (found.parameters["score"], len(found.evidence)) == ("4 of 4", 1)


def test_a_gas_station_is_known_by_those_it_feeds() -> None:
    """It fed three that are the exchange's by themselves: a fourth, fed long before its only sweep, is one too."""
    twins = [Address(ETHEREUM, address(20 + n).text) for n in range(3)]

    def moved(one: Transaction, twin: Address) -> Transaction:
        swap = {DEPOSIT: twin}
        moves = [(swap.get(t.sender, t.sender), swap.get(t.recipient, t.recipient), t.amount) for t in one.transfers]  # type: ignore[arg-type]
        minute = (one.at - START) // timedelta(minutes=1) + 1 + twins.index(twin)
        return paid(minute, *moves, asset=one.transfers[0].asset)  # type: ignore[arg-type]

    known = [[moved(one, twin) for one in [*used(1, 5), fed(1, STATION)]] for twin in twins]
    once = [*used(9), fed(2, STATION, 9 * FEE)]

    assert None is judged([*once, *known[0], *known[1]])
    found = judged([*once, *known[0], *known[1], *known[2]])
    assert found and found.parameters["score"] == "4 of 4"


@pytest.mark.parametrize("times", [1, 2])
def test_native_payments_go_by_both_rules(times: int) -> None:
    """Forwarded twice, less half of what may be missing: 0.745 by that rule, so the score of sweeps is surer."""
    history = [
        one
        for day in range(1, times + 1)
        for one in (
            paid(day * DAY, (CUSTOMER, DEPOSIT, COIN), asset=ETH),
            paid(day * DAY + 160, (DEPOSIT, HOT, COIN - FEE), asset=ETH),
        )
    ]
    found = judged(history)

    assert (found and (found.method, found.confidence, len(found.evidence))) == (
        None if times == 1 else ("sweep", Decimal("0.75"), 2)
    )


def test_victor_where_it_is_surer() -> None:
    """The same with a smaller fee: the published rule is surer, and its evidence are both sides of each pair."""
    history = [
        one
        for day in (1, 2)
        for one in (
            paid(day * DAY, (CUSTOMER, DEPOSIT, COIN), asset=ETH),
            paid(day * DAY + 160, (DEPOSIT, HOT, COIN - 10**15), asset=ETH),
        )
    ]
    found = judged(history)

    assert found and (found.method, found.confidence) == ("victor", Decimal("0.9"))  # 0.945, but the wallet's label 0.9
    assert [one.transfers[0].id for one in history] == [*found.evidence]


# --- what is none -----------------------------------------------------------------------------------------------------

MERCHANT = [paid(n, (address(100 + n), DEPOSIT, 100)) for n in range(1, 20)]
NONE: dict[str, tuple[list[Transaction], list[Label]]] = {
    "an exchange's own wallet": (used(1, 5), [label(DEPOSIT, entity="Exchange")]),
    "a known service": (used(1, 5), [label(DEPOSIT, category=Category.PAYMENT, entity="Processor")]),
    "a wallet that the exchange pays": ([*used(1, 5), paid(60, (HOT, DEPOSIT, 900))], []),
    "money that was taken out and brought back": (used(1, 5, payer=HOT), []),
    "a user of two exchanges": ([*used(1, 5), *used(7, to=OTHER_HOT)], []),
    "a user who pays a friend as well": (
        [*used(1, 5), paid(9000, (CUSTOMER, DEPOSIT, 200)), paid(9001, (DEPOSIT, FRIEND, 200))],
        [],
    ),
    "a wallet of two friends": (
        [*used(1, 5), paid(9000, (DEPOSIT, FRIEND, 1)), paid(9001, (DEPOSIT, SHOP, 1))],
        [],
    ),
    "a user who pays an exchange once": (used(1), []),
    "a user who bought gas elsewhere": ([*used(1, 5), fed(1, OTHER_HOT)], []),
    "a user who keeps a part": ([*used(1, 5), paid(30, (CUSTOMER, DEPOSIT, 400))], []),
    "a merchant": ([*MERCHANT, *(paid(n * DAY, (DEPOSIT, HOT, 950)) for n in (2, 4))], []),
    "a payment processor's wallet": ([*MERCHANT, paid(9000, (DEPOSIT, FRIEND, 1900))], []),
    "one who pays nobody": ([paid(1, (CUSTOMER, DEPOSIT, 5))], []),
    "one who pays a mixer": (used(1, 5, to=SHOP), [label(SHOP, category=Category.MIXER, entity="Mixer")]),
}


@pytest.mark.parametrize("who", NONE)
def test_who_does_nearly_the_same(who: str) -> None:
    """Nobody else's address is taken for a deposit address."""
    assert None is judged(*NONE[who])


def test_what_says_nothing() -> None:
    """Failed payments, zero amounts and tokens on no list neither make a deposit address nor unmake one."""
    noise = [
        paid(20, (DEPOSIT, FRIEND, 900), ok=False),
        paid(21, (DEPOSIT, FRIEND, 0)),
        paid(22, (DEPOSIT, FRIEND, 900), asset=SPAM),
        paid(23, (OTHER_HOT, DEPOSIT, 0)),
    ]
    assert judged([*used(1, 5), *noise]) == judged(used(1, 5)) is not None
    assert None is judged([paid(1, (DEPOSIT, HOT, 9), ok=False), paid(2, (DEPOSIT, HOT, 9), asset=SPAM)])


def test_a_scam_label_does_not_say_whose_it_is() -> None:
    """Somebody reported the address: it is still the exchange's."""
    assert judged(used(1, 5), [label(DEPOSIT, category=Category.SCAM, entity="A scam")]) is not None


def test_bitcoin_is_not_judged() -> None:
    """Outputs have no payer: nothing there can be told this way."""
    assert None is judged([], who=Address(BITCOIN, "bc1q"))
