"""A transaction of several payments played in one method's pots, compiled (`turn._Turn`).

`T` is the tape, `W` the world, `S` the state, `M` the method: its code, its place among how many, and where
its origins begin; `i` the transaction.
"""

from __future__ import annotations

from tracer.taint.kernel.compiled import inner
from tracer.taint.kernel.convert import become, copied, empty, flat, forget, summed
from tracer.taint.kernel.lots import along, bag, more, reduce, take
from tracer.taint.kernel.state import (
    BAG,
    EXCHANGE,
    GIFTS,
    HAND,
    HAND_ON,
    HEADS,
    INBOX,
    INFERRED,
    PAID_ROWS,
    PARCELS,
    PAYMENT,
    REPORT,
    STAND,
    SWAP,
    SWAPS,
    UNRESOLVED,
)
from tracer.taint.kernel.steps import OPEN, arrive, carry, copy_tainted, ended, head, tainted, write
from tracer.taint.kernel.wide import ZERO, add, less, share, sub


@inner
def turn(T, W, S, M, i):
    """Pay, exchange, hand on, receive."""
    S.counts[PARCELS] = S.counts[SWAPS] = S.counts[GIFTS] = 0
    for s in range(T.tx[i].spend, T.tx[i + 1].spend):
        _pay(T, W, S, M, i, s)
    _exchange(T, S, M, i)
    _hand_on(T, W, S, M, i)
    for r in range(T.tx[i].receipt, T.tx[i + 1].receipt):
        start, first = S.counts[BAG], S.counts[HEADS]
        for p in range(S.counts[PARCELS]):
            if S.parcel[p].receipt == r:
                _unpack(T, W, S, M, i, p)
        arrive(T, W, S, M, i, r, start, first)


@inner
def _pay(T, W, S, M, i, s):
    start, end = _taken(T, W, S, M, i, s)
    for leg in range(T.spend[s].leg, T.spend[s + 1].leg):
        if leg == T.spend[s + 1].leg - 1:
            first, last = start, end
        else:
            first = S.counts[BAG]
            _deal(S, start, end, T.leg[leg].amount_high, T.leg[leg].amount_low)
            last = S.counts[BAG]
        _send(T, W, S, M, i, s, leg, first, last)


@inner
def _taken(T, W, S, M, i, s):
    spend, start = T.spend[s], S.counts[BAG]
    if spend.payment >= 0:
        report = S.report[spend.payment - T.tx[i].payment]
        return report.start, report.end
    if spend.address >= 0 and W.place[spend.address].may == i:
        take(S, M, i, spend.pot, spend.own, False, spend.amount_high, spend.amount_low)
    else:
        bag(S, spend.amount_high, spend.amount_low, -1, ZERO, ZERO, -1, 0)
    return start, S.counts[BAG]


@inner
def _deal(S, start, end, high, low):
    """Share lots pro rata: what is given goes into the bag, the lots keep the rest (`methods.deal`)."""
    whole_high, whole_low = summed(S, start, end)
    if whole_high == ZERO and whole_low == ZERO:
        return
    run_high, run_low, past_high, past_low = ZERO, ZERO, ZERO, ZERO
    for row in range(start, end):
        a = S.bag[row]
        run_high, run_low = add(run_high, run_low, a.amount_high, a.amount_low)
        mark_high, mark_low = share(high, low, run_high, run_low, whole_high, whole_low)
        part_high, part_low = sub(mark_high, mark_low, past_high, past_low)
        past_high, past_low = mark_high, mark_low
        if part_high != ZERO or part_low != ZERO:
            worth_high, worth_low = along(a, part_high, part_low)
            bag(S, part_high, part_low, a.origin, worth_high, worth_low, a.step, 0)
            reduce(a, part_high, part_low, worth_high, worth_low)
    for row in range(start, end):
        if empty(S.bag[row]):
            S.bag[row].origin = -1  # all of it is given; an empty clean lot counts nowhere


