"""One transaction played in one method's pots, compiled: what `turn.py` and `books.py` define, on a tape.

`T` is the tape, `W` the world, `S` the state, `M` the method and where its pots and origins begin, `i` the transaction.
"""

from __future__ import annotations

from tracer.taint.kernel.compiled import compiled
from tracer.taint.kernel.lots import CLEAN, along, bag, enter, more, reduce, take
from tracer.taint.kernel.state import (
    BAG,
    ENDS,
    EXCHANGE,
    FEES,
    GIFTS,
    HAND,
    HAND_ON,
    INBOX,
    INFERRED,
    LOSSES,
    NEVER,
    PAID_ROWS,
    PARCELS,
    PARTS,
    PAYMENT,
    POT,
    REPORT,
    ROUNDING,
    STAND,
    STEPS,
    SWAP,
    SWAPS,
    UNRESOLVED,
)
from tracer.taint.kernel.wide import ZERO, U, add, less, share, sub

OPEN = -2  # the step of a lot that is being carried and has no step yet


@compiled
def play(T, W, S, M, i):
    """Move what transaction `i` moved."""
    S.counts[BAG] = 0
    for f in range(T.tx[i].fee, T.tx[i + 1].fee):
        fee = T.fee[f]
        if W.place[fee.address].may == i:
            take(S, M, i, fee.pot, fee.own, True, fee.amount_high, fee.amount_low)
            for row in range(S.counts[BAG]):
                _lose(S, M, FEES, i, fee.address, fee.asset, row)
            S.counts[BAG] = 0
    if T.tx[i].straight:
        _straight(T, W, S, M, i)
    else:
        _turn(T, W, S, M, i)


@compiled
def _straight(T, W, S, M, i):
    spend, r = T.spend[T.tx[i].spend], T.tx[i].receipt
    if W.place[spend.address].may == i:
        take(S, M, i, spend.pot, spend.own, False, spend.amount_high, spend.amount_low)
    taken = S.counts[BAG]
    if tainted(S, 0, taken):
        receipt = T.receipt[r]
        _carry(S, W, M, i, PAYMENT, spend.sender, receipt.address, receipt.asset, 0, taken)
    _arrive(T, W, S, M, i, r, taken, S.counts[BAG])


@compiled
def _arrive(T, W, S, M, i, r, start, end):
    """What a receiver got: the rows of the bag, then clean money (`_Turn.receive`)."""
    to = T.receipt[r]
    if to.mode < POT:
        _end(S, M, to.mode, to.address, to.asset, start, end)
        return
    if to.mode != POT:
        return
    high, low = to.amount_high, to.amount_low
    for row in range(start, end):
        a = S.bag[row]
        enter(S, M, to.pot, a.amount_high, a.amount_low, a.origin, a.worth_high, a.worth_low, a.step)
        high, low = sub(high, low, a.amount_high, a.amount_low)
    if end > start:
        _touch(T, W, i, to.address)
    if W.place[to.address].keeps and (high != ZERO or low != ZERO):
        if to.own >= 0:
            more(S.originated, M[2] + to.own, 0, high, low)
            enter(S, M, to.pot, high, low, to.own, high, low, -1)
            _touch(T, W, i, to.address)
        else:
            more(S.account, M[1] + to.pot, CLEAN, high, low)
            enter(S, M, to.pot, high, low, -1, ZERO, ZERO, -1)


@compiled
def _touch(T, W, i, address):
    place = W.place[address]
    if place.touched == NEVER:
        place.touched = T.tx[i].at
    if place.hops < 0:
        place.hops = 1


@compiled
def tainted(S, start, end):
    """True if any of these rows of the bag is."""
    for row in range(start, end):  # noqa: SIM110 - compiled: no generators
        if S.bag[row].origin >= 0:
            return True
    return False


