"""One act, one commit, one line; and a chain that shows where it was broken."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from hashlib import sha256

import pytest
from sqlalchemy import Engine, create_engine, text

from tests.makers import address, label, transaction
from tracer.store import engine
from tracer.store.store import Store
from tracer.store.types import canonical

A, B = address(1), address(2)


@pytest.fixture
def behind(database_url: str) -> Iterator[Engine]:
    """A way into the database behind the store's back."""
    opened = create_engine(engine.parse(database_url))
    yield opened
    opened.dispose()


def acts(store: Store, count: int) -> None:
    """Leave so many lines."""
    for n in range(count):
        with store.act("ana", "label", f"number {n}", n=n) as work:
            work.add_labels([label(address(n))])
            work.note(more=[n, "x"])


def test_a_line_says_who_did_what(store: Store) -> None:
    """Actor, act, subject and detail are kept, cleaned of controls, in one line per act."""
    with store.act("an\x1ba", "import", "file\u202e", rows=3) as work:
        work.add_labels([label(A)])
        work.add_transactions([transaction((A, B, 1))])
        work.note(note="caf\u00e9\x00")
    (row,) = store.audit()
    assert (row.seq, row.actor, row.act, row.subject) == (1, "an\ufffda", "import", "file\ufffd")
    assert row.detail == {"rows": 3, "note": "caf\u00e9\ufffd"}
    assert store.verify_audit() is None


def test_an_exception_keeps_nothing(store: Store) -> None:
    """Whatever was written before the exception is gone, in every table, and the next act works."""
    empty = store.status()
    with pytest.raises(RuntimeError, match="power cut"), store.act("ana", "import", "file") as work:
        work.add_page("file", "a", 0, b"raw")
        work.add_transactions([transaction((A, B, 1))])
        work.add_labels([label(A)])
        raise RuntimeError("power cut")
    assert store.status() == empty
    acts(store, 1)
    assert len(store.audit()) == 1


def test_an_act_that_changed_nothing_leaves_no_line(store: Store) -> None:
    """No new row, no audit row."""
    with store.act("ana", "look", "nothing"):
        pass
    assert store.audit() == []


def test_pages_are_one_commit_and_no_act(store: Store) -> None:
    """What a source said is kept whole or not at all, and leaves no line."""
    empty = store.status()
    with pytest.raises(RuntimeError, match="power cut"), store.pages() as work:
        work.add_transactions([transaction((A, B, 1))], work.add_page("node", "a", 0, b"raw"))
        raise RuntimeError("power cut")
    assert store.status() == empty
    with store.pages() as work:
        work.add_transactions([transaction((A, B, 1))], work.add_page("node", "a", 0, b"raw"))
    assert store.transactions_of([A]) == [transaction((A, B, 1))]
    assert store.audit() == []


@pytest.mark.parametrize(
    "tampering",
    [
        "UPDATE audit SET actor = 'eve' WHERE seq = 2",
        "UPDATE audit SET detail = '{\"n\":9}' WHERE seq = 2",
        "DELETE FROM audit WHERE seq = 2",
        "UPDATE audit SET hash = previous WHERE seq = 2",
    ],
)
def test_tampering_is_found(store: Store, behind: Engine, tampering: str) -> None:
    """A changed or missing line is named by its number."""
    acts(store, 3)
    assert store.verify_audit() is None
    with behind.begin() as db:
        db.execute(text(tampering.replace(":9", "\\:9")))
    assert store.verify_audit() == 2


def test_a_line_written_anew_breaks_at_the_next(store: Store, behind: Engine) -> None:
    """Who changes a line and gives it its right hash is betrayed by the line after it."""
    acts(store, 3)
    line = asdict(store.audit()[1]) | {"actor": "eve"}
    line.pop("hash")
    forged = sha256(canonical(line).encode()).hexdigest()
    with behind.begin() as db:
        db.execute(text("UPDATE audit SET actor = 'eve', hash = :forged WHERE seq = 2"), {"forged": forged})
    assert store.verify_audit() == 3


def test_the_chain_has_one_writer(store: Store) -> None:
    """Acts from many threads wait for each other: no line is lost and the chain holds."""

    def one(n: int) -> None:
        with store.act(f"thread {n}", "label", str(n)) as work:
            work.add_labels([label(address(n))])

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(one, range(40)))
    assert [row.seq for row in store.audit()] == list(range(1, 41))
    assert store.verify_audit() is None
    assert len(store.labels()) == 40
