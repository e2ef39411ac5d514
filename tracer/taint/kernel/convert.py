"""Lots of some assets become amounts of others, compiled (`methods.convert`).

`T` is the tape, `W` the world, `S` the state, `M` the method: its code, its place among how many, and where
its origins begin; `i` the transaction.
"""

from __future__ import annotations

from tracer.taint.kernel.compiled import inner
from tracer.taint.kernel.lots import bag
from tracer.taint.kernel.state import BAG, ROUNDING
from tracer.taint.kernel.steps import lose
from tracer.taint.kernel.wide import ZERO, U, add, share, sub


@inner
def empty(a):
    """True of a lot with no amount."""
    return a.amount_high == ZERO and a.amount_low == ZERO


@inner
def summed(S, start, end):
    """What rows of the bag add up to."""
    high, low = ZERO, ZERO
    for row in range(start, end):
        high, low = add(high, low, S.bag[row].amount_high, S.bag[row].amount_low)
    return high, low


@inner
def flat(T, S, table, rows, slot):
    """All lots of a slot in the bag, an asset after the other, tagged by spend; -> how many assets (ends: `bound`)."""
    kinds = 0
    for n in range(rows):
        if table[n].slot != slot or not _is_new(T, table, n):
            continue
        before = S.counts[BAG]
        for m in range(n, rows):
            if table[m].slot == slot and T.spend[table[m].spend].asset == T.spend[table[n].spend].asset:
                copied(S, table[m].start, table[m].end, table[m].spend)
        if S.counts[BAG] > before:
            S.bound[kinds] = S.counts[BAG]
            kinds += 1
    return kinds


@inner
def _is_new(T, table, n):
    """True if no earlier gift of the slot was of the same asset."""
    for before in range(n):
        same = T.spend[table[before].spend].asset == T.spend[table[n].spend].asset
        if same and table[before].slot == table[n].slot:
            return False
    return True


@inner
def copied(S, start, end, tag):
    """Put lots in the bag once more, tagged."""
    for row in range(start, end):
        a = S.bag[row]
        if a.origin >= 0 or not empty(a):
            bag(S, a.amount_high, a.amount_low, a.origin, a.worth_high, a.worth_low, a.step, tag)


@inner
def become(S, start, kinds, target, targets, amount):
    """Turn lots of one or more assets into an amount of another (`methods.convert`, one target of it)."""
    asset = start
    for n in range(kinds):
        high, low = _equal(amount.amount_high, amount.amount_low, n, kinds)
        whole_high, whole_low = summed(S, asset, S.bound[n])
        run_high, run_low, past_high, past_low = ZERO, ZERO, ZERO, ZERO
        for row in range(asset, S.bound[n]):
            a = S.bag[row]
            run_high, run_low = add(run_high, run_low, a.amount_high, a.amount_low)
            mark_high, mark_low = share(high, low, run_high, run_low, whole_high, whole_low)
            part_high, part_low = sub(mark_high, mark_low, past_high, past_low)
            past_high, past_low = mark_high, mark_low
            _made(S, row, part_high, part_low, target, targets)
        asset = S.bound[n]


@inner
def _equal(high, low, n, parts):
    """The n-th of so many equal parts, by running totals."""
    if parts == 1:
        return high, low
    one_high, one_low = share(high, low, ZERO, U(n + 1), ZERO, U(parts))
    past_high, past_low = share(high, low, ZERO, U(n), ZERO, U(parts))
    return sub(one_high, one_low, past_high, past_low)


@inner
def _made(S, row, high, low, target, targets):
    """A converted lot; one that came to nothing waits for the next of its origin (`methods._carry`)."""
    a = S.bag[row]
    if high != ZERO or low != ZERO:
        if a.origin >= 0 and S.waiting[a.origin] >= 0:
            for before in range(S.waiting[a.origin], row):
                b = S.bag[before]
                worth_high, worth_low = _equal(b.worth_high, b.worth_low, target, targets)
                if b.origin == a.origin and (worth_high != ZERO or worth_low != ZERO):
                    bag(S, ZERO, ZERO, b.origin, worth_high, worth_low, b.step, a.tag)
            S.waiting[a.origin] = -1
        bag(S, high, low, a.origin, *_equal(a.worth_high, a.worth_low, target, targets), a.step, a.tag)
    elif a.origin >= 0 and S.waiting[a.origin] < 0:
        S.waiting[a.origin] = row


@inner
def forget(S, M, i, address, asset, start, end, target, targets):
    """What still waits at the end is rounded away, origin after origin."""
    for row in range(start, end):
        origin = S.bag[row].origin
        if origin < 0 or S.waiting[origin] != row:
            continue
        S.waiting[origin] = -1
        for other in range(row, end):
            b, at = S.bag[other], S.counts[BAG]
            worth_high, worth_low = _equal(b.worth_high, b.worth_low, target, targets)
            if b.origin == origin and (worth_high != ZERO or worth_low != ZERO):
                bag(S, ZERO, ZERO, origin, worth_high, worth_low, b.step, 0)
                lose(S, M, ROUNDING, i, address, asset, at)
                S.counts[BAG] = at
