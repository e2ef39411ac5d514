"""Where taint can come, compiled: over transfers more than it can, over plans what `fold.reachable` says; and hops."""

from __future__ import annotations

from tracer.taint.kernel.compiled import compiled


@compiled
def spread(first, moves, counted, reported, wraps, readable, near):
    """Mark every address of a transaction in which one that may spend is marked: more than taint can reach."""
    for tx in range(len(first) - 1):
        if _comes(first[tx], first[tx + 1], moves, counted, reported, wraps, readable, near):
            for row in range(first[tx], first[tx + 1]):
                if counted[row] and moves.sender[row] >= 0:
                    near[moves.sender[row]] = True
                if counted[row] and moves.recipient[row] >= 0:
                    near[moves.recipient[row]] = True


@compiled
def _comes(start, end, moves, counted, reported, wraps, readable, near):
    for row in range(start, end):
        at, to = moves.sender[row], moves.recipient[row]
        if not counted[row]:
            continue
        if reported[row] or (at >= 0 and near[at] and readable[at]):
            return True
        if at >= 0 and to >= 0 and wraps[at] and near[to] and readable[to]:
            return True  # who gets coins from a wrapper pays wrapped ones for them, shown or not
    return False


@compiled
def reach(T, readable, reached):
    """Where taint can have come at all (`fold.reachable`)."""
    for i in range(len(T.tx) - 1):
        some = T.tx[i].payment < T.tx[i + 1].payment
        for p in range(T.tx[i].payer, T.tx[i + 1].payer):
            some = some or (reached[T.payer[p]] and readable[T.payer[p]])
        if some:
            for r in range(T.tx[i].receipt, T.tx[i + 1].receipt):
                reached[T.receipt[r].address] = True


@compiled
def count_hops(parents, leaves, made):
    """How many hops each step is from its origin: its parent's, which comes before it, and its own."""
    for number in range(len(parents)):
        made[number] = leaves[number] + (made[parents[number]] if parents[number] >= 0 else 0)
