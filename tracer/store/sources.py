"""What is known of sources: what they were asked and may be asked, what failed, how far they are final, where two of
them do not say the same. None of it is an act: no audit row.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from threading import Lock
from typing import Any

from sqlalchemy import Connection, Table, case, func, select
from sqlalchemy.dialects import postgresql, sqlite

from tracer.store.rows import Disagreement, Failure, Head, Spent
from tracer.store.tables import budgets, disagreements, failures, heads, learnt, pages, transactions
from tracer.store.types import canonical

_INSERT: dict[str, Callable[[Table], Any]] = {"postgresql": postgresql.insert, "sqlite": sqlite.insert}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
FLUSH_SECONDS = 1.0  # calls without a limit are counted in memory for so long


def _put(db: Connection, table: Table, row: dict[str, Any], **change: Any) -> None:
    """Insert a row, or change what stands under its key; `change`: to what, by default to what the row says."""
    keys = [column.name for column in table.primary_key]
    changed = change or {name: value for name, value in row.items() if name not in keys}
    made = _INSERT[db.dialect.name](table).values(row)
    db.execute(made.on_conflict_do_update(index_elements=keys, set_=changed))


# --- budgets ----------------------------------------------------------------------------------------------------------


def take_turn(  # noqa: PLR0917 - what a turn is
    db: Connection, name: str, now: datetime, seconds_apart: float, per_day: int | None, calls: int
) -> datetime | None:
    """When so many calls may begin; None if the day has none left. See sources.budget.Bank.

    One statement: of two at the same moment the database lets one through and shows its row to the other.
    """
    if per_day is not None and calls > per_day:
        return None
    at, today = _microseconds(now), now.date().isoformat()
    took = round(seconds_apart * calls * 1_000_000)
    row = {"name": name, "free_microseconds": at + took, "day": today, "calls": calls}
    # a host whose clock is a little behind at midnight counts to the day that has begun elsewhere
    same, later = budgets.c.day >= today, budgets.c.free_microseconds > at
    used = case((same, budgets.c.calls), else_=0) + calls
    made = _INSERT[db.dialect.name](budgets).values(row)
    made = made.on_conflict_do_update(
        index_elements=[budgets.c.name],
        set_={
            "free_microseconds": case((later, budgets.c.free_microseconds), else_=at) + took,
            "day": case((same, budgets.c.day), else_=today),
            "calls": used,
        },
        where=None if per_day is None else used <= per_day,
    )
    free = db.execute(made.returning(budgets.c.free_microseconds)).scalar_one_or_none()
    return None if free is None else _EPOCH + (free - took) * _MICROSECOND


def pause(db: Connection, name: str, until: datetime) -> None:
    """Give out no turn before this moment."""
    at = _microseconds(until)
    row = {"name": name, "free_microseconds": at, "day": "", "calls": 0}
    later = case((budgets.c.free_microseconds > at, budgets.c.free_microseconds), else_=at)
    _put(db, budgets, row, free_microseconds=later)


def spent(db: Connection) -> dict[str, Spent]:
    """What was asked under each name: the day it was counted for, and how often."""
    return {row.name: Spent(row.day, row.calls) for row in db.execute(select(budgets).order_by(budgets.c.name))}


def _microseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // _MICROSECOND


@dataclass(slots=True)
class Uncounted:
    """Calls without any limit: counted in memory, since a write for each would cost more than the call.

    `free`: before when no turn is given out, as far as this process was told.
    """

    calls: dict[str, int] = field(default_factory=dict)
    free: dict[str, datetime] = field(default_factory=dict)
    since: dict[str, datetime] = field(default_factory=dict)
    lock: Lock = field(default_factory=Lock)

    def count(self, name: str, now: datetime, calls: int) -> tuple[datetime, int]:
        """When they may begin, and how many are to be written down now: 0 mostly."""
        with self.lock:
            self.calls[name] = self.calls.get(name, 0) + calls
            since = self.since.setdefault(name, now)
            due = 0
            if now < since or (now - since).total_seconds() >= FLUSH_SECONDS:
                due, self.since[name] = self.calls.pop(name), now
            return max(now, self.free.get(name, now)), due

    def rest(self) -> dict[str, int]:
        """What was not written down yet; from now on it is."""
        with self.lock:
            rest, self.calls = self.calls, {}
            return rest

    def pause(self, name: str, until: datetime) -> None:
        """Give out no turn before this moment."""
        with self.lock:
            self.free[name] = max(until, self.free.get(name, until))


# --- failures and what was learnt -------------------------------------------------------------------------------------


def failed(db: Connection, name: str, at: datetime, error: str) -> None:
    """Keep the last error of a source or budget."""
    _put(db, failures, {"name": name, "error": error, "at": at})


def last_failures(db: Connection) -> dict[str, Failure]:
    """The last error of each source or budget that ever failed."""
    return {row.name: Failure(row.error, row.at) for row in db.execute(select(failures).order_by(failures.c.name))}


def learn(db: Connection, at: datetime, name: str, found: int) -> None:
    """Keep how many blocks are given at once to who asks under a budget's name."""
    _put(db, learnt, {"name": name, "blocks": found, "at": at})