@inner
def _send(T, W, S, M, i, s, leg, start, end):
    way = T.leg[leg]
    if way.kind == REPORT:
        report = S.report[way.where - T.tx[i].payment]
        report.start = S.counts[BAG]
        _report(T, S, M, way.where, start, end)
        report.end = S.counts[BAG]
    elif way.kind == SWAP:
        _note(S, S.swap, SWAPS, way.where, s, start, end)
    elif not tainted(S, start, end):
        if way.hand >= 0:
            _note(S, S.gift, GIFTS, way.hand, s, start, end)
    elif way.kind == STAND:
        _stand(T, W, S, M, i, s, way.address, start, end)
    elif way.kind == HAND:
        _note(S, S.gift, GIFTS, way.hand, s, start, end)
    elif way.kind == INBOX:
        _post(S, way.where, T.spend[s].sender, PAYMENT, start, end, -1, -1)


@inner
def _note(S, table, counter, slot, s, start, end):
    gift = table[S.counts[counter]]
    S.counts[counter] += 1
    gift.slot, gift.spend, gift.start, gift.end = slot, s, start, end


@inner
def _post(S, receipt, sender, by, start, end, slot, s):
    parcel = S.parcel[S.counts[PARCELS]]
    S.counts[PARCELS] += 1
    parcel.receipt, parcel.sender, parcel.by, parcel.start, parcel.end = receipt, sender, by, start, end
    parcel.slot, parcel.spend = slot, s


@inner
def _report(T, S, M, payment, start, end):
    """A reported payment's clean lots become its origin's, up to what was reported (`Book.report`)."""
    one = T.payment[payment]
    most_high, most_low = one.most_high, one.most_low
    for row in range(start, end):
        a = S.bag[row]
        if empty(a):
            continue
        if a.origin >= 0 or (most_high == ZERO and most_low == ZERO):
            bag(S, a.amount_high, a.amount_low, a.origin, a.worth_high, a.worth_low, a.step, 0)
            continue
        high, low = a.amount_high, a.amount_low
        if less(most_high, most_low, high, low):
            high, low = most_high, most_low
        most_high, most_low = sub(most_high, most_low, high, low)
        more(S.originated, M[3] + one.origin, 0, high, low)
        bag(S, high, low, one.origin, high, low, -1, 0)
        rest_high, rest_low = sub(a.amount_high, a.amount_low, high, low)
        if rest_high != ZERO or rest_low != ZERO:
            bag(S, rest_high, rest_low, -1, ZERO, ZERO, -1, 0)


@inner
def _stand(T, W, S, M, i, s, address, start, end):
    first, spend = S.counts[HEADS], T.spend[s]
    carry(S, W, M, i, PAYMENT, spend.sender, address, spend.asset, start, end)
    ended(S, UNRESOLVED, first)


@inner
def _exchange(T, S, M, i):
    by = INFERRED if T.tx[i].inferred else EXCHANGE
    for n in range(S.counts[SWAPS]):
        slot = S.swap[n].slot
        if not _is_first(S.swap, n) or not _any_tainted(S, S.swap, S.counts[SWAPS], slot):
            continue
        payer, first, last = T.exchange[slot].address, T.exchange[slot].target, T.exchange[slot + 1].target
        asset = T.receipt[T.exchange_target[last - 1].receipt].asset
        start, kinds = S.counts[BAG], flat(T, S, S.swap, S.counts[SWAPS], slot)
        end = S.counts[BAG]
        for target in range(first, last):
            made, receipt = S.counts[BAG], T.exchange_target[target].receipt
            become(S, start, kinds, target - first, last - first, T.exchange_target[target])
            _post(S, receipt, payer, by, made, S.counts[BAG], slot, -1)
            forget(S, M, i, payer, asset, start, end, target - first, last - first)


@inner
def _hand_on(T, W, S, M, i):
    for n in range(S.counts[GIFTS]):
        slot = S.gift[n].slot
        if not _is_first(S.gift, n) or not _any_tainted(S, S.gift, S.counts[GIFTS], slot):
            continue
        hand, first, last = T.hand[slot].address, T.hand[slot].target, T.hand[slot + 1].target
        if first == last:
            _stand_all(T, W, S, M, i, n, hand)
            continue
        asset = T.receipt[T.hand_target[last - 1].receipt].asset
        start, kinds = S.counts[BAG], flat(T, S, S.gift, S.counts[GIFTS], slot)
        end = S.counts[BAG]
        for target in range(first, last):
            made, receipt = S.counts[BAG], T.hand_target[target].receipt
            become(S, start, kinds, target - first, last - first, T.hand_target[target])
            _by_payer(T, S, made, S.counts[BAG], receipt, slot)
            forget(S, M, i, hand, asset, start, end, target - first, last - first)


