"""Money that enters a CoinJoin, from end to end: the ledger, the flag, screening, the exports, the file alone."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.actions.test_trace import refolded
from tests.makers import START
from tests.taint.coin_histories import spent
from tests.taint.scenario import BITCOIN, asset, coin_place, coin_tx
from tracer.actions.screen import screen
from tracer.actions.trace import trace
from tracer.exports.document import canonical
from tracer.exports.graph import graph
from tracer.exports.person import assets_of, flag_lines, short
from tracer.exports.schema import schema
from tracer.exports.table import csv
from tracer.model import Asset, Case, Category, Label, OriginSpec, Transaction
from tracer.store.store import Store

THIEF, PEEL, MAKER, OUT = map(coin_place, ("thief", "peel", "maker", "out"))
MIX = coin_tx(3)
HISTORY = (
    spent(1, [("victim", 150_000, f"{coin_tx(90)}:0")], [("thief", 149_000)]),
    spent(2, [("thief", 149_000, f"{coin_tx(1)}:0")], [("peel", 148_000)]),
    spent(
        3,
        [("peel", 148_000, f"{coin_tx(2)}:0"), ("maker", 1_448_113, f"{coin_tx(91)}:0")],
        [("out", 100_420), ("back", 46_600), ("other", 100_420), ("more", 1_347_800)],
    ),
    spent(4, [("out", 100_420, f"{coin_tx(3)}:0")], [("shop", 100_000)]),
)


def mixed(store: Store, history: tuple[Transaction, ...] = HISTORY, *labels: Label) -> Any:
    """A payment to the thief, reported; its trace as a reader of the JSON has it."""
    with store.act("ana", "fill", "pier") as work:
        work.add_assets([Asset(asset("BTC"), "BTC", 8, listed=True)])
        work.add_transactions(history)
        work.add_labels(labels)
        work.open_case(Case("c-1", "pier", (OriginSpec(THIEF, asset("BTC"), coin_tx(1)),), START))
    return json.loads(canonical(trace(store, "pier", "ana").document))


def test_a_coinjoin_is_flagged_with_its_kind_and_transaction(store: Store) -> None:
    """One flag, at the address whose coin entered, grave as any mixer's; its path ends with the CoinJoin."""
    made = mixed(store)
    (flag,) = made["flags"]
    (path, *_) = flag["paths"]

    assert ("mixer_entry", "high", PEEL.text) == (flag["rule"], flag["severity"], flag["address"])
    assert ("JoinMarket-like CoinJoin", None, 3) == (flag["entity"], flag["label"], flag["hops"])
    assert f"JoinMarket-like CoinJoin {MIX}: 2 of 4 outputs are of 100,420 satoshi" in flag["message"]
    assert "are taken to be all" in flag["message"]
    assert {"148000"} == {one["amount"] for one in flag["amounts"]}
    assert ["payment", "payment", "coinjoin"] == [hop["by"] for hop in path["hops"]]
    assert [f"{BITCOIN}:{MIX}:input:0"] == path["hops"][-1]["transfers"]


def test_the_ledger_says_that_it_is_in_a_mixer_and_nothing_comes_out(store: Store) -> None:
    """Change and fee of the CoinJoin are in it too; what was not read beyond it is not wanted either."""
    made = mixed(store)

    assert {("149000", "148000", "1000", "0")} == {
        (row["originated"], row["mixers"], row["fees"], row["held"]) for row in made["ledger"]
    }
    assert {THIEF.text, PEEL.text} == {one["address"] for one in made["addresses"]}
    assert {"transit"} == {one["role"] for one in made["addresses"]}
    assert {"148000"} == {one["amount"] for one in made["addresses"][0]["taint"]}  # came once, though it also left
    assert (["nothing left to read"], 0) == (made["stopped"]["by"], made["stopped"]["unread"])
    assert [("CoinJoin", "mixer", "indirect", 3)] * 5 == [
        (one["entity"], one["category"], one["exposure_type"], one["min_hops"]) for one in made["exposures"]
    ]


