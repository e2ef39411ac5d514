"""Who is behind an address: every claim, which one counts and why, and what is known of the entity.

Asked for two moments: `at` in the world, and `known_at`: what this store knew then.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from tracer.actions.registry import refresh
from tracer.detect.kyc import POLICY, Policy, in_force
from tracer.detect.sanctions import sanctioned
from tracer.detect.successors import low_kyc_of, predecessors
from tracer.exports import plain
from tracer.model import CONFIDENCE, Address, Answer, Entity, Judgement, Label
from tracer.registry.registry import Registry
from tracer.store.store import Store
from tracer.taint.stops import STOPS, precedence, valid

SCHEMA = "tracer.who/1"
Plain = dict[str, Any]


def who(
    store: Store,
    address: Address,
    *,
    at: datetime | None = None,
    known_at: datetime | None = None,
    policy: Policy = POLICY,
) -> Plain:
    """Every claim ever made on an address, and what held at a moment by what was known at another (default: now)."""
    refresh(store)
    now = datetime.now(UTC)
    at, known = at or now, known_at or now
    registry = Registry(store.entities(known_at))
    claims = store.labels([address], history=True)
    standing = [claim for claim in claims if _knew(claim.recorded_at, claim.withdrawn_at, known_at)]
    counting = sorted((claim for claim in standing if valid(claim, at)), key=precedence, reverse=True)
    entities = _entities(registry, counting)
    winner = counting[0] if counting else None
    return {
        "schema": SCHEMA,
        **plain.place(address),
        "at": plain.moment(at),
        "known_at": plain.moment(known),
        "claims": [_claim(claim, registry, claim in standing, at, winner) for claim in claims],
        "winner": plain.label(winner) if winner else None,
        "stop": str(STOPS[winner.category] or "none") if winner else None,
        "why": _why(counting, len(claims), len(standing)),
        "sanctioned": _any_sanctioned(entities, at),
        "entities": [
            _entity(entity, registry, at, policy) | {"facts": fact_history(store, [entity], at, known_at)}
            for entity in entities
        ],
        "screenings": [
            plain.moment(one.at) for one in store.screenings(address) if known_at is None or _by(one.at, known)
        ],
    }


def _knew(recorded: datetime | None, withdrawn: datetime | None, known_at: datetime | None) -> bool:
    """Whether it was known then; None: whether it stands."""
    if known_at is None:
        return withdrawn is None
    return _by(recorded, known_at) and (withdrawn is None or withdrawn > known_at)


def _by(moment: datetime | None, known_at: datetime) -> bool:
    return moment is not None and moment <= known_at


def _why(counting: Sequence[Label], made: int, standing: int) -> str:
    """The rule that chose the winner, in words (model.taint.stops.precedence)."""
    if not counting:
        return (
            f"of {made} claims ever made {standing} stood then, none of them valid at that moment"
            if made
            else "no claim was ever made"
        )
    first = counting[0]
    if len(counting) == 1:
        return "the only claim that stood and was valid at that moment"
    second = counting[1]
    if first.confidence != second.confidence:
        return f"the highest confidence of {len(counting)} claims: {first.confidence} before {second.confidence}"
    if first.valid_from != second.valid_from:
        return f"of the {len(counting)} claims the one valid since later, at equal confidence"
    return f"of {len(counting)} claims, equal in confidence and start, the last by text"


def _claim(claim: Label, registry: Registry, stood: bool, at: datetime, winner: Label | None) -> Plain:  # noqa: FBT001
    entity = registry.entity_of(claim.entity)
    levels = [name for name, level in CONFIDENCE.items() if level == claim.confidence]
    return plain.label(claim) | {
        "entity_id": entity.id if entity else None,
        "levels": levels,
        "feed": claim.feed,
        "recorded_at": plain.moment(claim.recorded_at),
        "withdrawn_at": plain.moment(claim.withdrawn_at),
        "withdrawn_reason": claim.withdrawn_reason,
        "stood": stood,
        "valid": valid(claim, at),
        "counts": claim is winner,
    }


def _entities(registry: Registry, claims: Iterable[Label]) -> list[Entity]:
    """The entities that claims name, the winner's first."""
    found = (registry.entity_of(claim.entity) for claim in claims)
    return list({entity.id: entity for entity in found if entity}.values())


def _entity(entity: Entity, registry: Registry, at: datetime, policy: Policy) -> Plain:
    return {
        "id": entity.id,
        "name": entity.name,
        "kind": entity.kind,
        "jurisdictions": list(entity.jurisdictions),
        "successor_of": entity.successor_of,
        "sanctioned": judgement(sanctioned(entity, at)),
        "low_kyc": judgement(low_kyc_of(entity, registry.entity_of, at, policy)) | {"policy": policy.version},
        "predecessors": inherited(entity, registry, at),
    }


def inherited(entity: Entity, registry: Registry, at: datetime) -> list[Plain]:
    """Whose business it carries on, and whether they were sanctioned then: a sanction is told, never inherited."""
    before = predecessors(entity, registry.entity_of)
    return [{"id": one.id, "name": one.name, "sanctioned": judgement(sanctioned(one, at))} for one in before]


def fact_history(store: Store, entities: Iterable[Entity], at: datetime, known_at: datetime | None) -> list[Plain]:
    """Every fact ever stated on entities: whether it stood by what was known, and was in force at the moment."""
    named = {entity.id: entity for entity in entities}
    return [
        plain.fact(one.fact, named[one.fact.entity])
        | {
            "feed": one.feed,
            "recorded_at": plain.moment(one.recorded_at),
            "withdrawn_at": plain.moment(one.withdrawn_at),
            "withdrawn_reason": one.withdrawn_reason,
            "stood": _knew(one.recorded_at, one.withdrawn_at, known_at),
            "in_force": str(in_force(one.fact, at)),
        }
        for one in store.facts(sorted(named))
    ]


def judgement(judged: Judgement) -> Plain:
    """An answer with its reason and the ids of the facts that decided."""
    return {"answer": str(judged.answer), "reason": judged.reason, "facts": [fact.id for fact in judged.facts]}


def _any_sanctioned(entities: Sequence[Entity], at: datetime) -> Plain:
    """Yes if any entity named was sanctioned then: a surer claim of another must not hide it."""
    judged = [sanctioned(entity, at) for entity in entities]
    order = (Answer.YES, Answer.UNKNOWN, Answer.NO)
    found = min(
        judged,
        key=lambda one: order.index(one.answer) if one.facts or one.answer is not Answer.UNKNOWN else 3,
        default=None,
    )
    return judgement(found or Judgement(Answer.UNKNOWN, "no claim names an entity of the registry"))
