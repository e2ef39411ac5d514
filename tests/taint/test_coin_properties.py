"""What must hold for every bitcoin history: conservation, and the invariants of taint by position."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.taint.coin_histories import COIN, CoinCase, coin_cases
from tests.taint.histories import fingerprint
from tracer.model import Kind, Transaction, transfer_id
from tracer.taint.books import Book
from tracer.taint.entries import COINJOIN, LEAVES, PotKey
from tracer.taint.flow import Flow
from tracer.taint.stops import Labels


def tainted(book: Book) -> dict[tuple[PotKey, str], int]:
    """How much of which origin is in which pot."""
    sums: dict[tuple[PotKey, str], int] = defaultdict(int)
    for key, pot in book.pots.items():
        for lot in pot.lots:
            if lot.origin is not None:
                sums[(key, lot.origin)] += lot.amount
    return dict(sums)


def ended(book: Book) -> dict[tuple[object, ...], int]:
    """How much of which origin ended where, and how."""
    sums: dict[tuple[object, ...], int] = defaultdict(int)
    for end in book.ends:
        sums[(end.kind, end.address, end.origin)] += end.amount
    return dict(sums)


@settings(max_examples=200, deadline=None)
@given(coin_cases())
def test_the_books_balance_to_the_satoshi(case: CoinCase) -> None:
    """What was originated is held, was paid as fee, or ended somewhere; nothing is negative, nothing is converted."""
    for book in case.fold().books.values():
        for sums in book.balances().values():
            assert sums["originated"] == sum(sums.values()) - sums["originated"]
            assert min(sums.values()) >= 0
            assert 0 == sums["rounding"] == sums["redeemed"]
        for pot in book.pots.values():
            assert all(lot.amount > 0 and lot.origin_amount == (lot.amount if lot.origin else 0) for lot in pot.lots)


@settings(max_examples=200, deadline=None)
@given(coin_cases())
def test_an_outpoint_never_holds_more_taint_than_its_output_paid(case: CoinCase) -> None:
    """0 <= t <= v for every output under every method."""
    paid = {f"{one.tx_hash}:{t.index}": t.amount for one in case.history for t in one.transfers if t.recipient}
    for book in case.fold().books.values():
        sums: dict[str, int] = defaultdict(int)
        for ((_, _, outpoint), _), amount in tainted(book).items():
            sums[outpoint] += amount

        assert [] == [outpoint for outpoint, amount in sums.items() if amount > paid[outpoint]]


@settings(max_examples=200, deadline=None)
@given(coin_cases())
def test_the_reach_holds_whatever_any_method_reaches(case: CoinCase) -> None:
    """Poison goes wherever any method's taint came, CoinJoins or not."""
    result = case.fold()
    reached = {(address, origin) for (address, _, origin), amount in result.reach.came.items() if amount}
    own = {(origin.address, origin.id) for origin in result.origins.found.values()}
    for book in result.books.values():
        came = {(address, origin) for (address, _, origin), (amount, _) in book.came().items() if amount}

        assert came - own <= reached


@settings(max_examples=200, deadline=None)
@given(coin_cases())
def test_nothing_exact_comes_out_of_a_coinjoin(case: CoinCase) -> None:
    """The only steps in one end there, at the address that they left; a payment reported in one starts there."""
    result = case.fold()
    reported = {origin.id for origin in result.origins.found.values() if origin.tx_hash}
    for book in result.books.values():
        for step in book.steps:
            if (step.transaction.chain, step.transaction.tx_hash) in case.mixes and step.origin not in reported:
                assert (COINJOIN, step.sender) == (step.by, step.recipient)


@settings(max_examples=200, deadline=None)
@given(coin_cases())
def test_fifo_on_reversed_inputs_is_lifo(case: CoinCase) -> None:
    """Last in, first out is first in, first out with every transaction's inputs in reverse."""
    reversed_ = []
    for one in case.history:
        count = sum(t.kind is Kind.INPUT for t in one.transfers)
        moved = [
            replace(t, index=count - 1 - t.index) if t.kind is Kind.INPUT and t.index is not None else t
            for t in one.transfers
        ]
        reversed_.append(replace(one, transfers=tuple(moved)))
    lifo, fifo = case.fold().books["lifo"], case.fold(reversed_).books["fifo"]

    assert (tainted(lifo), dict(lifo.fees), ended(lifo)) == (tainted(fifo), dict(fifo.fees), ended(fifo))