def test_a_label_of_the_address_is_not_taken_for_the_mixers(store: Store) -> None:
    """The address that sent its coin into a CoinJoin may be a known scam's: it is neither a mixer nor reached twice."""
    made = mixed(store, HISTORY, Label(PEEL, "Scam Ring", Category.SCAM, Decimal("0.9"), "test"))
    (flag,) = made["flags"]

    assert ("JoinMarket-like CoinJoin", None) == (flag["entity"], flag["label"])
    assert "transit" == next(one["role"] for one in made["addresses"] if one["address"] == PEEL.text)
    assert {("CoinJoin", "148000"), ("Scam Ring", "148000")} == {
        (one["entity"], one["amount"]) for one in made["exposures"]
    }


def test_screening_tells_the_address_that_mixed_and_not_the_outputs(store: Store) -> None:
    """Who sent it in is exposed, with the path by which it came there; who got an output is unknown, not clean."""
    mixed(store)
    peel, out = screen(store, [[("it", PEEL), ("an output", OUT)]], "ana")
    (exposure,) = peel["exposures"]

    assert ("exposed", ["mixer_entry"]) == (peel["known"], exposure["rules"])
    assert [coin_tx(1), coin_tx(2)] == [hop["tx_hash"] for hop in exposure["path"]["hops"]]
    assert "unknown" == out["known"]


def test_a_screening_path_is_of_what_came_not_of_what_left(store: Store) -> None:
    """Two coins that entered a CoinJoin together are more than either that came; the path is still the larger's."""
    history = (
        HISTORY[0],
        spent(2, [("thief", 149_000, f"{coin_tx(1)}:0")], [("peel", 100_000), ("thief", 48_500)]),
        spent(3, [("thief", 48_500, f"{coin_tx(2)}:1")], [("peel", 48_000)]),
        spent(
            4,
            [
                ("peel", 100_000, f"{coin_tx(2)}:0"),
                ("maker", 1_448_113, f"{coin_tx(91)}:0"),
                ("peel", 48_000, f"{coin_tx(3)}:0"),
            ],
            [("out", 100_420), ("back", 46_600), ("other", 100_420), ("more", 1_347_800)],
        ),
    )
    made = mixed(store, history)
    (answer,) = screen(store, [[("it", PEEL)]], "ana")

    assert ["mixer_entry"] == [flag["rule"] for flag in made["flags"]]
    assert [coin_tx(1), coin_tx(2)] == [hop["tx_hash"] for hop in answer["exposures"][0]["path"]["hops"]]


def test_the_exports_hold_the_step_into_it(store: Store) -> None:
    """Schema, graph and table know it; a person reads it in a flag's lines."""
    made = mixed(store)
    Draft202012Validator(schema()).validate(made)
    edges = [edge for *_, edge in graph(made).edges(data=True) if edge["by"] == "coinjoin"]
    table = csv(made).decode()
    lines = "\n".join(flag_lines(made["flags"][0], assets_of(made)))

    assert [(MIX, "148000")] == [(edge["tx_hash"], edge["fifo"]) for edge in edges]
    assert [f"{MIX},2026-01-01T00:01:00Z,coinjoin,{PEEL.text}"] == re.findall(f"{MIX},[^,]*,coinjoin,[^,]*", table)
    assert "0.00148 BTC" in lines
    assert f"{short(PEEL.text)} into a CoinJoin" in lines


def test_the_file_alone_tells_its_coinjoins(store: Store) -> None:
    """What is a CoinJoin follows from the transfers in the file, so its sums can be worked out from it."""
    made = mixed(store)
    result = refolded(made)
    for row in made["ledger"]:
        sums = result.books[row["method"]].balances()[row["origin"]]

        assert row["mixers"] == str(sums["mixers"]) == "148000"


@pytest.mark.parametrize("change", [1, -1])
def test_one_satoshi_can_decide(store: Store, change: int) -> None:
    """The second of two equal outputs becomes another: it is a payment like any, and the trace goes on."""
    outputs = [("out", 100_420), ("back", 46_600), ("other", 100_420 + change), ("more", 1_347_800)]
    inputs = [("peel", 148_000, f"{coin_tx(2)}:0"), ("maker", 1_448_113, f"{coin_tx(91)}:0")]
    made = mixed(store, (*HISTORY[:2], spent(3, inputs, outputs), HISTORY[3]))

    assert [] == made["flags"]
    assert {"0"} == {row["mixers"] for row in made["ledger"]}
