"""What a transaction leaves behind, compiled: steps with their parts, ends, losses, and lots in pots (`books.py`).

`T` is the tape, `W` the world, `S` the state, `M` the method and where its pots and origins begin, `i` the transaction.
"""

from __future__ import annotations

from tracer.taint.kernel.compiled import inlined, inner
from tracer.taint.kernel.lots import CLEAN, bag, enter, more
from tracer.taint.kernel.state import BAG, ENDS, LOSSES, NEVER, PARTS, POT, STEPS
from tracer.taint.kernel.wide import ZERO, add, less, sub

OPEN = -2  # the step of a lot that is being carried and has no step yet


@inlined
def arrive(T, W, S, M, i, r, start, end):
    """What a receiver got: the rows of the bag, then clean money (`_Turn.receive`)."""
    to = T.receipt[r]
    if to.mode < POT:
        ended(S, M, to.mode, to.address, to.asset, start, end)
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
        worth_high, worth_low = ZERO, ZERO
        if to.own >= 0:
            worth_high, worth_low = high, low
            more(S.originated, M[2] + to.own, 0, high, low)
            _touch(T, W, i, to.address)
        else:
            more(S.account, M[1] + to.pot, CLEAN, high, low)
        enter(S, M, to.pot, high, low, to.own, worth_high, worth_low, -1)


@inlined
def _touch(T, W, i, address):
    place = W.place[address]
    if place.touched == NEVER:
        place.touched = T.tx[i].at
    if place.hops < 0:
        place.hops = 1


@inlined
def tainted(S, start, end):
    """True if any of these rows of the bag is."""
    for row in range(start, end):  # noqa: SIM110 - compiled: no generators
        if S.bag[row].origin >= 0:
            return True
    return False


@inlined
def carry(S, W, M, i, by, sender, recipient, asset, start, end):
    """Steps of lots that go from one address to another in one asset; tainted ones are put in the bag anew."""
    first = S.counts[BAG]
    copy_tainted(S, start, end)
    for row in range(first, S.counts[BAG]):
        if S.bag[row].step == OPEN:
            write(S, W, M, i, by, sender, recipient, asset, row)


@inlined
def copy_tainted(S, start, end):
    """Tainted lots again, their step moved to the tag."""
    for row in range(start, end):
        a = S.bag[row]
        if a.origin >= 0:
            bag(S, a.amount_high, a.amount_low, a.origin, a.worth_high, a.worth_low, OPEN, a.step)


@inlined
def write(S, W, M, i, by, sender, recipient, asset, row):
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


@inlined
def _part(S, number, step, high, low):
    part = S.part[S.counts[PARTS]]
    S.counts[PARTS] += 1
    part.number, part.step, part.worth_high, part.worth_low = number, step, high, low


@inlined
def _largest(S, first):
    best = first
    for row in range(first + 1, S.counts[PARTS]):
        a, b = S.part[best], S.part[row]
        if less(a.worth_high, a.worth_low, b.worth_high, b.worth_low):
            best = row
    return S.part[best].step


@inner
def ended(S, M, kind, address, asset, start, end):
    """Money that goes no further, one end a step (`Book.end`)."""
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


@inner
def lose(S, M, kind, i, address, asset, row):
    """A tainted row of the bag leaves without a step (`Book.lose`)."""
    a = S.bag[row]
    if a.origin < 0:
        return
    loss = S.loss[S.counts[LOSSES]]
    S.counts[LOSSES] += 1
    loss.amount_high, loss.amount_low = a.amount_high, a.amount_low
    loss.worth_high, loss.worth_low = a.worth_high, a.worth_low
    loss.kind, loss.tx, loss.address, loss.asset, loss.origin, loss.step = kind, i, address, asset, a.origin, a.step
    loss.before, loss.method = S.counts[STEPS], M[0]
