"""Reports, each line once, and the quarantine of those that would taint somebody else's money."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import Connection, Row, select

from tracer.errors import Conflict
from tracer.model import Address, Report
from tracer.store.bulk import Interner, add, address_ids, addresses_by_id, among, assets_by_id
from tracer.store.rows import Hold
from tracer.store.tables import assets, quarantine, report_private, reports, transfers
from tracer.store.types import canonical, clean

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
    said = tuple(str(part) for part in report.about)
    return sha256(canonical(said).encode()).digest()


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


# --- quarantine -------------------------------------------------------------------------------------------------------


def hold(db: Connection, at: datetime, actor: str, given: Iterable[tuple[Report, bool, str]]) -> int:
    """Say of lines of reports whether they are held, and why; how many rows. What holds already is not said again."""
    said = [(report, held, clean(reason)) for report, held, reason in given]
    now = {_line(one.report): one for one in holds(db, [report.report_id for report, _, _ in said])}
    rows = [
        {"line": _line(report), "held": held, "reason": reason, "actor": actor, "at": at}
        for report, held, reason in said
        if (known := now.get(_line(report))) is None or (known.held, known.reason) != (held, reason)
    ]
    return add(db, quarantine, rows)


def holds(db: Connection, ids: Collection[str] | None) -> list[Hold]:
    """What was said last of each line of these reports, or of all, that anything was said of; by report."""
    lines = {_line(report): report for report in all_reports(db, ids)}
    rows: Iterable[Row[Any]] = among(db, select(quarantine), quarantine.c.line, lines.keys())
    newest = {row.line: row for row in sorted(rows, key=lambda row: row.id)}
    found = (Hold(lines[line], row.held, row.reason, row.actor, row.at) for line, row in newest.items())
    return sorted(found, key=lambda one: [str(part) for part in one.report.about])


def dealings(db: Connection, address: Address) -> tuple[int, bool]:
    """How many others an address dealt with in what is stored, and whether it is an asset's contract there."""
    here = select(assets.c.id).where(assets.c.chain == address.chain, assets.c.contract == address.text)
    contract = db.execute(here).first() is not None
    number = address_ids(db, [address]).get(address)
    moved = transfers.c.withdrawn_at.is_(None)
    others: set[int] = set()
    for mine, theirs in (
        (transfers.c.sender_id, transfers.c.recipient_id),
        (transfers.c.recipient_id, transfers.c.sender_id),
    ):
        others |= set(db.execute(select(theirs).where(mine == number, theirs.is_not(None), moved).distinct()).scalars())
    return len(others - {number}), contract
