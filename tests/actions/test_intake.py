"""Files into a real store: all of a file or nothing, once."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from tests.makers import tx_hash
from tests.sources.lines import BAD_TRANSFERS, FIRST, Row, hexed, label, report, text, transfer
from tracer.actions.intake import import_entities, import_labels, import_reports, import_transfers
from tracer.errors import BadRows, ConfigError, Conflict, InputError
from tracer.store.store import Store

TAGPACK = f"""
title: t
confidence: forensic
currency: ETH
source: https://invented.example
tags:
- {{address: '{hexed(1)}', label: One, category: exchange}}
- {{address: '{hexed(2)}', label: Two, category: item}}
- {{address: DdzFF, label: Three, category: exchange, currency: ADA}}
"""
ENTITY = "- id: example\n  name: Example\n  kind: exchange\n"


def written(folder: Path, *rows: Row, name: str = "file.csv") -> Path:
    """A file of these rows."""
    path = folder / name
    path.write_bytes(text(*rows))
    return path


def content(store: Store) -> dict[str, Any]:
    """Everything an import may have written, but the times at which it did."""
    labels = store.labels()
    places = {end for t in _every(store) for move in t.transfers for end in (move.sender, move.recipient) if end}
    pages = [asdict(store.page(number)) for number in store.page_ids()]
    return {
        "transactions": store.transactions_of(sorted(places)),
        "assets": store.assets(),
        "labels": [(each.address, each.entity, each.category, each.confidence, each.source) for each in labels],
        "reports": store.reports(),
        "pages": [{key: value for key, value in page.items() if key != "recorded_at"} for page in pages],
        "audit": [(act.actor, act.act, act.subject, act.detail) for act in store.audit()],
    }


def _every(store: Store) -> list[Any]:
    return store.transactions([("eip155:1", tx_hash(n)) for n in range(MANY)])


MANY = 3000


# --- transfers --------------------------------------------------------------------------------------------------------


def test_transfers_are_kept_with_their_file(store: Store, tmp_path: Path) -> None:
    """Transactions, assets and the unchanged file are in one act, whose line says what came."""
    path = written(tmp_path, FIRST, transfer(amount="7"), transfer(tx_hash=tx_hash(2)))
    done = import_transfers(store, path, "ana")
    kept = content(store)
    assert dict(done.added) == {"assets": 1, "transactions": 2, "transfers": 3}
    assert [len(t.transfers) for t in kept["transactions"]] == [2, 1]
    assert [t.whole for t in kept["transactions"]] == [False, False]
    assert [(page["raw"], page["name"], page["kind"]) for page in kept["pages"]] == [
        (path.read_bytes(), "file.csv", "transfers")
    ]
    ((actor, act, subject, detail),) = kept["audit"]
    assert (actor, act, subject) == ("ana", "import transfers", "file.csv")
    assert (detail["rows"], detail["added"]) == (3, {"assets": 1, "transactions": 2, "transfers": 3})
    assert kept["pages"][0]["source"] == f"file:{detail['sha256']}"


def test_the_same_file_again_adds_nothing(store: Store, tmp_path: Path) -> None:
    """Not a row, not a page, not a line in the audit trail; under another name neither."""
    rows = (FIRST, FIRST, transfer(tx_hash=tx_hash(2)))
    first = import_transfers(store, written(tmp_path, *rows), "ana")
    before = content(store), store.status()
    for name in ("file.csv", "copy.csv"):
        again = import_transfers(store, written(tmp_path, *rows, name=name), "ben")
        assert (again.rows, again.repeated.total, sum(again.added.values())) == (3, 1, 0)
    assert (content(store), store.status()) == before
    assert first.added["transfers"] == 3


def test_files_that_overlap_add_what_is_new(store: Store, tmp_path: Path) -> None:
    """A later export that holds the earlier rows brings only the others."""
    import_transfers(store, written(tmp_path, FIRST), "ana")
    done = import_transfers(store, written(tmp_path, transfer(tx_hash=tx_hash(2)), FIRST, FIRST), "ana")
    assert dict(done.added) == {"assets": 0, "transactions": 1, "transfers": 2}


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """One store for the rows that must not get in."""
    with Store.open(f"sqlite:///{tmp_path_factory.mktemp('empty') / 'tracer.db'}") as opened:
        yield opened


@pytest.mark.parametrize(("row", "reason"), BAD_TRANSFERS.values(), ids=BAD_TRANSFERS)
def test_a_bad_row_keeps_the_whole_file_out(row: Row, reason: str, empty: Store, tmp_path: Path) -> None:
    """Nothing of the file is stored, not even its good rows, its page or a line in the audit trail."""
    with pytest.raises(BadRows) as error:
        import_transfers(empty, written(tmp_path, FIRST, row), "ana")
    assert [(bad.line, reason in bad.reason) for bad in error.value.rows] == [(3, True)]
    assert set(empty.status().counts.values()) == {0}


def test_skipping_bad_rows_says_what_was_skipped(store: Store, tmp_path: Path) -> None:
    """The good rows of a cut transaction are kept, and answer and audit say that it was cut."""
    path = written(tmp_path, FIRST, transfer(amount="x"), transfer(tx_hash=tx_hash(2), kind="swap"))
    done = import_transfers(store, path, "ana", skip_bad=True)
    assert [bad.line for bad in done.refused.rows] == [3, 4]
    assert [cut.line for cut in done.cut.rows] == [3]
    assert dict(done.added) == {"assets": 1, "transactions": 1, "transfers": 1}
    (act,) = store.audit()
    assert (act.detail["refused"], act.detail["cut"], act.detail["rows"]) == (2, 1, 3)


def test_a_file_that_contradicts_the_store_is_kept_out(store: Store, tmp_path: Path) -> None:
    """One transaction has one time: the second file is refused whole."""
    import_transfers(store, written(tmp_path, FIRST), "ana")
    before = content(store)
    other = written(tmp_path, transfer(tx_hash=tx_hash(2)), transfer(time="2024-01-13T10:00:12Z"))
    with pytest.raises(Conflict, match=tx_hash(1)):
        import_transfers(store, other, "ana")
    assert content(store) == before


def test_a_file_that_changes_while_it_is_read_is_kept_out(store: Store, tmp_path: Path) -> None:
    """What was checked must be what is kept as proof."""
    path = written(tmp_path, *(transfer(tx_hash=tx_hash(n)) for n in range(10_001)))

    def grow(_: str, __: int) -> None:
        with path.open("ab") as file:
            file.write(text(transfer(tx_hash=tx_hash(20_000))).splitlines(keepends=True)[1])

    with pytest.raises(InputError, match="was changed while it was read"):
        import_transfers(store, path, "ana", progress=grow)
    assert set(store.status().counts.values()) == {0}


def test_progress_is_told(store: Store, tmp_path: Path) -> None:
    """Rows while reading, transactions while writing."""
    told: list[tuple[str, int]] = []
    path = written(tmp_path, *(transfer(tx_hash=tx_hash(n)) for n in range(10_500)))
    import_transfers(store, path, "ana", progress=lambda what, number: told.append((what, number)))
    assert told == [("rows read", 10_000), ("transactions written", 10_500)]


def test_a_place_that_cannot_hold_a_database_is_named(tmp_path: Path) -> None:
    """A path through a regular file can never be written, not even by root."""
    file = written(tmp_path, FIRST)
    with pytest.raises(ConfigError, match="database"):
        Store.open(f"sqlite:///{file / 'tracer.db'}")


# --- labels, reports, entities ----------------------------------------------------------------------------------------


def test_labels_are_kept_once(store: Store, tmp_path: Path) -> None:
    """Duplicates are one claim; the zero address is left out and said so; the file is kept."""
    path = written(tmp_path, label(), label(), label(address=hexed(0)))
    done, again = import_labels(store, path, "ana"), import_labels(store, path, "ana")
    assert (done.added["labels"], done.left_out.total, again.added["labels"]) == (1, 1, 0)
    assert [page["kind"] for page in content(store)["pages"]] == ["labels"]
    assert [act.detail["left_out"] for act in store.audit()] == [1]


def test_bad_labels_keep_the_file_out(store: Store, tmp_path: Path) -> None:
    """Unless they are skipped, which is said."""
    path = written(tmp_path, label(), label(category="market"))
    with pytest.raises(BadRows):
        import_labels(store, path, "ana")
    assert set(store.status().counts.values()) == {0}
    done = import_labels(store, path, "ana", skip_bad=True)
    assert (done.added["labels"], done.refused.total) == (1, 1)


@pytest.mark.parametrize("name", ["pack.yaml", "pack.YML"])
def test_tagpacks_are_read_by_their_name(name: str, store: Store, tmp_path: Path) -> None:
    """What a pack says and Tracer cannot keep is counted by line and reason."""
    path = tmp_path / name
    path.write_text(TAGPACK)
    done, again = import_labels(store, path, "ana"), import_labels(store, path, "ana")
    assert [each.entity for each in store.labels()] == ["One"]
    assert (done.rows, again.added["labels"], len(store.audit())) == (3, 0, 1)
    assert [(left.line, left.reason) for left in done.left_out.rows] == [
        (8, "category item says nothing of the service"),
        (9, "network 'ADA' is not supported"),
    ]


def test_reports_leave_nothing_personal_behind(store: Store, tmp_path: Path) -> None:
    """Reporter and note are in the report and nowhere else: no page, no line of the audit trail, no digest."""
    path = written(tmp_path, report(reporter="Ana Muster", note="my savings"), report(report_id="r2", tx_hash=""))
    done, again = import_reports(store, path, "ana"), import_reports(store, path, "ana")
    assert (done.report_ids, done.added["reports"]) == (("r1", "r2"), 2)
    assert (again.report_ids, again.added["reports"]) == (("r1", "r2"), 0)
    assert [r.reporter for r in store.reports()] == ["Ana Muster", "Ana"]
    (act,) = store.audit()
    assert (store.page_ids(), dict(act.detail)) == ([], {"rows": 2, "added": {"reports": 2}})


def test_a_report_that_contradicts_a_stored_one_is_kept_out(store: Store, tmp_path: Path) -> None:
    """Nothing of the file is stored."""
    import_reports(store, written(tmp_path, report()), "ana")
    with pytest.raises(Conflict, match="r1"):
        import_reports(store, written(tmp_path, report(report_id="r2"), report(amount="6")), "ana")
    assert [r.report_id for r in store.reports()] == ["r1"]


def test_entities_are_kept_once(store: Store, tmp_path: Path) -> None:
    """The same file again says nothing new; a broken one is refused."""
    path = tmp_path / "entities.yaml"
    path.write_text(ENTITY)
    done, again = import_entities(store, path, "ana"), import_entities(store, path, "ana")
    assert ([e.id for e in store.entities()], done.rows) == (["example"], 1)
    assert (sum(done.added.values()), sum(again.added.values()), len(store.audit())) == (1, 0, 1)
    path.write_text(ENTITY.replace("exchange", "planet"))
    with pytest.raises(InputError, match="planet"):
        import_entities(store, path, "ana")


# --- a kill -----------------------------------------------------------------------------------------------------------

# The importer says where it is and goes on when it is told to, so that it can be killed at an exact moment.
IMPORTER = """
import sys
from tracer.actions.intake import import_transfers
from tracer.sources import rows, transfers
from tracer.store.store import Store

