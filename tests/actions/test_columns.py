"""A trace that holds what it read as columns finds the same as one that holds values: the same document."""

from __future__ import annotations

from typing import Any

import pytest

from tests.actions.test_trace import SHOP, fill, fill_sample, run
from tests.makers import ETHEREUM, START, USDT, address, label, transaction, transfer
from tests.worlds.economy import economy
from tracer.actions.trace import Reading, trace
from tracer.exports.document import canonical
from tracer.model import Asset, AssetId, Case, Category, Kind, Limits, OriginSpec
from tracer.store.store import Store
from tracer.taint.flow import Flow
from tracer.taint.stops import Labels

FAKE = AssetId(ETHEREUM, f"0x{77:040x}")  # calls itself USDT


def both(store: Store, **given: Any) -> tuple[bytes, bytes]:
    """The document as values give it, and as columns do."""
    values, columns = (run(store, columns_from=start, **given).document for start in (None, 0))
    return canonical(values), canonical(columns)


def test_a_small_case(store: Store) -> None:
    """A reported payment, arrivals, flags with paths."""
    fill(store, SHOP)
    values, columns = both(store)

    assert values == columns


def test_the_sample_case(store: Store) -> None:
    """Several chains, mixers, bridges, exchanges; where a bitcoin comes in, it is held as values again."""
    fill_sample(store)
    values, columns = (trace(store, "sample", "ana", columns_from=start).document for start in (None, 0))

    assert canonical(values) == canonical(columns)


def test_poison_of_every_sort(store: Store) -> None:
    """Zero amounts, failures, counterfeits, unsolicited tokens and look-alikes are dropped for the same reasons."""
    thief, mule, friend = (address(n) for n in (0x5000001, 0x6000002, 0x7000003))
    mimic = address(0x99000000007000003)  # looks like the friend
    moves = [
        transaction((thief, mule, 1000), tx=1, initiator=thief),
        transaction((mule, friend, 500), tx=2, initiator=mule),
        transaction((mimic, mule, 1), tx=3, initiator=mimic),
        transaction((mule, mimic, 0), tx=4, initiator=mimic),
        transaction((mule, friend, 100), tx=5, initiator=mule, ok=False),
        transaction(transfer(mule, mimic, 900, tx=6, asset=FAKE), tx=6, initiator=mimic),
        transaction((mule, mimic, 2), tx=7, initiator=mule),
        transaction(transfer(mule, friend, 5, tx=8, asset=FAKE, kind=Kind.TOKEN), (mule, friend, 7), tx=8),
    ]
    with store.act("ana", "fill", "harbour") as work:
        work.add_assets([Asset(USDT, "USDT", 6, listed=True), Asset(FAKE, "USDT", 6, listed=False)])
        work.add_transactions(moves)
        work.open_case(Case("c-1", "harbour", (OriginSpec(thief),), START))
    values, columns = both(store)

    assert values == columns
    assert all(reason.encode() in values for reason in ("lookalike_dust", "zero_amount", "failed", "mimics_verified"))


@pytest.mark.parametrize("limits", [None, 40])
def test_an_economy(store: Store, limits: int | None) -> None:
    """Hundreds of people, exchanges, pools and a router: rounds of reading, exact sums, paths and worth."""
    made = economy(600)
    with store.act("ana", "fill", "harbour") as work:
        work.add_transactions(made.transactions())
        work.add_labels([*made.labels(), label(address(30), entity="Later", category=Category.MIXER)])
        work.open_case(Case("c-1", "harbour", tuple(made.origins()), START))
    values, columns = both(store, limits=Limits(addresses=limits))

    assert values == columns


def test_only_what_is_told_becomes_a_value(store: Store) -> None:
    """Folding a million transfers that stay columns would take ten times as long if each were made a value."""
    made = economy(2_000)
    with store.act("ana", "fill", "harbour") as work:
        work.add_transactions(made.transactions())
    flow = Flow(made.origins(), Labels(made.labels()))
    reading = Reading(store, flow, frozenset(), 0)
    reading.addresses([address(number) for number in range(made.addresses)])
    reading.fold()

    assert reading.history is not None
    assert len(reading.history._made) < len(reading.history) / 20  # routers' bundles, and one of each shape


@pytest.mark.parametrize("counting", [True, False])
def test_what_is_not_final_is_left_out_of_columns_too(store: Store, *, counting: bool) -> None:
    """Where it is to be left out, what was read is held as values; where it counts, it is named all the same."""
    fill(store, SHOP)
    with store.act("job", "pull", "node") as work:
        later = transaction((address(2), address(4), 9), tx=70, block=70)
        work.add_transactions([later], work.add_page("node", "page", 0, b"raw", "rpc"))
        work.set_head(ETHEREUM, "node", final=60, read=70)
    values, columns = both(store, include_unconfirmed=counting)

    assert values == columns
    assert b'"kind":"unconfirmed"' in values
