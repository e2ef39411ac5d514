"""Which bitcoin transactions are CoinJoins: invented ones in the documented shapes, and recorded ones where they are.

The shapes are those of nopara73/Dumplings (Scanning/Scanner.cs) and arXiv:2109.10229; every amount here is invented.
"""

from __future__ import annotations

import json
import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.makers import BITCOIN, START, transaction
from tracer.chains import parse_address
from tracer.detect.coinjoin import (
    NAMES,
    RULES,
    SEARCHED_INPUTS,
    WASABI1_COORDINATORS,
    WASABI2_DENOMINATIONS,
    CoinJoin,
    Mix,
    coinjoin,
    coinjoins,
)
from tracer.model import NATIVE, Address, AssetId, Kind, Transaction, Transfer, transfer_id

COIN = AssetId(BITCOIN, NATIVE)
BLOCK = 900_000
Coin = tuple[str, int]  # the form and number of an address as in "w1", and satoshi
FORMS = {"w": ("bc1q", 42), "t": ("bc1p", 62), "l": ("1", 34), "s": ("3", 34)}  # P2WPKH, P2TR, P2PKH, P2SH


def place(name: str) -> Address | None:
    """An invented address of a form; "-" is a script without one, "c" Wasabi's first coordinator."""
    if name == "-":
        return None
    if name == "c":
        return Address(BITCOIN, min(WASABI1_COORDINATORS))
    lead, length = FORMS[name[0]]
    return Address(BITCOIN, (lead + "q" * length)[: length - len(name[1:])] + name[1:])


def spent(inputs: list[Coin], outputs: list[Coin], *, block: int | None = BLOCK, whole: bool = True) -> Transaction:
    """A transaction with these inputs and outputs, in this order."""
    made = []
    for kind, side in ((Kind.INPUT, inputs), (Kind.OUTPUT, outputs)):
        for n, (name, amount) in enumerate(side):
            ends = (place(name), None) if kind is Kind.INPUT else (None, place(name))
            key = transfer_id(BITCOIN, "ab" * 32, kind, COIN, *ends, amount, n)
            made.append(Transfer(key, kind, COIN, amount, *ends, n, f"{n:064x}:0" if kind is Kind.INPUT else None))
    return Transaction(BITCOIN, "ab" * 32, START, block, 0, whole=whole, transfers=tuple(made))


def coins(form: str, *amounts: int, start: int = 0) -> list[Coin]:
    """One coin an amount, each at an address of its own."""
    return [(f"{form}{number}", amount) for number, amount in enumerate(amounts, start)]


def falling(form: str, *amounts: int, start: int = 0) -> list[Coin]:
    """The same, the largest first."""
    return coins(form, *sorted(amounts, reverse=True), start=start)


DENOMINATIONS = (5_000, 6_561, 8_192, 10_000, 13_122, 16_384, 20_000, 50_000)  # of 10, 3, 2, 10, 2·3, 2, 10, 10
WASABI2 = spent(
    [*falling("w", *range(40_000, 70_000, 1_000)), *falling("t", *range(10_000, 40_000, 1_000), start=100)],
    falling("t", *DENOMINATIONS * 18, 7_777, 31_234, start=200),
)
COORDINATED = spent(
    coins("l", 12_000_000, 11_000_000, 15_000_000),
    [*coins("w", *[10_000_000] * 3, start=10), ("c", 30_000), *coins("w", 1_900_000, 4_900_000, start=20)],
    block=600_000,
)
WASABI1 = spent(
    coins("w", *(11_000_000 + n for n in range(12))),
    [*coins("w", *[10_012_345] * 10, start=100), *coins("w", 20_000_000, 11_000_000, 700_000, start=200)],
)
WHIRLPOOL = spent(
    coins("w", 1_000_000, 1_000_000, 1_000_000, 1_008_000, 1_009_000), coins("w", *[1_000_000] * 5, start=10)
)
# one maker puts in two coins and earns 200, the other one and earns 100, the taker pays them and 700 to the miner
JOINMARKET = spent(
    coins("s", 700_000, 2_600_000, 1_400_000, 800_000),
    coins("s", 1_000_000, 500_200, 1_000_000, 400_100, 1_599_000, 1_000_000, start=10),
)
SHAPES = {
    "wasabi2": WASABI2,
    "wasabi1_coordinated": COORDINATED,
    "wasabi1": WASABI1,
    "whirlpool": WHIRLPOOL,
    "joinmarket": JOINMARKET,
}


