"""The worlds that a transfers file tells: one a chain."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from pathlib import Path

from tests.servers.world import World
from tracer.model import Address, Kind, Transaction
from tracer.sources.rows import opened
from tracer.sources.transfers import read_transfers


def worlds(path: Path) -> dict[str, World]:
    """By chain, everything that the file says; who initiated a transaction called whom it first paid."""
    with opened(path) as file:
        read = read_transfers(file)
        found: dict[str, list[Transaction]] = defaultdict(list)
        for one in read.transactions():
            found[one.chain].append(_called(one))
    return {
        chain: World(chain, tuple(some), tuple(asset for asset in read.assets if asset.id.chain == chain))
        for chain, some in found.items()
    }


def _called(one: Transaction) -> Transaction:
    """A file does not tell what a transaction called: the recipient of its own coins, else a token's contract."""
    native = next((each.recipient for each in one.transfers if each.kind is Kind.NATIVE), None)
    token = next((each for each in one.transfers if each.kind is Kind.TOKEN), None)
    contract = None if token is None else Address(one.chain, token.asset.contract)
    return replace(one, to=native or contract, whole=True)