@inner
def _stand_all(T, W, S, M, i, n, address):
    for m in range(n, S.counts[GIFTS]):
        gift = S.gift[m]
        if gift.slot == S.gift[n].slot:
            _stand(T, W, S, M, i, gift.spend, address, gift.start, gift.end)


@inner
def _is_first(table, n):
    for before in range(n):  # noqa: SIM110 - compiled: no generators
        if table[before].slot == table[n].slot:
            return False
    return True


@inner
def _any_tainted(S, table, rows, slot):
    for n in range(rows):  # noqa: SIM110 - compiled: no generators
        if table[n].slot == slot and tainted(S, table[n].start, table[n].end):
            return True
    return False


@inner
def _by_payer(T, S, start, end, receipt, slot):
    """Lots handed on, those of each payer and asset (a spend) together, in the order they first come."""
    for row in range(start, end):
        s = S.bag[row].tag
        if s < 0:
            continue
        first = S.counts[BAG]
        for other in range(row, end):
            if S.bag[other].tag == s:
                copied(S, other, other + 1, 0)
                S.bag[other].tag = -1
        _post(S, receipt, T.spend[s].sender, HAND_ON, first, S.counts[BAG], slot, s)


@inner
def _unpack(T, W, S, M, i, p):
    parcel = S.parcel[p]
    to = T.receipt[parcel.receipt]
    if parcel.by == PAYMENT:
        carry(S, W, M, i, parcel.by, parcel.sender, to.address, to.asset, parcel.start, parcel.end)
        return
    first = S.counts[BAG]
    copy_tainted(S, parcel.start, parcel.end)
    if S.counts[BAG] > first:
        head(S, W, M, i, parcel.by, parcel.sender, to.address, to.asset)
    for row in range(first, S.counts[BAG]):
        if S.bag[row].step == OPEN:
            paid = S.paid[S.counts[PAID_ROWS]]
            S.counts[PAID_ROWS] += 1
            paid.number = write(S, row)
            if parcel.by == HAND_ON:
                _paid_by(T, S, paid, S.bag[row].origin, parcel.slot, parcel.spend)
            else:
                _paid_in(T, S, paid, S.bag[row].origin, parcel.slot)


@inner
def _paid_in(T, S, paid, origin, slot):
    """What of the step's origin was paid: the asset that carried most of it, and how much of that (`turn._paid`)."""
    best_high, best_low, found = ZERO, ZERO, False
    for n in range(S.counts[SWAPS]):
        gift = S.swap[n]
        if gift.slot == slot:
            some, high, low, worth_high, worth_low = _of_origin(S, gift.start, gift.end, origin)
            if some and (not found or less(best_high, best_low, worth_high, worth_low)):
                best_high, best_low, found = worth_high, worth_low, True
                paid.asset, paid.amount_high, paid.amount_low = T.spend[gift.spend].asset, high, low


@inner
def _paid_by(T, S, paid, origin, slot, s):
    """The same where one payer handed on one asset: all of it."""
    paid.asset, paid.amount_high, paid.amount_low = T.spend[s].asset, ZERO, ZERO
    for n in range(S.counts[GIFTS]):
        gift = S.gift[n]
        if gift.slot == slot and gift.spend == s:
            _, high, low, _, _ = _of_origin(S, gift.start, gift.end, origin)
            paid.amount_high, paid.amount_low = add(paid.amount_high, paid.amount_low, high, low)


@inner
def _of_origin(S, start, end, origin):
    """Whether any of these lots is of the origin; what those add up to, and what they are worth."""
    some, high, low, worth_high, worth_low = False, ZERO, ZERO, ZERO, ZERO
    for row in range(start, end):
        a = S.bag[row]
        if a.origin == origin and not empty(a):
            some = True
            high, low = add(high, low, a.amount_high, a.amount_low)
            worth_high, worth_low = add(worth_high, worth_low, a.worth_high, a.worth_low)
    return some, high, low, worth_high, worth_low
