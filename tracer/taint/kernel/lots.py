"""Pots and lots, compiled: what `methods.py` defines, on linked lists in a table.

fifo and lifo keep a pot's lots in one list. dirty_first and clean_first keep tainted lots in the first list and clean
ones in the second, each with its turn, so that both orders can be told. haircut keeps one lot an origin in the first
and the clean one in the second.
"""

from __future__ import annotations

from tracer.taint.kernel.compiled import inlined, inner
from tracer.taint.kernel.state import BAG, CLEAN_FIRST, FIFO, FREE, GAPS, HAIRCUT, LIFO, ROOM, TURN
from tracer.taint.kernel.wide import ZERO, add, less, share, sub

HELD, CLEAN, UNSEEN, OUT, FEE = 0, 2, 4, 6, 8  # columns of an account


@inlined
def more(table, row, column, high, low):
    """Add to an amount in a table of limbs."""
    table[row, column], table[row, column + 1] = add(table[row, column], table[row, column + 1], high, low)


@inlined
def bag(S, high, low, origin, worth_high, worth_low, step, tag):
    """Put a lot on its way."""
    row = S.counts[BAG]
    S.counts[BAG] = row + 1
    a = S.bag[row]
    a.amount_high, a.amount_low, a.worth_high, a.worth_low = high, low, worth_high, worth_low
    a.origin, a.step, a.tag = origin, step, tag


@inlined
def along(a, high, low):
    """What of a lot's origin amount (its worth) goes along with a part of it (`methods.cut`)."""
    if a.amount_high == high and a.amount_low == low:
        return a.worth_high, a.worth_low
    if a.amount_high == a.worth_high and a.amount_low == a.worth_low:
        return high, low
    if a.worth_high == ZERO and a.worth_low == ZERO:
        return ZERO, ZERO
    return share(a.worth_high, a.worth_low, high, low, a.amount_high, a.amount_low)


@inlined
def reduce(a, high, low, worth_high, worth_low):
    """Take a part out of a lot."""
    a.amount_high, a.amount_low = sub(a.amount_high, a.amount_low, high, low)
    a.worth_high, a.worth_low = sub(a.worth_high, a.worth_low, worth_high, worth_low)


@inlined
def _unlink(S, pot, side, lot):
    a = S.lot[lot]
    if a.before < 0:
        S.pot[pot, 2 * side] = a.after
    else:
        S.lot[a.before].after = a.after
    if a.after < 0:
        S.pot[pot, 2 * side + 1] = a.before
    else:
        S.lot[a.after].before = a.before
    S.pot[pot, 4] -= 1
    a.after = S.counts[FREE]
    S.counts[FREE] = lot
    S.counts[ROOM] += 1


@inlined
def _move(S, pot, side, lot, high, low):
    """Take a part of a lot, or all of it, out of its pot."""
    a = S.lot[lot]
    worth_high, worth_low = along(a, high, low)
    bag(S, high, low, a.origin, worth_high, worth_low, a.step, 0)
    if a.amount_high == high and a.amount_low == low:
        _unlink(S, pot, side, lot)
    else:
        reduce(a, high, low, worth_high, worth_low)


@inlined
def _in_turn(S, pot, side, back, high, low):
    """Take whole lots from the head (or back from the tail), the last one in part; -> what could not be taken."""
    lot = S.pot[pot, 2 * side + back]
    while lot >= 0 and (high != ZERO or low != ZERO):
        a = S.lot[lot]
        after, part_high, part_low = a.before if back else a.after, a.amount_high, a.amount_low
        if less(high, low, part_high, part_low):
            part_high, part_low = high, low
        _move(S, pot, side, lot, part_high, part_low)
        high, low = sub(high, low, part_high, part_low)
        lot = after
    return high, low


@inlined
def _pro_rata(S, pot, high, low):
    """Every lot gives its part, by running totals (`methods.haircut`)."""
    whole_high, whole_low = S.account[pot, HELD], S.account[pot, HELD + 1]
    run_high, run_low, past_high, past_low = ZERO, ZERO, ZERO, ZERO
    for side in range(2):
        lot = S.pot[pot, 2 * side]
        while lot >= 0:
            a = S.lot[lot]
            after = a.after
            run_high, run_low = add(run_high, run_low, a.amount_high, a.amount_low)
            mark_high, mark_low = share(high, low, run_high, run_low, whole_high, whole_low)
            part_high, part_low = sub(mark_high, mark_low, past_high, past_low)
            if part_high != ZERO or part_low != ZERO:
                _move(S, pot, side, lot, part_high, part_low)
            past_high, past_low = mark_high, mark_low
            lot = after


