"""One transaction played in one method's pots, compiled (`turn.play`).

`T` is the tape, `W` the world, `S` the state, `M` the method: its code, its place among how many, and where
its origins begin; `i` the transaction.
"""

from __future__ import annotations

from tracer.taint.kernel.compiled import inlined
from tracer.taint.kernel.lots import take
from tracer.taint.kernel.state import BAG, FEES, HEADS, PAYMENT
from tracer.taint.kernel.steps import arrive, carry, lose, tainted
from tracer.taint.kernel.turn import turn


@inlined
def play(T, W, S, M, i):
    """Move what transaction `i` moved."""
    S.counts[BAG] = 0
    for f in range(T.tx[i].fee, T.tx[i + 1].fee):
        fee = T.fee[f]
        if W.place[fee.address].may == i:
            take(S, M, i, fee.pot, fee.own, True, fee.amount_high, fee.amount_low)
            for row in range(S.counts[BAG]):
                lose(S, M, FEES, i, fee.address, fee.asset, row)
            S.counts[BAG] = 0
    if T.tx[i].straight:
        _straight(T, W, S, M, i)
    else:
        turn(T, W, S, M, i)


@inlined
def _straight(T, W, S, M, i):
    spend, r = T.spend[T.tx[i].spend], T.tx[i].receipt
    if W.place[spend.address].may == i:
        take(S, M, i, spend.pot, spend.own, False, spend.amount_high, spend.amount_low)
    taken, first = S.counts[BAG], S.counts[HEADS]
    if tainted(S, 0, taken):
        receipt = T.receipt[r]
        carry(S, W, M, i, PAYMENT, spend.sender, receipt.address, receipt.asset, 0, taken)
    arrive(T, W, S, M, i, r, taken, first)
