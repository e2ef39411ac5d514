"""Cases that are one: whose money went to the same addresses."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from tracer.detect.patterns import overlap
from tracer.model import Address, CaseState, Role
from tracer.store.store import Store
from tracer.taint.methods import POISON

THEIRS = frozenset({str(role) for role in (Role.ORIGIN, Role.TRANSIT, Role.FRONTIER)})  # where money is nobody known's
COLLECTS = "victim_convergence"


@dataclass(frozen=True, slots=True)
class Link:
    """Another open case, how much of the smaller of both lies in both (0 to 1), where, and where money came together.

    `collectors`: the shared addresses at which the money of several reports came together in either case.
    """

    case: str
    score: Fraction
    shared: tuple[Address, ...]
    collectors: tuple[Address, ...]


def links(store: Store, case_name: str) -> list[Link]:
    """Open cases, as they were traced last, that share unlabelled addresses with this one; the closest first."""
    case = store.case(case_name)
    newest = store.latest_trace(case.id)
    if newest is None:
        return []
    mine = json.loads(newest.result)
    found = []
    for name, other in _others(store, case.id):
        score, shared = overlap(_passed(mine), _passed(other))
        if shared:
            collectors = {*_collectors(mine), *_collectors(other)}
            found.append(Link(name, score, shared, tuple(one for one in shared if one in collectors)))
    return sorted(found, key=lambda link: (-link.score, link.case))


def _others(store: Store, case_id: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for case in store.cases():
        newest = store.latest_trace(case.id) if case.id != case_id and case.state is CaseState.OPEN else None
        if newest is not None:
            yield case.name, json.loads(newest.result)


def _passed(document: Mapping[str, Any]) -> Iterator[Address]:
    """Where its money was, at nobody's known address."""
    for row in document["addresses"]:
        came = any(one["method"] != POISON and int(one["amount"]) for one in row["taint"])
        if row["role"] in THEIRS and came and not row["labels"]:
            yield Address(row["chain"], row["address"])


def _collectors(document: Mapping[str, Any]) -> Iterator[Address]:
    return (Address(one["chain"], one["address"]) for one in document["flags"] if one["rule"] == COLLECTS)
