"""What is not final counts only where that was asked for, and is named wherever it counts or was left out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.actions.test_pull import evm, pulled
from tests.anvil import Anvil
from tests.jobs.story import EXCHANGE, LEFT, Office, play
from tests.makers import ETHEREUM
from tracer.actions.export import case_document
from tracer.actions.pull import due
from tracer.actions.trace import trace
from tracer.actions.verify import verify_case, verify_file
from tracer.exports.document import canonical
from tracer.model import Address
from tracer.store.store import Store


@pytest.fixture
def office(tmp_path: Path, anvil: Anvil) -> Office:
    """A case whose deposit is mined and not final."""
    story = play(anvil)
    made = Office(tmp_path, f"sqlite:///{tmp_path / 'tracer.db'}", "")
    made.open(story)
    anvil.send(LEFT, EXCHANGE, value=77, gas=21_000)
    return made


def traced(store: Store, anvil: Anvil, *, newest: bool, counting: bool) -> dict[str, Any]:
    """The case pulled and traced until nothing more is wanted."""
    source = evm(anvil, include_unconfirmed=newest)
    for _ in range(6):
        assert [] == pulled(store, source, addresses=due(store, store.case("played"))).failed
        trace(store, "played", "test", live={ETHEREUM}, include_unconfirmed=counting)
    return case_document(store, "played")


def last(document: dict[str, Any], anvil: Anvil) -> tuple[set[str], list[dict[str, Any]]]:
    """Its transactions that are not final, and its gaps that say so."""
    not_final = {one["tx_hash"] for one in document["transactions"] if one["block"] > anvil.final}
    return not_final, [gap for gap in document["gaps"] if gap["kind"] == "unconfirmed"]


def test_only_final_blocks_are_read(office: Office, anvil: Anvil) -> None:
    """Without being asked nothing above the final block is known at all."""
    with Store.open(office.database_url) as store:
        document = traced(store, anvil, newest=False, counting=False)
        assert (set(), []) == last(document, anvil)
        assert set() == store.unconfirmed()


def test_what_is_read_and_not_final_is_left_out_by_name(office: Office, anvil: Anvil, tmp_path: Path) -> None:
    """It is stored, marked by the final head beside it, and no sum of the trace knows of it; then it becomes final."""
    with Store.open(office.database_url) as store:
        document = traced(store, anvil, newest=True, counting=False)
        counted, gaps = last(document, anvil)
        assert set() == counted
        ((_, tx_hash),) = store.unconfirmed()
        assert [(tx_hash, "left out: its block is not final")] == [(one["tx_hash"], one["text"]) for one in gaps]
        assert () == verify_case(store, "played").differences
        before = store.inputs_version()

        anvil.mine(3)
        after = traced(store, anvil, newest=True, counting=False)
        assert tx_hash in {one["tx_hash"] for one in after["transactions"]}
        assert set() == store.unconfirmed()
        assert before != store.inputs_version()
        assert () == verify_case(store, "played").differences


def test_asked_for_it_counts_and_says_so(office: Office, anvil: Anvil, tmp_path: Path) -> None:
    """The flag at the exchange names the transaction, and so does a gap; the exported file verifies."""
    with Store.open(office.database_url) as store:
        document = traced(store, anvil, newest=True, counting=True)
        counted, gaps = last(document, anvil)
        ((_, tx_hash),) = store.unconfirmed()
        assert {tx_hash} == counted
        assert [(tx_hash, "it counts, though its block is not final")] == [
            (one["tx_hash"], one["text"]) for one in gaps
        ]
        arrived = [one for one in document["flags"] if Address(ETHEREUM, one["address"]).text.lower() == EXCHANGE]
        assert arrived
        for flag in arrived:
            assert f"UNCONFIRMED: it rests on {tx_hash}, whose block is not final." in flag["message"]
        (tmp_path / "case.json").write_bytes(canonical(document))
        assert () == verify_file(str(tmp_path / "case.json")).differences
        assert () == verify_case(store, "played").differences


def test_what_was_not_final_and_is_gone_is_taken_back(office: Office, anvil: Anvil) -> None:
    """A reorg above the final block withdraws it like any other, and the checkpoint goes back."""
    with Store.open(office.database_url) as store:
        traced(store, anvil, newest=True, counting=True)
        ((_, tx_hash),) = store.unconfirmed()
        anvil.reorg(1)
        anvil.mine()
        document = traced(store, anvil, newest=True, counting=True)

        assert (set(), []) == last(document, anvil)
        assert [(ETHEREUM, tx_hash)] == list(store.withdrawn([(ETHEREUM, tx_hash)]))
