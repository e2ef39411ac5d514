"""One trace over three bridges and three chains: exact, balanced, told, drawn, and checked again, on both stores."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import networkx as nx
import pytest

from tests.detect import bridge_logs as said
from tests.detect.test_bridges import BASE, COIN, DOLLAR, ETHEREUM, HEIR, SATS, THERE, USDC, VAULT
from tests.makers import BITCOIN, START, address, transaction, transfer, tx_hash
from tracer.actions.events import watched
from tracer.actions.export import case_document, export
from tracer.actions.ledger import address_ledger
from tracer.actions.probable import probable
from tracer.actions.pull import due
from tracer.actions.screen import asked, screen
from tracer.actions.trace import trace
from tracer.actions.verify import verify_case, verify_file
from tracer.chains import zero_address
from tracer.cli import main
from tracer.detect import bridges
from tracer.model import (
    Address,
    Asset,
    Case,
    Category,
    Kind,
    Label,
    Log,
    OriginSpec,
    Transaction,
)
from tracer.store.store import Store

THIEF = said.at(ETHEREUM, said.PAYER)
SPOKE, MINTER, ROUTER = (said.at(ETHEREUM, one) for one in (said.SPOKES["ethereum"], said.MINTER, said.ROUTER))
LENDER = said.at(BASE, "0x" + "8" * 40)
SHOP, COIN_SHOP = said.at(BASE, "0x" + "5" * 40), Address(BITCOIN, "3P14159f73E4gFr7JterCCQh9QjiTjiZrG")
ZERO, ZERO_BASE = zero_address(ETHEREUM), zero_address(BASE)
KEY = tx_hash(3)[2:]


def usdc(sender: Address, recipient: Address, amount: int, tx: int) -> Any:
    """A transfer of USDC on ethereum."""
    return transfer(sender, recipient, amount, tx=tx, asset=USDC)


def dollar(sender: Address, recipient: Address, amount: int, tx: int) -> Any:
    """A transfer of USDC on base."""
    return transfer(sender, recipient, amount, tx=tx, asset=DOLLAR)


def on_base(*moves: Any, tx: int) -> Transaction:
    """A transaction on base."""
    return transaction(*moves, tx=tx, chain=BASE)


def coin(tx: int, spent: tuple[Address, int, str], *made: tuple[Address | None, int]) -> Transaction:
    """A bitcoin transaction: one input, and outputs in order."""
    who, amount, outpoint = spent
    name = tx_hash(tx)[2:]
    moves = [transfer(who, None, amount, tx=name, asset=COIN, kind=Kind.INPUT, index=0, outpoint=outpoint)]
    for n, (whom, part) in enumerate(made):
        moves.append(transfer(None, whom, part, tx=name, asset=COIN, kind=Kind.OUTPUT, n=n, index=n))
    return replace(transaction(*moves, tx=tx, chain=BITCOIN), tx_hash=name)


def history() -> list[Transaction]:
    """The victims' 1,600: 1,000 go by Across, 500 by CCTP, 100 by THORChain; all that comes out arrives at shops."""
    return [
        transaction(usdc(address(9), THIEF, 1600, 0), tx=0),
        transaction(usdc(THIEF, SPOKE, 1000, 1), tx=1),
        transaction(usdc(THIEF, MINTER, 500, 2), usdc(MINTER, ZERO, 500, 2), tx=2),
        transaction(usdc(THIEF, ROUTER, 100, 3), tx=3),
        on_base(dollar(LENDER, THERE, 990, 4), tx=4),
        on_base(dollar(ZERO_BASE, THERE, 500, 5), tx=5),
        coin(6, (VAULT, 9000, "ab:0"), (SATS, 7000), (VAULT, 1900), (None, 0)),
        on_base(dollar(THERE, SHOP, 1490, 7), tx=7),
        coin(8, (SATS, 7000, f"{tx_hash(6)[2:]}:0"), (COIN_SHOP, 6900)),
    ]


def logs() -> list[Log]:
    """What the three bridges said of it."""
    return [
        said.deposited(8453, 7, 1000, 990, HEIR, tx=1),
        said.filled(7, 1000, 990, HEIR, tx=4),
        said.burned(5, 500, HEIR, tx=2),
        said.minted(5, 500, HEIR, tx=5),
        said.swapped(f"=:b:{SATS.text}:0/1/0", 100, tx=3),
        said.noted(f"OUT:{KEY.upper()}", tx=6),
    ]


@pytest.fixture
def case(store: Store) -> Store:
    """The history, its labels and the case, but no event."""
    names = ((SHOP, "Some Exchange", "exchange"), (COIN_SHOP, "Coin Shop", "exchange"), (SPOKE, "Across", "bridge"))
    more = ((MINTER, "CCTP", "bridge"), (ROUTER, "THORChain", "bridge"))
    with store.act("ana", "import", "chain data") as work:
        work.add_assets([Asset(USDC, "USDC", 6, listed=True), Asset(DOLLAR, "USDC", 6, listed=True)])
        work.add_assets([Asset(COIN, "BTC", 8, listed=True)])
        work.add_transactions(history())
        work.add_labels(
            [Label(who, name, Category(what), Decimal("0.9"), "test") for who, name, what in (*names, *more)]
        )
        work.open_case(Case("1", "crossing", (OriginSpec(THIEF, USDC),), START))
    return store


