"""What all transactions of a history did, on a tape: the transaction rule over columns.

What taint cannot come near is left out. Transactions of a shape are planned together (shapes.py); those that need
arithmetic, wrap coins or were reported are planned one by one, by the plain planner.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np

from tracer.model import Address, AssetId, Limits, OriginSpec
from tracer.taint.kernel.history import EPOCH, History, TooWide, microseconds
from tracer.taint.kernel.near import reach, spread
from tracer.taint.kernel.shapes import MOST, Shape, Sorter
from tracer.taint.kernel.splice import Written, splice
from tracer.taint.kernel.state import Array, Tape
from tracer.taint.kernel.tape import Numbered, Writer
from tracer.taint.kernel.wide import LIMIT
from tracer.taint.origins import Origins
from tracer.taint.stops import Labels
from tracer.taint.transaction import Plan

GRID = (
    4  # so many times the keys may there be different ones for a table of all of them: sorting takes 30 times as long
)


@dataclass(frozen=True, slots=True)
class Scene:
    """What the kernel has to know of a fold beside its history. `counted`: which transfers move value."""

    counted: Array
    origins: Origins
    labels: Labels
    read: Set[Address]
    specs: Sequence[OriginSpec]
    limits: Limits


@dataclass(slots=True)
class Planned:
    """A tape, what its numbers stand for, and at which addresses money matters."""

    history: History
    origins: Origins
    tape: Tape
    names: Numbered
    pots: Array  # by pot: address, asset
    keeps: Array  # by address
    moments: Sequence[datetime]  # from which on something was reported, sorted
    own: dict[str, tuple[Address, AssetId]] = field(default_factory=dict)  # origins of reported addresses
    fees: dict[str, datetime] = field(default_factory=dict)

    @property
    def lines(self) -> int:
        """The most parcels, legs or payments that one transaction makes."""
        return int(self.tape.tx["lines"].max(initial=1))

    def settle(self, originated: Iterable[str]) -> None:
        """Find the origins that nothing but an uncovered fee came from."""
        for origin in originated:
            if origin in self.fees:
                self.origins.of(*self.own[origin], self.fees[origin])


def planned(history: History, scene: Scene) -> Planned:
    """Plan a history. Raises TooWide."""
    start = scene.origins.addresses
    names = Numbered(history.addresses, history.assets)
    reached = names.addresses.among(start)
    readable = names.addresses.among(scene.read) | reached
    reported = _reported(history, scene.origins)
    near, sorter = reached.copy(), Sorter(history, scene.labels, names)
    spread(history.heads.first, history.moves, scene.counted, reported, sorter.wraps, readable, near)
    some = scene.counted & _beside(history, near & readable, reported)
    tape = splice(history, _plans(sorter, scene.origins, names, some, reported))
    reach(tape, readable, reached)
    keeps = reached & readable
    rows = np.flatnonzero(keeps[tape.receipt["address"]])
    tape.tx["always"][np.searchsorted(tape.tx["receipt"], rows, side="right") - 1] = True
    moments = sorted({spec.since for spec in scene.specs if spec.since})
    made = Planned(history, scene.origins, tape, names, _pots(tape, len(names.assets.all)), keeps, moments)
    _owners(made)
    _measure(tape, len(names.assets.all))
    return made


def _reported(history: History, origins: Origins) -> Array:
    """The transfers that were reported as payments, one by one: there are few."""
    found = np.zeros(len(history.moves.kind), np.bool_)
    hashes = {origin.tx_hash for origin, _ in origins.payments.values() if origin.tx_hash}
    for row in history.find(hashes) if hashes else ():
        transaction, rows = history.made(row)
        for number, transfer in zip(rows, transaction.transfers, strict=True):
            found[number] = transfer.id in origins.payments
    return found


def _beside(history: History, near: Array, reported: Array) -> Array:
    """The transfers of transactions in which one end may hold taint, or that were reported."""
    moves, first = history.moves, history.heads.first
    some = reported | (near[moves.sender] & (moves.sender >= 0)) | (near[moves.recipient] & (moves.recipient >= 0))
    number = np.zeros(len(some) + 1, np.int64)
    np.cumsum(some, out=number[1:])
    beside: Array = np.repeat(number[first[1:]] > number[first[:-1]], np.diff(first))
    return beside


def _plans(sorter: Sorter, origins: Origins, names: Numbered, counted: Array, reported: Array) -> list[Shape | Written]:
    history, every = sorter.history, np.flatnonzero(counted)
    owner = history.owner[every]
    many = np.bincount(owner, minlength=len(history))
    first = np.zeros(len(history) + 1, np.int64)
    np.cumsum(many, out=first[1:])
    told = np.zeros(len(history), np.bool_)
    told[owner[reported[every]]] = True
    plans: list[Shape | Written] = []
    rest: list[Array] = [np.flatnonzero((many > MOST) | told)]
    for size in range(1, MOST + 1):
        rows = np.flatnonzero((many == size) & ~told)
        moves = every[first[rows][:, None] + np.arange(size)]
        for found in sorter.sort(rows, moves) if len(rows) else ():
            if isinstance(found, Shape):
                plans.append(found)
            else:
                rest.append(found)
    left = np.sort(np.concatenate(rest))
    writer = Writer(lambda transfer: _payment(origins, transfer.id), names)
    tape = writer.write(_plain(sorter, counted, origins, row) for row in left.tolist())
    return [*plans, Written(tape, writer.vias, left)]


def _payment(origins: Origins, transfer_id: str) -> tuple[str, int]:
    origin, most = origins.payments[transfer_id]
    return origin.id, most


def _plain(sorter: Sorter, counted: Array, origins: Origins, row: int) -> Plan:
    transaction, rows = sorter.history.made(row)
    moved = [one for number, one in zip(rows, transaction.transfers, strict=True) if counted[number]]
    return sorter.planned(transaction, moved, [one.id for one in moved if one.id in origins.payments])


def _pots(tape: Tape, assets: int) -> Array:
    """Number the pots: an address and an asset each."""
    tables = tape.fee, tape.spend[:-1], tape.payment, tape.receipt
    keys = [
        np.where(one["address"] >= 0, one["address"].astype(np.int64) * assets + one["asset"], -1) for one in tables
    ]
    most = max((int(key.max(initial=-1)) for key in keys), default=-1) + 1
    every, number = _distinct(np.concatenate(keys), most)
    bounds = np.cumsum([0, *map(len, keys)])
    for n, table in enumerate(tables):
        table["pot"] = number[bounds[n] : bounds[n + 1]]
    return np.column_stack((every // assets, every % assets)) if assets else np.zeros((0, 2), np.int64)


def _distinct(keys: Array, most: int) -> tuple[Array, Array]:
    """The different keys, all below `most`, in order; and the place of each key among them. -1 is none and stays so."""
    if most > GRID * len(keys):
        every = np.unique(keys[keys >= 0])
        return every, np.where(keys < 0, -1, np.searchsorted(every, keys))
    seen = np.zeros(most + 1, np.bool_)
    seen[keys] = True
    seen[-1] = False
    place = np.cumsum(seen) - 1
    place[-1] = -1
    return np.flatnonzero(seen), place[keys]


# --- whose the clean money at reported addresses is -------------------------------------------------------------------


def _owners(made: Planned) -> None:
    """Fill in `own`: the origin of clean money that enters a pot, or leaves it unseen, at that moment."""
    tape, origins = made.tape, made.origins
    told = np.r_[made.names.addresses.among(origins.addresses), False]  # the last is none
    for name in ("receipt", "spend", "payment", "fee"):
        table = getattr(tape, name)
        table["own"] = -1
        some = np.flatnonzero(told[table["address"]])
        tx = np.searchsorted(tape.tx[name].copy(), some, side="right") - 1
        if name == "spend":
            paying = _paying(tape, told, some, tx)
            some, tx = some[paying], tx[paying]
        table["own"][some] = _owned(made, table[some], tape.tx["at"][tx], fee=name == "fee")


def _paying(tape: Tape, told: Array, spends: Array, tx: Array) -> Array:
    """Which of these spends are of a pot that pays in its transaction; a labelled stop has no pot."""
    size = len(told)
    some = np.flatnonzero(told[tape.payer])
    payer = (np.searchsorted(tape.tx["payer"].copy(), some, side="right") - 1) * size + tape.payer[some]
    return np.isin(tx * size + tape.spend["address"][spends], payer)


def _owned(made: Planned, rows: Array, at: Array, *, fee: bool) -> Array:
    """Asked once for each pot and time between two moments from which on something was reported."""
    bounds = made.moments
    interval = np.searchsorted(np.array([microseconds(one) for one in bounds], np.int64), at, side="right")
    keys = rows["pot"].astype(np.int64) * (len(bounds) + 1) + interval
    _, firsts, which = np.unique(keys, return_index=True, return_inverse=True)
    own = [_own(made, rows[first], at[first], fee=fee) for first in firsts.tolist()]
    found: Array = np.array(own, np.int64)[which]
    return found


def _own(made: Planned, row: Array, at: int, *, fee: bool) -> int:
    address, asset = made.names.addresses.all[row["address"]], made.names.assets.all[row["asset"]]
    moment = EPOCH + timedelta(microseconds=int(at))
    ask = made.origins.would_be if fee else made.origins.of
    origin = ask(address, asset, moment)
    if origin is None:
        return -1
    made.own[origin] = (address, asset)
    if fee:
        made.fees[origin] = min(moment, made.fees.get(origin, moment))
    return made.names.origins.number(origin)


def _measure(tape: Tape, assets: int) -> None:
    """Raises TooWide if what moved of an asset adds up, or nearly, to what the arithmetic cannot hold."""
    moved = np.zeros(assets)
    for table in (tape.fee, tape.spend[:-1], tape.receipt):
        amounts = table["amount_high"] * 2.0**64 + table["amount_low"]
        moved += np.bincount(table["asset"], amounts, assets)
    if (moved > 0.999 * LIMIT).any():
        raise TooWide
