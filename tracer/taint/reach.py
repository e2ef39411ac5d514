"""Poison: whatever any taint touched, in time order, per origin. A reach, no method: it conserves nothing.

The amounts are those of the assets that moved, not of the victims' money.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from tracer.model import Address, AssetId
from tracer.taint.allocate import Party
from tracer.taint.origins import Origins
from tracer.taint.passage import outpoint
from tracer.taint.transaction import Plan, Spend, Target
from tracer.taint.utxo import Coins

Pot = tuple[Address, AssetId, str]


@dataclass(slots=True)
class Reach:
    """Which origins touched which pot so far, and how much asset came in poisoned."""

    origins: Origins
    pots: dict[Pot, set[str]] = field(default_factory=lambda: defaultdict(set))
    came: dict[tuple[Address, AssetId, str], int] = field(default_factory=lambda: defaultdict(int))

    def spread(self, made: Plan | Coins, spends: Mapping[Address, bool]) -> None:
        """Spread in one transaction. `spends`: which payers may spend (read, and no hub)."""
        if isinstance(made, Coins):
            self.coins(made, spends)
        else:
            self.play(made, spends)

    def play(self, plan: Plan, spends: Mapping[Address, bool]) -> None:
        """Spread from the pots that pay to those that receive, by the plan's own joins."""
        inbox: dict[tuple[Party, AssetId], dict[str, int]] = defaultdict(lambda: defaultdict(int))
        for spend in plan.spends:
            stains = self._stains(plan, spend, spends)
            for leg in spend.legs if stains else ():
                for party, asset, amount in _goes(plan, spend, leg.to, leg.amount):
                    for origin in stains:
                        inbox[(party, asset)][origin] += amount
        for (party, asset), amount in plan.receipts.items():
            address = party.address
            for origin, came in inbox.get((party, asset), {}).items():
                self._enter(address, asset, origin, min(came, amount))
            own = self.origins.of(address, asset, plan.at.at)
            if own is not None:
                self._enter(address, asset, own, amount)

    def _stains(self, plan: Plan, spend: Spend, spends: Mapping[Address, bool]) -> set[str]:
        transfer = plan.reported.get(spend.payer)
        if transfer is None:
            payer = spend.payer.address
            may = not spend.payer.tag and spends.get(payer)
            return self._at(payer, spend.asset, plan.at.at) if may else set()
        sender = transfer.sender
        inherited = self._at(sender, transfer.asset, plan.at.at) if sender and spends.get(sender) else set()
        return {self.origins.payments[transfer.id][0].id} | inherited

    def _at(self, address: Address, asset: AssetId, at: datetime, outpoint: str = "") -> set[str]:
        """What touched a pot that pays; at a reported address its own origin too, which pays what was unseen."""
        own = self.origins.of(address, asset, at)
        return self.pots.get((address, asset, outpoint), set()) | ({own} if own else set())

    def _enter(self, address: Address, asset: AssetId, origin: str, amount: int) -> None:
        self.came[(address, asset, origin)] += amount
        self.pots[(address, asset, "")].add(origin)

    def coins(self, plan: Coins, spends: Mapping[Address, bool]) -> None:
        """The same on bitcoin: every output takes whatever touched any input."""
        stains: set[str] = set()
        for paid in plan.inputs:
            if paid.sender and spends.get(paid.sender) and paid.sender not in plan.stops:
                stains |= self._at(paid.sender, paid.asset, plan.at.at, paid.outpoint or "")
        for output in plan.outputs:
            if output.recipient is None:
                continue
            own = self.origins.of(output.recipient, output.asset, plan.at.at)
            mine = {*stains, *([own] if own else [])}
            if output.id in plan.reported:
                mine.add(self.origins.payments[output.id][0].id)
            for origin in mine:
                self.came[(output.recipient, output.asset, origin)] += output.amount
                made = outpoint(output.recipient, plan.at.tx_hash, output.index)
                self.pots[(output.recipient, output.asset, made)].add(origin)


def _goes(plan: Plan, spend: Spend, to: Party | None, amount: int) -> list[tuple[Party, AssetId, int]]:
    """Where a leg ends: in the payer's own exchange, at those handed on to, or at its receiver."""
    if to is None:
        return _targets(plan.exchanges[spend.payer])
    if to in plan.reported:
        return []
    if plan.hands.get(to):
        return _targets(plan.hands[to])
    return [(to, spend.asset, amount)]


def _targets(targets: Iterable[Target]) -> list[tuple[Party, AssetId, int]]:
    return [(target.party, target.asset, target.amount) for target in targets if target.amount]
