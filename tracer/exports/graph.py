"""GraphML: addresses as nodes, hops as edges. Outside text is cleaned of what XML cannot hold and escaped."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Mapping
from typing import Any

import networkx as nx

from tracer.exports.plain import from_chain

_NOT_XML = re.compile("[^\t\n\r\u0020-\u007e\u00a0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def clean(value: object) -> str:
    """Text that XML 1.0 can hold, without control characters."""
    return _NOT_XML.sub("\ufffd", "" if value is None else str(value))


def graph(document: Mapping[str, Any]) -> nx.MultiDiGraph[str]:
    """The flow of taint as a graph; node ids are CAIP-10, every attribute is text (amounts exceed any number type)."""
    made: nx.MultiDiGraph[str] = nx.MultiDiGraph(case=clean(document["case"]), digest=clean(document["digest"]))
    flagged: dict[tuple[str, str], list[str]] = {}
    for flag in document["flags"]:
        if flag.get("state") != "withdrawn":
            flagged.setdefault((flag["chain"], flag["address"]), []).append(flag["rule"])
    for one in document["addresses"]:
        label = one["labels"][0] if one["labels"] else {}
        made.add_node(
            f"{one['chain']}:{one['address']}",
            label=clean(label.get("entity") or one["address"]),
            chain=one["chain"],
            address=one["address"],
            role=one["role"],
            entity=clean(label.get("entity")),
            category=clean(label.get("category")),
            worth=one["worth"],
            flags=" ".join(flagged.get((one["chain"], one["address"]), [])),
        )
    symbols = {(asset["chain"], asset["asset"]): asset["symbol"] for asset in document["assets"]}
    for number, hop in enumerate(document["hops"]):
        sides = ((from_chain(hop), hop["sender"]), (hop["chain"], hop["recipient"]))
        source, target = (f"{chain}:{address}" for chain, address in sides)
        for end, (chain, address) in zip((source, target), sides, strict=True):
            if end not in made:
                made.add_node(end, label=address, chain=chain, address=address)
        made.add_edge(source, target, key=f"e{number}", **_edge(hop, symbols))
    _branches(made, document.get("branches", ()))
    return made


def _branches(made: nx.MultiDiGraph[str], branches: Iterable[Mapping[str, Any]]) -> None:
    """What may have come out of mixers and bridges: edges of their own kind, `probable`, without amounts of methods."""
    for number, one in enumerate(branches):
        sides = ((from_chain(one), one["sender"]), (one["chain"], one["recipient"]))
        pool, recipient = (f"{chain}:{address}" for chain, address in sides)
        for end, (chain, address) in zip((pool, recipient), sides, strict=True):
            if end not in made:
                made.add_node(end, label=address, chain=chain, address=address, role="probable")
        head = {key: clean(one[key]) for key in ("tx_hash", "at", "probability", "candidates", "before", "note")}
        names = {"by": "probable", "at_most": one["amount"], "heuristics": clean(" ".join(one["heuristics"]))}
        made.add_edge(pool, recipient, key=f"p{number}", **head, **names)


def _edge(hop: Mapping[str, Any], symbols: Mapping[tuple[str, str], str]) -> dict[str, str]:
    head = {key: clean(hop[key]) for key in ("tx_hash", "at", "by", "asset", "received_asset", "origin")}
    names = {"symbol": clean(symbols.get((from_chain(hop), hop["asset"])))}
    amounts = {method: carried["amount"] for method, carried in hop["amounts"].items()}
    return head | names | amounts


def graphml(document: Mapping[str, Any]) -> bytes:
    """The graph as GraphML bytes."""
    out = io.BytesIO()
    nx.write_graphml_xml(graph(document), out, encoding="utf-8")
    return out.getvalue()
