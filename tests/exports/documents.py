"""Documents to export: a small case made by hand, random ones, and the sample case as it is exported."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

from tests.makers import ETHEREUM, USDT, address, label, transaction, transfer, tx_hash
from tracer.actions import demo
from tracer.chains import listed
from tracer.detect.kyc import POLICY
from tracer.detect.poisoning import dropped
from tracer.detect.rules import Known
from tracer.exports import tell
from tracer.exports.document import Told, canonical, document
from tracer.exports.tell import Work
from tracer.model import Asset, AssetId, Category, Coverage, Entity, Fact, Kind, Label, Limit, OriginSpec
from tracer.registry.registry import Registry
from tracer.taint.flow import Flow
from tracer.taint.stops import Labels

VICTIM, THIEF, PEEL, FRIEND, EXCHANGE, MIXER, FRONTIER, ROUTER = map(address, range(1, 9))
ETH = AssetId(ETHEREUM, "native")
LIMIT = Fact(
    "example",
    "nokyc_limit",
    "https://example.org/limits",
    "up to 50,000 USDT a day",
    "2024-02-01",
    level="unverified",
    limit=Limit(POLICY.usd_per_day * 5, "USDT", "day"),
    valid_from="2023-06-01",
    source_date="2023-06-02",
    confidence="high",
    note="as read",
)
EXAMPLE = Entity("example", "Example Exchange", "exchange", facts=(LIMIT,))
LABELS = (label(EXCHANGE), label(MIXER, entity="Some Mixer", category=Category.MIXER))
SPEC = OriginSpec(THIEF, USDT, tx_hash(1), 90, report_ids=("r1", "r2"))
HISTORY = (
    transaction((VICTIM, THIEF, 100), tx=1, block=1),
    transaction((THIEF, ROUTER, 100), (ROUTER, PEEL, 100), tx=2, block=2, initiator=THIEF, whole=True),
    transaction((FRIEND, PEEL, 50), (FRIEND, PEEL, 0), tx=3, block=3),
    transaction((PEEL, EXCHANGE, 120), transfer(PEEL, None, 7, tx=4, asset=ETH, kind=Kind.FEE), tx=4, block=4),
    transaction((PEEL, MIXER, 10), tx=5, block=5),
    transaction((PEEL, FRONTIER, 30), tx=6, block=6),
)
READ = (THIEF, PEEL)


def flow(
    history: Iterable[Any] = HISTORY, labels: Iterable[Label] = LABELS, specs: Sequence[OriginSpec] = (SPEC,)
) -> Flow:
    """The small case, fed and read; parts of it may be others."""
    made = Flow(specs, Labels(labels))
    made.feed(history, READ)
    return made


def told(fed: Flow, *, method: str = "fifo", entities: Sequence[Entity] = (EXAMPLE,)) -> Told:
    """Everything a trace of this flow finds."""
    symbols = {t.asset: "USDT" for one in fed.transactions.values() for t in one.transfers if t.asset == USDT}
    drops = dropped(list(fed.transactions.values()), symbols, fed.read)
    assets = [_asset(kind) for kind in sorted({t.asset for o in fed.transactions.values() for t in o.transfers})]
    coverage = dict.fromkeys(fed.read, Coverage("partial", "file"))
    work = Work("small", method, Known(Registry(entities).entity_of), drops, sorted(fed.read), coverage, assets)
    return tell.told(work, fed.fold(drops.keys()))


def _asset(kind: AssetId) -> Asset:
    token = listed(kind)
    return Asset(kind, token.symbol, token.decimals, listed=True) if token else Asset(kind, "MEME", None)


def small() -> dict[str, Any]:
    """The small case's document, a value of its own."""
    return plain(document(told(flow())))


@cache
def _sample() -> bytes:
    return canonical(demo.run(None, lambda _line: None).document)


def sample() -> dict[str, Any]:
    """The sample case's document as it is exported: its flags as the store knows them. A value of its own."""
    made: dict[str, Any] = json.loads(_sample())
    return made


def empty() -> dict[str, Any]:
    """A case whose reported address never moved anything."""
    return plain(document(told(flow((), (), (OriginSpec(THIEF),)))))


def plain(made: Any) -> dict[str, Any]:
    """The document as a reader of its JSON has it."""
    read: dict[str, Any] = json.loads(canonical(made))
    return read
