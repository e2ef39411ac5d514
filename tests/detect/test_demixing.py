"""What may be said of a mixer's notes: candidates, of how many, how likely; and how often that is so."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from statistics import median

import pytest
from eth_utils.crypto import keccak

from tests.makers import address
from tests.worlds.calibration import measured
from tests.worlds.pools import secret
from tracer.chains import parse_address
from tracer.detect.demixing import HEURISTICS, LONDON, Claim, Link, Scene, links, together
from tracer.detect.tornado import POOLS, SIGNATURES, Deposit, Withdrawal, notes
from tracer.model import Address, Log

DATA = os.environ.get("TRACER_EVALUATION_DATA")
START = datetime(2020, 5, 1, tzinfo=UTC)
ONE, TEN, HUNDRED = (
    next(pool for pool, row in POOLS.items() if row.name == f"{amount} native on ethereum") for amount in (1, 10, 100)
)
ANN, BOB, CID, EVE, RELAYER = (address(n) for n in range(1, 6))
Put = Callable[..., Deposit]


def put(number: int, who: Address, pool: Address = TEN, price: int | None = None) -> Deposit:
    """A note that went in at block `number`."""
    return Deposit(pool, f"0xd{number:063x}", START + timedelta(minutes=number), number, number, who, price)


def take(number: int, to: Address, pool: Address = TEN, price: int | None = None) -> Withdrawal:
    """A note that came out at block `number`, relayed unless a gas price is told."""
    who = (RELAYER, RELAYER) if price is None else (None, to)
    at = START + timedelta(minutes=number)
    return Withdrawal(pool, f"0xe{number:063x}", at, number, f"0x{number:064x}", to, 0, *who, price)


def said(heuristic: str, scene: Scene) -> dict[int, list[int]]:
    """What a heuristic says, by the block of the withdrawal: the blocks of its candidates."""
    found = [link for link in links(scene) if link.heuristic == heuristic]
    return {link.withdrawal.block: [one.block for one in link.candidates] for link in found}


def test_topics_are_those_of_the_signatures() -> None:
    """Each event's topic is the keccak-256 of its signature."""
    assert [f"0x{keccak(text=signature).hex()}" for signature in SIGNATURES] == list(SIGNATURES.values())


def test_a_pool_is_a_chain_and_an_address() -> None:
    """42 pools on seven networks; the same address on another chain is another pool, with another denomination."""
    here, there = (parse_address(chain, "0x1E34A77868E19A6647b1f2F47B51ed72dEDE95DD") for chain in ("bsc", "polygon"))

    assert (42, 7) == (len(POOLS), len({pool.chain for pool in POOLS}))
    assert (100 * 10**18, 100 * 10**18) == (POOLS[here].denomination, POOLS[there].denomination)
    assert POOLS[here].asset != POOLS[there].asset


def test_who_puts_in_and_takes_out_by_the_same_address() -> None:
    """Ann's two notes are the candidates of what she takes out; a deposit of the same block or later is none."""
    scene = Scene([put(1, ANN), put(2, BOB), put(3, ANN), put(9, ANN)], [take(9, ANN), take(4, CID)])

    assert {9: [1, 3]} == said("address_match", scene)
    (link,) = links(scene)
    assert (3, Fraction(1, 2)) == (link.before, link.probability)


def test_pools_are_apart() -> None:
    """A note of another pool is never a candidate, whoever put it in."""
    assert {} == said("address_match", Scene([put(1, ANN, ONE)], [take(4, ANN, TEN)]))


def test_a_gas_price_of_ones_own() -> None:
    """It links where it is unique in the pool, nobody relayed, and wallets still chose prices."""
    mine = [put(1, ANN, price=41_234_567_891), put(2, BOB, price=40), put(3, CID, price=40)]
    scene = Scene(mine, [take(5, EVE, price=41_234_567_891), take(6, EVE, price=40)])

    assert {5: [1]} == said("unique_gas_price", scene)
    assert {} == said("unique_gas_price", replace(scene, withdrawals=[replace(take(5, EVE), gas_price=41_234_567_891)]))
    late = LONDON["eip155:1"]
    young = Scene([put(late, ANN, price=7)], [take(late + 5, EVE, price=7)])
    assert {} == said("unique_gas_price", young)


def test_friends_by_three_direct_transactions() -> None:
    """Three link two addresses, two do not."""
    scene = Scene([put(1, ANN), put(2, BOB)], [take(5, EVE)], {frozenset((ANN, EVE)): 3, frozenset((BOB, EVE)): 2})

    assert {5: [1]} == said("linked_addresses", scene)


def test_equal_portfolios() -> None:
    """Who put 1 and 2 notes into two pools is the candidate for who took 1 and 2 out of them; 1 and 1 is another."""
    ann = [put(1, ANN, ONE), put(2, ANN), put(3, ANN)]
    bob = [put(4, BOB, ONE), put(5, BOB)]
    out = [take(3000, EVE, ONE), take(3001, EVE), take(3002, EVE)]
    scene = Scene([*ann, *bob], out)

    assert {3000: [1], 3001: [2, 3], 3002: [2, 3]} == said("same_portfolio", scene)
    assert {} == said("same_portfolio", Scene([*ann, *bob], out[:2]))  # two notes are no portfolio
    spread = [put(1, ANN, ONE), put(2, ANN), put(3 + 24 * 60, ANN)]
    assert {} == said("same_portfolio", Scene(spread, out))  # nor are notes of two days


