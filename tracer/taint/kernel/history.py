"""A history as columns: its transactions in order, a row each, and their transfers, a row each.

Values of the model are made, or looked up, for the rows that somebody asks about.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import numpy as np

from tracer.model import Address, AssetId, Kind, Transaction
from tracer.taint.kernel.state import Array
from tracer.taint.kernel.wide import LIMIT

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
KINDS = tuple(Kind)  # a kind's code is its place
FEE = KINDS.index(Kind.FEE)
_MICROSECOND = timedelta(microseconds=1)
_LOW = (1 << 64) - 1


class TooWide(Exception):  # noqa: N818 - no failure: the plain definition takes over
    """Amounts are, or those of an asset add up to, 2**127 or more."""


def microseconds(at: datetime) -> int:
    """Since 1970, exactly."""
    return (at - EPOCH) // _MICROSECOND


class Heads(NamedTuple):
    """What is known of each transaction, in order. -1: block or position unknown. `first`: its first transfer."""

    at: Array  # microseconds since 1970
    chain: Array  # a number each, no matter which
    block: Array
    place: Array
    first: Array  # one row more


class Moves(NamedTuple):
    """Transfers, those of a transaction together. Numbers are places in the lists of a History; -1: none."""

    kind: Array  # a place in KINDS
    asset: Array
    sender: Array
    recipient: Array
    high: Array  # the amount is high * 2**64 + low
    low: Array


Key = tuple[str, str]  # chain, tx_hash
Made = tuple[Transaction, Sequence[int]]  # and the rows of its transfers, in their order


@dataclass(slots=True)
class History:
    """The columns, and how the values behind a row are made. Numbers follow the order of addresses and assets."""

    addresses: Sequence[Address]
    assets: Sequence[AssetId]
    heads: Heads
    moves: Moves
    make: Callable[[int], Made]
    find: Callable[[Container[str]], list[int]]  # the rows of transactions by their hashes
    ok: Array  # by transaction: it did not fail
    _made: dict[int, Made] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.heads.at)

    def made(self, row: int) -> Made:
        """A transaction and the rows of its transfers; the same object every time."""
        found = self._made.get(row)
        if found is None:
            found = self._made[row] = self.make(row)
        return found

    def transaction(self, row: int) -> Transaction:
        """The transaction of a row."""
        return self.made(row)[0]

    @property
    def by_key(self) -> Mapping[Key, Transaction]:
        """The transactions by chain and hash, in order, each made when it is asked for."""
        return ByKey(self)

    @property
    def ends(self) -> list[Address]:
        """Who sends or receives."""
        some = np.zeros(len(self.addresses) + 1, np.bool_)  # the last is none
        some[self.moves.sender] = some[self.moves.recipient] = True
        return [self.addresses[n] for n in np.flatnonzero(some[:-1]).tolist()]

    def counted(self, dropped: Collection[str]) -> Array:
        """Which transfers move value, where `dropped` are the ids of those that do not."""
        counted = np.ones(len(self.moves.kind), np.bool_)
        hashes = {one.split(":")[2] for one in dropped}  # chain (two words), hash, and what the transfer is
        for row in self.find(hashes) if hashes else ():
            transaction, rows = self.made(row)
            for number, transfer in zip(rows, transaction.transfers, strict=True):
                counted[number] = transfer.id not in dropped
        return counted

    def paid_out(self, addresses: Collection[Address], counted: Array) -> set[tuple[Address, AssetId]]:
        """Which assets these addresses paid out, fees apart."""
        told = np.array([one in addresses for one in self.addresses], np.bool_)
        moves = self.moves
        some = np.flatnonzero(counted & (moves.sender >= 0) & told[moves.sender] & (moves.kind != FEE))
        pairs = np.unique(moves.sender[some].astype(np.int64) * len(self.assets) + moves.asset[some])
        return {(self.addresses[n // len(self.assets)], self.assets[n % len(self.assets)]) for n in pairs.tolist()}

    def unordered(self, counted: Array) -> list[int]:
        """The transactions that stand in one block with others, in unknown order."""
        heads = self.heads
        moved = np.zeros(len(self) + 1, np.int64)
        moved[self.owner[counted]] = 1
        some = np.flatnonzero((heads.place < 0) & (moved[:-1] > 0))
        if not len(some):
            return []
        keys = np.stack((heads.at[some], heads.chain[some], heads.block[some]), axis=1)
        _, which, many = np.unique(keys, axis=0, return_inverse=True, return_counts=True)
        found: list[int] = some[many[which.ravel()] > 1].tolist()
        return found

    @property
    def owner(self) -> Array:
        """The transaction of each transfer."""
        return np.repeat(np.arange(len(self), dtype=np.int32), np.diff(self.heads.first))


class ByKey(Mapping[Key, Transaction]):
    """See History.by_key."""

    def __init__(self, history: History) -> None:
        self._history = history
        self._rows: dict[Key, int] | None = None

    def __len__(self) -> int:
        return len(self._history)

    def __iter__(self) -> Iterator[Key]:
        return ((one.chain, one.tx_hash) for one in map(self._history.transaction, range(len(self))))

    def __getitem__(self, key: Key) -> Transaction:
        if self._rows is None:
            self._rows = {one: row for row, one in enumerate(self)}
        return self._history.transaction(self._rows[key])


def given(transactions: Sequence[Transaction]) -> History:
    """The columns of transactions, which are in order. Raises TooWide."""
    moved = [transfer for one in transactions for transfer in one.transfers]
    amounts = [transfer.amount for transfer in moved]
    if any(amount >= LIMIT for amount in amounts):
        raise TooWide
    addresses = sorted({end for t in moved for end in (t.sender, t.recipient) if end is not None})
    assets = sorted({transfer.asset for transfer in moved})
    place: dict[Address | None, int] = {**{one: n for n, one in enumerate(addresses)}, None: -1}
    what, kinds = {one: n for n, one in enumerate(assets)}, {kind: n for n, kind in enumerate(KINDS)}
    chains = sorted({one.chain for one in transactions})
    first = np.zeros(len(transactions) + 1, np.int64)
    np.cumsum([len(one.transfers) for one in transactions], out=first[1:])
    heads = Heads(
        np.array([microseconds(one.at) for one in transactions], np.int64),
        np.array([chains.index(one.chain) for one in transactions], np.int8),
        _known(one.block for one in transactions),
        _known(one.tx_index for one in transactions),
        first,
    )
    moves = Moves(
        np.array([kinds[t.kind] for t in moved], np.int8),
        np.array([what[t.asset] for t in moved], np.int32),
        np.array([place[t.sender] for t in moved], np.int32),
        np.array([place[t.recipient] for t in moved], np.int32),
        np.array([amount >> 64 for amount in amounts], np.uint64),
        np.array([amount & _LOW for amount in amounts], np.uint64),
    )
    starts = first.tolist()

    def make(row: int) -> Made:
        return transactions[row], range(starts[row], starts[row + 1])

    def find(hashes: Container[str]) -> list[int]:
        return [row for row, one in enumerate(transactions) if one.tx_hash in hashes]

    ok = np.array([one.ok for one in transactions], np.bool_)
    return History(addresses, assets, heads, moves, make, find, ok)


def _known(numbers: Iterable[int | None]) -> Array:
    return np.array([-1 if number is None else number for number in numbers], np.int64)
