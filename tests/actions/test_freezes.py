"""What issuers freeze, read from a real node, from explorers and TRON: who, when, by which transaction; and what nobody
read is unknown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from eth_utils.crypto import keccak

from tests.anvil import Anvil, Proxy, proxied, refusing
from tests.servers.blockscout import blockscout
from tests.servers.etherscan import PAID, etherscan, refused
from tests.servers.serve import Answers, serving
from tests.servers.trongrid import trongrid
from tests.servers.world import World
from tests.sources.evm_story import evm, place
from tests.sources.issuer_story import USDT_ON_TRON, issuer, subject
from tracer.actions.events import read_events
from tracer.actions.freezes import Freezes
from tracer.chains import parse_address, parse_asset
from tracer.detect.freezes import EVENTS, freezes
from tracer.model import AssetId, Freeze
from tracer.sources import SOURCES, Budget, SourceSettings
from tracer.sources.evm import Evm
from tracer.store.store import Store

USDT = parse_asset("ethereum", "0xdAC17F958D2ee523a2206206994597C13D831ec7")
USDC = parse_asset("ethereum", "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48")
THIEF, OTHER, NOBODY = "0x" + "a1" * 20, "0x" + "b2" * 20, "0x" + "c3" * 20


@pytest.fixture
def issuing(anvil: Anvil) -> Anvil:
    """A chain on which the contracts at the real addresses of USDT and USDC say what issuers say."""
    code = anvil.rpc("eth_getCode", anvil.deploy("Issuer"), "latest")
    for asset in (USDT, USDC):
        anvil.rpc("anvil_setCode", asset.contract, code)
    return anvil


@pytest.fixture
def proxy(anvil: Anvil) -> Iterator[Proxy]:
    """A proxy before the chain."""
    with proxied(anvil) as running:
        yield running


def says(chain: Anvil, asset: AssetId, call: str, *values: object) -> str:
    """The hash of a transaction by which an issuer says something."""
    return chain.send(chain.accounts[0], asset.contract.lower(), call, *values)


def said(store: Store) -> list[Freeze]:
    """All that issuers said."""
    return list(freezes(store.logs()))


def states(store: Store, address: str) -> list[tuple[str, str, str | None]]:
    """Symbol, state and transaction of every token at an address."""
    where = place(address)
    return [(row["symbol"], row["state"], row["tx_hash"]) for row in Freezes.of(store).every_token(where)]


def test_topics_are_those_of_the_signatures() -> None:
    """Every event's topic is the keccak-256 of its signature, and nothing is read of a bridged token."""
    for asset, events in EVENTS.items():
        assert [f"0x{keccak(text=event.signature).hex()}" for event in events] == [event.topic for event in events]
        assert asset.chain != "eip155:56"
    assert {USDT, USDC} <= EVENTS.keys()


def test_who_was_frozen_and_when(store: Store, issuing: Anvil) -> None:
    """The last event counts; destroyed funds are told with the amount; an address that was never touched is told so."""
    says(issuing, USDT, "addBlackList(address)", OTHER)
    frozen_by = says(issuing, USDT, "addBlackList(address)", THIEF)
    destroyed_by = says(issuing, USDT, "destroyBlackFunds(address,uint256)", THIEF, 46_291_000_000)
    released_by = says(issuing, USDT, "removeBlackList(address)", OTHER)
    blocked_by = says(issuing, USDC, "blacklist(address)", OTHER)
    issuing.mine(3)

    assert 5 == read_events(store, [evm(issuing)], "ana").new
    assert [("USDC", "none", None), ("USDT", "destroyed", destroyed_by)] == states(store, THIEF)
    assert [("USDC", "frozen", blocked_by), ("USDT", "unfrozen", released_by)] == states(store, OTHER)
    assert [("USDC", "none", None), ("USDT", "none", None)] == states(store, NOBODY)
    found = [one for one in said(store) if (one.asset, one.address) == (USDT, place(THIEF))]
    assert [("frozen", frozen_by, None), ("destroyed", destroyed_by, 46_291_000_000)] == [
        (one.state, one.tx_hash, one.amount) for one in found
    ]


def test_what_was_not_read_is_unknown(store: Store, issuing: Anvil) -> None:
    """Before the events were read, and where a source refuses them, nobody is called unfrozen."""
    assert [("USDC", "unknown", None), ("USDT", "unknown", None)] == states(store, THIEF)


def test_refused_events_are_named_and_prove_nothing(store: Store, issuing: Anvil, proxy: Proxy) -> None:
    """A node that gives no logs is named for each token; the state stays unknown."""
    proxy.refuse = refusing("eth_getLogs")
    done = read_events(store, [evm(proxy)], "ana")

    assert {str(place(one.contract)) for one in (USDC, USDT)} == {what.split()[2] for what, _ in done.failed}
    assert [("USDC", "unknown", None), ("USDT", "unknown", None)] == states(store, THIEF)