def tell(store: Store, *found: Log) -> None:
    """Events become known."""
    with store.act("ana", "events", "chain data") as work:
        work.add_logs("test", found)


def arrived(document: Any, method: str = "fifo") -> dict[tuple[str, str], tuple[int, int]]:
    """What came to whom that was flagged: in the asset there, and in the origin's own."""
    return {
        (flag["chain"], flag["address"]): (int(one["amount"]), int(one["origin_amount"]))
        for flag in document["flags"]
        for one in flag["amounts"]
        if one["method"] == method and flag["rule"] == "exchange_arrival"
    }


def balance(document: Any, method: str = "fifo") -> dict[str, int]:
    """The accounts of the origin that are not 0."""
    (row,) = [row for row in document["ledger"] if row["method"] == method]
    return {name: int(value) for name, value in row.items() if name not in ("origin", "method") and int(value)}


def test_without_events_it_ends_at_the_bridges(case: Store) -> None:
    """What nobody said is not guessed: bridges took it, or it was burned."""
    made = trace(case, "crossing", "ana").document

    assert {"originated": 1600, "bridges": 1100, "redeemed": 500} == balance(made)
    assert [] == made["crossings"]


@pytest.mark.parametrize("method", ["fifo", "lifo", "haircut", "dirty_first", "clean_first"])
def test_three_bridges_in_one_trace(case: Store, method: str) -> None:
    """Across, CCTP and THORChain: on base and bitcoin arrives what was paid out, all of the victims' money but fees."""
    tell(case, *logs())
    made = trace(case, "crossing", "ana", method=method).document

    expected = {(BASE, SHOP.text): (1490, 1500), (BITCOIN, COIN_SHOP.text): (6900, 98)}  # floor(100 * 6900 / 7000)
    assert expected == arrived(made, method)
    sums = balance(made, method)
    assert 1600 == sums.pop("originated") == sum(sums.values())
    assert {"arrivals", "fees"} == sums.keys()
    assert [("across", "1:7"), ("cctp", "0:5"), ("thorchain", KEY)] == [
        (one["protocol"], one["key"]) for one in made["crossings"] if one["into"]
    ]
    assert [] == [gap for gap in made["gaps"] if gap["kind"] == "crossing"]


def test_a_person_reads_it_as_one_way(case: Store) -> None:
    """From the thief to the crossing, over it, and on: each hop with its own chain's amounts, the bridge named."""
    tell(case, *logs())
    made = trace(case, "crossing", "ana").document
    (flag,) = [flag for flag in made["flags"] if flag["address"] == SHOP.text]
    hops = next(path["hops"] for path in flag["paths"] if path["hops"][0]["recipient"] == "across:1:7")

    assert [
        (ETHEREUM, None, THIEF.text, "across:1:7", "1000"),
        (BASE, ETHEREUM, "across:1:7", "across:1:7", "990"),
        (BASE, None, "across:1:7", THERE.text, "990"),
        (BASE, None, THERE.text, SHOP.text, "1490"),
    ] == [(hop["chain"], hop.get("from_chain"), hop["sender"], hop["recipient"], hop["received"]) for hop in hops]
    roles = {(row["chain"], row["address"]): row["role"] for row in made["addresses"]}
    assert ("bridge", "bridge", "transit") == tuple(
        roles[key] for key in ((ETHEREUM, "across:1:7"), (BASE, "across:1:7"), (BASE, THERE.text))
    )


def test_it_is_checked_again(case: Store, tmp_path: Path) -> None:
    """From the file alone, and against what is kept; an altered crossing, or one no event says, is a difference."""
    tell(case, *logs())
    trace(case, "crossing", "ana")
    content = export(case, "crossing", "json")
    (tmp_path / "case.json").write_bytes(content)
    assert () == verify_file(tmp_path / "case.json").differences
    assert () == verify_case(case, "crossing").differences

    other = json.loads(content)
    other["crossings"][0]["key"] = "1:8"
    (tmp_path / "other.json").write_text(json.dumps(other))
    assert {"crossing"} <= {one.what for one in verify_file(tmp_path / "other.json").differences}
    with case.act("eve", "reorg", "chain data") as work:
        work.withdraw_logs("test", said.at(BASE, said.SPOKES["base"]))
    assert {"crossings[across 1:7].into"} <= {one.where for one in verify_case(case, "crossing").differences}