@compiled
def _carry(S, W, M, i, by, sender, recipient, asset, start, end):
    """Steps of lots that go from one address to another in one asset; tainted ones are put in the bag anew."""
    first = S.counts[BAG]
    _copy_tainted(S, start, end)
    for row in range(first, S.counts[BAG]):
        if S.bag[row].step == OPEN:
            _step(S, W, M, i, by, sender, recipient, asset, row)


@compiled
def _copy_tainted(S, start, end):
    """Tainted lots again, their step moved to the tag."""
    for row in range(start, end):
        a = S.bag[row]
        if a.origin >= 0:
            bag(S, a.amount_high, a.amount_low, a.origin, a.worth_high, a.worth_low, OPEN, a.step)


@compiled
def _step(S, W, M, i, by, sender, recipient, asset, row):
    """Write the step of all open lots of this row's origin, with its parts (`Book.carry`); -> its number."""
    number, origin, first = S.counts[STEPS], S.bag[row].origin, S.counts[PARTS]
    S.counts[STEPS] = number + 1
    got_high, got_low, all_high, all_low = ZERO, ZERO, ZERO, ZERO
    for other in range(row, S.counts[BAG]):
        a = S.bag[other]
        if a.origin == origin and a.step == OPEN:
            got_high, got_low = add(got_high, got_low, a.amount_high, a.amount_low)
            all_high, all_low = add(all_high, all_low, a.worth_high, a.worth_low)
            a.step = number
            _part(S, number, a.tag, a.worth_high, a.worth_low)
    step = S.step[number]
    step.received_high, step.received_low, step.worth_high, step.worth_low = got_high, got_low, all_high, all_low
    step.tx, step.by, step.sender, step.recipient, step.asset = i, by, sender, recipient, asset
    step.origin, step.parent, step.method = origin, _largest(S, first), M[0]
    if S.counts[PARTS] - first == 1:
        S.counts[PARTS] = first
    if sender != recipient:
        hops = max(W.place[sender].hops, 0) + 1
        if W.place[recipient].hops < 0 or hops < W.place[recipient].hops:
            W.place[recipient].hops = hops
    return number


@compiled
def _part(S, number, step, high, low):
    part = S.part[S.counts[PARTS]]
    S.counts[PARTS] += 1
    part.number, part.step, part.worth_high, part.worth_low = number, step, high, low


@compiled
def _largest(S, first):
    best = first
    for row in range(first + 1, S.counts[PARTS]):
        a, b = S.part[best], S.part[row]
        if less(a.worth_high, a.worth_low, b.worth_high, b.worth_low):
            best = row
    return S.part[best].step


@compiled
def _end(S, M, kind, address, asset, start, end):
    first = S.counts[ENDS]
    for row in range(start, end):
        a, at = S.bag[row], first
        while at < S.counts[ENDS] and (S.end[at].origin != a.origin or S.end[at].step != a.step):
            at += 1
        one = S.end[at]
        if at == S.counts[ENDS]:
            S.counts[ENDS] = at + 1
            one.kind, one.address, one.asset, one.origin, one.step = kind, address, asset, a.origin, a.step
            one.amount_high, one.amount_low, one.worth_high, one.worth_low, one.method = ZERO, ZERO, ZERO, ZERO, M[0]
        one.amount_high, one.amount_low = add(one.amount_high, one.amount_low, a.amount_high, a.amount_low)
        one.worth_high, one.worth_low = add(one.worth_high, one.worth_low, a.worth_high, a.worth_low)


@compiled
def _lose(S, M, kind, i, address, asset, row):
    a = S.bag[row]
    if a.origin < 0:
        return
    loss = S.loss[S.counts[LOSSES]]
    S.counts[LOSSES] += 1
    loss.amount_high, loss.amount_low = a.amount_high, a.amount_low
    loss.worth_high, loss.worth_low = a.worth_high, a.worth_low
    loss.kind, loss.tx, loss.address, loss.asset, loss.origin, loss.step = kind, i, address, asset, a.origin, a.step
    loss.before, loss.method = S.counts[STEPS], M[0]