def tell(what, number):
    print(what, number, flush=True)
    sys.stdin.readline()

rows.PAGE, transfers.EVERY = 1 << 17, 1000
with Store.open(sys.argv[1]) as store:
    import_transfers(store, sys.argv[2], "ana", progress=tell)
"""


def importer(database: Path, path: Path) -> subprocess.Popen[str]:
    """A real process that imports a file into a database."""
    command = [sys.executable, "-c", IMPORTER, f"sqlite:///{database}", str(path)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def moments(process: subprocess.Popen[str]) -> Iterator[str]:
    """Where the process is, let on after each."""
    assert process.stdout is not None
    assert process.stdin is not None
    for line in process.stdout:
        yield line.strip()
        process.stdin.write("\n")
        process.stdin.flush()


def finished(database: Path, path: Path) -> tuple[list[str], dict[str, Any]]:
    """An undisturbed import: its moments, and what the store then holds."""
    with importer(database, path) as process:
        passed = list(moments(process))
    assert process.returncode == 0
    with Store.open(f"sqlite:///{database}") as store:
        return passed, content(store)


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of several pages."""
    rows = [transfer(tx_hash=tx_hash(n), recipient=hexed(n % 50 + 2), amount=str(n)) for n in range(MANY)]
    return written(tmp_path_factory.mktemp("large"), *rows)


