"""Columns hold what values do: the same transactions, made when they are asked for, on both engines."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from tests.makers import BITCOIN, ETHEREUM, START, address, transaction, transfer
from tracer.model import NATIVE, Address, AssetId, Kind, Transaction, Transfer
from tracer.store import bulk, columns
from tracer.store.store import Store
from tracer.taint.kernel.history import History

PEOPLE = [address(n) for n in range(1, 12)]
COINS = [AssetId(ETHEREUM, NATIVE), AssetId(ETHEREUM, f"0x{7:040x}"), AssetId(ETHEREUM, f"0x{8:040x}")]
OLD = datetime(1969, 12, 31, 23, 59, 59, 999_999, UTC)


def many(count: int) -> list[Transaction]:
    """Transactions of every sort: some fail, some share a moment and a block, some lack a place or an initiator."""
    chance, made = Random(5), []
    for n in range(count):
        kinds = chance.choices([Kind.NATIVE, Kind.INTERNAL, Kind.TOKEN], k=chance.randint(1, 5))
        moves = [_move(chance, kind, f"0x{n:064x}", place) for place, kind in enumerate(kinds)]
        fee = transfer(chance.choice(PEOPLE), None, 21, tx=f"0x{n:064x}", asset=COINS[0], kind=Kind.FEE)
        one = transaction(*moves, *([fee] if n % 3 else []), tx=f"0x{n:064x}", ok=n % 7 > 0, whole=n % 2 > 0)
        at = START + timedelta(minutes=n // 4, microseconds=n // 4)
        known = {"block": n // 4, "tx_index": chance.choice([None, 0, 3])} if n % 5 else {}
        initiator = chance.choice([None, *PEOPLE])
        made.append(replace(one, at=at, initiator=initiator, to=chance.choice([None, address(99)]), **known))
    return [*made, transaction((PEOPLE[0], PEOPLE[1], 1), tx=f"0x{count:064x}", at=OLD)]


def _move(chance: Random, kind: Kind, tx_hash: str, place: int) -> Transfer:
    sender, recipient = chance.sample(PEOPLE, 2)
    asset = chance.choice(COINS[1:]) if kind is Kind.TOKEN else COINS[0]
    amount = chance.choice([0, chance.randrange(2**63), chance.randrange(2**127), 2**127 - 1])
    return transfer(sender, recipient, amount, tx=tx_hash, asset=asset, kind=kind, index=chance.choice([None, place]))


def put(store: Store, given: list[Transaction]) -> None:
    """Import these in one act."""
    with store.act("ana", "import", "file") as work:
        work.add_transactions(given)


def values(history: History | None) -> list[Transaction]:
    """Every transaction of a history, in its order."""
    assert history is not None
    return [history.transaction(row) for row in range(len(history))]


@pytest.mark.parametrize("wanted", [PEOPLE, PEOPLE[:1], PEOPLE[3:5], [address(99)]])
def test_columns_are_the_same_transactions(store: Store, wanted: list[Address]) -> None:
    """Whether nearly all of a store is read or a little of it."""
    put(store, many(60)[::-1])
    expected = store.transactions_of(wanted)
    found = store.history(wanted, [])

    assert expected == (values(found) if expected else [])
    if found is not None:
        for row in range(len(found)):
            one, rows = found.made(row)
            assert [t.amount for t in one.transfers] == [_amount(found, number) for number in rows]
            assert [t.sender for t in one.transfers] == [found.addresses[found.moves.sender[n]] for n in rows]


def test_columns_tell_equal_transfers_apart(store: Store) -> None:
    """Two payments of the same in one transaction are two, whether their places are known or not."""
    moves = [transfer(PEOPLE[0], PEOPLE[1], 5, tx=1, n=n, index=index) for n, index in enumerate([None, 0, None, 12])]
    one = transaction(*moves, transfer(PEOPLE[1], PEOPLE[2], 5, tx=1, index=7), tx=1)
    put(store, [one])

    assert [one] == values(store.history(PEOPLE, []))


@pytest.mark.parametrize("wanted", [PEOPLE, PEOPLE[:1]])
def test_columns_of_many_pieces(store: Store, monkeypatch: pytest.MonkeyPatch, wanted: list[Address]) -> None:
    """A transaction's transfers may come in another piece than it does itself."""
    put(store, many(60))
    monkeypatch.setattr(columns, "RANGE", 7)
    monkeypatch.setattr(columns, "LIST", 7)

    assert store.transactions_of(wanted) == values(store.history(wanted, []))