# --- whole turns ------------------------------------------------------------------------------------------------------


@compiled
def _turn(T, W, S, M, i):
    S.counts[PARCELS] = S.counts[SWAPS] = S.counts[GIFTS] = 0
    for s in range(T.tx[i].spend, T.tx[i + 1].spend):
        _pay(T, W, S, M, i, s)
    _exchange(T, S, M, i)
    _hand_on(T, W, S, M, i)
    for r in range(T.tx[i].receipt, T.tx[i + 1].receipt):
        start = S.counts[BAG]
        for p in range(S.counts[PARCELS]):
            if S.parcel[p].receipt == r:
                _unpack(T, W, S, M, i, p)
        _arrive(T, W, S, M, i, r, start, S.counts[BAG])


@compiled
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


@compiled
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


@compiled
def _deal(S, start, end, high, low):
    """Share lots pro rata: what is given goes into the bag, the lots keep the rest (`methods.deal`)."""
    whole_high, whole_low = _sum(S, start, end)
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
        if _empty(S.bag[row]):
            S.bag[row].origin = -1  # all of it is given; an empty clean lot counts nowhere


@compiled
def _empty(a):
    return a.amount_high == ZERO and a.amount_low == ZERO


@compiled
def _sum(S, start, end):
    high, low = ZERO, ZERO
    for row in range(start, end):
        high, low = add(high, low, S.bag[row].amount_high, S.bag[row].amount_low)
    return high, low


@compiled
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


@compiled
def _note(S, table, counter, slot, s, start, end):
    gift = table[S.counts[counter]]
    S.counts[counter] += 1
    gift.slot, gift.spend, gift.start, gift.end = slot, s, start, end


@compiled
def _post(S, receipt, sender, by, start, end, slot, s):
    parcel = S.parcel[S.counts[PARCELS]]
    S.counts[PARCELS] += 1
    parcel.receipt, parcel.sender, parcel.by, parcel.start, parcel.end = receipt, sender, by, start, end
    parcel.slot, parcel.spend = slot, s


@compiled
def _report(T, S, M, payment, start, end):
    """A reported payment's clean lots become its origin's, up to what was reported (`Book.report`)."""
    one = T.payment[payment]
    most_high, most_low = one.most_high, one.most_low
    for row in range(start, end):
        a = S.bag[row]
        if _empty(a):
            continue
        if a.origin >= 0 or (most_high == ZERO and most_low == ZERO):
            bag(S, a.amount_high, a.amount_low, a.origin, a.worth_high, a.worth_low, a.step, 0)
            continue
        high, low = a.amount_high, a.amount_low
        if less(most_high, most_low, high, low):
            high, low = most_high, most_low
        most_high, most_low = sub(most_high, most_low, high, low)
        more(S.originated, M[2] + one.origin, 0, high, low)
        bag(S, high, low, one.origin, high, low, -1, 0)
        rest_high, rest_low = sub(a.amount_high, a.amount_low, high, low)
        if rest_high != ZERO or rest_low != ZERO:
            bag(S, rest_high, rest_low, -1, ZERO, ZERO, -1, 0)


@compiled
def _stand(T, W, S, M, i, s, address, start, end):
    first, spend = S.counts[BAG], T.spend[s]
    _carry(S, W, M, i, PAYMENT, spend.sender, address, spend.asset, start, end)
    _end(S, M, UNRESOLVED, address, spend.asset, first, S.counts[BAG])


