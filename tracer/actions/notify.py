"""What is new: flag versions in the order they were written, each told once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tracer.actions.export import flag_row
from tracer.store.store import Store


@dataclass(frozen=True, slots=True)
class News:
    """One flag version. `mark`: say it to `news` to get only what came after; `line`: for a log."""

    mark: str
    line: str
    flag: Mapping[str, Any]


def news(store: Store, after: str | None = None) -> list[News]:
    """Flag versions written after a mark (None: all that there are), oldest first."""
    names = {case.id: case.name for case in store.cases()}
    found = []
    for flag in store.flags():
        for version in flag.versions:
            mark = f"{version.recorded_at.isoformat()} {flag.id} {version.version:06d}"
            if after is None or mark > after:
                where = f"{flag.address.chain}:{flag.address.text}"
                what = f"{version.state} {version.severity} {flag.rule} {version.entity or ''}"
                line = f"{flag.id} v{version.version} {names[flag.case_id]}: {what} at {where}: {version.reason}"
                row = {"case": names[flag.case_id], **flag_row(flag), "state": str(version.state)}
                found.append(News(mark, line, row | {"version": version.version, "reason": version.reason}))
    return sorted(found, key=lambda one: one.mark)
