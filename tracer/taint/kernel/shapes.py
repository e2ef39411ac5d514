"""Transactions of one shape are planned once: by the plain planner, for the first of them.

A shape is which of a transaction's transfers share which parties and assets, how those sort, what labels make of the
parties, which assets are listed, and which transfer is a fee. Where no party moves an asset twice, nothing is netted
or shared: whatever the amounts, the plan is the same, and each of its amounts is that of one transfer.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import numpy as np

from tracer.chains import CHAINS, TOKENS, is_listed, wrapper, zero_address
from tracer.model import Address, Transaction, Transfer
from tracer.taint.kernel.history import EPOCH, FEE, History
from tracer.taint.kernel.state import Array, Tape
from tracer.taint.kernel.tape import MODES, Numbered, Writer
from tracer.taint.stops import Labels
from tracer.taint.transaction import Plan, plan

MOST = 4  # transfers of a transaction that may be planned by its shape: its key fits 63 bits
MARKS = (10**5 + 3, 10**7 + 19, 10**9 + 7, 10**11 + 3)  # amounts whose sums, differences and halves are none of them
POT = MODES[None]


@dataclass(frozen=True, slots=True)
class Shape:
    """A shape's plan on a tape of its own, whose numbers stand for columns of the transactions that have it."""

    tape: Tape
    vias: Sequence[tuple[int, int]]
    rows: Array  # the transactions
    moves: Array  # a row a transaction: its transfers
    ends: Array  # the same: who sends, then who receives
    end: Array  # by number on the tape: a column of `ends`
    asset: Array  # by number on the tape: a column of `moves`


