"""Bitcoin: inputs into the transaction, outputs out of it in listed order, the fee last."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from tracer.model import NATIVE, Address, AssetId, Category, Kind, Label, OriginSpec, Transaction, Transfer, transfer_id
from tracer.taint.flow import Flow, Result
from tracer.taint.stops import Labels

BITCOIN = "bip122:000000000019d6689c085ae165831e93"
COIN = AssetId(BITCOIN, NATIVE)
START = datetime(2024, 5, 1, tzinfo=UTC)


def at(name: str) -> Address:
    """An invented bitcoin address."""
    return Address(BITCOIN, f"bc1q{name}")


def outpoint(spent: str) -> str:
    """ "3:0" is output 0 of transaction 3."""
    number, _, position = spent.partition(":")
    return f"{int(number):064x}:{position}"


def tx(number: int, inputs: list[tuple[str, int, str]], outputs: list[tuple[str, int]]) -> Transaction:
    """Transaction `number`: inputs (who, amount, the output it spends as "tx:position"), outputs (who, amount)."""
    name = f"{number:064x}"
    paid = [
        Transfer(
            transfer_id(BITCOIN, name, Kind.INPUT, COIN, at(who), None, amount, place),
            *(Kind.INPUT, COIN, amount, at(who), None, place, outpoint(spent)),
        )
        for place, (who, amount, spent) in enumerate(inputs)
    ]
    got = [
        Transfer(
            transfer_id(BITCOIN, name, Kind.OUTPUT, COIN, None, at(who), amount, place),
            *(Kind.OUTPUT, COIN, amount, None, at(who), place),
        )
        for place, (who, amount) in enumerate(outputs)
    ]
    return Transaction(BITCOIN, name, START + timedelta(hours=number), number, 0, transfers=(*paid, *got))


def fold(history: list[Transaction], origins: list[OriginSpec], labels: list[Label] | None = None) -> Result:
    """Everything read."""
    flow = Flow(origins, Labels(labels or []))
    ends = {end for one in history for t in one.transfers for end in (t.sender, t.recipient) if end}
    flow.feed(history, ends)
    return flow.fold()


def held(result: Result, method: str, who: str, origin: str | None = None) -> int:
    """What of an origin (default: any) is at an address."""
    return sum(
        lot.amount
        for (address, _, _), lots in result.books[method].pots.items()
        for lot in lots
        if address == at(who) and lot.origin and (origin is None or f":bc1q{origin}:" in lot.origin)
    )


JOINED = [
    tx(3, [("a", 300, "1:0"), ("b", 100, "2:0")], [("c", 200), ("d", 200)]),
    tx(4, [("c", 200, "3:0"), ("e", 800, "9:0")], [("f", 1000)]),
]


def test_haircut_divides_what_is_joined() -> None:
    """A=3 and B=1 joined: each half carries 3/4 and 1/4 of itself, also after it is joined with clean money."""
    result = fold(JOINED, [OriginSpec(at("a")), OriginSpec(at("b"))])

    assert (150, 50) == (held(result, "haircut", "d", "a"), held(result, "haircut", "d", "b"))
    assert (150, 50) == (held(result, "haircut", "f", "a"), held(result, "haircut", "f", "b"))


def test_fifo_pays_outputs_in_listed_order() -> None:
    """First in, first out by position: the first 200 of A go to C, its last 100 and all of B to D."""
    result = fold(JOINED, [OriginSpec(at("a")), OriginSpec(at("b"))])

    assert (200, 0) == (held(result, "fifo", "f", "a"), held(result, "fifo", "f", "b"))
    assert (100, 100) == (held(result, "fifo", "d", "a"), held(result, "fifo", "d", "b"))


def test_lifo_consumes_inputs_from_the_tail() -> None:
    """Last input first: C gets all of B and 100 of A."""
    result = fold(JOINED[:1], [OriginSpec(at("a")), OriginSpec(at("b"))])

    assert (100, 100) == (held(result, "lifo", "c", "a"), held(result, "lifo", "c", "b"))
    assert (200, 0) == (held(result, "lifo", "d", "a"), held(result, "lifo", "d", "b"))


def test_the_fee_is_the_tail() -> None:
    """What the outputs leave is the fee, and under fifo it is the last of the last input."""
    history = [tx(3, [("a", 50, "1:0"), ("b", 50, "2:0")], [("c", 60), ("d", 30)])]
    result = fold(history, [OriginSpec(at("b"))])

    assert [10, 10, 0] == [
        held(result, "fifo", "c"),
        sum(result.books["fifo"].fees.values()),
        held(result, "lifo", "d"),
    ]
    assert 50 == sum(result.books["haircut"].balances().popitem()[1].values()) / 2


def test_a_reported_output_is_the_origin_and_the_change_is_not() -> None:
    """The victim's change stays clean."""
    history = [
        tx(3, [("victim", 100, "1:0")], [("scam", 70), ("victim", 29)]),
        tx(4, [("scam", 70, "3:0")], [("x", 69)]),
    ]
    result = fold(history, [OriginSpec(at("scam"), COIN, f"{3:064x}")])

    for method in result.books:
        assert (method, 0, 69) == (method, held(result, method, "victim"), held(result, method, "x"))


