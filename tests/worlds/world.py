"""A synthetic world: what happened, what is reported of it, and the truth that only its maker knows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from tracer.model import Address, AssetId, Label, OriginSpec, Transaction


class Mark(NamedTuple):
    """Whose money a segment is: a payment (`tx_hash`) to an address, or what a reported address took in."""

    address: Address
    asset: AssetId
    tx_hash: str | None = None


class Payment(NamedTuple):
    """What a victim paid, reported or not: one transfer, alone in its transaction."""

    mark: Mark
    sender: Address
    amount: int
    reported: int  # 0: nobody said so; else the amount that the report names


class Hop(NamedTuple):
    """One laundering payment as its maker meant it, and the behaviour it is part of."""

    tx_hash: str
    sender: Address
    recipient: Address
    asset: AssetId
    amount: int
    behaviour: str
    of: frozenset[str]  # hashes of the victims' payments it is meant to be made of


Arrivals = Mapping[tuple[Address, AssetId, str, Mark], int]  # address, asset, tx_hash, whose -> base units of the asset


@dataclass(frozen=True)
class Truth:
    """What the maker knows.

    roles      source (reported address), transit (laundering), terminal (where money left), funder (pays gas only),
               unreported (the gang's, but no money that the case was told of was sent through it)
    behaviour  laundering address -> the behaviour that first brought money to it
    hops       every laundering payment, as meant; fifo may carry other money in its place
    arrivals   what the world's own fifo brought to labelled ends, hubs passed like any other address
    stopping   the same where the money stops at `hubs`
    mixed      hashes of the hops that left an address which then also held other people's money
    dust       ids of the transfers that move no value: zero amounts and look-alike dust
    """

    roles: Mapping[Address, str]
    behaviour: Mapping[Address, str]
    hops: tuple[Hop, ...]
    arrivals: Arrivals
    stopping: Arrivals
    hubs: frozenset[Address]
    mixed: frozenset[str]
    dust: frozenset[str]

    @property
    def laundering(self) -> frozenset[Address]:
        """What a trace should find: every address the gang sent victims' money through, and the reported ones."""
        return frozenset(address for address, role in self.roles.items() if role in ("source", "transit"))


@dataclass(frozen=True)
class World:
    """A seeded world. `payments` are all the victims' payments; `origins` what a case would be told."""

    seed: int
    transactions: tuple[Transaction, ...]
    labels: tuple[Label, ...]
    origins: tuple[OriginSpec, ...]
    payments: tuple[Payment, ...]
    truth: Truth

    @property
    def addresses(self) -> frozenset[Address]:
        """Every address that sent or received anything."""
        return frozenset(
            end for one in self.transactions for t in one.transfers for end in (t.sender, t.recipient) if end
        )
