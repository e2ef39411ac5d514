"""Kept pages read again by another parser: what it says otherwise is put right, without a call, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from tests.actions.test_pull import evm, fresh, pulled, said, watched
from tests.anvil import Anvil
from tests.jobs.story import Played, play
from tests.makers import ETHEREUM
from tracer.actions.intake import import_transfers
from tracer.actions.reparse import Reparsed, reparse
from tracer.model import Transaction
from tracer.sources import SOURCES, Kind, Said, told
from tracer.store.store import Store

Reads = Callable[[Transaction], Transaction | None]


@pytest.fixture
def story(anvil: Anvil) -> Played:
    """A case played on the chain."""
    return play(anvil)


@pytest.fixture
def read(store: Store, anvil: Anvil, story: Played) -> list[Transaction]:
    """What was pulled of it."""
    assert [] == pulled(store, evm(anvil), addresses=watched(story)).failed
    return said(store, story)


def reading(monkeypatch: pytest.MonkeyPatch, reads: Reads) -> None:
    """From now on pages are read by a version that reads transactions so; None: it does not see them."""

    def parse(raw: bytes) -> Said:
        found = told.parse(raw)
        return Said(tuple(one for each in found.transactions if (one := reads(each))), found.assets)

    monkeypatch.setitem(SOURCES, "evm", Kind(SOURCES["evm"].make, parse))


def reason(store: Store, tx_hash: str) -> str:
    """Why a transaction was withdrawn."""
    return store.withdrawn([(ETHEREUM, tx_hash)])[ETHEREUM, tx_hash][1]


def test_the_same_parser_changes_nothing(store: Store, story: Played, read: list[Transaction]) -> None:
    """Every page is read, nothing is written, not even a line in the audit trail."""
    lines, seen = len(store.audit()), []
    done = reparse(store, "test", progress=lambda one, all_: seen.append((one, all_)))

    pages = len(store.page_ids(kind="reply"))
    assert Reparsed(pages=pages) == done
    assert (pages, pages) == seen[-1]
    assert (read, lines) == (said(store, story), len(store.audit()))


def test_what_is_not_read_any_more_is_withdrawn_and_comes_back(
    store: Store, story: Played, read: list[Transaction], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A transaction, with its reason; then, read again, it stands as it was. Either way the second time is nothing."""
    gone = story.payments[0]
    reading(monkeypatch, lambda one: None if one.tx_hash == gone else one)
    done = reparse(store, "test")
    assert (1, 0, 0) == (done.transactions_withdrawn, done.transfers_withdrawn, done.transactions_added)
    assert reason(store, gone).startswith("reparse")
    assert [one for one in read if one.tx_hash != gone] == said(store, story)
    assert not reparse(store, "test").changed

    reading(monkeypatch, lambda one: one)
    back = reparse(store, "test")
    assert (1, 0) == (back.transactions_added, back.transactions_withdrawn)
    assert read == said(store, story)
    assert not reparse(store, "test").changed
    assert ["reparse", "reparse"] == [line.act for line in store.audit() if line.act == "reparse"]


def test_one_transfer_more_or_less(
    store: Store, story: Played, read: list[Transaction], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only that transfer is withdrawn, by name in the audit trail, and comes back; its transaction stands."""
    whole = next(one for one in read if one.tx_hash == story.payments[1])
    lost = next(t for t in whole.transfers if t.kind == "token")
    reading(monkeypatch, lambda one: replace(one, transfers=tuple(t for t in one.transfers if t.id != lost.id)))
    assert 1 == reparse(store, "test").transfers_withdrawn
    (now,) = store.transactions([(ETHEREUM, whole.tx_hash)])
    assert {t.id for t in whole.transfers} - {t.id for t in now.transfers} == {lost.id}
    assert [lost.id] == store.audit()[-1].detail["transfers_withdrawn"]

    reading(monkeypatch, lambda one: one)
    assert 1 == reparse(store, "test").transfers_added
    assert read == said(store, story)


def test_what_was_read_wrongly_is_corrected(
    store: Store, story: Played, read: list[Transaction], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A time that a parser read an hour late: all pages that name the transaction correct it together."""
    reading(monkeypatch, lambda one: replace(one, at=one.at + timedelta(hours=1)))
    reparse(store, "test")
    assert [one.at + timedelta(hours=1) for one in read] == [one.at for one in said(store, story)]
    assert [{t.id for t in one.transfers} for one in read] == [
        {t.id for t in one.transfers} for one in said(store, story)
    ]

    reading(monkeypatch, lambda one: one)
    done = reparse(store, "test")
    assert (0, 0) == (done.transactions_added, done.transactions_withdrawn)
    assert read == said(store, story)


def test_what_a_reorg_took_does_not_come_back(
    store: Store, anvil: Anvil, story: Played, read: list[Transaction], tmp_path: Path
) -> None:
    """Its page is kept for ever, but its block is gone."""
    anvil.reorg(anvil.head - int(anvil.receipt(story.deposit)["blockNumber"], 16) + 1)
    anvil.mine(3)
    assert 1 == pulled(store, evm(anvil), addresses=watched(story)).gone

    assert not reparse(store, "test").changed
    assert fresh(tmp_path, anvil, story) == said(store, story)


def test_what_a_file_says_as_well_stays(
    store: Store, story: Played, read: list[Transaction], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Somebody imported the same payment: that the pages do not say it any more withdraws nothing of it."""
    one = next(each for each in read if each.tx_hash == story.payments[0])
    (moved,) = [t for t in one.transfers if t.kind == "token"]
    head = "chain,tx_hash,block,time,kind,sender,recipient,asset,symbol,decimals,amount\n"
    ends = f"{moved.sender.text if moved.sender else ''},{moved.recipient.text if moved.recipient else ''}"
    row = f"{ETHEREUM},{one.tx_hash},{one.block},{one.at.isoformat()},token,{ends},{moved.asset.contract},TT,6"
    (tmp_path / "more.csv").write_text(f"{head}{row},{moved.amount}\n")
    import_transfers(store, tmp_path / "more.csv", "test")
    reading(monkeypatch, lambda each: None if each.tx_hash == one.tx_hash else each)
    reparse(store, "test")

    (now,) = store.transactions([(ETHEREUM, one.tx_hash)])
    assert {moved.id} == {t.id for t in now.transfers}


def test_only_one_source(store: Store, story: Played, read: list[Transaction], monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages of others are not corrected; one that no version here can read is counted and its words stand."""
    with store.act("test", "pull", "old") as work:
        work.add_page("old", "x", 0, b'{"replies": []}', kind="reply")
    reading(monkeypatch, lambda one: None)

    assert Reparsed(pages=1, unread=1) == reparse(store, "test", source="old")
    assert read == said(store, story)
