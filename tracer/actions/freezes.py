"""What the issuers of stablecoins did to an address, told from their contracts' events."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from tracer.chains import listed
from tracer.detect.freezes import EVENTS, contract, freezes, issued_on
from tracer.exports import plain
from tracer.exports.plain import Plain
from tracer.model import Address, AssetId, Freeze
from tracer.store.store import Store


@dataclass(frozen=True, slots=True)
class Freezes:
    """What issuers said of all addresses, and which tokens were read to the newest final block, as of when."""

    said: Mapping[Address, list[Plain]]
    tokens: Mapping[AssetId, Plain]

    @classmethod
    def of(cls, store: Store) -> Self:
        """As the store has it now."""
        last: dict[tuple[Address, AssetId], Freeze] = {}
        for one in freezes(store.logs([contract(asset) for asset in EVENTS])):
            last[one.address, one.asset] = one
        said: dict[Address, list[Plain]] = defaultdict(list)
        for (address, asset), event in sorted(last.items()):
            said[address].append(_told(asset, event))
        return cls(said, _tokens(store))

    def of_address(self, address: Address) -> list[Plain]:
        """Every token whose issuer's events name it, with what the last says: frozen, unfrozen or destroyed."""
        return self.said.get(address, [])

    def read_on(self, chain: str) -> list[Plain]:
        """The tokens of a chain that were read; in these an address that is not named was never touched."""
        return [told for asset, told in self.tokens.items() if asset.chain == chain]

    def every_token(self, address: Address) -> list[Plain]:
        """A row for each token that can be frozen on the chain: `none` was read and never touched, `unknown` was not
        read, which says nothing.
        """
        known = {row["asset"]: row for row in self.of_address(address)}
        return [
            (known.get(asset.contract) or _told(asset, None) | {"state": "none" if asset in self.tokens else "unknown"})
            | {key: self.tokens.get(asset, {}).get(key) for key in ("since", "as_of", "source")}
            for asset in issued_on(address.chain)
        ]


def _tokens(store: Store) -> dict[AssetId, Plain]:
    issuers = {contract(asset): asset for asset in EVENTS}
    return {
        issuers[head.contract]: {
            "asset": head.contract.text,
            "symbol": _symbol(issuers[head.contract]),
            "since": head.since,
            "as_of": plain.moment(head.at),
            "source": head.source,
        }
        for head in store.log_heads()
        if head.done and head.contract in issuers
    }


def _symbol(asset: AssetId) -> str:
    token = listed(asset)
    return token.symbol if token else asset.contract


def _told(asset: AssetId, last: Freeze | None) -> Plain:
    return {
        "asset": asset.contract,
        "symbol": _symbol(asset),
        "state": last.state if last else "",
        "at": plain.moment(last.at) if last else None,
        "tx_hash": last.tx_hash if last else None,
        "block": last.block if last else None,
        "amount": None if last is None or last.amount is None else str(last.amount),
    }
