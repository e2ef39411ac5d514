"""Paths are evidence: every hop names transfers that exist and lead from who paid to who got."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings

from tests.makers import transfer as a_transfer
from tests.taint.histories import cases, folded
from tests.taint.scenario import ASSETS, CHAIN, asset, place
from tests.taint.scenario import at as moment
from tests.taint.scenario import tx as tx_hash
from tests.taint.test_utxo import BITCOIN, START, fold
from tests.taint.test_utxo import at as bitcoin
from tests.taint.test_utxo import tx as spent
from tracer.model import AssetId, Category, Hop, Kind, Label, OriginSpec, Path, Transaction, Transfer
from tracer.taint.books import Book
from tracer.taint.flow import Flow, Result
from tracer.taint.methods import METHODS, NO_STEP
from tracer.taint.paths import larger, path
from tracer.taint.provenance import Provenance
from tracer.taint.stops import Labels

Move = tuple[str, str, int, str]


def moved(number: int, *moves: Move) -> Transaction:
    """A transaction of (sender, recipient, amount, symbol)."""
    made = [_moved(number, *move) for move in moves]
    return Transaction(CHAIN, tx_hash(number), moment(number), number, transfers=tuple(made))


def _moved(number: int, sender: str, recipient: str, amount: int, symbol: str) -> Transfer:
    kind = Kind.NATIVE if symbol == "ETH" else Kind.TOKEN
    ends = (place(sender), place(recipient))
    return a_transfer(*ends, amount, tx=tx_hash(number), asset=asset(symbol), kind=kind)


def flowed(*history: Transaction, venues: str = "", origin: str = "thief") -> Result:
    """Everything read; these are labelled places of exchange, that one is reported."""
    claims = [Label(place(name), name, Category.DEX, 1, "t") for name in venues.split()]  # type: ignore[arg-type]
    flow = Flow([OriginSpec(place(origin))], Labels(claims))
    flow.feed(history, {end for one in history for t in one.transfers for end in (t.sender, t.recipient) if end})
    return flow.fold()


def path_to(result: Result, name: str, method: str = "fifo") -> Path:
    """The path of the last step that came to a place from elsewhere."""
    book = result.books[method]
    return shown(book, max(n for n, step in enumerate(book.steps) if step.recipient == place(name)))


def shown(book: Book, number: int) -> Path:
    """The largest path by which a step's money came."""
    return path(book, next(Provenance(book).ways([number]), larger(book, number)))


def ids(result: Result) -> dict[str, tuple[str, Transfer]]:
    """All transfers that were read, with the hash they stand in."""
    return {t.id: (one.tx_hash, t) for one in result.flow.transactions.values() for t in one.transfers}


def check(result: Result, book: Book, found: Path) -> None:
    """What must hold for every path."""
    known = ids(result)
    for hop in found.hops:
        transfers = [known[id_] for id_ in hop.transfers]
        assert transfers
        assert {hash_ for hash_, _ in transfers} == {hop.tx_hash}
        if not hop.via and len(transfers) > 1:
            continue  # no transfers lead all the way
        ends = [(t.sender, t.recipient) for _, t in transfers]
        assert all(before[1] == after[0] for before, after in zip(ends, ends[1:], strict=False))
        assert [end for _, end in ends[:-1]] == list(hop.via)
    for before, after in zip(found.hops, found.hops[1:], strict=False):
        assert before.recipient == after.sender
        assert before.at <= after.at
    assert {found.method} == {book.method}
    assert all(hop.amount > 0 and hop.received > 0 for hop in found.hops if hop.origin_amount)


@settings(max_examples=200, deadline=None)
@given(cases())
def test_every_path_is_a_chain_of_transfers_that_exist(case: Any) -> None:
    """For any history, method and step: hops join, times do not go back, ids are those of the hop's transaction."""
    result = folded(case)
    for book in result.books.values():
        for number in range(len(book.steps)):
            check(result, book, shown(book, number))


@settings(max_examples=200, deadline=None)
@given(cases())
def test_no_hop_carries_more_than_its_payer_had(case: Any) -> None:
    """What a hop carries of an origin never exceeds what its sender had got of it by then, nor what was originated."""
    result = folded(case)
    for method, book in result.books.items():
        for number, step in enumerate(book.steps):
            found = shown(book, number)
            assert found.hops[-1].origin_amount <= book.originated[step.origin], method
            if step.parent == NO_STEP:
                continue
            # within a transaction money comes and goes at once, so its own steps count too
            got = sum(
                one.origin_amount
                for one in book.steps
                if (one.recipient, one.origin) == (step.sender, step.origin)
                and one.transaction.order <= step.transaction.order
            )
            own = book.originated[step.origin] if step.sender in result.origins.addresses else 0
            assert found.hops[-1].origin_amount <= got + own, method


