"""The invented sample case, run offline in a temporary store and checked against its answer."""

from __future__ import annotations

import json
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

from tracer.actions.case import open_case
from tracer.actions.export import case_document, export, save
from tracer.actions.intake import import_entities, import_labels, import_transfers
from tracer.actions.trace import trace
from tracer.store.store import Store

ACTOR = "demo"
CASE = "invented-sample"


@dataclass(frozen=True, slots=True)
class Demo:
    """What the sample case came to. `differences`: where it is not what the answer says; empty when all is right."""

    document: Mapping[str, Any]
    counts: Mapping[str, int]
    differences: tuple[str, ...]
    compared: int


def run(graph: Path | None, say: Callable[[str], None]) -> Demo:
    """Import, trace and check the sample case; write its graph. Raises what the actions it calls raise."""
    with (
        as_file(files("sample_data")) as folder,
        tempfile.TemporaryDirectory(prefix="tracer-demo-") as home,
        Store.open(f"sqlite:///{home}/demo.db") as store,
    ):
        import_entities(store, folder / "entities.yaml", ACTOR)
        labels = import_labels(store, folder / "labels.csv", ACTOR)
        transfers = import_transfers(store, folder / "transfers.csv", ACTOR)
        case = open_case(store, CASE, ACTOR, report_file=folder / "reports.csv")
        say(f"imported {transfers.rows} transfers and {labels.rows} labels; the case has {len(case.origins)} payments")
        trace(store, CASE, ACTOR, progress=lambda r: say(f"round {r.number}: {r.read} addresses read"))
        document = case_document(store, CASE)
        if graph is not None:
            save(export(store, CASE, "graphml"), graph)
        answer = json.loads((folder / "answer.json").read_text(encoding="utf-8"))
        differences, compared = differing(document, answer)
    counts: dict[str, int] = defaultdict(int)
    for flag in document["flags"]:
        counts[flag["rule"]] += 1
    return Demo(document, counts, tuple(differences), compared)


Amounts = dict[tuple[str, str, str, str, str], int]  # rule, chain, address, method, asset


def differing(document: Mapping[str, Any], answer: Mapping[str, Any]) -> tuple[list[str], int]:
    """Where flags and amounts are not the answer's: -> (sentences, how many amounts were compared)."""
    found, expected = _found(document["flags"]), _expected(answer["flags"])
    wrong = [
        f"{' '.join(key)}: found {found.get(key, 0)}, the answer says {expected.get(key, 0)}"
        for key in sorted(found.keys() | expected.keys())
        if found.get(key, 0) != expected.get(key, 0)
    ]
    flagged = {(flag["chain"], flag["address"]) for flag in document["flags"]}
    wrong += [
        f"{one['chain']} {one['address']}: flagged, though {one['why']}"
        for one in answer["not_flagged"]
        if (one["chain"], one["address"]) in flagged
    ]
    return wrong, len(found.keys() | expected.keys())


def _found(flags: Iterable[Mapping[str, Any]]) -> Amounts:
    sums: Amounts = defaultdict(int)
    for flag in flags:
        for one in flag["amounts"]:
            sums[(flag["rule"], flag["chain"], flag["address"], one["method"], one["asset"])] += int(one["amount"])
    return sums


def _expected(flags: Iterable[Mapping[str, Any]]) -> Amounts:
    return {
        (flag["rule"], flag["chain"], flag["address"], method, asset): int(amount)
        for flag in flags
        for method, by_asset in flag["amounts"].items()
        for asset, amount in by_asset.items()
    }