def test_points_tell_the_blocks_between() -> None:
    """5,000 points at 50 a block are 100 blocks: one pair lies so far apart; where two do, nothing is said."""
    scene = Scene([put(1, ANN), put(7, BOB)], [take(101, EVE), take(120, CID)], claims=[Claim(TEN, 5000)])

    assert {101: [1]} == said("mined_points", scene)
    assert {} == said("mined_points", replace(scene, withdrawals=[take(101, EVE), take(107, CID)]))
    assert {} == said("mined_points", replace(scene, claims=[Claim(TEN, 5001)]))


def test_several_that_agree_narrow_and_several_that_do_not_are_named() -> None:
    """Shared candidates are left; where there are none all are kept, and it is said that one of them is wrong."""
    out = take(9, ANN)
    first, second, third = put(1, ANN), put(2, ANN), put(3, BOB)
    agreeing = [Link("a", out, (first, second), 3), Link("b", out, (second, third), 3)]
    (one,) = together(agreeing)
    assert ((second,), Fraction(1), False, ("a", "b")) == (
        one.candidates,
        one.probability,
        one.contradict,
        one.heuristics,
    )

    (other,) = together([Link("a", out, (first,), 3), Link("b", out, (third,), 3)])
    assert ((first, third), Fraction(1, 2), True) == (other.candidates, other.probability, other.contradict)


def test_what_is_said_with_a_probability_is_so_as_often() -> None:
    """On mixers whose secret is known, of links said to be p a share near p is true, for every heuristic."""
    rows = [row for row in measured((8101, 8102, 8103)) if row.links >= 100]

    assert {*HEURISTICS, "together"} == {row.heuristic for row in rows}
    assert [] == [row for row in rows if abs(row.said - row.true) > 0.06]


def test_no_candidate_is_later_or_of_another_pool() -> None:
    """Of thousands of links none names a deposit that was not there yet."""
    made = secret(8100)
    found = links(Scene(made.deposits, made.withdrawals, made.met, [Claim(*one) for one in made.points]))

    assert len(found) > 300
    for link in found:
        assert all(
            (one.pool, one.block < link.withdrawal.block) == (link.withdrawal.pool, True) for one in link.candidates
        )
        assert len(link.candidates) <= link.before


def test_events_are_read() -> None:
    """A log of a pool says what its words say; one of any other contract says nothing."""
    word = "{:064x}".format
    deposit = Log(
        TEN,
        "0x1",
        0,
        5,
        START,
        (SIGNATURES["Deposit(bytes32,uint32,uint256)"], "0x" + word(9)),
        f"0x{word(7)}{word(1)}",
        ANN,
        40,
    )
    topics = (SIGNATURES["Withdrawal(address,bytes32,address,uint256)"], "0x" + "0" * 24 + RELAYER.text[2:].lower())
    data = f"0x{'0' * 24}{EVE.text[2:].lower()}{word(77)}{word(10**16)}"
    out = Log(TEN, "0x2", 0, 8, START, topics, data, RELAYER, 50)
    direct = replace(out, topics=(topics[0], "0x" + "0" * 64), initiator=EVE)

    came, went = notes([deposit, out, direct, replace(out, contract=ANN)])

    assert [(7, ANN, 40)] == [(one.leaf, one.depositor, one.gas_price) for one in came]
    assert [(EVE, RELAYER, 10**16), (EVE, None, 10**16)] == [(one.recipient, one.relayer, one.fee) for one in went]
    assert ["0x" + word(77)] * 2 == [one.nullifier for one in went]


# Recorded pools: deposits, withdrawals, median of the anonymity sets, median of the notes alive.
RECORDED = {
    ("ethereum", "wbtc_10", "10 WBTC on ethereum"): (1164, 1156, 889, 259.5),
    ("polygon", "matic_100", "100 native on polygon"): (5352, 4879, 2686, 259),
    ("binancesmartchain", "bnb_100", "100 native on bsc"): (5044, 4314, 2376, 173),
}


@pytest.mark.skipif(DATA is None, reason="TRACER_EVALUATION_DATA names no folder with recorded pools")
@pytest.mark.parametrize(("network", "file", "name"), RECORDED)
def test_recorded_pools(network: str, file: str, name: str) -> None:
    """Every recorded deposit and withdrawal is read, and the anonymity sets are those published of them."""
    folder, pool = Path(str(DATA)) / "tornado" / network, next(one for one, row in POOLS.items() if row.name == name)
    deposits, withdrawals = (
        json.loads((folder / f"{kind}_{file}.json").read_text()) for kind in ("deposits", "withdrawals")
    )
    scene = Scene([_put(pool, one) for one in deposits], [_take(pool, one) for one in withdrawals])

    sizes = [scene.size(one) for one in scene.withdrawals]
    alive = [size - number for number, size in enumerate(sizes)]
    assert RECORDED[network, file, name] == (len(deposits), len(withdrawals), median(sizes), median(alive))
    assert {one.nullifier for one in scene.withdrawals} == {one["nullifierHash"] for one in withdrawals}


def _put(pool: Address, one: dict[str, str]) -> Deposit:
    at = datetime.fromtimestamp(int(one["timestamp"]), UTC)
    return Deposit(pool, one["transactionHash"], at, int(one["blockNumber"]), int(one["leafIndex"]))


def _take(pool: Address, one: dict[str, str]) -> Withdrawal:
    to = parse_address(pool.chain, one["to"])
    block = int(one["blockNumber"])
    return Withdrawal(pool, one["transactionHash"], START, block, one["nullifierHash"], to, int(one["fee"]))