@settings(max_examples=100, deadline=None)
@given(cases())
def test_a_payment_changes_nothing_on_its_way(case: Any) -> None:
    """Only an exchange or a hand-on may make another asset or amount of it; and every hop says which it was."""
    for book in folded(case).books.values():
        for number in range(len(book.steps)):
            for hop in shown(book, number).hops:
                assert hop.by in ("payment", "exchange", "inferred_exchange", "hand_on")
                if hop.by == "payment":
                    assert (hop.asset, hop.amount) == (hop.received_asset, hop.received)
                if hop.by.endswith("exchange"):
                    assert hop.sender == hop.recipient


def only(found: Path) -> Hop:
    """The one hop."""
    (hop,) = found.hops
    return hop


def symbols(result: Result, hop: Hop) -> list[str]:
    """Which assets a hop's transfers moved, in order."""
    names = {contract: symbol for symbol, contract in ASSETS.items()}
    return [names[ids(result)[id_][1].asset.contract] for id_ in hop.transfers]


def test_a_router_is_named() -> None:
    """It passes money on inside the transaction: no hop of its own, but the hop names it and both transfers."""
    result = flowed(moved(1, ("thief", "router", 9, "USDT"), ("router", "peel", 9, "USDT")))
    hop = only(path_to(result, "peel"))

    assert (hop.sender, hop.recipient, hop.via) == (place("thief"), place("peel"), (place("router"),))
    assert len(hop.transfers) == 2


def test_two_routers_are_named_in_order_and_the_shortest_way_is_taken() -> None:
    """Of a way through two and one through one, the hop tells the shorter."""
    long = [("thief", "ra", 5, "USDT"), ("ra", "rb", 5, "USDT"), ("rb", "peel", 5, "USDT")]
    assert only(path_to(flowed(moved(1, *long)), "peel")).via == (place("ra"), place("rb"))
    both = [*long, ("thief", "rc", 5, "USDT"), ("rc", "peel", 5, "USDT")]
    assert only(path_to(flowed(moved(1, *both)), "peel")).via == (place("rc"),)


def test_a_payment_is_proven_by_its_own_asset() -> None:
    """A token sent straight along for show is not the transfer that carried the money."""
    result = flowed(
        moved(1, ("thief", "router", 9, "USDT"), ("router", "peel", 9, "USDT"), ("thief", "peel", 1, "MEME"))
    )
    book = result.books["fifo"]
    number = next(n for n, step in enumerate(book.steps) if step.asset == asset("USDT"))
    hop = only(shown(book, number))

    assert symbols(result, hop) == ["USDT", "USDT"]
    assert hop.via == (place("router"),)


def test_of_several_transfers_the_largest_is_named() -> None:
    """Between the same two addresses, in the same transaction."""
    result = flowed(moved(1, ("thief", "peel", 1, "USDT"), ("thief", "peel", 90, "USDT"), ("thief", "peel", 8, "USDT")))
    hop = only(path_to(result, "peel"))
    assert [ids(result)[id_][1].amount for id_ in hop.transfers] == [90]
    assert hop.amount == 99


def test_an_exchange_goes_round() -> None:
    """From the payer through router and pool back to the payer: paid in one asset, received in another."""
    swap = [("thief", "router", 9, "USDT"), ("router", "pool", 9, "USDT"), ("pool", "thief", 7, "DAI")]
    result = flowed(moved(1, *swap), venues="pool")
    hop = only(path_to(result, "thief"))

    assert (hop.by, hop.sender, hop.recipient) == ("exchange", place("thief"), place("thief"))
    assert (hop.asset, hop.amount, hop.received_asset, hop.received) == (asset("USDT"), 9, asset("DAI"), 7)
    assert hop.via == (place("router"), place("pool"))
    assert symbols(result, hop) == ["USDT", "USDT", "DAI"]


def test_an_exchange_without_a_labelled_venue_is_inferred() -> None:
    """Nobody says that the other side is an exchange: the hop says so."""
    result = flowed(moved(1, ("thief", "desk", 9, "USDT"), ("desk", "thief", 7, "DAI")))
    assert only(path_to(result, "thief")).by == "inferred_exchange"


def test_an_exchange_is_proven_by_what_was_paid_and_what_came_back() -> None:
    """A token sent to the pool along with it, and another that came from it, are not the way round."""
    swap = [("thief", "router", 9, "USDT"), ("router", "pool", 9, "USDT"), ("pool", "desk", 7, "DAI")]
    back = [("desk", "thief", 7, "DAI"), ("thief", "pool", 1, "MEME"), ("pool", "thief", 2, "MEME")]
    result = flowed(moved(1, *swap, *back), venues="pool")
    book = result.books["fifo"]
    number = next(n for n, step in enumerate(book.steps) if step.received_asset == asset("DAI"))
    hop = only(shown(book, number))

    assert hop.via == (place("router"), place("pool"), place("desk"))
    assert symbols(result, hop) == ["USDT", "USDT", "DAI", "DAI"]


def test_an_exchange_and_what_follows_is_one_path() -> None:
    """Swapped, then paid on: two hops, of which the first stays where it is."""
    swap = [("thief", "pool", 9, "USDT"), ("pool", "thief", 7, "DAI")]
    result = flowed(moved(1, *swap), moved(2, ("thief", "peel", 7, "DAI")), venues="pool")
    found = path_to(result, "peel")

    assert [hop.by for hop in found.hops] == ["exchange", "payment"]
    assert [hop.origin_amount for hop in found.hops] == [9, 9]


