"""The compiled fold: all transactions of a tape in order, in every method's pots at once, and the poison's reach."""

from __future__ import annotations

from tracer.taint.kernel.compiled import compiled, inlined, inner
from tracer.taint.kernel.play import play
from tracer.taint.kernel.state import (
    GAPS,
    HEADS,
    LOSSES,
    NEVER,
    PAID_ROWS,
    PARTS,
    REPORT,
    ROOM,
    STEPS,
    SWAP,
    WIDES,
    Array,
    Stains,
    State,
    Tape,
    World,
    more_stains,
    roomier,
    trimmed,
)
from tracer.taint.kernel.wide import ZERO, add, less

SLACK = 8  # rows beside what lots need


def run(tape: Tape, world: World, methods: Array, one: State) -> State:
    """Play the whole tape; -> the state, grown where it had to be. `methods`: rows for `play`."""
    i, transactions = 0, len(tape.tx) - 1
    while i < transactions:
        i, need = _run(tape, world, methods, one, i)
        if i < transactions:
            one = roomier(one, need)
    return trimmed(one)


def stain(tape: Tape, world: World, one: Stains) -> Stains:
    """Spread the poison over what was played (`Reach`); -> the stains, grown where they had to be."""
    i, transactions = 0, len(tape.tx) - 1
    while i < transactions:
        i, need = _stain_all(tape, world, one, i)
        if i < transactions:
            one = more_stains(one, need)
    return one


@compiled
def _run(T, W, methods, S, start):
    for i in range(start, len(T.tx) - 1):
        if not (_let(T, W, i) or T.tx[i].always):
            continue
        need = _need(T, W, methods, S, i)
        if _tight(S, need):
            return i, need
        for n in range(len(methods)):
            play(T, W, S, methods[n], i)
        W.played[i] = True
    return len(T.tx) - 1, 0


@inlined
def _let(T, W, i):
    """Note which payers may spend here: read or reported, and no hub; -> whether any may."""
    some = False
    for p in range(T.tx[i].payer, T.tx[i + 1].payer):
        address = T.payer[p]
        if W.place[address].keeps and not is_hub(W, address):
            W.place[address].may = i
            W.let[p] = some = True
    return some


@inlined
def is_hub(W, address):
    """An unlabelled address that dealt with too many others after taint came (`flow._Fold._is_hub`)."""
    place = W.place[address]
    if place.touched == NEVER or place.reported:
        return False
    if place.judged < 0:
        place.judged = _counterparties(W, address, place.touched)
        for row in range(place.label, W.place[address + 1].label):
            if W.label[row].since <= place.touched < W.label[row].until:
                place.judged = 0
    return place.judged > W.limits[0]


@compiled
def judge(W):
    """Judge those that never had to spend, too."""
    for address in range(len(W.place) - 1):
        if W.place[address].touched != NEVER and W.place[address].keeps:
            is_hub(W, address)


@inner
def _counterparties(W, address, since):
    mark, count = address + 1, 0
    for row in range(W.place[address].contact, W.place[address + 1].contact):
        contact = W.contact[row]
        if since < contact.at <= since + W.limits[1] and W.place[contact.other].seen != mark:
            W.place[contact.other].seen = mark
            count += 1
    return count


@inlined
def _need(T, W, methods, S, i):
    """The most rows of any table that this transaction can fill."""
    lots = 2 * len(methods)
    for n in range(len(methods)):
        for f in range(T.tx[i].fee, T.tx[i + 1].fee):
            if W.place[T.fee[f].address].may == i:
                lots += S.pot[n + len(methods) * T.fee[f].pot, 4] + 1
        for s in range(T.tx[i].spend, T.tx[i + 1].spend):
            lots += 1
            if T.spend[s].address >= 0 and W.place[T.spend[s].address].may == i:
                lots += S.pot[n + len(methods) * T.spend[s].pot, 4] + 1
    return 2 * lots * (3 + T.tx[i].lines) + T.tx[i + 1].receipt - T.tx[i].receipt + SLACK


@inlined
def _tight(S, need):
    return (
        S.counts[ROOM] < need
        or len(S.bag) < need
        or len(S.head) - S.counts[HEADS] < need
        or len(S.step) - S.counts[STEPS] < need
        or len(S.wide) - S.counts[WIDES] < need
        or len(S.paid) - S.counts[PAID_ROWS] < need
        or len(S.part) - S.counts[PARTS] < need
        or len(S.loss) - S.counts[LOSSES] < need
        or len(S.gap) - S.counts[GAPS] < need
    )


# --- poison: reach.py, compiled ---------------------------------------------------------------------------------------


@compiled
def _stain_all(T, W, R, start):
    for i in range(start, len(T.tx) - 1):
        if W.played[i]:
            for p in range(T.tx[i].payer, T.tx[i + 1].payer):
                if W.let[p]:
                    W.place[T.payer[p]].may = i
            need = (T.tx[i + 1].receipt - T.tx[i].receipt) * (_most(T, W, R, i) + 1)
            if len(R.entry) - R.counts[0] < need or len(R.mine) < need:
                return i, need
            _stain(T, W, R, i)
    return len(T.tx) - 1, 0