@compiled
def _exchange(T, S, M, i):
    by = INFERRED if T.tx[i].inferred else EXCHANGE
    for n in range(S.counts[SWAPS]):
        slot = S.swap[n].slot
        if not _is_first(S.swap, n) or not _any_tainted(S, S.swap, S.counts[SWAPS], slot):
            continue
        payer, first, last = T.exchange[slot].address, T.exchange[slot].target, T.exchange[slot + 1].target
        asset = T.receipt[T.exchange_target[last - 1].receipt].asset
        start, kinds = S.counts[BAG], _flat(T, S, S.swap, S.counts[SWAPS], slot)
        end = S.counts[BAG]
        for target in range(first, last):
            made, receipt = S.counts[BAG], T.exchange_target[target].receipt
            _become(S, start, kinds, target - first, last - first, T.exchange_target[target])
            _post(S, receipt, payer, by, made, S.counts[BAG], slot, -1)
            _forget(S, M, i, payer, asset, start, end, target - first, last - first)


@compiled
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
        start, kinds = S.counts[BAG], _flat(T, S, S.gift, S.counts[GIFTS], slot)
        end = S.counts[BAG]
        for target in range(first, last):
            made, receipt = S.counts[BAG], T.hand_target[target].receipt
            _become(S, start, kinds, target - first, last - first, T.hand_target[target])
            _by_payer(T, S, made, S.counts[BAG], receipt, slot)
            _forget(S, M, i, hand, asset, start, end, target - first, last - first)


@compiled
def _stand_all(T, W, S, M, i, n, address):
    for m in range(n, S.counts[GIFTS]):
        gift = S.gift[m]
        if gift.slot == S.gift[n].slot:
            _stand(T, W, S, M, i, gift.spend, address, gift.start, gift.end)


@compiled
def _is_first(table, n):
    for before in range(n):  # noqa: SIM110 - compiled: no generators
        if table[before].slot == table[n].slot:
            return False
    return True


@compiled
def _any_tainted(S, table, rows, slot):
    for n in range(rows):  # noqa: SIM110 - compiled: no generators
        if table[n].slot == slot and tainted(S, table[n].start, table[n].end):
            return True
    return False


@compiled
def _flat(T, S, table, rows, slot):
    """All lots of a slot in the bag, an asset after the other, tagged by spend; -> how many assets (ends: `bound`)."""
    kinds = 0
    for n in range(rows):
        if table[n].slot != slot or not _is_new(T, table, n):
            continue
        before = S.counts[BAG]
        for m in range(n, rows):
            if table[m].slot == slot and T.spend[table[m].spend].asset == T.spend[table[n].spend].asset:
                _copy(S, table[m].start, table[m].end, table[m].spend)
        if S.counts[BAG] > before:
            S.bound[kinds] = S.counts[BAG]
            kinds += 1
    return kinds


@compiled
def _is_new(T, table, n):
    """True if no earlier gift of the slot was of the same asset."""
    for before in range(n):
        same = T.spend[table[before].spend].asset == T.spend[table[n].spend].asset
        if same and table[before].slot == table[n].slot:
            return False
    return True


@compiled
def _copy(S, start, end, tag):
    for row in range(start, end):
        a = S.bag[row]
        if a.origin >= 0 or not _empty(a):
            bag(S, a.amount_high, a.amount_low, a.origin, a.worth_high, a.worth_low, a.step, tag)


@compiled
def _become(S, start, kinds, target, targets, amount):
    """Turn lots of one or more assets into an amount of another (`methods.convert`, one target of it)."""
    asset = start
    for n in range(kinds):
        high, low = _equal(amount.amount_high, amount.amount_low, n, kinds)
        whole_high, whole_low = _sum(S, asset, S.bound[n])
        run_high, run_low, past_high, past_low = ZERO, ZERO, ZERO, ZERO
        for row in range(asset, S.bound[n]):
            a = S.bag[row]
            run_high, run_low = add(run_high, run_low, a.amount_high, a.amount_low)
            mark_high, mark_low = share(high, low, run_high, run_low, whole_high, whole_low)
            part_high, part_low = sub(mark_high, mark_low, past_high, past_low)
            past_high, past_low = mark_high, mark_low
            _made(S, row, part_high, part_low, target, targets)
        asset = S.bound[n]


