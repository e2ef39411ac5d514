"""A world as files: transfers.csv, labels.csv, reports.csv for the product; truth.csv and case.json to score it."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from tests.worlds.stage import ASSETS
from tests.worlds.world import World
from tracer.model import OriginSpec, Transaction

TRANSFERS = [
    *("chain", "tx_hash", "block", "tx_index", "index", "time", "kind", "sender", "recipient"),
    *("asset", "symbol", "decimals", "amount", "initiator"),
]
REPORTS = ["report_id", "chain", "address", "tx_hash", "asset", "amount", "time", "reporter", "note"]


def write(world: World, folder: Path) -> None:
    """Write a world. Origins in case.json are addresses; reports.csv also has the reported payments."""
    folder.mkdir(parents=True, exist_ok=True)
    _table(folder / "transfers.csv", TRANSFERS, (row for one in world.transactions for row in _rows(one)))
    _table(
        folder / "labels.csv",
        ["chain", "address", "entity", "category", "confidence", "source"],
        ([*one.address, one.entity, one.category, one.confidence, one.source] for one in world.labels),
    )
    _table(folder / "reports.csv", REPORTS, map(_report, world.origins))
    _table(
        folder / "truth.csv",
        ["chain", "address", "role"],
        ([address.chain, address.text.lower(), role] for address, role in sorted(world.truth.roles.items())),
    )
    origins = [dict(zip(("chain", "address"), one, strict=True)) for one in sorted({o.address for o in world.origins})]
    case = {"name": f"World {world.seed}", "origins": origins, "note": "Invented. Its payments are in reports.csv."}
    (folder / "case.json").write_text(json.dumps(case, indent=1) + "\n", encoding="utf-8")


def _table(path: Path, columns: list[str], rows: Iterable[list[Any]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(columns)
        out.writerows(rows)


def _rows(one: Transaction) -> Iterator[list[Any]]:
    for t in one.transfers:
        yield [
            *(one.chain, one.tx_hash, one.block, one.tx_index, t.index, one.at.strftime("%Y-%m-%dT%H:%M:%SZ"), t.kind),
            *(t.sender and t.sender.text, t.recipient and t.recipient.text, t.asset.contract, *ASSETS[t.asset]),
            *(t.amount, one.initiator and one.initiator.text),
        ]


def _report(spec: OriginSpec) -> list[Any]:
    return [
        *(spec.report_ids[0], *spec.address, spec.tx_hash, spec.asset and spec.asset.contract, spec.amount),
        *("", "invented", ""),
    ]
