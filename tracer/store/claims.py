"""What people and lists say: labels, entities with facts. Claims are added and withdrawn, never changed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, replace
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from hashlib import sha256
from json import JSONEncoder
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Row, Select, Table, and_, bindparam, or_, select, update

from tracer.model import Address, Category, Entity, Fact, Label, Limit
from tracer.store.bulk import Interner, add, addresses_by_id, among, among_pairs, pieces
from tracer.store.rows import Stated
from tracer.store.tables import addresses, entities, facts, labels
from tracer.store.types import canonical, clean, utc

PIECE = 20_000  # labels that are made ready at once: what bounds the memory of a large list


class Withdrawal(NamedTuple):
    """When, why and by whom a claim is withdrawn: a person, a job, or `feed NAME`."""

    at: datetime
    reason: str
    by: str


# --- claims -----------------------------------------------------------------------------------------------------------


def _hash(*said: Any) -> bytes:
    return sha256(canonical(said).encode()).digest()


def _standing(db: Connection, table: Table, claims: Collection[bytes]) -> set[bytes]:
    query = select(table.c.claim).where(table.c.withdrawn_at.is_(None))
    return {row.claim for row in among(db, query, table.c.claim, claims)}


def _stood(table: Table, at: datetime | None) -> ColumnElement[bool]:
    """The claims that stand, or stood at a moment."""
    stands = table.c.withdrawn_at.is_(None)
    return stands if at is None else and_(table.c.recorded_at <= at, or_(stands, table.c.withdrawn_at > at))


def _refused(db: Connection, table: Table, claims: Collection[bytes], by: str) -> set[bytes]:
    """Those of these claims that somebody else than `by` withdrew: a list does not overrule a person."""
    another = or_(table.c.withdrawn_by.is_(None), table.c.withdrawn_by != by)
    query = select(table.c.claim).where(table.c.withdrawn_at.is_not(None), another)
    return {row.claim for row in among(db, query, table.c.claim, claims)}


def _add_claims(db: Connection, table: Table, rows: Mapping[bytes, Mapping[str, Any]], by: str | None) -> list[bytes]:
    """Add what does not stand; with `by` only what nobody else withdrew. -> what was added."""
    known = _standing(db, table, rows.keys())
    if by is not None:
        known |= _refused(db, table, rows.keys() - known, by)
    new = [claim for claim in rows if claim not in known]
    add(db, table, [{"claim": claim, **rows[claim]} for claim in new])
    return new


def withdraw_claims(db: Connection, table: Table, claims: Collection[bytes], how: Withdrawal) -> int:
    """End the standing claims among these; how many there were."""
    found = sorted(_standing(db, table, claims))
    here = and_(table.c.claim == bindparam("this"), table.c.withdrawn_at.is_(None))
    said = {"withdrawn_at": how.at, "withdrawn_reason": how.reason, "withdrawn_by": how.by}
    if found:
        db.execute(update(table).where(here).values(said), [{"this": claim} for claim in found])
    return len(found)


# --- labels -----------------------------------------------------------------------------------------------------------


_JSON = JSONEncoder(separators=(",", ":")).encode


def label_hash(label: Label, feed: str | None = None) -> bytes:
    """What makes two claims the same: all that is said, and the feed (else the label's own) that says it.

    The SHA-256 of the canonical form, written out here because a list has millions of claims.
    """
    said = [
        *label.address,
        clean(label.entity),
        label.category.value,
        _sure(label.confidence),
        clean(label.source),
        None if label.valid_from is None else utc(label.valid_from).isoformat(),
        None if label.valid_to is None else utc(label.valid_to).isoformat(),
    ]
    by = feed or label.feed
    return sha256(_JSON([*said, by] if by else said).encode()).digest()


@lru_cache(maxsize=1000)
def _sure(confidence: Decimal) -> str:
    return format(confidence.normalize(), "f")  # 0.5 and 0.50 say the same


def add_labels(db: Connection, at: datetime, given: Iterable[Label], *, by: str | None = None) -> int:
    """Add what nobody claims already; how many. `at` becomes `recorded_at`.

    With `by` a claim that somebody else withdrew stays withdrawn.
    """
    added = 0
    for piece in pieces(given, PIECE):
        intern = Interner(db)  # a new one for each piece: a list may name millions of addresses
        intern.learn_addresses(label.address for label in piece)
        rows = {label_hash(label): label_row(intern, at, label) for label in piece}
        added += len(_add_claims(db, labels, rows, by))
    return added


def label_row(intern: Interner, at: datetime, label: Label, feed: str | None = None) -> dict[str, Any]:
    """A claim as it is kept, but for its hash. Its address must have been learned."""
    return {
        "address_id": intern.address(label.address),
        "entity": label.entity,
        "category": label.category.value,
        "confidence": label.confidence,
        "source": label.source,
        "valid_from": label.valid_from,
        "valid_to": label.valid_to,
        "recorded_at": at,
        "feed": feed or label.feed,
    }


def withdraw_labels(db: Connection, given: Iterable[Label], how: Withdrawal) -> int:
    """End the standing claims that say the same as these; how many there were."""
    return withdraw_claims(db, labels, [label_hash(label) for label in given], how)


_ALL = select(labels).join(addresses, labels.c.address_id == addresses.c.id)
_STANDING = _ALL.where(labels.c.withdrawn_at.is_(None))


def standing_labels(db: Connection, wanted: Collection[Address] | None, history: bool) -> list[Label]:
    """The labels of these addresses, or all, by address; with `history` the withdrawn ones too.

    What a feed and a person both say in the same words is given once, as the person's.
    """
    query = _ALL if history else _STANDING
    one = addresses.c.chain, addresses.c.text
    found = _labels(db, list(db.execute(query) if wanted is None else among_pairs(db, query, *one, wanted)))
    return found if history else _once(found)


def labels_where(db: Connection, query: Select[Any]) -> list[Label]:
    """The labels of a query, by address."""
    return _labels(db, list(db.execute(query)))


def _labels(db: Connection, rows: list[Row[Any]]) -> list[Label]:
    places = addresses_by_id(db, {row.address_id for row in rows})
    return sorted((_label(row, places) for row in rows), key=_label_order)


def _once(found: list[Label]) -> list[Label]:
    if not any(label.feed for label in found):
        return found
    by_feed = sorted(found, key=lambda label: label.feed or "")
    said = {label_hash(replace(label, feed=None)): label for label in reversed(by_feed)}
    return sorted(said.values(), key=_label_order)


def _label(row: Row[Any], places: Mapping[int | None, Any]) -> Label:
    return Label(
        address=places[row.address_id],
        entity=row.entity,
        category=Category(row.category),
        confidence=row.confidence,
        source=row.source,
        valid_from=row.valid_from,
        valid_to=row.valid_to,
        recorded_at=row.recorded_at,
        withdrawn_at=row.withdrawn_at,
        withdrawn_reason=row.withdrawn_reason,
        feed=row.feed,
    )


def _label_order(label: Label) -> tuple[Any, ...]:
    return (label.address, label.entity, label.source, label_hash(label), label.recorded_at)


# --- entities ---------------------------------------------------------------------------------------------------------


def add_entities(
    db: Connection, at: datetime, given: Iterable[Entity], *, by: str | None = None, feed: str | None = None
) -> int:
    """Describe entities as given and add facts that are new; how many entities or facts that were.

    With `by` a fact that somebody else withdrew stays withdrawn. A feed describes only what nobody else does.
    """
    wanted = {entity.id: entity for entity in given}
    known = {row.id: row for row in among(db, select(entities), entities.c.id, wanted.keys())}
    changed = 0
    for key, entity in wanted.items():
        row = {**_entity_row(entity), "feed": feed, "withdrawn_at": None}
        if key not in known:
            changed += add(db, entities, [row])
        elif feed is not None and known[key].feed != feed:
            continue  # somebody else describes it
        elif canonical(dict(known[key]._mapping)) != canonical(row):
            changed += db.execute(update(entities).where(entities.c.id == key).values(row)).rowcount
    return changed + add_facts(db, at, (fact for entity in wanted.values() for fact in entity.facts), by=by, feed=feed)


def add_facts(
    db: Connection, at: datetime, given: Iterable[Fact], *, by: str | None = None, feed: str | None = None
) -> int:
    """State what nobody states already; how many facts that were. `by` as for entities."""
    rows = {fact_hash(fact): {**_fact_row(fact), "recorded_at": at, "feed": feed} for fact in given}
    return len(_add_claims(db, facts, rows, by))


def withdraw_facts(db: Connection, given: Iterable[Fact], how: Withdrawal) -> int:
    """End the standing facts that say the same as these; how many there were."""
    return withdraw_claims(db, facts, [fact_hash(fact) for fact in given], how)


def all_entities(db: Connection, at: datetime | None = None) -> list[Entity]:
    """Every entity by id, each with the facts that stand, or that stood at a moment."""
    by_entity: dict[str, list[Fact]] = defaultdict(list)
    for row in db.execute(select(facts).where(_stood(facts, at))):
        by_entity[row.entity_id].append(_fact(row.body))
    stands = entities.c.withdrawn_at.is_(None)
    held = stands if at is None else or_(stands, entities.c.withdrawn_at > at)
    found = [_entity(row, by_entity[row.id]) for row in db.execute(select(entities).where(held))]
    return sorted(found, key=lambda entity: entity.id)


def stated(db: Connection, ids: Collection[str] | None) -> list[Stated]:
    """Every fact on these entities, or on all, the withdrawn ones too: by entity, oldest first."""
    rows = among(db, select(facts), facts.c.entity_id, ids)
    said = [
        Stated(_fact(r.body), r.recorded_at, r.withdrawn_at, r.withdrawn_reason, r.withdrawn_by, r.feed) for r in rows
    ]
    return sorted(said, key=lambda one: (one.fact.entity, one.recorded_at, one.fact.kind, one.fact.id))


def _entity_row(entity: Entity) -> dict[str, Any]:
    body = {
        "aliases": entity.aliases,
        "jurisdictions": entity.jurisdictions,
        "successor_of": entity.successor_of,
        "note": entity.note,
    }
    return {"id": entity.id, "name": entity.name, "kind": entity.kind, "body": body}


def _entity(row: Row[Any], said: Iterable[Fact]) -> Entity:
    return Entity(
        id=row.id,
        name=row.name,
        kind=row.kind,
        aliases=tuple(row.body["aliases"]),
        jurisdictions=tuple(row.body["jurisdictions"]),
        successor_of=row.body["successor_of"],
        note=row.body["note"],
        facts=tuple(sorted(said, key=lambda fact: (fact.kind, canonical(asdict(fact))))),
    )


def fact_hash(fact: Fact) -> bytes:
    """What makes two facts the same: all that they say."""
    return _hash(asdict(fact))


def _fact_row(fact: Fact) -> dict[str, Any]:
    return {"entity_id": fact.entity, "kind": fact.kind, "body": asdict(fact)}


def _fact(body: Mapping[str, Any]) -> Fact:
    limit = body["limit"]
    return Fact(**{**body, "limit": limit and Limit(Decimal(limit["amount"]), limit["asset"], limit["period"])})