def kind(one: Transaction) -> str | None:
    """What it is taken for."""
    found = coinjoin(one)
    return found.kind if found else None


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_every_rule_knows_its_shape(rule: Any) -> None:
    """A transaction of each rule's shape is found by that rule, by no rule before it, and named with its evidence."""
    one = SHAPES[rule.name]
    found = coinjoin(one)

    assert found is not None
    assert (rule.kind, one.tx_hash, ()) == (found.kind, found.tx_hash, found.assumed)
    assert found.says.startswith(f"{NAMES[rule.kind]} {one.tx_hash}: ")
    assert {(BITCOIN, one.tx_hash): found} == coinjoins([one])


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_rule_holds_from_its_first_block_to_its_last(rule: Any) -> None:
    """The software did not exist before; after `until` another rule took over."""
    one = SHAPES[rule.name]

    assert (rule.kind, None) == (kind(replace(one, block=rule.since)), kind(replace(one, block=rule.since - 1)))
    if rule.until is not None:
        assert (rule.kind, None) == (kind(replace(one, block=rule.until - 1)), kind(replace(one, block=rule.until)))


@pytest.mark.parametrize("one", SHAPES.values(), ids=SHAPES)
def test_an_unknown_block_counts_as_late_enough_and_is_said(one: Transaction) -> None:
    """Without a block the heights count as met, and the answer says that it took this for granted."""
    found = coinjoin(replace(one, block=None))

    assert found is not None
    assert "its block is unknown" in found.says


def test_the_evidence_counts_what_is_equal() -> None:
    """How many outputs are equal, of how many, and of which amount."""
    found = coinjoin(JOINMARKET)

    assert found == CoinJoin(
        *(Mix.JOINMARKET, BITCOIN, "ab" * 32, 4, 6, 3, 1_000_000),
        "3 of 6 outputs are of 1,000,000 satoshi, each with a change and inputs of its own",
    )


def without(one: Transaction, *ids: str) -> Transaction:
    """Some inputs or outputs are not known, and nobody says that all are."""
    left = tuple(t for t in one.transfers if not t.id.endswith(ids))
    return replace(one, whole=False, transfers=left)