def test_it_is_drawn_listed_and_answered(case: Store) -> None:
    """GraphML joins both chains at the crossing, CSV and screening name the assets of each, a crossing has a ledger."""
    tell(case, *logs())
    trace(case, "crossing", "ana")
    drawn = nx.parse_graphml(export(case, "crossing", "graphml").decode(), force_multigraph=True)
    here, there = f"{ETHEREUM}:across:1:7", f"{BASE}:across:1:7"

    assert nx.has_path(drawn, str(THIEF), str(SHOP))
    assert (1, "bridge", ETHEREUM, "across:1:7") == (
        drawn.number_of_edges(here, there),
        *(drawn.nodes[here][name] for name in ("role", "chain", "address")),
    )
    assert not any("1:7" in node and node not in (here, there) for node in drawn)
    listed = [
        line for line in export(case, "crossing", "csv").decode().splitlines() if "across:1:7,,across:1:7" in line
    ]
    assert 1 == len(listed)
    assert f"{USDC.contract},USDC,6,{DOLLAR.contract},USDC,6" in listed[0]
    kept, _ = address_ledger(case, "crossing", Address(BASE, "across:1:7"))
    assert ["in", "out"] == [line["entry"] for part in kept["assets"] for line in part["lines"]]
    (answer,) = screen(case, [asked([str(SHOP)])], "ana")
    (exposure,) = answer["exposures"]
    assert THIEF.text == exposure["path"]["hops"][0]["sender"]


def test_whom_a_bridge_is_to_pay_is_read_next(case: Store) -> None:
    """Where only the payment is known the recipient is wanted, and due for a source."""
    tell(case, logs()[0])
    made = trace(case, "crossing", "ana", live={BASE}).document

    assert [(None, BASE, THERE.text)] == [(one["into"], one["chain"], one["address"]) for one in made["crossings"]]
    assert [THIEF.text] == [gap["address"] for gap in made["gaps"] if gap["kind"] == "crossing"]
    assert THERE == due(case, case.case("crossing"))[0]
    assert {"originated": 1600, "bridges": 1100, "redeemed": 500} == balance(made)


def test_bridges_that_were_met_are_listened_to(case: Store, database_url: str) -> None:
    """Their contracts on all chains; where nothing was paid into one, none of its."""
    heard = watched(case)

    assert {place for one in ("across", "cctp", "thorchain") for place in bridges.PROTOCOLS[one].contracts} - {
        bridges.MEMOS
    } == heard.keys() & bridges.CONTRACTS
    assert bridges.PROTOCOLS["across"].signatures == heard[SPOKE]


def test_the_newest_trace_alone_counts(case: Store) -> None:
    """Events that come later make another trace; the flags at the bridges are withdrawn, those beyond rise."""
    trace(case, "crossing", "ana")
    tell(case, *logs())
    after = trace(case, "crossing", "ana")
    flags = {(flag["rule"], flag["address"]): flag["state"] for flag in case_document(case, "crossing")["flags"]}

    assert after.new
    assert "withdrawn" == flags["bridge_exit", SPOKE.text]
    assert "open" == flags["exchange_arrival", SHOP.text]


def test_what_is_not_followed_may_have_come_out(case: Store) -> None:
    """Without the bridge's word: whoever it names, or the payer's own address elsewhere, with the odds; in no sum."""
    tell(case, logs()[0])
    own = Address(BASE, THIEF.text)
    with case.act("ana", "import", "more") as work:
        work.add_transactions([on_base(dollar(LENDER, own, 990, 20), tx=20)])  # his too, but another was named
    before = trace(case, "crossing", "ana").document
    found = probable(case, "crossing")

    assert [("Across Protocol", str(THERE), [("990", "1.000000")]), ("THORChain", None, [])] == [
        (one["bridge"], one["named"], [(out["amount"], out["probability"]) for out in one["payouts"]])
        for one in found["exits"]
    ]
    assert [(THERE.text, "990", "990")] == [
        (row["address"], row["at_most"], row["likely"]) for row in found["payout_recipients"]
    ]
    drawn = nx.parse_graphml(export(case, "crossing", "graphml").decode(), force_multigraph=True)
    assert ["probable"] == [edge["by"] for edge in drawn.get_edge_data(str(THIEF), str(THERE)).values()]
    assert {"originated": 1600, "bridges": 1100, "redeemed": 500} == balance(before)
    assert not trace(case, "crossing", "ana").new


def test_what_crossed_is_no_lead(case: Store) -> None:
    """What is followed exactly is told once."""
    tell(case, *logs())
    trace(case, "crossing", "ana")

    assert ([], []) == tuple(probable(case, "crossing")[name] for name in ("exits", "payout_recipients"))


def test_leads_and_paths_are_printed(
    case: Store, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A terminal shows what may have come out, then, once the bridges have spoken, the way over them."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TRACER_DATABASE_URL", database_url)

    def typed(*words: str) -> list[str]:
        monkeypatch.setattr(sys, "argv", ["tracer", *words])
        with pytest.raises(SystemExit):
            main()
        return capsys.readouterr().out.splitlines()

    tell(case, logs()[0])
    trace(case, "crossing", "ana")
    leads = typed("probable", "crossing")
    assert f"exit      0.001 USDC into Across Protocol, 2024-01-01 00:01, transaction {tx_hash(1)}" in leads
    assert f"  1.0000  0.00099 USDC to base:{THERE.text}" in leads
    tell(case, *logs()[1:])
    trace(case, "crossing", "ana")
    shown = typed("flags", "crossing")
    assert any("0.001 USDC became 0.00099 USDC (ethereum to base)" in line for line in shown), "\n".join(shown)