@settings(max_examples=200, deadline=None)
@given(coin_cases(most_inputs=1, addresses_only=True))
def test_of_a_single_input_all_methods_say_the_same(case: CoinCase) -> None:
    """With one input there is nothing to choose."""
    books = list(case.fold().books.values())

    assert all(tainted(book) == tainted(books[0]) for book in books)
    assert all((dict(book.fees), ended(book)) == (dict(books[0].fees), ended(books[0])) for book in books)


def split(one: Transaction, position: int, first: int) -> Transaction:
    """The same with one output cut into two adjacent ones to the same address."""
    outputs = sorted((t for t in one.transfers if t.kind is Kind.OUTPUT), key=lambda t: t.index or 0)
    cut = outputs[position]
    parts = [replace(cut, amount=first), replace(cut, amount=cut.amount - first)]
    moved = [
        replace(t, index=n, id=transfer_id(one.chain, one.tx_hash, Kind.OUTPUT, COIN, None, None, 0, n))
        for n, t in enumerate([*outputs[:position], *parts, *outputs[position + 1 :]])
    ]
    return replace(one, transfers=(*(t for t in one.transfers if t.kind is Kind.INPUT), *moved))


@settings(max_examples=200, deadline=None)
@given(coin_cases(addresses_only=True), st.data())
def test_cutting_an_output_in_two_changes_nothing_under_fifo(case: CoinCase, data: st.DataObject) -> None:
    """Two adjacent outputs carry together what the one did, and so does every other output."""
    last = case.history[-1]
    amounts = [t.amount for t in sorted(last.transfers, key=lambda t: t.index or 0) if t.kind is Kind.OUTPUT]
    wide = [position for position, amount in enumerate(amounts) if amount > 1]
    if not wide:
        return
    position = data.draw(st.sampled_from(wide))
    other = [*case.history[:-1], split(last, position, data.draw(st.integers(1, amounts[position] - 1)))]
    whole, cut = (case.fold(history).books["fifo"] for history in (case.history, other))

    assert {key: sums for key, sums in whole.came().items() if any(sums)} == {
        key: sums for key, sums in cut.came().items() if any(sums)
    }
    assert (dict(whole.fees), ended(whole)) == (dict(cut.fees), ended(cut))


@settings(max_examples=100, deadline=None)
@given(coin_cases(), st.randoms(use_true_random=False))
def test_any_order_and_partition_of_feeding_gives_the_same(case: CoinCase, chance: object) -> None:
    """Fed input by input and output by output in any order, folded in between or not: the result is the same."""
    pieces = [replace(one, transfers=(transfer,)) for one in case.history for transfer in one.transfers]
    chance.shuffle(pieces)
    flow = Flow(list(reversed(case.specs)), Labels(case.labels))
    while pieces:
        count = chance.randint(1, len(pieces))
        flow.feed(pieces[:count])
        pieces = pieces[count:]
        if chance.random() < 0.3:
            flow.fold()
    flow.feed([], case.read)

    assert fingerprint(case.fold([one for one in case.history if one.transfers])) == fingerprint(
        flow.fold(coinjoins=case.mixes)
    )


@settings(max_examples=100, deadline=None)
@given(coin_cases())
def test_what_left_for_no_address_counts_as_come_to_none(case: CoinCase) -> None:
    """A step into a CoinJoin or to a script without an address adds nothing to what came to the address it left."""
    for book in case.fold().books.values():
        for key, (amount, _) in book.came().items():
            coming = sum(
                step.received
                for step in book.steps
                if step.by not in LEAVES and (step.recipient, step.received_asset, step.origin) == key
            )

            assert 0 <= amount - coming <= book.originated[key[2]]  # the rest started there
