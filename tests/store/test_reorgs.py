"""A reorg withdraws and deletes nothing; what is mined again stands again."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import create_engine, text

from tests.makers import BITCOIN, ETHEREUM, START, address, transaction
from tracer.errors import Conflict
from tracer.model import Checkpoint, Coverage, Transaction
from tracer.store import engine
from tracer.store.rows import Added
from tracer.store.store import Store

A, B, C = address(1), address(2), address(3)
KEPT = transaction((A, B, 1), tx=1, block=10)
GONE = transaction((A, B, 2), (A, C, 2), tx=2, block=11, initiator=A, whole=True)
KEY = (ETHEREUM, GONE.tx_hash)
AGAIN = replace(transaction((A, B, 2), (B, C, 3), tx=2, block=12, at=START + timedelta(hours=1)), tx_index=4)


def pull(store: Store, *given: Transaction, source: str = "node", sequence: int = 0) -> Added:
    """Keep these as one page of a source."""
    with store.act("job", "pull", source) as work:
        return work.add_transactions(given, work.add_page(source, "page", sequence, b"raw", "rpc"))


def rewind(store: Store, ancestor: int = 10, reason: str = "block 11 is gone") -> int:
    """The node dropped everything above a block."""
    with store.act("job", "pull", "rewind") as work:
        return work.rewind("node", ETHEREUM, ancestor, reason)


@pytest.fixture
def gone(store: Store) -> Store:
    """A store that kept one transaction in block 10 and withdrew one in block 11."""
    pull(store, KEPT, GONE)
    assert rewind(store) == 1
    return store


def test_what_is_withdrawn_is_not_read(gone: Store, database_url: str) -> None:
    """Neither by address nor by hash nor in the view; block and reason can be asked for, and no row is lost."""
    assert gone.transactions_of([A, B, C]) == [KEPT]
    assert gone.transactions([KEY]) == []
    at = gone.audit()[-1].at
    assert gone.withdrawn([KEY, (ETHEREUM, KEPT.tx_hash)]) == {KEY: (11, "block 11 is gone", at)}
    assert (gone.status().counts["transactions"], gone.status().counts["transfers"]) == (2, 3)
    opened = create_engine(engine.parse(database_url))
    with opened.connect() as db:
        assert db.execute(text("SELECT tx_hash FROM transfers_text")).scalars().all() == [KEPT.tx_hash]
    opened.dispose()


def test_a_second_rewind_finds_nothing(gone: Store) -> None:
    """What is withdrawn already keeps its first reason, and nothing new leaves no line."""
    lines = len(gone.audit())
    assert rewind(gone, reason="again") == 0
    assert gone.withdrawn([KEY])[KEY][1] == "block 11 is gone"
    assert len(gone.audit()) == lines


def test_mined_again_it_stands_as_the_new_block_has_it(gone: Store) -> None:
    """Block, time, position and transfers are the new ones; who signed it is fixed by its hash; it counts as added."""
    assert pull(gone, KEPT, AGAIN, sequence=1) == Added(transactions=1, transfers=2)
    assert gone.transactions([KEY]) == [replace(AGAIN, initiator=A)]
    assert gone.transactions_of([C]) == [replace(AGAIN, initiator=A)]
    assert gone.withdrawn([KEY]) == {}
    assert pull(gone, AGAIN, sequence=1) == Added()


def test_a_withdrawn_transfer_may_come_with_a_later_page(gone: Store) -> None:
    """A page of another address brings the transfer that the first one could not show."""
    pull(gone, AGAIN, sequence=1)
    rest = replace(AGAIN, transfers=tuple(replace(moved, index=9) for moved in GONE.transfers), initiator=A)
    assert pull(gone, rest, sequence=2) == Added(transactions=0, transfers=1)
    (found,) = gone.transactions([KEY])
    assert {moved.id for moved in found.transfers} == {moved.id for moved in GONE.transfers + AGAIN.transfers}
    assert [moved.index for moved in found.transfers if moved.recipient == C and moved.sender == A] == [9]


def test_it_may_go_and_come_many_times(gone: Store) -> None:
    """The page that brought it back is what it rests on: a rewind of that source withdraws it, of another does not."""
    pull(gone, AGAIN, source="other")
    assert rewind(gone, reason="not its source") == 0
    with gone.act("job", "pull", "rewind") as work:
        assert work.rewind("other", ETHEREUM, 11, "block 12 is gone") == 1
    assert gone.withdrawn([KEY])[KEY][:2] == (12, "block 12 is gone")
    assert pull(gone, GONE, sequence=3) == Added(transactions=1, transfers=2)
    assert gone.transactions([KEY]) == [GONE]


def test_only_what_rests_on_those_blocks_goes(store: Store) -> None:
    """Another source, another chain, no page and no block stay; so does the ancestor itself."""
    elsewhere = transaction(tx=3, block=11, chain=BITCOIN)
    blockless = transaction((A, B, 4), tx=4)
    pageless = transaction((A, B, 5), tx=5, block=99)
    others = transaction((A, B, 6), tx=6, block=99)
    pull(store, KEPT, GONE, elsewhere, blockless)
    pull(store, others, source="file")
    with store.act("ana", "import", "x") as work:
        work.add_transactions([pageless])
    assert rewind(store) == 1
    assert store.transactions([(BITCOIN, elsewhere.tx_hash)]) == [elsewhere]
    assert store.transactions_of([A]) == [KEPT, blockless, pageless, others]


def test_blocks_are_kept_newest_first(store: Store) -> None:
    """The same again is nothing; another hash for a number is refused before anything is kept."""
    with store.act("job", "pull", "x") as work:
        assert work.add_blocks(ETHEREUM, "node", {9: "0xa9", 11: "0xab", 10: "0xaa"}) == 3
        assert work.add_blocks(BITCOIN, "node", {500: "00"}) == 1
    with store.act("job", "pull", "x") as work:
        assert work.add_blocks(ETHEREUM, "node", {11: "0xab"}) == 0
    with pytest.raises(Conflict, match="rewind first"), store.act("job", "pull", "x") as work:
        work.add_blocks(ETHEREUM, "node", {12: "0xac", 11: "0xff"})
    assert store.blocks(ETHEREUM, "node") == [(11, "0xab"), (10, "0xaa"), (9, "0xa9")]
    assert store.blocks(ETHEREUM, "node", limit=1) == [(11, "0xab")]
    assert len(store.audit()) == 1


@pytest.mark.parametrize(("ancestor", "known"), [(10, "0xaa"), (8, None), (-1, None)])
def test_checkpoints_go_back_to_the_ancestor(store: Store, ancestor: int, known: str | None) -> None:
    """Of this source and chain, where they were beyond it; with its hash where that is known; blocks are forgotten."""
    far, near = Checkpoint("12", 11, "0xab"), Checkpoint("8", 7, "0xa7")
    there = address(9, BITCOIN)
    with store.act("job", "pull", "x") as work:
        work.add_blocks(ETHEREUM, "node", {10: "0xaa", 11: "0xab"})
        for where, source, checkpoint in ((A, "node", far), (B, "node", near), (C, "file", far), (there, "node", far)):
            work.set_coverage(where, source, Coverage("complete"), checkpoint)
        work.set_coverage(C, "node", Coverage("refused", "401"))
    assert rewind(store, ancestor) == 0
    back = Checkpoint(str(ancestor + 1), max(ancestor, 0) or None, known)
    assert store.checkpoints("node", ETHEREUM) == {A: back, B: back if ancestor < 7 else near, C: Checkpoint()}
    assert store.checkpoints("file", ETHEREUM) == {C: far}
    assert store.checkpoints("node", BITCOIN) == {there: far}
    assert [number for number, _ in store.blocks(ETHEREUM, "node")] == [n for n in (11, 10) if n <= ancestor]
    assert [row.act for row in store.audit()] == ["pull", "pull"]
