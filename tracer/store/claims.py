"""What people and lists say: labels, entities with facts, reports. Claims are added and withdrawn, never changed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, replace
from datetime import datetime
from decimal import Decimal
from hashlib import sha256
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Table, and_, or_, select, update

from tracer.errors import Conflict
from tracer.model import Address, Category, Entity, Fact, Label, Limit, Report
from tracer.store.bulk import Interner, add, addresses_by_id, among, assets_by_id, ids_or_all
from tracer.store.tables import entities, facts, labels, report_private, reports
from tracer.store.types import canonical, clean

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


def _add_claims(db: Connection, table: Table, rows: Mapping[bytes, Mapping[str, Any]]) -> int:
    known = _standing(db, table, rows.keys())
    return add(db, table, [{"claim": claim, **row} for claim, row in rows.items() if claim not in known])


def _withdraw(db: Connection, table: Table, at: datetime, claims: Collection[bytes]) -> int:
    found = _standing(db, table, claims)
    for claim in found:
        here = and_(table.c.claim == claim, table.c.withdrawn_at.is_(None))
        db.execute(update(table).where(here).values(withdrawn_at=at))
    return len(found)


# --- labels -----------------------------------------------------------------------------------------------------------


def _label_hash(label: Label) -> bytes:
    sure = format(label.confidence.normalize(), "f")  # 0.5 and 0.50 say the same
    said = (*label.address, label.entity, label.category, sure, label.source, label.valid_from, label.valid_to)
    return _hash(*said)


def add_labels(db: Connection, intern: Interner, at: datetime, given: Iterable[Label]) -> int:
    """Add what nobody claims already; how many. `at` becomes `recorded_at`."""
    given = list(given)
    intern.learn_addresses(label.address for label in given)
    rows = {
        _label_hash(label): {
            "address_id": intern.address(label.address),
            "entity": label.entity,
            "category": label.category.value,
            "confidence": label.confidence,
            "source": label.source,
            "valid_from": label.valid_from,
            "valid_to": label.valid_to,
            "recorded_at": at,
        }
        for label in given
    }
    return _add_claims(db, labels, rows)


def withdraw_labels(db: Connection, at: datetime, given: Iterable[Label]) -> int:
    """End the standing claims that say the same as these; how many there were."""
    return _withdraw(db, labels, at, [_label_hash(label) for label in given])


def standing_labels(db: Connection, wanted: Collection[Address] | None, history: bool) -> list[Label]:
    """The labels of these addresses, or all, by address; with `history` the withdrawn ones too."""
    query = select(labels) if history else select(labels).where(labels.c.withdrawn_at.is_(None))
    rows = list(among(db, query, labels.c.address_id, ids_or_all(db, wanted)))
    places = addresses_by_id(db, {row.address_id for row in rows})
    return sorted((_label(row, places) for row in rows), key=_label_order)


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
    )


def _label_order(label: Label) -> tuple[Any, ...]:
    return (label.address, label.entity, label.source, _label_hash(label), label.recorded_at)


# --- entities ---------------------------------------------------------------------------------------------------------


def add_entities(db: Connection, at: datetime, given: Iterable[Entity]) -> int:
    """Describe entities as given and add facts that are new; how many entities or facts that were."""
    wanted = {entity.id: entity for entity in given}
    known = {row.id: row for row in among(db, select(entities), entities.c.id, wanted.keys())}
    changed = 0
    for key, entity in wanted.items():
        row = _entity_row(entity)
        if key not in known:
            changed += add(db, entities, [row])
        elif canonical(dict(known[key]._mapping)) != canonical(row):
            changed += db.execute(update(entities).where(entities.c.id == key).values(row)).rowcount
    said = [fact for entity in wanted.values() for fact in entity.facts]
    rows = {_fact_hash(fact): {**_fact_row(fact), "recorded_at": at} for fact in said}
    return changed + _add_claims(db, facts, rows)


def withdraw_facts(db: Connection, at: datetime, given: Iterable[Fact]) -> int:
    """End the standing facts that say the same as these; how many there were."""
    return _withdraw(db, facts, at, [_fact_hash(fact) for fact in given])


def all_entities(db: Connection, at: datetime | None = None) -> list[Entity]:
    """Every entity by id, each with the facts that stand, or that stood at a moment."""
    by_entity: dict[str, list[Fact]] = defaultdict(list)
    for row in db.execute(select(facts).where(_stood(facts, at))):
        by_entity[row.entity_id].append(_fact(row.body))
    found = [_entity(row, by_entity[row.id]) for row in db.execute(select(entities))]
    return sorted(found, key=lambda entity: entity.id)


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


def _fact_hash(fact: Fact) -> bytes:
    return _hash(asdict(fact))


def _fact_row(fact: Fact) -> dict[str, Any]:
    return {"entity_id": fact.entity, "kind": fact.kind, "body": asdict(fact)}


def _fact(body: Mapping[str, Any]) -> Fact:
    limit = body["limit"]
    return Fact(**{**body, "limit": limit and Limit(Decimal(limit["amount"]), limit["asset"], limit["period"])})


# --- reports ----------------------------------------------------------------------------------------------------------


def add_reports(db: Connection, intern: Interner, at: datetime, given: Iterable[Report]) -> int:
    """Add reports that are new; how many lines. Raises Conflict where a report says something else of the same."""
    wanted: dict[object, Report] = {}
    said = [_cleaned(report) for report in given]
    known = {report.about: report for report in all_reports(db, {report.report_id for report in said})}
    for report in said:
        before = known.get(report.about) or wanted.setdefault(report.about, report)
        if before != report:
            raise Conflict(f"report {report.report_id} is stored with other content: give the new one an id of its own")
    intern.learn_addresses(report.address for report in wanted.values())
    intern.learn_assets(report.asset for report in wanted.values())
    add(db, reports, [{**_report_row(intern, report), "recorded_at": at} for report in wanted.values()])
    private = [{"line": _line(r), "reporter": r.reporter, "note": r.note} for r in wanted.values()]
    return add(db, report_private, private)


def _cleaned(report: Report) -> Report:
    return replace(report, reporter=clean(report.reporter), note=clean(report.note))


def _line(report: Report) -> bytes:
    """The key of a report's line."""
    return _hash(*(str(part) for part in report.about))


def _report_row(intern: Interner, report: Report) -> dict[str, Any]:
    return {
        "line": _line(report),
        "report_id": report.report_id,
        "address_id": intern.address(report.address),
        "tx_hash": report.tx_hash,
        "asset_id": intern.asset(report.asset),
        "amount": report.amount,
        "time": report.time,
    }


def all_reports(db: Connection, ids: Collection[str] | None) -> list[Report]:
    """These reports, or all, by id, with who made them."""
    query = select(reports, report_private.c.reporter, report_private.c.note).join(report_private)
    rows = list(among(db, query, reports.c.report_id, ids))
    places = addresses_by_id(db, {row.address_id for row in rows})
    kinds = assets_by_id(db, {row.asset_id for row in rows})
    found = (
        Report(
            row.report_id,
            places[row.address_id],
            row.tx_hash,
            kinds[row.asset_id],
            row.amount,
            row.time,
            row.reporter,
            row.note,
        )
        for row in rows
    )
    return sorted(found, key=lambda report: [str(part) for part in report.about])
