"""Take files in: transfers, labels, reports, entities. Each file in one act: all of it is kept or nothing is.

A kill at any moment leaves nothing half-written; the same file again adds nothing and writes no audit row.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path

from tracer.actions.reports import hold
from tracer.errors import BadRows, InputError
from tracer.model import Entity
from tracer.registry.files import read_entities
from tracer.registry.tagpacks import read_tagpack
from tracer.sources.files import (
    LabelFile,
    Progress,
    RawFile,
    Remarks,
    TransferFile,
    opened,
    read_labels,
    read_reports,
    read_transfers,
)
from tracer.store.rows import Added
from tracer.store.store import Store
from tracer.store.work import Work

TAGPACKS = (".yaml", ".yml")


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did. `rows`: rows of the file, the refused too; `added`: what was new to the store, by kind.

    `refused`: bad rows that were skipped; `cut`: those of them whose transaction is kept without them; `repeated`: rows
    equal to an earlier one, kept as movements of their own; `left_out`: good rows that say nothing that can be kept.
    """

    rows: int
    added: Mapping[str, int]
    refused: Remarks = field(default_factory=Remarks)
    cut: Remarks = field(default_factory=Remarks)
    repeated: Remarks = field(default_factory=Remarks)
    left_out: Remarks = field(default_factory=Remarks)
    report_ids: tuple[str, ...] = ()  # all of the file, known ones too
    held: int = 0  # lines of reports that wait for a person (actions/reports.py)

    def counts(self) -> dict[str, int]:
        """Rows and remarks in numbers."""
        remarks = {"refused": self.refused, "cut": self.cut, "repeated": self.repeated, "left_out": self.left_out}
        return {"rows": self.rows, **{name: remark.total for name, remark in remarks.items() if remark.total}}


def import_transfers(
    store: Store, path: str | Path, actor: str, *, skip_bad: bool = False, progress: Progress | None = None
) -> Imported:
    """Take in a transfers CSV (`-`: standard input). `progress` is told "rows read" or "transactions written", and how
    many so far.

    Raises InputError if it is no such file, BadRows unless `skip_bad`, Conflict where the store knows better; then
    nothing is kept.
    """
    with opened(path) as file:
        digest = file.digest()
        told = read_transfers(file, progress)
        done = Imported(told.rows, {}, _checked(told.refused, skip_bad), told.cut, told.repeated)
        with store.act(actor, "import transfers", file.name, sha256=digest, **done.counts()) as work:
            pages = keep(work, file, digest, "transfers")
            added = {"assets": work.add_assets(told.assets)} | _write(work, told, pages, progress)
            work.note(added=added)
    return replace(done, added=added)


def import_labels(store: Store, path: str | Path, actor: str, *, skip_bad: bool = False) -> Imported:
    """Take in a labels CSV (`-`: standard input) or, by its name (.yaml, .yml), a GraphSense TagPack.

    Raises InputError if it is no such file, BadRows unless `skip_bad`; then nothing is kept.
    """
    with opened(path) as file:
        digest = file.digest()
        kind = "tagpack" if Path(path).suffix.lower() in TAGPACKS else "labels"
        told = _tagpack(file) if kind == "tagpack" else read_labels(file)
        done = Imported(told.rows, {}, _checked(told.refused, skip_bad), left_out=told.left_out)
        with store.act(actor, "import labels", file.name, sha256=digest, **done.counts()) as work:
            keep(work, file, digest, kind)
            added = {"labels": work.add_labels(told.labels)}
            work.note(added=added)
    return replace(done, added=added)


def import_reports(store: Store, path: str | Path, actor: str, *, skip_bad: bool = False) -> Imported:
    """Take in a reports CSV (`-`: standard input). No page is kept: it names people.

    Raises InputError if it is no such file, BadRows unless `skip_bad`, Conflict where a report_id is stored with other
    content; then nothing is kept.
    """
    with opened(path) as file:
        told = read_reports(file)
    ids = tuple(dict.fromkeys(report.report_id for report in told.reports))
    done = Imported(told.rows, {}, _checked(told.refused, skip_bad), report_ids=ids)
    with store.act(actor, "import reports", file.name, **done.counts()) as work:
        added = {"reports": work.add_reports(told.reports)}
        work.note(added=added)
    return replace(done, added=added, held=hold(store, told.reports, actor))


def import_entities(store: Store, path: str | Path, actor: str) -> Imported:
    """Take in an entities file (registry.files). Raises InputError if anything in it is wrong; then nothing is kept."""
    entities = _entities(path)
    with store.act(actor, "import entities", Path(path).name, rows=len(entities)) as work:
        added = {"entities and facts": work.add_entities(entities)}
        work.note(added=added)
    return Imported(len(entities), added)


def _entities(path: str | Path) -> tuple[Entity, ...]:
    """The entities of a file; of standard input by way of a temporary one."""
    if str(path) != "-":
        return read_entities(Path(path))
    with opened(path) as file, tempfile.NamedTemporaryFile(suffix=".yaml") as spooled:
        for raw in file.pages():
            spooled.write(raw)
        spooled.flush()
        return read_entities(Path(spooled.name))


def _checked(refused: Remarks, skip_bad: bool) -> Remarks:
    if refused.total and not skip_bad:
        raise BadRows(tuple(refused.rows), refused.total)
    return refused


def _tagpack(file: RawFile) -> LabelFile:
    file.content.seek(0)
    pack = read_tagpack(file.content, file.name)
    left_out = Remarks()
    for tag in pack.left_out:
        left_out.add(tag.line, tag.reason)
    return LabelFile(pack.tags, pack.labels, left_out, Remarks())


def keep(work: Work, file: RawFile, digest: str, kind: str) -> list[int]:
    """Keep a file's raw content, so that what was read can be proven; -> the ids of its pages."""
    kept, pages = sha256(), []
    for number, raw in enumerate(file.pages()):
        kept.update(raw)
        pages.append(work.add_page(f"file:{digest}", file.name, number, raw, kind))
    if kept.hexdigest() != digest:
        raise InputError(f"{file.name} was changed while it was read: import it again when it is finished")
    return pages


def _write(work: Work, told: TransferFile, pages: list[int], progress: Progress | None) -> dict[str, int]:
    """Add the transactions, each with the page its first row is in; -> how many were new."""
    new = Added()
    for page, transactions in told.by_page():
        added = work.add_transactions(transactions, pages[page])
        new = Added(new.transactions + added.transactions, new.transfers + added.transfers)
        if progress:
            progress("transactions written", new.transactions)
    return {"transactions": new.transactions, "transfers": new.transfers}
