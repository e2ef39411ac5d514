"""The three CSV formats that people bring: transfers, labels, reports. Columns and rules stand in each reader.

Every reader checks every row, lists what it refuses by line and reason, and raises InputError only if the file as a
whole is no such file. What to do with refused rows is the caller's decision.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from tracer.chains import is_zero, parse_address, parse_asset, parse_chain, parse_tx_hash
from tracer.errors import InputError
from tracer.model import CONFIDENCE, Category, Label, Report
from tracer.sources import cells
from tracer.sources.rows import Columns, RawFile, Remarks, Row, opened, read_rows
from tracer.sources.transfers import Progress, TransferFile, read_transfers

LABELS = Columns(
    ("chain", "address", "entity", "category", "confidence", "source", "valid_from", "valid_to"),
    frozenset({"valid_from", "valid_to"}),
)
REPORTS = Columns(
    ("report_id", "chain", "address", "tx_hash", "asset", "amount", "time", "reporter", "note"),
    frozenset({"tx_hash", "asset", "amount", "time", "reporter", "note"}),
)


_CATEGORIES = {category.value: category for category in Category}


@dataclass(frozen=True, slots=True)
class LabelFile:
    """What a labels file says. `rows` counts all; `left_out` are good rows that say nothing that can be kept."""

    rows: int
    labels: tuple[Label, ...]
    left_out: Remarks
    refused: Remarks


@dataclass(frozen=True, slots=True)
class ReportFile:
    """What a reports file says, each statement once. `rows` counts all."""

    rows: int
    reports: tuple[Report, ...]
    refused: Remarks


def read_labels(file: RawFile) -> LabelFile:
    """The labels of a file in file order. Raises InputError if it is no such file.

    `confidence` is a decimal from 0 to 1, or a level of GraphSense's scale such as `service_api`. A day as
    `valid_from` or `valid_to` stands for its first moment, 0:00 UTC; a label holds before its `valid_to`.
    """
    left_out, refused = Remarks(), Remarks()
    labels = tuple(stream_labels(file, left_out, refused))
    return LabelFile(len(labels) + left_out.total + refused.total, labels, left_out, refused)


def stream_labels(file: RawFile, left_out: Remarks, refused: Remarks) -> Iterator[Label]:
    """As `read_labels`, one after the other: what is left out and refused is told by then."""
    count = 0
    for row in read_rows(file, LABELS, refused):
        try:
            label = _label(*row.cells)
        except InputError as wrong:
            refused.add(row.line, str(wrong))
            continue
        if is_zero(label.address):
            left_out.add(row.line, "the zero address takes no label")
        else:
            count += 1
            yield label
    _some(file, count + left_out.total + refused.total)


def read_reports(file: RawFile) -> ReportFile:
    """The reports of a file in file order. Raises InputError if it is no such file."""
    reader = _Reports()
    for row in read_rows(file, REPORTS, reader.refused, prose=True):
        try:
            reader.take(row)
        except InputError as wrong:
            reader.refused.add(row.line, str(wrong))
    rows = _some(file, reader.rows + reader.refused.total)
    return ReportFile(rows, tuple(reader.reports.values()), reader.refused)


def _some(file: RawFile, rows: int) -> int:
    if not rows:
        raise InputError(f"{file.name} holds no rows: write some under the header")
    return rows


def _label(  # noqa: PLR0917 - the columns of a row, in their order
    chain: str, address: str, entity: str, category: str, confidence: str, source: str, since: str, until: str
) -> Label:
    if category not in _CATEGORIES:
        raise InputError(f"category {cells.show(category)} is unknown; known are {', '.join(Category)}")
    label = Label(
        address=parse_address(parse_chain(chain), address),
        entity=cells.prose(entity, "entity"),
        category=_CATEGORIES[category],
        confidence=CONFIDENCE.get(confidence) or cells.share(confidence, "confidence"),
        source=cells.prose(source, "source"),
        valid_from=cells.maybe_day(since, "valid_from"),
        valid_to=cells.maybe_day(until, "valid_to"),
    )
    if label.valid_from and label.valid_to and label.valid_from >= label.valid_to:
        raise InputError(f"valid_from {since} is not before valid_to {until}: mend one of them")
    return label


@dataclass(slots=True)
class _Reports:
    rows: int = 0
    reports: dict[object, Report] = field(default_factory=dict)
    refused: Remarks = field(default_factory=Remarks)
    _lines: dict[object, int] = field(default_factory=dict)

    def take(self, row: Row) -> None:
        """Add a row. Raises InputError if it is bad or its report says something else of the same already."""
        report = _report(*row.cells)
        line = self._lines.setdefault(report.about, row.line)
        if self.reports.setdefault(report.about, report) != report:
            raise InputError(
                f"report {report.report_id} says something else of the same at line {line}: keep one of them"
            )
        self.rows += 1


def _report(  # noqa: PLR0917 - the columns of a row, in their order
    report_id: str,
    chain: str,
    address: str,
    tx_hash: str,
    asset: str,
    amount: str,
    time: str,
    reporter: str,
    note: str,
) -> Report:
    chain = parse_chain(chain)
    report = Report(
        report_id=cells.name(report_id, "report_id"),
        address=parse_address(chain, address),
        tx_hash=parse_tx_hash(chain, tx_hash) if tx_hash else None,
        asset=parse_asset(chain, asset) if asset else None,
        amount=cells.amount(amount) if amount else None,
        time=cells.moment(time) if time else None,
        reporter=cells.clean(reporter),
        note=cells.clean(note),
    )
    if is_zero(report.address):
        raise InputError("the zero address cannot be reported: nobody holds it")
    if report.amount is not None and report.asset is None:
        raise InputError("amount without asset: write native, a contract, or an identifier such as usd")
    if report.amount == 0:
        raise InputError("amount is 0: leave it empty if it is not known")
    return report


__all__ = [
    "LabelFile",
    "Progress",
    "RawFile",
    "Remarks",
    "ReportFile",
    "TransferFile",
    "opened",
    "read_labels",
    "read_reports",
    "read_transfers",
    "stream_labels",
]