@inlined
def _stain(T, W, R, i):
    """Spread every origin from the pots that pay to those that receive (`Reach.play`)."""
    if T.tx[i].straight:
        _stain_straight(T, W, R, i)
        return
    first, last, size = T.tx[i].spend, T.tx[i + 1].spend, 0
    for s in range(first, last):
        size = _touching(T, W, R, i, s, size, True)
        R.bound[s - first + 1] = size
    for r in range(T.tx[i].receipt, T.tx[i + 1].receipt):
        to = T.receipt[r]
        if size:
            _spread(T, R, i, r, size)
        if to.own >= 0:
            _came(R, to.pot, to.own, to.amount_high, to.amount_low)


@inlined
def _stain_straight(T, W, R, i):
    spend, to = T.spend[T.tx[i].spend], T.receipt[T.tx[i].receipt]
    if W.place[spend.address].may == i:
        size = _at(R, spend.pot, spend.own, 0, True)
        for n in range(size):
            _came(R, to.pot, R.mine[n], to.amount_high, to.amount_low)
    if to.own >= 0:
        _came(R, to.pot, to.own, to.amount_high, to.amount_low)


@inlined
def _most(T, W, R, i):
    """How many stains all spends carry at most."""
    size = 0
    for s in range(T.tx[i].spend, T.tx[i + 1].spend):
        size = _touching(T, W, R, i, s, size, False)
    return size


@inner
def _touching(T, W, R, i, s, size, write):
    """Add the origins that touched what a spend is paid from; -> how many there are then."""
    spend, first = T.spend[s], size
    if spend.payment >= 0:
        payment = T.payment[spend.payment]
        if payment.address >= 0 and W.place[payment.address].may == i:
            size = _at(R, payment.pot, payment.own, size, write)
        return _one_more(R, first, size, payment.origin, write)
    if spend.address >= 0 and W.place[spend.address].may == i:
        size = _at(R, spend.pot, spend.own, size, write)
    return size


@inlined
def _at(R, pot, own, size, write):
    entry, mine = R.head[pot], own < 0
    while entry >= 0:
        if write:
            R.mine[size] = R.entry[entry].origin
        mine = mine or R.entry[entry].origin == own
        size += 1
        entry = R.entry[entry].after
    if mine:
        return size
    if write:
        R.mine[size] = own
    return size + 1


@inlined
def _one_more(R, first, size, origin, write):
    """A payment's own origin; the counting pass may count it twice."""
    if write:
        for n in range(first, size):
            if R.mine[n] == origin:
                return size
        R.mine[size] = origin
    return size + 1


@inner
def _spread(T, R, i, r, size):
    first, to = T.tx[i].spend, T.receipt[r]
    for s in range(first, T.tx[i + 1].spend):
        start, end = R.bound[s - first], R.bound[s - first + 1]
        for leg in range(T.spend[s].leg, T.spend[s + 1].leg if start < end else T.spend[s].leg):
            high, low = _goes(T, leg, r)
            if high != ZERO or low != ZERO:
                for n in range(start, end):
                    _capped(R, R.mine[n], high, low, to)
    for n in range(size):
        origin = R.mine[n]
        high, low = R.sums[origin, 0], R.sums[origin, 1]
        if high != ZERO or low != ZERO:
            _came(R, to.pot, origin, high, low)
            R.sums[origin, 0], R.sums[origin, 1] = ZERO, ZERO


@inlined
def _capped(R, origin, high, low, to):
    """Add, but never beyond what was received: a sum of two amounts below 2**127 always fits."""
    high, low = add(R.sums[origin, 0], R.sums[origin, 1], high, low)
    if less(to.amount_high, to.amount_low, high, low):
        high, low = to.amount_high, to.amount_low
    R.sums[origin, 0], R.sums[origin, 1] = high, low


@inner
def _goes(T, leg, r):
    """How much of a leg ends at a receipt (`reach._goes`)."""
    way = T.leg[leg]
    if way.kind == REPORT:
        return ZERO, ZERO
    if way.kind == SWAP:
        return _turned(T.exchange, T.exchange_target, way.where, r)
    if way.hand >= 0 and T.hand[way.hand].target < T.hand[way.hand + 1].target:
        return _turned(T.hand, T.hand_target, way.hand, r)
    if way.receipt == r:
        return way.amount_high, way.amount_low
    return ZERO, ZERO


@inner
def _turned(via, targets, slot, r):
    for target in range(via[slot].target, via[slot + 1].target):
        if targets[target].receipt == r:
            return targets[target].amount_high, targets[target].amount_low
    return ZERO, ZERO


@inlined
def _came(R, pot, origin, high, low):
    number = R.head[pot]
    while number >= 0 and R.entry[number].origin != origin:
        number = R.entry[number].after
    if number < 0:
        number = R.counts[0]
        R.counts[0] = number + 1
        entry = R.entry[number]
        entry.origin, entry.after, entry.came_high, entry.came_low = origin, R.head[pot], ZERO, ZERO
        R.head[pot] = number
    entry = R.entry[number]
    entry.came_high, entry.came_low = add(entry.came_high, entry.came_low, high, low)