def test_many_are_looked_up_in_several_lists(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """All are found, each once, however they are written: the databases are told them as one value."""
    names = ["7", '"', "\\", "'", "a,b", "{1}", "ünder", "NULL", "%"]
    put(store, [transaction((PEOPLE[0], PEOPLE[1], n + 1), tx=name) for n, name in enumerate(names)])
    monkeypatch.setattr(bulk, "LIST", 3)
    found = store.transactions([(ETHEREUM, name) for name in [*names, "\\\\", "ü", "8", *names]])

    assert sorted(names) == sorted(one.tx_hash for one in found)
    assert sorted(names) == sorted(one.tx_hash for one in values(store.history(PEOPLE, [])))


def _amount(history: History, row: int) -> int:
    return (int(history.moves.high[row]) << 64) | int(history.moves.low[row])


def test_columns_hold_named_transactions_too(store: Store) -> None:
    """What a reported payment names is read with what addresses moved, once."""
    given = many(30)
    put(store, given)
    keys = [(one.chain, one.tx_hash) for one in given[4:7]]
    named = {one.tx_hash for one in store.transactions_of(PEOPLE[:1])} | {tx_hash for _, tx_hash in keys}

    assert named == {one.tx_hash for one in values(store.history(PEOPLE[:1], keys))}
    assert store.transactions(keys) == values(store.history([], keys))


def test_columns_leave_out_what_a_reorg_withdrew(store: Store) -> None:
    """Here as everywhere, whether it is found by address or by hash."""
    kept, gone = (transaction((PEOPLE[0], PEOPLE[1], n), tx=n, block=n) for n in (1, 2))
    with store.act("job", "pull", "node") as work:
        work.add_transactions([kept, gone], work.add_page("node", "page", 0, b"raw", "rpc"))
        work.rewind("node", ETHEREUM, 1, "block 2 is gone")

    assert [kept] == values(store.history(PEOPLE, [(ETHEREUM, gone.tx_hash)]))


@pytest.mark.parametrize("odd", ["bitcoin", "wide", "empty"])
def test_columns_hold_no_bitcoin_and_nothing_too_wide(store: Store, odd: str) -> None:
    """Then, and where there is nothing, the values are asked for."""
    coin = replace(
        transaction(tx=9, chain=BITCOIN),
        transfers=(transfer(None, address(1, BITCOIN), 5, tx=9, asset=AssetId(BITCOIN, NATIVE), kind=Kind.OUTPUT),),
    )
    given = {"bitcoin": [coin], "wide": [transaction((PEOPLE[0], PEOPLE[1], 2**127), tx=1)], "empty": []}
    put(store, given[odd])

    assert store.history([*PEOPLE, address(1, BITCOIN)], []) is None


def test_the_weight_of_addresses(store: Store) -> None:
    """How many transfers they sent and received, before anything of them is read."""
    put(store, [transaction((PEOPLE[0], PEOPLE[1], 5), (PEOPLE[1], PEOPLE[2], 5))])

    assert [0, 1, 3, 4] == [store.weight(some, 9) for some in ([], PEOPLE[:1], PEOPLE[:2], PEOPLE)]


def test_the_weight_is_counted_as_far_as_it_matters(store: Store) -> None:
    """Once it is enough, nobody else is counted; who is named twice weighs once."""
    put(store, [transaction((PEOPLE[0], PEOPLE[1], 5), (PEOPLE[1], PEOPLE[2], 5))])
    ones = [[PEOPLE[0]] * 3, PEOPLE[1:2] * 3]

    assert [1, 2] == [store.weight(some, 9) for some in ones]
    assert 0 == store.weight(PEOPLE, 0)