@inner
def _everything(S, method, pot):
    """Empty a pot, its lots in order of arrival (haircut: the clean one last)."""
    one, other = S.pot[pot, 0], S.pot[pot, 2]
    while one >= 0 or other >= 0:
        first = other < 0 or (one >= 0 and (method == HAIRCUT or S.lot[one].turn < S.lot[other].turn))
        lot = one if first else other
        if first:
            one = S.lot[one].after
        else:
            other = S.lot[other].after
        _move(S, pot, 0 if first else 1, lot, S.lot[lot].amount_high, S.lot[lot].amount_low)


@inlined
def take(S, M, tx, pot, own, fee, high, low):
    """Spend from a pot into the bag (`Book.take`); `own`: the origin of what was never seen coming in."""
    method, number, account = M[0], M[1] + M[2] * pot, S.account
    held_high, held_low = account[number, HELD], account[number, HELD + 1]
    if less(held_high, held_low, high, low):
        _everything(S, method, number)
        _unseen(S, M, tx, pot, own, *sub(high, low, held_high, held_low))
        account[number, HELD], account[number, HELD + 1] = ZERO, ZERO
    else:
        _spend(S, method, number, high, low)
        account[number, HELD], account[number, HELD + 1] = sub(held_high, held_low, high, low)
    more(account, number, FEE if fee else OUT, high, low)


@inner
def _unseen(S, M, tx, pot, own, high, low):
    gap = S.gap[S.counts[GAPS]]
    S.counts[GAPS] += 1
    gap.amount_high, gap.amount_low, gap.tx, gap.pot, gap.method = high, low, tx, pot, M[0]
    if own >= 0:
        more(S.originated, M[3] + own, 0, high, low)
        bag(S, high, low, own, high, low, -1, 0)
    else:
        more(S.account, M[1] + M[2] * pot, UNSEEN, high, low)
        bag(S, high, low, -1, ZERO, ZERO, -1, 0)


@inlined
def _spend(S, method, pot, high, low):
    if method == HAIRCUT:
        _pro_rata(S, pot, high, low)
        return
    first = 1 if method == CLEAN_FIRST else 0
    for n in range(2):  # fifo and lifo have one side
        high, low = _in_turn(S, pot, n ^ first, 1 if method == LIFO else 0, high, low)


@inlined
def enter(S, M, pot, high, low, origin, worth_high, worth_low, step):
    """Let a lot into a pot: `methods.blend` under haircut, `methods.queue` under the others."""
    method, number = M[0], M[1] + M[2] * pot
    more(S.account, number, HELD, high, low)
    side = 0 if origin >= 0 or method in (FIFO, LIFO) else 1
    last = _of_origin(S, number, side, origin) if method == HAIRCUT else _neighbour(S, number, side, origin, step)
    if last < 0:
        _link(S, number, side, high, low, origin, worth_high, worth_low, step)
        return
    a = S.lot[last]
    if method == HAIRCUT and less(a.worth_high, a.worth_low, worth_high, worth_low):
        a.step = step
    a.amount_high, a.amount_low = add(a.amount_high, a.amount_low, high, low)
    a.worth_high, a.worth_low = add(a.worth_high, a.worth_low, worth_high, worth_low)


@inlined
def _of_origin(S, pot, side, origin):
    lot = S.pot[pot, 2 * side]
    while lot >= 0 and S.lot[lot].origin != origin:
        lot = S.lot[lot].after
    return lot


@inlined
def _neighbour(S, pot, side, origin, step):
    """The lot that came in last, if it is of the same origin and step."""
    last, rival = S.pot[pot, 2 * side + 1], S.pot[pot, 2 * (1 - side) + 1]
    if last < 0 or S.lot[last].origin != origin or S.lot[last].step != step:
        return -1
    return last if rival < 0 or S.lot[rival].turn < S.lot[last].turn else -1


@inlined
def _link(S, pot, side, high, low, origin, worth_high, worth_low, step):
    lot, tail = S.counts[FREE], S.pot[pot, 2 * side + 1]
    a = S.lot[lot]
    S.counts[FREE] = a.after
    S.counts[ROOM] -= 1
    a.amount_high, a.amount_low, a.worth_high, a.worth_low = high, low, worth_high, worth_low
    a.origin, a.step, a.after, a.before, a.turn = origin, step, -1, tail, S.counts[TURN]
    S.counts[TURN] += 1
    if tail < 0:
        S.pot[pot, 2 * side] = lot
    else:
        S.lot[tail].after = lot
    S.pot[pot, 2 * side + 1] = lot
    S.pot[pot, 4] += 1
