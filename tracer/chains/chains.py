"""Chain facts, one row a chain. To add a chain is to add a row to CHAINS."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from tracer.errors import UnknownChain


class Family(StrEnum):
    """Chains that write addresses and transaction hashes alike."""

    EVM = "evm"
    TRON = "tron"
    BITCOIN = "bitcoin"


@dataclass(frozen=True, slots=True)
class Chain:
    """One ledger: CAIP-2 id, short alias, and its native coin. `former` are symbols the coin had before."""

    id: str
    alias: str
    family: Family
    symbol: str
    decimals: int
    former: tuple[str, ...] = ()


CHAINS: dict[str, Chain] = {
    chain.id: chain
    for chain in (
        Chain("eip155:1", "ethereum", Family.EVM, "ETH", 18),
        Chain("eip155:10", "optimism", Family.EVM, "ETH", 18),
        Chain("eip155:56", "bsc", Family.EVM, "BNB", 18),
        Chain("eip155:100", "gnosis", Family.EVM, "XDAI", 18),
        Chain("eip155:137", "polygon", Family.EVM, "POL", 18, ("MATIC",)),
        Chain("eip155:8453", "base", Family.EVM, "ETH", 18),
        Chain("eip155:42161", "arbitrum", Family.EVM, "ETH", 18),
        Chain("eip155:43114", "avalanche", Family.EVM, "AVAX", 18),
        Chain("tron:728126428", "tron", Family.TRON, "TRX", 6),
        Chain("bip122:000000000019d6689c085ae165831e93", "bitcoin", Family.BITCOIN, "BTC", 8),
    )
}

_NAMES = {name: chain.id for chain in CHAINS.values() for name in (chain.id, chain.alias)}


def parse_chain(text: str) -> str:
    """The CAIP-2 id of a chain given by id or alias, in any case. UnknownChain names those known."""
    found = _NAMES.get(text.lower()) if isinstance(text, str) else None
    if found is None:
        known = ", ".join(f"{chain.alias} ({chain.id})" for chain in CHAINS.values())
        raise UnknownChain(f"unknown chain {text!r}; known: {known}")
    return found


@cache
def family(chain: str) -> Family:
    """How a chain, by id or alias, writes its addresses."""
    return CHAINS[parse_chain(chain)].family
