"""Cases with their origins, and the traces that were run for them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, Row, func, or_, select, update

from tracer.errors import Conflict, NotFound
from tracer.model import Case, CaseState, OriginSpec
from tracer.store.bulk import Interner, add, addresses_by_id, assets_by_id
from tracer.store.rows import Trace
from tracer.store.tables import case_origins, cases, traces

# --- cases ------------------------------------------------------------------------------------------------------------


def open_case(db: Connection, intern: Interner, case: Case) -> None:
    """Keep a new case. Raises Conflict where its name or id is taken, as name or as id."""
    taken = select(cases.c.name).where(
        or_(cases.c.name.in_([case.name, case.id]), cases.c.id.in_([case.name, case.id]))
    )
    if db.execute(taken).first():
        raise Conflict(f"there is a case {case.name} already: open this one under another name")
    intern.learn_addresses(origin.address for origin in case.origins)
    intern.learn_assets(origin.asset for origin in case.origins)
    head = {"id": case.id, "name": case.name, "method": case.method, "state": case.state.value}
    add(db, cases, [{**head, "opened_at": case.opened_at}])
    add(db, case_origins, [_origin_row(intern, case.id, n, origin) for n, origin in enumerate(case.origins)])


def close_case(db: Connection, name_or_id: str) -> bool:
    """Close a case; False if it was closed. Raises NotFound."""
    found = one_case(db, name_or_id)
    if found.state is CaseState.CLOSED:
        return False
    db.execute(update(cases).where(cases.c.id == found.id).values(state=CaseState.CLOSED.value))
    return True


def one_case(db: Connection, name_or_id: str) -> Case:
    """The case of that name or id. Raises NotFound."""
    for case in all_cases(db):
        if name_or_id in (case.name, case.id):
            return case
    raise NotFound(f"no case {name_or_id!a}: `tracer case list` shows all, `tracer case open` makes one")


def all_cases(db: Connection) -> list[Case]:
    """Every case, by name."""
    rows = list(db.execute(select(case_origins).order_by(case_origins.c.position)))
    places = addresses_by_id(db, {row.address_id for row in rows})
    kinds = assets_by_id(db, {row.asset_id for row in rows})
    by_case = sorted(rows, key=lambda row: row.case_id)
    origins = {
        case_id: tuple(_origin(row, places, kinds) for row in said)
        for case_id, said in groupby(by_case, key=lambda row: row.case_id)
    }
    found = [_case(row, origins.get(row.id, ())) for row in db.execute(select(cases))]
    return sorted(found, key=lambda case: case.name)


def _case(row: Row[Any], origins: tuple[OriginSpec, ...]) -> Case:
    return Case(row.id, row.name, origins, row.opened_at, row.method, CaseState(row.state))


def _origin_row(intern: Interner, case_id: str, position: int, origin: OriginSpec) -> dict[str, Any]:
    return {
        "case_id": case_id,
        "position": position,
        "address_id": intern.address(origin.address),
        "asset_id": intern.asset(origin.asset),
        "tx_hash": origin.tx_hash,
        "amount": origin.amount,
        "since": origin.since,
        "report_ids": origin.report_ids,
    }


def _origin(row: Row[Any], places: Mapping[int | None, Any], kinds: Mapping[int | None, Any]) -> OriginSpec:
    return OriginSpec(
        places[row.address_id], kinds[row.asset_id], row.tx_hash, row.amount, row.since, tuple(row.report_ids)
    )


# --- traces -----------------------------------------------------------------------------------------------------------


def add_trace(db: Connection, at: datetime, case_id: str, digest: str, **rest: Any) -> tuple[bool, bool]:
    """Keep a run whose digest is new: (whether it was, whether the newest result changed).

    A digest the case had before, but not as its newest result, becomes the newest again. `rest`: engine, method,
    settings, stopped, result. Raises NotFound for an unknown case.
    """
    one_case(db, case_id)
    turn = db.execute(select(func.max(traces.c.turn)).where(traces.c.case_id == case_id)).scalar_one() or 0
    here = (traces.c.case_id == case_id) & (traces.c.digest == digest)
    known = db.execute(select(traces.c.turn).where(here)).scalar_one_or_none()
    if known is None:
        row = {"case_id": case_id, "turn": turn + 1, "digest": digest, "created_at": at, **rest}
        return bool(add(db, traces, [row])), True
    told = db.execute(select(traces.c.method).where(here)).scalar_one()
    if known != turn or told != rest["method"]:  # the same sums under another headline are told anew, not kept twice
        db.execute(update(traces).where(here).values(turn=turn + 1, method=rest["method"], result=rest["result"]))
    return False, known != turn or told != rest["method"]


def all_traces(db: Connection, case_id: str) -> list[Trace]:
    """The runs of a case, the newest result last."""
    return _traces(db.execute(select(traces).where(traces.c.case_id == case_id).order_by(traces.c.turn)))


def latest_trace(db: Connection, case_id: str) -> Trace | None:
    """The newest result of a case; None if it was never traced."""
    newest = select(traces).where(traces.c.case_id == case_id).order_by(traces.c.turn.desc()).limit(1)
    return next(iter(_traces(db.execute(newest))), None)


def _traces(rows: Iterable[Row[Any]]) -> list[Trace]:
    return [Trace(**{name: value for name, value in row._mapping.items() if name != "turn"}) for row in rows]
