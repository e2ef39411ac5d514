"""Evidence: who carried how much, transaction by transaction, from an origin to where it came."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import networkx as nx

from tracer.model import Address, Hop, Path, Transfer
from tracer.taint.books import Book, Step
from tracer.taint.methods import NO_STEP


def path(book: Book, number: int) -> Path:
    """The path that ends in a step: at every address the step that had brought the larger part."""
    chain: list[Step] = []
    while number != NO_STEP:
        step = book.steps[number]
        chain.append(step)
        number = step.parent
    return Path(chain[0].origin, book.method, tuple(_hop(step) for step in reversed(chain)))


def _hop(step: Step) -> Hop:
    via = route(step.transaction.transfers, step.sender, step.recipient)
    return Hop(
        chain=step.transaction.chain,
        tx_hash=step.transaction.tx_hash,
        at=step.transaction.at,
        block=step.transaction.block,
        sender=step.sender,
        recipient=step.recipient,
        asset=step.asset,
        amount=step.amount,
        received_asset=step.received_asset,
        received=step.received,
        origin_amount=step.origin_amount,
        by=step.by,
        transfers=tuple(transfer.id for transfer in via),
        via=tuple(t.recipient for t in via[:-1] if t.recipient),
    )


def route(transfers: Iterable[Transfer], sender: Address, recipient: Address) -> Sequence[Transfer]:
    """The fewest transfers of a transaction that lead from one end to the other; none where none do.

    An exchange leads from the payer back to itself: the shortest way round.
    """
    graph: nx.DiGraph[Address] = nx.DiGraph()
    for transfer in sorted(transfers, key=lambda t: t.id, reverse=True):
        if transfer.sender and transfer.recipient and transfer.amount:
            graph.add_edge(transfer.sender, transfer.recipient, transfer=transfer)
    if sender not in graph or recipient not in graph:
        return []
    try:
        ways = [nx.shortest_path(graph, sender, recipient)] if sender != recipient else _rounds(graph, sender)
    except nx.NetworkXNoPath:
        return []
    if not ways:
        return []
    way = min(ways, key=lambda nodes: (len(nodes), nodes))
    return [graph.edges[pair]["transfer"] for pair in zip(way, way[1:], strict=False)]


def _rounds(graph: nx.DiGraph[Address], start: Address) -> list[list[Address]]:
    return [
        [start, *nx.shortest_path(graph, after, start)]
        for after in sorted(graph.successors(start))
        if after != start and nx.has_path(graph, after, start)
    ]
