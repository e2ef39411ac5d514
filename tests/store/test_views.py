"""The views: what a person with a SQL prompt sees, the same on both engines."""

from typing import Any

import pytest
from sqlalchemy import create_engine, text

from tests.makers import START, USDT, address, label, transaction
from tracer.model import Asset, Case, Coverage, FlagState, OriginSpec, Report, Severity
from tracer.store import engine
from tracer.store.rows import FlagBody
from tracer.store.store import Store

A, B = address(1), address(2)
WHEN = "2024-01-01T00:01:00.000000Z"
EXPECTED: dict[str, dict[str, Any]] = {
    "transfers_text": {
        "time": WHEN,
        "sender": A.text,
        "recipient": B.text,
        "asset": USDT.contract,
        "symbol": "USDT",
        "amount": str(2**256 - 1),
        "initiator": None,
        "kind": "token",
    },
    "labels_text": {"address": A.text, "entity": "Example Exchange", "valid_from": WHEN, "withdrawn_at": None},
    "reports_text": {"report_id": "r1", "address": A.text, "asset": USDT.contract, "amount": "7", "time": WHEN},
    "origins_text": {"case_name": "harbour", "address": A.text, "report_ids": '["r1"]'},
    "coverage_text": {"address": A.text, "source": "etherscan", "state": "partial", "reason": "budget"},
    "flags_text": {"case_name": "harbour", "rule": "low_kyc", "version": 2, "state": "confirmed", "address": A.text},
    "reviews_text": {"state": "confirmed", "note": "seen", "actor": "ana"},
    "audit_text": {"seq": 1, "actor": "ana", "act": "fill", "at": "2024-01-01T00:00:01.000000Z"},
}


@pytest.fixture
def filled(store: Store, database_url: str) -> str:
    """The URL of a store with one row in every view."""
    at = START.replace(minute=1)
    with store.act("ana", "fill", "all") as work:
        work.add_assets([Asset(USDT, "USDT", 6)])
        work.add_transactions([transaction((A, B, 2**256 - 1))])
        work.add_labels([label(A, valid_from=at)])
        work.add_reports([Report("r1", A, None, USDT, 7, at, "V. Ictim", "secret")])
        work.open_case(Case("c-1", "harbour", (OriginSpec(A, report_ids=("r1",)),), START))
        work.set_coverage(A, "etherscan", Coverage("partial", "budget"))
        for amount in "12":
            work.put_flags("c-1", {("low_kyc", A): FlagBody({"amount": amount}, Severity.HIGH)})
    with store.act("ana", "review", "flag") as work:
        work.review(store.flags()[0].id, FlagState.CONFIRMED, "seen")
    return database_url


@pytest.mark.parametrize("view", sorted(EXPECTED))
def test_a_view_reads_as_text(filled: str, view: str) -> None:
    """Names instead of numbers, times in ISO-8601, amounts as digits; nothing private."""
    opened = create_engine(engine.parse(filled))
    with opened.connect() as db:
        row = dict(db.execute(text(f"SELECT * FROM {view}")).mappings().first() or {})
    opened.dispose()
    assert row | EXPECTED[view] == row
    assert "V. Ictim" not in str(row)
    assert "secret" not in str(row)