def test_money_handed_on_is_proven_through_the_venue() -> None:
    """Paid to a pool that pays a friend: one hop from payer to friend, via the pool."""
    result = flowed(moved(1, ("thief", "pool", 9, "USDT"), ("pool", "friend", 7, "DAI")), venues="pool")
    hop = only(path_to(result, "friend"))

    assert (hop.by, hop.via) == ("hand_on", (place("pool"),))
    assert symbols(result, hop) == ["USDT", "DAI"]


def test_a_wrapped_coin_is_proven_by_what_was_paid() -> None:
    """The wrapped coin is derived: no transfer leads back, so the one that paid for it is named."""
    result = flowed(moved(1, ("thief", "weth", 9, "ETH")))
    hop = only(path_to(result, "thief"))

    assert (hop.by, hop.received_asset, hop.via) == ("exchange", asset("WETH"), ())
    assert symbols(result, hop) == ["ETH"]


def test_wrapped_coins_that_nobody_shows_are_proven_by_their_native_side() -> None:
    """Unwrapped and paid to a pool: the wrapped coin's transfer is not in the file, the hop names what is."""
    result = flowed(moved(1, ("weth", "thief", 9, "ETH"), ("thief", "pool", 9, "ETH")), venues="pool")
    book = result.books["fifo"]
    hops = [hop for n in range(len(book.steps)) for hop in path(book, larger(book, n)).hops]

    assert "WETH" in {next(name for name, one in ASSETS.items() if one == hop.asset.contract) for hop in hops}
    assert all(hop.transfers for hop in hops)


def test_the_larger_part_is_followed_back() -> None:
    """At every address the path goes on along the step that had brought more of what is paid."""
    history = [
        moved(1, ("thief", "small", 3, "USDT")),
        moved(2, ("thief", "large", 7, "USDT")),
        moved(3, ("small", "peel", 3, "USDT")),
        moved(4, ("large", "peel", 7, "USDT")),
        moved(5, ("peel", "end", 10, "USDT")),
    ]
    found = path_to(flowed(*history), "end")
    assert [hop.sender for hop in found.hops] == [place("thief"), place("large"), place("peel")]
    assert [hop.amount for hop in found.hops] == [7, 7, 10]


@pytest.mark.parametrize(("method", "way"), [("fifo", "early"), ("lifo", "late")])
def test_a_path_is_that_of_its_method(method: str, way: str) -> None:
    """First in, first out leads back to who came first; last in, first out to who came last."""
    history = [
        moved(1, ("thief", "early", 5, "USDT")),
        moved(2, ("thief", "late", 5, "USDT")),
        moved(3, ("early", "peel", 5, "USDT")),
        moved(4, ("late", "peel", 5, "USDT")),
        moved(5, ("peel", "end", 5, "USDT")),
    ]
    found = path_to(flowed(*history), "end", method)
    assert (found.method, found.hops[1].sender) == (method, place(way))


def test_on_bitcoin_a_hop_names_its_inputs_and_outputs() -> None:
    """No transfer has two ends there: those the sender put in and those the recipient took."""
    history = [
        spent(1, [("victim", 10, "0:0")], [("thief", 10)]),
        spent(2, [("thief", 10, "1:0"), ("other", 5, "0:1")], [("peel", 9), ("other", 5)]),
    ]
    result = fold(history, [OriginSpec(bitcoin("thief"))])
    book = result.books["fifo"]
    number = next(n for n, step in enumerate(book.steps) if step.recipient == bitcoin("peel"))
    hop = only(shown(book, number))

    assert hop.transfers == (f"{BITCOIN}:{2:064x}:input:0", f"{BITCOIN}:{2:064x}:output:0")
    assert hop.via == ()
    assert (hop.at > START, hop.sender) == (True, bitcoin("thief"))


def test_paths_of_every_method_start_at_the_reported_payment() -> None:
    """The first hop is the payment itself, from who paid it."""
    history = [moved(1, ("victim", "thief", 9, "USDT")), moved(2, ("thief", "peel", 9, "USDT"))]
    flow = Flow([OriginSpec(place("thief"), asset("USDT"), tx_hash(1))], Labels())
    flow.feed(history, [place("thief")])
    result = flow.fold()

    for method in METHODS:
        found = path_to(result, "peel", method)
        assert [hop.sender for hop in found.hops] == [place("victim"), place("thief")]
        assert found.origin == f"payment:{history[0].transfers[0].id}"


def test_an_unlisted_token_goes_by_its_contract() -> None:
    """A hop names assets by contract, whatever they call themselves."""
    result = flowed(moved(1, ("thief", "peel", 3, "MEME")))
    assert only(path_to(result, "peel")).asset == AssetId(CHAIN, ASSETS["MEME"])
    assert only(path_to(result, "peel")).recipient == place("peel")
