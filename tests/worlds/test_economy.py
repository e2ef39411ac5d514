"""The big economy has exactly the transfers asked for, nobody overdraws, and a third of them carry taint."""

from __future__ import annotations

from collections import Counter

import numpy as np

from tests.worlds.economy import EXCHANGES, POOLS, REPORTED, economy
from tests.worlds.engine import arrivals
from tests.worlds.ledger import Ledger
from tracer.taint.flow import Flow
from tracer.taint.stops import Labels

NAMED = {*EXCHANGES, *POOLS[:2]}


def test_exactly_so_many_transfers() -> None:
    """Whatever number is asked for, and the same ones for a seed."""
    for transfers in (1, 7, 1_000, 4_321):
        made = economy(transfers)
        assert [transfers] * 7 == [len(column) for column in vars(made).values()]
    again = economy(4_321)

    assert all(np.array_equal(one, other) for one, other in zip(vars(made).values(), vars(again).values(), strict=True))
    assert not np.array_equal(made.low, economy(4_321, seed=2).low)


def test_nobody_overdraws() -> None:
    """Everybody but the named pays only what came in before; amounts are positive and go beyond 64 bits."""
    made, has = economy(50_000), Counter[tuple[int, int]]()
    high, low = made.high.tolist(), made.low.tolist()
    rows = zip(made.sender.tolist(), made.recipient.tolist(), made.asset.tolist(), strict=True)
    for (sender, recipient, what), amount in zip(
        rows, [(h << 64) + n for h, n in zip(high, low, strict=True)], strict=True
    ):
        assert amount > 0
        assert sender in NAMED or has[(sender, what)] >= amount
        has[(sender, what)] -= amount
        has[(recipient, what)] += amount

    assert max(high) > 0


def test_most_transactions_are_one_transfer() -> None:
    """About one in twenty exchanges, a few in a thousand are bundles of four transfers."""
    sizes = Counter(Counter(economy(50_000).tx.tolist()).values())

    assert {1, 2, 4} == sizes.keys()
    assert 0.04 < sizes[2] / sizes.total() < 0.07
    assert 0.002 < sizes[4] / sizes.total() < 0.006


def test_a_third_of_the_transfers_carry_taint() -> None:
    """Under fifo, counted by a ledger that shares nothing with the engine."""
    made = economy(20_000)
    ledger, number = Ledger(made.labels(), (), made.origins()), 0
    for one in made.transactions():
        ledger.play(one)
        number += len(one.transfers) * (one.tx_hash in ledger.carried)

    assert 0.28 < number / 20_000 < 0.40


def test_its_arrivals_are_the_engines() -> None:
    """To the unit, under fifo."""
    made = economy(3_000)
    history = [*made.transactions()]
    ledger = Ledger(made.labels(), (), made.origins())
    for one in history:
        ledger.play(one)
    flow = Flow(made.origins(), Labels(made.labels()))
    flow.feed(history, {end for one in history for t in one.transfers for end in (t.sender, t.recipient) if end})

    assert len(REPORTED) == len(made.origins())
    assert ledger.arrivals
    assert ledger.arrivals == arrivals(flow.fold())
