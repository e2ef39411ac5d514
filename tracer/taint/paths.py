"""Evidence: who carried how much, transaction by transaction, from an origin to where it came."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

import networkx as nx

from tracer.model import Address, Hop, Kind, Path, Transfer
from tracer.taint.books import Book
from tracer.taint.entries import LEAVES, Step
from tracer.taint.methods import NO_STEP
from tracer.taint.provenance import Way


def paths(book: Book, ways: Sequence[tuple[Way, int]]) -> list[Path]:
    """Ways as evidence, each with what of its arrival went by none that is told.

    Where bitcoin inputs of several owners were blended, each path names the owner it passed.
    """
    steps = iter(book.chosen(number for way, _ in ways for number in way.steps))
    known: dict[tuple[int, Address], Hop] = {}
    return [_path(book.method, way, spread, list(islice(steps, len(way.steps))), known) for way, spread in ways]


def path(book: Book, way: Way, spread: int = 0) -> Path:
    """One of them."""
    return paths(book, [(way, spread)])[0]


def _path(method: str, way: Way, spread: int, steps: Sequence[Step], known: dict[tuple[int, Address], Hop]) -> Path:
    hops = []
    sender = steps[0].sender
    for number, step in zip(way.steps, steps, strict=True):
        hop = known.get((number, sender))
        if hop is None:
            hop = known[(number, sender)] = _hop(step._replace(sender=sender))
        hops.append(hop)
        sender = step.recipient
    return Path(steps[0].origin, method, tuple(hops), way.carried, spread)


def larger(book: Book, number: int) -> Way:
    """The way along the larger part at every address: for money that is nothing in the origin's own asset."""
    chain: list[int] = []
    while number != NO_STEP:
        chain.append(number)
        number = book.parent_of(number)
    return Way(tuple(reversed(chain)), 0)


def _hop(step: Step) -> Hop:
    way = route(step)
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
        transfers=tuple(transfer.id for transfer in way or _ends(step)),
        via=tuple(transfer.recipient for transfer in way[:-1] if transfer.recipient),
    )


def route(step: Step) -> Sequence[Transfer]:
    """The fewest transfers of its transaction that lead from a step's sender to its recipient; none where none do.

    A payment's are all of its asset. An exchange leads from the payer back to itself: the shortest way round.
    """
    return _straight(step) or _shortest(step)


def _straight(step: Step) -> Sequence[Transfer]:
    """The largest transfer that leads there by itself, if there is one: nearly always."""
    ends = step.sender, step.recipient
    found = [t for t in step.transaction.transfers if (t.sender, t.recipient) == ends and _fits(t, step)]
    return [max(found, key=_size)] if found and step.sender != step.recipient else []


def _size(transfer: Transfer) -> tuple[int, str]:
    return (transfer.amount, transfer.id)


def _shortest(step: Step) -> Sequence[Transfer]:
    graph: nx.DiGraph[Address] = nx.DiGraph()
    for transfer in sorted(step.transaction.transfers, key=_size):
        if transfer.sender and transfer.recipient and _fits(transfer, step):
            graph.add_edge(transfer.sender, transfer.recipient, transfer=transfer)  # of several the largest stands
    if step.sender not in graph or step.recipient not in graph:
        return []
    way = _round(graph, step.sender) if step.sender == step.recipient else _way(graph, step.sender, step.recipient)
    return [graph.edges[pair]["transfer"] for pair in zip(way, way[1:], strict=False)]


def _fits(transfer: Transfer, step: Step) -> bool:
    """Could this transfer have carried the step's money? In its middle an exchange may go through any asset."""
    leaves = step.by != "payment" and transfer.sender != step.sender
    comes = step.by != "payment" and transfer.recipient != step.recipient
    return (
        transfer.amount > 0
        and (leaves or transfer.asset == step.asset)
        and (comes or transfer.asset == step.received_asset)
    )


def _way(graph: nx.DiGraph[Address], start: Address, end: Address) -> list[Address]:
    try:
        return nx.shortest_path(graph, start, end)
    except nx.NetworkXNoPath:
        return []


def _round(graph: nx.DiGraph[Address], start: Address) -> list[Address]:
    ways = [_way(graph, after, start) for after in sorted(graph.successors(start)) if after != start]
    return [start, *min(filter(None, ways), key=lambda way: (len(way), way))] if any(ways) else []


def _ends(step: Step) -> Sequence[Transfer]:
    """Where no transfers lead all the way (bitcoin, wrapped coins): what the sender paid and the recipient got.

    A wrapped coin may be shown by its native side alone: then whatever moved between or at both ends.
    """
    ordered = sorted(step.transaction.transfers, key=lambda transfer: transfer.id)  # however they were given
    moved = [transfer for transfer in ordered if transfer.amount and transfer.kind is not Kind.FEE]
    if step.by in LEAVES:
        return [transfer for transfer in moved if transfer.sender == step.sender]
    paid = [
        transfer
        for transfer in moved
        if (transfer.sender, transfer.asset) == (step.sender, step.asset)
        or (transfer.recipient, transfer.asset) == (step.recipient, step.received_asset)
    ]
    ends = {step.sender, step.recipient}
    return paid or [transfer for transfer in moved if ends & {transfer.sender, transfer.recipient}]
