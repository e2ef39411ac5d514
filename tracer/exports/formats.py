"""FORMATS: name -> how to write the canonical document. To add a format is to add a row."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tracer.exports.document import canonical
from tracer.exports.graph import graphml
from tracer.exports.ledger import ledger_csv
from tracer.exports.table import csv


@dataclass(frozen=True, slots=True)
class Format:
    """A row of FORMATS."""

    suffix: str
    says: str
    write: Callable[[Mapping[str, Any]], bytes]


FORMATS: dict[str, Format] = {
    "json": Format(".json", "the canonical case document: everything, with the digest", canonical),
    "graphml": Format(".graphml", "addresses as nodes, hops as edges: Gephi, yEd, Maltego, Neo4j", graphml),
    "csv": Format(".csv", "one line a hop, with what it carried under every method", csv),
    "ledger": Format(
        ".ledger.csv", "one line an address, asset and method: what came in, went out, is held; in CSV", ledger_csv
    ),
}
