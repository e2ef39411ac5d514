"""Exposure: taint summed by entity and category, direct (one hop) or indirect, for every origin and method."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from tracer.model import AssetId, Landing


@dataclass(frozen=True, slots=True)
class Exposure:
    """What reached one entity: base units of `asset`, and of the origin's own asset."""

    entity: str
    category: str
    direction: str
    exposure_type: str  # direct, indirect
    min_hops: int
    origin: str
    method: str
    asset: AssetId
    amount: int
    origin_amount: int


def exposures(landings: Iterable[Landing]) -> tuple[Exposure, ...]:
    """Outgoing exposure of a case's origins to every labelled entity that their money reached."""
    sums: dict[tuple[str, str, str, str, AssetId], list[int]] = defaultdict(lambda: [0, 0])
    hops: dict[tuple[str, str], int] = {}
    for landing in landings:
        if landing.label is None:
            continue
        who = (landing.label.entity, str(landing.label.category))
        hops[who] = min(landing.hops, hops.get(who, landing.hops))
        for arrival in landing.arrivals:
            for one in arrival.sums:
                total = sums[(*who, one.origin, one.method, one.asset)]
                total[0] += one.amount
                total[1] += one.origin_amount
    return tuple(_exposure(key, hops[key[:2]], amounts) for key, amounts in sorted(sums.items()))


def _exposure(key: tuple[str, str, str, str, AssetId], hops: int, amounts: list[int]) -> Exposure:
    entity, category, origin, method, asset = key
    kind = "direct" if hops <= 1 else "indirect"
    return Exposure(entity, category, "outgoing", kind, hops, origin, method, asset, amounts[0], amounts[1])
