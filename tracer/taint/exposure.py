"""Exposure: taint summed by entity and category, direct (one hop) or indirect, for every origin and method."""

from __future__ import annotations

from dataclasses import dataclass

from tracer.model import AssetId, Category
from tracer.taint.entries import COINJOIN
from tracer.taint.flow import Result
from tracer.taint.landings import coming

ANY_COINJOIN = ("CoinJoin", Category.MIXER)  # nobody's: it is exposure to a mixer all the same


@dataclass(frozen=True, slots=True)
class Exposure:
    """What reached one entity: base units of `asset`, and of the origin's own asset."""

    entity: str
    category: str
    direction: str
    exposure_type: str  # direct: in one hop; indirect
    min_hops: int
    origin: str
    method: str
    asset: AssetId
    amount: int
    origin_amount: int


@dataclass(slots=True)
class _Sum:
    hops: int
    amount: int = 0
    origin_amount: int = 0


def exposures(result: Result) -> tuple[Exposure, ...]:
    """Outgoing exposure of a case's origins to every labelled entity that their money reached."""
    sums: dict[tuple[str, str, str, str, str, AssetId], _Sum] = {}
    for method, book in result.books.items():
        hops = book.hops()
        for by, _, label, number, step, amount, origin_amount in coming(result, book):
            if label is None and by != COINJOIN:
                continue
            entity, category = (label.entity, label.category) if label else ANY_COINJOIN
            kind = "direct" if hops[number] == 1 else "indirect"
            key = (entity, str(category), kind, step.origin, method, step.received_asset)
            total = sums.setdefault(key, _Sum(int(hops[number])))
            total.hops = min(total.hops, int(hops[number]))
            total.amount += amount
            total.origin_amount += origin_amount
    return tuple(
        Exposure(entity, category, "outgoing", kind, one.hops, origin, method, asset, one.amount, one.origin_amount)
        for (entity, category, kind, origin, method, asset), one in sorted(sums.items())
    )
