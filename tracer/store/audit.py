"""The audit trail: one row an act, each carrying the hash of the one before."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import Connection, select

from tracer.store import bulk, tables
from tracer.store.rows import Audit
from tracer.store.types import canonical

START = "0" * 64


def append(db: Connection, at: datetime, *, actor: str, act: str, subject: str, detail: Mapping[str, Any]) -> None:
    """Write the next row. The caller is the only writer (engine.lock)."""
    table = tables.audit
    last = db.execute(select(table.c.seq, table.c.hash).order_by(table.c.seq.desc()).limit(1)).one_or_none()
    row = {
        "seq": last.seq + 1 if last else 1,
        "at": at,
        "actor": actor,
        "act": act,
        "subject": subject,
        "detail": dict(detail),
        "previous": last.hash if last else START,
    }
    bulk.add(db, table, [{**row, "hash": _hash(row)}])


def rows(db: Connection) -> list[Audit]:
    """All acts, oldest first."""
    return [Audit(**row._mapping) for row in db.execute(select(tables.audit).order_by(tables.audit.c.seq))]


def detail(db: Connection, act: str, subject: str) -> Mapping[str, Any]:
    """What the newest row of such an act says beside; nothing if there is none."""
    table = tables.audit
    query = select(table.c.detail).where(table.c.act == act, table.c.subject == subject)
    found: Mapping[str, Any] | None = db.execute(query.order_by(table.c.seq.desc()).limit(1)).scalar_one_or_none()
    return found or {}


def first_bad(db: Connection) -> int | None:
    """The `seq` of the first row that was changed, or where one is missing; None if the chain holds.

    Rows cut off at the end leave a chain that holds: compare its last hash with one that was kept elsewhere.
    """
    previous = START
    for expected, row in enumerate(rows(db), start=1):
        content = {name: getattr(row, name) for name in ("seq", "at", "actor", "act", "subject", "detail", "previous")}
        if row.seq != expected or row.previous != previous or row.hash != _hash(content):
            return expected
        previous = row.hash
    return None


def _hash(row: Mapping[str, Any]) -> str:
    return sha256(canonical(row).encode()).hexdigest()
