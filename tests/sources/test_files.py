"""Labels and reports from CSV files."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from tests.makers import BITCOIN, ETHEREUM
from tests.sources.lines import COIN, USDT, Row, hexed, label, raw, report, text, tx_hash
from tracer.chains import parse_address
from tracer.errors import InputError
from tracer.model import Address, AssetId, Category, Label, Report
from tracer.sources.files import LabelFile, ReportFile, read_labels, read_reports

PLACE = parse_address(ETHEREUM, hexed(1))


def labels(*rows: Row) -> LabelFile:
    """What a labels file of these rows says."""
    return read_labels(raw(text(*rows)))


def reports(*rows: Row) -> ReportFile:
    """What a reports file of these rows says."""
    return read_reports(raw(text(*rows)))


# --- labels -----------------------------------------------------------------------------------------------------------


def test_a_row_becomes_a_label() -> None:
    """Every column is kept; confidence exactly as written; free text is cleaned of controls."""
    told = labels(label(entity="Ex\x1bample", source="a, b", valid_from="2024-01-31T00:00:00+01:00"))
    since = datetime(2024, 1, 30, 23, tzinfo=UTC)
    assert told.labels == (Label(PLACE, "Ex\ufffdample", Category.EXCHANGE, Decimal("0.9"), "a, b", since),)


def test_dates_may_be_absent_or_days() -> None:
    """A day is its first moment in UTC; empty and absent are unknown."""
    dated = labels(label(valid_from="2024-01-31", valid_to="2024-02-01"))
    plain = {name: cell for name, cell in label().items() if not name.startswith("valid")}
    assert (dated.labels[0].valid_from, dated.labels[0].valid_to) == (
        datetime(2024, 1, 31, tzinfo=UTC),
        datetime(2024, 2, 1, tzinfo=UTC),
    )
    assert [labels(row).labels[0].valid_from for row in (plain, label())] == [None, None]


@pytest.mark.parametrize("category", list(Category))
def test_every_category_is_taken(category: Category) -> None:
    """The vocabulary's categories are the file's."""
    assert labels(label(category=category)).labels[0].category is category


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"chain": "ripple"}, "unknown chain 'ripple'"),
        ({"address": "0x1"}, "is no ethereum address"),
        ({"entity": ""}, "entity is missing"),
        ({"entity": "  "}, "entity is missing"),
        ({"category": "market"}, "category 'market' is unknown; known are exchange, swapper, payment"),
        ({"category": "Exchange"}, "is unknown"),
        ({"confidence": "1.1"}, "not a decimal from 0 to 1"),
        ({"confidence": "-0.1"}, "not a decimal from 0 to 1"),
        ({"confidence": "NaN"}, "not a decimal from 0 to 1"),
        ({"confidence": "1e-1"}, "not a decimal from 0 to 1"),
        ({"confidence": "high"}, "not a decimal from 0 to 1"),
        ({"confidence": ""}, "not a decimal from 0 to 1"),
        ({"source": ""}, "source is missing"),
        ({"valid_from": "2024-01-31T00:00:00"}, "valid_from '2024-01-31T00:00:00' is no ISO time with a zone"),
        ({"valid_from": "2024-02-30"}, "is no time"),
        ({"valid_to": "9999-12-31"}, "absurd"),
        ({"valid_from": "2024-02-01", "valid_to": "2024-02-01"}, "is not before valid_to"),
    ],
)
def test_a_bad_label_is_refused(changes: dict[str, str], reason: str) -> None:
    """Line and reason are named and nothing is guessed."""
    told = labels(label(**changes), label())
    assert [row.line for row in told.refused.rows] == [2]
    assert reason in told.refused.rows[0].reason
    assert len(told.labels) == 1


def test_the_zero_address_takes_no_label() -> None:
    """Public lists name it; such a row is no error, says nothing, and is reported as left out."""
    told = labels(label(address=hexed(0), entity="Null address", category="other"), label())
    assert (told.rows, len(told.labels), told.refused.total) == (2, 1, 0)
    assert [(row.line, row.reason) for row in told.left_out.rows] == [(2, "the zero address takes no label")]


@pytest.mark.parametrize("read", [read_labels, read_reports])
def test_a_file_without_rows_is_refused(read: type) -> None:
    """A header alone is a mistake of whoever made it."""
    row = label() if read is read_labels else report()
    with pytest.raises(InputError, match="holds no rows"):
        read(raw(text(row).splitlines(keepends=True)[0]))


# --- reports ----------------------------------------------------------------------------------------------------------


def test_a_row_becomes_a_report() -> None:
    """Every column is kept, free text cleaned."""
    (found,) = reports(report(reporter="A\x00na")).reports
    when = datetime(2024, 1, 13, 10, 0, 11, tzinfo=UTC)
    assert found == Report("r1", PLACE, tx_hash(1), AssetId(ETHEREUM, USDT), 5, when, "A\ufffdna", "a note")


def test_an_address_alone_can_be_reported() -> None:
    """What a victim does not know stays empty or is absent."""
    row = {"report_id": "r1", "chain": "bitcoin", "address": COIN}
    empty = dict.fromkeys(("tx_hash", "asset", "amount", "time", "reporter", "note"), "")
    for given in (row, {**row, **empty}):
        assert reports(given).reports == (Report("r1", Address(BITCOIN, COIN)),)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"report_id": ""}, "report_id '' is empty"),
        ({"report_id": "r\u202e1"}, "control characters"),
        ({"chain": "?"}, "unknown chain"),
        ({"address": "Ana"}, "is no ethereum address"),
        ({"address": hexed(0)}, "the zero address cannot be reported"),
        ({"tx_hash": "1234"}, "no transaction hash"),
        ({"asset": "$"}, "is no asset"),
        ({"asset": ""}, "amount without asset"),
        ({"amount": "1.5"}, "whole base units"),
        ({"amount": "0"}, "leave it empty if it is not known"),
        ({"time": "yesterday"}, "no ISO time"),
    ],
)
def test_a_bad_report_is_refused(changes: dict[str, str], reason: str) -> None:
    """Line and reason are named; who reported and what they wrote is not repeated."""
    told = reports(report(reporter="SECRET", note="SECRET", **changes), report(report_id="r2"))
    assert [row.line for row in told.refused.rows] == [2]
    assert reason in told.refused.rows[0].reason
    assert "SECRET" not in told.refused.rows[0].reason
    assert [r.report_id for r in told.reports] == ["r2"]


def test_a_report_says_one_thing_of_the_same() -> None:
    """It may name several payments, and one of them twice; another amount for the same payment is refused."""
    told = reports(report(), report(tx_hash=tx_hash(2)), report(), report(amount="6"))
    assert (told.rows, [r.tx_hash for r in told.reports]) == (4, [tx_hash(1), tx_hash(2)])
    assert [row.line for row in told.refused.rows] == [5]
    assert "something else of the same at line 2" in told.refused.rows[0].reason
