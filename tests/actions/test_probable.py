"""What may have come out of a mixer is told apart: from a real chain, with its candidates, and in no exact sum."""

from __future__ import annotations

from decimal import Decimal

import networkx as nx
import pytest

from tests.anvil import ETHER, Anvil
from tests.makers import ETHEREUM, START
from tests.sources.evm_story import evm, place
from tracer.actions.events import read_events
from tracer.actions.export import export
from tracer.actions.probable import edges, pools_touched, probable
from tracer.actions.pull import pull
from tracer.actions.trace import trace
from tracer.detect.tornado import POOLS
from tracer.errors import NotFound
from tracer.model import Address, Case, Category, Label, OriginSpec
from tracer.store.store import Store

POOL = next(one for one, pool in POOLS.items() if pool.name == "10 native on ethereum")
FEE = ETHER // 10


@pytest.fixture
def mixer(anvil: Anvil) -> Anvil:
    """A chain with a mixer at the real pool's address."""
    code = anvil.rpc("eth_getCode", anvil.deploy("FakeMixer", "uint256", 10 * ETHER), "latest")
    anvil.rpc("anvil_setCode", POOL.text, code)
    return anvil


def put(chain: Anvil, who: str, note: int) -> str:
    """A note goes in."""
    return chain.send(who, POOL.text.lower(), "deposit(bytes32)", note.to_bytes(32), value=10 * ETHER)


def take(chain: Anvil, to: str, note: int) -> str:
    """A note comes out, relayed for a fee."""
    signature = "withdraw(bytes,bytes32,bytes32,address,address,uint256,uint256)"
    relayer = chain.accounts[8]
    return chain.send(relayer, POOL.text.lower(), signature, b"", bytes(32), note.to_bytes(32), to, relayer, FEE, 0)


@pytest.fixture
def thief(store: Store, mixer: Anvil) -> Address:
    """Who was paid 20 ETH by a victim, put ten in between two others, and took ten out to the same address."""
    victim, thief, ann, bob = mixer.accounts[1:5]
    mixer.send(victim, thief, value=20 * ETHER)
    for number, who in enumerate((ann, thief, bob), 1):
        put(mixer, who, number)
    take(mixer, thief, 11)
    take(mixer, "0x" + "77" * 20, 12)
    mixer.mine(3)
    with store.act("ana", "import", "labels") as work:
        work.add_labels([Label(POOL, "Tornado Cash", Category.MIXER, Decimal("0.9"), "test")])
        work.open_case(Case("1", "mixed", (OriginSpec(place(thief)),), START))
    pull(store, [evm(mixer)], [place(thief), place(victim)], "ana")
    trace(store, "mixed", "ana", live={ETHEREUM})
    return place(thief)


def test_a_note_and_where_it_may_have_come_out(store: Store, mixer: Anvil, thief: Address) -> None:
    """The thief's note is linked with what came to the thief; the other withdrawal is linked with nothing."""
    assert {POOL} < set(pools_touched(store))
    assert [] == read_events(store, [evm(mixer)], "ana").failed
    found = probable(store, "mixed")

    (note,) = found["notes"]
    (out,) = note["withdrawals"]
    assert (1, thief.text) == (note["leaf"], note["depositor"])
    assert (thief.text, "1.000000", 3, 1, ["address_match"], False) == tuple(
        out[key] for key in ("recipient", "probability", "before", "candidates", "heuristics", "contradict")
    )
    most = str(10 * ETHER - FEE)
    assert [(thief.text, most, most)] == [
        (row["recipient"], row["at_most"], row["likely"]) for row in found["recipients"]
    ]
    assert [(POOL.text, thief.text)] == [(edge["sender"], edge["recipient"]) for edge in edges(found)]


def test_it_enters_no_exact_sum(store: Store, mixer: Anvil, thief: Address) -> None:
    """Reading the events changes no trace: ten ether are at the mixer, and what came out is nobody's."""
    before = trace(store, "mixed", "ana", live={ETHEREUM}).document
    read_events(store, [evm(mixer)], "ana")
    probable(store, "mixed")
    after = trace(store, "mixed", "ana", live={ETHEREUM})

    assert (before["digest"], False) == (after.document["digest"], after.new)
    (mixed,) = [
        row["mixers"] for row in after.document["ledger"] if row["method"] == "dirty_first" and row["mixers"] != "0"
    ]
    assert str(10 * ETHER) == mixed


def test_the_picture_draws_it_apart(store: Store, mixer: Anvil, thief: Address) -> None:
    """GraphML has an edge from the pool to the recipient that says `probable`, with no amount of any method."""
    read_events(store, [evm(mixer)], "ana")
    drawn = nx.parse_graphml(export(store, "mixed", "graphml").decode(), force_multigraph=True)
    (edge,) = [one for _, _, one in drawn.edges(data=True) if one["by"] == "probable"]

    assert ("1.000000", str(10 * ETHER - FEE), "address_match") == (
        edge["probability"],
        edge["at_most"],
        edge["heuristics"],
    )
    assert set() == edge.keys() & {"fifo", "haircut", "dirty_first"}


def test_pools_that_were_not_read_are_named(store: Store, mixer: Anvil, thief: Address) -> None:
    """Without events nothing is said of the note, and why."""
    found = probable(store, "mixed")

    assert ([], [POOL.text]) == (found["notes"], [one["address"] for one in found["unread"]])


def test_a_case_must_be_traced(store: Store) -> None:
    """Before a trace there is nothing that went in."""
    with store.act("ana", "case", "x") as work:
        work.open_case(Case("2", "new", (OriginSpec(POOL),), START))
    with pytest.raises(NotFound, match="not traced yet"):
        probable(store, "new")
