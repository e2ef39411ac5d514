"""By which earlier steps money came, compiled: `provenance._Runs` and `provenance._Widest` over arrays.

`G` is the steps of a method, `Q` what is asked, `D` the desk: scratch and what was found.
"""

from __future__ import annotations

from typing import NamedTuple

from tracer.taint.kernel.compiled import compiled
from tracer.taint.kernel.state import Array
from tracer.taint.kernel.wide import ZERO, add, less, sub

DONE = -2  # the parent of a piece that is taken
NODES, STRETCHES, PIECES, WAYS, STEPS, HEAP, SEARCH, ORDER = range(8)  # counters of a Desk


class Steps(NamedTuple):
    """The steps of a method. Amounts are in each origin's own asset, a row of two limbs; -1 is none."""

    worth: Array
    first: Array  # by step: its first part; one row more
    part: Array  # by part: the earlier step
    amount: Array  # by part
    start: Array  # by part: where in the earlier step's run it lies
    into: Array  # by step: the pot that it came into
    out: Array  # the pots it was paid from, where money came in by steps,
    out_first: Array  # by step: the first of these; one row more
    begins: Array  # by step: its money started here
    same: Array  # by step: the first of its transaction
    came: Array  # by pot: the steps that came in, in order
    came_first: Array
    empty: Array  # by pot: before which steps it was empty
    empty_first: Array


class Asked(NamedTuple):
    """Steps whose ways are wanted, and the most ways of each question."""

    numbers: Array
    first: Array  # one row more
    most: Array


class Desk(NamedTuple):
    """Scratch, and the ways found: of which question, how much they carried, and their steps, oldest first."""

    counts: Array
    node: Array  # number, node after it, first stretch, how many
    carried: Array  # by node
    stretch: Array  # from and to, two limbs each
    piece: Array  # the same, of one step
    piece_of: Array
    heap: Array
    after: Array  # by step: what it was reached from
    seen: Array  # by step: the search that reached it
    left: Array  # by step: what earlier ways left of it
    taken: Array  # by step: the question that took from it
    way: Array  # question, first step; how much it carried is beside it
    way_carried: Array
    step: Array


@compiled
def runs(worth, first, part, amount, lost, lost_before, lost_amount, taken, start, lifo):
    """Where in its parent's run each part of a step lies."""
    loss = 0
    for number in range(len(worth)):
        while loss < len(lost) and lost_before[loss] <= number:
            at = lost[loss]
            taken[at, 0], taken[at, 1] = add(taken[at, 0], taken[at, 1], lost_amount[loss, 0], lost_amount[loss, 1])
            loss += 1
        for row in range(first[number], first[number + 1]):
            at = part[row]
            before_high, before_low = taken[at, 0], taken[at, 1]
            taken[at, 0], taken[at, 1] = add(before_high, before_low, amount[row, 0], amount[row, 1])
            if lifo and at >= 0:
                rest_high, rest_low = sub(worth[at, 0], worth[at, 1], taken[at, 0], taken[at, 1])
                start[row, 0], start[row, 1] = rest_high, rest_low
            else:
                start[row, 0], start[row, 1] = before_high, before_low


@compiled
def emptied(worth, first, part, amount, lost, lost_before, lost_amount, into, balance, out_pot, out_step):
    """Before which steps which pots were empty of their origin; -> how many times."""
    loss, many = 0, 0
    for number in range(len(worth)):
        while loss < len(lost) and lost_before[loss] <= number:
            if lost[loss] >= 0 and _leaves(balance, into[lost[loss]], lost_amount[loss, 0], lost_amount[loss, 1]):
                out_pot[many], out_step[many] = into[lost[loss]], number
                many += 1
            loss += 1
        for row in range(first[number], first[number + 1]):
            if part[row] >= 0 and _leaves(balance, into[part[row]], amount[row, 0], amount[row, 1]):
                out_pot[many], out_step[many] = into[part[row]], number
                many += 1
        pot = into[number]
        balance[pot, 0], balance[pot, 1] = add(balance[pot, 0], balance[pot, 1], worth[number, 0], worth[number, 1])
    return many


@compiled
def _leaves(balance, pot, high, low):
    balance[pot, 0], balance[pot, 1] = sub(balance[pot, 0], balance[pot, 1], high, low)
    return balance[pot, 0] == ZERO and balance[pot, 1] == ZERO


# --- exact: the largest first -----------------------------------------------------------------------------------------


@compiled
def exact(G, Q, D, start):
    """Answer questions from one on; -> the first that there was no room to answer."""
    for q in range(start, len(Q.most)):
        ways, steps = D.counts[WAYS], D.counts[STEPS]
        D.counts[NODES] = D.counts[STRETCHES] = D.counts[HEAP] = 0
        if not _exact(G, Q, D, q):
            D.counts[WAYS], D.counts[STEPS] = ways, steps
            return q
    return len(Q.most)


