"""Transactions: the same again adds nothing, more is merged, a clash is refused, what went in comes out."""

from dataclasses import replace
from datetime import timedelta
from hashlib import sha256

import pytest
from sqlalchemy import Engine, event

from tests.makers import BITCOIN, ETHEREUM, START, USDT, address, transaction, transfer
from tracer.chains import is_listed
from tracer.errors import Conflict, InputError
from tracer.model import Asset, AssetId, Checkpoint, Coverage, Kind, Transaction
from tracer.store.rows import Added
from tracer.store.store import Store

A, B, C = address(1), address(2), address(3)


def put(store: Store, *given: Transaction) -> Added:
    """Import these in one act."""
    with store.act("ana", "import", "file") as work:
        return work.add_transactions(given)


def test_importing_again_adds_nothing(store: Store) -> None:
    """The same rows a second time change no count and leave no audit row."""
    moved = transaction((A, B, 5), (A, B, 5), (B, C, 7))
    assert put(store, moved) == Added(transactions=1, transfers=3)
    before = store.status()
    assert put(store, moved) == Added()
    assert store.status() == before
    assert store.transactions_of([C]) == [moved]


def test_a_second_source_fills_what_was_unknown(store: Store) -> None:
    """Missing transfers, block, position and initiator are added to a known transaction; known values stay."""
    first = transaction((A, B, 5))
    second = replace(transaction((A, B, 5), (B, C, 5)), block=9, tx_index=4, initiator=A, to=C, whole=True)
    put(store, first)
    assert put(store, second) == Added(transactions=0, transfers=1)
    assert put(store, replace(first, initiator=B)) == Added()
    assert store.transactions_of([A]) == [second]


def test_a_failure_said_once_stands(store: Store) -> None:
    """A source that does not know of the failure cannot make a failed transaction good."""
    put(store, transaction((A, B, 5), ok=False))
    put(store, transaction((A, B, 5), ok=True))
    assert not store.transactions_of([A])[0].ok


def test_parts_in_one_import_are_one_transaction(store: Store) -> None:
    """Two values for one hash in one call are merged like two calls."""
    assert put(store, transaction((A, B, 5)), transaction((B, C, 5))) == Added(transactions=1, transfers=2)
    assert store.transactions_of([A]) == [transaction((A, B, 5), (B, C, 5))]


@pytest.mark.parametrize("change", [{"at": START + timedelta(days=9)}, {"block": 8}])
def test_another_time_or_block_is_a_conflict(store: Store, change: dict[str, object]) -> None:
    """A clash names the transaction and keeps nothing of the import."""
    put(store, transaction((A, B, 5), block=7))
    clash = replace(transaction((A, B, 6), block=7), **change)  # type: ignore[arg-type]
    with pytest.raises(Conflict, match=clash.tx_hash):
        put(store, transaction((A, C, 1), tx=2), clash)
    assert store.transactions_of([A]) == [transaction((A, B, 5), block=7)]


def test_an_id_that_does_not_fit_its_transfer_is_refused(store: Store) -> None:
    """The store rebuilds ids from the fields, so an id that says something else is not taken."""
    moved = transaction((A, B, 5))
    for wrong in ("x", moved.transfers[0].id + "0", moved.transfers[0].id[:-1] + "\u0660", ""):
        with pytest.raises(InputError, match="transfer_id"):
            put(store, replace(moved, transfers=(replace(moved.transfers[0], id=wrong),)))


def test_an_asset_of_another_chain_is_refused(store: Store) -> None:
    """The id holds the chain once, so all parts of a transfer must be of it."""
    foreign = transfer(A, B, 5, asset=AssetId(BITCOIN, "native"))
    wrong = replace(foreign, id=transfer(A, B, 5, asset=AssetId("eip155:1", "native")).id)
    with pytest.raises(InputError, match="chain"):
        put(store, transaction(wrong))


def test_bitcoin_ids_are_positions(store: Store) -> None:
    """Inputs and outputs come back with position, outpoint and missing ends."""
    coin, payer, payee = AssetId(BITCOIN, "native"), address(1, BITCOIN), address(2, BITCOIN)
    spent = transfer(payer, None, 9, asset=coin, kind=Kind.INPUT, n=0, index=0, outpoint="aa:1")
    made = [transfer(None, payee, 4, asset=coin, kind=Kind.OUTPUT, n=n, index=n) for n in range(2)]
    moved = transaction(spent, *made, chain=BITCOIN)
    put(store, moved)
    assert store.transactions_of([payer]) == [moved]
    assert [t.id.rsplit(":", 2)[1:] for t in moved.transfers] == [["input", "0"], ["output", "0"], ["output", "1"]]


