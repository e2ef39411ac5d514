"""GraphML: what any reader of graphs gets, and that no name breaks it."""

from __future__ import annotations

import io
from typing import Any
from xml.etree import ElementTree

import networkx as nx
import pytest

from tests.exports.documents import EXCHANGE, FRIEND, PEEL, empty, sample, small
from tests.exports.hostile import HOSTILE
from tracer.exports.graph import clean, graphml


def parsed(made: dict[str, Any]) -> nx.MultiDiGraph[str]:
    """The graph as networkx reads it back."""
    read = nx.read_graphml(io.BytesIO(graphml(made)), force_multigraph=True)
    assert isinstance(read, nx.MultiDiGraph)
    return read


@pytest.mark.parametrize("made", [sample, small])
def test_nodes_and_edges_are_those_of_the_case(made: Any) -> None:
    """A node for every address and every other end of a hop (who paid the victim's money in); an edge a hop."""
    case = made()
    ends = {f"{hop['chain']}:{hop[end]}" for hop in case["hops"] for end in ("sender", "recipient")}
    read = parsed(case)

    assert set(read.nodes) == {f"{one['chain']}:{one['address']}" for one in case["addresses"]} | ends
    assert read.number_of_edges() == len(case["hops"])


def test_nothing_happened_is_a_graph_with_its_origin() -> None:
    """The reported address stands alone."""
    read = parsed(empty())
    assert (read.number_of_nodes(), read.number_of_edges()) == (1, 0)


def test_a_node_says_what_the_address_is_and_an_edge_what_went() -> None:
    """Role, entity, category, worth and flags; hash, time, asset and the exact amount of every method."""
    read = parsed(small())
    node = read.nodes[str(EXCHANGE)]
    (edge,) = read.get_edge_data(str(PEEL), str(EXCHANGE)).values()
    (hop,) = [hop for hop in small()["hops"] if hop["recipient"] == EXCHANGE.text]

    assert (node["role"], node["entity"], node["category"]) == ("arrival", "Example Exchange", "exchange")
    assert node["flags"] == "low_kyc_arrival"
    assert (edge["symbol"], edge["tx_hash"], edge["at"]) == ("USDT", hop["tx_hash"], hop["at"])
    assert {name: edge[name] for name in hop["amounts"]} == {n: one["amount"] for n, one in hop["amounts"].items()}
    assert str(FRIEND) not in read  # clean money is in the JSON, not in the picture


def test_withdrawn_flags_are_not_in_the_picture() -> None:
    """What the newest trace no longer finds marks no node."""
    made = small()
    made["flags"] = [flag | {"state": "withdrawn"} for flag in made["flags"]]
    assert parsed(made).nodes[str(EXCHANGE)]["flags"] == ""


def test_amounts_beyond_every_number_type_stay_exact() -> None:
    """They are text, so that no reader makes a float of them."""
    made = small()
    made["hops"][0]["amounts"]["fifo"]["amount"] = str(2**256 - 1)
    amounts = {edge.get("fifo") for _, _, edge in parsed(made).edges(data=True)}
    assert str(2**256 - 1) in amounts


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_survive_and_break_nothing(name: str) -> None:
    """Markup, quotes, control characters, CDATA ends: the file stays XML, and the name is what it was, cleaned."""
    made = small()
    for one in made["addresses"]:
        one["labels"] = [label | {"entity": name} for label in one["labels"]]
    made["case"] = name
    made["assets"] = [asset | {"symbol": name} for asset in made["assets"]]
    content = graphml(made)
    read = parsed(made)

    ElementTree.fromstring(content)  # noqa: S314 - our own file
    assert read.nodes[str(EXCHANGE)]["entity"].splitlines() == clean(name).splitlines()
    assert read.graph["case"].splitlines() == clean(name).splitlines()
    assert b"<script" not in content
    assert not set(content.decode()) & set(map(chr, {*range(32), 127, *range(128, 160)} - {9, 10, 13}))
    assert len(read.nodes) == len(parsed(small()).nodes)


def test_clean_takes_what_is_no_xml_only() -> None:
    """Letters of all scripts and emoji stay; what XML 1.0 cannot hold becomes the replacement character."""
    assert clean("Ünïcödé 交易所 🦊\n\t") == "Ünïcödé 交易所 🦊\n\t"
    assert clean("a\x00b\x1bc\ufffed\ud800e") == "a\ufffdb\ufffdc\ufffdd\ufffde"
    assert clean(None) == ""
