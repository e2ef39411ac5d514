"""Worlds are the same every time, their books balance, and the engine says of them what their makers know."""

from __future__ import annotations

import ast
import dataclasses
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from tests.makers import USDT, address, label, transaction, transfer
from tests.worlds import Mark, Payment, World, make, ranking, write
from tests.worlds.engine import arrivals, folded
from tests.worlds.ledger import Ledger, Segment
from tests.worlds.making import play
from tests.worlds.recall import recall
from tests.worlds.stage import ASSETS, ETH, zero
from tracer.detect.poisoning import dropped
from tracer.model import Address, AssetId, Category, Kind
from tracer.sources.files import opened, read_transfers

SEEDS = {1: "addresses", 6: "payments", 8: "both"}


@cache
def world(seed: int) -> World:
    """A small world, its reports of the seed's kind."""
    return make(seed, reports=SEEDS.get(seed))


def played(one: World) -> Ledger:
    """The world's own ledger at its end."""
    ledger = Ledger(one.labels, one.payments, one.origins, (), one.truth.dust)
    return play(ledger, one.transactions, one.truth.hops)[0]


# --- the truth --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", SEEDS)
def test_every_arrival_is_what_the_world_knows(seed: int) -> None:
    """To the unit: under fifo the engine brings to every labelled end what the world itself brought there."""
    expected = world(seed).truth.arrivals

    assert expected
    assert expected == arrivals(folded(world(seed), hubs=False))


@pytest.mark.parametrize("seed", SEEDS)
def test_at_hubs_both_stop(seed: int) -> None:
    """By default the engine stops at the world's hubs, at no other address, and sees no money come from nowhere."""
    result = folded(world(seed))

    assert world(seed).truth.hubs == {*result.hubs}
    assert world(seed).truth.stopping == arrivals(result)
    assert {gap.kind for gap in result.gaps} <= {"amount_differs"}


def test_truth_shares_no_code_with_the_engine() -> None:
    """What makes the truth knows neither the engine nor a heuristic; only what asks them does.

    A mixer's notes are values of `detect/tornado.py`, which judges nothing.
    """
    knowing = set()
    for path in Path(__file__).parent.glob("*.py"):
        nodes = [*ast.walk(ast.parse(path.read_text(encoding="utf-8")))]
        names = {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)} - {"tracer.detect.tornado"}
        if any(name.startswith(("tracer.taint", "tracer.detect", "tracer.actions")) for name in names):
            knowing.add(path.name)

    asking = {"calibration.py", "engine.py", "judged.py", "patterned.py", "rankings.py", "recall.py"}
    assert asking | {"test_economy.py", "test_patterned.py", "test_worlds.py"} == knowing


@pytest.mark.parametrize("seed", SEEDS)
def test_the_books_of_a_world_balance(seed: int) -> None:
    """What lies at every unlabelled address is what came in less what went out, fees included."""
    ledger, moved = played(world(seed)), Counter[tuple[Address | None, AssetId]]()
    for t in (t for one in world(seed).transactions for t in one.transfers if t.id not in world(seed).truth.dust):
        moved[(t.sender, t.asset)] -= t.amount
        moved[(t.recipient, t.asset)] += t.amount
    held = {place: sum(one.amount for one in pot) for place, pot in ledger.pots.items()}

    assert {place: n for place, n in held.items() if n} == {place: moved[place] for place, n in held.items() if n}
    assert sum(held.values()) == sum(n for (who, _), n in moved.items() if who and ledger.is_pot(who))


@pytest.mark.parametrize("seed", SEEDS)
def test_nobody_pays_what_they_do_not_have(seed: int) -> None:
    """All money comes from the zero address; after every transaction everybody else has nothing or more."""
    has = Counter[tuple[Address | None, AssetId]]()
    for one in world(seed).transactions:
        for t in (t for t in one.transfers if t.id not in world(seed).truth.dust):
            has[(t.sender, t.asset)] -= t.amount
            has[(t.recipient, t.asset)] += t.amount
        poor = [t for t in one.transfers if has[(t.sender, t.asset)] < 0 and t.sender != zero()]
        assert [] == poor


