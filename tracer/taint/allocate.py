"""Who paid whom, in one asset of one transaction (clause 2 of the transaction rule).

First what a payer sent straight to net receivers; the rest goes to those joined to it by transfers of the asset,
direction ignored, in proportion to what each still has to get, payer after payer.

"Joined" does not reach through an end: a party that only receives (a paymaster, a fee collector) or only pays joins
nobody, it is counted once for each group it deals with. Each group then balances by itself, so two bundled users who
share nothing but such an end never mix. Where users are joined by labelled venues only, each first pays those of its
own side; what cannot be told apart after that is unresolved at the venue.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

from tracer.model import Address, AssetId
from tracer.taint.methods import parts


class Party(NamedTuple):
    """One side of a transaction. `tag` tells an end at the zero address, or a reported payment, from the address."""

    address: Address
    tag: str


class Edge(NamedTuple):
    """A transfer between two parties."""

    asset: AssetId
    source: Party
    target: Party
    amount: int
    transfer: str


class Share(NamedTuple):
    """A part of a net payment and its receiver; unresolved: it stands at `receiver`, a venue."""

    payer: Party
    receiver: Party
    amount: int
    unresolved: bool


def net_of(edges: Iterable[Edge]) -> dict[tuple[Party, AssetId], int]:
    """Received minus paid, for every party and asset that moved."""
    nets: dict[tuple[Party, AssetId], int] = defaultdict(int)
    for edge in edges:
        nets[(edge.source, edge.asset)] -= edge.amount
        nets[(edge.target, edge.asset)] += edge.amount
    return dict(nets)


def allocate(asset: AssetId, edges: Iterable[Edge], venues: Collection[Party] = ()) -> list[Share]:
    """Divide every net payment of the asset between its net receivers, exactly; sorted by payer and receiver."""
    flows = _between([edge for edge in edges if edge.asset == asset])
    if len(flows) == 1:  # one payer, one receiver: nothing to divide
        return [Share(payer, to, amount, False) for (payer, to), amount in flows.items()]
    shares: dict[tuple[Party, Party, bool], int] = defaultdict(int)
    for group in _groups(flows):
        for share in _Group(group, venues).divide():
            shares[(share.payer, share.receiver, share.unresolved)] += share.amount
    return [Share(payer, to, amount, open_) for (payer, to, open_), amount in sorted(shares.items())]


Flows = dict[tuple[Party, Party], int]


def _between(edges: Iterable[Edge]) -> Flows:
    """What each pair of parties moved, both ways set against each other."""
    both: dict[tuple[Party, Party], int] = defaultdict(int)
    for edge in edges:
        if edge.source < edge.target:
            both[(edge.source, edge.target)] += edge.amount
        else:
            both[(edge.target, edge.source)] -= edge.amount
    return {
        (pair if amount > 0 else (pair[1], pair[0])): abs(amount) for pair, amount in sorted(both.items()) if amount
    }


def _groups(flows: Flows) -> list[Flows]:
    """Split at the ends: two flows belong together if they share a party that both receives and pays."""
    conductors = {source for source, _ in flows} & {target for _, target in flows}
    joined = _Union()
    for pair in flows:
        ends = [party for party in pair if party in conductors]
        for end in ends:
            joined.join(end, ends[0])
    groups: dict[tuple[Party, ...], Flows] = defaultdict(dict)
    for pair, amount in flows.items():
        ends = [party for party in pair if party in conductors]
        groups[(joined.find(ends[0]),) if ends else pair][pair] = amount
    return [groups[key] for key in sorted(groups)]


class _Union:
    def __init__(self) -> None:
        self._parent: dict[Party, Party] = {}

    def find(self, party: Party) -> Party:
        root = party
        while (up := self._parent.get(root, root)) != root:
            root = up
        self._parent[party] = root
        return root

    def join(self, one: Party, other: Party) -> None:
        a, b = self.find(one), self.find(other)
        if a != b:
            self._parent[max(a, b)] = min(a, b)


class _Group:
    """Payers and receivers that are joined; supplies and needs add up to the same."""

    def __init__(self, flows: Flows, venues: Collection[Party]) -> None:
        self.flows = flows
        self.venues = venues
        nets: dict[Party, int] = defaultdict(int)
        for (source, target), amount in flows.items():
            nets[source] -= amount
            nets[target] += amount
        self.supply = {party: -net for party, net in sorted(nets.items()) if net < 0}
        self.need = {party: net for party, net in sorted(nets.items()) if net > 0}
        self.shares: list[Share] = []

    def divide(self) -> list[Share]:
        for payer in self.supply:
            straight = {to: min(self.flows.get((payer, to), 0), need) for to, need in self.need.items()}
            self._give(payer, straight)
        if self.venues:  # else all are joined
            self._part()
        for payer in self._left():
            self._give(payer, dict(self.need))
        return self.shares

    def _part(self) -> None:
        """Users joined by venues only each pay those of their own side; what several have left stands at a venue."""
        sides = self._sides()
        if self._users(sides) > 1:
            for payer in self._left():
                self._give(payer, {to: n for to, n in self.need.items() if sides.find(to) == sides.find(payer)})
        if self._users(sides) > 1:
            for payer in self._left():
                if payer not in self.venues:
                    self._stand(payer)

    def _left(self) -> Sequence[Party]:
        """Payers with something left; what a venue itself pays is nobody's and comes last."""
        return sorted((p for p, amount in self.supply.items() if amount), key=lambda p: (p in self.venues, p))

    def _users(self, sides: _Union) -> int:
        return len({sides.find(payer) for payer in self._left() if payer not in self.venues})

    def _give(self, payer: Party, weights: dict[Party, int]) -> None:
        """Give what the payer has left, up to the weights, in proportion to them."""
        amount = min(self.supply[payer], sum(weights.values()))
        if not amount:
            return
        for to, part in zip(weights, parts(amount, list(weights.values())), strict=True):
            if part:
                self.shares.append(Share(payer, to, part, False))
                self.supply[payer] -= part
                self.need[to] -= part

    def _stand(self, payer: Party) -> None:
        venue = min(party for pair in self.flows for party in pair if party in self.venues)
        self.shares.append(Share(payer, venue, self.supply[payer], True))
        self.supply[payer] = 0

    def _sides(self) -> _Union:
        """Who is joined to whom without a labelled venue between them."""
        sides = _Union()
        for source, target in self.flows:
            if source not in self.venues and target not in self.venues:
                sides.join(source, target)
        return sides
