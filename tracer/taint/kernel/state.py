"""What the compiled fold reads and writes: tables of records in named tuples. An amount is two limbs (see wide.py).

A `Tape` is all plans of a fold, one table a kind of thing. Rows of a transaction (a spend, an exchange) lie together,
from its own number of the first to the next one's. Addresses, assets, origins and pots are numbers; -1 is none.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

Array = np.ndarray[Any, Any]

INBOX, SWAP, STAND, HAND, REPORT, NOWHERE = range(6)  # where a leg goes
ARRIVAL, MIXER, BRIDGE, REDEEMED, UNRESOLVED, POT, VENUE = range(7)  # what a receiver is; the first five are ends
FIFO, LIFO, HAIRCUT, DIRTY_FIRST, CLEAN_FIRST = range(5)
PAYMENT, EXCHANGE, INFERRED, HAND_ON = range(4)  # what a step is by
FEES, ROUNDING = range(2)  # how money is lost
GROWTH = 5  # fourths of its size that a full table grows to
NEVER = np.iinfo(np.int64).max

# counters of a State
FREE, BAG, HEADS, STEPS, WIDES, PARTS, LOSSES, TURN, GAPS, ROOM, PAID_ROWS, PARCELS, SWAPS, GIFTS = range(14)


_KINDS = {"!": np.int64, "?": np.bool_, ".": np.int8, "^": np.uint64}


def record(text: str) -> np.dtype[Any]:
    """A packed record: amounts (`name:`), limbs (`name^`), moments (`name!`), yes or no (`name?`), codes (`name.`) and
    numbers.
    """
    fields: list[tuple[str, type]] = []
    for word in text.split():
        if word[-1] == ":":
            fields += [(f"{word[:-1]}_high", np.uint64), (f"{word[:-1]}_low", np.uint64)]
        else:
            fields.append((word.rstrip("!?.^"), _KINDS.get(word[-1], np.int32)))
    return np.dtype(fields)


TX = record("at! always? straight? inferred? lines payer fee spend payment receipt")
FEE = record("amount: pot address own asset")
SPEND = record("amount: pot address own payment sender asset leg")
LEG = record("amount: kind where hand address receipt")
REPORTED = record("most: origin pot address own asset")  # the pot, address and origin of who paid, and in what
VIA = record("address target")  # an exchange, or one who hands on
TARGET = record("amount: receipt")
RECEIPT = record("amount: pot address asset mode own")
PLACE = record("touched! contact! label! keeps? reported? hops judged seen may")
CONTACT = record("at! other")
LABEL = record("since! until!")
LOT = record("amount: worth: turn origin step after before")  # turn 0: never used
MOVING = record("amount: worth: origin step tag")
HEAD = record("tx sender recipient asset first by. method. end.")  # what steps share, and the first; end -1: none
STEP = record("received_low^ worth_low^ parent")  # one origin's of its head; parent: see `of_origin`
WIDE = record("received_high^ worth_high^ number")  # of a step beyond 64 bits
PAID = record("amount: number asset")  # what was paid for a step, where that is not what was received
PART = record("worth: number step")
LOSS = record("amount: worth: tx address asset origin step before kind. method.")
GAP = record("amount: tx pot method")
PARCEL = record("receipt sender by start end slot spend")  # the last two: what was paid for it, exchanged or handed on
GIFT = record("slot spend start end")  # what goes to an exchange, or to one who hands on
ENTRY = record("came: origin after")


class Tape(NamedTuple):
    """All plans, in order; the tables that others point into by first row have one row more."""

    tx: Array
    payer: Array  # addresses
    fee: Array
    spend: Array  # address -1: tagged, never spends
    leg: Array
    payment: Array
    exchange: Array
    exchange_target: Array
    hand: Array
    hand_target: Array
    receipt: Array


class World(NamedTuple):
    """What all methods share. Of a place: `touched` is `NEVER` and `hops` -1 until taint comes; `judged`: how many
    counterparties, -1 until asked; `may`: the last transaction in which it may spend; `seen`: scratch.
    """

    place: Array
    contact: Array
    label: Array
    limits: Array  # hub counterparties, hub window
    played: Array  # by transaction
    let: Array  # by payer of a transaction: it might spend


class State(NamedTuple):
    """All methods' pots and what came of them. The pots that the methods have for one address and asset lie together,
    as they are looked at in turn: apart, a fold took a fifth longer. The origins of one method lie together.

    Steps are numbered through all methods; results.py numbers those of each.
    """

    lot: Array
    pot: Array  # head and tail of both lists (see lots.py), and how many lots
    account: Array  # held, clean, unseen, out, fees: two limbs each
    bag: Array  # lots on their way in this transaction
    head: Array
    step: Array
    wide: Array
    paid: Array
    part: Array
    loss: Array
    gap: Array
    parcel: Array  # scratch of one transaction, down to `bound`
    swap: Array
    gift: Array
    report: Array
    bound: Array
    originated: Array
    waiting: Array  # scratch, by origin: the first lot that came to nothing
    counts: Array


class Stains(NamedTuple):
    """Poison: which origins touched which pot, a linked list each, and how much came."""

    head: Array  # by pot
    entry: Array
    sums: Array  # scratch, by origin
    mine: Array  # scratch of one transaction: the stains of each spend
    bound: Array  # and where each spend's end
    counts: Array


def stains(pots: int, origins: int, lines: int, room: int = 1024) -> Stains:
    """Nothing is stained yet."""
    mine, bound = np.zeros(room, np.int32), np.zeros(lines + 1, np.int32)
    head, sums = np.full(pots, -1, np.int32), np.zeros((origins, 2), np.uint64)
    return Stains(head, np.zeros(room, ENTRY), sums, mine, bound, np.zeros(1, np.int64))


def state(methods: int, pots: int, origins: int, lines: int, room: int = 1024) -> State:
    """Empty pots for so many methods, with room for so many lots, steps and the like.

    `lines`: the most parcels, legs or payments that one transaction makes.
    """
    pot = np.full((methods * pots, 5), -1, np.int32)
    pot[:, 4] = 0
    lot, waiting, counts = np.zeros(room, LOT), np.full(origins, -1, np.int32), np.zeros(14, np.int64)
    lot["after"] = np.arange(1, room + 1)
    counts[ROOM], counts[TURN] = room, 1
    kinds = (MOVING, HEAD, STEP, WIDE, PAID, PART, LOSS, GAP)
    tables = [np.zeros(room, kind) for kind in kinds]
    account, originated = np.zeros((methods * pots, 10), np.uint64), np.zeros((methods * origins, 2), np.uint64)
    swap, gift, report = (np.zeros(lines, GIFT) for _ in range(3))
    desk = (np.zeros(lines, PARCEL), swap, gift, report, np.zeros(lines, np.int32))
    return State(*(lot, pot, account, *tables, *desk, originated, waiting, counts))


def roomier(one: State, need: int) -> State:
    """The same with room for at least `need` more of everything a transaction can make."""
    counts, lots, grown = one.counts, len(one.lot), {}
    if counts[ROOM] < need:
        more = max(lots * GROWTH // 4 - lots, need)
        grown["lot"] = lot = _longer(one.lot, lots + more)
        lot["after"][lots:] = np.arange(lots + 1, lots + more + 1)
        lot["after"][lots + more - 1] = counts[FREE]
        counts[FREE] = lots
        counts[ROOM] += more
    for name, number in _TABLES.items():
        table = getattr(one, name)
        if len(table) - counts[number] < need:
            grown[name] = _longer(table, max(len(table) * GROWTH // 4, int(counts[number]) + need))
    return one._replace(**grown)


_TABLES = {"bag": BAG, "head": HEADS, "step": STEPS, "wide": WIDES, "paid": PAID_ROWS, "part": PARTS, "loss": LOSSES,
           "gap": GAPS}  # fmt: skip


def trimmed(one: State) -> State:
    """The same, finished: without room for more."""
    taken = np.flatnonzero(one.lot["turn"])
    sizes = {name: int(one.counts[number]) for name, number in _TABLES.items()}
    sizes |= {"bag": 0, "lot": int(taken[-1]) + 1 if len(taken) else 0}
    return one._replace(**{name: _longer(getattr(one, name), rows) for name, rows in sizes.items()})


def _longer(table: Array, rows: int) -> Array:
    """The same table, made longer or shorter where it lies if it can be: nothing is held twice."""
    table.resize(rows, refcheck=False)
    return table


def more_stains(one: Stains, need: int) -> Stains:
    """The same with room for at least `need` more entries."""
    size = len(one.entry)
    if size - one.counts[0] < need:
        one = one._replace(entry=_longer(one.entry, size * GROWTH // 4 + need))
    return one if len(one.mine) >= need else one._replace(mine=_longer(one.mine, 2 * need))
