"""Reports that name an exchange, a contract or a very busy address wait for a person before they taint anything.

Only lines without a transaction are held: a reported payment taints its own amount and nothing else, while a reported
address taints whatever comes in.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import UTC, datetime

from tracer.detect.reports import Reported, suspicion
from tracer.errors import InputError, NotFound
from tracer.model import Address, AssetId, Case, OriginSpec, Report
from tracer.store.rows import Hold
from tracer.store.store import Store
from tracer.taint.stops import Labels


def hold(store: Store, reports: Iterable[Report], actor: str) -> int:
    """Put into quarantine the lines that give reason to, unless something was said of them before; how many."""
    named = [report for report in reports if report.tx_hash is None]
    known = (
        {one.report.about for one in store.holds(sorted({report.report_id for report in named}))} if named else set()
    )
    new = [report for report in named if report.about not in known]
    found = [(report, True, why) for report in new if (why := _why(store, report))]
    if found:
        with store.act(actor, "quarantine", _subject([report for report, _, _ in found])) as work:
            work.hold_reports(found)
            work.note(reasons=sorted({why for _, _, why in found}))
    return len(found)


def review_reports(
    store: Store, report_id: str, actor: str, reason: str, *, held: bool, address: Address | None = None
) -> list[Hold]:
    """Hold the lines of a report, or those of one address, or release them; a person's word is the last.

    -> what holds of the report now. Raises NotFound for the report, InputError without a reason.
    """
    if not reason.strip():
        raise InputError("a review needs a reason: --reason 'why'")
    lines = [report for report in store.reports([report_id]) if address in (None, report.address)]
    if not lines:
        raise NotFound(f"no report {report_id!a} names that: `tracer reports list` shows those in quarantine")
    with store.act(actor, "quarantine" if held else "release", report_id, reason=reason) as work:
        work.hold_reports((report, held, reason) for report in lines)
    return store.holds([report_id])


def free_origins(store: Store, case: Case) -> tuple[tuple[OriginSpec, ...], list[Hold]]:
    """The case's origins that may originate taint, and what holds the others back.

    One that several reports name goes on while any of them is free; one that no report names, always.
    """
    ids = sorted({name for spec in case.origins for name in spec.report_ids})
    held = {one.report.about: one for one in store.holds(ids) if one.held} if ids else {}
    free = tuple(spec for spec in case.origins if not _held(spec, held))
    named = {about for spec in case.origins for about in _said(spec)}
    return free, [one for about, one in held.items() if about in named]


def _held(spec: OriginSpec, held: Collection[object]) -> bool:
    said = _said(spec)
    return bool(said) and all(about in held for about in said)


def _said(spec: OriginSpec) -> list[tuple[str, Address, str | None, AssetId | None]]:
    """What the reports that name an origin are about."""
    return [(name, spec.address, spec.tx_hash, spec.asset) for name in spec.report_ids]


def _why(store: Store, report: Report) -> str | None:
    at = report.time or datetime.now(UTC)
    claims = Labels(store.labels([report.address])).valid(report.address, at)
    others, contract = store.dealings(report.address)
    return suspicion(Reported(report.address, claims, others, contract))


def _subject(reports: list[Report]) -> str:
    ids = sorted({report.report_id for report in reports})
    return ", ".join(ids[:10]) + (f" and {len(ids) - 10} more" if len(ids) > 10 else "")
