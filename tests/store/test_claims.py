"""Labels, entities with facts, reports: added, withdrawn, never changed."""

from dataclasses import replace
from decimal import Decimal

import pytest

from tests.makers import START, USDT, address, label
from tracer.errors import Conflict
from tracer.model import Category, Entity, Fact, Label, Limit, Report
from tracer.store.store import Store

A, B = address(1), address(2)
FACT = Fact("exa", "kyc_policy", "https://example.org/kyc", "no documents up to 2 BTC", "2024-05-01", level="none")
LIMITED = replace(FACT, kind="withdrawal", limit=Limit(Decimal("2.50"), "BTC", "day"), cites_aml_kyc_failure=False)
EXCHANGE = Entity("exa", "Example", "exchange", ("Exa", "EXA.io"), ("SC",), None, "invented", (FACT, LIMITED))
REPORT = Report("r1", A, "0xabc", USDT, 2**70, START, "V. Ictim", "lost all")


def claim(store: Store, *labels: Label) -> int:
    """Add labels in one act."""
    with store.act("ana", "import labels", "file") as work:
        return work.add_labels(labels)


def said(label: Label) -> Label:
    """The claim without when it was recorded."""
    return replace(label, recorded_at=None)


def test_the_same_claim_adds_nothing(store: Store) -> None:
    """A claim equal in all it says is one row, also where the confidence is written otherwise."""
    assert claim(store, label(A, confidence="0.50"), label(A, confidence="0.5")) == 1
    assert claim(store, label(A, confidence="0.5")) == 0
    assert claim(store, label(A, source="other"), label(A, valid_from=START), label(B)) == 3
    assert len(store.labels([A])) == 3
    assert len(store.audit()) == 2


def test_a_withdrawn_claim_stays_in_history_and_may_come_back(store: Store) -> None:
    """Withdrawing hides a claim and keeps it; claiming it anew is a second row."""
    claim(store, label(A))
    with store.act("ana", "withdraw", "A") as work:
        assert work.withdraw_labels([label(A), label(B)]) == 1
    assert store.labels([A]) == []
    assert claim(store, label(A)) == 1
    history = store.labels([A], history=True)
    assert [said.withdrawn_at is None for said in history] == [False, True]
    assert [said(one) for one in store.labels()] == [label(A)]


def test_labels_come_back_as_given(store: Store) -> None:
    """Every field survives, and the order is by address."""
    full = label(
        B,
        entity="Mixer",
        category=Category.MIXER,
        confidence="0.123456789012345678",
        source="list",
        valid_from=START,
        valid_to=START.replace(year=2025),
    )
    claim(store, full, label(A))
    assert [said(one) for one in store.labels()] == [label(A), full]
    assert all(one.recorded_at is not None for one in store.labels())


def test_entities_keep_their_facts(store: Store) -> None:
    """An entity with all kinds of facts comes back equal; again adds nothing; a new name is an update."""
    with store.act("ana", "import", "registry") as work:
        assert work.add_entities([EXCHANGE]) == 3
    with store.act("ana", "import", "registry") as work:
        assert work.add_entities([EXCHANGE]) == 0
    assert store.entities() == [EXCHANGE]
    renamed = replace(EXCHANGE, name="Example Ltd", facts=())
    with store.act("ana", "import", "registry") as work:
        assert work.add_entities([renamed]) == 1
        assert work.withdraw_facts([FACT]) == 1
    assert store.entities() == [replace(renamed, facts=(LIMITED,))]


def test_a_report_says_one_thing_of_a_payment(store: Store) -> None:
    """The same line again is nothing; another word on the same payment is refused, also where only the note differs."""
    with store.act("ana", "import reports", "file") as work:
        assert work.add_reports([REPORT, REPORT, Report("r0", B)]) == 2
    with store.act("ana", "import reports", "file") as work:
        assert work.add_reports([REPORT]) == 0
    for other in (replace(REPORT, amount=1), replace(REPORT, note="lost half")):
        with pytest.raises(Conflict, match="r1"), store.act("ana", "import reports", "file") as work:
            work.add_reports([Report("r9", A), other])
    assert store.reports() == [Report("r0", B), REPORT]
    assert store.reports(["r1", "r7"]) == [REPORT]