def test_where_the_first_source_refuses_the_next_is_read(store: Store, issuing: Anvil, proxy: Proxy) -> None:
    """A source that gives no logs hands over; what the second one tells is proof, and nothing failed."""
    says(issuing, USDT, "addBlackList(address)", THIEF)
    issuing.mine(3)
    proxy.refuse = refusing("eth_getLogs")
    done = read_events(store, [evm(proxy, name="first"), evm(issuing, name="second")], "ana")

    assert (1, []) == (done.new, done.failed)
    assert ["none", "frozen"] == [state for _, state, _ in states(store, THIEF)]


def test_reading_goes_on_where_it_was(store: Store, issuing: Anvil) -> None:
    """A second run reads only what is new, nothing twice; a third finds nothing."""
    source = evm(issuing)
    says(issuing, USDT, "addBlackList(address)", OTHER)
    issuing.mine(3)
    first = read_events(store, [source], "ana")
    says(issuing, USDT, "addBlackList(address)", THIEF)
    issuing.mine(3)

    assert [1, 1, 0] == [first.new, *(read_events(store, [source], "ana").new for _ in range(2))]
    assert 2 == len(said(store))


def test_a_narrow_node_is_read_in_pieces(store: Store, issuing: Anvil, proxy: Proxy) -> None:
    """Where only a few blocks are given at once, all events are found all the same."""
    for _ in range(6):
        says(issuing, USDT, "addBlackList(address)", OTHER)
        issuing.mine(3)
    refuse: Callable[[str, list[dict[str, str]]], object] = lambda method, params: (  # noqa: E731
        {"code": -32005, "message": "query exceeds max block range 5"}
        if method == "eth_getLogs" and int(params[0]["toBlock"], 16) - int(params[0]["fromBlock"], 16) >= 5
        else None
    )
    proxy.refuse = refuse

    assert 6 == read_events(store, [evm(proxy)], "ana").new


def test_a_reorg_takes_back_what_it_dropped(store: Store, issuing: Anvil) -> None:
    """A freeze in a block that is gone is withdrawn; what the chain still says stands again."""
    source: Evm = evm(issuing)
    kept = says(issuing, USDT, "addBlackList(address)", OTHER)
    says(issuing, USDT, "addBlackList(address)", THIEF)
    issuing.mine(3)
    read_events(store, [source], "ana")
    issuing.reorg(4)
    issuing.mine(3)
    read_events(store, [evm(issuing)], "ana")

    assert [kept] == [one.tx_hash for one in said(store)]
    assert "none" == dict((symbol, state) for symbol, state, _ in states(store, THIEF))["USDT"]


# --- where there is no node -------------------------------------------------------------------------------------------

SERVERS: dict[str, tuple[AssetId, Callable[[World], Answers]]] = {
    "etherscan": (USDT, etherscan),
    "blockscout": (USDT, blockscout),
    "trongrid": (USDT_ON_TRON, trongrid),
}


@pytest.mark.parametrize("kind", SERVERS)
def test_freezes_are_read_where_there_is_no_node(store: Store, kind: str) -> None:
    """An explorer tells who is frozen, unfrozen, destroyed and never touched; run again, it finds only what is new."""
    asset, server = SERVERS[kind]
    who = [parse_address(asset.chain, f"{'41' if kind == 'trongrid' else '0x'}{subject(n)}") for n in range(4)]
    with serving(server(issuer(asset, 3))) as served:
        source = SOURCES[kind].make(SourceSettings(kind=kind, chain=asset.chain, url=served.url), Budget(kind))
        first = read_events(store, [source], "ana")
        again = read_events(store, [source], "ana")
    freezes_ = Freezes.of(store)
    told = [next(row for row in freezes_.every_token(one) if row["asset"] == asset.contract) for one in who]

    assert ([], []) == (first.failed, again.failed)
    assert (3, 0) == (first.new, again.new)
    assert ["frozen", "unfrozen", "destroyed", "none"] == [row["state"] for row in told]
    assert [None, None, "5000002", None] == [row["amount"] for row in told]
    assert {(source.name, 0)} == {(row["source"], row["since"]) for row in told}


def test_a_chain_that_is_paid_for_says_nothing(store: Store) -> None:
    """A refused chain is named, and nobody on it is called never frozen."""
    with serving(lambda _: refused(PAID)) as served:
        source = SOURCES["etherscan"].make(
            SourceSettings(kind="etherscan", chain=USDT.chain, url=served.url), Budget("")
        )
        done = read_events(store, [source], "ana")

    assert {str(place(one.contract)) for one in (USDC, USDT)} == {what.split()[2] for what, _ in done.failed}
    assert [("USDC", "unknown", None), ("USDT", "unknown", None)] == states(store, THIEF)
