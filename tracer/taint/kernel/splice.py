"""Plans of many transactions put together on one tape: those of a shape all at once, the others as they were written.

A table's rows lie in the order of the transactions, so where each begins is a running sum of how many there are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

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


@dataclass(frozen=True, slots=True)
class _Part:
    """Plans, where the rows of each begin and end, and of which transactions they are."""

    of: Shape | Written
    first: dict[str, Array]
    rows: Array

    @classmethod
    def of_one(cls, of: Shape | Written) -> _Part:
        tape, vias = of.tape, np.array(of.vias, np.int64)
        first = {name: tape.tx[name].astype(np.int64) for name in BY_TX}
        first |= {"leg": tape.spend["leg"][first["spend"]], "exchange": vias[:, 0], "hand": vias[:, 1]}
        first |= {f"{name}_target": getattr(tape, name)["target"][first[name]] for name in ("exchange", "hand")}
        return cls(of, first, of.rows)

    def counts(self, name: str) -> Array:
        """How many rows each transaction has in a table."""
        many: Array = np.diff(self.first[name])
        return np.broadcast_to(many, (len(self.rows),)) if isinstance(self.of, Shape) else many


def splice(history: History, plans: Sequence[Shape | Written]) -> Tape:
    """One tape of all these plans. A transaction without a plan has no rows on it, and nothing happens in it."""
    parts = [_Part.of_one(one) for one in plans]
    size = len(history)
    starts: dict[str, Array] = {}
    for name in TABLES:
        start = starts[name] = np.zeros(size + 1, np.int64)
        for part in parts:
            start[part.rows + 1] = part.counts(name)
        np.cumsum(start, out=start)
    made = {name: np.zeros(starts[name][-1] + (name in _ENDED), _KINDS[name]) for name in TABLES}
    tx = np.zeros(size + 1, table.TX)
    for part in parts:
        _copy(history, part, starts, made, tx)
    tx["at"][:-1] = history.heads.at
    for name in BY_TX:
        tx[name] = starts[name]
    made["spend"]["leg"][-1] = starts["leg"][-1]
    for name in ("exchange", "hand"):
        made[name]["target"][-1] = starts[f"{name}_target"][-1]
    return Tape(tx, *(made[name] for name in Tape._fields[1:]))


def _copy(history: History, part: _Part, starts: dict[str, Array], made: dict[str, Array], tx: Array) -> None:
    one = isinstance(part.of, Shape)
    for name in ("always", "straight", "inferred", "lines"):
        tx[name][part.rows] = part.of.tape.tx[name][0] if one else part.of.tape.tx[name][:-1]
    for name in TABLES:
        counts = part.counts(name)
        which = np.repeat(np.arange(len(part.rows)), counts)  # the plan of each row
        if not len(which):
            continue
        source = np.arange(len(which)) % counts[0] if one else np.arange(len(which))
        target = starts[name][part.rows[which]] + source - (0 if one else part.first[name][which])
        rows = getattr(part.of.tape, name)[source]
        if name != "payer":
            _point(name, rows, part, which, starts)
        if isinstance(part.of, Shape):
            rows = _fill(history, name, rows, part.of, which)
        made[name][target] = rows


def _point(name: str, rows: Array, part: _Part, which: Array, starts: dict[str, Array]) -> None:
    """Let rows point into the whole tape."""

    def shift(table: str, chosen: Array) -> Array:
        first = 0 if isinstance(part.of, Shape) else part.first[table][which[chosen]]
        moved: Array = starts[table][part.rows[which[chosen]]] - first
        return moved

    every = np.arange(len(rows))
    if name == "spend":
        rows["leg"] += shift("leg", every).astype(np.int32)
    pointers = {"spend": {"payment": "payment"}, "leg": {"hand": "hand", "receipt": "receipt"},
                "exchange_target": {"receipt": "receipt"}, "hand_target": {"receipt": "receipt"}}  # fmt: skip
    for column, table_ in pointers.get(name, {}).items():
        chosen = np.flatnonzero(rows[column] >= 0)
        rows[column][chosen] += shift(table_, chosen).astype(np.int32)
    if name in ("exchange", "hand"):
        rows["target"] += shift(f"{name}_target", every).astype(np.int32)
    if name == "leg":
        for kind, table_ in _WAYS.items():
            chosen = np.flatnonzero(rows["kind"] == kind)
            rows["where"][chosen] += shift(table_, chosen).astype(np.int32)


def _fill(history: History, name: str, rows: Array, shape: Shape, which: Array) -> Array:
    """Whose the numbers of a shape are in each of its transactions."""

    if name == "payer":
        filled: Array = shape.ends[which, shape.end[rows]]
        return filled
    every = history.moves
    for column in ("address", "sender"):
        if column in (rows.dtype.names or ()):
            some = np.flatnonzero(rows[column] >= 0)
            rows[column][some] = shape.ends[which[some], shape.end[rows[column][some]]]
    if "asset" in (rows.dtype.names or ()):
        rows["asset"] = every.asset[shape.moves[which, shape.asset[rows["asset"]]]]
    if "amount_low" in (rows.dtype.names or ()):
        moves = shape.moves[which, np.searchsorted(MARKS, rows["amount_low"].astype(np.int64))]
        rows["amount_high"], rows["amount_low"] = every.high[moves], every.low[moves]
    return rows
