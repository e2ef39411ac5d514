"""An entity that carries on another's business: what is inherited, and what is not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime

from tracer.detect.kyc import POLICY, Policy, low_kyc
from tracer.model import Answer, Entity, Judgement

EntityOf = Callable[[str], Entity | None]


def predecessors(entity: Entity, entity_of: EntityOf) -> Iterator[Entity]:
    """Those it carries on, the nearest first. A ring ends where it closes."""
    seen = {entity.id}
    before = entity_of(entity.successor_of) if entity.successor_of else None
    while before is not None and before.id not in seen:
        seen.add(before.id)
        yield before
        before = entity_of(before.successor_of) if before.successor_of else None


def low_kyc_of(entity: Entity, entity_of: EntityOf, at: datetime, policy: Policy = POLICY) -> Judgement:
    """Whether an entity's customer checks were weak: by its own facts, else as its predecessor's were.

    Only a yes is inherited, and only where its own facts decide nothing: a rebrand does not clean a service, and a
    predecessor's good checks say nothing of it. A sanction is never inherited: a list names whom it means.
    """
    own = low_kyc(entity.facts, at, policy)
    if own.answer is not Answer.UNKNOWN:
        return own
    for before in predecessors(entity, entity_of):
        judged = low_kyc(before.facts, at, policy)
        if judged.answer is Answer.YES:
            return replace(judged, reason=f"{entity.name} is the successor of {before.name}: {judged.reason}")
    return own
