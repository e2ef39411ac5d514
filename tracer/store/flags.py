"""Flags: one per case, rule and address; versions and reviews are only ever added."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, select

from tracer.errors import InputError, NotFound
from tracer.model import Address, FlagState, Severity
from tracer.store.bulk import Interner, add, addresses_by_id, among
from tracer.store.rows import Flag, FlagBody, FlagVersion, Review
from tracer.store.tables import flags, reviews
from tracer.store.types import canonical, clean

Findings = Mapping[tuple[str, Address], FlagBody]
Gone = str | Callable[[Flag], str]
GONE = "the newest trace no longer finds it"


def flag_id(case_id: str, rule: str, address: Address) -> str:
    """The short id of a flag, the same in every store: 16 hex digits."""
    return sha256(canonical([case_id, rule, *address]).encode()).hexdigest()[:16]


# --- writing ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Next:
    """The version to write."""

    found: FlagBody
    version: int
    state: FlagState
    reason: str


def put(db: Connection, intern: Interner, at: datetime, case_id: str, findings: Findings, *, gone: Gone = GONE) -> int:
    """Make the case's flags say what its newest trace found; how many versions were written. Nothing is deleted."""
    before = {(flag.rule, flag.address): flag for flag in select_flags(db, flags.c.case_id == case_id)}
    intern.learn_addresses(address for _, address in findings)
    steps = {key: _found(before.get(key), found, gone) for key, found in findings.items()}
    steps |= {key: _missing(flag, gone) for key, flag in before.items() if key not in findings}
    rows = [_row(intern, at, case_id, key, step) for key, step in sorted(steps.items(), key=lambda s: s[0]) if step]
    return add(db, flags, rows)


def _found(flag: Flag | None, found: FlagBody, gone: Gone) -> _Next | None:
    if flag is None:
        return _Next(found, 1, FlagState.OPEN, "found")
    changes = _changes(flag.now, found)
    if changes and not isinstance(gone, str) and (cause := gone(flag)):
        changes = f"{changes}; {cause}"
    if flag.state is FlagState.WITHDRAWN:
        return _Next(found, flag.now.version + 1, FlagState.OPEN, f"found again{changes and ': ' + changes}")
    if not changes:
        return None
    if flag.state is FlagState.DISMISSED and "arrivals" in changes:  # it was judged without them
        return _Next(found, flag.now.version + 1, FlagState.OPEN, f"open again: {changes}")
    return _Next(found, flag.now.version + 1, flag.state, changes)


def _missing(flag: Flag, gone: Gone) -> _Next | None:
    if flag.state is FlagState.WITHDRAWN:
        return None
    now = flag.now
    last = FlagBody(now.body, now.severity, now.rule_version, now.entity)
    return _Next(last, now.version + 1, FlagState.WITHDRAWN, gone if isinstance(gone, str) else gone(flag) or GONE)


def _changes(now: FlagVersion, found: FlagBody) -> str:
    """What changed, in words; empty if nothing did."""
    entity = None if found.entity is None else clean(found.entity)
    heads = (
        ("rule version", now.rule_version, found.rule_version),
        ("severity", now.severity.value, found.severity.value),
        ("entity", now.entity, entity),
    )
    said = [f"{name} from {old} to {new}" for name, old, new in heads if old != new]
    names = sorted(now.body.keys() | found.body.keys())
    differ = [name for name in names if canonical(now.body.get(name)) != canonical(found.body.get(name))]
    if differ:
        said.append(f"changed: {', '.join(differ)}")
    return "; ".join(said)


def _row(intern: Interner, at: datetime, case_id: str, key: tuple[str, Address], step: _Next) -> dict[str, Any]:
    rule, address = key
    intern.learn_addresses([address])
    return {
        "flag_id": flag_id(case_id, rule, address),
        "version": step.version,
        "case_id": case_id,
        "rule": rule,
        "rule_version": step.found.rule_version,
        "address_id": intern.address(address),
        "entity": step.found.entity,
        "severity": step.found.severity.value,
        "state": step.state.value,
        "body": step.found.body,
        "reason": step.reason,
        "recorded_at": at,
    }


def review(db: Connection, at: datetime, name: str, *, state: FlagState, note: str, actor: str) -> None:
    """Add what a person made of a flag. Raises NotFound, and InputError for `withdrawn`, which only a trace can say."""
    if state is FlagState.WITHDRAWN:
        raise InputError("a flag is withdrawn by a trace that no longer finds it: use dismissed")
    version = one_flag(db, name).now.version
    row = {"flag_id": name, "version": version, "state": state.value, "note": note, "actor": actor, "at": at}
    add(db, reviews, [row])


# --- reading ----------------------------------------------------------------------------------------------------------


def one_flag(db: Connection, name: str) -> Flag:
    """The flag with that id and all its history. Raises NotFound."""
    for flag in select_flags(db, flags.c.flag_id == name):
        return flag
    raise NotFound(f"no flag {name!a}: `tracer flags` lists them")


def select_flags(db: Connection, where: ColumnElement[bool] | None = None) -> list[Flag]:
    """The flags whose rows fit, by case, rule and address, each with its history."""
    query = select(flags) if where is None else select(flags).where(where)
    by_flag: dict[str, list[Row[Any]]] = defaultdict(list)
    for row in db.execute(query.order_by(flags.c.version)):
        by_flag[row.flag_id].append(row)
    places = addresses_by_id(db, {rows[0].address_id for rows in by_flag.values()})
    judged = _reviews(db, by_flag)
    found = (_flag(rows, places[rows[0].address_id], judged[key]) for key, rows in by_flag.items())
    return sorted(found, key=lambda flag: (flag.case_id, flag.rule, flag.address))


def _reviews(db: Connection, names: Iterable[str]) -> dict[str, tuple[Review, ...]]:
    by_flag: dict[str, tuple[Review, ...]] = defaultdict(tuple)
    for row in sorted(among(db, select(reviews), reviews.c.flag_id, set(names)), key=lambda row: row.id):
        by_flag[row.flag_id] += (Review(row.version, FlagState(row.state), row.note, row.actor, row.at),)
    return by_flag


def _flag(rows: list[Row[Any]], address: Address, judged: tuple[Review, ...]) -> Flag:
    versions = tuple(_version(row) for row in rows)
    newest = versions[-1]
    states = [review.state for review in judged if review.version == newest.version]
    state = states[-1] if states else newest.state
    return Flag(rows[0].flag_id, rows[0].case_id, rows[0].rule, address, state, versions, judged)


def _version(row: Row[Any]) -> FlagVersion:
    return FlagVersion(
        version=row.version,
        rule_version=row.rule_version,
        entity=row.entity,
        severity=Severity(row.severity),
        state=FlagState(row.state),
        body=row.body,
        reason=row.reason,
        recorded_at=row.recorded_at,
    )
