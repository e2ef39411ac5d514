"""Quarantine: a report on somebody else's place originates nothing until a person has looked."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.actions.arrivals import EXCHANGE, OTHER, PAID, THIEF, VICTIM, place, traced
from tests.makers import label, transaction
from tracer.actions.case import open_case
from tracer.actions.intake import import_reports
from tracer.actions.reports import review_reports
from tracer.actions.trace import trace
from tracer.actions.verify import verify_case
from tracer.detect.reports import BUSY
from tracer.errors import InputError, NotFound
from tracer.model import Address, Category, Report
from tracer.store.store import Store

HEAD = "report_id,chain,address,tx_hash,asset,amount,time,reporter,note\n"


def reports(folder: Path, *lines: tuple[str, Address]) -> Path:
    """A reports file: who is reported, by report."""
    path = folder / "reports.csv"
    rows = (f"{name},{one.chain},{one.text},,,,2024-06-01T00:00:00Z,,\n" for name, one in lines)
    path.write_text(HEAD + "".join(rows))
    return path


def originated(store: Store, case: str) -> list[str]:
    """The addresses at which the case's newest trace has an origin."""
    made = trace(store, case, "ana").document
    return [one["address"] for one in made["origins"]]


def test_a_report_on_an_exchange_taints_nothing_until_it_is_released(store: Store, tmp_path: Path) -> None:
    """It is imported, held with its reason, traced without it, and with it once a person says so."""
    traced(store)
    done = import_reports(store, reports(tmp_path, ("r1", EXCHANGE), ("r2", THIEF)), "ana")
    (held,) = store.holds()
    assert (done.held, held.report.address, held.held) == (1, EXCHANGE, True)
    assert held.reason == "service: it is labelled Weak Exchange 3 (exchange) by a list"
    assert [act.act for act in store.audit()][-1] == "quarantine"

    open_case(store, "two", "ana", report_ids=["r1", "r2"])
    document = trace(store, "two", "ana").document
    assert {one["address"] for one in document["reported"]} == {THIEF.text}
    assert [(one["report_id"], one["address"]) for one in document["quarantined"]] == [("r1", EXCHANGE.text)]

    assert verify_case(store, "two").differences == ()

    review_reports(store, "r1", "ana", "it was the victim's own account", held=False)
    document = trace(store, "two", "ana").document
    assert {one["address"] for one in document["reported"]} == {THIEF.text, EXCHANGE.text}
    assert document["quarantined"] == []
    assert import_reports(store, reports(tmp_path, ("r1", EXCHANGE)), "ana").held == 0


@pytest.mark.parametrize("category", [Category.TOKEN, Category.CONTRACT, Category.DEX])
def test_a_contract_is_nobodys_own(store: Store, tmp_path: Path, category: Category) -> None:
    """By its label."""
    with store.act("ana", "label", "x") as work:
        work.add_labels([label(OTHER, category=category)])
    assert import_reports(store, reports(tmp_path, ("r1", OTHER)), "ana").held == 1
    assert store.holds()[0].reason.startswith("contract: ")


def test_a_token_is_a_contract_without_any_label(store: Store, tmp_path: Path) -> None:
    """USDT's own address, by the list of tokens."""
    usdt = place(0xDAC17F958D2EE523A2206206994597C13D831EC7)
    assert import_reports(store, reports(tmp_path, ("r1", usdt)), "ana").held == 1
    assert store.holds()[0].reason == "contract: it is a token's contract"


def test_a_very_busy_address_is_somebodys_service(store: Store, tmp_path: Path) -> None:
    """More than a thousand others in what is stored; a thousand are not too many."""
    with store.act("ana", "import", "x") as work:
        work.add_transactions([transaction((place(n + 0x1000), OTHER, 1), tx=n + 1, at=PAID) for n in range(BUSY)])
    assert import_reports(store, reports(tmp_path, ("r1", OTHER)), "ana").held == 0
    with store.act("ana", "import", "x") as work:
        work.add_transactions([transaction((OTHER, place(0x9999), 1), tx=9999, at=PAID)])
    assert import_reports(store, reports(tmp_path, ("r2", OTHER)), "ana").held == 1
    assert store.holds()[0].reason == f"busy: it dealt with {BUSY + 1} others, more than {BUSY}"


def test_a_label_that_comes_later_holds_the_report_at_the_next_trace(store: Store, tmp_path: Path) -> None:
    """Nobody has to import the report again."""
    traced(store)
    import_reports(store, reports(tmp_path, ("r1", THIEF)), "ana")
    open_case(store, "two", "ana", report_ids=["r1"])
    assert originated(store, "two") == [THIEF.text]
    with store.act("ana", "label", "x") as work:
        work.add_labels([label(THIEF, category=Category.GAMBLING)])
    assert originated(store, "two") == []
    assert [one.held for one in store.holds()] == [True]


def test_a_reported_payment_is_never_held(store: Store) -> None:
    """It taints its own amount from its recipient on, and nothing else that lies there."""
    traced(store)
    with store.act("ana", "report", "x") as work:
        work.add_reports([Report("r1", EXCHANGE, f"0x{2:064x}")])
    open_case(store, "two", "ana", report_ids=["r1"])
    trace(store, "two", "ana")
    assert store.holds() == []


def test_a_person_may_hold_any_report(store: Store, tmp_path: Path) -> None:
    """With a reason that stays; the last word holds."""
    import_reports(store, reports(tmp_path, ("r1", VICTIM)), "ana")
    with pytest.raises(InputError, match="reason"):
        review_reports(store, "r1", "ana", "", held=True)
    with pytest.raises(NotFound, match="r9"):
        review_reports(store, "r9", "ana", "why", held=True)
    assert [one.held for one in review_reports(store, "r1", "ana", "a grudge", held=True)] == [True]
    (now,) = review_reports(store, "r1", "bob", "looked into", held=False)
    assert (now.held, now.reason, now.actor) == (False, "looked into", "bob")