@pytest.mark.parametrize("one", SHAPES.values(), ids=SHAPES)
def test_only_whole_knowledge_decides(one: Transaction) -> None:
    """Rows that balance and leave out no position are taken for all, and it is said; else there is no answer."""
    found = coinjoin(without(one))

    assert found is not None
    assert "taken to be all" in found.says
    assert kind(without(one, ":input:1")) is None
    assert kind(without(one, ":output:0")) is None
    count = sum(t.kind is Kind.OUTPUT for t in one.transfers)
    assert kind(without(one, *(f":output:{n}" for n in range(count // 2, count)))) is None


def changed(one: Transaction, id_: str, **given: Any) -> Transaction:
    """One of its inputs or outputs is another."""
    return replace(one, transfers=tuple(replace(t, **given) if t.id.endswith(id_) else t for t in one.transfers))


@pytest.mark.parametrize(
    "one",
    [
        changed(WASABI2, ":input:0", amount=20_000),  # inputs out of order
        changed(WASABI2, ":output:0", amount=6_000),  # outputs out of order
        changed(WASABI2, ":input:3", sender=place("l3")),  # an old form of address
        changed(WASABI2, ":input:3", sender=None),
        spent([(f"w{n}", 100_000) for n in range(49)], [(f"w{n}", 50_000) for n in range(90)]),  # 49 inputs
        spent(
            [(f"w{n}", 100_000) for n in range(50)],
            [*[(f"w{n}", 50_001) for n in range(20)], *[(f"t{n}", 50_000) for n in range(80)]],  # not more than 80 %
        ),
        changed(COORDINATED, ":output:3", recipient=place("w99")),
        changed(COORDINATED, ":output:0", amount=9_999_999),  # two equal ones are not enough
        changed(WASABI1, ":output:0", amount=10_012_344),  # nine equal ones
        changed(WASABI1, ":output:11", recipient=place("l1")),
        spent(coins("w", *[9_000_000] * 12), [*coins("w", *[7_000_000] * 10, start=20), *coins("w", 30, 40, start=40)]),
        changed(WHIRLPOOL, ":output:0", amount=999_999),
        changed(WHIRLPOOL, ":input:4", amount=1_110_001),
        changed(WHIRLPOOL, ":input:4", sender=place("t4")),
        spent(coins("w", *[1_001_000] * 5), coins("w", *[1_000_000] * 5, start=10)),  # nobody mixes again
        spent(coins("w", *[2_000_000] * 5), coins("w", *[2_000_000] * 5, start=10)),  # no pool of that amount
        changed(JOINMARKET, ":output:1", amount=400_100),  # two amounts are repeated
        changed(JOINMARKET, ":input:2", sender=place("s0"), amount=1_400_000 + 100_000),  # nobody earns that much
        changed(changed(JOINMARKET, ":input:2", sender=place("s0")), ":input:3", sender=place("s0")),  # two people's
    ],
)
def test_one_mark_missing_and_it_is_none(one: Transaction) -> None:
    """Each condition of each rule matters."""
    assert kind(one) is None


@pytest.mark.parametrize(
    "one",
    [
        spent(coins("w", 90_000), coins("l", 50_000, 39_000, start=5)),  # a payment with change
        spent(coins("l", 34_313), coins("l", 555, 33_532, start=5)),  # a dust attack
        spent(coins("l", 60_000), [(f"l{n}", 555) for n in range(9, 99)]),  # dust for many
        spent(coins("w", 10**9), [(f"s{n}", 10_000_000 * (1 + n % 7)) for n in range(9, 39)]),  # a batch withdrawal
        spent(coins("w", *[7 * 10**7] * 20), [*[(f"w{n}", 10**7) for n in range(99)], ("w200", 3 * 10**8)]),
        spent(coins("w", *[10**6] * 60), coins("w", 59_990_000, start=99)),  # many coins into one
        spent(
            coins("w", 148_000, 200_000), coins("w", 100_000, 30_000, 100_000, 116_000, start=9)
        ),  # two paid the same
        spent(coins("w", 148_000, 200_000), [("w9", 100_000), ("w9", 100_000), ("-", 0), ("w10", 140_000)]),
        spent([], coins("w", 312_500_000, 312_500_000, 1, 1, 1, start=9)),  # a coinbase
        transaction((place("w1"), place("w2"), 5), *[(place("w1"), place("w3"), 6)] * 6),  # another chain
    ],
)
def test_ordinary_transactions_are_none(one: Transaction) -> None:
    """Payments, batches, consolidations and dust are no CoinJoins, however many of their amounts are equal."""
    assert kind(one) is None


def test_where_inputs_are_too_many_to_divide_the_shortcut_decides() -> None:
    """Dumplings' shortcut: the largest input is well below the equal amount and the largest change; and it is said."""
    people = SEARCHED_INPUTS + 1
    many = spent(
        coins("s", *(2_000_000 + 3 * n for n in range(people))),
        [*coins("s", *[1_000_000] * people, start=500), *coins("s", *(999_000 + n for n in range(people)), start=900)],
    )
    richer = changed(many, ":output:150", amount=1_100_000)

    assert kind(many) is None
    assert "too many to divide" in (coinjoin(richer) or pytest.fail()).evidence


def test_hostile_transactions_take_no_time_to_speak_of() -> None:
    """Sums of subsets are tried up to a number, so nobody can hold up a trace with a transaction made for it."""
    hard = spent(
        coins("s", *(1_000_000 + 7_919 * n for n in range(SEARCHED_INPUTS))),
        [
            *coins("s", *[1_000_003] * 30, start=500),
            *coins("s", *(1_000_000 + 104_729 * n + n * n for n in range(30)), start=900),
        ],
    )

    assert "too many to divide" in (coinjoin(hard) or pytest.fail()).evidence


def test_standard_denominations() -> None:
    """Powers of 2, of 3, twice those of 3, and 1, 2 or 5 times those of 10, between 5,000 and 134,375,000,000."""
    assert {5_000, 6_561, 8_192, 13_122, 2 * 10**10, 5 * 10**10, 10**11} <= WASABI2_DENOMINATIONS
    assert set() == {4_096, 4_374, 5_001, 3 * 10**6, 2 * 10**11} & WASABI2_DENOMINATIONS


# --- recorded transactions --------------------------------------------------------------------------------------------

DATA = os.environ.get("TRACER_EVALUATION_DATA")
RECORDED = {
    "wabisabi-coinjoin": Mix.WASABI2,
    "whirlpool-coinjoin": Mix.WHIRLPOOL,
    "joinmarket-coinjoin": Mix.JOINMARKET,
    "batch-withdrawal-143": None,
    "dust-attack-555": None,
    "bare-multisig": None,
    "op-return-charley": None,
    "simple-legacy-p2pkh": None,
    "taproot-op-return": None,
    "taproot-script-path": None,
    "satoshi-genesis-txs": None,
}


def recorded(reply: dict[str, Any]) -> Transaction:
    """A transaction as mempool.space's REST API gives it: `vin[].prevout` and `vout[]`."""

    def end(script: dict[str, Any]) -> Address | None:
        text = script.get("scriptpubkey_address")
        return parse_address(BITCOIN, text) if text else None

    name, made = reply["txid"], []
    for n, spent_ in enumerate(reply["vin"]):
        key = transfer_id(BITCOIN, name, Kind.INPUT, COIN, None, None, 0, n)
        ends, amount = (end(spent_["prevout"]), None), spent_["prevout"]["value"]
        made.append(Transfer(key, Kind.INPUT, COIN, amount, *ends, n, f"{spent_['txid']}:{spent_['vout']}"))
    for n, output in enumerate(reply["vout"]):
        key = transfer_id(BITCOIN, name, Kind.OUTPUT, COIN, None, None, 0, n)
        made.append(Transfer(key, Kind.OUTPUT, COIN, output["value"], None, end(output), n))
    at = datetime.fromtimestamp(reply["status"]["block_time"], UTC)
    return Transaction(BITCOIN, name, at, reply["status"]["block_height"], whole=True, transfers=tuple(made))


@pytest.mark.skipif(DATA is None, reason="TRACER_EVALUATION_DATA names no folder with recorded transactions")
@pytest.mark.parametrize(("name", "expected"), RECORDED.items(), ids=RECORDED)
def test_recorded_transactions_classify_right(name: str, expected: Mix | None) -> None:
    """Real transactions, recorded from mempool.space: the CoinJoins are found, the rest is none."""
    replies = json.loads((Path(DATA or "") / "api" / "mempool_space_am-i-exposed" / f"{name}.json").read_text())
    ones = [recorded(reply) for reply in (replies if isinstance(replies, list) else [replies])]

    assert [(one.tx_hash, expected) for one in ones] == [(one.tx_hash, kind(one)) for one in ones]
