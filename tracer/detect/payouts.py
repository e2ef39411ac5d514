"""Where money that went into a bridge may have come out if the bridge does not say: same hands, asset, amount, time.

A heuristic (after Yousaf, Kappos, Meiklejohn: "Tracing Transactions Across Cryptocurrency Ledgers", USENIX Security
2019): a payout goes to whom the bridge names, else to the payer's own address on another chain, later but within a
window, in the same kind of asset, and is not more and not much less than what went in. Of several candidates each has
the same probability. Window and loss are per bridge and are assumptions, not measured.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction

from tracer.chains import CHAINS, Family, family, listed
from tracer.model import Address, AssetId, Kind, Transaction, Transfer

HEURISTIC = "same_hands_amount_time"
SAYS = "the same address, or whom the bridge names, got the same kind of asset, hardly less of it, soon after"


@dataclass(frozen=True, slots=True)
class Allowance:
    """How long a bridge may take, and what part it may keep."""

    window: timedelta
    keeps: Fraction


USUAL = Allowance(timedelta(days=1), Fraction(1, 20))
ALLOWANCES: dict[str, Allowance] = {  # by entity
    "Across Protocol": Allowance(timedelta(hours=6), Fraction(1, 50)),  # relayers advance it; slow fills take hours
    "CCTP": Allowance(timedelta(hours=6), Fraction(1, 100)),
    "THORChain": Allowance(timedelta(hours=12), Fraction(1, 10)),  # streamed swaps, outbound delays, slippage
}


@dataclass(frozen=True, slots=True)
class Exit:
    """What went into a bridge: how much, when, who paid it, whom the bridge names (None: nobody), which bridge."""

    chain: str
    tx_hash: str
    at: datetime
    asset: AssetId
    amount: int
    payer: Address
    named: Address | None = None
    entity: str = ""

    @property
    def allowance(self) -> Allowance:
        """How long this bridge may take, and what it may keep."""
        return ALLOWANCES.get(self.entity, USUAL)

    def hands(self) -> list[Address]:
        """Who may have got it: whom the bridge names, else the payer's address on the other EVM chains."""
        if self.named is not None:
            return [self.named]
        if family(self.chain) is not Family.EVM:
            return []
        others = (chain.id for chain in CHAINS.values() if chain.family is Family.EVM and chain.id != self.chain)
        return [Address(chain, self.payer.text) for chain in others]


@dataclass(frozen=True, slots=True)
class Payout:
    """A transfer that may be what came out; `probability`: one of how many candidates it is."""

    transaction: Transaction
    transfer: Transfer
    probability: Fraction


def payouts(exit_: Exit, transactions: Iterable[Transaction]) -> list[Payout]:
    """The candidates among these transactions, oldest first."""
    hands, until = set(exit_.hands()), exit_.at + exit_.allowance.window
    found = [
        (one, transfer)
        for one in sorted(transactions, key=lambda one: one.order)
        if one.ok and exit_.at < one.at <= until
        for transfer in one.transfers
        if transfer.recipient in hands and transfer.kind is not Kind.FEE and _fits(exit_, transfer)
    ]
    return [Payout(one, transfer, Fraction(1, len(found))) for one, transfer in found]


def _fits(exit_: Exit, transfer: Transfer) -> bool:
    paid, got = _worth(exit_.asset, exit_.amount), _worth(transfer.asset, transfer.amount)
    if paid is None or got is None or paid[0] != got[0] or not paid[1]:
        return False
    return 1 - exit_.allowance.keeps <= got[1] / paid[1] <= 1


def _worth(asset: AssetId, amount: int) -> tuple[str, Fraction] | None:
    """The kind of a listed asset, whatever wraps or bridges it, and how many whole units; None: it is not listed."""
    token = listed(asset)
    if token is None or token.decimals is None:
        return None
    kind = next(iter(token.others), token.symbol).partition(".")[0]
    return _PLAIN.get(kind, kind), Fraction(amount, 10**token.decimals)


_PLAIN = {"WETH": "ETH", "WBTC": "BTC", "BTCB": "BTC", "WBNB": "BNB", "WAVAX": "AVAX", "WMATIC": "POL", "WPOL": "POL"}


def likely(found: Sequence[Sequence[Payout]]) -> dict[tuple[Address, AssetId], tuple[int, int]]:
    """What may have come to each recipient: each transfer once, whole; and weighted by probability, cut."""
    sure: dict[str, Fraction] = {}
    whole: dict[str, Transfer] = {}
    for one in (payout for each in found for payout in each):
        sure[one.transfer.id] = min(Fraction(1), sure.get(one.transfer.id, Fraction()) + one.probability)
        whole[one.transfer.id] = one.transfer
    sums: dict[tuple[Address, AssetId], tuple[int, Fraction]] = {}
    for id_, transfer in whole.items():
        if transfer.recipient is not None:
            most, weighted = sums.get((transfer.recipient, transfer.asset), (0, Fraction()))
            key = (transfer.recipient, transfer.asset)
            sums[key] = most + transfer.amount, weighted + transfer.amount * sure[id_]
    return {key: (most, int(weighted)) for key, (most, weighted) in sums.items()}
