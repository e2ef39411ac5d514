"""What the product says of a world, in the world's own words, to be held against its truth."""

from __future__ import annotations

from collections import Counter

from tests.worlds.stage import ASSETS
from tests.worlds.world import Arrivals, Mark, World
from tracer.detect.poisoning import dropped
from tracer.model import Address, AssetId, Limits
from tracer.taint.entries import EndKind
from tracer.taint.flow import Flow, Result
from tracer.taint.stops import Labels

ENDED = {EndKind.ARRIVAL, EndKind.MIXER, EndKind.BRIDGE}


def folded(world: World, *, hubs: bool = True) -> Result:
    """The whole world fed, every address read. Without `hubs` no address is too busy to follow."""
    limits = Limits() if hubs else Limits(hub_counterparties=10**9)
    flow = Flow(world.origins, Labels(world.labels), limits)
    flow.feed(world.transactions, world.addresses)
    symbols = {asset: symbol for asset, (symbol, _) in ASSETS.items()}
    return flow.fold(dropped(world.transactions, symbols, world.addresses))


def arrivals(result: Result, method: str = "fifo") -> Arrivals:
    """What came to labelled ends, by address, asset, transaction and whose it was."""
    book, sums = result.books[method], Counter[tuple[Address, AssetId, str, Mark]]()
    for end in (one for one in book.ends if one.kind in ENDED):
        origin = result.origins.found[end.origin]
        mark = Mark(origin.address, origin.asset, origin.tx_hash)
        sums[(end.address, end.asset, book.steps[end.step].transaction.tx_hash, mark)] += end.amount
    return {key: amount for key, amount in sums.items() if amount}
