"""A crossing read from two real chains: transfers and events, round by round, until the money arrives on the other."""

from __future__ import annotations

import os
from collections.abc import Iterator
from decimal import Decimal

import pytest

from tests.anvil import Anvil, Missing, started
from tests.detect.bridge_logs import SPOKES, USDC, USDC_BASE, word
from tests.makers import ETHEREUM, START
from tests.sources.evm_story import evm, place
from tracer.actions.events import read_events
from tracer.actions.pull import due, pull
from tracer.actions.trace import trace
from tracer.chains import parse_address
from tracer.model import Address, Case, Category, Label, OriginSpec
from tracer.sources import Source, SourceSettings
from tracer.sources.evm import Evm
from tracer.store.store import Store

BASE = "eip155:8453"
DEAL = "bytes32[8]"
HEIR, SHOP = "0x" + "77" * 20, "0x" + "55" * 20


@pytest.fixture
def base() -> Iterator[Anvil]:
    """A second chain: base."""
    try:
        with started(chain_id=8453) as chain:
            yield chain
    except Missing as missing:
        if os.environ.get("CI"):
            pytest.fail(f"no EVM node under CI: {missing}")
        pytest.skip(f"no EVM node here: {missing}")


def prepare(chain: Anvil, spoke: str, dollar: str) -> None:
    """Across's pool and the dollar stand where they stand in truth."""
    for name, types, values, where in (
        ("Spoke", "", (), spoke),
        ("TestToken", "string,string,uint8", ("", "", 6), dollar),
    ):
        code = chain.rpc("eth_getCode", chain.deploy(name, types, *values), "latest")
        chain.rpc("anvil_setCode", where, code)


def pay(chain: Anvil, dollar: str, sender: str, spoke: str, units: int) -> None:
    """Let the pool take a sender's dollars."""
    chain.send(sender, dollar.lower(), "approve(address,uint256)", spoke, units)


def sources(ethereum: Anvil, base: Anvil) -> list[Source]:
    """Both chains."""
    return [evm(ethereum), Evm(SourceSettings(kind="evm", chain=BASE, url=base.url))]


def test_money_arrives_on_the_other_chain(store: Store, anvil: Anvil, base: Anvil) -> None:
    """The thief's thousand goes in on ethereum, a relayer pays 990 on base, the heir pays them on to a shop: read round
    by round by pulls and events alone, it arrives there, all of it, and the relayer's own money is nobody's.
    """
    victim, thief = anvil.accounts[1:3]
    relayer, heir = base.accounts[3], base.accounts[4]
    prepare(anvil, SPOKES["ethereum"], USDC)
    prepare(base, SPOKES["base"], USDC_BASE)
    numbers = [number.to_bytes(32) for number in (1000, 990, 1, 7)]
    deal = [word(thief), word(heir), word(USDC), word(USDC_BASE), *numbers]
    anvil.send(victim, USDC.lower(), "mint(address,uint256)", victim, 1000)
    anvil.send(victim, USDC.lower(), "transfer(address,uint256)", thief, 1000)
    pay(anvil, USDC, thief, SPOKES["ethereum"], 1000)
    anvil.send(thief, SPOKES["ethereum"].lower(), f"deposit({DEAL},uint256)", deal, 8453)
    anvil.mine(3)
    late = int(anvil.rpc("eth_getBlockByNumber", "latest", False)["timestamp"], 16) + 600
    base.rpc("evm_setNextBlockTimestamp", late)
    base.send(relayer, USDC_BASE.lower(), "mint(address,uint256)", relayer, 5000)
    pay(base, USDC_BASE, relayer, SPOKES["base"], 990)
    base.send(relayer, SPOKES["base"].lower(), f"fill({DEAL})", deal)
    base.send(heir, USDC_BASE.lower(), "transfer(address,uint256)", SHOP, 990)
    base.mine(3)
    spoke, shop = parse_address(ETHEREUM, SPOKES["ethereum"]), Address(BASE, parse_address(BASE, SHOP).text)
    with store.act("ana", "import", "labels") as work:
        work.add_labels([Label(spoke, "Across Protocol", Category.BRIDGE, Decimal("0.9"), "test")])
        work.add_labels([Label(shop, "Some Exchange", Category.EXCHANGE, Decimal("0.9"), "test")])
        work.open_case(Case("1", "live", (OriginSpec(place(thief)),), START))
    case, read = store.case("live"), sources(anvil, base)
    for _ in range(4):
        pull(store, read, due(store, case), "ana")
        assert [] == read_events(store, read, "ana").failed
        made = trace(store, "live", "ana", live={ETHEREUM, BASE}).document

    assert [("across", "1:7", shop.chain, parse_address(BASE, heir).text)] == [
        (one["protocol"], one["key"], one["chain"], one["address"]) for one in made["crossings"]
    ]
    (flag,) = [flag for flag in made["flags"] if flag["rule"] == "exchange_arrival"]
    assert (shop.text, {("990", "1000")}) == (
        flag["address"],
        {(one["amount"], one["origin_amount"]) for one in flag["amounts"]},
    )
    (sums,) = [row for row in made["ledger"] if row["method"] == "fifo" and row["arrivals"] != "0"]
    assert ("1000", "1000", "0") == (sums["originated"], sums["arrivals"], sums["bridges"])
