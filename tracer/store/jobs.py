"""Leases, so that only one does what only one may do, and the runs of jobs. Neither enters the audit trail."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Table, delete, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from tracer.errors import NotFound
from tracer.store.rows import Run
from tracer.store.tables import leases, runs

ABANDONED = "abandoned"
_INSERT: dict[str, Callable[[Table], Any]] = {"postgresql": postgresql.insert, "sqlite": sqlite.insert}

# --- leases -----------------------------------------------------------------------------------------------------------


def take(db: Connection, now: datetime, name: str, *, holder: str, seconds: float) -> bool:
    """Take a lease that is free, over or the holder's own, until so many seconds from now; whether that succeeded.

    One statement: of two at the same moment the database lets one through and shows its row to the other.
    """
    until = now + timedelta(seconds=seconds)
    taken = _INSERT[db.dialect.name](leases).values(name=name, holder=holder, until=until)
    taken = taken.on_conflict_do_update(
        index_elements=[leases.c.name],
        set_={"holder": holder, "until": until},
        where=(leases.c.holder == holder) | (leases.c.until <= now),
    )
    return db.execute(taken.returning(leases.c.name)).first() is not None


def release(db: Connection, name: str, holder: str) -> None:
    """Give a lease back; nothing happens where it is another's."""
    db.execute(delete(leases).where(leases.c.name == name, leases.c.holder == holder))


def holder_of(db: Connection, name: str) -> tuple[str, datetime] | None:
    """Who took a lease last, and until when; None if nobody did or it was given back."""
    row = db.execute(select(leases.c.holder, leases.c.until).where(leases.c.name == name)).one_or_none()
    return None if row is None else (row.holder, row.until)


# --- runs -------------------------------------------------------------------------------------------------------------


def start(db: Connection, now: datetime, job: str, holder: str) -> int:
    """Record that a run began; its id."""
    written = insert(runs).values(job=job, holder=holder, started_at=now).returning(runs.c.id)
    return int(db.execute(written).scalar_one())


def end(db: Connection, now: datetime, run_id: int, *, result: str, error: str | None) -> None:
    """Record how a run ended. Raises NotFound where none is under way by that id."""
    here = (runs.c.id == run_id, runs.c.ended_at.is_(None))
    if not db.execute(update(runs).where(*here).values(ended_at=now, result=result, error=error)).rowcount:
        raise NotFound(f"no run {run_id} is under way")


def abandon(db: Connection, holder: str, job: str | None) -> int:
    """Say of the runs of all other holders (of one job) that never ended that they were abandoned; how many."""
    open_ = update(runs).where(runs.c.holder != holder, runs.c.result.is_(None))
    return db.execute((open_ if job is None else open_.where(runs.c.job == job)).values(result=ABANDONED)).rowcount


def latest(db: Connection, job: str | None, limit: int) -> list[Run]:
    """So many runs of a job, or of all, the newest first."""
    query = select(runs).order_by(runs.c.id.desc()).limit(limit)
    rows = db.execute(query if job is None else query.where(runs.c.job == job))
    return [Run(**row._mapping) for row in rows]
