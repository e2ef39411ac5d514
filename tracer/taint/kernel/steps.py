"""What a transaction leaves behind, compiled: steps with their parts, ends, losses, and lots in pots (`books.py`).

`T` is the tape, `W` the world, `S` the state, `M` the method: its code, its place among how many, and where
its origins begin; `i` the transaction.
"""

from __future__ import annotations

from tracer.taint.kernel.compiled import compiled, inlined, inner
from tracer.taint.kernel.lots import CLEAN, bag, enter, more
from tracer.taint.kernel.state import BAG, HEADS, LOSSES, NEVER, PARTS, POT, STEPS, WIDES
from tracer.taint.kernel.wide import ZERO, add, less, sub

OPEN = -2  # the step of a lot that is being carried and has no step yet


@inlined
def arrive(T, W, S, M, i, r, start, first):
    """What a receiver got: the rows of the bag, brought by the heads from the first on, then clean money
    (`_Turn.receive`).
    """
    to, end = T.receipt[r], S.counts[BAG]
    if to.mode < POT:
        ended(S, to.mode, first)
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
            more(S.originated, M[3] + to.own, 0, high, low)
            _touch(T, W, i, to.address)
        else:
            more(S.account, M[1] + M[2] * to.pot, CLEAN, high, low)
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
    if S.counts[BAG] > first:
        head(S, W, M, i, by, sender, recipient, asset)
    for row in range(first, S.counts[BAG]):
        if S.bag[row].step == OPEN:
            write(S, row)


@inlined
def head(S, W, M, i, by, sender, recipient, asset):
    """What the next steps share."""
    one = S.head[S.counts[HEADS]]
    S.counts[HEADS] += 1
    one.tx, one.by, one.sender, one.recipient, one.asset = i, by, sender, recipient, asset
    one.first, one.method, one.end = S.counts[STEPS], M[0], -1
    if sender != recipient:
        hops = max(W.place[sender].hops, 0) + 1
        if W.place[recipient].hops < 0 or hops < W.place[recipient].hops:
            W.place[recipient].hops = hops


@inlined
def copy_tainted(S, start, end):
    """Tainted lots again, their step moved to the tag."""
    for row in range(start, end):
        a = S.bag[row]
        if a.origin >= 0:
            bag(S, a.amount_high, a.amount_low, a.origin, a.worth_high, a.worth_low, OPEN, a.step)


@inlined
def write(S, row):
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
    step, parent = S.step[number], _largest(S, first)
    step.received_low, step.worth_low, step.parent = got_low, all_low, parent if parent >= 0 else -1 - origin
    if got_high != ZERO or all_high != ZERO:
        wide = S.wide[S.counts[WIDES]]
        S.counts[WIDES] += 1
        wide.number, wide.received_high, wide.worth_high = number, got_high, all_high
    if S.counts[PARTS] - first == 1:
        S.counts[PARTS] = first
    return number


@compiled
def of_origin(parents, made):
    """The origin of every step: its parent's, which comes before it; -1 - parent where it has none."""
    for number in range(len(parents)):
        made[number] = made[parents[number]] if parents[number] >= 0 else -1 - parents[number]


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


@inlined
def ended(S, kind, first):
    """What steps brought goes no further: all under the heads from the first on (`Book.end`)."""
    for row in range(first, S.counts[HEADS]):
        S.head[row].end = kind


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
