"""Open, list, show and close cases."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from tracer.actions.intake import import_reports
from tracer.errors import Conflict, InputError, NotFound, UnknownMethod
from tracer.model import Address, Case, OriginSpec, Report
from tracer.store.store import Store
from tracer.taint.methods import DEFAULT_METHOD, METHODS


def open_case(
    store: Store,
    name: str,
    actor: str,
    *,
    origins: Sequence[Address] = (),
    report_file: Path | None = None,
    report_ids: Sequence[str] = (),
    method: str = DEFAULT_METHOD,
) -> Case:
    """Open a case from reported addresses and reports. A report file is imported on the way.

    Raises InputError without any origin, Conflict if the name is taken, NotFound for an unknown report, BadRows.
    """
    if method not in METHODS:
        raise UnknownMethod(f"{method!r} is no method: take one of {', '.join(METHODS)}")
    if not name.strip():
        raise InputError("a case needs a name")
    if any(case.name == name for case in store.cases()):
        raise Conflict(f"a case {name!r} exists: take another name, or `tracer case show {name}`")
    ids = list(report_ids)
    if report_file is not None:
        ids += import_reports(store, report_file, actor).report_ids
    specs = [OriginSpec(address) for address in origins] + [_origin(report) for report in _reports(store, ids)]
    if not specs:
        raise InputError("a case needs at least one origin: --origin CHAIN:ADDRESS or --report FILE")
    unique = tuple(dict.fromkeys(specs))
    case = Case(_id(name), name, unique, datetime.now(UTC), method)
    with store.act(actor, "case open", name, origins=len(unique)) as work:
        work.open_case(case)
    return case


def close_case(store: Store, name: str, actor: str) -> Case:
    """Close a case; its flags and traces stay. Raises NotFound, Conflict if it is closed."""
    case = store.case(name)
    with store.act(actor, "case close", case.name) as work:
        if not work.close_case(case.id):
            raise Conflict(f"case {case.name} is closed already")
    return store.case(case.id)


def _id(name: str) -> str:
    return sha256(f"tracer.case:{name}".encode()).hexdigest()[:16]


def _reports(store: Store, ids: Sequence[str]) -> list[Report]:
    found = store.reports(ids) if ids else []
    missing = sorted(set(ids) - {report.report_id for report in found})
    if missing:
        raise NotFound(f"no report {missing[0]!r}: `tracer import reports FILE` brings reports in")
    return found


def _origin(report: Report) -> OriginSpec:
    """A report of a transaction is a payment; one without is an address, from its time on."""
    since = None if report.tx_hash else report.time
    return OriginSpec(report.address, report.asset, report.tx_hash, report.amount, since, (report.report_id,))