@pytest.fixture(scope="module")
def undisturbed(large: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[list[str], dict[str, Any]]:
    """What an import passes and leaves if nobody kills it."""
    return finished(tmp_path_factory.mktemp("undisturbed") / "tracer.db", large)


@pytest.mark.parametrize("moment", ["first read", "first written", "half written", "last written"])
def test_a_killed_import_leaves_nothing_and_can_be_repeated(
    moment: str, large: Path, undisturbed: tuple[list[str], dict[str, Any]], tmp_path: Path
) -> None:
    """kill -9 while reading, and while thousands of rows are written: the store is empty, and the next import whole."""
    passed, whole = undisturbed
    writing = [n for n, line in enumerate(passed) if "written" in line]
    kill_at = {"first read": 0, "first written": writing[0], "half written": writing[len(writing) // 2]}
    with importer(tmp_path / "tracer.db", large) as process:
        for number, _ in enumerate(moments(process)):
            if number == kill_at.get(moment, writing[-1]):
                process.kill()
                break
    assert process.returncode == -9
    with Store.open(f"sqlite:///{tmp_path / 'tracer.db'}") as store:
        assert set(store.status().counts.values()) == {0}
    assert finished(tmp_path / "tracer.db", large) == (passed, whole)
    assert len(whole["transactions"]) == MANY
    assert len(writing) > 3