def known_range(db: Connection, name: str) -> int | None:
    """How many blocks turned out to be given at once; None: nothing was learnt."""
    found: int | None = db.execute(select(learnt.c.blocks).where(learnt.c.name == name)).scalar_one_or_none()
    return found


# --- what is final ----------------------------------------------------------------------------------------------------


def set_head(db: Connection, at: datetime, chain: str, source: str, *, final: int, read: int) -> None:
    """Keep the newest final block of a source, and that it was read to a block. Neither goes back but by a rewind."""
    row = {"chain": chain, "source": source, "final": final, "read": read, "at": at}
    higher = {
        name: case((heads.c[name] > value, heads.c[name]), else_=value)
        for name, value in (("final", final), ("read", read))
    }
    _put(db, heads, row, **higher, at=at)


def all_heads(db: Connection, chain: str | None = None) -> list[Head]:
    """How far each source is final and was read, by chain and source."""
    query = select(heads).order_by(heads.c.chain, heads.c.source)
    rows = db.execute(query if chain is None else query.where(heads.c.chain == chain))
    return [Head(**row._mapping) for row in rows]


def unconfirmed(db: Connection) -> set[tuple[str, str]]:
    """The standing transactions that lie above what their source calls final, by (chain, tx_hash)."""
    beyond = db.execute(select(func.count()).select_from(heads).where(heads.c.read > heads.c.final)).scalar_one()
    if not beyond:  # nearly always: the join below reads every transaction
        return set()
    of_head = (heads.c.chain == transactions.c.chain, heads.c.source == pages.c.source)
    query = (
        select(transactions.c.chain, transactions.c.tx_hash)
        .join(pages, pages.c.id == transactions.c.page_id)
        .join(heads, of_head[0] & of_head[1])
        .where(transactions.c.withdrawn_at.is_(None), transactions.c.block > heads.c.final)
    )
    return {(row.chain, row.tx_hash) for row in db.execute(query)}


# --- disagreements ----------------------------------------------------------------------------------------------------


def disagree(db: Connection, given: Disagreement) -> bool:
    """Keep that two sources do not say the same; whether that is new."""
    row = {
        name: getattr(given, name) for name in ("chain", "kind", "subject", "one", "one_says", "other", "other_says")
    }
    row |= {"claim": sha256(canonical(row).encode()).digest(), "recorded_at": given.recorded_at}
    made = _INSERT[db.dialect.name](disagreements).values(row).on_conflict_do_nothing()
    return db.execute(made.returning(disagreements.c.claim)).first() is not None


def all_disagreements(db: Connection) -> list[Disagreement]:
    """Every disagreement that was found, oldest first."""
    rows = db.execute(select(disagreements))
    found = [Disagreement(**{k: v for k, v in row._mapping.items() if k != "claim"}) for row in rows]
    return sorted(found, key=lambda one: (one.recorded_at, one.chain, one.kind, one.subject, one.one, one.other))