class Sorter:
    """Finds the shapes in a history."""

    def __init__(self, history: History, labels: Labels, names: Numbered) -> None:
        self.history = history
        self.labels = labels
        assets, among = history.assets, names.addresses.among
        self.wraps = among(Address(*asset) for asset, token in TOKENS.items() if token.wraps_native)
        self._odd_place = self.wraps | among(zero for zero in map(zero_address, CHAINS) if zero)
        self._odd_asset = np.array([wrapper(one) for one in assets], np.bool_)
        self._listed = np.array([is_listed(one) for one in assets], np.int64)
        dated = (one for one in labels.addresses if any(said.valid_from or said.valid_to for said in labels.of(one)))
        self._dated = among(dated)
        self._undated = np.full(len(history.addresses), POT, np.int64)
        for n in np.flatnonzero(among(labels.addresses) & ~self._dated).tolist():
            self._undated[n] = MODES[labels.stop(history.addresses[n], EPOCH)]

    def stops(self, places: Array, at: Array) -> Array:
        """What a label makes of each of these addresses at these moments: a mode of a receipt."""
        found: Array = self._undated[places]
        for n in np.flatnonzero(self._dated[places]).tolist():
            moment = EPOCH + timedelta(microseconds=int(at[n]))
            found[n] = MODES[self.labels.stop(self.history.addresses[places[n]], moment)]
        return found

    def sort(self, rows: Array, moves: Array) -> Iterator[Shape | Array]:
        """The shapes of these transactions, each with all that have it, and the rows of those that have none.

        `moves`: a row a transaction, the transfers of it that count; at most MOST.
        """
        every = self.history.moves
        fee = every.kind[moves] == FEE
        sender, asset = every.sender[moves], every.asset[moves]
        recipient = np.where(fee, sender, every.recipient[moves])
        plain = self._plain(moves, sender, recipient, asset, fee)
        yield rows[~plain]
        rows, moves, fee, asset = rows[plain], moves[plain], fee[plain], asset[plain]
        ends = np.hstack((sender[plain], recipient[plain]))
        keys = self._keys(rows, ends, asset, fee)
        _, firsts, which = np.unique(keys, return_index=True, return_inverse=True)
        if len(firsts) < 1 << 16:
            which = which.astype(np.uint16)  # so short a number is sorted by its digits
        order, bounds = np.argsort(which, kind="stable"), np.cumsum(np.bincount(which))
        for n, first in enumerate(firsts.tolist()):
            same = order[bounds[n - 1] if n else 0 : bounds[n]]
            made = self._shape(rows[first], moves[first], ends[first])
            if made is None:
                yield rows[same]
            else:
                yield Shape(*made[:2], rows[same], moves[same], ends[same], *made[2:])

    def _plain(self, moves: Array, sender: Array, recipient: Array, asset: Array, fee: Array) -> Array:
        """Those in which no party moves an asset twice, nothing is wrapped, minted or burnt, and one fee at most."""
        every = self.history.moves
        odd = (sender < 0) | (recipient < 0) | ((sender == recipient) & ~fee) | self._odd_asset[asset]
        odd |= self._odd_place[sender] | self._odd_place[recipient]
        odd |= (every.high[moves] == 0) & (every.low[moves] == 0)
        some = odd.any(axis=1) | (fee.sum(axis=1) > 1)
        for one in range(moves.shape[1]):
            for other in range(one):
                shared = (asset[:, one] == asset[:, other]) & ~fee[:, one] & ~fee[:, other]
                meet = (sender[:, one] == sender[:, other]) | (recipient[:, one] == recipient[:, other])
                meet |= (sender[:, one] == recipient[:, other]) | (recipient[:, one] == sender[:, other])
                some |= shared & meet
        plain: Array = ~some
        return plain

    def _keys(self, rows: Array, ends: Array, asset: Array, fee: Array) -> Array:
        """A number a shape."""
        size = asset.shape[1]
        at = np.repeat(self.history.heads.at[rows], 2 * size)
        stops = self.stops(ends.ravel(), at).reshape(ends.shape)
        keys = np.zeros(len(rows), np.int64)
        for column in _ranks(ends).T:
            keys = keys * (2 * size) + column
        for column in _ranks(asset).T:
            keys = keys * size + column
        for n in range(size):
            keys = (keys * 2 + fee[:, n]) * 2 + self._listed[asset[:, n]]
        for column in stops.T:
            keys = keys * 5 + _MODES[column]
        return keys

    def _shape(self, row: int, moves: Array, ends: Array) -> tuple[Tape, list[tuple[int, int]], Array, Array] | None:
        """The plan of a transaction, its amounts marked, and whose numbers are which; None if it needs arithmetic."""
        made, rows = self.history.made(row)
        places = {number: n for n, number in enumerate(rows)}
        moved = [replace(made.transfers[places[number]], amount=MARKS[n]) for n, number in enumerate(moves.tolist())]
        names = Numbered()
        writer = Writer(_unreported, names)
        tape = writer.write([self.planned(made, moved)])
        if not all(np.isin(rows["amount_low"], MARKS).all() for rows in amounts(tape)):
            return None
        where = {self.history.addresses[number]: n for n, number in reversed([*enumerate(ends.tolist())])}
        what = {one.asset: n for n, one in enumerate(moved)}
        end = np.array([where[one] for one in names.addresses.all], np.int64)
        return tape, writer.vias, end, np.array([what[one] for one in names.assets.all], np.int64)

    def planned(self, transaction: Transaction, moved: Sequence[Transfer], payments: Sequence[str] = ()) -> Plan:
        """The plain plan of a transaction."""
        return plan(transaction, moved, lambda address: self.labels.stop(address, transaction.at), payments)


_MODES = np.zeros(8, np.int64)
_MODES[sorted(MODES.values())] = range(len(MODES))


def _unreported(transfer: Transfer) -> tuple[str, int]:
    raise AssertionError(transfer.id)


def amounts(tape: Tape) -> list[Array]:
    """The tables of a tape that hold amounts, each without its last row if that only ends it."""
    return [tape.fee, tape.spend[:-1], tape.leg, tape.exchange_target, tape.hand_target, tape.receipt]


def _ranks(numbers: Array) -> Array:
    """The place of each number among the different ones of its row."""
    order = np.argsort(numbers, axis=1, kind="stable")
    inside = np.take_along_axis(numbers, order, axis=1)
    ranks = np.zeros(numbers.shape, np.int64)
    np.cumsum(inside[:, 1:] != inside[:, :-1], axis=1, out=ranks[:, 1:])
    back: Array = np.empty_like(ranks)
    np.put_along_axis(back, order, ranks, axis=1)
    return back