def test_segments_leave_first_in_first_out_and_convert_pro_rata() -> None:
    """A victim's 60, 50 of it reported, behind 40 of nobody's: of 80 paid 40 are theirs, exchanged 32."""
    who, shop, pool, victim = map(address, (1, 2, 3, 4))
    mark = Mark(who, USDT, "0x" + "0" * 63 + "2")
    ledger = Ledger([label(shop)], [Payment(mark, victim, 60, 50)], [])
    ledger.pots[(victim, USDT)].append(Segment(60, None))
    ledger.pots[(pool, ETH)].append(Segment(64, None))
    for one in (
        transaction((shop, who, 40), tx=1),
        transaction((victim, who, 60), tx=2),
        transaction(transfer(who, pool, 80, tx=3), transfer(pool, who, 64, tx=3, asset=ETH, kind=Kind.INTERNAL), tx=3),
        transaction(transfer(who, shop, 64, tx=4, asset=ETH, kind=Kind.NATIVE), tx=4),
    ):
        ledger.play(one)

    assert {(shop, ETH, "0x" + "0" * 63 + "4", mark): 32} == ledger.arrivals
    assert [Segment(10, mark), Segment(10, None)] == [*ledger.pots[(who, USDT)]]


# --- what happens in it -----------------------------------------------------------------------------------------------


def test_a_seed_is_a_world() -> None:
    """The same seed makes the same world, another seed another."""
    assert make(1, reports="addresses") == world(1)
    assert make(4).transactions != world(1).transactions


@pytest.mark.parametrize("seed", SEEDS)
def test_a_third_of_the_hops_leave_mixed_addresses(seed: int) -> None:
    """At every third hop or more, a tenth of it or more of other people's money lay at the sender."""
    assert 3 * len(world(seed).truth.mixed) >= len(world(seed).truth.hops)


def test_every_behaviour_happens() -> None:
    """In a few small worlds money goes every way there is, and leaves through every kind of door."""
    hops = [hop for seed in range(1, 6) for hop in world(seed).truth.hops]
    doors = {one.address: one.category for seed in range(1, 6) for one in world(seed).labels}
    used = {doors.get(hop.recipient) for hop in hops if hop.behaviour == "cash_out"}

    names = {"intake", "peel", "forward", "split", "consolidation", "swap_to", "loop", "bundle", "part_cashed"}
    assert {*names, "cash_out"} == {hop.behaviour for hop in hops}
    assert {None, Category.EXCHANGE, Category.SWAPPER, Category.MIXER, Category.BRIDGE} == used


def test_poisoning_changes_nothing() -> None:
    """Zero amounts and look-alike dust are what the engine drops, and without them the truth is the same."""
    one = world(1)
    symbols = {asset: symbol for asset, (symbol, _) in ASSETS.items()}
    clean = [
        dataclasses.replace(x, transfers=tuple(t for t in x.transfers if t.id not in one.truth.dust))
        for x in one.transactions
    ]

    assert one.truth.dust == dropped(one.transactions, symbols, one.addresses).keys()
    assert any(t.amount for x in one.transactions for t in x.transfers if t.id in one.truth.dust)
    assert one.truth.arrivals == played(dataclasses.replace(one, transactions=tuple(clean))).arrivals


def test_what_only_unreported_money_went_through_is_not_sought() -> None:
    """Of a gang's addresses those are sought through which money was sent that the case was told of."""
    one = world(6)
    told = {payment.mark.tx_hash for payment in one.payments if payment.reported}
    sent = {hop.recipient for hop in one.truth.hops if hop.of & told} | {spec.address for spec in one.origins}

    assert {who for who in sent if one.truth.roles[who] == "transit"} == one.truth.laundering


def test_the_order_in_a_block_may_be_unknown() -> None:
    """The same things happen, but nobody knows which came first in a block."""
    same = [dataclasses.replace(one, tx_index=None) for one in make(4).transactions]

    assert same == [*make(4, known_order=False).transactions]


def test_ranking_worlds_are_as_large_as_they_say() -> None:
    """50 to 300 addresses of a gang in 3,000 to 20,000 transfers."""
    for seed in range(20):
        assert 50 <= ranking(seed).launderers <= 300
    one = make(4, ranking(4))

    assert 3_000 <= sum(t.kind is not Kind.FEE for x in one.transactions for t in x.transfers)
    assert 3 * len(one.truth.mixed) >= len(one.truth.hops)


def test_money_set_aside_is_not_paid_by_somebody_else_meanwhile() -> None:
    """In this world one of the crowd, whom money was sent through, pays into the next address before it goes on."""
    one = make(7007, ranking(7007))

    assert one.truth.hops
    assert all(hop.amount for hop in one.truth.hops)


def test_a_world_is_a_case(tmp_path: Path) -> None:
    """Written, every transfer is read back by the product, and a trace finds most of the gang among its worthiest."""
    write(world(1), tmp_path)
    with opened(tmp_path / "transfers.csv") as file:
        rows = read_transfers(file).rows
    found = recall(world(1))

    assert sum(len(one.transfers) for one in world(1).transactions) == rows
    assert found.sought == len(world(1).truth.laundering - {spec.address for spec in world(1).origins})
    assert 0.5 < found.at[1] <= found.at[2] <= found.at[5]
