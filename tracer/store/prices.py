"""Prices, as a source told them: a known one is kept for ever, that none is known until one is."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, select, update

from tracer.model import AssetId, Price
from tracer.store.bulk import Interner, add, among, asset_ids, assets_by_id
from tracer.store.tables import prices

AGAIN = timedelta(days=1)  # after which a price that was not known is asked for once more
_ALL = select(prices)
_SAME = update(prices).where(
    prices.c.asset_id == bindparam("of"), prices.c.asked == bindparam("hour"), prices.c.source == bindparam("by")
)


def add_prices(db: Connection, intern: Interner, at: datetime, given: Iterable[Price]) -> int:
    """Keep prices; how many were new, or known for the first time, or again not known. A known one stays."""
    wanted = {(one.asset, one.asked, one.source): one for one in given}
    intern.learn_assets({one.asset for one in wanted.values()})
    before = {(one.asset, one.asked, one.source): one for one in known(db, [one.asset for one in wanted.values()])}
    fresh = [_row(intern, one, at) for key, one in wanted.items() if key not in before]
    again = [_row(intern, one, at) for key, one in wanted.items() if key in before and before[key].usd is None]
    for row in again:
        here = {"of": row.pop("asset_id"), "hour": row.pop("asked"), "by": row.pop("source")}
        db.execute(_SAME.values(row), here)
    return add(db, prices, fresh) + len(again)


def _row(intern: Interner, one: Price, at: datetime) -> dict[str, Any]:
    return {
        "asset_id": intern.asset(one.asset),
        "asked": one.asked,
        "source": one.source,
        "usd": one.usd,
        "at": one.at,
        "confidence": one.confidence,
        "recorded_at": at,
    }


def known(db: Connection, assets: Collection[AssetId]) -> list[Price]:
    """All that is kept of these assets, by asset, hour and source."""
    numbers = asset_ids(db, assets)
    names = assets_by_id(db, numbers.values())
    rows = among(db, _ALL, prices.c.asset_id, numbers.values())
    found = [
        Price(names[row.asset_id], row.asked, row.source, row.usd, row.at, row.confidence, row.recorded_at)
        for row in rows
    ]
    return sorted(found, key=lambda one: (one.asset, one.asked, one.source))


def to_ask(db: Connection, at: datetime, source: str, wanted: Collection[tuple[AssetId, datetime]]) -> list[Any]:
    """Those of these (asset, hour) that a source has to be asked for: never asked, or without a price a day ago."""
    said = {(one.asset, one.asked): one for one in known(db, [asset for asset, _ in wanted]) if one.source == source}
    open_ = [key for key in wanted if key not in said or _old(said[key], at)]
    return sorted(set(open_))


def _old(one: Price, at: datetime) -> bool:
    return one.usd is None and one.recorded_at is not None and at - one.recorded_at >= AGAIN
