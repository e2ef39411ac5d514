"""Bitcoin: inputs into the transaction, outputs out of it in listed order, the fee last."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from tracer.model import (
    NATIVE,
    Address,
    AssetId,
    Category,
    Kind,
    Label,
    Limits,
    OriginSpec,
    Transaction,
    Transfer,
    transfer_id,
)
from tracer.taint.exposure import exposures
from tracer.taint.flow import Flow, Result
from tracer.taint.landings import landings
from tracer.taint.paths import larger, path
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


def fold(
    history: list[Transaction],
    origins: list[OriginSpec],
    labels: list[Label] | None = None,
    *,
    limits: Limits | None = None,
    mixes: tuple[int, ...] = (),
) -> Result:
    """Everything read."""
    flow = Flow(origins, Labels(labels or []), limits or Limits())
    ends = {end for one in history for t in one.transfers for end in (t.sender, t.recipient) if end}
    flow.feed(history, ends)
    return flow.fold(coinjoins={(BITCOIN, f"{number:064x}") for number in mixes})


def held(result: Result, method: str, who: str, origin: str | None = None) -> int:
    """What of an origin (default: any) is at an address."""
    return sum(
        lot.amount
        for (address, _, _), pot in result.books[method].pots.items()
        for lot in pot.lots
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


def test_a_block_with_an_earlier_time_comes_after_the_one_below_it() -> None:
    """Miners' clocks differ: money spent one block later, at a time before it came, is followed all the same."""
    parent, child = tx(3, [("thief", 100, "1:0")], [("a", 100)]), tx(4, [("a", 100, "3:0")], [("b", 100)])
    early = replace(child, at=parent.at - timedelta(minutes=7))

    result = fold([early, parent], [OriginSpec(at("thief"))])
    assert [100, 0] == [held(result, "fifo", who) for who in ("b", "a")]
    assert [] == [gap for gap in result.gaps if gap.kind == "unseen" and gap.address == at("a")]


def test_a_reported_output_without_its_inputs_is_followed() -> None:
    """A file may hold the payment's output alone."""
    history = [tx(3, [], [("scam", 70)]), tx(4, [("scam", 70, "3:0")], [("x", 70)])]
    result = fold(history, [OriginSpec(at("scam"), COIN, f"{3:064x}")])

    assert held(result, "fifo", "x") == 70
    assert set(result.touched) <= set(result.hops)


def ends(result: Result, method: str) -> list[tuple[str, str, int]]:
    """What came to an end: how, at whose address, how much."""
    return [(str(end.kind), end.address.text, end.amount) for end in result.books[method].ends]


def test_the_fee_comes_to_the_miner_clean() -> None:
    """A coinbase has no inputs: its outputs are fresh, though they hold the fee in which the thief's money ended."""
    history = [tx(3, [("thief", 100, "1:0")], [("a", 90)]), tx(4, [], [("miner", 325)])]
    result = fold([*history, tx(5, [("miner", 325, "4:0")], [("b", 325)])], [OriginSpec(at("thief"))])

    for book in result.books.values():
        assert {10} == set(book.fees.values())
        assert (0, 0) == (held(result, book.method, "miner"), held(result, book.method, "b"))
    assert [] == [gap for gap in result.gaps if gap.address == at("miner")]


def test_two_inputs_of_one_address_are_two_outpoints() -> None:
    """Each is a pot of its own, spent in its own place among the inputs; under lifo the thief's is in a third one."""
    history = [
        tx(3, [("thief", 10, "1:0"), ("friend", 50, "1:1")], [("a", 10), ("a", 20), ("a", 30)]),
        tx(4, [("a", 20, "3:1"), ("a", 10, "3:0")], [("b", 20), ("c", 10)]),
    ]
    result = fold(history, [OriginSpec(at("thief"))])

    assert (0, 10, 0) == tuple(held(result, "fifo", who) for who in "bca")
    assert (0, 0, 10) == tuple(held(result, "lifo", who) for who in "bca")


def test_what_was_not_seen_coming_is_clean_and_a_gap() -> None:
    """An input of a tainted address whose outpoint was never seen holds nothing of the thief's, and that is said."""
    history = [tx(3, [("thief", 100, "1:0")], [("a", 100)]), tx(4, [("a", 100, "3:0"), ("a", 40, "2:7")], [("b", 140)])]
    result = fold(history, [OriginSpec(at("thief"))])

    assert 100 == held(result, "fifo", "b")
    assert [("unseen", 40)] == [(gap.kind, gap.amount) for gap in result.gaps if gap.address == at("a")]


def test_inputs_that_are_not_known_weigh_too() -> None:
    """Outputs beyond the known inputs: haircut counts the unknown rest as clean in every output, and it is a gap."""
    history = [tx(3, [("thief", 100, "1:0")], [("a", 100)]), tx(4, [("a", 100, "3:0")], [("b", 100), ("c", 100)])]
    result = fold(history, [OriginSpec(at("thief"))])

    assert (50, 50) == (held(result, "haircut", "b"), held(result, "haircut", "c"))
    assert [("unseen", 100)] == [(gap.kind, gap.amount) for gap in result.gaps if gap.address == at("a")]