@compiled
def _exact(G, Q, D, q):
    for row in range(Q.first[q], Q.first[q + 1]):
        high, low = G.worth[Q.numbers[row], 0], G.worth[Q.numbers[row], 1]
        if high != ZERO or low != ZERO:
            if D.counts[STRETCHES] >= len(D.stretch) or D.counts[NODES] >= len(D.node):
                return False
            at = D.counts[STRETCHES]
            D.stretch[at, 0], D.stretch[at, 1], D.stretch[at, 2], D.stretch[at, 3] = ZERO, ZERO, high, low
            D.counts[STRETCHES] = at + 1
            _node(D, Q.numbers[row], -1, at, 1, high, low)
    found = 0
    while D.counts[HEAP] and found < Q.most[q]:
        node = _pop(D)
        if D.node[node, 0] >= 0:
            if not _back(G, D, node):
                return False
            continue
        if not _told(D, q, node):
            return False
        found += 1
    return True


@compiled
def _told(D, q, node):
    """Write down a way that has come to its origin."""
    way, at = D.counts[WAYS], D.node[node, 1]
    if way + 1 >= len(D.way):
        return False
    D.way[way, 0], D.way[way, 1] = q, D.counts[STEPS]
    D.way_carried[way, 0], D.way_carried[way, 1] = D.carried[node, 0], D.carried[node, 1]
    while at >= 0:
        if D.counts[STEPS] >= len(D.step):
            return False
        D.step[D.counts[STEPS]] = D.node[at, 0]
        D.counts[STEPS] += 1
        at = D.node[at, 1]
    D.counts[WAYS] = way + 1
    return True


@compiled
def _back(G, D, node):
    """What a step's stretches were before it: stretches of what its parents had brought, a node a parent."""
    number = D.node[node, 0]
    D.counts[PIECES] = 0
    for s in range(D.node[node, 2], D.node[node, 2] + D.node[node, 3]):
        if not _cut(G, D, number, s):
            return False
    for p in range(D.counts[PIECES]):  # noqa: SIM110 - compiled: no generators
        if D.piece_of[p] != DONE and not _parent(D, node, p):
            return False
    return True


@compiled
def _parent(D, node, p):
    """All pieces of the parent of one, as a node."""
    parent, first = D.piece_of[p], D.counts[STRETCHES]
    high, low = ZERO, ZERO
    if first + D.counts[PIECES] > len(D.stretch) or D.counts[NODES] >= len(D.node):
        return False
    for other in range(p, D.counts[PIECES]):
        if D.piece_of[other] == parent:
            piece, at = D.piece[other], D.stretch[D.counts[STRETCHES]]
            at[0], at[1], at[2], at[3] = piece[0], piece[1], piece[2], piece[3]
            D.counts[STRETCHES] += 1
            some_high, some_low = sub(piece[2], piece[3], piece[0], piece[1])
            high, low = add(high, low, some_high, some_low)
            D.piece_of[other] = DONE
    _node(D, parent, node, first, D.counts[STRETCHES] - first, high, low)
    return True


@compiled
def _cut(G, D, number, s):
    """The pieces of one stretch, by the parts that it covers."""
    from_high, from_low = D.stretch[s, 0], D.stretch[s, 1]
    to_high, to_low = D.stretch[s, 2], D.stretch[s, 3]
    end_high, end_low = ZERO, ZERO
    for row in range(G.first[number], G.first[number + 1]):
        first_high, first_low = end_high, end_low
        end_high, end_low = add(end_high, end_low, G.amount[row, 0], G.amount[row, 1])
        if not less(from_high, from_low, end_high, end_low):
            continue
        if not less(first_high, first_low, to_high, to_low):
            break
        a_high, a_low = from_high, from_low
        if less(a_high, a_low, first_high, first_low):
            a_high, a_low = first_high, first_low
        b_high, b_low = to_high, to_low
        if less(end_high, end_low, b_high, b_low):
            b_high, b_low = end_high, end_low
        if less(a_high, a_low, b_high, b_low):
            at = D.counts[PIECES]
            if at >= len(D.piece):
                return False
            a_high, a_low = sub(a_high, a_low, first_high, first_low)
            b_high, b_low = sub(b_high, b_low, first_high, first_low)
            D.piece[at, 0], D.piece[at, 1] = add(a_high, a_low, G.start[row, 0], G.start[row, 1])
            D.piece[at, 2], D.piece[at, 3] = add(b_high, b_low, G.start[row, 0], G.start[row, 1])
            D.piece_of[at] = G.part[row]
            D.counts[PIECES] = at + 1
    return True


@compiled
def _node(D, number, after, first, many, high, low):
    node = D.counts[NODES]
    D.node[node, 0], D.node[node, 1], D.node[node, 2], D.node[node, 3] = number, after, first, many
    D.carried[node, 0], D.carried[node, 1] = high, low
    D.counts[NODES] = node + 1
    _push(D, node)