@compiled
def _equal(high, low, n, parts):
    """The n-th of so many equal parts, by running totals."""
    if parts == 1:
        return high, low
    one_high, one_low = share(high, low, ZERO, U(n + 1), ZERO, U(parts))
    past_high, past_low = share(high, low, ZERO, U(n), ZERO, U(parts))
    return sub(one_high, one_low, past_high, past_low)


@compiled
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


@compiled
def _forget(S, M, i, address, asset, start, end, target, targets):
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
                _lose(S, M, ROUNDING, i, address, asset, at)
                S.counts[BAG] = at


@compiled
def _by_payer(T, S, start, end, receipt, slot):
    """Lots handed on, those of each payer and asset (a spend) together, in the order they first come."""
    for row in range(start, end):
        s = S.bag[row].tag
        if s < 0:
            continue
        first = S.counts[BAG]
        for other in range(row, end):
            if S.bag[other].tag == s:
                _copy(S, other, other + 1, 0)
                S.bag[other].tag = -1
        _post(S, receipt, T.spend[s].sender, HAND_ON, first, S.counts[BAG], slot, s)


@compiled
def _unpack(T, W, S, M, i, p):
    parcel = S.parcel[p]
    to = T.receipt[parcel.receipt]
    if parcel.by == PAYMENT:
        _carry(S, W, M, i, parcel.by, parcel.sender, to.address, to.asset, parcel.start, parcel.end)
        return
    first = S.counts[BAG]
    _copy_tainted(S, parcel.start, parcel.end)
    for row in range(first, S.counts[BAG]):
        if S.bag[row].step == OPEN:
            paid = S.paid[S.counts[PAID_ROWS]]
            S.counts[PAID_ROWS] += 1
            paid.number = _step(S, W, M, i, parcel.by, parcel.sender, to.address, to.asset, row)
            if parcel.by == HAND_ON:
                _paid_by(T, S, paid, parcel.slot, parcel.spend)
            else:
                _paid_in(T, S, paid, parcel.slot)


@compiled
def _paid_in(T, S, paid, slot):
    """What of the step's origin was paid: the asset that carried most of it, and how much of that (`turn._paid`)."""
    origin = S.step[paid.number].origin
    best_high, best_low, found = ZERO, ZERO, False
    for n in range(S.counts[SWAPS]):
        gift = S.swap[n]
        if gift.slot == slot:
            some, high, low, worth_high, worth_low = _of_origin(S, gift.start, gift.end, origin)
            if some and (not found or less(best_high, best_low, worth_high, worth_low)):
                best_high, best_low, found = worth_high, worth_low, True
                paid.asset, paid.amount_high, paid.amount_low = T.spend[gift.spend].asset, high, low


@compiled
def _paid_by(T, S, paid, slot, s):
    """The same where one payer handed on one asset: all of it."""
    paid.asset, paid.amount_high, paid.amount_low = T.spend[s].asset, ZERO, ZERO
    for n in range(S.counts[GIFTS]):
        gift = S.gift[n]
        if gift.slot == slot and gift.spend == s:
            _, high, low, _, _ = _of_origin(S, gift.start, gift.end, S.step[paid.number].origin)
            paid.amount_high, paid.amount_low = add(paid.amount_high, paid.amount_low, high, low)


@compiled
def _of_origin(S, start, end, origin):
    """Whether any of these lots is of the origin; what those add up to, and what they are worth."""
    some, high, low, worth_high, worth_low = False, ZERO, ZERO, ZERO, ZERO
    for row in range(start, end):
        a = S.bag[row]
        if a.origin == origin and not _empty(a):
            some = True
            high, low = add(high, low, a.amount_high, a.amount_low)
            worth_high, worth_low = add(worth_high, worth_low, a.worth_high, a.worth_low)
    return some, high, low, worth_high, worth_low