def test_only_so_much_of_an_output_was_reported() -> None:
    """Of 70 paid 60 were reported: 60 are the origin's, first by position; a later claim on them changes nothing."""
    history = [
        tx(3, [("victim", 100, "1:0")], [("scam", 70), ("victim", 29)]),
        tx(4, [("scam", 70, "3:0")], [("x", 65), ("y", 4)]),
    ]
    result = fold(history, [OriginSpec(at("scam"), COIN, f"{3:064x}", 60), OriginSpec(at("x"), COIN, f"{4:064x}")])
    first = f"payment:{BITCOIN}:{3:064x}:output:0"
    found = {lot.origin: lot.amount for pot in result.books["fifo"].pots.values() for lot in pot.lots if lot.origin}

    assert {first: 60, f"payment:{BITCOIN}:{4:064x}:output:0": 5} == found


def test_a_coinjoin_ends_each_input_at_its_own_address() -> None:
    """Also under haircut, which else would tell only the larger: whose coin it was is known, whose output is not."""
    history = [
        tx(3, [("thief", 100, "1:0")], [("a", 60), ("b", 30)]),
        tx(4, [("a", 60, "3:0"), ("friend", 60, "2:0"), ("b", 30, "3:1")], [("x", 60), ("y", 60), ("z", 20)]),
    ]
    result = fold(history, [OriginSpec(at("thief"))], mixes=(4,))

    for method in result.books:
        assert [("mixer", "bc1qa", 60), ("mixer", "bc1qb", 30)] == ends(result, method)
        assert 0 == sum(held(result, method, who) for who in "abxyz")
    assert {10} == {sum(book.fees.values()) for book in result.books.values()}  # of transaction 3 alone


def test_a_reported_coin_in_a_coinjoin_ends_where_it_starts() -> None:
    """The thief himself mixes: one hop, at his address."""
    result = fold([tx(3, [("thief", 100, "1:0")], [("x", 50), ("y", 50)])], [OriginSpec(at("thief"))], mixes=(3,))
    (landed,) = landings(result, "fifo")

    assert ("coinjoin", at("thief"), 1) == (landed.kind, landed.address, landed.hops)
    assert [100] * 5 == [one.amount for one in landed.arrivals[0].sums]
    assert [("direct", "CoinJoin", 100)] * 5 == [(e.exposure_type, e.entity, e.amount) for e in exposures(result)]


def test_a_payment_reported_inside_a_coinjoin_is_followed() -> None:
    """A victim may pay out of a CoinJoin: that output is named by the report, so it is the origin's."""
    history = [
        tx(3, [("victim", 60, "1:0"), ("other", 60, "2:0")], [("scam", 50), ("other", 50)]),
        tx(4, [("scam", 50, "3:0")], [("x", 50)]),
    ]
    result = fold(history, [OriginSpec(at("scam"), COIN, f"{3:064x}")], mixes=(3,))

    assert {50} == {held(result, method, "x") for method in result.books}


def test_the_crowd_of_a_coinjoin_or_a_batch_makes_no_hub() -> None:
    """Whom one shares a CoinJoin with, or who else was paid in the same batch, one did not deal with."""
    crowd = [(f"m{n}", 60, f"9:{n}") for n in range(20)]
    history = [
        tx(3, [("thief", 100, "1:0")], [("a", 60), ("b", 40)]),
        tx(4, [("shop", 900, "8:0")], [("b", 5), *((f"n{n}", 5) for n in range(20))]),
        tx(5, [("a", 60, "3:0"), *crowd], [(f"o{n}", 60) for n in range(21)]),
        tx(6, [("b", 40, "3:1")], [("c", 40)]),
    ]
    few = Limits(hub_counterparties=3)

    assert {} == fold(history, [OriginSpec(at("thief"))], limits=few, mixes=(5,)).hubs
    assert {at("a")} == fold(history, [OriginSpec(at("thief"))], limits=few).hubs.keys()


def nowhere(one: Transaction, position: int) -> Transaction:
    """The same with one output paid to a script that has no address."""
    moved = [replace(t, recipient=None) if t.sender is None and t.index == position else t for t in one.transfers]
    return replace(one, transfers=tuple(moved))


def test_an_output_without_an_address_is_unresolved_at_who_paid_it() -> None:
    """Bare multisig, or money burnt with a message: the books balance, and the path says where it went."""
    history = [
        tx(3, [("thief", 100, "1:0")], [("a", 100)]),
        nowhere(tx(4, [("a", 100, "3:0")], [("none", 30), ("b", 60)]), 0),
    ]
    result = fold(history, [OriginSpec(at("thief"))])

    for book in result.books.values():
        (sums,) = book.balances().values()
        assert (30, 60, 10) == (sums["unresolved"], sums["held"], sums["fees"])
        assert 100 == sums["originated"]
        hop = path(book, larger(book, book.ends[0].step)).hops[-1]
        assert ("unaddressed", at("a"), at("a"), 30) == (hop.by, hop.sender, hop.recipient, hop.amount)
    assert [(BITCOIN, f"{4:064x}")] == result.unresolved
    assert () == landings(result, "fifo")
