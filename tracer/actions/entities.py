"""Who is known, and what is stated of them: list, show, add a fact. Facts are never changed: one is taken back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from tracer.actions.registry import refresh
from tracer.actions.who import fact_history, inherited, judgement
from tracer.detect.kyc import POLICY, Policy
from tracer.detect.sanctions import sanctioned
from tracer.detect.successors import low_kyc_of
from tracer.errors import Conflict, NotFound
from tracer.model import Entity, Fact
from tracer.registry.files import read_fact
from tracer.registry.registry import Registry
from tracer.store.store import Store

Plain = dict[str, Any]


def entities(store: Store, *, at: datetime | None = None, policy: Policy = POLICY) -> list[Plain]:
    """Every entity by id, with what the registry answers of it at a moment (default: now)."""
    refresh(store)
    registry = Registry(store.entities())
    moment = at or datetime.now(UTC)
    return [_row(one, registry, moment, policy) for one in registry.entities]


def entity(store: Store, name: str, *, at: datetime | None = None, known_at: datetime | None = None) -> Plain:
    """One entity by id, name or alias, with the whole history of its facts. Raises NotFound."""
    refresh(store)
    registry = Registry(store.entities(known_at))
    found = _named(registry, name)
    moment = at or datetime.now(UTC)
    facts = fact_history(store, [found], moment, known_at)
    described = {"aliases": list(found.aliases), "jurisdictions": list(found.jurisdictions), "note": found.note}
    return _row(found, registry, moment, POLICY) | described | {"facts": facts}


def add_fact(store: Store, name: str, said: Mapping[str, object], actor: str) -> Fact:
    """State a fact on a known entity, checked like one in a file. Raises NotFound, InputError, Conflict."""
    found = _named(refresh(store), name)
    fact = read_fact(found.id, dict(said))
    with store.act(actor, "add fact", fact.id, entity=found.id, kind=fact.kind) as work:
        if not work.add_facts([fact]):
            raise Conflict(f"fact {fact.id} stands already: it says the same in every word")
    return fact


def _named(registry: Registry, name: str) -> Entity:
    found = registry.named(name)
    if found is None:
        raise NotFound(f"no entity {name!a}: `tracer entities list` shows all")
    return found


def _row(one: Entity, registry: Registry, at: datetime, policy: Policy) -> Plain:
    return {
        "id": one.id,
        "name": one.name,
        "kind": one.kind,
        "successor_of": one.successor_of,
        "fact_count": len(one.facts),
        "low_kyc": judgement(low_kyc_of(one, registry.entity_of, at, policy)) | {"policy": policy.version},
        "sanctioned": judgement(sanctioned(one, at)),
        "predecessors": inherited(one, registry, at),
    }
