"""Which cases and flags a change of labels or facts touches. The jobs trace these cases again by themselves."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tracer.model import Address, CaseState, FlagState
from tracer.store.rows import Flag
from tracer.store.store import Store


@dataclass(frozen=True, slots=True)
class Affected:
    """An open case whose newest trace met what changed, and the ids of its flags that stand there."""

    case: str
    flags: tuple[str, ...]


def affected(store: Store, since: datetime) -> tuple[Affected, ...]:
    """The open cases that were traced with labels or facts recorded or withdrawn since a moment, by name."""
    found = []
    for case in store.cases():
        newest = store.latest_trace(case.id) if case.state is CaseState.OPEN else None
        if newest is None:
            continue
        document = json.loads(newest.result)
        places = _labels_changed(store, document, since)
        entities = _facts_changed(store, document, since)
        if places or entities:
            standing = (flag for flag in store.flags(case.id) if flag.state is not FlagState.WITHDRAWN)
            found.append(Affected(case.name, tuple(flag.id for flag in standing if _rests(flag, places, entities))))
    return tuple(found)


def _labels_changed(store: Store, document: Mapping[str, Any], since: datetime) -> set[Address]:
    ends = {(one["chain"], one[end]) for one in document["transfers"] for end in ("sender", "recipient") if one[end]}
    ends |= {(one["chain"], one["address"]) for one in document["labels"]}
    history = store.labels([Address(*end) for end in sorted(ends)], history=True)
    return {one.address for one in history if _since(one.recorded_at, since) or _since(one.withdrawn_at, since)}


def _facts_changed(store: Store, document: Mapping[str, Any], since: datetime) -> set[str]:
    ids = [one["id"] for one in document["entities"]]
    stated = store.facts(ids) if ids else []
    return {one.fact.entity for one in stated if one.recorded_at >= since or _since(one.withdrawn_at, since)}


def _since(at: datetime | None, since: datetime) -> bool:
    return at is not None and at >= since


def _rests(flag: Flag, places: Collection[Address], entities: Collection[str]) -> bool:
    cited = {fact["entity"] for fact in flag.now.body.get("facts", ())}
    return flag.address in places or not cited.isdisjoint(entities)
