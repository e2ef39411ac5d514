"""What one transaction did, worked out from its transfers alone: who paid whom, whatever the method.

A `Plan` is structure only (which pot pays how much to whom, what became what, who handed on to whom); `books.py`
plays it for every method. The rule itself is DESIGN.md §4, "The transaction rule".
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from operator import attrgetter
from typing import NamedTuple

from tracer.chains import is_listed, is_zero, wrapper, zero_address
from tracer.model import NATIVE, Address, AssetId, Kind, Transaction, Transfer
from tracer.taint.allocate import Edge, Party, allocate, net_of
from tracer.taint.methods import parts
from tracer.taint.stops import Stop


class Leg(NamedTuple):
    """A part of what a pot pays, and who gets it. `to` is None in an exchange: it stays with the payer."""

    amount: int
    to: Party | None
    unresolved: bool = False


@dataclass(slots=True)
class Spend:
    """A net payment of one pot."""

    payer: Party
    asset: AssetId
    legs: list[Leg] = field(default_factory=list)


class Straight(NamedTuple):
    """A transaction that is one payment and nothing else. `stop`: what a label makes of the receiver."""

    payer: Address
    receiver: Address
    asset: AssetId
    amount: int
    stop: Stop | None


class Target(NamedTuple):
    """Something received that converted lots become."""

    party: Party
    asset: AssetId
    amount: int


@dataclass(slots=True)
class Plan:
    """One transaction, ready to be played: `spends` in order of payer and asset, reported payments last."""

    at: Transaction
    fees: list[tuple[Address, AssetId, int]] = field(default_factory=list)
    spends: list[Spend] = field(default_factory=list)
    reported: dict[Party, Transfer] = field(default_factory=dict)  # a reported payment's party -> the transfer
    exchanges: dict[Party, list[Target]] = field(default_factory=dict)
    hands: dict[Party, list[Target]] = field(default_factory=dict)  # empty list: unresolved
    receipts: dict[tuple[Party, AssetId], int] = field(default_factory=dict)
    stops: dict[Party, Stop] = field(default_factory=dict)
    inferred: bool = False
    edges: list[Edge] = field(default_factory=list)
    straight: Straight | None = None
    payers: tuple[Address, ...] = ()  # whose pots pay here, fees too; a labelled stop has no pot

    @property
    def unresolved(self) -> bool:
        """True if money stands somewhere because it could not be told where it went on to."""
        return any(not targets for targets in self.hands.values()) or any(
            leg.unresolved for spend in self.spends for leg in spend.legs
        )


StopAt = Callable[[Address], Stop | None]


def plan(transaction: Transaction, counted: Iterable[Transfer], stop_at: StopAt, payments: Iterable[str] = ()) -> Plan:
    """Work out what a transaction did.

    counted   those of its transfers that move value (see detect/poisoning.py), in any order
    stop_at   what a label makes of an address at the transaction's time
    payments  ids of the transfers that were reported as payments
    """
    counted = sorted(counted, key=attrgetter("id"))
    made = Plan(transaction, [(t.sender, t.asset, t.amount) for t in counted if t.kind is Kind.FEE and t.sender])
    moves = [transfer for transfer in counted if transfer.kind is not Kind.FEE]
    payments = frozenset(payments)
    if not (len(moves) == 1 and moves[0].id not in payments and _go_straight(made, moves[0], stop_at)):
        work_out(made, moves, stop_at, payments)
    pots = [party.address for party in _payers(made) if not party.tag and party not in made.stops]
    made.payers = tuple(sorted(pots))
    return made


def _payers(made: Plan) -> set[Party]:
    payers = {spend.payer for spend in made.spends}
    payers.update(Party(address, "") for address, _, _ in made.fees)
    return payers


def work_out(made: Plan, moves: list[Transfer], stop_at: StopAt, payments: frozenset[str]) -> None:
    """The transaction rule over the transfers that move value, sorted by id, fees apart."""
    made.edges = _edges(moves, payments, made)
    nets = net_of(made.edges)
    made.receipts = {key: amount for key, amount in sorted(nets.items()) if amount > 0}
    ends = {party for edge in made.edges for party in (edge.source, edge.target)}
    made.stops = _stops(_payers(made) | ends, stop_at)
    _Planner(made, nets).work()


def _go_straight(made: Plan, move: Transfer, stop_at: StopAt) -> bool:
    """If the only transfer pays a pot or an end, plan that, as `work_out` would: most transactions are such."""
    payer, receiver, asset, amount = move.sender, move.recipient, move.asset, move.amount
    if payer is None or receiver is None or payer == receiver or is_zero(payer) or is_zero(receiver):
        return False
    source, target = Party(payer, ""), Party(receiver, "")
    stop = _stop(target, stop_at)
    if stop is Stop.VENUE or wrapper(asset) or wrapper(AssetId(*payer)):
        return False
    made.edges = [Edge(asset, source, target, amount, move.id)]
    made.spends = [Spend(source, asset, [Leg(amount, target)])]
    made.receipts = {(target, asset): amount}
    made.stops = _stops(_payers(made), stop_at)
    if stop is not None:
        made.stops[target] = stop
    made.straight = Straight(payer, receiver, asset, amount, stop)
    return True


def _stops(parties: Iterable[Party], stop_at: StopAt) -> dict[Party, Stop]:
    """The labelled stops among them."""
    return {p: stop for p in sorted(parties) if not p.tag and (stop := _stop(p, stop_at)) is not None}


def _stop(party: Party, stop_at: StopAt) -> Stop | None:
    if wrapper(AssetId(*party.address)):
        return Stop.VENUE  # it only changes the coin's form
    return stop_at(party.address)


def _edges(transfers: list[Transfer], payments: frozenset[str], made: Plan) -> list[Edge]:
    """Transfers as edges; each end at the zero address, and each reported payment, is a party of its own."""
    edges: list[Edge] = []
    for transfer in _without_shown_wraps(transfers):
        if transfer.sender is None or transfer.recipient is None or transfer.sender == transfer.recipient:
            continue
        source, target = _end(transfer.sender, transfer.id), _end(transfer.recipient, transfer.id)
        if transfer.id in payments:
            paid = Party(target.address, f"payment:{transfer.id}")
            made.reported[paid] = transfer
            made.spends.append(Spend(source, transfer.asset, [Leg(transfer.amount, paid)]))
            source = paid
        edges.append(Edge(transfer.asset, source, target, transfer.amount, transfer.id))
        edges.extend(_wrap(transfer))
    return edges


def _end(address: Address, transfer_id: str) -> Party:
    return Party(address, f"zero:{transfer_id}" if is_zero(address) else "")


def _wrap(transfer: Transfer) -> Iterable[Edge]:
    """The wrapped coin that a native transfer at a listed wrapper gives or takes: explorers differ on showing it."""
    if transfer.asset.contract != NATIVE or transfer.sender is None or transfer.recipient is None:
        return
    for contract, other in ((transfer.recipient, transfer.sender), (transfer.sender, transfer.recipient)):
        asset = AssetId(*contract)
        if wrapper(asset):
            way = (contract, other) if contract == transfer.recipient else (other, contract)
            yield Edge(asset, Party(way[0], ""), Party(way[1], ""), transfer.amount, transfer.id)


def _without_shown_wraps(transfers: list[Transfer]) -> list[Transfer]:
    """Leave out mints and burns of wrapped coins that `_wrap` derives from the native side anyway."""
    derived: dict[tuple[AssetId, Address, int, bool], int] = defaultdict(int)
    for transfer in transfers:
        for edge in _wrap(transfer):
            out = edge.source.address.text == edge.asset.contract
            derived[(edge.asset, (edge.target if out else edge.source).address, edge.amount, out)] += 1
    if not derived:
        return transfers
    kept = []
    for transfer in transfers:
        key = _shown_wrap(transfer)
        if key is not None and derived.get(key, 0) > 0:
            derived[key] -= 1
        else:
            kept.append(transfer)
    return kept


def _shown_wrap(transfer: Transfer) -> tuple[AssetId, Address, int, bool] | None:
    if transfer.sender is None or transfer.recipient is None or not wrapper(transfer.asset):
        return None
    contract_ends = {Address(*transfer.asset), zero_address(transfer.asset.chain)}
    if transfer.sender in contract_ends:
        return (transfer.asset, transfer.recipient, transfer.amount, True)
    if transfer.recipient in contract_ends:
        return (transfer.asset, transfer.sender, transfer.amount, False)
    return None


class _Planner:
    """The four clauses, in order: exchange, payment, hand-on, redeemed (where a zero address is paid)."""

    def __init__(self, made: Plan, nets: Mapping[tuple[Party, AssetId], int]) -> None:
        self.made = made
        self.nets = nets
        self.paid: dict[Party, set[AssetId]] = defaultdict(set)
        for (party, asset), net in nets.items():
            if net < 0:
                self.paid[party].add(asset)
        self.has_venue = Stop.VENUE in made.stops.values()
        self.still = dict(made.receipts)  # what nobody's lots have filled yet
        self.payers_at: dict[Party, set[Party]] = defaultdict(set)
        self.got: dict[Party, set[Party]] = defaultdict(set)

    def work(self) -> None:
        for party in sorted(self.paid):
            if self._is_pot(party):
                self._exchange(party)
        spends: list[Spend] = []
        for asset in sorted({asset for _, asset in self.nets}):
            spends.extend(self._pay(asset))
        self._hand_on()
        self.made.spends = _merged(sorted([*spends, *self.made.spends], key=_turn))

    def _is_pot(self, party: Party) -> bool:
        return not party.tag and party not in self.made.stops

    def _exchange(self, party: Party) -> None:
        """Clause 1: the payer itself received other assets, listed ones (any, where a labelled venue takes part)."""
        targets = [
            Target(party, asset, amount)
            for (receiver, asset), amount in self.made.receipts.items()
            if receiver == party and (self.has_venue or is_listed(asset))
        ]
        if targets:
            self.made.exchanges[party] = targets
            self.made.inferred = self.made.inferred or not self.has_venue

    def _pay(self, asset: AssetId) -> Iterable[Spend]:
        """Clause 2, and for an exchange only who stands at the other end."""
        venues = {party for party, stop in self.made.stops.items() if stop is Stop.VENUE}
        spends: dict[Party, Spend] = {}
        for payer, receiver, amount, unresolved in allocate(asset, self.made.edges, venues):
            spend = spends.get(payer) or spends.setdefault(payer, Spend(payer, asset))
            if payer not in venues:
                self.payers_at[receiver].add(payer)
            if payer in self.made.exchanges:
                spend.legs = [Leg(amount + sum(leg.amount for leg in spend.legs), None)]
                continue
            spend.legs.append(Leg(amount, receiver, unresolved))
            if payer not in venues and not unresolved:
                self.still[(receiver, asset)] -= amount
                if self._is_pot(payer) or payer in self.made.reported:
                    self.got[receiver].add(payer)
        return spends.values()

    def _hand_on(self) -> None:
        """Clause 3: a receiver that paid out other assets, or is a labelled venue, hands on all it got."""
        handing = [party for party in sorted(self.got) if self._hands_on(party)]
        ahead = {party: self._ahead(party) for party in handing}
        takers: dict[tuple[Party, AssetId], list[Party]] = defaultdict(list)
        for party in handing:
            for key in self._candidates(party, ahead[party]):
                takers[key].append(party)
        for party in handing:
            self.made.hands[party] = []
        for (receiver, asset), givers in sorted(takers.items()):
            equal = parts(self.still[(receiver, asset)], [1] * len(givers))
            for giver, amount in zip(givers, equal, strict=True):
                self.made.hands[giver].append(Target(receiver, asset, amount))

    def _hands_on(self, party: Party) -> bool:
        stop = self.made.stops.get(party)
        if stop is Stop.VENUE:
            return True
        return stop is None and not party.tag and bool(self.paid.get(party))

    def _candidates(self, party: Party, ahead: set[Party]) -> list[tuple[Party, AssetId]]:
        """Those who only received, lie ahead and still have to get something; none where users could be mixed up."""
        found = [
            (receiver, asset)
            for (receiver, asset), left in self.still.items()
            if left > 0 and receiver in ahead and not self.paid.get(receiver) and self._takes(receiver)
        ]
        users = self.payers_at[party] - self.got.keys()  # who got something itself only carries others' money on
        return found if len(users) <= 1 else []

    def _takes(self, receiver: Party) -> bool:
        return self.made.stops.get(receiver) is not Stop.VENUE

    def _ahead(self, party: Party) -> set[Party]:
        seen, queue = {party}, [party]
        while queue:
            here = queue.pop()
            for edge in self.made.edges:
                if edge.source == here and edge.target not in seen:
                    seen.add(edge.target)
                    queue.append(edge.target)
        return seen - {party}


def _turn(spend: Spend) -> tuple[bool, Party, AssetId]:
    """Reported payments come after the pots they are taken from."""
    return (spend.payer.tag.startswith("payment:"), spend.payer, spend.asset)


def _leg_order(payer: Party, leg: Leg) -> tuple[Party, bool]:
    return (leg.to or payer, leg.unresolved)


def _merged(spends: list[Spend]) -> list[Spend]:
    """One spend a pot: a reported payment and the rest of what its sender pays leave the pot together."""
    merged: list[Spend] = []
    for spend in spends:
        last = merged[-1] if merged else None
        if last is not None and (last.payer, last.asset) == (spend.payer, spend.asset):
            last.legs.extend(spend.legs)
        else:
            merged.append(spend)
    for spend in merged:
        spend.legs.sort(key=partial(_leg_order, spend.payer))
    return merged
