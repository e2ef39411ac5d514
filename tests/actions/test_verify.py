"""A case proves itself: from its file the sums, from the kept pages the reading; whatever was changed is named."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Table, create_engine, select, update

from tests.anvil import Anvil
from tests.jobs.story import LEFT, Played, play
from tests.makers import START, ticking
from tests.taint.scenario import CHAIN, Story, place, read
from tracer.actions.case import open_case
from tracer.actions.export import export
from tracer.actions.intake import import_entities, import_labels, import_transfers
from tracer.actions.pull import pull
from tracer.actions.trace import trace
from tracer.actions.verify import READING, SUMS, Verified, verify_case, verify_file
from tracer.chains import parse_address
from tracer.errors import InputError, NotFound
from tracer.exports.plain import moment
from tracer.model import (
    Address,
    Case,
    Category,
    Coverage,
    Label,
    Limits,
    OriginSpec,
    Transaction,
    Transfer,
    transfer_id,
)
from tracer.sources import SourceSettings
from tracer.sources.evm import Evm
from tracer.store import engine, tables
from tracer.store.store import Store

SCENARIOS = sorted((Path(__file__).parent.parent / "scenarios").glob("*.txt"))
COINS = [path for path in SCENARIOS if read(path).coins]
STORIES = [path for path in SCENARIOS if path not in COINS]


# --- untouched --------------------------------------------------------------------------------------------------------


def sample(store: Store) -> None:
    """The sample case, traced."""
    with as_file(files("sample_data")) as folder:
        import_entities(store, folder / "entities.yaml", "ana")
        import_labels(store, folder / "labels.csv", "ana")
        import_transfers(store, folder / "transfers.csv", "ana")
        open_case(store, "sample", "ana", report_file=folder / "reports.csv")
    trace(store, "sample", "ana")


def test_the_sample_case_is_the_same_worked_out_again(store: Store, tmp_path: Path) -> None:
    """From its pages on either engine, and from its exported file, which needs no store; each says what it proves."""
    sample(store)
    file = tmp_path / "case.json"
    file.write_bytes(export(store, "sample", "json"))
    case, alone = verify_case(store, "sample"), verify_file(file)

    assert (case.differences, alone.differences) == ((), ())
    assert case.digest == case.recomputed == alone.digest == alone.recomputed
    assert (case.proves, alone.proves) == (READING, SUMS)
    assert (
        case.counts["transfers_on_a_page"]
        == case.counts["transfers"]
        == len(json.loads(file.read_bytes())["transfers"])
    )
    assert (case.counts["pages_read_again"], case.counts["transfers_on_none"]) == (2, 0)


def apart(story: Story, number: int) -> tuple[list[Transaction], list[OriginSpec], list[Label], set[Address]]:
    """A story at addresses and in transactions of its own, so that many fit in one store; and who was not read."""
    ours = {place("zero"), place("weth")}

    def at(where: Address) -> Address:
        return where if where in ours else parse_address(CHAIN, f"{where.text[:-4]}{number:04x}".lower())

    def moved(t: Transfer, tx_hash: str) -> Transfer:
        ends = (at(t.sender) if t.sender else None, at(t.recipient) if t.recipient else None)
        n = int(t.id.rpartition(":")[2])
        return Transfer(
            transfer_id(CHAIN, tx_hash, t.kind, t.asset, *ends, t.amount, n), t.kind, t.asset, t.amount, *ends
        )

    def named(tx_hash: str) -> str:
        return f"0x{number:04x}{tx_hash[6:]}"

    transactions = [
        replace(one, tx_hash=named(one.tx_hash), transfers=tuple(moved(t, named(one.tx_hash)) for t in one.transfers))
        for one in story.transactions()
    ]
    specs = [
        replace(spec, address=at(spec.address), tx_hash=named(spec.tx_hash) if spec.tx_hash else None)
        for spec in story.specs()
    ]
    labels = [replace(label, address=at(label.address)) for label in story.labels]
    return transactions, specs, labels, {at(place(name)) for name in story.unread}


def told(store: Store, path: Path, number: int, folder: Path) -> str:
    """A story's history as an imported file, its case traced as it was told; -> the case's name."""
    transactions, specs, labels, unread = apart(read(path), number)
    head = ["chain", "tx_hash", "block", "time", "kind", "sender", "recipient", "asset", "symbol", "amount"]
    rows = [
        [
            *(one.chain, one.tx_hash, str(one.block), moment(one.at) or "", t.kind),
            *(t.sender.text if t.sender else "", t.recipient.text if t.recipient else "", t.asset.contract, ""),
            str(t.amount),
        ]
        for one in transactions
        for t in one.transfers
    ]
    (folder / f"{path.stem}.csv").write_text("\n".join(map(",".join, [head, *rows])) + "\n")
    import_transfers(store, folder / f"{path.stem}.csv", "ana")
    ends = {end for one in transactions for t in one.transfers for end in (t.sender, t.recipient) if end}
    with store.act("ana", "fill", path.stem) as work:
        work.add_labels(labels)
        work.open_case(Case(f"c-{number}", path.stem, tuple(specs), START))
        for end in sorted(ends - unread):
            work.set_coverage(end, "node", Coverage("complete"))
    trace(store, path.stem, "ana", live=(CHAIN,))
    return path.stem


def test_every_story_is_the_same_worked_out_again(store: Store, tmp_path: Path) -> None:
    """Every scenario, from its pages on either engine and from its file."""
    assert len(STORIES) > 40
    for number, path in enumerate(STORIES, 1):
        name = told(store, path, number, tmp_path)
        file = tmp_path / f"{name}.json"
        file.write_bytes(export(store, name, "json"))
        case, alone = verify_case(store, name), verify_file(file)

        assert (name, case.differences, alone.differences) == (name, (), ())
        assert case.recomputed == alone.recomputed == case.digest
        assert case.counts["transfers_on_a_page"] == case.counts["transfers"]


@pytest.mark.parametrize("path", COINS, ids=lambda path: path.stem)
def test_every_bitcoin_story_is_the_same_worked_out_again(store: Store, path: Path, tmp_path: Path) -> None:
    """Outpoints, fees last and CoinJoins too; what no page holds is counted and said."""
    story = read(path)
    with store.act("ana", "fill", path.stem) as work:
        work.add_transactions(story.transactions())
        work.add_labels(story.labels)
        work.open_case(Case("c-1", path.stem, tuple(story.specs()), START))
    trace(store, path.stem, "ana")
    file = tmp_path / "case.json"
    file.write_bytes(export(store, path.stem, "json"))
    case, alone = verify_case(store, path.stem), verify_file(file)

    assert (case.differences, alone.differences) == ((), ())
    assert case.digest == case.recomputed == alone.recomputed
    assert case.counts["transfers_on_none"] == len(json.loads(file.read_bytes())["transfers"]) > 0


def test_what_came_later_is_no_difference(store: Store, tmp_path: Path) -> None:
    """New transfers, labels and facts after the trace are counted, not held against it."""
    sample(store)
    with store.act("ana", "later", "label") as work:
        work.add_labels([replace(store.labels()[0], category=Category.MIXER, source="later")])
        work.withdraw_labels(store.labels()[:5])
        work.withdraw_facts(store.entities()[0].facts)
    row = next(line for line in (files("sample_data") / "transfers.csv").read_text().splitlines() if ",token," in line)
    head, first = (files("sample_data") / "transfers.csv").read_text().splitlines()[0].split(","), row.split(",")
    new = dict(zip(head, first, strict=True)) | {
        "tx_hash": f"0x{77:064x}",
        "initiator": "",
        "index": "",
        "tx_index": "",
    }
    (tmp_path / "more.csv").write_text("\n".join([",".join(head), ",".join(new.values())]) + "\n")
    import_transfers(store, tmp_path / "more.csv", "ana")

    assert verify_case(store, "sample").differences == ()


# --- changed behind its back ------------------------------------------------------------------------------------------

Row = Mapping[str, Any]
Change = Callable[[Row], Mapping[str, Any] | None]  # what of a row to set; None: leave this row


def tamper(url: str, table: str, change: Change) -> None:
    """Change the first row of a table that can be changed so, as somebody with the database in hand would."""
    here: Table = tables.METADATA.tables[table]
    made = create_engine(engine.parse(url))
    with made.begin() as db:
        for row in db.execute(select(here)).mappings():
            values = change(row)
            if values is not None:
                mine = [column == row[column.name] for column in here.primary_key.columns]
                db.execute(update(here).where(*mine).values(values))
                break
        else:
            raise AssertionError(f"no row of {table} to change")
    made.dispose()


def _byte(row: Row) -> Mapping[str, Any] | None:
    """One digit of an amount on a page."""
    if row["kind"] != "transfers":
        return None
    raw: bytes = row["raw"]
    at = raw.index(b",19000000000,") + 1
    return {"raw": raw[:at] + b"9" + raw[at + 1 :]}


def _document(alter: Callable[[Any], None]) -> Change:
    def change(row: Row) -> Mapping[str, Any]:
        made = json.loads(row["result"])
        alter(made)
        return {"result": json.dumps(made, ensure_ascii=False).encode()}

    return change


def _amount(row: Row) -> Mapping[str, Any] | None:
    return {"amount": 19_000_000_001} if row["amount"] == 19_000_000_000 else None


def _category(row: Row) -> Mapping[str, Any] | None:
    return {"category": "exchange"} if row["entity"] == "invented_murmur" else None


def _fact(row: Row) -> Mapping[str, Any] | None:
    body = row["body"]
    if "brinkmarket" not in body["entity"] or body["valid_from"] is None:
        return None
    return {"body": body | {"valid_from": "2026-06-01"}}


def _settings(row: Row) -> Mapping[str, Any]:
    return {"settings": row["settings"] | {"limits": row["settings"]["limits"] | {"hops": 19}}}


def _hops(made: Any) -> None:
    made["limits"]["hops"] = 19


def _of(row: Row) -> Mapping[str, Any]:
    return {"amount": 5}


def _flag(row: Row) -> Mapping[str, Any]:
    return {"body": row["body"] | {"last_at": "2020-01-01T00:00:00Z"}}


CHANGED: dict[str, tuple[str, Change, tuple[str, str, Any, Any]]] = {
    "a byte of a page": ("pages", _byte, ("page", "transfers.csv", "sha", "sha")),
    "a transfer": ("transfers", _amount, ("transfer", ".amount", "19000000000", "19000000001")),
    "a label": ("labels", _category, ("label", ".category", "mixer", "exchange")),
    "a fact": ("facts", _fact, ("fact", ".valid_from", "2025-09-01", "2026-06-01")),
    "a recorded limit": ("traces", _settings, ("limit", "limits.hops", 20, 19)),
    "a limit of the document": ("traces", _document(_hops), ("limit", "limits.hops", 19, 20)),
    "what was reported": ("case_origins", _of, ("reported", ".amount", "*", "5")),
    "a flag": ("flags", _flag, ("flag", ".last_at", "*", "2020-01-01T00:00:00Z")),
}


@pytest.mark.parametrize("what", CHANGED)
def test_what_was_changed_in_the_store_is_named_first(what: str, store: Store, database_url: str) -> None:
    """One value of one row: the page, transfer, label, fact, limit, report or flag itself, with both values."""
    table, change, (kind, where, was, found) = CHANGED[what]
    sample(store)
    tamper(database_url, table, change)
    first = verify_case(store, "sample").differences[0]

    assert (first.what, where in first.where) == (kind, True)
    if was == "sha":
        assert first.recorded != first.found
        assert {len(first.recorded), len(first.found)} == {64}
    else:
        assert (first.recorded if was != "*" else "*", first.found) == (was, found)


def test_a_page_that_cannot_be_unpacked_is_named(store: Store, database_url: str) -> None:
    """Bytes that are no longer what was compressed are a difference, not a crash."""
    sample(store)
    made = create_engine(engine.parse(database_url))
    with made.begin() as db:
        db.exec_driver_sql("UPDATE pages SET raw = substr(raw, 1, 40) WHERE kind = 'transfers'")
    made.dispose()
    first = verify_case(store, "sample").differences[0]

    assert (first.what, "damaged" in first.found) == ("page", True)


def test_a_changed_page_shows_which_transfer_it_no_longer_says(store: Store, database_url: str) -> None:
    """Beside the page, the transfer that stands on it with another amount is named."""
    sample(store)
    tamper(database_url, "pages", _byte)
    found = verify_case(store, "sample").differences

    assert ("transfer", "19000000000", "99000000000") in [(one.what, one.recorded, one.found) for one in found]


# --- from a node ------------------------------------------------------------------------------------------------------


def pulled(store: Store, anvil: Anvil, story: Played) -> None:
    """The addresses of the story read from the node, and its case traced."""
    source = Evm(SourceSettings(kind="evm", chain=CHAIN, url=anvil.url, name="node"))
    watched = [parse_address(CHAIN, text) for text in (story.collector, *story.victims, LEFT)]
    assert pull(store, [source], watched, "ana").failed == []
    trace(store, "played", "ana", live=(CHAIN,))


def test_what_a_node_said_is_read_again(store: Store, anvil: Anvil, database_url: str) -> None:
    """Every page is read once more from what was kept; also after the chain took a block back; a changed page shows."""
    story = play(anvil)
    with store.act("ana", "open", "played") as work:
        work.open_case(Case("p", "played", (OriginSpec(parse_address(CHAIN, story.collector)),), START))
    pulled(store, anvil, story)
    first = verify_case(store, "played")
    anvil.reorg(anvil.head - int(anvil.receipt(story.deposit)["blockNumber"], 16) + 1)
    anvil.mine(3)
    pulled(store, anvil, story)
    second = verify_case(store, "played")
    tamper(database_url, "pages", lambda row: {"raw": row["raw"].replace(b'"transactionIndex":"0x0"', b'"x":0', 1)})

    assert [(one.differences, one.counts["transfers_on_none"]) for one in (first, second)] == [((), 0), ((), 0)]
    assert 0 < first.counts["pages"] == first.counts["pages_read_again"]
    assert first.digest != second.digest
    assert verify_case(store, "played").differences[0].what == "page"


# --- what cannot be verified ------------------------------------------------------------------------------------------


def test_what_cannot_be_verified_says_why(store: Store, database_url: str, tmp_path: Path) -> None:
    """No such case, not traced yet, traced by another engine, a file that is none: each with its remedy."""
    with pytest.raises(NotFound, match="no case"):
        verify_case(store, "nobody")
    sample(store)
    tamper(database_url, "traces", _document(lambda made: made.update(engine="tracer.taint/99")))
    with pytest.raises(InputError, match="trace the case with this version"):
        verify_case(store, "sample")
    with pytest.raises(InputError, match="cannot be read"):
        verify_file(tmp_path / "none.json")
    with store.act("ana", "open", "new") as work:
        work.open_case(Case("n", "new", (), START))
    with pytest.raises(NotFound, match="tracer trace new"):
        verify_case(store, "new")


def test_other_limits_and_methods_are_verified_too(sqlite_url: str) -> None:
    """A trace that stopped early, under another headline: what it left unread is worked out again as well."""
    with Store.open(sqlite_url, clock=ticking()) as store:
        sample(store)
        found: list[Verified] = []
        for method, limits in (("lifo", Limits(hops=2)), ("haircut", Limits(addresses=5, hub_counterparties=3))):
            trace(store, "sample", "ana", method=method, limits=limits)
            found.append(verify_case(store, "sample"))

    assert [one.differences for one in found] == [(), ()]
    assert len({one.digest for one in found}) == 2