def test_reading_gives_whole_transactions_in_order(store: Store) -> None:
    """One address brings every transfer of its transactions, by time, whatever order they came in."""
    late, early, other = transaction((A, B, 1), (B, C, 1), tx=9), transaction((C, A, 2), tx=3), transaction((B, C, 1))
    put(store, late, other, early)
    assert store.transactions_of([A]) == [early, late]
    assert store.transactions([("eip155:1", late.tx_hash), ("eip155:1", "0xnone")]) == [late]
    assert store.transactions_of([address(99)]) == []


def test_more_rows_than_one_piece(store: Store) -> None:
    """Lists far beyond one statement's bound values are written and read whole."""
    many = [transaction((address(n), address(n + 1), n), tx=n) for n in range(1, 2501)]
    assert put(store, *many) == Added(2500, 2500)
    assert store.transactions_of([address(n) for n in range(2502)]) == many


def test_assets_learn_what_was_unknown(store: Store) -> None:
    """A bare asset is described later; of two symbols the same one stays, whichever came first."""
    coin = AssetId("eip155:1", "0x" + "12" * 20)
    put(store, transaction(transfer(A, B, 1, asset=coin)))
    assert store.assets([coin]) == [Asset(coin, "", None)]
    with store.act("ana", "import", "file") as work:
        assert work.add_assets([Asset(coin, "\u202eTDSU", None, listed=True)]) == 1
        assert work.add_assets([Asset(coin, "OTHER", 6)]) == 1
        assert work.add_assets([Asset(coin, "THIRD", 18)]) == 0
    assert store.assets() == [Asset(coin, "OTHER", 6)]
    with store.act("ana", "import", "file") as work:
        assert work.add_assets([Asset(coin, "USDT", 6)]) == 1  # a name that mimics a listed token must not be hidden
    assert store.assets() == [Asset(coin, "USDT", 6)]


def test_a_page_is_kept_once(store: Store) -> None:
    """The same content at the same place is one page, byte for byte; at another place it is another."""
    raw = bytes(range(256)) * 50
    with store.act("ana", "import", "file") as work:
        first = work.add_page("file", "a.csv", 0, raw)
        assert work.add_page("file", "renamed.csv", 0, raw) == first
        second = work.add_page("file", "a.csv", 1, raw)
    assert store.page_ids("file") == [first, second]
    page = store.page(first)
    assert (page.raw, page.size, page.name) == (raw, len(raw), "a.csv")
    assert page.sha256 == sha256(raw).hexdigest()


def test_coverage_is_the_present(store: Store) -> None:
    """The newest word of a source replaces its last one; the same word again is no act."""
    with store.act("job", "pull", "A") as work:
        assert work.set_coverage(A, "etherscan", Coverage("partial", "page 1"), Checkpoint("c1", 10, "0xaa"))
        assert work.set_coverage(A, "blockscout", Coverage("refused", "401"))
    with store.act("job", "pull", "A") as work:
        assert work.set_coverage(A, "etherscan", Coverage("complete"), Checkpoint("c2", 11, "0xbb"))
        assert not work.set_coverage(A, "blockscout", Coverage("refused", "401"))
    found = [(read.source, str(read.coverage), read.checkpoint) for read in store.coverage([A, B])]
    assert found == [
        ("blockscout", "refused(401)", Checkpoint()),
        ("etherscan", "complete", Checkpoint("c2", 11, "0xbb")),
    ]


def test_checkpoints_are_of_one_source_and_chain(store: Store) -> None:
    """One question gives every address of the chain that the source was asked for, and nothing of others."""
    far = Checkpoint("c2", 11, "0xbb")
    with store.act("job", "pull", "all") as work:
        work.set_coverage(B, "node", Coverage("complete"), far)
        work.set_coverage(A, "node", Coverage("refused", "401"))
        work.set_coverage(C, "file", Coverage("partial", "file"), far)
        work.set_coverage(address(1, BITCOIN), "node", Coverage("complete"), far)
    assert list(store.checkpoints("node", ETHEREUM).items()) == [(A, Checkpoint()), (B, far)]
    assert store.checkpoints("node", "eip155:56") == {}


def test_an_act_asks_as_often_for_many_as_for_few(store: Store) -> None:
    """The statements of an act do not grow with its rows, nor with what was stored before."""
    put(store, transaction((A, B, 1)))
    asked: list[int] = []

    def count(*_: object) -> None:
        asked[-1] += 1

    event.listen(Engine, "before_cursor_execute", count)
    try:
        for first, last in ((10, 15), (1000, 1800), (2000, 2005)):
            asked.append(0)
            put(store, *(transaction((address(n), A, n), tx=n) for n in range(first, last)))
    finally:
        event.remove(Engine, "before_cursor_execute", count)
    assert asked == [asked[0]] * 3


def test_usdt_is_listed() -> None:
    """The makers' USDT is a real contract, so that tests of rules that need listed tokens can use it."""
    assert is_listed(USDT)
