"""Prices are kept exactly and for ever; that none is known is kept for a day."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from tests.makers import ETHEREUM, START, USDT
from tracer.model import NATIVE, AssetId, Price
from tracer.store.store import Store

HOUR = datetime(2024, 3, 1, 10, tzinfo=UTC)
ETHER = AssetId(ETHEREUM, NATIVE)
KNOWN = Price(USDT, HOUR, "defillama", Decimal("1.00120"), HOUR + timedelta(seconds=7), Decimal("0.990"))
UNKNOWN = Price(ETHER, HOUR, "defillama")


def kept(store: Store, *prices: Price) -> int:
    """Keep prices; how many were new."""
    with store.pages() as work:
        return work.add_prices(prices)


def test_a_price_comes_back_as_it_was(store: Store) -> None:
    """Trailing zeros and all, with the moment it was recorded; an asset that nobody asked for has none."""
    assert 2 == kept(store, KNOWN, UNKNOWN)
    found = store.prices([USDT, ETHER])

    assert [(ETHER, None, None), (USDT, "1.00120", "0.990")] == [
        (one.asset, one.usd if one.usd is None else str(one.usd), one.confidence and str(one.confidence))
        for one in sorted(found, key=lambda one: one.asset.contract, reverse=True)
    ]
    assert [] == store.prices([AssetId(ETHEREUM, "0x" + "77" * 20)])
    assert all(one.recorded_at is not None and one.recorded_at > START for one in found)


def test_a_known_price_stays(store: Store) -> None:
    """What was told once is not told anew; a price that was not known takes its place when it is."""
    kept(store, KNOWN, UNKNOWN)
    later = Price(ETHER, HOUR, "defillama", Decimal(3000), HOUR)

    assert 1 == kept(store, Price(USDT, HOUR, "defillama", Decimal(2), HOUR), later)
    assert {Decimal("1.00120"), Decimal(3000)} == {one.usd for one in store.prices([USDT, ETHER])}


def test_only_what_is_not_known_is_asked_for(database_url: str) -> None:
    """A known price never again; one that was not known after a day, and not before; another hour at once."""
    now = [START]
    wanted = [(USDT, HOUR), (ETHER, HOUR), (ETHER, HOUR + timedelta(hours=1))]
    with Store.open(database_url, clock=lambda: now[0]) as store:
        before = store.prices_to_ask("defillama", wanted)
        kept(store, KNOWN, UNKNOWN)
        now[0] += timedelta(hours=23)
        soon = store.prices_to_ask("defillama", wanted)
        now[0] += timedelta(hours=1)
        later = store.prices_to_ask("defillama", wanted)
        other = store.prices_to_ask("another", wanted)

    assert sorted(wanted) == before == other
    assert [wanted[2]] == soon
    assert sorted(wanted[1:]) == later


def test_a_price_changes_nothing_that_a_trace_reads(store: Store) -> None:
    """No trace is due because a price is known."""
    kept(store, UNKNOWN)
    before = store.inputs_version()
    kept(store, KNOWN)

    assert before == store.inputs_version()