@compiled
def _before(D, a, b):
    """Which node comes first: what carries more, then the fewer steps, then as `node[2]` says."""
    if D.carried[a, 0] != D.carried[b, 0] or D.carried[a, 1] != D.carried[b, 1]:
        return less(D.carried[b, 0], D.carried[b, 1], D.carried[a, 0], D.carried[a, 1])
    if D.counts[SEARCH] and D.node[a, 3] != D.node[b, 3]:
        return D.node[a, 3] < D.node[b, 3]
    return D.node[a, 0] < D.node[b, 0] if D.counts[SEARCH] else a < b


@compiled
def _push(D, node):
    at = D.counts[HEAP]
    D.counts[HEAP] = at + 1
    while at > 0 and _before(D, node, D.heap[(at - 1) // 2]):
        D.heap[at] = D.heap[(at - 1) // 2]
        at = (at - 1) // 2
    D.heap[at] = node


@compiled
def _pop(D):
    top, last = D.heap[0], D.heap[D.counts[HEAP] - 1]
    D.counts[HEAP] -= 1
    at, size = 0, D.counts[HEAP]
    while 2 * at + 1 < size:
        child = 2 * at + 1
        if child + 1 < size and _before(D, D.heap[child + 1], D.heap[child]):
            child += 1
        if not _before(D, D.heap[child], last):
            break
        D.heap[at] = D.heap[child]
        at = child
    D.heap[at] = last
    return top


# --- haircut: the widest first ----------------------------------------------------------------------------------------


@compiled
def widest(G, Q, D, start):
    """Answer questions from one on; -> the first that there was no room to answer."""
    for q in range(start, len(Q.most)):
        ways, steps = D.counts[WAYS], D.counts[STEPS]
        for _ in range(Q.most[q]):
            D.counts[NODES] = D.counts[HEAP] = 0
            D.counts[SEARCH] += 1
            found = _widest(G, Q, D, q)
            if found == 0:
                break
            if found < 0:
                D.counts[WAYS], D.counts[STEPS] = ways, steps
                _forget(D, q)
                return q
    return len(Q.most)


@compiled
def _forget(D, q):
    for number in range(len(D.taken)):
        if D.taken[number] == q:
            D.taken[number] = -1


@compiled
def _widest(G, Q, D, q):
    """1: a way was found and told; 0: there is none; -1: no room."""
    for row in range(Q.first[q], Q.first[q + 1]):
        number = Q.numbers[row]
        if not _reach(G, D, q, number, -1, 1, G.worth[number, 0], G.worth[number, 1]):
            return -1
    while D.counts[HEAP]:
        node = _pop(D)
        number, length = D.node[node, 0], D.node[node, 3]
        high, low = D.carried[node, 0], D.carried[node, 1]
        if G.begins[number]:
            return 1 if _take(G, D, q, number, high, low) else -1
        for o in range(G.out_first[number], G.out_first[number + 1]):
            pot = G.out[o]
            emptied = _left_of(G.empty, G.empty_first[pot], G.empty_first[pot + 1], G.same[number])
            since = G.empty[emptied - 1] if emptied > G.empty_first[pot] else 0
            begin = _left_of(G.came, G.came_first[pot], G.came_first[pot + 1], since)
            end = _left_of(G.came, G.came_first[pot], G.came_first[pot + 1], G.same[number])
            for row in range(begin, end):
                if not _reach(G, D, q, G.came[row], number, length + 1, high, low):
                    return -1
    return 0


@compiled
def _left_of(rows, first, last, value):
    """The first place at which a sorted piece of rows is not below a value."""
    while first < last:
        middle = (first + last) // 2
        if rows[middle] < value:
            first = middle + 1
        else:
            last = middle
    return first


@compiled
def _rest(G, D, q, number):
    if D.taken[number] == q:
        return D.left[number, 0], D.left[number, 1]
    return G.worth[number, 0], G.worth[number, 1]


@compiled
def _reach(G, D, q, number, after, length, high, low):
    rest_high, rest_low = _rest(G, D, q, number)
    if less(rest_high, rest_low, high, low):
        high, low = rest_high, rest_low
    if (high == ZERO and low == ZERO) or D.seen[number] == D.counts[SEARCH]:
        return True
    if D.counts[NODES] >= len(D.node):
        return False
    D.seen[number], D.after[number] = D.counts[SEARCH], after
    _node(D, number, after, 0, length, high, low)
    return True


@compiled
def _take(G, D, q, number, high, low):
    """Write down the widest way, and take what it carried from its steps."""
    way = D.counts[WAYS]
    if way + 1 >= len(D.way):
        return False
    D.way[way, 0], D.way[way, 1] = q, D.counts[STEPS]
    D.way_carried[way, 0], D.way_carried[way, 1] = high, low
    while number >= 0:
        if D.counts[STEPS] >= len(D.step):
            return False
        rest_high, rest_low = _rest(G, D, q, number)
        D.left[number, 0], D.left[number, 1] = sub(rest_high, rest_low, high, low)
        D.taken[number] = q
        D.step[D.counts[STEPS]] = number
        D.counts[STEPS] += 1
        number = D.after[number]
    D.counts[WAYS] = way + 1
    return True
