"""Plans of many transactions put together on one tape: those of a shape all at once, the others as they were written.

A table's rows lie in the order of the transactions, so where each begins is a running sum of how many there are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from tracer.taint.kernel import state as table
from tracer.taint.kernel.history import History
from tracer.taint.kernel.shapes import MARKS, Shape
from tracer.taint.kernel.state import HAND, INBOX, REPORT, SWAP, Array, Tape

BY_TX = ("payer", "fee", "spend", "payment", "receipt")  # named by their first row in a transaction
TABLES = (*BY_TX, "leg", "exchange", "exchange_target", "hand", "hand_target")
_ENDED = {"spend", "exchange", "hand"}  # have one row more
_KINDS = {"fee": table.FEE, "spend": table.SPEND, "payment": table.REPORTED, "receipt": table.RECEIPT,
          "leg": table.LEG, "exchange": table.VIA, "hand": table.VIA, "payer": np.dtype(np.int32),
          "exchange_target": table.TARGET, "hand_target": table.TARGET}  # fmt: skip
_WAYS = {INBOX: "receipt", SWAP: "exchange", HAND: "hand", REPORT: "payment"}  # the table of a leg's `where`


class Written(NamedTuple):
    """Plans on a tape of their own, a row of the history each."""

    tape: Tape
    vias: Sequence[tuple[int, int]]
    rows: Array


_POINTERS = {"spend": {"payment": "payment", "leg": "leg"}, "leg": {"hand": "hand", "receipt": "receipt"},
             "exchange": {"target": "exchange_target"}, "exchange_target": {"receipt": "receipt"},
             "hand": {"target": "hand_target"}, "hand_target": {"receipt": "receipt"}}  # fmt: skip


class _Part(NamedTuple):
    """Plans, and where the rows of each begin and end."""

    of: Shape | Written
    first: dict[str, Array]

    @classmethod
    def of_one(cls, of: Shape | Written) -> _Part:
        tape, vias = of.tape, np.array(of.vias, np.int64)
        first = {name: tape.tx[name].astype(np.int64) for name in BY_TX}
        first |= {"leg": tape.spend["leg"][first["spend"]], "exchange": vias[:, 0], "hand": vias[:, 1]}
        first |= {f"{name}_target": getattr(tape, name)["target"][first[name]] for name in ("exchange", "hand")}
        return cls(of, first)

    def counts(self, name: str) -> Array:
        """How many rows a transaction has in a table: each of its own, or all of them alike."""
        many: Array = np.diff(self.first[name])
        return many


def splice(history: History, plans: Sequence[Shape | Written]) -> Tape:
    """One tape of all these plans. A transaction without a plan has no rows on it, and nothing happens in it."""
    parts = [_Part.of_one(one) for one in plans]
    starts = {name: _starts(name, parts, len(history)) for name in TABLES}
    made = {name: np.zeros(starts[name][-1] + (name in _ENDED), _KINDS[name]) for name in TABLES}
    tx = np.zeros(len(history) + 1, table.TX)
    for part in parts:
        begin = _begin(starts, part.of.rows)
        for name in ("always", "straight", "inferred", "lines"):
            tx[name][part.of.rows] = part.of.tape.tx[name][:-1]
        for name in (one for one in TABLES if part.counts(one).any()):
            if isinstance(part.of, Shape):
                _fill(history, name, part.of, begin, made[name])
            else:
                _copy(name, part, part.of, begin, made[name])
    tx["at"][:-1] = history.heads.at
    for name in BY_TX:
        tx[name] = starts[name]
    made["spend"]["leg"][-1] = starts["leg"][-1]
    for name in ("exchange", "hand"):
        made[name]["target"][-1] = starts[f"{name}_target"][-1]
    return Tape(tx, *(made[name] for name in Tape._fields[1:]))


def _starts(name: str, parts: Sequence[_Part], size: int) -> Array:
    start = np.zeros(size + 1, np.int64)
    for part in parts:
        if (many := part.counts(name)).any():
            start[part.of.rows + 1] = many
    made: Array = np.cumsum(start, out=start)
    return made


Begin = Callable[[str], Array]


def _begin(starts: dict[str, Array], rows: Array) -> Begin:
    """Where the rows of these transactions begin in a table."""
    return cache(lambda name: starts[name][rows])


def _copy(name: str, part: _Part, of: Written, begin: Begin, made: Array) -> None:
    """Rows that were written one by one, pointing into the whole tape."""
    shift = {one: begin(one) - part.first[one][:-1] for one in TABLES}
    which = np.repeat(np.arange(len(of.rows)), part.counts(name))  # the plan of each row
    rows = getattr(of.tape, name)[: len(which)].copy()
    for column, to in _POINTERS.get(name, {}).items():
        rows[column] += np.where(rows[column] >= 0, shift[to][which], 0).astype(np.int32)
    for kind, to in _WAYS.items() if name == "leg" else ():
        rows["where"] += np.where(rows["kind"] == kind, shift[to][which], 0).astype(np.int32)
    made[np.arange(len(which)) + shift[name][which]] = rows


def _fill(history: History, name: str, shape: Shape, begin: Begin, made: Array) -> None:
    """The rows of all transactions of a shape: a row of its own tape after the other, in all of them at once."""
    rows = getattr(shape.tape, name)
    for n in range(len(rows) - (name in _ENDED)):
        at, row = begin(name) + n, rows[n]
        if name == "payer":
            made[at] = shape.ends[:, shape.end[row]]
            continue
        columns = dict.fromkeys(row.dtype.names) | dict(_filled(history, shape, row))
        columns |= {column: begin(to) + row[column] for column, to in _pointers(name, row)}
        for column, values in columns.items():  # whole rows at once would take ten times as long
            made[column][at] = row[column] if values is None else values


def _filled(history: History, shape: Shape, row: Any) -> Iterator[tuple[str, Array]]:
    """Whose the numbers and amounts of a row are in each transaction."""
    names = row.dtype.names
    for column in ("address", "sender"):
        if column in names and row[column] >= 0:
            yield column, shape.ends[:, shape.end[row[column]]]
    if "asset" in names:
        yield "asset", history.moves.asset[shape.moves[:, shape.asset[row["asset"]]]]
    if "amount_low" in names:
        moves = shape.moves[:, MARKS.index(int(row["amount_low"]))]
        yield "amount_high", history.moves.high[moves]
        yield "amount_low", history.moves.low[moves]


def _pointers(name: str, row: Any) -> Iterator[tuple[str, str]]:
    """The columns of a row that point into tables, and these."""
    ways = {"where": _WAYS.get(int(row["kind"]))} if name == "leg" else {}
    for column, to in (_POINTERS.get(name, {}) | ways).items():
        if to and row[column] >= 0:
            yield column, to