def test_an_unread_address_only_holds() -> None:
    """An input of an address that was not read is clean, whatever its outpoint holds."""
    history = [tx(3, [("thief", 100, "1:0")], [("a", 100)]), tx(4, [("a", 100, "3:0")], [("b", 100)])]
    flow = Flow([OriginSpec(at("thief"))], Labels())
    flow.feed(history, {at("thief"), at("b")})
    result = flow.fold()

    assert (100, 0) == (held(result, "fifo", "a"), held(result, "fifo", "b"))
    assert [at("a")] == result.wanted()


@pytest.mark.parametrize(("category", "kind"), [("exchange", "arrival"), ("mixer", "mixer"), ("dex", "unresolved")])
def test_labels_stop(category: str, kind: str) -> None:
    """An output to a labelled service is the end of it."""
    labels = [Label(at("shop"), "Shop", Category(category), Decimal("0.9"), "test")]
    result = fold([tx(3, [("thief", 100, "1:0")], [("shop", 90), ("thief", 10)])], [OriginSpec(at("thief"))], labels)

    assert [(kind, 90)] == [(str(end.kind), end.amount) for end in result.books["fifo"].ends]


def test_the_order_of_rows_does_not_matter() -> None:
    """Positions tell the order, not the file."""
    shuffled = [
        Transaction(one.chain, one.tx_hash, one.at, one.block, 0, transfers=one.transfers[::-1]) for one in JOINED[::-1]
    ]
    origins = [OriginSpec(at("a")), OriginSpec(at("b"))]

    assert fold(JOINED, origins).books["fifo"].balances() == fold(shuffled, origins).books["fifo"].balances()
    assert fold(JOINED, origins).books["fifo"].pots == fold(shuffled, origins).books["fifo"].pots


def test_in_one_block_what_spends_comes_after_what_it_spends() -> None:
    """Positions in a block may be unknown, but an outpoint proves the order, whatever the hashes."""
    parent, child = tx(9, [("thief", 100, "1:0")], [("a", 100)]), tx(4, [("a", 100, "9:0")], [("b", 100)])
    block = [replace(one, at=START, block=7, tx_index=None) for one in (child, parent)]

    assert held(fold(block, [OriginSpec(at("thief"))]), "fifo", "b") == 100


def test_a_reported_output_without_its_inputs_is_followed() -> None:
    """A file may hold the payment's output alone."""
    history = [tx(3, [], [("scam", 70)]), tx(4, [("scam", 70, "3:0")], [("x", 70)])]
    result = fold(history, [OriginSpec(at("scam"), COIN, f"{3:064x}")])

    assert held(result, "fifo", "x") == 70
    assert set(result.touched) <= set(result.hops)
