"""Cases that are one: two victims' cases whose money went to the same collector."""

from __future__ import annotations

from fractions import Fraction

import pytest

from tests.makers import START, USDT, address, label, transaction, tx_hash
from tracer.actions.case import close_case
from tracer.actions.links import Link, links
from tracer.actions.trace import trace
from tracer.model import Asset, Case, OriginSpec
from tracer.store.store import Store

VICTIMS, INTAKES = [address(n) for n in (1, 2, 3, 4)], [address(n) for n in (11, 12, 13, 14)]
COLLECTOR, NEXT, EXCHANGE, ELSEWHERE = map(address, range(21, 25))
HISTORY = (
    *(transaction((payer, to, 100), tx=n) for n, (payer, to) in enumerate(zip(VICTIMS, INTAKES, strict=True), 1)),
    *(transaction((intake, COLLECTOR, 100), tx=10 + n) for n, intake in enumerate(INTAKES[:3])),
    transaction((INTAKES[3], ELSEWHERE, 100), tx=20),
    transaction((COLLECTOR, NEXT, 300), tx=21),
    transaction((NEXT, EXCHANGE, 300), tx=22),
)


def spec(n: int) -> OriginSpec:
    """The n-th victim's report."""
    return OriginSpec(INTAKES[n], USDT, tx_hash(n + 1), report_ids=(f"report {n}",))


@pytest.fixture
def cases(store: Store) -> Store:
    """Three cases: two victims of one gang, a third of it, and somebody else's; all traced."""
    with store.act("ana", "fill", "cases") as work:
        work.add_assets([Asset(USDT, "USDT", 6, listed=True)])
        work.add_transactions(HISTORY)
        work.add_labels([label(EXCHANGE)])
        work.open_case(Case("c-1", "both", (spec(0), spec(1), spec(2)), START))
        work.open_case(Case("c-2", "third", (spec(2),), START))
        work.open_case(Case("c-3", "stranger", (spec(3),), START))
        work.open_case(Case("c-4", "untraced", (spec(0),), START))
    for name in ("both", "third", "stranger"):
        trace(store, name, "ana")
    return store


def test_cases_with_the_same_collector_are_linked(cases: Store) -> None:
    """All that the smaller case's money passed lies in both; the collector is named; a stranger's shares none."""
    shared = (INTAKES[2], COLLECTOR, NEXT)

    assert [Link("third", Fraction(1), shared, (COLLECTOR,))] == links(cases, "both")
    assert [Link("both", Fraction(1), shared, (COLLECTOR,))] == links(cases, "third")
    assert [] == links(cases, "stranger") == links(cases, "untraced")


def test_closed_cases_are_not_linked(cases: Store) -> None:
    """What is no longer worked on links nothing."""
    close_case(cases, "third", "ana")
    assert [] == links(cases, "both")
